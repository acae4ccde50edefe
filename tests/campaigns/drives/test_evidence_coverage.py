"""Intervals of the vehicle's evidence contain a truth that is known as often as they promise: the studies in small."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import pytest

from tests.coverage import vehicle_evidence
from tests.coverage.registry import STUDIES, STUDIES_OF, Claim, Row, rows_of

SAMPLES = [vehicle_evidence.of_ranges, vehicle_evidence.of_hidden, vehicle_evidence.of_different]


def rows(sample: Callable[[int], Iterable[Claim]], count: int) -> list[Row]:
    (study,) = [one for one in STUDIES_OF if one.sample is sample]
    return rows_of(study, [list(sample(number)) for number in range(count)])


@pytest.mark.parametrize("sample", SAMPLES)
def test_few_samples_hold_the_truth_as_often_as_chance_allows(sample: Callable[[int], Iterable[Claim]]) -> None:
    """Of 8 intervals that hold the truth 95 times in 100, at least 5 do but for once in 2,700."""
    for row in rows(sample, 8):
        assert row.covered >= 5


@pytest.mark.long
@pytest.mark.parametrize("sample", SAMPLES)
def test_many_samples_hold_it_as_often_as_they_promise(sample: Callable[[int], Iterable[Claim]]) -> None:
    for row in rows(sample, STUDIES):
        assert row.holds or row.excused
