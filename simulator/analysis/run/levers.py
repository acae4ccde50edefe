"""Which lever matters: every choice one step either way from a design, each compared with it on the same requests."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, replace
from functools import cached_property
from math import hypot, inf
from typing import Any, Literal

from scipy.stats import false_discovery_control, t

from simulator.analysis.run.compare import Difference, differences
from simulator.analysis.run.measures import Measures
from simulator.analysis.run.scorecard import Verdict
from simulator.analysis.run.summary import Summary, summary_of, without_end
from simulator.analysis.statistics import LEVEL, Estimate, Interval, estimate
from simulator.scenario import ScenarioError
from simulator.scenario.choices import Choice, Pick
from simulator.scenario.metrics import Metric
from simulator.serving.actions import with_actions
from simulator.serving.plan import Plan, changes_of, compile_plan
from simulator.units import percent, significant

#: In how many replications each step is tried: the fewest whose intervals are not much wider than twice those of many.
TRIALS = 5

#: Of the changes that are called real, at most this share is chance.
FALSE_SHARE = 1 - LEVEL

#: What a step does to an objective. too few: the trials hold too few requests to quote the figure.
Outcome = Literal["the same", "changes", "appears", "vanishes", "too few"]

#: Starts so many replications (0, 1, 2, ...) of a plan under a seed, a future each.
Submit = Callable[[Plan, int, int], Sequence[Future[Measures]]]


@dataclass(frozen=True)
class Step:
    """One choice, one step away from a design; `plan` is None where that design cannot run, and `refused` says why."""

    choice: str
    label: str
    before: str
    after: str
    pick: Pick
    plan: Plan | None
    refused: str = ""

    @property
    def told(self) -> str:
        """The step in words: `Operating point: 0.95 → 0.97`."""
        return f"{self.label}: {self.before} → {self.after}"


def steps_of(plan: Plan) -> list[Step]:
    """Every choice one step either way: each other option, or the next number down and up, in the order of the file."""
    choices = plan.scenario.choices
    return [_step(plan, name, choice, pick) for name, choice in choices.items() for pick in choice.next_to(plan.design[name])]


def _step(plan: Plan, name: str, choice: Choice, pick: Pick) -> Step:
    words = (choice.label, choice.label_of(plan.design[name]), choice.label_of(pick))
    try:
        there = compile_plan(plan.authored or plan.scenario, {**plan.design, name: pick}, plan.strikes)
        return Step(name, *words, pick, with_actions(there, changes_of(plan)) if plan.later else there)
    except ScenarioError as error:
        return Step(name, *words, pick, None, error.faults[0].message)


@dataclass(frozen=True)
class Effect:
    """What a step does to one objective.

    before: its verdict in the run of the design; after: that of the design one step away, None where the trials cannot tell
    change: the paired change over the trials, with its interval; None where one of the two designs has no such figure
    chance: how likely so large a change would be if nothing changed
    real: whether it is beyond chance, given how many changes are looked at beside it
    """

    outcome: Outcome
    before: Verdict
    after: Verdict | None
    change: Difference | None = None
    chance: float = 0.0
    real: bool = False

    @property
    def turns(self) -> bool:
        """Whether the verdict is another one."""
        return self.after is not None and self.real and self.after.standing != self.before.standing

    @property
    def gain(self) -> float:
        """How far the step takes the objective towards being plainly met, as a part of the way; negative: away from it.

        0 for what may be chance, and for a change of an objective that is plainly met already.
        """
        if not self.real or self.before.standing == "met":
            return 0.0
        if self.change is None:
            return inf if self.outcome == "appears" else -inf
        found, bound, upward = self.before.estimate, self.before.bound, self.before.objective.at_least is not None
        assert found is not None
        return self.change.change.value / (bound - found.low) if upward else self.change.change.value / (bound - found.high)

    @property
    def words(self) -> str:
        """The effect in words: `+1.6 points`, `no figure → 12.6 h`."""
        if self.outcome == "changes" and self.change:
            return self.change.size
        return {"the same": "no change", "too few": "too few requests to say"}.get(self.outcome, self.outcome)

    def to_json(self) -> dict[str, Any]:
        """The effect as `casesim levers --json` prints it; what does not apply is left out."""
        told: dict[str, Any] = {"metric": self.before.objective.metric, "outcome": self.outcome}
        if self.change:
            found = self.change.change
            told |= {"change": found.value, "low": found.low, "high": found.high, "unit": self.change.metric.unit}
            told |= {name: {"low": part.low, "high": part.high} for name, part in found.doubts.items()}
            told["chance"] = self.chance
        told |= {"significant": self.real, "verdict_before": self.before.standing}
        if self.after:
            told["verdict_after"] = self.after.standing
            told |= {"value_after": self.after.estimate.value} if self.after.estimate else {}
        return told


@dataclass(frozen=True)
class Lever:
    """A step that was tried, and what it does to each objective, in their order."""

    step: Step
    effects: list[Effect]

    @property
    def best(self) -> float:
        """The largest gain among the objectives; 0 where none is above it."""
        return max((effect.gain for effect in self.effects), default=0.0)

    @property
    def worst(self) -> float:
        """The largest loss among the objectives; 0 where none is below it."""
        return min((effect.gain for effect in self.effects), default=0.0)

    @property
    def idle(self) -> bool:
        """Whether every objective had the same figure in every trial."""
        return all(effect.outcome == "the same" for effect in self.effects)

    @property
    def rank(self) -> tuple[float, float, bool, bool]:
        """Sorts what helps an objective that is not met first, then what harms one, each by size, and what does nothing last."""
        return -max(self.best, 0.0), min(self.worst, 0.0), not any(effect.real for effect in self.effects), self.idle

    @property
    def words(self) -> str:
        """What the whole step comes to, where that can be said in a few words."""
        if self.idle:
            return "changes nothing"
        return "" if any(effect.real for effect in self.effects) else "no change beyond chance"

    def to_json(self) -> dict[str, Any]:
        """The row as `casesim levers --json` prints it."""
        step = self.step
        told = {"choice": step.choice, "label": step.label, "pick": step.pick, "from": step.before, "to": step.after}
        return told | {"changes_nothing": self.idle, "effects": [effect.to_json() for effect in self.effects]}


class Comparison:
    """What one step does to each objective, judged against the run of a design.

    base: all replications of the design; trials: how many of them, from the first on, each step is compared with
    """

    def __init__(self, base: Summary, trials: int) -> None:
        self.base = base
        self.measures = list(base.measures[:trials])
        self.now = summary_of(base.plan, base.seed, self.measures)

    def lever(self, step: Step, measures: Sequence[Measures]) -> Lever:
        """The effects of a step on each objective; measures: its trials, in the order of the design's own replications."""
        assert step.plan is not None
        then = summary_of(step.plan, self.base.seed, measures)
        moved = {one.metric.name: one for one in differences(self.measures, measures, (self.now, then))}
        return Lever(step, [self._effect(verdict, then, moved.get(verdict.metric.name)) for verdict in self.base.verdicts])

    def _effect(self, before: Verdict, then: Summary, change: Difference | None) -> Effect:
        metric = before.metric
        there = then.metrics.get(metric.name)
        if before.estimate is None and there is None:
            return Effect("the same", before, before)
        if before.estimate is None:
            return Effect("appears", before, replace(before, estimate=there))
        if change is None or there is None:
            ended = metric.name in without_end(then.plan, then.warm_up, then.stages)
            return Effect("vanishes", before, replace(before, estimate=None)) if ended else Effect("too few", before, None)
        if self._is_same(metric, then):
            return Effect("the same", before, before, change, 1.0)
        after = replace(before, estimate=_moved(before.estimate, change.change, there, metric))
        return Effect("changes", before, after, change, _chance(change.change, len(self.measures) - 1))

    def _is_same(self, metric: Metric, then: Summary) -> bool:
        """Whether the figure is the same in every trial, and for other labelled people."""
        pairs = list(zip(self.measures, then.measures, strict=True))
        again = [(one.resampled, other.resampled) for one, other in pairs if one.resampled and other.resampled]
        return all(one.figure(metric) == other.figure(metric) for one, other in [*pairs, *again])


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


def _chance(change: Estimate, freedom: int) -> float:
    """How likely so large a change is if there is none: the level whose interval would just reach zero, by Student's t.

    The interval holds what varies with `freedom` degrees of freedom, and what is surer; taking all of it for the former errs
    on the side of chance.
    """
    reach = change.value - change.low if change.value > 0 else change.high - change.value
    if change.value == 0:
        return 1.0
    if reach <= 0:
        return 0.0
    return float(2 * t.sf(abs(change.value) / reach * t.ppf((1 + LEVEL) / 2, freedom), freedom))


@dataclass(frozen=True)
class Levers:
    """The steps tried so far from a design, the one that matters most first.

    base: the run of the design; trials: replications of each step; refused: steps whose design cannot run
    steps: how many are to be tried in all; tried: those that have been, in any order and with no effect called real yet
    """

    base: Summary
    trials: int
    steps: int
    tried: list[Lever]
    refused: list[Step]

    @cached_property
    def rows(self) -> list[Lever]:
        """The steps in order, each change called real or not among all of them (Benjamini and Hochberg 1995)."""
        changes = [effect for lever in self.tried for effect in lever.effects if effect.outcome == "changes"]
        adjusted = iter(false_discovery_control([effect.chance for effect in changes]) if changes else [])

        def judged(effect: Effect) -> Effect:
            if effect.outcome == "changes":
                return replace(effect, real=bool(next(adjusted) <= FALSE_SHARE))
            return replace(effect, real=effect.outcome in ("appears", "vanishes"))

        found = [replace(lever, effects=[judged(effect) for effect in lever.effects]) for lever in self.tried]
        return sorted(found, key=lambda lever: lever.rank)

    @property
    def changes(self) -> list[Effect]:
        """Every change that is not exactly none, of any step and objective."""
        return [effect for lever in self.rows for effect in lever.effects if effect.outcome == "changes"]

    @property
    def by_chance(self) -> float:
        """How many of the changes would have an interval without zero by chance alone if nothing changed."""
        return FALSE_SHARE * len(self.changes)

    @property
    def sense(self) -> str:
        """How to read the rows: what is compared, and how many changes would look real by chance."""
        return (
            f"Changes are paired: each step meets the requests of the design's first {self.trials} replications. Of "
            f"{len(self.changes)} changes about {significant(self.by_chance, 2)} would have a 95% interval without zero by chance "
            f"alone. Called real are so many that at most {percent(FALSE_SHARE)} of them are expected to be chance."
        )

    def to_json(self) -> dict[str, Any]:
        """The object that `casesim levers --json` prints."""
        plan = self.base.plan
        return {
            "scenario": plan.scenario.id,
            "scenario_hash": plan.scenario_hash,
            "design": plan.design,
            **({"strikes": plan.strikes} if plan.strikes else {}),
            "seed": self.base.seed,
            "replications": self.base.replications,
            "trials": self.trials,
            "run_hash": self.base.run_hash,
            "objectives": [verdict.to_json() for verdict in self.base.verdicts],
            "changes": len(self.changes),
            "by_chance": self.by_chance,
            "rows": [lever.to_json() for lever in self.rows],
            "cannot_run": [{"choice": one.choice, "to": one.pick, "reason": one.refused} for one in self.refused],
        }


class Trying:
    """Every step from a design under way: what it comes to so far, as the trials end."""

    def __init__(self, base: Summary, submit: Submit, trials: int = TRIALS) -> None:
        self.trials = min(trials, base.replications)
        self.base = base
        every = steps_of(base.plan)
        self.refused = [step for step in every if step.plan is None]
        self._futures = [(step, submit(step.plan, base.seed, self.trials)) for step in every if step.plan is not None]
        self._comparison: Comparison | None = None
        self._levers: dict[int, Lever] = {}

    @property
    def futures(self) -> Iterator[Future[Measures]]:
        """All trials of all steps."""
        return (future for _, futures in self._futures for future in futures)

    @property
    def total(self) -> int:
        """Trials in all."""
        return self.trials * len(self._futures)

    @property
    def done(self) -> int:
        """Trials that have ended."""
        return sum(future.done() for future in self.futures)

    @property
    def running(self) -> bool:
        """Whether a trial has not ended."""
        return self.done < self.total

    @property
    def error(self) -> BaseException | None:
        """What went wrong in a trial, if anything did."""
        ended = [future for future in self.futures if future.done() and not future.cancelled()]
        return next((future.exception() for future in ended if future.exception()), None)

    def cancel(self) -> None:
        """Drop the trials that have not begun."""
        for future in self.futures:
            future.cancel()

    def so_far(self) -> Levers:
        """The steps whose trials have all ended; raises what went wrong in one."""
        self._comparison = self._comparison or Comparison(self.base, self.trials)
        for place, (step, futures) in enumerate(self._futures):
            if place not in self._levers and all(future.done() and not future.cancelled() for future in futures):
                self._levers[place] = self._comparison.lever(step, [future.result() for future in futures])
        return Levers(self.base, self.trials, len(self._futures), list(self._levers.values()), self.refused)
