"""Tables write numbers as sentences do: thousands are set apart."""

import pandas as pd

from simulator.app.widgets import thousands_apart


def test_thousands_are_set_apart_and_other_columns_stay():
    table = pd.DataFrame(
        {
            "clips": [167960.0, None],
            "USD": [22365.08, 0.5],
            "seed": [1000, 2],
            "share (%)": [100, 0.5],
            "end": ["a", "b"],
            "met": [True, False],
        }
    )
    formats = {name: column["type_config"]["format"] for name, column in thousands_apart(table).items()}
    assert formats == {"clips": "%,d", "USD": "%,.2f", "seed": "%,d"}
