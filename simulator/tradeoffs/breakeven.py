"""Where a gap changes its sign, as far as runs can tell: by the plain values, and with a 95% interval.

The interval holds every place at which the run does not tell the sign of the gap (a test inverted: Fieller 1954, J R Stat Soc
B 16:175). At the true place each test errs at most one time in twenty, and so does the interval, however many are made. It is
widened until runs on other requests say the same at both its bounds.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from functools import cache
from math import inf, isfinite
from typing import Any

from simulator.case.choices import Pick
from simulator.case.fields import Figure
from simulator.case.load import PROJECTED, figures_of, range_of
from simulator.case.outputs import Metric
from simulator.case.schema import Objective, Scenario
from simulator.engine.plan import Plan, projected_ms
from simulator.errors import InputError, suggest
from simulator.intervals import Estimate, Interval, share_interval
from simulator.metrics.paired_samples import change
from simulator.metrics.summary import NO_STEADY_STATE
from simulator.tradeoffs.design_outcomes import DesignOutcome
from simulator.tradeoffs.design_space import Axis, DesignPoint, points_of
from simulator.tradeoffs.outcome_cache import OutcomeCache
from simulator.tradeoffs.sweep import Submit, Sweep, SweepRequest, Tell, silent, swept
from simulator.units import plain_number, significant, spoken, spoken_bound

#: The place is told to within this part of the range.
TOLERANCE = 1 / 64


@dataclass(frozen=True)
class Gap:
    """How far a statement is from turning, positive where it holds, with the bounds of its 95% interval."""

    value: float
    low: float
    high: float

    @property
    def holds(self) -> bool:
        """Whether the statement holds, by the plain value."""
        return self.value >= 0

    @property
    def sure(self) -> bool:
        """Whether the interval leaves out zero."""
        return not self.low < 0 <= self.high

    @property
    def unknown(self) -> bool:
        """Whether too few requests stand behind it to say anything."""
        return self.value == -inf and self.high == inf

    @classmethod
    def of(cls, found: Estimate, bound: float, upward: bool) -> Gap:
        """The distance of a figure from its bound. upward: whether it is to lie above it"""
        if upward:
            return cls(found.value - bound, found.low - bound, found.high - bound)
        return cls(bound - found.value, bound - found.high, bound - found.low)


#: Of a figure that a run cannot quote because of overload: the statement fails for certain. Where too few requests stand behind
#: it, nothing is known.
FAILS, UNKNOWN = Gap(-inf, -inf, -inf), Gap(-inf, -inf, inf)


@dataclass(frozen=True)
class Crossing:
    """Where a statement turns.

    at: by the plain values; low, high: its 95% interval, infinite where the range ends before the sign is sure
    below, above: the gaps at the bounds of the interval, or at the ends of the range where it is open
    confirmed: the gaps there on other requests; None where it is open
    """

    at: float
    low: float
    high: float
    below: Gap
    above: Gap
    confirmed: tuple[Gap | None, Gap | None]

    @property
    def is_bounded(self) -> bool:
        """Whether runs on both sides are sure."""
        return abs(self.low) < inf and abs(self.high) < inf


def crossing(
    gap: Callable[[float], Gap], again: Callable[[float], Gap], low: float, high: float, tolerance: float = TOLERANCE
) -> Crossing | None:
    """Where a statement turns between two numbers; None where its plain values are on the same side at both.

    gap: of a number within; again: the same on other requests. The same number gives the same answer; it is taken to turn once.
    """
    at, anew = cache(gap), cache(again)
    if at(low).holds == at(high).holds:
        return None
    left, right, width = low, high, tolerance * (high - low)
    while right - left > width:
        middle = (left + right) / 2
        if at(middle).holds == at(low).holds:
            left = middle
        else:
            right = middle
    below, above = (
        _agreed(at, anew, _sure_from(at, inside, outside, width), outside, width)
        for inside, outside in ((left, low), (right, high))
    )
    return Crossing(
        at=_between(left, at(left), right, at(right)),
        low=-inf if below is None else below,
        high=inf if above is None else above,
        below=at(low if below is None else below),
        above=at(high if above is None else above),
        confirmed=(None if below is None else anew(below), None if above is None else anew(above)),
    )


def _sure_from(at: Callable[[float], Gap], inside: float, outside: float, width: float) -> float | None:
    """The place nearest to where it turns, on one side of it, whose sign is sure; None if the end of the range is not."""
    if at(inside).sure:
        return inside
    if not at(outside).sure:
        return None
    unsure, sure = inside, outside
    while abs(sure - unsure) > width:
        middle = (sure + unsure) / 2
        if at(middle).sure:
            sure = middle
        else:
            unsure = middle
    return sure


def _agreed(
    at: Callable[[float], Gap], anew: Callable[[float], Gap], bound: float | None, outside: float, width: float
) -> float | None:
    """The bound, or the nearest place further out at which runs on other requests say the same; None where none do."""
    while bound is not None and anew(bound).holds != at(bound).holds:
        if bound == outside:
            return None
        bound += min(width, abs(outside - bound)) * (1 if outside > bound else -1)
        width *= 2
    return bound


def _between(left: float, before: Gap, right: float, after: Gap) -> float:
    """Where a straight line between two gaps passes zero; in the middle where one of them has no figure."""
    if abs(before.value) == inf or abs(after.value) == inf or before.value == after.value:
        return (left + right) / 2
    return left + (right - left) * before.value / (before.value - after.value)


#: The kinds of evidence that leave a figure open.
OPEN = ("assumed", "projected")

#: Where a projected latency comes from, in a few words; the design's list of sources says it in full.
_SOURCE = "from measurements elsewhere: a batch of one, in ms"

#: Points at which all doubtful figures lie anywhere in their ranges at once.
TOGETHER = 64

#: Break-evens that are sought at a time.
_AT_ONCE = 8


@dataclass(frozen=True)
class Doubt:
    """A figure that is assumed or projected, with the range it may lie in; also the latency of a pool that is projected."""

    place: str
    figure: Figure
    low: float
    high: float

    @property
    def own(self) -> bool:
        """Whether the range is given, by the author or as the band of a projection; else it is half to double."""
        return self.figure.between is not None

    @property
    def is_latency(self) -> bool:
        """Whether it is the projected latency of a pool, whose range is the band of the projection."""
        return PROJECTED.fullmatch(self.place) is not None

    @property
    def words(self) -> str:
        """The figure and its range: `population.prevalence, 0.02 (0.018 to 0.08, the author's range)`."""
        given = "the band of the projection" if self.is_latency else "the author's range"
        whose = given if self.own else "half to double, as no range is given"
        return (
            f"{self.place}, {plain_number(self.figure.value)} ({plain_number(self.low)} to {plain_number(self.high)}, {whose})"
        )


def doubts_of(plan: Plan) -> list[Doubt]:
    """Every assumed or projected figure of a design that has a range, and its projected latencies.

    A figure of 0 has no range unless its author gives one.
    """
    ranges = ((place, figure, range_of(plan.scenario, place)) for place, figure in figures_of(plan.scenario).items()
              if figure.kind in OPEN)  # fmt: skip
    latencies = (
        (place, Figure(value=value, between=(low, high), projected=_SOURCE), (low, high))
        for place, (low, value, high) in projected_ms(plan).items()
        if low < high
    )
    return [Doubt(place, figure, low, high) for place, figure, (low, high) in (*ranges, *latencies) if low < high]


@dataclass(frozen=True)
class BreakevenClaim:
    """A statement that may turn: that an objective is met, or that a design is better than another in a metric.

    against: what the other design picks otherwise; None for an objective
    """

    metric: Metric
    objective: Objective | None = None
    higher: bool = True
    against: Mapping[str, Pick] | None = None

    @property
    def label(self) -> str:
        """What people call its metric."""
        return self.objective.label if self.objective else self.metric.label

    @property
    def words(self) -> str:
        """The statement: `Cost of 1,000 people at most 21,000 USD`."""
        if self.objective is None:
            other = ", ".join(f"{name}={pick}" for name, pick in (self.against or {}).items())
            return f"{'more' if self.higher else 'less'} of “{self.metric.label}” than with {other}"
        upward = self.objective.at_least is not None
        return f"{self.objective.label} {'at least' if upward else 'at most'} {spoken_bound(self.bound, self.metric.unit)}"

    @property
    def bound(self) -> float:
        """The bound of the objective."""
        assert self.objective is not None
        bound = self.objective.at_least if self.objective.at_least is not None else self.objective.at_most
        assert bound is not None
        return bound

    def points(self, point: DesignPoint) -> list[DesignPoint]:
        """What has to be run to tell; the other design keeps the bands of its own projections."""
        if self.against is None:
            return [point]
        figures = {place: number for place, number in point.figures.items() if not PROJECTED.fullmatch(place)}
        return [point, DesignPoint({**point.picks, **self.against}, figures)]

    def gap(self, outcomes: Sequence[DesignOutcome]) -> Gap:
        """How far it is from turning, by the outcomes of its points."""
        name = self.metric.name
        missing = [one for one in outcomes if name not in one.metrics]
        if self.objective is not None:
            if missing:
                return FAILS if missing[0].untold.get(name, "").startswith(NO_STEADY_STATE) else UNKNOWN
            return Gap.of(outcomes[0].metrics[name], self.bound, self.objective.at_least is not None)
        if missing:
            return UNKNOWN
        other, own = outcomes[1].readings[name], outcomes[0].readings[name]
        return Gap.of(change(self.metric, other, own), 0.0, self.higher)

    def told(self, gap: Gap) -> str:
        """A gap in words: how far it holds or fails, with its unit."""
        if abs(gap.value) == float("inf"):
            return "no figure"
        unit = self.metric.unit
        size = f"{100 * abs(gap.value):.3g} points" if unit == "share" else spoken(abs(gap.value), unit)
        return f"{'holds' if gap.holds else 'fails'} by {size}{'' if gap.sure else ', which may be chance'}"


def answers_of(scenario: Scenario, metrics: Sequence[str] = ()) -> list[BreakevenClaim]:
    """That each objective is met; those of some metrics alone, where they are given. Raises InputError where there is none."""
    by_metric = {objective.metric: objective for objective in scenario.objectives}
    for name in metrics:
        if name not in by_metric:
            raise InputError(f"--objective {name}: the case has no such objective; {suggest(name, by_metric)}")
    return [
        BreakevenClaim(scenario.metrics[name], objective, objective.at_least is not None)
        for name, objective in by_metric.items()
        if not metrics or name in metrics
    ]


@dataclass(frozen=True)
class BreakevenPoint:
    """An answer that turns within the range of a doubtful figure; holds: whether it holds as the case stands."""

    answer: BreakevenClaim
    doubt: Doubt
    holds: bool
    crossing: Crossing

    @property
    def sentence(self) -> str:
        """Where it turns, in words."""
        where, at = self.crossing, significant(self.crossing.at)
        beyond = "below" if (where.below.holds != self.holds) else "above"
        state = f"“{self.answer.words}” {'holds' if self.holds else 'fails'} unless {self.doubt.place} lies {beyond} {at}"
        low, high = where.low, where.high
        if where.is_bounded:
            return f"{state} (95% interval {significant(low)} to {significant(high)})."
        if isfinite(low) or isfinite(high):
            known = f"from {significant(low)} on" if isfinite(low) else f"up to {significant(high)}"
            return f"{state} by the plain values; runs are sure of one side only (95% interval {known})."
        return f"{state} by the plain values; within its range runs cannot tell."

    def to_json(self) -> dict[str, Any]:
        """As `casesim breakeven --json` prints it; a bound that is open is left out."""
        where = self.crossing
        bounds = {name: bound for name, bound in (("low", where.low), ("high", where.high)) if isfinite(bound)}
        return {
            "metric": self.answer.metric.name,
            "answer": self.answer.words,
            "holds": self.holds,
            "figure": self.doubt.place,
            "value": self.doubt.figure.value,
            "range": [self.doubt.low, self.doubt.high],
            "range_given": self.doubt.own,
            "at": where.at,
            **bounds,
            "below": self.answer.told(where.below),
            "above": self.answer.told(where.above),
            "confirmed": [again and self.answer.told(again) for again in where.confirmed],
            "sentence": self.sentence,
        }


@dataclass(frozen=True)
class Stands:
    """How often an answer is the same while all doubtful figures lie anywhere in their ranges at once."""

    answer: BreakevenClaim
    holds: bool
    same: int
    of: int

    @property
    def share(self) -> Interval:
        """The share of the ranges in which it is the same, with its exact binomial interval."""
        return share_interval(self.same, self.of)

    @property
    def sentence(self) -> str:
        """In words."""
        found, state = self.share, "holds" if self.holds else "fails"
        return (
            f"“{self.answer.words}” {state}. With every doubtful figure anywhere in its range it still {state} in {self.same} "
            f"of {self.of} draws (95% interval {found.low:.0%} to {found.high:.0%} of the ranges)."
        )


@dataclass(frozen=True)
class BreakevenResult:
    """What hangs on the doubtful figures of a design.

    idle: those of them that change none of the figures in question, to the last digit
    flips: answers that turn, and where; steady: how many pairs of an answer and another figure do not turn within its range
    unvaried: figures that cannot be varied alone, with the reason; together: what remains with all in doubt at once
    """

    asked: SweepRequest
    doubts: Sequence[Doubt]
    idle: Sequence[Doubt]
    flips: Sequence[BreakevenPoint]
    steady: int
    unvaried: Mapping[str, str] = field(default_factory=dict)
    together: Sequence[Stands] = ()

    @property
    def rest(self) -> str:
        """What does not turn, in a sentence."""
        pairs = "pair of an answer and a figure does" if self.steady == 1 else "pairs of an answer and a figure do"
        told = f"{self.steady} {pairs} not turn within the figure's range."
        if not self.idle:
            return told
        which = "figure changes" if len(self.idle) == 1 else "figures change"
        return f"{told} {len(self.idle)} more {which} nothing about these answers."


def _turned(now: Gap, then: Gap) -> bool:
    """Whether an answer has turned; where one of the two rests on too few requests, nobody knows."""
    return now.holds != then.holds and not (now.unknown or then.unknown)


def _is_idle(now: Sequence[Gap], ends: Sequence[Sequence[Gap]]) -> bool:
    """Whether a figure changes nothing: the gap of each answer is the same at both ends of its range as where it stands."""
    return all(gaps == now for gaps in ends) and not any(gap.unknown for gap in now)


class BreakevenSearch:
    """Looks for what turns: first at the ends of every range, then for the place of each turn, then on both sides of it."""

    def __init__(self, asked: SweepRequest, submit: Submit, kept: OutcomeCache | None = None) -> None:
        """asked: the design, the metrics of all answers among its metrics, the seed and the replications"""
        self.asked, self._submit, self._kept = asked, submit, kept

    def find(
        self, doubts: Sequence[Doubt], answers: Sequence[BreakevenClaim], together: int = TOGETHER, tell: Tell = silent
    ) -> BreakevenResult:
        """What turns. together: draws of all figures at once; 0 for none"""
        base = self.asked.base
        ends = [self._at(base, doubt, number) for doubt in doubts for number in (doubt.low, doubt.high)]
        of = [base, *ends]
        asked = [point for one in of for answer in answers for point in answer.points(one)]
        runs = self._run(asked, progress=lambda done, total: tell("running both ends of each range", done, total))
        gaps = iter(runs)
        table = [[answer.gap([next(gaps) for _ in answer.points(one)]) for answer in answers] for one in of]
        refused = {doubt.place: why for doubt, why in self._refused(doubts, answers, runs)}
        turning = [
            (doubt, column)
            for row, doubt in enumerate(doubts)
            for column in range(len(answers))
            if doubt.place not in refused and any(_turned(table[0][column], table[1 + 2 * row + end][column]) for end in (0, 1))
        ]
        flips, what = list[BreakevenPoint](), "looking for where answers turn"
        tell(what, 0, len(turning))
        with ThreadPoolExecutor(_AT_ONCE) as threads:
            found = threads.map(lambda pair: self._flip(answers[pair[1]], pair[0], table[0][pair[1]]), turning)
            for number, flip in enumerate(found, start=1):
                flips += [] if flip is None else [flip]
                tell(what, number, len(turning))
        fit = [doubt for doubt in doubts if doubt.place not in refused]
        idle = [doubt for row, doubt in enumerate(doubts)
                if doubt in fit and _is_idle(table[0], table[1 + 2 * row : 3 + 2 * row])]  # fmt: skip
        steady = (len(fit) - len(idle)) * len(answers) - len(turning)
        stands = self._together(fit, answers, table[0], together, tell)
        return BreakevenResult(self.asked, fit, idle, flips, steady, refused, stands)

    def _refused(
        self, doubts: Sequence[Doubt], answers: Sequence[BreakevenClaim], runs: Sequence[DesignOutcome]
    ) -> Iterator[tuple[Doubt, str]]:
        each = sum(len(answer.points(self.asked.base)) for answer in answers)
        for row, doubt in enumerate(doubts):
            of_doubt = runs[each * (1 + 2 * row) : each * (3 + 2 * row)]
            why = next((one.refused for one in of_doubt if one.refused), "")
            if why:
                yield doubt, why

    def _run(
        self,
        points: Sequence[DesignPoint],
        seed: int | None = None,
        progress: Callable[[int, int], None] = lambda done, total: None,
    ) -> list[DesignOutcome]:
        """The outcome of each point, of which the same ones run once."""
        alone = {repr(point): point for point in points}
        found = swept(Sweep(self.asked, self._submit, self._kept, list(alone.values()), seed=seed), progress)
        by_point = dict(zip(alone, found, strict=True))
        return [by_point[repr(point)] for point in points]

    def _at(self, base: DesignPoint, doubt: Doubt, number: float) -> DesignPoint:
        return replace(base, figures={**base.figures, doubt.place: number})

    def _flip(self, answer: BreakevenClaim, doubt: Doubt, now: Gap) -> BreakevenPoint | None:
        """Where an answer turns: within the range of a figure, or from where it stands where it turns on both sides of that."""

        def gap(number: float, seed: int | None = None) -> Gap:
            return answer.gap(self._run(answer.points(self._at(self.asked.base, doubt, number)), seed))

        turned = [end for end in (doubt.low, doubt.high) if _turned(now, gap(end))]
        ends = (doubt.low, doubt.high) if len(turned) == 1 else sorted((doubt.figure.value, turned[0]))
        where = crossing(gap, lambda number: gap(number, self.asked.other_seed), *ends)
        return None if where is None else BreakevenPoint(answer, doubt, now.holds, where)

    def _together(
        self, doubts: Sequence[Doubt], answers: Sequence[BreakevenClaim], now: Sequence[Gap], count: int, tell: Tell
    ) -> list[Stands]:
        if not count or not doubts:
            return []
        axes = [Axis(doubt.place, doubt.place, (doubt.low, doubt.high), (doubt.low, doubt.high)) for doubt in doubts]
        points = points_of(axes, "lhs", count, self.asked.seed, self.asked.base)
        asked = [point for one in points for answer in answers for point in answer.points(one)]
        runs = iter(self._run(asked, progress=lambda done, total: tell("doubting every figure at once", done, total)))
        gaps = [[answer.gap([next(runs) for _ in answer.points(one)]) for answer in answers] for one in points]
        return [
            Stands(answer, gap.holds, sum(row[column].holds == gap.holds for row in gaps), len(points))
            for column, (answer, gap) in enumerate(zip(answers, now, strict=True))
        ]
