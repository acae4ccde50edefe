"""A room as all tabs of this server share it: the log in memory, the state of each role, and who is present."""

from __future__ import annotations

from collections.abc import Sequence
from threading import RLock
from time import monotonic
from typing import NamedTuple
from weakref import WeakValueDictionary

from cachetools import LRUCache

from simulator.app.live_session import LiveSession
from simulator.app.news import bell
from simulator.app.store.room_log import RoomLog
from simulator.app.store.session_rows import NoSessionError
from simulator.app.widgets import scenario_of
from simulator.case.load import scenario_ids
from simulator.case.schema import Scenario
from simulator.rooms.own_task import OWN_TASK, OwnTask
from simulator.rooms.room_doors import room_log
from simulator.rooms.room_events import DISCLOSING, BoardChanged, PanelPushed, TaskSet, visible
from simulator.rooms.room_places import room_places
from simulator.rooms.room_session import RoomSession
from simulator.session.event_log import AnyEvent, LoggedEvent, Role, Session

#: Rooms that stay in memory, besides those that a page holds.
_KEPT = 128

#: The tabs of a room share what was read from the log for so long (s).
FRESH_S = 0.2

#: A tab counts as present for so long after its socket was last seen (s).
PRESENT_S = 4.0


_NO_ROOM = "There is no such room on this server."


class _View(NamedTuple):
    """What a role may see: the events, and the state as a function of them; through: the number of all events so far."""

    through: int
    events: tuple[LoggedEvent, ...]
    state: RoomSession


class LiveRoom(LiveSession):
    """A room, read from the log; each method may be called from several threads at once.

    state: as the server knows it, with what no browser may see; `state_for` is what a role may see
    """

    states = RoomSession
    state: RoomSession

    def __init__(self, log: RoomLog, scenario: Scenario, room: str) -> None:
        self.lock = RLock()
        super().__init__(log, scenario, room)
        self.events: list[LoggedEvent] = []
        self._tasks: list[tuple[int, OwnTask]] = []
        self._views: dict[Role, _View] = {}
        self._sent: set[tuple[str, int]] = set()
        self._refreshed_at = 0.0
        self._add(log.events_after(room))
        self._tabs: dict[str, tuple[Role, float]] = {}

    def __deepcopy__(self, memo: dict[int, object]) -> LiveRoom:
        """Return this room: Streamlit copies the arguments of callbacks, and a room is shared."""
        return self

    def refresh(self) -> bool:
        """Read the events of other servers; return whether there were any."""
        with self.lock:
            further = self.log.events_after(self.state.session.id, self.state.place - 1)
            self._refreshed_at = monotonic()
            self._add(further)
            self.state = self.state.after(further)
            return bool(further)

    def _add(self, further: list[LoggedEvent]) -> None:
        last_place = self.events[-1].place if self.events else -1
        new = [event for event in further if event.place > last_place]
        self.events += new
        self._tasks += [(event.place, event.event.own) for event in new if isinstance(event.event, TaskSet) and event.event.own]
        self.scenario = self._tasks[-1][1].case if self._tasks else self.scenario
        self._sent |= {(event.event.browser, event.event.number) for event in new if isinstance(event.event, BoardChanged)}

    def scenario_at(self, state: RoomSession) -> Scenario:
        """Return the case as of a state: the numbers of a task of one's own may change while the interview goes on."""
        with self.lock:
            earlier = (own for place, own in reversed(self._tasks) if place < state.place)
            return own.case if (own := next(earlier, None)) else self.scenario

    def keep_fresh(self) -> None:
        """Read the events of other servers, unless that was done a moment ago: every tab of the room asks for it."""
        with self.lock:
            if monotonic() - self._refreshed_at >= FRESH_S:
                self.refresh()

    def holds(self, browser: str, number: int) -> bool:
        """Return whether the log holds the operation that a browser sent under a number."""
        with self.lock:
            return (browser, number) in self._sent

    def take(self, role: Role, event: AnyEvent) -> RoomSession:
        """Append an event, and have every browser look; raises EventError with a sentence if it makes no sense here."""
        with self.lock:
            super().take(role, event)
            state = self.state
        bell().ring()
        return state

    def state_for(self, role: Role) -> RoomSession:
        """Return the state as a function of the events that a role may see, and of no other."""
        with self.lock:
            return self._view(role).state

    def seen_events(self, role: Role) -> Sequence[LoggedEvent]:
        """Return the events that a role may see, in their order."""
        with self.lock:
            return self._view(role).events

    def _view(self, role: Role) -> _View:
        view = self._views.get(role)
        if view is None or view.through != len(self.events):
            view = self._views[role] = self._further(view, role)
        return view

    def _further(self, view: _View | None, role: Role) -> _View:
        """Return the view of a role with all events, made anew where one decides what is seen of earlier ones."""
        through = len(self.events)
        if view is None or any(isinstance(event.event, DISCLOSING) for event in self.events[view.through :]):
            seen = tuple(visible(self.events, role))
            return _View(through, seen, RoomSession.of(self.state.session, seen))
        further = visible(self.events[view.through :], role, self.events)
        return _View(through, (*view.events, *further), view.state.after(further))

    @property
    def pushes(self) -> int:
        """The number of panels that the interviewer has shown so far."""
        with self.lock:
            return sum(isinstance(event.event, PanelPushed) for event in self.events)

    def seen(self, tab: str, role: Role) -> None:
        """Note that a tab of a role is there now; the room keeps its place until it has ended."""
        with self.lock:
            self._tabs[tab] = role, monotonic()
            session, ended = self.state.session.id, self.state.ended_at is not None
        (room_places().free if ended else room_places().keep)(session)

    def present(self) -> list[Role]:
        """Return the roles with a tab that is there now, in this server."""
        with self.lock:
            now = monotonic()
            self._tabs = {tab: (role, at) for tab, (role, at) in self._tabs.items() if now - at < PRESENT_S}
            there = {role for role, _ in self._tabs.values()}
        return [role for role in ("interviewer", "candidate", "rater", "observer") if role in there]


_ROOMS: LRUCache[str, LiveRoom] = LRUCache(_KEPT)
_HELD: WeakValueDictionary[str, LiveRoom] = WeakValueDictionary()
_OPENING = RLock()


def live_room(room: str) -> LiveRoom:
    """Return a room with all events so far; raises NoSessionError for an unknown one, and StoreError."""
    head = room_log().get(room)
    if head is None:
        raise NoSessionError(_NO_ROOM)
    with _OPENING:
        live = _HELD.get(room)
        if live is None or live.state.room.own is None:
            scenario = _scenario_of(head)
            if live is None or live.scenario is not scenario:
                live = _HELD[room] = LiveRoom(room_log(), scenario, room)
        _ROOMS[room] = live
    live.refresh()
    return live


def _scenario_of(head: Session) -> Scenario:
    """Return the case of a room: that of its own task, which its log holds, or one of this server."""
    if head.case == OWN_TASK:
        for logged in room_log().events_after(head.id):
            if isinstance(logged.event, TaskSet) and logged.event.own is not None:
                return logged.event.own.case
    if head.case not in scenario_ids():
        raise NoSessionError(_NO_ROOM)
    return scenario_of(head.case)
