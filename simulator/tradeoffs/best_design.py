"""The best design under a case's objectives: an optimizer proposes, and a race decides.

Best is what meets every objective at the least cost; where nothing does, what falls short the least. The optimizer is Optuna's
tree-structured Parzen estimator with constraints (Bergstra 2011; Watanabe 2023). Each proposal gets a few replications. The
most promising then race: all meet the same requests, more and more of them, and a design that is worse than the leader beyond
chance gets no more (successive halving: Jamieson and Talwalkar 2016; paired, as in F-Race: Birattari 2002).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import inf, prod
from typing import TYPE_CHECKING, Any, Literal

from simulator.case.schema import Scenario
from simulator.cli.exits import needing
from simulator.errors import InputError, suggest
from simulator.intervals import Estimate
from simulator.metrics.comparisons import Difference
from simulator.tradeoffs.breakeven_claims import BreakevenClaim
from simulator.tradeoffs.design_outcomes import DesignOutcome
from simulator.tradeoffs.design_space import Axis, DesignPoint
from simulator.tradeoffs.front import Front, Goal, goal_of, missed, moved
from simulator.tradeoffs.outcome_cache import OutcomeCache
from simulator.tradeoffs.sweep import Submit, Sweep, SweepRequest, swept
from simulator.units import spoken

if TYPE_CHECKING:
    import optuna

#: Runs points with a number of replications each, and returns their outcomes in order.
Evaluate = Callable[[Sequence[DesignPoint], int], list[DesignOutcome]]

Sampler = Literal["tpe", "random"]


#: Replications of a proposal, those that race, and replications at which a race ends.
FEW, RACING, MOST = 2, 8, 32

#: Proposals that are run side by side.
SIDE_BY_SIDE = 8

#: The miss of a design without a figure, as a part of the bound.
_FAR = 1e3


@dataclass(frozen=True)
class TriedDesign:
    """A design with its outcome. short: the miss of each objective, as a part of its bound; 0 where it is met."""

    point: DesignPoint
    outcome: DesignOutcome
    short: tuple[float, ...]
    cost: float

    @property
    def meets(self) -> bool:
        return not any(self.short)

    @property
    def rank(self) -> tuple[float, float, float]:
        return max(self.short, default=0.0), sum(self.short), self.cost


@dataclass(frozen=True)
class Miss:
    """The design that meets every objective but one, and misses that one the least."""

    claim: BreakevenClaim
    tried: TriedDesign
    short: float

    @property
    def words(self) -> str:
        """The miss with its unit: `“Cost of 1,000 people at most 21,000 USD” by 900 USD`."""
        if abs(self.short) == inf:
            return f"“{self.claim.words}”, because it has no figure"
        unit = self.claim.metric.unit
        size = f"{100 * self.short:.3g} points" if unit == "share" else spoken(self.short, unit)
        return f"“{self.claim.words}” by {size}"


@dataclass(frozen=True)
class BestDesigns:
    """The outcome of a search.

    best: the winner of the race; raced: the replications of each design that raced
    path: the best so far after each proposal; misses: where no design meets all objectives, the nearest miss of each one
    runs, replications: the number of designs that were run, and of their replications
    designs: that there are over the axes
    undecided: designs of the race that chance alone may separate from the winner
    """

    best: TriedDesign
    path: Sequence[TriedDesign]
    misses: Sequence[Miss]
    raced: Mapping[str, int]
    undecided: Sequence[TriedDesign]
    runs: int
    replications: int
    designs: int

    @property
    def of_all(self) -> str:
        """Say how many designs were tried, and of how many: one that was not tried may be better."""
        if self.runs >= self.designs:
            return f"all {self.designs:,} designs were tried"
        return f"{self.runs:,} of {self.designs:,} designs were tried; one of the others may be better"


class Search:
    """Search for the best design over some choices."""

    def __init__(
        self,
        axes: Sequence[Axis],
        base: DesignPoint,
        claims: Sequence[BreakevenClaim],
        cost: Goal,
        evaluate: Evaluate,
        seed: int,
    ) -> None:
        self.axes, self.base, self.claims, self.cost = list(axes), base, list(claims), cost
        self._evaluate, self._seed = evaluate, seed
        self.tried: dict[str, TriedDesign] = {}
        self.replications = 0

    def find(
        self, budget: int, sampler: Sampler = "tpe", progress: Callable[[int, int], None] = lambda done, total: None
    ) -> BestDesigns:
        """Find the best of `budget` designs, after a race of the most promising."""
        path = self.propose(budget, sampler, progress)
        runners = sorted(self.tried.values(), key=lambda one: one.rank)[:RACING]
        best, raced, undecided = self._race(runners)
        misses = [] if best.meets else self._misses()
        designs = prod(len(axis.picks) for axis in self.axes)
        return BestDesigns(best, path, misses, raced, undecided, len(self.tried), self.replications, designs)

    def propose(
        self, budget: int, sampler: Sampler = "tpe", progress: Callable[[int, int], None] = lambda done, total: None
    ) -> list[TriedDesign]:
        """Run `budget` designs that an optimizer proposes, each once; return the best so far after each of them."""
        study = _study(sampler, self._seed)
        path: list[TriedDesign] = []
        proposed, idle = 0, 0
        while proposed < budget and idle < 20 * SIDE_BY_SIDE:
            trials = [study.ask(_distributions(self.axes)) for _ in range(min(SIDE_BY_SIDE, budget - proposed))]
            points = [self._point(trial.params) for trial in trials]
            new = {repr(point): point for point in points if repr(point) not in self.tried}
            idle = 0 if new else idle + len(trials)
            self._run(list(new.values()), FEW)
            for trial, point in zip(trials, points, strict=True):
                one = self.tried[repr(point)]
                for claim, part in zip(self.claims, one.short, strict=True):
                    trial.set_constraint(claim.words, part)
                study.tell(trial, one.cost if one.cost < inf else 1e18)
                if repr(point) in new:
                    new.pop(repr(point))
                    proposed += 1
                    path.append(min([one, *path[-1:]], key=lambda tried: tried.rank))
            progress(proposed, budget)
        return path

    def _point(self, params: Mapping[str, int]) -> DesignPoint:
        picks = {axis.name: axis.picks[params[axis.name]] for axis in self.axes}
        return DesignPoint({**self.base.picks, **picks}, self.base.figures)

    def _run(self, points: Sequence[DesignPoint], replications: int) -> list[TriedDesign]:
        if not points:
            return []
        outcomes = self._evaluate(points, replications)
        self.replications += replications * len(points)
        designs = [self._judged(point, outcome) for point, outcome in zip(points, outcomes, strict=True)]
        self.tried |= {repr(one.point): one for one in designs}
        return designs

    def _judged(self, point: DesignPoint, outcome: DesignOutcome) -> TriedDesign:
        short = tuple(_short(claim, outcome) for claim in self.claims)
        value = outcome.value(self.cost.metric.name)
        return TriedDesign(point, outcome, short, inf if value is None else self.cost.worse(value))

    def _race(self, runners: Sequence[TriedDesign]) -> tuple[TriedDesign, dict[str, int], list[TriedDesign]]:
        """Double the replications of those that are not yet worse than the leader beyond chance, until one is left."""
        left, replications = list(runners), FEW
        raced = {repr(one.point): FEW for one in runners}
        while len(left) > 1 and replications < MOST:
            replications *= 2
            left = sorted(self._run([one.point for one in left], replications), key=lambda one: one.rank)
            raced |= {repr(one.point): replications for one in left}
            left = [left[0], *(one for one in left[1:] if not self._is_worse(one, left[0]))]
        return left[0], raced, left[1:]

    def _is_worse(self, one: TriedDesign, leader: TriedDesign) -> bool:
        """Check that a design surely misses an objective that the leader may meet, or surely costs more."""
        for claim in self.claims:
            gap, best = claim.gap([one.outcome]), claim.gap([leader.outcome])
            if gap.sure and not gap.holds and not (best.sure and not best.holds):
                return True
        if not (one.meets and leader.meets):
            return False
        dearer: Estimate = moved(self.cost, leader.outcome, one.outcome)
        return dearer.high < 0 if self.cost.higher else dearer.low > 0

    def _misses(self) -> list[Miss]:
        """Return, for each objective, the design that meets all others and misses it the least; the nearest miss first."""
        misses = []
        for place, claim in enumerate(self.claims):
            fit = [one for one in self.tried.values() if not any(one.short[:place] + one.short[place + 1 :])]
            if fit:
                nearest = min(fit, key=lambda one: (one.short[place], one.cost))
                misses.append((nearest.short[place], Miss(claim, nearest, -claim.gap([nearest.outcome]).value)))
        return [miss for _, miss in sorted(misses, key=lambda pair: pair[0])]


def evaluator(request: SweepRequest, submit: Submit, cache: OutcomeCache) -> Evaluate:
    return lambda points, replications: swept(Sweep(request, submit, cache, points, replications=replications))


def cost_goal(scenario: Scenario, name: str | None = None) -> Goal:
    """Return the goal to minimise: this metric, else the first objective in USD, else the cost of 1,000 requests.

    Raises InputError for a metric that there is not, or of which it is not known which way is better.
    """
    if name is not None and name not in scenario.metrics:
        raise InputError(f"--least {name}: there is no such metric; {suggest(name, scenario.metrics, 'casesim run --json')}")
    in_usd = (one.metric for one in scenario.objectives if scenario.metrics[one.metric].unit == "USD")
    return goal_of(scenario, name or next(in_usd, "cost_per_1000_usd"))


def _short(claim: BreakevenClaim, outcome: DesignOutcome) -> float:
    gap = claim.gap([outcome])
    if gap.holds:
        return 0.0
    return min(-gap.value / max(abs(claim.bound), 1e-12), _FAR)


def _distributions(axes: Sequence[Axis]) -> dict[str, Any]:
    """Return what Optuna draws from: the index of a number, in its order, or the index of an option, without an order."""
    from optuna.distributions import CategoricalDistribution, IntDistribution

    return {
        axis.name: IntDistribution(0, len(axis.picks) - 1)
        if all(isinstance(pick, int | float) for pick in axis.picks)
        else CategoricalDistribution(list(range(len(axis.picks))))
        for axis in axes
    }


def _study(sampler: Sampler, seed: int) -> optuna.Study:
    """Create a study; raises UsageError where Optuna is not installed."""
    with needing("tradeoffs", "the search for the best design"):
        import optuna
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    if sampler == "random":
        return optuna.create_study(sampler=optuna.samplers.RandomSampler(seed))
    return optuna.create_study(sampler=optuna.samplers.TPESampler(seed=seed, constant_liar=True, n_startup_trials=16))


@dataclass(frozen=True)
class Better:
    """The best design of a sweep in one goal among those no worse than the user's own design in the other goals.

    change: how much better it is, on other requests than those it was chosen by
    """

    goal: Goal
    place: int
    point: DesignPoint
    change: Estimate

    @property
    def sure(self) -> bool:
        return self.change.low > 0 if self.goal.higher else self.change.high < 0

    @property
    def words(self) -> str:
        difference = Difference(self.goal.metric, self.goal.metric.label, self.change)
        return f"{difference.size} ({difference.interval})"


@dataclass(frozen=True)
class Regret:
    """The user's own design beside a front: its outcome, and the goals in which a design of the sweep seemed better."""

    request: SweepRequest
    own: DesignOutcome
    better: Sequence[Better]

    @property
    def sentences(self) -> list[str]:
        """The distance of the own design from the front, a sentence for each goal."""
        if self.own.refused:
            return [f"Your own design cannot run: {self.own.refused}"]
        if self.own.outside_brief:
            return [self.own.outside_brief]
        if not self.better:
            return ["No design of this sweep is better than your own in one of these metrics and no worse in the others."]
        return [f"{one.goal.label or one.goal.metric.label}: {self._words_of(one)}" for one in self.better]

    def _words_of(self, one: Better) -> str:
        on = one.point.on(self.request.axes)
        other = ", ".join(f"{axis.label}: {axis.name_of(on[axis.name])}" for axis in self.request.axes)
        if one.sure:
            return f"{one.words} with {other}, and the other metrics no worse, on requests that were not used for the choice."
        return f"{other} seemed better; on other requests the difference is {one.words}, and that may be chance."

    def to_json(self) -> dict[str, Any]:
        return {
            "own": {
                name: {"value": estimate.value, "low": estimate.low, "high": estimate.high}
                for name, estimate in self.own.metrics.items()
            },
            "better": [
                {
                    "metric": one.goal.metric.name,
                    "place": one.place,
                    "change": one.change.value,
                    "low": one.change.low,
                    "high": one.change.high,
                    "unit": one.goal.metric.unit,
                    "sure": one.sure,
                }
                for one in self.better
            ],
            "sentences": self.sentences,
        }


def regret_of(
    request: SweepRequest, points: Sequence[DesignPoint], front: Front, submit: Submit, cache: OutcomeCache | None = None
) -> Regret:
    """Compare the base design of a sweep with its front, goal by goal; designs that seem better run again on other requests.

    points: those of the outcomes of the front, in the same order
    """
    (own,) = swept(Sweep(request, submit, cache, [request.base]))
    missed_goals = [] if own.refused else missed(front, own)
    if not missed_goals:
        return Regret(request, own, [])
    rivals = [points[one.place] for one in missed_goals]
    again = swept(Sweep(request, submit, cache, [request.base, *rivals], seed=request.other_seed))
    better = [
        Better(one.goal, one.place, point, moved(one.goal, again[0], other))
        for one, point, other in zip(missed_goals, rivals, again[1:], strict=True)
        if all(one.goal.metric.name in run.readings for run in (again[0], other))
    ]
    return Regret(request, own, better)
