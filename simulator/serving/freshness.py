"""Which of two requests brings newer information from the same source."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from simulator.serving.columns import elements

if TYPE_CHECKING:
    from simulator.serving.requests import Requests


class Freshness:
    """Requests are of one stream, or of one for each sensor; of a stream, the newest is the one that was sent last.

    Of two sent at the same time, the one that arrives later counts as newer.
    """

    def __init__(self, requests: Requests, rule: Literal["newest", "newest_of_sensor"]) -> None:
        self._sent = elements(requests.arrived)
        self._sensor = elements(requests.sensor) if rule == "newest_of_sensor" else None

    def sent(self, row: int) -> float:
        """When a request was sent (s)."""
        time: float = self._sent[row]
        return time

    def replaces(self, comer: int, other: int) -> bool:
        """Whether the arriving one is newer in the same stream."""
        return self.same(comer, other) and self._sent[comer] >= self._sent[other]

    def same(self, row: int, other: int) -> bool:
        """Whether two requests are of one stream; visits of one request from several branches do not replace each other."""
        return row != other and (self._sensor is None or self._sensor[row] == self._sensor[other])
