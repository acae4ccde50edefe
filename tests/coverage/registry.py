"""What a study is: a world with a known truth that is sampled many times, and what the program claims of each sample."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from scipy.stats import binomtest

from simulator.intervals import Interval

#: Samples of each world.
STUDIES = 200

#: Intervals should cover between these shares of the samples; differences that do not exist may be claimed in at most so many.
COVERAGE = 0.93, 0.97
FALSE_CLAIMS = 0.07


@dataclass(frozen=True)
class Claim:
    """What was claimed of one figure in one sample; no interval where the program does not quote the figure."""

    figure: str
    truth: float
    interval: Interval | None


@dataclass(frozen=True)
class Study:
    """A world: `sample` makes the claims of its sample of that number.

    why: what there is to say of a row that covers more than it promises; withheld: whether nothing should be quoted
    promised: the share that the program itself states of these intervals, where that is less than 95%
    """

    name: str
    sample: Callable[[int], Iterable[Claim]]
    why: Mapping[str, str]
    withheld: bool = False
    promised: float = COVERAGE[0]


@dataclass(frozen=True)
class Row:
    """One figure of one world over all samples."""

    study: str
    figure: str
    quoted: int
    samples: int
    covered: int
    too_low: int  # the whole interval lies below the truth
    too_high: int
    claimed: int  # intervals that leave out zero
    truth: float
    width: float
    why: str
    withheld: bool
    promised: float = COVERAGE[0]

    @property
    def share(self) -> float:
        """Coverage; NaN where nothing was quoted."""
        return self.covered / self.quoted if self.quoted else float("nan")

    @property
    def interval(self) -> tuple[float, float]:
        """The 95% binomial interval of the coverage."""
        found = binomtest(self.covered, self.quoted).proportion_ci(0.95, "exact")
        return found.low, found.high

    @property
    def is_difference_of_nothing(self) -> bool:
        """Whether a difference is told where there is none."""
        return self.figure.startswith("change of") and self.truth == 0

    @property
    def holds(self) -> bool:
        """Whether the row keeps the promise: coverage or false claims, as far as so many samples can tell."""
        if not self.quoted:
            return self.withheld
        if self.is_difference_of_nothing:
            return self.claimed / self.quoted <= FALSE_CLAIMS
        low, high = self.interval
        return low <= COVERAGE[1] and high >= self.promised

    @property
    def excused(self) -> bool:
        """Whether the row is out because it covers more than it promises, for a reason that is told."""
        return bool(self.why) and self.quoted > 0 and self.interval[0] > COVERAGE[1]


STUDIES_OF: list[Study] = []


def study(
    name: str, withheld: bool = False, why: Mapping[str, str] | None = None, promised: float = COVERAGE[0]
) -> Callable[[Callable[[int], Iterable[Claim]]], Callable[[int], Iterable[Claim]]]:
    """Register a world.

    why: figure to what there is to say where its interval covers more than it promises; promised: as in Study
    """

    def register(sample: Callable[[int], Iterable[Claim]]) -> Callable[[int], Iterable[Claim]]:
        STUDIES_OF.append(Study(name, sample, why or {}, withheld, promised))
        return sample

    return register


def rows_of(one: Study, samples: list[list[Claim]]) -> list[Row]:
    """A row a figure, in the order in which the first sample names them."""
    names = list(dict.fromkeys(claim.figure for claims in samples for claim in claims))
    return [_row(one, name, [claim for claims in samples for claim in claims if claim.figure == name]) for name in names]


def _row(one: Study, figure: str, claims: list[Claim]) -> Row:
    told = [(claim.interval, claim.truth) for claim in claims if claim.interval is not None]
    low = sum(interval.high < truth for interval, truth in told)
    high = sum(interval.low > truth for interval, truth in told)
    claimed = sum(not interval.low <= 0 <= interval.high for interval, _ in told)
    width = float(np.mean([interval.high - interval.low for interval, _ in told])) if told else float("nan")
    truth = float(np.mean([claim.truth for claim in claims]))
    covered = len(told) - low - high
    return Row(
        one.name,
        figure,
        len(told),
        len(claims),
        covered,
        low,
        high,
        claimed,
        truth,
        width,
        one.why.get(figure, ""),
        one.withheld,
        one.promised,
    )
