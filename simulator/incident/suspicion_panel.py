"""The suspicions of a person over time, beside the probabilities that follow from the findings, on the reveal."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from simulator.app.widgets import draw
from simulator.charts.look import BLUE, GREY, Chart, figure, line, rounded
from simulator.incident.incident_course import IncidentCourse, SuspicionScore, equal_brier, suspicion_scores


def suspicion_panel(course: IncidentCourse) -> None:
    """Draw the suspicions and their score; a sentence where there are none."""
    st.subheader("Your suspicions over time", anchor=False)
    scores = suspicion_scores(course)
    if not scores:
        st.markdown(
            "You wrote down no suspicions. In the next incident, write them down after each look: the reveal scores them here."
        )
        return
    draw(suspicion_chart(course, scores), key="suspicions")
    st.caption(
        "The grey line follows from the signs of your looks by Bayes' rule, with the frequencies of rehearsed incidents. The "
        f"Brier score of suspicions goes from 0, the best, to 2; equal suspicion of every cause scores {_equal(course):.2f}."
    )


def suspicion_chart(course: IncidentCourse, scores: Sequence[SuspicionScore]) -> Chart:
    """Draw the share of the true cause after each line of the notebook, as suspected and by the findings."""
    drawn = figure(height=280)
    steps = course.steps
    if steps:
        last = len(course.notes)
        x, y = [step.place + 1 for step in steps], [100 * step.true_share for step in steps]
        look = {"color": GREY, "width": 3, "dash": "dot", "shape": "hv"}
        hover = "line %{x}: %{y:.0f}% by the findings<extra></extra>"
        drawn.add_trace(go.Scatter(x=[*x, last], y=[*y, y[-1]], name="by the findings", line=look, hovertemplate=hover))
    places, shares = [score.place + 1 for score in scores], [100 * score.true_share for score in scores]
    hover = "line %{x}: %{y:.0f}% suspected<extra></extra>"
    drawn.add_trace(line(places, shares, BLUE, "your suspicion", hover, width=3, dotted=True, marker={"size": 9}))
    drawn.update_xaxes(title="line of the notebook", range=[0.5, len(course.notes) + 0.5], fixedrange=True, tickformat="d")
    drawn.update_yaxes(title="true cause (%)", range=[-3, 103], fixedrange=True)
    return Chart(drawn, _takeaway(course, scores), _table(scores))


def _takeaway(course: IncidentCourse, scores: Sequence[SuspicionScore]) -> str:
    first, last = scores[0], scores[-1]
    gave = f"You gave the true cause {100 * last.true_share:.0f}%"
    if len(scores) > 1:
        gave = f"You gave the true cause {100 * first.true_share:.0f}% at first and {100 * last.true_share:.0f}% at last"
    by = f"; the findings made it {100 * last.likely:.0f}% likely by then" if last.likely is not None else ""
    mean = sum(score.brier for score in scores) / len(scores)
    better = "better than" if mean < _equal(course) else "no better than"
    return f"{gave}{by}. Your suspicions score {mean:.2f} (Brier), {better} equal ones, which score {_equal(course):.2f}."


def _equal(course: IncidentCourse) -> float:
    return equal_brier(len(course.play.spec.causes))


def _table(scores: Sequence[SuspicionScore]) -> pd.DataFrame:
    rows = [
        (
            score.place + 1,
            100 * score.true_share,
            score.brier,
            None if score.likely is None else 100 * score.likely,
            score.likely_brier,
        )
        for score in scores
    ]
    columns = ["line", "true cause, suspected (%)", "Brier score", "true cause, by the findings (%)", "its Brier score"]
    return rounded(pd.DataFrame(rows, columns=columns), 3)
