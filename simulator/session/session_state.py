"""The state of a session as a function of its log: the phase and its clock, the design, questions, predictions, runs, hints.

Each kind of event says how it changes the state; see `simulator.session.session_events`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Self

from simulator.case.choices import Pick
from simulator.case.phases import phases_of
from simulator.case.schema import Scenario
from simulator.phrases import phrase
from simulator.session.event_log import AnyEvent, Logged, LoggedEvent, Role, Session, UnknownEvent, design_hash

if TYPE_CHECKING:
    from simulator.session import session_events as events


#: The most time (s) between two events that counts as work: a closed tab does not use up a phase.
IDLE_S = 900.0


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
    asked: events.RunAsked
    ended: events.RunEnded | None = None
    ended_at: float | None = None
    ended_place: int | None = None

    @property
    def design(self) -> str:
        return self.asked.design

    @property
    def verdict_counts(self) -> str:
        """The numbers of verdicts, such as "2 met, 1 not met"; empty while it runs."""
        counts = Counter(self.ended.verdicts.values() if self.ended else ())
        return ", ".join(f"{count} {standing}" for standing, count in counts.items())


@dataclass(frozen=True)
class SessionState:
    """A session as of a place in its log.

    place: of the next event; last_at: time of the latest event, or of the begin (s since 1970)
    visits: every phase that was begun
    used_s: seconds of work in each phase up to `last_at`; "" for those before the first phase
    removed: places of the assumptions that were withdrawn
    changed: picks that differ from the case's defaults, or once did; changes: steps of a choice with nothing between are one
    defences: the latest answer to each prompt; ratings: the latest level of each signal
    goal: the signal that the session trains, None without one; curveballs: strikes, and those withdrawn
    strikes: curveballs that struck and were not withdrawn, with their times in the run (s)
    computes: whether the latest event asks for a run, so that the person waits for the machine
    ignored: places of events that changed nothing: unknown to this version, or out of order
    """

    session: Session
    place: int = 0
    last_at: float = 0.0
    ended_at: float | None = None
    visits: tuple[Logged[events.PhaseBegun], ...] = ()
    used_s: Mapping[str, float] = field(default_factory=dict)
    questions: tuple[Logged[events.QuestionAsked], ...] = ()
    assumptions: tuple[Logged[events.AssumptionWritten | events.AssumptionPinned], ...] = ()
    removed: frozenset[int] = frozenset()
    rankings: tuple[Logged[events.ObjectivesRanked], ...] = ()
    changed: Mapping[str, Pick] = field(default_factory=dict)
    changes: tuple[Logged[events.PickChanged], ...] = ()
    predictions: tuple[SessionPrediction, ...] = ()
    runs: tuple[RunSeen, ...] = ()
    panels: tuple[Logged[events.PanelOpened], ...] = ()
    hints: tuple[Logged[events.HintTaken], ...] = ()
    helps: tuple[Logged[events.HelpAsked], ...] = ()
    curveballs: tuple[Logged[events.CurveballStruck | events.CurveballWithdrawn], ...] = ()
    defences: Mapping[int, Logged[events.DefenceAnswered]] = field(default_factory=dict)
    ratings: Mapping[str, str] = field(default_factory=dict)
    goal: str | None = None
    strikes: dict[str, float] = field(default_factory=dict)
    computes: bool = False
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
            computes=False,
        )
        changes = None if isinstance(recorded.event, UnknownEvent) else recorded.event.fold(timed, recorded)
        return replace(timed, **({"ignored": (*timed.ignored, recorded.place)} if changes is None else changes))

    @property
    def phase(self) -> str | None:
        """The present phase; None before the first."""
        return self.visits[-1].event.phase if self.visits else None

    @property
    def standing_assumptions(self) -> list[Logged[events.AssumptionWritten | events.AssumptionPinned]]:
        """The assumptions that were not removed."""
        return [assumption for assumption in self.assumptions if assumption.place not in self.removed]

    def has_pinned(self, question: int) -> bool:
        """Return whether the answer to a question of the case stands among the assumptions."""
        return any(getattr(assumption.event, "question", None) == question for assumption in self.standing_assumptions)

    @property
    def last_run(self) -> RunSeen | None:
        """The last run whose result was shown; None before the first."""
        return next((run for run in reversed(self.runs) if run.ended), None)

    @property
    def objectives(self) -> tuple[events.RankedObjective, ...]:
        """The objectives as the person has ranked them last."""
        return self.rankings[-1].event.objectives if self.rankings else ()

    @property
    def is_room(self) -> bool:
        return False

    def closed(self, scenario: Scenario, role: Role, event: AnyEvent) -> str:
        """Return a sentence if others have not opened an event to a role; empty in a session that is no room."""
        return ""

    def drawing(self, scenario: Scenario) -> str:
        """Return the hash of the board; empty where it draws the case itself."""
        return ""

    def drawn_case(self, scenario: Scenario) -> Scenario:
        """Return the case as the board draws it."""
        return scenario

    @property
    def stands(self) -> bool:
        """Whether the clock stands still."""
        return self.computes or self.ended_at is not None

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
        return self.session.begun_at

    def design_at_hand(self, scenario: Scenario) -> str:
        """Return the hash of the present design, its drawing included, under the curveballs that struck."""
        return design_hash(self.picks(scenario), self.strikes, self.drawing(scenario))

    def revealed(self, design: str) -> bool:
        """Return whether a run of a design was shown."""
        return any(run.design == design and run.ended is not None for run in self.runs)

    def asked(self, question: int) -> bool:
        """Return whether a question of the case was asked, so that its answer is due."""
        return any(logged.event.question == question for logged in self.questions)

    def answers(self, scenario: Scenario) -> dict[int, str]:
        """Return the answers that are due, by the index of their questions, in the order of asking."""
        asked = dict.fromkeys(index for logged in self.questions if (index := logged.event.question) is not None)
        return {index: scenario.questions[index].answer for index in asked if index < len(scenario.questions)}

    def hints_taken(self, phase: str) -> int:
        """Return the highest step of a phase's hints that was shown."""
        return max((hint.event.step for hint in self.hints if hint.event.phase == phase), default=0)


def refusal(scenario: Scenario, state: SessionState, role: Role, event: AnyEvent) -> str:
    """Return a sentence that refuses an event at the present place of a session; empty if it may be appended."""
    if role not in type(event).by:
        return phrase("refused.role", role=role)
    if state.ended_at is not None and not event.after_the_end:
        return "This session has ended. Begin another one."
    return state.closed(scenario, role, event) or event.refusal(scenario, state, role)


@dataclass(frozen=True)
class PhaseTime:
    """A phase on the clock: planned and used seconds, and whether it is the present one."""

    id: str
    title: str
    planned_s: float
    used_s: float
    present: bool


def phase_times(scenario: Scenario, state: SessionState, now: float) -> list[PhaseTime]:
    """Return every phase of a session at a time (s since 1970), in the order of the case."""
    used = state.used_at(now)
    return [
        PhaseTime(phase.id, phase.title, 60 * phase.minutes, used.get(phase.id, 0.0), phase.id == state.phase)
        for phase in phases_of(scenario, state.session.minutes)
    ]


def left_s(state: SessionState, now: float) -> float:
    """Return the seconds that are left of a whole session at a time (s since 1970); below 0 where it runs over."""
    return 60 * state.session.minutes - sum(state.used_at(now).values())
