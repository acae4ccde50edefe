"""Combines frames of several sensors into sets."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import inf, nextafter
from typing import Annotated, ClassVar, Literal, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from simulator.arrays import Floats, Rows
from simulator.case.any_stage import Faults, Service, Target
from simulator.case.case_contract import AnyCase
from simulator.case.fields import Name
from simulator.case.outputs import CaseOutline, Metric, share_metric
from simulator.case.references import Ref
from simulator.engine.compiled_plan import Plan
from simulator.engine.contract import Comers, Onward, Stage, StageModel, StageReport, StageRun, Waiting
from simulator.engine.run_trace import Trace
from simulator.engine.stages.stage import GatheringStage
from simulator.records.trace import SHED, TIMED_OUT, as_memoryview
from simulator.units import duration


class Assemble(StageModel):
    """Makes sets of the freshest frames, one per sensor; a set goes on as one request."""

    in_branches: ClassVar[bool] = False

    kind: Literal["assemble"]
    sensors: Annotated[list[Annotated[Name, Ref("frame_sensor")]], Field(max_length=64)] = []
    """sensors whose frames make a set, the leading one first; none: all in the file"""
    waits_for: Literal["all", "deadline", "none"] = "all"
    """when a set goes on: with a frame of every sensor; then, or at the deadline; with each frame of the first sensor"""
    deadline_ms: Annotated[float | None, Field(gt=0, le=600_000)] = None
    """longest wait from the first frame of a set on"""
    holds: bool = False
    """whether a sensor's last frame is used if there is no new one"""
    to: Target
    rest_to: Target
    """where the other frames of a set go"""
    on_replaced: Target
    """where a frame goes that a newer one replaced before it was used"""
    on_incomplete: Target | None = None
    """where a set with a missing frame goes; none: `to`"""

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if len(set(self.sensors)) < len(self.sensors):
            raise ValueError("a sensor is named twice; a set has one frame of each")
        if (self.waits_for == "deadline") != (self.deadline_ms is not None):
            raise ValueError("deadline_ms and `waits_for: deadline` need each other; give both or neither")
        if self.waits_for == "all" and (self.holds or self.on_incomplete is not None):
            field = "holds" if self.holds else "on_incomplete"
            raise ValueError(f"with `waits_for: all` no set lacks a frame; leave {field} out")
        return self

    @property
    def service(self) -> Service:
        return Service(held_for="waiting for other frames")

    def check(self, name: str, scenario: AnyCase) -> Faults:
        if not scenario.sensors:
            yield ("kind",), "sets are made of frames: they need arrivals of the kind sensors"

    @classmethod
    def metrics(cls, name: str, case: CaseOutline) -> Iterator[Metric]:
        label = case.label(name)
        yield Metric(f"sets_per_s.{name}", f"{label}: sets that went on", "1/s", "higher", "ratio", stage=name)
        yield share_metric(f"incomplete_share.{name}", f"{label}: sets with a sensor missing", "lower", name)
        frames = {"set_spread": "time from the oldest to the newest frame of a set", "set_age": "age of a set's oldest frame"}
        for short, what in frames.items():
            words, of = f"{label}: {what}", f"{short}.{name}"
            yield Metric(f"{short}_mean_s.{name}", f"{words}, mean", "s", "lower", "mean", of, stage=name)
            yield Metric(f"{short}_p95_s.{name}", f"{words}, 95% within", "s", "lower", "quantile", of, 0.95, stage=name)

    def facts(self, plan: Plan, name: str) -> list[str]:
        """Of how many sensors a set is, and what it waits for."""
        waits = {"all": "waits for all", "none": "waits for none"}
        deadline = "" if self.deadline_ms is None else f"waits at most {duration(self.deadline_ms / 1000)}"
        return [f"sets of {len(self.sensors or plan.scenario.sensors)} sensors", waits.get(self.waits_for, deadline)]

    def flows(self, plan: Plan, name: str, comers: Comers) -> list[Onward]:
        """As many sets as the slowest sensor has frames, or the first one, or, up to a deadline, at most the fastest one.

        Frames that are part of no set, because a newer one came before it went on, do not go on as planned.
        """
        rate_of = plan.scenario.arrivals.content.frames_per_s
        rates = [rate_of[sensor] for sensor in self.sensors or rate_of]
        sets = {"all": min(rates), "none": rates[0], "deadline": max(rates)}[self.waits_for]
        others = sum(min(rate, sets) for rate in rates) - sets
        return [Onward(self.to, sets / sum(rates)), Onward(self.rest_to, others / sum(rates))]

    def report(self, trace: Trace, name: str) -> StageReport:
        sets = sets_of(trace, name)
        return StageReport(
            totals=[(f"incomplete_share.{name}", float(sets.lacking.sum()), float(len(sets.lacking)))],
            times=[(f"set_spread.{name}", sets.spread, sets.at), (f"set_age.{name}", sets.age, sets.at)],
            events=[(f"sets_per_s.{name}", sets.at)],
            carried=[(sets.carrier, sets.since, sets.frame)],
        )


#: A frame that is here: its row, and when it came.
Frame = tuple[int, float]


class AssembleStage(GatheringStage):
    """Every frame is a visit, and the frames of a set are a batch: the one that carries it first, those that are held last.

    In an instant, first the frames that come are taken in, then a set goes on if one is due. A frame is turned away when a
    newer one of its sensor comes before a set has taken it, or has been here already.
    """

    def __init__(self, run: StageRun, name: str, spec: Assemble) -> None:
        super().__init__(run, name, spec)
        names = run.plan.scenario.sensors
        self.sensors = [names.index(sensor) for sensor in spec.sensors or names]  # in the order of the file, by place in a set
        self.deadline = inf if spec.deadline_ms is None else spec.deadline_ms / 1000
        self.sensor, self.sent = as_memoryview(run.requests.sensor), as_memoryview(run.requests.arrived)
        self.fresh: dict[int, Frame] = {}  # by sensor, what no set has taken yet
        self.last: dict[int, Frame] = {}  # by sensor, what the last set that had one took
        self.opened = inf  # when the first frame of the next set came
        self.passing: list[Frame] = []  # frames that waited when a pick changed, and that no set is made of any more

    def connect(self) -> None:
        """Look up where sets and frames go on to."""
        super().connect()
        self.rest_to = self.run.receiver(self.spec.rest_to)
        self.on_replaced = self.run.receiver(self.spec.on_replaced)

    def step(self, now: float) -> float:
        """Take in the frames that have come, then let a set go that is due."""
        while self.passing:
            self._pass_by(*self.passing.pop(), now)
        while self.inbox.head <= now:
            self._take(*self.inbox.pop(), now)
        if self._is_due(now):
            self._let_go(now)
        return min(self.inbox.head, self._deadline())

    def take_over(self, before: Stage, now: float) -> None:
        """Keep the frames that wait for a set; those that no set is made of any more pass by."""
        super().take_over(before, now)
        assert isinstance(before, AssembleStage)
        self.last = before.last
        self.fresh = {sensor: frame for sensor, frame in before.fresh.items() if sensor in self.sensors}
        self.passing = [*before.passing, *(frame for sensor, frame in before.fresh.items() if sensor not in self.sensors)]
        self.opened = before.opened if self.fresh else inf

    def waiting(self, time: float) -> Waiting:
        rows, entered, _ = super().waiting(time)
        here = [*self.fresh.values(), *self.passing]
        return Waiting.patient([*rows, *(row for row, _ in here)], [*entered, *(came for _, came in here)])

    def _deadline(self) -> float:
        return nextafter(self.opened + self.deadline, inf)

    def _is_due(self, now: float) -> bool:
        if self.spec.waits_for == "none":
            return self.sensors[0] in self.fresh
        return len(self.fresh) == len(self.sensors) or self._deadline() <= now

    def _take(self, row: int, time: float, now: float) -> None:
        """Let a frame wait, unless a newer one of its sensor does or has gone on; let a frame of another sensor pass by."""
        sensor = self.sensor[row]
        if sensor not in self.sensors:
            self._pass_by(row, time, time)
            return
        for newest in (self.fresh.get(sensor), self.last.get(sensor)):
            if newest is not None and self.sent[row] < self.sent[newest[0]]:
                self.turn_away(row, SHED, time, time, now, self.on_replaced)
                return
        if sensor in self.fresh:
            older, entered = self.fresh[sensor]
            self.turn_away(older, SHED, entered, time, now, self.on_replaced)
        self.fresh[sensor] = row, time
        self.opened = min(self.opened, time)

    def _pass_by(self, row: int, entered: float, now: float) -> None:
        self.log.add(row, entered, now, now)
        self.rest_to.accept((row,), now)

    def _let_go(self, now: float) -> None:
        taken = [self.fresh[sensor] for sensor in self.sensors if sensor in self.fresh]
        lacking = [sensor for sensor in self.sensors if sensor not in self.fresh]
        held = [self.last[sensor] for sensor in lacking if sensor in self.last] if self.spec.holds else []
        self._log(taken, held, now)
        self.last |= self.fresh
        self.fresh, self.opened = {}, inf
        carrier, *rest = (row for row, _ in taken)
        if len(taken) + len(held) == len(self.sensors):
            self.onward.accept((carrier,), now)
        else:
            self.go_on_without(carrier, TIMED_OUT, now)
        if rest:
            self.rest_to.accept(rest, now)

    def _log(self, taken: list[Frame], held: list[Frame], now: float) -> None:
        rows, entered = (list(each) for each in zip(*taken, *held, strict=True))
        self.log.add_batch(rows, entered, now, now, 0)
        self.log.unwanted.extend(range(len(self.log) - len(held), len(self.log)))


@dataclass(frozen=True)
class Sets:
    """The sets of one stage, shape (sets,), and their frames, shape (frames,).

    at: when a set went on (s); lacking: whether it had no frame of some sensor; spread: between its oldest and newest frame, by
    when they were sent (s); age: of its oldest frame when it went on (s)
    carrier, since, frame: for each frame of a set, which request the set went on as, when, and the frame
    """

    at: Floats
    lacking: NDArray[np.bool_]
    spread: Floats
    age: Floats
    carrier: Rows
    since: Floats
    frame: Rows


def sets_of(trace: Trace, name: str) -> Sets:
    """Return the sets that a stage of the kind `assemble` has made; a batch of its visits is one."""
    sensors, spec = trace.plan.scenario.sensors, trace.plan.scenario.stages[name]
    size = len(getattr(spec, "sensors", None) or sensors)
    visits = trace.logs[name].visits()
    visits = visits.only(visits.served & (visits.server >= 0))  # what only passes by is served by nobody
    frame, since = visits.request, visits.left_s
    _, first, sizes = np.unique(visits.batch, return_index=True, return_counts=True)
    sent, at = trace.columns.arrived[frame], since[first]
    oldest, newest = (of.reduceat(sent, first) if len(first) else np.empty(0) for of in (np.minimum, np.maximum))
    return Sets(at, sizes < size, newest - oldest, at - oldest, np.repeat(frame[first], sizes), since, frame)
