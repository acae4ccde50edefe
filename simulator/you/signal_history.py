"""Predictions and signals of all sessions: the intervals that held, a picture of calibration, and the levels of signals."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import mean

import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from simulator.app.visitors import clock
from simulator.app.widgets import draw, plain
from simulator.case.schema import Scenario
from simulator.charts.look import BLUE, GREY, RED, Chart, figure, points, translucent
from simulator.intervals import Interval, share_interval
from simulator.phrases import phrase
from simulator.session.prediction_scores import ALPHA, SCALE_WORDS, SCORE_WORDS, WIDE, on_its_scale
from simulator.session.session_signals import LEVELS, SIGNALS
from simulator.session.session_state import SessionPrediction, SessionState
from simulator.session.signal_rules import decided_levels
from simulator.units import counted, spoken, spoken_size
from simulator.you.own_record import OwnSession

#: The fewest settled intervals of a picture.
ENOUGH = 10

#: The end of the picture's axis, in half-widths of an interval; farther results stand there as triangles.
_FARTHEST = 3.0


@dataclass(frozen=True)
class SettledInterval:
    """A 90% interval for a metric and the result of the run, in the unit of the metric; at: of the result (s since 1970).

    span: the part of the metric's scale
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
    unit, placed = metric.unit if metric else "", on_its_scale(scenario, prediction)
    span = None if placed is None else placed.span
    return SettledInterval(scenario.title, label, unit, low, high, end.value, end.score, end.at, span)


def held_share(intervals: Sequence[SettledInterval]) -> Interval:
    """Return the share of intervals that held, with its exact 95% interval, as if each prediction stood alone."""
    return share_interval(sum(interval.held for interval in intervals), len(intervals))


def held_sentences(intervals: Sequence[SettledInterval]) -> str:
    """Return the share that held in words, and the lesson of it."""
    share, held = held_share(intervals), sum(interval.held for interval in intervals)
    spans, aim = [interval.span for interval in intervals if interval.span is not None], 1 - ALPHA
    span, wide = f"{mean(spans):.0%}" if spans else "", bool(spans) and mean(spans) >= WIDE
    lesson = "calibration.seldom" if share.high < aim else "calibration.often" if share.low > aim else "calibration.chance"
    return phrase("calibration.held", held=held, all=len(intervals), share=share, span=span, wide=wide, lesson=phrase(lesson))


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
        "of the scale": ["" if interval.span is None else f"{interval.span:.0%}" for interval in intervals],
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
        draw(calibration_chart(intervals), key="you:calibration", caption=phrase("calibration.chart"))
    scores = score_table(intervals)
    st.dataframe(scores, hide_index=True, alt=f"Interval scores of {counted(len(scores), 'metric')}; smaller is better.")
    st.caption(f"{SCORE_WORDS} {SCALE_WORDS}")


#: Functions that give levels, signal by signal, each with its name on the screen.
SOURCES: dict[str, Callable[[Scenario, SessionState], Mapping[str, str]]] = {
    "your rating": lambda scenario, state: state.ratings,
    "by the log": lambda scenario, state: (
        {} if state.ended_at is None else {name: level.level for name, level in decided_levels(scenario, state).items()}
    ),
}


#: The sign and the colour of each level, from the lowest on.
_SIGNS = ("−−", "−", "+", "++")
_COLOURS = (translucent(RED, 0.45), translucent(RED, 0.2), translucent(BLUE, 0.2), translucent(BLUE, 0.45))

#: The most sessions in the picture.
MOST = 8


def level_table(sessions: Sequence[OwnSession], source: str) -> pd.DataFrame:
    """Return the level of each signal (a row) in each session with any level (a column), the oldest first; "" for none."""
    names, columns = {signal.name for signal in SIGNALS}, dict[str, list[str]]()
    for session in sessions:
        levels = SOURCES[source](session.scenario, session.state)
        if names & set(levels):
            head = f"{len(columns) + 1}. {clock(session.state.session.begun_at)}, {session.scenario.title}"
            columns[head] = [levels.get(signal.name, "") for signal in SIGNALS]
    return pd.DataFrame(columns, index=[signal.label for signal in SIGNALS])


def signal_chart(table: pd.DataFrame, source: str) -> Chart:
    """Draw the levels of the latest sessions as cells with a sign."""
    shown = table.iloc[:, -MOST:]
    ranks = shown.map(lambda level: LEVELS.index(level) if level in LEVELS else None)
    texts = shown.map(lambda level: _SIGNS[LEVELS.index(level)] if level in LEVELS else "")
    numbers = [str(len(table.columns) - len(shown.columns) + place + 1) for place in range(len(shown.columns))]
    steps = [(place / 4 + edge / 4, _COLOURS[place]) for place in range(4) for edge in (0, 1)]
    cells = go.Heatmap(
        x=numbers,
        y=list(shown.index),
        z=ranks.to_numpy(float),
        colorscale=steps,
        zmin=-0.5,
        zmax=3.5,
        showscale=False,
        xgap=3,
        ygap=3,
        hoverinfo="skip",
    )
    places = [(number, label) for label in shown.index for number in numbers]
    signs = go.Scatter(
        x=[number for number, _ in places],
        y=[label for _, label in places],
        text=texts.to_numpy(str).ravel(),
        mode="text",
        textfont={"size": 16},
        hovertemplate="%{y}, session %{x}: %{text}<extra></extra>",
        showlegend=False,
    )
    drawn = figure(cells, signs, height=90 + 30 * len(shown))
    drawn.update_xaxes(title="rated session, the latest at the right", type="category", fixedrange=True, showgrid=False)
    drawn.update_yaxes(autorange="reversed", fixedrange=True, showgrid=False)
    spoken = table.map(lambda level: level.replace("_", " ")).rename_axis("signal").reset_index()
    return Chart(drawn, _levels_takeaway(table, source), spoken)


#: The most signals that a sentence names.
_NAMED = 3


def _levels_takeaway(table: pd.DataFrame, source: str) -> str:
    latest = table.iloc[:, -1]
    rated = {label: LEVELS.index(level) for label, level in latest.items() if level in LEVELS}
    lowest = min(rated.values())
    weakest = [str(label) for label, rank in rated.items() if rank == lowest]
    level = LEVELS[lowest].replace("_", " ")
    if len(weakest) == len(rated) > 1:
        return phrase("signals.equal", rated=len(rated), level=level, source=source, moved=_moved_sentence(table))
    more, moved = max(len(weakest) - _NAMED, 0), _moved_sentence(table)
    return phrase("signals.lowest", level=level, source=source, weakest=weakest[:_NAMED], more=more, moved=moved)


def _moved_sentence(table: pd.DataFrame) -> str:
    """Return the number of signals that stand higher or lower than in the first session; empty for one session."""
    if len(table.columns) < 2:
        return ""
    pairs = [(first, last) for first, last in zip(table.iloc[:, 0], table.iloc[:, -1], strict=True) if first and last]
    moves = [LEVELS.index(last) - LEVELS.index(first) for first, last in pairs]
    higher, lower = sum(move > 0 for move in moves), sum(move < 0 for move in moves)
    return phrase("signals.moved", higher=higher, lower=lower)


def signals(sessions: Sequence[OwnSession]) -> None:
    """Show the signals of every source of levels; sessions: the oldest first."""
    st.header("Signals", anchor=False)
    for source in SOURCES:
        table = level_table(sessions, source)
        if (table.empty or not len(table.columns)) and source == next(iter(SOURCES)):
            st.markdown("No session is rated yet. The debrief asks for your own level at each signal.")
        elif len(table.columns):
            draw(signal_chart(table, source), key=f"you:signals:{source}")
            st.caption("−− very weak, − weak, + strong, ++ very strong")
