"""Monitors: does production differ from the reference, column by column, by slice and over time?"""

import numpy as np
import pandas as pd
import streamlit as st

from simulator.case.load import load
from simulator.incident.play import Play
from simulator.incident.secret import DAY_S, HOUR_S, draw
from simulator.monitors.monitor_page import monitors
from simulator.monitors.monitor_tables import MonitoredTable, checked

#: The example: in the second week, the cameras of one site are out of focus.
CASE, SEED, CAUSE = "production-drift", 5, "blurred_camera"


def example() -> tuple[MonitoredTable, MonitoredTable]:
    st.markdown(
        "Two weeks of a stream of frames, as in the case *The detector that fails in production*. In the second week, the "
        "cameras of one of six sites are out of focus. Each row holds measured figures of one frame."
    )
    return example_tables()


@st.cache_resource(show_spinner="Simulating two weeks")
def example_tables() -> tuple[MonitoredTable, MonitoredTable]:
    scenario = load(CASE)
    play = Play(scenario, draw(scenario, SEED, CAUSE, "abrupt"))
    measured = play.statistics()
    frames, sites = measured.frames, list(play.spec.sites.values())
    rows = pd.DataFrame({name: measured.figure(name) for name in ("brightness", "bytes", "score")})
    rows["site"] = np.array([site.label for site in sites])[frames.site]
    rows["scene"] = [f"camera {camera}, scene {dwell}" for camera, dwell in zip(frames.camera, frames.dwell, strict=True)]
    rows["hour"] = (frames.at_s / HOUR_S).round(3)
    rows["seconds"] = frames.at_s.round(1)
    sampled = rows.dropna().iloc[::60]
    onset_s = play.secret.onset_s
    parts = sampled[sampled["seconds"] < 7 * DAY_S], sampled[sampled["seconds"].between(onset_s, onset_s + 7 * DAY_S, "left")]
    first, second = (part.drop(columns="hour").reset_index(drop=True) for part in parts)
    return checked(MonitoredTable("reference", first)), checked(MonitoredTable("production", second))


st.title("Does production differ from the reference?", anchor=False)
st.markdown(
    "A camera sees one scene for minutes, so rows resemble the rows before them. A test that treats rows as independent "
    "claims differences that do not exist; here, whole scenes stay together."
)
monitors(example)
