"""The accessible twin of the board: a table of the ways, which can be edited."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import chain, count
from secrets import token_urlsafe

import pandas as pd
import streamlit as st

from simulator.board import operations as ops
from simulator.board.board import Board
from simulator.board.board_content import kind_words
from simulator.board.ports import ways_out
from simulator.rooms.room_at_hand import RoomAtHand
from simulator.rooms.room_events import BoardChanged

#: The word for a way that leads nowhere.
_NOWHERE = "nowhere"


def board_table(room: RoomAtHand) -> None:
    """Show where each box leads, as a table; another target in a cell is a change of the board."""
    with st.expander("The board as a table", key="room:table", on_change="rerun") as drawer:
        if drawer.open:
            _table(room)


@st.fragment
def _table(room: RoomAtHand) -> None:
    board = room.state.board(room.scenario)
    rows, labels = ways_table(board), distinct_labels(board)
    editable = room.role in ("candidate", "interviewer") and (room.leads or not room.state.room.locked)
    st.data_editor(
        rows.drop(columns=["box", "port"]),
        key=f"room:ways:{room.state.place}",
        hide_index=True,
        disabled=True if not editable else ["stage", "kind", "way"],
        column_config={
            "leads to": st.column_config.SelectboxColumn("leads to", options=[_NOWHERE, *labels.values()], required=True)
        },
        on_change=_edited,
        args=(room, rows, {label: name for name, label in labels.items()}, f"room:ways:{room.state.place}"),
    )


def distinct_labels(board: Board) -> dict[str, str]:
    """Return a label for each box that no other box has: the second “Pool” is “Pool (2)”."""
    labels: dict[str, str] = {}
    for name, box in board.boxes.items():
        numbered = (f"{box.label} ({number})" for number in count(2))
        taken = {_NOWHERE, *labels.values()}
        labels[name] = next(label for label in chain([box.label], numbered) if label not in taken)
    return labels


def ways_table(board: Board) -> pd.DataFrame:
    """Return the ways out of each box: the stage, its kind, the way and the box that it leads to."""
    labels = distinct_labels(board)
    rows = [
        {
            "box": name,
            "port": way.port,
            "stage": labels[name],
            "kind": kind_words(box),
            "way": way.label,
            "leads to": labels.get(way.target, _NOWHERE),
        }
        for name, box in board.boxes.items()
        if not box.is_end
        for way in ways_out(box.data)
    ]
    return pd.DataFrame(rows, columns=["box", "port", "stage", "kind", "way", "leads to"])


def _edited(room: RoomAtHand, rows: pd.DataFrame, boxes: Mapping[str, str], key: str) -> None:
    """Take each edited cell as an operation; a callback. boxes: the name of each box by its label in the table."""
    for row, cells in st.session_state[key]["edited_rows"].items():
        box, port = str(rows.at[int(row), "box"]), str(rows.at[int(row), "port"])
        target = str(cells.get("leads to", _NOWHERE))
        if target == _NOWHERE:
            operation: ops.ConnectWay | ops.DisconnectWay = ops.DisconnectWay(op="disconnect", box=box, port=port)
        else:
            operation = ops.ConnectWay(op="connect", box=box, port=port, target=boxes[target])
        number = int(st.session_state.get("room:typed", 0)) + 1
        st.session_state["room:typed"] = number
        room.take(BoardChanged(operation=operation, browser=_browser(), number=number))


def _browser() -> str:
    """Return a name of this tab's table, for the numbers of its operations."""
    return str(st.session_state.setdefault("room:table:browser", token_urlsafe(12)))
