"""The fields of a task of one's own, and the task that they state, or a sentence for what is wrong."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import cycle
from typing import Any

import streamlit as st

from simulator.errors import InputError
from simulator.records.timetables import DAY_S
from simulator.rooms.own_task import BOUNDS, LEAST_MB, LEAST_RATE, MOST_MB, MOST_RATE, OwnTask
from simulator.rooms.room_events import TASK_LETTERS

#: Seconds of the units of a rate.
PER_S = {"a second": 1.0, "a minute": 60.0, "an hour": 3600.0, "a day": DAY_S}

#: The most letters of a name.
_NAME = 120


def task_fields(key: str, task: OwnTask | None = None, narrow: bool = False) -> dict[str, Any]:
    """Show the fields of a task, and return what they hold; task: what they hold at first; narrow: one below the other."""
    name = st.text_input("Name", task.name if task else "", key=f"{key}:name", placeholder="Visual search of a shop")
    rate, unit, payload = [st.container()] * 3 if narrow else st.columns(3)
    given: dict[str, Any] = {"name": name}
    given["rate"] = rate.number_input("Requests", value=task.rate_per_s if task else 10.0, format="%g", key=f"{key}:rate")
    given["unit"] = unit.selectbox("in", list(PER_S), key=f"{key}:unit")
    given["payload"] = payload.number_input(
        "Size of a request (MB)", value=task.payload_mb if task else 1.0, format="%g", key=f"{key}:payload"
    )
    st.markdown("**Objectives**; leave out what you do not ask")
    columns = [st.container()] if narrow else st.columns(2)
    for column, (metric, bound) in zip(cycle(columns), BOUNDS.items(), strict=False):
        before = task.bounds.get(metric) if task else None
        value = None if before is None else float(f"{before * bound.per_one:.9g}")
        given[metric] = column.number_input(bound.field, value=value, format="%g", key=f"{key}:{metric}")
    return given


def checked_words(words: str) -> str:
    """Return the interviewer's words of a task; raises InputError where there are too many."""
    if len(words) > TASK_LETTERS:
        raise InputError(f"The task has {len(words):,} letters. Write {TASK_LETTERS:,} at most.")
    return words.strip()


def task_of_fields(given: Mapping[str, Any]) -> OwnTask:
    """Return the task that the fields state; raises InputError with a sentence for the first field that is wrong."""
    name = str(given["name"] or "")
    if len(name) > _NAME:
        raise InputError(f"The name has {len(name):,} letters. Write {_NAME} at most.")
    if not name.strip():
        raise InputError("Give the task a name.")
    rate = _number(given["rate"], "the requests") / PER_S[str(given["unit"])]
    if rate <= 0:
        raise InputError("Requests have to come: give a rate above 0.")
    if not LEAST_RATE <= rate <= MOST_RATE:
        raise InputError(
            f"A room runs {LEAST_RATE * DAY_S:.3g} requests a day to {MOST_RATE:,.0f} a second. "
            "State the rate of one region or shard."
        )
    payload = _number(given["payload"], "the size of a request")
    if not LEAST_MB <= payload <= MOST_MB:
        raise InputError(f"A request has a size: {LEAST_MB:f} to {MOST_MB:,.0f} MB.")
    bounds = {metric: _bound(metric, given[metric], rate) for metric in BOUNDS if given.get(metric) is not None}
    if any(mark in name for mark in ("{", "}", "![")):
        raise InputError("A name holds no braces and no pictures.")
    return OwnTask(name=name.strip(), rate_per_s=rate, payload_mb=payload, bounds=bounds)


def _number(value: Any, what: str) -> float:
    if value is None:
        raise InputError(f"Give a number for {what}.")
    return float(value)


def _bound(metric: str, value: Any, rate: float) -> float:
    of_task = BOUNDS[metric]
    bound = float(f"{float(value) / of_task.per_one:.9g}")  # as it is written: 7% is 0.07
    if bound <= 0:
        raise InputError(f"“{of_task.field}” has to be above 0. Leave it empty if you do not ask for it.")
    if bound > of_task.most:
        raise InputError(f"“{of_task.field}” is {of_task.most * of_task.per_one:,.6g} at most.")
    if metric == "goodput_per_s" and bound > rate:
        raise InputError(f"No design serves more than comes: {rate:,.4g} requests a second arrive.")
    return bound
