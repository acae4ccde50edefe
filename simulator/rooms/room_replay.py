"""The replay of a room: a scrubber over the log. Board and runs are computed again, with the same hashes."""

from __future__ import annotations

import json
from bisect import bisect_right
from dataclasses import dataclass, replace
from typing import Any

import streamlit as st

from simulator.app.board_component import whiteboard
from simulator.app.component_files import component_beside
from simulator.app.news import FOLLOW_JS, Latest, bell, offer
from simulator.app.widgets import plain
from simulator.panels.verdict_bar import bar
from simulator.rooms.room_at_hand import BoardDesk, RoomAtHand, job_of
from simulator.rooms.room_session import RoomSession, room_record
from simulator.rooms.room_view import run_bar

#: The speeds that are offered: log seconds for a second.
SPEEDS = (1, 5, 20, 60)

_component = component_beside(__file__, "room_replay", FOLLOW_JS)


@dataclass(eq=False)
class ReplayDesk(BoardDesk):
    """The board as it was at a place of the log."""

    place: int = 0

    def state_at(self) -> RoomSession:
        """Return the state behind the event at the place, as the role may see it."""
        events = self.live.seen_events(self.room.role)
        kept = events[: bisect_right([event.place for event in events], self.place)]
        return RoomSession.of(replace(self.live.state.session, ended_at=None), kept)

    def look(self) -> Latest:
        """Return the board at the place."""
        if not self.room.is_lately_open:
            return self.closed()
        state = self.state_at()
        job = job_of(self.live, state, "replay")
        revision = json.dumps(
            [state.design_at_hand(self.live.scenario_at(state)), len(state.operations), job.succeeded if job else None]
        )
        return Latest(revision, lambda: self.content(state, job) | {"editable": False, "place": self.place, "palette": []})

    def scrubbed(self) -> Latest:
        """Return nothing new: the scrubber speaks and hears nothing."""
        return Latest("scrubber")

    def hear(self, said: Any) -> Any:
        """Go to another place."""
        place = said.get("place") if isinstance(said, dict) else None
        if isinstance(place, int) and not isinstance(place, bool):
            self.place = min(max(place, 0), self.live.state.place)
            bell().ring()
        return {}


def replay(room: RoomAtHand) -> None:
    """Show the scrubber, the board at its time and the verdicts of the run then."""
    st.header("Replay", anchor=False)
    key = f"room:replay:{room.id}:{room.role}"
    desk = st.session_state.get(key)
    if not isinstance(desk, ReplayDesk):
        desk = st.session_state[key] = ReplayDesk(room, place=room.state.place)
    desk.room = room
    rows = room_record(room.scenario, room.state)
    begun = 60 * (rows[0].minute if rows else 0.0)
    moments = [
        [0, 0.0, "the begin"],
        *([row.place, 60 * row.minute - begun, f"{row.what}: {row.details}".removesuffix(": ")[:80]] for row in rows),
    ]
    marks = [
        [60 * row.minute - begun, f"{row.minute:.0f} min, {row.details}"[:60]]
        for row in rows
        if row.what in ("Mark", "Curveball", "Run")
    ]
    end = moments[-1][1]
    content = {"rows": moments, "marks": marks, "end": end, "time": end, "speeds": SPEEDS}
    _component(key="room:replay", data=content | {"token": offer("room replay", desk.scrubbed, hear=desk.hear)})
    whiteboard(f"{room.id}:replay", offer("room replay board", desk.look), 460, "Whiteboard at that time")
    _verdicts(desk)


def _verdicts(desk: ReplayDesk) -> None:
    def look() -> Latest:
        state = desk.state_at()
        job = job_of(desk.live, state, "replay")
        twin = job_of(desk.live, replace(state, curveballs=()), "calm") if state.strikes else None
        calm = twin.summary if twin is not None and twin.succeeded else None  # the same design without its curveballs
        seen = f"{job.id} {job.ready} {job.running}" if job else "none"
        return Latest(f"{seen} {calm is not None}", lambda: run_bar(job, calm=calm))

    now = look()
    with st.bottom:
        bar((now.paint() if now.paint else {}) | {"seen": now.revision}, look)
        if any(curveball.event.kind == "curveball_struck" for curveball in desk.room.state.curveballs):
            st.caption(plain("The ring on a verdict's line shows the design without curveballs."))
