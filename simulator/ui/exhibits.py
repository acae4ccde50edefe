"""How each exhibit of a run is drawn: a function of the result. Names and titles are in `simulator/scenario/exhibits.py`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import streamlit as st

from simulator.analysis.run.request_path import answers_early, request_path
from simulator.analysis.run.summary import Summary
from simulator.ui.charts import (
    answer_times,
    batch_timeline,
    cost_split,
    goodput_over_time,
    journeys,
    one_request,
    queue_over_time,
    queues,
    roc,
)
from simulator.ui.panels.scores import threshold_transfer
from simulator.ui.widgets import draw, first_replication

#: The requests that can be followed, by percentile, and how far.
PERCENTILES = {0.5: "p50", 0.9: "p90", 0.95: "p95", 0.99: "p99", 1.0: "slowest"}
GOALS: dict[Literal["answer", "end"], str] = {"answer": "the answer", "end": "the end"}

_ONE_OF_MANY = "One of several replications."


def _outcomes(summary: Summary) -> None:
    population = summary.plan.scenario.population
    labels = {False: "All requests"}
    if population:
        labels = {True: f"From someone who {population.positive}", False: f"From someone who {population.negative}"}
    positive = st.radio("Requests", list(labels), format_func=labels.get, horizontal=True, key="whom")
    draw(journeys(summary, bool(positive)), key="journeys")


def _overload(summary: Summary) -> None:
    draw(goodput_over_time(first_replication(summary.run_hash, summary)), key="goodput")
    st.caption(_ONE_OF_MANY)


def _answer_times(summary: Summary) -> None:
    draw(answer_times(summary), key="answer_times")


def _batches(summary: Summary) -> None:
    trace = first_replication(summary.run_hash, summary)
    draw(batch_timeline(trace), key="batches")
    st.caption(f"{_ONE_OF_MANY} Drag to see the rest of the minute. The number in a bar is the size of the batch.")
    draw(queues(trace, summary.warm_up), key="queues")


def _one_request(summary: Summary) -> None:
    trace = first_replication(summary.run_hash, summary)
    left, right = st.columns(2)
    share = left.radio("Which request", list(PERCENTILES), 3, PERCENTILES.get, horizontal=True, key="percentile")
    until: Literal["answer", "end"] = "answer"
    if answers_early(trace):
        until = right.radio("Follow it to", list(GOALS), format_func=GOALS.get, horizontal=True, key="until")
    way = request_path(trace, share, until)
    if way is None:
        st.markdown("No request reached that point.")
        return
    draw(one_request(way, trace.plan), key="request")
    st.caption(f"Request {way.request:,} of one replication, at that percentile of the time to the {until}.")


def _shifts(summary: Summary) -> None:
    trace = first_replication(summary.run_hash, summary)
    for name in summary.plan.scenario.staffed_stages():
        draw(queue_over_time(trace, name), key=f"queue_{name}")
    st.caption(_ONE_OF_MANY)


def _threshold(summary: Summary) -> None:
    draw(roc(summary.plan), key="roc")


def _transfer(summary: Summary) -> None:
    threshold_transfer(summary.plan)


def _cost(summary: Summary) -> None:
    draw(cost_split(summary), key="costs")


#: What draws each exhibit, by the name that a case uses.
DRAWN: dict[str, Callable[[Summary], None]] = {
    "outcomes": _outcomes,
    "overload": _overload,
    "answer_times": _answer_times,
    "batches": _batches,
    "one_request": _one_request,
    "shifts": _shifts,
    "threshold": _threshold,
    "transfer": _transfer,
    "cost": _cost,
}
