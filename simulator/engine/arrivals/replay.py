"""Requests at recorded times."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal

import numpy as np
from pydantic import Field

from simulator.arrays import Times
from simulator.case.case_contract import CaseGatherer, RequestContent
from simulator.case.fields import Evidence, Line, LocalFile, Source
from simulator.engine.arrivals.arrival import Clock, OpenProcess, steady
from simulator.evidence.row_files import RecordingError, read_recording
from simulator.phrases import phrase
from simulator.records.timetables import DAY_S, Surge

MINUTE_S = 60.0


class Replay(OpenProcess):
    """Requests at the times in a column of a CSV or Parquet file, in seconds.

    The run starts at the time `origin_s` of the file. `rate_scale` 2 gives twice as many requests a second.
    `burstiness` scales each gap's distance from the mean gap: 1 as recorded, 0 evenly spaced, above 1 burstier.
    Requests end when the recording does, unless `repeat` starts it again. A spike plays the recording faster.
    """

    kind: Literal["replay"]
    file: LocalFile
    """a .csv or .parquet file beside the case"""
    column: Annotated[str, Field(min_length=1, max_length=120)]
    """the column of the times"""
    evidence: Evidence = "measured"
    """the kind of evidence of the recording"""
    source: Line
    """who recorded what, and when"""
    origin_s: Annotated[float, Field(ge=0, le=1e12)] = 0
    """the time in the file that is the start of the run"""
    rate_scale: Annotated[float, Field(gt=0, le=1000)] = 1
    """2 gives twice as many requests a second"""
    burstiness: Annotated[float, Field(ge=0, le=10)] = 1
    """1 as recorded, 0 evenly spaced, above 1 burstier"""
    repeat: bool = False
    """whether the recording starts again after its end"""

    @property
    def content(self) -> RequestContent:
        return RequestContent(recorded=self)

    def gather(self, gather: CaseGatherer) -> None:
        """Read the times: of a file beside the scenario's own, or below it."""
        recording = gather.recording = read_recording(file := gather.beside(self.file), self.column, self.origin_s)
        gather.note_beside(file)
        times, end = (recording.times - self.origin_s) / self.rate_scale, gather.scenario.run.days * DAY_S
        first, last, behind = times[0], times[-1], int(np.count_nonzero(times >= end))
        if first >= end:
            raise RecordingError(f"{self.file}: the first request comes after the run's end, at {first:,.0f} s; set origin_s")
        if last < end and not self.repeat:
            gather.warnings.append(phrase("recordings.ends", file=self.file, last=last, end=end))
        if behind:
            gather.warnings.append(phrase("recordings.behind", file=self.file, count=behind, all=len(times)))
        gather.sources.append(Source("arrivals", self.evidence, f"{len(times):,} times", self.source))

    def times(self, rng: np.random.Generator, usual: float, total: float) -> Times:
        """Return the recorded times; over and over where the recording repeats."""
        once, period = self._once()
        if not self.repeat:
            return once
        rounds = np.arange(np.ceil(total / period))
        return np.asarray((rounds[:, None] * period + once).ravel())

    def expected_under(self, surges: Sequence[Surge]) -> float:
        """Return the number of recorded times fall into the run."""
        total = steady(1.0, self._end).surged([*self.own_surges, *surges]).total(self._end)
        once, period = self._once()
        rounds, rest = divmod(total, period) if self.repeat else (0.0, total)
        return rounds * len(once) + float(np.searchsorted(once, rest))

    def rates(self) -> Clock:
        times = self.times(np.random.default_rng(), self._end, self._end)
        minutes = max(int(np.ceil(self._end / MINUTE_S)), 1)
        counts = np.bincount((times[times < self._end] / MINUTE_S).astype(int), minlength=minutes)
        edges = np.append(np.arange(minutes) * MINUTE_S, self._end)
        return Clock(edges, counts / np.diff(edges))

    def _once(self) -> tuple[Times, float]:
        assert self._recording is not None
        times = evened((self._recording.times - self.origin_s) / self.rate_scale, self.burstiness)
        gap = (times[-1] - times[0]) / (len(times) - 1) if len(times) > 1 else 0.0
        return times, float(times[-1] + gap) or self._end


def evened(times: Times, burstiness: float) -> Times:
    """Return times between the same first and last, each gap `burstiness` as far from the mean gap; a gap below 0 becomes 0."""
    if burstiness == 1 or len(times) < 3:
        return times
    gaps = np.diff(times)
    wanted = np.maximum(gaps.mean() + burstiness * (gaps - gaps.mean()), 0.0)
    if wanted.sum() > 0:
        wanted *= gaps.sum() / wanted.sum()
    return np.append(times[0], times[0] + np.cumsum(wanted))
