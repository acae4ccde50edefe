"""Picks that change during a run: what may change, the plan that runs from then on, and controllers that decide on changes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from math import inf, nan

import numpy as np
from numpy.typing import NDArray

from simulator.arrays import Column, Rows, Times
from simulator.case.choices import Controller, Pick
from simulator.case.document import Path, ScenarioError, dotted
from simulator.case.schema import Scenario
from simulator.engine.compiled_plan import Plan, changes_of, seen_as
from simulator.engine.contract import StageRun
from simulator.engine.plan import compile_plan
from simulator.phrases import phrase
from simulator.records.trace import FAILED, SHED, TIMED_OUT
from simulator.units import duration

#: The time of a change, in seconds from the start of the run, and its picks, choice to option.
Action = tuple[float, Mapping[str, Pick]]

#: The section that a pick may write to during the run.
_CHANGES = "stages"


def with_actions(plan: Plan, actions: Sequence[Action]) -> Plan:
    """Return the plan with picks that change during the run; actions at one time happen in the order given.

    Raises ScenarioError for a time outside the run, and for picks that cannot change during it.
    """
    later: list[tuple[float, Plan]] = []
    for at_s, picks in sorted([*changes_of(plan), *actions], key=lambda action: action[0]):
        if not 0 <= at_s < plan.horizon_s:
            end = f"{plan.horizon_s:,.0f} s ({duration(plan.horizon_s)})"
            raise _refusal(plan, picks, f"should change at 0 s or later and before {end}, when the run ends; got {at_s:,g}")
        later.append((at_s, changed(later[-1][1] if later else plan, picks)))
    warnings = [warning for _, after in later for warning in after.warnings]
    sources = [source for _, after in later for source in after.provenance]
    return replace(
        plan,
        later=tuple(later),
        warnings=list(dict.fromkeys([*plan.warnings, *warnings])),
        provenance=list(dict.fromkeys([*plan.provenance, *sources])),
    )


def changed(plan: Plan, picks: Mapping[str, Pick]) -> Plan:
    """Return the plan that runs on after a change of picks; raises ScenarioError for picks that cannot change in a run."""
    assert plan.authored is not None  # a compiled plan knows its source
    after = compile_plan(plan.authored, plan.design | dict(picks), plan.strikes, plan.figures)
    if reasons := [*_fixed(plan.authored, picks), *_different(plan, after)]:
        raise _refusal(plan, picks, reasons[0])
    return seen_as(replace(after, until=plan.until), plan)


def _refusal(plan: Plan, picks: Mapping[str, Pick], message: str) -> ScenarioError:
    assert plan.authored is not None
    return ScenarioError([plan.authored.document.fault(("choices", name), message, name, "pick") for name in picks])


def _fixed(authored: Scenario, picks: Mapping[str, Pick]) -> Iterator[str]:
    for name, pick in picks.items():
        outside: list[Path] = [path for path in authored.choices[name].changes(pick) if path[0] != _CHANGES]
        if outside:
            yield phrase("changes.place", place=dotted(outside[0]), section=_CHANGES)


def _different(plan: Plan, changed: Plan) -> Iterator[str]:
    """Yield the parts that these picks would change but that are fixed during a run."""
    before, after = plan.scenario, changed.scenario
    kinds = [{name: stage.kind for name, stage in scenario.stages.items()} for scenario in (before, after)]
    if kinds[0] != kinds[1]:
        yield phrase("changes.stages")
        return
    for field in ("by", "shares"):
        if [getattr(stage, field, None) for stage in before.stages.values()] != [
            getattr(after.stages[name], field, None) for name in before.stages
        ]:
            yield phrase("changes.field", field=field)
    if any((getattr(before.stages[name], "scaling", None) is None) != (getattr(stage, "scaling", None) is None)
           for name, stage in after.stages.items()):  # fmt: skip
        yield phrase("changes.scaling")
    if plan.tables and changed.tables and next(iter(plan.tables.values())).items != next(iter(changed.tables.values())).items:
        yield phrase("changes.items")
    if before.tags() != after.tags():
        yield phrase("changes.tags")
    if before.scorers() != after.scorers():
        yield phrase("changes.scorers")
    if before.in_branches() != after.in_branches():
        yield phrase("changes.branches")


class Airlock:
    """Sits in front of a stage without an inbox. Stages hand over requests ahead of time; a pick may have changed by then."""

    def __init__(self, run: StageRun, name: str) -> None:
        self.run = run
        self.name = name
        self._held: list[Callable[[], None]] = []

    def release(self) -> None:
        held, self._held = self._held, []
        for deliver in held:
            deliver()

    def may_reach(self, stage: str) -> NDArray[np.bool_]:
        """Return a mask of the requests that, coming here, may come to `stage` later on, shape (n,)."""
        return self.run.stages[self.name].may_reach(stage)

    def accept(self, rows: Sequence[int], time: float) -> None:
        if time < self.run.holds_from:
            self.run.stages[self.name].accept(rows, time)
        else:
            self._held.append(partial(self.accept, list(rows), time))

    def accept_block(self, rows: Rows, times: Times) -> None:
        """Take many requests, each at its own time."""
        due = times < self.run.holds_from
        self.run.stages[self.name].accept_block(rows[due], times[due])
        if not due.all():
            self._held.append(partial(self.accept_block, rows[~due], times[~due]))

    def fall_back(self, row: int, outcome: int, time: float) -> None:
        """Take a request that a stage has turned away."""
        if time < self.run.holds_from:
            self.run.stages[self.name].fall_back(row, outcome, time)
        else:
            self._held.append(partial(self.fall_back, row, outcome, time))

    def fall_back_block(self, rows: Rows, outcome: int | Column, times: Times) -> None:
        due, outcomes = times < self.run.holds_from, np.broadcast_to(outcome, times.shape)
        self.run.stages[self.name].fall_back_block(rows[due], outcomes[due], times[due])
        if not due.all():
            self._held.append(partial(self.fall_back_block, rows[~due], outcomes[~due], times[~due]))


_OUTCOMES = {"shed_share": SHED, "timed_out_share": TIMED_OUT, "failed_share": FAILED}


class ControllerWatch:
    """One controller in a run. It acts once.

    since: from when on (s) its signal has been out of bounds; inf while it is not
    """

    def __init__(self, run: StageRun, spec: Controller) -> None:
        self.run = run
        self.spec = spec
        self.next_time = spec.every_s
        self.since = inf
        self._first = 0  # requests before this row were answered too long ago to count

    def look(self, now: float) -> bool:
        """Check the signal; whether the controller decides to act."""
        self.next_time = now + self.spec.every_s
        self.since = min(self.since, now) if self.spec.acts_on(self.signal(now)) else inf
        if now - self.since < self.spec.lasts_s:
            return False
        self.next_time = inf
        return True

    def signal(self, now: float) -> float:
        """Return its signal, as known before `now`; NaN if nothing was answered in the window."""
        if self.spec.queue_of is not None:
            waiting = self.run.stages[self.spec.queue_of].waiting(now)
            return float(np.count_nonzero(waiting.gone >= now))
        requests, sent = self.run.requests, self.run.source.sent_before(now)
        here = slice(self._first, sent)
        answered = np.fmin(requests.answered[here], requests.finished[here])  # the end of its way answers what had no answer
        since = now - self.spec.window_s
        rows = self._first + np.flatnonzero((answered >= since) & (answered < now))
        still = ~(answered < since)
        self._first += int(np.argmax(still)) if still.any() else len(answered)
        gone = self._gone_unnoticed(now)
        if not len(rows) + gone:
            return nan
        if self.spec.watches == "latency_mean_s":
            return float(np.mean(np.fmin(requests.answered[rows], requests.finished[rows]) - requests.sent[rows]))
        if self.spec.watches == "escalated_share":
            escalated = np.array([end.escalated for end in self.run.plan.scenario.ends.values()] + [False])
            return float(np.mean(escalated[requests.end[rows]] & (requests.finished[rows] < now)))
        outcome = _OUTCOMES[self.spec.watches]
        count = np.count_nonzero(requests.outcome[rows] == outcome) + (gone if outcome == TIMED_OUT else 0)
        return float(count / (len(rows) + gone))

    def _gone_unnoticed(self, now: float) -> int:
        times = [stage.waiting(now).gone for stage in self.run.stages.values()]
        return sum(int(np.count_nonzero((gone >= now - self.spec.window_s) & (gone < now))) for gone in times)
