"""The interviewer's page: the script on the left, what the candidate sees in the middle, the controls on the right."""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import sha256
from time import time
from typing import Any

import streamlit as st

from simulator.app.news import Latest, follow
from simulator.app.widgets import plain, show_fault
from simulator.board.board import Board, Box
from simulator.board.case_drawing import DrawnCase
from simulator.board.plain_box import box_kinds, is_plain
from simulator.board.ports import ways_out
from simulator.case.document import Document
from simulator.case.interview import Probe, notes_at, other_notes, probes_of
from simulator.case.phases import phases_of
from simulator.case.schema import Scenario
from simulator.phrases import phrase
from simulator.rooms.candidate_page import brief_of
from simulator.rooms.control_panel import events_panel, mark_panel, notes_panel, questions_panel, room_panel
from simulator.rooms.room_at_hand import RoomAtHand
from simulator.rooms.room_events import LEVELS, ClockPaused, ProbeTicked
from simulator.rooms.room_session import drawing_of
from simulator.rooms.room_view import board, follow_talk, panel, status_row, verdicts
from simulator.rooms.scorecard_page import scorecard_page
from simulator.session.session_events import PhaseBegun
from simulator.session.session_state import phase_times
from simulator.units import counted

#: The shortcut on a button in the colour of the theme is as easy to read as the button's words.
_SHORTCUT_STYLE = "<style>[data-testid=stBaseButton-primary] kbd { color: inherit !important; opacity: 1 !important; }</style>"


def interviewer_page(room: RoomAtHand) -> None:
    """Show the room to its interviewer; after the end, the scorecard and the replay."""
    settings = room.state.room.settings
    st.title(plain((settings.title if settings else "") or room.scenario.title), anchor=False)
    st.html(_SHORTCUT_STYLE)
    status_row(room)
    follow_talk(room)
    with st.container():
        show_fault()
    if room.state.ended_at is not None:
        scorecard_page(room)
        return
    phase_row(room)
    left, middle, right = st.columns([1, 3, 1.1], gap="small")
    with left:
        script_panel(room)
    with middle:
        board(room)
        panel(room)
    with right:
        _controls(room)
    with st.bottom:
        verdicts(room)


def _controls(room: RoomAtHand) -> None:
    waiting = sum(question.place not in room.state.room.answers for question in room.state.questions)
    # The line has a container, so that the tabs keep their place when it goes: a browser makes anew what moves, and forgets
    # what is typed there.
    with st.container():
        if waiting:
            st.info(f"{counted(waiting, 'question')} of the candidate: see “Talk”.")
    titles = ["Talk", "Events", "Marks", "Notes", "Room"]
    parts = [questions_panel, events_panel, mark_panel, notes_panel, room_panel]
    for tab, part in zip(st.tabs(titles, key="room:controls"), parts, strict=True):
        with tab:
            part(room)


#: The row of phases is short, without its keys; a probe stands out by its weight, since its name holds no Markdown.
_STYLE = '<style>.st-key-room-phases kbd { display: none; } [class*="st-key-room-probe-"] label p { font-weight: 600; }</style>'


def phase_row(room: RoomAtHand) -> None:
    """Show the clock's button and the phases in a line."""
    st.html(_STYLE)
    with st.container(horizontal=True, gap="xsmall", key="room-phases"):
        _clock(room)
        _phases(room)


def script_panel(room: RoomAtHand) -> None:
    """Show what to ask in the present phase, and the task."""
    settings = room.state.room.settings
    usual = settings.level if settings else "senior"
    place = LEVELS.index(usual)
    level = st.radio("Level", LEVELS, place, format_func=str.capitalize, horizontal=True, key="room:script:level") or usual
    phase = room.state.phase or phases_of(room.scenario)[0].id
    for label, note in notes_at(room.scenario, phase).items():
        st.info(f"**{plain(label)}**, for you alone: {note}")
    if settings is not None and settings.empty_board:
        gaps_panel(room)
    for probe in probes_of(room.scenario, phase, level):
        with st.container(border=True):
            _probe(room, probe)
    with st.expander("The task that the candidate reads"):
        st.markdown(brief_of(room))
    notes, others = room.scenario.interview.notes, other_notes(room.scenario, phase)
    if notes or others:
        with st.expander("Notes on the case, for you alone"):
            st.markdown("\n\n".join([notes or "", *(f"**{plain(label)}**: {note}" for label, note in others.items())]))


@st.fragment
def gaps_panel(room: RoomAtHand) -> None:
    """Show what the board does not say; drawn again as the board changes."""

    def gaps() -> list[str]:
        state, scenario = room.live.state, room.live.scenario
        return board_gaps(state.board(scenario), drawing_of(scenario, state), scenario)

    follow("room gaps", lambda: Latest("\n".join(gaps())))
    unsaid = gaps()
    with st.expander(f"The board does not say: {len(unsaid)}"):
        st.markdown("\n".join(f"- {plain(sentence)}" for sentence in unsaid) or "Nothing is missing.")


def _probe(room: RoomAtHand, probe: Probe) -> None:
    """Show a probe with a box to tick once it was asked."""
    key = f"room:probe:{sha256(probe.ask.encode()).hexdigest()[:12]}"
    st.session_state[key] = probe.ask in room.state.room.probes
    over = room.state.ended_at is not None
    st.checkbox(plain(probe.ask), key=key, on_change=_tick, args=(room, probe, key), disabled=over)
    if probe.optional:
        st.caption("Optional: ask it only where time is left")
    if probe.strong:
        st.markdown("A strong answer names\n" + "\n".join(f"- {plain(answer)}" for answer in probe.strong))
    if probe.weak:
        st.markdown("A weak answer\n" + "\n".join(f"- {plain(answer)}" for answer in probe.weak))


def _tick(room: RoomAtHand, probe: Probe, key: str) -> None:
    """Record a box that was pressed; Streamlit also calls this for boxes that leave the page unpressed."""
    asked = bool(st.session_state.get(key))
    if asked != (probe.ask in room.state.room.probes):
        room.take(ProbeTicked(ask=probe.ask, asked=asked))


def _clock(room: RoomAtHand) -> None:
    """Offer to start, pause and continue the clock."""
    paused, over = room.state.paused, room.state.ended_at is not None
    words = "Pause the clock" if not paused else "Start the clock" if room.state.started_at is None else "Continue the clock"
    kind, event = "primary" if paused else "secondary", ClockPaused(paused=not paused)
    room.button(words, "pause", event, type=kind, disabled=over, shortcut="Alt+P")


def _phases(room: RoomAtHand) -> None:
    """Offer each phase with its minutes, used and planned; Alt and its number begin it."""
    now, over = time(), room.state.ended_at is not None
    for place, one in enumerate(phase_times(room.scenario, room.state, now), 1):
        kind: Any = "primary" if one.present else "secondary"
        label = f"{place} {one.title} {one.used_s / 60:.0f}/{round(one.planned_s / 60, 1):g}"
        st.button(
            plain(label),
            type=kind,
            key=f"room:phase:{one.id}",
            disabled=over,
            on_click=_begin,
            args=(room, one.id),
            help="Minutes used / planned",
            shortcut=f"Alt+{place}" if place <= 9 else None,
        )


def _begin(room: RoomAtHand, phase: str) -> None:
    """Begin a phase, unless it is the present one; a callback."""
    if phase != room.state.phase:
        room.take(PhaseBegun(phase=phase))


def board_gaps(board: Board, drawing: DrawnCase, case: Scenario) -> list[str]:
    """Return a sentence for each thing that the board does not say, the whole drawing first, then box by box."""
    stages = {name: box for name, box in board.boxes.items() if not box.is_end and not is_plain(box.data)}
    gaps = [*_of_the_whole(board, drawing, case)]
    for name, box in stages.items():
        label = f"“{box.label}”"
        if name in drawing.apart:
            gaps.append(f"Nothing leads to {label}.")
        if unsaid := _unset(board, name, box):
            gaps.append(phrase("gaps.unset", box=label, values=unsaid))
        if "replicas" in box_kinds()[box.kind].model_fields and box.data.get("replicas", 1) == 1:
            gaps.append(phrase("gaps.one_replica", box=label))
        if any(way.port == "on_full" for way in ways_out(box.data)) and box.data.get("max_queue") is None:
            gaps.append(phrase("gaps.no_limit", box=label))
    return gaps


def _of_the_whole(board: Board, drawing: DrawnCase, case: Scenario) -> Iterator[str]:
    if not case.objectives:
        yield "The task has no objective, so no run gets a verdict."
    if not board.start:
        yield "Requests enter nowhere."
    if not any(box.is_end for box in board.boxes.values()):
        yield "No end says what becomes of a request."
    plain = [box.label for box in board.boxes.values() if is_plain(box.data)]
    if plain:
        yield phrase("gaps.plain", boxes=len(plain), names=plain)
    fault = sum(1 for fault in drawing.faults if fault.box)
    if fault:
        yield phrase("gaps.faults", faults=fault)


def _unset(board: Board, name: str, box: Box) -> list[str]:
    """Return the labels of the fields of a box that hold what a new box comes with: no person has set them."""
    places = box_kinds()[box.kind].at_the_box
    written = Document("", box.data)
    unset = [place for place in places if (name, place) not in board.by and written.holds(tuple(place.split(".")))]
    return [places[place] for place in unset]
