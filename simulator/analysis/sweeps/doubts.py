"""What a case assumes or projects, how far that may be off, and which answers hang on it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from math import isfinite
from typing import Any

from simulator.analysis.run.readings import change
from simulator.analysis.run.summary import NO_STEADY_STATE
from simulator.analysis.statistics import Interval, share_interval
from simulator.analysis.sweeps.crossing import FAILS, UNKNOWN, Crossing, Gap, crossing
from simulator.analysis.sweeps.kept import Kept
from simulator.analysis.sweeps.outcomes import Outcome
from simulator.analysis.sweeps.space import Axis, Point, points_of
from simulator.analysis.sweeps.sweep import Submit, Sweep, Tell, silent, swept
from simulator.analysis.sweeps.told import Asked
from simulator.errors import InputError, suggest
from simulator.scenario import Scenario
from simulator.scenario.base import Figure
from simulator.scenario.choices import Pick
from simulator.scenario.figures import PROJECTED, figures_of, range_of
from simulator.scenario.metrics import Metric
from simulator.scenario.schema import Objective
from simulator.serving.plan import Plan, projected_ms
from simulator.units import plain_number, significant, spoken, spoken_bound

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
class Answer:
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

    def points(self, point: Point) -> list[Point]:
        """What has to be run to tell; the other design keeps the bands of its own projections."""
        if self.against is None:
            return [point]
        figures = {place: number for place, number in point.figures.items() if not PROJECTED.fullmatch(place)}
        return [point, Point({**point.picks, **self.against}, figures)]

    def gap(self, outcomes: Sequence[Outcome]) -> Gap:
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


def answers_of(scenario: Scenario, metrics: Sequence[str] = ()) -> list[Answer]:
    """That each objective is met; those of some metrics alone, where they are given. Raises InputError where there is none."""
    by_metric = {objective.metric: objective for objective in scenario.objectives}
    for name in metrics:
        if name not in by_metric:
            raise InputError(f"--objective {name}: the case has no such objective; {suggest(name, by_metric)}")
    return [
        Answer(scenario.metrics[name], objective, objective.at_least is not None)
        for name, objective in by_metric.items()
        if not metrics or name in metrics
    ]


@dataclass(frozen=True)
class Flip:
    """An answer that turns within the range of a doubtful figure; holds: whether it holds as the case stands."""

    answer: Answer
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

    answer: Answer
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
class Doubted:
    """What hangs on the doubtful figures of a design.

    idle: those of them that change none of the figures in question, to the last digit
    flips: answers that turn, and where; steady: how many pairs of an answer and another figure do not turn within its range
    unvaried: figures that cannot be varied alone, with the reason; together: what remains with all in doubt at once
    """

    asked: Asked
    doubts: Sequence[Doubt]
    idle: Sequence[Doubt]
    flips: Sequence[Flip]
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


class Doubting:
    """Looks for what turns: first at the ends of every range, then for the place of each turn, then on both sides of it."""

    def __init__(self, asked: Asked, submit: Submit, kept: Kept | None = None) -> None:
        """asked: the design, the metrics of all answers among its metrics, the seed and the replications"""
        self.asked, self._submit, self._kept = asked, submit, kept

    def find(
        self, doubts: Sequence[Doubt], answers: Sequence[Answer], together: int = TOGETHER, tell: Tell = silent
    ) -> Doubted:
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
        flips, what = list[Flip](), "looking for where answers turn"
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
        return Doubted(self.asked, fit, idle, flips, steady, refused, stands)

    def _refused(
        self, doubts: Sequence[Doubt], answers: Sequence[Answer], runs: Sequence[Outcome]
    ) -> Iterator[tuple[Doubt, str]]:
        each = sum(len(answer.points(self.asked.base)) for answer in answers)
        for row, doubt in enumerate(doubts):
            of_doubt = runs[each * (1 + 2 * row) : each * (3 + 2 * row)]
            why = next((one.refused for one in of_doubt if one.refused), "")
            if why:
                yield doubt, why

    def _run(
        self,
        points: Sequence[Point],
        seed: int | None = None,
        progress: Callable[[int, int], None] = lambda done, total: None,
    ) -> list[Outcome]:
        """The outcome of each point, of which the same ones run once."""
        alone = {repr(point): point for point in points}
        found = swept(Sweep(self.asked, self._submit, self._kept, list(alone.values()), seed=seed), progress)
        by_point = dict(zip(alone, found, strict=True))
        return [by_point[repr(point)] for point in points]

    def _at(self, base: Point, doubt: Doubt, number: float) -> Point:
        return replace(base, figures={**base.figures, doubt.place: number})

    def _flip(self, answer: Answer, doubt: Doubt, now: Gap) -> Flip | None:
        """Where an answer turns: within the range of a figure, or from where it stands where it turns on both sides of that."""

        def gap(number: float, seed: int | None = None) -> Gap:
            return answer.gap(self._run(answer.points(self._at(self.asked.base, doubt, number)), seed))

        turned = [end for end in (doubt.low, doubt.high) if _turned(now, gap(end))]
        ends = (doubt.low, doubt.high) if len(turned) == 1 else sorted((doubt.figure.value, turned[0]))
        where = crossing(gap, lambda number: gap(number, self.asked.other_seed), *ends)
        return None if where is None else Flip(answer, doubt, now.holds, where)

    def _together(
        self, doubts: Sequence[Doubt], answers: Sequence[Answer], now: Sequence[Gap], count: int, tell: Tell
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
