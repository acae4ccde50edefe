"""Reviewers and their shifts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from heapq import heapify, heappop, heappush
from math import inf, nextafter
from typing import Annotated, Any, ClassVar, Literal, Self, cast

import numpy as np
from pydantic import Field, model_validator

from simulator.arrays import Rows, Times
from simulator.case.any_stage import Faults, Servers, Service, Target, check_order
from simulator.case.attributes import group_share
from simulator.case.case_contract import AnyCase
from simulator.case.fields import ClockTime, CostFigure, Figure, Name, Quantity, Share, ShareFigure, Strict, bounded
from simulator.case.references import Ref
from simulator.case.scenario_parts import Groups
from simulator.engine.compiled_plan import Plan, usual_roster
from simulator.engine.contract import (
    Comers,
    OfferedTime,
    Onward,
    PaidTime,
    ServerSteps,
    Stage,
    StageCapacity,
    StageModel,
    StageRun,
    Waiting,
    plan_of,
)
from simulator.engine.run_trace import Trace
from simulator.engine.stages.case_readings import (
    FEW,
    PER_WAITING,
    SHORTEST_S,
    Readings,
    SecondReadings,
    called_positive,
    read_cases,
)
from simulator.engine.stages.queues import ORDERS
from simulator.engine.stages.stage import Outbox, ServiceStage
from simulator.records.timetables import DAY_S, HOUR_S, Roster, Steps, clock_minutes
from simulator.records.trace import SHED, TIMED_OUT, Visits, as_memoryview


class Break(Strict):
    """A paid break. With several groups, each leaves when the one before is back."""

    start: ClockTime
    minutes: Annotated[float, Field(gt=0, le=480)]
    """how long it is"""
    groups: Annotated[int, Field(ge=1, le=100)] = 1
    """the shift takes it in this many groups; 1: all at once"""


class Shift(Strict):
    """People on duty from `start` to `end`, times of day; an end at or before the start is on the next day."""

    start: ClockTime
    end: ClockTime
    people: Annotated[int, Field(ge=0, le=10_000)]
    """how many are on duty"""
    handover_minutes: Annotated[float, Field(ge=0, le=480)] = 0
    """paid minutes at the start before the first case"""
    breaks: Annotated[list[Break], Field(max_length=8)] = []
    """paid breaks"""

    @property
    def minutes(self) -> int:
        return (clock_minutes(self.end) - clock_minutes(self.start)) % 1440 or 1440

    def after_start(self, clock: str) -> int:
        return (clock_minutes(clock) - clock_minutes(self.start)) % 1440

    @model_validator(mode="after")
    def _holds_its_breaks(self) -> Self:
        if self.handover_minutes >= self.minutes:
            raise ValueError(f"handover_minutes ({self.handover_minutes:g}) should be below the shift's {self.minutes}")
        for pause in self.breaks:
            if self.after_start(pause.start) + pause.groups * pause.minutes > self.minutes:
                whole = f"{pause.groups} x {pause.minutes:g} minutes from {pause.start}"
                raise ValueError(f"the break of {whole} should be between {self.start} and {self.end}")
        return self


class SecondReader(Strict):
    """A share of the cases is read again, from the same queue, by a different person if more than one is on duty."""

    share: Share
    """the share of cases that is read again"""
    tag: Annotated[Name, Ref("tag", "no gate gives the tag '{}'", "there is none to choose")] | None = None
    """only cases with this tag; none: all"""
    rule: Literal["either", "both"]
    """whether one reader or both must call a case positive"""


class GroupReading(Strict):
    """Rates of reviewers for the cases of some classes, or of some groups of attributes."""

    written: ClassVar[str] = "{groups: {skin: [dark]}, sensitivity: {value: 0.8, published: a study}}"

    classes: Annotated[list[Annotated[Name, Ref("class")]], Field(max_length=16)] = []
    """they are of one of these classes"""
    groups: Annotated[Groups, Field(max_length=16)] = {}
    """by attribute: the groups that they belong to"""
    sensitivity: ShareFigure | None = None
    """the share of their positives that a reviewer recognises; none: the usual one"""
    specificity: ShareFigure | None = None
    """the share of their negatives that a reviewer recognises; none: the usual one"""

    @model_validator(mode="after")
    def _says_whose_rate(self) -> Self:
        if not self.classes and not self.groups:
            raise ValueError("say which cases these rates are for: classes or groups")
        if self.sensitivity is None and self.specificity is None:
            raise ValueError("give sensitivity or specificity of these cases")
        return self

    def share(self, plan: Plan, positive: bool) -> float:
        """Return the share of positives, or of negatives, that it is about, as if its conditions were independent."""
        shares = [group_share(plan, name, groups, positive) for name, groups in self.groups.items()]
        if self.classes:
            shares.append(sum(plan.scenario.classes[name].share.value for name in self.classes))
        return float(np.prod(shares))


class People(StageModel):
    """Reviewers on shifts, each reading one case at a time from a queue in a given order."""

    servers: ClassVar[Servers] = Servers("reviewer", "the people on duty", cost_part="reviewers", keeps_hours=True)
    keeps: ClassVar[bool] = True
    in_branches: ClassVar[bool] = False
    sends_alike: ClassVar[bool] = True

    fresh: ClassVar[Mapping[str, Any]] = {
        "label": "People",
        "shifts": [{"start": "08:00", "end": "20:00", "people": 4}],
        "minutes": {"constant": {"value": 1, "assumed": "time for one case"}},
        "usd_per_hour": {"value": 40, "assumed": "a paid hour with overheads"},
        "sensitivity": {"value": 0.95, "assumed": "share of positives that a reviewer recognises"},
        "specificity": {"value": 0.95, "assumed": "share of negatives that a reviewer recognises"},
    }
    at_the_box: ClassVar[Mapping[str, str]] = {
        "shifts.*.people": "People on duty",
        "minutes.constant.value": "Minutes a case",
        "sensitivity.value": "Sensitivity",
        "specificity.value": "Specificity",
    }

    kind: Literal["people"]
    shifts: Annotated[list[Shift], Field(min_length=1, max_length=24)]
    """who works when, the same every day"""
    minutes: Quantity
    """minutes that one case takes"""
    fatigue_per_h: Annotated[Figure, bounded(0, 10)] | None = None
    """slowdown of reading for each hour since the shift began, as a share; none: no fatigue"""
    absence: Annotated[Figure, bounded(0, 0.99)] | None = None
    """share of the people of a shift who do not come, each by chance; none: all come"""
    second_reader: SecondReader | None = None
    """a share of the cases that is read twice"""
    order: Annotated[str, Ref("order"), Field(max_length=40)] = "fifo"
    """the order of the queue, such as fifo, priority or deadline"""
    usd_per_hour: CostFigure
    """the pay of a person"""
    patience_h: Quantity | None = None
    """hours a requester waits before the time-out; none: no limit"""
    on_timeout: Target | None = None
    """where a case goes that waited too long"""
    max_queue: Annotated[int | None, Field(ge=1, le=10_000_000)] = None
    """cases that may wait; none: no limit"""
    on_full: Target | None = None
    """where a case goes that finds the queue full"""
    sensitivity: ShareFigure
    """share of positives that a reviewer recognises"""
    specificity: ShareFigure
    """share of negatives that a reviewer recognises"""
    readings: Annotated[list[GroupReading], Field(max_length=16)] = []
    """rates for some cases; the first entry that fits a case holds"""
    positive_to: Target
    negative_to: Target

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if self.max_queue is not None and self.on_full is None:
            raise ValueError("max_queue is set but on_full does not say where a request goes when the queue is full")
        if self.patience_h is not None and self.on_timeout is None:
            raise ValueError("patience_h is set but on_timeout does not say where a request that waited too long goes")
        return self

    @property
    def service(self) -> Service:
        again = (self.second_reader.share, self.second_reader.tag) if self.second_reader else (0.0, None)
        waits, shifts = "waiting for a reviewer on duty", "people work in shifts"
        return Service(held_for=waits, builds_up_over=shifts, again=again[0], again_tag=again[1])

    def check(self, name: str, scenario: AnyCase) -> Faults:
        """Someone is on duty."""
        if not any(shift.people for shift in self.shifts):
            yield ("shifts",), "no reviewer is ever on duty; give one shift at least one person"
        yield from check_order(self.order, scenario)

    def facts(self, plan: Plan, name: str) -> list[str]:
        """Return the shifts, the share of absent people, and the share of cases that are read twice."""
        lines = [f"{shift.people} from {shift.start} to {shift.end}" for shift in self.shifts]
        if self.absence is not None:
            lines.append(f"{100 * self.absence.value:g}% of them absent")
        if self.second_reader is not None:
            of = f" of the {self.second_reader.tag} cases" if self.second_reader.tag else ""
            lines.append(f"{100 * self.second_reader.share:g}%{of} read twice")
        return lines

    def flows(self, plan: Plan, name: str, comers: Comers) -> list[Onward]:
        """Return what people say of positives, or of negatives; two readings of one case are independent of each other."""
        either = self.second_reader is not None and self.second_reader.rule == "either"
        found = 0.0
        for share, once in called_positive(plan, self, comers.positive):
            again = 1 - (1 - once) ** 2 if either else once**2
            found += share * ((1 - comers.repeated) * once + comers.repeated * again)
        return [Onward(self.positive_to, found), Onward(self.negative_to, 1 - found)]

    def server_steps(self, run: Plan | Trace, name: str, server: int | None = None) -> ServerSteps:
        roster, present = self._roster(run, name)
        return ServerSteps(Steps(tuple(roster.times), tuple(present * people for people in roster.people)))

    def offered(self, run: Plan | Trace, name: str) -> OfferedTime:
        """Return the seconds of the people on duty; tired people get less done in a second.

        If nobody is on duty while requests come, because all is read later: a day's share of the people who are.
        """
        fatigue = self.fatigue_per_h.value if self.fatigue_per_h else 0.0
        staffed, fresh = self._staffed_s(run, name), self._staffed_s(run, name, fatigue)
        return OfferedTime(staffed, fresh, partial(self._slowed, run, name))

    def _roster(self, run: Plan | Trace, name: str) -> tuple[Roster, float]:
        """Return the people of a trace, or all of a plan's with the share of them who come."""
        if isinstance(run, Trace):
            return run.conditions.roster(name), 1.0
        return usual_roster(run, name), 1.0 if self.absence is None else 1 - self.absence.value

    def _staffed_s(self, run: Plan | Trace, name: str, slowing_per_h: float = 0.0) -> float:
        plan, (roster, present) = plan_of(run), self._roster(run, name)
        end = plan.arrivals_end_s
        staffed = present * roster.staffed_s(end, slowing_per_h)
        if staffed or plan.until < inf:
            return staffed
        day = Roster(self.shifts, 0.0, DAY_S)
        return present * day.staffed_s(DAY_S, slowing_per_h) * end / DAY_S

    def server_capacity(self, plan: Plan, name: str, visits: Mapping[str, float] | None = None) -> StageCapacity:
        return StageCapacity(60 * self.minutes.mean)

    def _slowed(self, run: Plan | Trace, name: str, visits: Visits) -> float | Times:
        """Return the slowing of each visit by the time that its reader had been on duty; 1 for an unserved visit."""
        trace = cast(Trace, run)
        if self.fatigue_per_h is None:
            return 1.0
        started, server = visits.started_s, visits.server
        hours = np.zeros(len(visits))
        for duty in trace.conditions.roster(name).duties:
            mine = (duty.start <= started) & (started < duty.end) & np.isin(server, duty.desks)
            hours[mine] = (started[mine] - duty.since) / HOUR_S
        return np.asarray(1 + self.fatigue_per_h.value * hours)

    def hourly_usd(self, plan: Plan, name: str) -> float:
        return self.usd_per_hour.value

    def paid(self, trace: Trace, name: str) -> PaidTime:
        """Return whole shifts until the last request may come, then the time at work.

        A case that keeps its reader beyond the end of the shift is paid as well.
        """
        paid_s = trace.conditions.roster(name).paid_s(trace.plan.arrivals_end_s)
        return PaidTime(paid_s, lambda: sum(_beyond_shifts_s(trace, name)))


class PeopleStage(ServiceStage):
    """Reviewers are identified by the roster's desks. A reviewer in the middle of a case finishes it, whatever the roster says.

    A second reading is a second visit: the case joins the queue again when the first one is done, and is never refused.

    As at a pool, the queue limit applies once the reviewers who are free at that instant have taken a case each: of the cases
    that arrived at that instant and still wait, the last ones beyond `max_queue` are refused.
    """

    def __init__(self, run: StageRun, name: str, spec: People) -> None:
        super().__init__(run, name, spec)
        self.roster = run.conditions.roster(name)
        drawn = run.draw(f"{name}.minutes", spec.minutes)
        self.minutes = as_memoryview(drawn)
        self.never_instant = bool(60 * drawn.min(initial=inf) > SHORTEST_S)
        self.fatigue = spec.fatigue_per_h.value / HOUR_S if spec.fatigue_per_h else 0.0
        first = Readings(run, name, f"{name}.reading")
        self.recognises = as_memoryview(first.usual())  # whether a case is called positive, by the readings so far
        self.second = SecondReadings(self, spec.second_reader, first) if spec.second_reader else None
        self.changing = None if first.steady else first
        self.patience = self._patience(name, spec)
        self.order = ORDERS[spec.order](run.requests)
        self.key = self.order.key
        self.queue: list[tuple[float, float, int]] = []  # a heap: key, time of arrival, row
        self.limited = self.patience is not None and spec.max_queue is not None
        self.first_deadline = inf  # where the queue is limited: nobody in it gives up before
        self.surplus: list[tuple[float, float, int]] = []  # cases that found the queue full though somebody was free
        self.busy: list[tuple[float, int]] = []  # a heap: when done, reviewer
        self.on_duty: dict[int, float] = {}  # reviewer to the time when the shift began
        self.free: list[int] = []  # a heap: reviewers on duty without a case
        self.outboxes: list[Outbox] = []  # where some visits are only first readings: who has been read to the end
        self.change_shift(0.0)

    def _patience(self, name: str, spec: People) -> Any:
        return None if spec.patience_h is None else as_memoryview(self.run.draw(f"{name}.patience", spec.patience_h))

    def connect(self) -> None:
        """Look up where requests go on to."""
        super().connect()
        self.positive_to = self.run.receiver(self.spec.positive_to)
        self.negative_to = self.run.receiver(self.spec.negative_to)
        self.on_full = self.run.receiver(self.spec.on_full)
        self.on_timeout = self.run.receiver(self.spec.on_timeout)
        if self.second and not self.loops:
            self.outboxes = [Outbox(self.positive_to), Outbox(self.negative_to)]
            self.positive_to, self.negative_to = self.outboxes
        # Every case is read once and as usual, may wait, and does not come back.
        self.plain = not (self.second or self.changing or self.loops or self.max_queue < inf) and self.never_instant

    def advance(self, now: float, limit: float) -> float:
        """Do all that is due before `limit`; many cases that are all plain are read by the loop for them."""
        bound = max(limit, nextafter(now, inf))
        if self.plain and self.inbox.count_before(bound) >= max(FEW, PER_WAITING * len(self.queue)):
            return read_cases(self, now, bound)
        return super().advance(now, limit)

    def step(self, now: float) -> float:
        """Close what is done, take in what has arrived, and hand out cases while somebody on duty is free."""
        self._turn(now)
        self._admit(now)
        while self.queue and self.free:
            self._hand_out(now)
        if self.second:
            self.second.put_back()
        if self.surplus:
            self._keep_limit(now)
        return self._next_time(self.inbox.head)

    def _turn(self, now: float) -> None:
        """Let reviewers come free who are done by now, and change the shift when it ends."""
        busy = self.busy
        while busy and busy[0][0] <= now:
            reviewer = heappop(busy)[1]
            if reviewer in self.on_duty:
                heappush(self.free, reviewer)
        if now >= self.shift_ends:
            self.change_shift(now)

    def change_shift(self, now: float) -> None:
        self.on_duty, self.shift_ends = self.roster.readers(now), self.roster.next_change(now)
        self.free = sorted(self.on_duty.keys() - {reviewer for _, reviewer in self.busy})

    def due(self, time: float) -> float:
        if self.max_queue < inf or self.free:
            return time
        return max(time, min(self.busy[0][0] if self.busy else inf, self.shift_ends))

    def _next_time(self, head: float) -> float:
        """Return the next time at which somebody may take a case, or the queue may overflow; the next case comes at `head`."""
        if not self.queue and head == inf:
            return inf
        ready, busy = self.shift_ends, self.busy
        if self.free and head < ready:
            ready = head
        if busy and busy[0][0] < ready and (self.queue or not self.free):  # a free reviewer may not read a case again
            ready = busy[0][0]
        return ready if ready <= head or self.max_queue == inf else min(ready, self._overflow_time())

    def _overflow_time(self) -> float:
        return self.inbox.time_of(max(int(self.max_queue) - len(self.queue), 0))

    def _admit(self, now: float) -> None:
        inbox, queue, key = self.inbox, self.queue, self.key
        while inbox.head <= now:
            row, time = inbox.pop()
            case = key(row, time), time, row
            if len(queue) >= self.max_queue and self._is_full(now) and not self._half_read(row):
                if not self.free:
                    self.turn_away(row, SHED, time, time, now, self.on_full)
                    continue
                self.surplus.append(case)
            heappush(queue, case)
            if self.limited:
                self.first_deadline = min(self.first_deadline, self._deadline(row, time))

    def _keep_limit(self, now: float) -> None:
        for case in reversed(self.surplus):
            if len(self.queue) > self.max_queue and case in self.queue:
                self.queue.remove(case)
                heapify(self.queue)
                self.turn_away(case[2], SHED, case[1], case[1], now, self.on_full)
        self.surplus.clear()

    def _is_full(self, now: float) -> bool:
        """Return whether the queue holds its most, once those are let go who gave up unnoticed behind more urgent cases."""
        if self.first_deadline < now:
            waiting = self.queue.copy()
            self.queue.clear()
            for case in waiting:
                if not self._gave_up(case[2], case[1], now):
                    heappush(self.queue, case)
            self.first_deadline = min((self._deadline(row, entered) for _, entered, row in self.queue), default=inf)
        return len(self.queue) >= self.max_queue

    def _hand_out(self, now: float) -> None:
        """Give the first case that is still wanted to the first reviewer who is free."""
        case = heappop(self.queue)
        _, entered, row = case
        if self._gave_up(row, entered, now):
            return
        if self.second:
            self.second.hand_out(case, now)
        else:
            if self.changing:
                self.recognises[row] = self.changing.positive(row, now)
            self.served((row,), self.read(row, entered, now, heappop(self.free), self.minutes[row]))

    def read(self, row: int, entered: float, now: float, reviewer: int, minutes: float) -> float:
        """Let a reviewer read a case from now on; returns when that is done."""
        if self.fatigue:
            minutes *= 1 + self.fatigue * (now - self.on_duty[reviewer])
        done = now + 60 * minutes
        heappush(self.busy, (done, reviewer))
        self.log.add(row, entered, now, done, reviewer)
        return done

    def served(self, rows: Sequence[int], time: float) -> None:
        if self.loops or self.second:
            self.hand_over(rows, time)

    def hand_over_since(self) -> None:
        """Hand on all that was read to the end since the last time."""
        if not self.second:
            super().hand_over_since()
        for outbox in self.outboxes:
            outbox.flush()

    def hand_over(self, rows: Sequence[int], time: float) -> None:
        for row in rows:
            (self.positive_to if self.recognises[row] else self.negative_to).accept((row,), time)

    def hand_over_block(self, rows: Rows, times: Times) -> None:
        recognised = np.asarray(self.recognises)[rows]
        self.positive_to.accept_block(rows[recognised], times[recognised])
        self.negative_to.accept_block(rows[~recognised], times[~recognised])

    def _gave_up(self, row: int, entered: float, now: float) -> bool:
        if self.patience is None or (due := self._deadline(row, entered)) >= now:
            return False
        if self.second:
            self.second.read.pop(row, None)
        self.turn_away(row, TIMED_OUT, entered, due, now, self.on_timeout)
        return True

    def _deadline(self, row: int, entered: float) -> float:
        waited = self.second.read[row][1] if self.second and row in self.second.read else 0.0
        deadline: float = entered - waited + HOUR_S * self.patience[row]
        return deadline

    def _half_read(self, row: int) -> bool:
        return self.second is not None and row in self.second.read

    def settle(self, now: float) -> None:
        """Let those go that waited too long, wherever they wait."""
        if self.patience is None or not self.is_end(self.on_timeout):
            return
        while self.inbox.head < now and self.max_queue == inf:
            row, time = self.inbox.pop()
            self.queue.append((self.key(row, time), time, row))
        self.queue = [case for case in self.queue if not self._gave_up(case[2], case[1], now)]
        heapify(self.queue)

    def take_over(self, before: Stage, now: float) -> None:
        """Keep the cases that wait, in the order that holds now, and those that are being read."""
        super().take_over(before, now)
        assert isinstance(before, PeopleStage)
        self.queue = [(self.key(row, entered), entered, row) for _, entered, row in before.queue]
        heapify(self.queue)
        self.busy = before.busy
        if self.second and before.second:
            self.second.read = before.second.read
            for row in self.second.read:
                self.recognises[row] = before.recognises[row]
        if self.limited:
            self.first_deadline = min((self._deadline(row, entered) for _, entered, row in self.queue), default=inf)
        if len(self.queue) > self.max_queue:
            self.surplus = sorted(self.queue, key=lambda case: case[1])
        self.change_shift(now)

    def waiting(self, time: float) -> Waiting:
        """Return the queue and the inbox; a case past its time has gone to an end, or goes to a stage once it is noticed."""
        rows, entered, _ = super().waiting(time)
        rows = np.concatenate([np.array([row for *_, row in self.queue], np.int32), rows])
        entered = np.concatenate([np.array([entered for _, entered, _ in self.queue]), entered])
        if self.patience is None or not self.is_end(self.on_timeout):
            return Waiting.patient(rows, entered)
        gone = [self._deadline(row, since) for row, since in zip(rows.tolist(), entered.tolist(), strict=True)]
        return Waiting(rows, entered, np.maximum(np.array(gone, float), self.since))


def _beyond_shifts_s(trace: Trace, name: str) -> Iterator[float]:
    """For each desk, the seconds of reading outside the shifts that are paid anyway."""
    started, left, server = trace.logs[name].services(trace.plan.horizon_s)
    shifts = trace.conditions.roster(name).shifts_by_desk(trace.plan.arrivals_end_s)
    by_desk = np.argsort(server, kind="stable")
    desks, first = np.unique(server[by_desk], return_index=True)
    for desk, own in zip(desks.tolist(), np.split(by_desk, first)[1:], strict=True):
        edges = np.ravel(shifts.get(desk, [(0.0, 0.0)]))
        paid = np.append(0.0, np.cumsum(np.diff(edges) * (np.arange(edges.size - 1) % 2 == 0)))
        begun, done = started[own], left[own]
        yield float((done - begun - np.interp(done, edges, paid) + np.interp(begun, edges, paid)).sum())
