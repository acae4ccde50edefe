"""Find, read and check a case, with picks or other figures: from a file to a scenario that can run, or to all its faults.

A user's own file or folder comes first, then installed cases, then the cases that come with CaseSim.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Container, Iterable, Iterator, Mapping
from contextlib import suppress
from itertools import islice
from pathlib import Path as FilePath
from threading import Lock
from typing import TYPE_CHECKING, Any, Literal

from cachetools import LRUCache, cached
from pydantic import BaseModel, ValidationError

from simulator.case.checks import check, check_names
from simulator.case.document import Fault, Path, ScenarioError, beyond, dotted, parse_document, read_document
from simulator.case.error_recovery import fault_of, with_stand_ins
from simulator.case.fields import Figure, Sourced
from simulator.case.installed_cases import installed_cases
from simulator.case.model_memo import ModelMemo
from simulator.case.phases import PRACTICE_FIELDS, TEXT_FIELDS, readable_references
from simulator.case.schema import Scenario
from simulator.errors import InputError, shortened, suggest
from simulator.limits import FAULTS_SHOWN
from simulator.paths import SCENARIOS

if TYPE_CHECKING:
    from simulator.case.choices import Pick
    from simulator.case.document import Document


#: The environment variable that names a file or folder of the user's own cases.
OWN_CASES = "CASESIM_CASES"

#: The first of the shipped cases; the others follow by name. Its first verdicts appear within a second or two, some met and
#: some not, and none of them changes as the run goes on: there is something to improve at once.
FIRST = "skin-cancer-triage"

ENDINGS = (".yaml", ".yml")


def own_cases() -> dict[str, FilePath]:
    named = os.environ.get(OWN_CASES)
    return {file.stem: file for file in files_at(FilePath(named))} if named else {}


def shipped_cases() -> dict[str, FilePath]:
    shipped = sorted(SCENARIOS.glob("*.yaml"), key=lambda file: (file.stem != FIRST, file.stem))
    return {file.stem: file for file in shipped}


Origin = Literal["own", "installed", "shipped"]


def case_origins() -> dict[str, tuple[Origin, FilePath]]:
    """Return every case by id, with its origin and its file; of several with one id the first is used."""
    places: dict[Origin, dict[str, FilePath]] = {"own": own_cases(), "installed": installed_cases(), "shipped": shipped_cases()}
    found: dict[str, tuple[Origin, FilePath]] = {}
    for origin, cases in places.items():
        for case, file in cases.items():
            found.setdefault(case, (origin, file))
    return found


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
    return [
        Fault(
            str(file),
            1,
            1,
            "(file)",
            f"{used[file.stem].name} beside it has this id too, and is used instead; rename one of them",
        )
        for file in beside
        if used[file.stem] != file
    ]


def checked_path(path: FilePath) -> FilePath:
    """Return a file or folder of cases as an absolute path; raises InputError for any other path."""
    if not path.exists():
        beside = [file.name for file in files_at(path.parent)] if path.parent.is_dir() else []
        near = f"; {suggest(path.name, beside)}" if beside else ""
        known = f"'{path}' is a case that comes with CaseSim and is always there; name a file or folder of your own"
        raise InputError(known if str(path) in case_files() else f"{path}: there is no such file or folder{near}")
    if not os.access(path, os.R_OK | (os.X_OK if path.is_dir() else 0)):
        raise InputError(f"{path}: CaseSim may not read it; change its permissions")
    if path.is_dir() and not files_at(path):
        raise InputError(f"{path}: the folder holds no case; a case is a file that ends in .yaml")
    if not path.is_dir() and path.suffix not in ENDINGS:
        raise InputError(f"{path}: a case is a file that ends in .yaml")
    return path.resolve()


def scenario_ids() -> list[str]:
    return list(case_files())


def find(id_or_path: str | FilePath) -> FilePath:
    """Return the file of a case, by id or by path; raises ScenarioError that names the nearest id."""
    name, path, known = str(id_or_path), FilePath(id_or_path), case_files()
    there = os.path.isfile(path)  # noqa: PTH113 (pathlib raises for a name that no file can have)
    if there or (path.suffix in ENDINGS and os.path.lexists(path)):
        return path
    if name in known:
        return known[name]
    if path.suffix in ENDINGS:
        beside = [str(path.with_name(file.name)) for file in files_at(path.parent)] if os.path.isdir(path.parent) else []  # noqa: PTH112
        missing = f"there is no such file; {suggest(name, beside)}" if beside else "there is no such file"
    elif name and os.path.isdir(path) and files_at(path):  # noqa: PTH112
        missing = f"this is a folder; name a file: {suggest(name, map(str, files_at(path)))}"
    else:
        missing = f"there is no such case or file; {suggest(name, known)}"
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


def apply(scenario: Scenario, picks: Mapping[str, Pick]) -> tuple[Scenario, dict[str, Any]]:
    """Return the scenario with picks written into it and checked again, and the whole design (defaults filled in).

    Raises ScenarioError for an unknown choice, an option that is not offered, or picks that do not fit together.
    """
    design = _read_picks(scenario, picks)
    return validated(scenario.document.patched(_changes(scenario, design)), scenario), design


def _read_picks(scenario: Scenario, picks: Mapping[str, Pick]) -> dict[str, Any]:
    """Return the whole design; raises ScenarioError for an unknown choice, or an option that is not offered."""
    document = scenario.document
    faults: list[Fault] = []
    design = scenario.defaults()
    for name, pick in picks.items():
        if name not in scenario.choices:
            message = f"there is no choice '{name}'; {suggest(name, scenario.choices)}"
            faults.append(document.fault(("choices",), message, name, "pick"))
            continue
        try:
            design[name] = scenario.choices[name].read(pick)
        except ValueError as error:
            faults.append(document.fault(("choices", name), str(error), name, "pick"))
    if faults:
        raise ScenarioError(faults)
    return design


def _checked(document: Document) -> Scenario:
    """Return the scenario if it and every option can run; raises ScenarioError with all faults that one round can find."""
    scenario, unknown, faults = _read(document)
    doubtful = set[Path]()
    if len(faults) > FAULTS_SHOWN.most:
        raise ScenarioError(faults)
    if scenario is None:
        read = with_stand_ins(document)
        scenario, doubtful = read.scenario, read.doubtful
        faults += read.faults
    if scenario is not None:
        faults += beyond(faults, check(scenario, [*unknown, *doubtful]), doubtful)
        in_doubt = {*doubtful, *unknown}
        scenario = _with_sound_choices(scenario, {str(path[1]) for path in in_doubt if path[0] == "choices" and len(path) > 1})
        faults += beyond(faults, _faults_of_picks(scenario), doubtful)
    if faults or scenario is None:
        raise ScenarioError(faults, scenario, doubtful)
    return scenario


def one_by_one(scenario: Scenario) -> list[dict[str, Pick]]:
    defaults = scenario.defaults()
    extremes = [(name, pick) for name, choice in scenario.choices.items() for pick in choice.extremes()]
    return [{}, *({name: pick} for name, pick in extremes if pick != defaults[name])]


def _with_sound_choices(scenario: Scenario, unfit: Container[str]) -> Scenario:
    """Return a scenario without some choices, and without what names them."""
    if not unfit:
        return scenario
    sound = {name: choice for name, choice in scenario.choices.items() if name not in unfit}
    named = {name: one for name, one in scenario.reference.items() if one.set.keys() <= sound.keys()}
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


def _changes(scenario: Scenario, design: Mapping[str, Pick]) -> dict[Path, tuple[Any, Path, str]]:
    return {
        path: (value, ("choices", name, *written_at), f"choice `{name}` at {pick}")
        for name, pick in design.items()
        for path, (value, written_at) in scenario.choices[name].changes(pick).items()
    }


def validated(document: Document, known: Scenario | None = None) -> Scenario:
    """Return the scenario of a document; known: a valid one whose unchanged parts need not be validated again.

    Raises ScenarioError with every fault.
    """
    scenario, unknown, faults = _read(document, known)
    if scenario is not None:
        faults += check(scenario, unknown, is_picked=known is not None)
    if faults or scenario is None:
        raise ScenarioError(faults)
    return scenario


def _read(document: Document, known: Scenario | None = None) -> tuple[Scenario | None, list[Path], list[Fault]]:
    """Return a scenario if every field can be read, the places of names that refer to nothing, and all faults of both."""
    unknown = list(islice(check_names(document.data, Scenario.model_fields), FAULTS_SHOWN.most + 1))
    faults = [document.fault(path, message, code="unknown-name") for path, message in unknown] + _misnamed(document)
    scenario = None
    try:
        scenario = Scenario.of(document, known)
    except ValidationError as error:
        lines = error.errors(include_url=False)[: FAULTS_SHOWN.most + 1]
        faults += [fault_of(document, line) for line in lines]
    if len(unknown) > FAULTS_SHOWN.most:
        scenario = None  # not all names that refer to nothing are known
    return scenario, [path for path, _ in unknown], faults


def _misnamed(document: Document) -> list[Fault]:
    file, name = FilePath(document.file), document.data.get("id")
    return misnamed(document) if isinstance(name, str) and _is_found(file) else []


def misnamed(document: Document) -> list[Fault]:
    """Return the fault of a case whose id is not the name of its file: the app looks a case up by that name."""
    file, name = FilePath(document.file), document.data["id"]
    if name == file.stem:
        return []
    message = f"the file is called {file.name}; name it {name}.yaml, or write `id: {file.stem}`"
    return [document.fault(("id",), message, code="file-name")]


def _is_found(file: FilePath) -> bool:
    known = case_files().get(file.stem)
    return known is not None and known.resolve() == file.resolve()


#: A place beside those of the figures: a factor on the traffic of the case.
TRAFFIC = "traffic"

#: A place beside those of the figures: a projected latency of a batch of one, in ms, within its band.
PROJECTED = re.compile(r"stages\.(?P<pool>.+)\.projected_ms")

#: The range of an assumed or projected figure where its author gives none: from half to double of it.
DOUBTED = 0.5, 2.0


def sourced_of(model: Any, path: Path = ()) -> Iterator[tuple[Path, Sourced]]:
    """Yield every figure, or list of them, within a model that takes part in the run, with its path."""
    if isinstance(model, Sourced):
        yield path, model
    elif isinstance(model, dict):
        for name, value in model.items():
            yield from sourced_of(value, (*path, str(name)))
    elif isinstance(model, list):
        for index, value in enumerate(model):
            yield from sourced_of(value, (*path, index))
    elif isinstance(model, BaseModel):
        yield from (((*path, *below), figure) for below, figure in _SOURCED.of(model))


#: The sections without figures that take part in a run: their many models need not be looked through.
_WITHOUT_FIGURES = frozenset({*PRACTICE_FIELDS, *TEXT_FIELDS, "questions", "choices", "exhibits"})


def _sourced_within(model: BaseModel) -> list[tuple[Path, Sourced]]:
    left_out = _WITHOUT_FIGURES if isinstance(model, Scenario) else frozenset()
    names = [name for name in type(model).model_fields if name not in left_out]
    return [pair for name in names for pair in sourced_of(getattr(model, name), (name,))]


_SOURCED: ModelMemo[BaseModel, list[tuple[Path, Sourced]]] = ModelMemo(_sourced_within)


def figures_of(scenario: Scenario) -> dict[str, Figure]:
    return {place: figure for place, (_, figure) in _placed(scenario).items()}


def _placed(scenario: Scenario) -> dict[str, tuple[Path, Figure]]:
    return {dotted(path): (path, figure) for path, figure in sourced_of(scenario) if isinstance(figure, Figure)}


def with_figures(scenario: Scenario, numbers: Mapping[str, float]) -> Scenario:
    """Return a scenario with these numbers for its figures, checked again; TRAFFIC is a factor on the traffic.

    Raises ScenarioError for a place that holds no figure, and for a number that its field does not take.
    """
    if not numbers:
        return scenario
    if TRAFFIC in numbers:
        scenario = _with_traffic(scenario, numbers[TRAFFIC])
        numbers = {place: number for place, number in numbers.items() if place != TRAFFIC}
    known, document = _placed(scenario), scenario.document
    unknown = [place for place in numbers if place not in known]
    if unknown:
        raise _unknown(scenario, unknown, known)
    changes: dict[Path, tuple[Any, Path, str]] = {}
    for place, number in numbers.items():
        path, figure = known[place]
        others = figure.model_dump(exclude={"between"}, exclude_none=True)
        changes[path] = (others | {"value": number}, path, f"the figure `{place}` at {number:g}")
    return validated(document.patched(changes), scenario)


def designed_as(scenario: Scenario, picks: Mapping[str, Pick], figures: Mapping[str, float]) -> tuple[Scenario, dict[str, Any]]:
    """Return a scenario with picks and then figures written into it, and the whole design.

    Figures that no pick writes are written first, once for all designs of a sweep.
    Raises ScenarioError as `apply` and `with_figures` do.
    """
    if figures and not _meet(_changes(scenario, _read_picks(scenario, picks)), figures):
        with suppress(ScenarioError):  # picks may make room for the figures
            return apply(_figured(scenario, figures)[1], picks)
    changed, design = apply(scenario, picks)
    return with_figures(changed, figures), design


@cached(LRUCache(4), key=lambda scenario, figures: (id(scenario), *sorted(figures.items())), lock=Lock())
def _figured(scenario: Scenario, figures: Mapping[str, float]) -> tuple[Scenario, Scenario]:
    """Return the scenario, kept so that its identity stays its own, and it with these figures."""
    return scenario, with_figures(scenario, figures)


def _meet(paths: Iterable[Path], figures: Iterable[str]) -> bool:
    """Return whether a path leads to a figure, or to a part that holds one or belongs to it."""
    places = ["arrivals" if place == TRAFFIC else place for place in figures]
    return any(
        f"{dotted(path)}.".startswith(f"{place}.") or f"{place}.".startswith(f"{dotted(path)}.")
        for path in paths
        for place in places
    )


def _unknown(scenario: Scenario, places: Iterable[str], known: Iterable[str]) -> ScenarioError:
    messages = {place: f"there is no figure `{place}`; {suggest(place, known)}" for place in places}
    return ScenarioError([scenario.document.fault((), message, place, "pick") for place, message in messages.items()])


def _with_traffic(scenario: Scenario, times: float) -> Scenario:
    """Return a scenario whose rate of arrival is multiplied throughout the run."""
    document = scenario.document
    if not scenario.arrivals.has_rate:
        kind = scenario.arrivals.kind
        message = f"`{TRAFFIC}` multiplies a rate of arrival; arrivals of the kind `{kind}` have none"
        raise ScenarioError([document.fault(("arrivals",), message, TRAFFIC)])
    spikes = [spike.model_dump() for spike in getattr(scenario.arrivals, "spikes", [])]
    whole = {"at_s": 0, "seconds": 86_400 * (scenario.run.days + scenario.run.drain_days), "times": times}
    written = ([*spikes, whole], ("arrivals",), f"`{TRAFFIC}` at {times:g}")
    return validated(document.patched({("arrivals", "spikes"): written}), scenario)


def range_of(scenario: Scenario, place: str) -> tuple[float, float]:
    """Return the lowest and the highest value that a figure may have: the author's, else half to double, within its field.

    Raises ScenarioError for a place that holds no figure.
    """
    if place == TRAFFIC:
        return DOUBTED
    figures = figures_of(scenario)
    if place not in figures:
        raise _unknown(scenario, [place], figures)
    figure = figures[place]
    if figure.between:
        return figure.between
    ends = sorted(figure.value * part for part in DOUBTED)
    return max(ends[0], figure.allowed[0]), min(ends[1], figure.allowed[1])
