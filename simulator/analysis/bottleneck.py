"""Which stage holds the requests up, why, and what would move it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from operator import itemgetter
from typing import TYPE_CHECKING, Any

from simulator.analysis.scorecard import Verdict
from simulator.analysis.times import StageTimes
from simulator.scenario import ScenarioError
from simulator.scenario.choices import Choice, Options, Pick
from simulator.scenario.stages import People, Pool
from simulator.serving.calendar import DAY_S, HOUR_S, Roster
from simulator.serving.plan import Plan, compile_plan
from simulator.serving.theory import Load, loads
from simulator.units import duration, roughly

if TYPE_CHECKING:
    from simulator.analysis.summary import Summary

#: A cause is named when it accounts for at least this part of the wait.
CAUSE = 0.25

COMPANY = "wait for company"

#: A change by a smaller part is no help.
NOTICEABLE = 0.01

#: A smaller part of the requests that were turned away is not told.
FEW = 0.01


@dataclass(frozen=True)
class Move:
    """One step of one choice, and what it would do to the stage, by theory.

    what: `load`, `load at the peak` where that alone is too much, or `wait for company`, the longest in seconds
    """

    choice: str
    label: str
    pick: Pick
    told: str
    what: str
    before: float
    after: float

    @property
    def sentence(self) -> str:
        """The move as a person reads it."""
        if self.what == COMPANY:
            return f"{self.told} would take its longest {self.what} from {duration(self.before)} to {duration(self.after)}."
        still = ", still more than it can do" if self.after >= 1 else ""
        return f"{self.told} would take its {self.what} from {roughly(self.before)} to {roughly(self.after)}{still}."


@dataclass(frozen=True)
class Bottleneck:
    """The stage that holds the requests up.

    objective: the missed objective that pointed to it, None where it is where most time goes
    share: of the time that counts (to the answer, or to the end); queueing: the part of the stage's time spent waiting
    """

    stage: str
    label: str
    objective: str | None
    share: float
    queueing: float
    load: float
    why: str
    moves: list[Move]
    sentence: str

    def to_json(self) -> dict[str, Any]:
        """The bottleneck as `casesim run --json` prints it; what does not apply is left out."""
        told = {name: value for name, value in vars(self).items() if value is not None}
        return told | {"moves": [{**vars(move), "sentence": move.sentence} for move in self.moves]}


def bottleneck_of(summary: Summary) -> Bottleneck | None:
    """The bottleneck of a run; None where no stage took any time.

    A stage that more work comes to than it can do is one, whatever else is slow. Next counts the time objective that is
    missed by most: the stage it names, or the one that takes most of the time to the answer. Else it is where requests
    spend most of their time.
    """
    found = {name: times for name, times in summary.stages.items() if times.total_s > 0}
    if not found:
        return None
    overloaded = {name: times.load for name, times in found.items() if times.load >= 1}
    missed = _worst_missed(summary, found)
    if overloaded:
        return _told(summary, max(overloaded, key=lambda name: overloaded[name]), found, None)
    if missed is not None:
        named = missed.objective.metric.split(".")[1:2]
        until_answer = {name: times.answer_s for name, times in found.items()}
        name = named[0] if named else max(until_answer, key=lambda stage: until_answer[stage])
        return _told(summary, name, found, missed)
    return _told(summary, max(found, key=lambda name: found[name].total_s), found, None)


def _worst_missed(summary: Summary, found: dict[str, StageTimes]) -> Verdict | None:
    """The objective on a time that is missed by the largest part of its bound, where a stage can be held to account."""
    missed = [verdict for verdict in summary.verdicts if not verdict.met and _leads_somewhere(verdict, found)]
    return max(missed, key=_excess, default=None)


def _leads_somewhere(verdict: Verdict, found: dict[str, StageTimes]) -> bool:
    kind, *stage = verdict.objective.metric.split(".")
    if kind.startswith("wait_"):
        return stage[0] in found
    return kind.startswith("latency_") and any(times.answer_s > 0 for times in found.values())


def _excess(verdict: Verdict) -> float:
    return float("inf") if verdict.margin is None else -verdict.margin / (abs(verdict.bound) or 1.0)


def _told(summary: Summary, name: str, found: dict[str, StageTimes], missed: Verdict | None) -> Bottleneck:
    plan, times = summary.plan, found[name]
    stage = plan.scenario.stages[name]
    to_answer = missed is not None and missed.objective.metric.startswith("latency_")
    share = _share(times, found, to_answer)
    queueing = times.waited_s / times.total_s
    why = _why(plan, name, times)
    moves = _moves(plan, name, times)
    counted = "the time to the answer" if to_answer else "all time that requests spend"
    spent = f", {roughly(queueing)} of it waiting" if times.load else ""
    because = f"{missed.objective.label} is missed. " if missed else ""
    told = f"The bottleneck is {stage.label}, where {roughly(share)} of {counted} passes{spent}: {why}. {_advice(plan, moves)}"
    sentence = (because + told).strip()
    objective = missed.objective.metric if missed else None
    return Bottleneck(name, stage.label, objective, share, queueing, times.load, why, moves, sentence)


def _share(times: StageTimes, found: dict[str, StageTimes], to_answer: bool) -> float:
    if to_answer:
        return times.answer_s / sum(other.answer_s for other in found.values())
    return times.total_s / sum(other.total_s for other in found.values())


def _why(plan: Plan, name: str, times: StageTimes) -> str:
    """The load, and what else keeps requests waiting."""
    stage = plan.scenario.stages[name]
    said: list[str] = []
    if isinstance(stage, People):
        said += _why_people(stage, times)
    elif isinstance(stage, Pool):
        said += _why_pool(plan, name, stage, times)
    else:
        said.append("its time does not depend on the load")
    if times.turned_away >= FEW * times.visits:
        said.append(f"{roughly(times.turned_away / times.visits)} of those who came were turned away or gave up")
    return "; ".join(said)


def _why_people(stage: People, times: StageTimes) -> Iterator[str]:
    yield f"work comes in at {roughly(times.load)} of what the people on duty can do"
    staffed = Roster(stage.shifts, 0, DAY_S)
    off = sum(60.0 for minute in range(1440) if staffed.on_duty(60.0 * minute) == 0)
    if times.waited_s and times.held_s >= CAUSE * times.waited_s:
        part = roughly(times.held_s / times.waited_s)
        yield f"nobody is on duty for {off / HOUR_S:.3g} hours a day, and {part} of the wait falls into those hours"


def _why_pool(plan: Plan, name: str, stage: Pool, times: StageTimes) -> Iterator[str]:
    yield f"work comes in at {roughly(times.load)} of what its replicas can do"
    load = _load_on(plan, name)
    if load is not None and load.peak is not None and load.peak >= 1 > times.load:
        yield f"at the busiest time of the day it is {load.peak:.2f} times what they can do, and a queue builds up"
    if times.waited_s and times.held_s >= CAUSE * times.waited_s:
        part = roughly(times.held_s / times.waited_s)
        yield f"{part} of the wait is for company in a batch, up to {duration(stage.max_queue_delay_ms / 1000)}"


def _moves(plan: Plan, name: str, times: StageTimes) -> list[Move]:
    """One step of each choice that writes to the stage, where theory says that it eases what holds requests up there."""
    measure = _what_to_ease(plan, name, times)
    if measure is None:
        return []
    what, value = measure
    before, found = value(plan, name), []
    for key, choice in plan.scenario.choices.items():
        now = plan.design[key]
        steps = _neighbours(choice, now) if _writes_to(choice, name) else []
        eased = [(value(other, name), pick) for pick in steps if (other := _with(plan, key, pick))]
        after, pick = min(eased, key=itemgetter(0), default=(before, now))
        if after < before * (1 - NOTICEABLE):
            told = f"{choice.label} at {choice.label_of(pick)} instead of {choice.label_of(now)}"
            found.append(Move(key, choice.label, choice.read(pick), told, what, before, after))
    return sorted(found, key=lambda move: move.after)


def _what_to_ease(plan: Plan, name: str, times: StageTimes) -> tuple[str, Callable[[Plan, str], float]] | None:
    """What a choice should lower: the wait for company where that is most of the wait, else the load; and how to tell it."""
    load = _load_on(plan, name)
    if load is None:
        return None
    if isinstance(plan.scenario.stages[name], Pool) and times.held_s > times.waited_s / 2:
        return COMPANY, _longest_for_company_s
    if load.peak is not None and load.peak >= 1 > load.mean:
        return "load at the peak", _peak_load
    return "load", _mean_load


def _longest_for_company_s(plan: Plan, name: str) -> float:
    stage = plan.scenario.stages[name]
    return stage.max_queue_delay_ms / 1000 if isinstance(stage, Pool) else 0.0


def _peak_load(plan: Plan, name: str) -> float:
    load = _load_on(plan, name)
    return 0.0 if load is None or load.peak is None else load.peak


def _mean_load(plan: Plan, name: str) -> float:
    load = _load_on(plan, name)
    return 0.0 if load is None else load.mean


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
    """The plan with one pick changed; None where that design cannot run."""
    try:
        return compile_plan(plan.scenario, {**plan.design, choice: pick})
    except ScenarioError:
        return None


def _load_on(plan: Plan, stage: str) -> Load | None:
    return next((load for load in loads(plan) if load.stage == stage), None)


def _advice(plan: Plan, moves: list[Move]) -> str:
    if moves:
        return moves[0].sentence + (" Both loads are without what struck." if plan.strikes and moves[0].what != COMPANY else "")
    return "No step of a choice eases it." if plan.scenario.choices else ""
