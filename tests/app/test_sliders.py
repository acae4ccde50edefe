"""The numbers on sliders: thousands set apart, and no more decimals than the steps have."""

import pytest

from simulator.app.widgets import number_format, scrolled


@pytest.mark.parametrize(
    ("step", "format"),
    [(500.0, "%,.0f"), (1, "%,.0f"), (0.5, "%,.1f"), (0.05, "%,.2f"), (0.005, "%,.3f"), (0.1 + 0.2, "%,.1f")],
)
def test_a_slider_shows_the_decimals_of_its_step(step, format):
    assert number_format(step) == format


def test_a_wide_chart_scrolls_within_its_place():
    assert scrolled("axes", 700) == ".st-key-axes { overflow-x: auto; } .st-key-axes > div { min-width: 700px; }"
