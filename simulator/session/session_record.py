"""The record of a session: a row for all that the person did and every run that ended, in order; and the events of a run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import fields
from typing import NamedTuple

from simulator.case.choices import Pick
from simulator.case.phases import predicted_metrics
from simulator.case.schema import Scenario
from simulator.explain.result import Result
from simulator.session.event_log import AnyEvent, Logged
from simulator.session.session_events import RunAsked, RunEnded, RunFigure
from simulator.session.session_state import RunSeen, SessionPrediction, SessionState
from simulator.units import spoken


class RecordRow(NamedTuple):
    """A row of the record; place: of its event in the log; minute: since the begin; what: its kind in a word."""

    place: int
    minute: float
    what: str
    details: str


def record(scenario: Scenario, state: SessionState) -> list[RecordRow]:
    """Return the rows of a session in the order of the log."""
    return sorted(_rows(scenario, state), key=lambda row: row.place)


def minute_of(state: SessionState, at: float) -> float:
    """Return the minute of a time (s since 1970): 0 before a room's clock has started."""
    return max(at - state.counted_from, 0.0) / 60


def row_of(scenario: Scenario, state: SessionState, logged: Logged[AnyEvent]) -> RecordRow:
    """Return the row of an event as it says it itself."""
    return RecordRow(logged.place, minute_of(state, logged.at), logged.event.what, logged.event.details(scenario, state))


def _kept(state: SessionState) -> Iterator[Logged[AnyEvent]]:
    """Yield the events that the fields of a session's state keep; the latest one where a field keeps one by a key."""
    for kept in (getattr(state, each.name) for each in fields(SessionState)):
        entries = kept.values() if isinstance(kept, Mapping) else kept if isinstance(kept, tuple) else ()
        yield from (entry for entry in entries if isinstance(entry, Logged) and isinstance(entry.event, AnyEvent))


def _rows(scenario: Scenario, state: SessionState) -> Iterator[RecordRow]:
    yield from (row_of(scenario, state, logged) for logged in _kept(state))
    made = [
        *((bet.place, bet.at, "Prediction", predicted_words(scenario, bet)) for bet in state.predictions),
        *((run.place, run.ended_at or run.at, "Run", run_words(run)) for run in state.runs if run.ended),
        *([(state.place, state.ended_at, "End", "")] if state.ended_at is not None else []),
    ]
    yield from (RecordRow(place, minute_of(state, at), what, details) for place, at, what, details in made)


def change_words(scenario: Scenario, before: Mapping[str, Pick], after: Mapping[str, Pick]) -> str:
    """Return the choices in which a design differs from another one, with its picks; empty where there are none."""
    moved = {name: pick for name, pick in after.items() if name in scenario.choices and pick != before.get(name)}
    return "; ".join(f"{scenario.choices[name].label}: {scenario.choices[name].label_of(pick)}" for name, pick in moved.items())


def design_words(scenario: Scenario, picks: Mapping[str, Pick]) -> str:
    """Return a design by its difference from the one that the case begins with."""
    moved = change_words(scenario, scenario.defaults(), picks)
    return f"{moved}; the rest by default." if moved else "The design that the case begins with."


def predicted_words(scenario: Scenario, bet: SessionPrediction) -> str:
    """Return a prediction in words, with its result once there is one."""
    if bet.metric is None:
        stage = scenario.stages.get(bet.stage or "")
        return f"The limit is “{stage.label if stage else bet.stage}”"
    metric = scenario.metrics.get(bet.metric)
    unit, label = (metric.unit, metric.label) if metric else ("", bet.metric)
    words = f"{label}: {spoken(bet.low or 0.0, unit)} to {spoken(bet.high or 0.0, unit)}"
    if bet.settled is None or bet.settled.value is None:
        return words
    return f"{words}; the run: {spoken(bet.settled.value, unit)}, {'held' if bet.settled.held else 'not held'}"


def run_words(run: RunSeen) -> str:
    """Return the verdicts of a run in words, as far as they are known, with its hash."""
    assert run.ended is not None
    return "; ".join(filter(None, [run.verdict_counts, f"run hash {run.ended.run_hash}"]))


def figure_words(scenario: Scenario, run: RunSeen) -> str:
    """Return the figures of a run in words, each with its verdict where that is known."""
    assert run.ended is not None
    listed = [(scenario.metrics[figure.metric], figure) for figure in run.ended.figures if figure.metric in scenario.metrics]
    words = (
        f"{metric.label}: {spoken(figure.value, metric.unit) if figure.value is not None else 'none'}"
        f"{f' ({figure.standing})' if figure.standing else ''}"
        for metric, figure in listed
    )
    return "; ".join([*words, f"run hash {run.ended.run_hash}"])


def run_asked(scenario: Scenario, state: SessionState) -> RunAsked:
    """Return the event that asks for a run of the design at hand."""
    return RunAsked(
        picks=state.picks(scenario),
        strikes=state.strikes,
        seed=state.session.seed,
        replications=scenario.run.replications,
        drawing=state.drawing(scenario),
    )


def ended_event(design: str, result: Result) -> RunEnded:
    """Return the event of a result: the objectives, the predicted metrics and the bottleneck."""
    standings = {verdict.metric.name: verdict.standing for verdict in result.verdicts}
    names = dict.fromkeys([*standings, *predicted_metrics(result.plan.scenario)])
    estimates = [(name, result.metrics.get(name)) for name in names]
    bounds = {
        name: {"value": found.value, "low": found.low, "high": found.high} for name, found in estimates if found is not None
    }
    figures = tuple(RunFigure(metric=name, standing=standings.get(name), **bounds.get(name, {})) for name in names)
    stage = result.bottleneck.stage if result.bottleneck else None
    return RunEnded(design=design, run_hash=result.run_hash, figures=figures, bottleneck=stage)
