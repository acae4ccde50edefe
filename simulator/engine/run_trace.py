"""The requests of one replication as columns, and its trace: the plan that ran, the requests, and the visits to each stage.

The columns are drawn before the run, so that all designs meet equal requests.
"""

from __future__ import annotations

import copy
import hashlib
from array import array
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from math import inf
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from simulator.arrays import Bools, Column, Times
from simulator.case.curveball import OF_SENSORS, AffectedQuantity
from simulator.case.scenario_parts import OOD, QUALITY, Population
from simulator.engine.arrivals.arrival import Comings
from simulator.engine.compiled_plan import Conditions, Plan, named_changes, surges
from simulator.evidence.photo_checks import changed_scores, foreign_ranks, score_changes, scores_by_rank
from simulator.evidence.score_tables import ScoreTable
from simulator.records.streams import Streams
from simulator.records.trace import (
    DONE,
    OUTCOMES,
    UNFINISHED,
    VISIT_COLUMNS,
    Fleet,
    RequestAnnotations,
    TimedMarks,
    VisitLog,
    named_codes,
)

Float32 = NDArray[np.float32]
Float64 = NDArray[np.float64]


#: The stream that draws each fault of a photo.
_FAULT_STREAMS = {QUALITY: "usable", OOD: "foreign"}


class Sent(NamedTuple):
    """The requests that come, and how many were drawn.

    drawn: with those that do not come, since something struck their sensor
    kept: which of the drawn ones those that come are, in their order: draws belong to a request whatever strikes others
    """

    comings: Comings
    drawn: int
    kept: NDArray[np.intp] | slice


def sent(plan: Plan, streams: Streams) -> Sent:
    """Everything that comes, in order of time."""
    comings = plan.arrivals.comings(streams.named("arrivals"), surges(plan))
    if not any(plan.scenario.curveballs[name].changed & OF_SENSORS for name in plan.strikes):
        return Sent(comings, len(comings.times), slice(None))
    times = comings.times.copy()
    for number, sensor in enumerate(plan.scenario.sensors):
        mine = comings.sensors == number
        times[mine] = _struck(plan, sensor, times[mine])
    order = np.argsort(times, kind="stable")
    kept = order[times[order] < plan.arrivals_end_s]
    return Sent(Comings(times[kept], comings.sensors[kept], comings.frames[kept]), len(times), kept)


def _struck(plan: Plan, sensor: str, times: Times) -> Times:
    """When the frames of a sensor come, whatever strikes it; inf for those that do not.

    A clock that jumps or runs off moves each frame by when it would have come. None comes before the strike itself.
    """
    jumps = [(span, ms / 1000, 0.0) for span, ms in named_changes(plan, AffectedQuantity.LATER, "sensor", sensor)]
    gains = [(span, 0.0, 1 / (1 + ppm / 1e6) - 1) for span, ppm in named_changes(plan, AffectedQuantity.GAIN, "sensor", sensor)]
    changed = times.copy()
    for (start, end), jump, gain in [*jumps, *gains]:
        within = (times >= start) & (times < end)
        changed[within] = np.maximum(changed[within] + jump + gain * (times[within] - start), start)
    for (start, end), _ in named_changes(plan, AffectedQuantity.LOST, "sensor", sensor):
        changed[(changed >= start) & (changed < end)] = np.inf
    return changed


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

    def __init__(self, plan: Plan, streams: Streams, conditions: Conditions) -> None:
        """Draw the columns."""
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
        marks, scorers = TimedMarks if plan.scenario.in_branches() else RequestAnnotations, plan.scenario.scorers()
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


def attribute_columns(plan: Plan, streams: Streams, requests: Requests, conditions: Conditions) -> dict[str, Column]:
    """Return the column of each attribute, shape (n,), changed by the curveballs in force when each request arrives."""
    attributes = plan.scenario.attributes.items()
    columns = {name: attribute.draw(plan, name, streams, requests) for name, attribute in attributes}
    for name, column in columns.items():
        times, plus = conditions.attribute(name)
        if not (times.steady and plus.steady):
            changed = column * times.at_all(requests.arrived) + plus.at_all(requests.arrived)
            columns[name] = changed.astype(column.dtype)
    return columns


@dataclass
class Trace:
    """One replication: the plan that ran, its seed, the requests as columns, the visits to each stage, fleets that scaled.

    phases: the plans that ran one after the other, each behind the time (s) of its beginning
    """

    plan: Plan
    seed: int
    replication: int
    columns: Requests
    logs: dict[str, VisitLog]
    conditions: Conditions  # curveballs and failures over time
    fleets: dict[str, Fleet] = field(default_factory=dict)
    phases: list[tuple[float, Plan]] = field(default_factory=list)

    @cached_property
    def requests(self) -> pd.DataFrame:
        """A row a request: when it arrived, was answered and finished, how it ended and where (times in s), attributes."""
        columns = self.columns
        sensors = self.plan.scenario.sensors
        frames = {"sensor": named_codes(columns.sensor, sensors), "frame": columns.frame} if sensors else {}
        attributes = {name: spec.named(columns.attributes[name]) for name, spec in self.plan.scenario.attributes.items()}
        return pd.DataFrame(
            {
                "arrived_s": columns.arrived,
                "sent_s": columns.sent,
                "answered_s": columns.answered,
                "finished_s": columns.finished,
                "outcome": named_codes(columns.outcome, OUTCOMES),
                "end": named_codes(columns.end, self.plan.scenario.ends),
                "positive": columns.positive,
                "detected": columns.detected,
                "patient": columns.patient,
                "score": np.where(np.isfinite(columns.risk), columns.risk, np.nan),
                "tries": columns.tries + 1,
                "tag": columns.tag,
                **frames,
                **attributes,
            }
        )

    @cached_property
    def visits(self) -> pd.DataFrame:
        """A row for each visit of a request to a stage, failures included, by time of entry."""
        visited = {stage: log.visits() for stage, log in self.logs.items() if len(log)}
        if not visited:
            return pd.DataFrame(columns=list(VISIT_COLUMNS)).astype({"stage": "category"})
        names, parts = sorted(visited), [vars(visits) for visits in visited.values()]
        columns = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
        codes = np.repeat([names.index(stage) for stage in visited], [len(visits) for visits in visited.values()])
        order = np.lexsort((columns["request"], columns["entered_s"]))
        ordered = {name: column[order] for name, column in columns.items()}
        return pd.DataFrame({"request": ordered.pop("request"), "stage": named_codes(codes[order], names), **ordered})

    def parts(self) -> list[tuple[float, float, Plan]]:
        """Return the plans that ran, each behind its beginning and its end (s)."""
        if not self.phases:
            return [(0.0, inf, self.plan)]
        starts = [at_s for at_s, _ in self.phases]
        return [(start, end, plan) for (start, plan), end in zip(self.phases, [*starts[1:], inf], strict=True) if start < end]

    def under(self, plan: Plan, until: float = inf) -> Trace:
        """Return the run as if a plan of its phases had run alone, until a time (s)."""
        alone = replace(plan, until=min(until, plan.until), later=())
        return replace(self, plan=alone, conditions=self.conditions.under(plan), phases=[])

    @cached_property
    def digest(self) -> str:
        """Identifies what happened: times to the microsecond, outcomes and ends of every request."""
        sha = hashlib.sha256()
        for times in (self.columns.arrived, self.columns.answered, self.columns.finished):
            microseconds = np.rint(times * 1e6)
            microseconds[~np.isfinite(times)] = -1
            sha.update(microseconds.astype(np.int64).tobytes())
        for codes in (self.columns.outcome, self.columns.end, self.columns.detected):
            sha.update(codes.tobytes())
        return sha.hexdigest()[:16]
