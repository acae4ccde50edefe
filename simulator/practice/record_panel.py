"""The record of a session: its timeline, every run, the predictions and the mistakes; then the person's own rating."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from simulator.app.links import written
from simulator.app.live_session import LiveSession
from simulator.app.rating_card import RatingCards
from simulator.app.widgets import as_table, plain
from simulator.case.document import ScenarioError
from simulator.case.phases import phases_of
from simulator.case.schema import Scenario
from simulator.charts.look import BLUE, ORANGE, Chart, inked, points
from simulator.engine.plan import compile_plan
from simulator.paths import PAGES
from simulator.phrases import phrase
from simulator.practice.session_at_hand import take
from simulator.session.prediction_scores import SCALE_WORDS, SCORE_WORDS, on_its_scale
from simulator.session.session_course import Course
from simulator.session.session_events import SelfRated
from simulator.session.session_record import design_words, record, run_words
from simulator.session.session_signals import Evidence, signals_of
from simulator.session.session_state import RunSeen, SessionState
from simulator.session.signal_rules import decided_levels, mistake_free, mistakes
from simulator.units import spoken, spoken_size

#: The key of the run that the person looks at.
_CHOSEN = "session:run_at"


def record_panel(live: LiveSession) -> None:
    """Show what the person did and what it did, before any rating."""
    st.header("The record", anchor=False)
    _timeline(live)
    _run_again(live)
    _predictions(live)
    _mistakes(live)


def minute_of(live: LiveSession) -> dict[int, float]:
    """Return the minute of each place of the log that has a row in the record."""
    return {row.place: row.minute for row in record(live.scenario, live.state)}


def _timeline(live: LiveSession) -> None:
    chart = session_timeline(live.scenario, live.state)
    st.markdown(f"**{plain(chart.takeaway)}** Press a run to look at its design.")
    assert chart.figure is not None
    st.plotly_chart(
        inked(chart.figure, st.context.theme.type),
        alt=chart.takeaway,
        key="session:timeline",
        on_select=_choose,
        selection_mode="points",
    )
    used, planned = live.state.used_s, phases_of(live.scenario, live.state.session.minutes)
    st.caption(
        " · ".join(f"{plain(phase.title)} {used.get(phase.id, 0) / 60:.0f} of {phase.minutes:g} min" for phase in planned)
    )
    as_table(chart.table, "session:timeline")


def _choose() -> None:
    """Take over the run whose mark was pressed."""
    points = st.session_state["session:timeline"].get("selection", {}).get("points", [])
    places = [point["customdata"] for point in points if "customdata" in point]
    if places:
        st.session_state[_CHOSEN] = places[0][0] if isinstance(places[0], list) else places[0]


def _run_again(live: LiveSession) -> None:
    runs = {run.place: (number, run) for number, run in enumerate((run for run in live.state.runs if run.ended), start=1)}
    if not runs:
        st.markdown("You ran no design.")
        return
    if st.session_state.get(_CHOSEN) not in runs:
        st.session_state[_CHOSEN] = max(runs)
    minutes = minute_of(live)
    chosen = st.selectbox(
        "A design of this session",
        list(runs),
        format_func=lambda place: f"Design {runs[place][0]}, minute {minutes[place]:.1f}",
        key=_CHOSEN,
    )
    number, run = runs[chosen]
    st.markdown(plain(f"{design_words(live.scenario, run.asked.picks)} Verdicts: {run_words(run)}."))
    _restorable(live, number, run)


def _restorable(live: LiveSession, number: int, run: RunSeen) -> None:
    try:
        plan = compile_plan(live.scenario, run.asked.picks, run.asked.strikes)
    except ScenarioError:
        st.caption("The case was edited since; this design cannot run any more.")
        return
    params: dict[str, Any] = written(plan, run.asked.seed, run.asked.replications)
    with st.container(horizontal=True):
        st.page_link(PAGES / "practice.py", label=f"Open design {number} in Explore", query_params=params)
        st.page_link(PAGES / "tradeoffs.py", label=f"Trade-offs around design {number}", query_params=params)


def _predictions(live: LiveSession) -> None:
    rows = []
    for bet in live.state.predictions:
        if bet.metric is None or (end := bet.settled) is None:
            continue
        metric, placed = live.scenario.metrics[bet.metric], on_its_scale(live.scenario, bet)
        rows.append(
            {
                "metric": metric.label,
                "you": f"{spoken(bet.low or 0.0, metric.unit)} to {spoken(bet.high or 0.0, metric.unit)}",
                "the run": "no figure" if end.value is None else spoken(end.value, metric.unit),
                "held": {True: "yes", False: "no", None: ""}[end.held],
                "of the scale": "" if placed is None else f"{placed.span:.0%}",
                "score": "" if end.score is None else spoken_size(end.score, metric.unit),
            }
        )
    if not rows:
        return
    st.header("Your predictions", anchor=False)
    takeaway = f"{Course(live.scenario, live.state).interval_words} Intervals of 90% should hold nine times in ten."
    st.markdown(takeaway)
    st.dataframe(pd.DataFrame(rows), hide_index=True, alt=takeaway)
    st.caption(f"{SCORE_WORDS} {SCALE_WORDS}")


def _mistakes(live: LiveSession) -> None:
    """Name the mistakes that the log shows, each with its moment."""
    st.header("Mistakes that interviewers name", anchor=False)
    shown, minutes = mistakes(live.scenario, live.state), minute_of(live)
    for mistake, evidence in shown:
        when = [f"minute {minutes[place]:.1f}" for place in evidence.places if place in minutes][:1]
        st.warning(plain(f"{mistake.label}. {evidence.sentence}{f' The moment: {when[0]}.' if when else ''}"))
    st.markdown(plain(mistake_free(live.scenario, live.state)))


#: The most moments that stand behind a sentence of evidence.
_MOMENTS = 3


def rating_panel(live: LiveSession, compared: bool) -> None:
    """Ask for a level of each signal. compared: whether the levels that the log decides are shown, too."""
    st.header("Rate yourself", anchor=False)
    st.markdown("The log holds the evidence. You decide the level.")
    minutes = minute_of(live)
    RatingCards(
        Course(live.scenario, live.state),
        words=lambda evidence: evidence_words(evidence, minutes),
        rate=lambda signal, level: take(live, SelfRated(signal=signal, level=level)),
        ratings=dict(live.state.ratings),
        decided=decided_levels(live.scenario, live.state) if compared else {},
        compared=lambda _: compared,
        key="session",
    ).draw(signals_of(live.scenario))


def evidence_words(evidence: Evidence, minutes: dict[int, float]) -> str:
    """Return a sentence of evidence with the minutes of the first events that it rests on."""
    moments = [f"{minutes[place]:.1f}" for place in evidence.places if place in minutes][:_MOMENTS]
    return f"{evidence.sentence} (minute {', '.join(moments)})" if moments else evidence.sentence


#: What stands above the phases, from the lowest row on, with its mark.
_MARKS = {"Prediction": "line-ns-open", "Run": "circle", "Hint": "triangle-up", "Curveball": "star"}


def session_timeline(scenario: Scenario, state: SessionState) -> Chart:
    """Return the timeline of a session; each mark of a run carries the run's place in the log."""
    rows = record(scenario, state)
    figure = go.Figure()
    _phases(figure, scenario, state)
    for what, mark in _MARKS.items():
        own = [row for row in rows if row.what == what]
        words, places = [row.details for row in own], [row.place for row in own]
        look: dict[str, Any] = {"size": 14, "symbol": mark, "edge": 2, "text": words, "customdata": places}
        minutes = [row.minute for row in own]
        figure.add_trace(points(minutes, [what] * len(own), ORANGE, what, "%{text}<extra></extra>", **look))
    titles = [phase.title for phase in phases_of(scenario)]
    order = [*reversed(titles), *_MARKS]
    figure.update_yaxes(categoryorder="array", categoryarray=order, automargin=True)
    figure.update_xaxes(automargin=True)  # the report has no theme that makes room for words
    figure.update_layout(
        xaxis_title="Time since the begin (min)",
        height=60 + 30 * len(order),
        margin={"l": 0, "r": 0, "t": 10, "b": 0},
        showlegend=False,
    )
    cells = [{"minute": f"{row.minute:.1f}", "what": row.what, "details": row.details} for row in rows]
    return Chart(figure, _takeaway(scenario, state), pd.DataFrame(cells))


def _phases(figure: go.Figure, scenario: Scenario, state: SessionState) -> None:
    titles = {phase.id: phase.title for phase in phases_of(scenario)}
    end = state.ended_at if state.ended_at is not None else state.last_at
    begun = state.session.begun_at
    ends = [*(later.at for _, later in pairwise(state.visits)), end]
    for visit, until in zip(state.visits, ends, strict=True):
        title = titles.get(visit.event.phase, visit.event.phase)
        start, length = (visit.at - begun) / 60, max(until - visit.at, 0.0) / 60
        words = f"{title}: {length:.1f} min<extra></extra>"
        figure.add_bar(base=start, x=[length], y=[title], orientation="h", marker_color=BLUE, hovertemplate=words)


def _takeaway(scenario: Scenario, state: SessionState) -> str:
    planned, used = phases_of(scenario, state.session.minutes), state.used_s
    over = [phase.title for phase in planned if used.get(phase.id, 0.0) > 60 * (phase.minutes + 1)]
    runs = sum(run.ended is not None for run in state.runs)
    minutes = {"worked": sum(used.values()) / 60, "planned": state.session.minutes}
    return phrase("record.time", **minutes, runs=runs, over=over[:2])
