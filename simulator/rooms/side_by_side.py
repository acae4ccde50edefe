"""Interviews of one case and seed beside each other: the same rows for everybody, under a pseudonym, without a rank."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

import pandas as pd
import streamlit as st

from simulator.app.visitors import clock
from simulator.app.widgets import plain
from simulator.case.load import scenario_ids
from simulator.errors import InputError
from simulator.rooms.live_room import LiveRoom, live_room
from simulator.rooms.own_task import OWN_TASK
from simulator.rooms.room_events import CARD_SIGNALS
from simulator.rooms.room_record import LABELS
from simulator.rooms.room_session import RoomSession
from simulator.session.event_log import Session, design_hash
from simulator.session.session_record import change_words

#: The most interviews beside each other.
MOST = 8


def side_by_side(rooms: Sequence[Session]) -> None:
    """Offer the ended interviews of the same case and seed as a table."""
    groups: dict[tuple[str, str, int], list[Session]] = defaultdict(list)
    for head in rooms:
        if head.ended_at is not None and head.case in (*scenario_ids(), OWN_TASK):
            task = head.scenario_hash if head.case == OWN_TASK else ""
            groups[head.case, task, head.seed].append(head)
    for (case, task, seed), heads in groups.items():
        if len(heads) > 1:
            with st.expander(
                f"{len(heads)} interviews of {'a task of your own' if task else plain(case)} side by side",
                key=f"room:beside:{case}:{task}:{seed}",
                on_change="rerun",
            ) as drawer:
                if drawer.open:
                    _table(heads[-MOST:])


def _table(heads: Sequence[Session]) -> None:
    oldest = sorted(heads, key=lambda head: head.begun_at)
    try:
        columns = {f"Candidate {chr(65 + place)}": _column(live_room(head.id)) for place, head in enumerate(oldest)}
    except InputError as error:
        st.error(plain(str(error)))
        return
    st.dataframe(pd.DataFrame(columns))
    st.caption("; ".join(f"{name}: {clock(head.begun_at)}" for name, head in zip(columns, oldest, strict=True)))
    st.markdown(
        "CaseSim ranks no candidate. One interview measures a person poorly: scores of the same person vary widely from one "
        "interview to the next. Compare what each did at the same probe, and decide by the evidence."
    )


def _column(room: LiveRoom) -> dict[str, str]:
    """Return the rows of one interview, in the order of the table."""
    state, scenario = room.state_for("interviewer"), room.scenario
    return {
        "minutes worked": f"{sum(state.used_s.values()) / 60:.0f} of {state.session.minutes}",
        "questions asked": str(len(state.questions)),
        "hints pushed": str(len(state.hints)),
        "changes of the board": str(len(state.operations)),
        "designs run": str(len({design_hash(run.asked.picks, {}, run.asked.drawing) for run in state.runs})),
        "last verdicts": (state.last_run.verdict_counts if state.last_run else "") or "no run",
        "design": change_words(scenario, scenario.defaults(), state.picks(scenario)) or "as in the case",
        **{f"marks: {LABELS[signal]}": _marks(state, signal) for signal in CARD_SIGNALS},
    }


def _marks(state: RoomSession, signal: str) -> str:
    signs = [tag.event.plus for tag in state.room.tags if tag.event.signal == signal]
    return f"+{sum(signs)} −{len(signs) - sum(signs)}" if signs else ""
