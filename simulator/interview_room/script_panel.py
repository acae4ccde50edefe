"""The interviewer's script: the phases with their clock, and the probes of the phase for a level."""

from __future__ import annotations

from time import time
from typing import Any

import streamlit as st

from simulator.app.widgets import plain
from simulator.case.interview import notes_at, other_notes, probes_of
from simulator.case.phases import phases_of
from simulator.interview_room.room_at_hand import RoomAtHand
from simulator.session.phase_clock import phase_times
from simulator.session.room_events import LEVELS, ClockPaused
from simulator.session.session_events import PhaseBegun


def script_panel(room: RoomAtHand) -> None:
    """Show the clock and the phases, and what to ask in the present one."""
    _clock(room)
    _phases(room)
    settings = room.state.room.settings
    if settings is not None and settings.task:
        with st.expander("The task that the candidate reads"):
            st.markdown(plain(settings.task))
    usual = settings.level if settings else "senior"
    place = LEVELS.index(usual)
    level = st.radio("Level", LEVELS, place, format_func=str.capitalize, horizontal=True, key="room:script:level") or usual
    phase = room.state.phase or phases_of(room.scenario)[0].id
    for label, note in notes_at(room.scenario, phase).items():
        st.info(f"**{plain(label)}**, for you alone: {note}")
    for probe in probes_of(room.scenario, phase, level):
        with st.container(border=True):
            st.markdown(f"**{plain(probe.ask)}**")
            if probe.strong:
                st.markdown("A strong answer names\n" + "\n".join(f"- {plain(one)}" for one in probe.strong))
            if probe.weak:
                st.markdown("A weak answer\n" + "\n".join(f"- {plain(one)}" for one in probe.weak))
    notes, others = room.scenario.interview.notes, other_notes(room.scenario, phase)
    if notes or others:
        with st.expander("Notes on the case, for you alone"):
            st.markdown("\n\n".join([notes or "", *(f"**{plain(label)}**: {note}" for label, note in others.items())]))


def _clock(room: RoomAtHand) -> None:
    """Offer to start, pause and continue the clock."""
    paused, over = room.state.paused, room.state.ended_at is not None
    words = "Pause the clock" if not paused else "Start the clock" if room.state.started_at is None else "Continue the clock"
    kind: Any = "primary" if paused else "secondary"
    event = ClockPaused(paused=not paused)
    st.button(words, type=kind, key="room:pause", disabled=over, on_click=room.take, args=(event,), shortcut="Alt+P")


def _phases(room: RoomAtHand) -> None:
    st.caption("Phases: minutes used / planned")
    now, over = time(), room.state.ended_at is not None
    for place, one in enumerate(phase_times(room.scenario, room.state, now)):
        kind: Any = "primary" if one.present else "secondary"
        label = f"{one.title}: {one.used_s / 60:.0f}/{round(one.planned_s / 60, 1):g}"
        st.button(
            plain(label),
            type=kind,
            key=f"room:phase:{one.id}",
            disabled=over,
            on_click=_begin,
            args=(room, one.id),
            width="stretch",
            wrap=True,
            shortcut=f"Alt+{place + 1}" if place < 9 else None,
        )


def _begin(room: RoomAtHand, phase: str) -> None:
    """Begin a phase, unless it is the present one; a callback."""
    if phase != room.state.phase:
        room.take(PhaseBegun(phase=phase))
