"""Advice for an objective: one change of one choice, given only if a trial run confirms that it helps."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import islice
from typing import Any

from simulator.case.choices import Pick
from simulator.engine.compiled_plan import Plan
from simulator.explain.claims import Claim, change_by, on_metric, said
from simulator.explain.design_changes import (
    TRIALS,
    DesignChange,
    changes_of_choice,
    count_changes,
    real_below,
)
from simulator.explain.lever_search import Baseline
from simulator.explain.levers import Lever, ObjectiveEffect
from simulator.metrics.comparisons import Difference
from simulator.metrics.summary import Summary, Verdict
from simulator.units import listed

#: The most changes that are tried for an objective on its own account.
TRIED = 5

#: The most changes that a sentence names where none helps.
NAMED = 3


@dataclass(frozen=True)
class Move:
    """A change that improves an objective noticeably, and beyond chance where one does, in a run with the same requests.

    metric: of the objective; change, low, high: of its value, with the bounds of the interval; None where the run had no figure
    also: labels of the other objectives that it improves; worse: of those that it makes worse; breaks: of those of them that
    are met without it
    """

    choice: str
    label: str
    pick: Pick
    words: str
    metric: str
    change: float | None
    low: float | None
    high: float | None
    also: list[str]
    worse: list[str]
    breaks: list[str]

    def to_json(self) -> dict[str, Any]:
        names = {"words": "told"}
        return {names.get(name, name): value for name, value in vars(self).items() if value is not None}


@dataclass(frozen=True)
class Advice:
    """A move, or None, and the claims about it or its lack.

    effect: the size of its change with the interval, `+2.3 points (+0.5 to +4.4)`; without a move, the sentence in few words
    turned: the objectives that it takes from met, `“Wait” met → not met after 4 replications`
    """

    move: Move | None
    claims: list[Claim]
    effect: str
    turned: str = ""

    @property
    def sentence(self) -> str:
        return said(self.claims)

    def to_json(self) -> dict[str, Any]:
        """Return the advice as a part of its reason in `casesim run --json`."""
        move = {"move": self.move.to_json() | {"sentence": self.sentence}} if self.move else {}
        return {"advice": self.sentence} | move


@dataclass
class AdviceTrials:
    """The trials beside one run of a few changes of its design. Each change is tried once, as the levers try it.

    look: tries a change elsewhere; None: in this process
    """

    summary: Summary
    look: Callable[[DesignChange], Lever] | None = None
    _levers: dict[tuple[str, Pick], Lever] = field(default_factory=dict)
    _changes: dict[str, list[DesignChange]] = field(default_factory=dict)

    @cached_property
    def _baseline(self) -> Baseline:
        return Baseline(self.summary, min(TRIALS, self.summary.replications))

    def of(self, *changes: DesignChange) -> list[AdviceTrial]:
        """Return the trials of changes that can run, each once, judged as they would be among all levers of the design.

        What is real here is real among the levers too: the trials of the other changes can make only more of them real.
        """
        plan, tried = (
            self.summary.plan,
            list({(change.choice, change.pick): self._lever(change) for change in changes}.values()),
        )
        steps = {
            (change.choice, change.pick) for name in {change.choice for change in changes} for change in self.changes(name)
        }
        single = [effect for lever in tried if (lever.step.choice, lever.step.pick) in steps for effect in lever.effects]
        chances = [effect.chance for effect in single if effect.is_open]
        bar = real_below(chances, count_changes(plan) * len(self.summary.verdicts))
        return [AdviceTrial(lever.judged(bar), plan) for lever in tried]

    def _lever(self, change: DesignChange) -> Lever:
        key = change.choice, change.pick
        if key not in self._levers:
            self._levers[key] = (self.look or self._baseline.tried)(change)
        return self._levers[key]

    def changes(self, name: str) -> list[DesignChange]:
        """Return the changes of a choice that can run, compiled once; none where picks change during the run."""
        if name not in self._changes:
            every = [] if self.summary.plan.changes else changes_of_choice(self.summary.plan, name)
            self._changes[name] = [change for change in every if change.plan is not None]
        return self._changes[name]

    def _tried(self, place: int, promising: Iterable[DesignChange]) -> list[DesignChange]:
        """Try at most TRIED of these changes for the objective at this place, up to one that meets it and harms no other."""
        tried: list[DesignChange] = []
        for change in islice(promising, TRIED):
            tried.append(change)
            if any(trial.meets(place) and not trial.worsened(place) for trial in self.of(*tried)):
                break
        return tried

    def advice(self, place: int, promising: Mapping[int, Iterable[DesignChange]]) -> Advice:
        """Return the change that meets this objective, as its trial shows; where none does, one that improves it.

        Of several, the one that does the least harm, and of those the one that gains most. Where no step helps beyond
        chance, it is one that may help.
        promising: the changes to try, by the place of their objective. Those of other objectives are tried only where each of
        its own fails to meet it, or takes another objective from met: else their advice would name a better step than this one.
        """
        tried = self._tried(place, promising[place])
        if not any(trial.meets(place) and not trial.breaks(place) for trial in self.of(*tried)):
            for other, changes in promising.items():
                tried += self._tried(other, changes) if other != place else []
        every = self.of(*tried)
        helpful = [trial for trial in every if trial.improves(place)] or [trial for trial in every if trial.may_improve(place)]
        if helpful:
            best = min(helpful, key=lambda trial: trial.rank(place))
            return Advice(best.move(place), best.claims(place, len(every)), best.effect(place), best.turned(place))
        few = "No step tried helps noticeably and beyond chance." if every else _NO_CHOICE
        return Advice(None, [_none_helps(self.summary.verdicts[place], place, every)], few)


_NO_CHOICE = "No choice in this case changes that."


#: What the advice of a step says that may be chance, and of one that the levers try too.
MAY_BE_CHANCE, LEVERS_DECIDE = "This may be chance", "a trial of every lever decides it"


def _none_helps(verdict: Verdict, place: int, every: Sequence[AdviceTrial]) -> Claim:
    """Claim that no step that was tried helps, with those that came closest; a step that makes it worse did not."""
    if not every:
        return on_metric(verdict.metric, "helps", "none", _NO_CHOICE)
    worse = [trial for trial in every if trial.worsens(place)]
    near = [trial for trial in every if trial not in worse][:NAMED]
    number = f"None of the {len(every)} steps that were tried" if len(every) > 1 else "The step that was tried"
    sentence = f"{number} {'improves' if len(every) > 1 else 'does not improve'} it noticeably and beyond chance"
    changes = tuple(trial.claim(place, f"“{trial.change.words}” ({trial.size_with_interval(place)})") for trial in near)
    sentence += f": {said(changes, '; ')}" if changes else ""
    worsen = f"{'All' if not near else len(worse)} of them make it worse" if len(worse) > 1 else "One of them makes it worse"
    if len(every) == 1:
        worsen = "It makes it worse"
    sentence += f". {worsen}." if worse else "."
    return on_metric(verdict.metric, "helps", "none", sentence, evidence="paired run", parts=changes)


@dataclass(frozen=True)
class AdviceTrial:
    """A change that was tried to improve an objective of a run. lever: its effect on each objective, judged"""

    lever: Lever
    plan: Plan

    @property
    def change(self) -> DesignChange:
        return self.lever.step

    def improves(self, place: int) -> bool:
        """Check that the objective gets better, noticeably and beyond chance, or has a figure at last."""
        return self.lever.effects[place].gain > 0

    def may_improve(self, place: int) -> bool:
        """Check that the objective would get better noticeably, if this is no chance."""
        return self.lever.effects[place].may_be_chance and self._gain(place) > 0

    def _gain(self, place: int) -> float:
        effect = self.lever.effects[place]
        return effect.if_real.gain if effect.may_be_chance else effect.gain

    def meets(self, place: int) -> bool:
        """Check that the trial of the change meets the objective, and that the run did not."""
        effect = self.lever.effects[place]
        return self.improves(place) and effect.turns and effect.standing == "met"

    def improved(self, place: int) -> list[int]:
        """Return the places of the other objectives that get better beyond chance; not of those that are met anyway."""
        return [other for other, effect in self._others(place) if effect.helps and not effect.slight]

    def worsened(self, place: int) -> list[int]:
        """Return the places of the other objectives that get worse beyond chance; not of those that stay met."""
        return [other for other, effect in self._others(place) if effect.harms]

    def may_worsen(self, place: int) -> list[int]:
        """Return the places of the other objectives that seem to get worse, and chance may be the reason."""
        open_ = [(other, effect.if_real) for other, effect in enumerate(self.lever.effects) if effect.may_be_chance]
        return [other for other, effect in open_ if other != place and not effect.stays_met and effect.harms]

    def _others(self, place: int) -> Iterator[tuple[int, ObjectiveEffect]]:
        others = ((other, effect) for other, effect in enumerate(self.lever.effects) if other != place)
        return ((other, effect) for other, effect in others if not effect.stays_met)

    def worsens(self, place: int) -> bool:
        """Check that the objective gets worse beyond chance, or loses its figure."""
        return self.lever.effects[place].helps is False

    def breaks(self, place: int) -> list[int]:
        """Return the places of the other objectives that are met in the whole run and no longer by this change."""
        return [other for other, effect in enumerate(self.lever.effects) if other != place and effect.breaks]

    def rank(self, place: int) -> tuple[bool, int, int, float]:
        """Rank the change: does it meet the objective, how many it takes from met, how many it may worsen, and its gain."""
        worse = [*self.worsened(place), *self.may_worsen(place)]
        return not self.meets(place), len(self.breaks(place)), len(worse), -self._gain(place)

    def _difference(self, place: int) -> Difference | None:
        return self.lever.effects[place].change

    def move(self, place: int) -> Move:
        verdict, difference = self._verdict(place), self._difference(place)
        bounds = difference.change if difference else None
        value, low, high = (bounds.value, bounds.low, bounds.high) if bounds else (None, None, None)
        return Move(
            choice=self.change.choice,
            label=self.plan.scenario.choices[self.change.choice].label,
            pick=self.change.pick,
            words=self.change.words,
            metric=verdict.metric.name,
            change=value,
            low=low,
            high=high,
            also=[self._label(other) for other in self.improved(place)],
            worse=[self._label(other) for other in self.worsened(place)],
            breaks=[self._label(other) for other in self.breaks(place)],
        )

    def claim(self, place: int, words: str) -> Claim:
        """Claim the change of an objective by the step, or that one of the two runs has no figure."""
        change = found.change if (found := self._difference(place)) else None
        return change_by(self._verdict(place).metric, change, self.change.words, words)

    def claims(self, place: int, tried: int = 1) -> list[Claim]:
        """Claim what the step takes from met, its effect on the objective, and on the others.

        tried: the number of steps of which it is the best
        """
        step, breaks, also = self.change.words, self.breaks(place), self.improved(place)
        rest, may = [other for other in self.worsened(place) if other not in breaks], self.may_worsen(place)
        by = f"by {self.size_with_interval(place)}" if self._difference(place) else self._size(place)
        trial, helps = (
            f"In a trial run{f' of {tried} steps' if tried > 1 else ''}, “{step}”",
            f"changes “{self._label(place)}” {by}.",
        )
        chance = f" {self._doubt(place)}" if self.may_improve(place) else ""
        words, metric = f"{'It' if breaks else trial} {helps}{chance}", self._verdict(place).metric
        own = on_metric(metric, "helps", step, words, evidence="paired run", parts=(self.claim(place, helps),))
        return [
            *self._on_others(breaks, f"{trial} {self._turned(breaks)}."),
            own,
            *self._on_others(also, f"It improves {self._listed(also)} too."),
            *self._on_others(rest, f"It makes {self._listed(rest)} worse."),
            *self._on_others(may, f"It may make {self._listed(may)} worse."),
        ]

    def _among(self, place: int) -> str:
        """Say why a change may be chance although its interval leaves out zero; empty where it does not."""
        change = self._difference(place)
        return " among many steps" if change and not change.change.low <= 0 <= change.change.high else ""

    def _doubt(self, place: int) -> str:
        """Say that chance may be the reason, after which runs, and what decides it: the levers, for one of their steps."""
        looked = f", even after {self.lever.second_look} replications" if self.lever.second_look else ""
        choice = self.plan.scenario.choices[self.change.choice]
        is_lever = self.change.pick in choice.next_to(self.plan.design[self.change.choice])
        return f"{MAY_BE_CHANCE}{self._among(place)}{looked}{f'; {LEVERS_DECIDE}' if is_lever else ''}."

    def _on_others(self, places: list[int], words: str) -> list[Claim]:
        parts = tuple(self.claim(other, self._turn(other)) for other in places)
        whole = Claim(
            "objectives", "would change", population=self.change.words, words=words, evidence="paired run", parts=parts
        )
        return [whole] if places else []

    def effect(self, place: int) -> str:
        """Return the change of an objective with its interval, in few words: `+1.9 points (+1.6 to +2.2)`."""
        change = self._difference(place)
        effect = change.with_interval if change else self._size(place)
        return f"{effect}, which may be chance{self._among(place)}" if self.may_improve(place) else effect

    def turned(self, place: int) -> str:
        """Return the other objectives that the step takes from met, in few words."""
        broken = [self.lever.effects[other] for other in self.breaks(place)]
        return listed([f"“{effect.before.objective.label}” {effect.turn}" for effect in broken])

    def _turned(self, places: list[int]) -> str:
        # `takes “Wait” from met to not met (+3.1 h) and leaves “Answer”, which was met, without a figure`
        lost = [place for place in places if self.lever.effects[place].outcome == "vanishes"]
        turned, were = [place for place in places if place not in lost], "which was met" if len(lost) == 1 else "which were met"
        parts = [
            f"takes {self._listed(turned)}" if turned else "",
            f"leaves {listed([f'“{self._label(place)}”' for place in lost])}, {were}, without a figure" if lost else "",
        ]
        return listed([part for part in parts if part])

    def _turn(self, place: int) -> str:
        """Return the change of an objective with its size, `“Wait” (+3.1 h)`, or as `“Wait” from met to not met (+3.1 h)`."""
        effect = self.lever.effects[place]
        turn = f" from met to {effect.new_standing}" if effect.breaks and effect.outcome != "vanishes" else ""
        return f"“{self._label(place)}”{turn} ({self._size(place)})"

    def size_with_interval(self, place: int) -> str:
        """Return the change of an objective with its interval: `+1.9 points, +1.6 points to +2.2 points`."""
        change = self._difference(place)
        if change is None or change.is_none:
            return "no change" if change else self._size(place)
        return f"{change.size_in_figures}, 95% interval {change.interval}"

    def _listed(self, places: list[int]) -> str:
        return listed([self._turn(place) for place in places])

    def _size(self, place: int) -> str:
        # `+1.9 points`, or `from no figure to 12.6 h`
        effect = self.lever.effects[place]
        if effect.change:
            return effect.change.size
        return f"from no figure to {effect.after.reached}" if effect.after and effect.after.estimate else "no figure any more"

    def _label(self, place: int) -> str:
        return self._verdict(place).objective.label

    def _verdict(self, place: int) -> Verdict:
        return self.lever.effects[place].before
