"""Levers of a design: every choice one step either way, the most useful first; and advice, both tried by other processes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from functools import cached_property
from itertools import pairwise
from typing import Any

from simulator.case.choices import Pick
from simulator.explain.advice import TRIED, Advice, AdviceTrials
from simulator.explain.claims import Claim, about_run, claims_json
from simulator.explain.design_changes import DesignChange, changes_of_design
from simulator.explain.judged_changes import (
    FALSE_SHARE,
    RESAMPLED_TRIAL,
    TRIAL,
    TRIALS,
    Baseline,
    JudgedChange,
    Lever,
    for_objectives,
    real_below,
)
from simulator.explain.result import reasons_of
from simulator.metrics.measures import Measures
from simulator.metrics.replications import ReplicationOptions, packed, run_packed
from simulator.metrics.summary import Summary
from simulator.phrases import phrase
from simulator.units import times


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
        changes = [effect for lever in self.tried for effect in lever.effects if effect.outcome == "changes"]
        untried = (self.steps - len(self.tried)) * max((len(lever.effects) for lever in self.tried), default=0)
        bar = real_below([effect.chance for effect in changes if not effect.pending], len(changes) + untried)
        return sorted((lever.judged(bar) for lever in self.tried), key=lambda lever: lever.rank)

    @property
    def changes(self) -> list[JudgedChange]:
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
        if all(verdict.by_figure == "met" for verdict in self.base.verdicts):
            return phrase("levers.all_met", steps=sum(not row.words for row in self.rows))
        best = [row for row in self.rows if row.best > 0]
        if not best:
            return phrase("levers.none_helps")
        first, effect = best[0], max(best[0].effects, key=lambda effect: effect.gain)
        return phrase(
            "levers.most_useful", steps=len(best), step=first.step.words, costs=first.costs, label=effect.label,
            size=effect.change.with_interval if effect.change else effect.words, harmed=first.harmed,
        )  # fmt: skip

    @property
    def sense(self) -> str:
        """Explanation of the rows: the comparison, and the number of changes that would look real by chance."""
        return phrase(
            "levers.sense", many=self.base.plan.scenario.unit.many, trials=self.trials, changes=len(self.changes),
            second=max((lever.second_look for lever in self.tried), default=0), by_chance=self.by_chance, share=FALSE_SHARE,
        )  # fmt: skip

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
    return phrase(
        "levers.effort_on_first" if most == first else "levers.effort", changes=changed.total(), most=changed[most],
        label=labels[most], place=ranked.index(most) + 1, choices=len(ranked), first=labels[first], times=times(changed[first]),
    )  # fmt: skip


def _ranked(levers: Levers) -> list[str]:
    best: dict[str, float] = {}
    for row in levers.rows:
        best[row.step.choice] = max(best.get(row.step.choice, 0.0), row.best)
    return sorted(best, key=lambda name: -best[name])


#: Has another process call a function of a module, as an executor's `submit` does.
Submit = Callable[..., Future[Measures]]


@dataclass
class _StepTrial:
    """A step under way: its runs, in the order of the design's own replications, and for resampled people.

    look: with which its runs are compared, None for the first; lever: the effects by the last look; settled: no look follows
    """

    step: DesignChange
    runs: list[Future[Measures]]
    resampled: list[Future[Measures]] = field(default_factory=list)
    look: Baseline | None = None
    lever: Lever | None = None
    settled: bool = False

    @property
    def futures(self) -> list[Future[Measures]]:
        return [*self.runs, *self.resampled]


class LeverSearch:
    """The trials of changes of a design, under way: of every one, or of those that are given and added.

    Each change is tried in a few plain replications; those whose times it changes run again for resampled people if queues
    answer to who they are. A change that may help, and chance may be the reason, meets more replications.
    """

    def __init__(
        self, base: Summary, submit: Submit, trials: int = TRIALS, changes: Sequence[DesignChange] | None = None
    ) -> None:
        self.base, self.trials = base, min(trials, base.replications)
        self.cancelled = False
        self._submit = submit
        every = changes_of_design(base.plan) if changes is None else changes
        self.refused = [change for change in every if change.plan is None]
        self._steps: list[_StepTrial] = []
        for change in every:
            if change.plan is not None:
                self.add(change)

    def add(self, change: DesignChange) -> _StepTrial:
        """Begin the trials of a change that can run."""
        self._steps.append(_StepTrial(change, self._submitted(TRIAL, change, range(self.trials))))
        return self._steps[-1]

    @property
    def steps(self) -> list[DesignChange]:
        return [trial.step for trial in self._steps]

    @cached_property
    def _baseline(self) -> Baseline:
        return Baseline(self.base, self.trials)

    def _submitted(self, options: ReplicationOptions, change: DesignChange, numbers: Iterable[int]) -> list[Future[Measures]]:
        plan = packed(for_objectives(change.plan))
        return [self._submit(run_packed, plan, self.base.seed, number, options) for number in numbers]

    @property
    def futures(self) -> list[Future[Measures]]:
        return [future for trial in self._steps for future in trial.futures]

    @property
    def arrived(self) -> int:
        """The number of trials that have ended, and of changes that are done with."""
        return self.settled + sum(future.done() for future in self.futures)

    @property
    def settled(self) -> int:
        return sum(trial.settled for trial in self._steps)

    @property
    def share(self) -> float:
        seen = sum(trial.lever is not None for trial in self._steps)
        return (seen + self.settled) / (2 * len(self._steps)) if self._steps else 1.0

    @property
    def running(self) -> bool:
        return not self.cancelled and self.settled < len(self._steps)

    def cancel(self) -> None:
        self.cancelled = True
        for future in self.futures:
            future.cancel()

    def so_far(self) -> Levers:
        """Return the changes whose trials have all ended; raises the error that stopped a trial."""
        for trial in self._steps:
            if not trial.settled and not self.cancelled:
                self._look_at(trial)
        tried = [trial.lever for trial in self._steps if trial.lever is not None]
        return Levers(self.base, self.trials, len(self._steps), tried, self.refused)

    def _look_at(self, trial: _StepTrial) -> None:
        if not all(future.done() for future in trial.futures):
            return
        step, look = trial.step, trial.look or self._baseline
        results = ([future.result() for future in futures] for futures in (trial.runs, trial.resampled))
        trial.lever = look.lever(step, *results)
        if trial.lever.is_pending:
            trial.resampled = self._submitted(RESAMPLED_TRIAL, step, range(look.resampled))
        elif (second := look.after(trial.lever)) is not None:
            trial.look = second
            trial.runs = [*trial.runs, *self._submitted(TRIAL, step, range(len(trial.runs), second.trials))]
            if trial.resampled:
                more = self._submitted(RESAMPLED_TRIAL, step, range(len(trial.resampled), second.resampled))
                trial.resampled = [*trial.resampled, *more]
        else:
            trial.settled = True
            trial.runs, trial.resampled = [], []  # their results are in the lever


class UntriedStepError(Exception):
    """A step that an advice rests on has not been tried yet."""


class AdviceSearch(LeverSearch):
    """The trials of the steps that the advice of a run needs; each begins once `advice_so_far` comes to it."""

    def __init__(self, run: Summary, submit: Submit) -> None:
        super().__init__(run, submit, changes=[])
        self._by_pick: dict[tuple[str, Pick], _StepTrial] = {}
        self._reasons = reasons_of(run, AdviceTrials(run, self._lever))
        self._advice: dict[int, Advice] = {}

    @property
    def most(self) -> int:
        """The most steps that it tries."""
        return TRIED * len(self._reasons)

    @property
    def share(self) -> float:
        return min(self.settled / self.most, 1.0) if self.running else 1.0

    @property
    def running(self) -> bool:
        return not self.cancelled and len(self._advice) < len(self._reasons)

    def advice_so_far(self) -> dict[int, Advice]:
        """Return the advices whose steps have all been tried, by the place of their objective; raises the error of a trial."""
        self.so_far()
        for place, reason in self._reasons.items():
            try:
                self._advice[place] = reason.advice
            except UntriedStepError:
                continue
        return self._advice

    def _lever(self, change: DesignChange) -> Lever:
        key = change.choice, change.pick
        if key not in self._by_pick:
            self._by_pick[key] = self.add(change)
        trial = self._by_pick[key]
        if trial.lever is None or not trial.settled:
            raise UntriedStepError(change.words)
        return trial.lever
