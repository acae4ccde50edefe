"""A world of drives whose truth is known: cars that come nearer, found by a latent process with shares that were chosen."""

from dataclasses import dataclass
from functools import cache

import numpy as np
import pandas as pd
from scipy.special import ndtr

from campaigns.drives.latent import Shares, draw
from campaigns.drives.read import BOX, Drives
from campaigns.drives.resample import Resamples, resample

SHARES = Shares(object=0.35, slow=0.4, white=0.25, tau_s=0.6)
#: Correlation of the camera's latent with that of LiDAR.
CORRELATION = 0.6
FOCAL, CAR_M = 720.0, 1.5
CAMERA, LIDAR = "kitti.yolox_x", "kitti.pointrcnn"


def threshold(height):
    """The truth: Phi^-1(recall) of a visible car by its height in pixels."""
    return 2.0 * np.log(np.asarray(height) / 30.0)


def recall(height):
    return ndtr(threshold(height))


@dataclass(frozen=True)
class World:
    drives: Drives
    seen: pd.DataFrame
    resamples: Resamples


@cache
def world(drives: int = 12, tracks: int = 30, seed: int = 0) -> World:
    """Cars from 25 to 90 m that come nearer by 0.5 to 1.5 m a frame; every tenth frame lacks its label."""
    rng = np.random.default_rng(seed)
    parts = [_track(f"{drive:04d}", track, rng) for drive in range(drives) for track in range(tracks)]
    seen = pd.concat(parts, ignore_index=True)
    frames = {name: int(rows["frame"].max()) + 1 for name, rows in seen.groupby("drive")}
    nothing = pd.DataFrame(columns=["drive", "frame", *BOX])
    made = Drives(seen, nothing, {}, {name: np.eye(3, 4) for name in frames}, frames)
    resamples = resample(made, 60)
    return World(made, resamples.placed(seen), resamples)


def _track(drive, track, rng):
    frame = np.flatnonzero(rng.random(rng.integers(15, 60)) > 0.1)
    distance = np.maximum(rng.uniform(25, 90) - rng.uniform(0.5, 1.5) * frame, 6.0)
    height = FOCAL * CAR_M / distance
    camera, other = draw([SHARES, SHARES], frame / 10, rng)
    lidar = CORRELATION * camera + np.sqrt(1 - CORRELATION**2) * other
    hidden = int(rng.integers(3))  # what is hidden is harder to see
    limit = threshold(height) - 0.4 * hidden
    return pd.DataFrame(
        {
            "drive": drive,
            "frame": frame,
            "track": track,
            "label": "Car",
            "truncation": 0,
            "occlusion": hidden,
            "height_px": height,
            "z_m": distance,
            "clear": hidden < 2,
            f"hit_{CAMERA}": camera <= limit,
            f"score_{LIDAR}": np.where(lidar <= limit, 5.0, np.nan),
        }
    )
