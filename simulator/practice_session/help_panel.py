"""Help in a session: the hints of the author, and steps that the run bears out. Each is noted, and stands in the debrief."""

from __future__ import annotations

from typing import Literal

import streamlit as st

from simulator.app.jobs import Job
from simulator.app.live_session import LiveSession
from simulator.app.widgets import plain
from simulator.case.outputs import EXHIBITS
from simulator.case.phases import Hint, PracticePhase, hero_of, phases_of
from simulator.explain.result import Result
from simulator.practice.lever_panel import levers
from simulator.practice_session.session_at_hand import take
from simulator.practice_session.session_runs import result_at_hand
from simulator.session.session_events import HelpAsked, HintTaken

Tool = Literal["what_would_help", "each_lever"]

#: The steps of a ladder of hints.
_RUNGS = ("question", "panel", "step")


def reasons_panel(live: LiveSession, result: Result) -> None:
    """Say why each objective is not met, and what would help once the person has asked."""
    helped = _was_asked(live, "what_would_help")
    shown = result.shown_reasons
    for place, reason in result.reasons.items():
        st.markdown(f"**{plain(result.verdicts[place].objective.label)}**: {plain(shown[place])}")
        if helped:
            with st.spinner("Trying steps …"):
                st.info(plain(reason.advice.sentence))
    if result.reasons and not helped:
        _offer(live, "what_would_help", "What would help? (noted as a hint)")


def levers_panel(live: LiveSession, job: Job) -> None:
    """Offer to try every choice one step either way."""
    if _was_asked(live, "each_lever"):
        levers(job, at_once=True)
    else:
        _offer(live, "each_lever", "Try each lever (noted as a hint)")


def hints(live: LiveSession, phase: PracticePhase) -> None:
    """Show the hints that were taken, and offer the next one."""
    taken, ladder = live.state.hints_taken(phase.id), _ladder(live, phase)
    for hint in ladder[:taken]:
        st.info(plain(hint.question or hint.step or _pointer(live, phase, hint)))
    if taken < len(ladder):
        event = HintTaken(phase=phase.id, step=taken + 1)
        words = f"Take a hint ({taken} of {len(ladder)} taken)"
        st.button(words, type="tertiary", key="session:hint", on_click=take, args=(live, event))


def _pointer(live: LiveSession, phase: PracticePhase, hint: Hint) -> str:
    """Return where a panel is, and where to look in it; another phase is named where that phase alone shows it."""
    scenario, panel = live.scenario, hint.panel or ""
    elsewhere = [one.title for one in phases_of(scenario) if panel in one.panels]
    is_here = panel in phase.panels or panel == hero_of(scenario) or not elsewhere
    where = f"“{EXHIBITS[panel].label}”" + ("" if is_here else f" in the phase “{elsewhere[0]}”")
    return f"Panel {where}: {hint.text}" if hint.text else f"Look at the panel {where}."


def _ladder(live: LiveSession, phase: PracticePhase) -> list[Hint]:
    """Return the author's hints of a phase; without any, those that the run at hand gives on its first objective not met."""
    result = None if phase.hints else result_at_hand(live)
    if result is None or not result.reasons:
        return phase.hints
    place, reason = next(iter(result.reasons.items()))
    label = result.verdicts[place].objective.label
    step = reason.advice.sentence if live.state.hints_taken(phase.id) == len(_RUNGS) else "…"
    return [
        Hint(question=f"Which stage decides “{label}”?"),
        Hint(panel=reason.exhibit, text=f"Find the part that decides “{label}”."),
        Hint(step=step),
    ]


def _was_asked(live: LiveSession, tool: Tool) -> bool:
    design = live.state.design_at_hand(live.scenario)
    return any(
        isinstance(one.event, HelpAsked) and (one.event.tool, one.event.design) == (tool, design) for one in live.state.helps
    )


def _offer(live: LiveSession, tool: Tool, label: str) -> None:
    event = HelpAsked(tool=tool, design=live.state.design_at_hand(live.scenario))
    st.button(label, type="tertiary", key=f"session:{tool}", on_click=take, args=(live, event))
