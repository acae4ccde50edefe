"""Charts of experiments in the field, each with its sentences and its table twin."""

from __future__ import annotations

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from simulator.charts.look import BLUE, GREY, OBJECTIVE, ORANGE, Chart, chart, dots, figure, line
from simulator.experiments.canary import CanaryReport, Days
from simulator.experiments.cleared_audits import SHARES, ClearedFlow
from simulator.experiments.experiment_words import audit_sentences, audit_table, canary_sentences, canary_table
from simulator.experiments.sequential_ab import ALPHA


def audit_chart(flow: ClearedFlow, positives: str, share: float, days: float) -> Chart:
    """Draw the sensitivity that audits of several shares report after some days; share: of the one in the sentences."""
    shares = sorted({*SHARES, share})
    forecasts = [flow.audited(share, days) for share in shares]
    rows = pd.DataFrame(
        {
            "label": [_label(forecast.share) for forecast in forecasts],
            "value": [100 * forecast.sensitivity.value for forecast in forecasts],
            "low": [100 * forecast.sensitivity.low for forecast in forecasts],
            "high": [100 * forecast.sensitivity.high for forecast in forecasts],
        }
    )
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
