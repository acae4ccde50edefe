"""What falls due a fixed span after a request joined: client time-outs, second copies of hedged requests."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from math import inf, nextafter

from simulator.serving.stages.lanes import Stay


class Timer:
    """Stays in the order in which they joined, each due `after_s` seconds later unless it is closed by then.

    after_s: None for never. just_after: whether it is due just after that instant, so that an answer at it still counts
    """

    def __init__(self, after_s: float | None, just_after: bool = False) -> None:
        self.after_s = inf if after_s is None else after_s
        self.just_after = just_after
        self.stays: deque[Stay] = deque()

    def add(self, stay: Stay) -> None:
        """Start to count for a request that joins now."""
        if self.after_s < inf:
            self.stays.append(stay)

    def ends(self, stay: Stay) -> float:
        """The instant that is `after_s` seconds after a request joined (s)."""
        return stay.entered + self.after_s

    @property
    def next_time(self) -> float:
        """When the next one is due (s); inf where none is."""
        while self.stays and not self.stays[0].open:
            self.stays.popleft()
        return self._due(self.stays[0]) if self.stays else inf

    def take(self, now: float) -> Iterator[Stay]:
        """Take out those that are due by `now`, and before them those that are not open any more, one by one."""
        while self.stays and (not self.stays[0].open or self._due(self.stays[0]) <= now):
            yield self.stays.popleft()

    def _due(self, stay: Stay) -> float:
        return nextafter(self.ends(stay), inf) if self.just_after else self.ends(stay)
