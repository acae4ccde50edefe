"""Advice for an objective: one change of one choice, given only if a trial run confirms that it helps."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import islice
from typing import Any

from simulator.case.choices import Pick
from simulator.explain.claims import Claim, on_metric, said
from simulator.explain.design_changes import DesignChange, changes_of_choice, count_changes
from simulator.explain.judged_changes import TRIALS, Baseline, JudgedChange, Lever, real_below
from simulator.metrics.summary import Summary, Verdict
from simulator.phrases import Slot, phrase
from simulator.units import listed

#: The most changes that are tried for an objective on its own account.
TRIED = 5

#: The most changes that a sentence names where none helps.
NAMED = 3

_NO_CHOICE = phrase("advice.no_choice")


@dataclass(frozen=True)
class Move:
    """A step that was tried for the objective at one place. is_lever: whether the levers try it too"""

    lever: Lever
    place: int
    is_lever: bool = True

    @property
    def step(self) -> DesignChange:
        return self.lever.step

    @property
    def words(self) -> str:
        return self.step.words

    @property
    def own(self) -> JudgedChange:
        """The effect on the objective that it was tried for."""
        return self.lever.effects[self.place]

    @property
    def others(self) -> list[JudgedChange]:
        return [effect for place, effect in enumerate(self.lever.effects) if place != self.place]

    @property
    def improved(self) -> list[JudgedChange]:
        """The other objectives that get better beyond chance; not those that are met anyway."""
        return [effect for effect in self.others if effect.helps and not effect.slight and not effect.stays_met]

    @property
    def worsened(self) -> list[JudgedChange]:
        """The other objectives that get worse beyond chance; not those that stay met."""
        return [effect for effect in self.others if effect.harms and not effect.stays_met]

    @property
    def perhaps_worsened(self) -> list[JudgedChange]:
        """The other objectives that seem to get worse, and chance may be the reason."""
        pairs = ((effect, effect.if_real) for effect in self.others if effect.may_be_chance)
        return [effect for effect, real in pairs if real.harms and not real.stays_met]

    @property
    def broken(self) -> list[JudgedChange]:
        """The other objectives that are met in the whole run, and no longer by this change."""
        return [effect for effect in self.others if effect.breaks]

    @property
    def worse(self) -> list[str]:
        """The labels of the objectives that it makes worse, and does not take from met."""
        return [effect.label for effect in self.worsened if effect not in self.broken]

    @property
    def improves(self) -> bool:
        """Whether the objective gets better, noticeably and beyond chance, or has a figure at last."""
        return self.own.gain > 0

    @property
    def may_improve(self) -> bool:
        """Whether the objective would get better noticeably, if this is no chance."""
        return self.own.may_be_chance and self.own.gain_at_best > 0

    @property
    def meets(self) -> bool:
        """Whether the trial of the change meets the objective, and the run did not."""
        return self.improves and self.own.turns and self.own.standing == "met"

    @property
    def rank(self) -> tuple[bool, int, int, float]:
        """Whether it meets the objective, how many it takes from met, how many it may worsen, and its gain."""
        harmed = len(self.worsened) + len(self.perhaps_worsened)
        return not self.meets, len(self.broken), harmed, -self.own.gain_at_best

    def to_json(self) -> dict[str, Any]:
        """Return the step and its effects, as labels of objectives, as a part of its reason in `casesim run --json`."""
        step, change = self.step, self.own.change and self.own.change.change
        bounds = {"change": change.value, "low": change.low, "high": change.high} if change else {}
        others = {"also": self.improved, "worse": self.worsened, "breaks": self.broken}
        own = {"choice": step.choice, "label": step.label, "pick": step.pick, "told": step.words}
        labels = {name: [effect.label for effect in effects] for name, effects in others.items()}
        return own | {"metric": self.own.before.metric.name} | bounds | labels

    def claims(self, tried: int = 1) -> list[Claim]:
        """Claim what the step takes from met, its effect on the objective, and on the others.

        tried: the number of steps of which it is the best
        """
        broken, improved, perhaps = self.broken, self.improved, self.perhaps_worsened
        worse = [effect for effect in self.worsened if effect not in broken]
        trial = phrase("advice.trial", steps=tried if tried > 1 else 0, step=self.words)
        size = self.own.size_with_interval if self.own.change else self.own.size
        helps = phrase("advice.changes", label=self.own.label, size=size, by=self.own.change is not None)
        doubt = self._doubt if self.may_improve else ""
        words = phrase("advice.helps", trial=None if broken else trial, changes=helps, doubt=doubt)
        parts = (self.own.changed_by(self.words, helps),)
        lost, turned = ([one for one in broken if (one.outcome == "vanishes") == gone] for gone in (True, False))
        return [
            *self._on_others(
                broken, "breaks", _turned(turned), trial=trial, lost=[effect.label for effect in lost], one=len(lost) == 1
            ),
            on_metric(self.own.before.metric, "helps", self.words, words, evidence="paired run", parts=parts),
            *self._on_others(improved, "improves", _named(improved)),
            *self._on_others(worse, "worsens", _named(worse)),
            *self._on_others(perhaps, "may_worsen", _named(perhaps)),
        ]

    def _on_others(self, effects: list[JudgedChange], key: str, named: list[str], **slots: Slot) -> list[Claim]:
        """Claim effects in the text of a key, which names some of them with their sizes."""
        parts = tuple(effect.changed_by(self.words, effect.named) for effect in effects)
        words = phrase(f"advice.{key}", effects=named, **slots)
        whole = Claim("objectives", "would change", population=self.words, words=words, evidence="paired run", parts=parts)
        return [whole] if effects else []

    @property
    def _among(self) -> str:
        """Why a change may be chance although its interval leaves out zero; empty where it does not."""
        return " among many steps" if self.own.change and self.own.change.significant else ""

    @property
    def _doubt(self) -> str:
        """That chance may be the reason, after which runs, and what decides it: the levers, for one of their steps."""
        return phrase("advice.doubt", among=self._among, looked=self.lever.second_look, lever=self.is_lever)

    @property
    def effect(self) -> str:
        """The change of the objective with its interval, in few words: `+1.9 points (+1.6 to +2.2)`."""
        effect = self.own.change.with_interval if self.own.change else self.own.size
        return f"{effect}, which may be chance{self._among}" if self.may_improve else effect

    @property
    def turned(self) -> str:
        """The objectives that it takes from met, in few words: `“Wait” met → not met after 4 replications`."""
        return listed([f"“{effect.label}” {effect.turn}" for effect in self.broken])


def _named(effects: list[JudgedChange]) -> list[str]:
    return [effect.named for effect in effects]


def _turned(effects: list[JudgedChange]) -> list[str]:
    """Name objectives that are no longer met, those with one verdict together: the last of them says it."""
    effects = sorted(effects, key=lambda effect: effect.new_standing)
    turns = [effect.new_standing for effect in effects]
    behind = [*turns[1:], ""][: len(turns)]
    named = zip(effects, turns, behind, strict=True)
    return [effect.named_with("" if turn == turn_behind else turn) for effect, turn, turn_behind in named]


@dataclass(frozen=True)
class Advice:
    """A move, or None, and the claims about it or its lack. effect: its size, or why there is none, in few words"""

    move: Move | None
    claims: list[Claim]
    effect: str

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

    def of(self, place: int, *changes: DesignChange) -> list[Move]:
        """Return the trials of changes that can run, each once, for the objective at a place.

        They are judged as they would be among all levers of the design. What is real here is real among the levers too: the
        trials of the other changes can make only more of them real.
        """
        tried = {(change.choice, change.pick): self._lever(change) for change in changes}
        steps = {(step.choice, step.pick) for name in {change.choice for change in changes} for step in self.changes(name)}
        chances = [effect.chance for key in tried if key in steps for effect in tried[key].effects if effect.is_open]
        bar = real_below(chances, count_changes(self.summary.plan) * len(self.summary.verdicts))
        return [Move(lever.judged(bar), place, key in steps) for key, lever in tried.items()]

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
            if any(move.meets and not move.worsened for move in self.of(place, *tried)):
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
        if not any(move.meets and not move.broken for move in self.of(place, *tried)):
            for other, changes in promising.items():
                tried += self._tried(other, changes) if other != place else []
        moves = self.of(place, *tried)
        helpful = [move for move in moves if move.improves] or [move for move in moves if move.may_improve]
        if helpful:
            best = min(helpful, key=lambda move: move.rank)
            return Advice(best, best.claims(len(moves)), best.effect)
        few = "No step tried helps noticeably and beyond chance." if moves else _NO_CHOICE
        return Advice(None, [_none_helps(self.summary.verdicts[place], moves)], few)


def _none_helps(verdict: Verdict, moves: Sequence[Move]) -> Claim:
    """Claim that no step that was tried helps, with those that came closest; a step that makes it worse did not."""
    if not moves:
        return on_metric(verdict.metric, "helps", "none", _NO_CHOICE)
    near = [move for move in moves if move.own.helps is not False]
    worse = len(moves) - len(near)
    named = [(move, phrase("advice.tried", step=move.words, size=move.own.size_with_interval)) for move in near[:NAMED]]
    sentence = phrase(
        "advice.none", alone=len(moves) == 1, tried=len(moves), near=[words for _, words in named],
        worse=worse, several=worse > 1, every=not near,
    )  # fmt: skip
    changes = tuple(move.own.changed_by(move.words, words) for move, words in named)
    return on_metric(verdict.metric, "helps", "none", sentence, evidence="paired run", parts=changes)
