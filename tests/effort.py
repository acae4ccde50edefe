"""The number of trials in the default tests, and in the long ones, which `make test-long` starts with CASESIM_LONG=1."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import Any

import pytest

from simulator.case.load import find, scenario_ids

#: One in so many trials is made by default.
ONE_IN = 4


def examples(full: int) -> int:
    """Return the number of examples that Hypothesis draws: all of them in the long tests, a quarter by default."""
    return full if os.environ.get("CASESIM_LONG") == "1" else max(full // ONE_IN, 1)


def quarter(values: Iterable[Any]) -> list[Any]:
    """Return parameters of a test, of which each fourth is tried by default and the others are long."""
    return [value if not place % ONE_IN else pytest.param(value, marks=pytest.mark.long) for place, value in enumerate(values)]


def quick_cases() -> list[Any]:
    """Return the shipped cases as parameters of a test; those with the longest texts are long."""
    sizes = {case: len(find(case).read_bytes()) for case in scenario_ids()}
    return [pytest.param(case, marks=pytest.mark.long) if size > 100_000 else case for case, size in sizes.items()]
