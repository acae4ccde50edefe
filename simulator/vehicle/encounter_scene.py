"""One encounter of a vehicle, as its moving picture is drawn: claims, positions over time, frames and their answers, a table.

One design stands above the other, on one clock.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from operator import itemgetter
from typing import Any, cast

import numpy as np
import pandas as pd
import scipy

from simulator.charts.look import BLUE, FOUND, GREY, MISSED, ORANGE, PURPLE, RED, SKY, rounded, word_on
from simulator.explain.claims import Claim, said
from simulator.phrases import phrase
from simulator.units import duration, significant
from simulator.vehicle.followed import Followed

#: The phases of an encounter in their order: what each is called, and its colour.
PHASES = {
    "unseen": ("not seen", GREY),
    "seen": ("seen", SKY),
    "slowing": ("braking gently", BLUE),
    "confirmed": ("confirmed", PURPLE),
    "braking": ("braking", ORANGE),
    "stopped": ("in time", FOUND),
    "hit": ("collision", MISSED),
}

#: The results of a frame: what each is called, and its colour.
RESULTS = {"found": ("found", BLUE), "missed": ("not found", GREY), "unanswered": ("no answer", RED)}

#: Length and width of a car, in metres, and half the width of the way.
CAR_M, LANE_M = (4.5, 1.8), 1.75

#: Playing an encounter takes this many times its real duration.
SLOWED = 2

#: Digits of times (s) and places (m) in the browser.
_PLACES = 4


@dataclass(frozen=True)
class EncounterScene:
    """One encounter with one or two designs, by name."""

    designs: Mapping[str, Followed]

    @cached_property
    def claims(self) -> list[Claim]:
        """Claim the encounter, and its end with each design."""
        first = next(iter(self.designs.values()))
        met = f"{first.label}, {_metres(first.appears_gap_m)} ahead of a vehicle at {significant(first.speed_kmh, 2)} km/h."
        name = f"encounter {first.number}"
        ends = [
            Claim(f"{name}: metres left", "is", one.margin_m, unit="m", population=design, words=_sentence(design, one))
            for design, one in self.designs.items()
        ]
        return [Claim(f"{name}: distance at first", "is", first.appears_gap_m, unit="m", words=met), *ends]

    @property
    def takeaway(self) -> str:
        return said(self.claims)

    @property
    def ends_s(self) -> float:
        return max(followed.ended_s for followed in self.designs.values())

    @cached_property
    def panes(self) -> list[_Pane]:
        return [_Pane(name, followed) for name, followed in self.designs.items()]

    def table(self) -> pd.DataFrame:
        """Return everything that happens, design by design, in the order of time."""
        rows = [row for pane in self.panes for row in sorted(_events(pane), key=lambda row: float(row["time (s)"]))]
        return rounded(pd.DataFrame(rows))

    def to_json(self) -> dict[str, Any]:
        """Return the data of the picture: times in seconds since the object came into view, places in metres of the road."""
        first = next(iter(self.designs.values()))
        farthest = max(pane.farthest_m for pane in self.panes)
        return {
            "alt": self.takeaway,
            "object": first.object,
            "hidden": round(first.hidden_s, _PLACES),
            "ends": round(self.ends_s, _PLACES),
            "slowed": SLOWED,
            "road": [-CAR_M[0] - 1, round(1.05 * farthest, _PLACES)],
            "side": max(2.8, *(abs(design.lateral_m) + 1.5 for design in self.designs.values())),
            "lane": LANE_M,
            "car": CAR_M,
            "phases": {name: [*look, word_on(look[1])] for name, look in PHASES.items()},
            "results": RESULTS,
            "panes": [pane.to_json() for pane in self.panes],
        }


@dataclass(frozen=True)
class _Pane:
    """One design: its name, and its encounter."""

    name: str
    followed: Followed

    @cached_property
    def way(self) -> pd.DataFrame:
        way = self.followed.steps.copy()
        way["vehicle_m"] = scipy.integrate.cumulative_trapezoid(way["vehicle_kmh"] / 3.6, way["t_s"], initial=0)
        way["object_m"] = way["vehicle_m"] + way["gap_m"]
        way["believed_m"] = way["vehicle_m"] + way["believed_gap_m"]
        return way

    @cached_property
    def frames(self) -> pd.DataFrame:
        frames = self.followed.frames
        shown = frames[frames["captured_s"].between(0, self.followed.ended_s)].reset_index(drop=True)
        result = np.select([shown["answered_s"].isna(), shown["hit"]], ["unanswered", "found"], "missed")
        return shown.assign(result=result)

    @property
    def farthest_m(self) -> float:
        """The length of the road, in metres: the object has room, wherever it is and is believed to be."""
        return float(np.nanmax([self.way["object_m"].max() + CAR_M[0], self.way["believed_m"].max()]))

    def at(self, column: str, at_s: float) -> float:
        return float(np.interp(at_s, self.way["t_s"], self.way[column]))

    def to_json(self) -> dict[str, Any]:
        columns = {"t": "t_s", "vehicle": "vehicle_m", "object": "object_m", "lateral": "lateral_m", "believed": "believed_m"}
        columns |= {"gap": "gap_m", "kmh": "vehicle_kmh"}
        sensors = list(dict.fromkeys(self.frames["sensor"]))
        return {
            "name": self.name,
            "outcome": _outcome(self.followed),
            "way": _on_the_way(self),
            "steps": {name: _numbers(self.way[column]) for name, column in columns.items()},
            "spans": [[phase, round(start, _PLACES), round(end, _PLACES)] for phase, start, end in self.spans()],
            "moments": [[what, round(at, _PLACES)] for what, at in _moments(self.followed)],
            "sensors": [{"name": sensor, "frames": self._frames_of(sensor)} for sensor in sensors],
        }

    def spans(self) -> list[tuple[str, float, float]]:
        """Return each phase that takes time, with its start and its end."""
        way = self.way
        starts = way["phase"].ne(way["phase"].shift()).to_numpy().nonzero()[0]
        edges = [*way["t_s"].iloc[starts], self.followed.ended_s]
        phases = [str(phase) for phase in way["phase"].iloc[starts]]
        spans = zip(phases, pairwise(edges), strict=True)
        return [(phase, start, end) for phase, (start, end) in spans if end > start or phase in ("stopped", "hit")]

    def _frames_of(self, sensor: str) -> list[list[Any]]:
        own = self.frames[self.frames["sensor"] == sensor]
        times = zip(_numbers(own["captured_s"]), _numbers(own["answered_s"]), strict=True)
        rows = cast(Any, own.itertuples())
        return [[*both, row.result, _frame_words(row)] for both, row in zip(times, rows, strict=True)]


def _numbers(values: pd.Series) -> list[float | None]:
    """Return numbers for JSON, which has no NaN."""
    return [None if np.isnan(value) else round(float(value), _PLACES) for value in values]


def _moments(followed: Followed) -> list[tuple[str, float]]:
    ending = "hits it" if not followed.stopped else "stops" if _stands(followed) else "slows to its speed"
    named = [("comes into view", 0.0), ("is confirmed", followed.confirmed_s), ("vehicle brakes", followed.braking_s)]
    if followed.slowing_s is not None and followed.slowing_s < (followed.confirmed_s or np.inf):
        named.append(("vehicle brakes gently", followed.slowing_s))
    there = [(what, at) for what, at in named if at is not None]
    return [*sorted(there, key=itemgetter(1)), (f"vehicle {ending}", followed.ended_s)]


def _frame_words(row: Any) -> str:
    if row.result == "unanswered":
        return f"{row.sensor}: no answer"
    late = row.answered_s - row.captured_s
    return phrase("encounters.frame", sensor=row.sensor, result=RESULTS[row.result][0], late=late, chance=row.chance)


# Words.


def _sentence(name: str, followed: Followed) -> str:
    """Say what a design does, in one sentence; `name` begins it."""
    confirmed, braking = followed.confirmed_s, followed.braking_s
    words = ["never confirms it" if confirmed is None else f"confirms it after {duration(confirmed)}"]
    if followed.slowing_s is not None and followed.slowing_s < (confirmed or np.inf):
        words.insert(0, f"brakes gently after {duration(followed.slowing_s)}")
    if braking is not None:
        words.append(f"brakes after {duration(braking)}")
    elif confirmed is not None:
        words.append("does not brake")
    words.append(_outcome(followed))
    if not followed.stopped and followed.margin_m < 0:
        words[-1] += f", {_metres(-followed.margin_m)} short"
    return f"{name} {', '.join(words[:-1])} and {words[-1]}."


def _outcome(followed: Followed) -> str:
    if not followed.stopped:
        return f"hits it at {significant(followed.impact_kmh, 2)} km/h"
    if followed.braking_s is None:
        return "does not hit it"
    left = _metres(followed.margin_m) if followed.margin_m >= 0.05 else "less than 0.1 m"
    return f"stops {left} before it" if _stands(followed) else f"comes no nearer than {left}"


def _stands(followed: Followed) -> bool:
    return bool(followed.steps["vehicle_kmh"].iloc[-1] < 1)


def _on_the_way(pane: _Pane) -> str:
    confirmed, braking = pane.followed.confirmed_s, pane.followed.braking_s
    if confirmed is None:
        return "never confirms it" if braking is None else f"brakes {_metres(pane.at('gap_m', braking))} before it"
    words = f"confirmed {_metres(pane.at('gap_m', confirmed))} before it"
    return f"{words}, never brakes" if braking is None else f"{words}, brakes {_metres(pane.at('gap_m', braking))} before it"


def _metres(value: float) -> str:
    return f"{value:.1f} m"


# The table.


def _events(pane: _Pane) -> Iterator[dict[str, Any]]:
    def at(time: float, what: str, **more: Any) -> dict[str, Any]:
        where = {"distance (m)": pane.at("gap_m", time), "vehicle (km/h)": pane.at("vehicle_kmh", time)}
        return {"design": pane.name, "time (s)": time, "what happens": what, **where, **more}

    for what, time in _moments(pane.followed):
        yield at(time, what if what.startswith("vehicle") else f"{pane.followed.object} {what}")
    if 0 < pane.followed.hidden_s < pane.followed.ended_s:
        yield at(pane.followed.hidden_s, f"{pane.followed.object} is no longer hidden")
    for row in cast(Any, pane.frames.itertuples()):
        seen = {
            "height (px)": row.height_px,
            "chance to be found (%)": 100 * row.chance,
            "answer known at (s)": row.answered_s,
        }
        yield at(row.captured_s, f"{row.sensor} captures a frame: {RESULTS[row.result][0]}", **seen)
