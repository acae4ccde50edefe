"""Help in a session: the hints of the author, and steps that the run bears out. Each is noted, and stands in the debrief."""

from __future__ import annotations

from functools import partial
from typing import Literal

import streamlit as st

from simulator.app.jobs import BESIDE, Job, registry
from simulator.app.live_session import LiveSession
from simulator.app.news import PROGRESS_S, Latest, follow
from simulator.app.studies import forget, keep, study_of
from simulator.app.turns import Submitter
from simulator.app.visitors import person
from simulator.app.widgets import plain
from simulator.case.exhibits import EXHIBITS
from simulator.case.phases import Hint, PracticePhase, hero_of, phases_of
from simulator.explain.advice import Advice
from simulator.panels.lever_panel import begin_levers, levers, levers_name
from simulator.practice.session_at_hand import job_at_hand, result_at_hand, take
from simulator.session.session_events import HelpAsked, HintTaken
from simulator.sweeps.levers import AdviceSearch
from simulator.units import counted

Tool = Literal["what_would_help", "each_lever"]


#: The key of the searches for help that were begun, with the design and the visit of a phase that they belong to.
_SEARCHES = "session:searches"


def end_earlier_help(live: LiveSession) -> None:
    """End the searches for help on another design, or in a phase that was left."""
    now = f"{live.state.design_at_hand(live.scenario)} {_visit(live)}"
    before, names = st.session_state.get(_SEARCHES, (now, []))
    if before != now:
        for name in names:
            forget(name)
        names = []
    st.session_state[_SEARCHES] = now, names


def reasons_panel(live: LiveSession, job: Job) -> None:
    """Say why each objective is not met, and what would help once the person has asked."""
    result = job.summary
    for place, sentence in result.shown_reasons.items():
        st.markdown(f"**{plain(result.verdicts[place].objective.label)}**: {plain(sentence)}")
    search = _advice_search(job) if _was_asked(live, "what_would_help") else None
    if search is not None and not search.cancelled:
        st.fragment(_advices)(job, search)
    elif result.reasons:
        _offer(live, job, "what_would_help", "What would help? (noted as a hint)")


def _advices(job: Job, search: AdviceSearch) -> None:
    """Show the advice for each objective as it comes, with the progress and a way to end it."""
    if search.running:
        with st.container(horizontal=True, vertical_alignment="center"):
            st.progress(search.share, f"{counted(search.settled, 'step')} tried, of {search.most} at most")
            if st.button("Cancel", key="session:cancel_help", type="tertiary"):
                search.cancel()
                st.rerun()
    for place, advice in _followed(search, "advice").items():
        label = job.summary.verdicts[place].objective.label
        st.info(f"**{plain(label)}**: {plain(advice.sentence)}")


def _followed(search: AdviceSearch, name: str) -> dict[int, Advice]:
    """Return the advices so far, and have the fragment drawn again with each step that was tried."""
    if not search.running:
        return search.advice_so_far()
    follow(name, lambda: Latest(f"{search.arrived} {search.cancelled}"), PROGRESS_S)
    found = search.advice_so_far()
    if not search.running:
        st.rerun()
    return found


def _advice_search(job: Job) -> AdviceSearch:
    """Return the search for the advice on a run; begun where there is none."""
    name = _advice_name(job)
    if study_of(name) is None:
        keep(name, AdviceSearch(job.summary, partial(registry().workers.submit, Submitter(person(), name, BESIDE))))
        _noted(name)
    search = study_of(name)
    assert isinstance(search, AdviceSearch)
    return search


def _advice_name(job: Job) -> str:
    return f"advice of {job.id}"


def _noted(name: str) -> None:
    """Remember a search that is to end with the phase."""
    st.session_state[_SEARCHES][1].append(name)


def levers_panel(live: LiveSession, job: Job) -> None:
    """Offer to try every choice one step either way."""
    if _was_asked(live, "each_lever"):
        levers(job)
    else:
        _offer(live, job, "each_lever", "Try each lever (noted as a hint)")


def hints(live: LiveSession, phase: PracticePhase) -> None:
    """Show the hints that were taken, and offer the next one."""
    taken, ladder = live.state.hints_taken(phase.id), _ladder(live, phase)
    for hint in ladder[:taken]:
        if hint is None:
            st.fragment(_worked_step)(job_at_hand(live))
        else:
            st.info(plain(hint.question or hint.step or _pointer(live, phase, hint)))
    if taken < len(ladder):
        event = HintTaken(phase=phase.id, step=taken + 1)
        words = f"Take a hint ({taken} of {len(ladder)} taken)"
        st.button(words, type="tertiary", key="session:hint", on_click=take, args=(live, event))


def _worked_step(job: Job) -> None:
    """Show the step that helps the first objective that is not met, once it has been tried."""
    advice = _followed(_advice_search(job), "worked step")
    place = next(iter(job.summary.reasons))
    if place in advice:
        st.info(plain(advice[place].sentence))
    else:
        st.progress(0.0, "Trying steps …")


def _pointer(live: LiveSession, phase: PracticePhase, hint: Hint) -> str:
    """Return where a panel is, and where to look in it; another phase is named where that phase alone shows it."""
    scenario, panel = live.scenario, hint.panel or ""
    elsewhere = [phase.title for phase in phases_of(scenario) if panel in phase.panels]
    is_here = panel in phase.panels or panel == hero_of(scenario) or not elsewhere
    where = f"“{EXHIBITS[panel].label}”" + ("" if is_here else f" in the phase “{elsewhere[0]}”")
    return f"Panel {where}: {hint.text}" if hint.text else f"Look at the panel {where}."


def _ladder(live: LiveSession, phase: PracticePhase) -> list[Hint | None]:
    """Return the author's hints of a phase; without any, those that the run at hand gives on its first objective not met.

    The last of these, a worked step, is None: it is searched for.
    """
    result = None if phase.hints else result_at_hand(live)
    if result is None or not result.reasons:
        return [*phase.hints]
    place, reason = next(iter(result.reasons.items()))
    label = result.verdicts[place].objective.label
    panel = Hint(panel=reason.exhibit, text=f"Find the part that decides “{label}”.")
    return [Hint(question=f"Which stage decides “{label}”?"), panel, None]


def _visit(live: LiveSession) -> int:
    """Return the place in the log at which the person came to this phase."""
    return live.state.visits[-1].place if live.state.visits else -1


def _was_asked(live: LiveSession, tool: Tool) -> bool:
    """Return whether help on the design at hand was asked for since the person came to this phase."""
    design = live.state.design_at_hand(live.scenario)
    later = [help.event for help in live.state.helps if help.place > _visit(live)]
    return any((event.tool, event.design) == (tool, design) for event in later)


def _offer(live: LiveSession, job: Job, tool: Tool, label: str) -> None:
    st.button(label, type="tertiary", key=f"session:{tool}", on_click=_ask, args=(live, job, tool))


def _ask(live: LiveSession, job: Job, tool: Tool) -> None:
    """Note that help was asked for, and begin to search."""
    take(live, HelpAsked(tool=tool, design=live.state.design_at_hand(live.scenario)))
    if tool == "each_lever":
        begin_levers(job)
        _noted(levers_name(job))
    else:
        forget(_advice_name(job))
        _advice_search(job)
