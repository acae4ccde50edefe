"""What everybody in a room sees: clock, board, verdicts, a panel of the run; and a field for text that saves itself."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from hashlib import sha256
from itertools import chain, count
from secrets import token_urlsafe
from threading import Lock
from time import time
from typing import Any

import pandas as pd
import streamlit as st

from simulator.app.board_component import whiteboard
from simulator.app.component_files import component_beside
from simulator.app.design_state import widget_value
from simulator.app.exhibit_drawings import drawings
from simulator.app.jobs import Job
from simulator.app.news import FOLLOW_JS, Latest, component_key, follow, offer
from simulator.app.widgets import plain
from simulator.board import operations as ops
from simulator.board.board import Board
from simulator.board.board_content import kind_words
from simulator.board.box_fields import box_of_choice
from simulator.board.ports import ways_out
from simulator.case.exhibits import EXHIBITS
from simulator.case.phases import hero_of
from simulator.case.schema import Scenario
from simulator.errors import InputError
from simulator.explain.result import Result
from simulator.panels.choice_widget import choice_widget
from simulator.panels.day_panel import over_time
from simulator.panels.lever_panel import levers
from simulator.panels.verdict_bar import bar, bar_content
from simulator.rooms.room_at_hand import BoardDesk, RoomAtHand, job_of, note_last_result, seen_by
from simulator.rooms.room_doors import role_words
from simulator.rooms.room_events import BoardChanged, NotesSaved, ScratchpadSaved
from simulator.session.session_events import PanelOpened, PickChanged, RunAsked, RunEnded
from simulator.session.session_state import left_s, phase_times

#: Events that the board and the verdicts show by themselves: no other part of the page is drawn again for them.
_ON_THE_BOARD = (BoardChanged, RunAsked, RunEnded, NotesSaved, ScratchpadSaved)


#: The key of the switch with which the interviewer follows the candidate.
FOLLOW = "room:follow"


def follow_talk(room: RoomAtHand) -> None:
    """Have the page drawn again after an event that the role may see and that the board does not show by itself.

    It is drawn, too, once the last run has its result after the end, and once the link is closed.
    """

    def look() -> Latest:
        room.live.keep_fresh()
        note_last_result(room.live)
        seen, ended = reversed(room.live.seen_events(room.role)), room.state.ended_at
        talk = next((event.place for event in seen if not isinstance(event.event, _ON_THE_BOARD)), -1)
        results = sum(run.ended is not None for run in room.state.runs) if ended is not None else None
        return Latest(f"{talk} {ended} {results} {room.is_lately_open}")

    follow("room talk", look)


def board(room: RoomAtHand, height: int = 560) -> None:
    """Show the board; its changes travel on its own socket."""
    key = f"room:desk:{room.id}:{room.role}"
    desk = st.session_state.get(key)
    if not isinstance(desk, BoardDesk):
        desk = st.session_state[key] = BoardDesk(room)
    desk.room = room
    hear = desk.hear if room.role in ("candidate", "interviewer") else None
    whiteboard(f"{room.id}:{room.role}", offer("room board", desk.look, hear=hear), height, "Whiteboard of the interview")
    _other_choices(room)
    board_table(room)


def _other_choices(room: RoomAtHand) -> None:
    """Offer the choices that belong to no single box."""
    settings, scenario = room.state.room.settings, room.scenario
    open_ones = None if settings is None or room.leads else settings.choices
    names = [
        name for name in scenario.choices if not box_of_choice(scenario, name) and (open_ones is None or name in open_ones)
    ]
    if not names:
        return
    picks = room.state.picks(scenario)
    with st.expander("Choices of no single box"):
        for name in names:
            key = f"room:pick:{name}"
            st.session_state[key] = widget_value(scenario.choices[name], picks[name])
            disabled = room.role not in ("candidate", "interviewer") or (room.state.room.locked and not room.leads)
            choice_widget(scenario.choices[name], key=key, on_change=_picked, args=(room, name), disabled=disabled)


def _picked(room: RoomAtHand, name: str) -> None:
    before: Any = room.live.state.picks(room.scenario)[name]
    after = room.scenario.choices[name].read(st.session_state[f"room:pick:{name}"])
    if after != before:
        room.take(PickChanged(choice=name, before=before, after=after))


# ---- the verdicts


def verdicts(room: RoomAtHand) -> None:
    """Show the objectives; the bar paints itself as the run goes on."""

    def look() -> Latest:
        job = job_of(room.live)
        state = f"{job.id} {job.ready} {job.running}" if job else "none"
        return Latest(f"{state} {room.state.room.bounds}", lambda: _bar(room, job))

    now = look()
    bar(_bar(room, job_of(room.live)) | {"seen": now.revision}, look)


def _bar(room: RoomAtHand, job: Job | None) -> dict[str, Any]:
    objectives = [objective.metric for objective in room.scenario.objectives]
    hidden = (
        ()
        if room.role in ("interviewer", "rater")
        else [objective for objective in objectives if objective not in room.state.room.bounds]
    )
    return run_bar(job, hidden)


def run_bar(job: Job | None, hidden: Collection[str] = (), calm: Result | None = None) -> dict[str, Any]:
    """Return what the bar of the verdicts paints of a run.

    hidden: metrics whose bound is not shown; calm: the same run in calm
    """
    if job is None:
        return bar_content([], words="The board does not run yet: a box, or the line below the board, says why.")
    if job.error:
        return bar_content([], words=f"The run failed: {job.error}", failed=True)
    result = job.summary if job.succeeded else job.quick
    if result is None:
        return bar_content(None, stale=True, words="The run begins …", share=job.share)
    words = "" if job.succeeded else f"Preliminary, after {job.ready} of {job.planned} replications."
    share, beside = job.share if job.running else None, calm.verdicts if calm else None
    return bar_content(result.verdicts, beside, early=not job.succeeded, words=words, share=share, hidden=hidden)


# ---- a panel of the run


@st.fragment
def panel(room: RoomAtHand) -> None:
    """Show one panel of the latest run: that of the lead, or the person's own choice."""

    def look() -> Latest:
        job = job_of(room.live)
        return Latest(f"{job.id} {job.running}" if job else "none")

    job = job_of(room.live)
    follow("room result", look)
    names = open_panels(room)
    if not names:
        return
    led = room.state.room.pushed if room.state.room.leads else None
    wanted = led if led in names else _followed(room, names) or _own_panel(room, names)
    if led:
        st.caption(f"The interviewer leads: both see “{plain(EXHIBITS[wanted].label)}”.")
    if job is None:
        return
    if not job.succeeded:
        st.markdown("The panel follows with the run." if job.running else "This run gave no panel.")
        return
    _draw(wanted, seen_by(job.summary, room.role, room.state.room.bounds))
    settings = room.state.room.settings
    if settings is not None and settings.levers:
        levers(job)


def open_panels(room: RoomAtHand) -> list[str]:
    """Return the panels that are open to the role, the first one first, and the one that was pushed."""
    settings, every = room.state.room.settings, drawable(room.scenario)
    if room.leads or settings is None or settings.panels is None:
        return every
    return [name for name in every if name in settings.panels or name == room.state.room.pushed]


def drawable(scenario: Scenario) -> list[str]:
    """Return the panels of a case that can be drawn, that of the first picture first."""
    every, listed = {**drawings().panels, **drawings().timed, **drawings().heroes}, [hero_of(scenario), *scenario.shown()]
    return [name for name in dict.fromkeys(listed) if name is not None and name in every]


def _own_panel(room: RoomAtHand, names: Sequence[str]) -> str:
    key, pushed = "room:panel", room.state.room.pushed
    push = pushed, room.live.pushes
    if pushed in names and st.session_state.get("room:pushed") != push:
        st.session_state["room:pushed"], st.session_state[key] = push, pushed
    if st.session_state.get(key) not in names:
        st.session_state[key] = names[0]
    label = "Panel" if len(names) > 1 else "The panel of this room"
    picked = st.selectbox(label, names, format_func=lambda name: EXHIBITS[name].label, key=key, on_change=_opened, args=(room,))
    return str(picked)


def _followed(room: RoomAtHand, names: Sequence[str]) -> str | None:
    """Return the panel that the candidate opened last, for an interviewer who follows; None for every other visitor."""
    if not room.leads or not st.session_state.get(FOLLOW):
        return None
    opened = [logged.event.panel for logged in room.state.panels]
    return opened[-1] if opened and opened[-1] in names else None


def _opened(room: RoomAtHand) -> None:
    if room.role == "candidate":
        room.take(PanelOpened(panel=st.session_state["room:panel"]))


def _draw(name: str, result: Result) -> None:
    if name not in result.plan.scenario.shown():
        st.markdown(f"“{plain(EXHIBITS[name].label)}” has nothing to show of this drawing.")
    elif name in drawings().timed:
        over_time([name], result)
    elif name in drawings().panels:
        drawings().panels[name](result)
    else:
        drawings().heroes[name](result)


#: The word for a way that leads nowhere.
_NOWHERE = "nowhere"


def board_table(room: RoomAtHand) -> None:
    """Show where each box leads, as a table; another target in a cell is a change of the board."""
    with st.expander("The board as a table", key="room:table", on_change="rerun") as drawer:
        if drawer.open:
            _table(room)


@st.fragment
def _table(room: RoomAtHand) -> None:
    board = room.state.board(room.scenario)
    rows, labels = ways_table(board), distinct_labels(board)
    editable = room.role in ("candidate", "interviewer") and (room.leads or not room.state.room.locked)
    st.data_editor(
        rows.drop(columns=["box", "port"]),
        key=f"room:ways:{room.state.place}",
        hide_index=True,
        disabled=True if not editable else ["stage", "kind", "way"],
        column_config={
            "leads to": st.column_config.SelectboxColumn("leads to", options=[_NOWHERE, *labels.values()], required=True)
        },
        on_change=_edited,
        args=(room, rows, {label: name for name, label in labels.items()}, f"room:ways:{room.state.place}"),
    )


def distinct_labels(board: Board) -> dict[str, str]:
    """Return a label for each box that no other box has: the second “Pool” is “Pool (2)”."""
    labels: dict[str, str] = {}
    for name, box in board.boxes.items():
        numbered = (f"{box.label} ({number})" for number in count(2))
        taken = {_NOWHERE, *labels.values()}
        labels[name] = next(label for label in chain([box.label], numbered) if label not in taken)
    return labels


def ways_table(board: Board) -> pd.DataFrame:
    """Return the ways out of each box: the stage, its kind, the way and the box that it leads to."""
    labels = distinct_labels(board)
    rows = [
        {
            "box": name,
            "port": way.port,
            "stage": labels[name],
            "kind": kind_words(box),
            "way": way.label,
            "leads to": labels.get(way.target, _NOWHERE),
        }
        for name, box in board.boxes.items()
        if not box.is_end
        for way in ways_out(box.data)
    ]
    return pd.DataFrame(rows, columns=["box", "port", "stage", "kind", "way", "leads to"])


def _edited(room: RoomAtHand, rows: pd.DataFrame, boxes: Mapping[str, str], key: str) -> None:
    """Take each edited cell as an operation; a callback. boxes: the name of each box by its label in the table."""
    for row, cells in st.session_state[key]["edited_rows"].items():
        box, port = str(rows.at[int(row), "box"]), str(rows.at[int(row), "port"])
        target = str(cells.get("leads to", _NOWHERE))
        if target == _NOWHERE:
            operation: ops.ConnectWay | ops.DisconnectWay = ops.DisconnectWay(op="disconnect", box=box, port=port)
        else:
            operation = ops.ConnectWay(op="connect", box=box, port=port, target=boxes[target])
        number = int(st.session_state.get("room:typed", 0)) + 1
        st.session_state["room:typed"] = number
        browser = str(st.session_state.setdefault("room:table:browser", token_urlsafe(12)))  # a name of this tab's table
        room.take(BoardChanged(operation=operation, browser=browser, number=number))


_status_row = component_beside(__file__, "room_status", FOLLOW_JS)

#: Time between two lines that say nothing but that the server is there (s).
_BEAT_S = 5


def status_row(room: RoomAtHand) -> None:
    """Show the clock and the people; the row paints itself from its own socket."""

    tab = str(st.session_state.setdefault("room:tab", token_urlsafe(12)))

    def look() -> Latest:
        room.live.keep_fresh()
        room.live.seen(tab, room.role)
        content = _content(room)
        steady = {name: value for name, value in content.items() if not name.endswith("_s")}
        return Latest(f"{steady} {room.state.phase} {int(time() / _BEAT_S)}", lambda: _content(room))

    now = look()
    _status_row(key="room:status", data={"token": offer("room status", look), "seen": now.revision, "now": _content(room)})


def _content(room: RoomAtHand) -> dict[str, Any]:
    state, now = room.state, time()
    phase = next((phase_time for phase_time in phase_times(room.scenario, state, now) if phase_time.present), None)
    people = ", ".join(role_words(role) for role in room.live.present()) or role_words(room.role)
    return {
        "minutes": state.session.minutes,
        "left_s": left_s(state, now),
        "title": phase.title if phase else "",
        "used_s": phase.used_s if phase else 0.0,
        "planned_s": phase.planned_s if phase else 0.0,
        "people": people,
        "paused": state.paused,
        "started": state.started_at is not None,
        "locked": state.room.locked,
        "ended": state.ended_at is not None,
    }


#: Time from the last key until a text is saved (ms): each text that is saved is an event of a log.
WAIT_MS = 1500

SCRIPT_BEFORE = f"{FOLLOW_JS}const WAIT_MS = {WAIT_MS};\n"
_text_field = component_beside(__file__, "autosave_text", SCRIPT_BEFORE)


#: One text at a time is compared and saved.
_SAVING = Lock()


def autosave_text(key: str, label: str, read: Callable[[], str], save: Callable[[str], None], most: int, rows: int = 6) -> None:
    """Show a field for text that is saved a moment after each change, and changes with the text of another tab.

    A tab that changes a text which it has not seen is refused, and joins both texts.

    read: returns the text as it is kept; save: keeps a text, and raises InputError with a sentence. Both are called in threads
    of the server, outside of any script
    most: the most characters
    """

    def hear(said: Any) -> Any:
        text, base = (said.get("text"), said.get("base")) if isinstance(said, dict) else (None, None)
        if not isinstance(text, str) or len(text) > most:
            return {"fault": f"At most {most:,} characters are kept."}
        with _SAVING:
            kept = read()
            if kept != text and _revision(kept) != base:
                return {"newer": kept, "base": _revision(kept)}
            try:
                if kept != text:
                    save(text)
            except InputError as error:
                return {"fault": str(error)}
        return {"saved": text, "base": _revision(text)}

    def look() -> Latest:
        text = read()
        return Latest(_revision(text), lambda: text)

    value = read()
    data = {"token": offer(f"text {key}", look, hear=hear), "seen": _revision(value), "value": value}
    _text_field(key=component_key("text", key), data=data | {"label": label, "most": most, "rows": rows})


def _revision(text: str) -> str:
    return sha256(text.encode(errors="replace")).hexdigest()[:16]
