"""What can be done: wait, look closer, put right, watch something else; each says what it costs, and why it cannot be done."""

from __future__ import annotations

from typing import Any

import streamlit as st

from simulator.analysis.incidents.actions import (
    Action,
    CloseAction,
    DiagnoseAction,
    FixAction,
    LookAction,
    WaitAction,
    WatchAction,
)
from simulator.errors import InputError
from simulator.scenario.incident import Incident
from simulator.scenario.incident.schema import LABELLED, WATCHED
from simulator.scenario.incident.steps import AnyLook, LabelsLook, PicturesLook, SlicesLook
from simulator.ui.incident.games import Game, games
from simulator.ui.incident.monitors import editor
from simulator.ui.incident.suspects import suspects
from simulator.ui.incident.words import cost_of, name_of
from simulator.ui.widgets import plain

#: Waiting for a page ends after so many hours, so that one click does not end the incident.
_WEEK_H = 168
LOOK, FIX, WATCH, NAME = "Look closer", "Put right", "Watch", "Name the cause"
#: What an action could not be taken for: the control and the sentence, in the session.
_REFUSED = "incident_refused"


def act(game: Game, action: Action, control: str) -> None:
    """Take an action and draw the page anew; what is wrong with it is told beside its control."""
    st.session_state.pop(_REFUSED, None)
    try:
        games().act(game.id, game.scenario, action)
        if isinstance(action, CloseAction):
            games().reveal(game.id)
    except InputError as error:
        st.session_state[_REFUSED] = (control, str(error))
    st.rerun()


def refused(control: str) -> None:
    """Why the action of this control could not be taken, if so."""
    where, sentence = st.session_state.get(_REFUSED, ("", ""))
    if where == control:
        st.error(plain(sentence))


@st.fragment
def steps(game: Game) -> None:
    """Everything that can be done, in four groups; waiting is always at hand."""
    _wait(game)
    tabs = st.tabs([LOOK, FIX, WATCH, NAME], key=f"steps:{game.id}", on_change="rerun")
    for tab, draw in zip(tabs, (_looks, _fixes, _watches, _name), strict=True):
        if tab.open:
            with tab, st.container(gap="xsmall"):
                draw(game)


def _wait(game: Game) -> None:
    with st.container(horizontal=True, wrap=False):
        about = "A week at most; a page costs money."
        if st.button("Wait until something rings", key="wait_ring", type="primary", help=about):
            act(game, WaitAction(kind="wait", hours=_WEEK_H), "wait")
        with st.popover("Wait some hours"):
            hours = st.number_input("Hours, unless something rings before", 1, 672, 6, key="wait_hours")
            if st.button("Wait", key="wait"):
                act(game, WaitAction(kind="wait", hours=hours), "wait")
    refused("wait")


def _looks(game: Game) -> None:
    for name, look in game.play.spec.looks.items():
        with st.container(horizontal=True, vertical_alignment="center", gap="xsmall", wrap=False):
            pressed = st.container(width="stretch").empty()
            asked = _asked(game.play.spec, name, look)
            label = f"{plain(look.label)} :small[· {cost_of(look, asked.frames)}]"
            if pressed.button(label, key=f"look_{name}", help=plain(look.note or "") or None, width="stretch"):
                act(game, asked, f"look_{name}")
        refused(f"look_{name}")


def _asked(spec: Incident, name: str, look: AnyLook) -> LookAction:
    """The look with what its boxes say."""
    hidden: dict[str, Any] = {"label_visibility": "collapsed"}
    site, statistic, frames = "", "found", 100
    if isinstance(look, PicturesLook | LabelsLook):
        labels = {"": "All sites"} | {place: told.label for place, told in spec.sites.items()}
        site = st.selectbox(
            f"Site: {plain(look.label)}",
            [*labels],
            format_func=lambda place: labels[place],
            key=f"look_{name}_site",
            width=125,
            **hidden,
        )
    if isinstance(look, LabelsLook):
        frames = int(st.number_input("Frames to label", 10, 5000, 100, 10, key=f"look_{name}_frames", width=110, **hidden))
    if isinstance(look, SlicesLook):
        shown = [each for each in WATCHED if each not in LABELLED]
        first = shown.index("found")
        statistic = st.selectbox(
            "Figure to slice", shown, first, format_func=name_of, key=f"look_{name}_figure", width=170, **hidden
        )
    return LookAction(kind="look", look=name, site=site or None, statistic=statistic, frames=frames)


def _fixes(game: Game) -> None:
    shipped = {one.name for one in game.play.shipped}
    for name, fix in game.play.spec.fixes.items():
        done = ", shipped before" if name in shipped else ""
        label = f"{plain(fix.label)} :small[· {cost_of(fix)}{done}]"
        if st.button(label, key=f"fix_{name}", help=plain(fix.note or "") or None, width="stretch"):
            act(game, FixAction(kind="fix", fix=name), f"fix_{name}")
        refused(f"fix_{name}")


def _watches(game: Game) -> None:
    watches = editor(game.scenario, game.play.watches[-1][1], f"{game.id}:{len(game.play.watches)}")
    if st.button("Watch these from now on", key="watch"):
        act(game, WatchAction(kind="watch", watches=watches), "watch")
    refused("watch")


def _name(game: Game) -> None:
    believed = suspects(game)
    if believed is not None:
        act(game, believed, "believe")
    refused("believe")
    _diagnosis(game)
    with st.popover("Close and reveal", width="stretch"):
        st.markdown("The stream goes on to its end without you, and you are told what it was. Nothing can be done after that.")
        if st.button("Close for good", key="close", type="primary"):
            act(game, CloseAction(kind="close"), "close")
    refused("close")


def _diagnosis(game: Game) -> None:
    causes = game.play.spec.causes
    cause = st.selectbox(
        "The cause",
        list(causes),
        None,
        format_func=lambda name: causes[name].label,
        key=f"cause:{game.id}",
        placeholder="Choose a cause",
    )
    sure = st.slider("How sure are you?", 0, 100, 70, 5, format="%d%%", key=f"sure:{game.id}")
    if st.button("State this diagnosis", key="diagnose", disabled=cause is None):
        act(game, DiagnoseAction(kind="diagnose", cause=str(cause), confidence=sure / 100), "diagnose")
    refused("diagnose")
    told = next((note.action for note in reversed(game.notes) if isinstance(note.action, DiagnoseAction)), None)
    if told:
        st.caption(plain(f"You said: {causes[told.cause].label}, {100 * told.confidence:.0f}% sure. The last word counts."))


@st.fragment
def ended(game: Game) -> None:
    """The stream has come to its end: what is left is to name the cause."""
    st.markdown("**The stream has come to its end.** Name the cause, and close the incident.")
    _name(game)
