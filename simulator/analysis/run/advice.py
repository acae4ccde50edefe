"""What would relieve a stage: changes of choices that theory finds promising, each reported only if a trial run confirms it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from math import ceil, isfinite

from simulator.analysis.run.measures import measure
from simulator.analysis.run.scorecard import Verdict
from simulator.analysis.run.stage_times import StageTimes
from simulator.analysis.run.summary import Summary, summary_of
from simulator.scenario import ScenarioError
from simulator.scenario.choices import Choice, Options, Pick
from simulator.serving.engine import simulate
from simulator.serving.plan import Plan, compile_plan
from simulator.serving.theory import Load, loads, retries_of
from simulator.units import duration, roughly

BATCHING = "batching delay"

#: A smaller relative change does not count as help.
NOTICEABLE = 0.01

#: A smaller share of requests turned away is not reported, nor held against a step that adds it; from MANY on, it is what to
#: improve.
FEW, MANY = 0.01, 0.25

#: At most this many steps are tried, each in one replication for every so many of the run itself.
TRIED, REPLICATIONS_PER_TRIAL = 2, 30


@dataclass(frozen=True)
class Move:
    """One step of one choice, and its effect in a trial run with the same requests as the present design.

    what: what theory promised to lower: `load`, `load at the peak` if only that is too high, `load with all its retries` if
    many are turned away and come back, or `batching delay`, the longest in seconds; before and after: that figure
    eased: the metric of the missed objective; else `turned_away_share` if that is high, or `time_s`, the mean time of a visit
    trial_before and trial_after: its value in the trials, None if it could not be quoted
    also_eased, not_eased: labels of the other objectives that are missed; those that a trial is too short to judge are left out
    """

    choice: str
    label: str
    pick: Pick
    told: str
    what: str
    before: float
    after: float
    eased: str
    trial_before: float | None
    trial_after: float | None
    also_eased: list[str]
    not_eased: list[str]
    sentence: str


@dataclass(frozen=True)
class Advice:
    """The steps that relieve a stage, the best first, and a sentence about them or their lack."""

    moves: list[Move]
    sentence: str


@dataclass(frozen=True)
class _Step:
    """A design one step away; promise: the value theory predicts for the figure to be lowered."""

    choice: str
    pick: Pick
    plan: Plan
    told: str
    promise: float


def advice_on(summary: Summary, name: str, missed: Verdict | None) -> Advice:
    """What to do about a stage, and about the missed time objective that led to it.

    The steps of the choices that write to the stage, or to the retries that send back to it, are ranked by theory, and the best
    step of each choice may be tried: TRIED in all, and those that promise nothing only while no other helps.
    """
    plan = summary.plan
    if not plan.scenario.choices:
        return Advice([], "")
    what, value = _what_to_ease(plan, name, summary.stages[name])
    before, steps = value(plan, name), _steps(plan, name, value)
    if not steps:
        return Advice([], "No choice in this case changes it.")
    now, moves, tried = _trial(summary, plan), list[Move](), list[str]()
    at = None if missed is None else summary.verdicts.index(missed)
    if at is not None and now.verdicts[at].estimate is None:
        at = None  # a trial is too short for this figure: the time of a visit has to do
    for step in _best_of_each(steps)[:TRIED]:
        if moves and step.promise >= before * (1 - NOTICEABLE):
            break
        trial = _Trial(summary, name, at, now, step, _trial(summary, step.plan))
        tried.append(step.told)
        moves += [trial.move(what, before)] if trial.eases else []
    return Advice(moves, moves[0].sentence if moves else _nothing_helps(tried, every=len(tried) == len(steps)))


def _best_of_each(steps: Sequence[_Step]) -> list[_Step]:
    """The first step of each choice."""
    found: dict[str, _Step] = {}
    for step in steps:
        found.setdefault(step.choice, step)
    return list(found.values())


def _nothing_helps(tried: Sequence[str], every: bool) -> str:
    told = "; ".join(tried)
    return f"No single change of a choice helps; tried: {told}." if every else f"None of the changes tried helps: {told}."


def _trial(summary: Summary, plan: Plan) -> Summary:
    """A few replications of a design, with the requests of the run's first replications."""
    first = summary.measures[: ceil(summary.replications / REPLICATIONS_PER_TRIAL)]
    if plan is not summary.plan:
        return summary_of(plan, summary.seed, [measure(simulate(plan, summary.seed, one)) for one in range(len(first))])
    return summary_of(plan, summary.seed, [replace(one, resampled=None, band_edges=[]) for one in first])


@dataclass(frozen=True)
class _Trial:
    """The effect of a step at a stage: the present design, `now`, and the design one step away, `then`.

    missed: the place among all objectives of the one to improve; None for the time of a visit
    """

    summary: Summary
    name: str
    missed: int | None
    now: Summary
    step: _Step
    then: Summary

    @property
    def eases(self) -> bool:
        """Whether the step relieves what holds requests up there; turning more of them away does not count."""
        if self.missed is not None:
            return self._eased().get(self.missed, False)
        (lost, lost_then), (before, after) = self._in_both(_turned_away), self._in_both(_time_s)
        if self._turns_many_away:
            return lost_then < lost - FEW
        return after < before * (1 - NOTICEABLE) and lost_then <= lost + FEW

    @property
    def _turns_many_away(self) -> bool:
        return _turned_away(self.summary.stages[self.name]) >= MANY

    def move(self, what: str, promised_from: float) -> Move:
        """The step as reported; what, promised_from: the figure theory promised to lower, and its present value."""
        choice = self.summary.plan.scenario.choices[self.step.choice]
        trial_before, trial_after = self._figures()
        before, after = self._loads() if what == "load" else (promised_from, self.step.promise)
        also, not_eased = self._others()
        told = f"{self._told(trial_before, trial_after)}{_promised(what, before, after)}."
        return Move(
            choice=self.step.choice,
            label=choice.label,
            pick=choice.read(self.step.pick),
            told=self.step.told,
            what=what,
            before=before,
            after=after,
            eased=self._metric(),
            trial_before=trial_before,
            trial_after=trial_after,
            also_eased=also,
            not_eased=not_eased,
            sentence=told + _beside(also, not_eased, first=self.missed is None and not also),
        )

    def _eased(self) -> dict[int, bool]:
        """By its place, whether each objective improves: its figure moves noticeably the right way, or can be quoted now.

        Those whose figure a trial cannot quote are left out.
        """
        pairs = zip(self.now.verdicts, self.then.verdicts, strict=True)
        return {place: _betters(before, after) for place, (before, after) in enumerate(pairs) if after.estimate is not None}

    def _in_both(self, figure: Callable[[StageTimes | None], float]) -> tuple[float, float]:
        """A figure of the stage in both trials."""
        return figure(self.now.stages.get(self.name)), figure(self.then.stages.get(self.name))

    def _figures(self) -> tuple[float | None, float | None]:
        """The figure to improve, in both trials: that of the missed objective, or else a share or a time at the stage."""
        if self.missed is None:
            return self._in_both(_turned_away if self._turns_many_away else _time_s)
        before, after = (trial.verdicts[self.missed].estimate for trial in (self.now, self.then))
        return None if before is None else before.value, None if after is None else after.value

    def _metric(self) -> str:
        if self.missed is None:
            return "turned_away_share" if self._turns_many_away else "time_s"
        return self.summary.verdicts[self.missed].objective.metric

    def _loads(self) -> tuple[float, float]:
        """The load in the run, and what the trials say it becomes."""
        load, stages = self.summary.stages[self.name].load, (self.now.stages.get(self.name), self.then.stages.get(self.name))
        before, after = (times.load if times else 0.0 for times in stages)
        return load, load * after / before if before and isfinite(before) else after

    def _others(self) -> tuple[list[str], list[str]]:
        """Labels of the other missed objectives: those that the step improves too, and those it does not."""
        verdicts = self.summary.verdicts
        found = {place: so for place, so in self._eased().items() if place != self.missed and not verdicts[place].met}
        also, not_eased = ([verdicts[place].objective.label for place in found if found[place] is so] for so in (True, False))
        return also, not_eased

    def _told(self, before: float | None, after: float | None) -> str:
        what: str = "the mean time there"
        words: Callable[[float], str] = duration
        if self.missed is not None:
            what = f'"{self.summary.verdicts[self.missed].objective.label}"'
        elif self._turns_many_away:
            what, words = "the share turned away there", roughly
        from_ = "" if before is None else f" from {words(before)}"
        return f"In a trial run, {self.step.told} takes {what}{from_} to {words(after or 0.0)}"


def _promised(what: str, before: float, after: float) -> str:
    """What theory promised to lower, if by a noticeable amount."""
    if after >= before * (1 - NOTICEABLE):
        return ""
    if what == BATCHING:
        return f", and its longest {what} from {duration(before)} to {duration(after)}"
    return f", and its {what} from {roughly(before)} to {roughly(after)}{', still above capacity' if after >= 1 else ''}"


def _beside(eased: list[str], not_eased: list[str], first: bool) -> str:
    """The step's effect on the other missed objectives; first: no missed objective has been mentioned yet."""
    also = f" It also improves {_listed(eased)}." if eased else ""
    missed = f"which {'is' if len(not_eased) == 1 else 'are'}{'' if first else ' also'} missed"
    return also + (f" It does not improve {_listed(not_eased)}, {missed}." if not_eased else "")


def _listed(labels: list[str]) -> str:
    return ", ".join(f'"{label}"' for label in labels)


def _betters(before: Verdict, after: Verdict) -> bool:
    """Whether a figure moved noticeably the right way, or can be quoted where it could not before."""
    if before.margin is None or after.margin is None:
        return before.margin is None
    assert before.estimate is not None
    return after.margin > before.margin + NOTICEABLE * abs(before.estimate.value)


def _time_s(times: StageTimes | None) -> float:
    """Mean time of a visit."""
    return times.total_s / times.visits if times and times.visits else 0.0


def _turned_away(times: StageTimes | None) -> float:
    """The share of the visits that ended without service."""
    return times.turned_away / times.visits if times and times.visits else 0.0


def _what_to_ease(plan: Plan, name: str, times: StageTimes) -> tuple[str, Callable[[Plan, str], float]]:
    """What a choice should lower: the batching delay if that is most of the wait, else the load; and how to compute it."""
    load = load_on(plan, name)
    if _turned_away(times) >= MANY and load is not None and load.retried is not None:
        return "load with all its retries", _retried_load
    if plan.scenario.stages[name].company_s and times.held_s > times.waited_s / 2:
        return BATCHING, _longest_for_company_s
    if load is not None and load.peak is not None and load.peak >= 1 > load.mean:
        return "load at the peak", _peak_load
    return "load", _mean_load


def _longest_for_company_s(plan: Plan, name: str) -> float:
    return plan.scenario.stages[name].company_s


def _peak_load(plan: Plan, name: str) -> float:
    load = load_on(plan, name)
    return 0.0 if load is None or load.peak is None else load.peak


def _retried_load(plan: Plan, name: str) -> float:
    load = load_on(plan, name)
    return 0.0 if load is None else load.retried or load.mean


def _mean_load(plan: Plan, name: str) -> float:
    load = load_on(plan, name)
    return 0.0 if load is None else load.mean


def load_on(plan: Plan, stage: str) -> Load | None:
    """The load on one stage before a run; None where it has no servers."""
    return next((load for load in loads(plan) if load.stage == stage), None)


def _steps(plan: Plan, name: str, value: Callable[[Plan, str], float]) -> list[_Step]:
    """The steps of each choice that writes to the stage or to its retries, the most promising first."""
    found, written = [], {name, *retries_of(plan, name)}
    for key, choice in plan.scenario.choices.items():
        now = plan.design[key]
        for pick in _neighbours(choice, now) if any(_writes_to(choice, stage) for stage in written) else []:
            if other := _with(plan, key, pick):
                told = f"{choice.label} at “{choice.label_of(pick)}” instead of “{choice.label_of(now)}”"
                found.append(_Step(key, pick, other, told, value(other, name)))
    return sorted(found, key=lambda step: step.promise)


def _writes_to(choice: Choice, stage: str) -> bool:
    paths = [path for option in choice.options.values() for path in option.set] if isinstance(choice, Options) else choice.set
    return any(f"{path}.".startswith(f"stages.{stage}.") for path in paths)


def _neighbours(choice: Choice, pick: Pick) -> list[Pick]:
    """The picks one step away: the other options, or the next number down and up."""
    if isinstance(choice, Options):
        return [option for option in choice.options if option != pick]
    if choice.values is not None:
        values = sorted(choice.values)
        at = values.index(float(pick))
        return [*values[max(at - 1, 0) : at], *values[at + 1 : at + 2]]
    assert choice.step is not None
    return [value for value in (float(pick) - choice.step, float(pick) + choice.step) if _offered(choice, value)]


def _offered(choice: Choice, pick: Pick) -> bool:
    try:
        choice.read(pick)
    except ValueError:
        return False
    return True


def _with(plan: Plan, choice: str, pick: Pick) -> Plan | None:
    """The plan with one pick changed, under the same strikes; None if that design cannot run or picks change in the run."""
    if plan.changes:
        return None
    try:
        return compile_plan(plan.scenario, {**plan.design, choice: pick}, plan.strikes)
    except ScenarioError:
        return None
