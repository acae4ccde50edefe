"""The interviewer's part of a case: signals, probes by phase and level with what answers name, and private notes.

Only an interviewer reads it: it is no part of a case's hash, and nothing of it is meant for the page of a candidate. A case may
word the anchors of a signal itself. The evidence that a log holds on each is in `simulator.session.session_signals`: that of
its phase, unless the signal has its own.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, ClassVar, Literal, NamedTuple, Protocol

from pydantic import BeforeValidator, Field

from simulator.case.document import Path
from simulator.case.fields import Line, Name, Prose, Strict
from simulator.case.phases import PracticedCase, PracticePhase, defence_of, phases_of
from simulator.case.references import Ref
from simulator.case.scenario_parts import Question
from simulator.errors import shortened
from simulator.phrases import phrase


class CaseSignal(NamedTuple):
    """A signal, whose label and levels are in the catalogue of texts, under `session_signals`.

    phase: that it belongs to, None for the whole session; on_card: whether the scorecard of an interview rates it
    """

    name: str
    phase: str | None = None
    on_card: bool = False


SIGNALS = (
    CaseSignal("framing", on_card=True),
    CaseSignal("data", "data", on_card=True),
    CaseSignal("model", "model", on_card=True),
    CaseSignal("evaluation", "evaluate", on_card=True),
    CaseSignal("serving", "serve", on_card=True),
    CaseSignal("safety", "monitor"),
    CaseSignal("quantified"),
    CaseSignal("communication", on_card=True),
)

#: The phase of each signal; None for those of the whole session.
SIGNAL_PHASES = {signal.name: signal.phase for signal in SIGNALS}


Level = Literal["junior", "senior", "staff"]

#: The levels of a candidate, the lowest first.
LEVELS_OF_CANDIDATES: tuple[Level, ...] = ("junior", "senior", "staff")

#: The most letters of a line of a probe.
_LETTERS = 300


def _as_list(given: Any) -> Any:
    return [given] if isinstance(given, str) else given


class Probe(Strict):
    """A question of the interviewer to every candidate of a level, with what a strong and a weak answer name."""

    written: ClassVar[str] = "{phase: serve, level: senior, ask: a question, strong: [a line], weak: [a line]}"

    phase: Annotated[Name, Ref("phase")]
    """the phase of a session"""
    level: Annotated[
        list[Level], BeforeValidator(_as_list, json_schema_input_type=Level | list[Level]), Field(min_length=1, max_length=3)
    ]
    """the level that it is for, or a list of levels"""
    ask: Line
    """the question"""
    strong: Annotated[list[Line], Field(min_length=1, max_length=8)]
    """what a strong answer names"""
    at_level: Annotated[dict[Level, Annotated[list[Line], Field(min_length=1, max_length=4)]], Field(max_length=3)] = {}
    """what a strong answer of a level names besides"""
    weak: Annotated[list[Line], Field(max_length=8)] = []
    """what a weak answer names"""
    optional: bool = False
    """asked only where time is left; all others are asked of every candidate of the level"""

    def asked_of(self, level: Level) -> Probe:
        """Return the probe as it is asked of a level, with all that a strong answer of this level names."""
        return self.model_copy(update={"strong": [*self.strong, *self.at_level.get(level, [])]})


class Interview(Strict):
    """The script of an interviewer: probes, and private notes on the case."""

    written: ClassVar[str] = "keys: probes, notes and notes_on"

    probes: Annotated[list[Probe], Field(max_length=60)] = []
    """questions to every candidate"""
    notes: Prose | None = None
    """private notes on how to lead the case"""
    notes_on: Annotated[dict[Annotated[Name, Ref("subject")], Prose], Field(max_length=64)] = {}
    """private notes by the name of a phase, choice, stage, end or curveball"""


class InterviewedCase(PracticedCase, Protocol):
    """A case as its interviewer sees it."""

    interview: Interview


def notes_at(scenario: InterviewedCase, phase: str) -> dict[str, str]:
    """Return the private notes on a phase and on its choices, each behind a label."""
    place = next(each for each in phases_of(scenario) if each.id == phase)
    names = [phase, *place.choices]
    return {label: note for name, label, note in _labelled(scenario) if name in names}


def other_notes(scenario: InterviewedCase, phase: str) -> dict[str, str]:
    """Return the private notes that `notes_at` leaves out for a phase, each behind a label."""
    near = notes_at(scenario, phase)
    return {label: note for _, label, note in _labelled(scenario) if label not in near}


def _labelled(scenario: InterviewedCase) -> Iterator[tuple[str, str, str]]:
    """Yield each note that has a name, with the label of its subject."""
    labels = subjects(scenario)
    yield from ((name, labels[name], note) for name, note in scenario.interview.notes_on.items() if name in labels)


def subjects(scenario: InterviewedCase) -> dict[str, str]:
    """Return the names that notes may be on, each with its label."""
    parts = (scenario.curveballs, scenario.ends, scenario.stages, scenario.choices)
    labels = {name: part.label for section in parts for name, part in section.items()}
    return labels | {phase.id: phase.title for phase in phases_of(scenario)}


def probes_of(scenario: InterviewedCase, phase: str, level: Level) -> list[Probe]:
    """Return the probes of a phase for a level, the optional ones last: the author's, or derived ones for a case without any.

    Derived ones are equal at all levels. They quote the case and add no claim of their own. Raises KeyError for a phase that
    the case does not have.
    """
    phases = {phase.id: phase for phase in phases_of(scenario)}
    place = phases[phase]
    if scenario.interview.probes:
        probes = [probe for probe in scenario.interview.probes if probe.phase == phase and level in probe.level]
        return [probe.asked_of(level) for probe in sorted(probes, key=lambda probe: probe.optional)]
    return _derived(scenario, place, is_last=phase == [*phases][-1])


def _derived(scenario: InterviewedCase, phase: PracticePhase, is_last: bool) -> list[Probe]:
    asks = [*phase.prompts, *(defence_of(scenario) if is_last else [])] or ["What have you decided here, and why?"]
    strong, weak = _named(scenario, phase)
    levels = list(LEVELS_OF_CANDIDATES)
    return [Probe(phase=phase.id, level=levels, ask=ask, strong=strong, weak=weak) for ask in dict.fromkeys(asks)]


def _named(scenario: InterviewedCase, phase: PracticePhase) -> tuple[list[str], list[str]]:
    """Return lines of the case on a phase: those that strong answers name, and those that weak ones do."""
    signals = [name for name, place in SIGNAL_PHASES.items() if place == phase.id and name in scenario.anchors]
    anchors = [scenario.anchors[name] for name in signals]
    questions = [question for question in scenario.questions if question.phase == phase.id]
    strong = [phase.expects, *(line for anchor in anchors for line in anchor[2:]), *map(_uses, questions)]
    return strong[:8], [line for anchor in anchors for line in anchor[:2]]


def _uses(question: Question) -> str:
    return shortened(" ".join(f"Uses the answer to “{question.ask}” {question.answer}".split()), _LETTERS)


def check_interview(scenario: InterviewedCase) -> Iterator[tuple[Path, str]]:
    """Yield faults of the probes: levels and questions that stand there twice."""
    asked: dict[str, int] = {}
    for index, probe in enumerate(scenario.interview.probes):
        at: Path = ("interview", "probes", index)
        if len(set(probe.level)) < len(probe.level):
            yield (*at, "level"), "a level is named twice; name each once"
        for level in probe.at_level.keys() - set(probe.level):
            yield (*at, "at_level", level), f"the probe is not asked of {level}; name the level in `level`"
        words = " ".join(probe.ask.casefold().split())
        if words in asked:
            yield (*at, "ask"), phrase("document.probe_twice", probe=asked[words] + 1)
        asked.setdefault(words, index)
