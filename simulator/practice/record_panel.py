"""The record of a session: its timeline, every run to look at again, the predictions, and the mistakes that the log shows."""

from __future__ import annotations

from typing import Any

import pandas as pd
import streamlit as st

from simulator.app.links import written
from simulator.app.live_session import LiveSession
from simulator.app.widgets import as_table, plain
from simulator.case.document import ScenarioError
from simulator.case.phases import phases_of
from simulator.charts.look import inked
from simulator.engine.plan import compile_plan
from simulator.paths import PAGES
from simulator.practice.session_timeline import session_timeline
from simulator.session.prediction_scores import SCALE_WORDS, SCORE_WORDS, on_its_scale
from simulator.session.session_course import Course
from simulator.session.session_record import design_words, record, run_words
from simulator.session.session_state import RunSeen
from simulator.session.signal_rules import mistake_free, mistakes
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
    st.caption(" · ".join(f"{plain(one.title)} {used.get(one.id, 0) / 60:.0f} of {one.minutes:g} min" for one in planned))
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
    settled = [
        prediction for prediction in live.state.predictions if prediction.metric is not None and prediction.settled is not None
    ]
    if not settled:
        return
    st.header("Your predictions", anchor=False)
    rows = []
    for one in settled:
        metric = live.scenario.metrics[one.metric or ""]
        assert one.settled is not None
        value, score, placed = one.settled.value, one.settled.score, on_its_scale(live.scenario, one)
        rows.append(
            {
                "metric": metric.label,
                "you": f"{spoken(one.low or 0.0, metric.unit)} to {spoken(one.high or 0.0, metric.unit)}",
                "the run": "no figure" if value is None else spoken(value, metric.unit),
                "held": {True: "yes", False: "no", None: ""}[one.settled.held],
                "of the scale": "" if placed is None else f"{placed.span:.0%}",
                "score": "" if score is None else spoken_size(score, metric.unit),
            }
        )
    takeaway = f"{Course(live.scenario, live.state).interval_words} Intervals of 90% should hold nine times in ten."
    st.markdown(takeaway)
    st.dataframe(pd.DataFrame(rows), hide_index=True, alt=takeaway)
    st.caption(f"{SCORE_WORDS} {SCALE_WORDS}")


def _mistakes(live: LiveSession) -> None:
    """Name the mistakes that the log shows, each with its moment."""
    st.header("Mistakes that interviewers name", anchor=False)
    found, minutes = mistakes(live.scenario, live.state), minute_of(live)
    for mistake, evidence in found:
        when = [f"minute {minutes[place]:.1f}" for place in evidence.places if place in minutes][:1]
        st.warning(plain(f"{mistake.label}. {evidence.sentence}{f' The moment: {when[0]}.' if when else ''}"))
    st.markdown(plain(mistake_free(live.scenario, live.state)))
