"""The reveal of an incident: its cause, the harm of each day, looks, suspicions and signals."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from math import isfinite

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import streamlit as st
from numpy.typing import NDArray

from simulator.app.widgets import draw, lessons, plain
from simulator.charts.look import BLUE, GREY, RED, Chart, figure, rounded, wrapped
from simulator.incident.incident_course import IncidentCourse
from simulator.incident.incident_rating_panel import rate_incident
from simulator.incident.incident_score import HELPS, DebriefStep, Excess, Score, score
from simulator.incident.secret import DAY_S, HOUR_S
from simulator.incident.sessions import Game, link
from simulator.incident.standing_panel import standing_panel
from simulator.incident.study_panel import load_study, studied
from simulator.incident.suspicion_panel import suspicion_panel
from simulator.incident.wording import hours, moment, usd
from simulator.units import significant, with_noun

_UNIT = "weighted objects"
#: Room above the lines for the words of the marks, part of their height.
_AIR = 0.35


def harm(went: Excess, untouched: Excess, end_s: float, marks: Sequence[tuple[str, float]]) -> Chart:
    """Draw the excess harm of each day, as it went and without any action; marks: events with their times (s)."""
    days = np.arange(1, int(np.ceil(end_s / DAY_S)) + 1)
    both = {"without any action": _by_day(untouched, len(days)), "as it went": _by_day(went, len(days))}
    drawn = figure(height=300)
    for (name, values), colour, dash in zip(both.items(), (RED, BLUE), ("dot", "solid"), strict=True):
        hover = f"day %{{x}}: %{{y:.3g}} {name}<extra></extra>"
        line = {"color": colour, "width": 3, "dash": dash}
        drawn.add_trace(go.Scatter(x=days, y=values, name=name, line=line, hovertemplate=hover))
    for place, (name, at_s) in enumerate(marks):
        x = at_s / DAY_S + 1
        drawn.add_vline(x=x, line={"color": GREY, "width": 1.5, "dash": "dash"})
        height = 1 - 0.08 * (place % 3)
        drawn.add_annotation(x=x, y=height, yref="paper", text=name, showarrow=False, xanchor="left", xshift=3)
    drawn.update_xaxes(title="day", range=[1, len(days) + 1], fixedrange=True)
    low, high = min(0.0, *map(np.min, both.values())), max(1.0, *map(np.max, both.values()))
    drawn.update_yaxes(title=f"{_UNIT}, a day", fixedrange=True, range=[low, high + _AIR * (high - low)])
    table = pd.DataFrame({"day": days} | {f"{name} ({_UNIT})": values for name, values in both.items()})
    return Chart(drawn, _saved(*(values.sum() for values in both.values())), rounded(table))


def _saved(untouched: float, went: float) -> str:
    more = "less" if went <= untouched else "more"
    return f"With your actions the harm was {significant(abs(untouched - went))} {_UNIT} {more} than without any action."


def _by_day(excess: Excess, days: int) -> NDArray[np.float64]:
    day = np.minimum((excess.at_s // DAY_S).astype(np.int64), days - 1)
    return np.asarray(np.bincount(day, excess.harm, days), float)


def looks(steps: Sequence[DebriefStep], moment: Callable[[float], str]) -> Chart:
    """Draw each look beside the most informative one at that time; moment: a time in words."""
    names = [wrapped(f"{number}. {step.label}") for number, step in enumerate(steps, start=1)]
    drawn = figure(height=110 + 50 * len(steps), barmode="group")
    sides = ("the best look then", [s.best_bits for s in steps], GREY), ("this look", [s.bits or 0 for s in steps], BLUE)
    for name, bits, colour in sides:
        bar = go.Bar(y=names, x=bits, orientation="h", name=name, marker={"color": colour}, hovertemplate="%{x:.2f} bits")
        drawn.add_trace(bar)
    drawn.update_xaxes(title="expected information about the cause, bits", fixedrange=True)
    drawn.update_yaxes(fixedrange=True, autorange="reversed")
    table = pd.DataFrame(
        [(s.label, moment(s.at_s), s.bits, s.best, s.best_bits, s.sign, 100 * s.true_share) for s in steps],
        columns=["look", "when", "bits", "the best look then", "its bits", "what it showed", "true cause likely (%)"],
    )
    last = f"{100 * steps[-1].true_share:.0f}%" if steps else "0%"
    return Chart(drawn, f"By the rules of probability, the findings made the true cause {last} likely.", rounded(table))


#: The most fixes that are named.
_MOST_HELPS = 3


def reveal(game: Game) -> None:
    """Draw all of it, from the answer to the lessons."""
    result = score(game.play)
    _answer(game, result)
    _figures(result)
    standing_panel(game, result)
    _harm(game)
    course = IncidentCourse.of(game.play)
    _path(game, course)
    suspicion_panel(course)
    rate_incident(game, course)
    _lessons(game)
    with st.container(horizontal=True, vertical_alignment="center"):
        if st.button("Play another", key="another", type="primary"):
            st.query_params.from_dict({"case": game.scenario.id})
            st.rerun()
        _replay(game)


def _answer(game: Game, result: Score) -> None:
    secret, spec = game.play.secret, game.play.spec
    cause = spec.causes[result.cause]
    came = "all at once" if secret.shape == "abrupt" else f"over {with_noun(f'{spec.ramp_days:g}', 'day')}"
    st.header(f"It was: {plain(cause.label)}", anchor=False)
    answer = "You named no cause."
    if result.diagnosis is not None:
        right = "right" if result.right else "wrong"
        answer = f"You said “{spec.causes[result.diagnosis].label}”, {100 * result.confidence:.0f}% sure: {right}."
    since = f"It began on {moment(game.scenario, secret.onset_s)}, {came}."
    (st.success if result.right else st.error)(plain(f"{answer} {since}"))
    st.markdown(cause.teaches)
    if cause.source:
        st.caption(f"Source: {plain(cause.source)}")
    if (decoy := secret.decoy_of(spec)) is not None:
        log = f": “{decoy.log.text}”" if decoy.log else ""
        st.markdown(plain(f"A harmless change came at the onset: {decoy.label}{log}"))


def _figures(result: Score) -> None:
    """Draw the figures of the score."""
    figures = {
        "Detected after": _after(result.detected_h),
        "Diagnosed after": _after(result.diagnosed_h),
        "Mitigated after": _after(result.mitigated_h),
        "Wrong fixes": f"{result.wrong_fixes} of {len(result.fixes)}",
        "False alarms": f"{result.false_alarms}",
        "Frames labelled": f"{result.labels:,}",
        "Spent": usd(result.usd),
        "Brier score": f"{result.brier:.2f}",
        "Harm, as it went": with_noun(significant(result.excess), "object"),
        "Harm without any action": with_noun(significant(result.untouched), "object"),
    }
    with st.grid(5, min_column_width=150, border=True):
        for label, value in figures.items():
            st.metric(label, value)
    st.caption(
        "Times count from the onset. Harm counts missed objects and false detections, each by its weight in the case, beyond "
        "those of the system without the cause. "
        "The Brier score is the squared distance of your probabilities of all causes from the truth: 0 is best, 2 is worst. "
        f"With the prior alone it is {result.unknowing:.2f} here."
    )


def _after(from_onset_h: float) -> str:
    if not isfinite(from_onset_h):
        return "never"
    return hours(from_onset_h * HOUR_S) if from_onset_h >= 0 else f"{hours(-from_onset_h * HOUR_S)} early"


def _harm(game: Game) -> None:
    play, spec = game.play, game.play.spec
    st.subheader("Harm of the cause", anchor=False)
    marks = [("it begins", play.secret.onset_s)]
    marks += [("the page", game.paged.until_s)] if game.paged else []
    marks += [(spec.fixes[one.name].label, one.at_s) for one in play.shipped]
    went, untouched = Excess.of(play.statistics()), Excess.of(play.statistics(0))
    draw(harm(went, untouched, play.end_s, marks), key="harm")
    for one in score(play).fixes:
        took = (
            f"took away {100 * one.took_away:.0f}% of the harm that was left"
            if isfinite(one.took_away)
            else "had no harm to end"
        )
        st.markdown(plain(f"“{spec.fixes[one.name].label}” {took}{'' if one.right else ': it did not help'}."))
    if helps := _what_helps(game):
        st.markdown(plain(helps))


def _what_helps(game: Game) -> str:
    """Name the fixes that take away most of the harm of this cause, by the study of the case."""
    cause, spec = game.play.secret.cause, game.play.spec
    if cause is None or spec.causes[cause].harmless or game.scenario.id not in studied():
        return ""
    rows = load_study(game.scenario.id).fixes
    best = rows[(rows["cause"] == cause) & (rows["took_away"] >= HELPS)].sort_values("took_away", ascending=False)
    helping = [
        f"“{spec.fixes[row['fix']].label}” {100 * min(row['took_away'], 1.0):.0f}%"
        for row in best.head(_MOST_HELPS).to_dict("records")
        if row["fix"] in spec.fixes
    ]
    return (
        f"Shipped when the page came, these fixes take away most of its harm on average: {', '.join(helping)}."
        if helping
        else ""
    )


def _path(game: Game, course: IncidentCourse) -> None:
    st.subheader("Your looks, and the most informative looks", anchor=False)
    if course.fault:
        st.warning(plain(course.fault))
        return
    if not course.steps:
        st.markdown("You took no look." if course.beliefs else "The information of each look was not computed for this case.")
        return
    draw(looks(course.steps, partial(moment, game.scenario)), key="path")


def _lessons(game: Game) -> None:
    if not game.scenario.debrief:
        return
    st.subheader("Lessons", anchor=False)
    lessons(game.scenario)


def _replay(game: Game) -> None:
    with st.popover("Link to this incident", type="tertiary"):
        st.markdown("This link opens the incident as you played it, with its actions:")
        st.code(f"{st.context.url or ''}{link(game)}", language=None, wrap_lines=True)
