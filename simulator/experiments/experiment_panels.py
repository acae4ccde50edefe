"""Panels of experiments in the field, with their charts: the audit of the cleared, and the canary that is looked at daily."""

from __future__ import annotations

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from simulator.app.exhibit_drawings import panel
from simulator.app.widgets import draw, plain
from simulator.case.exhibits import audit_gate
from simulator.charts.look import BLUE, GREY, OBJECTIVE, ORANGE, Chart, chart, dots, figure, line
from simulator.experiments.canary import (
    ALPHA,
    Canary,
    CanaryReport,
    Days,
    FieldShare,
    canary_report,
    canary_sentences,
    canary_table,
    field_shares,
    people_a_day,
)
from simulator.experiments.cleared_audits import SHARES, ClearedFlow, audit_sentences, audit_table, cleared_flow
from simulator.explain.result import Result
from simulator.phrases import phrase
from simulator.units import counted


def audit_chart(flow: ClearedFlow, positives: str, share: float, days: float) -> Chart:
    """Draw the sensitivity that audits of several shares report after some days; share: of the one in the sentences."""
    shares = sorted({*SHARES, share})
    forecasts = [flow.audited(share, days) for share in shares]
    reported = [(forecast.sensitivity.value, forecast.sensitivity.low, forecast.sensitivity.high) for forecast in forecasts]
    rows = 100 * pd.DataFrame(reported, columns=["value", "low", "high"])
    rows.insert(0, "label", [_label(forecast.share) for forecast in forecasts])
    here = rows["label"] == _label(share)
    drawn = figure(
        dots("audit", rows[~here].iloc[::-1], BLUE),
        dots("audit that the text describes", rows[here], ORANGE),
        height=90 + 40 * len(rows),
        showlegend=False,
    )
    drawn.update_yaxes(categoryorder="array", categoryarray=rows["label"].iloc[::-1])
    drawn.add_vline(x=100 * flow.sensitivity, line={"color": GREY, "width": 1})
    drawn.update_xaxes(title=f"{positives} referred, as reported (%)")
    return chart(drawn, audit_sentences(flow.audited(share, days), positives), audit_table(forecasts, positives))


def _label(share: float) -> str:
    return f"{100 * share:g}% audited"


def canary_chart(report: CanaryReport) -> Chart:
    """Draw the share of experiments without a difference in which each test has raised an alarm by each day."""
    drawn = figure(
        _alarms("plain test", report.same.daily, report.same.days, ORANGE),
        _alarms("sequential test", report.same.sequential, report.same.days, BLUE),
        height=320,
    )
    drawn.add_hline(y=100 * ALPHA, line=OBJECTIVE)
    drawn.update_xaxes(title="days of daily looks")
    drawn.update_yaxes(title="experiments with a false alarm (%)", rangemode="tozero")
    return chart(drawn, canary_sentences(report), canary_table(report))


def _alarms(name: str, first: Days, days: int, colour: str) -> go.Scatter:
    raised = np.bincount(first, minlength=days + 1)[1:].cumsum() / len(first)
    hover = "after %{x} days: %{y:.1f}%<extra>%{fullData.name}</extra>"
    return line(np.arange(1, days + 1), 100 * raised, colour, name, hover, width=2)


#: Days after which the panel can look at an audit.
DAYS = (7, 30, 90, 365)
#: The share that the panel speaks of where the design has no audit.
USUAL_SHARE = 0.02


@panel("audit")
def audit(result: Result) -> None:
    """Draw what audits of several shares would report; the design's own share is marked."""
    scenario, flow = result.plan.scenario, cleared_flow(result)
    gate = audit_gate(scenario)
    if flow is None or gate is None:
        st.markdown("No case was read in this run: an audit has nothing to rest on.")
        return
    key = f"{scenario.id}:audit_days"
    days = st.select_slider("Look after", DAYS, 30, lambda count: counted(count, "day"), key=key)
    draw(audit_chart(flow, gate.positives, gate.share or USUAL_SHARE, days), key="audit")
    st.caption(plain(phrase("audit.sense", share=gate.share, positives=gate.positives)))


#: Changes to find, as parts of the share itself.
CHANGES = (-0.2, -0.1, -0.05, -0.02, 0.02, 0.05, 0.1, 0.2)
#: Shares of the people who get the new design.
CANARIES = (0.01, 0.05, 0.1, 0.5)
#: Days that an experiment lasts.
EXPERIMENT_DAYS = (7, 30, 90)


def _change(part: float) -> str:
    return f"{abs(part):.0%} {'fewer' if part < 0 else 'more'}"


@panel("canary")
def canary(result: Result) -> None:
    """Draw the false alarms of daily looks at the design at hand, and the days until a change is found."""
    case = result.plan.scenario.id
    shares = {share.label: share.usual for share in field_shares(result, result)}
    left, right = st.columns(2)
    label = left.radio("Share to compare", list(shares), format_func=plain, key=f"{case}:canary_of")
    change = right.select_slider("Change to find", CHANGES, -0.05, _change, key=f"{case}:canary_change")
    share = left.select_slider("People who get the new model", CANARIES, 0.1, "{:.0%}".format, key=f"{case}:canary_share")
    days = right.select_slider("Days", EXPERIMENT_DAYS, 30, key=f"{case}:canary_days")
    usual = shares[label]
    of = FieldShare(label, usual, min(usual * (1 + change), 1.0))
    draw(canary_chart(canary_report(of, Canary(people_a_day(result), share, days))), key="canary")
    st.caption(phrase("canary.sense"))
