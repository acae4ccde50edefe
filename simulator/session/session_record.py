"""The record of a session: a row for everything that the person did and every run that ended, in the order of the log."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from simulator.case.choices import Pick
from simulator.case.exhibits import EXHIBITS
from simulator.case.phases import defence_of, phases_of
from simulator.case.schema import Scenario
from simulator.session.session_events import (
    CurveballStruck,
    CurveballWithdrawn,
    DefenceAnswered,
    HelpAsked,
    HintTaken,
    PanelOpened,
    PickChanged,
)
from simulator.session.session_state import Asked, Assumption, RunSeen, SessionPrediction, SessionState, Timed
from simulator.units import spoken


class RecordRow(NamedTuple):
    """A row of the record; place: of its event in the log; minute: since the begin; what: its kind in a word."""

    place: int
    minute: float
    what: str
    details: str


def record(scenario: Scenario, state: SessionState) -> list[RecordRow]:
    """Return the rows of a session in the order of the log."""
    found = sorted(_rows(scenario, state), key=lambda row: row[0])
    return [RecordRow(place, minute_of(state, at), what, details) for place, at, what, details in found]


def minute_of(state: SessionState, at: float) -> float:
    """Return the minute of a time (s since 1970): 0 before a room's clock has started."""
    return max(at - state.counted_from, 0.0) / 60


Row = tuple[int, float, str, str]


def _rows(scenario: Scenario, state: SessionState) -> Iterator[Row]:
    titles = {phase.id: phase.title for phase in phases_of(scenario)}
    yield from ((visit.place, visit.at, "Phase", titles.get(visit.phase, visit.phase)) for visit in state.visits)
    yield from ((question.place, question.at, "Question", question_words(scenario, question)) for question in state.questions)
    yield from (
        (assumption.place, assumption.at, "Assumption", assumption_words(scenario, assumption))
        for assumption in state.assumptions
    )
    yield from ((ranking.place, ranking.at, "Objectives", _ranked(ranking)) for ranking in state.rankings)
    yield from ((change.place, change.at, "Change", _changed(scenario, change)) for change in state.changes)
    yield from (
        (prediction.place, prediction.at, "Prediction", predicted_words(scenario, prediction))
        for prediction in state.predictions
    )
    yield from ((run.place, run.ended_at or run.at, "Run", run_words(run)) for run in state.runs if run.ended)
    for panel in [*state.panels, *state.hints, *state.helps, *state.curveballs, *state.defences.values()]:
        yield panel.place, panel.at, *_of_event(scenario, titles, panel.event)
    if state.ended_at is not None:
        yield state.place, state.ended_at, "End", ""


def _of_event(scenario: Scenario, titles: dict[str, str], event: Any) -> tuple[str, str]:
    if isinstance(event, PanelOpened):
        return "Panel", EXHIBITS[event.panel].label if event.panel in EXHIBITS else event.panel
    if isinstance(event, HintTaken):
        return "Hint", f"{titles.get(event.phase, event.phase)}, step {event.step}"
    if isinstance(event, HelpAsked):
        return "Hint", "What would help?" if event.tool == "what_would_help" else "Try each lever"
    if isinstance(event, CurveballStruck | CurveballWithdrawn):
        ball, back = scenario.curveballs.get(event.curveball), isinstance(event, CurveballWithdrawn)
        return "Curveball", f"{ball.label if ball else event.curveball}{' (withdrawn)' if back else ''}"
    if isinstance(event, DefenceAnswered):
        prompts = defence_of(scenario)
        return "Defence", prompts[event.prompt] if event.prompt < len(prompts) else ""
    return type(event).__name__, ""


def question_words(scenario: Scenario, asked: Asked) -> str:
    """Return a question in words: that of the case, else the person's own."""
    known = asked.question is not None and asked.question < len(scenario.questions)
    return scenario.questions[asked.question or 0].ask if known else asked.words or ""


def assumption_words(scenario: Scenario, one: Assumption) -> str:
    """Return an assumption in words: the person's own, or a question with the answer that was pinned."""
    if one.question is None:
        return one.text or ""
    if one.question >= len(scenario.questions):
        return ""
    pinned = scenario.questions[one.question]
    return f"{pinned.ask} {pinned.answer}"


def _ranked(ranking: Timed) -> str:
    return "; ".join(one.words for one in getattr(ranking.event, "objectives", ()))


def _changed(scenario: Scenario, change: Timed) -> str:
    event = change.event
    if not isinstance(event, PickChanged) or event.choice not in scenario.choices:
        return ""
    choice = scenario.choices[event.choice]
    return f"{choice.label}: {choice.label_of(event.before)} → {choice.label_of(event.after)}"


def change_words(scenario: Scenario, before: Mapping[str, Pick], after: Mapping[str, Pick]) -> str:
    """Return the choices in which a design differs from another one, with its picks; empty where there are none."""
    moved = {name: pick for name, pick in after.items() if name in scenario.choices and pick != before.get(name)}
    return "; ".join(f"{scenario.choices[name].label}: {scenario.choices[name].label_of(pick)}" for name, pick in moved.items())


def design_words(scenario: Scenario, picks: Mapping[str, Pick]) -> str:
    """Return a design by its difference from the one that the case begins with."""
    moved = change_words(scenario, scenario.defaults(), picks)
    return f"{moved}; the rest by default." if moved else "The design that the case begins with."


def predicted_words(scenario: Scenario, one: SessionPrediction) -> str:
    """Return a prediction in words, with its result once there is one."""
    if one.metric is None:
        stage = scenario.stages.get(one.stage or "")
        return f"The limit is “{stage.label if stage else one.stage}”"
    metric = scenario.metrics.get(one.metric)
    unit, label = (metric.unit, metric.label) if metric else ("", one.metric)
    words = f"{label}: {spoken(one.low or 0.0, unit)} to {spoken(one.high or 0.0, unit)}"
    if one.settled is None or one.settled.value is None:
        return words
    return f"{words}; the run: {spoken(one.settled.value, unit)}, {'held' if one.settled.held else 'not held'}"


def run_words(run: RunSeen) -> str:
    """Return the verdicts of a run in words, as far as they are known, with its hash."""
    assert run.ended is not None
    counts = Counter(run.ended.verdicts.values())
    verdicts = ", ".join(f"{count} {standing}" for standing, count in counts.items())
    return "; ".join(filter(None, [verdicts, f"run hash {run.ended.run_hash}"]))


def figure_words(scenario: Scenario, run: RunSeen) -> str:
    """Return the figures of a run in words, each with its verdict where that is known."""
    assert run.ended is not None
    known = [(scenario.metrics[figure.metric], figure) for figure in run.ended.figures if figure.metric in scenario.metrics]
    words = (
        f"{metric.label}: {spoken(one.value, metric.unit) if one.value is not None else 'none'}"
        f"{f' ({one.standing})' if one.standing else ''}"
        for metric, one in known
    )
    return "; ".join([*words, f"run hash {run.ended.run_hash}"])
