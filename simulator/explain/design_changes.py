"""Changes of a design: one choice with another pick, compiled, and compared with the design on the same requests."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import inf

from simulator.case.choices import Options, Pick
from simulator.case.document import ScenarioError
from simulator.engine.actions import with_actions
from simulator.engine.plan import Plan, changes_of, compile_plan
from simulator.intervals import LEVEL
from simulator.metrics.comparisons import Difference, differences
from simulator.metrics.summary import Summary, Verdict


@dataclass(frozen=True)
class DesignChange:
    """One choice with another pick; `plan` is None where that design cannot run, and `refused` gives the reason."""

    choice: str
    label: str
    before: str
    after: str
    pick: Pick
    plan: Plan | None
    refused: str = ""
    unit: str = ""

    @property
    def words(self) -> str:
        return f"{self.label}: {self.before.removesuffix(f' {self.unit}')} → {self.after}"


def change_design(plan: Plan, name: str, pick: Pick) -> DesignChange:
    """Change one pick of a design under the same curveballs, figures and later changes.

    The case is compiled as its author wrote it. The plan's own scenario holds what the present pick wrote, and a pick that
    writes elsewhere would leave that in place.
    """
    choice = plan.scenario.choices[name]
    words = (choice.label, choice.label_of(plan.design[name]), choice.label_of(pick))
    unit = "" if isinstance(choice, Options) else choice.unit
    try:
        changed = compile_plan(plan.authored or plan.scenario, {**plan.design, name: pick}, plan.strikes, plan.figures)
        changed = with_actions(changed, changes_of(plan)) if plan.later else changed
    except ScenarioError as error:
        return DesignChange(name, *words, pick, None, error.faults[0].message, unit)
    return DesignChange(name, *words, pick, changed, unit=unit)


def changes_of_choice(plan: Plan, name: str) -> list[DesignChange]:
    return [change_design(plan, name, pick) for pick in plan.scenario.choices[name].next_to(plan.design[name])]


def changes_of_design(plan: Plan) -> list[DesignChange]:
    own = [(name, choice) for name, choice in plan.scenario.choices.items() if not choice.situation]
    return [change for name, _ in sorted(own, key=lambda pair: pair[1].folded) for change in changes_of_choice(plan, name)]


def count_changes(plan: Plan) -> int:
    """Count the steps of a design, without a look at which of them can run."""
    own = {name: choice for name, choice in plan.scenario.choices.items() if not choice.situation}
    return sum(len(choice.next_to(plan.design[name])) for name, choice in own.items())


def longer_changes(plan: Plan, change: DesignChange) -> Iterator[DesignChange]:
    """Go on from a change of a number, on the same side of the design; skip numbers that cannot run."""
    choice, now = plan.scenario.choices[change.choice], plan.design[change.choice]
    if isinstance(choice, Options):
        return
    pick = float(change.pick)
    while onward := [one for one in choice.next_to(pick) if (float(one) > pick) == (float(change.pick) > float(now))]:
        (pick,) = map(float, onward)
        longer = change_design(plan, change.choice, choice.read(pick))
        if longer.plan is not None:
            yield longer


#: Replications of each change that is tried, for advice and for levers, so that both give one figure. Four give intervals a
#: third wider than twelve do, three twice as wide.
TRIALS = 4

#: Replications of a change in a second look: its TRIALS say that it may help, and chance may be the reason.
SECOND_LOOK = 16

#: At most this share of the changes that are called real is chance.
FALSE_SHARE = 1 - LEVEL

#: A change helps an objective if it takes it at least this part of the way to where it is met beyond doubt.
NOTICEABLE = 0.05


def real_below(chances: Sequence[float], looked_at: int) -> float:
    """Return the largest chance of a real change, so that few real ones are chance (Benjamini and Hochberg 1995).

    chances: of the changes that were tried, each the probability of so large a change if nothing changed
    looked_at: the number of changes there are, tried or not; the chances of the others can make this larger, but not smaller
    """
    steps = [FALSE_SHARE * rank / looked_at for rank in range(1, len(chances) + 1)]
    reached = (step for one, step in zip(sorted(chances), steps, strict=True) if one <= step)
    return max(reached, default=FALSE_SHARE / max(looked_at, 1))


def spent_at_first(looked_at: int) -> float:
    """Return the chance of a change below which the first look decides: half of what the strictest rule allows each change.

    The second look adds it to its own chance. So both looks together call a change that is none real no more often than one.
    """
    return FALSE_SHARE / max(looked_at, 1) / 2


def part_of_way(change: float, before: Verdict) -> float:
    """Return the part of the way to being met beyond doubt that a change takes an objective; negative: away from it."""
    now, upward = before.estimate, before.objective.upward
    if now is None:
        return inf
    to_go = before.bound - (now.low if upward else now.high)
    return change / to_go if to_go else 0.0


@dataclass(frozen=True)
class ChangeTrial:
    """A change that was tried: the runs of the design before and after it, met by the same requests."""

    change: DesignChange
    before: Summary
    after: Summary

    @cached_property
    def differences(self) -> dict[str, Difference]:
        every = differences(self.before.measures, self.after.measures, (self.before, self.after))
        return {one.metric.name: one for one in every}
