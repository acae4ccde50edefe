"""The interviewer's script: the phases with their clock, and the probes of the phase for a level."""

from __future__ import annotations

from hashlib import sha256
from time import time
from typing import Any

import streamlit as st

from simulator.app.news import Latest, follow
from simulator.app.widgets import plain
from simulator.case.interview import Probe, notes_at, other_notes, probes_of
from simulator.case.phases import phases_of
from simulator.rooms.board_gaps import board_gaps
from simulator.rooms.candidate_page import brief_of
from simulator.rooms.room_at_hand import RoomAtHand
from simulator.rooms.room_events import LEVELS, ClockPaused, ProbeTicked
from simulator.rooms.room_session import drawing_of
from simulator.session.phase_clock import phase_times
from simulator.session.session_events import PhaseBegun

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
    st.session_state[key] = asked = probe.ask in room.state.room.probes
    event, over = ProbeTicked(ask=probe.ask, asked=not asked), room.state.ended_at is not None
    st.checkbox(plain(probe.ask), key=key, on_change=room.take, args=(event,), disabled=over)
    if probe.strong:
        st.markdown("A strong answer names\n" + "\n".join(f"- {plain(answer)}" for answer in probe.strong))
    if probe.weak:
        st.markdown("A weak answer\n" + "\n".join(f"- {plain(answer)}" for answer in probe.weak))


def _clock(room: RoomAtHand) -> None:
    """Offer to start, pause and continue the clock."""
    paused, over = room.state.paused, room.state.ended_at is not None
    words = "Pause the clock" if not paused else "Start the clock" if room.state.started_at is None else "Continue the clock"
    kind: Any = "primary" if paused else "secondary"
    event = ClockPaused(paused=not paused)
    st.button(words, type=kind, key="room:pause", disabled=over, on_click=room.take, args=(event,), shortcut="Alt+P")


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
