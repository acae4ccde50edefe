"""The room in the address, as the visitor's role sees it."""

from __future__ import annotations

from dataclasses import dataclass
from threading import Lock

import streamlit as st
from cachetools import TTLCache

from simulator.app.widgets import FAULT
from simulator.case.schema import Scenario
from simulator.errors import InputError
from simulator.rooms.live_room import LiveRoom, live_room
from simulator.rooms.room_doors import access_at_hand, cookie_name, room_log
from simulator.rooms.room_places import room_places
from simulator.rooms.room_runs import ask_for_last_run
from simulator.rooms.room_session import RoomSession
from simulator.session.event_log import AnyEvent, Role
from simulator.session.session_events import SessionEnded

LINK_CLOSED = "This link is not open any more."

#: For so long a link is taken to be as it was found (s).
_OPEN_S = 1.0

_OPEN: TTLCache[str, bool] = TTLCache(1024, _OPEN_S)
_LOOKING = Lock()


@dataclass(frozen=True)
class RoomAtHand:
    """A room and the visitor's role in it; key: the secret behind the role, in the visitor's cookie."""

    live: LiveRoom
    role: Role
    key: str

    @property
    def scenario(self) -> Scenario:
        return self.live.scenario

    @property
    def state(self) -> RoomSession:
        """The state as a function of the events that the role may see."""
        return self.live.state_for(self.role)

    @property
    def fresh_state(self) -> RoomSession:
        """The state with what other servers have added."""
        self.live.keep_fresh()
        return self.state

    @property
    def id(self) -> str:
        return self.live.state.session.id

    @property
    def is_open(self) -> bool:
        """Whether the link behind the role is still open; raises StoreError."""
        return room_log().access(self.key) == (self.id, self.role)

    @property
    def is_lately_open(self) -> bool:
        """Whether the link was open a moment ago: all sockets of its tabs ask at each look; raises StoreError."""
        with _LOOKING:
            if self.key not in _OPEN:
                _OPEN[self.key] = self.is_open
            return _OPEN[self.key]

    @property
    def leads(self) -> bool:
        return self.role == "interviewer"

    def append(self, event: AnyEvent) -> None:
        """Append an event of the role; raises InputError with a sentence where it is refused."""
        if not self.is_open:
            raise InputError(LINK_CLOSED)
        if isinstance(event, SessionEnded):
            ask_for_last_run(self.live)
        self.live.take(self.role, event)

    def take(self, *events: AnyEvent) -> None:
        """Append events of the role; where one is refused, leave out those behind it, and keep the sentence. A callback."""
        try:
            for event in events:
                self.append(event)
        except InputError as error:
            st.session_state[FAULT] = str(error)


def room_at_hand() -> RoomAtHand | None:
    """Return the room and the role that the address and the cookie open; None for none.

    Raises StoreError, and NoPlaceError with a sentence where the server holds no further interview; a page that is in stays in.
    """
    access = access_at_hand()
    if access is None:
        return None
    key, inside = str(st.context.cookies.get(cookie_name(*access), "")), f"room:in:{access.room}"
    live = live_room(access.room)
    if live.state.ended_at is None and inside not in st.session_state:
        room_places().enter(access.room)
    st.session_state[inside] = True
    return RoomAtHand(live, access.role, key)
