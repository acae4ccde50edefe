"""What pydantic finds wrong with a file: the place in the file, and a sentence."""

from __future__ import annotations

from typing import Any

from simulator.errors import suggest
from simulator.scenario.faults import Path


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
    message = message[:1].lower() + message[1:]
    simple = isinstance(given, str | int | float | bool) or given is None
    return f"{message}; got {given!r}" if simple and "got " not in message and kind != "unknown_key" else message
