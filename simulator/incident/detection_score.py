"""The score of detection: monitors on one secret, from the start to the page, in one currency, beside the case's and the best.

All sets of monitors meet the stream without any action, so that an early fix moves none of them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from math import inf, isfinite

from simulator.incident.frame_statistics import FrameStatistics
from simulator.incident.incident_score import Excess
from simulator.incident.monitoring import WindowSeries, priced, watched
from simulator.incident.play import SNOOZE_S, WEEK_S, Play
from simulator.incident.secret import HOUR_S
from simulator.incident.watches import LABELLED, OF_SERVERS, Slicing, Watch

#: Thresholds of single monitors that are tried, in deviations of quiet windows.
THRESHOLDS = (4.0, 5.0, 6.0, 8.0)
#: Slices that are tried for some figures beside all frames and sites.
_FINER: dict[str, tuple[Slicing, ...]] = {"found": ("camera", "replica"), "sharpness": ("camera",), "score": ("replica",)}


@dataclass(frozen=True)
class Detection:
    """A set of monitors on an incident.

    paged_h: hours from the onset to the page by a monitor or a customer; infinite without one
    harm_usd: the harm until then; spent_usd: monitors until then, and pages, false ones included
    """

    watches: tuple[Watch, ...]
    paged_h: float
    rang: bool
    false_alarms: int
    harm_usd: float
    spent_usd: float

    @property
    def total_usd(self) -> float:
        return self.harm_usd + self.spent_usd


class DetectionTrial:
    """An incident without any action, on which sets of monitors are tried."""

    def __init__(self, play: Play) -> None:
        self.play = play
        self.statistics: FrameStatistics = play.statistics(0)
        self.excess = Excess.of(self.statistics)
        self.prices = play.spec.prices

    def of(self, watches: Sequence[Watch]) -> Detection:
        """Try a set of monitors."""
        return self._judged(watches, [ring for watch in watches for ring in watched(watch, self.statistics)])

    def own(self) -> Detection:
        """Try the player's monitors: those in force at the first page since the onset, else at the onset."""
        play, onset_s = self.play, self.play.secret.onset_s
        pages = (note.until_s for note in play.notes if (note.ring or note.complaint) and note.until_s >= onset_s)
        until_s = min(next(pages, onset_s), play.end_s)
        return self.of([watches for at_s, watches in play.watches if at_s <= until_s][-1])

    def best(self) -> Detection:
        """Try single monitors of every figure, and none, and return the cheapest in all."""
        return min(self._singles(), key=lambda single: single.total_usd)

    def _singles(self) -> Iterator[Detection]:
        yield self._judged([], [])
        for statistic in self.play.spec.usd_a_week:
            slicings: tuple[Slicing, ...] = ("all",)
            if statistic not in {*LABELLED, *OF_SERVERS}:
                slicings = ("all", "site", *_FINER.get(statistic, ()))
            for by in slicings:
                series = watched(Watch(statistic=statistic, by=by, at=THRESHOLDS[0]), self.statistics)
                for at in THRESHOLDS:
                    stricter = [
                        replace(window_series, rings=window_series.rings & (window_series.score > at))
                        for window_series in series
                    ]
                    yield self._judged([Watch(statistic=statistic, by=by, at=at)], stricter)

    def _judged(self, watches: Sequence[Watch], series: Sequence[WindowSeries]) -> Detection:
        play, onset_s = self.play, self.play.secret.onset_s
        alarms = [at_s for window_series in series for at_s in _snoozed(window_series, play)]
        first_s, complaint_s = min((at_s for at_s in alarms if at_s >= onset_s), default=inf), play.unpaged_complaint_s()
        page_s, rang = min(first_s, complaint_s), first_s <= complaint_s and isfinite(first_s)
        early = sum(at_s < onset_s for at_s in alarms)
        watching = priced(list(watches), self.prices) * (min(page_s, play.end_s) - play.start_s) / WEEK_S
        return Detection(
            tuple(watches),
            (page_s - onset_s) / HOUR_S if isfinite(page_s) else inf,
            rang,
            early,
            self.excess.until(page_s) * play.spec.harm.usd.value,
            watching + (early + rang) * play.spec.page_usd.value,
        )


def _snoozed(series: WindowSeries, play: Play) -> list[float]:
    """Return the times (s) of the alarms of one slice that a person is paged by: at most one a day."""
    found: list[float] = []
    for at_s in series.known_s[series.rings & (series.known_s > play.start_s) & (series.known_s <= play.end_s)]:
        if not found or at_s - found[-1] >= SNOOZE_S:
            found.append(float(at_s))
    return found
