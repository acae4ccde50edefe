"""Label sets of few positives, of scores that no binormal model makes: beta distributions in 8 bits, skewed ones, grades."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from math import ceil
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import beta, norm

from simulator.evidence.score_tables import ScoreTable
from tests.builders import score_table
from tests.coverage.labels import claims, screening, verdict_truths
from tests.coverage.registry import Claim, study

NEGATIVES, MISS_USD = 800, 500.0
#: How alike photos of one patient score.
WITHIN = 0.5

#: What an exact interval does: it covers at least 95% of the samples, and more where an item is a large step.
WHY = dict.fromkeys(
    (
        "sensitivity",
        "specificity",
        "escalated_share",
        "missed_per_1000",
        "cost_per_1000_usd",
        "cost_per_found_usd",
        "cost of what is missed",
    ),
    "An exact interval covers at least what it promises, and more where one item is a large step.",
) | dict.fromkeys(
    ("positive_predictive_value", "negative_predictive_value"),
    "It rests on a threshold whose exact interval covers at least what it promises.",
)


@dataclass(frozen=True)
class World:
    """Beta distributions of the scores of positives and of negatives, rounded down to as many levels as there are.

    negatives: the number of labelled ones
    """

    positive: Any
    negative: Any
    levels: int = 256
    negatives: int = NEGATIVES

    def drawn(self, uniform: NDArray[np.float64], positive: bool) -> NDArray[np.float64]:
        """Return scores at these places of the distribution."""
        return np.floor((self.positive if positive else self.negative).ppf(uniform) * self.levels) / self.levels

    def above(self, cut: float, positive: bool) -> float:
        """Return the true share of a class at or above a threshold."""
        if np.isinf(cut):
            return float(cut < 0)
        return float((self.positive if positive else self.negative).sf(ceil(round(cut * self.levels, 6)) / self.levels))

    def everybody(self, sensitivity: float) -> float:
        """Return the threshold that the procedure would choose if everybody were labelled."""
        return max(cut for cut in np.arange(self.levels) / self.levels if self.above(cut, True) >= sensitivity - 1e-12)


PLAIN, SKEWED = World(beta(3, 2), beta(2, 3)), World(beta(1.2, 0.6), beta(0.6, 1.2))

#: So few negatives are labelled that a threshold lies below all of them in an eighth to a quarter of the samples.
LOW = World(beta(2, 2), beta(2, 3), levels=10_000, negatives=90)


def sampled(world: World, positives: int, number: int, patients: int | None = None) -> ScoreTable:
    """A label set; `patients` share the positives evenly, and their photos score alike."""
    rng, people = np.random.default_rng([number, 11]), np.arange(positives) % (patients or positives)
    shared, own = rng.standard_normal(positives)[people], rng.standard_normal(positives)
    latent = np.sqrt(WITHIN) * shared + np.sqrt(1 - WITHIN) * own if patients else own
    table = score_table(world.drawn(norm.cdf(latent), True), world.drawn(rng.random(world.negatives), False))
    return replace(table, positive_patients=people, negative_patients=positives + np.arange(world.negatives))


def few(world: World, positives: int, sensitivity: float, number: int, patients: int | None = None) -> Iterator[Claim]:
    table = sampled(world, positives, number, patients)
    found = world.above(table.threshold_at(sensitivity), True)
    alarms = world.above(world.everybody(sensitivity), False)
    return claims(screening(table, sensitivity, MISS_USD), verdict_truths(found, alarms, MISS_USD), number, replications=4)


@study("60 independent positives, threshold at 99%", why=WHY)
def sixty(number: int) -> Iterator[Claim]:
    return few(PLAIN, 60, 0.99, number)


@study("58 positives of 19 patients, threshold at 99%", why=WHY)
def nineteen_patients(number: int) -> Iterator[Claim]:
    return few(PLAIN, 58, 0.99, number, patients=19)


@study("251 positives, skewed scores, threshold at 99%", why=WHY)
def skewed(number: int) -> Iterator[Claim]:
    return few(SKEWED, 251, 0.99, number)


@study("25 positives, threshold at 90%", why=WHY)
def twenty_five(number: int) -> Iterator[Claim]:
    return few(PLAIN, 25, 0.9, number)


@study("1,000 positives, threshold at 99%", why=WHY)
def thousand(number: int) -> Iterator[Claim]:
    return few(PLAIN, 1000, 0.99, number)


@study("five grades, 100 positives, threshold at 90%", why=WHY)
def five_grades(number: int) -> Iterator[Claim]:
    return few(replace(PLAIN, levels=5), 100, 0.9, number)


@study("six grades, 100 positives, threshold at 90%", why=WHY)
def six_grades(number: int) -> Iterator[Claim]:
    return few(replace(PLAIN, levels=6), 100, 0.9, number)


@study("eleven grades, 100 positives, threshold at 90%", why=WHY)
def eleven_grades(number: int) -> Iterator[Claim]:
    return few(replace(PLAIN, levels=11), 100, 0.9, number)


@study("25 positives, threshold at 99%, few negatives", why=WHY)
def twenty_five_low(number: int) -> Iterator[Claim]:
    return few(LOW, 25, 0.99, number)


@study("60 positives, threshold at 99%, few negatives", why=WHY)
def sixty_low(number: int) -> Iterator[Claim]:
    return few(LOW, 60, 0.99, number)


@study("250 positives, threshold at 99%, few negatives", why=WHY)
def many_low(number: int) -> Iterator[Claim]:
    return few(LOW, 250, 0.99, number)


@study("60 positives of 20 patients, threshold at 99%, few negatives", why=WHY)
def twenty_patients_low(number: int) -> Iterator[Claim]:
    return few(LOW, 60, 0.99, number, patients=20)
