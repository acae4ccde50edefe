"""The predictions of all sessions: the number of intervals that held, their scores, and a picture of calibration."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import mean

import pandas as pd
import streamlit as st

from simulator.app.visitors import clock
from simulator.app.widgets import draw, plain
from simulator.case.schema import Scenario
from simulator.charts.look import BLUE, GREY, RED, Chart, figure, points, translucent
from simulator.intervals import Interval, share_interval
from simulator.session.prediction_scores import ALPHA, SCALE_WORDS, SCORE_WORDS, on_its_scale
from simulator.session.session_state import SessionPrediction
from simulator.units import counted, spoken, spoken_size
from simulator.you.own_record import OwnSession

#: The fewest settled intervals of a picture.
ENOUGH = 10

#: The end of the picture's axis, in half-widths of an interval; farther results stand there as triangles.
_FARTHEST = 3.0


@dataclass(frozen=True)
class SettledInterval:
    """A 90% interval for a metric and the result of the run, in the unit of the metric; at: of the result (s since 1970).

    span: the part of the metric's scale, None where the result is zero
    """

    case: str
    metric: str
    unit: str
    low: float
    high: float
    value: float
    score: float
    at: float
    span: float | None = None

    @property
    def held(self) -> bool:
        return self.low <= self.value <= self.high

    @property
    def place(self) -> float:
        """The result in half-widths from the middle of the interval: within from -1 to 1; the farthest for no width."""
        half, off = (self.high - self.low) / 2, self.value - (self.low + self.high) / 2
        far = off / half if half > 0 else 0.0 if off == 0 else _FARTHEST * (1 if off > 0 else -1)
        return max(-_FARTHEST, min(_FARTHEST, far))


def settled_intervals(sessions: Sequence[OwnSession]) -> list[SettledInterval]:
    """Return the settled interval predictions of sessions, the oldest first."""
    intervals = [_settled(own.scenario, prediction) for own in sessions for prediction in own.state.predictions]
    return sorted((interval for interval in intervals if interval is not None), key=lambda interval: interval.at)


def _settled(scenario: Scenario, prediction: SessionPrediction) -> SettledInterval | None:
    end, low, high = prediction.settled, prediction.low, prediction.high
    if end is None or end.value is None or end.score is None or prediction.metric is None or low is None or high is None:
        return None
    metric = scenario.metrics.get(prediction.metric)
    label = next(
        (goal.label for goal in scenario.objectives if goal.metric == prediction.metric),
        metric.label if metric else prediction.metric,
    )
    unit = metric.unit if metric else ""
    placed = on_its_scale(scenario, prediction)
    span = None if placed is None else placed.span
    return SettledInterval(scenario.title, label, unit, low, high, end.value, end.score, end.at, span)


def held_share(intervals: Sequence[SettledInterval]) -> Interval:
    """Return the share of intervals that held, with its exact 95% interval, as if each prediction stood alone."""
    return share_interval(sum(interval.held for interval in intervals), len(intervals))


def held_sentences(intervals: Sequence[SettledInterval]) -> str:
    """Return the share that held in words, and the lesson of it."""
    share, held = held_share(intervals), sum(interval.held for interval in intervals)
    ends = f"{share.low:.0%} to {share.high:.0%}"
    counts = f"{held} of {counted(len(intervals), 'interval')} held the result: {share.value:.0%} (95% interval {ends})."
    if spans := [interval.span for interval in intervals if interval.span is not None]:
        counts += f" On average they span {mean(spans):.0%} of the scale."
    aim = 1 - ALPHA
    if share.high < aim:
        return f"{counts} Your intervals hold too seldom: nine in ten should."
    if share.low > aim:
        return f"{counts} Your intervals hold too often: nine in ten should, and narrower ones score better."
    return f"{counts} Chance alone may explain the difference from nine in ten."


def calibration_chart(intervals: Sequence[SettledInterval]) -> Chart:
    """Draw each result where it lies in its interval: all intervals have one width, and a dot outside is a miss."""
    numbers = list(range(1, len(intervals) + 1))
    drawn = figure(height=300, showlegend=True)
    drawn.add_hrect(y0=-1, y1=1, fillcolor=translucent(BLUE, 0.14), line_width=0, layer="below")
    drawn.add_hline(y=0, line={"color": GREY, "width": 1, "dash": "dot"})
    for name, held, colour, symbol in (("held", True, BLUE, "circle"), ("missed", False, RED, "x")):
        chosen = [number for number in numbers if intervals[number - 1].held is held]
        own = [intervals[number - 1] for number in chosen]
        symbols = [_symbol(interval, symbol) for interval in own]
        words = [f"{interval.metric}: {spoken(interval.value, interval.unit)}, expected {_ends(interval)}" for interval in own]
        places = [interval.place for interval in own]
        drawn.add_trace(points(chosen, places, colour, name, "%{text}<extra></extra>", size=11, symbol=symbols, text=words))
    drawn.update_xaxes(
        title="predictions, the latest at the right",
        fixedrange=True,
        range=[0.2, len(numbers) + 0.8],
        dtick=max(1, round(len(numbers) / 10)),
    )
    ticks = {-1: "low end", 0: "middle", 1: "high end"}
    drawn.update_yaxes(
        fixedrange=True, range=[-_FARTHEST - 0.4, _FARTHEST + 0.4], tickvals=list(ticks), ticktext=list(ticks.values())
    )
    table = pd.DataFrame({
        "when": [clock(interval.at) for interval in intervals],
        "case": [interval.case for interval in intervals],
        "metric": [interval.metric for interval in intervals],
        "your interval": [_ends(interval) for interval in intervals],
        "the run": [spoken(interval.value, interval.unit) for interval in intervals],
        "held": ["yes" if interval.held else "no" for interval in intervals],
    })  # fmt: skip
    return Chart(drawn, held_sentences(intervals), table)


def _symbol(interval: SettledInterval, usual: str) -> str:
    if abs(interval.place) < _FARTHEST:
        return usual
    return "triangle-up" if interval.place > 0 else "triangle-down"


def _ends(interval: SettledInterval) -> str:
    return f"{spoken(interval.low, interval.unit)} to {spoken(interval.high, interval.unit)}"


def score_table(intervals: Sequence[SettledInterval]) -> pd.DataFrame:
    """Return the mean width and the mean interval score of each metric; scores of two units have no common mean."""
    groups: dict[tuple[str, str, str], list[SettledInterval]] = {}
    for interval in intervals:
        groups.setdefault((interval.case, interval.metric, interval.unit), []).append(interval)
    rows = [
        {
            "case": case,
            "metric": metric,
            "held": f"{sum(interval.held for interval in own)} of {len(own)}",
            "mean width": spoken_size(mean(interval.high - interval.low for interval in own), unit),
            "mean score": spoken_size(mean(interval.score for interval in own), unit),
        }
        for (case, metric, unit), own in groups.items()
    ]
    return pd.DataFrame(rows)


def predictions(sessions: Sequence[OwnSession]) -> None:
    """Show the share of intervals that held, the picture once there are enough, and the scores."""
    st.header("Predictions", anchor=False)
    intervals = settled_intervals(sessions)
    if not intervals:
        st.markdown("No prediction is settled yet. A session asks for 90% intervals before each of its first three designs.")
        return
    if len(intervals) < ENOUGH:
        missing = ENOUGH - len(intervals)
        st.markdown(plain(f"{held_sentences(intervals)} The picture comes after {counted(missing, 'more prediction')}."))
    else:
        draw(calibration_chart(intervals), key="you:calibration")
        st.caption(
            "The band is your interval, each drawn with one width. A triangle lies farther out than the picture reaches."
        )
    scores = score_table(intervals)
    st.dataframe(scores, hide_index=True, alt=f"Interval scores of {counted(len(scores), 'metric')}; smaller is better.")
    st.caption(f"{SCORE_WORDS} {SCALE_WORDS}")
