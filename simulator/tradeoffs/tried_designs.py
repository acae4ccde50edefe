"""Designs that a search has tried: their verdicts, their misses, and the outcome of the search in words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from math import inf
from typing import Any

from simulator.case.outputs import Metric
from simulator.explain.claims import Claim, about_run, claims_json, figure, on_metric, on_verdict
from simulator.metrics.summary import Standing, Verdict
from simulator.phrases import phrase
from simulator.sweeps.design_space import Axis, DesignPoint
from simulator.sweeps.outcome_cache import DesignOutcome
from simulator.tradeoffs.breakeven_claims import BreakevenClaim
from simulator.units import listed, size_within, spoken_within

#: Decimals of a loss that tell two designs apart: where a miss differs by less than about a tenth, the cost decides.
_TELLING = 1

#: Designs up to this number are counted one by one.
_COUNTABLE = 1_000_000

#: Verdicts as levels, the best first. One that is not proven counts as a miss where the plain value misses the bound.
_MET, _OPEN, _MISSED, _SURELY_MISSED = range(4)


@dataclass(frozen=True)
class TriedDesign:
    """A design with its outcome.

    short: the miss of each objective by its plain value, as `Verdict.miss_at` has it; 0 where it meets it
    doubted: in the same way, the miss at the worse end of all doubts but the luck of the run
    verdicts: on each objective, as Explore gives it after the same replications
    """

    point: DesignPoint
    outcome: DesignOutcome
    short: tuple[float, ...]
    doubted: tuple[float, ...]
    verdicts: tuple[Verdict, ...]
    cost: float

    @property
    def standings(self) -> tuple[Standing, ...]:
        return tuple(verdict.standing for verdict in self.verdicts)

    def priced(self, cost: Metric) -> str:
        """Write the cost as the card does, `Cost of 1,000 photos: 2.23 USD`; empty without a figure."""
        found = self.outcome.metrics.get(cost.name)
        return f"{cost.label}: {spoken_within(found.value, found.low, found.high, cost.unit)[0]}" if found else ""

    def reached(self, cost: Metric) -> list[str]:
        """Give what the design reaches for each objective, with the verdict, and its cost where no objective bounds it."""
        each = [f"{verdict.objective.label}: {verdict.with_interval}, {verdict.standing}" for verdict in self.verdicts]
        bounded = cost.name in [verdict.objective.metric for verdict in self.verdicts]
        return each if bounded else [*each, *filter(None, [self.priced(cost)])]

    @property
    def levels(self) -> tuple[int, ...]:
        return tuple(_level(standing, short) for standing, short in zip(self.standings, self.short, strict=True))

    @property
    def meets(self) -> bool:
        return not any(self.levels)

    @property
    def missed(self) -> list[int]:
        """The places of the objectives that it misses."""
        return [place for place, level in enumerate(self.levels) if level >= _MISSED]

    @property
    def rank(self) -> tuple[float, float]:
        """The order by plain values, for an optimizer: few replications prove little."""
        weights = (verdict.objective.weight for verdict in self.verdicts)
        return sum(weight * miss for weight, miss in zip(weights, self.short, strict=True)), self.cost

    @property
    def verdict_rank(self) -> tuple[float, float, float]:
        """The order by verdicts: designs that miss nothing come first, those with the fewest open verdicts before the others.

        Designs that miss something follow by their loss: how far they miss it, with the interval. Then the cost decides.
        """
        missed = bool(self.missed)
        loss = round(sum(verdict.loss for verdict in self.verdicts), _TELLING)
        return missed, loss if missed else self.levels.count(_OPEN), self.cost

    def saves_on(self, other: TriedDesign) -> bool:
        """Check that a design costs less than another, that no verdict is worse, and that no objective is missed by more."""
        return self._is_cheaper_and_no_further(other) and self.no_worse_than(other)

    def seems_to_save_on(self, other: TriedDesign) -> bool:
        """Check the same without the luck of the run, as few replications leave most verdicts open."""
        kept = all(not own or its for own, its in zip(self.doubted, other.doubted, strict=True))
        return self._is_cheaper_and_no_further(other) and kept

    def _is_cheaper_and_no_further(self, other: TriedDesign) -> bool:
        return self.cost < other.cost and all(own <= its for own, its in zip(self.short, other.short, strict=True))

    def no_worse_than(self, other: TriedDesign) -> bool:
        return all(own <= its for own, its in zip(self.levels, other.levels, strict=True))

    def to_json(self, axes: Sequence[Axis]) -> dict[str, Any]:
        return {
            "picks": {axis.name: self.point.picks[axis.name] for axis in axes},
            "verdicts": {verdict.metric.name: verdict.standing for verdict in self.verdicts},
            "metrics": {name: estimate.to_json() for name, estimate in self.outcome.metrics.items()},
        }


def _level(standing: Standing, short: float) -> int:
    if standing == "not proven":
        return _MISSED if short else _OPEN
    return _MET if standing == "met" else _SURELY_MISSED


def tried_design(
    claims: Sequence[BreakevenClaim], point: DesignPoint, outcome: DesignOutcome, cost: float | None
) -> TriedDesign:
    """Judge an outcome. cost: the less the better; None without a figure"""
    verdicts = tuple(claim.verdict(outcome) for claim in claims)
    short = tuple(verdict.miss_at(verdict.estimate.value if verdict.estimate else None) for verdict in verdicts)
    doubted = tuple(verdict.miss_at(_without_luck(verdict)) for verdict in verdicts)
    return TriedDesign(point, outcome, short, doubted, verdicts, inf if cost is None else cost)


def _without_luck(verdict: Verdict) -> float | None:
    """Return the value at the worse end of the labels' doubt and of the projections'; None without a figure."""
    figure = verdict.estimate
    if figure is None:
        return None
    doubts = [figure.value, *(bound for part in (figure.labels, figure.projected) if part for bound in (part.low, part.high))]
    return min(doubts) if verdict.objective.upward else max(doubts)


@dataclass(frozen=True)
class Miss:
    """The design that misses one objective the least, and no other. open: the objectives that are not proven there."""

    claim: BreakevenClaim
    tried: TriedDesign
    short: float
    open: Sequence[BreakevenClaim] = ()

    @property
    def claims(self) -> list[Claim]:
        """The missed objective with its figure, and the verdicts of the others."""
        run, words = self.tried.outcome.run_hash, phrase("search.misses", miss=self.words)
        missed, *others = sorted(self.tried.verdicts, key=lambda verdict: verdict.metric.name != self.claim.metric.name)
        parts = [figure(missed.metric, missed.estimate, words), *(on_verdict(other, words=words) for other in others)]
        return about_run([on_verdict(missed, words=words, parts=tuple(parts))], run, "")

    @property
    def words(self) -> str:
        """The miss with its unit: `“Cost of 1,000 people at most 21,000 USD” by 900 USD; not proven: “Cancers found …”`."""
        others = [claim.words for claim in self.open if claim is not self.claim]
        metric, each = self.claim.metric, self.tried.verdicts
        found = next((verdict.estimate for verdict in each if verdict.metric.name == metric.name), None)
        half, reached = ((found.high - found.low) / 2, found.value) if found else (0.0, 0.0)
        size = "" if abs(self.short) == inf else size_within(self.short, half, metric.unit, reached)
        own = len(others) < len(self.open)
        return phrase("search.miss", claim=self.claim.words, size=size, unproven=own, others=others)


def quoted(claims: Sequence[BreakevenClaim]) -> str:
    return listed([f"“{claim.words}”" for claim in claims])


@dataclass(frozen=True)
class BestDesigns:
    """The outcome of a search.

    best: the winner of the race
    path: the best so far after each proposal; misses: where each design misses an objective, the nearest miss of each one
    runs, replications: the number of designs that were run, and of their replications
    designs: that there are over the axes
    undecided: designs of the race that chance alone may separate from the winner
    open: the objectives that the best design is not proven to meet; stopped_by: the objective that stops most designs
    """

    best: TriedDesign
    path: Sequence[TriedDesign]
    misses: Sequence[Miss]
    undecided: Sequence[TriedDesign]
    runs: int
    replications: int
    designs: int
    open: Sequence[BreakevenClaim] = ()
    stopped_by: Claim | None = None

    @property
    def obstacle(self) -> str:
        return self.stopped_by.words if self.stopped_by else ""

    @property
    def claims(self) -> list[Claim]:
        """The best design, the number of designs behind that, the obstacle, and the nearest misses."""
        run, not_proven = self.best.outcome.run_hash, phrase("search.not_proven", open=[one.words for one in self.open])
        open_ = tuple(
            on_verdict(verdict, words=not_proven) for verdict in self.best.verdicts if verdict.standing == "not proven"
        )
        met = tuple(on_verdict(verdict, words=self.headline) for verdict in self.best.verdicts) if self.best.meets else ()
        claims = [
            Claim("best design", "is", run, words=self.headline, parts=met),
            Claim("designs", "is", self.runs, words=phrase("search.of_all", tried=self.of_all)),
            *([Claim("best design", "verdict", "not proven", words=not_proven, parts=open_)] if self.open else []),
            *([self.stopped_by] if self.stopped_by else []),
        ]
        return [*about_run(claims, run, ""), *(claim for miss in self.misses for claim in miss.claims)]

    @property
    def of_all(self) -> str:
        """Say how many designs were tried, and of how many: one that was not tried may be better."""
        key = "search.all_tried" if self.runs >= self.designs else "search.tried"
        return phrase(key, runs=self.runs, designs=self.designs, countable=self.designs < _COUNTABLE)

    @property
    def offers(self) -> list[tuple[str, TriedDesign]]:
        """Return the designs to show, each behind its place in the search; none outside of the brief."""
        if self.best.outcome.outside_brief:
            return []
        if not self.best.missed:
            words = phrase("search.best", open=[claim.words for claim in self.open])
            return [(words, self.best), *(("may be as good as the best", other) for other in self.undecided)]
        short = listed([f"“{self.best.verdicts[place].statement}”" for place in self.best.missed])
        return [(f"misses only {miss.words}", miss.tried) for miss in self.misses] or [(f"falls short of {short}", self.best)]

    @property
    def headline(self) -> str:
        """Say whether a design meets all objectives, and else which verdicts the nearest have."""
        if self.best.outcome.outside_brief:
            return self.best.outcome.outside_brief
        if self.best.meets:
            return phrase("search.meets")
        return phrase("search.none_meets" if self.best.missed else "search.none_proven")

    def to_json(self, axes: Sequence[Axis]) -> dict[str, Any]:
        return {
            "meets_all": self.best.meets,
            "sentence": self.headline,
            **({"obstacle": self.obstacle} if self.obstacle else {}),
            "best": self.best.to_json(axes),
            "not_told_apart": [design.to_json(axes) for design in self.undecided],
            "misses": [
                {"metric": miss.claim.metric.name, "short": miss.short, "words": miss.words} | miss.tried.to_json(axes)
                for miss in self.misses
                if abs(miss.short) < inf
            ],
            "designs": self.runs,
            "designs_there_are": self.designs,
            "replications_in_all": self.replications,
            "path": [design.cost if design.meets else None for design in self.path],
            "claims": claims_json(self.claims),
        }


def obstacle_of(claims: Sequence[BreakevenClaim], tried: Sequence[TriedDesign]) -> Claim | None:
    """Claim the objective that stops most of the nearest designs, those with the fewest misses; None where one meets all."""
    within = [design for design in tried if not design.outcome.outside_brief]
    misses = min((len(design.missed) for design in within), default=0)
    near = [design for design in within if len(design.missed) == misses]
    if near and not misses:  # few replications prove nothing
        most = max(design.outcome.replications for design in near)
        near = [design for design in near if design.outcome.replications == most]
    least = _MISSED if misses else _OPEN
    stops = Counter(place for design in near for place, level in enumerate(design.levels) if level >= least)
    if not stops:
        return None
    place, count = stops.most_common(1)[0]
    words = phrase(
        "search.obstacle", claim=claims[place].words, alone=len(near) == 1, every=count == len(near), two=count == 2,
        count=count, near=len(near), missed=misses,
    )  # fmt: skip
    return on_metric(claims[place].metric, "limits", count, words, population="nearest designs", unit="designs")
