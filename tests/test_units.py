"""Numbers as people read them."""

import math
import re

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from simulator.units import (
    bound_scale,
    counted,
    duration,
    percent,
    plain_number,
    roughly,
    signed,
    signed_within,
    significant,
    size_within,
    span,
    spoken_bound,
    spoken_sides,
    spoken_size,
    spoken_within,
    spread,
    with_noun,
)
from tests.spoken_numbers import numbers_in


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
        (2.966, "297%"),
        (123.45, "12,300%"),
    ],
)
def test_a_share_next_to_nothing_or_all_is_not_told_as_that(share, words):
    assert percent(share) == words


def test_half_widths_share_one_unit():
    assert spread({"run": 0.001, "labels": 0.083}, "share") == "run 0.10, labels 8.3 points"
    assert spread({"run": 0.012}, "s") == "run 12.0 ms"
    assert spread({"run": float("inf")}, "share") == "run unbounded"


def beside(value, bound, unit):
    return spoken_within(value, value, value, unit, bound)[0]


@pytest.mark.parametrize(
    ("value", "bound", "unit", "words"),
    [
        (0.9896, 0.99, "share", "98.96%"),
        (0.987, 0.99, "share", "98.70%"),
        (0.99999, 0.9999, "share", "99.999%"),
        (10.004, 10, "s", "10.004 s"),
        (7201, 7200, "s", "2.0003 h"),
        (7199, 7200, "s", "1.9997 h"),
        (131, 130, "s", "2.18 min"),
        (30, 0.5, "s", "30.0 s"),
        (20_999.7, 21_000, "USD", "20,999.7 USD"),
        (0.99, 0.99, "share", "99.00%"),
        (0.2 + 1e-13, 0.2, "a request", "just over 0.200"),
        (float("inf"), 10, "s", "unbounded"),
    ],
)
def test_a_value_is_not_rounded_to_its_bound(value, bound, unit, words):
    assert beside(value, bound, unit) == words


@given(st.floats(1e-3, 1e6), st.sampled_from([0.1, 10.0, 120.0, 50_400.0]))
def test_one_time_is_written_in_one_unit_beside_any_bound(value, bound):
    assert beside(value, bound, "s").split()[-1] == duration(value).split()[-1] == beside(value, None, "s").split()[-1]


def in_base_units(text):
    """A figure as it is written, back in seconds or as a share, by hand."""
    number, factor = re.fullmatch(r"([-\d.,]+)(%| h| min| s| ms| USD)", text).groups()
    return float(number.replace(",", "")) / {"%": 100, " h": 1 / 3600, " min": 1 / 60, " ms": 1000}.get(factor, 1)


BOUNDS = [("share", 0.99), ("share", 0.995), ("share", 0.05), ("share", 0.9), ("s", 0.25), ("s", 10.0), ("s", 130.0),
          ("s", 50_400.0), ("USD", 21_000.0), ("USD", 5.5)]  # fmt: skip


@given(st.sampled_from(BOUNDS), st.floats(1e-7, 1), st.sampled_from([-1, 1]))
def test_what_is_written_lies_on_the_side_of_the_bound_on_which_the_value_lies(asked, off, side):
    unit, bound = asked
    value = bound * (1 + side * off * (1 / bound - 1 if unit == "share" and side > 0 else 1))
    assume(value > 1e-6 and (unit != "share" or 1e-4 < value < 1 - 1e-4))
    shown, limit = (in_base_units(text) for text in (beside(value, bound, unit), spoken_bound(bound, unit)))
    assert limit == pytest.approx(bound, rel=1e-9)
    assert (shown < limit, shown > limit) == (value < bound, value > bound)


@pytest.mark.parametrize(
    ("seconds", "words"), [(172_800, "two days"), (86_400, "one day"), (600.0004, "ten minutes"), (700, "11.7 min")]
)
def test_a_run_is_so_long(seconds, words):
    assert span(seconds) == words


@pytest.mark.parametrize(
    ("value", "told"), [(0.02, "0.02"), (12_000, "12,000"), (1.5e6, "1,500,000"), (16.43877, "16.4388"), (0.0, "0")]
)
def test_a_number_is_written_as_a_person_writes_it(value, told):
    assert plain_number(value) == told


@pytest.mark.parametrize(
    ("value", "half", "words"),
    [(1512.4, 7691, "1,500"), (12, 7691, "10"), (60, 7691, "60"), (0.02, 0.0009, "0.0200"), (0.0000356, 0.00004, "0.000036"),
     (1.2e-13, 0.5, "0"), (123456, 2, "123,000"), (5, 0, "5.00"), (5, float("inf"), "5.00"), (0, 3, "0")],
)  # fmt: skip
def test_a_size_has_no_more_digits_than_its_interval_carries(value, half, words):
    """Two digits of the half-width decide the last place: 7,700 is told to hundreds. One digit is left of a size above 0."""
    assert size_within(value, half, "USD") == f"{words} USD"


@pytest.mark.parametrize(
    ("numbers", "unit", "bound", "words"),
    [
        ((0.945, 0.919, 0.965), "share", 0.99, "94.5% (91.9 to 96.5)"),
        ((0.747, 0.58, 0.878), "share", 0.95, "75% (58 to 88)"),  # a half-width of 15 points carries whole ones
        ((0.9957, 0.9939, 0.9975), "share", None, "99.57% (99.39 to 99.75)"),
        ((0.99998, 0.99990, 1.0), "share", 0.99, "over 99.99% (99.99 to 100)"),
        ((0.9899, 0.98, 0.995), "share", 0.99, "98.99% (98.00 to 99.50)"),  # 99.0% would lie on the bound
        ((57.179, 54.36, 59.9968), "W", 60, "57.2 W (54.4 to 59.997)"),  # only the number near the bound has more digits
        ((57.179, 54.36, 59.9968), "W", None, "57.2 W (54.4 to 60.0)"),
        ((9.9996, 9.9996, 9.9996), "1/s", None, "10.0 a second (10.0 to 10.0)"),
        ((0.0, 0.0, 13.5), "1/h", 1.0, "0 an hour (0 to 13.5)"),
        ((34_300, 26_400, 43_200), "USD", 21_000, "34,300 USD (26,400 to 43,200)"),
        ((0.00264, 0.00264, 0.00264), "USD", None, "0.00264 USD (0.00264 to 0.00264)"),
        ((12.6, 12.1, 13.1), "s", 120, "12.6 s (12.1 to 13.1)"),  # in its own unit, as on every other surface
        ((-0.001, -0.48, 0.2), "m", None, "0 m (−0.48 to 0.20)"),
        ((3898, 2617, 195_800_000), "USD", None, "4,000 USD (3,000 to 196,000,000)"),  # above 0, and so never `0`
        ((3898, 2617, 195_800_000), "USD", 3950, "3,900 USD (3,000 to 196,000,000)"),
        ((0.02, 0.0, 13.5), "1/h", None, "0.02 an hour (0 to 13.5)"),
    ],
)
def test_a_figure_and_its_interval_share_a_unit_and_the_digits_that_the_interval_carries(numbers, unit, bound, words):
    assert "{} ({})".format(*spoken_within(*numbers, unit, bound)) == words


@pytest.mark.parametrize(
    ("value", "words"), [(99.96, "100"), (9.996, "10.0"), (0.9996, "1.00"), (999.6, "1,000"), (99.94, "99.9")]
)
def test_a_number_that_rounds_up_to_a_power_of_ten_gains_no_digit(value, words):
    assert significant(value) == words


@given(st.floats(1e-12, 1e6), st.integers(1, 6))
def test_a_number_with_a_decimal_point_has_the_digits_asked_for(value, digits):
    words = significant(value, digits)
    if "." in words:
        assert len(words.replace(".", "").replace(",", "").lstrip("0")) == digits


# Numbers with their nouns


@given(st.floats(-5, 5))
def test_a_change_of_a_share_is_in_the_singular_exactly_where_its_number_is_one(share):
    number, noun = spoken_size(share, "share").split(" ")
    assert noun == ("point" if number in ("1", "-1") else "points")


@given(st.integers(0, 3000))
def test_a_count_is_in_the_singular_exactly_where_it_is_one(count):
    assert counted(count, "photo") == (f"{count:,} photo" if count == 1 else f"{count:,} photos")
    assert counted(count, "person", "people").split()[1] == ("person" if count == 1 else "people")


def test_the_noun_of_a_range_agrees_with_its_last_number():
    assert with_noun("0.5 to 1", "point") == "0.5 to 1 point"
    assert with_noun("−3 to +1", "point") == "−3 to +1 point"
    assert with_noun("1 to 2.5", "point") == "1 to 2.5 points"
    assert spread({"run": 0.02, "labels": 0.01}, "share") == "run 2.0, labels 1.0 points"


def test_a_number_below_0_has_a_real_minus_sign_on_every_surface():
    """U+2212, as in changes and intervals; an exact 0 has none."""
    assert [significant(value) for value in (-0.655, -1.86, -12300.0, 0.0)] == ["−0.655", "−1.86", "−12,300", "0"]
    assert [duration(-0.413), plain_number(-2.5), signed(-0.655, 2), signed(1.2, 2)] == ["−413 ms", "−2.5", "−0.66", "+1.20"]


def test_a_duration_is_in_the_unit_that_its_rounded_figure_fits():
    assert (duration(0.96, 1), duration(0.94, 1), duration(0.9996), duration(7199, 1)) == ("1 s", "900 ms", "1.00 s", "100 min")


@pytest.mark.parametrize(
    ("change", "unit", "written"),
    [
        ((-204.0, -336.0, -70.0), "s", ["−3.4 min", "−5.6 min", "−1.2 min"]),
        ((960.0, 840.0, 1074.0), "s", ["+16.0 min", "+14.0 min", "+17.9 min"]),
        ((0.026, 0.008, 0.047), "share", ["+2.6 points", "+0.8 points", "+4.7 points"]),
        ((-7_400.0, -14_200.0, -400.0), "USD", ["−7,400 USD", "−14,200 USD", "−400 USD"]),
        ((-12.0, -23.0, -0.03), "USD", ["−12 USD", "−23 USD", "−0.03 USD"]),
        ((0.02, -180.0, 190.0), "s", ["0 min", "−3.0 min", "+3.2 min"]),
        ((0.01, 0.01, 0.01), "share", ["+1.00 points", "+1.00 points", "+1.00 points"]),
        ((1.0, -math.inf, math.inf), "USD", ["+1.00 USD", "unbounded", "unbounded"]),
        ((0.0, 0.0, 0.0), "s", ["0 ms", "0 ms", "0 ms"]),
    ],
)
def test_a_change_and_its_interval_have_one_unit_and_the_same_decimals(change, unit, written):
    assert signed_within(*change, unit) == written


@pytest.mark.parametrize(
    ("change", "beside", "written"),
    [
        ((-3648.0, -4700.0, -2600.0), 50_760.0, ["−1.01 h", "−1.31 h", "−0.72 h"]),  # beside 14.1 h
        ((0.02, -180.0, 190.0), 50_760.0, ["0 h", "−0.050 h", "+0.053 h"]),
        ((-0.05, -0.06, -0.04), 1.9, ["−0.050 s", "−0.060 s", "−0.040 s"]),
        ((-20.0, -25.0, -15.0), 50_760.0, ["−20.0 s", "−25.0 s", "−15.0 s"]),  # 0.0056 h reads worse
        ((-20.0, -25.0, -15.0), math.inf, ["−20.0 s", "−25.0 s", "−15.0 s"]),
    ],
)
def test_a_change_is_written_in_the_unit_of_the_figures_beside_it(change, beside, written):
    assert signed_within(*change, "s", beside) == written


def test_each_source_of_doubt_has_the_unit_of_the_figure_beside_it():
    assert spread({"run": 1200.0, "labels": 4320.0}, "s", 50_760.0) == "run 0.333 h, labels 1.20 h"
    assert size_within(3648.0, 1050.0, "s", 50_760.0) == "1.01 h"


POSITIVE = st.floats(1e-9, 1e12)


@given(st.lists(POSITIVE, min_size=3, max_size=3), st.sampled_from(["s", "USD", "share"]), st.sampled_from([None, 0.9, 1e4]))
def test_no_number_of_an_interval_above_0_is_written_0(numbers, unit, bound):
    low, value, high = sorted(number / 2e12 if unit == "share" else number for number in numbers)
    value, bounds = spoken_within(value, low, high, unit, bound)
    assert all(re.search("[1-9]", text) for text in (value, *bounds.split(" to ")))


@pytest.mark.parametrize(
    ("sides", "change", "unit", "words"),
    [
        ([(56_123, 55_500, 56_700), (71_234, 70_100, 72_300)], (15_111, 2_000, 28_000), "USD", "56,000 → 71,000 (+15,000)"),
        ([(134.6, 130, 140), (220.0, 210, 230)], (85.4, 3, 250), "W", "130 → 220 (+90)"),
        ([(0.9457, 0.93, 0.96), (0.9724, 0.96, 0.98)], (0.0267, 0.005, 0.3), "share", "95% → 97% (+3)"),
        ([(34_310, 30_000, 38_000), (34_142, 30_000, 38_000)], (-168, -180, -150), "USD", "34,300 → 34,100 (−168)"),
        ([(0.1234, 0.12, 0.13), (12_300, 9_000, 16_000)], (12_299.9, 9_000, 16_000), "USD", "0.12 → 12,300 (+12,300)"),
    ],
)
def test_figures_beside_their_change_have_no_finer_digits_than_it(sides, change, unit, words):
    number = "{} → {} ({})".format(*spoken_sides(sides, change, unit), signed_within(*change, unit)[0])
    assert re.sub(" (USD|W|points?)|%", "", number) == words.replace("%", "")


@given(st.tuples(st.floats(1, 1e6), st.floats(1, 1e6)), st.floats(1e-3, 1), st.floats(1e-3, 0.3))
def test_a_reader_who_subtracts_gets_the_change_shown(values, doubt, own):
    """To one unit of the last digit shown, of the three numbers: the change has a wider interval, or a narrower one."""
    change = values[1] - values[0]
    assume(abs(change) > 1e-3)
    sides = [(value, value * (1 - own), value * (1 + own)) for value in values]
    bounds = sorted((change * (1 - doubt), change * (1 + doubt)))
    texts = [*spoken_sides(sides, (change, *bounds), "USD"), signed_within(change, *bounds, "USD")[0]]
    before, after, shown = (numbers_in(text, "USD")[0] for text in texts)
    last = 2 * max(one.slack for one in (before, after, shown))
    assert abs(before.value + shown.value - after.value) <= 1.5 * last


@pytest.mark.parametrize(
    ("bound", "unit", "scale"),
    [
        (50_400.0, "s", (1 / 3600, "h")),
        (0.1, "s", (1000.0, "ms")),
        (0.99, "share", (100.0, "%")),
        (25_000.0, "USD", (1.0, "USD")),
    ],
)
def test_an_axis_has_the_unit_that_its_bound_is_written_in(bound, unit, scale):
    assert bound_scale(bound, unit) == scale
