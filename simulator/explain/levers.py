"""Which lever matters: every choice one step either way from a design, each compared with it on the same requests."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from math import inf
from typing import Any, Literal

from scipy.stats import false_discovery_control

from simulator.case.choices import Choice, Pick
from simulator.case.faults import ScenarioError
from simulator.engine.actions import with_actions
from simulator.engine.plan import Plan, changes_of, compile_plan
from simulator.intervals import LEVEL
from simulator.metrics.comparisons import UNCHANGED, Difference, OneSided
from simulator.metrics.summary import Standing, Summary, Verdict
from simulator.units import significant

#: Of the changes that are called real, at most this share is chance.
FALSE_SHARE = 1 - LEVEL

#: A change that is a smaller part of the distance from the bound is slight.
SLIGHT = 0.01

#: What a step does to an objective. too few: the trials hold too few requests to quote the figure.
Outcome = Literal["the same", "changes", "appears", "vanishes", "too few"]


@dataclass(frozen=True)
class DesignChange:
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


def steps_of(plan: Plan) -> list[DesignChange]:
    """Every choice but situations one step either way: each other option, or the next number down and up; folded ones last."""
    own = [(name, choice) for name, choice in plan.scenario.choices.items() if not choice.situation]
    choices = sorted(own, key=lambda pair: pair[1].folded)
    return [_step(plan, name, choice, pick) for name, choice in choices for pick in choice.next_to(plan.design[name])]


def _step(plan: Plan, name: str, choice: Choice, pick: Pick) -> DesignChange:
    words = (choice.label, choice.label_of(plan.design[name]), choice.label_of(pick))
    try:
        there = compile_plan(plan.authored or plan.scenario, {**plan.design, name: pick}, plan.strikes, plan.figures)
        return DesignChange(name, *words, pick, with_actions(there, changes_of(plan)) if plan.later else there)
    except ScenarioError as error:
        return DesignChange(name, *words, pick, None, error.faults[0].message)


@dataclass(frozen=True)
class ObjectiveEffect:
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

    step: DesignChange
    effects: list[ObjectiveEffect]

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
    refused: list[DesignChange]

    @cached_property
    def rows(self) -> list[Lever]:
        """The steps in order, each change called real or not among all of them (Benjamini and Hochberg 1995)."""
        chances = [effect.chance for lever in self.tried for effect in lever.effects if effect.is_open]
        adjusted = iter(false_discovery_control(chances).tolist() if chances else [])

        def judged(effect: ObjectiveEffect) -> ObjectiveEffect:
            if effect.is_open:
                return replace(effect, real=next(adjusted) <= FALSE_SHARE)
            return replace(effect, real=effect.outcome in ("appears", "vanishes"))

        found = [replace(lever, effects=[judged(effect) for effect in lever.effects]) for lever in self.tried]
        return sorted(found, key=lambda lever: lever.rank)

    @property
    def changes(self) -> list[ObjectiveEffect]:
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
        many = self.base.plan.scenario.unit.many
        return (
            f"Changes are paired: each step meets the {many} of the design's first {self.trials} replications. If none of "
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
