"""Changes of a YAML text at one place: every other character stays, comments and layout included.

ruamel.yaml says where each value begins and ends; only that part of the text is written again.
"""

from __future__ import annotations

import io
import textwrap
from collections.abc import Iterator, Sequence
from functools import reduce
from operator import getitem
from typing import Any, NamedTuple

from ruamel.yaml import YAML
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from simulator.case.document import Path, dotted, parse_document, written
from simulator.errors import InputError

#: The longest line that is written.
WIDTH = 120


class UnfitTextError(InputError):
    """The text cannot take a change at this place; the author makes it in the editor."""


class _Edit(NamedTuple):
    """A part of the text, from `start` to `end`, and its replacement."""

    start: int
    end: int
    replacement: str


def patched_text(text: str, path: Path, value: Any) -> str:
    """Return the text with a value at a path, which may be new in its mapping or at the end of its list.

    Raises ScenarioError for a text that is not YAML, and UnfitTextError where the place cannot take the value.
    """
    document = parse_document(text, "the text")
    data: Any = document.data
    expected, old = _with(data, path, value), reduce(getitem, path, data) if document.holds(path) else None
    return _checked(text, _edits(text, path, old, value), expected, path)


def text_without(text: str, path: Path) -> str:
    """Return the text without the entry at a path. Raises as `patched_text` does, and for a path that is not there."""
    document = parse_document(text, "the text")
    if not path or not document.holds(path):
        raise UnfitTextError(f"{dotted(path)}: there is no such entry in the text")
    data: Any = document.data
    above = reduce(getitem, path[:-1], data)
    rest = (
        {key: value for key, value in above.items() if key != path[-1]}
        if isinstance(above, dict)
        else [value for place, value in enumerate(above) if place != path[-1]]
    )
    parent = _node_at(_root(text), path[:-1])
    empty = _Edit(_span(parent)[0], _content_end(text, parent), "{}" if isinstance(above, dict) else "[]")
    edit = _removal(text, parent, path[-1]) if rest else empty
    return _checked(text, [edit], _with(document.data, path[:-1], rest), path)


def _checked(text: str, edits: list[_Edit], expected: Any, path: Path) -> str:
    """Return the text with the edits made; raises UnfitTextError if it would not read as expected."""
    for edit in sorted(edits, reverse=True):
        text = text[: edit.start] + edit.replacement + text[edit.end :]
    try:
        reads = parse_document(text, "the text").data
    except ValueError:
        reads = None
    if reads != expected:
        raise UnfitTextError(f"{dotted(path)}: the text cannot take this here; write it in the editor")
    return text


def _with(data: Any, path: Path, value: Any) -> Any:
    """Return data with a value at a path; a list takes one more at its end. Raises UnfitTextError."""
    above: Any = data
    for part in path[:-1]:
        if part not in (above if isinstance(above, dict) else range(len(above)) if isinstance(above, list) else ()):
            raise UnfitTextError(f"{dotted(path)}: the text has no {dotted(path[:-1])} to write it into")
        above = above[part]
    if isinstance(above, list) and path[-1] == len(above):
        return written(data, path[:-1], [*above, value]) if path[:-1] else [*above, value]
    try:
        return written(data, path, value)
    except (LookupError, TypeError):
        raise UnfitTextError(f"{dotted(path)}: the text has no {dotted(path[:-1])} to write it into") from None


def _root(text: str) -> Node:
    root: Node | None = YAML(typ="safe", pure=True).compose(text)
    assert root is not None
    return root


def _children(node: Node) -> Iterator[tuple[str | int, Node]]:
    if isinstance(node, MappingNode):
        yield from ((str(key.value), value) for key, value in node.value)
    elif isinstance(node, SequenceNode):
        yield from enumerate(node.value)


def _node_at(node: Node, path: Path) -> Node:
    for part in path:
        node = dict(_children(node))[part]
    return node


def _is_flow(node: Node) -> bool:
    """Return whether a collection stands in braces or brackets."""
    return bool(getattr(node, "flow_style", False))


def _edits(text: str, path: Path, old: Any, value: Any) -> list[_Edit]:
    parent = _node_at(_root(text), path[:-1])
    known = dict(_children(parent))
    if path[-1] in known:
        return list(_set(text, parent, path[-1], old, value))
    return [_addition(text, parent, [(path[-1], value)])]


# ---- values that change


def _set(text: str, parent: Node, name: str | int, old: Any, value: Any) -> Iterator[_Edit]:
    """Yield the edits that give an entry of `parent` another value."""
    node = dict(_children(parent))[name]
    if _is_empty(node) and isinstance(parent, MappingNode):
        key = next(key for key, entry in parent.value if entry is node)
        colon = text.index(":", key.end_mark.index) + 1
        yield _Edit(colon, colon, f" {flow_text(value)}" if _is_flow(parent) else _after_key(value, key.start_mark.column))
        return
    if old == value:
        return
    if old and value and isinstance(old, dict) and isinstance(value, dict):
        yield from _mapping_changes(text, node, old, value)
    elif old and isinstance(old, list) and isinstance(value, list) and len(value) >= len(old):
        for place, child in enumerate(old):
            yield from _set(text, node, place, child, value[place])
        if more := [(place, value[place]) for place in range(len(old), len(value))]:
            yield _addition(text, node, more)
    else:
        yield _replacement(text, node, value, None if _is_flow(parent) else _indent_of(text, parent))


def _mapping_changes(text: str, node: Node, known: dict[str, Any], value: dict[str, Any]) -> Iterator[_Edit]:
    gone = [name for name in known if name not in value]
    commented = "#" in text[slice(*_span(node))]
    if len(gone) == len(known) or (gone and _is_flow(node) and not commented):  # in braces an entry goes with its comma
        yield _replacement(text, node, value, None if _is_flow(node) else _indent_of(text, node))
        return
    if len(gone) > 1 or (gone and _is_flow(node)):
        raise UnfitTextError(f"{', '.join(gone)}: leave this out in the editor")
    for name, child in known.items():
        if name in value:
            yield from _set(text, node, name, child, value[name])
    for name in gone:
        yield _removal(text, node, name)
    if more := [(name, item) for name, item in value.items() if name not in known]:
        yield _addition(text, node, more)


def _replacement(text: str, node: Node, value: Any, indent: int | None) -> _Edit:
    start, end = _span(node)
    if isinstance(node, ScalarNode) and node.style in ("|", ">"):
        end = _content_end(text, node)
        if isinstance(value, str) and indent is not None:
            return _Edit(start, end, _block_scalar(value, indent, node.style))
    if isinstance(node, MappingNode | SequenceNode) and not _is_flow(node):
        end = _content_end(text, node)
    if isinstance(value, str) and indent is not None and (len(value) > WIDTH or "\n" in value):
        return _Edit(start, end, _block_scalar(value, indent))
    return _Edit(start, end, flow_text(value))


def _span(node: Node) -> tuple[int, int]:
    return node.start_mark.index, node.end_mark.index


# ---- entries that are new


def _addition(text: str, parent: Node, entries: Sequence[tuple[str | int, Any]]) -> _Edit:
    """Return the edit that writes entries behind the last one of a mapping or a list."""
    if not isinstance(parent, MappingNode | SequenceNode):
        raise UnfitTextError(f"{entries[0][0]}: this place holds a value, and nothing below it")
    if _is_flow(parent) or not parent.value:
        return _flow_addition(text, parent, entries)
    indent, at = _indent_of(text, parent), _line_end(text, _content_end(text, parent))
    lines = [_block_entry(parent, indent, name, value) for name, value in entries]
    return _Edit(at, at, "".join(f"\n{line}" for line in lines))


def _flow_addition(text: str, parent: Node, entries: Sequence[tuple[str | int, Any]]) -> _Edit:
    start, end = _span(parent)
    of_mapping = isinstance(parent, MappingNode)
    new = ", ".join(f"{flow_text(name)}: {flow_text(value)}" if of_mapping else flow_text(value) for name, value in entries)
    at = _content_end(text, _last(parent)) if parent.value else start + 1
    if parent.value and _is_empty(_last(parent)):
        raise UnfitTextError("the last entry here has no value; give it one first")
    return _Edit(at, at, f", {new}" if parent.value else new) if end > start else _Edit(start, end, f"{{{new}}}")


def _block_entry(parent: Node, indent: int, name: str | int, value: Any) -> str:
    """Return an entry in lines of its own, as the last one beside it is written."""
    if isinstance(parent, MappingNode):
        return f"{' ' * indent}{flow_text(name)}:{_after_key(value, indent, _wants_lines(parent))}"
    as_flow = f"{' ' * indent}- {flow_text(value)}"
    if not isinstance(value, dict) or not value or (not _wants_lines(parent) and len(as_flow) <= WIDTH):
        return as_flow
    lines = [f"{flow_text(key)}:{_after_key(item, indent + 2)}" for key, item in value.items()]
    return "\n".join(f"{' ' * indent}{'- ' if place == 0 else '  '}{line}" for place, line in enumerate(lines))


def _wants_lines(parent: Node) -> bool:
    """Return whether the last collection of a block is written in lines, not in braces."""
    last = _last(parent)
    return isinstance(last, MappingNode | SequenceNode) and not _is_flow(last)


def _last(parent: Node) -> Node:
    last: Node = parent.value[-1][1] if isinstance(parent, MappingNode) else parent.value[-1]
    return last


def _after_key(value: Any, indent: int, in_lines: bool = False) -> str:
    """Return a value as it stands behind the colon of a key at this indent: in its line, or in lines below it."""
    flow = f" {flow_text(value)}"
    if isinstance(value, str):
        if "\n" in value or indent + len(flow) > WIDTH:
            return f" {_block_scalar(value, indent)}"
        return flow
    of_words = isinstance(value, list) and not any(isinstance(item, dict | list) for item in value)
    fits = (of_words or not in_lines) and indent + 20 + len(flow) <= WIDTH
    if not value or not isinstance(value, dict | list) or fits:
        return flow
    if isinstance(value, list):
        return "".join(f"\n{' ' * (indent + 2)}- {flow_text(item)}" for item in value)
    return "".join(f"\n{' ' * (indent + 2)}{flow_text(key)}:{_after_key(item, indent + 2)}" for key, item in value.items())


# ---- entries that go


def _removal(text: str, parent: Node, name: str | int) -> _Edit:
    """Return the edit that takes an entry away; another one stays."""
    names = [key for key, _ in _children(parent)]
    place = names.index(name)
    starts = [key.start_mark.index for key, _ in parent.value] if isinstance(parent, MappingNode) else []
    starts = starts or [_dash(text, node) if not _is_flow(parent) else _span(node)[0] for node in parent.value]
    end = _content_end(text, dict(_children(parent))[name], parent)
    if _is_flow(parent):
        if place + 1 < len(starts):
            return _Edit(starts[place], starts[place + 1], "")
        return _Edit(_content_end(text, dict(_children(parent))[names[place - 1]], parent), end, "")
    line = text.rfind("\n", 0, starts[place]) + 1
    if text[line : starts[place]].strip():  # the first key behind a dash: the next one takes its place
        return _Edit(starts[place], starts[place + 1], "")
    return _Edit(line, min(_line_end(text, end) + 1, len(text)), "")


def _dash(text: str, node: Node) -> int:
    return text.rfind("-", 0, node.start_mark.index)


# ---- places in the text


def _is_empty(node: Node) -> bool:
    return isinstance(node, ScalarNode) and node.start_mark.index == node.end_mark.index


def _content_end(text: str, node: Node, parent: Node | None = None) -> int:
    """Return the end of what a node holds; the marks of a block lie behind the comments that follow it."""
    if _is_empty(node):
        key = next((key for key, entry in parent.value if entry is node), None) if isinstance(parent, MappingNode) else None
        return text.index(":", key.end_mark.index) + 1 if key else len(text[: node.start_mark.index].rstrip())
    if isinstance(node, MappingNode | SequenceNode) and not _is_flow(node):
        return _content_end(text, _last(node), node)
    start, end = _span(node)
    if isinstance(node, ScalarNode) and node.style in ("|", ">"):
        end = _block_scalar_end(text, start, end)
    return end


def _block_scalar_end(text: str, start: int, end: int) -> int:
    """Return the end of the last line of a block scalar: less indented comments behind it do not belong to it."""
    lines, at = text[start:end].splitlines(keepends=True), start
    last, indent = start, None
    for number, line in enumerate(lines):
        depth = len(line) - len(line.lstrip(" "))
        if number and line.strip():
            indent = depth if indent is None else indent
            if depth < indent:
                break
        at += len(line)
        if line.strip():
            last = at - (len(line) - len(line.rstrip("\r\n")))
    return last


def _line_end(text: str, at: int) -> int:
    """Return the end of the line around a place, without its line break."""
    end = text.find("\n", at)
    return len(text) if end < 0 else end - (text[end - 1] == "\r")


def _indent_of(text: str, parent: Node) -> int:
    """Return the column of the entries of a block."""
    if isinstance(parent, MappingNode):
        return int(parent.value[0][0].start_mark.column)
    start = _dash(text, parent.value[0])
    return start - (text.rfind("\n", 0, start) + 1)


# ---- values as text


def flow_text(value: Any) -> str:
    """Return a value in one line."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{flow_text(key)}: {flow_text(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(flow_text, value)) + "]"
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        value = int(value)
    yaml, stream = YAML(typ="safe", pure=True), io.StringIO()
    yaml.default_flow_style, yaml.width, yaml.allow_unicode = True, 10**9, True
    yaml.dump([value], stream)
    return stream.getvalue().strip()[1:-1]


def _block_scalar(value: str, indent: int, style: str = "") -> str:
    """Return a text as a block below its key: folded at WIDTH, or line by line."""
    style = style or ("|" if "\n" in value else ">")
    margin = " " * (indent + 2)
    lines = value.rstrip("\n").split("\n")
    if style == ">":
        width = max(WIDTH - len(margin), 40)
        folded = [textwrap.wrap(line, width, break_long_words=False, break_on_hyphens=False) or [""] for line in lines]
        lines = [line for place, part in enumerate(folded) for line in ([""] if place else []) + part]
    sign = style + ("" if value.endswith("\n") else "-")
    return "\n".join([sign, *(f"{margin}{line}" if line else "" for line in lines)])
