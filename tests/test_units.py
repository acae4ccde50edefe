"""Numbers as people read them."""

import pytest

from simulator.units import percent, roughly, spread


@pytest.mark.parametrize(
    ("share", "words"),
    [(0, "0%"), (0.004, "under 1%"), (0.01, "1%"), (0.876, "88%"), (0.995, "over 99%"), (1, "100%"), (1.179, "118%")],
)
def test_a_rough_share_is_never_rounded_to_nothing_or_to_all(share, words):
    assert roughly(share) == words


@pytest.mark.parametrize(
    ("share", "words"),
    [
        (0, "0.0%"),
        (3e-6, "under 0.01%"),
        (2e-4, "0.02%"),
        (0.25, "25.0%"),
        (0.9957, "99.57%"),
        (0.999999, "over 99.99%"),
        (1, "100.0%"),
    ],
)
def test_a_share_next_to_nothing_or_all_is_not_told_as_that(share, words):
    assert percent(share) == words


def test_half_widths_share_one_unit():
    assert spread({"run": 0.001, "labels": 0.083}, "share") == "run 0.10, labels 8.3 points"
    assert spread({"run": 0.012}, "s") == "run 12.0 ms"
    assert spread({"run": float("inf")}, "share") == "run unbounded"
