"""Which lever matters: every choice one step either way from a design, each compared with it on the same requests."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import zip_longest
from math import hypot, inf
from typing import Any, Literal

from scipy.stats import false_discovery_control, t

from simulator.analysis.run.compare import UNCHANGED, Difference, OneSided, differences
from simulator.analysis.run.labels import RUNS, needs_runs, resampled_plan
from simulator.analysis.run.measures import Measures, measure
from simulator.analysis.run.replicate import packed, unpacked
from simulator.analysis.run.scorecard import Standing, Verdict
from simulator.analysis.run.summary import NO_STEADY_STATE, Summary, summary_of
from simulator.analysis.statistics import LEVEL, Estimate, Interval, estimate
from simulator.scenario import ScenarioError
from simulator.scenario.choices import Choice, Pick
from simulator.scenario.metrics import Metric
from simulator.serving.actions import with_actions
from simulator.serving.engine import simulate
from simulator.serving.plan import Plan, at_band_edges, changes_of, compile_plan
from simulator.units import significant

#: In how many replications each step is tried. Four give intervals a third wider than twelve do, three twice as wide.
TRIALS = 4

#: Of the changes that are called real, at most this share is chance.
FALSE_SHARE = 1 - LEVEL

#: A change that is a smaller part of the distance from the bound is slight.
SLIGHT = 0.01

#: What a step does to an objective. too few: the trials hold too few requests to quote the figure.
Outcome = Literal["the same", "changes", "appears", "vanishes", "too few"]

#: Has another process call a function of a module, as an executor's `submit` does.
Submit = Callable[..., Future[Measures]]


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
    """Every choice one step either way: each other option, or the next number down and up; folded choices come last."""
    choices = sorted(plan.scenario.choices.items(), key=lambda pair: pair[1].folded)
    return [_step(plan, name, choice, pick) for name, choice in choices for pick in choice.next_to(plan.design[name])]


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
    told: then what each of them has, and why there is no figure
    chance: how likely so large a change would be if nothing changed
    pending: whether its interval still lacks the doubt about who was labelled
    real: whether it is beyond chance, given how many changes are looked at beside it
    """

    outcome: Outcome
    before: Verdict
    after: Verdict | None
    change: Difference | None = None
    told: OneSided | None = None
    chance: float = 0.0
    pending: bool = False
    real: bool = False

    @property
    def is_open(self) -> bool:
        """Whether chance has to be ruled out, and can be."""
        return self.outcome == "changes" and not self.pending

    @property
    def standing(self) -> Standing:
        """The verdict one step away: the same as before unless the change is real."""
        return self.after.standing if self.real and self.after else self.before.standing

    @property
    def turns(self) -> bool:
        """Whether the verdict is another one."""
        return self.standing != self.before.standing

    @property
    def gain(self) -> float:
        """How far the step takes the objective towards being plainly met, as a part of the way; negative: away from it.

        0 for what may be chance or is slight, and for an objective that is plainly met and stays so; -1 if it does not.
        """
        if self.before.standing == "met":
            return -1.0 if self.turns else 0.0
        if not self.real or self.slight:
            return 0.0
        if self.change is None:
            return inf if self.outcome == "appears" else -inf
        found, bound, upward = self.before.estimate, self.before.bound, self.before.objective.at_least is not None
        assert found is not None
        return self.change.change.value / (bound - found.low) if upward else self.change.change.value / (bound - found.high)

    @property
    def helps(self) -> bool | None:
        """Whether a real change goes the way that the objective asks for; None where nothing is known to change."""
        if not self.real:
            return None
        if self.change is None:
            return self.outcome == "appears"
        return (self.change.change.value > 0) == (self.before.objective.at_least is not None)

    @property
    def slight(self) -> bool:
        """Whether a real change is less than a hundredth of the way between the figure and its bound."""
        if not self.real or self.change is None or self.before.margin is None:
            return False
        return abs(self.change.change.value) < SLIGHT * abs(self.before.margin)

    @property
    def words(self) -> str:
        """The effect in words: `+1.6 points`, `no figure → 12.6 h`."""
        if self.outcome == "changes" and self.change:
            return self.change.size
        return UNCHANGED if self.told is None else "too few trials to say" if self.outcome == "too few" else self.told.words

    def to_json(self) -> dict[str, Any]:
        """The effect as `casesim levers --json` prints it; what does not apply is left out."""
        told: dict[str, Any] = {"metric": self.before.objective.metric, "outcome": self.outcome, "words": self.words}
        if self.change:
            found = self.change.change
            told |= {"change": found.value, "low": found.low, "high": found.high, "unit": self.change.metric.unit}
            told |= {name: {"low": part.low, "high": part.high} for name, part in found.doubts.items()}
            told["chance"] = self.chance
        told |= {"significant": self.real, "verdict_before": self.before.standing}
        told |= {"verdict_after": self.standing} if self.after else {}
        return told | ({"value_after": self.after.estimate.value} if self.after and self.after.estimate else {})


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
        """Sorts what helps an objective that is not met first, then what harms one, each by size; what does nothing is last."""
        return -self.best, self.worst, bool(self.words), self.idle

    @property
    def words(self) -> str:
        """What the whole step comes to, where that can be said in a few words."""
        if self.idle:
            return "changes nothing"
        if any(effect.pending for effect in self.effects):
            return "not complete"
        real = [effect for effect in self.effects if effect.real]
        if not real:
            return "no change beyond chance"
        return "next to no change" if all(effect.slight for effect in real) else ""

    def to_json(self) -> dict[str, Any]:
        """The row as `casesim levers --json` prints it."""
        step = self.step
        told = {"choice": step.choice, "label": step.label, "pick": step.pick, "from": step.before, "to": step.after}
        return told | {"changes_nothing": self.idle, "effects": [effect.to_json() for effect in self.effects]}


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

    def lever(self, step: Step, measures: Sequence[Measures], again: Sequence[Measures] = ()) -> Lever:
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

    def _effect(self, before: Verdict, then: Summary, change: Difference | None) -> Effect:
        metric = before.metric
        there = then.metrics.get(metric.name)
        if before.estimate is None or there is None or change is None:
            return self._one_sided(before, then)
        if self._is_same(metric, then):
            return Effect("the same", before, before, change, chance=1.0)
        after = replace(before, estimate=_moved(before.estimate, change.change, there, metric))
        return Effect("changes", before, after, change, chance=chance_of(change.change, self.trials - 1))

    def _one_sided(self, before: Verdict, then: Summary) -> Effect:
        """Of an objective without a figure in the run, in the step's trials, or in as few replications of the design itself."""
        name = before.metric.name
        sides = [run.metrics.get(name) or run.untold[name] for run in (self.base, then)]
        told = OneSided(before.metric, before.objective.label, *sides)
        if isinstance(sides[0], str):
            outcome: Outcome = "the same" if isinstance(sides[1], str) else "appears"
        else:
            outcome = "vanishes" if str(sides[1]).startswith(NO_STEADY_STATE) else "too few"
        after = None if outcome == "too few" else replace(before, estimate=then.metrics.get(name))
        return Effect(outcome, before, after, told=told)

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


def chance_of(change: Estimate, freedom: int) -> float:
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
        chances = [effect.chance for lever in self.tried for effect in lever.effects if effect.is_open]
        adjusted = iter(false_discovery_control(chances).tolist() if chances else [])

        def judged(effect: Effect) -> Effect:
            if effect.is_open:
                return replace(effect, real=next(adjusted) <= FALSE_SHARE)
            return replace(effect, real=effect.outcome in ("appears", "vanishes"))

        found = [replace(lever, effects=[judged(effect) for effect in lever.effects]) for lever in self.tried]
        return sorted(found, key=lambda lever: lever.rank)

    @property
    def changes(self) -> list[Effect]:
        """Every change that is not exactly none, of any step and objective."""
        return [effect for lever in self.rows for effect in lever.effects if effect.is_open]

    @property
    def by_chance(self) -> float:
        """How many of the changes would have an interval without zero by chance alone if nothing changed."""
        return FALSE_SHARE * len(self.changes)

    @property
    def sentence(self) -> str:
        """Which step matters most, in words."""
        rows, wanting = self.rows, [verdict for verdict in self.base.verdicts if verdict.standing != "met"]
        if not wanting:
            moved = _counted(sum(not row.words for row in rows), "step", "changes", "change")
            return f"Every objective is met. {moved} one of them."
        best = [row for row in rows if row.best > 0]
        if not best:
            return "No single step tried so far brings an objective that is not met closer."
        first, effect = best[0], max(best[0].effects, key=lambda effect: effect.gain)
        told = _counted(len(best), "step", "brings", "bring")
        size = f"{effect.words} ({effect.change.interval})" if effect.change else effect.words
        most = f"{first.step.told}: {effect.before.objective.label} {size}"
        return f"{told} an objective that is not met closer, most of all {most}."

    @property
    def sense(self) -> str:
        """How to read the rows: what is compared, and how many changes would look real by chance."""
        return (
            f"Changes are paired: each step meets the requests of the design's first {self.trials} replications. If none of "
            f"the {len(self.changes)} changes were real, about {significant(self.by_chance, 2)} of their 95% intervals would "
            f"exclude zero all the same. So real ones are told by a stricter rule: on average, at most {FALSE_SHARE:.0%} of "
            "those are chance."
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


def _counted(count: int, what: str, one: str, many: str) -> str:
    """`1 step brings`, `3 steps bring`."""
    return f"{count} {what} {one}" if count == 1 else f"{count} {what}s {many}"


class Trying:
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

    def _handed(self, job: Callable[..., Measures], step: Step, count: int) -> list[Future[Measures]]:
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
