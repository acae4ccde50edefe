"""Operations on a board: a model a kind, bounded and frozen, with its effect and its words; a whole drawing is never sent."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Annotated, Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from simulator.board.board import MOST_BOXES, MOST_NOTES, Board, Box, OperationError, Removed, Sticky
from simulator.board.box_fields import pattern_of
from simulator.board.plain_box import box_kinds
from simulator.board.ports import port_of, with_target, without_target
from simulator.case.any_stage import targets_in
from simulator.case.choices import parts
from simulator.case.document import Path, written
from simulator.case.fields import Name
from simulator.case.schema import Scenario
from simulator.errors import shortened

#: Places on the canvas, in pixels at a zoom of one.
Place = Annotated[float, Field(ge=-100_000, le=100_000)]
BoxText = Annotated[str, Field(min_length=1, max_length=120)]
NoteText = Annotated[str, Field(min_length=1, max_length=1000)]
Port = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*(\.(\d{1,2}|[a-z][a-z0-9_]*)){0,4}$", max_length=120)]
FieldPlace = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*([.:][a-z0-9_]+){0,6}$", max_length=200)]
BoxValue = (
    Annotated[bool, Field(strict=True)]
    | Annotated[int, Field(strict=True, ge=-(10**15), le=10**15)]
    | Annotated[float, Field(strict=True, ge=-1e15, le=1e15)]
    | Annotated[str, Field(strict=True, max_length=200)]
    | None  # such as a queue without a limit
)


#: An end as it comes onto the board.
_END = {
    "label": "End",
    "escalated": False,
    "detected": {"value": 0, "assumed": "nothing is said of what ends here"},
    "usd": {"value": 0, "assumed": "no cost is named"},
}


#: The most operations of one message that are looked at, the letters of a tab's name, and the tabs that are remembered.
_MOST, _NAME, _TABS = 50, 40, 100


class _Operation(BaseModel):
    """Base of all operations; words: of the record, with the fields of the operation; empty for one that is not recorded."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    words: ClassVar[str] = ""

    def change(self, board: Board, by: str) -> Board:
        """Return the board after the operation of a role; raises OperationError where it makes no sense."""
        raise NotImplementedError

    def said(self, scenario: Scenario) -> str:
        """Return the operation in words, with the labels of the case."""
        labels = {name: scenario.label_of(name) for name in (*scenario.stages, *scenario.ends)}
        fields = {name: labels.get(value, value) if name in ("box", "target") else value for name, value in vars(self).items()}
        return self.words.format(**fields)


class AddBox(_Operation):
    """A box comes onto the board; box: its new name; preset: an entry of the palette, or "box:" and the name of one to copy."""

    words = "“{box}” is added"

    op: Literal["add"]
    box: Name
    preset: Annotated[str, Field(pattern=r"^(preset|end|kind|box):[a-z][a-z0-9_]*$", max_length=80)]
    x: Place
    y: Place

    def change(self, board: Board, by: str) -> Board:
        if self.box in board.boxes:
            raise OperationError(f"There is a box “{self.box}” already.")
        if len(board.boxes) >= MOST_BOXES:
            raise OperationError(f"A board holds {MOST_BOXES} boxes at most.")
        source, _, name = self.preset.partition(":")
        if source == "kind":
            made = fresh_box(name)
            box = None if made is None else Box(made, self.x, self.y, is_end=name == "end")
        elif source == "box":
            box = _detached(board.box_or_removed(name), {})
        else:
            preset = board.presets.get(name)
            box = None if preset is None or preset.is_end != (source == "end") else preset
        if box is None:
            raise OperationError(f"The palette has no “{self.preset}”.")
        return board.with_box(self.box, _detached(replace(box, x=self.x, y=self.y), board.boxes))


class RestoreBox(_Operation):
    """A box that was removed comes back as it was, with the ways that led to it; removal: its name in the log."""

    words = "“{box}” comes back"

    op: Literal["restore"]
    box: Name

    def change(self, board: Board, by: str) -> Board:
        gone = board.removed.get(self.box)
        if gone is None or self.box in board.boxes:
            raise OperationError(f"The box “{self.box}” was not removed.")
        if len(board.boxes) >= MOST_BOXES:
            raise OperationError(f"A board holds {MOST_BOXES} boxes at most.")
        back = board.with_box(self.box, _detached(gone.box, {**board.boxes, self.box: gone.box}))
        for name, port in sorted(gone.ways, key=_by_place):
            if name in back.boxes and port_of(back.boxes[name].data, port) is not None:
                source = back.boxes[name]
                back = back.with_box(name, replace(source, data=with_target(source.data, parts(port), self.box)))
        return replace(back, start=self.box) if gone.started and not back.start else back


class RemoveBox(_Operation):
    """A box goes, and every way to it."""

    words = "“{box}” is removed"

    op: Literal["remove"]
    box: Name

    def change(self, board: Board, by: str) -> Board:
        gone = board.box(self.box)
        ways = board.ways_to(self.box)
        boxes = {name: box for name, box in board.boxes.items() if name != self.box}
        for name, port in sorted(ways, key=_by_place, reverse=True):
            if name in boxes:
                boxes[name] = replace(boxes[name], data=without_target(boxes[name].data, parts(port)))
        removed = {**board.removed, self.box: Removed(gone, tuple(ways), board.start == self.box)}
        return replace(board, boxes=boxes, removed=removed, start="" if board.start == self.box else board.start)


class RenameBox(_Operation):
    """A box gets another label."""

    words = "“{box}” is renamed to “{label}”"

    op: Literal["rename"]
    box: Name
    label: BoxText

    def change(self, board: Board, by: str) -> Board:
        box = board.box(self.box)
        named = replace(box, data={**box.data, "label": self.label})
        return board.with_box(self.box, named, by={**board.by, (self.box, "label"): by})


class MoveBox(_Operation):
    """A box is put elsewhere on the canvas."""

    op: Literal["move"]
    box: Name
    x: Place
    y: Place

    def change(self, board: Board, by: str) -> Board:
        return board.with_box(self.box, replace(board.box(self.box), x=self.x, y=self.y))


class SetField(_Operation):
    """A field of a box gets another value."""

    words = "“{box}”: {field} is {value}"

    op: Literal["set"]
    box: Name
    field: FieldPlace
    value: BoxValue

    def change(self, board: Board, by: str) -> Board:
        box = board.box(self.box)
        path = parts(self.field)
        if ":" in self.field or _is_fixed(box, path):
            raise OperationError(f"The field “{self.field}” cannot be set here.")
        try:
            data = written(box.data, path, self.value)
        except (LookupError, TypeError):
            raise OperationError(f"The box “{box.label}” has no field “{self.field}”.") from None
        return board.with_box(self.box, replace(box, data=data), by={**board.by, (self.box, self.field): by})


class ConnectWay(_Operation):
    """A way out of a box leads to another box."""

    words = "“{box}” leads to “{target}” ({port})"

    op: Literal["connect"]
    box: Name
    port: Port
    target: Name

    def change(self, board: Board, by: str) -> Board:
        box = board.box(self.box)
        board.box(self.target)
        if self.target == self.box:
            raise OperationError("A way leads to another box.")
        if box.is_end or port_of(box.data, self.port) is None:
            raise OperationError(f"“{box.label}” has no way out “{self.port}”.")
        return board.with_box(self.box, replace(box, data=with_target(box.data, parts(self.port), self.target)))


class DisconnectWay(_Operation):
    """A way out of a box leads nowhere."""

    words = "“{box}” leads nowhere ({port})"

    op: Literal["disconnect"]
    box: Name
    port: Port

    def change(self, board: Board, by: str) -> Board:
        box = board.box(self.box)
        if box.is_end or not any(path == parts(self.port) for path, _ in targets_in(box.data)):
            raise OperationError(f"“{box.label}” has no way out “{self.port}” that leads anywhere.")
        return board.with_box(self.box, replace(box, data=without_target(box.data, parts(self.port))))


class EnterAt(_Operation):
    """Requests enter at this box."""

    words = "Requests enter at “{box}”"

    op: Literal["enter"]
    box: Name

    def change(self, board: Board, by: str) -> Board:
        if board.box(self.box).is_end:
            raise OperationError("Requests enter at a stage, not at an end.")
        return replace(board, start=self.box)


class WriteNote(_Operation):
    """A note on the canvas is written, changed or moved."""

    words = "A note: {text}"

    op: Literal["note"]
    note: Name
    text: NoteText
    x: Place
    y: Place

    def change(self, board: Board, by: str) -> Board:
        if self.note not in board.notes and len(board.notes) >= MOST_NOTES:
            raise OperationError(f"A board holds {MOST_NOTES} notes at most.")
        return replace(board, notes={**board.notes, self.note: Sticky(self.text, self.x, self.y)})


class EraseNote(_Operation):
    """A note goes."""

    words = "A note goes"

    op: Literal["erase"]
    note: Name

    def change(self, board: Board, by: str) -> Board:
        if self.note not in board.notes:
            raise OperationError("This note is not on the board any more.")
        return replace(board, notes={name: note for name, note in board.notes.items() if name != self.note})


def fresh_box(kind: str) -> Mapping[str, Any] | None:
    """Return the data of a new box of a kind of stage, or of an end, without ways out; None for an unknown kind."""
    if kind == "end":
        return _END
    model = box_kinds().get(kind)
    fresh = {} if model is None else model.fresh
    return {"kind": kind, **fresh} if fresh else None


def _detached(box: Box, there: Mapping[str, Box]) -> Box:
    """Return a box of the palette without ways to boxes that are not on the board."""
    data: Any = box.data
    for path, target in [] if box.is_end else list(targets_in(data))[::-1]:
        if target not in there:
            data = without_target(data, path)
    return replace(box, data=data)


def _by_place(way: tuple[str, str]) -> tuple[str, Path]:
    return way[0], parts(way[1])


def _is_fixed(box: Box, path: Path) -> bool:
    """Return whether a field is none of those that are set at a box of this kind."""
    at_the_box = getattr(box_kinds().get(box.kind), "at_the_box", {}) if not box.is_end else {}
    return pattern_of(path) not in at_the_box


Operation = Annotated[
    AddBox
    | RestoreBox
    | RemoveBox
    | RenameBox
    | MoveBox
    | SetField
    | ConnectWay
    | DisconnectWay
    | EnterAt
    | WriteNote
    | EraseNote,
    Field(discriminator="op"),
]
_ADAPTER: TypeAdapter[Any] = TypeAdapter(Operation)


def read_operation(data: Any) -> Any:
    """Return the operation that plain data describes; raises OperationError with a sentence for anything else."""
    try:
        return _ADAPTER.validate_python(data)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(str(part) for part in first["loc"][1:])
        raise OperationError(
            shortened(f"No operation of a board: {place}{': ' if place else ''}{first['msg']}", 300)
        ) from error
    except RecursionError as error:
        raise OperationError("No operation of a board: it is nested too deep") from error


def hear_operations(said: Any, taken: dict[str, int], take: Callable[[str, int, Any], None]) -> dict[str, Any]:
    """Take operations in their order; return the number up to which all are taken or refused, and the refusals.

    said: what a browser says: {"tab": its name, "operations": [{"number": 1, "op": {...}}, ...]}; anything else is ignored
    taken: the last number of each tab; it is changed
    take: takes an operation of a tab under its number; raises ValueError with a sentence to refuse it
    """
    message = said if isinstance(said, dict) else {}
    tab, listed = str(message.get("tab", ""))[:_NAME], message.get("operations")
    refused: dict[str, str] = {}
    last = taken.get(tab, 0)
    for numbered in listed[:_MOST] if isinstance(listed, list) else []:
        number = numbered.get("number") if isinstance(numbered, dict) else None
        if not isinstance(number, int) or isinstance(number, bool) or number <= last:
            continue
        try:
            take(tab, number, read_operation(numbered.get("op")))
        except ValidationError:
            refused[str(number)] = "This change cannot be read: its tab has no name of letters and digits."
        except ValueError as error:
            refused[str(number)] = str(error)
        last = number
    taken.pop(tab, None)
    taken[tab] = last  # the latest tab comes last
    while len(taken) > _TABS:  # a browser may name any number of tabs
        del taken[next(iter(taken))]
    return {"acknowledged": last, "refused": refused}
