"""The claims of every study around one design, beside those of its run, of its curveballs and of another design."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any

from simulator.case.choices import Pick
from simulator.case.load import load, loads
from simulator.case.schema import Scenario
from simulator.engine.compiled_plan import Plan, without_curveballs
from simulator.engine.plan import compile_plan
from simulator.explain.claims import Claim
from simulator.explain.result import Result, replicate
from simulator.metrics.comparisons import compare
from simulator.practice.curveball_effects import largest_toll, metres_taken, tolls
from simulator.practice.curveball_effects import toll_claims as effects_of
from simulator.records.timetables import DAY_S
from simulator.sweeps.design_space import Axis, DesignPoint, axis_of
from simulator.sweeps.sweep import Sweep, SweepRequest, outcomes_at, swept
from simulator.tradeoffs.best_design import cost_goal, search_over
from simulator.tradeoffs.breakeven import BreakevenSearch, doubts_of
from simulator.tradeoffs.breakeven_claims import claims_of as objectives_of
from simulator.tradeoffs.capacity import Loading
from simulator.tradeoffs.front import ENOUGH, Front, goals_of
from simulator.tradeoffs.sensitivity import LEAST, runnable, sample_of
from tests.design_claims import run_claims
from tests.figure_claims import comparison_table, difference_claims
from tests.shown import Shown, about, records
from tests.study_sentences import (
    best_claims,
    breakeven_claims,
    capacity_claims,
    curveball_claims,
    front_claims,
    influence_claims,
    table_claims,
)
from tests.tradeoffs.test_capacity import QUEUE

SEED = 1

#: The most choices whose influence is ranked: each takes eight designs more.
RANKED = 6

#: A queue of half a day: two readers nearly full, more of them cost too much, and twice as many people in the struck run.
TINY = (
    QUEUE.replace("days: 2, drain_days: 1, replications: 4", "days: 0.2, drain_days: 0.2, replications: 4")
    .replace(
        "{metric: latency_mean_s, at_most: BOUND, label: Mean}",
        "{metric: latency_mean_s, at_most: 90, label: Time to an answer}\n"
        "  - {metric: cost_per_1000_usd, at_most: 2000, label: Cost of a thousand}\n"
        "  - {metric: wait_p95_s.reader, at_most: 120, label: Longest waits}",
    )
    .replace("choices:", "curveballs:\n  crowd: {kind: traffic, label: A crowd, times: 2}\nchoices:")
)


@dataclass
class Studies:
    """The studies around a design, each run in this process; equal designs are run once.

    picks: of the design; over: the choices that vary; replications: of each design; doubts: the most figures in doubt
    """

    scenario: Scenario
    picks: Mapping[str, Pick]
    over: Sequence[str]
    replications: int = 2
    doubts: int = 3
    known: dict[str, Any] = field(default_factory=dict)
    judged: set[str] = field(default_factory=set)

    def submit(self, work: Any, task: Any) -> Future[Any]:
        if task.key not in self.known:
            self.known[task.key] = work(task)
        done: Future[Any] = Future()
        done.set_result(self.known[task.key])
        return done

    def request(self, axes: Sequence[Axis] = (), metrics: Sequence[str] = ()) -> SweepRequest:
        names = [*(one.metric for one in self.scenario.objectives), cost_goal(self.scenario).metric.name, *metrics]
        return SweepRequest(
            self.scenario, axes, list(dict.fromkeys(names)), [], dict(self.picks), seed=SEED, replications=self.replications
        )

    def run(self, point: DesignPoint | None = None, strikes: Mapping[str, float] | None = None) -> Result:
        picks = {**self.picks, **(point.picks if point else {})}
        return self._replicated(compile_plan(self.scenario, picks, strikes or {}))

    def _replicated(self, plan: Plan) -> Result:
        name = repr(plan.identity)
        if name not in self.known:
            self.known[name] = replicate(plan, SEED, self.replications)
        return self.known[name]

    # ---- claims

    def card(self, result: Result) -> Iterator[Shown]:
        """Read the card of a run and its other surfaces, once."""
        if result.run_hash in self.judged:
            return iter(())
        self.judged.add(result.run_hash)
        return about(result.run_hash, run_claims(result, False))

    def capacity(self) -> Iterator[Shown]:
        found = Loading(self.request(), objectives_of(self.scenario), self.submit).find()
        run = next(load.outcome.run_hash for load in found.loads if load.times == 1)
        yield from capacity_claims(found, self.scenario)
        yield from about(run, records([*found.claims, *(one.claim for one in found.least_servers)]))

    def breakevens(self, run: str, together: int = 4) -> Iterator[Shown]:
        request = self.request()
        doubts = doubts_of(request.plan(request.base))[: self.doubts]
        found = BreakevenSearch(request, self.submit).find(doubts, objectives_of(self.scenario), together)
        yield from breakeven_claims(found, run, self.scenario)
        yield from about(run, records(found.claims))

    def best(self, budget: int = 8) -> Iterator[Shown]:
        """Read a search, beside the cards of its best design and of the nearest misses."""
        axes = [axis_of(self.scenario, name) for name in self.over]
        request, claims = self.request(axes), objectives_of(self.scenario)
        search = search_over(request, claims, cost_goal(self.scenario), self.submit, None, judging=self.replications)
        found = search.find(budget)
        yield from best_claims(found, claims, self.scenario)
        yield from records(found.claims)
        for one in [found.best, *(miss.tried for miss in found.misses)]:
            yield from self.card(self.run(one.point))

    def front(self, others: Sequence[Mapping[str, Pick]]) -> Iterator[Shown]:
        """Read the table of a sweep and its front, beside the cards of the best designs by their values."""
        axes = [axis_of(self.scenario, name) for name in self.over]
        request = self.request(axes)
        usual = self.scenario.defaults()
        points = [DesignPoint({**usual, **self.picks, **picks}) for picks in ({}, *others)]
        designs = list({repr(one): one for one in points}.values())
        outcomes = swept(Sweep(request, self.submit, None, designs))
        yield from table_claims(self.scenario, request.table_of(designs, outcomes))
        result = Front(goals_of(self.scenario, request.metrics[:2]), outcomes)
        yield from front_claims(result, self.scenario)
        yield from records([result.claim])
        for place in result.by_value[:2]:
            yield from self.card(self.run(designs[place]))

    def influences(self) -> Iterator[Shown]:
        """Read what matters, of a few choices drawn from those that vary."""
        drawn = random.Random(self.scenario.id).sample(self.over, min(RANKED, len(self.over)))
        axes = [axis_of(self.scenario, name) for name in drawn]
        request, _ = runnable(self.request(axes), "morris", LEAST["morris"])
        sample = sample_of(request.axes, "morris", LEAST["morris"], SEED)
        points = sample.points(request.base)
        outcomes = outcomes_at(request, self.submit, None, points)
        ranked = sample.ranked(outcomes, request.metrics)
        yield from influence_claims(request, ranked, request.table_of(points, outcomes))
        each = ((self.scenario.metrics[name].label, one) for name, one in ranked.items())
        yield from records(one if isinstance(one, Claim) else one.claim(label) for label, one in each)

    def curveballs(self) -> Iterator[Shown]:
        """Read the effects of the first curveball of the case, halfway through the run."""
        name, _ = next(iter(self.scenario.curveballs.items()))
        struck = self.run(strikes={name: round(self.scenario.run.days * DAY_S / 2)})
        calm = self._replicated(without_curveballs(struck.plan))
        yield from curveball_claims(calm, struck)
        paid, metres = tolls(calm, struck), metres_taken(calm, struck)
        yield from records([*effects_of(struck, paid), *largest_toll(paid), *([metres] if metres else [])])
        yield from self.card(struck)
        yield from self.card(calm)

    def against(self, other: Mapping[str, Pick]) -> Iterator[Shown]:
        before, after = self.run(DesignPoint(other)), self.run()
        compared = compare(before, after, every=True)
        yield from comparison_table(compared)
        yield from difference_claims(after, compared)
        yield from self.card(before)

    def every(self, others: Sequence[Mapping[str, Pick]]) -> Iterator[Shown]:
        """Read every surface. others: designs to sweep over, the first of which is compared with this one"""
        own = self.run()
        yield from self.card(own)
        yield from self.capacity()
        yield from self.breakevens(own.run_hash)
        yield from self.best()
        yield from self.front(others)
        yield from self.influences()
        yield from self.curveballs()
        yield from self.against(others[0])


@cache
def tiny_claims() -> tuple[Shown, ...]:
    """Return the claims of every surface of the tiny case with two readers."""
    studies = Studies(loads(TINY), {"readers": 2}, ["readers"], ENOUGH)
    return tuple(studies.every([{"readers": readers} for readers in (3, 1, 5, 8)]))


def case_claims(case: str, others: Sequence[Mapping[str, Pick]]) -> list[Shown]:
    """Return the claims of every surface around the default design of a shipped case, and of those of other designs.

    others: picks of designs that can run: each is in the sweep, has a card, and is struck and compared with the default one
    """
    scenario = load(case)
    over = [name for name, choice in scenario.choices.items() if not choice.situation]
    studies = Studies(scenario, {}, over)
    claims = list(studies.every(others))
    for picks in others:
        other = replace(studies, picks=picks)
        claims += [*other.card(other.run()), *other.curveballs(), *other.against({})]
    return claims
