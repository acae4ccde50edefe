"""A board as a value: boxes with the data of stages and ends, notes, and the way that operations change them.

Every operation gives another board, or raises OperationError with a sentence. Operations that come in any order from several
browsers are applied in the order of the log, so that every browser ends with the same board.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from simulator.board import operations as ops
from simulator.board.operations import OperationError
from simulator.board.palette import fresh_box
from simulator.board.plain_box import box_kinds
from simulator.board.ports import port_of, with_target, without_target
from simulator.case.any_stage import targets_in
from simulator.case.choices import parts
from simulator.case.document import Path, written

#: The most boxes and notes on a board; a case holds no more stages.
MOST_BOXES, MOST_NOTES = 64, 60


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
        return _APPLY[type(operation)](self, operation, by)

    def ways_to(self, box: str) -> list[tuple[str, str]]:
        """Return every way to a box: the box that it leaves, and the port."""
        return [
            (name, ".".join(map(str, path)))
            for name, one in self.boxes.items()
            if not one.is_end
            for path, target in targets_in(one.data)
            if target == box
        ]

    def _box(self, name: str) -> Box:
        if name not in self.boxes:
            raise OperationError(f"The box “{name}” is not on the board any more.")
        return self.boxes[name]

    def box_or_removed(self, name: str) -> Box:
        """Return a box of the board, or the latest state of a removed one; raises OperationError for an unknown name."""
        return self.removed[name].box if name in self.removed and name not in self.boxes else self._box(name)

    def _with(self, name: str, box: Box, **others: Any) -> Board:
        return replace(self, boxes={**self.boxes, name: box}, **others)


def _add(board: Board, op: ops.AddBox, by: str) -> Board:
    if op.box in board.boxes:
        raise OperationError(f"There is a box “{op.box}” already.")
    if len(board.boxes) >= MOST_BOXES:
        raise OperationError(f"A board holds {MOST_BOXES} boxes at most.")
    source, _, name = op.preset.partition(":")
    if source == "kind":
        made = fresh_box(name)
        box = None if made is None else Box(made, op.x, op.y, is_end=name == "end")
    elif source == "box":
        box = _detached(board.box_or_removed(name), {})
    else:
        preset = board.presets.get(name)
        box = None if preset is None or preset.is_end != (source == "end") else preset
    if box is None:
        raise OperationError(f"The palette has no “{op.preset}”.")
    return board._with(op.box, _detached(replace(box, x=op.x, y=op.y), board.boxes))


def _detached(box: Box, there: Mapping[str, Box]) -> Box:
    """Return a box of the palette without ways to boxes that are not on the board."""
    data: Any = box.data
    for path, target in [] if box.is_end else list(targets_in(data))[::-1]:
        if target not in there:
            data = without_target(data, path)
    return replace(box, data=data)


def _remove(board: Board, op: ops.RemoveBox, by: str) -> Board:
    gone = board._box(op.box)
    ways = board.ways_to(op.box)
    boxes = {name: box for name, box in board.boxes.items() if name != op.box}
    for name, port in sorted(ways, key=_by_place, reverse=True):
        if name in boxes:
            boxes[name] = replace(boxes[name], data=without_target(boxes[name].data, parts(port)))
    removed = {**board.removed, op.box: Removed(gone, tuple(ways), board.start == op.box)}
    return replace(board, boxes=boxes, removed=removed, start="" if board.start == op.box else board.start)


def _by_place(way: tuple[str, str]) -> tuple[str, Path]:
    return way[0], parts(way[1])


def _restore(board: Board, op: ops.RestoreBox, by: str) -> Board:
    gone = board.removed.get(op.box)
    if gone is None or op.box in board.boxes:
        raise OperationError(f"The box “{op.box}” was not removed.")
    if len(board.boxes) >= MOST_BOXES:
        raise OperationError(f"A board holds {MOST_BOXES} boxes at most.")
    back = board._with(op.box, _detached(gone.box, {**board.boxes, op.box: gone.box}))
    for name, port in sorted(gone.ways, key=_by_place):
        if name in back.boxes and port_of(back.boxes[name].data, port) is not None:
            one = back.boxes[name]
            back = back._with(name, replace(one, data=with_target(one.data, parts(port), op.box)))
    return replace(back, start=op.box) if gone.started and not back.start else back


def _rename(board: Board, op: ops.RenameBox, by: str) -> Board:
    box = board._box(op.box)
    named = replace(box, data={**box.data, "label": op.label})
    return board._with(op.box, named, by={**board.by, (op.box, "label"): by})


def _move(board: Board, op: ops.MoveBox, by: str) -> Board:
    return board._with(op.box, replace(board._box(op.box), x=op.x, y=op.y))


def _set(board: Board, op: ops.SetField, by: str) -> Board:
    box = board._box(op.box)
    path = parts(op.field)
    if ":" in op.field or _is_fixed(box, path):
        raise OperationError(f"The field “{op.field}” cannot be set here.")
    try:
        data = written(box.data, path, op.value)
    except (LookupError, TypeError):
        raise OperationError(f"The box “{box.label}” has no field “{op.field}”.") from None
    return board._with(op.box, replace(box, data=data), by={**board.by, (op.box, op.field): by})


def _is_fixed(box: Box, path: Path) -> bool:
    """Return whether a field is none of those that are set at a box of this kind."""
    kind = box_kinds().get(box.kind)
    at_the_box = getattr(kind, "at_the_box", {}) if not box.is_end else {}
    return ".".join("*" if isinstance(part, int) else part for part in path) not in at_the_box


def _connect(board: Board, op: ops.ConnectWay, by: str) -> Board:
    box = board._box(op.box)
    board._box(op.target)
    if op.target == op.box:
        raise OperationError("A way leads to another box.")
    if box.is_end or port_of(box.data, op.port) is None:
        raise OperationError(f"“{box.label}” has no way out “{op.port}”.")
    return board._with(op.box, replace(box, data=with_target(box.data, parts(op.port), op.target)))


def _disconnect(board: Board, op: ops.DisconnectWay, by: str) -> Board:
    box = board._box(op.box)
    if box.is_end or not any(path == parts(op.port) for path, _ in targets_in(box.data)):
        raise OperationError(f"“{box.label}” has no way out “{op.port}” that leads anywhere.")
    return board._with(op.box, replace(box, data=without_target(box.data, parts(op.port))))


def _enter(board: Board, op: ops.EnterAt, by: str) -> Board:
    if board._box(op.box).is_end:
        raise OperationError("Requests enter at a stage, not at an end.")
    return replace(board, start=op.box)


def _note(board: Board, op: ops.WriteNote, by: str) -> Board:
    if op.note not in board.notes and len(board.notes) >= MOST_NOTES:
        raise OperationError(f"A board holds {MOST_NOTES} notes at most.")
    return replace(board, notes={**board.notes, op.note: Sticky(op.text, op.x, op.y)})


def _erase(board: Board, op: ops.EraseNote, by: str) -> Board:
    if op.note not in board.notes:
        raise OperationError("This note is not on the board any more.")
    return replace(board, notes={name: note for name, note in board.notes.items() if name != op.note})


_APPLY: dict[type, Callable[[Board, Any, str], Board]] = {
    ops.AddBox: _add,
    ops.RemoveBox: _remove,
    ops.RestoreBox: _restore,
    ops.RenameBox: _rename,
    ops.MoveBox: _move,
    ops.SetField: _set,
    ops.ConnectWay: _connect,
    ops.DisconnectWay: _disconnect,
    ops.EnterAt: _enter,
    ops.WriteNote: _note,
    ops.EraseNote: _erase,
}
