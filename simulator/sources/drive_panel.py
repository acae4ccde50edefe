"""Panels of real drives: late answers, misses that follow each other, the gain of a second sensor, and frames to send home."""

from __future__ import annotations

from collections.abc import Callable

import pandas as pd
import streamlit as st

from simulator.app.exhibit_drawings import Panel, panel
from simulator.app.widgets import draw, plain
from simulator.evidence.drive_tables import PLAYED, load_drives
from simulator.explain.result import Result
from simulator.paths import DRIVES
from simulator.phrases import phrase
from simulator.sources.drive_charts import GROUPS, after_a_miss, confirmed_at, lateness, lateness_by, seen_by_label, two_sensors
from simulator.units import percent, significant

#: The detector that is shown at first, if it is in the tables.
_FIRST = "kitti.yolox_x.restored"


def real_drives() -> None:
    """Draw the panel of the evidence page."""
    st.markdown(phrase("drives.about"))
    for title, part in _PARTS.values():
        st.header(title, anchor=False)
        part("evidence")
    _credit()


def _credit() -> None:
    about = load_drives(DRIVES).about
    st.caption(f"{plain(about.attribution)}. Licence: {plain(about.licence)}. For non-commercial use.")


def _seen_by(names: list[str], key: str) -> str:
    first = names.index(_FIRST) if _FIRST in names else 0
    return str(st.selectbox("Seen by", names, first, format_func=seen_by_label, key=key))


def late_answers(key: str) -> None:
    """Show the cost of lateness, over its length and by group; key: prefix of the widgets' keys."""
    drives = load_drives(DRIVES)
    rows = drives.lateness
    with st.grid(2, min_column_width=230):
        seen_by = _seen_by(list(rows["seen_by"].unique()), f"{key}:late_of")
        iou = st.radio("Overlap asked for", sorted(rows["iou"].unique()), horizontal=True, key=f"{key}:late_iou")
    draw(lateness(rows, seen_by, iou), key=f"{key}_lateness")
    ages = sorted(age for age in rows["late_s"].unique() if age > 0)
    with st.grid(2, min_column_width=230):
        by = st.radio("By", list(GROUPS), format_func=lambda name: GROUPS[name][0], horizontal=True, key=f"{key}:late_by")
        age = st.select_slider("Age of the answer (s)", ages, ages[min(1, len(ages) - 1)], key=f"{key}:late_s")
    draw(lateness_by(rows, seen_by, iou, by, age), key=f"{key}_lateness_by", caption=phrase("drives.counting"))


def following_misses(key: str) -> None:
    """Show that misses follow each other, and the effect on confirmation, beside independent misses."""
    drives = load_drives(DRIVES)
    with st.grid(2, min_column_width=230):
        seen_by = _seen_by(list(drives.follows["seen_by"].unique()), f"{key}:misses_of")
        rows = drives.follows[drives.follows["seen_by"] == seen_by]
        what = str(st.radio("Of what", list(rows["object"].unique()), horizontal=True, key=f"{key}:misses_what"))
    draw(after_a_miss(rows, seen_by, what), key=f"{key}_after_a_miss")
    played = drives.heldout_drives[drives.heldout_drives["each"] == PLAYED]
    if (played["seen_by"] == seen_by).any():
        draw(confirmed_at(played, seen_by), key=f"{key}_confirmed", caption=phrase("drives.played"))


def second_sensor(key: str) -> None:
    """Show recall of camera and LiDAR together, and the recall that independence would promise."""
    drives = load_drives(DRIVES)
    pairs = list(drives.joint[["camera", "lidar"]].drop_duplicates().itertuples(index=False, name=None))
    with st.grid(2, min_column_width=230):
        camera, lidar = st.selectbox("Camera and LiDAR", pairs, format_func=_pair, key=f"{key}:sensors_of")
        rows = drives.joint[(drives.joint["camera"] == camera) & (drives.joint["lidar"] == lidar)]
        what = str(st.radio("Of what", list(rows["object"].unique()), horizontal=True, key=f"{key}:sensors_what"))
    draw(two_sensors(rows, what), key=f"{key}_two_sensors", caption=phrase("drives.not_matched"))


def _pair(pair: tuple[str, str]) -> str:
    return " and ".join(map(seen_by_label, pair))


def _for_any_run(part: Callable[[str], None]) -> Panel:
    def shown(result: Result) -> None:
        part(result.plan.scenario.id)
        _credit()

    return shown


#: The parts of the panel by the exhibit that each is, with its title.
_PARTS = {
    "lateness": ("What lateness takes", late_answers),
    "misses": ("How misses follow each other", following_misses),
    "sensors": ("What a second sensor adds", second_sensor),
}
for _exhibit, (_, _part) in _PARTS.items():
    panel(_exhibit)(_for_any_run(_part))


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
    st.caption(phrase("drives.rules", attribution=plain(drives.about.attribution)))
