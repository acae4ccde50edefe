"""Rooms in a database of a test, and desks at their boards."""

from __future__ import annotations

from dataclasses import dataclass, field

from simulator.app.store.room_log import NewRoom, RoomLog
from simulator.case.load import load
from simulator.case.phases import phases_of
from simulator.engine.compiled_plan import case_hash
from simulator.rooms import room_doors as rooms
from simulator.rooms.live_room import LiveRoom
from simulator.rooms.own_task import OwnTask
from simulator.rooms.room_at_hand import BoardDesk, RoomAtHand
from simulator.rooms.room_events import RoomOpened, TaskSet
from simulator.session.event_log import Role


@dataclass
class TestRoom:
    """A room with its log, its secrets, and a desk for each role that asks for one."""

    log: RoomLog
    made: NewRoom
    live: LiveRoom
    desks: dict[Role, BoardDesk] = field(default_factory=dict)

    def at_hand(self, role: Role) -> RoomAtHand:
        return RoomAtHand(self.live, role, self.made.keys[role])

    def desk(self, role: Role) -> BoardDesk:
        if role not in self.desks:
            self.desks[role] = BoardDesk(self.at_hand(role))
        return self.desks[role]

    def say(self, role: Role, *operations: dict, first: int = 1, tab: str = "") -> dict:
        """Have a role's browser send operations, numbered from `first` on."""
        listed = [{"number": first + place, "op": operation} for place, operation in enumerate(operations)]
        return self.desk(role).hear({"tab": tab or f"browser-of-{role}", "operations": listed})


def new_room(monkeypatch, url: str, case: str = "retry-storm", own: OwnTask | None = None, **settings) -> TestRoom:
    """own: a task of the interviewer's own, in place of the case"""
    log = RoomLog(url)
    monkeypatch.setattr(rooms, "room_log", lambda: log)
    monkeypatch.setattr("simulator.rooms.room_at_hand.room_log", lambda: log)
    scenario = own.case if own else load(case)
    made = log.create(
        "the trail of a lead",
        scenario.id,
        scenario.version,
        case_hash(scenario),
        RoomOpened(**settings),
        phases_of(scenario)[0].id,
        task=TaskSet(own=own) if own else None,
        seed=1,
        minutes=45,
    )
    return TestRoom(log, made, LiveRoom(log, scenario, made.session.id))
