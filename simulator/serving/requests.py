"""The requests of one replication as columns, drawn before the run: every design meets the same ones."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from simulator.evidence.scores import ScoreTable
from simulator.scenario.schema import Population
from simulator.serving.arrivals import ARRIVALS, under_traffic
from simulator.serving.calendar import clock_s
from simulator.serving.conditions import Conditions
from simulator.serving.plan import Plan
from simulator.serving.streams import Streams

#: How a request ended. `done` reached an end the planned way, `timed_out` and `shed` by a fallback.
UNFINISHED, DONE, TIMED_OUT, SHED, FAILED = range(5)
OUTCOMES = ("unfinished", "done", "timed_out", "shed", "failed")

Float32 = NDArray[np.float32]
Float64 = NDArray[np.float64]


class Requests:
    """Columns of equal length n, a request a row.

    arrived, sent, answered, finished: seconds from the start of the run; `sent` is when the last photo was sent
    positive: whether the person behind the request is a positive; patient: who of the labelled set stands in for them
    scores, qualities: what the model and the quality check would say of each photo, shape (tries, n)
    risk: the score once a model has given it; +inf before, so that an unscored request counts as the most urgent
    tries, tag, end, outcome: small integers that the stages write
    """

    def __init__(self, plan: Plan, streams: Streams) -> None:
        spec = plan.scenario.arrivals
        starts_at = clock_s(plan.scenario.run.starts_at)
        conditions, end = Conditions(plan, streams), plan.arrivals_end_s
        self.arrived = under_traffic(conditions.traffic(), lambda rng: ARRIVALS[spec.kind](spec, rng, end, starts_at), streams)
        self.n = len(self.arrived)
        self.sent = self.arrived.copy()
        self.answered = np.full(self.n, np.nan)
        self.finished = np.full(self.n, np.nan)
        self.risk = np.full(self.n, np.inf, np.float32)
        self.tries = np.zeros(self.n, np.int8)
        self.tag = np.zeros(self.n, np.int16)
        self.end = np.full(self.n, -1, np.int8)
        self.outcome = np.zeros(self.n, np.int8)
        self._draw_people(plan, streams, conditions)

    def _draw_people(self, plan: Plan, streams: Streams, conditions: Conditions) -> None:
        population, table = plan.scenario.population, plan.scores
        self.positive = np.zeros(self.n, bool)
        self.patient = np.full(self.n, -1, np.int32)
        self.scores = np.zeros((1, self.n), np.float32)
        self.qualities = np.zeros((1, self.n), np.float32)
        if population is None:
            return
        self.positive = streams.named("population.label").random(self.n) < conditions.prevalence().at_all(self.arrived)
        usable = self._draw_photos(population, plan.tries, streams)
        if table is not None:
            self._draw_scores(table, conditions, usable, streams)

    def _draw_photos(self, population: Population, tries: int, streams: Streams) -> NDArray[np.bool_]:
        """Whether each photo shows enough, and what the quality check makes of it, shapes (tries, n)."""
        usable = np.ones((tries, self.n), bool)
        self.qualities = np.zeros((tries, self.n), np.float32)
        if population.quality is None:
            return usable
        apart = quality_separation(population.quality.auc.value)
        for attempt in range(tries):
            usable[attempt] = streams.named(f"photo.{attempt}.usable").random(self.n) >= population.quality.unusable.value
            noise = streams.named(f"photo.{attempt}.quality").standard_normal(self.n, np.float32)
            self.qualities[attempt] = noise + apart * usable[attempt]
        return usable

    def _draw_scores(self, table: ScoreTable, conditions: Conditions, usable: NDArray[np.bool_], streams: Streams) -> None:
        """Each person is one labelled item of their class; a photo that shows nothing is scored like someone else's."""
        which = streams.named("population.item").random(self.n)
        own = self._scores_of(table, conditions, self.positive, which)
        self.patient = np.where(
            self.positive,
            table.positive_patients[_index(which, len(table.positives))],
            table.negative_patients[_index(which, len(table.negatives))],
        ).astype(np.int32)
        self.scores = np.empty(usable.shape, np.float32)
        for attempt, shows in enumerate(usable):
            stream = streams.named(f"photo.{attempt}.stranger")
            positive = stream.random(self.n) < conditions.prevalence().at_all(self.arrived)
            stranger = self._scores_of(table, conditions, positive, stream.random(self.n))
            self.scores[attempt] = np.where(shows, own, stranger)

    def _scores_of(self, table: ScoreTable, conditions: Conditions, positive: NDArray[np.bool_], quantile: Float64) -> Float64:
        """Scores of labelled items, shifted by what has struck when each request comes."""
        scores = np.where(
            positive,
            table.positives[_index(quantile, len(table.positives))],
            table.negatives[_index(quantile, len(table.negatives))],
        )
        everybody, positives = conditions.scores_shift(), conditions.positives_shift()
        if not everybody.steady:
            scores = scores + everybody.at_all(self.arrived)
        if not positives.steady:
            scores = scores + positive * positives.at_all(self.arrived)
        return scores

    def settle(self, horizon: float, caught_share: Float64, luck: Float32) -> None:
        """The run is over: what had not finished by then is unfinished, the rest is done where no fallback was taken.

        caught_share: share of positives that each end finds in time, shape (ends,); luck: one uniform draw a request.
        """
        late = ~(self.finished <= horizon)
        self.finished[late] = np.nan
        self.end[late] = -1
        self.answered[~(self.answered <= horizon)] = np.nan
        self.outcome[~late & (self.outcome == UNFINISHED)] = DONE
        self.outcome[late] = UNFINISHED
        self.caught = self.positive & ~late & (luck < caught_share[self.end])


def quality_separation(auc: float) -> float:
    """Distance of usable from unusable photos in standard deviations of the quality value (equal-variance binormal)."""
    return float(np.sqrt(2) * ndtri(auc))


def _index(quantile: Float64, count: int) -> NDArray[np.intp]:
    return (quantile * count).astype(np.intp)
