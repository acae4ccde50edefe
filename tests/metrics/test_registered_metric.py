"""A metric from outside: its record and its count in one place, registered, checked in a case, and read from a run."""

import numpy as np
import pytest

from simulator.case.document import ScenarioError
from simulator.case.load import loads
from simulator.case.outputs import CountedMetric, MetricFamily, share_metric
from simulator.engine.plan import compile_plan
from simulator.engine.run import simulate
from simulator.metrics import register, unregister
from simulator.metrics.summary import summarise
from tests.case.texts import SMALL

LIMIT_S = 3


def quick(case):
    yield CountedMetric(
        share_metric("quick_share", f"Requests answered within {LIMIT_S} s", "higher"),
        lambda run: run.ratio((run.columns.answered - run.columns.sent <= LIMIT_S)[run.own].sum(), run.n),
    )


QUICK = MetricFamily("quick", quick)
ASKED = SMALL.replace("metric: sensitivity, at_least: 0.9", "metric: quick_share, at_least: 0.5")


@pytest.fixture
def registered():
    register(QUICK)
    yield
    unregister(QUICK)


def test_a_registered_metric_is_one_of_the_case_and_of_its_runs_with_an_interval(registered, evidence):
    plan = compile_plan(loads(ASKED))
    assert plan.scenario.metrics["quick_share"].estimator == "share"
    traces = [simulate(plan, 1, replication) for replication in range(4)]
    found = summarise(traces)["quick_share"]
    of_each = [np.mean(trace.columns.answered - trace.columns.sent <= LIMIT_S) for trace in traces]
    sizes = [trace.columns.n for trace in traces]
    assert found.value == pytest.approx(np.average(of_each, weights=sizes))
    assert 0 <= found.low < found.value < found.high <= 1


def test_a_metric_that_is_not_registered_is_no_metric_of_a_case():
    with pytest.raises(ScenarioError, match="'quick_share' is not a metric here"):
        loads(ASKED)


def test_a_family_is_registered_once(registered):
    with pytest.raises(ValueError, match="there already is a family of metrics 'quick'"):
        register(QUICK)
