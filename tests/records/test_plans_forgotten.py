"""A plan is forgotten with its last run, whatever was cached for it meanwhile."""

import gc
from weakref import ref

import pytest

from simulator.case.designs import TRAFFIC
from simulator.case.load import load, scenario_ids
from simulator.engine.plan import compile_plan
from simulator.explain.judged_changes import for_objectives
from simulator.explain.result import result_of
from simulator.metrics.replications import packed, run_packed, unpacked


def run_and_explain(plan):
    """Run two replications as a worker does, and say all that a result says; a watch on each plan, by its id."""
    content = packed(plan)
    measures = [run_packed(content, 1, number) for number in range(2)]
    assert result_of(for_objectives(plan), 1, measures).verdicts
    assert result_of(plan, 1, measures).claims
    made = plan, for_objectives(plan), unpacked(content)
    unpacked.cache_clear()
    return {id(one): ref(one) for one in made}


@pytest.mark.parametrize("case", scenario_ids())
def test_no_cached_function_holds_a_plan_that_was_run(case):
    plans = run_and_explain(compile_plan(load(case), {}, figures={TRAFFIC: 0.02}))
    assert len(plans) == 3
    gc.collect()
    assert not any(watch() for watch in plans.values())
