"""The state of a session as a function of its log: the phase, the design, questions, predictions, runs and hints.

The fold needs no case and refuses nothing: a log of any age can be replayed, and every split of it gives an equal state. The
rules for appending are in `simulator.session.session_rules`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Self

from simulator.case.choices import Pick
from simulator.case.schema import Scenario
from simulator.rooms.room_events import BoardChanged, ClockPaused, CurveballWithdrawn, TaskSet
from simulator.rooms.room_state import RoomState
from simulator.rooms.session_board import drawing_hash
from simulator.session.prediction_scores import interval_score
from simulator.session.session_events import (
    AnyEvent,
    AssumptionPinned,
    AssumptionRemoved,
    AssumptionWritten,
    CurveballStruck,
    DefenceAnswered,
    GoalSet,
    HelpAsked,
    HintTaken,
    LoggedEvent,
    ObjectivesRanked,
    PanelOpened,
    PhaseBegun,
    PickChanged,
    PredictionMade,
    QuestionAsked,
    RankedObjective,
    RunAsked,
    RunEnded,
    SelfRated,
    Session,
    SessionEnded,
    design_hash,
)

#: The most time (s) between two events that counts as work: a closed tab does not use up a phase.
IDLE_S = 900.0

#: A room's clock that has counted less (s) has not started: its first events lie a moment apart.
_AT_REST_S = 1.0


@dataclass(frozen=True)
class Visit:
    """The begin of a phase, by the place of its event in the log and its time (s since 1970)."""

    place: int
    at: float
    phase: str


@dataclass(frozen=True)
class Asked:
    """A question at a place of the log and a time (s since 1970), by its index in the case or in own words."""

    place: int
    at: float
    question: int | None
    words: str | None


@dataclass(frozen=True)
class Assumption:
    """An assumption, named by the place of its event: in own words, or the answer to a question; at: since 1970 (s)."""

    place: int
    at: float
    text: str | None = None
    question: int | None = None
    removed: bool = False


@dataclass(frozen=True)
class Settlement:
    """The end of a prediction: the run's figure or bottleneck, whether the prediction held, and its interval score.

    held, score: None where the run has no such figure; a bottleneck has no score
    """

    at: float
    run_hash: str
    value: float | None = None
    bottleneck: str | None = None
    held: bool | None = None
    score: float | None = None


@dataclass(frozen=True)
class SessionPrediction:
    """A 90% interval for a metric of a design, or the stage that limits it; settled by the design's first run after it."""

    place: int
    at: float
    design: str
    metric: str | None
    low: float | None
    high: float | None
    stage: str | None
    settled: Settlement | None = None


@dataclass(frozen=True)
class RunSeen:
    """A run that was asked for at a place of the log; ended: its result at another place, None while it runs."""

    place: int
    at: float
    asked: RunAsked
    ended: RunEnded | None = None
    ended_at: float | None = None
    ended_place: int | None = None

    @property
    def design(self) -> str:
        return self.asked.design


@dataclass(frozen=True)
class Timed:
    """An event whose fields are its record, with its place and its time (s since 1970), and the role behind it."""

    place: int
    at: float
    event: AnyEvent
    role: str = ""


@dataclass(frozen=True)
class SessionState:
    """A session as of a place in its log.

    place: of the next event; last_at: time of the latest event, or of the begin (s since 1970)
    phase: the present one, None before the first; visits: every phase that was begun
    used_s: seconds of work in each phase up to `last_at`; "" for those before the first phase
    changed: picks that differ from the case's defaults, or once did; changes: steps of a choice with nothing between are one
    objectives: as ranked by the latest of the events `rankings`
    defences: the latest answer to each prompt; ratings: the latest level of each signal
    goal: the signal that the session trains, None without one; curveballs: strikes, and those withdrawn
    operations: changes of the board; paused: whether the clock stands still; room: what only a room has
    computes: whether the latest event asks for a run, so that the person waits for the machine
    started_at: when the clock of a room first went (s since 1970), None until then
    ignored: places of events that changed nothing: unknown to this version, or out of order
    """

    session: Session
    place: int = 0
    last_at: float = 0.0
    ended_at: float | None = None
    phase: str | None = None
    visits: tuple[Visit, ...] = ()
    used_s: Mapping[str, float] = field(default_factory=dict)
    questions: tuple[Asked, ...] = ()
    assumptions: tuple[Assumption, ...] = ()
    objectives: tuple[RankedObjective, ...] = ()
    rankings: tuple[Timed, ...] = ()
    changed: Mapping[str, Pick] = field(default_factory=dict)
    changes: tuple[Timed, ...] = ()
    predictions: tuple[SessionPrediction, ...] = ()
    runs: tuple[RunSeen, ...] = ()
    panels: tuple[Timed, ...] = ()
    hints: tuple[Timed, ...] = ()
    helps: tuple[Timed, ...] = ()
    curveballs: tuple[Timed, ...] = ()
    defences: Mapping[int, Timed] = field(default_factory=dict)
    ratings: Mapping[str, str] = field(default_factory=dict)
    goal: str | None = None
    operations: tuple[Timed, ...] = ()
    paused: bool = False
    computes: bool = False
    started_at: float | None = None
    room: RoomState = field(default_factory=RoomState)
    ignored: tuple[int, ...] = ()

    @classmethod
    def of(cls, session: Session, events: Iterable[LoggedEvent] = ()) -> Self:
        """Return the state after events, in the order of their places."""
        return cls(session, last_at=session.begun_at).after(events)

    def after(self, events: Iterable[LoggedEvent]) -> Self:
        """Return the state after further events; those that it holds already change nothing."""
        state = self
        for recorded in events:
            if recorded.place >= state.place:
                state = state._after_one(recorded)
        return state

    def _after_one(self, recorded: LoggedEvent) -> Self:
        timed = replace(
            self,
            place=recorded.place + 1,
            last_at=max(recorded.at, self.last_at),
            used_s=self.used_at(recorded.at),
            computes=isinstance(recorded.event, RunAsked) and not self.is_room,
        )
        fold = _FOLDS.get(type(recorded.event), _of_the_room)
        changes = fold(timed, recorded, recorded.event)
        return replace(timed, **({"ignored": (*timed.ignored, recorded.place)} if changes is None else changes))

    @property
    def is_room(self) -> bool:
        return self.room.settings is not None

    @property
    def stands(self) -> bool:
        """Whether the clock stands still."""
        return self.paused or self.computes or self.ended_at is not None

    def used_at(self, now: float) -> Mapping[str, float]:
        """Return the seconds of work in each phase until a time (s since 1970); nothing counts while the clock stands still."""
        further = min(max(now - self.last_at, 0.0), IDLE_S)
        if self.stands or not further:
            return self.used_s
        phase = self.phase or ""
        return {**self.used_s, phase: self.used_s.get(phase, 0.0) + further}

    def picks(self, scenario: Scenario) -> dict[str, Pick]:
        """Return the pick of every choice of the case."""
        return scenario.defaults() | {name: pick for name, pick in self.changed.items() if name in scenario.choices}

    @property
    def counted_from(self) -> float:
        """The time from which minutes are counted (s since 1970): a room may be created days before its clock starts."""
        return self.session.begun_at if self.started_at is None else self.started_at

    @property
    def strikes(self) -> dict[str, float]:
        """Curveballs that struck and were not withdrawn, with their times in the run (s)."""
        times = dict[str, float]()
        for curveball in self.curveballs:
            if isinstance(curveball.event, CurveballStruck):
                times[curveball.event.curveball] = curveball.event.at_s
            elif isinstance(curveball.event, CurveballWithdrawn):
                times.pop(curveball.event.curveball, None)
        return times

    def design_at_hand(self, scenario: Scenario) -> str:
        """Return the hash of the present design, its drawing included, under the curveballs that struck."""
        return design_hash(self.picks(scenario), self.strikes, drawing_hash(scenario, self))

    def revealed(self, design: str) -> bool:
        """Return whether a run of a design was shown."""
        return any(run.design == design and run.ended is not None for run in self.runs)

    def asked(self, question: int) -> bool:
        """Return whether a question of the case was asked, so that its answer is due."""
        return any(one.question == question for one in self.questions)

    def answers(self, scenario: Scenario) -> dict[int, str]:
        """Return the answers that are due, by the index of their questions, in the order of asking."""
        asked = dict.fromkeys(question.question for question in self.questions if question.question is not None)
        return {index: scenario.questions[index].answer for index in asked if index < len(scenario.questions)}

    def hints_taken(self, phase: str) -> int:
        """Return the highest step of a phase's hints that was shown."""
        taken = [hint.event.step for hint in self.hints if isinstance(hint.event, HintTaken) and hint.event.phase == phase]
        return max(taken, default=0)

    @property
    def open_predictions(self) -> list[SessionPrediction]:
        return [prediction for prediction in self.predictions if prediction.settled is None]


Changes = dict[str, Any] | None


def _phase_begun(state: SessionState, recorded: LoggedEvent, event: PhaseBegun) -> Changes:
    return {"phase": event.phase, "visits": (*state.visits, Visit(recorded.place, recorded.at, event.phase))}


def _asked(state: SessionState, recorded: LoggedEvent, event: QuestionAsked) -> Changes:
    return {"questions": (*state.questions, Asked(recorded.place, recorded.at, event.question, event.words))}


def _written(state: SessionState, recorded: LoggedEvent, event: AssumptionWritten) -> Changes:
    return {"assumptions": (*state.assumptions, Assumption(recorded.place, recorded.at, text=event.text))}


def _pinned(state: SessionState, recorded: LoggedEvent, event: AssumptionPinned) -> Changes:
    return {"assumptions": (*state.assumptions, Assumption(recorded.place, recorded.at, question=event.question))}


def _removed(state: SessionState, recorded: LoggedEvent, event: AssumptionRemoved) -> Changes:
    if not any(assumption.place == event.assumption and not assumption.removed for assumption in state.assumptions):
        return None
    return {
        "assumptions": tuple(
            replace(assumption, removed=True) if assumption.place == event.assumption else assumption
            for assumption in state.assumptions
        )
    }


def _ranked(state: SessionState, recorded: LoggedEvent, event: ObjectivesRanked) -> Changes:
    return {"objectives": event.objectives, "rankings": (*state.rankings, _timed(recorded, event))}


def _picked(state: SessionState, recorded: LoggedEvent, event: PickChanged) -> Changes:
    changed = {**state.changed, event.choice: event.after}
    return {"changed": changed, "changes": _with_change(state, _timed(recorded, event), event)}


def _with_change(state: SessionState, change: Timed, event: PickChanged) -> tuple[Timed, ...]:
    """Return the changes with a further one: a slider's steps by the keyboard are one change, and back where it was none.

    In a room each step stays, since marks name the places of events.
    """
    *others, last = state.changes or (None,)
    if last is None or last.place != change.place - 1 or state.is_room:
        return *state.changes, change
    if not isinstance(last.event, PickChanged) or last.event.choice != event.choice:
        return *state.changes, change
    whole = event.model_copy(update={"before": last.event.before})
    return (*others,) if whole.before == whole.after else (*others, replace(change, at=last.at, event=whole))


def _predicted(state: SessionState, recorded: LoggedEvent, event: PredictionMade) -> Changes:
    of = event.design, event.metric, event.low, event.high, event.stage
    return {"predictions": (*state.predictions, SessionPrediction(recorded.place, recorded.at, *of))}


def _run_asked(state: SessionState, recorded: LoggedEvent, event: RunAsked) -> Changes:
    return {"runs": (*state.runs, RunSeen(recorded.place, recorded.at, event))}


def _run_ended(state: SessionState, recorded: LoggedEvent, event: RunEnded) -> Changes:
    """End the earliest run of the design that still runs, and settle the predictions of the design."""
    index = next((at for at, run in enumerate(state.runs) if run.design == event.design and run.ended is None), None)
    if index is None:
        return None
    ended = replace(state.runs[index], ended=event, ended_at=recorded.at, ended_place=recorded.place)
    settled = [
        replace(prediction, settled=_settlement(prediction, recorded.at, event))
        if prediction.design == event.design and prediction.settled is None
        else prediction
        for prediction in state.predictions
    ]
    return {"runs": (*state.runs[:index], ended, *state.runs[index + 1 :]), "predictions": tuple(settled)}


def _settlement(prediction: SessionPrediction, at: float, run: RunEnded) -> Settlement:
    if prediction.stage is not None:
        held = None if run.bottleneck is None else prediction.stage == run.bottleneck
        return Settlement(at, run.run_hash, bottleneck=run.bottleneck, held=held)
    value = next((figure.value for figure in run.figures if figure.metric == prediction.metric), None)
    if value is None or prediction.low is None or prediction.high is None:
        return Settlement(at, run.run_hash)
    low, high = prediction.low, prediction.high
    return Settlement(at, run.run_hash, value, None, low <= value <= high, interval_score(low, high, value))


def _defended(state: SessionState, recorded: LoggedEvent, event: DefenceAnswered) -> Changes:
    return {"defences": {**state.defences, event.prompt: _timed(recorded, event)}}


def _rated(state: SessionState, recorded: LoggedEvent, event: SelfRated) -> Changes:
    return {"ratings": {**state.ratings, event.signal: event.level}}


def _goal_set(state: SessionState, recorded: LoggedEvent, event: GoalSet) -> Changes:
    return {"goal": event.signal}


def _ended(state: SessionState, recorded: LoggedEvent, event: SessionEnded) -> Changes:
    return None if state.ended_at is not None else {"ended_at": recorded.at}


def _paused(state: SessionState, recorded: LoggedEvent, event: ClockPaused) -> Changes:
    starts = not event.paused and state.started_at is None and sum(state.used_s.values()) < _AT_REST_S
    return {"paused": event.paused} | ({"started_at": recorded.at} if starts else {})


def _task_set(state: SessionState, recorded: LoggedEvent, event: TaskSet) -> Changes:
    session = state.session if event.minutes is None else replace(state.session, minutes=event.minutes)
    return {"session": session, **(_of_the_room(state, recorded, event) or {})}


def _of_the_room(state: SessionState, recorded: LoggedEvent, event: Any) -> Changes:
    room = state.room.after(recorded)
    return None if room is None else {"room": room}


def _timed(recorded: LoggedEvent, event: AnyEvent) -> Timed:
    return Timed(recorded.place, recorded.at, event, recorded.role)


def _kept(name: str) -> Callable[[SessionState, LoggedEvent, Any], Changes]:
    """Return a fold that keeps the event itself in a field of the state."""

    def fold(state: SessionState, recorded: LoggedEvent, event: AnyEvent) -> Changes:
        return {name: (*getattr(state, name), _timed(recorded, event))}

    return fold


#: How each kind changes the state; a kind without an entry changes the room, or nothing, as an incident's action does.
_FOLDS: dict[type, Callable[[SessionState, LoggedEvent, Any], Changes]] = {
    PhaseBegun: _phase_begun,
    QuestionAsked: _asked,
    AssumptionWritten: _written,
    AssumptionPinned: _pinned,
    AssumptionRemoved: _removed,
    ObjectivesRanked: _ranked,
    PickChanged: _picked,
    PredictionMade: _predicted,
    RunAsked: _run_asked,
    RunEnded: _run_ended,
    PanelOpened: _kept("panels"),
    HintTaken: _kept("hints"),
    HelpAsked: _kept("helps"),
    CurveballStruck: _kept("curveballs"),
    CurveballWithdrawn: _kept("curveballs"),
    TaskSet: _task_set,
    DefenceAnswered: _defended,
    SelfRated: _rated,
    GoalSet: _goal_set,
    SessionEnded: _ended,
    BoardChanged: _kept("operations"),
    ClockPaused: _paused,
}
