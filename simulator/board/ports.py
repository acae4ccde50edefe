"""The ways out of a box: the fields of a stage that name a target, whether they lead anywhere or not."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from simulator.board.plain_box import box_kinds
from simulator.case.any_stage import AnyStage, is_fallback, is_target
from simulator.case.document import Path, written
from simulator.case.scenario_parts import QUALITY

#: Words for a way out by the name of its field; other fields are read as they are written.
_WORDS = {
    "to": "then",
    "positive_to": "if positive",
    "negative_to": "if negative",
    "hit_to": "if it is held",
    "miss_to": "if it is not held",
    "on_full": "if the queue is full",
    "on_timeout": "after too long a wait",
    "on_failure": "if a server fails",
    "on_replaced": "if a newer one replaces it",
    "on_exhausted": "after the last try",
    "on_give_up": "if the person gives up",
    "on_incomplete": "if an input is missing",
    "rest_to": "the other frames",
}


class Way(NamedTuple):
    """A way out of a box.

    port: the place of the field in the stage, joined by dots; target: "" where it leads nowhere
    needed: whether the stage cannot do without it
    """

    port: str
    label: str
    target: str
    needed: bool
    fallback: bool


def ways_out(stage: Mapping[str, Any]) -> list[Way]:
    """Return the ways out of a stage's data, those that lead nowhere too; none for an unknown kind."""
    kind = box_kinds().get(str(stage.get("kind")))
    return [] if kind is None else [*_ways(kind, stage, ())]


def port_of(stage: Mapping[str, Any], port: str) -> Way | None:
    return next((way for way in ways_out(stage) if way.port == port), None)


def _ways(model: type[BaseModel], data: Mapping[str, Any], at: Path) -> Iterator[Way]:
    for name, field in model.model_fields.items():
        value, path = data.get(name), (*at, name)
        if is_target(name):
            if get_origin(field.annotation) is list:
                yield from _several(value if isinstance(value, list) else [], path)
            else:
                yield _way(path, value, field.is_required(), _label(name, data))
        elif isinstance(value, list) and (entry := _entry_model(field)) is not None:
            for index, entry_data in enumerate(value):
                if isinstance(entry_data, dict):
                    yield from _ways(entry, {"by": data.get("by"), **entry_data}, (*path, index))


def _several(targets: list[Any], path: Path) -> Iterator[Way]:
    """Yield the ways of a list of targets, and one more that is free."""
    for index, target in enumerate(targets):
        yield _way((*path, index), target, needed=True, label=f"branch {index + 1}")
    yield _way((*path, len(targets)), "", needed=len(targets) < 2, label=f"branch {len(targets) + 1}")


def _way(path: Path, target: Any, needed: bool, label: str) -> Way:
    return Way(".".join(map(str, path)), label, target if isinstance(target, str) else "", needed, is_fallback(path))


def _label(name: str, data: Mapping[str, Any]) -> str:
    if name != "to" or isinstance(data.get("kind"), str):
        return _WORDS.get(name, name.removeprefix("on_").replace("_", " "))
    if data.get("tag"):
        return str(data["tag"])
    whom, others = ("usable photos", "unusable photos") if data.get("by") == QUALITY else ("positives", "negatives")
    limits = {
        "at_sensitivity": f"{{:.4g}}% of the {whom}",
        "at_specificity": f"above {{:.4g}}% of the {others}",
        "share": "{:.3g}% of all",
        "at_least": "from {:g} on",
        "every": "one in {:g}",
    }
    for field, words in limits.items():
        if isinstance(value := data.get(field), int | float):
            return words.format(100 * value if "%" in words else value)
    values = data.get("values")
    return ", ".join(map(str, values)) if isinstance(values, list) else "the rest"


def _entry_model(field: FieldInfo) -> type[BaseModel] | None:
    if get_origin(field.annotation) is not list:
        return None
    (entry,) = get_args(field.annotation)
    return entry if isinstance(entry, type) and issubclass(entry, BaseModel) and not issubclass(entry, AnyStage) else None


def with_target(stage: Mapping[str, Any], path: Path, target: str) -> dict[str, Any]:
    """Return a stage's data with a way out that leads to a target; a free place of a list is appended."""
    *above, last = path
    if not isinstance(last, int):
        return dict(written(stage, path, target))
    targets = [*_at(stage, above)] if isinstance(_at(stage, above), list) else []
    changed = [*targets[:last], target, *targets[last + 1 :]]
    return dict(written(stage, tuple(above), changed))


def without_target(stage: Mapping[str, Any], path: Path) -> dict[str, Any]:
    """Return a stage's data with a way out that leads nowhere: without the field, or without the entry of a list."""
    *above, last = path
    holder = _at(stage, above)
    left: Any = (
        [entry for index, entry in enumerate(holder) if index != last]
        if isinstance(holder, list)
        else {name: value for name, value in holder.items() if name != last}
    )
    return dict(written(stage, tuple(above), left))


def _at(data: Any, path: list[Any]) -> Any:
    for part in path:
        try:
            data = data[part]
        except (LookupError, TypeError):
            return None
    return data
