"""Break-evens: the value of a figure at which a verdict turns, with a 95% interval.

The interval holds every place at which the run does not tell the sign of the gap (a test inverted: Fieller 1954, J R Stat Soc
B 16:175). At the true place each test errs at most one time in twenty, and so does the interval, however many are made. It is
widened until runs on other requests say the same at both its bounds.
"""

from __future__ import annotations

import functools
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import inf, isfinite
from typing import Any

from simulator.case.designs import PROJECTED, figure_name, range_of
from simulator.case.fields import Figure, figures_of
from simulator.engine.compiled_plan import Plan, projected_ms
from simulator.explain.claims import Claim, claims_json, on_metric
from simulator.intervals import Interval, share_interval
from simulator.phrases import Phrase, phrase
from simulator.processes import over_threads
from simulator.sweeps.design_space import Axis, DesignPoint, points_of
from simulator.sweeps.outcome_cache import DesignOutcome, OutcomeCache
from simulator.sweeps.sweep import ReportProgress, Submit, SweepRequest, once, outcomes_at, silent
from simulator.tradeoffs.breakeven_claims import Answer, BreakevenClaim
from simulator.units import plain_number

#: The place is found to within this part of the range.
TOLERANCE = 1 / 64


@dataclass(frozen=True)
class Crossing:
    """The value at which a statement turns.

    at: by the plain values; low, high: its 95% interval, infinite where the range ends before the sign is sure
    below, above: the answers at the bounds of the interval, or at the ends of the range where it is open
    confirmed: those there on other requests; None where it is open
    """

    at: float
    low: float
    high: float
    below: Answer
    above: Answer
    confirmed: tuple[Answer | None, Answer | None]

    @property
    def is_bounded(self) -> bool:
        return abs(self.low) < inf and abs(self.high) < inf


def crossing(
    answer: Callable[[float], Answer], again: Callable[[float], Answer], low: float, high: float, tolerance: float = TOLERANCE
) -> Crossing | None:
    """Find where a statement turns between two numbers; None where its plain values are on one side at both.

    answer: of a number within; again: the same on other requests. The same number gives the same answer. It is taken to turn
    once.
    """
    tried: dict[float, Answer] = {}

    def at(number: float) -> Answer:
        if number not in tried:
            tried[number] = answer(number)
        return tried[number]

    anew = functools.cache(again)
    if at(low).holds == at(high).holds:
        return None
    left, right, width = low, high, tolerance * (high - low)
    while right - left > width:
        middle = (left + right) / 2
        if at(middle).holds == at(low).holds:
            left = middle
        else:
            right = middle

    def bound(inside: float, outside: float) -> float | None:
        nearest = sorted(tried, key=lambda number: abs(number - inside))
        return _agreed(at, anew, _sure_from(at, nearest, inside, outside, width), outside, width)

    below, above = bound(left, low), bound(right, high)
    return Crossing(
        at=_between(left, at(left), right, at(right)),
        low=-inf if below is None else below,
        high=inf if above is None else above,
        below=at(low if below is None else below),
        above=at(high if above is None else above),
        confirmed=(None if below is None else anew(below), None if above is None else anew(above)),
    )


def _sure_from(
    at: Callable[[float], Answer], tried: Sequence[float], inside: float, outside: float, width: float
) -> float | None:
    """Return the place nearest to the turn, on one side of it, whose sign is sure; None if the end of the range is not sure.

    tried: places whose answer is known, the nearest to the turn first
    """
    if not at(outside).sure:
        return None
    side = [number for number in tried if min(inside, outside) <= number <= max(inside, outside)]
    first = next(place for place, one in enumerate(side) if at(one).sure)
    if first == 0:
        return inside
    unsure, sure = side[first - 1], side[first]
    while abs(sure - unsure) > width:
        middle = (sure + unsure) / 2
        if at(middle).sure:
            sure = middle
        else:
            unsure = middle
    return sure


def _agreed(
    at: Callable[[float], Answer], anew: Callable[[float], Answer], bound: float | None, outside: float, width: float
) -> float | None:
    """Return the bound, or the nearest place further out where runs on other requests agree; None where none do."""
    while bound is not None and anew(bound).holds != at(bound).holds:
        if bound == outside:
            return None
        bound += min(width, abs(outside - bound)) * (1 if outside > bound else -1)
        width *= 2
    return bound


def _between(left: float, before: Answer, right: float, after: Answer) -> float:
    if not (isfinite(before.margin) and isfinite(after.margin)) or before.margin == after.margin:
        return (left + right) / 2
    return left + (right - left) * before.margin / (before.margin - after.margin)


#: The kinds of evidence that leave a figure open.
OPEN = ("assumed", "projected")

#: Where a projected latency comes from, in a few words; the design's list of sources says it in full.
_SOURCE = "from measurements elsewhere: a batch of one, in ms"

#: Points at which all doubtful figures lie anywhere in their ranges at once.
TOGETHER = 64

#: Break-evens that are computed at a time.
_AT_ONCE = 8


@dataclass(frozen=True)
class Doubt:
    """A figure that is assumed or projected, with the range it may lie in; also the latency of a pool that is projected.

    place: where it stands in the case; label: its name in words
    """

    place: str
    figure: Figure
    low: float
    high: float
    label: str

    @property
    def own(self) -> bool:
        return self.figure.between is not None

    @property
    def name(self) -> str:
        return f"“{self.label}”"

    @property
    def is_latency(self) -> bool:
        return PROJECTED.fullmatch(self.place) is not None

    @property
    def words(self) -> str:
        """The figure and its range: `“Population: prevalence”, 0.02 (0.018 to 0.08, the author's range)`."""
        given = "the band of the projection" if self.is_latency else "the author's range"
        whose = given if self.own else "half to double, as no range is given"
        return (
            f"{self.name}, {plain_number(self.figure.value)} ({plain_number(self.low)} to {plain_number(self.high)}, {whose})"
        )


def doubts_of(plan: Plan) -> list[Doubt]:
    """List every assumed or projected figure of a design that has a range, and its projected latencies.

    A figure of 0 has no range unless its author gives one.
    """
    ranges = ((place, figure, range_of(plan.scenario, place)) for place, figure in figures_of(plan.scenario).items()
              if figure.kind in OPEN)  # fmt: skip
    latencies = (
        (place, Figure(value=value, between=(low, high), projected=_SOURCE), (low, high))
        for place, (low, value, high) in projected_ms(plan).items()
        if low < high
    )
    return [
        Doubt(place, figure, low, high, figure_name(plan.scenario, place))
        for place, figure, (low, high) in (*ranges, *latencies)
        if low < high
    ]


@dataclass(frozen=True)
class BreakevenPoint:
    """A claim that turns within the range of a doubtful figure; now: its answer as the case stands."""

    claim: BreakevenClaim
    doubt: Doubt
    now: Answer
    crossing: Crossing

    @property
    def holds(self) -> bool:
        """True if the claim holds as the case stands, by the plain values."""
        return self.now.holds

    @property
    def claims(self) -> list[Claim]:
        """The value of the figure at which the verdict turns, and the verdict as the case stands."""
        where, words, now = self.crossing, self.sentence, self.doubt.figure.value
        parts = [self.claim.stands(self.now, words)]
        if self.now.sure and self.claim.objective and (now < where.low if self._side == "below" else now > where.high):
            parts.append(on_metric(self.claim.metric, "rules out", self.now.standing, words))
        more = {"interval": (where.low, where.high), "unit": "", "population": self.doubt.label}
        return [on_metric(self.claim.metric, "limits", where.at, words, **more, parts=tuple(parts))]

    @property
    def _side(self) -> str:
        return "below" if self.crossing.below.holds != self.holds else "above"

    @property
    def sentence(self) -> str:
        """The turn, in words."""
        if not self.now.sure:
            return self._from_open
        where = self.crossing
        ends = isfinite(where.low) + isfinite(where.high)
        return phrase(
            ("breakeven.unsure", "breakeven.half_sure", "breakeven.sure")[ends], claim=self.claim.words,
            says=self.now.says, doubt=self.doubt.name, side=self._side, at=where.at, low=where.low, high=where.high,
            from_low=isfinite(where.low),
        )  # fmt: skip

    @property
    def _from_open(self) -> str:
        """The turn of a claim that the run does not decide as the case stands."""
        where, name = self.crossing, self.doubt.name
        ends = ((where.low, "below", where.below), (where.high, "above", where.above))
        known = [
            phrase("breakeven.known", says=answer.says, doubt=name, side=side, end=end)
            for end, side, answer in ends if isfinite(end)
        ]  # fmt: skip
        return phrase("breakeven.open", claim=self.claim.words, words=self.now.words, known=known, doubt=name, at=where.at)

    def to_json(self) -> dict[str, Any]:
        """Return the point as `casesim breakeven --json` prints it; an open bound is left out."""
        where = self.crossing
        bounds = {name: bound for name, bound in (("low", where.low), ("high", where.high)) if isfinite(bound)}
        return {
            "metric": self.claim.metric.name,
            "answer": self.claim.words,
            "holds": self.holds,
            "standing": self.now.standing,
            "figure": self.doubt.place,
            "value": self.doubt.figure.value,
            "range": [self.doubt.low, self.doubt.high],
            "range_given": self.doubt.own,
            "at": where.at,
            **bounds,
            "below": where.below.words,
            "above": where.above.words,
            "confirmed": [again and again.words for again in where.confirmed],
            "sentence": self.sentence,
        }


@dataclass(frozen=True)
class Stands:
    """A claim as the case stands, and in draws with all doubtful figures anywhere in their ranges at once.

    now: its answer as the case stands; drawn: the number of draws in each standing
    """

    claim: BreakevenClaim
    now: Answer
    drawn: Mapping[str, int]

    @property
    def standing(self) -> str:
        return self.now.standing

    @property
    def same(self) -> int:
        """The number of draws that leave the claim as it is."""
        return self.drawn.get(self.standing, 0)

    @property
    def of(self) -> int:
        return sum(self.drawn.values())

    @property
    def share(self) -> Interval | None:
        """The part of the ranges that leaves the claim as it is; None without draws."""
        return share_interval(self.same, self.of) if self.of else None

    @property
    def statement(self) -> Claim:
        """Claim the answer as the case stands, and the number of draws in each standing."""
        words, subject = self.sentence, f"draws about {self.claim.words}"
        sizes = zip(self._drawn, self.drawn.values(), strict=True)
        drawn = [Claim(subject, "part of", float(count), words=clause) for clause, count in sizes]
        whole = [Claim(subject, "is", float(self.of), words=words)] if self.of else []
        own = self.claim.stands(self.now, words)
        return replace(own, parts=(*own.parts, *whole, *drawn))

    @property
    def sentence(self) -> str:
        low, high = (self.share.low, self.share.high) if self.share else (None, None)
        return phrase(
            "breakeven.stands", claim=self.claim.words, words=self.now.words, of=self.of, low=low, high=high,
            drawn=self._drawn,
        )  # fmt: skip

    @property
    def _drawn(self) -> list[Phrase]:
        return [phrase("breakeven.drawn", standing=standing, count=count) for standing, count in self.drawn.items()]

    def to_json(self) -> dict[str, Any]:
        """Return the claim as `casesim breakeven --json` prints it."""
        share = {} if self.share is None else {"low": self.share.low, "high": self.share.high}
        return {
            "metric": self.claim.metric.name,
            "answer": self.claim.words,
            "holds": self.now.holds,
            "standing": self.standing,
            "words": self.now.words,
            "same": self.same,
            "of": self.of,
            "drawn": dict(self.drawn),
            **share,
        }


@dataclass(frozen=True)
class BreakevenResult:
    """The effects of the doubtful figures of a design.

    idle: those of them that change none of the figures in question, to the last digit
    flips: answers that turn, and where; steady: how many pairs of an answer and another figure do not turn within its range
    unvaried: figures that cannot be varied alone, with the reason; together: what remains with all in doubt at once
    """

    request: SweepRequest
    doubts: Sequence[Doubt]
    idle: Sequence[Doubt]
    flips: Sequence[BreakevenPoint]
    steady: int
    unvaried: Mapping[str, str] = field(default_factory=dict)
    together: Sequence[Stands] = ()

    @property
    def claims(self) -> list[Claim]:
        """The answers that turn, those that do not, and each answer as the case stands."""
        rest = Claim("break-evens", "is", self.steady, population="steady", words=self.rest)
        return [*(claim for flip in self.flips for claim in flip.claims), rest, *(answer.statement for answer in self.together)]

    @property
    def not_varied(self) -> list[str]:
        """The figures that cannot be varied alone, each with the reason, in words."""
        scenario = self.request.scenario
        return [f"Not varied alone: “{figure_name(scenario, place)}”: {why}" for place, why in self.unvaried.items()]

    @property
    def rest(self) -> str:
        """The claims that do not turn, in a sentence."""
        steady, flips, idle = self.steady, len(self.flips), len(self.idle)
        both, some, more = steady and idle, steady or idle, steady or flips
        return phrase("breakeven.rest", steady=steady, flips=flips, idle=idle, both=both, some=some, more=more)

    def to_json(self) -> dict[str, Any]:
        return {
            "doubted": [
                {"figure": doubt.place, "value": doubt.figure.value, "range": [doubt.low, doubt.high], "range_given": doubt.own,
                 "kind": doubt.figure.kind, "source": doubt.figure.source}
                for doubt in self.doubts
            ],
            "flips": [flip.to_json() for flip in self.flips],
            "steady": self.steady,
            "without_effect": [doubt.place for doubt in self.idle],
            "not_varied": dict(self.unvaried),
            "together": [answer.to_json() for answer in self.together],
            "claims": claims_json(self.claims),
        }  # fmt: skip


def _turned(now: Answer, then: Answer) -> bool:
    return now.holds != then.holds and not (now.unknown or then.unknown)


def _is_idle(now: Sequence[Answer], ends: Sequence[Sequence[Answer]]) -> bool:
    return all(answers == now for answers in ends) and not any(answer.unknown for answer in now)


class BreakevenSearch:
    """Search for claims that turn: at the ends of every range, then for the place of each turn, then on both sides of it."""

    def __init__(self, request: SweepRequest, submit: Submit, cache: OutcomeCache | None = None) -> None:
        self.request, self._submit, self._cache = request, once(submit), cache

    def find(
        self,
        doubts: Sequence[Doubt],
        claims: Sequence[BreakevenClaim],
        together: int = TOGETHER,
        report: ReportProgress = silent,
    ) -> BreakevenResult:
        """Find the claims that turn. together: draws of all figures at once; 0 for none

        Raises InputError for objectives of a design outside of the brief.
        """
        if any(claim.objective for claim in claims):
            self.request.check_brief()
        base = self.request.base
        ends = [self._at(base, doubt, number) for doubt in doubts for number in (doubt.low, doubt.high)]
        of = [base, *ends]
        points = [point for design in of for claim in claims for point in claim.points(design)]
        runs = self._run(points, progress=lambda done, total: report("running both ends of each range", done, total))
        table = _answers(claims, of, runs)
        refused = {doubt.place: why for doubt, why in self._refused(doubts, claims, runs)}
        turning = [
            (doubt, column)
            for row, doubt in enumerate(doubts)
            for column in range(len(claims))
            if doubt.place not in refused and any(_turned(table[0][column], table[1 + 2 * row + end][column]) for end in (0, 1))
        ]
        flips, what = list[BreakevenPoint](), "looking for where answers turn"
        report(what, 0, len(turning))
        results = over_threads(lambda pair: self._flip(claims[pair[1]], pair[0], table[0][pair[1]]), turning, _AT_ONCE)
        for number, flip in enumerate(results, start=1):
            flips += [] if flip is None else [flip]
            report(what, number, len(turning))
        fit = [doubt for doubt in doubts if doubt.place not in refused]
        idle = [doubt for row, doubt in enumerate(doubts)
                if doubt in fit and _is_idle(table[0], table[1 + 2 * row : 3 + 2 * row])]  # fmt: skip
        steady = (len(fit) - len(idle)) * len(claims) - len(turning)
        stands = self._together(fit, claims, table[0], together, report)
        return BreakevenResult(self.request, fit, idle, flips, steady, refused, stands)

    def _refused(
        self, doubts: Sequence[Doubt], claims: Sequence[BreakevenClaim], runs: Sequence[DesignOutcome]
    ) -> Iterator[tuple[Doubt, str]]:
        each = sum(len(claim.points(self.request.base)) for claim in claims)
        for row, doubt in enumerate(doubts):
            of_doubt = runs[each * (1 + 2 * row) : each * (3 + 2 * row)]
            why = next((point.refused for point in of_doubt if point.refused), "")
            if why:
                yield doubt, why

    def _run(
        self,
        points: Sequence[DesignPoint],
        seed: int | None = None,
        progress: Callable[[int, int], None] = lambda done, total: None,
    ) -> list[DesignOutcome]:
        return outcomes_at(self.request, self._submit, self._cache, points, seed=seed, progress=progress)

    def _at(self, base: DesignPoint, doubt: Doubt, number: float) -> DesignPoint:
        return replace(base, figures={**base.figures, doubt.place: number})

    def _flip(self, claim: BreakevenClaim, doubt: Doubt, now: Answer) -> BreakevenPoint | None:
        """Find the turn of a claim within the range of a figure, from the case's value where it turns on both sides."""

        def answer(number: float, seed: int | None = None) -> Answer:
            return claim.answer(self._run(claim.points(self._at(self.request.base, doubt, number)), seed))

        turned = [end for end in (doubt.low, doubt.high) if _turned(now, answer(end))]
        ends = (doubt.low, doubt.high) if len(turned) == 1 else sorted((doubt.figure.value, turned[0]))
        where = crossing(answer, lambda number: answer(number, self.request.other_seed), *ends)
        return None if where is None else BreakevenPoint(claim, doubt, now, where)

    def _together(
        self,
        doubts: Sequence[Doubt],
        claims: Sequence[BreakevenClaim],
        now: Sequence[Answer],
        count: int,
        report: ReportProgress,
    ) -> list[Stands]:
        if not count or not doubts:
            return [Stands(claim, answer, {}) for claim, answer in zip(claims, now, strict=True)]
        axes = [Axis(doubt.place, doubt.place, (doubt.low, doubt.high), (doubt.low, doubt.high)) for doubt in doubts]
        points = points_of(axes, "lhs", count, self.request.seed, self.request.base)
        needed = [point for design in points for claim in claims for point in claim.points(design)]
        runs = self._run(needed, progress=lambda done, total: report("doubting every figure at once", done, total))
        drawn = _answers(claims, points, runs)
        return [
            Stands(claim, answer, Counter(row[column].standing for row in drawn))
            for column, (claim, answer) in enumerate(zip(claims, now, strict=True))
        ]


def _answers(
    claims: Sequence[BreakevenClaim], points: Sequence[DesignPoint], runs: Sequence[DesignOutcome]
) -> list[list[Answer]]:
    """Judge every claim at every point; runs: of the designs of each claim at each point, in order."""
    left = iter(runs)
    return [[claim.answer([next(left) for _ in claim.points(point)]) for claim in claims] for point in points]
