"""A threshold that can be moved, with the requests that it flags and those that it lets pass."""

from __future__ import annotations

from functools import lru_cache

import streamlit as st

from simulator.app.design_state import step
from simulator.app.widgets import draw, plain
from simulator.charts.threshold_charts import crowd, flagged_by_sensitivity, roc, with_tried
from simulator.engine.compiled_plan import Plan
from simulator.metrics.operating_points import TARGETS, Dial, dial_of, flagged_at
from simulator.metrics.review_limits import review_limits
from simulator.units import percent


@st.fragment
def threshold(plan: Plan) -> None:
    """Show the curve of flagged shares, a crowd and the ROC curve of a design, at any operating point of its widest threshold.

    Where a choice of the case sets that threshold, the points are its picks, and a button picks one.
    """
    dial = dial_of(plan)
    if dial is None:
        draw(roc(plan), key="roc")
        return
    tried = _tried(plan, dial)
    flagged = flagged_at(plan, tried, dial.promised)
    of_positives = flagged.flagged_positives / flagged.positives
    left, right = st.columns(2, gap="large")
    with left:
        draw(with_tried(_flagged(plan), of_positives, flagged.share), key="flagged")
    with right:
        draw(crowd(flagged, plan.scenario, review_limits(plan)), key="crowd")
        _use(plan, dial, tried)
    draw(with_tried(roc(plan), flagged.flagged_negatives / flagged.negatives, of_positives), key="roc")


_flagged = lru_cache(maxsize=16)(flagged_by_sensitivity)


def _tried(plan: Plan, dial: Dial) -> float:
    """Return the sensitivity of the slider; at first that of the design."""
    points = sorted({*(dial.picks or map(float, TARGETS)), dial.sensitivity})
    who = plan.scenario.population
    assert who is not None
    label = f"Move the threshold: {who.positives} {who.flagged}, of the labelled ones"
    key = f"{plan.scenario.id}:threshold:{dial.sensitivity:g}"  # another design starts at its own threshold
    chosen: float = st.select_slider(plain(label), points, dial.sensitivity, percent, key=key)
    return chosen


def _use(plan: Plan, dial: Dial, tried: float) -> None:
    if dial.choice is None or tried not in dial.picks:
        return
    same, label = tried == dial.sensitivity, plan.scenario.choices[dial.choice].label_of(dial.picks[tried])
    words = "This is the operating point of the design" if same else f"Use this operating point: {label}"
    step_to = (plan.scenario, plan.design, dial.choice, dial.picks[tried])
    if st.button(plain(words), disabled=same, key="use_threshold", on_click=step, args=step_to):
        st.rerun()
