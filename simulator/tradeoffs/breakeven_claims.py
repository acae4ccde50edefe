"""Claims that may turn: that an objective is met, or that a design is better than another, with their distance from turning."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import inf

from simulator.case.choices import Pick
from simulator.case.load import PROJECTED
from simulator.case.outputs import Metric
from simulator.case.schema import Objective, Scenario
from simulator.errors import InputError, suggest
from simulator.intervals import Estimate, Interval
from simulator.metrics.comparisons import Difference
from simulator.metrics.paired_samples import change
from simulator.metrics.summary import NO_STEADY_STATE, Verdict
from simulator.tradeoffs.design_outcomes import DesignOutcome
from simulator.tradeoffs.design_space import DesignPoint
from simulator.units import digits_within, spoken_bound, spoken_size

#: The words of verdicts and differences whose whole interval is on one side.
_DECIDED = ("met", "not met", "differs")


@dataclass(frozen=True)
class Gap:
    """The distance of a statement from turning, positive where it holds, with its 95% interval.

    strict: the statement fails at a distance of 0, as of a design that is to be better than its equal
    """

    value: float
    low: float
    high: float
    strict: bool = False

    @property
    def holds(self) -> bool:
        return self.value > 0 if self.strict else self.value >= 0

    @property
    def sure(self) -> bool:
        """True if the whole interval is on one side, as of a `Verdict`, or of a `Difference` where it is strict."""
        if self.strict and self.low != self.high:
            return not self.low <= 0 <= self.high
        return not self.low < 0 < self.high

    @property
    def unknown(self) -> bool:
        return self.value == -inf and self.high == inf

    @classmethod
    def of(cls, figure: Interval, bound: float, upward: bool, strict: bool = False) -> Gap:
        if upward:
            return cls(figure.value - bound, figure.low - bound, figure.high - bound, strict)
        return cls(bound - figure.value, bound - figure.high, bound - figure.low, strict)

    def figure(self, bound: float, upward: bool) -> Estimate:
        """Return the figure that has this gap."""
        sides = [bound + one if upward else bound - one for one in (self.value, self.low, self.high)]
        whole = Interval(sides[0], *sorted(sides[1:]))
        return Estimate(whole.value, whole.low, whole.high, whole)


#: Of a figure that a run cannot quote because of overload: the statement fails for certain. Where too few requests stand behind
#: it, nothing is known.
FAILS, UNKNOWN = Gap(-inf, -inf, -inf), Gap(-inf, -inf, inf)


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
        assert self.objective is not None
        bound = self.objective.at_least if self.objective.at_least is not None else self.objective.at_most
        assert bound is not None
        return bound

    def points(self, point: DesignPoint) -> list[DesignPoint]:
        """Return the designs to run; the other design keeps the bands of its own projections."""
        if self.against is None:
            return [point]
        figures = {place: number for place, number in point.figures.items() if not PROJECTED.fullmatch(place)}
        return [point, DesignPoint({**point.picks, **self.against}, figures)]

    def gap(self, outcomes: Sequence[DesignOutcome]) -> Gap:
        """Measure the distance from turning by the outcomes of its points."""
        name = self.metric.name
        missing = [one for one in outcomes if name not in one.metrics]
        if self.objective is not None:
            if missing:
                return FAILS if missing[0].missing_reasons.get(name, "").startswith(NO_STEADY_STATE) else UNKNOWN
            return Gap.of(outcomes[0].metrics[name], self.bound, self.objective.at_least is not None)
        if missing:
            return UNKNOWN
        other, own = outcomes[1].readings[name], outcomes[0].readings[name]
        return Gap.of(change(self.metric, other, own), 0.0, self.higher, strict=True)

    def standing(self, gap: Gap) -> str:
        """Say whether the statement holds or fails, or why neither is known: in the words of a verdict, or of a difference."""
        if abs(gap.value) == inf:
            return "no figure"
        judged = self._judged(gap)
        words = judged.standing if isinstance(judged, Verdict) else judged.verdict
        return ("holds" if gap.holds else "fails") if words in _DECIDED else words

    def describe(self, gap: Gap) -> str:
        """Say by what distance the statement holds or fails, or that the run does not tell, with the interval that says so."""
        standing, judged = self.standing(gap), self._judged(gap)
        if standing in ("holds", "fails"):
            size = spoken_size(abs(gap.value), self.metric.unit, digits_within(gap.value, (gap.high - gap.low) / 2))
            return f"{standing} by {size}"
        if standing == "no figure":
            return standing
        if standing == "the same":
            return "the same in both designs"
        size = "" if isinstance(judged, Verdict) else f"{judged.size}, "
        return f"{standing} ({size}95% interval {judged.interval})"

    def _judged(self, gap: Gap) -> Verdict | Difference:
        if self.objective is None:
            return Difference(self.metric, self.label, gap.figure(0.0, self.higher))
        return Verdict(self.objective, self.metric, gap.figure(self.bound, self.objective.at_least is not None))


def claims_of(scenario: Scenario, metrics: Sequence[str] = ()) -> list[BreakevenClaim]:
    """Return the claims that each objective is met, or those of some metrics. Raises InputError for an unknown one."""
    by_metric = {objective.metric: objective for objective in scenario.objectives}
    for name in metrics:
        if name not in by_metric:
            raise InputError(f"--objective {name}: the case has no such objective; {suggest(name, by_metric)}")
    return [
        BreakevenClaim(scenario.metrics[name], objective, objective.at_least is not None)
        for name, objective in by_metric.items()
        if not metrics or name in metrics
    ]
