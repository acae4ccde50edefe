"""A run that begins at the first stage that differs gives the trace of a run from the beginning, byte for byte."""

from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from simulator.case.designs import TRAFFIC
from simulator.case.document import ScenarioError
from simulator.case.load import load
from simulator.engine.outflow_keys import places_of
from simulator.engine.plan import compile_plan
from simulator.engine.reusing_runs import ReusingRun, may_reuse, simulate_on
from simulator.engine.run import simulate
from simulator.engine.stage_outflows import KeptOutflows
from simulator.metrics.measures import measure
from simulator.records.streams import Streams
from tests.builders import end, pool, spread
from tests.builders import plan as made
from tests.engine.networks import HORIZON_S, networks

case_of = cache(load)

CASES = ("skin-cancer-triage", "av-perception", "retry-storm", "production-drift")


def assert_same(one: Any, other: Any) -> None:
    """Two traces hold the same bytes in every column of requests and of visits."""
    assert one.digest == other.digest
    columns = [vars(trace.columns) for trace in (one, other)]
    for name in (name for name, column in columns[0].items() if isinstance(column, np.ndarray)):
        assert columns[0][name].tobytes() == columns[1][name].tobytes(), name
    for name in ("scores_by", "attributes"):
        pairs = [{key: column.tobytes() for key, column in each[name].items()} for each in columns]
        assert pairs[0] == pairs[1], name
    assert one.columns.sent.tobytes() == other.columns.sent.tobytes()
    assert list(one.logs) == list(other.logs)
    for stage in one.logs:
        visits = [vars(trace.logs[stage].visits()) for trace in (one, other)]
        for name, column in visits[0].items():
            assert column.tobytes() == visits[1][name].tobytes(), (stage, name)
    assert one.fleets == other.fleets


def assert_same_measures(one: Any, other: Any) -> None:
    """Two replications count the same, to the last bit."""
    first, second = measure(one), measure(other)
    for each, its in zip(*(({"": found} | found.groups).values() for found in (first, second)), strict=True):
        assert {name: (total.numerator, total.denominator) for name, total in each.totals.items()} == {
            name: (total.numerator, total.denominator) for name, total in its.totals.items()
        }
        assert {name: sample.values.tobytes() for name, sample in each.samples.items()} == {
            name: sample.values.tobytes() for name, sample in its.samples.items()
        }
        assert each.flows.equals(its.flows)
    assert first.stages == second.stages


@st.composite
def pairs(draw: st.DrawFn) -> tuple[str, dict[str, Any], dict[str, Any]]:
    """A case, a design of it, and another one that differs in one choice or two."""
    case = draw(st.sampled_from(CASES))
    choices = case_of(case).choices

    def some(most: int) -> dict[str, Any]:
        names = draw(st.lists(st.sampled_from(sorted(choices)), max_size=most, unique=True))
        return {name: draw(st.sampled_from(list(choices[name].picks()))) for name in names}

    base = some(3)
    return case, base, base | some(2)


def check_pair(pair: tuple[str, dict[str, Any], dict[str, Any]], traffic: float) -> int:
    """Run the second design from the beginning and behind the first one; returns its cut there."""
    case, *both = pair
    try:
        first, second = (compile_plan(case_of(case), picks, figures={TRAFFIC: traffic}) for picks in both)
    except ScenarioError:
        assume(False)
    kept = KeptOutflows()
    simulate_on(first, 1, 2, kept)
    run = ReusingRun(second, Streams(1, 2), kept) if may_reuse(second) else None
    found, wanted = run.trace() if run else simulate_on(second, 1, 2, kept), simulate(second, 1, 2)
    assert_same(found, wanted)
    assert_same_measures(found, wanted)
    return run.cut if run else 0


@settings(max_examples=8, deadline=None, suppress_health_check=list(HealthCheck))
@given(pairs())
def test_pairs_of_designs_of_the_shipped_cases_give_the_same_trace(pair):
    check_pair(pair, 0.1)


@pytest.mark.long
@settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
@given(pairs(), st.sampled_from([0.3, 1.0]))
def test_three_hundred_pairs_of_designs_give_the_same_trace(pair, traffic):
    check_pair(pair, traffic)


def changed(plan, name: str, how: int):
    """The plan with another stage of that name."""
    stage = plan.scenario.stages[name]
    figure = {"link": "latency_ms", "retake": "gives_up", "people": "usd_per_hour"}.get(stage.kind)
    fields: dict[str, Any] = {}
    if stage.kind == "pool":
        fields = {"replicas": stage.replicas % 3 + 1} if how else {"timeout_s": None, "on_timeout": None}
    elif stage.kind == "gate":
        fields = {"answers": not stage.answers} if how else {"routes": [stage.routes[-1]]}
    elif stage.kind == "retry":
        fields = {"max_tries": stage.max_tries % 4 + 1}
    elif stage.kind == "people" and how:
        fields = {"order": "risk" if stage.order == "fifo" else "fifo"}
    elif figure:
        fields = {figure: getattr(stage, figure).model_copy(update={"value": 0.5 * getattr(stage, figure).value + 0.1})}
    stages = plan.scenario.stages | {name: stage.model_copy(update=fields)}
    return replace(plan, scenario=plan.scenario.model_copy(update={"stages": stages}))


def check_network(plan, changes: list[tuple[int, int]]) -> None:
    """Change one stage after the other, and run each design from the beginning and behind all those before."""
    assume(may_reuse(plan))
    kept = KeptOutflows()
    for place, how in [(0, -1), *changes]:
        name = list(plan.scenario.stages)[place % len(plan.scenario.stages)]
        plan = plan if how < 0 else changed(plan, name, how)
        assert_same(simulate_on(plan, 3, 1, kept), simulate(plan, 3, 1))


CHANGES = st.lists(st.tuples(st.integers(0, 20), st.integers(0, 1)), min_size=2, max_size=4)


@settings(max_examples=10, deadline=None, suppress_health_check=list(HealthCheck))
@given(networks(), CHANGES)
def test_random_networks_give_the_same_trace_whatever_stage_changes(plan, changes):
    check_network(plan, changes)


@pytest.mark.long
@settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))
@given(networks(), CHANGES)
def test_two_hundred_random_networks_give_the_same_trace(plan, changes):
    check_network(plan, changes)


def simulated(kept: KeptOutflows, **picks: Any) -> set[str]:
    """The stages of the skin case that a design simulates behind those before."""
    run = ReusingRun(compile_plan(case_of("skin-cancer-triage"), picks, figures={TRAFFIC: 0.05}), Streams(1, 0), kept)
    run.trace()
    return {name for name, place in run.places.items() if place >= run.cut}


def test_a_change_begins_at_the_first_stage_that_it_touches():
    kept = KeptOutflows()
    behind = ["keratosis", "dermatologist", "audit", "triage", "classifier"]
    assert simulated(kept) == {"upload", "decode", "quality", "retake", *behind}
    assert simulated(kept, dermatologists=20) == {"keratosis", "dermatologist"}
    assert simulated(kept, operating_point=0.9) == {"keratosis", "dermatologist", "audit", "triage"}
    assert simulated(kept, replicas=3) == set(behind)
    assert simulated(kept, operating_point=0.9, replicas=3) == {"keratosis", "dermatologist", "audit", "triage"}
    assert simulated(kept, decoders=3) == {"upload", "decode", "quality", "retake", *behind}
    assert not simulated(kept, dermatologists=20), "it has run before"


def test_a_price_has_nothing_simulated_again():
    kept, case = KeptOutflows(), case_of("skin-cancer-triage")
    simulate_on(compile_plan(case, figures={TRAFFIC: 0.05}), 1, 0, kept)
    for place in ("stages.dermatologist.usd_per_hour", "ends.clinic.usd", "costs.prices.1.usd"):
        plan = compile_plan(case, figures={TRAFFIC: 0.05, place: 100.0})
        run = ReusingRun(plan, Streams(1, 0), kept)
        found, wanted = run.trace(), simulate(plan, 1, 0)
        assert run.is_whole
        assert_same(found, wanted)
        assert_same_measures(found, wanted)


def test_stages_of_a_ring_share_a_place_and_lie_before_what_they_feed():
    run = ReusingRun(compile_plan(case_of("skin-cancer-triage")), Streams(1, 0), KeptOutflows())
    places = places_of(run)
    assert places["upload"] == places["decode"] == places["quality"] == places["retake"] == 0
    assert places["classifier"] < places["triage"] < places["dermatologist"]


def two_pools(rate: float = 1.0, first: int = 1):
    stages = {"one": pool(to="two", replicas=first), "two": pool(to="done")}
    return made(stages, rate=rate, run={"days": HORIZON_S / 86_400}, ends={"done": end()})


def test_what_no_run_reads_changes_no_key_and_all_else_does():
    def keys(plan, seed: int = 1, replication: int = 0) -> list[bytes]:
        return ReusingRun(plan, Streams(seed, replication), KeptOutflows()).keys

    now = keys(two_pools())
    assert keys(two_pools()) == now
    assert not set(keys(two_pools(), seed=2)) & set(now)
    assert not set(keys(two_pools(), replication=1)) & set(now)
    assert not set(keys(two_pools(rate=2.0))) & set(now)
    assert not set(keys(two_pools(first=2))) & set(now)
    stages = two_pools().scenario.stages
    for name, fields, same in [("two", {"replicas": 2}, 1), ("two", {"label": "Another"}, 2), ("one", {"note": "Why"}, 2)]:
        other = {**stages, name: stages[name].model_copy(update=fields)}
        plan = two_pools()
        plan = replace(plan, scenario=plan.scenario.model_copy(update={"stages": other}))
        assert sum(one == two for one, two in zip(keys(plan), now, strict=True)) == same


def test_a_plan_whose_notes_ended_on_the_way_takes_none_in_its_next_runs(monkeypatch):
    """Where stages take turns with each other, notes take longer than they spare."""
    monkeypatch.setattr("simulator.engine.reusing_runs.MOST_STEPS", 3)
    plan, kept = compile_plan(case_of("skin-cancer-triage"), figures={TRAFFIC: 0.05}), KeptOutflows()
    first, second = ReusingRun(plan, Streams(1, 0), kept), ReusingRun(plan, Streams(2, 0), kept)
    assert_same(first.trace(), simulate(plan, 1, 0))
    assert not first.noted.complete
    assert ReusingRun(plan, Streams(3, 0), kept).noted.room == 0, "no notes from the beginning"
    assert_same(second.trace(), simulate(plan, 2, 0))
    assert_same(simulate_on(plan, 3, 0, kept), simulate(plan, 3, 0))
    assert ReusingRun(plan, Streams(3, 0), kept).is_whole, "a whole run is kept without them"


def test_what_is_kept_stays_within_its_bound():
    plan = compile_plan(case_of("skin-cancer-triage"), figures={TRAFFIC: 0.05})
    kept = KeptOutflows(1_000_000)
    for replication in range(12):
        simulate_on(plan, 1, replication, kept)
        assert 0 < kept.nbytes <= 1_000_000
    assert ReusingRun(plan, Streams(1, 11), kept).is_whole
    assert not ReusingRun(plan, Streams(1, 0), kept).cut, "the oldest goes first"
    kept.clear()
    assert kept.nbytes == 0
    tiny = KeptOutflows(1000)
    simulate_on(plan, 1, 0, tiny)
    assert tiny.nbytes == 0, "a run that does not fit is not kept"


def test_nothing_is_reused_where_something_feeds_back():
    assert may_reuse(two_pools())
    closed = {"kind": "closed", "clients": 3, "think_s": spread(1)}
    plan = made({"one": pool(to="done")}, arrivals=closed, ends={"done": end()})
    assert not may_reuse(plan)
    assert not may_reuse(replace(two_pools(), later=((10.0, two_pools()),)))
