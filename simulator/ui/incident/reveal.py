"""After the reveal: what it was, how it went, the person's path beside the most informative one, and what to take away."""

from __future__ import annotations

from functools import partial
from math import isfinite

import streamlit as st

from simulator.analysis.incidents.beliefs import load_beliefs
from simulator.analysis.incidents.debrief import path
from simulator.analysis.incidents.score import HELPS, Excess, Score, score
from simulator.analysis.incidents.secret import HOUR_S
from simulator.errors import InputError
from simulator.evidence.incidents import load_study, studied
from simulator.ui.charts import incident_reveal as charts
from simulator.ui.incident.games import Game
from simulator.ui.incident.replay import link
from simulator.ui.incident.words import hours, moment, usd
from simulator.ui.widgets import draw, lessons, plain
from simulator.units import significant

#: As many fixes are named as help most.
_MOST_HELPS = 3
#: The Brier score of somebody who knows nothing.
_CHANCE = 0.25


def reveal(game: Game) -> None:
    """All of it, from the answer to the lessons."""
    found = score(game.play)
    _answer(game, found)
    _figures(found)
    _harm(game)
    _path(game)
    _lessons(game)
    with st.container(horizontal=True, vertical_alignment="center"):
        if st.button("Play another", key="another", type="primary"):
            st.query_params.from_dict({"case": game.scenario.id})
            st.rerun()
        _replay(game)


def _answer(game: Game, found: Score) -> None:
    secret, spec = game.play.secret, game.play.spec
    cause = spec.causes[found.cause]
    came = "all at once" if secret.shape == "abrupt" else f"over {spec.ramp_days:g} days"
    st.header(f"It was: {plain(cause.label)}", anchor=False)
    said = "You named no cause."
    if found.diagnosis is not None:
        right = "right" if found.right else "wrong"
        said = f"You said “{spec.causes[found.diagnosis].label}”, {100 * found.confidence:.0f}% sure: {right}."
    since = f"It began on {moment(game.scenario, secret.onset_s)}, {came}."
    (st.success if found.right else st.error)(plain(f"{said} {since}"))
    st.markdown(cause.teaches)
    if cause.source:
        st.caption(f"Source: {plain(cause.source)}")
    if (decoy := secret.decoy_of(spec)) is not None:
        log = f": “{decoy.log.text}”" if decoy.log else ""
        st.markdown(plain(f"At the same moment something harmless moved: {decoy.label}{log}"))


def _figures(found: Score) -> None:
    """How it went, a figure each."""
    figures = {
        "Detected after": _after(found.detected_h),
        "Diagnosed after": _after(found.diagnosed_h),
        "Mitigated after": _after(found.mitigated_h),
        "Wrong fixes": f"{found.wrong_fixes} of {len(found.fixes)}",
        "False alarms": f"{found.false_alarms}",
        "Frames labelled": f"{found.labels:,}",
        "Spent": usd(found.usd),
        "Brier score": f"{found.brier:.2f}",
        "Harm, as it went": f"{significant(found.excess)} objects",
        "Harm without any action": f"{significant(found.untouched)} objects",
    }
    with st.grid(5, min_column_width=150, border=True):
        for label, value in figures.items():
            st.metric(label, value)
    st.caption(
        "Times are from when it began. Harm is what was missed and what was needless beyond what the same system would have "
        "done without the cause, each object by its weight in the case. "
        "The Brier score is the squared distance of the confidence from the truth: 0 is best, and always saying 50% scores "
        f"{_CHANCE:g}."
    )


def _after(from_onset_h: float) -> str:
    if not isfinite(from_onset_h):
        return "never"
    return hours(from_onset_h * HOUR_S) if from_onset_h >= 0 else f"{hours(-from_onset_h * HOUR_S)} early"


def _harm(game: Game) -> None:
    play, spec = game.play, game.play.spec
    st.subheader("What it did", anchor=False)
    marks = [("it begins", play.secret.onset_s)]
    marks += [("the page", game.paged.until_s)] if game.paged else []
    marks += [(spec.fixes[one.name].label, one.at_s) for one in play.shipped]
    went, untouched = Excess.of(play.insides()), Excess.of(play.insides(0))
    draw(charts.harm(went, untouched, play.end_s, marks), key="harm")
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
    """What takes most of the harm of this cause away, of all that was tried against it in the study of the case."""
    cause, spec = game.play.secret.cause, game.play.spec
    if cause is None or spec.causes[cause].harmless or game.scenario.id not in studied():
        return ""
    rows = load_study(game.scenario.id).fixes
    best = rows[(rows["cause"] == cause) & (rows["took_away"] >= HELPS)].sort_values("took_away", ascending=False)
    told = [
        f"“{spec.fixes[row['fix']].label}” {100 * min(row['took_away'], 1.0):.0f}%"
        for row in best.head(_MOST_HELPS).to_dict("records")
        if row["fix"] in spec.fixes
    ]
    return f"Shipped when the page came, these take most of its harm away on average: {', '.join(told)}." if told else ""


def _path(game: Game) -> None:
    st.subheader("What you looked at, and what would have told most", anchor=False)
    try:
        beliefs = load_beliefs(game.scenario)
    except InputError as error:
        st.warning(plain(str(error)))
        return
    steps = path(game.play, beliefs) if beliefs else []
    if not steps:
        said = "You looked at nothing." if beliefs else "How much each look tells was not worked out for this case."
        st.markdown(said)
        return
    draw(charts.looks(steps, partial(moment, game.scenario)), key="path")


def _lessons(game: Game) -> None:
    if not game.scenario.debrief:
        return
    st.subheader("What to take away", anchor=False)
    lessons(game.scenario)


def _replay(game: Game) -> None:
    with st.popover("Link to this incident", type="tertiary"):
        st.markdown("This link opens the incident as you played it, with its actions:")
        st.code(f"{st.context.url or ''}{link(game)}", language=None, wrap_lines=True)
