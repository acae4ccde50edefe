"""The search against a space that can be enumerated, and a race in which nobody is dropped by luck."""

import sys
from collections.abc import Sequence

import numpy as np
import pytest

from simulator.case.schema import Objective
from simulator.cli.exits import UsageError
from simulator.tradeoffs.best_design import FEW, MOST, Search
from simulator.tradeoffs.breakeven_claims import BreakevenClaim
from simulator.tradeoffs.design_outcomes import DesignOutcome
from simulator.tradeoffs.design_space import Axis, DesignPoint
from simulator.tradeoffs.front import Goal
from tests.tradeoffs.made import COST, FOUND, outcome

AXES = [Axis("servers", "Servers", tuple(range(1, 13))), Axis("model", "Model", ("small", "middle", "large")),
        Axis("people", "People", tuple(range(1, 11)))]  # fmt: skip
ENOUGH = BreakevenClaim(FOUND, Objective(metric="found", at_least=0.9, label="Found"))


class Bench:
    """Designs whose truth is known: more people and larger models find more, and cost more; luck is common to all designs."""

    def __init__(self, luck: float = 0.0, bound: float = 0.9, seed: int = 0) -> None:
        self.luck, self.bound = luck, bound
        self.given: dict[str, int] = {}
        self._common = np.random.default_rng(seed).normal(0, 1, MOST)
        self._own = np.random.default_rng(seed + 1)

    def truth(self, point: DesignPoint) -> tuple[float, float]:
        size = ("small", "middle", "large").index(str(point.picks["model"]))
        servers, people = float(point.picks["servers"]), float(point.picks["people"])
        found = 1 - 0.4 * np.exp(-0.5 * people) - 0.2 / (1 + size) - 0.3 * (servers < 2 + 2 * size)
        return 2 * servers + 5 * people + 4 * size, found

    def run(self, points: Sequence[DesignPoint], replications: int) -> list[DesignOutcome]:
        found = []
        for point in points:
            cost, share = self.truth(point)
            self.given[repr(point)] = self.given.get(repr(point), 0) + replications
            luck = self.luck * self._common[:replications]
            own = 0.2 * self.luck * self._own.normal(0, 1, replications)
            found.append(outcome({"cost": cost + luck + own, "found": np.full(replications, share)}))
        return found

    def best(self) -> float:
        every = [self.truth(DesignPoint({"servers": s, "model": m, "people": p})) for s in AXES[0].picks for m in AXES[1].picks
                 for p in AXES[2].picks]  # fmt: skip
        return min((cost for cost, share in every if share >= self.bound), default=np.inf)

    def search(self, seed: int) -> Search:
        return Search(AXES, DesignPoint(), [ENOUGH], Goal(COST, higher=False), self.run, seed)


@pytest.mark.long
def test_in_a_space_of_360_designs_a_search_of_120_finds_the_best_or_nearly():
    found = [Bench().search(seed).find(120) for seed in range(5)]
    assert all(one.best.meets for one in found)
    assert np.median([one.best.cost for one in found]) <= Bench().best() + 2


@pytest.mark.long
def test_it_needs_fewer_designs_than_drawing_them_at_random():
    def left(sampler: str) -> float:
        costs = []
        for seed in range(12):
            path = Bench().search(seed).propose(60, sampler)
            costs.append(path[-1].cost if path[-1].meets else 100.0)
        return float(np.mean(costs)) - Bench().best()

    assert left("tpe") < left("random")


def test_the_path_never_gets_worse_and_no_design_is_tried_twice():
    bench = Bench()
    path = bench.search(1).propose(80)
    assert [one.rank for one in path] == sorted((one.rank for one in path), reverse=True)
    assert set(bench.given.values()) == {FEW}
    assert len(bench.given) == len(path) == 80


def test_a_space_smaller_than_the_budget_is_tried_whole():
    bench = Bench()
    search = Search(AXES[1:2], DesignPoint({"servers": 8, "people": 6}), [ENOUGH], Goal(COST, higher=False), bench.run, 1)
    assert len(search.propose(50)) == 3


def test_who_is_clearly_worse_gets_no_more_replications_and_who_may_be_as_good_does():
    bench = Bench(luck=15.0)
    search = bench.search(3)
    others = [(6, 5), (7, 5), (6, 10), (12, 10)]  # servers, people: 6 and 5 are best, 7 and 5 nearly as good
    runners = search._run([DesignPoint({"servers": s, "model": "large", "people": p}) for s, p in others], FEW)
    _, raced, _ = search._race(runners)
    given = [raced[repr(one.point)] for one in runners]
    assert given[3] < given[1]
    assert max(given) <= MOST


def test_a_race_drops_the_best_no_more_often_than_chance_allows():
    """Two designs that differ by less than the luck of a run: the better one wins, or is not told apart from the winner."""
    lost = 0
    for seed in range(60):
        bench = Bench(luck=20.0, seed=seed)
        search = bench.search(seed)
        runners = search._run([DesignPoint({"servers": s, "model": "large", "people": 5}) for s in (6, 7)], FEW)
        best, _, undecided = search._race(runners)
        lost += all(one.point.picks["servers"] != 6 for one in [best, *undecided])
    assert lost <= 60 * 0.05 * 4  # four rounds, each at 5%


def test_where_nothing_meets_all_objectives_the_nearest_misses_are_told_by_objective():
    cheap = BreakevenClaim(COST, Objective(metric="cost", at_most=20, label="Cost"))
    bench = Bench()
    found = Search(AXES, DesignPoint(), [ENOUGH, cheap], Goal(COST, higher=False), bench.run, 1).find(150)
    assert not found.best.meets
    by_metric = {miss.claim.metric.name: miss for miss in found.misses}
    assert by_metric["cost"].short == pytest.approx(bench.best() - 20, abs=3)
    assert by_metric["cost"].words == f"“Cost at most 20.0 USD” by {by_metric['cost'].short:.1f} USD"
    assert by_metric["cost"].tried.outcome.metrics["found"].value >= 0.9
    assert by_metric["found"].tried.cost <= 20


def test_a_search_without_optuna_names_the_extra_before_any_design_runs(monkeypatch):
    monkeypatch.setitem(sys.modules, "optuna", None)
    bench = Bench()
    told = "the search for the best design needs optuna, which is not installed: pip install 'casesim[tradeoffs]'"
    with pytest.raises(UsageError) as error:
        bench.search(0).find(8)
    assert (str(error.value), bench.given) == (told, {})


def test_a_search_of_a_part_of_the_designs_says_that_another_may_be_better():
    part, whole = Bench().search(1).find(24), Bench().search(1).find(360)
    assert part.of_all == "24 of 360 designs were tried; one of the others may be better"
    assert (whole.runs < 360) == ("one of the others may be better" in whole.of_all)
    few = Search(AXES[1:2], DesignPoint({"servers": 12, "people": 9}), [ENOUGH], Goal(COST, higher=False), Bench().run, 1)
    assert few.find(30).of_all == "all 3 designs were tried"
