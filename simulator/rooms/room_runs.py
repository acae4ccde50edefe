"""The run of a room's board: what compiles runs, live, and each result is noted in the log."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, replace

from simulator.app.jobs import Job, Watcher, registry
from simulator.board.case_drawing import BoxFault, DrawnCase
from simulator.case.document import ScenarioError
from simulator.case.schema import Scenario
from simulator.engine.compiled_plan import Plan
from simulator.engine.plan import compile_plan
from simulator.errors import InputError
from simulator.explain.result import Result
from simulator.keeper import remembers
from simulator.rooms.live_room import LiveRoom
from simulator.rooms.room_session import RoomSession, drawing_of
from simulator.session.event_log import Role
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
