"""The phases of a session: their row with the clock, and the panel of each, from framing to defence."""

from __future__ import annotations

from time import time
from typing import Any

import streamlit as st

from simulator.app.component_files import component_beside
from simulator.app.design_state import widget_value
from simulator.app.exhibit_drawings import drawings
from simulator.app.live_session import LiveSession
from simulator.app.news import Latest, follow
from simulator.app.widgets import plain, say, shortened
from simulator.case.document import ScenarioError
from simulator.case.exhibits import EXHIBITS
from simulator.case.phases import PracticePhase, defence_of, hero_of, phases_of
from simulator.explain.result import Result
from simulator.metrics.summary import judged
from simulator.panels.choice_widget import choice_widget
from simulator.panels.day_panel import over_time
from simulator.panels.verdict_bar import bar, bar_content
from simulator.practice.exhibit_panels import hero
from simulator.practice.help_panel import levers_panel, reasons_panel
from simulator.practice.prediction_panel import last_verdicts, prediction_form, reveal, runs_so_far
from simulator.practice.session_at_hand import job_at_hand, note_result, plan_at_hand, take, was_asked
from simulator.session import session_events
from simulator.session.question_match import matched
from simulator.session.session_state import left_s, phase_times

_clock = component_beside(__file__, "session_clock")


def phase_row(live: LiveSession) -> PracticePhase:
    """Show the clock and the phases; return the phase of now."""
    phases = phases_of(live.scenario, live.state.session.minutes)
    times = {phase_time.id: phase_time for phase_time in phase_times(live.scenario, live.state, time())}
    now = next((phase for phase in phases if times[phase.id].present), phases[0])
    head, clock = live.state.session, times[now.id]
    data = {"minutes": head.minutes, "left_s": left_s(live.state, time()), "nudges": head.nudges, "stands": live.state.stands}
    _clock(key="session:clock", data=data | {"title": clock.title, "used_s": clock.used_s, "planned_s": clock.planned_s})
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        for phase in phases:
            label = f"{plain(phase.title)}, {times[phase.id].used_s / 60:.0f} of {phase.minutes:g} min"
            kind: Any = "primary" if phase is now else "secondary"
            st.button(label, type=kind, key=f"session:phase:{phase.id}", on_click=_go_to, args=(live, phase.id))
        with st.popover("End the session", type="tertiary"):
            st.markdown("The debrief begins, and the session cannot go on after it.")
            st.button(
                "End it and see the debrief", key="session:end", on_click=take, args=(live, session_events.SessionEnded())
            )
    return now


def _go_to(live: LiveSession, phase: str) -> None:
    if phase != live.state.phase:
        take(live, session_events.PhaseBegun(phase=phase))


def next_phase(live: LiveSession, phase: PracticePhase) -> None:
    """Offer the way on at the end of the page: the next phase, and after the last one the end."""
    phases = phases_of(live.scenario)
    place = next(index for index, following in enumerate(phases) if following.id == phase.id)
    for following in phases[place + 1 : place + 2]:
        st.button(f"Go on to “{plain(following.title)}”", key="session:next", on_click=_go_to, args=(live, following.id))
    if phase.id == phases[-1].id:
        st.button(
            "Finish and see the debrief",
            type="primary",
            key="session:finish",
            on_click=take,
            args=(live, session_events.SessionEnded()),
        )


#: The most objectives that a person may state.
_RANKS = 5

#: The reply to a question in own words that no question of the case is like.
_UNANSWERED = "The case has no answer to this. Write down what you assume."

#: The key of typed words that wait for the person: they may mean several questions, or none.
_DOUBTFUL = "session:doubtful"

#: The most letters of a question or an assumption in a person's own words.
_LETTERS = 400

#: The most letters of an objective.
_OBJECTIVE = 300


def frame_panel(live: LiveSession) -> None:
    """Show the brief beside the questions and the assumptions."""
    left, right = st.columns(2, gap="large")
    with left:
        st.markdown(live.scenario.brief)
    with right:
        _questions(live)
        _assumptions(live)
        _objectives(live)


def _questions(live: LiveSession) -> None:
    st.header("Ask", anchor=False)
    with st.form("session:asking", clear_on_submit=True, border=False):
        st.text_input("Your question", placeholder="In your own words", key="session:question")
        st.form_submit_button("Ask", key="session:ask", on_click=_ask, args=(live,))
    if _DOUBTFUL in st.session_state:
        _offer(live, st.session_state[_DOUBTFUL])
    for index, answer in reversed(live.state.answers(live.scenario).items()):  # the latest stands below the field
        with st.container(border=True):
            st.markdown(f"**{plain(live.scenario.questions[index].ask)}**")
            st.markdown(plain(answer))
            if not live.state.has_pinned(index):
                event = session_events.AssumptionPinned(question=index)
                st.button("Pin as an assumption", key=f"session:pin:{index}", on_click=take, args=(live, event))

    for question in live.state.questions:
        if question.event.question is None:
            with st.container(border=True):
                st.markdown(f"**{plain(question.event.words or '')}**")
                st.markdown(_UNANSWERED)


def _ask(live: LiveSession) -> None:
    """Ask the question that is meant by the typed words; where that is in doubt, keep them for the person to decide."""
    words = shortened(str(st.session_state["session:question"]).strip(), _LETTERS)
    st.session_state.pop(_DOUBTFUL, None)
    match = matched(live.scenario.questions, words)
    if not words:
        say("Type a question first.")
    elif match.clear:
        take(live, session_events.QuestionAsked(question=match.questions[0], words=words))
    else:
        st.session_state[_DOUBTFUL] = words


def _offer(live: LiveSession, words: str) -> None:
    """Offer the questions that typed words may mean, to ask them as they are, and to take them back."""
    offered = matched(live.scenario.questions, words).questions
    with st.container(border=True):
        asks = "Do you mean one of these?" if offered else "No question of the case is like this one."
        st.markdown(f"“{plain(words)}”: {asks}")
        for index in offered:
            event = session_events.QuestionAsked(question=index, words=words)
            label = plain(live.scenario.questions[index].ask)
            st.button(label, key=f"session:mean:{index}", on_click=_decide, args=(live, event))
        with st.container(horizontal=True):
            own = session_events.QuestionAsked(words=words)
            st.button("Ask it as it is", type="tertiary", key="session:own", on_click=_decide, args=(live, own))
            st.button("Take it back", type="tertiary", key="session:take_back", on_click=_decide, args=(live,))


def _decide(live: LiveSession, *asked: session_events.QuestionAsked) -> None:
    """Ask a question in place of the typed words, or none: then nothing is noted."""
    st.session_state.pop(_DOUBTFUL, None)
    take(live, *asked)


def _assumptions(live: LiveSession) -> None:
    st.header("Assume", anchor=False)
    for assumption in live.state.standing_assumptions:
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(f"- {plain(assumption.event.details(live.scenario, live.state))}")
            event = session_events.AssumptionRemoved(assumption=assumption.place)
            st.button("Remove", type="tertiary", key=f"session:unpin:{assumption.place}", on_click=take, args=(live, event))
    st.text_input("An assumption of your own", key="session:assumption", on_change=_assume, args=(live,))


def _assume(live: LiveSession) -> None:
    words = str(st.session_state["session:assumption"]).strip()
    st.session_state["session:assumption"] = ""
    if words:
        take(live, session_events.AssumptionWritten(text=shortened(words, _LETTERS)))


def _objectives(live: LiveSession) -> None:
    st.header("Objectives, the most important first", anchor=False)
    stated = "\n".join(objective.words for objective in live.state.objectives)
    st.session_state.setdefault("session:objectives", stated)
    st.text_area("One in a line, in your own words", key="session:objectives")
    st.button("Keep this order", key="session:rank", on_click=_rank, args=(live,))
    if live.state.objectives:
        st.markdown("The case asks for:")
        st.markdown("\n".join(f"- {plain(verdict.statement)}" for verdict in judged(live.scenario, {})))


def _rank(live: LiveSession) -> None:
    lines = [line.strip() for line in str(st.session_state["session:objectives"]).splitlines() if line.strip()]
    if not lines:
        say("Write at least one objective, then keep the order.")
        return
    if len(lines) > _RANKS:
        say(f"Only the first {_RANKS} objectives are kept.")
    ranked = tuple(session_events.RankedObjective(words=shortened(line, _OBJECTIVE)) for line in lines[:_RANKS])
    st.session_state["session:objectives"] = "\n".join(objective.words for objective in ranked)
    take(live, session_events.ObjectivesRanked(objectives=ranked))


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
        take(live, session_events.PickChanged(choice=name, before=before, after=after))


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
    event = session_events.CurveballStruck(curveball=name, at_s=ball.usual_time(live.scenario))
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
        take(live, *(session_events.PanelOpened(panel=panel) for panel in panels))
    st.session_state[key] = is_open


#: The most letters of an answer.
_ANSWER_LETTERS = 4000


def defence_panel(live: LiveSession) -> None:
    """Show the verdicts and the runs to defend, and ask each prompt, with a field to answer in."""
    _run_under_way(live)
    last_verdicts(live)
    runs_so_far(live)
    st.markdown("Answer in writing, or aloud and tick the box. Your words are kept as they are, and no program grades them.")
    for place, prompt in enumerate(defence_of(live.scenario)):
        kept = live.state.defences.get(place)
        text, ticked = (kept.event.text, kept.event.ticked) if kept else ("", False)
        with st.form(f"session:defence:{place}", border=True):
            st.markdown(f"**{plain(prompt)}**")
            st.text_area("Your answer", text, key=f"session:answer:{place}", label_visibility="collapsed")
            st.checkbox("I said it aloud", ticked, key=f"session:aloud:{place}")
            st.form_submit_button("Keep", on_click=_answer, args=(live, place))
            if text or ticked:
                st.caption("Your answer is kept. A change is kept when you press the button again.")


@st.fragment
def _run_under_way(live: LiveSession) -> None:
    """Follow a run that was asked for in an earlier phase, and note its result: the design is defended with it."""
    if not was_asked(live) or live.state.revealed(live.state.design_at_hand(live.scenario)):
        return
    job = job_at_hand(live)
    if job.running:
        follow("session run", lambda: Latest(f"{job.ready} {job.running}"))
        st.progress(job.share, "Your design runs …")
    elif job.succeeded:
        note_result(live, job)
        st.rerun()


def _answer(live: LiveSession, place: int) -> None:
    text, ticked = str(st.session_state[f"session:answer:{place}"]), bool(st.session_state[f"session:aloud:{place}"])
    if not text.strip() and not ticked:
        say("Write an answer, or tick that you said it aloud.")
    else:
        take(live, session_events.DefenceAnswered(prompt=place, text=shortened(text, _ANSWER_LETTERS), ticked=ticked))
