"""Trials of every change of a design: a few replications of each, on the same requests as the design itself."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future
from dataclasses import replace
from functools import cached_property
from itertools import zip_longest
from math import hypot

from simulator.case.outputs import Metric
from simulator.engine.compiled_plan import Plan
from simulator.explain.design_changes import (
    FALSE_SHARE,
    SECOND_LOOK,
    TRIALS,
    ChangeTrial,
    DesignChange,
    changes_of_design,
    count_changes,
    spent_at_first,
)
from simulator.explain.levers import Lever, Levers, ObjectiveEffect, Outcome
from simulator.intervals import Estimate, Interval, estimate
from simulator.metrics.comparisons import OneSided
from simulator.metrics.measures import Measures
from simulator.metrics.paired_samples import chance_of
from simulator.metrics.replications import (
    RUNS,
    ReplicationOptions,
    lacks_closed_form,
    needs_runs,
    packed,
    reporting,
    run_packed,
    run_replications,
)
from simulator.metrics.summary import Summary, Verdict, summary_of
from simulator.records.streams import cache_per_plan

#: The runs of a trial; where queues answer to who was labelled, the same trial runs again for resampled people.
TRIAL = ReplicationOptions("labelled", all_samples=False)
RESAMPLED_TRIAL = ReplicationOptions("resampled", all_samples=False)

#: Has another process call a function of a module, as an executor's `submit` does.
Submit = Callable[..., Future[Measures]]


def for_objectives(plan: Plan | None) -> Plan:
    """Return the plan that reports its objectives alone: one and the same, so that all looks at a run share what it implies."""
    assert plan is not None
    return _for_objectives(plan)


@cache_per_plan
def _for_objectives(plan: Plan) -> Plan:
    return reporting(plan, [objective.metric for objective in plan.scenario.objectives])


class Baseline:
    """The run of a design, with which each change of it is compared.

    base: all replications of the design; trials: the number of them, from the first on, that each change is compared with
    spent: the chance that a first look has spent; 0 in the first look
    """

    def __init__(self, base: Summary, trials: int, spent: float = 0.0) -> None:
        self.base = base
        self.trials = trials
        self.spent = spent
        self.plain = [replace(measure, resampled=None) for measure in base.measures[:trials]]
        self.now = summary_of(for_objectives(base.plan), base.seed, self.plain)

    def lever(self, change: DesignChange, measures: Sequence[Measures], resampled: Sequence[Measures] = ()) -> Lever:
        """Return the effects of a change on each objective.

        measures: its trials, in the order of the design's own replications; resampled: the first of them for resampled people
        """
        plan = for_objectives(change.plan)
        now, after = self.now, list(measures)
        if resampled:
            pairs = zip(self.plain, self.base.measures, strict=False)
            now = replace(now, measures=[replace(measure, resampled=two.resampled) for measure, two in pairs])
            after = [replace(measure, resampled=two) for measure, two in zip_longest(measures, resampled)]
        trial = ChangeTrial(change, now, summary_of(plan, self.base.seed, after))
        effects = [self._effect(verdict, trial) for verdict in self.base.verdicts]
        if not resampled and needs_runs(plan):
            effects = [replace(effect, pending=self._is_pending(effect)) for effect in effects]
        return Lever(change, effects, self.trials if self.spent else 0)

    @cached_property
    def second(self) -> Baseline | None:
        """The baseline of a second look; None in a second look, and where the design has no more replications."""
        looked_at = count_changes(self.base.plan) * len(self.base.verdicts)
        trials, spent = min(SECOND_LOOK, self.base.replications), spent_at_first(looked_at)
        return None if self.spent or trials <= self.trials else Baseline(self.base, trials, spent)

    def after(self, lever: Lever) -> Baseline | None:
        """Return the baseline of the second look at a change; None where the first look says enough.

        Its answer depends on this change alone, so that advice and levers give a change the same number of replications.
        """
        if self.second is None or lever.is_pending:
            return None
        spent = self.second.spent
        unsure = (spent < effect.chance <= FALSE_SHARE and effect.would_help for effect in lever.effects)
        return self.second if any(unsure) else None

    def tried(self, change: DesignChange) -> Lever:
        """Try a change in this process, as a search does in others."""
        return self._look(change, [], [])

    def _look(self, change: DesignChange, trials: list[Measures], resampled: list[Measures]) -> Lever:
        """Try a change, and once more where this look leaves it open; trials, resampled: those that have run."""
        plan, seed = for_objectives(change.plan), self.base.seed
        trials = run_replications(plan, seed, self.trials, options=TRIAL, before=trials)
        if resampled:
            resampled = run_replications(plan, seed, self.resampled, options=RESAMPLED_TRIAL, before=resampled)
        lever = self.lever(change, trials, resampled)
        if lever.is_pending:
            resampled = run_replications(plan, seed, self.resampled, options=RESAMPLED_TRIAL)
            lever = self.lever(change, trials, resampled)
        second = self.after(lever)
        return lever if second is None else second._look(change, trials, resampled)

    @property
    def resampled(self) -> int:
        """The number of trials of a change that run again for resampled people, where queues answer to who they are."""
        return min(self.trials, RUNS)

    def _is_pending(self, effect: ObjectiveEffect) -> bool:
        return effect.outcome == "changes" and lacks_closed_form(self.plain[0], effect.before.metric)

    def _effect(self, before: Verdict, trial: ChangeTrial) -> ObjectiveEffect:
        metric = before.metric
        after, difference = trial.after.metrics.get(metric.name), trial.differences.get(metric.name)
        if before.estimate is None or after is None or difference is None:
            return self._one_sided(before, trial.after)
        if self._is_same(metric, trial.after):
            return ObjectiveEffect("the same", before, before, difference, chance=1.0)
        if self._fewer:
            after = _moved(before.estimate, difference.change, after, metric)
        chance = min(chance_of(difference.change, self.trials - 1) + self.spent, 1.0)
        return ObjectiveEffect(
            "changes", before, replace(before, estimate=after), difference, chance=chance, trials=self._fewer
        )

    @property
    def _fewer(self) -> int:
        """The trials of a change, if they are fewer than the replications of the design; else 0."""
        return self.trials if self.trials < self.base.replications else 0

    def _one_sided(self, before: Verdict, then: Summary) -> ObjectiveEffect:
        # without a figure in the run, in the change's trials, or in as few replications of the design itself
        name = before.metric.name
        sides = [run.metrics.get(name) or run.missing[name] for run in (self.base, then)]
        one_sided = OneSided(before.metric, before.objective.label, *sides)
        outcome = outcome_of(*sides)
        after = None if outcome == "too few" else replace(before, estimate=then.metrics.get(name))
        return ObjectiveEffect(outcome, before, after, one_sided=one_sided, trials=self._fewer)

    def _is_same(self, metric: Metric, then: Summary) -> bool:
        # the same figure in every trial, and for resampled people
        pairs = zip(self.base.measures, then.measures, strict=False)
        both = [(one, other) for pair in pairs for one, other in (pair, (pair[0].resampled, pair[1].resampled))]
        return all(measure.figure(metric) == other.figure(metric) for measure, other in both if measure and other)


def _moved(before: Estimate, change: Estimate, trial: Estimate, metric: Metric) -> Estimate:
    """Add the paired change to the figure of the whole run, which is more precise than the trials' own figure.

    trial: the trials' own figure, whose uncertainty from the labels is that of the changed design
    """
    value = min(max(before.value + change.value, 0.0), metric.most)
    run = Interval(
        value,
        value - hypot(before.run.value - before.run.low, change.run.value - change.run.low),
        value + hypot(before.run.high - before.run.value, change.run.high - change.run.value),
    )
    moved = estimate(run, trial.labels and _shifted(trial.labels, value), 0.0, metric.most)
    if trial.projected is None:
        return moved
    band = _shifted(trial.projected, value)
    low, high = max(moved.low - (value - band.low), 0.0), min(moved.high + (band.high - value), metric.most)
    return Estimate(value, low, high, moved.run, moved.labels, band)


def _shifted(interval: Interval, value: float) -> Interval:
    return Interval(value, value - (interval.value - interval.low), value + (interval.high - interval.value))


class LeverSearch:
    """The trials of changes of a design, under way: of every one, or of those that are given and added.

    Each change is tried in a few plain replications; those whose times it changes run again for resampled people if queues
    answer to who they are. A change that may help, and chance may be the reason, meets more replications.
    """

    def __init__(
        self, base: Summary, submit: Submit, trials: int = TRIALS, changes: Sequence[DesignChange] | None = None
    ) -> None:
        self.base, self.trials = base, min(trials, base.replications)
        self.cancelled = False
        self._submit = submit
        every = changes_of_design(base.plan) if changes is None else changes
        self.refused = [change for change in every if change.plan is None]
        self.steps: list[DesignChange] = []
        self._trials: list[list[Future[Measures]]] = []
        self._resampled: dict[int, list[Future[Measures]]] = {}
        self._levers: dict[int, Lever] = {}
        self._looks: dict[int, Baseline] = {}
        self._settled: set[int] = set()
        for change in every:
            if change.plan is not None:
                self.add(change)

    def add(self, change: DesignChange) -> int:
        """Begin the trials of a change that can run, and return its place among the steps."""
        self.steps.append(change)
        self._trials.append(self._submitted(TRIAL, change, range(self.trials)))
        return len(self.steps) - 1

    def settled_lever(self, place: int) -> Lever | None:
        """Return the effects of a step that is done with; None before."""
        return self._levers[place] if place in self._settled else None

    @cached_property
    def _baseline(self) -> Baseline:
        return Baseline(self.base, self.trials)

    def _submitted(self, options: ReplicationOptions, change: DesignChange, numbers: Iterable[int]) -> list[Future[Measures]]:
        plan = packed(for_objectives(change.plan))
        return [self._submit(run_packed, plan, self.base.seed, number, options) for number in numbers]

    @property
    def futures(self) -> list[Future[Measures]]:
        return [future for futures in (*self._trials, *list(self._resampled.values())) for future in futures]

    @property
    def arrived(self) -> int:
        """The number of trials that have ended, and of changes that are done with."""
        return self.settled + sum(future.done() for future in self.futures)

    @property
    def settled(self) -> int:
        return len(self._settled)

    @property
    def share(self) -> float:
        return (len(self._levers) + self.settled) / (2 * len(self.steps)) if self.steps else 1.0

    @property
    def running(self) -> bool:
        return not self.cancelled and self.settled < len(self.steps)

    def cancel(self) -> None:
        self.cancelled = True
        for future in self.futures:
            future.cancel()

    def so_far(self) -> Levers:
        """Return the changes whose trials have all ended; raises the error that stopped a trial."""
        for place in range(len(self.steps)):
            if place not in self._settled and not self.cancelled:
                self._look_at(place)
        return Levers(self.base, self.trials, len(self.steps), list(self._levers.values()), self.refused)

    def _look_at(self, place: int) -> None:
        change, trials, resampled = self.steps[place], self._trials[place], self._resampled.get(place, [])
        if not all(future.done() for future in (*trials, *resampled)):
            return
        look = self._looks.get(place, self._baseline)
        results = ([future.result() for future in futures] for futures in (trials, resampled))
        lever = self._levers[place] = look.lever(change, *results)
        if lever.is_pending:
            self._resampled[place] = self._submitted(RESAMPLED_TRIAL, change, range(look.resampled))
        elif (second := look.after(lever)) is not None:
            self._looks[place] = second
            self._trials[place] = [*trials, *self._submitted(TRIAL, change, range(len(trials), second.trials))]
            if resampled:
                more = self._submitted(RESAMPLED_TRIAL, change, range(len(resampled), second.resampled))
                self._resampled[place] = [*resampled, *more]
        else:
            self._settled.add(place)
            self._trials[place], self._resampled[place] = [], []  # their results are in the lever


def outcome_of(before: Estimate | str, after: Estimate | str) -> Outcome:
    """Return what happens to a metric that at most one run can quote; a reason such as `too few waits` decides nothing."""
    if isinstance(before, str):
        return "the same" if isinstance(after, str) else "appears"
    return "too few" if str(after).startswith("too few") else "vanishes"
