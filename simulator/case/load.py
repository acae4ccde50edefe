"""From a file, or a file and picks, to a scenario that may run, or to every reason why not."""

from __future__ import annotations

import re
from collections.abc import Callable, Container, Mapping
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path as FilePath
from typing import Any

from pydantic import ValidationError

from simulator.case.case_files import case_files, doubled, find, scenario_ids
from simulator.case.checks import check
from simulator.case.choices import Pick
from simulator.case.document import Document, parse_document, read_document
from simulator.case.faults import Fault, Path, ScenarioError, beyond
from simulator.case.references import check_names
from simulator.case.schema import Scenario
from simulator.errors import shortened, suggest
from simulator.limits import FAULTS_TOLD


def load(id_or_path: str | FilePath) -> Scenario:
    """Read and check a scenario, and every option it offers.

    Raises ScenarioError with every fault found, each with file, line, column and field.
    """
    return _checked(read_document(find(id_or_path)))


def loads(text: str, name: str = "scenario.yaml") -> Scenario:
    """The same for YAML text; `name` stands for the file in messages."""
    return _checked(parse_document(text, name))


def load_all(read: Callable[[str], Scenario] = load) -> tuple[list[Scenario], list[Fault]]:
    """All cases, each as `read` gives it, and every fault of those that cannot be used."""
    found = [load_alone(name, read) for name in scenario_ids()]
    faults = [*doubled(), *(fault for _, faults in found for fault in faults)]
    return [scenario for scenario, _ in found if scenario is not None], faults


def load_alone(name: str, read: Callable[[str], Scenario] = load) -> tuple[Scenario | None, list[Fault]]:
    """One case as `read` gives it, or every fault of it; whatever is wrong with it is no reason why others cannot be used."""
    try:
        return read(name), []
    except ScenarioError as error:
        return None, error.faults
    except Exception as error:
        told = shortened(" ".join(f"{type(error).__name__}: {error}".split()), 200)
        return None, [Fault(str(case_files().get(name, name)), 1, 1, "(file)", f"cannot be used, by a bug in CaseSim: {told}")]


def apply(scenario: Scenario, picks: Mapping[str, Pick]) -> tuple[Scenario, dict[str, Any]]:
    """The scenario with picks written into it and checked again, and the whole design (defaults filled in).

    Raises ScenarioError for an unknown choice, an option that is not offered, or picks that do not fit together.
    """
    document = scenario.document
    faults: list[Fault] = []
    design = scenario.defaults()
    for name, pick in picks.items():
        if name not in scenario.choices:
            faults.append(document.fault(("choices",), f"there is no choice '{name}'; {suggest(name, scenario.choices)}", name))
            continue
        try:
            design[name] = scenario.choices[name].read(pick)
        except ValueError as error:
            faults.append(document.fault(("choices", name), str(error), name))
    if faults:
        raise ScenarioError(faults)
    return validated(document.patched(_changes(scenario, design)), scenario), design


def _checked(document: Document) -> Scenario:
    """The scenario, if it and every option can run; else all that is wrong, as far as one round can tell."""
    scenario, unknown, faults = _read(document)
    doubtful = set[Path]()
    if len(faults) > FAULTS_TOLD.most:
        raise ScenarioError(faults)
    if scenario is None:
        read = mended(document)
        scenario, doubtful = read.scenario, read.doubtful
        faults += read.faults
    if scenario is not None:
        faults += beyond(faults, check(scenario, [*unknown, *doubtful]), doubtful)
        in_doubt = {*doubtful, *unknown}
        picked = _faults_of_picks(scenario, {str(path[1]) for path in in_doubt if path[0] == "choices" and len(path) > 1})
        faults += beyond(faults, picked, doubtful)
    if faults or scenario is None:
        raise ScenarioError(faults, scenario, doubtful)
    return scenario


def one_by_one(scenario: Scenario) -> list[dict[str, Pick]]:
    """The default design, and each choice's extremes with everything else at its default."""
    defaults = scenario.defaults()
    extremes = [(name, pick) for name, choice in scenario.choices.items() for pick in choice.extremes()]
    return [{}, *({name: pick} for name, pick in extremes if pick != defaults[name])]


def _faults_of_picks(scenario: Scenario, unfit: Container[str]) -> list[Fault]:
    """What is wrong with some design, one choice at a time; unfit: choices that are left out, and controllers with them."""
    if unfit:
        sound = {name: choice for name, choice in scenario.choices.items() if name not in unfit}
        scenario = scenario.model_copy(update={"choices": sound, "controllers": {}})
    found = (fault for design in one_by_one(scenario) for fault in _faults_of(scenario, design))
    return list(islice(found, FAULTS_TOLD.most + 1))


def _faults_of(scenario: Scenario, picks: Mapping[str, Pick]) -> list[Fault]:
    try:
        apply(scenario, picks)
    except ScenarioError as error:
        return error.faults
    return []


def _changes(scenario: Scenario, design: Mapping[str, Pick]) -> dict[Path, tuple[Any, Path, str]]:
    return {
        path: (value, ("choices", name, *written_at), f"choice `{name}` at {pick}")
        for name, pick in design.items()
        for path, (value, written_at) in scenario.choices[name].changes(pick).items()
    }


def validated(document: Document, known: Scenario | None = None) -> Scenario:
    """The scenario of a document; known: a valid one whose unchanged parts need not be validated again.

    Raises ScenarioError with all that is wrong with it.
    """
    scenario, unknown, faults = _read(document, known)
    if scenario is not None:
        faults += check(scenario, unknown)
    if faults or scenario is None:
        raise ScenarioError(faults)
    return scenario


def _read(document: Document, known: Scenario | None = None) -> tuple[Scenario | None, list[Path], list[Fault]]:
    """A scenario if every field can be read, the places of names that refer to nothing, and all faults of fields and names."""
    unknown = list(islice(check_names(document.data, Scenario.model_fields), FAULTS_TOLD.most + 1))
    faults = [document.fault(path, message) for path, message in unknown] + _misnamed(document)
    scenario = None
    try:
        scenario = Scenario.of(document, known)
    except ValidationError as error:
        lines = error.errors(include_url=False)[: FAULTS_TOLD.most + 1]
        faults += [document.fault(place_of(document.data, line), sentence_of(line)) for line in lines]
    if len(unknown) > FAULTS_TOLD.most:
        scenario = None  # not all names that refer to nothing are known
    return scenario, [path for path, _ in unknown], faults


def _misnamed(document: Document) -> list[Fault]:
    """A case that is found by the name of its file bears it as its id."""
    file, name = FilePath(document.file), document.data.get("id")
    if not isinstance(name, str) or name == file.stem or not _is_found(file):
        return []
    return [document.fault(("id",), f"the file is called {file.name}; name it {name}.yaml, or write `id: {file.stem}`")]


def _is_found(file: FilePath) -> bool:
    known = case_files().get(file.stem)
    return known is not None and known.resolve() == file.resolve()


_FIGURE = {"value": 1, "assumed": "stands in"}

#: What is tried in place of a faulty value, one after the other.
_STAND_INS = (_FIGURE, {"constant": _FIGURE}, 1, "x", "08:00")

#: As many times a file is validated; one that is beyond help by then is left alone.
_ROUNDS = 12

#: Sections whose entries are named elsewhere: without one of them, other parts would look faulty.
_NAMED = frozenset({"arrivals", "population", "classes", "attributes", "accelerators", "stages", "ends", "curveballs"})


@dataclass
class Mended:
    """A file that can be read as far as the places in doubt; scenario: None where there is no help.

    doubtful: where something stands in for what was there. It says nothing of what the author meant: whatever looks wrong in
    that part of the file may be its fault alone
    faults: those that show only once the kind of a part is known
    """

    scenario: Scenario | None = None
    doubtful: set[Path] = field(default_factory=set)
    faults: list[Fault] = field(default_factory=list)


def mended(document: Document) -> Mended:
    """A scenario as close to a faulty document as can be."""
    found, kinds, tried = Mended(), set[Path](), dict[Path, list[Any]]()
    for _ in range(_ROUNDS):
        try:
            found.scenario = Scenario.of(document)
            return found
        except ValidationError as error:
            lines = {place_of(document.data, line): line for line in error.errors(include_url=False)}
        for path, line in lines.items():
            if path not in tried and any(path[: len(kind)] == kind for kind in kinds):
                found.faults.append(document.fault(path, sentence_of(line)))
            put = _put_right(document, path, line, tried.setdefault(path, _stand_ins(line["input"])))
            if put is None:
                return found
            document = put
            if line["type"] == "union_tag_invalid":
                kinds.add(path[:-1])
            elif line["type"] != "unknown_key":
                found.doubtful.add(path)
    return found


def _put_right(document: Document, path: Path, line: Any, left: list[Any]) -> Document | None:
    """The document with something else at a faulty place; None where nothing is left to try.

    left: what has not been tried there; what is tried is taken out
    """
    meant = re.search(r"did you mean '([^']+)'\?$", sentence_of(line))
    if line["type"] == "unknown_key":
        return document.renamed(path, meant[1] if meant else None)
    if line["type"] == "union_tag_invalid":
        return document.with_value(path, meant[1]) if meant else None
    blamed = (*path, sentence_of(line).split(maxsplit=1)[0])  # as in "max_queue is set but ..."
    if document.holds(blamed):
        return document.renamed(blamed, None)
    if not left:
        return None
    if (stand_in := left.pop(0)) is not None:
        return document.with_value(path, stand_in)
    needed = not path or isinstance(path[-1], int) or (len(path) <= 2 and path[0] in _NAMED)
    return None if needed else document.renamed(path, None)


def _stand_ins(given: Any) -> list[Any]:
    """What may be tried in place of a value, the figure that a number was perhaps meant to be first; None leaves it out."""
    figure = {"value": given, "assumed": "stands in"}
    return [*([figure, {"constant": figure}] if isinstance(given, int | float) else []), *_STAND_INS, None]


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
