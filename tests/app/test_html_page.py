"""A page in one HTML file: its tables."""

import pandas as pd
import pytest

from simulator.app.html_page import table


@pytest.mark.parametrize(
    ("value", "written"),
    [(1.0, "1"), (0.123456, "0.1235"), (12345.678912, "12,345.6789"), (-2.5, "−2.5"), (0.0000356, "0.000036"), (0.0, "0")],
)
def test_a_number_has_at_most_four_decimal_places(value, written):
    assert f"<td>{written}</td>" in table(pd.DataFrame({"a": [value, 0.5]}))
