"""A threshold that can be moved: what it refers and what it misses, at once."""

from __future__ import annotations

import streamlit as st

from simulator.app.design_state import step
from simulator.app.widgets import draw, plain
from simulator.charts.look import Chart
from simulator.charts.threshold_charts import crowd, referrals_by_sensitivity, roc, with_tried
from simulator.engine.plan import Plan, fingerprint
from simulator.metrics.operating_points import TARGETS, Dial, dial_of, reading_capacity, referred_at
from simulator.units import percent


@st.fragment
def threshold(plan: Plan) -> None:
    """Show the referral curve, a crowd and the ROC curve of a design, at any operating point of its widest threshold.

    Where a choice of the case sets that threshold, the points are its picks, and a button picks one.
    """
    dial = dial_of(plan)
    if dial is None:
        draw(roc(plan), key="roc")
        return
    tried = _tried(plan, dial)
    found = referred_at(plan, tried, dial.promised)
    finds = found.found / found.positives
    left, right = st.columns(2, gap="large")
    with left:
        draw(with_tried(_referrals(fingerprint(plan.identity), plan), finds, found.share), key="referrals")
    with right:
        draw(crowd(found, plan.scenario, reading_capacity(plan)), key="crowd")
        _use(plan, dial, tried)
    draw(with_tried(roc(plan), found.alarms / found.negatives, finds), key="roc")


@st.cache_resource(max_entries=16, show_spinner=False)
def _referrals(design: str, _plan: Plan) -> Chart:
    return referrals_by_sensitivity(_plan)


def _tried(plan: Plan, dial: Dial) -> float:
    """Return the sensitivity of the slider; at first that of the design."""
    points = sorted({*(dial.picks or map(float, TARGETS)), dial.sensitivity})
    who = plan.scenario.population
    assert who is not None
    label = f"Move the threshold: {who.positives} {who.escalated}, of the labelled ones"
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
