"""A room as all tabs of this server share it: the log in memory, the state of each role, and who is present."""

from __future__ import annotations

from threading import RLock
from time import monotonic

from cachetools import LRUCache

from simulator.app.live_session import LiveSession
from simulator.app.news import bell
from simulator.app.rooms import room_log
from simulator.app.store.room_log import RoomLog
from simulator.app.store.session_rows import NoSessionError
from simulator.app.widgets import scenario_of
from simulator.case.load import scenario_ids
from simulator.case.schema import Scenario
from simulator.session.room_events import PanelPushed, visible
from simulator.session.session_events import AnyEvent, LoggedEvent, Role
from simulator.session.session_state import SessionState

#: Rooms in memory.
_KEPT = 128

#: A tab counts as present for so long after its socket was last seen (s).
PRESENT_S = 4.0


class LiveRoom(LiveSession):
    """A room, read from the log; each method may be called from several threads at once.

    state: as the server knows it, with what no browser may see; `state_for` is what a role may see
    """

    def __init__(self, log: RoomLog, scenario: Scenario, room: str) -> None:
        self.lock = RLock()
        self.events: list[LoggedEvent] = []
        super().__init__(log, scenario, room)
        self.events = log.events_after(room)
        self._views: dict[Role, tuple[int, SessionState]] = {}
        self._tabs: dict[str, tuple[Role, float]] = {}

    def __deepcopy__(self, memo: dict[int, object]) -> LiveRoom:
        """Return this room: Streamlit copies the arguments of callbacks, and a room is shared."""
        return self

    def refresh(self) -> bool:
        """Read the events of other servers; return whether there were any."""
        with self.lock:
            further = self.log.events_after(self.state.session.id, self.state.place - 1)
            known = self.events[-1].place if self.events else -1
            self.events += [one for one in further if one.place > known]
            self.state = self.state.after(further)
            return bool(further)

    def take(self, role: Role, event: AnyEvent) -> SessionState:
        """Append an event, and have every browser look; raises EventError with a sentence if it makes no sense here."""
        with self.lock:
            state = super().take(role, event)
        bell().ring()
        return state

    def state_for(self, role: Role) -> SessionState:
        """Return the state as a function of the events that a role may see, and of no other."""
        with self.lock:
            place, known = self._views.get(role, (-1, None))
            if known is None or place != self.state.place:
                known = SessionState.of(self.state.session, visible(self.events, role))
                self._views[role] = self.state.place, known
            return known

    def seen_events(self, role: Role) -> list[LoggedEvent]:
        """Return the events that a role may see, in their order."""
        with self.lock:
            return visible(self.events, role)

    @property
    def pushes(self) -> int:
        """The number of panels that the interviewer has shown so far."""
        with self.lock:
            return sum(isinstance(one.event, PanelPushed) for one in self.events)

    def seen(self, tab: str, role: Role) -> None:
        """Note that a tab of a role is there now."""
        with self.lock:
            self._tabs[tab] = role, monotonic()

    def present(self) -> list[Role]:
        """Return the roles with a tab that is there now, in this server."""
        with self.lock:
            now = monotonic()
            self._tabs = {tab: (role, at) for tab, (role, at) in self._tabs.items() if now - at < PRESENT_S}
            there = {role for role, _ in self._tabs.values()}
        return [role for role in ("interviewer", "candidate", "rater", "observer") if role in there]


_ROOMS: LRUCache[str, LiveRoom] = LRUCache(_KEPT)
_OPENING = RLock()


def live_room(room: str) -> LiveRoom:
    """Return a room with all events so far; raises NoSessionError for an unknown one, and StoreError."""
    head = room_log().get(room)
    if head is None or head.case not in scenario_ids():
        raise NoSessionError("There is no such room on this server.")
    scenario = scenario_of(head.case)
    with _OPENING:
        known = _ROOMS.get(room)
        if known is None or known.scenario is not scenario:
            known = _ROOMS[room] = LiveRoom(room_log(), scenario, room)
    known.refresh()
    return known
