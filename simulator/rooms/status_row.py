"""The row above a room: the clock by phase and in all, who is present, and whether the page is in step."""

from __future__ import annotations

from secrets import token_urlsafe
from time import time
from typing import Any

import streamlit as st

from simulator.app.component_files import component_beside
from simulator.app.news import FOLLOW_JS, Latest, offer
from simulator.rooms.room_at_hand import RoomAtHand
from simulator.rooms.room_doors import role_words
from simulator.session.phase_clock import left_s, phase_times

_component = component_beside(__file__, "room_status", FOLLOW_JS)

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
    _component(key="room:status", data={"token": offer("room status", look), "seen": now.revision, "now": _content(room)})


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
