"""The run over time: one slider, a line in every chart at its instant, and the state of the run then."""

from __future__ import annotations

from datetime import datetime, timedelta
from math import ceil

import streamlit as st

from simulator.app.exhibit_drawings import drawings, timed_panel
from simulator.app.widgets import draw, plain, replication_0
from simulator.case.exhibits import EXHIBITS
from simulator.charts.answer_charts import age_over_time, age_shares
from simulator.charts.queue_charts import goodput_over_time, queue_over_time, queues
from simulator.charts.replica_charts import batch_timeline, machines_by_sensor
from simulator.charts.run_time import names_days, time_of_day
from simulator.charts.timeline import MINUTE_S, busiest_minute, moment
from simulator.engine.run_trace import Trace
from simulator.explain.result import Result
from simulator.phrases import phrase
from simulator.records.timetables import DAY_S, HOUR_S

#: The slider has at most this many steps: few enough to cross the run with the keyboard.
STEPS = 900
#: Steps that people count in, in seconds.
_WHOLE = (0.1, 1, 2, 5, 10, 30, 60, 300, 600, 1800, 3600)


@st.fragment
def over_time(names: list[str], result: Result) -> None:
    """Draw these exhibits of one replication at the instant of the slider."""
    trace = replication_0(result)
    at_s = _instant(trace)
    sentences = moment(trace, at_s).sentences(trace.plan.scenario.unit)
    st.markdown("\n".join(f"- {plain(sentence)}" for sentence in sentences))
    for name in names:
        st.header(plain(label_of(name, trace)), anchor=False)
        drawings().timed[name](result, trace, at_s)
    st.caption(f"One of {result.replications} replications.")


def at_its_busiest(name: str, result: Result) -> None:
    """Draw an exhibit of one replication at the middle of its busiest minute, without the slider."""
    trace = replication_0(result)
    drawings().timed[name](result, trace, _middle(trace))


def label_of(name: str, trace: Trace) -> str:
    scenario = trace.plan.scenario
    if name != "shifts":
        return EXHIBITS[name].label
    return " and ".join(scenario.stages[stage].label for stage in scenario.staffed_stages())


def _instant(trace: Trace) -> float:
    """Show the slider; return its instant in seconds of the run, at first the middle of the busiest minute."""
    horizon, start = trace.plan.horizon_s, time_of_day(trace, 0.0).to_pydatetime()
    step = next((size for size in _WHOLE if horizon / size <= STEPS), DAY_S / 24)
    middle = step * ceil(_middle(trace) / step)
    seconds = "HH:mm:ss.S" if step < 1 else "HH:mm:ss"
    layout = seconds if horizon < HOUR_S else "[day] DDD, HH:mm" if names_days(trace) else "HH:mm"
    chosen: datetime = st.slider(
        "Move through the run",
        start,
        start + timedelta(seconds=step * int(horizon / step)),
        start + timedelta(seconds=middle),
        timedelta(seconds=step),
        layout,
        key=f"{trace.plan.scenario.id}:instant",
    )
    return (chosen - start).total_seconds()


def _middle(trace: Trace) -> float:
    """Return the middle of the busiest minute in seconds of the run; arrivals may end within it."""
    busiest = busiest_minute(trace)
    return (busiest + min(busiest + MINUTE_S, max(trace.plan.arrivals_end_s, busiest))) / 2


@timed_panel("overload")
def _overload(result: Result, trace: Trace, at_s: float) -> None:
    draw(goodput_over_time(trace, at_s), key="goodput")


@timed_panel("batches")
def _batches(result: Result, trace: Trace, at_s: float) -> None:
    draw(queues(trace, result.warm_up, at_s), key="queues")
    draw(batch_timeline(trace, at_s), key="batches", caption=phrase("day.batches"))


@timed_panel("shifts")
def _shifts(result: Result, trace: Trace, at_s: float) -> None:
    for name in trace.plan.scenario.staffed_stages():
        draw(queue_over_time(trace, name, at_s), key=f"queue_{name}")


@timed_panel("cameras")
def _cameras(result: Result, trace: Trace, at_s: float) -> None:
    draw(machines_by_sensor(trace, at_s), key="cameras", caption=phrase("day.frames"))


@timed_panel("ages")
def _ages(result: Result, trace: Trace, at_s: float) -> None:
    for end in trace.plan.scenario.ages:
        draw(age_over_time(trace, end, at_s), key=f"age_{end}")
        draw(age_shares(trace, end), key=f"age_shares_{end}")
    st.caption("The age of information is the time since the newest frame that has reached the end was captured.")
