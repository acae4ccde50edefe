"""Claims that may turn: that an objective is met, or that a design is better than another, with the answers of runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import inf

from simulator.case.choices import Pick
from simulator.case.designs import PROJECTED
from simulator.case.outputs import Metric
from simulator.case.scenario_parts import Objective
from simulator.case.schema import Scenario
from simulator.errors import InputError, suggest
from simulator.explain.claims import Claim, difference, figure, on_metric, on_verdict
from simulator.metrics.comparisons import Difference
from simulator.metrics.summary import NO_STEADY_STATE, Verdict, statement_of
from simulator.phrases import phrase
from simulator.sweeps.design_space import DesignPoint
from simulator.sweeps.outcome_cache import DesignOutcome
from simulator.units import size_within

#: Each standing as the end of a sentence that begins with the claim.
SAYS = {
    "met": "is met",
    "not met": "is not met",
    "not proven": "is not proven",
    "no figure": "has no figure",
    "void": "is void",
    "not significantly different": "is not significantly different",
    "the same": "is the same in both designs",
}


@dataclass(frozen=True)
class Answer:
    """The answer of runs to a claim: the verdict on the card of an objective, or the difference of two designs.

    judged: None where two designs have no such difference; higher: whether more is better
    overloaded: whether overload is why there is no figure. Then the claim does not hold. Where too few requests stand behind
    the figure, nothing is known.
    """

    judged: Verdict | Difference | None
    higher: bool = True
    overloaded: bool = False

    @property
    def margin(self) -> float:
        """The distance from turning, positive where the claim holds; -inf without a figure."""
        if isinstance(self.judged, Difference):
            return self.judged.change.value if self.higher else -self.judged.change.value
        margin = None if self.judged is None else self.judged.margin
        return -inf if margin is None else margin

    @property
    def holds(self) -> bool:
        """True if the plain value is on the side of the claim; of two equal designs neither is better."""
        return self.margin > 0 if isinstance(self.judged, Difference) else self.margin >= 0

    @property
    def sure(self) -> bool:
        """True if the whole interval is on one side."""
        if self.missing:
            return self.overloaded
        if isinstance(self.judged, Difference):
            return self.judged.significant or self.judged.change.low == self.judged.change.high
        return self.judged is not None and self.judged.certain

    @property
    def fails(self) -> bool:
        return self.sure and not self.holds

    @property
    def missing(self) -> bool:
        return self.judged is None or (isinstance(self.judged, Verdict) and self.judged.estimate is None)

    @property
    def unknown(self) -> bool:
        return self.missing and not self.overloaded

    @property
    def standing(self) -> str:
        """The verdict as the card gives it; for two designs, whether one is better or why that is not known."""
        if self.judged is None:
            return "no figure"
        if isinstance(self.judged, Verdict):
            return self.judged.standing
        return ("holds" if self.holds else "fails") if self.judged.verdict == "differs" else self.judged.verdict

    @property
    def says(self) -> str:
        """The standing as the end of a sentence: `is not proven`."""
        return SAYS.get(self.standing, self.standing)

    @property
    def words(self) -> str:
        """The standing with its distance from turning, or with the interval that leaves it open: `met by 900 USD`."""
        judged, standing = self.judged, self.standing
        if standing == "the same":
            return phrase("standings.same")
        if standing == "not proven" and isinstance(judged, Verdict):
            return phrase("standings.open", standing=standing, size=None, interval=judged.interval)
        if isinstance(judged, Difference) and not judged.significant:
            return phrase("standings.open", standing=standing, size=judged.size, interval=judged.interval)
        figure = None if judged is None else judged.estimate if isinstance(judged, Verdict) else judged.change
        beside = judged.beside if isinstance(judged, Difference) else figure.value if figure else 0.0
        if judged is None or figure is None or standing == "void" or abs(self.margin) == inf:
            return phrase("standings.alone", standing=standing)
        size = size_within(self.margin, (figure.high - figure.low) / 2, judged.metric.unit, beside)
        return phrase("standings.by", standing=standing, size=size)


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
        return statement_of(self.objective, self.metric)

    def stands(self, answer: Answer, words: str) -> Claim:
        """Claim the answer of runs: a verdict with its figure, or the difference of two designs."""
        if isinstance(answer.judged, Verdict):
            return on_verdict(answer.judged, words=words, parts=(figure(self.metric, answer.judged.estimate, words),))
        found = answer.judged.change if answer.judged else None
        return difference(self.metric, found, words, parts=(on_metric(self.metric, "verdict", answer.standing, words),))

    def points(self, point: DesignPoint) -> list[DesignPoint]:
        """Return the designs to run; the other design keeps the bands of its own projections."""
        if self.against is None:
            return [point]
        figures = {place: number for place, number in point.figures.items() if not PROJECTED.fullmatch(place)}
        return [point, DesignPoint({**point.picks, **self.against}, figures)]

    def answer(self, outcomes: Sequence[DesignOutcome]) -> Answer:
        """Judge the claim by the outcomes of its points."""
        name, own = self.metric.name, outcomes[0]
        if self.objective is not None:
            return Answer(self.verdict(own), self.higher, own.missing_reasons.get(name, "").startswith(NO_STEADY_STATE))
        if any(name not in outcome.metrics for outcome in outcomes):
            return Answer(None, self.higher)
        return Answer(outcomes[1].difference(self.metric, own), self.higher)

    def verdict(self, outcome: DesignOutcome) -> Verdict:
        """Return the verdict on an objective, as the card has it."""
        assert self.objective is not None
        figure = outcome.metrics.get(self.metric.name)
        return Verdict(self.objective, self.metric, figure, void=bool(outcome.outside_brief))


def claims_of(scenario: Scenario, metrics: Sequence[str] = ()) -> list[BreakevenClaim]:
    """Return the claims that each objective is met, or those of some metrics. Raises InputError for an unknown one."""
    by_metric = {objective.metric: objective for objective in scenario.objectives}
    for name in metrics:
        if name not in by_metric:
            raise InputError(f"--objective {name}: the case has no such objective; {suggest(name, by_metric)}")
    return [
        BreakevenClaim(scenario.metrics[name], objective, objective.upward)
        for name, objective in by_metric.items()
        if not metrics or name in metrics
    ]
