"""The requests of one replication as columns, drawn before the run so that all designs meet equal ones, and their source."""

from __future__ import annotations

import copy
from array import array
from collections.abc import Callable, Sequence
from functools import partial
from heapq import heappop, heappush
from math import inf
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from simulator.case.any_stage import OOD, QUALITY
from simulator.case.attributes import attribute_columns
from simulator.engine.arrivals.arrival import sent
from simulator.engine.arrivals.closed import think_times
from simulator.engine.stages.stage import ServiceStage, Stage
from simulator.evidence.photo_checks import changed_scores, foreign_ranks, score_changes, scores_by_rank
from simulator.records.trace import DONE, UNFINISHED, RequestAnnotations, StoppableMarks, TimedMarks, as_memoryview

if TYPE_CHECKING:
    from simulator.case.scenario_parts import Population
    from simulator.engine.arrivals.closed import Loop
    from simulator.engine.plan import Plan
    from simulator.engine.run import Run
    from simulator.engine.run_conditions import Conditions
    from simulator.evidence.score_tables import ScoreTable
    from simulator.records.streams import Streams

Bools = NDArray[np.bool_]
Float32 = NDArray[np.float32]
Float64 = NDArray[np.float64]


#: The stream that draws each fault of a photo.
_FAULT_STREAMS = {QUALITY: "usable", OOD: "foreign"}


class Requests:
    """Columns of equal length n, a request a row.

    arrived, answered, finished: seconds from the start of the run
    positive: whether the person behind the request is a positive; item: which labelled item stands in for them, counted from
    the first positive on to the last negative; -1 without any
    scores_by: by pool, its score of each photo, shape (tries, n); all pools look at one photo
    checks: by fault of BY_CHECK, the value of the check for each photo, shape (tries, n)
    risk: the score that a pool gave last; +inf before, so that an unscored request counts as the most urgent
    gave_up: whether the requester left without an answer, asked for another photo
    sensor, frame: which sensor it is a frame of, in the order of the file, and its number; empty where there are no sensors
    kind, priority, deadline: class, its priority, and the time (s) after which an answer is worthless, where there are classes
    attributes: the column of each attribute that the scenario declares (`attribute_columns`)
    refused: whether the answer was that the request is turned away
    tries, tag, end, outcome: small integers that the stages write

    Stages read and write `risk` and `tag` through `risks` and `tags`, and the score that a pool gave last, +inf before, through
    `given`, by pool.
    """

    def __init__(self, plan: Plan, streams: Streams, conditions: Conditions, stops: bool = False) -> None:
        """Draw the columns; stops: whether the run may be stopped on the way."""
        comings, self._drawn, self._kept = sent(plan, streams)
        self.arrived, self.sensor, self.frame = comings
        self.n = len(self.arrived)
        self._again = array("i"), array("d")
        self.answered = np.full(self.n, np.nan)
        self.finished = np.full(self.n, np.nan)
        self.refused = np.zeros(self.n, bool)
        self.risk = np.full(self.n, np.inf, np.float32)
        self.tries = np.zeros(self.n, np.int8)
        self.tag = np.zeros(self.n, np.min_scalar_type(len(plan.scenario.tags())))
        self.end = np.full(self.n, -1, np.int8)
        self.outcome = np.zeros(self.n, np.int8)
        self.gave_up = np.zeros(self.n, bool)
        unforked = StoppableMarks if stops else RequestAnnotations
        marks, scorers = TimedMarks if plan.scenario.in_branches() else unforked, plan.scenario.scorers()
        self.risks, self.tags = marks(self.risk), marks(self.tag)
        self.given = {pool: self.risks if len(scorers) == 1 else marks(self.risk.copy()) for pool in scorers}
        self._draw_classes(plan, streams)
        self._draw_people(plan, streams, conditions)
        self.attributes = attribute_columns(plan, streams, self, conditions)

    def each(self, draw: Callable[[int], NDArray[Any]]) -> NDArray[Any]:
        """Return one draw for each request, shape (n,); requests that were sent but lost do not shift the others' draws.

        draw: returns n draws; its first draws do not depend on n
        """
        return draw(self._drawn)[self._kept]

    def before_the_run(self) -> list[NDArray[Any]]:
        """Return the columns that are drawn before the run, but for attributes and scores, and which of the draws they are."""
        drawn = np.array([self._drawn, self.n])
        which = [] if isinstance(self._kept, slice) else [self._kept]
        known = [
            self.arrived,
            self.sensor,
            self.frame,
            self.positive,
            *self.checks.values(),
            self.kind,
            self.priority,
            self.deadline,
        ]
        return [drawn, *which, *known]

    def written(self) -> dict[str, NDArray[Any]]:
        """Return the columns that stages write, shape (n,) each, as they are now."""
        names = ("answered", "finished", "refused", "tries", "end", "outcome", "gave_up")
        given = {f"given.{pool}": marks.column for pool, marks in self.given.items() if marks is not self.risks}
        return {name: getattr(self, name) for name in names} | {"risk": self.risks.column, "tag": self.tags.column} | given

    @property
    def photos_sent(self) -> tuple[NDArray[np.int32], Float64]:
        """The further photos: the request and the time of each (s), in the order in which they were asked for."""
        return np.array(self._again[0], np.int32), np.array(self._again[1], float)

    def send_photos(self, rows: NDArray[np.int32], times: Float64) -> None:
        self._again[0].extend(rows.tolist())
        self._again[1].extend(times.tolist())

    @property
    def count_sent_again(self) -> int:
        return len(self._again[0])

    def _draw_classes(self, plan: Plan, streams: Streams) -> None:
        """Draw the class of each request, in the order of the file; without classes the columns are empty."""
        classes = list(plan.scenario.classes.values())
        n = self.n if classes else 0
        edges = np.cumsum([kind.share.value for kind in classes][:-1])
        drawn = self.each(partial(streams.uniform, "classes"))[:n]
        self.kind = np.searchsorted(edges, drawn, side="right").astype(np.int8)
        self.priority = np.array([kind.priority for kind in classes], np.int8)[self.kind]
        lasts = np.array([np.inf if kind.deadline_s is None else kind.deadline_s for kind in classes])
        self.deadline = self.arrived[:n] + lasts[self.kind]

    def _draw_people(self, plan: Plan, streams: Streams, conditions: Conditions) -> None:
        population = plan.scenario.population
        self.positive = np.zeros(self.n, bool)
        self.item = np.full(self.n, -1, np.int32)
        self._patients: tuple[int, ...] = ()
        self.scores_by: dict[str, Float32] = {}
        self.checks: dict[str, Float32] = {}
        if population is None:
            return
        self.positive = self.each(partial(streams.uniform, "population.label")) < conditions.prevalence().at_all(self.arrived)
        self._look_at(plan, population, streams, conditions)

    def _look_at(self, plan: Plan, population: Population, streams: Streams, conditions: Conditions) -> None:
        self._resampled, self._counts = plan.items, plan.counts
        # A request may have sent more photos already than a pick lets others send from now on.
        tries = max([plan.tries, *map(len, self.checks.values())])
        fine, foreign = self._draw_photos(plan, population, tries, streams)
        for pool, table in plan.tables.items():
            self.scores_by[pool] = self._draw_scores(pool, table, conditions, fine, foreign, streams)

    def follow(self, plan: Plan, streams: Streams, conditions: Conditions) -> None:
        if plan.scenario.population is not None:
            self._look_at(plan, plan.scenario.population, streams, conditions)
            self.attributes = attribute_columns(plan, streams, self, conditions)  # some are answers of the model that serves

    def wait_until(self, barrier: float) -> None:
        for marks in (self.risks, self.tags, *self.given.values()):
            marks.wait_until(barrier)

    def known(self, count: int, time: float) -> Requests:
        """Return the first `count` requests as known before `time` (s), without later events."""
        known = copy.copy(self)
        known.scores_by, known._again = dict(self.scores_by), self._sent_before(time)
        for name in ("answered", "finished", "refused", "outcome", "end", "tries", "gave_up"):
            setattr(known, name, getattr(self, name).copy())
        known.cut(count)
        return known

    def _sent_before(self, time: float) -> tuple[array[int], array[float]]:
        rows, times = (np.array(column) for column in self._again)
        before = times < time
        return array("i", rows[before].tolist()), array("d", times[before].tolist())

    def _draw_photos(self, plan: Plan, population: Population, tries: int, streams: Streams) -> tuple[Bools, Bools]:
        """Draw the faults of each photo and the values of its checks.

        Return whether it has no fault, and whether it is a foreign one whose scores were measured, shapes (tries, n).
        """
        fine, foreign = np.ones((tries, self.n), bool), np.zeros((tries, self.n), bool)
        for fault, spec in population.photo_checks.items():
            values = np.zeros((tries, self.n), np.float32)
            for attempt in range(tries):
                luck = self.each(partial(streams.uniform, f"photo.{attempt}.{_FAULT_STREAMS[fault]}"))
                without = luck >= spec.share
                drawn = self.each(partial(streams.normal, f"photo.{attempt}.{fault}"))
                values[attempt] = plan.checks[fault].values(drawn, without)
                fine[attempt] &= without
                if fault == OOD and spec.measured is not None:
                    foreign[attempt] = ~without
            self.checks[fault] = values
        return fine, foreign

    def _draw_scores(
        self, pool: str, table: ScoreTable, conditions: Conditions, fine: Bools, foreign: Bools, streams: Streams
    ) -> Float32:
        """Draw a labelled item of their class for each person; a photo with a fault is scored like a stranger's.

        A measured foreign one has the rank of a measured score among the labelled negatives.

        All tables use one item per person: a plan holds tables of equal items only.
        """
        which = self.each(partial(streams.uniform, "population.item"))
        own = self._scores_of(pool, table, conditions, self.positive, which)
        count = len(table.positives)
        negative = count + _index(which, len(table.negatives))
        self.item = np.where(self.positive, _index(which, count), negative).astype(np.int32)
        self._patients = (*table.positive_patients.tolist(), *table.negative_patients.tolist())
        scores = np.empty(fine.shape, np.float32)
        for attempt, shows in enumerate(fine):
            if shows.all():
                scores[attempt] = own
                continue
            of_whom, who = (self.each(part) for part in _halves(partial(streams.uniform, f"photo.{attempt}.stranger")))
            positive = of_whom < conditions.prevalence().at_all(self.arrived)
            others = self._scores_of(pool, table, conditions, positive, who)
            if foreign[attempt].any():
                ranks = foreign_ranks()
                others = np.where(foreign[attempt], scores_by_rank(table.negatives, ranks[_index(who, len(ranks))]), others)
            scores[attempt] = np.where(shows, own, others)
        return scores

    @property
    def patient(self) -> NDArray[np.int64]:
        """The labelled patient who stands in for each person, -1 without any, shape (n,)."""
        return np.array((*self._patients, -1))[self.item]

    @property
    def scores(self) -> Float32:
        """The scores of the table that the plan shows, shape (tries, n)."""
        return next(reversed(self.scores_by.values()))

    def send_again(self, row: int, time: float) -> None:
        rows, times = self._again
        rows.append(row)
        times.append(time)

    @property
    def sent(self) -> Float64:
        """Time of sending of the photo that the answer is about, the last one so far, in seconds from the start, shape (n,)."""
        sent = self.arrived.copy()
        rows, times = np.array(self._again[0], int), np.array(self._again[1])
        asked_for = ~(times > self.answered[rows])  # another photo after the answer is about what follows
        np.maximum.at(sent, rows[asked_for], times[asked_for])
        return sent

    def cut(self, n: int) -> None:
        """Keep the first n requests: in a closed loop the rest was never sent."""
        columns = {name: column for name, column in vars(self).items() if isinstance(column, np.ndarray)}
        for name, column in columns.items() if n < self.n else ():
            setattr(self, name, column[..., :n])
        self.scores_by = {pool: column[..., :n] for pool, column in self.scores_by.items()}
        self.checks = {fault: column[..., :n] for fault, column in self.checks.items()}
        self.attributes = {name: column[:n] for name, column in self.attributes.items()}
        self.n = n

    def _scores_of(
        self, pool: str, table: ScoreTable, conditions: Conditions, positive: NDArray[np.bool_], quantile: Float64
    ) -> Float64:
        """Return scores of labelled items, shifted by the curveballs in force when each request comes."""
        scores = np.where(
            positive,
            table.positives[_index(quantile, len(table.positives))],
            table.negatives[_index(quantile, len(table.negatives))],
        )
        photos, all_requests, positives = conditions.photos(), conditions.scores_shift(), conditions.positives_shift(pool)
        if not photos.steady:
            scores = self._changed(scores, table, photos.at_all(self.arrived).astype(int), positive, quantile)
        if not all_requests.steady:
            scores = scores + all_requests.at_all(self.arrived)
        if not positives.steady:
            scores = scores + positive * positives.at_all(self.arrived)
        return scores

    def _changed(
        self, scores: Float64, table: ScoreTable, condition: NDArray[np.int64], positive: NDArray[np.bool_], quantile: Float64
    ) -> Float64:
        """Add to the logit of each score what its photo's condition, by number, added to it in the data lab."""
        added = np.zeros(self.n)
        classes = zip(
            (positive, ~positive),
            (table.positives, table.negatives),
            score_changes(table.about.model, table.about.precision),
            strict=True,
        )
        for place, (of_class, labelled, change) in enumerate(classes):
            item, count = _index(quantile[of_class], len(labelled)), len(labelled)
            if self._resampled is not None:
                item, count = self._resampled[place][item], self._counts[place]
            added[of_class] = change[condition[of_class], item * change.shape[1] // count]
        return changed_scores(scores, added)

    def answer(self, rows: NDArray[np.int32], times: Float64, refused: bool = False) -> None:
        """Note answers at these times (s), where there were none before; refused: the requesters are turned away."""
        before = self.answered[rows]
        first = (times < before) | (np.isnan(before) & ~np.isnan(times))
        self.answered[rows[first]] = times[first]
        self.refused[rows[first]] = refused

    def turn_away(self, rows: NDArray[np.int32], outcome: int, times: Float64, end: int) -> None:
        self.outcome[rows] = outcome
        self.answer(rows, times, refused=True)
        self.finished[rows], self.end[rows] = times, end

    def settle(self, horizon: float, detected_share: Float64, luck: Float32) -> None:
        """Settle the outcomes at the end of the run: unfinished, or done where no fallback was taken.

        detected_share: share of positives that each end finds in time, shape (ends,); luck: one uniform draw a request.
        """
        late = ~(self.finished <= horizon)
        known_at = np.where(late, horizon, self.finished)
        self.risk, self.tag = self.risks.known(known_at), self.tags.known(known_at)
        self.finished[late] = np.nan
        self.end[late] = -1
        open_ = ~(self.answered <= horizon)
        self.answered[open_], self.refused[open_] = np.nan, False
        self.outcome[~late & (self.outcome == UNFINISHED)] = DONE
        self.outcome[late] = UNFINISHED
        positives = np.flatnonzero(self.positive & ~late)
        self.detected = np.zeros(self.n, bool)
        self.detected[positives] = luck[positives] < detected_share[self.end[positives]]


def _halves(draw: Callable[[int], Float64]) -> tuple[Callable[[int], Float64], Callable[[int], Float64]]:
    return lambda n: draw(2 * n)[:n], lambda n: draw(2 * n)[n:]


def _index(quantile: Float64, count: int) -> NDArray[np.intp]:
    return (quantile * count).astype(np.intp)


#: Names that no stage of a scenario can have.
SCHEDULE, CLIENTS = "(schedule)", "(clients)"


class Schedule(Stage):
    """Every request comes when it was drawn to come."""

    @property
    def issued(self) -> int:
        return self.run.requests.n

    def start(self) -> None:
        self._sent = 0

    def sent_before(self, time: float) -> int:
        return int(np.searchsorted(self.run.requests.arrived, time))

    def send_before(self, time: float) -> None:
        """Hand those requests to the first stage that come before that time (s), each at its own time."""
        requests, first = self.run.requests, self._sent
        self._sent = self.sent_before(time) if time < self.run.plan.horizon_s else requests.n
        rows = np.arange(first, self._sent, dtype=np.int32)
        self.run.first.accept_block(rows, requests.arrived[first : self._sent])


class Clients(ServiceStage):
    """Clients in a closed loop: each thinks, sends a query, and thinks again once all of it is back.

    Every way through the stages leads from here and back here, by the ends: all stages take turns, as in any ring. Rows are
    issued in order of time, and the draws of a row belong to the request that gets it, whichever client sends it. A client
    that has used all its think times, which only a limit on requests allows, goes through them again.
    """

    def __init__(self, run: Run, spec: Loop) -> None:
        super().__init__(run, CLIENTS, spec)
        self.end = run.plan.arrivals_end_s
        self.clients = spec.loop
        thinks = think_times(spec, run.streams.named("arrivals"), self.end)
        self.thinks = [[0.0]] * self.clients.senders if thinks is None else thinks
        self.turns = [0] * self.clients.senders
        self.ready: list[tuple[float, int]] = []  # a heap: when the next query is due, client
        self.sender: dict[int, int] = {}  # row on its way to the client that waits for it
        self.missing = [0] * self.clients.senders
        self.back = [0.0] * self.clients.senders  # when the last of a client's query so far is back
        self.issued = 0
        requests = run.requests
        self.arrived, self.deadline = as_memoryview(requests.arrived), as_memoryview(requests.deadline)
        self.lasts = as_memoryview(requests.deadline - requests.arrived[: len(requests.deadline)])

    def start(self) -> None:
        for client in range(self.clients.senders):
            self._think(client, 0.0)
        self.alarm.set(self._next_time())

    def accept(self, rows: Sequence[int], time: float) -> None:
        """Take requests that reach the end of their way at `time`, now or later."""
        for row in rows:
            client = self.sender.pop(row, None)
            if client is None:  # it has been back before
                continue
            self.missing[client] -= 1
            self.back[client] = max(self.back[client], time)
            if not self.missing[client]:
                self._think(client, self.back[client])
        self.alarm.set(self._next_time())

    def step(self, now: float) -> float:
        while self.ready and self.ready[0][0] <= now:
            time, client = heappop(self.ready)
            if self.issued < self.run.requests.n:
                self._send(client, time)
        return self._next_time()

    def _next_time(self) -> float:
        return self.ready[0][0] if self.ready else inf

    def sent_before(self, time: float) -> int:
        """Return the number of requests sent before `time` (s), the time that the run has reached."""
        return self.issued

    def send_before(self, time: float) -> None:
        """Do nothing: the clients send by themselves."""

    def _think(self, client: int, time: float) -> None:
        thinks, turn = self.thinks[client], self.turns[client]
        self.turns[client] = turn + 1
        due = time + float(thinks[turn % len(thinks)])
        if due < self.end:
            heappush(self.ready, (due, client))

    def _send(self, client: int, time: float) -> None:
        rows = range(self.issued, self.issued + self.clients.per_query)
        self.issued += self.clients.per_query
        self.missing[client] = self.clients.per_query
        for row in rows:
            self.arrived[row] = time
            if self.deadline:
                self.deadline[row] = time + self.lasts[row]
            self.sender[row] = client
        self.run.first.accept(rows, time)


def source_of(run: Run) -> Schedule | Clients:
    spec: Any = run.plan.scenario.arrivals
    return Clients(run, spec) if spec.waits_for_answers else Schedule(run, SCHEDULE, spec)
