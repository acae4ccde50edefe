"""The candidate's page: brief, board, results, clock, the interviewer's words, a scratchpad, a way to ask; observers see it."""

from __future__ import annotations

import re
from collections.abc import Collection
from itertools import groupby

import streamlit as st

from simulator.app.widgets import plain, shortened, show_fault
from simulator.case.phases import phases_of
from simulator.case.schema import Scenario
from simulator.limits import SESSION_TEXT
from simulator.metrics.summary import judged
from simulator.phrases import phrase
from simulator.rooms.own_task import OWN_TASK
from simulator.rooms.room_at_hand import RoomAtHand
from simulator.rooms.room_events import BoundRevealed, MessageSent, QuestionAnswered, ScratchpadSaved, TaskSet
from simulator.rooms.room_view import autosave_text, board, follow_talk, panel, status_row, verdicts
from simulator.session.event_log import AnyEvent, LoggedEvent, UnknownEvent
from simulator.session.session_events import CurveballStruck, CurveballWithdrawn, HintTaken, QuestionAsked, hint_words

#: The most letters of a question.
_LETTERS = 400


def candidate_page(room: RoomAtHand) -> None:
    """Show the room to a candidate, or to an observer, who changes nothing."""
    other = task_of(room) and room.scenario.id != OWN_TASK
    st.title(plain("Interview" if other else room.scenario.title), anchor=False)
    status_row(room)
    follow_talk(room)
    with st.container():
        if room.state.ended_at is not None:
            st.info("The interview has ended. Thank you. The board stays here to look at.")
    with st.container():
        show_fault()
    left, right = st.columns([1, 2.4], gap="medium")
    with left:
        # Each part has a container, so that the next one keeps its place: a browser makes what moves anew, and forgets what
        # is typed there.
        with st.container():
            talk_panel(room)
        with st.container():
            _brief(room)
        _questions(room)
        if room.role == "candidate":
            _scratchpad(room)
    with right:
        board(room)
        panel(room)
    with st.bottom:
        verdicts(room)


def task_of(room: RoomAtHand) -> str:
    """Return the interviewer's own task; empty where the brief of the case is the task."""
    settings = room.state.room.settings
    return settings.task if settings is not None else ""


#: The height (px) of a brief with so many letters or more: the fields below it stay in view while it is read.
_BRIEF_PX, _LONG = 300, 500


def _brief(room: RoomAtHand) -> None:
    text = brief_of(room)
    with (
        st.expander("The brief", expanded=room.state.phase == phases_of(room.scenario)[0].id),
        st.container(height=_BRIEF_PX if len(text) >= _LONG else "content", border=False),
    ):
        st.markdown(text)


def brief_of(room: RoomAtHand) -> str:
    """Return what the candidate reads, as Markdown: the interviewer's task, or the brief of the case without hidden bounds."""
    task = task_of(room)
    return plain(task) if task else brief_before(room.scenario, room.state.room.bounds)


def _questions(room: RoomAtHand) -> None:
    st.subheader("Ask", anchor=False)
    with st.container():
        for question in room.state.questions:
            with st.container(border=True):
                answer = room.state.room.answers.get(question.place)
                st.markdown(f"**{plain(question.event.words or '')}** {'(answered above)' if answer else 'No answer yet.'}")
    if room.role == "candidate" and room.state.ended_at is None:
        with st.form("room:ask", clear_on_submit=True, border=False):  # its button counts once, however often the page is drawn
            st.text_input("Your question, or “may I assume …?”", key="room:question")
            st.form_submit_button("Ask", on_click=_ask, args=(room,))


def _ask(room: RoomAtHand) -> None:
    if words := str(st.session_state["room:question"]).strip():
        room.take(QuestionAsked(words=shortened(words, _LETTERS)))


def _scratchpad(room: RoomAtHand) -> None:
    autosave_text(
        f"scratchpad:{room.id}",
        "Your scratchpad, for you alone",
        lambda: room.fresh_state.room.scratchpad,
        lambda text: room.append(ScratchpadSaved(text=text)),
        SESSION_TEXT.most,
    )


#: The end of a sentence, with its emphasis.
_END = re.compile(r"(?<=[.!?])\s+|(?<=[.!?]\*\*)\s+")


def brief_before(scenario: Scenario, revealed: Collection[str]) -> str:
    """Return the brief without each sentence that states a bound which is not revealed, as the claims of the case say.

    revealed: the metrics of the objectives whose bound may be known
    """
    hidden = [claim.says for claim in scenario.claims if claim.objective is not None and claim.objective not in revealed]
    stated = [_bare(says) for says in hidden if _bare(says) in _bare(scenario.brief)]
    if not stated:
        return scenario.brief
    parts = (_END.split(part) for part in scenario.brief.split("\n\n"))
    paragraphs = [" ".join(text for text in part if not any(says in _bare(text) for says in stated)) for part in parts]
    labels = [objective.label for objective in scenario.objectives if objective.metric not in revealed]
    return "\n\n".join([*filter(None, paragraphs), phrase("rooms.bounds", objectives=labels)])


def _bare(text: str) -> str:
    """Return a text without emphasis and line breaks, in small letters."""
    return " ".join(text.replace("*", "").casefold().split())


#: The words that stand open; older ones open with a click.
_OPEN = 3


def talk_panel(room: RoomAtHand) -> None:
    """Show the interviewer's words, the latest first, so that they arrive in view."""
    talk = interviewer_talk(room)
    for recorded, words in talk[:_OPEN]:
        show = st.warning if isinstance(recorded.event, CurveballStruck) else st.info
        show(plain(words), icon=":material/chat:" if recorded is talk[0][0] else None)
    if earlier := talk[_OPEN:]:
        with st.expander(f"Earlier words of the interviewer: {len(earlier)}"):
            for _, words in earlier:
                st.markdown(plain(words))


def interviewer_talk(room: RoomAtHand) -> list[tuple[LoggedEvent, str]]:
    """Return each event in which the interviewer tells something, with its words; the latest first, bounds of one go as one."""
    own = (recorded for recorded in reversed(room.live.seen_events(room.role)) if recorded.role == "interviewer")
    talk = ((recorded, words) for recorded in own if (words := _told(room, recorded.event)))
    by_go = groupby(talk, lambda pair: BoundRevealed if isinstance(pair[0].event, BoundRevealed) else pair[0].place)
    groups = (list(group) for _, group in by_go)
    return [(group[0][0], " ".join(text for _, text in reversed(group))) for group in groups]


def _told(room: RoomAtHand, event: AnyEvent | UnknownEvent) -> str:
    """Return what an event of the interviewer tells the candidate; empty for one that tells nothing."""
    match event:
        case MessageSent():
            return event.text
        case QuestionAnswered():
            asked = next((question.event.words for question in room.state.questions if question.place == event.question), "")
            return f"{asked} {event.text}"
        case CurveballStruck() if ball := room.scenario.curveballs.get(event.curveball):
            return f"{ball.label}: {ball.note}." if ball.note else f"{ball.label}."
        case CurveballWithdrawn() if ball := room.scenario.curveballs.get(event.curveball):
            return f"{ball.label}: taken back."
        case HintTaken():
            hints = next((phase.hints for phase in phases_of(room.scenario) if phase.id == event.phase), [])
            return hint_words(hints[event.step - 1]) if event.step <= len(hints) else ""
        case BoundRevealed():
            shown = (verdict for verdict in judged(room.scenario, {}) if verdict.metric.name == event.metric)
            return next((f"{verdict.objective.label}: {verdict.requirement}." for verdict in shown), "")
        case TaskSet():
            parts = [
                "The task has changed: see the brief." if event.text is not None else "",
                "The numbers of the task have changed." if event.own is not None else "",
                f"The interview takes {event.minutes} minutes." if event.minutes is not None else "",
            ]
            return " ".join(filter(None, parts))
    return ""
