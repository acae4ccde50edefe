"""What the benchmarks measure can be built and run; how fast it is, they show and no test asserts."""

from math import inf

import pytest

from benchmarks.case import GROWING, skin
from benchmarks.crowd.__main__ import Crowd, app, quantile
from benchmarks.crowd.people import CASE, Change, Met, Walk
from benchmarks.crowd.tab import opened
from simulator.engine.run import simulate
from tests.loops import run


@pytest.mark.parametrize("name", GROWING)
def test_a_workload_grows_with_the_number_of_requests(name):
    assert simulate(GROWING[name](12_000), seed=1).columns.n == pytest.approx(12_000, rel=0.1)


def test_the_case_brings_all_its_requests_within_the_days_given():
    assert simulate(skin(400, days=0.5), seed=1).plan.scenario.run.days == pytest.approx(0.5)


@pytest.mark.long
def test_a_client_without_a_browser_reaches_the_verdict_of_its_change():
    async def visit(address):
        async with opened(address, "practice", f"case={CASE.id}&seed=7&replications=8") as tab:

            def full(told):
                return next((one for one in tab.said[told:] if one.fresh and len(one.verdict) == 12), None)

            first = await tab.until(lambda: full(0), 120)
            await tab.until(lambda: tab.settled, 120)
            with pytest.raises(LookupError, match=r"'Dermatologist': .* no slider .* 'Dermatologists per shift'"):
                await tab.move("Dermatologist", 1)
            told = len(tab.said)
            await tab.move("Dermatologists per shift", -1)
            then = await tab.until(lambda: full(told), 120)
            return [one.verdict for one in tab.said], first, then, tab.faults

    with app(None) as address:
        said, first, then, faults = run(visit(address))
    assert first.verdict != then.verdict
    assert said.count("preliminary") == 2
    assert faults == []


def test_a_walk_comes_to_no_design_twice():
    sizes = {"Operating point": 12, "Dermatologists per shift": 29, "Classifier replicas": 16, "Decoder replicas": 16}
    places, walk = (
        {"Operating point": 4, "Dermatologists per shift": 14, "Classifier replicas": 1, "Decoder replicas": 1},
        Walk(3),
    )
    been = [tuple(places.values())]
    for _ in range(200):
        label, by = walk.step()
        places[label] += by
        been.append(tuple(places.values()))
        assert all(0 <= place < sizes[name] for name, place in places.items())
    assert len(set(been)) == len(been)


def test_a_verdict_that_did_not_come_counts_as_longer_than_its_person_waited():
    assert quantile([1.0] * 30 + [inf] * 70, 0.5, 10.0) == "> 10 (> 10 to > 10)"
    assert quantile([1.0] * 70 + [inf] * 30, 0.5, 10.0) == "1 (1 to 1)"


def test_fairness_is_the_longest_median_over_the_middle_one():
    met = [Met(changes=[Change(first, inf) for first in firsts]) for firsts in ([1.0, 9.0, 2.0], [3.0], [8.0, inf, 4.0])]
    assert Crowd(3, met, [], 0, 0, 0, []).fairness == pytest.approx(8 / 3)
