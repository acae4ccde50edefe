"""MLPerf LoadGen's Server scenario: Poisson arrivals that never wait for an answer, latency from the scheduled time."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from operator import itemgetter
from pathlib import Path

import mlperf_loadgen as lg
import numpy as np
from numpy.typing import NDArray

Times = NDArray[np.float64]
#: Takes a request: its token and the sample that it brings.
Issue = Callable[[int, int], None]

#: How many different samples requests bring.
SAMPLES = 32
#: A rate at which a schedule is drawn and nothing is waited for; requests/s.
_AT_ONCE = 1e5


@dataclass(frozen=True)
class Driven:
    """One row per request, in order of arrival; seconds.

    scheduled: when it should come, from the first one on; issued: when it did; answered: when its answer was complete
    """

    scheduled: Times
    issued: Times
    answered: Times

    @property
    def latency(self) -> Times:
        """From the scheduled arrival, so that a client that stalls hides nothing."""
        return self.answered - self.scheduled


def drive(issue: Issue, rate: float, requests: int, seed: int) -> Driven:
    """Send requests at `rate` a second; `issue` has to see to it that `answer` is called for each token."""
    with tempfile.TemporaryDirectory() as folder:

        def issue_all(queries: list[lg.QuerySample]) -> None:
            for query in queries:
                issue(query.id, query.index)

        sut = lg.ConstructSUT(issue_all, lambda: None)
        qsl = lg.ConstructQSL(SAMPLES, SAMPLES, lambda _: None, lambda _: None)
        try:
            lg.StartTestWithLogSettings(sut, qsl, _settings(rate, requests, seed), _logging(folder))
        finally:
            lg.DestroyQSL(qsl)
            lg.DestroySUT(sut)
        return _traced(Path(folder) / "mlperf_log_trace.json")


def answer(tokens: list[int]) -> None:
    """Tell LoadGen that these requests are done."""
    lg.QuerySamplesComplete([lg.QuerySampleResponse(token, 0, 0) for token in tokens])


def schedule(rate: float, requests: int, seed: int) -> Times:
    """When LoadGen will send its requests, in s from the start, shape (requests,), without waiting for it.

    Its gaps are exponential draws divided by the rate: the schedule of a much higher rate, stretched, is the same.
    """
    rushed = drive(lambda token, _: answer([token]), _AT_ONCE, requests, seed)
    return rushed.scheduled * (_AT_ONCE / rate)


def _settings(rate: float, requests: int, seed: int) -> lg.TestSettings:
    settings = lg.TestSettings()
    settings.scenario, settings.mode = lg.TestScenario.Server, lg.TestMode.PerformanceOnly
    settings.server_target_qps = rate
    settings.min_query_count = settings.max_query_count = requests
    settings.min_duration_ms = 0
    settings.qsl_rng_seed = settings.sample_index_rng_seed = settings.schedule_rng_seed = seed
    return settings


def _logging(folder: str) -> lg.LogSettings:
    output, settings = lg.LogOutputSettings(), lg.LogSettings()
    output.outdir = folder
    output.copy_summary_to_stdout = output.copy_detail_to_stdout = False
    settings.log_output, settings.enable_trace = output, True
    return settings


def _traced(file: Path) -> Driven:
    """Read LoadGen's trace: it counts µs from the start, and ns from the scheduled time.

    An event is a line. The whole is not always JSON: two threads may have written their commas.
    """
    begun = [line for line in file.read_text().splitlines() if '"name":"Sample"' in line and '"ph":"b"' in line]
    found = [json.loads(line.rstrip().rstrip(",")) for line in begun]
    rows = sorted(((event["args"]["query_seq"], event["ts"], event["args"]) for event in found), key=itemgetter(0))
    scheduled = np.array([ts for _, ts, _ in rows]) / 1e6
    scheduled -= scheduled[0]
    issued, answered = (np.array([args[key] for *_, args in rows]) / 1e9 for key in ("issue_start_ns", "complete_ns"))
    return Driven(scheduled, scheduled + issued, scheduled + answered)
