"""Rules that form batches: the one that goes by deadlines against schedules worked out by hand, and one from outside."""

from math import inf
from unittest.mock import patch

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.case.document import ScenarioError
from simulator.charts.design_diagram import diagram
from simulator.engine.plan import compile_plan
from simulator.engine.run import Run
from simulator.engine.stages.replicas import BATCHING, BatchRule, DeadlineRule, TritonRule, batching
from simulator.evidence.latency_tables import constant
from simulator.records.streams import Streams
from simulator.theory.loads import capacity_per_s
from tests.builders import arrivals_at, assumed, batches, end, plan, pool, sampled, scenario

#: Batches of one to four requests take three to six seconds.
TIMES = constant(3, 4, 5, 6)
CLASSES = {"all": {"label": "All", "share": assumed(1), "deadline_s": 8}}


def served(times, deadlines=8.0, **fields):
    """The batches of a pool; deadlines: seconds after the arrival, or by request the time itself."""
    made = plan({"p": pool(batching="deadline", max_batch=4, **fields)}, TIMES, classes=CLASSES)
    with arrivals_at(times):
        run = Run(made, Streams(0))
    run.requests.deadline[:] = np.array(times) + deadlines if isinstance(deadlines, float) else deadlines
    return batches(run.trace(), "p")


def test_all_go_together_that_are_done_at_the_very_instant_of_the_deadline():
    assert served([0, 1, 1, 1, 1]) == [(0, [0]), (3, [1, 2, 3, 4])]


def test_a_batch_is_no_larger_than_the_earliest_deadline_allows():
    # At 3 a batch of four would be done at 9, too late for 8.5; one of three is done at 8. The last one is late by then.
    assert served([0, 1, 1, 1, 1], 7.5) == [(0, [0]), (3, [1, 2, 3]), (8, [4])]


def test_the_earliest_deadline_counts_wherever_it_stands_among_the_next_ones():
    # The last of four is due at 8: at 3 no more than three may go, and they leave it alone.
    assert served([0, 1, 1, 1, 1], [50, 50, 50, 50, 8]) == [(0, [0]), (3, [1, 2, 3]), (8, [4])]
    # In order of deadlines it goes along.
    assert served([0, 1, 1, 1, 1], [50, 50, 50, 50, 8], order="deadline") == [(0, [0]), (3, [1, 2, 4]), (8, [3])]


def test_a_request_that_is_late_even_alone_holds_nobody_back():
    assert served([0, 1, 1, 1], [50, 5.9, 50, 50]) == [(0, [0]), (3, [1, 2, 3])]
    assert served([0, 1, 1, 1], [50, 6, 50, 50]) == [(0, [0]), (3, [1]), (6, [2, 3])]


def test_where_all_are_late_the_batch_is_as_large_as_may_be():
    assert served([0, 1, 1, 1, 1, 1], 2.0) == [(0, [0]), (3, [1, 2, 3, 4]), (9, [5])]


def test_without_deadlines_all_go_that_may():
    assert served([0, 1, 1, 1], inf) == [(0, [0]), (3, [1, 2, 3])]


def test_they_wait_for_company_as_long_as_one_more_could_still_be_in_time():
    # One waits until 8 - 4 = 4 at most, two until 8 - 5 = 3, three until 8 - 6 = 2.
    delay = {"max_queue_delay_ms": 7000}
    assert served([0], **delay) == [(4, [0])]
    assert served([0, 1], **delay) == [(3, [0, 1])]
    assert served([0, 1, 3], **delay) == [(3, [0, 1, 2])]
    assert served([0, 1, 2.5], **delay) == [(2.5, [0, 1, 2])]
    assert served([0, 1, 2, 2], **delay) == [(2, [0, 1, 2, 3])]
    assert served([0, 0.5, 1, 1.5, 1.75], **delay)[0] == (1.5, [0, 1, 2, 3])


def test_they_wait_for_company_no_longer_than_the_delay():
    assert served([0, 1], max_queue_delay_ms=2000) == [(2, [0, 1])]
    assert served([0, 3], [2, 50], max_queue_delay_ms=2000) == [(2, [0]), (5, [1])]


class Fixed(list):
    """Requests that wait: pairs of since when, and by when."""

    def entered(self, first):
        return [entered for entered, _ in self[:first]]

    def deadlines(self, first):
        return [deadline for _, deadline in self[:first]]


waiting = st.lists(st.tuples(st.integers(0, 10), st.integers(0, 40) | st.just(inf)), min_size=1, max_size=8)


@given(waiting, st.integers(10, 20), st.lists(st.integers(1, 9), min_size=1, max_size=5).map(sorted), st.sampled_from([0, 3]))
def test_the_rule_never_makes_a_deadline_late_that_a_smaller_batch_would_meet(queue, now, seconds, delay):
    rule = DeadlineRule([float(time) for time in seconds], delay)
    queue, most = Fixed(queue), min(len(queue), len(seconds))
    due = [deadline for _, deadline in queue[: len(seconds)] if now + seconds[0] <= deadline]
    met = [size for size in range(1, most + 1) if now + seconds[size - 1] <= min(due, default=inf)] or [1]
    size = rule.size(queue, now)
    assert size in (0, max(met))
    if size == 0:
        assert now < rule.next_time(queue, now) <= min(entered for entered, _ in queue[: len(seconds)]) + delay
        assert max(met) == most < len(seconds)


def test_a_batch_is_expected_to_take_as_long_as_95_percent_of_its_size_take():
    table = sampled({1: np.arange(1, 101) / 10, 2: np.arange(1, 101) / 5})
    made = scenario({"p": pool(max_batch=2)}).stages["p"]
    assert DeadlineRule.of(made, table).seconds == pytest.approx([9.6, 19.2])  # the 96th of 100: 95 take less


class Pairs(BatchRule):
    """Two at a time, or nobody."""

    words = "two by two"

    def __init__(self, max_batch):
        self.max_batch = max_batch

    @classmethod
    def of(cls, pool, latency):
        return cls(pool.max_batch)

    def size(self, queue, now):
        return 2 if len(queue) >= 2 else 0

    def sustained(self, room):
        return 2


@pytest.fixture
def pairs():
    with patch.dict(BATCHING):
        batching("pairs")(Pairs)
        yield


FIELDS = {"model": "efficientnet_lite0", "batching": "pairs", "max_batch": 4}


@pytest.mark.usefixtures("pairs")
def test_a_rule_from_outside_is_known_to_loading_checks_theory_diagram_and_runs():
    made = compile_plan(scenario({"p": pool(**FIELDS)}))
    assert made.scenario.stages["p"].batching == "pairs"
    assert capacity_per_s(made, "p") == pytest.approx(2 / made.latencies["p"].mean_s(2))
    assert "batches up to 4, two by two" in diagram(made).source
    with arrivals_at([0, 1, 2, 4, 20]):
        trace = Run(plan({"p": pool(**FIELDS)}, TIMES), Streams(0)).trace()
    assert batches(trace, "p") == [(1, [0, 1]), (5, [2, 3])]


def fault_of(**fields):
    with pytest.raises(ScenarioError) as caught:
        compile_plan(scenario({"p": pool(model="efficientnet_lite0", **fields)}, ends={"done": end()}))
    (fault,) = caught.value.faults
    return fault.field, fault.message


@pytest.mark.usefixtures("pairs")
def test_what_a_rule_cannot_go_by_is_refused_at_its_field():
    assert fault_of(batching="pair") == ("stages.p.batching", "'pair' is not a batching rule; did you mean 'pairs'?")
    field, message = fault_of(batching="pairs", max_batch=2, preferred_batches=[2])
    assert field == "stages.p.preferred_batches"
    assert "does not go by it" in message
    field, message = fault_of(batching="deadline")
    assert field == "stages.p.batching"
    assert "needs a class with `deadline_s`" in message


def test_a_name_is_taken_once():
    with pytest.raises(ValueError, match="already"):
        batching("triton")(TritonRule)
