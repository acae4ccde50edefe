"""HOTA, DetA, AssA (Luiten et al. 2021) and MOTA of cars by the library trackeval: a check of the folder and of the reader."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pandas as pd
import trackeval

from campaigns.drives.read import Drives
from campaigns.drives.sensors import PUBLISHED_CAMERAS, SENSORS

COLUMNS = ["seen_by", "hota", "deta", "assa", "mota", "published_hota"]

#: HOTA of cars in percent that was published beside the files, in car_summary.txt of each tracker
#: (github.com/wuhanstudio/2d-kitti-tracking, commit 5db8e3c). Its README still tells 53.78 for YOLOX, of an earlier version.
PUBLISHED = {"kitti.yolox_x": 53.825, "kitti.yolov4": 53.382, "kitti.yolov3": 40.601, "kitti.ciwt_stereo": 66.306}


def table(folder: Path, drives: Drives) -> pd.DataFrame:
    """tracking.csv: figures in percent, a row a camera; `folder` is where the drives were read from."""
    found = _evaluated(folder, drives)
    rows = [{"seen_by": name, "published_hota": PUBLISHED[name]} | _figures(found[name]) for name in PUBLISHED_CAMERAS]
    return pd.DataFrame(rows, columns=COLUMNS)


def _figures(found: Mapping[str, Any]) -> dict[str, float]:
    """HOTA and its parts are means over thresholds of the overlap, of 0.05 to 0.95; MOTA takes 0.5."""
    hota = {name.lower(): 100 * float(found["HOTA"][name].mean()) for name in ("HOTA", "DetA", "AssA")}
    return hota | {"mota": 100 * float(found["CLEAR"]["MOTA"])}


def _evaluated(folder: Path, drives: Drives) -> dict[str, Mapping[str, Any]]:
    """Return trackeval's scores of all drives together, by camera."""
    with TemporaryDirectory() as place, redirect_stdout(StringIO()):
        _lay_out(Path(place), folder, drives)
        dataset = trackeval.datasets.Kitti2DBox(
            {
                "GT_FOLDER": f"{place}/truth",
                "TRACKERS_FOLDER": f"{place}/trackers",
                "CLASSES_TO_EVAL": ["car"],
                "PRINT_CONFIG": False,
            }
        )
        quiet = dict.fromkeys(("PRINT_CONFIG", "PRINT_RESULTS", "OUTPUT_SUMMARY", "OUTPUT_DETAILED", "PLOT_CURVES"), False)
        evaluator = trackeval.Evaluator({**quiet, "TIME_PROGRESS": False, "BREAK_ON_ERROR": True, "LOG_ON_ERROR": None})
        metrics = [trackeval.metrics.HOTA(), trackeval.metrics.CLEAR({"PRINT_CONFIG": False})]
        found, _ = evaluator.evaluate([dataset], metrics)
    return {name: found[dataset.get_name()][name]["COMBINED_SEQ"]["car"] for name in PUBLISHED_CAMERAS}


def _lay_out(place: Path, folder: Path, drives: Drives) -> None:
    """Lay out the drives by links, as trackeval expects them."""
    truth = place / "truth"
    truth.mkdir()
    (truth / "label_02").symlink_to((folder / "labels").resolve())
    lengths = [f"{name} empty 000000 {frames:06d}\n" for name, frames in drives.frames.items()]
    (truth / "evaluate_tracking.seqmap.training").write_text("".join(lengths))
    for name in PUBLISHED_CAMERAS:
        (place / "trackers" / name).mkdir(parents=True)
        (place / "trackers" / name / "data").symlink_to((folder / SENSORS[name].folder).resolve())
