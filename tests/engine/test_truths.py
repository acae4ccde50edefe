"""Every truth of the registry (tests/truths) as a test: means by simultaneous intervals, paths row by row."""

import pytest

import tests.truths.means
import tests.truths.paths  # noqa: F401
from tests.engine.intervals import assert_agrees
from tests.truths.registry import MEANS, PATHS, ROUNDING

#: How many times the replications, for intervals a third as wide.
SHARPER = 9


@pytest.mark.parametrize("truth", [pytest.param(it, marks=pytest.mark.long if it.long else (), id=str(it)) for it in MEANS])
def test_the_mean_is_what_theory_says(truth):
    known = truth.of()
    assert_agrees(known.values(truth.seed), known.exact, checks=len(MEANS), below=known.below)


@pytest.mark.long
@pytest.mark.parametrize("truth", [pytest.param(it, id=str(it)) for it in MEANS if it.sharper])
def test_the_mean_is_what_theory_says_at_a_sharper_look(truth):
    known = truth.of()
    assert_agrees(known.values(truth.seed, SHARPER), known.exact, checks=len(MEANS), sharp=0.02, below=known.below)


@pytest.mark.parametrize("truth", [pytest.param(it, id=str(it)) for it in PATHS])
def test_every_request_fares_as_the_recursion_or_the_other_program_says(truth):
    assert truth.of().apart <= ROUNDING


def test_no_two_truths_share_a_name_and_so_a_seed():
    names = [str(truth) for truth in MEANS + PATHS]
    assert len(set(names)) == len(names)
