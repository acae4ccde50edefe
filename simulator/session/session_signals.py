"""Signals of a session: what an interviewer looks for, four anchored levels of each, and the evidence that the log holds.

Evidence decides no level. The few levels that a log can decide have rules, in `simulator.session.signal_rules`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Generic, Literal, NamedTuple, TypeVar, get_args

from simulator.case.interview import SIGNAL_PHASES
from simulator.case.interview import SIGNALS as CASE_SIGNALS
from simulator.case.phases import phases_of
from simulator.case.schema import Scenario
from simulator.phrases import phrase
from simulator.session.session_course import Course
from simulator.session.session_events import AssumptionWritten
from simulator.units import counted, times

#: The levels of a signal, from the lowest on; there is no middle.
Level = Literal["very_weak", "weak", "strong", "very_strong"]
LEVELS: tuple[Level, ...] = get_args(Level)

#: The level of a signal that an interview did not show; it counts as no number.
NOT_OBSERVED = "not_observed"

#: The levels below strong.
WEAK: tuple[Level, ...] = LEVELS[:2]

#: The form of a log that signals and rules read: the course of a session, or that of an incident.
LogForm = TypeVar("LogForm")


class Evidence(NamedTuple):
    """A sentence about a session, and the places of the events in the log that it rests on; none for what never happened."""

    sentence: str
    places: Sequence[int] = ()


@dataclass(frozen=True)
class Signal(Generic[LogForm]):
    """A signal; anchors: the behaviour at each of the LEVELS; evidence: what the log holds about it."""

    name: str
    label: str
    anchors: tuple[str, ...]
    evidence: Callable[[LogForm], Iterator[Evidence]]

    def anchor(self, level: Level) -> str:
        """Return the behaviour at a level."""
        return self.anchors[LEVELS.index(level)]


def signal_of(subject: str, name: str, evidence: Callable[[LogForm], Iterator[Evidence]]) -> Signal[LogForm]:
    """Return a signal with its label and its anchors, which stand under a subject of the catalogue of texts."""
    anchors = tuple(phrase(f"{subject}.{name}_{level}") for level in LEVELS)
    return Signal(name, phrase(f"{subject}.{name}"), anchors, evidence)


def _framing(course: Course) -> Iterator[Evidence]:
    state, total = course.state, len(course.scenario.questions)
    offered = [asked.place for asked in state.questions if asked.event.question is not None]
    own = len(state.questions) - len(offered)
    deciding = f", {len(course.deciding)} of them deciding" if offered else ""
    beside = f", and {own} in your own words" if own else ""
    words = f"You asked {len(offered)} of {counted(total, 'question')}{deciding}{beside}."
    yield Evidence(words, [question.place for question in state.questions])
    if hasty := [place for place in offered if place not in course.read]:
        yield Evidence(f"You left no time to read {counted(len(hasty), 'answer')}.", hasty)
    there = state.standing_assumptions
    written = sum(isinstance(assumption.event, AssumptionWritten) for assumption in there)
    words = f", {written} of them in your own words, which no rule judges" if written else ""
    yield Evidence(f"You noted {counted(len(there), 'assumption')}{words}.", [assumption.place for assumption in there])
    if not state.rankings:
        yield Evidence("You ranked no objectives.")
        return
    yield Evidence(f"You put {counted(len(state.objectives), 'objective')} in order.", [state.rankings[-1].place])


def _of_phase(phase: str | None) -> Callable[[Course], Iterator[Evidence]]:
    def evidence(course: Course) -> Iterator[Evidence]:
        if phase is None or phase not in course.phases:
            return
        title = course.phases[phase].title
        visits = [visit.place for visit in course.state.visits if visit.event.phase == phase]
        yield Evidence(f"You went to “{title}” {times(len(visits))}." if visits else f"You did not go to “{title}”.", visits)
        if asked := [place for place in course.asked_for(phase) if place in course.read]:
            yield Evidence(f"You asked {counted(len(asked), 'question')} about it.", asked)
        if course.phases[phase].choices:
            changes = [change.place for change in course.changes(phase)]
            yield Evidence(
                f"You changed its choices {times(len(changes))}." if changes else "You changed none of its choices.", changes
            )
        if single := course.single_moves(phase):
            words = f"Between {counted(len(single), 'pair')} of runs, one of its choices moved alone."
            yield Evidence(words, [move.after.place for move in single])
        if opened := [panel.place for panel in course.panels(phase)]:
            yield Evidence(f"You opened its panels {times(len(opened))}.", opened)

    return evidence


def _safety(course: Course) -> Iterator[Evidence]:
    yield from _of_phase("monitor")(course)
    if not course.scenario.curveballs:
        return
    if not course.state.curveballs:
        yield Evidence("No curveball struck.")
        return
    struck = course.state.curveballs[0]
    yield Evidence("A curveball struck.", [struck.place])
    after = [change.place for change in course.state.changes if change.place > struck.place]
    yield Evidence(
        f"After it you changed the design {times(len(after))}." if after else "You did not change the design after it.", after
    )


def _quantified(course: Course) -> Iterator[Evidence]:
    runs = len({run.design for run in course.runs})
    made = [own[0].place for own in course.predicted.values()]
    yield Evidence(f"You ran {counted(runs, 'design')} and predicted {len(made)}.", made)
    if course.moves:
        single = [move.after.place for move in course.moves if move.is_single]
        yield Evidence(f"{len(single)} of {counted(len(course.moves), 'move')} between runs changed one choice alone.", single)
    if course.intervals:
        held = [interval.place for interval in course.intervals if interval.settled and interval.settled.held]
        yield Evidence(course.interval_words, held)


def _words(course: Course) -> Iterator[Evidence]:
    places = [defence.place for defence in course.state.defences.values()]
    empty = len(places) - len(course.reasons)
    form = f", {empty} of them without a sentence" if empty else ""
    judged = " No rule judges your words." if places else ""
    yield Evidence(f"You answered {counted(len(places), 'defence prompt')}{form}.{judged}", places)


#: Evidence of signals that is not that of their phase alone.
_EVIDENCE: dict[str, Callable[[Course], Iterator[Evidence]]] = {
    "framing": _framing,
    "safety": _safety,
    "quantified": _quantified,
    "communication": _words,
}

SIGNALS: tuple[Signal[Course], ...] = tuple(
    signal_of("session_signals", signal.name, _EVIDENCE.get(signal.name) or _of_phase(signal.phase)) for signal in CASE_SIGNALS
)

LABELS = {signal.name: signal.label for signal in SIGNALS}


def signals_of(scenario: Scenario) -> list[Signal[Course]]:
    """Return the signals of a case, with the author's anchors; those whose phase the case does not have are left out."""
    there = {phase.id for phase in phases_of(scenario)}
    return [
        replace(signal, anchors=tuple(scenario.anchors[signal.name])) if signal.name in scenario.anchors else signal
        for signal in SIGNALS
        if SIGNAL_PHASES[signal.name] in (None, *there)
    ]
