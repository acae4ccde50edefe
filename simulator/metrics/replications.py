"""Replications of a plan, one after the other or a job each on as many cores as there are, and when a run may stop.

It may stop as soon as no further replication can change a verdict (group-sequential bounds).
"""

from __future__ import annotations

import gc
import pickle
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Executor, as_completed
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from typing import Literal, NamedTuple

import numpy as np
import scipy
from numpy.typing import NDArray
from scipy.special import ndtr, stdtr, stdtrit

from simulator.arrays import Floats
from simulator.case.outputs import Metric
from simulator.engine.compiled_plan import Plan, at_band_edges, with_items
from simulator.engine.run import simulate
from simulator.engine.stages.gate import at_threshold
from simulator.intervals import LEVEL, Estimate, Interval, estimate
from simulator.metrics.label_uncertainty import cuts_on_way, downstream, ways_of
from simulator.metrics.measures import Measures, measure, needed_samples
from simulator.metrics.resampled_labels import item_gates, weights_of
from simulator.records.streams import cache_per_plan

#: The first look at a run is after this many replications, the fewest with a usable interval (Student's t with three degrees
#: of freedom), and each further one after FURTHER times as many.
FIRST, FURTHER = 4, 3

#: The last look before the end sees this part of the replications, where it sees half as many again as the one before.
LATE, MORE = 2 / 3, 1.5

#: A run ends where the rest of it has less than this chance to decide what is open (stochastic curtailment: Lan, Simon and
#: Halperin 1982), from so many replications on: four tell too little of their spread.
SLIGHT, TELLING = 0.1, 8

#: Looks before the last spend the error of 1 - LEVEL as this power of the part of the replications that they see. Early looks
#: then claim only what is far from a bound, and the last one needs no correction worth having.
POWER = 3

#: Points of the grid on which the sum of the replications is followed from look to look, and how far it reaches.
_POINTS, _REACH = 401, 8.0


def looks_of(total: int) -> list[int]:
    """Return the numbers of replications after which a result is shown, the last being all: `[4, 12, 20, 30]`."""
    looks, count, late = [], FIRST, int(LATE * total)
    while 2 * count <= total:
        looks.append(count)
        count *= FURTHER
    return [*looks, *([late] if looks and late >= MORE * looks[-1] else []), total]


def spent(part: float) -> float:
    """Return the error that looks may make until they have seen a part of all replications (Kim and DeMets 1987)."""
    return float((1 - LEVEL) * part**POWER)


@lru_cache(maxsize=64)
def bounds_of(parts: tuple[float, ...], spending: Callable[[float], float] = spent) -> tuple[float, ...]:
    """Return the bounds of the standardised sum at each look, which together err as `spending` says (Lan and DeMets 1983).

    parts: of all replications, those that each look has seen, rising to 1. The density of the sum that has crossed no bound
    is carried from look to look on a grid (Armitage, McPherson and Rowe 1969).
    """
    bounds: list[float] = []
    sums, density, before = np.zeros(1), np.ones(1), 0.0
    for part in parts:
        allowed = spending(part) - spending(before)
        crossing = partial(_crossing, sums, density, before, part)
        bounds.append(
            float(
                scipy.optimize.brentq(
                    lambda bound, crossing, allowed: crossing(bound) - allowed, 0.0, _REACH, (crossing, allowed)
                )
            )
        )
        sums, density = _carried(sums, density, before, part, bounds[-1])
        before = part
    return tuple(bounds)


def _crossing(sums: Floats, density: Floats, before: float, part: float, bound: float) -> float:
    """Return the chance that the sum crosses a bound at this look, and none before."""
    edge, step = bound * np.sqrt(part), np.sqrt(part - before)
    return float(density @ (ndtr(-((edge - sums) / step)) + ndtr((-edge - sums) / step)))


def _carried(sums: Floats, density: Floats, before: float, part: float, bound: float) -> tuple[Floats, Floats]:
    """Return the sums that have not crossed the bound at this look either, on a grid, and the chance of each."""
    edge, step = bound * np.sqrt(part), np.sqrt(part - before)
    inner = np.linspace(-edge, edge, _POINTS)
    weights = np.full(_POINTS, inner[1] - inner[0])
    weights[[0, -1]] /= 2
    return inner, weights * (scipy.stats.norm.pdf((inner[:, None] - sums) / step) @ density) / step


def widening(count: int, total: int) -> float:
    """Return the factor by which a look after `count` of `total` replications widens the doubt that comes from the run.

    Bounds of normal sums become those of Student's t at the same chance (Jennison and Turnbull 2000, section 3.8). After the
    last replication it is 1: the looks before it spend so little that its interval of 95% stands.
    """
    looks = looks_of(total)
    if count >= total or count not in looks:
        return 1.0
    bound = bounds_of(tuple(look / total for look in looks))[looks.index(count)]
    return float(-stdtrit(count - 1, ndtr(-bound)) / stdtrit(count - 1, (1 + LEVEL) / 2))


def is_out_of_reach(figure: Estimate, bound: float) -> bool:
    """Check that a verdict stays open whatever further replications show: the other doubts alone include the bound.

    They do wherever the value may yet go within the bounds of the run's own doubt.
    """
    below, above = _reach(figure, 0.0)
    return figure.run.high - below < bound < figure.run.low + above


def chance_to_decide(figure: Estimate, bound: float, count: int, wider: float, total: int) -> float:
    """Return the chance that the interval after `total` replications leaves out a bound that it includes after `count`.

    The mean of all differs from that of the first by Student's t (the predictive distribution without prior knowledge), and
    the doubt that comes from the run shrinks with the root of their number. wider: `widening` of the doubt found
    """
    error = (figure.run.high - figure.run.low) / 2 / wider / stdtrit(count - 1, (1 + LEVEL) / 2)
    below, above = _reach(figure, error * np.sqrt(count / total) * stdtrit(total - 1, (1 + LEVEL) / 2))
    moves = error * np.sqrt((total - count) / total)
    if not moves:
        return 0.0
    ends = (bound - above - figure.value) / moves, (bound + below - figure.value) / moves
    return float(stdtr(count - 1, ends[0]) + stdtr(count - 1, -ends[1]))


def _reach(figure: Estimate, of_run: float) -> tuple[float, float]:
    """Return how far an interval reaches below and above its value with a doubt `of_run`, and all others as they are."""
    alone = estimate(Interval(figure.value, figure.value - of_run, figure.value + of_run), figure.labels)
    band = figure.projected or alone
    return figure.value - min(alone.low, band.low), max(alone.high, band.high) - figure.value


#: The fewest and most replications of a run: one alone has no interval.
REPLICATIONS = (2, 1000)


#: Replications that run again, each on a resampled table of its own, where queues answer.
RUNS = 7


@dataclass(frozen=True)
class ReplicationOptions:
    """The runs that one replication consists of.

    people: run it for the people who were labelled, for others like them (resampled), or for both where queues answer to
    who they are and a metric has no closed form for that
    band_edges: run it with projected latencies at the fast and the slow edge of their bands as well
    all_samples: keep every time and wait; else only those that a metric of the scenario is taken of
    explained: count all that explains a run; else what its metrics rest on
    """

    people: Literal["labelled", "resampled", "both"] = "both"
    band_edges: bool = True
    all_samples: bool = True
    explained: bool = True


#: All runs that a result with intervals needs.
FULL = ReplicationOptions()

#: All runs that the figures of a result need, without what only explains them.
FIGURES = ReplicationOptions(explained=False)

#: One run and nothing beside it.
PLAIN = ReplicationOptions("labelled", band_edges=False)


def run_replication(plan: Plan, seed: int, number: int, options: ReplicationOptions = FULL) -> Measures:
    """Run and measure replication `number` of a plan; the first RUNS can run again for resampled people."""
    if options.people == "resampled":
        return _measured(resampled_plan(plan, number), seed, number, options)
    measures = _measured(plan, seed, number, options)
    edges = options.band_edges and has_band_edges(plan)
    resampled = options.people == "both" and needs_resampled_run(plan, number, measures)
    if edges or resampled:
        measures = run_doubts(plan, seed, number, edges, resampled, options).added_to(measures)
    if resampled:
        measures.figures(plan.scenario.metrics)  # worked out here, for the comparison with those of the resampled
    return measures


class DoubtRuns(NamedTuple):
    """The runs beside a replication: at the edges of its projections, and for resampled people."""

    band_edges: list[Measures]
    resampled: Measures | None

    def added_to(self, measures: Measures) -> Measures:
        return replace(measures, band_edges=self.band_edges, resampled=self.resampled)


def run_doubts(
    plan: Plan, seed: int, number: int, edges: bool, resampled: bool, options: ReplicationOptions = FULL
) -> DoubtRuns:
    """Run what the doubts about replication `number` rest on; edges, resampled: which of them."""
    at_edges = [_measured(edge, seed, number, options) for edge in at_band_edges(plan)] if edges else []
    again = _measured(resampled_plan(plan, number), seed, number, options) if resampled else None
    if again is not None:
        again.figures(plan.scenario.metrics)
    return DoubtRuns(at_edges, again)


def _measured(plan: Plan, seed: int, number: int, options: ReplicationOptions) -> Measures:
    measures = measure(simulate(plan, seed, number), options.explained)
    if options.all_samples:
        return measures
    used = needed_samples(plan.scenario.metrics.values())
    return replace(measures, samples={name: sample for name, sample in measures.samples.items() if name in used})


def has_band_edges(plan: Plan) -> bool:
    return bool(at_band_edges(plan))


def needs_resampled_run(plan: Plan, number: int, measures: Measures) -> bool:
    """Return whether replication `number` runs again for resampled people; measures: its own."""
    metrics = plan.scenario.metrics.values()
    return number < RUNS and needs_runs(plan) and any(lacks_closed_form(measures, metric) for metric in metrics)


def lacks_closed_form(measures: Measures, metric: Metric) -> bool:
    group = measures.groups[metric.group.key] if metric.group else measures
    total = group.totals.get(metric.of_all.name)
    return total is None or total.by_way is None


def reporting(plan: Plan, metrics: Iterable[str]) -> Plan:
    return replace(plan, scenario=plan.scenario.asking(metrics))


def run_replications(
    plan: Plan,
    seed: int,
    replications: int | None = None,
    executor: Executor | None = None,
    progress: Callable[[int, int], None] = lambda done, total: None,
    options: ReplicationOptions = FULL,
    before: Sequence[Measures] = (),
) -> list[Measures]:
    """Run and measure a plan's replications; without an executor, one after the other.

    progress: called with the number done and the total after each replication; before: the first ones, where they have run
    """
    total = replications or plan.scenario.run.replications
    numbers = range(len(before), total)
    if executor is None:
        measures = list(before)
        for number in numbers:
            measures.append(run_replication(plan, seed, number, options))
            progress(number + 1, total)
        return measures
    content = packed(plan)
    futures = [executor.submit(run_packed, content, seed, number, options) for number in numbers]
    for done, _ in enumerate(as_completed(futures), start=len(before) + 1):
        progress(done, total)
    return [*before, *(future.result() for future in futures)]


# ---- other labelled people


def resampled_plan(plan: Plan, resample: int) -> Plan:
    """Return the design for resampled people: each table holds a resample of the labelled, and thresholds follow.

    Every request meets the resampled item of the rank that its own item has among the labelled, by the score that has the last
    word: whoever scores high still does, so that the run differs from its pair by the resample, and not by who is drawn.
    """
    last = plan.scores
    assert last is not None
    positive, negative = np.split(weights_of(last)[resample], [len(last.positives)])
    ill, well = _matched(last.positives, positive), _matched(last.negatives, negative)
    return with_items(plan, ill, well)


def _matched(scores: Floats, weights: Floats) -> NDArray[np.intp]:
    if not weights.any():  # a resample of few patients may hold nobody of a class
        return np.arange(len(scores))
    order = np.argsort(scores, kind="stable")
    drawn = np.repeat(order, weights[order].astype(int))
    count, rank = len(drawn), np.argsort(order)
    places = ((np.arange(count) + 0.5) / count * len(scores)).astype(int)
    matched = np.empty(count, np.intp)
    matched[np.argsort(rank[places], kind="stable")] = drawn
    return matched


@cache_per_plan
def needs_runs(plan: Plan) -> bool:
    waits = any(plan.scenario.stages[name].waits for name in downstream(plan))
    return bool(item_gates(plan)) and (waits or plan.changes)


# ---- ways that no request takes


def runs_on_unseen_ways(plan: Plan, measures: Sequence[Measures], paired: bool = False) -> list[Measures]:
    """Return runs at other thresholds. They show what follows the ways that the next people may take and no request here takes.

    measures: the replications of the plan; paired: as in `ways_of`
    """
    ways, runs = ways_of(plan, paired), list[Measures]()
    if ways is None:
        return runs
    seen = _ways_taken(measures)
    for way in ways.codes[ways.drawn.any((0, 1))].tolist():
        if way not in seen:
            runs.append(_on_way(plan, way, paired))
            seen |= _ways_taken(runs[-1:])
    return runs


def _ways_taken(measures: Sequence[Measures]) -> set[int]:
    return {int(way) for run in measures if run.strata for way in run.strata.codes}


@cache_per_plan
def _on_way(plan: Plan, way: int, paired: bool) -> Measures:
    """Measure one replication at thresholds that open a way."""
    return measure(simulate(_held(plan, cuts_on_way(plan, way, paired))))


def _held(plan: Plan, cuts: Mapping[str, Floats]) -> Plan:
    """Return the plan with other thresholds at its gates by score; cuts: of each route of a gate but the last."""
    stages = {
        name: gate.model_copy(update={"routes": [*map(at_threshold, gate.routes, cuts[name].tolist()), gate.routes[-1]]})
        for name, gate in item_gates(plan).items()
        if gate.by_score
    }
    return replace(plan, scenario=plan.scenario.model_copy(update={"stages": plan.scenario.stages | stages}))


# ---- jobs of worker processes


def packed(plan: Plan) -> bytes:
    """Pack a plan for other processes: without the author's case, unless picks change during its runs."""
    return pickle.dumps(plan if plan.changes else replace(plan, authored=None), pickle.HIGHEST_PROTOCOL)


@lru_cache(maxsize=8)
def unpacked(plan: bytes) -> Plan:
    return pickle.loads(plan)  # type: ignore[no-any-return]  # noqa: S301 only what `packed` made comes here


def run_packed(plan: bytes, seed: int, number: int, options: ReplicationOptions = FULL) -> Measures:
    return run_replication(unpacked(plan), seed, number, options)


def run_doubts_packed(plan: bytes, seed: int, number: int, edges: bool, resampled: bool) -> DoubtRuns:
    return run_doubts(unpacked(plan), seed, number, edges, resampled)


def warm() -> None:
    gc.freeze()
