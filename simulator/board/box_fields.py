"""The few fields that are set at a box: the choices of the case that write to it alone, then those of its kind."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from simulator.board.board import Board, Box
from simulator.board.plain_box import box_kinds
from simulator.case.choices import Number, Options, Pick, parts
from simulator.case.document import Path
from simulator.case.schema import Scenario
from simulator.evidence.spelled_names import spelled

#: Before the name of a choice, as a field of a box.
CHOICE = "choice:"


@dataclass(frozen=True)
class BoxField:
    """A field at a box; name: as an operation names it; by: the role that set it last, "" for nobody.

    type: "number", "choice" or "text"; options: values with their labels; min, max, step: of a number, None where free
    """

    name: str
    label: str
    type: str
    value: Any
    options: tuple[tuple[Any, str], ...] = ()
    min: float | None = None
    max: float | None = None
    step: float | None = None
    unit: str = ""
    by: str = ""

    def payload(self) -> dict[str, Any]:
        """Return the field as the browser's component reads it."""
        return {name: part for name, part in vars(self).items() if name not in ("min", "max", "step") or part is not None}


def field_label(board: Board, name: str, place: str) -> str:
    """Return the words of a field at a box, by its place in the stage; empty for a place that is not set at the box."""
    kind = box_kinds().get(board.boxes[name].kind)
    return (kind.at_the_box if kind else {}).get(place, "")


def box_of_choice(scenario: Scenario, name: str) -> str:
    """Return the box at which a choice is set: the one stage that it writes to, "" for a choice of several or of none."""
    boxes = {path[1] if path[0] == "stages" else "" for path in _writes(scenario)[name]}
    return str(boxes.pop()) if len(boxes) == 1 else ""


@lru_cache(maxsize=64)
def _writes(scenario: Scenario) -> dict[str, frozenset[Path]]:
    """Return the paths that each choice of a case writes to."""
    return {
        name: frozenset(path for pick in choice.extremes() for path in choice.changes(pick))
        for name, choice in scenario.choices.items()
    }


def choices_at(scenario: Scenario, box: str, field: str) -> list[str]:
    """Return the choices that write to a field of a box, to a part of it or to what holds it; `choice:` names one itself."""
    if field.startswith(CHOICE):
        return [field.removeprefix(CHOICE)]
    places = [(section, box, *parts(field)) for section in ("stages", "ends")]
    return [
        name
        for name, paths in _writes(scenario).items()
        if any(_overlap(place, path) for place in places for path in paths if len(path) > 1)
    ]


def _overlap(path: Path, other: Path) -> bool:
    """Return whether one of two places holds the other."""
    return all(left == right for left, right in zip(path, other, strict=False))


def fields_of(
    board: Board, name: str, scenario: Scenario, picks: Mapping[str, Pick], by: Mapping[str, str] = {}
) -> list[BoxField]:
    """Return the fields of a box. scenario: the drawn case, or the case itself while the drawing does not compile.

    by: the role that made each pick last, by choice
    """
    box = board.boxes[name]
    own = [choice for choice in scenario.choices if box_of_choice(scenario, choice) == name]
    ruled = {path[2:] for choice in scenario.choices for path in _writes(scenario)[choice] if path[:2] == ("stages", name)}
    free = [] if box.is_end else [*_free(board, name, box, ruled, scenario)]
    return [*(_of_choice(scenario, choice, picks, by.get(choice, "")) for choice in own if choice in picks), *free]


def settings_of(box: Box, name: str, scenario: Scenario, picks: Mapping[str, Pick]) -> dict[str, Any]:
    """Return the values that choices write to the fields of a box; no choice rules a copy of it, so the copy takes them."""
    shown = kind.at_the_box if (kind := box_kinds().get(box.kind)) else {}
    written = [scenario.choices[choice].changes(pick) for choice, pick in picks.items() if choice in scenario.choices]
    return {
        ".".join(map(str, path[2:])): value
        for changes in written
        for path, (value, _) in changes.items()
        if path[:2] == ("stages", name) and pattern_of(path[2:]) in shown
    }


def pattern_of(path: Path) -> str:
    """Return the place of a field in a stage with `*` for each index, as `at_the_box` names it."""
    return ".".join("*" if isinstance(part, int) else part for part in path)


def _of_choice(scenario: Scenario, name: str, picks: Mapping[str, Pick], by: str) -> BoxField:
    choice, field = scenario.choices[name], f"{CHOICE}{name}"
    value = choice.read(picks[name])
    if isinstance(choice, Options):
        options = tuple((key, option.label) for key, option in choice.options.items())
        return BoxField(field, choice.label, "choice", value, options, by=by)
    return _number(choice, field, value, by)


def _number(choice: Number, field: str, value: Any, by: str) -> BoxField:
    if choice.values is not None:
        return BoxField(
            field, choice.label, "choice", value, tuple((pick, choice.label_of(pick)) for pick in choice.picks()), by=by
        )
    return BoxField(field, choice.label, "number", value, (), choice.min, choice.max, choice.step, choice.unit, by)


def _free(board: Board, name: str, box: Box, ruled: set[Path], scenario: Scenario) -> Iterator[BoxField]:
    kind = box_kinds().get(box.kind)
    for place, label in (kind.at_the_box if kind else {}).items():
        for path, value in _found(box.data, place.split("."), ()):
            if path in ruled:
                continue
            field = ".".join(map(str, path))
            options = tuple((option, spelled(option)) for option in kind.box_options(place, box.data)) if kind else ()
            numbered = f"{label} {path[1] + 1}" if len(path) > 1 and isinstance(path[1], int) and path[1] else label
            type_ = "choice" if options else "number" if isinstance(value, int | float | None) else "text"
            known = (
                options
                if not options or any(value == one for one, _ in options)
                else ((value, _spelled(scenario, value)), *options)
            )
            yield BoxField(
                field, numbered, type_, value, known, min=0 if type_ == "number" else None, by=board.by.get((name, field), "")
            )


def _spelled(scenario: Scenario, value: Any) -> str:
    own = scenario.hardware.get(str(value))
    return own.label if own is not None else spelled(str(value))


def _found(data: Any, place: list[str], at: Path) -> Iterator[tuple[Path, Any]]:
    """Yield the places in a stage's data that a pattern names, with their values."""
    if not place:
        yield at, data
    elif place[0] == "*" and isinstance(data, list):
        for index, entry in enumerate(data):
            yield from _found(entry, place[1:], (*at, index))
    elif isinstance(data, Mapping) and place[0] in data:
        yield from _found(data[place[0]], place[1:], (*at, place[0]))
