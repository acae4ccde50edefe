"""A server in this process that batches requests before a model, and its load generator."""

from __future__ import annotations

import json
import tempfile
import threading
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import inf
from operator import itemgetter
from pathlib import Path
from time import perf_counter
from typing import Protocol, Self

import mlperf_loadgen as lg
import numpy as np
import onnxruntime as ort

from simulator.arrays import Times

# A real server: one worker that runs a model, behind a queue that is batched by the rule that the engine simulates.


class Rule(Protocol):
    """Start and size of batches; see `simulator.engine.stages.replicas.TritonRule`."""

    @property
    def delay_s(self) -> float:
        """Longest wait of the oldest request for others, in s."""

    def take(self, waiting: int, overdue: bool) -> int:
        """Return the number of requests to send now; 0 means wait."""


@dataclass(frozen=True)
class Pending:
    """A waiting request: the client's name of it, its sample, and its time of arrival."""

    token: int
    sample: int
    entered: float


@dataclass(frozen=True)
class Batch:
    """Requests that went together, in order of arrival.

    start: release by the rule; done: answer to the last request; free: start of the worker's idle time
    (all in s, by `time.perf_counter`)
    """

    requests: list[Pending]
    start: float
    done: float
    free: float


class Batcher:
    """Serves batches one after the other until it is closed; a context manager.

    compute: runs the model on these samples; answer: reports finished requests to the client
    A batch is formed at the instant the rule allows it: by the thread that brings the last request, or by the worker as
    it comes free. The time to wake the worker's thread is a part of the batch's service, as a client sees it.
    """

    def __init__(self, rule: Rule, compute: Callable[[list[int]], object], answer: Callable[[list[int]], object]) -> None:
        self.rule = rule
        self.served: list[Batch] = []
        self._compute, self._answer = compute, answer
        self._changed = threading.Condition()
        self._waiting: deque[Pending] = deque()
        self._formed: tuple[list[Pending], float] | None = None
        self._free: float | None = perf_counter()  # since when the worker has been idle; None while it works
        self._closing = False
        self._error: BaseException | None = None
        self._worker = threading.Thread(target=self._work, name="worker", daemon=True)

    def __enter__(self) -> Self:
        self._worker.start()
        return self

    def __exit__(self, *_: object) -> None:
        with self._changed:
            self._closing = True
            self._changed.notify_all()
        self._worker.join()
        if self._error is not None:
            raise self._error

    def submit(self, requests: Sequence[tuple[int, int]]) -> None:
        """Queue requests, pairs of token and sample, all at one instant."""
        with self._changed:
            now = perf_counter()
            due = self._due()
            if self._idle and now >= due:  # the worker is about to wake up for those who came before
                self._form(due)
            self._waiting.extend(Pending(token, sample, now) for token, sample in requests)
            if self._idle:
                self._form(now)
                self._changed.notify_all()

    def wait_until(self, condition: Callable[[Batcher], bool]) -> None:
        with self._changed:
            self._changed.wait_for(lambda: self._error is not None or condition(self))

    @property
    def queued(self) -> int:
        return len(self._waiting)

    @property
    def idle(self) -> bool:
        return self._idle and not self._waiting

    @property
    def _idle(self) -> bool:
        return self._free is not None and self._formed is None

    def _due(self) -> float:
        return self._waiting[0].entered + self.rule.delay_s if self._waiting and self.rule.delay_s else inf

    def _form(self, now: float) -> None:
        size = self.rule.take(len(self._waiting), now >= self._due()) if self._waiting else 0
        if size:
            self._formed = [self._waiting.popleft() for _ in range(size)], now

    def _work(self) -> None:
        try:
            while batch := self._next():
                self._serve(*batch)
        except BaseException as error:  # raised again where the server is closed
            self._error = error
            with self._changed:
                self._changed.notify_all()

    def _next(self) -> tuple[list[Pending], float, float] | None:
        """Wait for the next batch; return it, the time it was formed, and the worker's idle start; None at the end."""
        with self._changed:
            assert self._free is not None
            free = self._free
            self._form(free)
            while self._formed is None:
                if self._closing and not self._waiting:
                    return None
                due = self._due()
                if perf_counter() >= due:
                    self._form(due)
                else:
                    self._changed.wait(None if due == inf else max(due - perf_counter(), 0.0))
            (requests, start), self._formed, self._free = self._formed, None, None
            self._changed.notify_all()
            return requests, start, free

    def _serve(self, requests: list[Pending], start: float, free: float) -> None:
        self._compute([request.sample for request in requests])
        self._answer([request.token for request in requests])
        with self._changed:
            self._free = perf_counter()
            self.served.append(Batch(requests, start, self._free, free))
            self._changed.notify_all()


# MLPerf LoadGen's Server scenario: Poisson arrivals that never wait for an answer, latency from the scheduled time.

#: Takes a request: its token and the sample that it brings.
Issue = Callable[[int, int], None]

#: Number of different samples in requests.
SAMPLES = 32
#: A rate for schedules that are drawn without waiting; requests/s.
_AT_ONCE = 1e5


@dataclass(frozen=True)
class Driven:
    """One row per request, in order of arrival; seconds.

    scheduled: planned arrival, from the first one on; issued: real arrival; answered: end of its answer
    """

    scheduled: Times
    issued: Times
    answered: Times

    @property
    def latency(self) -> Times:
        return self.answered - self.scheduled


def drive(issue: Issue, rate: float, requests: int, seed: int) -> Driven:
    """Send requests at `rate` a second; `issue` has to cause a call of `answer` for each token."""
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
    lg.QuerySamplesComplete([lg.QuerySampleResponse(token, 0, 0) for token in tokens])


def schedule(rate: float, requests: int, seed: int) -> Times:
    """Return LoadGen's send times, in s from the start, shape (requests,), without waiting for them.

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
    events = [json.loads(line.rstrip().rstrip(",")) for line in begun]
    rows = sorted(((event["args"]["query_seq"], event["ts"], event["args"]) for event in events), key=itemgetter(0))
    scheduled = np.array([ts for _, ts, _ in rows]) / 1e6
    scheduled -= scheduled[0]
    issued, answered = (np.array([args[key] for *_, args in rows]) / 1e9 for key in ("issue_start_ns", "complete_ns"))
    return Driven(scheduled, scheduled + issued, scheduled + answered)


# A model that a server can serve: samples at hand, copied into one batch as a server does with its requests.


class ServedModel:
    """An ONNX Runtime session on one thread, and SAMPLES pre-processed images."""

    def __init__(self, file: Path, input_shape: list[int]) -> None:
        self.file, self.input_shape = file, input_shape
        options = ort.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        self._session = ort.InferenceSession(str(file), options, providers=["CPUExecutionProvider"])
        self._name = self._session.get_inputs()[0].name
        self._samples = np.random.default_rng(0).standard_normal((SAMPLES, *input_shape), dtype=np.float32)

    def compute(self, samples: list[int]) -> object:
        return self._session.run(None, {self._name: self._samples[samples]})
