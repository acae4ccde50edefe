"""Time of day and shifts, in seconds from the start of a run."""

from bisect import bisect_right
from itertools import pairwise

from simulator.scenario.stages import Shift

DAY_S = 86_400.0
HOUR_S = 3_600.0


def clock_s(clock: str) -> float:
    """`08:30` as seconds from midnight."""
    hours, minutes = clock.split(":")
    return int(hours) * HOUR_S + int(minutes) * 60.0


class Roster:
    """How many people are on duty at any time of a run: a step function that repeats every day."""

    def __init__(self, shifts: list[Shift], starts_at: float, end: float) -> None:
        changes: dict[float, int] = {0.0: 0}
        for shift in shifts:
            start, length = clock_s(shift.start), (clock_s(shift.end) - clock_s(shift.start)) % DAY_S or DAY_S
            first = (start - starts_at) % DAY_S - DAY_S
            for day in range(int(end // DAY_S) + 3):
                opens = first + day * DAY_S
                changes[max(opens, 0.0)] = changes.get(max(opens, 0.0), 0) + shift.people
                closes = max(opens + length, 0.0)
                changes[closes] = changes.get(closes, 0) - shift.people
        self.times = sorted(changes)
        self.people: list[int] = []
        on_duty = 0
        for time in self.times:
            on_duty += changes[time]
            self.people.append(on_duty)

    @property
    def most(self) -> int:
        """The largest number of people ever on duty."""
        return max(self.people)

    def on_duty(self, time: float) -> int:
        """People on duty at `time`; a shift has begun at its first instant and ended at its last."""
        return self.people[bisect_right(self.times, time) - 1]

    def next_change(self, time: float) -> float:
        """The first time after `time` at which the number on duty may change; inf if it never does."""
        after = bisect_right(self.times, time)
        return self.times[after] if after < len(self.times) else float("inf")

    def staffed_s(self, end: float) -> float:
        """Person-seconds on duty on [0, end)."""
        edges = [*[time for time in self.times if time < end], end]
        return sum((stop - start) * self.on_duty(start) for start, stop in pairwise(edges))
