"""Predict, then reveal: a 90% interval for each metric that the author names, and the result; the runs of a session so far."""

from __future__ import annotations

from dataclasses import replace
from math import ceil, floor, log10
from time import time
from typing import Any, NamedTuple

import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from simulator.app.live_session import LiveSession
from simulator.app.widgets import draw, number_format, plain
from simulator.case.outputs import Metric
from simulator.case.phases import predicted_metrics
from simulator.case.schema import Scenario
from simulator.charts.design_diagram import design_flow
from simulator.charts.look import BLUE, ORANGE, Chart, line, points
from simulator.engine.compiled_plan import Plan
from simulator.explain.result import Result
from simulator.intervals import Estimate, Interval
from simulator.metrics.summary import Verdict, judged
from simulator.panels.verdict_bar import bar, bar_content
from simulator.phrases import phrase
from simulator.practice.session_at_hand import ask_for_run, take
from simulator.session.session_events import PredictionMade
from simulator.session.session_record import change_words, design_words, run_asked
from simulator.session.session_state import RunSeen, SessionPrediction, SessionState
from simulator.units import bound_scale, spoken, spoken_within

#: So many designs of a session are predicted before they run; further ones may be.
PREDICTED = 3

#: A person predicts no more than once in this time of work, unless they want to (s).
APART_S = 60.0

#: Units of an axis that read otherwise: a share is placed in per cent, and "a request" needs no word.
UNITS = {"share": " (%)", "a request": ""}

#: The steps of an axis on which a person places an interval, and the round numbers at which an axis ends.
_STEPS, _ROUND = 200, (1, 1.2, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10)

#: The length of an axis, as multiples of the bound and of the last result.
_BOUNDS, _RESULTS = 4, 1.5

#: An interval starts within this part of the bound to either side, and that of a share within so many points.
_AROUND, _POINTS = 0.5, 10.0

#: A difference that is rounding.
_TINY = 1e-9

#: The height of the design beside the form (px).
_HEIGHT = 420


def must_predict(state: SessionState) -> bool:
    """Return whether the design at hand is to be predicted before it runs: the first ones, and the first under a curveball."""
    if state.strikes and not any(run.asked.strikes for run in state.runs):
        return True
    latest = max((prediction.at for prediction in state.predictions), default=0.0)
    return len({prediction.design for prediction in state.predictions}) < PREDICTED and time() - latest >= APART_S


def prediction_form(live: LiveSession, plan: Plan) -> None:
    """Ask for the predictions beside the design and the last run, and run the design behind them."""
    last_verdicts(live)
    left, right = st.columns([3, 4])
    with left:
        _form(live)
        if not must_predict(live.state):
            st.button("Run without a prediction", type="tertiary", key="session:run", on_click=ask_for_run, args=(live,))
    with right:
        st.markdown(f"**The design to predict.** {plain(design_words(live.scenario, plan.design))}")
        with st.container(height=_HEIGHT, border=True):
            st.mermaid_chart(design_flow(plan), alt="The stages of the design and the ways between them.")


def _form(live: LiveSession) -> None:
    st.markdown("**Predict before you run.** Give intervals that should hold nine times in ten.")
    with st.form("session:predictions", border=True):
        for name in predicted_metrics(live.scenario):
            _range(live, live.scenario.metrics[name])
        stages = {name: spec.label for name, spec in live.scenario.stages.items()}
        limit = f"The stage that holds most {live.scenario.unit.many} up or turns them away"
        st.selectbox(plain(limit), list(stages), format_func=lambda name: stages[name], index=None, key="session:predict:stage")
        st.caption("This is about queues, not quality: a stage that judges wrongly limits nothing here.")
        st.form_submit_button("Predict and run", type="primary", on_click=_predict, args=(live,))


def _range(live: LiveSession, metric: Metric) -> None:
    bound = _bound_of(judged(live.scenario, {}), metric)
    factor, unit = _scale(bound, metric)
    last = _estimates(live.state.last_run).get(metric.name) if live.state.last_run else None
    axis = axis_of(bound, metric.unit, factor, last)
    label, shown = f"{metric.label}{unit}", number_format(axis.step)
    st.slider(plain(label), 0.0, axis.most, (axis.low, axis.high), axis.step, shown, key=f"session:predict:{metric.name}")


def _bound_of(verdicts: list[Verdict], metric: Metric) -> float:
    return next((verdict.bound for verdict in verdicts if verdict.metric.name == metric.name), 0.0) or 1.0


def _scale(bound: float, metric: Metric) -> tuple[float, str]:
    """Return the factor from a metric's own unit to that of its axis, and its words: ` (h)` for an objective in hours."""
    factor, unit = bound_scale(bound, metric.unit)
    return factor, UNITS.get(metric.unit, f" ({unit})")


class PredictionAxis(NamedTuple):
    """An axis from 0 on: its end, its step, and the interval that it starts with."""

    most: float
    step: float
    low: float
    high: float


def axis_of(bound: float, unit: str, factor: float, last: Interval | None) -> PredictionAxis:
    """Return the axis of a metric: per cent of a share, else a few times the bound, and what the last run reached.

    It starts with the interval of the last run, else around the bound, so coarsely that it does not give the bound away.

    bound, last: in the metric's own unit; factor: from that to the unit of the axis
    """
    at = bound * factor
    if unit == "share":
        most, step, around = 100.0, 0.1 if min(at, 100 - at) < _POINTS else 0.5, (at - _POINTS, at + _POINTS)
    else:
        reached = factor * last.high if last else 0.0
        least = max(_BOUNDS * at, _RESULTS * reached)
        size = 10.0 ** floor(log10(least))
        most = next(factor * size for factor in _ROUND if factor * size >= least * (1 - _TINY))
        step, around = most / _STEPS, ((1 - _AROUND) * at, (1 + _AROUND) * at)
    low, high = around if last is None else (factor * last.low, factor * last.high)
    grid = _POINTS * step if last is None else step
    ends = floor(low / grid + _TINY) * grid, ceil(high / grid - _TINY) * grid
    start, end = (min(max(end, 0.0), most) for end in ends)
    return PredictionAxis(most, step, *((start, end) if start < end else (max(start - step, 0.0), min(end + step, most))))


def _predict(live: LiveSession) -> None:
    design, events = live.state.design_at_hand(live.scenario), []
    for name in predicted_metrics(live.scenario):
        metric = live.scenario.metrics[name]
        factor, _ = _scale(_bound_of(judged(live.scenario, {}), metric), metric)
        low, high = st.session_state[f"session:predict:{name}"]
        events.append(PredictionMade(design=design, metric=name, low=low / factor, high=high / factor))
    if stage := st.session_state.get("session:predict:stage"):
        events.append(PredictionMade(design=design, stage=stage))
    take(live, *events, run_asked(live.scenario, live.state))


# ---- the reveal


def reveal(live: LiveSession, result: Result) -> None:
    """Show each prediction of the design at hand beside its result, and a sentence on what drove the first miss."""
    design = live.state.design_at_hand(live.scenario)
    made = [bet for bet in live.state.predictions if bet.design == design and bet.settled is not None]
    for bet in made:
        if bet.metric is not None and bet.metric in result.metrics:
            draw(prediction_chart(bet, result), key=f"session:reveal:{bet.place}")
    if stage := next((bet for bet in made if bet.stage is not None), None):
        st.markdown(plain(stage_sentence(live.scenario, stage, result)))
    if made:
        failed = [bet.metric for bet in made if bet.settled is not None and bet.settled.held is False]
        reasons = ((result.verdicts[place].metric.name, reason.sentence) for place, reason in result.reasons.items())
        limit = result.bottleneck.sentence if result.bottleneck is not None else ""
        st.markdown(plain(next((sentence for metric, sentence in reasons if metric in failed), limit)))


def stage_sentence(scenario: Scenario, prediction: SessionPrediction, result: Result) -> str:
    """Set the predicted limit beside that of the run. Without one, say which objectives are missed for another reason."""
    names = {name: spec.label for name, spec in scenario.stages.items()}
    assert prediction.settled is not None
    stage, limit = prediction.stage or "", prediction.settled.bottleneck
    if limit:
        return phrase("predictions.limit", stage=names.get(stage, stage), limit=names.get(limit, limit))
    missed = [verdict.objective.label for verdict in result.verdicts if verdict.standing == "not met"]
    return phrase("predictions.no_limit", stage=names.get(stage, stage), missed=missed)


def prediction_chart(prediction: SessionPrediction, result: Result) -> Chart:
    """Draw a prediction and its result as two intervals on one axis."""
    assert prediction.metric is not None
    metric, estimate = result.metric(prediction.metric), result.metrics[prediction.metric]
    low, high = float(prediction.low or 0.0), float(prediction.high or 0.0)
    factor, unit = _scale(_bound_of(result.verdicts, metric), metric)
    rows = [("You", low, (low + high) / 2, high, ORANGE), ("The run", estimate.low, estimate.value, estimate.high, BLUE)]
    figure = go.Figure()
    plain_look: dict[str, Any] = {"showlegend": False, "hoverinfo": None}
    for name, start, middle, end, colour in rows:
        figure.add_trace(line([factor * start, factor * end], [name, name], colour, name, width=8, **plain_look))
        if name == "The run":
            figure.add_trace(points([factor * middle], [name], colour, size=14, **plain_look))
    name = metric.label
    figure.update_layout(height=130, margin={"l": 0, "r": 0, "t": 10, "b": 0}, xaxis_title=f"{name}{unit}")
    held = low <= estimate.value <= high
    value, _ = spoken_within(estimate.value, estimate.low, estimate.high, metric.unit)
    takeaway = f"{name}: {value}, {'within' if held else 'outside of'} your interval."
    table = pd.DataFrame(
        [{"": name, "low": spoken(start, metric.unit), "high": spoken(end, metric.unit)} for name, start, _, end, _ in rows]
    )
    return Chart(figure, takeaway, table)


def verdicts_of(scenario: Scenario, run: RunSeen) -> list[Verdict]:
    """Return the verdicts of a run as they were shown."""
    standings = run.ended.verdicts if run.ended is not None else {}
    verdicts = judged(scenario, _estimates(run))
    return [replace(verdict, void=standings.get(verdict.metric.name) == "void") for verdict in verdicts]


def _estimates(run: RunSeen) -> dict[str, Estimate]:
    estimates = {}
    for figure in run.ended.figures if run.ended is not None else ():
        if (value := figure.value) is not None:
            low, high = (value if bound is None else bound for bound in (figure.low, figure.high))
            estimates[figure.metric] = Estimate(value, low, high, Interval(value, low, high))
    return estimates


def last_verdicts(live: LiveSession) -> None:
    """Show the verdicts of the last run; nothing before the first one."""
    if run := live.state.last_run:
        is_earlier = run.design != live.state.design_at_hand(live.scenario)
        st.markdown("**Your last run**" + (" (before this design)" if is_earlier else ""))
        bar(bar_content(verdicts_of(live.scenario, run)))


def runs_so_far(live: LiveSession) -> None:
    """Show each run with its change and its verdicts, in their order."""
    runs = [run for run in live.state.runs if run.ended]
    if not runs:
        st.markdown("Your first run has not ended yet." if live.state.runs else "You have run no design.")
        return
    rows, before = [], live.scenario.defaults()
    for number, run in enumerate(runs, start=1):
        words = change_words(live.scenario, before, run.asked.picks) or "nothing changed"
        struck = [live.scenario.curveballs[name].label for name in run.asked.strikes if name in live.scenario.curveballs]
        verdicts = {
            plain(verdict.objective.label): f"{verdict.reached}, {verdict.standing}"
            for verdict in verdicts_of(live.scenario, run)
        }
        rows.append({"run": number, "changed before it": "; ".join([words, *struck]), **verdicts})
        before = dict(run.asked.picks)
    st.dataframe(pd.DataFrame(rows), hide_index=True, alt=f"The runs of this session: {len(runs)}.")
