"""Advice for an objective: one change of one choice, given only if a trial run confirms that it helps."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import islice
from math import inf
from typing import Any

from simulator.case.choices import Pick
from simulator.engine.plan import Plan
from simulator.explain.claims import Claim, change_by, on_metric, said
from simulator.explain.design_changes import (
    FALSE_SHARE,
    NOTICEABLE,
    TRIALS,
    ChangeTrial,
    DesignChange,
    beyond_chance,
    changes_of_choice,
    part_of_way,
)
from simulator.metrics.comparisons import Difference
from simulator.metrics.measures import Measures
from simulator.metrics.replications import PLAIN, run_replication
from simulator.metrics.summary import Summary, Verdict, summary_of
from simulator.units import listed, spoken

#: The most changes that are tried for an objective on its own account, and the replications of each.
TRIED, REPLICATIONS = 5, TRIALS

#: One 95% interval in this many leaves out zero by chance.
ONE_IN = round(1 / FALSE_SHARE)

#: The most changes that a sentence names where none helps.
NAMED = 3


@dataclass(frozen=True)
class Move:
    """A change that improves an objective noticeably and beyond chance, in a run with the same requests.

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
    """

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
    """The trial runs beside one run: a few of its replications, of changed designs. Each change runs once."""

    summary: Summary
    _trials: dict[tuple[str, Pick], ChangeTrial] = field(default_factory=dict)
    _changes: dict[str, list[DesignChange]] = field(default_factory=dict)

    @cached_property
    def now(self) -> Summary:
        first = [replace(one, resampled=None, band_edges=[]) for one in self.summary.measures[:REPLICATIONS]]
        return self._run(self.summary.plan, first)

    def of(self, *changes: DesignChange) -> list[AdviceTrial]:
        """Return the trials of changes that can run, judged together, each once."""
        return judged({(one.choice, one.pick): self._trial(one) for one in changes}.values(), self.summary)

    def _trial(self, change: DesignChange) -> ChangeTrial:
        key = change.choice, change.pick
        if key not in self._trials:
            assert change.plan is not None
            self._trials[key] = ChangeTrial(change, self.now, self._run(change.plan, []))
        return self._trials[key]

    def _run(self, plan: Plan, first: list[Measures]) -> Summary:
        seed = self.summary.seed
        more = [run_replication(plan, seed, number, PLAIN) for number in range(len(first), REPLICATIONS)]
        return summary_of(plan, seed, first + more)

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
            if any(trial.meets(place) and not trial.others(place, better=False) for trial in self.of(*tried)):
                break
        return tried

    def advice(self, place: int, promising: Mapping[int, Iterable[DesignChange]]) -> Advice:
        """Return the change that meets this objective, as its trial shows; where none does, one that improves it.

        Of several, the one that does the least harm, and of those the one that gains most. The levers' rule says which changes
        are beyond chance, here among those of the steps that were tried.
        promising: the changes to try, by the place of their objective. Those of other objectives are tried only where each of
        its own fails to meet it, or takes another objective from met: else their advice would name a better step than this one.
        """
        tried = self._tried(place, promising[place])
        if not any(trial.meets(place) and not trial.breaks(place) for trial in self.of(*tried)):
            for other, changes in promising.items():
                tried += self._tried(other, changes) if other != place else []
        every = self.of(*tried)
        if helpful := [trial for trial in every if trial.improves(place)]:
            best = min(helpful, key=lambda trial: trial.rank(place))
            return Advice(best.move(place), best.claims(place), best.effect(place))
        few = "No step tried helps noticeably and beyond chance." if every else _NO_CHOICE
        return Advice(None, [_none_helps(self.summary.verdicts[place], place, every)], few)


def judged(trials: Iterable[ChangeTrial], summary: Summary) -> list[AdviceTrial]:
    """Judge which changes of objectives are beyond chance, among those of all these trials."""
    every = list(trials)
    names = dict.fromkeys(verdict.metric.name for verdict in summary.verdicts)
    looked = [(number, name) for number, trial in enumerate(every) for name in names if name in trial.chances]
    real = beyond_chance([every[number].chances[name] for number, name in looked])
    moved = {pair for pair, is_real in zip(looked, real, strict=True) if is_real}
    return [
        AdviceTrial(trial, summary, frozenset(name for name in names if (number, name) in moved))
        for number, trial in enumerate(every)
    ]


_NO_CHOICE = "No choice in this case changes that."


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
    if any(trial.is_open(place) for trial in near):
        looked = sum(trial.looked_at for trial in every)
        sentence += f" {looked} changes were looked at; a 95% interval leaves out zero in one of {ONE_IN} by chance."
    return on_metric(verdict.metric, "helps", "none", sentence, evidence="paired run", parts=changes)


@dataclass(frozen=True)
class AdviceTrial:
    """A change that was tried to improve an objective of a run.

    summary: the whole run, by whose verdicts it is judged; real: the metrics of objectives that it moves beyond chance
    """

    trial: ChangeTrial
    summary: Summary
    real: frozenset[str]

    @property
    def change(self) -> DesignChange:
        return self.trial.change

    @property
    def before(self) -> Summary:
        return self.trial.before

    @property
    def after(self) -> Summary:
        return self.trial.after

    def improves(self, place: int) -> bool:
        """Check that the objective gets better, noticeably and beyond chance, or has a figure at last."""
        if self._appears(place):
            return True
        change, verdict = self._difference(place), self.summary.verdicts[place]
        if change is None or verdict.metric.name not in self.real:
            return False
        return part_of_way(change.change.value, verdict) >= NOTICEABLE

    def meets(self, place: int) -> bool:
        """Check that the trial of the change meets the objective, and that the run did not."""
        return self.improves(place) and self.after.verdicts[place].standing == "met"

    def others(self, place: int, better: bool) -> list[int]:
        """Return the places of the other objectives that get better, or worse, beyond chance.

        An objective that is met before and after gets neither.
        """
        others = []
        for other in range(len(self.summary.verdicts)):
            if other == place or all(run.verdicts[other].standing == "met" for run in (self.before, self.after)):
                continue
            change = self._difference(other)
            gain = self._gain(other, change) if change else 0.0
            if (gain > 0 or self._appears(other)) if better else (gain < 0 or self._vanishes(other)):
                others.append(other)
        return others

    def is_open(self, place: int) -> bool:
        """Check that the interval of the change leaves out zero, and that this may be chance beside the others."""
        change = self._difference(place)
        return change is not None and change.significant and change.metric.name not in self.real

    @property
    def looked_at(self) -> int:
        """The number of objectives whose change is looked at."""
        names = {verdict.metric.name for verdict in self.summary.verdicts}
        return len(names & self.trial.chances.keys())

    def worsens(self, place: int) -> bool:
        """Check that the objective gets worse beyond chance, or loses its figure."""
        change = self._difference(place)
        return self._vanishes(place) or (change is not None and self._gain(place, change) < 0)

    def breaks(self, place: int) -> list[int]:
        """Return the places of the other objectives that are met in the whole run and no longer by this change."""
        met = [other for other in self.others(place, better=False) if self.summary.verdicts[other].standing == "met"]
        return [other for other in met if self.after.verdicts[other].standing != "met"]

    def rank(self, place: int) -> tuple[bool, int, int, float]:
        """Rank the change: does it meet the objective, how many it takes from met, how many it worsens, and its gain."""
        change = self._difference(place)
        gain = self._gain(place, change) if change else inf
        return not self.meets(place), len(self.breaks(place)), len(self.others(place, better=False)), -gain

    def _difference(self, place: int) -> Difference | None:
        return self.trial.differences.get(self.summary.verdicts[place].metric.name)

    def _appears(self, place: int) -> bool:
        return self.before.verdicts[place].estimate is None and self.after.verdicts[place].estimate is not None

    def _vanishes(self, place: int) -> bool:
        return self.before.verdicts[place].estimate is not None and self.after.verdicts[place].estimate is None

    def _gain(self, place: int, change: Difference) -> float:
        # the movement in the direction that the objective asks for; 0 where that may be chance
        verdict = self.summary.verdicts[place]
        up = 1 if verdict.objective.upward else -1
        return up * change.change.value if verdict.metric.name in self.real else 0.0

    def move(self, place: int) -> Move:
        plan, verdict, difference = self.summary.plan, self.summary.verdicts[place], self._difference(place)
        bounds = difference.change if difference else None
        value, low, high = (bounds.value, bounds.low, bounds.high) if bounds else (None, None, None)
        return Move(
            choice=self.change.choice,
            label=plan.scenario.choices[self.change.choice].label,
            pick=self.change.pick,
            words=self.change.words,
            metric=verdict.metric.name,
            change=value,
            low=low,
            high=high,
            also=[self._label(other) for other in self.others(place, better=True)],
            worse=[self._label(other) for other in self.others(place, better=False)],
            breaks=[self._label(other) for other in self.breaks(place)],
        )

    def claim(self, place: int, words: str) -> Claim:
        """Claim the change of an objective by the step, or that one of the two runs has no figure."""
        change = found.change if (found := self._difference(place)) else None
        return change_by(self.summary.verdicts[place].metric, change, self.change.words, words)

    def claims(self, place: int) -> list[Claim]:
        """Claim what the step takes from met, its effect on the objective, and on the others."""
        step, breaks, also = self.change.words, self.breaks(place), self.others(place, better=True)
        rest = [other for other in self.others(place, better=False) if other not in breaks]
        by = f"by {self.size_with_interval(place)}" if self._difference(place) else self._size(place)
        trial, helps = f"In a trial run, “{step}”", f"changes “{self._label(place)}” {by}."
        words, metric = f"{'It' if breaks else trial} {helps}", self.summary.verdicts[place].metric
        own = on_metric(metric, "helps", step, words, evidence="paired run", parts=(self.claim(place, helps),))
        return [
            *self._on_others(breaks, f"{trial} {self._turned(breaks)}."),
            own,
            *self._on_others(also, f"It improves {self._listed(also)} too."),
            *self._on_others(rest, f"It makes {self._listed(rest)} worse."),
        ]

    def _on_others(self, places: list[int], words: str) -> list[Claim]:
        parts = tuple(self.claim(other, f"“{self._label(other)}” ({self._size(other)})") for other in places)
        whole = Claim(
            "objectives", "would change", population=self.change.words, words=words, evidence="paired run", parts=parts
        )
        return [whole] if places else []

    def effect(self, place: int) -> str:
        """Return the change of an objective with its interval, in few words: `+1.9 points (+1.6 to +2.2)`."""
        change = self._difference(place)
        return change.with_interval if change else self._size(place)

    def _turned(self, places: list[int]) -> str:
        # `takes “Wait” from met to not met (+3.1 h) and leaves “Answer”, which was met, without a figure`
        turned, lost = [], []
        for place in places:
            label = f"“{self._label(place)}”"
            if self._vanishes(place):
                lost.append(label)
                continue
            size = f" ({self._size(place)})" if self._difference(place) else ""
            turned.append(f"{label} from met to {self.after.verdicts[place].standing}{size}")
        were = "which was met" if len(lost) == 1 else "which were met"
        parts = [
            f"takes {listed(turned)}" if turned else "",
            f"leaves {listed(lost)}, {were}, without a figure" if lost else "",
        ]
        return listed([part for part in parts if part])

    def size_with_interval(self, place: int) -> str:
        """Return the change of an objective with its interval: `+1.9 points, +1.6 points to +2.2 points`."""
        change = self._difference(place)
        if change is None or change.is_none:
            return "no change" if change else self._size(place)
        return f"{change.size_in_figures}, 95% interval {change.interval}"

    def _listed(self, places: list[int]) -> str:
        return listed([f"“{self._label(place)}” ({self._size(place)})" for place in places])

    def _size(self, place: int) -> str:
        # `+1.9 points`, or `from no figure to 12.6 h`
        difference, after = self._difference(place), self.after.verdicts[place].estimate
        if difference:
            return difference.size
        unit = self.summary.verdicts[place].metric.unit
        return f"from no figure to {spoken(after.value, unit)}" if after else "no figure any more"

    def _label(self, place: int) -> str:
        return self.summary.verdicts[place].objective.label
