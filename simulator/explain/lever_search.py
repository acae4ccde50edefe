"""How levers are tried: a few replications of each step, on the same requests as the design that it leads away from."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import replace
from functools import cached_property
from itertools import zip_longest
from math import hypot

from simulator.case.metric_records import Metric
from simulator.engine.plan import Plan, at_band_edges
from simulator.engine.run import simulate
from simulator.explain.levers import DesignChange, Lever, Levers, ObjectiveEffect, Outcome, steps_of
from simulator.explain.replications import packed, unpacked
from simulator.intervals import Estimate, Interval, estimate
from simulator.metrics.comparisons import Difference, OneSided, differences
from simulator.metrics.measures import Measures, measure
from simulator.metrics.paired_samples import chance_of
from simulator.metrics.resampled_plans import RUNS, needs_runs, resampled_plan
from simulator.metrics.summary import NO_STEADY_STATE, Summary, Verdict, summary_of

#: In how many replications each step is tried. Four give intervals a third wider than twelve do, three twice as wide.
TRIALS = 4

#: Has another process call a function of a module, as an executor's `submit` does.
Submit = Callable[..., Future[Measures]]


def trial(plan: bytes, seed: int, replication: int) -> Measures:
    """One replication of a step, whose plan is packed (the job of a worker process)."""
    step = unpacked(plan)
    found = _sent(step, measure(simulate(step, seed, replication)))
    found.band_edges = [_sent(step, measure(simulate(edge, seed, replication))) for edge in at_band_edges(step)]
    return found


def trial_again(plan: bytes, seed: int, replication: int) -> Measures:
    """The same replication for other labelled people."""
    step = unpacked(plan)
    return _sent(step, measure(simulate(resampled_plan(step, replication), seed, replication)))


def _asking(plan: Plan) -> Plan:
    """The same plan, of which no more is measured than the objectives ask for."""
    return replace(plan, scenario=plan.scenario.asking(objective.metric for objective in plan.scenario.objectives))


def _sent(plan: Plan, measures: Measures) -> Measures:
    """Without the times that no metric is taken of: less to send, and less to keep."""
    asked = {metric.sample for metric in plan.scenario.metrics.values()}
    return replace(measures, samples={name: one for name, one in measures.samples.items() if name in asked})


class Baseline:
    """The run of a design, against which each step from it is judged.

    base: all replications of the design; trials: how many of them, from the first on, each step is compared with
    """

    def __init__(self, base: Summary, trials: int) -> None:
        self.base = base
        self.trials = trials
        self.plain = [replace(one, resampled=None) for one in base.measures[:trials]]
        self.now = summary_of(_asking(base.plan), base.seed, self.plain)

    def lever(self, step: DesignChange, measures: Sequence[Measures], again: Sequence[Measures] = ()) -> Lever:
        """The effects of a step on each objective.

        measures: its trials, in the order of the design's own replications; again: the first of them for other labelled people
        """
        assert step.plan is not None
        before = [replace(one, resampled=two.resampled) for one, two in zip(self.plain, self.base.measures, strict=False)]
        after = [replace(one, resampled=two) for one, two in zip_longest(measures, again)]
        before, after = (before, after) if again else (self.plain, list(measures))
        then = summary_of(_asking(step.plan), self.base.seed, after)
        moved = {one.metric.name: one for one in differences(before, after, (self.now, then))}
        effects = [self._effect(verdict, then, moved.get(verdict.metric.name)) for verdict in self.base.verdicts]
        if not again and needs_runs(step.plan):
            effects = [replace(one, pending=one.outcome == "changes" and self._by_runs(one.before.metric)) for one in effects]
        return Lever(step, effects)

    def _by_runs(self, metric: Metric) -> bool:
        """Whether only runs for other labelled people tell what the luck of who was labelled does to a metric."""
        one = self.plain[0].groups[metric.group.key] if metric.group else self.plain[0]
        total = one.totals.get(metric.of_all.name)
        return total is None or total.by_way is None

    def _effect(self, before: Verdict, then: Summary, change: Difference | None) -> ObjectiveEffect:
        metric = before.metric
        there = then.metrics.get(metric.name)
        if before.estimate is None or there is None or change is None:
            return self._one_sided(before, then)
        if self._is_same(metric, then):
            return ObjectiveEffect("the same", before, before, change, chance=1.0)
        after = replace(before, estimate=_moved(before.estimate, change.change, there, metric))
        return ObjectiveEffect("changes", before, after, change, chance=chance_of(change.change, self.trials - 1))

    def _one_sided(self, before: Verdict, then: Summary) -> ObjectiveEffect:
        """Of an objective without a figure in the run, in the step's trials, or in as few replications of the design itself."""
        name = before.metric.name
        sides = [run.metrics.get(name) or run.missing[name] for run in (self.base, then)]
        told = OneSided(before.metric, before.objective.label, *sides)
        if isinstance(sides[0], str):
            outcome: Outcome = "the same" if isinstance(sides[1], str) else "appears"
        else:
            outcome = "vanishes" if str(sides[1]).startswith(NO_STEADY_STATE) else "too few"
        after = None if outcome == "too few" else replace(before, estimate=then.metrics.get(name))
        return ObjectiveEffect(outcome, before, after, told=told)

    def _is_same(self, metric: Metric, then: Summary) -> bool:
        """Whether the figure is the same in every trial, and for other labelled people."""
        pairs = zip(self.base.measures, then.measures, strict=False)
        both = [(one, other) for pair in pairs for one, other in (pair, (pair[0].resampled, pair[1].resampled))]
        return all(one.figure(metric) == other.figure(metric) for one, other in both if one and other)


def _moved(before: Estimate, change: Estimate, there: Estimate, metric: Metric) -> Estimate:
    """The figure one step away: that of the whole run and the paired change, which is surer than the trials' own figure.

    there: the trials' own figure, whose doubt about who was labelled is that of the new design
    """
    value = min(max(before.value + change.value, 0.0), metric.most)
    run = Interval(
        value,
        value - hypot(before.run.value - before.run.low, change.run.value - change.run.low),
        value + hypot(before.run.high - before.run.value, change.run.high - change.run.value),
    )
    found = estimate(run, there.labels and _shifted(there.labels, value), 0.0, metric.most)
    if there.projected is None:
        return found
    band = _shifted(there.projected, value)
    low, high = max(found.low - (value - band.low), 0.0), min(found.high + (band.high - value), metric.most)
    return Estimate(value, low, high, found.run, found.labels, band)


def _shifted(interval: Interval, value: float) -> Interval:
    return Interval(value, value - (interval.value - interval.low), value + (interval.high - interval.value))


class LeverSearch:
    """Every step from a design under way: what it comes to so far, as the trials end.

    Each step is tried in a few plain replications; those whose times it changes run again for other labelled people if queues
    answer to who they are.
    """

    def __init__(self, base: Summary, submit: Submit, trials: int = TRIALS) -> None:
        self.base, self.trials = base, min(trials, base.replications)
        self.cancelled = False
        self._submit = submit
        every = steps_of(base.plan)
        self.refused = [step for step in every if step.plan is None]
        self.steps = [step for step in every if step.plan is not None]
        self._trials = [self._handed(trial, step, self.trials) for step in self.steps]
        self._again: dict[int, list[Future[Measures]]] = {}
        self._levers: dict[int, Lever] = {}
        self._settled: set[int] = set()

    @cached_property
    def _baseline(self) -> Baseline:
        return Baseline(self.base, self.trials)

    def _handed(self, job: Callable[..., Measures], step: DesignChange, count: int) -> list[Future[Measures]]:
        assert step.plan is not None
        plan = packed(_asking(step.plan))
        return [self._submit(job, plan, self.base.seed, replication) for replication in range(count)]

    @property
    def futures(self) -> list[Future[Measures]]:
        """All trials that were handed out so far."""
        return [future for futures in (*self._trials, *self._again.values()) for future in futures]

    @property
    def settled(self) -> int:
        """How many steps are told with all their doubts."""
        return len(self._settled)

    @property
    def share(self) -> float:
        """How much of the way is done; a step is half told while a doubt is still to come."""
        return (len(self._levers) + self.settled) / (2 * len(self.steps)) if self.steps else 1.0

    @property
    def running(self) -> bool:
        """Whether a step is still to be told."""
        return not self.cancelled and self.settled < len(self.steps)

    def cancel(self) -> None:
        """Drop the trials that have not begun."""
        self.cancelled = True
        for future in self.futures:
            future.cancel()

    def so_far(self) -> Levers:
        """The steps whose trials have all ended; raises what went wrong in one."""
        for place in range(len(self.steps)):
            if place not in self._settled and not self.cancelled:
                self._look_at(place)
        return Levers(self.base, self.trials, len(self.steps), list(self._levers.values()), self.refused)

    def _look_at(self, place: int) -> None:
        step, trials, again = self.steps[place], self._trials[place], self._again.get(place, [])
        if not all(future.done() for future in again or trials):
            return
        if again or place not in self._levers:
            self._levers[place] = self._baseline.lever(step, *([one.result() for one in part] for part in (trials, again)))
        if again or not any(effect.pending for effect in self._levers[place].effects):
            self._settled.add(place)
            self._trials[place], self._again[place] = [], []  # what they brought is told
        else:
            self._again[place] = self._handed(trial_again, step, min(self.trials, RUNS))
