"""One encounter followed step by step, for whoever wants to see it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from simulator.records.trace import Trace
from simulator.vehicle.encounter_draws import KMH
from simulator.vehicle.encounter_section import LONGEST_S
from simulator.vehicle.meeting import EncounterOutcome, Looks, Meeting

Floats = NDArray[np.float64]

Phase = Literal["unseen", "seen", "confirmed", "braking", "stopped", "hit"]

#: Steps of a picture that can be played.
STEPS = 80


@dataclass(frozen=True)
class Followed:
    """One encounter; times in seconds from when the object comes into view.

    label: of its kind; number: within the replication, the same in every design; lateral_m: how far beside the way it comes
    into view
    steps: t_s, gap_m (true), believed_gap_m (NaN as long as nothing is known), vehicle_kmh, phase
    frames: of what looks ahead, in the order of capture: sensor, seen_by, captured_s, answered_s (NaN: never), height_px (NaN
    of a LiDAR), chance (recall), hit
    confirmed_s, braking_s: None where never; margin_m: left at standstill, below 0: so much more was needed
    """

    label: str
    object: str
    number: int
    speed_kmh: float
    appears_gap_m: float
    lateral_m: float
    steps: pd.DataFrame
    frames: pd.DataFrame
    confirmed_s: float | None
    braking_s: float | None
    ended_s: float
    stopped: bool
    impact_kmh: float
    margin_m: float


def follow(meeting: Meeting, number: int) -> Followed:
    """Return an encounter of a replication by its number."""
    outcome = _outcome(meeting)
    kind = list(meeting.spec.kinds.values())[int(meeting.drawn.kind[number])]
    course = _Course(meeting, outcome, number)
    return Followed(
        label=kind.label,
        object=kind.object,
        number=number,
        speed_kmh=float(meeting.speed_mps[number]) / KMH,
        appears_gap_m=float(meeting.gap_m[number]),
        lateral_m=float(meeting.drawn.lateral_m[number]),
        steps=course.steps(),
        frames=_frames(meeting, number),
        confirmed_s=_finite(outcome.confirmed_s[number], course.ends),
        braking_s=_finite(outcome.braking_s[number], course.ends),
        ended_s=course.ends,
        stopped=bool(outcome.stopped[number]),
        impact_kmh=float(outcome.impact_mps[number]) / KMH,
        margin_m=float(outcome.margin_m[number]),
    )


def interesting(meeting: Meeting) -> dict[str, int]:
    """Return encounters worth a look under this design, by what they are: their numbers."""
    outcome = _outcome(meeting)
    counts = np.flatnonzero(meeting.closes)
    if not len(counts):
        return {}
    margin = outcome.margin_m[counts]
    order = counts[np.argsort(margin, kind="stable")]
    hit = order[: int((margin < 0).sum())]
    numbers = {"closest call": order[min(len(hit), len(order) - 1)], "typical": order[len(order) // 2]}
    numbers |= {"worst": order[0]} | ({"hit at the median speed": hit[len(hit) // 2]} if len(hit) else {})
    for place, kind in enumerate(meeting.spec.kinds.values()):
        of_kind = order[meeting.drawn.kind[order] == place]
        numbers |= {kind.label: of_kind[len(of_kind) // 2]} if len(of_kind) else {}
    return {name: int(number) for name, number in numbers.items()}


@lru_cache(maxsize=8)
def _outcome(meeting: Meeting) -> EncounterOutcome:
    return meeting.outcome()


def _finite(time: float, ends: float) -> float | None:
    return float(time) if time <= ends else None


class _Course:
    """The gap and the speed over one encounter."""

    def __init__(self, meeting: Meeting, outcome: EncounterOutcome, number: int) -> None:
        self.closing, self.own = float(meeting.closing_mps[number]), float(meeting.drawn.own_mps[number])
        self.gap, self.slows = float(meeting.gap_m[number]), float(meeting.deceleration[number])
        self.confirmed, self.braking = float(outcome.confirmed_s[number]), float(outcome.braking_s[number])
        self.stopped = bool(outcome.stopped[number])
        self.meeting, self.number = meeting, number

    @property
    def ends(self) -> float:
        """The time when the vehicle has stopped closing in, or is at the object."""
        contact = self.gap / self.closing
        if self.braking >= contact:
            return contact
        left = self.gap - self.closing * self.braking
        if self.stopped:
            return self.braking + self.closing / self.slows
        return self.braking + (self.closing - float(np.sqrt(max(self.closing**2 - 2 * self.slows * left, 0.0)))) / self.slows

    def steps(self) -> pd.DataFrame:
        """Return a row a step, with each time at which something happens among them."""
        marks = [time for time in (self.confirmed, self.braking, self.ends) if time <= self.ends]
        times = np.unique(np.append(np.linspace(0, self.ends, STEPS - len(marks)), marks))
        brakes = np.clip(times - self.braking, 0.0, None) if np.isfinite(self.braking) else np.zeros(len(times))
        closing = np.maximum(self.closing - self.slows * brakes, 0.0)
        gap = self.gap - self.closing * times + self.slows * brakes**2 / 2
        return pd.DataFrame(
            {
                "t_s": times,
                "gap_m": np.maximum(gap, 0.0),
                "believed_gap_m": self._believed(times),
                "vehicle_kmh": (closing + self.own) / KMH,
                "phase": [self._phase(time) for time in times],
            }
        )

    def _believed(self, times: Floats) -> Floats:
        meeting = self.meeting
        believed = meeting.believed[self.number]
        place = np.searchsorted(meeting.ticks[self.number], times, "right") - 1
        return np.where(place >= 0, believed[np.maximum(place, 0)], np.nan)

    def _phase(self, time: float) -> Phase:
        if time >= self.ends:
            return "stopped" if self.stopped else "hit"
        if time >= self.braking:
            return "braking"
        if time >= self.confirmed:
            return "confirmed"
        return "seen" if self._first_hit <= time else "unseen"

    @property
    def _first_hit(self) -> float:
        meeting = self.meeting
        times = [
            meeting.families[name].known_s[self.number][meeting.hits(name)[self.number]].min(initial=np.inf)
            for name in meeting.families
        ]
        return float(min(times))


def _frames(meeting: Meeting, number: int) -> pd.DataFrame:
    frames = [_frames_of(meeting, looks, name, number) for name, looks in meeting.families.items()]
    return pd.concat(frames, ignore_index=True).sort_values("captured_s", ignore_index=True)


def _frames_of(meeting: Meeting, looks: Looks, name: str, number: int) -> pd.DataFrame:
    there = np.isfinite(looks.after_s[number]) & (looks.after_s[number] <= LONGEST_S)
    names, sensors = list(meeting.spec.sees.values()), meeting.trace.plan.scenario.sensor_labels
    sight, after = looks.sight[number][there], looks.after_s[number][there]
    gap = np.maximum(meeting.gap_m[number] - meeting.closing_mps[number] * after, 0.5)
    focal = np.array([spec.scale_px or np.nan for spec in names])
    return pd.DataFrame(
        {
            "sensor": [sensors[place] for place in looks.sensor[number][there]],
            "seen_by": [names[place].finds for place in sight],
            "captured_s": after,
            "answered_s": np.where(np.isfinite(looks.known_s[number][there]), looks.known_s[number][there], np.nan),
            "height_px": focal[sight] * meeting.drawn.height_m[number] / gap,
            "chance": meeting.chances(looks)[number][there],
            "hit": meeting.hits(name)[number][there],
        }
    )


def meeting_of(trace: Trace) -> Meeting:
    return Meeting(trace)
