"""The side of the page: the choices of a case and its curveballs, named on the result and compared with the calm run."""

from __future__ import annotations

from typing import Any

import numpy as np
import streamlit as st

from simulator.app.design_state import KEPT, get, key
from simulator.app.jobs import BESIDE, Job, job_id, registry
from simulator.app.widgets import plain
from simulator.case.choices import Choice, Pick
from simulator.case.curveball import AnyCurveball
from simulator.case.schema import Scenario
from simulator.engine.compiled_plan import strikes_of, without_curveballs
from simulator.explain.claims import Claim
from simulator.keeper import remembers
from simulator.metrics.stage_metrics import calm_until, clock, strike_sentence
from simulator.panels.choice_widget import choice_widget
from simulator.practice.curveball_effects import Toll, metres_taken, summed_up, toll_rows, tolls
from simulator.practice.design_runs import CALM, cancelled, design_changed, watcher
from simulator.records.timetables import DAY_S

#: The heading of the choices that the brief sets, and its explanation.
SITUATION, SET_BY_BRIEF = "Situation", "The brief sets these. After a change, no verdict counts."


def form(scenario: Scenario) -> None:
    """Show every choice as a widget, those of the situation last and under a heading of their own."""
    own = {name: choice for name, choice in scenario.choices.items() if not choice.situation}
    situation = {name: choice for name, choice in scenario.choices.items() if choice.situation}
    _widgets(scenario, own, "group")
    if situation:
        st.markdown(f"**{SITUATION}**")
        st.caption(SET_BY_BRIEF)
        _widgets(scenario, situation, "situation")


def picks_of(scenario: Scenario) -> dict[str, Pick]:
    """Return the picks of the widgets, which exist once the address was read."""
    return {name: get(scenario, name) for name in scenario.choices}


def _widgets(scenario: Scenario, choices: dict[str, Choice], fold: str) -> None:
    for name, choice in choices.items():
        if not choice.folded:
            _widget(scenario, name, choice, ())
    for group in dict.fromkeys(choice.group for choice in choices.values() if choice.folded):
        folded = {name: choice for name, choice in choices.items() if choice.folded and choice.group == group}
        fragment = f"{fold}:{group}"
        st.fragment(_group, key=fragment)(scenario, folded, fragment)


def _group(scenario: Scenario, folded: dict[str, Choice], fragment: str) -> None:
    label = f"{plain(next(iter(folded.values())).group)}{_changed(scenario, folded)}"
    with st.expander(label, key=key(scenario.id, fragment)):
        for name, choice in folded.items():
            _widget(scenario, name, choice, (fragment,))


def _changed(scenario: Scenario, folded: dict[str, Choice]) -> str:
    count = sum(get(scenario, name) not in (None, choice.read(choice.default)) for name, choice in folded.items())
    return f": {count} changed" if count else f" ({len(folded)})"


def _widget(scenario: Scenario, name: str, choice: Choice, fragments: tuple[str, ...]) -> None:
    """Show a choice; fragments: those that its change draws again besides the ones that show the design."""
    choice_widget(choice, key=key(scenario.id, name), on_change=design_changed, args=(scenario, *fragments), **KEPT)


#: The fragment of the curveballs.
FIRE = "curveballs"

#: Steps between the times of the slider, in seconds: the first step with at most _MOST_TIMES times is used.
_STEPS, _MOST_TIMES = (1, 5, 10, 15, 30, 60, 300, 600, 900, 1800, 3600), 200


def fire(scenario: Scenario) -> None:
    """Show a button and a time for each curveball."""
    if scenario.curveballs:
        st.fragment(_fire, key=FIRE)(scenario)


def armed_in(scenario: Scenario) -> dict[str, float | None]:
    """Return the armed curveballs with their times in seconds; None stands for the author's own time."""
    return dict(get(scenario, "strikes") or {}) if scenario.curveballs else {}


def _fire(scenario: Scenario) -> None:
    armed = armed_in(scenario)
    count = f" ({len(armed)} armed)" if armed else ""
    with st.popover(f"Curveballs{count}", key=key(scenario.id, "curveballs"), width="stretch"):
        when = clock(scenario, halfway(scenario))
        usual = f"halfway through the {plain(scenario.unit.many)}: {when}"
        if any(ball.called_time(scenario.run.starts_at) is not None for ball in scenario.curveballs.values()):
            usual = f"at its time in the case, or {usual}"
        st.caption(f"Each strikes once, {usual}, unless you pick another time.")
        for name, ball in scenario.curveballs.items():
            _curveball(scenario, name, ball, armed)
        if times := _times(scenario, armed):
            st.caption(plain(calm_until(scenario, min(times))))


def halfway(scenario: Scenario) -> float:
    """Return the default time of a curveball, in whole seconds: halfway through the arrivals."""
    return float(round(scenario.run.days * DAY_S / 2))


def arm(scenario: Scenario, name: str, at_s: float) -> None:
    """Let a curveball strike at a time, in seconds of the run; a callback."""
    _put(scenario, {**(get(scenario, "strikes") or {}), name: at_s})


def disarm(scenario: Scenario, name: str) -> None:
    _put(scenario, {other: at_s for other, at_s in (get(scenario, "strikes") or {}).items() if other != name})


def _put(scenario: Scenario, strikes: dict[str, float | None]) -> None:
    st.session_state[key(scenario.id, "strikes")] = strikes
    design_changed(scenario, FIRE)


def _curveball(scenario: Scenario, name: str, ball: AnyCurveball, armed: dict[str, float | None]) -> None:
    widget, own = key(scenario.id, f"when:{name}"), ball.own_time(scenario.run.starts_at)
    if name in armed or widget not in st.session_state:
        at_s = armed.get(name)
        st.session_state[widget] = ball.usual_time(scenario) if at_s is None else at_s
    at_s = st.session_state[widget]
    with st.container(horizontal=True, vertical_alignment="center"):
        if name in armed:
            st.button(f"Disarm: {plain(ball.label)}", key=f"{widget}:off", on_click=disarm, args=(scenario, name))
        elif own is None:
            st.button(f"Fire: {plain(ball.label)}", key=f"{widget}:on", on_click=arm, args=(scenario, name, at_s))
        else:
            st.markdown(f"**{plain(ball.label)}** strikes by itself")
        st.caption(plain(ball.note or ""))
    shared: dict[str, Any] = {"key": widget, "format_func": lambda at: clock(scenario, at), **KEPT}
    if name in armed or own is not None:
        shared |= {"on_change": _move, "args": (scenario, name)}
    end = scenario.run.days * DAY_S
    step = next((step for step in _STEPS if end / step <= _MOST_TIMES), DAY_S / 4)
    options = sorted({*map(float, np.arange(0, end, step)), at_s})
    st.select_slider(f"{plain(ball.label)} strikes at", options, label_visibility="collapsed", **shared)


def _move(scenario: Scenario, name: str) -> None:
    arm(scenario, name, get(scenario, f"when:{name}"))


def _times(scenario: Scenario, armed: dict[str, float | None]) -> list[float]:
    """Return the times of all curveballs, in seconds: armed ones, and those that the case starts itself."""
    own = {name: ball.own_time(scenario.run.starts_at) for name, ball in scenario.curveballs.items()}
    called = {name: scenario.curveballs[name].called_time(scenario.run.starts_at) for name in armed}
    times = own | {name: called[name] if at_s is None else at_s for name, at_s in armed.items()}
    return [at_s for at_s in times.values() if at_s is not None]


def banner(job: Job) -> None:
    """Name the curveballs of a run, their times and effects, and each promise that no longer holds."""
    strikes = strikes_of(job.plan)
    if strikes:
        sentences = [
            *(strike_sentence(job.plan, strike) for strike in strikes),
            calm_until(job.plan.scenario, strikes[0].start_s),
        ]
        broken = [promise.sentence for promise in job.shown.thresholds if not promise.holds] if job.shown else []
        st.info("  \n".join(plain(text) for text in [" ".join(sentences), *broken]))


def calm_of(job: Job | None) -> Job | None:
    """Return the run of the same design and seed without curveballs, and start it if need be; None without curveballs.

    A tab has one calm run at a time: the latest.
    """
    if job is None or not job.plan.strikes or cancelled(job):
        registry().drop(watcher(CALM))
        return None
    return registry().live(watcher(CALM), without_curveballs(job.plan), job.seed, job.planned, BESIDE)


def against_calm(job: Job) -> None:
    """Show the effects of the curveballs of a finished run, once the calm run is finished too."""
    twin = registry().get(job_id(without_curveballs(job.plan), job.seed, job.planned)) if job.plan.strikes else None
    if twin is None:
        return
    if not twin.succeeded:
        st.caption("The comparison follows when the calm run is done." if twin.running else "The calm run was stopped.")
        return
    paid, metres = _tolls(twin, job)
    st.markdown(plain(" ".join([summed_up(job.summary, paid), metres.words if metres else ""]).strip()))
    both = min(twin.summary.replications, job.summary.replications)
    if twin.summary.replications != job.summary.replications:
        st.caption(f"Each change is that of the first {both} replications, which both runs have.")
    with st.popover("Every objective, calm and struck", type="tertiary"):
        st.dataframe(toll_rows(paid), hide_index=True, alt=summed_up(job.summary, paid))


@remembers(16, key=lambda twin, job: (twin.id, job.id))
def _tolls(twin: Job, job: Job) -> tuple[list[Toll], Claim | None]:
    return tolls(twin.summary, job.summary), metres_taken(twin.summary, job.summary)
