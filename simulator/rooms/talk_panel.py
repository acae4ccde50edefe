"""The interviewer's words on the candidate's page: messages, answers, hints, bounds, curveballs, changes of the task."""

from __future__ import annotations

from collections.abc import Callable
from itertools import groupby
from typing import Any

import streamlit as st

from simulator.app.widgets import plain
from simulator.case.phases import phases_of
from simulator.metrics.summary import judged
from simulator.rooms.room_at_hand import RoomAtHand
from simulator.rooms.room_events import BoundRevealed, MessageSent, QuestionAnswered, TaskSet
from simulator.session.event_log import LoggedEvent
from simulator.session.session_events import CurveballStruck, CurveballWithdrawn, HintTaken

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
    worded = ((recorded, words(room, recorded.event)) for recorded in own if (words := _WORDS.get(type(recorded.event))))
    talk = ((recorded, text) for recorded, text in worded if text)
    groups = (list(group) for _, group in groupby(talk, _one_go))
    return [(group[0][0], " ".join(text for _, text in reversed(group))) for group in groups]


def _one_go(talk: tuple[LoggedEvent, str]) -> object:
    recorded, _ = talk
    return BoundRevealed if isinstance(recorded.event, BoundRevealed) else recorded.place


def _struck(room: RoomAtHand, event: CurveballStruck) -> str:
    ball = room.scenario.curveballs.get(event.curveball)
    return "" if ball is None else f"{ball.label}: {ball.note}." if ball.note else f"{ball.label}."


def _withdrawn(room: RoomAtHand, event: CurveballWithdrawn) -> str:
    ball = room.scenario.curveballs.get(event.curveball)
    return f"{ball.label}: taken back." if ball else ""


def _hint(room: RoomAtHand, event: HintTaken) -> str:
    hints = next((phase.hints for phase in phases_of(room.scenario) if phase.id == event.phase), [])
    if event.step > len(hints):
        return ""
    hint = hints[event.step - 1]
    return hint.question or hint.step or f"{hint.text or 'Look'} (panel {hint.panel})"


def _bound(room: RoomAtHand, event: BoundRevealed) -> str:
    shown = (verdict for verdict in judged(room.scenario, {}) if verdict.metric.name == event.metric)
    return next((f"{verdict.objective.label}: {verdict.requirement}." for verdict in shown), "")


def _answer(room: RoomAtHand, event: QuestionAnswered) -> str:
    asked = next((question.event.words for question in room.state.questions if question.place == event.question), "")
    return f"{asked} {event.text}"


def _task(room: RoomAtHand, event: TaskSet) -> str:
    parts = [
        "The task has changed: see the brief." if event.text is not None else "",
        "The numbers of the task have changed." if event.own is not None else "",
        f"The interview takes {event.minutes} minutes." if event.minutes is not None else "",
    ]
    return " ".join(filter(None, parts))


_WORDS: dict[type, Callable[[RoomAtHand, Any], str]] = {
    MessageSent: lambda room, event: event.text,
    QuestionAnswered: _answer,
    CurveballStruck: _struck,
    CurveballWithdrawn: _withdrawn,
    HintTaken: _hint,
    BoundRevealed: _bound,
    TaskSet: _task,
}
