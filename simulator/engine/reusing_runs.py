"""Runs that begin at the first stage that differs from those of an earlier run, and note what leaves their own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property, partial
from math import inf
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from simulator.engine.contract import Stage
from simulator.engine.outflow_keys import keys_of, places_of
from simulator.engine.request_sources import Schedule
from simulator.engine.run import Run, simulate
from simulator.engine.stage_outflows import KEPT, MOST_STEPS, SOURCE, AlarmSet, Handover, KeptLog, StageOutflows, Turn, marks_of
from simulator.engine.stages import STAGES
from simulator.engine.stages.inbox import Outbox
from simulator.engine.stages.stage import ServiceStage
from simulator.records.streams import Streams, cache_per_plan
from simulator.records.trace import TransitLog, VisitLog

if TYPE_CHECKING:
    from simulator.engine.compiled_plan import Plan
    from simulator.engine.request_sources import Clients
    from simulator.engine.requests import Requests
    from simulator.engine.run_trace import Trace
    from simulator.engine.stage_outflows import KeptOutflows
    from simulator.records.trace import Fleet

#: The ways to hand requests over, and whether each takes one request or many.
_HANDOVERS = ("accept", "accept_block", "fall_back", "fall_back_block")


def simulate_on(plan: Plan, seed: int = 0, replication: int = 0, kept: KeptOutflows = KEPT) -> Trace:
    """Run one replication as `simulate` does, beginning at the first stage that differs from those of a run before.

    kept: what this process keeps of runs; the trace does not depend on it.
    """
    if not may_reuse(plan):
        return simulate(plan, seed, replication)
    return ReusingRun(plan, Streams(seed, replication), kept).trace()


def may_reuse(plan: Plan) -> bool:
    """Return whether what leaves a stage depends on nothing behind it, and stages say all that it does depend on.

    Not where clients wait for answers, where picks change in the run, and where a request is in several branches at once.
    """
    scenario = plan.scenario
    feeds_back = plan.changes or scenario.arrivals.waits_for_answers or bool(scenario.network.forks)
    return not feeds_back and plan.until == inf and all(STAGES[one.kind].says_all for one in scenario.stages.values())


class ReusingRun(Run):
    """A run whose first stages may be those of an earlier run.

    They take the turns that they took there, at the same times and in the same order, and hand over the same requests, so that
    the stages behind them cannot tell the difference. cut: the place of the first stage that is simulated
    """

    def __init__(self, plan: Plan, streams: Streams, kept: KeptOutflows) -> None:
        self.kept = kept
        self.gathering: list[tuple[str, Outbox]] = []  # ways out of rings, each with the stage that it belongs to
        super().__init__(plan, streams)
        self.noted = OutflowNotes(self)

    @cached_property
    def places(self) -> dict[str, int]:
        return places_of(self)

    @cached_property
    def keys(self) -> list[bytes]:
        return keys_of(self, self.places)

    @cached_property
    def earlier(self) -> tuple[StageOutflows, int] | None:
        """The run that this one begins from, and its cut."""
        found = self.kept.find(self.keys)
        if found is not None:
            before, cut = found
            before.put_back(cut, self.requests.written())
            self.requests.send_photos(*before.photos_sent(cut))
        return found

    @property
    def cut(self) -> int:
        return 0 if self.earlier is None else self.earlier[1]

    @property
    def is_whole(self) -> bool:
        return self.cut == len(self.keys)

    def made(self, name: str, spec: Any) -> Stage:
        if self.earlier is None or self.places[name] >= self.cut:
            return super().made(name, spec)
        before = self.earlier[0]
        kept = before.logs[name]
        if kept.in_transit:
            stage = super().made(name, spec)
            stage.log.request, stage.log.entered = kept.log.request, kept.log.entered
        elif name in before.turns:
            stage = ReplayedStage(self, name, spec, before)
        else:
            stage = ReplayedStep(self, name, spec, before)
        return stage

    def made_source(self) -> Schedule | Clients:
        return super().made_source() if self.earlier is None else ReplayedSource(self, self.earlier[0])

    def way_out(self, start: str, name: str) -> Any:
        receiver = super().way_out(start, name)
        if isinstance(receiver, Outbox):
            self.gathering.append((start, receiver))
        return receiver

    def play(self, turn: Turn) -> None:
        """Let happen what happened in a turn of an earlier run, as far as stages behind the cut are concerned."""
        for step in turn.steps:
            if isinstance(step, AlarmSet):
                if step.place < self.cut:
                    cast(ServiceStage, self.stages[step.stage]).alarm.set(step.time)
            elif step.passes(self.cut):
                self.noted.hand_over_again(step)

    def end_visits(self, time: float, requests: Requests, logs: dict[str, VisitLog]) -> dict[str, Fleet | None]:
        fleets = super().end_visits(time, requests, logs)
        if not self.is_whole:
            self.kept.put(self.noted.outflows(logs, fleets))
        return fleets


@dataclass
class EarlierNotes:
    """What is known of a plan from the notes of its earlier runs: whether they ended on the way."""

    too_long: bool = False


@cache_per_plan
def _earlier_notes(plan: Plan) -> EarlierNotes:
    return EarlierNotes()


class OutflowNotes:
    """Notes of a run: who handed over what to whom, turn by turn, at the handovers from one place to another.

    They end after MOST_STEPS: where stages take turns with each other, notes would take longer than they spare. Further runs
    of that plan then take none.
    """

    def __init__(self, run: ReusingRun) -> None:
        self.run = run
        self.place = SOURCE
        self.source = Turn()
        self.turn: Turn | None = self.source
        self.again: Handover | None = None  # what is handed over as in an earlier run
        self.past = _earlier_notes(run.plan)
        self.room = 0 if self.past.too_long else MOST_STEPS
        self.columns = run.requests.written()
        self._undo: list[Callable[[], None]] = []
        service = [stage for stage in run.stages.values() if isinstance(stage, ServiceStage)]
        self.turns: dict[str, list[Turn]] = {stage.name: [] for stage in service}
        self.alarms = {stage.name: stage.alarm.time for stage in service}
        if not self.complete:
            self.turn = None
            return
        for stage in service:
            self._note_turns(stage)
        for name in filter(self._is_entered, run.stages):
            for method in _HANDOVERS:
                self._replace(run.stages[name], method, self._noted(name, method, getattr(run.stages[name], method)))
        for owner, outbox in run.gathering:
            self._replace(outbox, "flush", self._noted_flush(run.places[owner], outbox.flush))

    @property
    def complete(self) -> bool:
        return self.room > 0

    def _is_entered(self, name: str) -> bool:
        """Return whether requests come to a stage from another place."""
        places = self.run.places
        return any(places.get(sender, SOURCE) != places[name] for sender in self.run.senders(name))

    def _replace(self, one: object, method: str, noted: Callable[..., object]) -> None:
        before = vars(one).get(method)
        setattr(one, method, noted)
        self._undo.append(partial(delattr, one, method) if before is None else partial(setattr, one, method, before))

    def _note_turns(self, stage: ServiceStage) -> None:
        alarm, place, turns = stage.alarm, self.run.places[stage.name], self.turns[stage.name]
        wake, set_alarm = alarm.wake, alarm.set

        def noted_wake(now: float) -> float:
            turn = self.turn = Turn()
            self.place = place
            turns.append(turn)
            self._spend()
            turn.upcoming = wake(now)
            self.turn = None
            return turn.upcoming

        def noted_set(time: float) -> None:
            if self.turn is not None and time < alarm.time:
                self.turn.steps.append(AlarmSet(place, stage.name, time))
                self._spend()
            set_alarm(time)

        self._replace(alarm, "wake", noted_wake)
        self._replace(alarm, "set", noted_set)

    def _noted_flush(self, place: int, flush: Callable[[], None]) -> Callable[[], None]:
        def noted_flush() -> None:
            with self._at(place):
                flush()

        return noted_flush

    def _noted(self, name: str, method: str, call: Callable[..., None]) -> Callable[..., None]:
        place = self.run.places[name]

        def noted(*arguments: Any) -> None:
            if place == self.place or self.turn is None:
                call(*arguments)
                return
            self.turn.steps.append(self.again or self._handover(place, name, method, arguments))
            self.again = None
            self._spend()
            with self._at(place):
                call(*arguments)

        return noted

    def _handover(self, place: int, name: str, method: str, arguments: tuple[Any, ...]) -> Handover:
        given = tuple(arguments[0]) if method == "accept" else arguments[0]
        rows = given if isinstance(given, np.ndarray) else np.array(given, np.int32, ndmin=1)
        marks, sent = marks_of(self.columns, rows), self.run.requests.count_sent_again
        return Handover(self.place, place, name, method, (given, *arguments[1:]), rows, marks, sent)

    def hand_over_again(self, step: Handover) -> None:
        with self._at(step.by):
            self.again = step
            getattr(self.run.stages[step.stage], step.method)(*step.arguments)

    @contextmanager
    def _at(self, place: int) -> Iterator[None]:
        before, self.place = self.place, place
        yield
        self.place = before

    def _spend(self) -> None:
        self.room -= 1
        if self.room == 0:
            self.past.too_long = True
            for undo in self._undo:
                undo()
            self.turn = None
            for turns in self.turns.values():
                turns.clear()
            self.source.steps.clear()

    def outflows(self, logs: dict[str, VisitLog], fleets: dict[str, Fleet | None]) -> StageOutflows:
        run = self.run
        return StageOutflows(
            keys=run.keys,
            places=run.places,
            owners=frozenset(run.places[owner] for owner, _ in run.gathering),
            source=self.source,
            turns=self.turns,
            alarms=self.alarms,
            logs={name: _kept(log, fleets[name]) for name, log in logs.items()},
            marks=marks_of(self.columns),
            sent_again=run.requests.photos_sent,
            requests=run.requests.n,
            first=run.cut if self.complete else len(run.keys),
        )


def _kept(log: VisitLog, fleet: Fleet | None) -> KeptLog:
    if not isinstance(log, TransitLog):
        return KeptLog(log, fleet, in_transit=False)
    entries = VisitLog()
    entries.request, entries.entered = log.request, log.entered
    return KeptLog(entries, fleet, in_transit=True)


class ReplayedStep(Stage):
    """A stage without a queue whose requests went on in an earlier run."""

    def __init__(self, run: ReusingRun, name: str, spec: Any, before: StageOutflows) -> None:
        super().__init__(run, name, spec)
        self.log, self.fleet, _ = before.logs[name]

    def note_unfinished(self, log: VisitLog, until: float) -> Fleet | None:
        return self.fleet


class ReplayedStage(ServiceStage):
    """A stage with a queue that takes the turns that it took in an earlier run."""

    run: ReusingRun

    def __init__(self, run: ReusingRun, name: str, spec: Any, before: StageOutflows) -> None:
        super().__init__(run, name, spec)
        self.log, self.fleet, _ = before.logs[name]
        self.turns = iter(before.turns[name])
        self.first = before.alarms[name]

    def connect(self) -> None:
        if not self.run.is_whole:
            self.alarm.set(self.first)

    def advance(self, now: float, limit: float) -> float:
        turn = next(self.turns)
        self.run.play(turn)
        return turn.upcoming

    def hand_over_since(self) -> None:
        """Do nothing: the turn held what was handed over."""

    def note_unfinished(self, log: VisitLog, until: float) -> Fleet | None:
        return self.fleet


class ReplayedSource(Schedule):
    """Requests come to the first stages that are simulated as they came in an earlier run."""

    def __init__(self, run: ReusingRun, before: StageOutflows) -> None:
        super().__init__(run, "", None)
        self.replayed, self.before = run, before

    def send_before(self, time: float) -> None:
        """Hand over what came before any stage woke, once."""
        if not self.replayed.is_whole:
            self.replayed.play(self.before.source)
