"""The room in the address as the visitor's role sees it: the runs of its board, noted in the log, and the board for a tab."""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import dataclass, field, replace
from hashlib import sha256
from threading import Lock
from typing import Any

import streamlit as st
from cachetools import TTLCache

from simulator.app.jobs import Job, Watcher, registry
from simulator.app.news import Latest
from simulator.app.widgets import FAULT
from simulator.board.board import Board, OperationError
from simulator.board.board_content import BoardFigures, Reader, board_content
from simulator.board.box_fields import CHOICE
from simulator.board.case_drawing import BoxFault, DrawnCase
from simulator.board.operations import SetField, hear_operations
from simulator.case.document import ScenarioError
from simulator.case.schema import Scenario
from simulator.engine.compiled_plan import Plan
from simulator.engine.plan import compile_plan
from simulator.errors import InputError
from simulator.explain.result import Result
from simulator.keeper import remembers
from simulator.rooms.live_room import LiveRoom, live_room
from simulator.rooms.room_doors import access_at_hand, cookie_name, room_log
from simulator.rooms.room_events import BoardChanged
from simulator.rooms.room_places import room_places
from simulator.rooms.room_session import RoomSession, drawing_of
from simulator.session.event_log import AnyEvent, Logged, Role
from simulator.session.session_events import PickChanged, SessionEnded
from simulator.session.session_record import ended_event, run_asked


@dataclass(frozen=True)
class DrawnPlan:
    """What a board compiles to; plan: None where it does not, for the faults of the drawing."""

    drawing: DrawnCase
    plan: Plan | None


def plan_of(room: LiveRoom, state: RoomSession) -> DrawnPlan:
    """Return the plan of a room's design under the curveballs that struck, or the faults that a drawing has."""
    return _compiled(room.scenario_at(state), state)


@remembers(128, key=lambda scenario, state: (scenario, state.design_at_hand(scenario)))
def _compiled(scenario: Scenario, state: RoomSession) -> DrawnPlan:
    drawing = drawing_of(scenario, state)
    if drawing.scenario is None:
        return DrawnPlan(drawing, None)
    strikes = {name: at_s for name, at_s in state.strikes.items() if name in drawing.scenario.curveballs}
    try:
        return DrawnPlan(drawing, compile_plan(drawing.scenario, drawing.picks(state.picks(scenario)), strikes))
    except ScenarioError as error:
        faults = tuple(BoxFault(_box_of(drawing, fault.field), fault.message) for fault in error.faults)
        return DrawnPlan(replace(drawing, faults=faults), None)


def _box_of(drawing: DrawnCase, field: str) -> str:
    """Return the box that a fault of a plan is about; empty for one of the whole drawing."""
    section, _, rest = field.partition(".")
    name = rest.partition(".")[0]
    return name if section in ("stages", "ends") and name in drawing.board.boxes else ""


def job_of(room: LiveRoom, state: RoomSession | None = None, what: str = "board") -> Job | None:
    """Return the run of a room's design, begun if it is not; None where the drawing does not compile.

    state: of the room, None for that of now; what: the part of the page that watches the run
    """
    state = state or room.state
    plan = plan_of(room, state).plan
    if plan is None:
        return None
    watcher = Watcher(state.session.id, what)
    return registry().live(watcher, plan, state.session.seed, room.scenario.run.replications)


def note_result(room: LiveRoom, job: Job) -> None:
    """Note the result of the board's run in the log, once."""
    with room.lock, suppress(InputError):  # another server has noted it, or the board has changed meanwhile
        design = room.state.design_at_hand(room.scenario)
        if job.succeeded and not room.state.revealed(design):
            _ask(room, design)
            room.take("system", ended_event(design, job.summary))


def _ask(room: LiveRoom, design: str) -> None:
    """Note that the design at hand runs, once."""
    state = room.state
    if any(run.design == design for run in state.runs):
        return
    room.take("system", run_asked(room.scenario, state))


def ask_for_last_run(room: LiveRoom) -> None:
    """Note, before the interview ends, that the board's run goes on: its result is noted after the end."""
    with room.lock, suppress(InputError):
        design = room.state.design_at_hand(room.scenario)
        if not room.state.revealed(design) and job_of(room) is not None:
            _ask(room, design)


def note_last_result(room: LiveRoom) -> None:
    """Note the result of a run that went on when the interview ended."""
    if room.state.ended_at is not None and any(run.ended is None for run in room.state.runs):
        job = job_of(room)
        if job is not None:
            note_result(room, job)


def seen_by(result: Result, role: Role, bounds: tuple[str, ...]) -> Result:
    """Return a result as a role may see it: a candidate and an observer see only the bounds that were revealed."""
    if role in ("interviewer", "rater"):
        return result
    scenario = result.plan.scenario
    kept = [objective for objective in scenario.objectives if objective.metric in bounds]
    shown = scenario.model_copy(update={"objectives": kept})
    vars(shown)["metrics"] = scenario.metrics
    verdicts = [verdict for verdict in result.verdicts if verdict.objective.metric in bounds]
    return replace(result, plan=replace(result.plan, scenario=shown), verdicts=verdicts)


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

    def button(self, label: str, key: str, *events: AnyEvent, **look: Any) -> None:
        """Show a button that appends events of the role; look: further arguments of `st.button`."""
        st.button(label, key=f"room:{key}", on_click=self.take, args=events, **look)


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


#: What a line holds beside the board.
_REST = {"place": 0, "said": "", "running": False, "verdict": ""}

#: The words of roles on the board.
WHO = {"candidate": "The candidate", "interviewer": "The interviewer", "observer": "An observer", "rater": "The second rater"}


@dataclass(eq=False)
class BoardDesk:
    """The board for one tab."""

    room: RoomAtHand
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
