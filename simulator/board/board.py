"""A board as a value: boxes with the data of stages and ends, and notes.

Every operation gives another board, or raises OperationError with a sentence. Operations that come in any order from several
browsers are applied in the order of the log, so that every browser ends with the same board.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from simulator.case.any_stage import targets_in
from simulator.errors import InputError

#: The most boxes and notes on a board; a case holds no more stages.
MOST_BOXES, MOST_NOTES = 64, 60


class OperationError(InputError):
    """Data that is no operation, or an operation that makes no sense on the present board."""


@dataclass(frozen=True)
class Box:
    """A stage or an end on the canvas; data: as an author writes it."""

    data: Mapping[str, Any]
    x: float
    y: float
    is_end: bool = False

    @property
    def label(self) -> str:
        return str(self.data.get("label", ""))

    @property
    def kind(self) -> str:
        return "end" if self.is_end else str(self.data.get("kind", ""))


@dataclass(frozen=True)
class Sticky:
    """A note on the canvas."""

    text: str
    x: float
    y: float


@dataclass(frozen=True)
class Removed:
    """A box that was removed, and the ways that led to it: box and port of each."""

    box: Box
    ways: tuple[tuple[str, str], ...]
    started: bool


@dataclass(frozen=True)
class Board:
    """A drawing.

    start: the box where requests enter, "" for none; boxes in the order of the case, new ones behind
    presets: boxes of the case, which the palette offers again; removed: the latest state of each box that went
    by: for each field that was set, the role that set it last; box and field
    """

    start: str
    boxes: Mapping[str, Box]
    presets: Mapping[str, Box]
    notes: Mapping[str, Sticky] = field(default_factory=dict)
    removed: Mapping[str, Removed] = field(default_factory=dict)
    by: Mapping[tuple[str, str], str] = field(default_factory=dict)

    def after(self, operation: Any, by: str = "") -> Board:
        """Return the board after an operation of a role; raises OperationError where it makes no sense."""
        after: Board = operation.change(self, by)
        return after

    def ways_to(self, box: str) -> list[tuple[str, str]]:
        """Return every way to a box: the box that it leaves, and the port."""
        return [
            (name, ".".join(map(str, path)))
            for name, source in self.boxes.items()
            if not source.is_end
            for path, target in targets_in(source.data)
            if target == box
        ]

    def box(self, name: str) -> Box:
        """Return a box of the board; raises OperationError where it is not there."""
        if name not in self.boxes:
            raise OperationError(f"The box “{name}” is not on the board any more.")
        return self.boxes[name]

    def box_or_removed(self, name: str) -> Box:
        """Return a box of the board, or the latest state of a removed one; raises OperationError for an unknown name."""
        return self.removed[name].box if name in self.removed and name not in self.boxes else self.box(name)

    def with_box(self, name: str, box: Box, **others: Any) -> Board:
        """Return the board with a box under a name, and with other fields changed."""
        return replace(self, boxes={**self.boxes, name: box}, **others)
