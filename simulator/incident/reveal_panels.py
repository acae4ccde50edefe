"""Panels of the reveal: the standing among the studied plays, suspicions over time, and the signals, rated by the person."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import inf, isnan, nan

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from simulator.app.rating_card import RatingCards
from simulator.app.widgets import draw, plain
from simulator.arrays import Floats
from simulator.charts.look import BLUE, GREY, ORANGE, PURPLE, Chart, figure, line, points, rounded, translucent
from simulator.errors import InputError
from simulator.incident.incident_course import IncidentCourse, SuspicionScore, equal_brier, suspicion_scores
from simulator.incident.incident_score import Score
from simulator.incident.incident_signals import INCIDENT_RULES, INCIDENT_SIGNALS
from simulator.incident.looks import share_words
from simulator.incident.sessions import Game, games
from simulator.incident.study_panel import load_study, studied
from simulator.intervals import Interval, share_interval
from simulator.phrases import phrase
from simulator.session.session_signals import Evidence, Level
from simulator.session.signal_rules import fired_of, levels_of
from simulator.units import significant

#: Fewer plays of an investigator with an equal cause than this say little; all causes stand in for them.
FEWEST = 30


@dataclass(frozen=True)
class StandingFigure:
    """A figure by its column in players.csv; less is better, and an event that never came is the worst.

    worse: the words for a worse play, behind a share of plays
    """

    column: str
    label: str
    worse: str
    unit: str


FIGURES = (
    StandingFigure("detected_h", "Time to the page", "were paged later or never", "h"),
    StandingFigure("diagnosed_h", "Time to the right diagnosis", "took longer or never named the cause", "h"),
    StandingFigure("kept", "Harm that was left", "left more harm", "%"),
    StandingFigure("brier", "Brier score", "scored worse", ""),
    StandingFigure("usd", "Money spent", "spent more", "USD"),
    StandingFigure("total_usd", "Harm and money", "cost more", "USD"),
)


@dataclass(frozen=True)
class PeerStanding:
    """The share of an investigator's plays that did worse than the person, in one figure; equal plays did not.

    equal: plays with an equal figure; plays: all plays compared with
    """

    figure: StandingFigure
    player: str
    worse: int
    equal: int
    plays: int

    @property
    def share(self) -> Interval:
        """The share with its exact binomial interval."""
        return share_interval(self.worse, self.plays)


@dataclass(frozen=True, eq=False)
class Peers:
    """The studied plays that a play is compared with; of_cause: whether all of them have its cause."""

    rows: pd.DataFrame
    of_cause: bool

    @classmethod
    def of(cls, players: pd.DataFrame, cause: str) -> Peers:
        """Choose the plays with this cause, or all where an investigator has fewer than FEWEST; players: players.csv."""
        same = players[players["cause"] == cause]
        least_plays = min((int((same["player"] == player).sum()) for player in players["player"].unique()), default=0)
        return cls(same, True) if least_plays >= FEWEST else cls(players, False)


def figures_of(score: Score, harmless: bool) -> dict[str, float]:
    """Return a play's figures by their columns; `kept`: the part of the harm without any action that was still done.

    harmless: whether its cause does no harm, so that none can be left
    """
    kept = nan if harmless or score.untouched <= 0 else score.excess / score.untouched
    return {figure.column: kept if figure.column == "kept" else getattr(score, figure.column) for figure in FIGURES}


def standings(peers: Peers, own: Mapping[str, float]) -> Iterator[PeerStanding]:
    """Yield the standing in each figure, by investigator; own: see `figures_of`.

    A figure that the play or an investigator's plays cannot have is left out: the harm of a harmless cause.
    """
    for standing in FIGURES:
        for player, rows in peers.rows.groupby("player", sort=False):
            values = rows[standing.column]
            if standing.column == "kept":
                values = values.dropna()
                if isnan(own["kept"]):
                    continue
            if len(values):
                mine, others = _never_is_worst(own[standing.column]), values.map(_never_is_worst)
                yield PeerStanding(standing, str(player), int((others > mine).sum()), int((others == mine).sum()), len(values))


def _never_is_worst(value: float) -> float:
    return inf if isnan(value) else float(value)


#: The investigators on the screen; others keep their names.
NAMES = {"script": "fixed script", "guess": "guessing", "everything": "fix-everything"}
_COLOURS = (PURPLE, ORANGE, GREY)
#: Points beyond this part of the harm are drawn here, so that a disastrous fix does not flatten the others.
_MOST_KEPT = 1.5
#: The sentence names so many investigators; the table has all.
_SPOKEN = 2
#: Height of a row of points, part of the distance between rows.
_SPREAD = 0.6


def standing_panel(game: Game, result: Score) -> None:
    """Draw the standing of a play; nothing for a case without a study."""
    if game.scenario.id not in studied():
        return
    st.subheader("Your standing", anchor=False)
    try:
        players = load_study(game.scenario.id).players
    except InputError as error:
        st.warning(plain(str(error)))
        return
    peers = Peers.of(players, result.cause)
    own = figures_of(result, game.play.secret.harmless(game.play.spec))
    found = list(standings(peers, own))
    draw(peers_chart(peers, own, found), key="standing")
    st.dataframe(standing_table(own, found), alt="The share of each investigator’s plays that did worse, by figure")
    st.caption(phrase("incident.investigators"))


def peers_chart(peers: Peers, own: Mapping[str, float], found: Sequence[PeerStanding]) -> Chart:
    """Draw one figure of the studied plays, a row an investigator, with the person's: the harm left, else the Brier score."""
    column = "kept" if any(standing.figure.column == "kept" for standing in found) else "brier"
    shown = next(standing for standing in FIGURES if standing.column == column)
    rows = peers.rows.dropna(subset=[shown.column])
    names = list(rows["player"].unique())
    most = f"harm that was left (%; {100 * _MOST_KEPT:.0f} or more at the end)"
    x = {"title": most if column == "kept" else "Brier score", "fixedrange": True}
    labels = {"tickvals": [*range(len(names))], "ticktext": [NAMES.get(name, name) for name in names]}
    y = labels | {"range": [len(names) - 0.5, -0.5], "fixedrange": True, "showgrid": False}
    drawn = figure(height=130 + 60 * len(names), showlegend=False, x=x, y=y)
    for place, name in enumerate(names):
        values = _scaled(rows.loc[rows["player"] == name, shown.column].to_numpy(float), shown)
        drawn.add_trace(_points(values, place, name, shown))
    mine = float(_scaled(np.array([own[shown.column]]), shown)[0])
    drawn.add_vline(x=mine, line={"color": BLUE, "width": 3}, annotation_text="you", annotation_position="top")
    table = rows[["player", "cause", "shape", "seed", shown.column]].rename(columns={shown.column: shown.label.lower()})
    return Chart(drawn, _takeaway(peers, own, shown, found), rounded(table))


def _scaled(values: Floats, shown: StandingFigure) -> Floats:
    return 100 * np.minimum(values, _MOST_KEPT) if shown.column == "kept" else values


def _points(values: Floats, place: int, name: str, shown: StandingFigure) -> go.Scatter:
    """Draw a row of points, moved up and down in a fixed order so that equal ones stay visible."""
    lift = (np.arange(len(values)) * 0.618 % 1 - 0.5) * _SPREAD
    unit = f"%{{x:.0f}}{shown.unit}" if shown.unit == "%" else "%{x:.2f}"
    colour, hover = translucent(_COLOURS[place % len(_COLOURS)], 0.7), f"{NAMES.get(name, name)}: {unit}<extra></extra>"
    return points(values, place + lift, colour, hover=hover, size=7)


def _takeaway(peers: Peers, own: Mapping[str, float], shown: StandingFigure, found: Sequence[PeerStanding]) -> str:
    of_shown = [standing for standing in found if standing.figure is shown]
    key, counts = "left_harm" if shown.column == "kept" else "own_brier", {standing.plays for standing in of_shown}
    figure = phrase(f"incident.{key}", figure=spoken(shown, own[shown.column]))
    plays = phrase("incident.plays", least=min(counts), equal=len(counts) == 1, of_cause=peers.of_cause)
    parts = [
        phrase("incident.share_of_plays", share=share_words(standing.share), player=NAMES.get(standing.player, standing.player))
        for standing in of_shown[:_SPOKEN]
    ]
    return phrase("incident.standing", figure=figure, plays=plays, parts=parts, worse=shown.worse)


def spoken(shown: StandingFigure, value: float) -> str:
    """Write a figure with its unit: `35%`, `12 h`, `0.04`, `1,270 USD`, or `never`."""
    if isnan(value):
        return "never" if shown.column in ("detected_h", "diagnosed_h") else "none to leave"
    if shown.column == "kept":
        return f"{100 * value:.0f}%"
    return f"{value:.2f}" if not shown.unit else f"{significant(value)} {shown.unit}"


def standing_table(own: Mapping[str, float], found: Sequence[PeerStanding]) -> pd.DataFrame:
    """Return a row a figure: the person's, and the share of each investigator's plays that did worse."""
    rows: dict[str, dict[str, str]] = {}
    for standing in found:
        row = rows.setdefault(standing.figure.label, {"you": spoken(standing.figure, own[standing.figure.column])})
        row[f"{NAMES.get(standing.player, standing.player)} did worse"] = f"{share_words(standing.share)} of {standing.plays}"
    return pd.DataFrame(rows).T


#: The most lines of the notebook that stand behind a sentence.
_LINES = 5
#: Key of the session for a rating that could not be kept.
_FAULT = "incident:rate_fault"


@st.fragment
def rate_incident(game: Game, course: IncidentCourse) -> None:
    """Ask for a level of each signal; the level of the log appears after the person's own."""
    st.subheader("Rate yourself", anchor=False)
    st.markdown("The log holds the evidence. Decide your level, and the level that the log decides appears below it.")
    kept = game.ratings or {}
    shown = game.ratings is None or st.toggle("Show the levels of the log without rating yourself", key="incident:compare")
    key = f"incident:{game.id}"
    RatingCards(
        course,
        words=_words,
        rate=lambda signal, level: _rate(game, signal, level),
        ratings=dict(kept),
        decided=levels_of(INCIDENT_SIGNALS, fired_of(INCIDENT_RULES, course)),
        compared=lambda signal: bool(shown or signal in kept or st.session_state.get(f"{key}:rate:{signal}")),
        key=key,
    ).draw(INCIDENT_SIGNALS)
    if fault := st.session_state.pop(_FAULT, None):
        st.error(plain(fault))


def _words(evidence: Evidence) -> str:
    lines = ", ".join(str(place + 1) for place in evidence.places[:_LINES])
    return f"{evidence.sentence} (notebook {lines})" if lines else evidence.sentence


def _rate(game: Game, signal: str, level: Level) -> None:
    if game.ratings is None:
        return
    try:
        games().rate(game.id, game.scenario, signal, level)
    except InputError as error:
        st.session_state[_FAULT] = str(error)


def suspicion_panel(course: IncidentCourse) -> None:
    """Draw the suspicions and their score; a sentence where there are none."""
    st.subheader("Your suspicions over time", anchor=False)
    scores = suspicion_scores(course)
    if not scores:
        st.markdown(phrase("incident.no_suspicions"))
        return
    draw(suspicion_chart(course, scores), key="suspicions", caption=phrase("incident.bayes", equal=_equal(course)))


def suspicion_chart(course: IncidentCourse, scores: Sequence[SuspicionScore]) -> Chart:
    """Draw the share of the true cause after each line of the notebook, as suspected and by the findings."""
    steps, ends = course.steps, [0.5, len(course.notes) + 0.5]
    x = {"title": "line of the notebook", "range": ends, "fixedrange": True, "tickformat": "d"}
    drawn = figure(height=280, x=x, y={"title": "true cause (%)", "range": [-3, 103], "fixedrange": True})
    if steps:
        last = len(course.notes)
        lines, likely = [step.place + 1 for step in steps] + [last], [100 * step.true_share for step in (*steps, steps[-1])]
        hover = "line %{x}: %{y:.0f}% by the findings<extra></extra>"
        look = {"color": GREY, "width": 3, "dash": "dot", "shape": "hv"}
        drawn.add_trace(go.Scatter(x=lines, y=likely, name="by the findings", line=look, hovertemplate=hover))
    places, shares = [score.place + 1 for score in scores], [100 * score.true_share for score in scores]
    hover = "line %{x}: %{y:.0f}% suspected<extra></extra>"
    drawn.add_trace(line(places, shares, BLUE, "your suspicion", hover, width=3, dotted=True, marker={"size": 9}))
    return Chart(drawn, _suspicion_takeaway(course, scores), _table(scores))


def _suspicion_takeaway(course: IncidentCourse, scores: Sequence[SuspicionScore]) -> str:
    first, last, equal = scores[0], scores[-1], _equal(course)
    mean = sum(score.brier for score in scores) / len(scores)
    given = phrase("incident.given_share", changed=len(scores) > 1, first=first.true_share, last=last.true_share)
    likely = None if last.likely is None else phrase("incident.likely", share=last.likely)
    return phrase("incident.suspicions", given=given, likely=likely, mean=mean, better=mean < equal, equal=equal)


def _equal(course: IncidentCourse) -> float:
    return equal_brier(len(course.play.spec.causes))


def _table(scores: Sequence[SuspicionScore]) -> pd.DataFrame:
    rows = [
        (s.place + 1, 100 * s.true_share, s.brier, None if s.likely is None else 100 * s.likely, s.likely_brier) for s in scores
    ]
    columns = ["line", "true cause, suspected (%)", "Brier score", "true cause, by the findings (%)", "its Brier score"]
    return rounded(pd.DataFrame(rows, columns=columns), 3)
