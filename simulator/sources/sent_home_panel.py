"""Frames to send home: missed cars in the frames that a rule picks, beside frames at random."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from simulator.app.exhibit_drawings import panel
from simulator.app.widgets import plain
from simulator.evidence.drive_tables import load_drives
from simulator.explain.result import Result
from simulator.paths import DRIVES
from simulator.units import percent, significant

_RULES = {
    "any": "One a second",
    "small": "A box of the camera 20 to 40 pixels high",
    "disagreement": "The LiDAR finds a car, the camera does not",
}


@panel("sent_home")
def sent_home(result: Result) -> None:
    """Show what each rule sends home from the recorded drives, and what labels of it bring."""
    drives = load_drives(DRIVES)
    rows = [
        {
            "Rule": _RULES[row["rule"]],
            "Frames sent": percent(row["sent_share"]),
            "Of the missed cars": percent(row["missed_share"]),
            "Missed cars a frame": significant(row["per_frame"], 2),
            "95% interval": f"{significant(row['per_frame_low'], 2)} to {significant(row['per_frame_high'], 2)}",
        }
        for row in drives.sent_home.to_dict("records")
    ]
    st.table(pd.DataFrame(rows).set_index("Rule"))
    st.caption(
        "Labelled cars within 50 m that YOLOX-x missed. A rule sees answers and no label, as in shadow mode. Half as "
        f"wide an interval takes four times the labels. {plain(drives.about.attribution)}. For non-commercial use."
    )
