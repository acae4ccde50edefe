"""Operations on a board: a model a kind, bounded and frozen; a whole drawing is never sent."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from simulator.case.fields import Name
from simulator.errors import InputError, shortened

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


class OperationError(InputError):
    """Data that is no operation, or an operation that makes no sense on the present board."""


class _Operation(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class AddBox(_Operation):
    """A box comes onto the board; box: its new name; preset: an entry of the palette, or "box:" and the name of one to copy."""

    op: Literal["add"]
    box: Name
    preset: Annotated[str, Field(pattern=r"^(preset|end|kind|box):[a-z][a-z0-9_]*$", max_length=80)]
    x: Place
    y: Place


class RestoreBox(_Operation):
    """A box that was removed comes back as it was, with the ways that led to it; removal: its name in the log."""

    op: Literal["restore"]
    box: Name


class RemoveBox(_Operation):
    """A box goes, and every way to it."""

    op: Literal["remove"]
    box: Name


class RenameBox(_Operation):
    """A box gets another label."""

    op: Literal["rename"]
    box: Name
    label: BoxText


class MoveBox(_Operation):
    """A box is put elsewhere on the canvas."""

    op: Literal["move"]
    box: Name
    x: Place
    y: Place


class SetField(_Operation):
    """A field of a box gets another value."""

    op: Literal["set"]
    box: Name
    field: FieldPlace
    value: BoxValue


class ConnectWay(_Operation):
    """A way out of a box leads to another box."""

    op: Literal["connect"]
    box: Name
    port: Port
    target: Name


class DisconnectWay(_Operation):
    """A way out of a box leads nowhere."""

    op: Literal["disconnect"]
    box: Name
    port: Port


class EnterAt(_Operation):
    """Requests enter at this box."""

    op: Literal["enter"]
    box: Name


class WriteNote(_Operation):
    """A note on the canvas is written, changed or moved."""

    op: Literal["note"]
    note: Name
    text: NoteText
    x: Place
    y: Place


class EraseNote(_Operation):
    """A note goes."""

    op: Literal["erase"]
    note: Name


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
