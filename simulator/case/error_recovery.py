"""Error recovery: a faulty file is read with stand-ins for its faulty values, so that one round shows as many faults as it can.

Sentences for the faults of single fields stand here too.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import Any

from pydantic import ValidationError

from simulator.case.document import Document, Fault, Path
from simulator.case.schema import Scenario
from simulator.errors import shortened, suggest

_FIGURE = {"value": 1, "assumed": "stands in"}


#: Stand-ins for a faulty value, tried one after the other.
_STAND_INS = (_FIGURE, {"constant": _FIGURE}, 1, "x", "08:00")


#: A file is validated at most this number of times.
_ROUNDS = 12


#: Sections whose entries are named elsewhere: without one of them, other parts would look faulty.
_NAMED = frozenset({"arrivals", "population", "classes", "attributes", "accelerators", "stages", "ends", "curveballs"})


@dataclass
class ReadableCase:
    """A file that can be read except for the places in doubt; scenario: None where stand-ins do not help.

    doubtful: the places of stand-ins. A stand-in says nothing about the author's intention: further faults in that part of the
    file may come from it alone
    faults: faults that show only once the kind of a part is known
    """

    scenario: Scenario | None = None
    doubtful: set[Path] = field(default_factory=set)
    faults: list[Fault] = field(default_factory=list)


def with_stand_ins(document: Document) -> ReadableCase:
    """Return a scenario as close to a faulty document as possible."""
    case, kinds, tried = ReadableCase(), set[Path](), dict[Path, list[Any]]()
    for _ in range(_ROUNDS):
        try:
            case.scenario = Scenario.of(document)
            return case
        except ValidationError as error:
            lines = {place_of(document.data, line): line for line in error.errors(include_url=False)}
        for path, line in lines.items():
            if path not in tried and any(path[: len(kind)] == kind for kind in kinds):
                case.faults.append(fault_of(document, line))
            changed = _replaced(document, path, line, tried.setdefault(path, _stand_ins(line["input"])))
            if changed is None:
                return case
            document = changed
            if line["type"] == "union_tag_invalid":
                kinds.add(path[:-1])
            elif line["type"] != "unknown_key":
                case.doubtful.add(path)
    return case


def _replaced(document: Document, path: Path, line: Any, stand_ins: list[Any]) -> Document | None:
    """Return the document with another value at a faulty place; None where nothing is left to try.

    stand_ins: those not tried there yet; the one that is tried is removed
    """
    meant = re.search(r"did you mean '([^']+)'\?$", sentence_of(line))
    if line["type"] == "unknown_key":
        return document.renamed(path, meant[1] if meant else None)
    if line["type"] == "union_tag_invalid":
        return document.with_value(path, meant[1]) if meant else None
    blamed = (*path, sentence_of(line).split(maxsplit=1)[0])  # as in "max_queue is set but ..."
    if document.holds(blamed):
        return document.renamed(blamed, None)
    if not stand_ins:
        return None
    if (stand_in := stand_ins.pop(0)) is not None:
        return document.with_value(path, stand_in)
    needed = not path or isinstance(path[-1], int) or (len(path) <= 2 and path[0] in _NAMED)
    return None if needed else document.renamed(path, None)


def _stand_ins(given: Any) -> list[Any]:
    """Return stand-ins for a value; for a number, the figure that the author perhaps meant comes first. None leaves it out."""
    figure = {"value": given, "assumed": "stands in"}
    return [*([figure, {"constant": figure}] if isinstance(given, int | float) else []), *_STAND_INS, None]


#: The patterns of names and paths in words.
_PATTERNS = {
    r"^[a-z][a-z0-9_]*$": "should be a lower-case word of letters, digits and _, with a letter first",
    r"^[a-z][a-z0-9-]*$": "should be a lower-case word of letters, digits and -, with a letter first",
    r"^[A-Za-z0-9][A-Za-z0-9_.-]*$": "should be a name of letters, digits, _, . and -, with a letter or digit first",
    r"^[A-Za-z0-9][A-Za-z0-9 _.+-]*$": "should be of letters, digits, spaces, _, ., + and -, with a letter or digit first",
    r"^[a-z][a-z0-9_.]*$": "should be lower-case words of letters, digits and _, joined by dots, with a letter first",
    r"^[A-Za-z0-9_-][A-Za-z0-9_.-]*(/[A-Za-z0-9_-][A-Za-z0-9_.-]*)*\.(csv|parquet)$": (
        "should be a .csv or .parquet file beside the case, or in a folder there, of letters, digits, _, . and -"
    ),
    r"^[a-z0-9_]+(\.[a-z0-9_]+)*$": "should be the place of a value: keys joined by dots, as in stages.model.replicas",
}


#: The codes of faults of single fields, by the beginning of pydantic's type of error.
_CODES = {
    "missing": "missing-field",
    "union_tag_not_found": "missing-field",
    "unknown_key": "unknown-key",
    "extra_forbidden": "unknown-key",
    "union_tag_invalid": "unknown-kind",
    "literal_error": "unknown-word",
    "string_pattern_mismatch": "wrong-form",
    "greater_than": "out-of-range",
    "less_than": "out-of-range",
    "finite_number": "out-of-range",
    "out_of_range": "out-of-range",
    "too_": "wrong-length",
    "string_too_": "wrong-length",
    "value_error": "bad-value",
}


def fault_of(document: Document, line: Any) -> Fault:
    """Return the fault of a single field; line: one of ValidationError.errors()."""
    path, code = place_of(document.data, line), _code_of(str(line["type"]))
    if path in document.bare and str(path[-1]).isdecimal():
        return document.fault(
            path, "a comma ends the number before it; write 1000 without one, and 0.5 with a point", code="quotes"
        )
    if path in document.bare:
        message = f"a comma ends the text before it; put quotes around the whole text, with “{path[-1]}” inside them"
        return document.fault(path, message, code="quotes")
    fault = document.fault(path, sentence_of(line), code=code)
    if words := line.get("ctx", {}).get("words"):
        return replace(document.at_words(fault, words), code="forbidden-text")
    return fault


def _code_of(kind: str) -> str:
    return next((code for beginning, code in _CODES.items() if kind.startswith(beginning)), "wrong-type")


#: Sentences on values of another type, by pydantic's type of error.
_WORDED = {
    "list_type": "write a list in brackets, as [one, two]",
    "tuple_type": "write a list in brackets, as [0.5, 2]",
    "string_type": "write a text, in quotes where it holds a comma, a colon or a bracket",
    "float_type": "write a number, without a unit or quotes",
    "int_type": "write a whole number, without a unit or quotes",
    "bool_type": "write true or false",
    "bool_parsing": "write true or false",
}


def place_of(data: Any, line: Any) -> Path:
    path = _in_file(data, line["loc"])
    return (*path, "kind") if line["type"] == "union_tag_invalid" else path


def _in_file(data: Any, loc: Path) -> Path:
    """Return a location without the parts that pydantic adds: the kind, if that selects the model."""
    path: Path = ()
    after_kind = False
    for part in loc:
        if path and not isinstance(data, dict | list | None):
            break  # a plain value: what follows names the types that it might have
        if not after_kind and isinstance(data, dict) and data.get("kind") == part:
            after_kind = True
            continue
        keys = range(len(data)) if isinstance(data, list) else data if isinstance(data, dict) else ()
        path, data, after_kind = (*path, part), data[part] if part in keys else None, False
    return path


def sentence_of(line: Any) -> str:
    """Return the fault, the value, and what would be right in a sentence; line: one of ValidationError.errors()."""
    kind, message, given = line["type"], str(line["msg"]).removeprefix("Value error, "), line["input"]
    context = line.get("ctx", {})
    if kind == "missing":
        return "this field is missing"
    if kind == "union_tag_invalid":
        tags = [tag.strip().strip("'") for tag in str(context["expected_tags"]).split(",")]
        return f"'{context['tag']}' is not a known kind; {suggest(str(context['tag']), tags)}"
    if kind == "union_tag_not_found":
        return "the field `kind` is missing"
    if kind == "literal_error" and isinstance(given, str) and (words := re.findall(r"'([^']*)'", str(context["expected"]))):
        return f"'{shortened(given)}' is not known here; {suggest(given, words)}"
    if kind in ("too_long", "too_short"):
        side, bound = ("at most", context["max_length"]) if kind == "too_long" else ("at least", context["min_length"])
        return f"holds {_items(len(given))}; expected {side} {_items(bound)}"
    message = _WORDED.get(kind, message)
    if kind == "string_pattern_mismatch":
        message = _PATTERNS.get(str(context["pattern"]), "holds characters that are not allowed here")
    message = message[:1].lower() + message[1:]
    simple = (isinstance(given, str | int | float | bool) or given is None) and "words" not in context
    return f"{message}; got {shortened(repr(given))}" if simple and "got " not in message and kind != "unknown_key" else message


def _items(count: int) -> str:
    return f"{count:,} {'item' if count == 1 else 'items'}"
