"""The debrief of a session: first the record, then the person's own rating, then the comparison."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

import pandas as pd
import streamlit as st

from simulator.app.links import written
from simulator.app.live_session import LiveSession
from simulator.app.widgets import lessons, plain
from simulator.case.document import ScenarioError
from simulator.case.phases import phases_of
from simulator.engine.plan import compile_plan
from simulator.paths import PAGES
from simulator.practice_session.frame_panel import assumption_words
from simulator.practice_session.session_at_hand import take
from simulator.session.prediction_scores import calibration
from simulator.session.session_events import CurveballStruck, HintTaken, PickChanged, SelfRated
from simulator.session.session_signals import LEVELS, SIGNALS, Signal
from simulator.session.session_state import RunSeen, SessionState
from simulator.units import counted, spoken


def session_debrief(live: LiveSession) -> None:
    """Show the record of a session that has ended, and what can be learned from it."""
    st.title(f"Debrief: {plain(live.scenario.title)}", anchor=False)
    if live.case_has_changed:
        st.warning("The case was edited after this session began; its runs then had other hashes.")
    _record(live)
    _predictions(live)
    _rating(live)
    if live.state.ratings or st.toggle("Show the comparison without rating yourself", key="session:compare"):
        _comparison(live)


# ---- the record


def _record(live: LiveSession) -> None:
    st.header("The record", anchor=False)
    used = live.state.used_s
    phases = phases_of(live.scenario, live.state.session.minutes)
    st.markdown(" · ".join(f"{plain(one.title)} {used.get(one.id, 0) / 60:.0f} of {one.minutes:g} min" for one in phases))
    rows = pd.DataFrame(_rows(live))
    st.dataframe(rows, hide_index=True, alt=f"The record of the session: {counted(len(rows), 'event')}.")
    for number, run in enumerate((one for one in live.state.runs if one.ended), start=1):
        _restorable(live, number, run)


def _rows(live: LiveSession) -> list[dict[str, str]]:
    found = sorted(_events(live), key=lambda row: row[0])
    begun = live.state.session.begun_at
    return [{"minute": f"{(at - begun) / 60:.1f}", "what": what, "details": details} for at, what, details in found]


def _events(live: LiveSession) -> Iterator[tuple[float, str, str]]:
    state, scenario = live.state, live.scenario
    titles = {phase.id: phase.title for phase in phases_of(scenario)}
    yield from ((at, "Phase", titles.get(phase, phase)) for phase, at in state.visits)
    for asked in state.questions:
        index = len(scenario.questions) if asked.question is None else asked.question
        yield asked.at, "Question", scenario.questions[index].ask if index < len(scenario.questions) else asked.words or ""
    for change in state.changes:
        if isinstance(change.event, PickChanged) and change.event.choice in scenario.choices:
            choice = scenario.choices[change.event.choice]
            moved = f"{choice.label_of(change.event.before)} → {choice.label_of(change.event.after)}"
            yield change.at, "Change", f"{choice.label}: {moved}"
    yield from ((run.ended_at, "Run", _verdicts(state, run)) for run in state.runs if run.ended and run.ended_at)
    yield from ((one.at, "Hint", titles.get(one.event.phase, "")) for one in state.hints if isinstance(one.event, HintTaken))
    for one in state.curveballs:
        if isinstance(one.event, CurveballStruck) and one.event.curveball in scenario.curveballs:
            yield one.at, "Curveball", scenario.curveballs[one.event.curveball].label


def _verdicts(state: SessionState, run: RunSeen) -> str:
    assert run.ended is not None
    counts = Counter(run.ended.verdicts.values())
    return f"{', '.join(f'{count} {standing}' for standing, count in counts.items())}; run hash {run.ended.run_hash}"


def _restorable(live: LiveSession, number: int, run: RunSeen) -> None:
    try:
        plan = compile_plan(live.scenario, run.asked.picks, run.asked.strikes)
    except ScenarioError:
        return
    params: dict[str, Any] = written(plan, run.asked.seed, run.asked.replications)
    st.page_link(PAGES / "practice.py", label=f"Open design {number} in Explore", query_params=params)


def _predictions(live: LiveSession) -> None:
    settled = [one for one in live.state.predictions if one.metric is not None and one.settled is not None]
    if not settled:
        return
    st.header("Your predictions", anchor=False)
    rows = []
    for one in settled:
        metric = live.scenario.metrics[one.metric or ""]
        assert one.settled is not None
        value = one.settled.value
        rows.append(
            {
                "metric": metric.label,
                "you": f"{spoken(one.low or 0.0, metric.unit)} to {spoken(one.high or 0.0, metric.unit)}",
                "the run": "no figure" if value is None else spoken(value, metric.unit),
                "held": {True: "yes", False: "no", None: ""}[one.settled.held],
            }
        )
    held = calibration(live.state.predictions)
    takeaway = f"{held.held} of {counted(held.settled, 'interval')} held. Intervals of 90% should hold nine times in ten."
    st.markdown(takeaway)
    st.dataframe(pd.DataFrame(rows), hide_index=True, alt=takeaway)


# ---- the rating, and then the comparison


def _rating(live: LiveSession) -> None:
    st.header("Rate yourself", anchor=False)
    st.markdown("The log holds the evidence. You decide the level.")
    for signal in SIGNALS:
        _signal(live, signal)


def _signal(live: LiveSession, signal: Signal) -> None:
    key, kept = f"session:rate:{signal.name}", live.state.ratings.get(signal.name)
    with st.container(border=True):
        st.markdown(f"**{plain(signal.label)}**. {plain(' '.join(signal.evidence(live.scenario, live.state)))}")
        st.radio(
            f"Your level: {signal.label}",
            LEVELS,
            index=LEVELS.index(kept) if kept in LEVELS else None,
            format_func=lambda level: signal.anchors[LEVELS.index(level)],
            key=key,
            on_change=_rate,
            args=(live, signal, key),
            label_visibility="collapsed",
        )


def _rate(live: LiveSession, signal: Signal, key: str) -> None:
    if level := st.session_state.get(key):
        take(live, SelfRated(signal=signal.name, level=level))


def _comparison(live: LiveSession) -> None:
    missed = [one for index, one in enumerate(live.scenario.questions) if not live.state.asked(index)]
    if missed:
        st.header("Questions that you left out", anchor=False)
        for question in missed:
            with st.expander(plain(question.ask)):
                st.markdown(plain(question.answer))
    kept = [assumption_words(live, one) for one in live.state.assumptions if not one.removed]
    if kept:
        st.header("Your assumptions", anchor=False)
        st.markdown("\n".join(f"- {plain(words)}" for words in kept))
    if live.scenario.reference:
        st.header("One good answer", anchor=False)
        for reference in live.scenario.reference.values():
            st.markdown(f"**{plain(reference.label)}.** {plain(reference.text)} It gives up: {plain(reference.gives_up)}")
            plan = compile_plan(live.scenario, reference.set)
            params: dict[str, Any] = written(plan, live.state.session.seed, live.scenario.run.replications)
            st.page_link(PAGES / "practice.py", label=f"Open “{plain(reference.label)}” in Explore", query_params=params)
    st.header("Lessons of the case", anchor=False)
    lessons(live.scenario)
