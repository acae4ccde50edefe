"""Why an objective is not met: what the run counted, in the words of its case, and what would improve it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from simulator.explain.advice import Advice, AdvisedStep, Move, Trials
from simulator.explain.causes import cause_of
from simulator.explain.lever_scores import promising, with_longer_ones, writing
from simulator.metrics.summary import Summary, Verdict
from simulator.units import spoken


@dataclass(frozen=True)
class Reason:
    """Why one objective is not met, or not proven.

    exhibit: the name of the exhibit that shows it; stage: the one that decides, None where none does
    written_by: the choices that write to what decides, in the order of the file
    Choices and advice are worked out on first use: one compiles designs, the other runs some.
    """

    sentence: str
    exhibit: str
    stage: str | None
    written_by: list[str]
    _promising: Callable[[], list[AdvisedStep]] = field(repr=False, compare=False)
    _advice: Callable[[list[AdvisedStep]], Advice] = field(repr=False, compare=False)

    @cached_property
    def _steps(self) -> list[AdvisedStep]:
        return self._promising()

    @property
    def choices(self) -> list[str]:
        """The names of the choices that move it, the most promising first."""
        return list(dict.fromkeys(step.choice for step in self._steps))

    @cached_property
    def advice(self) -> Advice:
        """A step that its own run bears out, or what was tried in vain."""
        return self._advice(self._steps)

    @property
    def tried(self) -> bool:
        """Whether the advice has been worked out."""
        return "advice" in vars(self)

    @property
    def move(self) -> Move | None:
        """One step of one choice that improves the objective, as a run of it shows; None if none of those tried does."""
        return self.advice.move

    def to_json(self) -> dict[str, Any]:
        """The reason as `casesim run --json` prints it, without what does not apply."""
        told: dict[str, Any] = {"sentence": self.sentence, "exhibit": self.exhibit, "choices": self.choices}
        told |= {"stage": self.stage} if self.stage else {}
        return told | {"advice": self.advice.sentence} | ({"move": self.move.to_json()} if self.move else {})


def reasons_of(summary: Summary) -> dict[int, Reason]:
    """For each objective that is not met or not proven, by its place among the verdicts, the reason."""
    trials = Trials(summary)
    unmet = [place for place, verdict in enumerate(summary.verdicts) if verdict.standing != "met"]
    return {place: _reason(summary, place, trials) for place in unmet}


def _reason(summary: Summary, place: int, trials: Trials) -> Reason:
    verdict, plan = summary.verdicts[place], summary.plan
    cause, shown = cause_of(summary, verdict), plan.scenario.shown()
    return Reason(
        sentence=" ".join(part for part in (cause.sentence, _doubt(summary, verdict)) if part),
        exhibit=next((name for name in cause.exhibits if name in shown), "outcomes"),
        stage=next(iter(cause.handle.stages), None),
        written_by=writing(plan.scenario, cause.handle),
        _promising=lambda: promising(plan, cause.handle, trials),
        _advice=lambda steps: trials.advice(place, with_longer_ones(plan, cause.handle, steps)),
    )


def _doubt(summary: Summary, verdict: Verdict) -> str:
    """What makes an interval that includes the bound so wide."""
    if verdict.standing != "not proven" or verdict.estimate is None:
        return ""
    unit, found = verdict.metric.unit, verdict.estimate
    low, high, bound = spoken(found.low, unit), spoken(found.high, unit), spoken(verdict.bound, unit)
    told = f"It is not proven: the interval of {low} to {high} includes {bound}"
    if found.labels is None:
        return f"{told}; more replications narrow it."
    why = "few people are labelled" if summary.plan.tables else "little was recorded and labelled"
    run, labels = (part.high - part.low for part in (found.run, found.labels))
    if labels > run:
        return f"{told}, mostly because {why}; more replications narrow it little."
    return f"{told}; more replications narrow it."
