"""Completion and hints of the editor: the place of the cursor, and the keys, values and names that may stand there."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, NamedTuple

from simulator.authoring.case_schema import Node, case_schema
from simulator.case.document import Path
from simulator.case.references import NAME_KINDS, OF_KEYS, OF_VALUE, KnownCase, offers
from simulator.case.schema import Scenario

#: A key at the begin of a line, behind dashes.
_KEY = re.compile(
    r"""^(?P<margin>[ ]*(?:-[ ]+)*)"""
    r"""(?P<key>"[^"]*"|'[^']*'|[^\s\-#'"{\[&*!|>%@`,:][^:#{}\[\]]*?)"""
    r""":(?=\s|$)(?P<rest>.*)$"""
)

#: A key or a separator inside of braces.
_IN_FLOW = re.compile(r"""[{\[\]},]|"(?:[^"\\]|\\.)*"?|'(?:[^']|'')*'?|[^\s{}\[\],:'"][^{}\[\],:]*:?""")


class YamlPlace(NamedTuple):
    """The mapping around the cursor, or the value of a key.

    path: of the mapping or list, or of the value; of_value: the cursor stands behind the colon of the last key
    written: the word up to the cursor; start: the column of its first character, from 0
    """

    path: Path
    of_value: bool
    written: str
    start: int


def place_at(text: str, line: int, column: int) -> YamlPlace:
    """Return the place of a cursor by indentation alone; the line counts from 1, the column from 0."""
    lines = text.split("\n")
    before = lines[line - 1][:column]
    blocks = _Blocks()
    for earlier in lines[: line - 1]:
        blocks.read(earlier)
    margin = blocks.enter(before)
    path, rest, start = blocks.path, before[margin:], margin
    found = _KEY.match(before)
    if found:
        path, rest, start = (*path, _name(found["key"])), found["rest"], found.start("rest")
    inside = _flow_path(rest)
    if inside is not None:
        return YamlPlace((*path, *inside[0]), inside[1], inside[2], column - len(inside[2]))
    word = rest.lstrip()
    return YamlPlace(path, bool(found), word, start + len(rest) - len(word))


def _name(key: str) -> str:
    return key.strip().strip("\"'")


class _Blocks:
    """The blocks around a line: each with its depth and its key or index. A dash lies deeper than a key in its column."""

    def __init__(self) -> None:
        self._stack: list[tuple[int, str | int]] = []

    @property
    def path(self) -> Path:
        return tuple(part for _, part in self._stack)

    def read(self, line: str) -> None:
        """Take in a line above the cursor."""
        if not line.strip() or line.lstrip().startswith("#"):
            return
        margin = self.enter(line)
        if found := _KEY.match(line):
            self._stack.append((2 * margin, _name(found["key"])))

    def enter(self, line: str) -> int:
        """Leave the blocks that end before a line, enter those of its dashes; return the column behind them."""
        column = 0
        for dash in _dashes(line):
            depth, index = 2 * dash + 1, 0
            while self._stack and self._stack[-1][0] >= depth:
                at, part = self._stack.pop()
                index = int(part) + 1 if at == depth else 0
            self._stack.append((depth, index))
            column = dash + 1
        column += len(line[column:]) - len(line[column:].lstrip(" "))
        while self._stack and self._stack[-1][0] >= 2 * column:
            self._stack.pop()
        return column


def _dashes(line: str) -> list[int]:
    """Return the columns of the dashes that begin a line."""
    margin = re.match(r"[ ]*(?:-(?:[ ]+|$))*", line)
    return [place for place, sign in enumerate(margin[0] if margin else "") if sign == "-"]


def _flow_path(rest: str) -> tuple[Path, bool, str] | None:
    """Return the path inside of open braces, whether the cursor is at a value, and its word; None outside of braces."""
    entries: list[str | int | None] = []  # of each open brace or bracket, the key or index whose value is being written
    for found in _IN_FLOW.finditer(rest):
        part = found[0]
        if part in "{[":
            entries.append(0 if part == "[" else None)
        elif part in "}]":
            entries = entries[:-1]
        elif entries and part == ",":
            entries[-1] = entries[-1] + 1 if isinstance(entries[-1], int) else None
        elif entries and entries[-1] is None and part.endswith(":"):
            entries[-1] = _name(part[:-1])
    if not entries:
        return None
    path = tuple(entry for entry in entries if entry is not None)
    tail = re.search(r"[^\s{}\[\],:]*$", rest)
    return path, entries[-1] is not None, tail[0] if tail else ""


#: The most entries of a list of completions.
MOST_OFFERED = 200


class Offer(NamedTuple):
    """An entry of a list of completions: the word, what kind of thing it is, and a sentence about it."""

    label: str
    detail: str
    info: str = ""
    apply: str = ""


# ---- places of the schema


def _resolved(node: Node) -> Node:
    """Return a schema with the definition that it refers to, under its name; the words beside the reference come first."""
    while refers := [branch["$ref"] for branch in [node, *node.get("allOf", [])] if "$ref" in branch]:
        name = refers[0].rpartition("/")[2]
        own = {key: branch for key, branch in node.items() if key not in ("$ref", "allOf")}
        node = {"title": name} | case_schema()["definitions"][name] | own
    return node


def _variants(node: Node, data: Any) -> Iterator[Node]:
    """Yield the forms that a value may have; of kinds, that of the data, and all where the data names none."""
    node = _resolved(node)
    kinds = {branch["if"]["properties"]["kind"]["const"]: branch["then"] for branch in node.get("allOf", []) if "if" in branch}
    kind = data.get("kind") if isinstance(data, dict) else None
    names = {OF_VALUE: node[OF_VALUE]} if OF_VALUE in node else {}
    forms = [form | names for form in (*node.get("anyOf", []), *node.get("oneOf", []))]
    if kinds:
        forms = [kinds[kind]] if isinstance(kind, str) and kind in kinds else [*kinds.values()]
    for form in forms:
        yield from _variants(form, data)
    if not forms:
        yield node


def nodes_at(path: Path, data: Any) -> list[Node]:
    """Return the schemas of a path; data: those of the last text that could be read, to know the kinds."""
    found = [case_schema()]
    for part in path:
        found = [child for node in found for form in _variants(node, data) for child in _children(form, part)]
        data = _child(data, part)
    return [form for node in found for form in _variants(node, data)]


def _children(node: Node, part: str | int) -> Iterator[Node]:
    if isinstance(part, int):
        items = node.get("items", [])
        yield from [items] if isinstance(items, dict) else items[part : part + 1]
    elif part in node.get("properties", {}):
        yield node["properties"][part]
    else:
        yield from node.get("patternProperties", {}).values()
        if isinstance(node.get("additionalProperties"), dict):
            yield node["additionalProperties"]


def _child(data: Any, part: str | int) -> Any:
    if isinstance(data, dict):
        return data.get(part)
    return data[part] if isinstance(data, list) and isinstance(part, int) and part < len(data) else None


# ---- words about a schema


def type_words(node: Node) -> str:
    """Return the type, the range and the default of a value in a few words."""
    forms = [form for form in _variants(node, None) if form.get("type") != "null"]
    words = list(dict.fromkeys(_form_words(form) for form in forms))
    default = _resolved(node).get("default")
    shown = f"; default: {default}" if isinstance(default, bool | int | float | str) and str(default) else ""
    return f"{' or '.join(words[:4])}{shown}"


def _form_words(form: Node) -> str:
    if "const" in form:
        return str(form["const"])
    if "enum" in form:
        return ", ".join(map(str, form["enum"]))
    low, high = form.get("minimum", form.get("exclusiveMinimum")), form.get("maximum", form.get("exclusiveMaximum"))
    bounds = ("" if low is None else f" from {low:g}") + ("" if high is None else f" to {high:g}")
    kind = {"object": form.get("title", "mapping"), "array": "list", "string": "text", "boolean": "true or false"}
    return str(kind.get(str(form.get("type")), form.get("type", "value"))) + bounds


def about(node: Node) -> str:
    """Return the description of a field, or that of its model."""
    own = str(_resolved(node).get("description", ""))
    below = (str(form["description"]) for form in _variants(node, None) if form.get("description"))
    return own or next(below, "")


# ---- completion


def completions(text: str, line: int, column: int, known: Scenario | None) -> tuple[int, list[Offer]]:
    """Return the column from 0 where the word begins, and what may stand there; known: the last case that could be read."""
    place = place_at(text, line, column)
    data = known.document.data if known else {}
    offered = list(_values(place, data, known)) if place.of_value else list(_keys(place, data, known))
    return place.start, list({offer.label: offer for offer in offered}.values())[:MOST_OFFERED]


def _keys(place: YamlPlace, data: Any, known: Scenario | None) -> Iterator[Offer]:
    there: Any = data
    for part in place.path:
        there = _child(there, part)
    is_entry = any(isinstance(part, int) for part in place.path)  # its number may be another one by now
    present = set(there) - {place.written} if isinstance(there, dict) and not is_entry else set()
    for node in nodes_at(place.path, data):
        required = node.get("required", [])
        for name, field in node.get("properties", {}).items():
            if name not in present:
                needed = ", required" if name in required else ""
                yield Offer(name, f"{type_words(field)}{needed}", about(field), f"{name}: ")
        if node.get("type") == "string" and is_entry:
            yield from _values(place, data, known)
        yield from _names(known, node.get(OF_KEYS), (*place.path, place.written), apply="{}: ")


def _values(place: YamlPlace, data: Any, known: Scenario | None) -> Iterator[Offer]:
    for node in nodes_at(place.path, {} if place.path[-1:] == ("kind",) else data):
        for value in [*node.get("enum", []), *([node["const"]] if "const" in node else [])]:
            yield Offer(str(value), "value", str(node.get("description", "")).partition("\n")[0])
        if node.get("type") == "boolean":
            yield from (Offer("true", "value"), Offer("false", "value"))
        yield from _names(known, node.get(OF_VALUE), place.path)


def _names(known: Scenario | None, key: str | None, path: Path, apply: str = "") -> Iterator[Offer]:
    """Yield the names of a kind that the last readable case has; apply: the text that is written, with {} for the name."""
    if known is not None and key is not None:
        for name, words in offers(KnownCase.of(known), key, path).items():
            yield Offer(name, NAME_KINDS[key].word, words, apply.replace("{}", name))


# ---- hints


def hint(text: str, line: int, column: int, known: Scenario | None) -> str:
    """Return a few sentences about the key around a column from 0; empty where there is none."""
    row = text.split("\n")[line - 1]
    word = next((word for word in re.finditer(r"\w+", row) if word.start() <= column <= word.end()), None)
    if word is None or row[word.end() : word.end() + 1] != ":":
        return ""
    place = place_at(text, line, word.end())
    data = known.document.data if known else {}
    found = [field for node in nodes_at(place.path, data) for field in _children(node, word[0])]
    lines = [f"{type_words(field)}\n{about(field)}".strip() for field in found]
    return "\n\n".join(dict.fromkeys(lines))[:1500]
