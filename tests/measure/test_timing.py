import time
from functools import partial
from itertools import pairwise
from pathlib import Path

import pytest

from simulator.measure import timing
from simulator.measure.architectures import ARCHITECTURES
from simulator.measure.onnx_export import export
from simulator.measure.timing import Effort, measure, open_session, schedule, time_calls
from tests.measure.conftest import take_memory

pytestmark = pytest.mark.zoo


def test_sizes_are_shuffled_and_every_call_is_made() -> None:
    order = [batch for batch, _ in schedule({1: 40, 8: 40}, seed=1)]
    changes = sum(before != after for before, after in pairwise(order))
    assert sorted(order) == [1] * 40 + [8] * 40
    # 40 changes are expected of 80 fair draws, with a standard deviation of 4.5.
    assert 20 < changes < 60


def test_half_of_the_calls_of_each_size_follow_a_gap_of_2_to_50_ms() -> None:
    planned = schedule({1: 100, 4: 30}, seed=3)
    for batch, count in ((1, 100), (4, 30)):
        gaps = [gap for size, gap in planned if size == batch and gap]
        assert len(gaps) == count / 2
        assert 2 <= min(gaps) < 10
        assert 40 < max(gaps) <= 50


def test_a_seed_gives_one_order() -> None:
    assert schedule({1: 9, 2: 9}, seed=1) == schedule({1: 9, 2: 9}, seed=1) != schedule({1: 9, 2: 9}, seed=2)


def test_on_the_processor_s_clock_a_call_that_waits_takes_no_time() -> None:
    effort = Effort(batches=(1,), least=3, most=3, clock="processor")
    [calls] = time_calls(lambda _: (time.sleep(0.02), sum(range(2000))), effort)
    assert min(calls.latency_ms) < 10  # a machine that stands still in a call counts that as the processor's


def test_calls_are_timed_and_their_gaps_stored() -> None:
    calls = time_calls(lambda batch: time.sleep(0.002 * batch), Effort(batches=(1, 3), least=6, most=6))
    for timed in calls:
        assert len(timed.latency_ms) == 6
        assert min(timed.latency_ms) >= 2 * timed.batch
        assert sum(idle >= 2 for idle in timed.idle_ms) == 3
        assert sum(idle == 0 for idle in timed.idle_ms) == 3


class Standing:
    """A time that passes in sleep alone."""

    def __init__(self) -> None:
        self.now = 0.0

    def perf_counter(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


def test_the_budget_decides_between_least_and_most(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Standing()
    monkeypatch.setattr(timing, "time", clock)
    monkeypatch.setitem(timing._CLOCKS, "wall", clock.perf_counter)
    effort = Effort(batches=(1, 5), budget_s=0.4, least=4, most=30)
    # A part is 200 ms, and a gap of 2 to 50 ms is before every other call: a call of 60 ms fits 200 / 73 times, one of no
    # length 200 / 13 times.
    slow, fast = time_calls(lambda batch: clock.sleep(0.06 if batch == 1 else 1e-6), effort)
    assert len(slow.latency_ms) == effort.least
    assert len(fast.latency_ms) == 15


def test_warm_up_calls_are_not_stored() -> None:
    made: list[int] = []
    calls = time_calls(made.append, Effort(batches=(1, 2), least=4, most=4))
    assert made[:4] == [1, 1, 2, 2]
    assert len(made) - 4 == sum(len(timed.latency_ms) for timed in calls) == 8


def test_progress_adds_up_to_one() -> None:
    parts: list[float] = []
    time_calls(lambda _: None, Effort(batches=(1, 2), least=5, most=5), parts.append)
    assert len([part for part in parts if part]) == 10
    assert sum(parts) == pytest.approx(1)


def test_the_machine_is_looked_at_after_each_third_of_the_calls() -> None:
    made: list[str] = []
    time_calls(
        lambda _: None,
        Effort(batches=(1, 2), least=6, most=6),
        watch=lambda *_: made.append("call"),
        look=lambda: made.append("look"),
    )
    assert made == ["call"] * 4 + ["look"] + ["call"] * 4 + ["look"] + ["call"] * 4 + ["look"]


@pytest.mark.long
def test_a_session_is_started_afresh_and_measured(tiny: str, tmp_path: Path) -> None:
    file, shape = tmp_path / "tiny.onnx", ARCHITECTURES[tiny].input_shape
    export(ARCHITECTURES[tiny].build(), shape, file)
    run = measure(partial(open_session, file, shape, 2), 2, Effort(batches=(1, 2), least=4, most=4, starts=2))
    assert run.threads == 2
    assert len(run.session_s) == 2
    assert min(run.session_s) > 0
    assert run.resident_mb > 0
    assert run.others_share is not None
    assert run.speeds is not None
    assert len(run.speeds) == 5  # after the first and the last cold start, and after each third of the calls
    assert sorted(run.speeds)[2] == 1.0
    assert run.fixed_cost is not None
    assert [timed.batch for timed in run.calls] == [1, 2]


@pytest.mark.long
def test_memory_is_measured_at_each_size_in_a_process_of_its_own() -> None:
    run = measure(take_memory, 1, Effort(batches=(1, 4), least=1, most=1, starts=1))
    taken = {timed.batch: timed.resident_mb for timed in run.calls}
    # The first call, of batch 1, is in the figure of batch 4 too.
    assert taken == {1: pytest.approx(8, abs=2), 4: pytest.approx(8 + 32, abs=2)}
    assert run.resident_mb == pytest.approx(8, abs=2)
    assert len(run.session_s) == 2
