"""Names of figures in words, from their places in the file of a case."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from simulator.case.case_contract import AnyCase

#: Units at the end of a field's name, as they are written.
_UNITS = {"s": "s", "ms": "ms", "h": "h", "min": "min", "m": "m", "mb": "MB", "mbps": "Mbit/s", "kmh": "km/h", "mps": "m/s",
          "mps2": "m/s²", "w": "W", "hz": "Hz", "usd": "USD", "px": "px", "deg": "degrees"}  # fmt: skip

#: Units within a field's name, and abbreviations, as they are written.
_WRITTEN = {"usd": "USD", "wh": "Wh", "kwh": "kWh", "kmh": "km/h", "auc": "AUC", "ood": "out of distribution"}


def figure_name(scenario: AnyCase, place: str) -> str:
    """Name a figure in words: `Dermatologist: patience in h, median` for `stages.dermatologist.patience_h.median`.

    A labelled entry of a section stands for the section, and an entry of a list is named by its own word:
    `Incident: usual rain, spell in h` for `incident.usual.0.spell_h`. Words that are no place stay as they are.
    """
    if " " in place:
        return place
    head, *rest = place.split(".")
    owner = _entry(getattr(scenario, head, None), rest[0]) if rest else None
    if label := getattr(owner, "label", ""):
        return f"{label}: {', '.join(_parts(owner, rest[1:]))}" if rest[1:] else label
    named = f"{head[0].upper()}{_worded(head)[1:]}"
    return f"{named}: {', '.join(_parts(getattr(scenario, head, None), rest))}" if rest else named


def _parts(node: Any, path: Sequence[str]) -> Iterator[str]:
    """Yield a name for each step of a path; a named entry of a list joins the name of the list."""
    words = ""
    for step in path:
        node = _entry(node, step)
        if step.isdigit() and words and (name := _name_of(node)):
            words = f"{words} {name}"
            continue
        if words:
            yield words
        words = f"number {int(step) + 1}" if step.isdigit() else _worded(step)
    if words:
        yield words


def _entry(node: Any, step: str) -> Any:
    """Return the entry of a section, a mapping or a list; None where there is none."""
    if isinstance(node, Mapping):
        return node.get(step)
    if isinstance(node, Sequence):
        return node[int(step)] if step.isdigit() and int(step) < len(node) else None
    return getattr(node, step, None)


def _name_of(entry: Any) -> str:
    """Return the label of an entry, else the first word that its author must give."""
    fields = getattr(type(entry), "model_fields", {})
    names = ["label", *(name for name, field in fields.items() if field.is_required())]
    words = (word for name in names if isinstance(word := getattr(entry, name, None), str))
    return next(words, "").replace("_", " ")


def _worded(field_name: str) -> str:
    *words, last = field_name.split("_")
    if words and last in _UNITS:
        per = words[-1] == "per"
        return " ".join([*map(_written, words), *([] if per else ["in"]), _WRITTEN.get(last, _UNITS[last])])
    return " ".join(map(_written, [*words, last]))


def _written(word: str) -> str:
    return _WRITTEN.get(word, word)
