"""Changes of a design that were tried in a few replications, on the same requests, and judged objective by objective."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import zip_longest
from math import hypot, inf
from typing import Any, Literal

from simulator.case.outputs import Metric
from simulator.engine.compiled_plan import Plan
from simulator.explain.claims import Claim, change_by, on_metric
from simulator.explain.design_changes import DesignChange, count_changes
from simulator.intervals import LEVEL, Estimate, Interval, estimate
from simulator.metrics.comparisons import UNCHANGED, Difference, OneSided, differences
from simulator.metrics.measures import Measures
from simulator.metrics.paired_samples import chance_of
from simulator.metrics.replications import (
    RUNS,
    ReplicationOptions,
    lacks_closed_form,
    needs_runs,
    reporting,
    run_replications,
)
from simulator.metrics.summary import Standing, Summary, Verdict, summary_of
from simulator.phrases import phrase
from simulator.records.streams import cache_per_plan
from simulator.units import counted

#: Replications of each change that is tried, for advice and for levers, so that both give one figure. Four give intervals a
#: third wider than twelve do, three twice as wide.
TRIALS = 4

#: Replications of a change in a second look: its TRIALS say that it may help, and chance may be the reason.
SECOND_LOOK = 16

#: At most this share of the changes that are called real is chance.
FALSE_SHARE = 1 - LEVEL

#: A change helps an objective if it takes it at least this part of the way to where it is met beyond doubt.
NOTICEABLE = 0.05

#: A change that is a smaller part of the distance from the bound is slight.
SLIGHT = 0.01

#: The runs of a trial; where queues answer to who was labelled, the same trial runs again for resampled people.
TRIAL = ReplicationOptions("labelled", all_samples=False)
RESAMPLED_TRIAL = ReplicationOptions("resampled", all_samples=False)


def real_below(chances: Sequence[float], looked_at: int) -> float:
    """Return the largest chance of a real change, so that few real ones are chance (Benjamini and Hochberg 1995).

    chances: of the changes that were tried, each the probability of so large a change if nothing changed
    looked_at: the number of changes there are, tried or not; the chances of the others can make this larger, but not smaller
    """
    steps = [FALSE_SHARE * rank / looked_at for rank in range(1, len(chances) + 1)]
    reached = (step for chance, step in zip(sorted(chances), steps, strict=True) if chance <= step)
    return max(reached, default=FALSE_SHARE / max(looked_at, 1))


def spent_at_first(looked_at: int) -> float:
    """Return the chance of a change below which the first look decides: half of what the strictest rule allows each change.

    The second look adds it to its own chance. So both looks together call a change that is none real no more often than one.
    """
    return FALSE_SHARE / max(looked_at, 1) / 2


@dataclass(frozen=True)
class JudgedChange:
    """An objective before and after a change of its run, and the paired difference.

    before, after: its verdicts; after has no figure where the trials of a change cannot decide it
    difference: with its interval; where one of the two has no figure, that of the other and the reason; None for nothing
    same: whether each trial has the same figure as before, for resampled people too
    chance: the probability of a difference of this size if nothing changed
    pending: True while its interval lacks the part from the labels
    real: True if it is beyond chance, given the number of differences that are looked at beside it
    trials: the replications that the verdict after it rests on, where the run of the design has more; else 0
    """

    before: Verdict
    after: Verdict
    difference: Difference | OneSided | None
    same: bool = False
    chance: float = 0.0
    pending: bool = False
    real: bool = False
    trials: int = 0

    @property
    def label(self) -> str:
        return self.before.objective.label

    @property
    def change(self) -> Difference | None:
        return self.difference if isinstance(self.difference, Difference) else None

    @property
    def outcome(self) -> Literal["the same", "changes", "appears", "vanishes", "too few"]:
        """What happens to the figure. A reason such as `too few waits` decides nothing: the trials hold too few requests."""
        if not isinstance(self.difference, OneSided):
            return "the same" if self.same or self.difference is None else "changes"
        before, after = self.difference.before, self.difference.after
        if isinstance(before, str):
            return "the same" if isinstance(after, str) else "appears"
        return "too few" if str(after).startswith("too few") else "vanishes"

    @property
    def is_open(self) -> bool:
        return self.outcome == "changes" and not self.pending

    @property
    def may_be_chance(self) -> bool:
        """Whether its own interval leaves out zero, which chance may do beside the other changes."""
        return self.is_open and not self.real and self.chance <= FALSE_SHARE

    @property
    def if_real(self) -> JudgedChange:
        return replace(self, real=True)

    @property
    def standing(self) -> Standing:
        return self.after.standing if self.real else self.before.standing

    @property
    def turns(self) -> bool:
        return self.standing != self.before.standing

    @property
    def new_standing(self) -> str:
        """The verdict after the change; where fewer replications decide it than that of the design, with their number."""
        return f"{self.standing} after {counted(self.trials, 'replication')}" if self.trials and self.turns else self.standing

    @property
    def turn(self) -> str:
        """The change of the verdict in words: `met → not proven after 4 replications`; empty where it stays."""
        return f"{self.before.standing} → {self.new_standing}" if self.turns else ""

    @property
    def breaks(self) -> bool:
        """Whether the objective is met, and the change takes that away."""
        return self.before.standing == "met" and self.turns

    @property
    def stays_met(self) -> bool:
        return self.before.by_figure == "met" and not self.breaks

    @property
    def gain(self) -> float:
        """The part of the way to being plainly met that the change takes the objective; negative: away from it.

        0 for what may be chance, is slight or not noticeable, and for an objective that is plainly met and stays so; -1 if it
        does not.
        """
        if self.before.by_figure == "met":
            return -1.0 if self.breaks else 0.0
        if not self.real or self.slight:
            return 0.0
        if self.change is None:
            return inf if self.outcome == "appears" else -inf
        gained = _part_of_way(self.change.change.value, self.before)
        return 0.0 if 0 < gained < NOTICEABLE else gained

    @property
    def gain_at_best(self) -> float:
        """The gain if what may be chance is none."""
        return self.if_real.gain if self.may_be_chance else self.gain

    @property
    def helps(self) -> bool | None:
        """True if a real change goes the way that the objective asks for; None where nothing is known to change."""
        if not self.real:
            return None
        if self.change is None:
            return self.outcome == "appears"
        return (self.change.change.value > 0) == (self.before.objective.at_least is not None)

    @property
    def harms(self) -> bool:
        return self.helps is False and not self.slight

    @property
    def slight(self) -> bool:
        if not self.real or self.change is None or self.before.margin is None:
            return False
        return abs(self.change.change.value) < SLIGHT * abs(self.before.margin)

    def claims(self, step: str) -> list[Claim]:
        """Claim the change by a step where both runs have a figure, and that the step helps where it does."""
        claims, metric = list[Claim](), self.before.metric
        if self.outcome == "changes" and self.change:
            claims.append(self.changed_by(step, f"{step}: {self.change.size} ({self.change.interval})."))
        if self.gain > 0:
            claims.append(on_metric(metric, "helps", step, f"{step}: {self.words}.", evidence="paired run"))
        return claims

    def changed_by(self, step: str, words: str) -> Claim:
        """Claim the change by a step, or that one of the two runs has no figure."""
        return change_by(self.before.metric, self.change.change if self.change else None, step, words)

    @property
    def words(self) -> str:
        """The effect in words: `+1.6 points`, `no figure → 12.6 h`."""
        if isinstance(self.difference, OneSided):
            return "too few trials to say" if self.outcome == "too few" else self.difference.words
        return self.difference.size if self.difference and not self.same else UNCHANGED

    @property
    def size(self) -> str:
        """The change in words that stand in a sentence: `+1.9 points`, or `from no figure to 12.6 h`."""
        if self.change:
            return self.change.size
        return f"from no figure to {self.after.reached}" if self.after.estimate else "no figure any more"

    @property
    def size_with_interval(self) -> str:
        """The change of the objective with its interval: `+1.9 points, 95% interval +1.6 points to +2.2 points`."""
        if self.change is None or self.change.is_none:
            return "no change" if self.change else self.size
        return phrase("effects.interval", size=self.change.size_in_figures, interval=self.change.interval)

    @property
    def named(self) -> str:
        """The objective and its change, `“Wait” (+3.1 h)`, or `“Wait” from met to not met (+3.1 h)`."""
        return self.named_with(self.new_standing if self.breaks and self.outcome != "vanishes" else "")

    def named_with(self, turn: str) -> str:
        """Return the objective and its change; turn: the verdict that it gets, empty if the next objective says it."""
        return phrase("effects.named", label=self.label, turn=turn, size=self.size)

    def to_json(self) -> dict[str, Any]:
        """Return the effect as `casesim levers --json` prints it, without what does not apply."""
        content: dict[str, Any] = {"metric": self.before.objective.metric, "outcome": self.outcome, "words": self.words}
        if self.change:
            change = self.change.change
            content |= {"change": change.value, "low": change.low, "high": change.high, "unit": self.change.metric.unit}
            content |= {name: {"low": part.low, "high": part.high} for name, part in change.doubts.items()}
            content["chance"] = self.chance
        content |= {"significant": self.real, "verdict_before": self.before.standing}
        content |= {"verdict_after": self.standing} if self.outcome != "too few" else {}
        return content | ({"value_after": self.after.estimate.value} if self.after.estimate else {})


def _part_of_way(change: float, before: Verdict) -> float:
    """Return the part of the way to being met beyond doubt that a change takes an objective; negative: away from it."""
    now, upward = before.estimate, before.objective.upward
    if now is None:
        return inf
    to_go = before.bound - (now.low if upward else now.high)
    return change / to_go if to_go else 0.0


@dataclass(frozen=True)
class Lever:
    """A change that was tried, and its effect on each objective, in their order.

    second_look: its replications, where it met more of them than the other changes; else 0
    """

    step: DesignChange
    effects: list[JudgedChange]
    second_look: int = 0

    @property
    def best(self) -> float:
        return max((effect.gain for effect in self.effects), default=0.0)

    @property
    def worst(self) -> float:
        return min((effect.gain for effect in self.effects), default=0.0)

    @property
    def costs(self) -> list[str]:
        """Name the objectives that the change takes from met, each in words."""
        return [f"{effect.label} goes from met to {effect.new_standing}" for effect in self.effects if effect.breaks]

    @property
    def is_pending(self) -> bool:
        return any(effect.pending for effect in self.effects)

    @property
    def idle(self) -> bool:
        return all(effect.outcome == "the same" for effect in self.effects)

    def judged(self, bar: float) -> Lever:
        """Call effects real or not. bar: the largest chance of a real one"""

        def is_real(effect: JudgedChange) -> bool:
            return effect.chance <= bar if effect.is_open else effect.outcome in ("appears", "vanishes")

        return replace(self, effects=[replace(effect, real=is_real(effect)) for effect in self.effects])

    @property
    def harmed(self) -> list[str]:
        """Name the other objectives that it takes further from where they are met."""
        return [f"“{effect.label}”" for effect in self.effects if effect.harms and not effect.breaks and effect.gain < 0]

    @property
    def rank(self) -> tuple[bool, float, float, bool, bool]:
        """The order of usefulness: a step that takes another objective further away than it brings one closer comes later."""
        net = self.best + self.worst if self.best > 0 and self.worst > -inf else 0.0
        return self.best <= 0, -net, self.worst, bool(self.words), self.idle

    @property
    def words(self) -> str:
        """The effect of the whole change, where a few words can say it."""
        if self.idle:
            return "changes nothing"
        if self.is_pending:
            return "not complete"
        real = [effect for effect in self.effects if effect.real]
        if not real:
            return "no change beyond chance"
        return "next to no change" if all(effect.slight for effect in real) else ""

    def to_json(self) -> dict[str, Any]:
        step = self.step
        content = {"choice": step.choice, "label": step.label, "pick": step.pick, "from": step.before, "to": step.after}
        content |= {"trials": self.second_look} if self.second_look else {}
        return content | {"changes_nothing": self.idle, "effects": [effect.to_json() for effect in self.effects]}


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
    fewer: the trials of a change, if they are fewer than the replications of the design; else 0
    resampled: the trials that run again for resampled people, where queues answer to who they are
    """

    def __init__(self, base: Summary, trials: int, spent: float = 0.0) -> None:
        self.base = base
        self.trials = trials
        self.spent = spent
        self.fewer = trials if trials < base.replications else 0
        self.resampled = min(trials, RUNS)
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
        then = summary_of(plan, self.base.seed, after)
        moved = {difference.metric.name: difference for difference in differences(now, then)}
        effects = [self._effect(verdict, then, moved.get(verdict.metric.name)) for verdict in self.base.verdicts]
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

        A second look is for a change that would bring an objective noticeably closer, if it is no chance. The answer depends on
        this change alone, so that advice and levers give a change the same number of replications.
        """
        if self.second is None or lever.is_pending:
            return None
        unsure = [effect for effect in lever.effects if self.second.spent < effect.chance <= FALSE_SHARE and effect.is_open]
        helpful = (effect.before.by_figure != "met" and effect.if_real.gain > 0 for effect in unsure)
        return self.second if any(helpful) else None

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

    def _is_pending(self, effect: JudgedChange) -> bool:
        return effect.outcome == "changes" and lacks_closed_form(self.plain[0], effect.before.metric)

    def _effect(self, before: Verdict, then: Summary, difference: Difference | None) -> JudgedChange:
        metric = before.metric
        after = then.metrics.get(metric.name)
        if before.estimate is None or after is None or difference is None:
            return self._one_sided(before, then)
        if self._is_same(metric, then):
            return JudgedChange(before, before, difference, same=True, chance=1.0)
        if self.fewer:
            after = _moved(before.estimate, difference.change, after, metric)
        chance = min(chance_of(difference.change, self.trials - 1) + self.spent, 1.0)
        return JudgedChange(before, replace(before, estimate=after), difference, chance=chance, trials=self.fewer)

    def _one_sided(self, before: Verdict, then: Summary) -> JudgedChange:
        # without a figure in the run, in the change's trials, or in as few replications of the design itself
        name = before.metric.name
        sides = [run.metrics.get(name) or run.missing[name] for run in (self.base, then)]
        after = replace(before, estimate=then.metrics.get(name))
        return JudgedChange(before, after, OneSided(before.metric, *sides), trials=self.fewer)

    def _is_same(self, metric: Metric, then: Summary) -> bool:
        # the same figure in every trial, and for resampled people
        pairs = zip(self.base.measures, then.measures, strict=False)
        both = [(own, other) for pair in pairs for own, other in (pair, (pair[0].resampled, pair[1].resampled))]
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
