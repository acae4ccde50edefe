"""Find, read and check a case: from a file to a scenario that can run, or to all its faults.

A user's own file or folder comes first, then installed cases, then the cases that come with CaseSim.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Container, Mapping
from contextlib import suppress
from dataclasses import replace
from itertools import islice
from pathlib import Path as FilePath
from typing import Literal

from filelock import FileLock, Timeout

from simulator.case.checks import check
from simulator.case.choices import Pick
from simulator.case.designs import apply, one_by_one, read_fields, unknown_names
from simulator.case.document import Document, Fault, ScenarioError, beyond, parse_document, read_document
from simulator.case.error_recovery import ReadableCase, with_stand_ins
from simulator.case.phases import PRACTICE_FIELDS, readable_references
from simulator.case.schema import Scenario
from simulator.errors import shortened, suggest
from simulator.evidence.evidence_files import LOCK, PENDING, settle
from simulator.limits import FAULTS_SHOWN
from simulator.paths import INSTALLED, SCENARIOS

#: The environment variable that names a file or folder of the user's own cases.
OWN_CASES = "CASESIM_CASES"

#: The first of the shipped cases; the others follow by name. Its first verdicts appear within a second or two, some met and
#: some not, and none of them changes as the run goes on: there is something to improve at once.
FIRST = "skin-cancer-triage"

ENDINGS = (".yaml", ".yml")

#: The sections on which no metric's name rests.
_BESIDE_METRICS = frozenset({*PRACTICE_FIELDS, "choices", "curveballs", "controllers", "exhibits"})


def own_cases() -> dict[str, FilePath]:
    named = os.environ.get(OWN_CASES)
    return {file.stem: file for file in files_at(FilePath(named))} if named else {}


def shipped_cases() -> dict[str, FilePath]:
    shipped = sorted(SCENARIOS.glob("*.yaml"), key=lambda file: (file.stem != FIRST, file.stem))
    return {file.stem: file for file in shipped}


#: The folder of the cases in a pack, and of the installed ones.
CASES = "cases"


def case_file(case: str) -> str:
    """Return the name of a case's file in a pack."""
    return f"{CASES}/{case}/{case}.yaml"


def installed_cases() -> dict[str, FilePath]:
    """Return the files of the installed cases by id. An interrupted installation is ended first, or undone."""
    if (INSTALLED / PENDING).is_dir():
        with suppress(OSError, Timeout), FileLock(INSTALLED / LOCK, timeout=0):
            settle(INSTALLED)
    names = sorted(folder.name for folder in INSTALLED.glob(f"{CASES}/*"))
    return {name: INSTALLED / case_file(name) for name in names if (INSTALLED / case_file(name)).is_file()}


Origin = Literal["own", "installed", "shipped"]


def case_origins() -> dict[str, tuple[Origin, FilePath]]:
    """Return every case by id, with its origin and its file; of several with one id the first is used."""
    places: dict[Origin, dict[str, FilePath]] = {"own": own_cases(), "installed": installed_cases(), "shipped": shipped_cases()}
    origins: dict[str, tuple[Origin, FilePath]] = {}
    for origin, cases in places.items():
        for case, file in cases.items():
            origins.setdefault(case, (origin, file))
    return origins


def case_files() -> dict[str, FilePath]:
    return {case: file for case, (_, file) in case_origins().items()}


def files_at(path: FilePath) -> list[FilePath]:
    """Return the file itself, or the YAML files in the folder, by name, without hidden ones."""
    try:
        return sorted(file for file in path.iterdir() if file.suffix in ENDINGS and not file.name.startswith("."))
    except OSError:  # no folder, or an unreadable one: reading it as a file raises the error
        return [path]


def doubled() -> list[Fault]:
    """Return a fault for each file that is not used because another one beside it has the same id (`a.yaml`, `a.yml`)."""
    named, used = os.environ.get(OWN_CASES), own_cases()
    beside = files_at(FilePath(named)) if named else []
    reason = "beside it has this id too, and is used instead; rename one of them"
    unused = ((file, used[file.stem].name) for file in beside if used[file.stem] != file)
    return [Fault(str(file), 1, 1, "(file)", f"{name} {reason}") for file, name in unused]


def scenario_ids() -> list[str]:
    return list(case_files())


def find(id_or_path: str | FilePath) -> FilePath:
    """Return the file of a case, by id or by path; raises ScenarioError that names the nearest id."""
    name, path, cases = str(id_or_path), FilePath(id_or_path), case_files()
    there = os.path.isfile(path)  # noqa: PTH113 (pathlib raises for a name that no file can have)
    if there or (path.suffix in ENDINGS and os.path.lexists(path)):
        return path
    if name in cases:
        return cases[name]
    if path.suffix in ENDINGS:
        beside = [str(path.with_name(file.name)) for file in files_at(path.parent)] if os.path.isdir(path.parent) else []  # noqa: PTH112
        missing = f"there is no such file; {suggest(name, beside)}" if beside else "there is no such file"
    elif name and os.path.isdir(path) and files_at(path):  # noqa: PTH112
        missing = f"this is a folder; name a file: {suggest(name, map(str, files_at(path)))}"
    else:
        missing = f"there is no such case or file; {suggest(name, cases)}"
    raise ScenarioError([Fault(shortened(name), 1, 1, "(case)", missing)])


def load(id_or_path: str | FilePath) -> Scenario:
    """Read and check a scenario, and every option it offers.

    Raises ScenarioError with every fault found, each with file, line, column and field.
    """
    return _checked(read_document(find(id_or_path)))


def loads(text: str, name: str = "scenario.yaml", parse: Callable[[str, str], Document] = parse_document) -> Scenario:
    return _checked(parse(text, name))


def load_all(read: Callable[[str], Scenario] = load) -> tuple[list[Scenario], list[Fault]]:
    results = [load_alone(name, read) for name in scenario_ids()]
    faults = [*doubled(), *(fault for _, faults in results for fault in faults)]
    return [scenario for scenario, _ in results if scenario is not None], faults


def load_alone(name: str, read: Callable[[str], Scenario] = load) -> tuple[Scenario | None, list[Fault]]:
    """Return one case as `read` gives it, or every fault of it, so that a faulty case does not stop the others."""
    try:
        return read(name), []
    except ScenarioError as error:
        return None, error.faults
    except Exception as error:
        reason = shortened(" ".join(f"{type(error).__name__}: {error}".split()), 200)
        return None, [
            Fault(str(case_files().get(name, name)), 1, 1, "(file)", f"cannot be used, by a bug in CaseSim: {reason}")
        ]


def _checked(document: Document) -> Scenario:
    """Return the scenario if it and every option can run; raises ScenarioError with all faults that one round can find."""
    scenario, faults = read_fields(document)
    faults += _misnamed(document)
    if len(faults) > FAULTS_SHOWN.most:
        raise ScenarioError(faults)
    read = ReadableCase(scenario) if scenario is not None else with_stand_ins(document)
    scenario, doubtful = read.scenario, read.doubtful
    unknown, unknown_faults = unknown_names(document, scenario or _as_to_metrics(document))
    faults += unknown_faults
    if len(faults) > FAULTS_SHOWN.most:
        raise ScenarioError(faults)
    faults += read.faults
    if scenario is not None:
        faults += beyond(faults, check(scenario, [*unknown, *doubtful]), doubtful)
        scenario = scenario if faults else scenario.found_sound()
        in_doubt = {*doubtful, *unknown}
        scenario = _with_sound_choices(scenario, {str(path[1]) for path in in_doubt if path[0] == "choices" and len(path) > 1})
        faults += beyond(faults, _faults_of_picks(scenario), doubtful)
    if faults or scenario is None:
        raise ScenarioError(faults, scenario, doubtful)
    return scenario


def _as_to_metrics(document: Document) -> Scenario | None:
    """Return a scenario with stand-ins, without the sections on which no metric's name rests; None where that is not enough."""
    data = {name: part for name, part in document.data.items() if name not in _BESIDE_METRICS}
    return with_stand_ins(replace(document, data=data)).scenario


def _with_sound_choices(scenario: Scenario, unfit: Container[str]) -> Scenario:
    """Return a scenario without some choices, and without what names them."""
    if not unfit:
        return scenario
    sound = {name: choice for name, choice in scenario.choices.items() if name not in unfit}
    named = {name: design for name, design in scenario.reference.items() if design.set.keys() <= sound.keys()}
    return scenario.model_copy(update={"choices": sound, "controllers": {}, "phases": [], "reference": named})


def _faults_of_picks(scenario: Scenario) -> list[Fault]:
    designs = [*one_by_one(scenario), *readable_references(scenario)]
    faults = (fault for design in designs for fault in _faults_of(scenario, design))
    return list(islice(faults, FAULTS_SHOWN.most + 1))


def _faults_of(scenario: Scenario, picks: Mapping[str, Pick]) -> list[Fault]:
    try:
        apply(scenario, picks)
    except ScenarioError as error:
        return error.faults
    return []


def _misnamed(document: Document) -> list[Fault]:
    file, name = FilePath(document.file), document.data.get("id")
    listed = case_files().get(file.stem)
    return misnamed(document) if isinstance(name, str) and listed is not None and listed.resolve() == file.resolve() else []


def misnamed(document: Document) -> list[Fault]:
    """Return the fault of a case whose id is not the name of its file: the app looks a case up by that name."""
    file, name = FilePath(document.file), document.data["id"]
    if name == file.stem:
        return []
    message = f"the file is called {file.name}; name it {name}.yaml, or write `id: {file.stem}`"
    return [document.fault(("id",), message, code="file-name")]
