"""From a file, or a file and picks, to a scenario that may run, or to every reason why not."""

from __future__ import annotations

from collections.abc import Callable, Container, Mapping
from itertools import islice
from pathlib import Path as FilePath
from typing import Any

from pydantic import ValidationError

from simulator.errors import shortened, suggest
from simulator.limits import FAULTS_TOLD
from simulator.scenario.cases import case_files, doubled, find, scenario_ids
from simulator.scenario.checks import check
from simulator.scenario.choices import Pick
from simulator.scenario.document import Document, parse_document, read_document
from simulator.scenario.faults import Fault, Path, ScenarioError, beyond
from simulator.scenario.mend import mended
from simulator.scenario.names import check_names
from simulator.scenario.schema import Scenario
from simulator.scenario.sentences import place_of, sentence_of


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
