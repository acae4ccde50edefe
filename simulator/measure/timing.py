"""Timing of calls as a server makes them: batch sizes mixed, some calls after an idle gap.

A loop of one batch size keeps the caches and the clock in a state that a server seldom meets; profiles taken that way were
4 to 26% too fast.
"""

import random
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal, Self

import numpy as np
import onnxruntime as ort
import psutil
import scipy
from numpy.typing import NDArray

from simulator.arrays import Floats
from simulator.evidence.profiles import IDLE_GAP_MS, Calls, FixedCost, ThreadRun, busy_ms
from simulator.fresh_processes import in_fresh_process
from simulator.measure.onnx_runtime import CPU, provider_list

LONGEST_GAP_MS = 50.0
#: Part of the reported work that cold starts are.
_COLD_PART = 0.2
#: Calls of a size after which its memory no longer grows.
_SETTLING_CALLS = 2
#: Number of parts of the calls; the speed is measured after each, and after the first and the last cold start.
_PARTS = 3
#: A look at the speed: calls of the smallest batch for this many seconds, and at least this number of calls.
_LOOK_S, _LOOK_CALLS = 0.3, 3
#: In words, for a profile's provenance.
PROTOCOL = (
    f"batch sizes in shuffled order, every other call of a size after an idle gap of {IDLE_GAP_MS:g} to "
    f"{LONGEST_GAP_MS:g} ms, cold starts in fresh processes"
)
SESSION_PROTOCOL = f"{PROTOCOL}; intra-op threads as given, 1 inter-op thread, sequential, spinning as by default"

Call = Callable[[int], object]
#: Makes something ready to be called; it is pickled, so that a cold start can happen in a fresh process.
Starter = Callable[[], Call]
#: Called with the fraction of the work since the last call.
Advance = Callable[[float], None]
#: Told the batch size and the latency, in milliseconds, of each timed call.
Watch = Callable[[int, float], None]
#: What a call is timed by: the time that passes, or that of the processor in the calling thread. The second is the time of a
#: call on one thread where other programs have the machine.
Clock = Literal["wall", "processor"]
_CLOCKS: dict[Clock, Callable[[], float]] = {"wall": time.perf_counter, "processor": time.thread_time}


@dataclass(frozen=True)
class Effort:
    """Size of a measurement: `budget_s` of calls, but `least` to `most` calls of each batch size."""

    batches: tuple[int, ...] = (1, 2, 4, 8, 16)
    budget_s: float = 30.0
    least: int = 15
    most: int = 120
    starts: int = 5
    seed: int = 0
    clock: Clock = "wall"


#: Names of the types of an image in ONNX Runtime, and in numpy.
DTYPES = {
    "tensor(float)": "float32",
    "tensor(float16)": "float16",
    "tensor(double)": "float64",
    "tensor(uint8)": "uint8",
    "tensor(int8)": "int8",
}


def noise(shape: tuple[int, ...], dtype: str) -> NDArray[np.generic]:
    """Return an input of this shape: normal numbers, or every whole number of its type alike."""
    rng = np.random.default_rng(0)
    if np.issubdtype(np.dtype(dtype), np.integer):
        limits = np.iinfo(dtype)
        return rng.integers(limits.min, limits.max, shape, dtype=np.dtype(dtype), endpoint=True)
    return rng.standard_normal(shape, dtype=np.float32).astype(dtype, copy=False)


def open_session(path: Path, input_shape: list[int], threads: int, provider: str = CPU) -> Call:
    """Open a session on the ONNX file `path`, pinned to `threads`, with its inputs at hand.

    input_shape: of one item; a file whose input has no axis more than that takes batches of 1 only
    """
    options = ort.SessionOptions()
    options.log_severity_level = 4  # its advice on the graph is not for the person who measures, and its errors are raised
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.execution_mode = ort.ExecutionMode.ORT_SEQUENTIAL
    session = ort.InferenceSession(str(path), options, providers=provider_list(provider))
    given = session.get_inputs()[0]
    batched = len(given.shape) > len(input_shape)

    @cache
    def images(batch: int) -> NDArray[np.generic]:
        return noise((batch, *input_shape) if batched else tuple(input_shape), DTYPES[given.type])

    return lambda batch: session.run(None, {given.name: images(batch)})


def measure(
    start: Starter, threads: int, effort: Effort, advance: Advance = lambda _: None, watch: Watch = lambda *_: None
) -> ThreadRun:
    """Measure cold starts, memory and timed calls of the session that `start` makes."""
    starts = _cold_starts(start, effort, advance)
    cold = [next(starts)]  # what crashes has done so by now, in a process of its own
    call, looks = start(), list[float]()

    def look() -> None:
        looks.append(_call_ms_now(call, min(effort.batches), effort.clock))

    look()
    cold += starts
    look()
    with Onlooker() as onlooker:
        calls = time_calls(call, effort, lambda part: advance(part * (1 - _COLD_PART)), watch, look)
    resident = {
        batch: _median([fresh.batch_mb for fresh in cold if fresh.batch == batch]) for batch in {fresh.batch for fresh in cold}
    }
    return ThreadRun(
        threads=threads,
        session_s=[round(fresh.seconds, 4) for fresh in cold],
        resident_mb=_median([fresh.first_mb for fresh in cold]),
        others_share=round(onlooker.others_share, 3),
        speeds=[round(float(took / np.median(looks)), 4) for took in looks],
        fixed_cost=fixed_cost(calls),
        calls=[timed.model_copy(update={"resident_mb": resident[timed.batch]}) for timed in calls],
    )


def _cold_starts(start: Starter, effort: Effort, advance: Advance) -> "Iterator[_Fresh]":
    sizes, count = effort.batches, max(effort.starts, len(effort.batches))
    for number in range(count):
        yield in_fresh_process(_first_answer, start, min(sizes), sizes[number % len(sizes)], effort.clock)
        advance(_COLD_PART / count)


def _median(mebibytes: list[float]) -> float:
    return round(max(float(np.median(mebibytes)), 0.0), 1)


def time_calls(
    call: Call,
    effort: Effort,
    advance: Advance = lambda _: None,
    watch: Watch = lambda *_: None,
    look: Callable[[], None] = lambda: None,
) -> list[Calls]:
    """Return every timed call by batch size, each with the idle time before it; both in milliseconds.

    look: called after each of a few parts of the calls
    """
    order = schedule(_call_counts(call, effort, advance), effort.seed)
    timed: dict[int, list[tuple[float, float]]] = {batch: [] for batch in effort.batches}
    looked_at = {len(order) * part // _PARTS for part in range(1, _PARTS + 1)}
    for number, (batch, gap_ms) in enumerate(order, 1):
        timed[batch].append(_timed(call, batch, gap_ms, effort.clock))
        watch(batch, timed[batch][-1][0])
        advance(1 / len(order))
        if number in looked_at:
            look()
    return [
        Calls(batch=batch, latency_ms=[latency for latency, _ in rows], idle_ms=[idle for _, idle in rows])
        for batch, rows in timed.items()
    ]


def _call_ms_now(call: Call, batch: int, clock: Clock) -> float:
    """Return the time of a call now, in milliseconds: the median of a short loop, the first call left out."""
    call(batch)
    until, took = time.perf_counter() + _LOOK_S, list[float]()
    while len(took) < _LOOK_CALLS or time.perf_counter() < until:
        took.append(_timed(call, batch, 0, clock)[0])
    return float(np.median(took))


def _call_counts(call: Call, effort: Effort, advance: Advance) -> dict[int, int]:
    """Return the number of calls of each batch size in an equal part of the budget; warm-up calls are made on the way.

    advance: called with 0 after each size, as a sign of life
    """
    part_ms = effort.budget_s * 1000 / len(effort.batches)
    mean_gap_ms = (IDLE_GAP_MS + LONGEST_GAP_MS) / 4
    counts = {}
    for batch in effort.batches:
        estimate_ms = min(_timed(call, batch, 0, effort.clock)[0] for _ in range(2))
        fitting = int(part_ms / (estimate_ms + mean_gap_ms))
        counts[batch] = min(max(fitting, effort.least), effort.most)
        advance(0.0)
    return counts


def schedule(counts: dict[int, int], seed: int) -> list[tuple[int, float]]:
    """Return batch size and idle gap of each call in shuffled order; every other call of a size has a gap."""
    rng = random.Random(seed)  # noqa: S311 - an order of calls is no secret
    calls = [
        (batch, rng.uniform(IDLE_GAP_MS, LONGEST_GAP_MS) if number % 2 else 0.0)
        for batch, count in counts.items()
        for number in range(count)
    ]
    rng.shuffle(calls)
    return calls


def _timed(call: Call, batch: int, gap_ms: float, clock: Clock) -> tuple[float, float]:
    """Time one call after a gap of at least `gap_ms`; return its latency and the real gap, in milliseconds."""
    now, rested = _CLOCKS[clock], time.perf_counter()
    if gap_ms:
        time.sleep(gap_ms / 1000)
    idle_ms = (time.perf_counter() - rested) * 1000 if gap_ms else 0.0
    began = now()
    call(batch)
    ended = now()
    return round((ended - began) * 1000, 4), round(idle_ms, 2)


@dataclass(frozen=True)
class _Fresh:
    """A fresh process: seconds until its first answer, and MiB of resident memory gained by then and by calls of `batch`.

    ONNX Runtime keeps the memory that a call took, so what is resident after a call is near the peak within it.
    """

    seconds: float
    first_mb: float
    batch: int
    batch_mb: float


def _first_answer(start: Starter, first: int, batch: int, clock: Clock) -> _Fresh:
    process = psutil.Process()
    before = process.memory_info().rss

    def gained_mb() -> float:
        return float(process.memory_info().rss - before) / 2**20

    began = _CLOCKS[clock]()
    call = start()
    call(first)
    seconds, first_mb = _CLOCKS[clock]() - began, gained_mb()
    for _ in range(_SETTLING_CALLS):
        call(batch)
    return _Fresh(seconds, first_mb, batch, gained_mb())


class Onlooker:
    """Measures the share of this process's cores that other programs, or the host below, took meanwhile."""

    others_share = 0.0

    def __enter__(self) -> Self:
        self._before = self._seconds()
        return self

    def __exit__(self, *_: object) -> None:
        elapsed, busy, own = (after - before for after, before in zip(self._seconds(), self._before, strict=True))
        self.others_share = min(max((busy - own) / elapsed, 0.0), 1.0)

    @staticmethod
    def _seconds() -> tuple[float, float, float]:
        """Return all processor time, the busy part, and our part of that; in seconds, over the cores of this process.

        Ours is what this process took, and the processes that it started.
        """
        process = psutil.Process()
        cores = psutil.cpu_times(percpu=True)
        usable = process.cpu_affinity() if hasattr(process, "cpu_affinity") else range(len(cores))
        elapsed = sum(sum(cores[core]) for core in usable)
        waiting = sum(cores[core].idle + getattr(cores[core], "iowait", 0.0) for core in usable)
        own = 0.0
        for member in [process, *process.children(recursive=True)]:
            with suppress(psutil.NoSuchProcess):  # it has ended meanwhile
                own += sum(member.cpu_times()[:2])
        return elapsed, elapsed - waiting, own


# ---- the cost of a batch that does not depend on its size


#: The median absolute deviation of a normal distribution is its standard deviation divided by this.
_MAD = 1.4826
#: A smaller relative scatter than this is a timer's, not a machine's.
_LEAST_SCATTER = 1e-4


def fixed_cost(calls: list[Calls]) -> FixedCost | None:
    """Fit t = t0 + batch * t1 to the busy calls of all sizes; None for one size, or fewer than three calls.

    Residuals count relative to the median of their size, since a call twice as long scatters twice as much, and with the
    loss 2 (sqrt(1 + r^2) - 1), so that a rare stall does not bend the line (`soft_l1` of scipy.optimize.least_squares).
    """
    busy = {timed.batch: busy_ms(timed) for timed in sorted(calls, key=lambda timed: timed.batch)}
    batch = np.concatenate([np.full(len(times), size, float) for size, times in busy.items()])
    took = np.concatenate(list(busy.values()))
    if len(busy) < 2 or len(took) < 3:
        return None
    sizes, medians = np.array(list(busy), float), np.array([np.median(times) for times in busy.values()])
    usual = medians[np.searchsorted(sizes, batch)]
    scatter = max(_MAD * float(np.median(np.abs(took / usual - 1))), _LEAST_SCATTER)
    costs, covariance = scipy.optimize.curve_fit(
        _line, batch, took, p0=np.polyfit(sizes, medians, 1)[::-1], sigma=scatter * usual, loss="soft_l1", method="trf"
    )
    errors = np.sqrt(np.diag(covariance))
    return FixedCost(
        per_batch_ms=round(float(costs[0]), 5),
        per_batch_se_ms=round(float(errors[0]), 5),
        per_request_ms=round(float(costs[1]), 5),
        per_request_se_ms=round(float(errors[1]), 5),
        misfit=round(float(np.abs(_line(sizes, costs[0], costs[1]) / medians - 1).max()), 4),
    )


def _line(batch: Floats, per_batch: float, per_request: float) -> Floats:
    return per_batch + batch * per_request
