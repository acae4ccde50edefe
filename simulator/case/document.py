"""A YAML file as plain data that remembers the line of each value, and the faults that an author has to fix.

Only mappings, lists and plain scalars are read. Tags, anchors and aliases are refused, and so are files beyond the bounds of
`simulator.limits`: a hostile file can neither run code nor exhaust the machine.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path as FilePath
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.composer import Composer
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from simulator import limits
from simulator.errors import shortened
from simulator.files import UnreadableError, read_within
from simulator.limits import FAULTS_SHOWN
from simulator.phrases import phrase

#: A place in the file: keys and list indexes from the root.
Path = tuple[str | int, ...]


@dataclass(frozen=True, order=True)
class Fault:
    """One mistake, at one place of one file (line and column count from 1).

    code: the short name of its kind, which `casesim explain` explains; choices: those whose picks do not go together, which the
    message then names as on the screen. Both are no part of its identity.
    """

    file: str
    line: int
    column: int
    field: str
    message: str
    code: str = dataclasses.field(default="fault", compare=False)
    choices: tuple[str, ...] = dataclasses.field(default=(), compare=False)

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}: {self.field}: {self.message}"

    @property
    def words(self) -> str:
        return self.message if self.choices else f"{self.field}: {self.message}"


class ScenarioError(ValueError):
    """A scenario, or a set of picks, cannot be used; `faults` lists every reason found.

    scenario: the `Scenario` of the file as far as it can be read, to look for more faults in it; None if that is not far enough
    doubtful: the places where a stand-in replaces a value that cannot be read
    """

    def __init__(self, faults: Sequence[Fault], scenario: Any = None, doubtful: Collection[Path] = ()) -> None:
        self.faults = sorted(set(faults))
        self.scenario, self.doubtful = scenario, doubtful
        super().__init__("\n".join(fault_lines(self.faults)))


def fault_lines(faults: Sequence[Fault]) -> list[str]:
    lines = [str(fault) for fault in faults[: FAULTS_SHOWN.most]]
    return lines if len(faults) <= FAULTS_SHOWN.most else [*lines, phrase("document.more_faults", most=str(FAULTS_SHOWN))]


#: The sections whose entries are judged each by itself.
_OF_ENTRIES = frozenset({"stages", "ends", "choices", "curveballs", "controllers", "attributes"})


def beyond(faults: Collection[Fault], further: Iterable[Fault], doubtful: Collection[Path]) -> list[Fault]:
    """Return further faults that say something new: none of parts in doubt, and none that lacks an entry in doubt."""
    fields = {fault.field for fault in faults}
    parts = tuple(f"{dotted(path[: 2 if path[0] in _OF_ENTRIES else 1])}." for path in doubtful if path)
    choices = [path[1] for path in doubtful if path[:1] == ("choices",) and len(path) > 1]
    lacking = tuple(f"{word} '{name}'" for name in choices for word in ("no choice", "choice"))
    return [
        fault
        for fault in further
        if fault.field not in fields
        and not f"{fault.field}.".startswith(parts)
        and not any(words in fault.message for words in lacking)
    ]


def dotted(path: Iterable[str | int]) -> str:
    return ".".join(map(str, path)) or "(file)"


_PLAIN_TAGS = {f"tag:yaml.org,2002:{name}" for name in ("str", "int", "float", "bool", "null", "map", "seq")}

Place = tuple[int, int]


@dataclass
class Document:
    """Plain data from one file, a mapping or a list, with the place (line, column, from 1) of every key and value.

    moved: what picks have written, with its path in the file
    written_by: the pick that wrote it, in words
    bare: keys without a colon in a `{...}`, as a comma in a text without quotes makes them
    source: the text of the file
    """

    file: str
    data: Any
    places: dict[Path, Place] = field(default_factory=dict)
    moved: dict[Path, Path] = field(default_factory=dict)
    written_by: dict[Path, str] = field(default_factory=dict)
    bare: set[Path] = field(default_factory=set)
    source: str = field(default="", repr=False)

    def fault(self, path: Path, message: str, name: str | None = None, code: str = "fault") -> Fault:
        """Return a fault at `path`, or at the nearest enclosing value in the file; it names the pick that wrote there."""
        if written := self._written_part(path):
            message = f"{self.written_by[written]} writes this: {message}"
        near = self.in_file(path)
        while near and near not in self.places:
            near = near[:-1]
        line, column = self.places.get(near, (1, 1))
        return Fault(self.file, line, column, shortened(name or dotted(path)), shortened(message, 1000), code)

    def at_words(self, fault: Fault, *candidates: str) -> Fault:
        """Return a fault at the first of these words that stand on its line or below; where it is if none of them does."""
        lines = self.source.split("\n")[fault.line - 1 :]
        for words in candidates:
            for number, text in enumerate(lines):
                if words in text:
                    return replace(fault, line=fault.line + number, column=text.index(words) + 1)
        return fault

    def in_file(self, path: Path) -> Path:
        written = self._written_part(path)
        return self.moved[written] + path[len(written) :] if written else path

    def _written_part(self, path: Path) -> Path:
        return next((path[:length] for length in range(len(path), 0, -1) if path[:length] in self.moved), ())

    def holds(self, path: Path) -> bool:
        return _at(self.data, path) is not _NOTHING

    def with_value(self, path: Path, value: Any) -> Document:
        """Return a document with another value at a path, or this document where nothing can hold one there."""
        try:
            return replace(self, data=written(self.data, path, value), moved={}, written_by={})
        except (LookupError, TypeError):
            return self

    def renamed(self, path: Path, key: str | None) -> Document:
        """Return a document with the value at a path under another key; None, or a key that is taken, leaves it out."""
        if not self.holds(path):
            return self
        *above, old = path
        beside = _at(self.data, above)
        if not isinstance(beside, dict):  # an entry of a list has no name
            return self
        others = {name: value for name, value in beside.items() if name != old}
        if key is None or key in others:
            return self.with_value(tuple(above), others)
        places = {(*above, key): self.places[path]} if path in self.places else {}
        renamed = self.with_value(tuple(above), others | {key: beside[old]})
        return replace(renamed, places=self.places | places)

    def patched(self, changes: dict[Path, tuple[Any, Path, str]]) -> Document:
        """Return a document with other values at some paths; a change is (value, its place in the file, its pick).

        Both documents share the parts that no change writes to, or writes as they are.
        """
        changed = replace(self, moved=dict(self.moved), written_by=dict(self.written_by))
        for path, (value, written_at, pick) in changes.items():
            try:
                if repr(_at(changed.data, path)) != repr(value):  # 1, 1.0 and true are not the same
                    changed.data = written(changed.data, path, value)
            except (LookupError, TypeError):
                what = f"cannot write to '{dotted(path)}': another pick has replaced that part"
                raise ScenarioError([self.fault(written_at, what)]) from None
            for at in [at for at in changed.moved if at[: len(path)] == path]:
                del changed.moved[at]
            changed.moved[path] = self.in_file(written_at)
            changed.written_by[path] = pick
        return changed


#: Stands for the value at a path that leads nowhere.
_NOTHING = object()


def _at(data: Any, path: Iterable[str | int]) -> Any:
    for part in path:
        if part not in (data if isinstance(data, dict) else range(len(data)) if isinstance(data, list) else ()):
            return _NOTHING
        data = data[part]
    return data


def written(data: Any, path: tuple[Any, ...], value: Any) -> Any:
    """Return data with a value at a path: a copy of the levels above it; all other parts are shared.

    Raises LookupError or TypeError where nothing can hold one there.
    """
    if not path:
        return value
    if not isinstance(data, dict | list):
        raise TypeError("a plain value cannot contain another")
    copied: Any = data.copy()
    copied[path[0]] = written(data[path[0]], path[1:], value) if len(path) > 1 else value
    return copied


#: The forms that a whole file may have, and what is said of another.
_FORMS: dict[type, str] = {
    dict: "should be a mapping of keys to values, such as `id: my-case`",
    list: "should be a list, each of its entries on a line of its own behind a dash, such as `- {kind: wait}`",
}


def read_document(file: FilePath, form: type = dict) -> Document:
    """Read one YAML file; raises ScenarioError if it cannot be read, is not YAML or exceeds the bounds.

    form: of the whole, dict or list
    """
    name = str(file)
    if len(name) > limits.PATH.most:
        raise ScenarioError([Fault(shortened(name), 1, 1, "(file)", f"no file has a path of more than {limits.PATH}", "file")])
    try:
        text = read_within(file, limits.CASE_FILE).decode("utf-8")
    except UnreadableError as error:
        raise ScenarioError([Fault(name, 1, 1, "(file)", error.reason, "file")]) from error
    except UnicodeDecodeError as error:
        raise ScenarioError([Fault(name, 1, 1, "(file)", "is not UTF-8 text; save it as UTF-8", "file")]) from error
    return parse_document(text, name, form)


def parse_document(text: str, name: str, form: type = dict) -> Document:
    """Parse YAML text; `name` stands for the file in messages. Raises ScenarioError."""
    yaml = YAML(typ="safe", pure=True)
    yaml.Composer = _Composer
    try:
        root = yaml.compose(text)
        reader = _YamlReader(yaml, Document(name, {}, source=text))
        data = reader.read(root, ()) if root is not None else None
    except MarkedYAMLError as error:
        raise ScenarioError([_syntax_fault(error, name, text)]) from error
    except YAMLError as error:
        what = f"is not YAML: {' '.join(str(error).split())}"
        raise ScenarioError([Fault(name, 1, 1, "(file)", what, "syntax")]) from error
    except RecursionError as error:
        raise ScenarioError([Fault(name, 1, 1, "(file)", f"is nested more than {limits.CASE_DEPTH} deep", "file")]) from error
    if reader.faults:
        raise ScenarioError(reader.faults)
    if not isinstance(data, form):
        raise ScenarioError([Fault(name, 1, 1, "(file)", _FORMS[form], "wrong-type")])
    reader.document.data = data
    return reader.document


#: Remedies of faults of YAML itself, by words of the parser's message.
_REMEDIES = {
    "got ':'": "put quotes around a text that holds a colon",
    "mapping values are not allowed": "put quotes around a text that holds a colon, or indent the line like its neighbours",
    "got '<scalar>'": "put quotes around the text, or a comma before the next key",
    "while scanning a quoted scalar": "close the quotation mark",
    "cannot start any token": "begin a text with a letter, or put quotes around it; indent by spaces, not by tabs",
    "could not find expected ':'": "end the key with a colon, or indent the line as part of the text above",
    "expected <block end>": "indent this line like the lines of its section",
}


def _syntax_fault(error: MarkedYAMLError, name: str, text: str) -> Fault:
    mark = error.problem_mark or error.context_mark
    line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
    line = min(line, text.count("\n") + 1)
    if isinstance(error, _TooMuchError):
        return Fault(name, line, column, "(file)", str(error.problem), "file")
    problem = f"{error.problem or error.context}"
    if "could not find expected ':'" in problem and error.context_mark:
        line, column = error.context_mark.line + 1, error.context_mark.column + 1
    above = _line_without_colon(text.split("\n"), line, column) if "mapping values are not" in problem else 0
    if above:
        return Fault(name, above, 1, "(syntax)", "is not YAML: this line lacks a colon behind its key", "syntax")
    remedy = next((remedy for words, remedy in _REMEDIES.items() if words in f"{error.context} {problem}"), "")
    return Fault(name, line, column, "(syntax)", f"is not YAML: {problem}" + (f"; {remedy}" if remedy else ""), "syntax")


#: A line that begins with a key.
_KEY_LINE = re.compile(r"\s*(?:- )?[\w.-]+:(?:\s|$)")


def _line_without_colon(lines: Sequence[str], line: int, column: int) -> int:
    """Return the number of the line above a faulty one, where it lacks the colon that makes the next key a surprise; else 0."""
    key = _KEY_LINE.match(lines[line - 1]) if line <= len(lines) else None
    if key is None or lines[line - 1].find(":") != column - 1:
        return 0
    above = next((number for number in range(line - 1, 0, -1) if lines[number - 1].strip()), 0)
    return above if above and ":" not in lines[above - 1] else 0


class _TooMuchError(MarkedYAMLError):
    """Error for a file with more values than are read."""


class _Composer(Composer):
    """Composer that stops at the limit of values, and remembers the tags written in the file: a node has implicit ones too."""

    def __init__(self, *of: Any, **named: Any) -> None:
        super().__init__(*of, **named)
        self.tags: dict[int, str] = {}
        self.count = 0

    def compose_node(self, parent: Any, index: Any) -> Any:
        event = self.parser.peek_event()
        self.count += 1
        if self.count > limits.CASE_VALUES.most:
            raise _TooMuchError(problem=f"the file holds more than {limits.CASE_VALUES}", problem_mark=event.start_mark)
        node = super().compose_node(parent, index)
        if (tag := getattr(event, "tag", None)) is not None:
            self.tags[id(node)] = str(tag)
        return node


class _YamlReader:
    """Turns composed nodes into plain data, noting places and collecting faults."""

    def __init__(self, yaml: YAML, document: Document) -> None:
        self.yaml = yaml
        self.document = document
        self.faults: list[Fault] = []
        self.seen: set[int] = set()

    def read(self, node: Node, path: Path) -> Any:
        self.document.places.setdefault(path, _place(node))
        if not self._acceptable(node, path):
            return None
        if isinstance(node, MappingNode):
            return self._mapping(node, path)
        if isinstance(node, SequenceNode):
            return [self.read(child, (*path, index)) for index, child in enumerate(node.value)]
        return self._scalar(node, path)

    def _acceptable(self, node: Node, path: Path) -> bool:
        trouble = ""
        if id(node) in self.seen:
            trouble = "aliases (*name) are not supported; write the value out"
        elif node.anchor is not None:
            trouble = f"anchors (&{node.anchor}) are not supported; leave it out, and write the value out wherever it is needed"
        elif (tag := self.yaml.composer.tags.get(id(node)) or node.tag) and not self._is_plain(node):
            trouble = f"the tag {tag} is not supported; write a plain value"
        elif len(path) > limits.CASE_DEPTH.most:
            trouble = f"is nested more than {limits.CASE_DEPTH} deep"
        self.seen.add(id(node))
        if trouble:
            self._note(self.document.fault(path, trouble, code="yaml-feature"))
        return not trouble

    def _is_plain(self, node: Node) -> bool:
        return id(node) not in self.yaml.composer.tags and str(node.tag) in _PLAIN_TAGS

    def _note(self, fault: Fault) -> None:
        if len(self.faults) <= limits.FAULTS_SHOWN.most:
            self.faults.append(fault)

    def _mapping(self, node: MappingNode, path: Path) -> dict[str, Any]:
        data: dict[str, Any] = {}
        for key_node, value_node in node.value:
            if not isinstance(key_node, ScalarNode):
                self._note(self.document.fault(path, "a key should be a single word", code="syntax"))
                continue
            at = (*path, key := str(key_node.value))
            if key in data:
                what = phrase("document.key_twice", line=self.document.places[at][0])
                self._note(Fault(self.document.file, *_place(key_node), shortened(dotted(at)), what, "duplicate-key"))
                continue
            self.document.places[at] = _place(key_node)
            if node.flow_style and key_node.style is None and _place(value_node) == _end(key_node):
                self.document.bare.add(at)
            data[key] = self.read(value_node, at) if self._acceptable(key_node, at) else None
        return data

    def _scalar(self, node: Node, path: Path) -> Any:
        try:
            value = self.yaml.constructor.construct_object(node)
        except (ValueError, LookupError, YAMLError):
            self._note(self.document.fault(path, f"the value {shortened(repr(node.value))} cannot be read", code="syntax"))
            return None
        if isinstance(value, int) and abs(value) > limits.CASE_NUMBER.most:
            bound = f"{limits.CASE_NUMBER.most:,}"
            self._note(self.document.fault(path, f"a whole number should be between -{bound} and {bound}", code="out-of-range"))
        return value


def _place(node: Node) -> Place:
    return node.start_mark.line + 1, node.start_mark.column + 1


def _end(node: Node) -> Place:
    return node.end_mark.line + 1, node.end_mark.column + 1
