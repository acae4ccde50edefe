"""The palette: the boxes of the case as presets, and a fresh box of each kind of stage."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from simulator.board.plain_box import box_kinds

if TYPE_CHECKING:
    from simulator.board.board import Board

#: An end as it comes onto the board.
_END = {
    "label": "End",
    "escalated": False,
    "detected": {"value": 0, "assumed": "nothing is said of what ends here"},
    "usd": {"value": 0, "assumed": "no cost is named"},
}


class Entry(NamedTuple):
    """An entry of the palette; name: as an operation names it."""

    name: str
    label: str
    group: str


def fresh_box(kind: str) -> Mapping[str, Any] | None:
    """Return the data of a new box of a kind of stage, or of an end, without ways out; None for an unknown kind."""
    if kind == "end":
        return _END
    model = box_kinds().get(kind)
    fresh = {} if model is None else model.fresh
    return {"kind": kind, **fresh} if fresh else None


def entries(board: Board) -> list[Entry]:
    """Return the boxes of the case, then the kinds of stages and an end."""
    of_case = [
        Entry(f"{'end' if box.is_end else 'preset'}:{name}", box.label, "This task") for name, box in board.presets.items()
    ]
    names = {entry.label for entry in of_case}
    fresh = {kind: str(model.fresh["label"]) for kind, model in box_kinds().items() if model.fresh}
    kinds = [Entry(f"kind:{kind}", label, "Kinds") for kind, label in fresh.items() if label not in names]
    return [*of_case, *kinds, Entry("kind:end", "End", "Kinds")]
