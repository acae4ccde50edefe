"""Practice with a case: its phases, predictions, hints, defence prompts and reference designs.

Only practice reads these fields: they are no part of a case's hash, so that a copy without them gives the same run hash. A case
without them gets phases and prompts that are derived from its other parts. The interviewer's part, the tests and the texts are
no part of it either.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from math import floor
from typing import Annotated, ClassVar, Protocol

from pydantic import Field

from simulator.case.any_stage import Faults
from simulator.case.case_contract import AnyCase
from simulator.case.choices import Choice, Pick, Picks
from simulator.case.document import Path
from simulator.case.exhibits import EXHIBITS
from simulator.case.fields import Line, Name, Prose, Strict, exactly_one
from simulator.case.references import Ref

#: The sections of a case that only practice, an interviewer or a test reads, and such fields of a choice and of a question.
PRACTICE_FIELDS = ("phases", "predict", "defence", "hero", "reference", "anchors", "interview", "claims", "tests")

#: The texts of a case. They move no figure, so that a better sentence leaves every run as it is.
TEXT_FIELDS = ("title", "summary", "minutes", "brief", "debrief")


ExhibitName = Annotated[Name, Ref("exhibit")]

#: The behaviour at each of four levels of a signal, from the lowest on.
Anchors = Annotated[list[Line], Field(min_length=4, max_length=4)]


class Hint(Strict):
    """A step of a phase's hints: a question, a pointer to a panel, or a worked step."""

    written: ClassVar[str] = "{question: a question}, {panel: an exhibit} or {step: a worked step}"

    question: Line | None = None
    """a question that leads on"""
    panel: ExhibitName | None = None
    """an exhibit to look at"""
    text: Line | None = None
    """where to look in the panel"""
    step: Prose | None = None
    """a worked step"""

    _one_kind = exactly_one("question", "panel", "step")

    @property
    def rank(self) -> int:
        """The place on the ladder: 1 a question, 2 a panel, 3 a worked step."""
        return 1 if self.question is not None else 2 if self.panel is not None else 3


class PracticePhase(Strict):
    """A part of a session: its minutes, its choices and panels, and help on the way."""

    written: ClassVar[str] = "{id: serve, title: Serve, minutes: 8, expects: one sentence}"

    id: Name
    """its name in lower-case letters"""
    title: Line
    """its title on the page"""
    minutes: Annotated[float, Field(gt=0, le=240)]
    """its share of the minutes of the case"""
    expects: Line
    """one sentence: what to have at the end"""
    choices: Annotated[list[Annotated[Name, Ref("choice")]], Field(max_length=32)] = []
    """the choices that it shows, in order"""
    panels: Annotated[list[ExhibitName], Field(max_length=32)] = []
    """the exhibits that it shows"""
    prompts: Annotated[list[Line], Field(max_length=8)] = []
    """questions to think about"""
    hints: Annotated[list[Hint], Field(max_length=3)] = []
    """up to three steps of help: a question, a panel, a worked step"""


class Reference(Strict):
    """A design that the author ran: one good answer, and its price."""

    written: ClassVar[str] = "keys: label, set, meets, text and gives_up"

    label: Line
    """its name on the page"""
    set: Annotated[Picks, Field(max_length=32)]
    """its picks, choice to option"""
    meets: Annotated[list[Annotated[str, Ref("objective"), Field(max_length=120)]], Field(max_length=16)]
    """the metrics of the objectives that it meets"""
    text: Prose
    """the reasons for it"""
    gives_up: Prose
    """the price of it"""


class PracticedCase(AnyCase, Protocol):
    """A case as its practice sees it."""

    phases: list[PracticePhase]
    reference: dict[str, Reference]
    anchors: dict[str, Anchors]


#: The phases of a case that names none: id, title, share of the minutes in 45, the sentence of expectation.
_USUAL = (
    ("frame", "Frame", 6, "The goal in your own words, the objectives in order, and the assumptions behind them."),
    ("data", "Data", 6, "The data that the design rests on, their labels, and who is missing from them."),
    ("model", "Model", 8, "A model that fits the task, and the reason for it."),
    ("evaluate", "Evaluate", 7, "An operating point, and the errors that it leaves."),
    ("serve", "Serve", 8, "Machines, queues and people that hold the load within latency and cost."),
    ("monitor", "Monitor and safety", 5, "The failures to expect, how they show, and what happens then."),
    ("defend", "Defend", 5, "The reasons for the design, with figures."),
)

#: The phase of a choice by the last part of a place that it writes; every other place belongs to serving.
_BY_FIELD = {
    **dict.fromkeys(("model", "scores", "also", "passes", "precision"), "model"),
    "trained_on": "data",
    **dict.fromkeys(("at_sensitivity", "at_specificity", "at_score", "holds"), "evaluate"),
    **dict.fromkeys(("on_full", "on_timeout", "breaker"), "monitor"),
}
_BY_SECTION = {"population": "data", "attributes": "data", "classes": "data"}

#: The phase of the exhibits, by the question that they answer.
_BY_QUESTION = {"missed": "evaluate", "waits": "serve", "costs": "serve", "rests": "monitor"}

_DEFENCE = (
    "Which objective limits this design, and which price would you pay to meet it?",
    "Which failure would hurt most, and what happens then?",
    "Which figure do you trust least, and how would you measure it?",
)


def phases_of(scenario: PracticedCase, minutes: float | None = None) -> list[PracticePhase]:
    """Return the phases of a session with all their choices and panels, the author's or derived ones.

    minutes: the whole length of the session; None: that of the case
    """
    phases = scenario.phases or _usual_phases(scenario)
    lengths = shares_of([phase.minutes for phase in phases], minutes or scenario.minutes)
    of_choice = {name: phase_of_choice(scenario, phases, name) for name in scenario.choices}
    return [
        phase.model_copy(update={"minutes": length, "choices": _choices_of(phase, of_choice)})
        for phase, length in zip(phases, lengths, strict=True)
    ]


def _choices_of(phase: PracticePhase, of_choice: dict[str, str | None]) -> list[str]:
    """Return the choices of a phase: those that it lists, in its order, then the others."""
    own = [name for name, place in of_choice.items() if place == phase.id]
    return [*phase.choices, *(name for name in own if name not in phase.choices)]


def shares_of(minutes: Sequence[float], total: float) -> list[float]:
    """Divide a total in proportion to minutes, in steps of half a minute that add up to it; each gets a step at least."""
    steps = max(round(2 * total), len(minutes))
    exact = [steps * minute / sum(minutes) for minute in minutes]
    whole = [max(floor(minutes), 1) for minutes in exact]
    while (rest := steps - sum(whole)) != 0:
        step = 1 if rest > 0 else -1
        able = [place for place in range(len(whole)) if whole[place] + step > 0]
        whole[max(able, key=lambda place: step * (exact[place] - whole[place]))] += step
    return [minutes / 2 for minutes in whole]


def _usual_phases(scenario: PracticedCase) -> list[PracticePhase]:
    shown = [(name, _BY_QUESTION[EXHIBITS[name].question]) for name in scenario.shown() if name in EXHIBITS]
    return [
        PracticePhase(id=name, title=title, minutes=share, expects=expects, panels=[panel for panel, at in shown if at == name])
        for name, title, share, expects in _USUAL
    ]


def phase_of_choice(scenario: PracticedCase, phases: Sequence[PracticePhase], name: str) -> str | None:
    """Return the id of the phase of a choice: the author's, else derived; None for a circumstance of the brief."""
    choice, ids = scenario.choices[name], [phase.id for phase in phases]
    named = choice.phase or next((phase.id for phase in phases if name in phase.choices), None)
    if named is not None or choice.situation:
        return named
    derived = _derived(choice)
    return derived if derived in ids else ids[min(1, len(ids) - 1)]


def _derived(choice: Choice) -> str:
    """Return the usual phase of a choice, by the first place that it writes and that says it."""
    places = [path for pick in choice.extremes()[:1] for path in choice.changes(pick)]
    phases = (_BY_SECTION.get(str(path[0])) or _BY_FIELD.get(str(path[-1])) for path in places)
    return next(filter(None, phases), "serve")


def phase_titles(scenario: PracticedCase) -> dict[str, str]:
    """Return the ids of the phases of a session, the author's or the usual ones, with their titles."""
    return {phase.id: phase.title for phase in scenario.phases} or {name: title for name, title, *_ in _USUAL}


def deciding_questions(scenario: PracticedCase) -> list[int]:
    """Return the indices of the questions whose answers would change the design: those that the author marks, else all."""
    marked = [index for index, question in enumerate(scenario.questions) if question.decides]
    return marked or list(range(len(scenario.questions)))


def predicted_metrics(scenario: PracticedCase) -> list[str]:
    """Return the metrics to predict before a run: the author's, else those of the first two objectives."""
    return scenario.predict or [objective.metric for objective in scenario.objectives[:2]]


def defence_of(scenario: PracticedCase) -> list[str]:
    """Return the defence prompts: the author's, else three that fit every case."""
    return scenario.defence or list(_DEFENCE)


def hero_of(scenario: PracticedCase) -> str | None:
    """Return the exhibit that stands first: the author's, else the first that is shown; None without any."""
    return scenario.hero or next(iter(scenario.shown()), None)


def check_practice(scenario: PracticedCase, unknown: Collection[Path] = ()) -> Faults:
    """Yield faults of the fields that only practice reads, besides names that refer to nothing.

    unknown: places whose names are in doubt
    """
    yield from _phases(scenario, ("minutes",) in unknown)
    if not phases_in_doubt(scenario, unknown):
        yield from _placed_choices(scenario)
    if len(set(scenario.predict)) < len(scenario.predict):
        yield ("predict", len(scenario.predict) - 1), "this metric is named twice; name two different ones"


def phases_in_doubt(scenario: PracticedCase, unknown: Collection[Path]) -> bool:
    """Return True where a fault of the phases makes it useless to look up their ids."""
    return any(path[0] == "phases" for path in unknown) or any(True for _ in _phases(scenario))


def _phases(scenario: PracticedCase, length_in_doubt: bool = False) -> Faults:
    seen: set[str] = set()
    for index, phase in enumerate(scenario.phases):
        at: Path = ("phases", index)
        if phase.id in seen:
            yield (*at, "id"), f"there are two phases '{phase.id}'; rename one"
        seen.add(phase.id)
        yield from _hints(at, phase)
    total = sum(phase.minutes for phase in scenario.phases)
    if scenario.phases and not length_in_doubt and abs(total - scenario.minutes) > 1e-6:
        yield ("phases",), f"the phases take {total:g} minutes in all; `minutes` of the case says {scenario.minutes}"


def _hints(at: Path, phase: PracticePhase) -> Faults:
    ranks = [hint.rank for hint in phase.hints]
    if ranks != sorted(set(ranks)):
        yield (*at, "hints"), "order the hints: a question, then a panel, then a worked step, one of each at most"
    for place, hint in enumerate(phase.hints):
        if hint.text is not None and hint.panel is None:
            yield (*at, "hints", place, "text"), "`text` belongs to a `panel`; name the panel, or write the text elsewhere"


def _placed_choices(scenario: PracticedCase) -> Faults:
    listed, ids = dict[str, str](), phase_titles(scenario)
    for index, phase in enumerate(scenario.phases):
        for place, name in enumerate(phase.choices):
            if name in listed:
                yield ("phases", index, "choices", place), f"'{name}' is also a choice of the phase '{listed[name]}'; keep one"
            listed.setdefault(name, phase.id)
    for name, choice in scenario.choices.items():
        if choice.phase in ids and listed.get(name, choice.phase) != choice.phase:
            yield ("choices", name, "phase"), f"the phase '{listed[name]}' lists this choice; name one phase"


def readable_references(scenario: PracticedCase) -> list[dict[str, Pick]]:
    """Return the picks of the reference designs whose choices and picks are all offered."""
    return [design.set for design in scenario.reference.values() if _is_offered(design.set, scenario.choices)]


def _is_offered(picks: Mapping[str, Pick], choices: Mapping[str, Choice]) -> bool:
    try:
        return all(name in choices and choices[name].read(pick) is not None for name, pick in picks.items())
    except ValueError:
        return False


def asked_metrics(scenario: PracticedCase) -> list[str]:
    """Return the metrics of the objectives; every metric of the case where one of them is none, which is a fault of its own."""
    asked = [objective.metric for objective in scenario.objectives]
    return asked if all(name in scenario.metrics for name in asked) else list(scenario.metrics)
