"""The board of a room for one tab: what it is sent, and what it is heard to say."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

from simulator.app.jobs import Job
from simulator.app.news import Latest
from simulator.board.board import Board, OperationError
from simulator.board.board_content import BoardFigures, Reader, board_content
from simulator.board.box_fields import CHOICE
from simulator.board.case_drawing import DrawnCase
from simulator.board.operations import SetField, hear_operations
from simulator.rooms.live_room import LiveRoom
from simulator.rooms.room_at_hand import LINK_CLOSED, RoomAtHand
from simulator.rooms.room_events import BoardChanged
from simulator.rooms.room_runs import job_of, note_result, plan_of
from simulator.rooms.room_session import RoomSession
from simulator.session.event_log import Logged
from simulator.session.session_events import PickChanged

#: What a line holds beside the board.
_REST = {"place": 0, "said": "", "running": False, "verdict": ""}

#: The words of roles on the board.
WHO = {"candidate": "The candidate", "interviewer": "The interviewer", "observer": "An observer", "rater": "The second rater"}


@dataclass(eq=False)
class BoardDesk:
    """The board for one tab. tab: a name of the tab that this server drew."""

    room: RoomAtHand
    tab: str
    taken: dict[str, int] = field(default_factory=dict)

    @property
    def live(self) -> LiveRoom:
        return self.room.live

    def look(self) -> Latest:
        """Return the board as of now; it has a run begun, and its result noted, as the board changes."""
        self.live.keep_fresh()
        if not self.room.is_lately_open:
            return self.closed()
        state = self.room.state
        job = None if state.ended_at is not None else job_of(self.live)
        if job is not None and job.succeeded:
            note_result(self.live, job)
        parts = [len(state.operations), len(state.changes), sorted(state.strikes), state.room.locked, state.ended_at]
        settings = state.room.settings
        parts += [settings.choices if settings else None, *([job.id, job.succeeded, job.running] if job else [])]
        revision = sha256(json.dumps(parts, default=str).encode()).hexdigest()[:16]
        return Latest(revision, lambda: self.content(state, job))

    def closed(self) -> Latest:
        """Return an empty board for a link that was revoked or has expired."""
        empty, case = Board("", {}, {}), self.live.scenario
        content = board_content(empty, DrawnCase(empty, case), case, {}, BoardFigures(), Reader(self.room.role, editable=False))
        return Latest("closed", lambda: content | _REST | {"message": LINK_CLOSED})

    def content(self, state: RoomSession, job: Job | None) -> dict[str, Any]:
        """Return what the browser paints."""
        scenario = self.live.scenario_at(state)
        board = state.board(scenario)
        drawn = plan_of(self.live, state)
        result = job.summary if job is not None and job.succeeded else None
        picks = state.picks(scenario)
        content = board_content(board, drawn.drawing, scenario, picks, BoardFigures(drawn.plan, result), self._reader(state))
        running = job is not None and job.running
        return content | _REST | {"place": state.place, "said": self._said(state), "running": running}

    def _reader(self, state: RoomSession) -> Reader:
        role, settings = self.room.role, state.room.settings
        locked = state.room.locked and role == "candidate"
        editable = role in ("candidate", "interviewer") and not locked and state.ended_at is None
        choices = settings.choices if settings is not None and role == "candidate" else None
        by = {change.event.choice: "" if change.role == role else change.role for change in state.changes}
        return Reader(role, editable, choices, by)

    def _said(self, state: RoomSession) -> str:
        """Return the last change of another role in a sentence; empty for none."""
        ends: list[Logged[BoardChanged | PickChanged]] = [*state.operations[-1:], *state.changes[-1:]]
        latest = max(ends, key=lambda logged: logged.place, default=None)
        if latest is None or latest.role == self.room.role:
            return ""
        who = WHO.get(latest.role, latest.role)
        if isinstance(latest.event, PickChanged):
            return f"{who} set “{self.live.scenario.choices[latest.event.choice].label}”."
        box = state.board(self.live.scenario).boxes.get(getattr(latest.event.operation, "box", ""))
        return f"{who} changed the board{f': “{box.label}”' if box else ''}."

    # ---- what the browser says

    def hear(self, said: Any) -> Any:
        """Take operations of the tab; return what is acknowledged and what is refused."""
        if not self.room.is_lately_open or self.room.role not in ("candidate", "interviewer"):
            return {"acknowledged": 0, "refused": {}}
        return hear_operations(said, self.taken, self._take) | {"place": self.live.state.place}

    def _take(self, tab: str, number: int, operation: Any) -> None:
        if isinstance(operation, SetField) and operation.field.startswith(CHOICE):
            self._pick(operation)
        elif not self.live.holds(tab, number):  # its browser had no answer, and sends it again
            self.live.take(self.room.role, BoardChanged(operation=operation, browser=tab, number=number))

    def _pick(self, operation: SetField) -> None:
        """Change the choice of a field; one that is at this pick already stays."""
        scenario, name = self.live.scenario, operation.field.removeprefix(CHOICE)
        if name not in scenario.choices or operation.value is None:
            raise OperationError(f"This case has no choice “{name}”, or not this value of it.")
        with self.live.lock:
            self.live.refresh()
            before, after = self.live.state.picks(scenario)[name], scenario.choices[name].read(operation.value)
            if before != after:
                self.live.take(self.room.role, PickChanged(choice=name, before=before, after=after))
