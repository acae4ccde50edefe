"""Numbers are read back from words as they were written, within half of their last digit."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.units import spoken, spoken_within
from tests.spoken_numbers import numbers_in, trio_in


@pytest.mark.parametrize(
    ("text", "unit", "values"),
    [
        ("94.5% (91.9 to 96.5)", "share", [0.945, 0.919, 0.965]),
        ("−90 ms, −118 to −62 ms", "s", [-0.09, -0.118, -0.062]),
        ("59.8 s (55.0 s to 2.1 min)", "s", [59.8, 55.0, 126.0]),
        ("+2 points (−8 to +13)", "share", [0.02, -0.08, 0.13]),
        ("1.25 per 1,000 (0 per 1,000 to 5.57 per 1,000)", "per 1,000", [1.25, 0.0, 5.57]),
        ("−8,000 USD (−98,000 to +82,000)", "USD", [-8000.0, -98_000.0, 82_000.0]),
        ("12.6 h (unbounded to unbounded)", "s", [45_360.0, -float("inf"), float("inf")]),
        ("none to quote", "s", []),
    ],
)
def test_a_value_with_its_interval_is_read(text, unit, values):
    assert [one.value for one in trio_in(text, unit)] == pytest.approx(values)


@given(st.floats(1e-3, 1e6), st.sampled_from(["s", "USD", "a request"]))
def test_a_number_is_read_as_it_was_written(value, unit):
    (number,) = numbers_in(spoken(value, unit), unit)
    assert abs(number.value - value) <= 1.001 * number.slack


@given(st.lists(st.floats(0.001, 0.999), min_size=3, max_size=3))
def test_a_share_with_its_interval_is_read_as_it_was_written(values):
    low, value, high = sorted(values)
    shown = trio_in("{} ({})".format(*spoken_within(value, low, high, "share")), "share")
    slack = 1.001 * max(one.slack for one in shown)
    assert [one.value for one in shown] == pytest.approx([value, low, high], abs=slack)


@pytest.mark.parametrize(("text", "slack"), [("100%", 0.005), ("90%", 0.005), ("740%", 0.05), ("744%", 0.005), ("4,200%", 0.5)])
def test_a_load_far_above_capacity_is_read_with_the_tens_it_is_rounded_to(text, slack):
    (one,) = numbers_in(text, "share")
    assert one.slack == pytest.approx(slack)
