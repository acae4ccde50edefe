"""Two weeks of twelve cameras, drawn: a reference and a production whose faults are known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import scipy
from scipy.special import expit

from simulator.arrays import Floats
from simulator.monitors.monitor_tables import MonitoredTable
from simulator.records.streams import Streams

#: Three cameras at each site, and a row of each camera every 20 minutes of a week.
SITES = ("Harbour", "Market", "Office", "Stadium")
CAMERAS, STEP_H, WEEK_H = 12, 1 / 3, 168
#: Correlation of a camera's figures, and of the weather, with the row before.
_PHI, _WEATHER_PHI = 0.7, 0.9
#: The reference begins on a Monday.
BEGINS = pd.Timestamp("2026-01-05")


@dataclass(frozen=True)
class WeekFault:
    """A fault of production: a shift of a column, in its standard deviations at one camera, from an hour of the week on.

    column: `brightness` or `sharpness`; `confidence`, whose logit then shrinks by a factor of exp(sd)
    """

    column: str
    sd: float
    from_h: float = 0.0
    cameras: tuple[int, ...] = tuple(range(CAMERAS))


#: The cameras of the office are out of focus from Wednesday at nine, and the model is less sure of what it sees there.
OUT_OF_FOCUS = (
    WeekFault("sharpness", -2.5, 57, (6, 7, 8)),
    WeekFault("confidence", -0.8, 57, (6, 7, 8)),
)


def camera_weeks(seed: int = 5, faults: Sequence[WeekFault] = OUT_OF_FOCUS) -> tuple[MonitoredTable, MonitoredTable]:
    """Draw a quiet reference and a production with faults; `label` tells in both whether a person was there."""
    levels = Streams(seed).named("levels").normal(size=(2, CAMERAS))
    reference, production = (_week(Streams(seed, part), part, levels, faults if part else ()) for part in (0, 1))
    return MonitoredTable("reference", reference), MonitoredTable("production", production)


def _week(streams: Streams, part: int, levels: Floats, faults: Sequence[WeekFault]) -> pd.DataFrame:
    """Draw the rows of a week, by time and then by camera."""
    hours = np.arange(0, WEEK_H, STEP_H)
    shape = (len(hours), CAMERAS)
    day = np.cos(2 * np.pi * (hours - 13) / 24)
    weather = _series(streams, "weather", (len(hours), 1), _WEATHER_PHI)
    own = {name: _series(streams, name, shape, _PHI) for name in ("brightness", "sharpness", "confidence")}
    moved = {name: _moved(name, hours, faults) for name in own}
    brightness = 110 + 45 * day[:, None] + 8 * levels[0]
    brightness += 12 * (np.sqrt(0.5) * own["brightness"] + np.sqrt(0.5) * weather + moved["brightness"])
    sharpness = 20 + 2 * levels[1] + 1.5 * (own["sharpness"] + moved["sharpness"])
    confidence = expit((0.4 + 1.8 * own["confidence"]) * np.exp(moved["confidence"]))
    label = streams.named("label").random(shape) < confidence
    boxes = streams.named("boxes").poisson(2.5 + 1.5 * day[:, None], shape)
    sky = np.select([weather < -1.2, weather < -0.4], ["fog", "rain"], "clear")
    at = BEGINS + pd.to_timedelta(WEEK_H * part + hours, unit="h").round("s")
    return pd.DataFrame(
        {
            "timestamp": np.repeat(at.strftime("%Y-%m-%dT%H:%M").to_numpy(), CAMERAS),
            "site": np.tile(np.repeat(SITES, CAMERAS // len(SITES)), len(hours)),
            "camera": np.tile(np.arange(1, CAMERAS + 1), len(hours)),
            "brightness": brightness.ravel().round(1),
            "sharpness": sharpness.ravel().round(2),
            "weather": np.broadcast_to(sky, shape).ravel(),
            "boxes": boxes.ravel(),
            "confidence": confidence.ravel().round(4),
            "label": label.ravel().astype(int),
        }
    )


def _series(streams: Streams, name: str, shape: tuple[int, int], phi: float) -> Floats:
    """Draw an AR(1) series of unit variance for each camera, shape (rows, cameras), from its stationary distribution."""
    noise = streams.named(name).normal(size=shape)
    noise[1:] *= np.sqrt(1 - phi**2)
    return np.asarray(scipy.signal.lfilter([1.0], [1.0, -phi], noise, axis=0), float)


def _moved(column: str, hours: Floats, faults: Sequence[WeekFault]) -> Floats:
    moved = np.zeros((len(hours), CAMERAS))
    for fault in faults:
        if fault.column == column:
            moved += fault.sd * np.outer(hours >= fault.from_h, np.isin(np.arange(CAMERAS), fault.cameras))
    return moved
