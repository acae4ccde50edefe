"""A calculator: hours that show a rate, and encounters that show a share."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from simulator.app.exhibit_drawings import panel
from simulator.explain.result import Result
from simulator.phrases import phrase
from simulator.sources.proof_sizes import hours_to_plan, hours_with, rate_below, trials_to_plan, trials_with
from simulator.units import counted, percent, significant

#: The events, or failures, of the table.
_EVENTS = (0, 1, 2, 5, 10)


@panel("proof")
@st.fragment
def proof(result: Result) -> None:
    """Show what it takes to prove a rate or a share, and what the recorded drives prove."""
    key = f"{result.plan.scenario.id}:proof"
    of_rate = "Brakes without need, an hour"
    what = st.radio("To prove", [of_rate, "Encounters stopped in time"], horizontal=True, key=key)
    if what == of_rate:
        _rate(result, key)
    else:
        _share(key)
    st.caption(phrase("proof.method"))


def _rate(result: Result, key: str) -> None:
    left, right = st.columns(2)
    bound = left.number_input("At most, an hour", 0.01, 100.0, 1.0, key=f"{key}:rate")
    truth = right.number_input("True rate, an hour", 0.0, 100.0, 0.1, key=f"{key}:true_rate")
    rows = [{"Brakes without need": n, "Hours": significant(hours_with(bound, n))} for n in _EVENTS]
    st.table(pd.DataFrame(rows).set_index("Brakes without need"))
    plan = hours_to_plan(bound, truth)
    if plan is None:
        st.markdown("No number of hours proves this: the true rate has to be below the bound.")
    else:
        hours, events = plan
        most = f"up to {counted(events, 'brake')}" if events else "no brake"
        st.markdown(f"Plan **{significant(hours)} hours**. With {most} the proof comes out, in 80% of the cases.")
    if (sights := result.plan.of_sections.get("encounters")) is not None:
        alarms = next(iter(sights.by_stage.values())).alarms
        most = significant(rate_below(alarms.hours, round(alarms.count)))
        st.markdown(f"The drives here: {60 * alarms.hours:.0f} minutes with {alarms.count:g} prove at most **{most} an hour**.")


def _share(key: str) -> None:
    left, right = st.columns(2)
    bound = left.number_input("At least, %", 50.0, 99.99, 95.0, key=f"{key}:share") / 100
    truth = right.number_input("True share, %", 50.0, 100.0, 97.5, key=f"{key}:true_share") / 100
    rows = [{"Encounters not stopped for": n, "Encounters": f"{trials_with(bound, n):,}"} for n in _EVENTS]
    st.table(pd.DataFrame(rows).set_index("Encounters not stopped for"))
    plan = trials_to_plan(bound, truth)
    if plan is None:
        st.markdown("No number of encounters proves this: the true share has to be above the bound.")
        return
    trials, failures = plan
    bears = f"The proof of {percent(bound)} bears {failures} failures, and comes out in 80% of the cases."
    st.markdown(f"Plan **{trials:,} encounters**. {bears}")
