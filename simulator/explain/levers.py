"""Levers of a design: every choice one step either way, with its effect on each objective, the most useful first."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise
from math import inf
from typing import Any, Literal

from simulator.case.choices import Pick
from simulator.explain.claims import Claim, about_run, change_by, claims_json, on_metric
from simulator.explain.design_changes import FALSE_SHARE, NOTICEABLE, DesignChange, part_of_way, real_below
from simulator.metrics.comparisons import UNCHANGED, Difference, OneSided
from simulator.metrics.summary import Standing, Summary, Verdict
from simulator.units import counted, listed, significant, times

#: A change that is a smaller part of the distance from the bound is slight.
SLIGHT = 0.01

#: Effect of a change on an objective. too few: the trials hold too few requests to quote the figure.
Outcome = Literal["the same", "changes", "appears", "vanishes", "too few"]


@dataclass(frozen=True)
class ObjectiveEffect:
    """The effect of a change on one objective.

    before: the verdict in the run of the design; after: that of the changed design, None where the trials cannot decide it
    change: the paired difference over the trials, with its interval; None where one of the two designs has no figure
    one_sided: in that case, the figure of either design or the reason why it has none
    chance: the probability of a difference of this size if nothing changed
    pending: True while its interval lacks the part from the labels
    real: True if it is beyond chance, given the number of differences that are looked at beside it
    trials: the replications that the verdict after it rests on, where the run of the design has more; else 0
    """

    outcome: Outcome
    before: Verdict
    after: Verdict | None
    change: Difference | None = None
    one_sided: OneSided | None = None
    chance: float = 0.0
    pending: bool = False
    real: bool = False
    trials: int = 0

    @property
    def is_open(self) -> bool:
        return self.outcome == "changes" and not self.pending

    @property
    def may_be_chance(self) -> bool:
        """Whether its own interval leaves out zero, which chance may do beside the other changes."""
        return self.is_open and not self.real and self.chance <= FALSE_SHARE

    @property
    def if_real(self) -> ObjectiveEffect:
        return replace(self, real=True)

    @property
    def harms(self) -> bool:
        return self.helps is False and not self.slight

    @property
    def stays_met(self) -> bool:
        return self.before.by_figure == "met" and not self.breaks

    @property
    def standing(self) -> Standing:
        return self.after.standing if self.real and self.after else self.before.standing

    @property
    def would_help(self) -> bool:
        """Whether it would bring an objective that is not met noticeably closer, if it is no chance."""
        return self.is_open and self.before.by_figure != "met" and self.if_real.gain > 0

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
        gained = part_of_way(self.change.change.value, self.before)
        return 0.0 if 0 < gained < NOTICEABLE else gained

    @property
    def helps(self) -> bool | None:
        """True if a real change goes the way that the objective asks for; None where nothing is known to change."""
        if not self.real:
            return None
        if self.change is None:
            return self.outcome == "appears"
        return (self.change.change.value > 0) == (self.before.objective.at_least is not None)

    @property
    def slight(self) -> bool:
        if not self.real or self.change is None or self.before.margin is None:
            return False
        return abs(self.change.change.value) < SLIGHT * abs(self.before.margin)

    def claims(self, step: str) -> list[Claim]:
        """Claim the change by a step where both runs have a figure, and that the step helps where it does."""
        claims, metric = list[Claim](), self.before.metric
        if self.outcome == "changes" and self.change:
            words = f"{step}: {self.change.size} ({self.change.interval})."
            claims.append(change_by(metric, self.change.change, step, words))
        if self.gain > 0:
            claims.append(on_metric(metric, "helps", step, f"{step}: {self.words}.", evidence="paired run"))
        return claims

    @property
    def words(self) -> str:
        """The effect in words: `+1.6 points`, `no figure → 12.6 h`."""
        if self.outcome == "changes" and self.change:
            return self.change.size
        if self.one_sided is None:
            return UNCHANGED
        return "too few trials to say" if self.outcome == "too few" else self.one_sided.words

    def to_json(self) -> dict[str, Any]:
        """Return the effect as `casesim levers --json` prints it, without what does not apply."""
        content: dict[str, Any] = {"metric": self.before.objective.metric, "outcome": self.outcome, "words": self.words}
        if self.change:
            change = self.change.change
            content |= {"change": change.value, "low": change.low, "high": change.high, "unit": self.change.metric.unit}
            content |= {name: {"low": part.low, "high": part.high} for name, part in change.doubts.items()}
            content["chance"] = self.chance
        content |= {"significant": self.real, "verdict_before": self.before.standing}
        content |= {"verdict_after": self.standing} if self.after else {}
        return content | ({"value_after": self.after.estimate.value} if self.after and self.after.estimate else {})


@dataclass(frozen=True)
class Lever:
    """A change that was tried, and its effect on each objective, in their order.

    second_look: its replications, where it met more of them than the other changes; else 0
    """

    step: DesignChange
    effects: list[ObjectiveEffect]
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
        return [
            f"{effect.before.objective.label} goes from met to {effect.new_standing}"
            for effect in self.effects
            if effect.breaks
        ]

    @property
    def is_pending(self) -> bool:
        return any(effect.pending for effect in self.effects)

    @property
    def idle(self) -> bool:
        return all(effect.outcome == "the same" for effect in self.effects)

    def judged(self, bar: float) -> Lever:
        """Call effects real or not. bar: the largest chance of a real one"""

        def is_real(effect: ObjectiveEffect) -> bool:
            return effect.chance <= bar if effect.is_open else effect.outcome in ("appears", "vanishes")

        return replace(self, effects=[replace(effect, real=is_real(effect)) for effect in self.effects])

    @property
    def harmed(self) -> list[str]:
        """Name the other objectives that it takes further from where they are met."""
        return [
            f"“{effect.before.objective.label}”"
            for effect in self.effects
            if effect.harms and not effect.breaks and effect.gain < 0
        ]

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


@dataclass(frozen=True)
class Levers:
    """The changes of a design that were tried so far, the most useful first.

    base: the run of the design; trials: replications of each change; refused: changes whose design cannot run
    steps: the number to be tried in all; tried: those that have been, in any order and with no effect called real yet
    """

    base: Summary
    trials: int
    steps: int
    tried: list[Lever]
    refused: list[DesignChange]

    @cached_property
    def rows(self) -> list[Lever]:
        """The changes in order, each effect called real or not among all of them (Benjamini and Hochberg 1995)."""
        known = [effect for lever in self.tried for effect in lever.effects if effect.outcome == "changes"]
        untried = (self.steps - len(self.tried)) * max((len(lever.effects) for lever in self.tried), default=0)
        bar = real_below([effect.chance for effect in known if not effect.pending], len(known) + untried)
        return sorted((lever.judged(bar) for lever in self.tried), key=lambda lever: lever.rank)

    @property
    def changes(self) -> list[ObjectiveEffect]:
        return [effect for lever in self.rows for effect in lever.effects if effect.is_open]

    @property
    def by_chance(self) -> float:
        return FALSE_SHARE * len(self.changes)

    @property
    def claims(self) -> list[Claim]:
        """The most useful change, and the effects of each step."""
        effects = ((effect, lever.step.words) for lever in self.rows for effect in lever.effects)
        first = Claim("levers", "is", None, population="levers", words=self.sentence, evidence="paired run")
        claims = [first, *(claim for effect, step in effects for claim in effect.claims(step))]
        return about_run(claims, self.base.run_hash, self.base.plan.scenario_hash)

    @property
    def sentence(self) -> str:
        """The most useful change, in words, behind the reason why no verdict counts."""
        return " ".join(filter(None, [self.base.outside_brief, self._most_useful]))

    @property
    def _most_useful(self) -> str:
        rows, wanting = self.rows, [verdict for verdict in self.base.verdicts if verdict.by_figure != "met"]
        if not wanting:
            moved = _counted(sum(not row.words for row in rows), "step", "changes", "change")
            return f"Every objective is met. {moved} one of them."
        best = [row for row in rows if row.best > 0]
        if not best:
            return "No single step tried so far brings an objective that is not met noticeably closer."
        first, effect = best[0], max(best[0].effects, key=lambda effect: effect.gain)
        steps = _counted(len(best), "step", "brings", "bring")
        size = effect.change.with_interval if effect.change else effect.words
        most = f"“{first.step.words}”: {', '.join([*first.costs, f'{effect.before.objective.label} {size}'])}"
        worse = f" It makes {listed(first.harmed)} worse." if first.harmed else ""
        return f"{steps} an objective that is not met noticeably closer. The most useful is {most}.{worse}"

    @property
    def sense(self) -> str:
        """Explanation of the rows: the comparison, and the number of changes that would look real by chance."""
        many = self.base.plan.scenario.unit.many
        return (
            f"Changes are paired: each step meets the {many} of the design's first {self.trials} replications. {self._second}"
            f"If none of the {len(self.changes)} changes were real, about {significant(self.by_chance, 2)} of their 95% "
            "intervals would still exclude zero. So a stricter rule decides which changes are real: on average, at most "
            f"{FALSE_SHARE:.0%} of them are chance."
        )

    @property
    def _second(self) -> str:
        more = {lever.second_look for lever in self.tried} - {0}
        return f"A step that seemed to help meets those of the first {max(more)}. " if more else ""

    def to_json(self) -> dict[str, Any]:
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
            "cannot_run": [{"choice": change.choice, "to": change.pick, "reason": change.refused} for change in self.refused],
            "claims": claims_json(self.claims),
        }


def _counted(count: int, what: str, one: str, many: str) -> str:
    return f"{count} {what} {one}" if count == 1 else f"{count} {what}s {many}"


#: The fewest changes of a user that say where the effort went.
ENOUGH = 3


def effort(designs: Sequence[Mapping[str, Pick]], levers: Levers) -> str:
    """Name the choice that most changes went to, and its rank among the levers; empty where there are too few to say.

    designs: those that the user has run, in their order; levers: tried from the last of them
    """
    changed = Counter(name for before, after in pairwise(designs) for name in after if after[name] != before.get(name))
    ranked = _ranked(levers)
    by_count = [name for name, _ in changed.most_common() if name in ranked]
    if changed.total() < ENOUGH or not by_count or not levers.rows or levers.rows[0].best <= 0:
        return ""
    labels = {row.step.choice: row.step.label for row in levers.rows}
    most, first = by_count[0], ranked[0]
    went = f"Of your {changed.total()} changes, {changed[most]} went to “{labels[most]}”"
    if most == first:
        return f"{went}, the choice whose next step helps most."
    place = ranked.index(most) + 1
    other = f"number 1 is “{labels[first]}”, changed {times(changed[first])}"
    return f"{went}, number {place} of {len(ranked)} choices, ranked by the help of one step; {other}."


def _ranked(levers: Levers) -> list[str]:
    best: dict[str, float] = {}
    for row in levers.rows:
        best[row.step.choice] = max(best.get(row.step.choice, 0.0), row.best)
    return sorted(best, key=lambda name: -best[name])
