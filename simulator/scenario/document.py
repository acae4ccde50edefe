"""A YAML file as plain data that remembers the line of each value.

Only mappings, lists and plain scalars are read. Tags, anchors and aliases are refused, and so are files beyond the bounds
below: a hostile file can neither run code nor exhaust the machine.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path as FilePath
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from simulator.scenario.faults import Fault, Path, ScenarioError, dotted

MAX_BYTES = 512 * 1024
MAX_NODES = 20_000
MAX_DEPTH = 24
LARGEST = 10**15

_PLAIN_TAGS = {f"tag:yaml.org,2002:{name}" for name in ("str", "int", "float", "bool", "null", "map", "seq")}

Place = tuple[int, int]


@dataclass
class Document:
    """Plain data from one file, with the place (line, column, from 1) of every key and value.

    moved: what picks have written, with its path in the file
    written_by: the pick that wrote it, in words
    """

    file: str
    data: dict[str, Any]
    places: dict[Path, Place] = field(default_factory=dict)
    moved: dict[Path, Path] = field(default_factory=dict)
    written_by: dict[Path, str] = field(default_factory=dict)

    def fault(self, path: Path, message: str, name: str | None = None) -> Fault:
        """A fault at `path`, or at the nearest enclosing value in the file; it names the pick that wrote there."""
        if written := self._written_part(path):
            message = f"{self.written_by[written]} writes this: {message}"
        near = self._in_file(path)
        while near and near not in self.places:
            near = near[:-1]
        line, column = self.places.get(near, (1, 1))
        return Fault(self.file, line, column, name or dotted(path), message)

    def _in_file(self, path: Path) -> Path:
        """Where the value now at `path` was written."""
        written = self._written_part(path)
        return self.moved[written] + path[len(written) :] if written else path

    def _written_part(self, path: Path) -> Path:
        """The part of a path at which a pick has written; empty where none has."""
        return next((path[:length] for length in range(len(path), 0, -1) if path[:length] in self.moved), ())

    def holds(self, path: Path) -> bool:
        """Whether there is something at a path."""
        data: Any = self.data
        for part in path:
            if part not in (data if isinstance(data, dict) else range(len(data)) if isinstance(data, list) else ()):
                return False
            data = data[part]
        return True

    def with_value(self, path: Path, value: Any) -> Document:
        """The same with another value at a path; the same as it is where nothing can hold one there."""
        try:
            return Document(self.file, _written(self.data, path, value), self.places)
        except (LookupError, TypeError):
            return self

    def renamed(self, path: Path, key: str | None) -> Document:
        """The same with the value at a path under another key; None leaves it out, and so does a key that is taken."""
        if not self.holds(path):
            return self
        *above, old = path
        beside: Any = self.data
        for part in above:
            beside = beside[part]
        others = {name: value for name, value in beside.items() if name != old}
        if key is None or key in others:
            return self.with_value(tuple(above), others)
        places = {(*above, key): self.places[path]} if path in self.places else {}
        renamed = self.with_value(tuple(above), others | {key: beside[old]})
        return Document(self.file, renamed.data, self.places | places)

    def patched(self, changes: dict[Path, tuple[Any, Path, str]]) -> Document:
        """The same with other values at some paths; a change says where its value stands in the file, and which pick wrote it.

        Parts that no change writes to are the same objects in both, not copies.
        """
        changed = Document(self.file, self.data, self.places, dict(self.moved), dict(self.written_by))
        for path, (value, written_at, pick) in changes.items():
            try:
                changed.data = _written(changed.data, path, value)
            except (LookupError, TypeError):
                what = f"cannot write to '{dotted(path)}': another pick has replaced that part"
                raise ScenarioError([self.fault(written_at, what)]) from None
            changed.moved = {at: source for at, source in changed.moved.items() if at[: len(path)] != path}
            changed.moved[path] = self._in_file(written_at)
            changed.written_by[path] = pick
        return changed


def _written(data: Any, path: tuple[Any, ...], value: Any) -> Any:
    """Data with a value at a path: a copy of what holds it, level by level; all else is shared."""
    if not path:
        return value
    if not isinstance(data, dict | list):
        raise TypeError("a plain value cannot contain another")
    copied: Any = data.copy()
    copied[path[0]] = _written(data[path[0]], path[1:], value) if len(path) > 1 else value
    return copied


def read_document(file: FilePath) -> Document:
    """Read one YAML file; raises ScenarioError if it cannot be read, is not YAML or exceeds the bounds."""
    name = str(file)
    try:
        size = file.stat().st_size
        if size > MAX_BYTES:
            raise ScenarioError([Fault(name, 1, 1, "(file)", f"is {size:,} bytes long; at most {MAX_BYTES:,} are read")])
        text = file.read_text(encoding="utf-8")
    except OSError as error:
        raise ScenarioError([Fault(name, 1, 1, "(file)", f"cannot be read: {error.strerror}")]) from error
    except UnicodeDecodeError as error:
        raise ScenarioError([Fault(name, 1, 1, "(file)", "is not UTF-8 text; save it as UTF-8")]) from error
    return parse_document(text, name)


def parse_document(text: str, name: str) -> Document:
    """Parse YAML text; `name` stands for the file in messages. Raises ScenarioError."""
    yaml = YAML(typ="safe", pure=True)
    try:
        root = yaml.compose(text)
        reader = _Reader(yaml, Document(name, {}))
        data = reader.read(root, ()) if root is not None else None
    except MarkedYAMLError as error:
        raise ScenarioError([_syntax_fault(error, name)]) from error
    except YAMLError as error:
        raise ScenarioError([Fault(name, 1, 1, "(file)", f"is not YAML: {' '.join(str(error).split())}")]) from error
    except RecursionError as error:
        raise ScenarioError([Fault(name, 1, 1, "(file)", f"is nested more than {MAX_DEPTH} levels deep")]) from error
    if reader.faults:
        raise ScenarioError(reader.faults)
    if not isinstance(data, dict):
        raise ScenarioError([Fault(name, 1, 1, "(file)", "should be a mapping of keys to values, such as `id: my-case`")])
    reader.document.data = data
    return reader.document


def _syntax_fault(error: MarkedYAMLError, name: str) -> Fault:
    mark = error.problem_mark or error.context_mark
    line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
    return Fault(name, line, column, "(syntax)", f"is not YAML: {error.problem or error.context}")


class _Reader:
    """Turns composed nodes into plain data, noting places and collecting faults."""

    def __init__(self, yaml: YAML, document: Document) -> None:
        self.yaml = yaml
        self.document = document
        self.faults: list[Fault] = []
        self.seen: set[int] = set()

    def read(self, node: Node, path: Path) -> Any:
        if not self._acceptable(node, path):
            return None
        if isinstance(node, MappingNode):
            return self._mapping(node, path)
        if isinstance(node, SequenceNode):
            return [self.read(child, (*path, index)) for index, child in enumerate(node.value)]
        return self._scalar(node, path)

    def _acceptable(self, node: Node, path: Path) -> bool:
        self.document.places.setdefault(path, _place(node))
        trouble = ""
        if id(node) in self.seen:
            trouble = "aliases (*name) are not supported; write the value out"
        elif str(node.tag) not in _PLAIN_TAGS:
            trouble = f"the tag {node.tag} is not supported; write a plain value"
        elif len(path) > MAX_DEPTH:
            trouble = f"is nested more than {MAX_DEPTH} levels deep"
        elif len(self.seen) >= MAX_NODES:
            trouble = f"the file holds more than {MAX_NODES:,} values"
        self.seen.add(id(node))
        if trouble and len(self.faults) < 100:
            self.faults.append(self.document.fault(path, trouble))
        return not trouble

    def _mapping(self, node: MappingNode, path: Path) -> dict[str, Any]:
        data: dict[str, Any] = {}
        for key_node, value_node in node.value:
            if not isinstance(key_node, ScalarNode):
                self.faults.append(self.document.fault(path, "a key should be a single word"))
                continue
            key = str(key_node.value)
            if key in data:
                line, column = _place(key_node)
                first = self.document.places[(*path, key)][0]
                what = f"this key appears twice (first on line {first}); keep one"
                self.faults.append(Fault(self.document.file, line, column, dotted((*path, key)), what))
                continue
            self.document.places[(*path, key)] = _place(key_node)
            data[key] = self.read(value_node, (*path, key))
        return data

    def _scalar(self, node: Node, path: Path) -> Any:
        try:
            value = self.yaml.constructor.construct_object(node)
        except (ValueError, LookupError, YAMLError):
            self.faults.append(self.document.fault(path, f"the value {node.value!r} cannot be read"))
            return None
        if isinstance(value, int) and abs(value) > LARGEST:
            self.faults.append(self.document.fault(path, f"a whole number should be between -{LARGEST:,} and {LARGEST:,}"))
        return value


def _place(node: Node) -> Place:
    return node.start_mark.line + 1, node.start_mark.column + 1
