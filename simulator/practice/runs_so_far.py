"""The runs of a session so far, read from its log: the verdicts of the last one, and a table of all."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd
import streamlit as st

from simulator.app.live_session import LiveSession
from simulator.app.widgets import plain
from simulator.case.schema import Scenario
from simulator.intervals import Estimate, Interval
from simulator.metrics.summary import Verdict, judged
from simulator.panels.verdict_bar import bar, bar_content
from simulator.session.session_events import RunFigure
from simulator.session.session_record import change_words
from simulator.session.session_state import RunSeen, SessionState


def last_interval(state: SessionState, metric: str) -> Estimate | None:
    """Return a metric of the last run; None where it has no such figure, and before the first run."""
    return _estimates(state.last_run).get(metric) if state.last_run else None


def verdicts_of(scenario: Scenario, run: RunSeen) -> list[Verdict]:
    """Return the verdicts of a run as they were shown."""
    standings = run.ended.verdicts if run.ended is not None else {}
    verdicts = judged(scenario, _estimates(run))
    return [replace(verdict, void=standings.get(verdict.metric.name) == "void") for verdict in verdicts]


def _estimates(run: RunSeen) -> dict[str, Estimate]:
    figures = run.ended.figures if run.ended is not None else ()
    return {figure.metric: _estimate(figure.value, figure) for figure in figures if figure.value is not None}


def _estimate(value: float, figure: RunFigure) -> Estimate:
    low, high = (value if bound is None else bound for bound in (figure.low, figure.high))
    return Estimate(value, low, high, Interval(value, low, high))


def last_verdicts(live: LiveSession) -> None:
    """Show the verdicts of the last run; nothing before the first one."""
    if run := live.state.last_run:
        is_earlier = run.design != live.state.design_at_hand(live.scenario)
        st.markdown("**Your last run**" + (" (before this design)" if is_earlier else ""))
        bar(bar_content(verdicts_of(live.scenario, run)))


def runs_so_far(live: LiveSession) -> None:
    """Show each run with its change and its verdicts, in their order."""
    runs = [run for run in live.state.runs if run.ended]
    if not runs:
        st.markdown("Your first run has not ended yet." if live.state.runs else "You have run no design.")
        return
    rows, before = [], live.scenario.defaults()
    for number, run in enumerate(runs, start=1):
        words = change_words(live.scenario, before, run.asked.picks) or "nothing changed"
        struck = [live.scenario.curveballs[name].label for name in run.asked.strikes if name in live.scenario.curveballs]
        verdicts = {
            plain(verdict.objective.label): f"{verdict.reached}, {verdict.standing}"
            for verdict in verdicts_of(live.scenario, run)
        }
        rows.append({"run": number, "changed before it": "; ".join([words, *struck]), **verdicts})
        before = dict(run.asked.picks)
    st.dataframe(pd.DataFrame(rows), hide_index=True, alt=f"The runs of this session: {len(runs)}.")
