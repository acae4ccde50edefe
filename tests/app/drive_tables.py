"""Small tables of drives, made by hand, as the evidence holds them."""

import numpy as np
import pandas as pd

from simulator.evidence.drive_tables import PLAYED, Drives

YOLOX, POINTRCNN = "kitti.yolox_x", "kitti.pointrcnn"

ABOUT = """\
date: '2026-01-01'
attribution: KITTI (Geiger et al. 2012)
licence: CC BY-NC-SA 3.0
"""


def late(late_s, predicted, share, by="all", low=np.nan, high=np.nan):
    """A row of `lateness.csv`, with an interval of 5 points to each side."""
    about = {"seen_by": YOLOX, "late_frames": round(10 * late_s), "late_s": late_s, "iou": 0.5, "predicted": predicted}
    found = {"found": share, "found_low": share - 0.05, "found_high": share + 0.05}
    return about | {"by": by, "low": low, "high": high, "boxes": 100, **found}


def lateness_rows():
    """Of 80% a lateness of 0.2 s leaves 40%, of which a prediction wins half back; fast cars lose most."""
    every = [late(0.0, False, 0.8), late(0.1, False, 0.6), late(0.2, False, 0.4), late(0.0, True, 0.8), late(0.2, True, 0.6)]
    bands = {
        "closing_mps": [(-np.inf, -2, 0.7, 0.65, 0.7), (-2, 10, 0.8, 0.7, 0.78), (10, np.inf, 0.6, 0.1, 0.4)],
        "height_px": [(0, 25, 0.2, 0.1, 0.15), (25, np.inf, 0.9, 0.5, 0.8)],
    }
    ages = [(0.0, False), (0.2, False), (0.2, True)]
    grouped = [
        late(late_s, predicted, share, by, low, high)
        for by, each in bands.items()
        for low, high, *shares in each
        for (late_s, predicted), share in zip(ages, shares, strict=True)
    ]
    return pd.DataFrame(every + grouped)


def held(misses, predicted, bias):
    """A row of `heldout_drives.csv`: really 35 m at the median."""
    places = {"real": 30, "predicted": predicted}
    quantiles = {f"{kind}_q{share}": at + share / 10 for kind, at in places.items() for share in (10, 25, 50, 75, 90)}
    medians = {"tracks": 120, "real_median_m": 35.0, "predicted_median_m": predicted + 5}
    checked = {"bias_m": bias, "bias_low": bias - 2, "bias_high": bias + 1, "even_80": 0.78, "even_95": 0.93}
    return {"seen_by": YOLOX, "each": PLAYED, "misses": misses, **medians, **checked, **quantiles}


def heldout_rows():
    """Misses that follow each other predict a metre too little, independent ones ten too much."""
    return pd.DataFrame([held("chain", 29, -1), held("independent", 40, 10)])


def followed(kind, by, low, high, **shares):
    """A row of `follows.csv`, with an interval of 2 points to each side where something was measured."""
    about = {"seen_by": YOLOX, "object": "car", "kind": kind, "by": by, "low": low, "high": high, "pairs": 500, "tracks": 40}
    bounds = {name: share for name, share in shares.items() if name not in ("chain", "independent")}
    lower = {f"{name}_low": share - 0.02 for name, share in bounds.items()}
    return about | shares | lower | {f"{name}_high": share + 0.02 for name, share in bounds.items()}


def follows_rows():
    """A miss follows a miss: of small cars most of all."""
    return pd.DataFrame(
        [
            followed("next", "all", np.nan, np.nan, share=0.7, after_hit=0.9, after_miss=0.2),
            followed("next", "height_px", 0, 25, share=0.3, after_hit=0.7, after_miss=0.1),
            followed("next", "distance_m", 0, 10, share=0.9, after_hit=0.9, after_miss=0.4),
            followed("confirmed", "all", np.nan, np.nan, observed=0.75, chain=0.74, independent=0.9),
            followed("confirmed", "height_px", 0, 25, observed=0.3, chain=0.32, independent=0.8),
        ]
    )


def joint_rows():
    """Near by two sensors find what either would; far away they miss the same cars. The first row is that of all distances."""
    about = {"camera": YOLOX, "lidar": POINTRCNN, "object": "car", "boxes": 1000}
    about |= {"correlation": 0.4, "correlation_low": 0.3, "correlation_high": 0.5}
    bands = [(0, np.inf, 0.7, 0.7, 0.8, 0.9), (0, 20, 0.9, 0.9, 0.97, 0.99), (20, np.inf, 0.4, 0.5, 0.6, 0.7)]
    return pd.DataFrame(
        [
            about
            | {"low_m": low, "high_m": high, "camera_share": camera, "lidar_share": lidar, "both": camera * lidar}
            | {"either": either, "either_low": either - 0.03, "either_high": either + 0.02, "independent_either": free}
            for low, high, camera, lidar, either, free in bands
        ]
    )


def write_drives(folder):
    """A folder of evidence with these tables; the others hold no rows."""
    tables = {"lateness": lateness_rows(), "heldout_drives": heldout_rows(), "follows": follows_rows(), "joint": joint_rows()}
    for name, table in Drives.tables().items():
        tables.get(name, pd.DataFrame(columns=table.names)).to_csv(folder / table.file, index=False)
    (folder / "about.yaml").write_text(ABOUT, encoding="utf-8")
    return folder
