"""What pydantic finds wrong with a file: the place in the file, and a sentence."""

from __future__ import annotations

from typing import Any

from simulator.errors import suggest
from simulator.scenario.faults import Path

#: What the patterns of names and paths mean to a person.
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


def place_of(data: Any, line: Any) -> Path:
    """Where in the file's data an error stands; line: one of ValidationError.errors()."""
    path = _in_file(data, line["loc"])
    return (*path, "kind") if line["type"] == "union_tag_invalid" else path


def _in_file(data: Any, loc: Path) -> Path:
    """Drop what pydantic adds to a location (the kind, if that selects the model) and keep what is in the file."""
    path: Path = ()
    told = False
    for part in loc:
        if not told and isinstance(data, dict) and data.get("kind") == part:
            told = True
            continue
        known = range(len(data)) if isinstance(data, list) else data if isinstance(data, dict) else ()
        path, data, told = (*path, part), data[part] if part in known else None, False
    return path


def sentence_of(line: Any) -> str:
    """What is wrong there, the value, and what would be right; line: one of ValidationError.errors()."""
    kind, message, given = line["type"], str(line["msg"]), line["input"]
    context = line.get("ctx", {})
    if kind == "missing":
        return "this field is missing"
    if kind == "union_tag_invalid":
        tags = [tag.strip().strip("'") for tag in str(context["expected_tags"]).split(",")]
        return f"'{context['tag']}' is not a known kind; {suggest(str(context['tag']), tags)}"
    if kind == "union_tag_not_found":
        return "the field `kind` is missing"
    if kind in ("too_long", "too_short"):
        side, bound = ("at most", context["max_length"]) if kind == "too_long" else ("at least", context["min_length"])
        return f"holds {_items(len(given))}; expected {side} {_items(bound)}"
    if kind == "string_pattern_mismatch":
        message = _PATTERNS.get(str(context["pattern"]), "holds characters that are not allowed here")
    message = message[:1].lower() + message[1:]
    simple = isinstance(given, str | int | float | bool) or given is None
    return f"{message}; got {given!r}" if simple and "got " not in message and kind != "unknown_key" else message


def _items(count: int) -> str:
    return f"{count:,} {'item' if count == 1 else 'items'}"
