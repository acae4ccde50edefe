"""A design phase: the choices that belong to it, a prediction, the run, and the panels of the phase."""

from __future__ import annotations

from typing import Any

import streamlit as st

from simulator.app.design_state import widget_value
from simulator.app.exhibit_drawings import drawings
from simulator.app.live_session import LiveSession
from simulator.app.news import Latest, follow
from simulator.app.widgets import plain
from simulator.case.document import ScenarioError
from simulator.case.exhibits import EXHIBITS
from simulator.case.phases import PracticePhase, hero_of
from simulator.explain.result import Result
from simulator.panels.choice_widget import choice_widget
from simulator.panels.day_panel import over_time
from simulator.panels.verdict_bar import bar, bar_content
from simulator.practice.exhibit_panels import hero
from simulator.practice.help_panel import levers_panel, reasons_panel
from simulator.practice.prediction_panel import prediction_form, reveal
from simulator.practice.session_at_hand import job_at_hand, note_result, plan_at_hand, take, was_asked
from simulator.session.session_events import CurveballStruck, PanelOpened, PickChanged


def design_panel(live: LiveSession, phase: PracticePhase) -> None:
    """Show the choices of a phase beside what they do."""
    left, right = st.columns([2, 5], gap="medium")
    with left:
        _choices(live, phase)
        _curveball(live, phase)
        for prompt in phase.prompts:
            st.markdown(f"- {plain(prompt)}")
    with right:
        try:
            plan = plan_at_hand(live)
        except ScenarioError as error:
            for fault in error.faults:
                st.error(plain(fault.words))
            return
        if was_asked(live):
            _run(live, phase)
        else:
            prediction_form(live, plan)


def _choices(live: LiveSession, phase: PracticePhase) -> None:
    picks = live.state.picks(live.scenario)
    if not phase.choices:
        st.markdown("This case has no choice in this phase. Say what you would do, and go on.")
    for name in phase.choices:
        choice, key = live.scenario.choices[name], f"session:pick:{name}"
        st.session_state[key] = widget_value(choice, picks[name])
        choice_widget(choice, key=key, on_change=_picked, args=(live, name))


def _picked(live: LiveSession, name: str) -> None:
    live.refresh()  # a run of the script that a further step overtook has the state before that step
    before: Any = live.state.picks(live.scenario)[name]
    after = live.scenario.choices[name].read(st.session_state[f"session:pick:{name}"])
    if after != before:
        take(live, PickChanged(choice=name, before=before, after=after))


#: The words of verdicts that rest on the first replications.
_PRELIMINARY = "Preliminary, after"

#: The phase in which a curveball strikes.
_STRIKES_IN = "monitor"


def _curveball(live: LiveSession, phase: PracticePhase) -> None:
    """Offer the surprise of the session, once a design has run; name what has struck."""
    for name in live.state.strikes:
        ball = live.scenario.curveballs[name]
        st.warning(plain(f"{ball.label}: {ball.note}." if ball.note else f"{ball.label}."))
    ready = phase.id.startswith(_STRIKES_IN) and any(run.ended for run in live.state.runs)
    if not live.scenario.curveballs or live.state.strikes or not ready:
        return
    name, ball = next(iter(live.scenario.curveballs.items()))
    event = CurveballStruck(curveball=name, at_s=ball.usual_time(live.scenario))
    st.button("Let something happen", key="session:strike", on_click=take, args=(live, event))


@st.fragment
def _run(live: LiveSession, phase: PracticePhase) -> None:
    job = job_at_hand(live)
    if job.running:
        follow("session run", lambda: Latest(f"{job.ready} {job.running}"))
        if (first := job.quick) is not None:  # the verdicts that are there; the reveal waits for the whole run
            bar(bar_content(first.verdicts, early=True, words=f"{_PRELIMINARY} {job.ready} of {job.planned} replications."))
        st.progress(job.share, "Your design runs …")
        return
    if job.error:
        st.error(plain(f"The run failed: {job.error}"))
        return
    revealed = live.state.revealed(live.state.design_at_hand(live.scenario))
    note_result(live, job)
    if not revealed:
        st.rerun()
    result = job.summary
    fresh = _was_run_here(live)
    if fresh:
        reveal(live, result)
    hero(result)
    bar(bar_content(result.verdicts))
    if not fresh:
        with st.expander("Your prediction and this run", key="session:reveal"):
            reveal(live, result)
    reasons_panel(live, job)
    _panels(live, result, phase)
    levers_panel(live, job)


def _was_run_here(live: LiveSession) -> bool:
    """Return whether the design at hand ran since the person came to this phase: its reveal comes first then."""
    design, visits = live.state.design_at_hand(live.scenario), live.state.visits
    begun = visits[-1].place if visits else -1
    return any(run.design == design and run.place > begun for run in live.state.runs)


def _panels(live: LiveSession, result: Result, phase: PracticePhase) -> None:
    there = set(result.plan.scenario.shown()) - {hero_of(result.plan.scenario)}  # the hero stands above
    shown = [name for name in phase.panels if name in there]
    timed = [name for name in shown if name in drawings().timed]  # they share one slider, so they stand together
    for names in [timed if name in timed else [name] for name in shown if name not in timed[1:]]:
        title = " and ".join(EXHIBITS[name].label for name in names)
        with st.expander(plain(title), key=f"session:panel:{names[0]}", on_change="rerun") as drawer:
            _note_opening(live, names, drawer.open)
            if drawer.open and names == timed:
                over_time(names, result)
            elif drawer.open:
                drawings().panels[names[0]](result)


def _note_opening(live: LiveSession, panels: list[str], is_open: bool | None) -> None:
    """Note that panels were opened together: once, until they are closed."""
    key = f"session:open:{panels[0]}"
    if is_open and not st.session_state.get(key):
        take(live, *(PanelOpened(panel=panel) for panel in panels))
    st.session_state[key] = is_open
