"""The best design under a case's objectives: an optimizer proposes, and a race decides.

Best is what meets every objective at the least cost; where nothing does, what falls short the least. The optimizer is Optuna's
tree-structured Parzen estimator with constraints (Bergstra 2011; Watanabe 2023). Each proposal gets a few replications. The
most promising then race: all meet the same requests, more and more of them, and a design that is worse than the leader beyond
chance gets no more (successive halving: Jamieson and Talwalkar 2016; paired, as in F-Race: Birattari 2002). The verdicts that
decide are those of as many replications as the page Explore runs; the base and the author's own designs get them too. From the
winner and the nearest misses, steps along one choice at a time go towards less cost (coordinate descent) while no verdict gets
worse.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import inf, prod
from typing import TYPE_CHECKING, Any, Literal

from simulator.case.choices import Pick
from simulator.case.phases import readable_references
from simulator.case.schema import Scenario
from simulator.cli.exits import needing
from simulator.errors import InputError, suggest
from simulator.phrases import phrase
from simulator.sweeps.design_space import Axis, DesignPoint
from simulator.sweeps.outcome_cache import DesignOutcome, OutcomeCache
from simulator.sweeps.sweep import ReportProgress, Submit, Sweep, SweepRequest, silent, swept
from simulator.tradeoffs.breakeven_claims import BreakevenClaim
from simulator.tradeoffs.front import Goal, goal_of
from simulator.tradeoffs.tried_designs import BestDesigns, Miss, TriedDesign, obstacle_of, tried_design

if TYPE_CHECKING:
    import optuna

#: Runs points with a number of replications each, and returns their outcomes in order.
Evaluate = Callable[[Sequence[DesignPoint], int], list[DesignOutcome]]

Sampler = Literal["tpe", "random"]


#: Replications of a proposal, those that race, and replications at which a race ends and verdicts are given by default.
FEW, RACING, MOST = 2, 8, 32

#: The most steps towards less cost from one design, and the nearest misses that such steps start from.
STEPS, NEAREST = 24, 3

#: The designs with the least miss of each objective that get a verdict.
SEEMING = 2

#: Proposals that are run side by side.
SIDE_BY_SIDE = 8


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
        judging: int = MOST,
        known: Sequence[Mapping[str, Pick]] = (),
        mend: Callable[[DesignPoint], DesignPoint] = lambda point: point,
    ) -> None:
        """Prepare a search.

        judging: the replications that a verdict takes, those of the page Explore
        mend: returns the design to run in place of a proposal that cannot
        known: picks of designs to propose first, such as the base and an author's reference; each gets a verdict, so that the
        best design is never worse than one of them
        """
        self.axes, self.base, self.claims, self.cost = list(axes), base, list(claims), cost
        self._evaluate, self._mend, self._seed, self.judging = evaluate, mend, seed, max(judging, FEW)
        self._first = [found for picks in known if (found := self._places(picks)) is not None]
        self.tried: dict[str, TriedDesign] = {}
        self.replications = 0
        self._known: dict[tuple[str, int], TriedDesign] = {}
        self._report: ReportProgress = silent

    def find(self, budget: int, report: ReportProgress = silent) -> BestDesigns:
        """Find the best of `budget` designs, after a race of the most promising and steps towards less cost.

        report: called with the part of the search under way, the number done of it and the total, 0 if unknown
        """
        self._report = report
        path = self.propose(budget)
        runners = self._runners()
        first, *undecided = self._race(runners)
        seeming = [] if first.meets else self._seeming()
        report("giving the best their verdicts", 0, 0)
        judged = self._run([*(design.point for design in [first, *undecided, *seeming]), *self._known_points()], self.judging)
        best = self._cheaper(min(judged, key=lambda design: design.verdict_rank))
        misses = self._misses([*judged, best]) if best.missed else []
        obstacle = None if best.meets else obstacle_of(self.claims, self._ran)
        return BestDesigns(
            best,
            path,
            misses,
            [design for design in judged[1 : 1 + len(undecided)] if self._may_be_as_good(design, best)],
            len(self._ran),
            self.replications,
            self.designs - (len(self.tried) - len(self._ran)),
            self._open(best),
            obstacle,
        )

    def best_of_known(self) -> TriedDesign:
        """Return the best of the known designs, judged as those of a search are; there is no search."""
        return min(
            self._run([self._point(places) for places in self._first], self.judging), key=lambda design: design.verdict_rank
        )

    @property
    def designs(self) -> int:
        """The number of designs there are."""
        return prod(len(axis.picks) for axis in self.axes)

    @property
    def _ran(self) -> list[TriedDesign]:
        """The designs tried, without those that cannot run."""
        return [design for design in self.tried.values() if not design.outcome.refused]

    def _runners(self) -> list[TriedDesign]:
        """Return the designs that race: half by their plain values, half by their doubts, as the nearest prove little."""
        plain = sorted(self._ran, key=lambda design: design.rank)
        doubted = sorted(self._ran, key=lambda design: (sum(design.doubted), design.rank))
        first = [*plain[: RACING // 2], *doubted[: RACING // 2], *plain]
        return list({repr(design.point): design for design in first}.values())[:RACING]

    def propose(self, budget: int, sampler: Sampler = "tpe") -> list[TriedDesign]:
        """Run `budget` designs that an optimizer proposes, each once; return the best so far after each of them.

        A design that cannot run does not count. budget: all designs where there are fewer
        """
        budget = min(budget, self.designs)
        study = _study(sampler, self._seed)
        for places in self._first:
            study.enqueue_trial(places, skip_if_exists=True)
        path: list[TriedDesign] = []
        proposed, idle = 0, 0
        while proposed < budget and idle < 20 * SIDE_BY_SIDE:
            trials = [self._asked(study) for _ in range(min(SIDE_BY_SIDE, budget - proposed))]
            points = [self._point(trial.params) for trial in trials]
            new = {repr(point): point for point in points if repr(point) not in self.tried}
            can_run = [not design.outcome.refused for design in self._run(list(new.values()), FEW)]
            idle = 0 if any(can_run) else idle + len(trials)
            for trial, point in zip(trials, points, strict=True):
                result = self.tried[repr(point)]
                for claim, part in zip(self.claims, result.short, strict=True):
                    trial.set_constraint(claim.words, part)
                study.tell(trial, result.cost if result.cost < inf else 1e18)
                if new.pop(repr(point), None) and not result.outcome.refused:
                    proposed += 1
                    path.append(min([result, *path[-1:]], key=lambda tried: tried.rank))
            self._report("trying proposals", proposed, budget)
        return path

    def _asked(self, study: optuna.Study) -> optuna.Trial:
        """Ask for a proposal; in place of one that cannot run, for its mended design: that takes the next turn."""
        from optuna.trial import TrialState

        trial = study.ask(_distributions(self.axes))
        point = self._point(trial.params)
        if (mended := self._mend(point)) == point:
            return trial
        study.tell(trial, state=TrialState.FAIL)
        study.enqueue_trial(self._places(mended.picks) or {})
        return self._asked(study)

    def _places(self, picks: Mapping[str, Pick]) -> dict[str, int] | None:
        """Return the places of a design's picks on the axes; None where it lies outside of them."""
        whole = {**self.base.picks, **picks}
        try:
            return {axis.name: axis.picks.index(whole[axis.name]) for axis in self.axes}
        except (KeyError, ValueError):
            return None

    def _known_points(self) -> list[DesignPoint]:
        return [point for places in self._first if repr(point := self._point(places)) in self.tried]

    def _point(self, params: Mapping[str, int]) -> DesignPoint:
        picks = {axis.name: axis.picks[params[axis.name]] for axis in self.axes}
        return DesignPoint({**self.base.picks, **picks}, self.base.figures)

    def _run(self, points: Sequence[DesignPoint], replications: int) -> list[TriedDesign]:
        """Run designs that have not run with this number of replications; a design is known by its most replications."""
        new = {repr(point): point for point in points if (repr(point), replications) not in self._known}
        outcomes = self._evaluate(list(new.values()), replications) if new else []
        self.replications += replications * sum(not outcome.refused for outcome in outcomes)
        for (name, point), outcome in zip(new.items(), outcomes, strict=True):
            value = outcome.value(self.cost.metric.name)
            tried = tried_design(self.claims, point, outcome, None if value is None else self.cost.worse(value))
            self._known[name, replications] = tried
            if name not in self.tried or self.tried[name].outcome.replications <= replications:
                self.tried[name] = tried
        return [self._known[repr(point), replications] for point in points]

    def _race(self, runners: Sequence[TriedDesign]) -> list[TriedDesign]:
        """Double the replications of those that are not yet worse than the leader beyond chance, until one is left."""
        left, replications = list(runners), FEW
        while len(left) > 1 and replications < self.judging:
            replications = min(2 * replications, self.judging)
            self._report(phrase("search.race", designs=len(left)), replications, self.judging)
            left = sorted(self._run([design.point for design in left], replications), key=lambda design: design.rank)
            left = [left[0], *(design for design in left[1:] if not self._is_worse(design, left[0]))]
        return left

    def _is_worse(self, design: TriedDesign, leader: TriedDesign) -> bool:
        """Check that a design surely misses an objective that the leader may meet, or surely costs more and proves no more."""
        for claim in self.claims:
            if claim.answer([design.outcome]).fails and not claim.answer([leader.outcome]).fails:
                return True
        if any(design.short) or any(leader.short) or not leader.no_worse_than(design):
            return False
        dearer = leader.outcome.difference(self.cost.metric, design.outcome).change
        return dearer.high < 0 if self.cost.higher else dearer.low > 0

    def _may_be_as_good(self, design: TriedDesign, best: TriedDesign) -> bool:
        is_other = repr(design.point) != repr(best.point)
        return is_other and design.no_worse_than(best) and not self._is_worse(design, best)

    def _open(self, design: TriedDesign) -> list[BreakevenClaim]:
        return [claim for claim, standing in zip(self.claims, design.standings, strict=True) if standing == "not proven"]

    def _seeming(self) -> list[TriedDesign]:
        """Return, for each objective, the designs that seem to meet all others and to miss it the least."""
        seeming = []
        for place in range(len(self.claims)):
            fit = [design for design in self._ran if not any(design.short[:place] + design.short[place + 1 :])]
            seeming += sorted(fit, key=lambda design: (design.short[place], design.cost))[:SEEMING]
        return list({repr(design.point): design for design in seeming}.values())

    def _misses(self, judged: Sequence[TriedDesign]) -> list[Miss]:
        """Return, for each objective, the design that misses it alone by its verdicts, and the least; the nearest first."""
        nearest = []
        for place in range(len(self.claims)):
            fit = [design for design in judged if design.missed == [place] and not design.outcome.outside_brief]
            if fit:
                nearest.append(
                    (place, min(fit, key=lambda design: (design.short[place], len(self._open(design)), design.cost)))
                )
        nearest.sort(key=lambda pair: pair[1].short[pair[0]])
        cheaper = [(place, self._cheaper(one) if at < NEAREST else one) for at, (place, one) in enumerate(nearest)]
        misses = [
            (
                design.short[place],
                Miss(self.claims[place], design, -self.claims[place].answer([design.outcome]).margin, self._open(design)),
            )
            for place, design in cheaper
        ]
        return [miss for _, miss in sorted(misses, key=lambda pair: pair[0])]

    def _cheaper(self, start: TriedDesign) -> TriedDesign:
        """Step towards less cost along the numbers of a design; return the last step that makes no verdict worse.

        The steps get few replications, on the same requests. The last ones get a verdict.
        """
        way = [start, *self._descent(start)]
        good, bad = 0, len(way)
        while bad - good > 1:  # the last step is looked at first, then the way is halved
            place = len(way) - 1 if bad == len(way) else (good + bad) // 2
            (judged,) = self._run([way[place].point], self.judging)
            if judged.saves_on(start):
                good, way[place] = place, judged
            else:
                bad = place
        return way[good]

    def _descent(self, start: TriedDesign) -> list[TriedDesign]:
        """Go down each number by steps that double while they help and halve while they do not; at most STEPS are tried."""
        (now,) = self._run([start.point], FEW)
        way: list[TriedDesign] = []
        left = STEPS
        for axis, side in self._by_saving(now):
            size = 1
            while size and left:
                step = self._step(now.point, axis, side * size)
                if step is None:
                    size //= 2
                    continue
                left -= 1
                self._report("stepping towards less cost", STEPS - left, STEPS)
                (stepped,) = self._run([step], FEW)
                if stepped.seems_to_save_on(now):
                    now, size = stepped, 2 * size
                    way.append(stepped)
                else:
                    size //= 2
        return way

    def _by_saving(self, now: TriedDesign) -> list[tuple[Axis, int]]:
        """Return the numbers and the side to go to, the one whose step saves most first, without those that save nothing."""
        every = [(axis, side, self._step(now.point, axis, side)) for axis in self.axes if _is_ordered(axis) for side in (-1, 1)]
        steps = [(axis, side, point) for axis, side, point in every if point is not None]
        beside = self._run([now.point, *(point for _, _, point in steps)], FEW)
        saving = [(beside[0].cost - design.cost, axis, side) for design, (axis, side, _) in zip(beside[1:], steps, strict=True)]
        return [(axis, side) for saved, axis, side in sorted(saving, key=lambda step: -step[0]) if saved > 0]

    def _step(self, point: DesignPoint, axis: Axis, by: int) -> DesignPoint | None:
        picks = sorted(axis.picks)
        place = picks.index(point.picks[axis.name]) + by
        return DesignPoint({**point.picks, axis.name: picks[place]}, point.figures) if 0 <= place < len(picks) else None


def _is_ordered(axis: Axis) -> bool:
    return all(isinstance(pick, int | float) for pick in axis.picks)


def search_over(
    request: SweepRequest,
    claims: Sequence[BreakevenClaim],
    cost: Goal,
    submit: Submit,
    cache: OutcomeCache | None,
    known: Sequence[Mapping[str, Pick]] = (),
    judging: int | None = None,
) -> Search:
    """Prepare a search over the axes of a request. Proposals can run; the first are the base and the author's references.

    known: more designs to propose first; judging: as for a Search, by default the replications of the case
    """
    evaluate: Evaluate = lambda points, replications: swept(Sweep(request, submit, cache, points, replications=replications))  # noqa: E731
    first, usual = [*known_designs(request.scenario, request.base), *known], request.scenario.run.replications
    return Search(request.axes, request.base, claims, cost, evaluate, request.seed, judging or usual, first, request.mended)


def known_designs(scenario: Scenario, base: DesignPoint) -> list[dict[str, Pick]]:
    """Return the picks of every choice in the base, and in the author's reference designs where the base leaves them open."""
    own = {**scenario.defaults(), **base.picks}
    return [own, *({**scenario.defaults(), **reference, **base.picks} for reference in readable_references(scenario))]


def cost_goal(scenario: Scenario, name: str | None = None) -> Goal:
    """Return the goal to minimise: this metric, else the first objective in USD, else the cost of 1,000 requests.

    Raises InputError for a metric that there is not, or of which it is not known which way is better.
    """
    if name is not None and name not in scenario.metrics:
        raise InputError(f"--least {name}: there is no such metric; {suggest(name, scenario.metrics, 'casesim run --json')}")
    in_usd = (objective.metric for objective in scenario.objectives if scenario.metrics[objective.metric].unit == "USD")
    return goal_of(scenario, name or next(in_usd, "cost_per_1000_usd"))


def usual_goals(scenario: Scenario) -> list[Goal]:
    """Return the goals among which a front looks for a conflict: those of the objectives, and the cost."""
    names = dict.fromkeys([*(objective.metric for objective in scenario.objectives), cost_goal(scenario).metric.name])
    return [goal_of(scenario, name) for name in names]


def _distributions(axes: Sequence[Axis]) -> dict[str, Any]:
    """Return what Optuna draws from: the index of a number, in its order, or the index of an option, without an order."""
    from optuna.distributions import CategoricalDistribution, IntDistribution

    return {
        axis.name: IntDistribution(0, len(axis.picks) - 1)
        if _is_ordered(axis)
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
