"""What follows from a plan alone: worked out once for each plan, and forgotten with it."""

import gc
import pickle
from weakref import ref

import pytest

from simulator.evidence.latency_tables import constant
from simulator.records.streams import cache_per_plan
from tests.builders import plan, pool


def test_it_is_worked_out_once_for_each_plan_and_each_question():
    asked = []

    @cache_per_plan
    def of(plan, name="all"):
        asked.append((plan.design, name))
        return [name]

    one, other = (plan({"p": pool()}, constant(0.1), seconds=5) for _ in range(2))
    assert of(one) is of(one)
    assert of(one, "p") == ["p"]
    assert of(other) is not of(one)
    assert len(asked) == 3


def test_answers_go_to_no_other_process():
    made = plan({"p": pool()}, constant(0.1), seconds=5)
    made.answers["large"] = bytes(10**6)
    content = pickle.dumps(made)
    assert len(content) < 10**6
    assert pickle.loads(content).answers == {}


@pytest.mark.long
def test_a_plan_that_is_gone_leaves_nothing_to_one_that_takes_its_place():
    @cache_per_plan
    def horizon(plan):
        return plan.horizon_s

    for seconds in (5, 50, 500):
        made = plan({"p": pool()}, constant(0.1), seconds=seconds)
        assert horizon(made) == made.horizon_s
        gone = ref(made)
        del made
        gc.collect()
        assert gone() is None
