"""Tables of drives for `simulator.evidence.drive_tables`: sums and curves, never a row a box or track."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
from ruamel.yaml import YAML

from campaigns.drives import (
    curves,
    false_answers,
    follows,
    forms,
    heldout,
    heldout_curves,
    heldout_drives,
    joint,
    lateness,
    persistence,
    ranges,
    recall,
    sent_home,
    tracking,
)
from campaigns.drives.hits import looks, of_kind
from campaigns.drives.read import PARTS, RATE, Drives, DrivesError, read_drives
from campaigns.drives.resample import DRAWS, RESAMPLES, SEED, Resamples, resample
from campaigns.drives.sensors import SENSORS
from simulator.evidence.evidence_files import in_one_step
from simulator.measure.machine import provenance

LICENCE = "CC BY-NC-SA 3.0: non-commercial"
ATTRIBUTION = (
    "KITTI tracking benchmark (Geiger, Lenz, Urtasun 2012), Karlsruhe Institute of Technology and Toyota Technological "
    "Institute at Chicago, CC BY-NC-SA 3.0, non-commercial; labels and LiDAR detections as distributed with AB3DMOT (Weng et "
    "al. 2020), camera detections with wuhanstudio/2d-kitti-tracking"
)
_LIBRARIES = ["filterpy", "numpy", "pandas", "scipy", "trackeval"]
_DIGITS = 5
#: A track comes nearer if it does so by at least so many metres, over at least so many labelled frames.
_NEARER_M, _NEARER_FRAMES = 10.0, 20


@dataclass(frozen=True)
class Work:
    """Inputs of every table.

    seen: `looks` of all drives
    """

    folder: Path
    drives: Drives
    seen: pd.DataFrame
    resamples: Resamples


#: How each file is made: seconds to minutes of work, most of it the curves and the chains fitted to every resample.
TABLES: dict[str, Callable[[Work], pd.DataFrame]] = {
    "recall": lambda work: recall.table(work.seen, work.resamples),
    "lateness": lambda work: lateness.table(work.drives, work.resamples),
    "lidar_lateness": lambda work: lateness.lidar_table(work.drives, work.resamples),
    "tracking": lambda work: tracking.table(work.folder, work.drives),
    "curves": lambda work: curves.table(work.seen, work.resamples),
    "forms": lambda work: forms.table(work.seen, work.resamples),
    "persistence": lambda work: persistence.table(work.seen, work.resamples),
    "follows": lambda work: follows.table(work.seen, work.resamples),
    "joint": lambda work: joint.table(work.seen, work.resamples),
    "false": lambda work: false_answers.table(work.drives),
    "ranges": lambda work: ranges.table(work.drives, work.resamples),
    "sent_home": lambda work: sent_home.table(work.drives, work.seen, work.resamples),
    "heldout": lambda work: heldout.table(work.drives, work.seen),
    "heldout_curves": lambda work: heldout_curves.table(work.drives, work.seen),
    "heldout_drives": lambda work: heldout_drives.table(work.drives, work.seen, work.resamples),
}
#: How often `make_tables` tells that it has come further.
STEPS = PARTS + len(TABLES)

NOTES = [
    "an object is found when a box of its kind overlaps its own by an intersection over union of at least 0.5, any box of the "
    "frame; objects cut off by the edge of the image or largely hidden are left out, but for the rows by occlusion",
    "cars: Car and Van for the YOLO networks, which learnt COCO's classes; Car for the stereo tracker and PointRCNN, which "
    "learnt KITTI's, where a van is a class of its own",
    "distance is z, ahead of the camera; heights are pixels of images 1242 wide and 375 high, focal length about 721 pixels",
    "camera boxes are not a network's own answers: OC-SORT made them from boxes with a score of at least 0.6, and publishes a "
    "track from its third find in a row on, after every miss anew; the stereo camera's are those of the tracker CIWT; "
    "PointRCNN's went through no tracker",
    "the script that made YOLOX's boxes turns pictures to RGB, while the network learnt BGR (2d-tracking-yolox-oc-sort.py in "
    "wuhanstudio/2d-kitti-tracking): that takes 0.03 of YOLOX-nano's AP of 0.34 on COCO; it counts buses and trucks as cars",
    "kitti.yolox_x.restored: with the finds that each stretch of published boxes implies, two after a miss and three of a new "
    "track, placed by a line through its boxes; drawn back from published stretches, 99%, 93% and 78% of such boxes overlap "
    "the true ones by half, one, two and three frames before; finds that never had two more in a row stay unknown",
    "YOLOX learnt from COCO, PointRCNN from the training drives of KITTI: whether these drives were among them is not known",
    "lateness: cars; labels of a frame against the answers of an earlier one; predicted: each box moved on by the age of the "
    "answer with the speed that a Kalman filter gives its track; won_back: the part of the loss that this gives back",
    "the filter's noise was chosen on these drives, which matters little: with half or twice as much change of speed, the "
    "shares found with YOLOX's boxes at an overlap of 0.5 move by 0.013 at most",
    "tracking: percent, as trackeval's KITTI evaluation of cars tells; published_hota stands in the car_summary.txt beside the "
    "files; the README there still tells 53.78 for YOLOX, of an earlier version of its boxes",
    "curves: every object counts the same, however long it was followed; names that end in .frames: every frame does, as in "
    "recall; forms: which shape "
    "of curve says most about drives that it was not fitted on, as mean log-likelihood of a frame",
    "persistence: shares of a normal latent behind the hits that stay with an object, change slowly with the time constant "
    "tau_s, or are new in every frame; draw -1 is the estimate",
    "joint: the correlation of the latents of camera and LiDAR in one frame, given size or distance and occlusion; empty where "
    "one of them hardly ever misses",
    "false: answers that overlap no label by 0.3, outside unlabelled regions; corridor: up to "
    f"{false_answers.ASIDE_M:g} m to either side and {false_answers.AHEAD_M:g} m ahead; exact Poisson intervals",
    "ranges: distances of found objects beside the nearest face of the labelled box (ratio), and closing speeds over half a "
    "second (m/s); each track weighs the same in a band; height: by the mean labelled height, road: by the lower edge of the "
    "box on a flat road; PointRCNN learnt boxes that were labelled in the same way",
    "sent_home: one frame a second; labelled cars within 50 m that the camera missed, in the frames that a rule picks by "
    "answers alone; intervals over drives",
    "heldout: fitted on every second drive, judged by the others; distance of an approaching car when 3 hits of 4 confirm it",
    "heldout_drives: each drive left out once, judged by the others; each: what counts the same in the curve, or occlusion: a "
    "curve for each degree of it; clear frames only, but for the rows of occlusion",
    "lidar_lateness: labels of a frame against PointRCNN's answers of an earlier one, at the score of its curve here",
    "one city in daylight, one camera and one LiDAR, 13 minutes: no night, no rain, few cyclists",
]


def make_tables(folder: Path, tell: Callable[[str], None] = lambda _: None) -> tuple[Work, dict[str, pd.DataFrame]]:
    """Read the drives in `folder` and make every table; raises DrivesError.

    tell: called with what comes next, `STEPS` times
    """
    drives = read_drives(folder, lambda: tell("reading"))
    resamples = resample(drives)
    work = Work(folder, drives, looks(drives), resamples)
    _check_enough(work)
    tables = {}
    for name, make in TABLES.items():
        tell(name)
        tables[name] = make(work)
    return work, tables


def _check_enough(work: Work) -> None:
    """Raise DrivesError unless there are two drives, and some of every kind of object that a sensor is judged by."""
    if len(work.drives.names) < 2:
        raise DrivesError(f"{work.folder / 'labels'}: holds one drive; intervals, and the check on drives left out, need two")
    for sensor in SENSORS.values():
        for kind, labels in sensor.labels.items():
            if of_kind(work.seen, sensor, kind).empty:
                what = f"no {' or '.join(labels)} with truncation 0 and occlusion 0 or 1"
                raise DrivesError(f"{work.folder / 'labels'}: has {what}; the tables need cars, pedestrians and cyclists")


def write_tables(out: Path, tables: dict[str, pd.DataFrame], drives: Drives) -> None:
    """Write the tables and about.yaml to the folder `out`, each file in one step."""
    for name, table in tables.items():
        with in_one_step(out / f"{name}.csv") as part:
            table.to_csv(part, index=False, float_format=f"%.{_DIGITS}g", lineterminator="\n")
    yaml = YAML()
    yaml.width, yaml.default_flow_style = 120, False
    with in_one_step(out / "about.yaml") as part:
        yaml.dump(about(drives), part)


def about(drives: Drives) -> dict[str, Any]:
    """Return the content of about.yaml."""
    made = provenance(_LIBRARIES, "", "")
    return {
        "date": made.date,
        "libraries": made.libraries,
        "attribution": ATTRIBUTION,
        "licence": LICENCE,
        "counts": counts(drives),
        "intervals": "95%, percentiles of a bootstrap that draws drives, then tracks in each; where all or none were found, "
        "the exact binomial interval with the number of tracks",
        "seed": SEED,
        "resamples": {"all": RESAMPLES, "curves": curves.RESAMPLES, "joint": joint.RESAMPLES},
        "draws": f"d00 to d{DRAWS - 1:02d} are the first {DRAWS} of the resamples, the same in every table; a table with fewer "
        "resamples takes the first",
        "notes": NOTES,
    }


def counts(drives: Drives) -> dict[str, Any]:
    """Return the numbers of boxes and tracks by class, and of the tracks that come nearer."""
    tracks = drives.labels.sort_values("frame").groupby(["drive", "track"])
    lives = tracks.agg(label=("label", "first"), frames=("frame", "size"), begin=("z_m", "first"), end=("z_m", "last"))
    nearer = lives[lives["frames"].ge(_NEARER_FRAMES) & (lives["begin"] - lives["end"]).ge(_NEARER_M)]
    return {
        "drives": len(drives.names),
        "frames": sum(drives.frames.values()),
        "frames_per_s": RATE,
        "minutes": round(60 * drives.hours, 2),
        "boxes": _by_class(drives.labels),
        "tracks": _by_class(lives),
        f"tracks_{_NEARER_M:g}_m_nearer_in_{_NEARER_FRAMES / RATE:g}_s_or_more": _by_class(nearer),
        "unlabelled_regions": len(drives.unlabelled),
        "answers": {name: len(table) for name, table in drives.answers.items()},
    }


def _by_class(rows: pd.DataFrame) -> dict[str, int]:
    return {str(label): int(count) for label, count in rows["label"].value_counts().items()}
