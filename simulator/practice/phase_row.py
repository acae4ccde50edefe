"""The row above a session: the clock, and each phase with its minutes."""

from __future__ import annotations

from time import time
from typing import Any

import streamlit as st

from simulator.app.live_session import LiveSession
from simulator.app.widgets import plain
from simulator.case.phases import PracticePhase, phases_of
from simulator.practice.session_at_hand import take
from simulator.session.phase_clock import PhaseTime, left_s, phase_times
from simulator.session.session_events import PhaseBegun, SessionEnded

_CSS = """
#clock { font: 400 1rem/1.4 var(--st-font); color: var(--st-text-color); }
#left { font-size: 1.6rem; font-weight: 600; font-variant-numeric: tabular-nums; }
#nudge { margin-top: .35rem; padding: .35rem .6rem; border-left: 4px solid var(--st-orange-color); }
[hidden] { display: none !important; }
"""

_HTML = """
<div id="clock"><div><span id="left" role="timer"></span> left of <span id="all"></span>
<span id="stands" hidden>(stands still while your design runs)</span></div>
<div id="phase"></div><div id="nudge" role="status" hidden></div></div>
"""

_JS = """
export default function ({ data, parentElement }) {
  const at = name => parentElement.querySelector(name), since = performance.now();
  const spoken = seconds => {
    const whole = Math.max(0, Math.floor(seconds));
    return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, "0")}`;
  };
  at("#all").textContent = `${data.minutes} min`;
  at("#stands").hidden = !data.stands;
  if (parentElement.phase !== undefined && parentElement.phase !== data.title) {  // a phase begins at the top of the page
    document.querySelector("[data-testid=stMain]")?.scrollTo({ top: 0 });
  }
  parentElement.phase = data.title;
  const tick = () => {
    const passed = data.stands ? 0 : (performance.now() - since) / 1000;
    const used = data.used_s + passed, over = used - data.planned_s;
    at("#left").textContent = spoken(data.left_s - passed);
    at("#phase").textContent = `${data.title}: ${spoken(used)} of ${spoken(data.planned_s)} min`;
    const words = data.left_s - passed <= 0 ? "The time is over. End the session when you are ready."
      : over > 0 ? `${data.title} takes longer than planned. Go on when you are ready.` : "";
    const nudge = at("#nudge");
    nudge.hidden = !data.nudges || !words;
    if (nudge.textContent !== words) nudge.textContent = words;
  };
  tick();
  clearInterval(parentElement.timer);
  parentElement.timer = setInterval(tick, 1000);
  return () => clearInterval(parentElement.timer);
}
"""

_clock = st.components.v2.component("session_clock", html=_HTML, css=_CSS, js=_JS)


def phase_row(live: LiveSession) -> PracticePhase:
    """Show the clock and the phases; return the phase of now."""
    phases = phases_of(live.scenario, live.state.session.minutes)
    times = {one.id: one for one in phase_times(live.scenario, live.state, time())}
    now = next((phase for phase in phases if times[phase.id].present), phases[0])
    _clock(key="session:clock", data=_clock_data(live, times[now.id]))
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        for phase in phases:
            label = f"{plain(phase.title)}, {times[phase.id].used_s / 60:.0f} of {phase.minutes:g} min"
            kind: Any = "primary" if phase is now else "secondary"
            st.button(label, type=kind, key=f"session:phase:{phase.id}", on_click=_go_to, args=(live, phase.id))
        with st.popover("End the session", type="tertiary"):
            st.markdown("The debrief begins, and the session cannot go on after it.")
            st.button("End it and see the debrief", key="session:end", on_click=take, args=(live, SessionEnded()))
    return now


def _clock_data(live: LiveSession, now: PhaseTime) -> dict[str, Any]:
    head = live.state.session
    left = {"minutes": head.minutes, "left_s": left_s(live.state, time()), "nudges": head.nudges}
    left |= {"stands": live.state.stands}
    return left | {"title": now.title, "used_s": now.used_s, "planned_s": now.planned_s}


def _go_to(live: LiveSession, phase: str) -> None:
    if phase != live.state.phase:
        take(live, PhaseBegun(phase=phase))


def next_phase(live: LiveSession, phase: PracticePhase) -> None:
    """Offer the way on at the end of the page: the next phase, and after the last one the end."""
    phases = phases_of(live.scenario)
    place = next(index for index, one in enumerate(phases) if one.id == phase.id)
    for one in phases[place + 1 : place + 2]:
        st.button(f"Go on to “{plain(one.title)}”", key="session:next", on_click=_go_to, args=(live, one.id))
    if phase.id == phases[-1].id:
        st.button(
            "Finish and see the debrief", type="primary", key="session:finish", on_click=take, args=(live, SessionEnded())
        )
