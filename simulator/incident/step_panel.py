"""Controls of the actions: wait, look closer, put right, watch, name the cause; each with its cost and its errors."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, get_args

import streamlit as st

from simulator.app.component_files import component_beside
from simulator.app.widgets import plain
from simulator.errors import InputError, PlacedError
from simulator.incident.any_look import AnyLook, LookInput
from simulator.incident.asked_looks import COLUMNS, SIZES
from simulator.incident.control_room import editor
from simulator.incident.effects import System
from simulator.incident.player_actions import (
    Action,
    BelieveAction,
    CloseAction,
    DiagnoseAction,
    FixAction,
    LookAction,
    WaitAction,
    WatchAction,
    places,
)
from simulator.incident.section import Incident
from simulator.incident.sessions import Game, games
from simulator.incident.watches import LABELLED, WATCHED, name_of
from simulator.incident.wording import price
from simulator.units import upper_first

#: The longest wait for a page in hours, so that one click does not end the incident.
_WEEK_H = 168
LOOK, FIX, WATCH, NAME = "Look closer", "Put right", "Watch", "Name the cause"
#: Key of the session for an action that failed: the control and the error.
_REFUSED = "incident_refused"


def act(game: Game, action: Action, control: str) -> None:
    """Take an action and draw the page anew; an error appears beside the control."""
    st.session_state.pop(_REFUSED, None)
    try:
        games().act(game.id, game.scenario, action)
    except InputError as error:
        st.session_state[_REFUSED] = (control, upper_first(error.message if isinstance(error, PlacedError) else str(error)))
    st.rerun()


def refused(control: str) -> None:
    where, sentence = st.session_state.get(_REFUSED, ("", ""))
    if where == control:
        st.error(plain(sentence))


@st.fragment
def steps(game: Game) -> None:
    """Draw the controls in four groups, below the control for waiting."""
    _wait(game)
    tabs = st.tabs([LOOK, FIX, WATCH, NAME], key=f"steps:{game.id}", on_change="rerun")
    for tab, draw in zip(tabs, (_looks, _fixes, _watches, _name), strict=True):
        if tab.open:
            with tab, st.container(gap="xsmall"):
                draw(game)


def _wait(game: Game) -> None:
    with st.container(horizontal=True, wrap=False):
        about = "At most a week; each page costs money."
        if st.button("Wait until something rings", key="wait_ring", type="primary", help=about):
            act(game, WaitAction(kind="wait", hours=_WEEK_H), "wait")
        with st.popover("Wait some hours"):
            hours = st.number_input("Hours, if nothing rings before", 1, 672, 6, key="wait_hours")
            if st.button("Wait", key="wait"):
                act(game, WaitAction(kind="wait", hours=hours), "wait")
    refused("wait")


def _looks(game: Game) -> None:
    with st.grid(2, min_column_width=190, gap="xsmall"):
        for name, look in game.play.spec.looks.items():
            with st.container(gap="xxsmall"):
                (_asked if look.takes else _plain)(game, name, look)


def _plain(game: Game, name: str, look: AnyLook) -> None:
    action = LookAction(kind="look", look=name)
    if st.button(_costing(game.play.spec, look, action), key=f"look_{name}", help=plain(look.note) or None, width="stretch"):
        act(game, action, f"look_{name}")
    refused(f"look_{name}")


def _asked(game: Game, name: str, look: AnyLook) -> None:
    """Draw a look with inputs, which open below it; a new action closes them."""
    frames = st.session_state.get(f"look_{name}_frames", _FRAMES)
    label = _costing(game.play.spec, look, LookAction(kind="look", look=name, frames=frames))
    with st.popover(label, key=f"asked_{name}:{len(game.notes)}", help=plain(look.note) or None, width="stretch"):
        inputs = {field: _INPUTS[field](game.play.spec, f"look_{name}_{field}") for field in look.takes}
        action = LookAction.model_validate({"kind": "look", "look": name, **inputs})
        refused(f"look_{name}")  # inside, where the open popover does not hide it
        cost = price(*game.play.spec.look_cost(look, action.frames))
        if st.button(f"Look · {cost}", key=f"look_{name}", type="primary", width="stretch"):
            act(game, action, f"look_{name}")


def _costing(spec: Incident, look: AnyLook, action: LookAction) -> str:
    cost = price(*spec.look_cost(look, action.frames)).replace(" ", "\u00a0")  # stays in one line
    return f"{plain(look.label)} :small[({cost})]"


#: Frames that people label, at first.
_FRAMES = 100


def _choice(label: str, options: dict[str, str], key: str, **look: Any) -> str:
    """Let the user choose one of the options, by its words."""
    chosen: str = st.selectbox(label, [*options], format_func=options.__getitem__, key=key, **look)
    return chosen


def _only(spec: Incident, key: str) -> dict[str, str]:
    """Let the user filter the log of frames, or of the detections in it, by one value of a column."""
    options = {"": "All frames"} | {f"site={name}": site.label for name, site in spec.sites.items()}
    options |= {f"version={version}": label for version, label in spec.versions.items()}
    options |= {f"size={size}": f"Boxes: {size}" for size in SIZES}
    options |= {f"object={name}": f"Objects: {name}" for name in spec.harm.weights}
    column, _, value = _choice("Frames or detections of", options, key).partition("=")
    return {column: value} if column else {}


_PEOPLE = {"site": "A site", "data": "Data team", "client": "Client’s team"}
_SYSTEMS = {"": "All systems"} | {system: system.capitalize() for system in get_args(System)}
_PARTS = {"": "Any hour", "day": "By day", "night": "At night"}
_PICKS = {"any": "At random", "least sure": "Least sure", "missed by labels": "With missed objects"}
_FIGURES = [figure for figure in WATCHED if figure not in LABELLED]

#: The control of each input of a look: from the section of the case and the key of the widget.
_INPUTS: dict[LookInput, Callable[[Incident, str], object]] = {
    "site": lambda spec, key: (
        _choice("Site", {"": "All sites"} | {name: site.label for name, site in spec.sites.items()}, key) or None
    ),
    "frames": lambda _, key: int(st.number_input("Frames to label", 10, 5000, _FRAMES, 10, key=key)),
    "statistic": lambda _, key: st.selectbox("Figure", _FIGURES, _FIGURES.index("found"), format_func=name_of, key=key),
    "system": lambda _, key: _choice("System", _SYSTEMS, key) or None,
    "person": lambda _, key: _choice("Person", _PEOPLE, key),
    "groups": lambda _, key: st.multiselect("Group by", COLUMNS, key=key, max_selections=3, placeholder="Nothing"),
    "only": _only,
    "hours": lambda _, key: int(st.number_input("Last hours (h)", 1, 672, 24, 1, key=key)),
    "part": lambda _, key: _choice("Part of the day", _PARTS, key) or None,
    "pick": lambda _, key: _choice("Frames", _PICKS, key),
}


def _fixes(game: Game) -> None:
    shipped = {step.name for step in game.play.shipped}
    for name, fix in game.play.spec.fixes.items():
        done = ", shipped before" if name in shipped else ""
        with st.container(horizontal=True, vertical_alignment="center", gap="xsmall", wrap=False):
            pressed = st.container(width="stretch").empty()
            site = _aim(game.play.spec, name) if fix.by_site else EVERY_SITE
            sites = len(game.play.spec.sites) if site == EVERY_SITE else 1
            label = f"{plain(fix.label)} :small[· {price(fix.minutes, fix.price(sites), fix.usd_a_day)}{done}]"
            about, aimed = plain(fix.note or "") or None, site != _UNAIMED
            if pressed.button(label, key=f"fix_{name}", help=about, width="stretch", disabled=not aimed):
                act(game, FixAction(kind="fix", fix=name, site=site or None), f"fix_{name}")
        refused(f"fix_{name}")


#: The aims of a fix at all sites, and before the user chooses one.
EVERY_SITE, _UNAIMED = "", "?"


def _aim(spec: Incident, name: str) -> str:
    """Let the user choose the site of a fix; at first none is chosen, so that no site gets it by oversight."""
    options = {_UNAIMED: "Which site?"} | {name: site.label for name, site in spec.sites.items()} | {EVERY_SITE: "All sites"}
    return _choice("Site of the fix", options, f"fix_{name}_site", width=125, label_visibility="collapsed")


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
        st.markdown("The stream runs on to its end without you, and the page shows the cause. You can do nothing after that.")
        if st.button("Close for good", key="close", type="primary"):
            act(game, CloseAction(kind="close"), "close")
    refused("close")


def _diagnosis(game: Game) -> None:
    """Offer the last suspicions as the diagnosis, which is scored whole."""
    spec = game.play.spec
    written = next((note.beliefs for note in reversed(game.notes) if note.beliefs), None)
    st.caption(
        plain(written.outcome(spec) + " All these probabilities are your diagnosis.")
        if written
        else "Write your suspicions down first: these probabilities are your diagnosis."
    )
    last = next((note.diagnosis for note in reversed(game.notes) if note.diagnosis), None)
    with st.container(horizontal=True, vertical_alignment="bottom", gap="xsmall"):
        # They begin with what the last diagnosis said, so that stating another keeps it.
        options, said = {"": "Not said"} | places(spec), (last and last.where) or ""
        where = _choice("Where", options, f"where:{game.id}:{said}", index=[*options].index(said), width=170)
        since = (last and last.since_day) or 0.0
        day = st.number_input("Since day (0: not said)", 0.0, 60.0, since, 0.5, key=f"since:{game.id}:{since:g}", width=170)
    if st.button("State this diagnosis", key="diagnose", disabled=written is None) and written:
        act(game, DiagnoseAction.by(written, where or None, day or None), "diagnose")
    refused("diagnose")
    if last:
        st.caption(plain(f"You said: {last.outcome(spec)} The last diagnosis counts."))


@st.fragment
def ended(game: Game) -> None:
    st.markdown("**The stream has ended.** Name the cause, and close the incident.")
    _name(game)


#: Position of the slider of the cause that comes most often, at first (%).
_UNDECIDED = 50

_component = component_beside(__file__, "incident_suspects")


def suspects(game: Game) -> BelieveAction | None:
    """Draw the causes in the author's order; return the suspicions that the user wrote down just now."""
    causes, key = game.play.spec.causes, f"suspects:{game.id}"
    token, before = str(len(_written(game))), _weights(game)
    shown = _read(st.session_state.get(key, {}).get("weights"), causes) or before
    prior = game.play.spec.prior
    rows = [
        {"name": name, "label": f"{cause.label} ({100 * prior[name]:.0f} of 100)", "weight": shown[name]}
        for name, cause in causes.items()
    ]
    state = _component(
        key=key,
        data={"token": token, "causes": rows},
        on_weights_change=lambda: None,
        on_written_change=lambda: None,
    )
    written = _read(state.get("written"), causes)
    total = sum(written.values()) if written else 0
    return BelieveAction(kind="believe", shares={n: w / total for n, w in written.items() if w}) if written and total else None


def _written(game: Game) -> list[BelieveAction]:
    return [note.beliefs for note in game.notes if note.beliefs]


def _weights(game: Game) -> dict[str, int]:
    written = _written(game)
    if not written:
        prior = game.play.spec.prior
        return {name: round(_UNDECIDED * share / max(prior.values())) for name, share in prior.items()}
    shares = written[-1].shares
    return {name: round(100 * shares.get(name, 0.0) / max(shares.values())) for name in game.play.spec.causes}


def _read(given: object, causes: object) -> dict[str, int] | None:
    """Return weights from the browser; None unless they are of the known causes, from 0 to 100."""
    if not isinstance(given, dict) or not isinstance(causes, dict) or set(given) != set(causes):
        return None
    fit = all(isinstance(weight, int | float) and 0 <= weight <= 100 for weight in given.values())
    return {str(name): int(weight) for name, weight in given.items()} if fit else None
