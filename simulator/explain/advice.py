"""What would improve an objective: one step of one choice, told only if a run of it bears it out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import islice
from math import inf
from typing import Any

from simulator.case.choices import Options, Pick
from simulator.case.faults import ScenarioError
from simulator.engine.plan import Plan, compile_plan
from simulator.engine.run import simulate
from simulator.metrics.comparisons import Difference, differences
from simulator.metrics.measures import Measures, measure
from simulator.metrics.summary import Summary, Verdict, summary_of
from simulator.units import spoken

#: At most so many steps are tried for an objective, each in so many replications of the run.
TRIED, REPLICATIONS = 3, 5

#: A step has to take an objective this part of the way to where it would be met beyond doubt.
NOTICEABLE = 0.05


@dataclass(frozen=True)
class AdvisedStep:
    """A design one step of one choice away from that of a run."""

    choice: str
    pick: Pick
    plan: Plan
    told: str


@dataclass(frozen=True)
class Move:
    """A step that improves an objective, beyond the interval of the change, in a run with the same requests.

    metric: of the objective; change, low, high: of its value, with the bounds of the interval; None where the run had no figure
    also: labels of the other objectives that it improves; worse: of those that it makes worse
    """

    choice: str
    label: str
    pick: Pick
    told: str
    metric: str
    change: float | None
    low: float | None
    high: float | None
    also: list[str]
    worse: list[str]
    sentence: str

    def to_json(self) -> dict[str, Any]:
        """The move as `casesim run --json` prints it, without what does not apply."""
        return {name: value for name, value in vars(self).items() if value is not None}


@dataclass(frozen=True)
class Advice:
    """A move, or None, and a sentence about it or its lack."""

    move: Move | None
    sentence: str


def neighbours(plan: Plan, name: str) -> Iterator[AdvisedStep]:
    """The designs one step of a choice away that can run: the other options, or the next number down and up.

    None where picks change during the run: a step would be another story.
    """
    for pick in [] if plan.changes else plan.scenario.choices[name].next_to(plan.design[name]):
        yield from step_to(plan, name, pick)


def further(plan: Plan, step: AdvisedStep) -> Iterator[AdvisedStep]:
    """The next numbers of a choice, beyond those of a step and on the same side."""
    choice, now = plan.scenario.choices[step.choice], plan.design[step.choice]
    if isinstance(choice, Options):
        return
    pick = float(step.pick)
    while onward := [one for one in choice.next_to(pick) if (float(one) > pick) == (float(step.pick) > float(now))]:
        (pick,) = map(float, onward)
        yield from step_to(plan, step.choice, pick)


def step_to(plan: Plan, name: str, pick: Pick) -> Iterator[AdvisedStep]:
    """The design with another pick, under the same strikes; none if it cannot run."""
    choice = plan.scenario.choices[name]
    try:
        other = compile_plan(plan.scenario, {**plan.design, name: pick}, plan.strikes, plan.figures)
    except ScenarioError:
        return
    now = choice.label_of(plan.design[name])
    now = now if isinstance(choice, Options) else now.removesuffix(f" {choice.unit}")
    told = f"{choice.label}: {now} → {choice.label_of(pick)}"
    yield AdvisedStep(name, choice.read(pick), other, told)


@dataclass
class Trials:
    """The what-if runs of one run: a few of its replications, of other designs. Each is run once, whichever objective asks."""

    summary: Summary
    _known: dict[tuple[str, Pick], Trial] = field(default_factory=dict)
    _steps: dict[str, list[AdvisedStep]] = field(default_factory=dict)

    @cached_property
    def now(self) -> Summary:
        """The first replications of the run itself, and more where it has too few, without what a trial leaves out."""
        first = [replace(one, resampled=None, band_edges=[]) for one in self.summary.measures[:REPLICATIONS]]
        return self._run(self.summary.plan, first)

    def of(self, step: AdvisedStep) -> Trial:
        """The trial of a step."""
        key = step.choice, step.pick
        if key not in self._known:
            self._known[key] = Trial(self.summary, step, self.now, self._run(step.plan, []))
        return self._known[key]

    def _run(self, plan: Plan, first: list[Measures]) -> Summary:
        seed = self.summary.seed
        more = [measure(simulate(plan, seed, number)) for number in range(len(first), REPLICATIONS)]
        return summary_of(plan, seed, first + more)

    def steps(self, name: str) -> list[AdvisedStep]:
        """The steps of a choice, worked out once."""
        if name not in self._steps:
            self._steps[name] = list(neighbours(self.summary.plan, name))
        return self._steps[name]

    def advice(self, place: int, promising: Iterable[AdvisedStep]) -> Advice:
        """The first of these steps that improves the objective at this place of the verdicts and makes no other worse.

        Else the one that makes the fewest worse; at most TRIED are tried.
        """
        tried, found = list[Trial](), list[Trial]()
        for step in islice(promising, TRIED):
            tried.append(self.of(step))
            if tried[-1].improves(place):
                found.append(tried[-1])
                if not found[-1].others(place, better=False):
                    break
        if found:
            move = min(found, key=lambda trial: len(trial.others(place, better=False))).move(place)
            return Advice(move, move.sentence)
        if not tried:
            return Advice(None, "No choice in this case changes that.")
        told = "; ".join(f"“{trial.step.told}” ({trial.told_change(place)})" for trial in tried)
        return Advice(None, f"None of the steps tried improves it noticeably and beyond chance: {told}.")


@dataclass(frozen=True)
class Trial:
    """What a step changes: the present design, `now`, and the design one step away, `then`, met by the same requests."""

    summary: Summary
    step: AdvisedStep
    now: Summary
    then: Summary

    @cached_property
    def changes(self) -> dict[str, Difference]:
        """The paired change of each objective's metric that both can quote."""
        found = differences(self.now.measures, self.then.measures, (self.now, self.then))
        return {one.metric.name: one for one in found}

    def improves(self, place: int) -> bool:
        """Whether the objective gets better, noticeably and beyond the interval of the change, or has a figure at last."""
        if self._appears(place):
            return True
        change = self.changes.get(self.summary.verdicts[place].metric.name)
        return change is not None and self._gain(place, change) >= NOTICEABLE * _to_go(self.summary.verdicts[place])

    def others(self, place: int, better: bool) -> list[int]:
        """The places of the other objectives that get better, or worse, beyond the interval of the change.

        An objective that is met before and after gets neither.
        """
        found = []
        for other in range(len(self.summary.verdicts)):
            if other == place or all(trial.verdicts[other].standing == "met" for trial in (self.now, self.then)):
                continue
            change = self.changes.get(self.summary.verdicts[other].metric.name)
            gain = self._gain(other, change) if change else 0.0
            if (gain > 0 or self._appears(other)) if better else (gain < 0 or self._vanishes(other)):
                found.append(other)
        return found

    def _appears(self, place: int) -> bool:
        return self.now.verdicts[place].estimate is None and self.then.verdicts[place].estimate is not None

    def _vanishes(self, place: int) -> bool:
        return self.now.verdicts[place].estimate is not None and self.then.verdicts[place].estimate is None

    def _gain(self, place: int, change: Difference) -> float:
        """By how much a figure moves the right way; 0 where that may be chance."""
        up = 1 if self.summary.verdicts[place].objective.at_least is not None else -1
        return up * change.change.value if change.significant else 0.0

    def move(self, place: int) -> Move:
        """The step as told for an objective that it improves."""
        plan, verdict = self.summary.plan, self.summary.verdicts[place]
        change = self.changes.get(verdict.metric.name)
        bounds = change.change if change else None
        value, low, high = (bounds.value, bounds.low, bounds.high) if bounds else (None, None, None)
        also, worse = self.others(place, better=True), self.others(place, better=False)
        return Move(
            choice=self.step.choice,
            label=plan.scenario.choices[self.step.choice].label,
            pick=self.step.pick,
            told=self.step.told,
            metric=verdict.metric.name,
            change=value,
            low=low,
            high=high,
            also=[self._label(other) for other in also],
            worse=[self._label(other) for other in worse],
            sentence=self._sentence(place, also, worse),
        )

    def _sentence(self, place: int, also: list[int], worse: list[int]) -> str:
        by = (
            f"by {self.told_change(place)}"
            if self.summary.verdicts[place].metric.name in self.changes
            else self._changed(place)
        )
        told = f"In a trial run, “{self.step.told}” changes “{self._label(place)}” {by}."
        if also:
            told += f" It improves {self._listed(also)} too."
        if worse:
            told += f" It makes {self._listed(worse)} worse."
        return told

    def told_change(self, place: int) -> str:
        """The change of an objective with its interval: `+1.9 points, +1.6 points to +2.2 points`."""
        change = self.changes.get(self.summary.verdicts[place].metric.name)
        if change is None or change.change.value == 0:
            return "no change" if change else self._changed(place)
        return f"{change.size}, 95% interval {change.interval}"

    def _listed(self, places: list[int]) -> str:
        told = [f"“{self._label(place)}” ({self._changed(place)})" for place in places]
        return ", ".join(told[:-1]) + (" and " if len(told) > 1 else "") + told[-1]

    def _changed(self, place: int) -> str:
        """The change of an objective: `+1.9 points`, or `from no figure to 12.6 h`."""
        metric, then = self.summary.verdicts[place].metric, self.then.verdicts[place].estimate
        if metric.name in self.changes:
            return self.changes[metric.name].size
        return f"from no figure to {spoken(then.value, metric.unit)}" if then else "to no figure"

    def _label(self, place: int) -> str:
        return self.summary.verdicts[place].objective.label


def _to_go(verdict: Verdict) -> float:
    """How far the interval's worst end is from the bound; 0 where the objective is met."""
    if verdict.estimate is None:
        return inf
    if verdict.objective.at_least is not None:
        return max(verdict.bound - verdict.estimate.low, 0.0)
    return max(verdict.estimate.high - verdict.bound, 0.0)
