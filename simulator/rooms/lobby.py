"""The lobby: create a room and get its links, come back to one's own rooms and compare them, or enter with a code."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

import pandas as pd
import streamlit as st

from simulator.app.own_cases import case_now, chosen_case
from simulator.app.own_sessions import trail
from simulator.app.store.faults import StoreError
from simulator.app.visitors import clock
from simulator.app.widgets import faults_shown, plain
from simulator.case.exhibits import EXHIBITS
from simulator.case.load import scenario_ids
from simulator.case.phases import phases_of
from simulator.case.schema import Scenario
from simulator.engine.compiled_plan import case_hash
from simulator.errors import InputError
from simulator.paths import PAGES
from simulator.phrases import phrase
from simulator.rooms.live_room import LiveRoom, live_room
from simulator.rooms.own_task import OWN_TASK, OwnTask
from simulator.rooms.room_doors import (
    LINKED_WORDS,
    PATH,
    ROLE,
    ROOM,
    access_of,
    confined_to,
    is_confined,
    link_of,
    room_log,
    server_address,
)
from simulator.rooms.room_events import CARD_SIGNALS, LEVELS, RoomOpened, TaskSet
from simulator.rooms.room_session import RoomSession
from simulator.rooms.room_view import drawable
from simulator.rooms.task_form import checked_words, task_fields, task_of_fields
from simulator.session.event_log import Session, design_hash
from simulator.session.session_record import change_words
from simulator.session.session_signals import LABELS

#: The lengths that are offered (minutes), and the most of one's own rooms that are listed.
_MINUTES, _LISTED = (20, 30, 45, 60), 6

_MADE = "room:made"

#: A task of one's own in the list of cases.
_OWN = ""

#: Names by which a computer reaches no server but its own.
_OWN_MACHINE = ("localhost", "127.0.0.1", "::1")

#: The sentence on a room whose link is not open.
CLOSED = "This page needs an open link to a room. Open your link again, or type the code of your room."


def lobby(unknown: bool) -> None:
    """Show the way into a room; unknown: whether the address names one that is not open to this browser."""
    st.title("Interview room", anchor=False)
    if unknown:
        st.warning(CLOSED)
    st.markdown(phrase("rooms.about"))
    st.link_button("Enter with a code", f"{server_address()}/{PATH}")
    if (own := confined_to()) is not None:
        st.info("Your interview goes on. The other pages open again when it has ended.")
        st.page_link(PAGES / "room.py", label="Back to your room", query_params={ROOM: own.room, ROLE: own.role})
        return
    if is_confined():
        return  # a guest of no room any more
    made = st.session_state.get(_MADE)
    if made:
        _links(*made)
    _create()
    _own_rooms()


def _create() -> None:
    scenario = chosen_case()
    st.header("Lead an interview", anchor=False)
    with st.container(width=760):
        titles = {case: shown_case.title for case in scenario_ids() if (shown_case := case_now(case)[0]) is not None}
        titles[_OWN] = "A task of your own"
        case = st.selectbox(
            "Case", list(titles), list(titles).index(scenario.id), format_func=lambda name: titles[name], key="room:case"
        )
        picked = None if case == _OWN else case_now(str(case))[0] or scenario
        with st.form("room:create", border=True):
            fields = task_fields("room:own") if picked is None else None
            title = st.text_input("Title, for your own list", max_chars=120, key="room:title")
            level = st.radio("Level", LEVELS, 1, format_func=str.capitalize, horizontal=True, key="room:level")
            minutes = st.radio("Minutes", _MINUTES, 2, horizontal=True, key="room:minutes")
            empty = st.toggle(
                "Begin with an empty board: the candidate draws the design", picked is None, key=f"room:empty:{picked is None}"
            )
            words = "Task in your words" + ("; leave it empty for the brief of the case" if picked else "")
            task = st.text_area(words, key="room:task")
            opened = _opened(picked) if picked else {}
            levers = st.toggle("“Try each lever” below the panel", key="room:levers")
            if st.form_submit_button("Create the room", type="primary"):
                with faults_shown():
                    settings = RoomOpened(
                        title=title[:120],
                        level=level or "senior",
                        empty_board=empty,
                        task=checked_words(task),
                        levers=levers,
                        **opened,
                    )
                    _made(picked, None if fields is None else task_of_fields(fields), settings, int(minutes or 45))


def _opened(picked: Scenario) -> dict[str, Any]:
    """Ask which choices and panels of a case are open to the candidate, and return those; None stands for all."""
    st.markdown("**Open to the candidate**")
    choices = st.multiselect(
        "Choices",
        list(picked.choices),
        list(picked.choices),
        format_func=lambda name: picked.choices[name].label,
        key=f"room:choices:{picked.id}",
    )
    every = drawable(picked)
    panels = st.multiselect(
        "Panels", every, every, format_func=lambda name: EXHIBITS[name].label, key=f"room:panels:{picked.id}"
    )
    return {
        "choices": None if len(choices) == len(picked.choices) else tuple(choices),
        "panels": None if len(panels) == len(every) else tuple(panels),
    }


def _made(picked: Scenario | None, own: OwnTask | None, settings: RoomOpened, minutes: int) -> None:
    """Create the room of a case, or of a task of one's own; raises StoreError."""
    scenario = own.case if own else picked
    assert scenario is not None
    phase, task = phases_of(scenario)[0].id, TaskSet(own=own) if own else None
    created = room_log().create(
        trail(), scenario.id, scenario.version, case_hash(scenario), settings, phase, task=task, seed=1, minutes=minutes
    )
    st.session_state[_MADE] = settings.title or scenario.title, dict(created.keys)
    st.rerun()


def _links(title: str, keys: Mapping[str, str]) -> None:
    """Show the links of a new room: only now, since the server keeps no copy of them."""
    with st.container(border=True):
        st.markdown(f"**{plain(title)}**: the links are shown once. Copy them now.")
        if urlsplit(server_address()).hostname in _OWN_MACHINE:
            st.warning(phrase("rooms.own_links"))
        for role, key in keys.items():
            st.markdown(LINKED_WORDS[role])
            st.code(link_of(key), language=None, wrap_lines=True)
            if role == "candidate":
                st.markdown("Or read this code aloud; it is typed at “Enter with a code”:")
                st.code(key, language=None)
        st.link_button("Open the room as the interviewer", link_of(keys["interviewer"]), type="primary")
        st.caption("Links are open for seven days. A new link revokes the old one: see “Room” on the interviewer's page.")


def _own_rooms() -> None:
    rooms = list[Session]()
    with faults_shown():
        rooms = room_log().sessions_of(trail())
    if not rooms:
        return
    st.header("Your rooms", anchor=False)
    side_by_side(rooms)
    for head in rooms[:_LISTED]:
        state = "ended" if head.ended_at is not None else "open"
        words = f"{_title(head)}, {clock(head.begun_at)}, {head.minutes} min, {state}"
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(plain(words))
            if access_of(st.context.cookies, head.id, "interviewer"):
                way = {ROOM: head.id, ROLE: "interviewer"}
                st.page_link(PAGES / "room.py", label="Open as the interviewer", query_params=way)
            st.button(
                "New interviewer's link",
                key=f"room:again:{head.id}",
                on_click=_renewed,
                args=(head.id, words),
                help="The interviewer's link before it is revoked.",
            )


def _title(head: Session) -> str:
    """Return the interviewer's title of a room with that of its case."""
    scenario = case_now(head.case)[0] if head.case in scenario_ids() else None
    case = scenario.title if scenario else head.case
    try:
        live = live_room(head.id)
    except (StoreError, InputError):
        return case
    settings, case = live.state.room.settings, live.scenario.title
    return f"{settings.title} ({case})" if settings and settings.title else case


def _renewed(room: str, words: str) -> None:
    """Give the room's own interviewer another link; a callback."""
    if any(session.id == room for session in room_log().sessions_of(trail())):
        st.session_state[_MADE] = words, {"interviewer": room_log().renew(room, "interviewer")}


#: The most interviews beside each other.
MOST = 8


def side_by_side(rooms: Sequence[Session]) -> None:
    """Offer the ended interviews of the same case and seed as a table."""
    groups: dict[tuple[str, str, int], list[Session]] = defaultdict(list)
    for head in rooms:
        if head.ended_at is not None and head.case in (*scenario_ids(), OWN_TASK):
            task = head.scenario_hash if head.case == OWN_TASK else ""
            groups[head.case, task, head.seed].append(head)
    for (case, task, seed), heads in groups.items():
        if len(heads) > 1:
            with st.expander(
                f"{len(heads)} interviews of {'a task of your own' if task else plain(case)} side by side",
                key=f"room:beside:{case}:{task}:{seed}",
                on_change="rerun",
            ) as drawer:
                if drawer.open:
                    _table(heads[-MOST:])


def _table(heads: Sequence[Session]) -> None:
    oldest = sorted(heads, key=lambda head: head.begun_at)
    with faults_shown():
        columns = {f"Candidate {chr(65 + place)}": _column(live_room(head.id)) for place, head in enumerate(oldest)}
        st.dataframe(pd.DataFrame(columns))
        st.caption("; ".join(f"{name}: {clock(head.begun_at)}" for name, head in zip(columns, oldest, strict=True)))
        st.markdown(phrase("rooms.no_ranks"))


def _column(room: LiveRoom) -> dict[str, str]:
    """Return the rows of one interview, in the order of the table."""
    state, scenario = room.state_for("interviewer"), room.scenario
    return {
        "minutes worked": f"{sum(state.used_s.values()) / 60:.0f} of {state.session.minutes}",
        "questions asked": str(len(state.questions)),
        "hints pushed": str(len(state.hints)),
        "changes of the board": str(len(state.operations)),
        "designs run": str(len({design_hash(run.asked.picks, {}, run.asked.drawing) for run in state.runs})),
        "last verdicts": (state.last_run.verdict_counts if state.last_run else "") or "no run",
        "design": change_words(scenario, scenario.defaults(), state.picks(scenario)) or "as in the case",
        **{f"marks: {LABELS[signal]}": _marks(state, signal) for signal in CARD_SIGNALS},
    }


def _marks(state: RoomSession, signal: str) -> str:
    signs = [tag.event.plus for tag in state.room.tags if tag.event.signal == signal]
    return f"+{sum(signs)} −{len(signs) - sum(signs)}" if signs else ""
