"""Numbers that change at known times, with sums and products of them; times of day, and shifts of people."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import reduce
from itertools import pairwise
from math import inf, log1p
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

#: From when until when, in seconds of the run.
Span = tuple[float, float]


@dataclass(frozen=True)
class Steps:
    """A number that changes at known times: `values[i]` holds from `times[i]` on, in seconds of the run; `times[0]` is 0.

    usual: the number when nothing strikes.
    """

    times: tuple[float, ...] = (0.0,)
    values: tuple[float, ...] = (1.0,)
    usual: float = 1.0

    @property
    def steady(self) -> bool:
        return all(value == self.usual for value in self.values)

    def at(self, time: float) -> float:
        return self.values[bisect_right(self.times, time) - 1]

    def at_all(self, times: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the number at many times, of their shape."""
        if len(self.values) == 1:
            return np.broadcast_to(self.values[0], times.shape)
        return np.array(self.values)[np.searchsorted(self.times, times, side="right") - 1]

    def mean(self, end: float) -> float:
        return self.total(end) / end

    def total(self, end: float, start: float = 0.0) -> float:
        edges = [start, *[time for time in self.times if start < time < end], end]
        return sum((stop - begin) * self.at(begin) for begin, stop in pairwise(edges))


def steps(usual: float, changes: Iterable[tuple[Span, float]], combine: Callable[[float, float], float]) -> Steps:
    """Combine changes into the usual number, each over its span, in the order given."""
    spans = list(changes)
    edges = sorted({0.0, *(edge for span, _ in spans for edge in span if edge < inf)})
    values = [reduce(combine, (by for (start, end), by in spans if start <= edge < end), usual) for edge in edges]
    changing = [index for index in range(len(edges)) if index == 0 or values[index] != values[index - 1]]
    return Steps(tuple(edges[index] for index in changing), tuple(values[index] for index in changing), usual)


def merged(spans: Iterable[Span]) -> list[Span]:
    """Return spans that cover the given ones, sorted and apart from each other."""
    apart: list[Span] = []
    for start, end in sorted(spans):
        if apart and start <= apart[-1][1]:
            apart[-1] = apart[-1][0], max(apart[-1][1], end)
        else:
            apart.append((start, end))
    return apart


def within(spans: Iterable[Span]) -> Steps:
    edges = [edge for span in spans for edge in span]
    return Steps((0.0, *edges), (0.0, *(float(index % 2 == 0) for index in range(len(edges)))))


def combined(of: Callable[..., NDArray[np.float64]], *numbers: Steps) -> Steps:
    """Return at every time what a function makes of numbers; it takes and returns columns."""
    times = np.unique(np.concatenate([number.times for number in numbers]))
    return Steps(tuple(times.tolist()), tuple(of(*(number.at_all(times) for number in numbers)).tolist()))


def added(parts: Iterable[Steps]) -> Steps:
    """Add up numbers; at least one is given."""
    numbers = list(parts)
    times, index = np.unique(np.concatenate([part.times for part in numbers]), return_inverse=True)
    changes = np.concatenate([np.diff(part.values, prepend=0.0) for part in numbers])
    return Steps(tuple(times.tolist()), tuple(np.cumsum(np.bincount(index, changes)).tolist()))


class Surge(NamedTuple):
    """From `at_s` on, for `seconds`, the clock runs `times` as fast. Surges that overlap multiply."""

    at_s: float
    seconds: float = inf
    times: float = 1.0


DAY_S = 86_400.0
HOUR_S = 3_600.0


def clock_s(clock: str) -> float:
    """Return `08:30` as seconds from midnight."""
    return 60.0 * clock_minutes(clock)


@dataclass(frozen=True)
class Duty:
    """Some readers of one shift may take cases on [start, end); their shift lasts from `since` to `until` (all in seconds)."""

    start: float
    end: float
    since: float
    until: float
    desks: NDArray[np.intp]


class DailyShift(Protocol):
    """A shift that repeats every day: it begins at the time of day `start`, and lasts for some minutes.

    breaks: each with its `start`, its `minutes`, and the number of `groups` that take it one after the other
    """

    start: str
    people: int
    handover_minutes: float

    @property
    def breaks(self) -> Sequence[Any]: ...

    @property
    def minutes(self) -> int: ...

    def after_start(self, clock: str) -> int:
        """Return the minutes from the start until a time of day."""


class ShiftOfDay(NamedTuple):
    """One shift of a run: from when until when (s), and its place among the shifts of a day."""

    opens: float
    closes: float
    shift: DailyShift
    place: int


#: The absences of a shift's people from a run, in seconds of the run: given the shift and a person's place in it, from 0.
AbsencesOf = Callable[[ShiftOfDay, int], list[Span]]


def all_come(shift: ShiftOfDay, member: int) -> list[Span]:
    return []


class Roster:
    """The readers on duty at any time of a run. The shifts repeat every day.

    A desk, numbered from 0, stands for a reader: a shift takes the first desks that are vacant when it begins.
    Readers are on duty while they may take cases: not in a hand-over, not in a break, and not while they are absent.
    """

    def __init__(self, shifts: Sequence[DailyShift], starts_at: float, end: float, absences: AbsencesOf = all_come) -> None:
        self._shifts = sorted(_shifts(shifts, starts_at, end), key=lambda shift: shift.opens)
        self.duties = list(_duties(self._shifts, absences))
        self._starts = np.array([duty.start for duty in self.duties])
        self._ends = np.array([duty.end for duty in self.duties])
        changes: dict[float, int] = {0.0: 0}
        for duty in self.duties:
            changes[duty.start] = changes.get(duty.start, 0) + len(duty.desks)
            changes[duty.end] = changes.get(duty.end, 0) - len(duty.desks)
        self.times = sorted(changes)
        self.people = np.cumsum([changes[time] for time in self.times]).tolist()

    @property
    def most(self) -> int:
        return max((int(duty.desks.max()) + 1 for duty in self.duties), default=0)

    def on_duty(self, time: float) -> int:
        """Return the number of people on duty at `time` (s); a shift includes its first instant, not its last."""
        return int(self.people[bisect_right(self.times, time) - 1])

    def readers(self, time: float) -> dict[int, float]:
        current = np.flatnonzero((self._starts <= time) & (time < self._ends))
        return {desk: self.duties[index].since for index in current for desk in self.duties[index].desks.tolist()}

    def next_change(self, time: float) -> float:
        """Return the first time after `time` at which a reader may come or go; inf without one."""
        after = bisect_right(self.times, time)
        return self.times[after] if after < len(self.times) else float("inf")

    def staffed_s(self, end: float, slowing_per_h: float = 0.0) -> float:
        """Return person-seconds on duty on [0, end).

        slowing_per_h: where work takes (1 + slowing_per_h x hours since the shift began) times as long, the seconds of work of
        a fresh reader that gets done: the integral of 1 / (1 + slowing_per_h x hours).
        """
        return sum(
            len(duty.desks) * _fresh_s(duty.start - duty.since, min(duty.end, end) - duty.since, slowing_per_h)
            for duty in self.duties
            if duty.start < end
        )

    def paid_s(self, end: float) -> float:
        """Return person-seconds that are paid on [0, end): shifts from their beginning to their end, absences too."""
        return sum(each.shift.people * max(min(each.closes, end) - max(each.opens, 0.0), 0.0) for each in self._shifts)

    def shifts_by_desk(self, end: float) -> dict[int, list[tuple[float, float]]]:
        """Return the spans on [0, end) of paid shifts at each desk, sorted."""
        spans_of: dict[int, set[tuple[float, float]]] = {}
        for duty in self.duties:
            if duty.since < end:
                for desk in duty.desks.tolist():
                    spans_of.setdefault(desk, set()).add((max(duty.since, 0.0), min(duty.until, end)))
        return {desk: sorted(spans) for desk, spans in spans_of.items()}


def _fresh_s(start: float, end: float, slowing_per_h: float) -> float:
    """Return seconds of fresh work between two times, in seconds since the shift began."""
    if not slowing_per_h:
        return end - start
    slowing = slowing_per_h / HOUR_S
    return (log1p(slowing * end) - log1p(slowing * start)) / slowing


def _shifts(shifts: Sequence[DailyShift], starts_at: float, end: float) -> Iterator[ShiftOfDay]:
    """Yield every shift of a run, from the day before its start on."""
    for place, shift in enumerate(shifts):
        first = (clock_s(shift.start) - starts_at) % DAY_S - DAY_S
        for day in range(int(end // DAY_S) + 3):
            opens = first + day * DAY_S
            yield ShiftOfDay(opens, opens + 60.0 * shift.minutes, shift, place)


def _duties(shifts: list[ShiftOfDay], absences: AbsencesOf) -> Iterator[Duty]:
    """Yield the stretches of the shifts, by beginning, while people take cases."""
    vacant_from = np.empty(0)
    for each in shifts:
        opens, closes, shift, _ = each
        desks = np.flatnonzero(vacant_from <= opens)[: shift.people]
        more = shift.people - len(desks)
        desks = np.append(desks, np.arange(len(vacant_from), len(vacant_from) + more))
        vacant_from = np.append(vacant_from, np.zeros(more))
        vacant_from[desks] = closes
        for start, end, members in _stretches(each, absences):
            if opens + end > 0:
                yield Duty(max(opens + start, 0.0), opens + end, opens, closes, desks[members])


def _stretches(each: ShiftOfDay, absences: AbsencesOf) -> Iterator[tuple[float, float, list[int]]]:
    """Yield stretches in seconds since the shift began, each with the people who take cases then."""
    alike: dict[tuple[Span, ...], list[int]] = {}
    length = each.closes - each.opens
    for member in range(each.shift.people):
        out = [(max(start - each.opens, 0.0), min(end - each.opens, length)) for start, end in absences(each, member)]
        out = [(start, end) for start, end in out if start < end]
        alike.setdefault(tuple(sorted([*_pauses(each.shift, member), *out])), []).append(member)
    for spans, members in alike.items():
        edges = [0.0, *(edge for span in spans for edge in span), 60.0 * each.shift.minutes]
        reached = 0.0
        for start, end in list(pairwise(edges))[::2]:
            reached = max(reached, start)
            if reached < end:
                yield reached, end, members


def _pauses(shift: DailyShift, member: int) -> list[Span]:
    """Return the hand-over and the breaks of one of a shift's people, in seconds since the shift began."""
    pauses = [(0.0, 60 * shift.handover_minutes)] if shift.handover_minutes else []
    for pause in shift.breaks:
        leaves = shift.after_start(pause.start) + member % pause.groups * pause.minutes
        pauses.append((60 * leaves, 60 * (leaves + pause.minutes)))
    return pauses


def clock_minutes(clock: str) -> int:
    hours, minutes = clock.split(":")
    return 60 * int(hours) + int(minutes)
