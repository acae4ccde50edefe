"""One encounter followed step by step: where the vehicle and the object are, which frames show it, and what is believed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from simulator.arrays import Floats
from simulator.engine.run_trace import Trace
from simulator.vehicle.braking import GentleCourse
from simulator.vehicle.encounter_draws import KMH, EncounterOutcome, Looks
from simulator.vehicle.meeting import Meeting

Phase = Literal["unseen", "seen", "slowing", "confirmed", "braking", "stopped", "hit"]

#: Steps of a picture that can be played.
STEPS = 80


@dataclass(frozen=True)
class Followed:
    """One encounter; times in seconds from when the object comes into view.

    label: of its kind; number: within the replication, the same in every design; lateral_m: how far beside the way it comes
    into view; hidden_s: how long most of it stays hidden
    steps: t_s, gap_m (true), believed_gap_m (NaN as long as nothing is known), lateral_m, vehicle_kmh, phase
    frames: of what looks ahead until it has ended, in the order of capture: sensor, captured_s, answered_s (NaN:
    never), height_px (NaN of a LiDAR), chance (recall), hit
    slowing_s, confirmed_s, braking_s: None where never; margin_m: left at standstill, below 0: so much more was needed
    """

    label: str
    object: str
    number: int
    speed_kmh: float
    appears_gap_m: float
    lateral_m: float
    hidden_s: float
    steps: pd.DataFrame
    frames: pd.DataFrame
    confirmed_s: float | None
    braking_s: float | None
    slowing_s: float | None
    ended_s: float
    stopped: bool
    impact_kmh: float
    margin_m: float


def follow(meeting: Meeting, number: int) -> Followed:
    """Return an encounter of a replication by its number."""
    outcome, driven = _outcome(meeting), _driven(meeting)
    kind = list(meeting.spec.kinds.values())[int(meeting.drawn.kind[number])]
    ended = float(driven.followed_s[number])
    return Followed(
        label=kind.label,
        object=kind.object,
        number=number,
        speed_kmh=float(meeting.speed_mps[number]) / KMH,
        appears_gap_m=float(meeting.gap_m[number]),
        lateral_m=float(meeting.drawn.lateral_m[number]),
        hidden_s=float(meeting.drawn.hidden_s[number]),
        steps=_steps(driven, number),
        frames=_frames(driven, number),
        confirmed_s=_finite(outcome.confirmed_s[number], ended),
        braking_s=_finite(outcome.braking_s[number], ended),
        slowing_s=_finite(outcome.slowing_s[number], ended),
        ended_s=ended,
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


@lru_cache(maxsize=8)
def _driven(meeting: Meeting) -> _DrivenMeeting:
    return _DrivenMeeting(meeting.trace, _outcome(meeting))


def _finite(time: float, ends: float) -> float | None:
    return float(time) if time <= ends else None


class _DrivenMeeting(Meeting):
    """The encounters with the brakes that they led to: frames and beliefs go on until the vehicle has ended closing in.

    Before the brakes hold it equals the meeting that decided on them, draw for draw.
    """

    def __init__(self, trace: Trace, outcome: EncounterOutcome) -> None:
        super().__init__(trace)
        self.outcome_with_brakes = outcome

    @cached_property
    def followed_s(self) -> Floats:
        """The time until the vehicle has stopped closing in, or is at the object, shape (n,)."""
        outcome, gentle = self.outcome_with_brakes, self.gentle
        contact = gentle.contact_s(self.gap_m, self.closing_mps)
        contact = np.where(np.isfinite(contact), contact, gentle.begins_s + gentle.lasts_s)
        left = self.closing_mps - gentle.lost_mps(outcome.braking_s)
        slowed = (left - np.where(outcome.stopped, 0.0, outcome.impact_mps)) / self.deceleration
        return np.where(outcome.braking_s >= contact, contact, outcome.braking_s + slowed)

    @cached_property
    def gentle(self) -> GentleCourse:
        """Gentle braking as the outcome has it, which full braking ends; shapes (n,)."""
        outcome, spec = self.outcome_with_brakes, self.spec.braking.gentle
        if spec is None:
            return GentleCourse(outcome.slowing_s, np.zeros(len(self.gap_m)), 1.0)
        slows = spec.deceleration_mps2.value
        longest = np.minimum(spec.lasts_s.value, self.closing_mps / slows)
        with np.errstate(invalid="ignore"):
            until = np.where(np.isfinite(outcome.slowing_s), np.maximum(outcome.braking_s - outcome.slowing_s, 0.0), 0.0)
        return GentleCourse(outcome.slowing_s, np.minimum(longest, until), slows)

    def _gentle_of_frames(self) -> GentleCourse:
        return GentleCourse(self.gentle.begins_s[:, None], self.gentle.lasts_s[:, None], self.gentle.mps2)

    def braked_s(self, after_s: Floats) -> Floats:
        """Return the time for which the brakes have held at times after the object came into view, shape (n, f)."""
        return np.maximum(np.minimum(after_s, self.followed_s[:, None]) - self.outcome_with_brakes.braking_s[:, None], 0.0)

    def _gap_at(self, after_s: Floats) -> Floats:
        braked, moving = self.braked_s(after_s), np.minimum(after_s, self.followed_s[:, None])
        gone = self.closing_mps[:, None] * moving - self._gentle_of_frames().gained_m(np.nan_to_num(moving))
        return self.gap_m[:, None] - gone + self.deceleration[:, None] * braked**2 / 2

    def _believed_of(self, name: str, draws: NDArray[np.intp]) -> tuple[Floats, Floats]:
        gap, closing = super()._believed_of(name, draws)
        at = self.answered[name].after_s
        slowed = self.deceleration[:, None] * self.braked_s(at) + self._gentle_of_frames().lost_mps(np.nan_to_num(at))
        return gap, np.maximum(closing - slowed, 0.0)

    def gap_at(self, times: Floats, number: int) -> Floats:
        """Return the gap of one encounter at times after the object came into view, shape of `times`."""
        return np.maximum(self._of(self._gap_at, times, number), 0.0)

    def speed_at(self, times: Floats, number: int) -> Floats:
        """Return the vehicle's speed in one encounter, in m/s, shape of `times`."""
        slowed = self.deceleration[number] * self._of(self.braked_s, times, number)
        slowed = slowed + self._of(self._gentle_of_frames().lost_mps, times, number)
        return np.asarray(self.drawn.own_mps[number] + np.maximum(self.closing_mps[number] - slowed, 0.0))

    def _of(self, function: Callable[[Floats], Floats], times: Floats, number: int) -> Floats:
        return np.asarray(function(np.broadcast_to(times, (len(self.gap_m), len(times))))[number])


def _steps(driven: _DrivenMeeting, number: int) -> pd.DataFrame:
    """Return a row a step, with each time at which something happens among them."""
    outcome, ends = driven.outcome_with_brakes, float(driven.followed_s[number])
    events = (outcome.slowing_s[number], outcome.confirmed_s[number], outcome.braking_s[number], ends)
    marks = [time for time in events if time <= ends]
    times = np.unique(np.append(np.linspace(0, ends, STEPS - len(marks)), marks))
    return pd.DataFrame(
        {
            "t_s": times,
            "gap_m": driven.gap_at(times, number),
            "believed_gap_m": _believed(driven, times, number),
            "lateral_m": np.maximum(driven.drawn.lateral_m[number] - driven.drawn.crosses_mps[number] * times, 0.0),
            "vehicle_kmh": driven.speed_at(times, number) / KMH,
            "phase": _phases(driven, times, number),
        }
    )


def _believed(driven: _DrivenMeeting, times: Floats, number: int) -> Floats:
    place = np.searchsorted(driven.ticks[number], times, "right") - 1
    return np.where(place >= 0, driven.believed[number][np.maximum(place, 0)], np.nan)


def _phases(driven: _DrivenMeeting, times: Floats, number: int) -> list[Phase]:
    outcome = driven.outcome_with_brakes
    ends, confirmed = float(driven.followed_s[number]), float(outcome.confirmed_s[number])
    slowing = min(float(outcome.slowing_s[number]), confirmed)
    since = [min(_first_hit(driven, number), slowing), slowing, confirmed, float(outcome.braking_s[number])]
    names: tuple[Phase, ...] = ("unseen", "seen", "slowing", "confirmed", "braking")
    last: Phase = "stopped" if outcome.stopped[number] else "hit"
    return [last if time >= ends else names[sum(time >= at for at in since)] for time in times]


def _first_hit(driven: _DrivenMeeting, number: int) -> float:
    each = ((driven.families[name].known_s[number], driven.hits(name)[number]) for name in driven.families)
    return min(float(known[hit].min(initial=np.inf)) for known, hit in each)


def _frames(driven: _DrivenMeeting, number: int) -> pd.DataFrame:
    frames = [_frames_of(driven, looks, name, number) for name, looks in driven.families.items()]
    return pd.concat(frames, ignore_index=True).sort_values("captured_s", ignore_index=True)


def _frames_of(driven: _DrivenMeeting, looks: Looks, name: str, number: int) -> pd.DataFrame:
    there = np.isfinite(looks.after_s[number])
    names, sensors = list(driven.spec.sees.values()), driven.trace.plan.scenario.sensor_labels
    sight, after, known = looks.sight[number][there], looks.after_s[number][there], looks.known_s[number][there]
    gap = np.maximum(driven.gap_at(after, number), 0.5)
    focal = np.array([spec.scale_px or np.nan for spec in names])
    return pd.DataFrame(
        {
            "sensor": [sensors[place] for place in looks.sensor[number][there]],
            "captured_s": after,
            "answered_s": np.where(np.isfinite(known), known, np.nan),
            "height_px": focal[sight] * driven.drawn.height_m[number] / gap,
            "chance": driven.chances(looks)[number][there],
            "hit": driven.hits(name)[number][there],
        }
    )
