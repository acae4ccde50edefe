"""Where cases come from: a file or folder of a person's own, then those that come with CaseSim."""

from __future__ import annotations

import os
from pathlib import Path as FilePath

from simulator.case.faults import Fault, ScenarioError
from simulator.errors import InputError, shortened, suggest
from simulator.paths import SCENARIOS

#: The environment variable that names a file or folder of a person's own cases.
OWN_CASES = "CASESIM_CASES"

#: Of the cases that come with CaseSim, the one to start with; the others follow by name. Its first verdicts are there within
#: a second or two, some met and some not, and none of them changes as the run goes on: there is something to better at once.
FIRST = "skin-cancer-triage"

ENDINGS = (".yaml", ".yml")


def own_cases() -> dict[str, FilePath]:
    """The file of each case of a person's own, by id; empty unless OWN_CASES names a file or folder."""
    named = os.environ.get(OWN_CASES)
    return {file.stem: file for file in files_at(FilePath(named))} if named else {}


def case_files() -> dict[str, FilePath]:
    """The file of every case, by id: a person's own come first, and stand in for those of the same id."""
    shipped = sorted(SCENARIOS.glob("*.yaml"), key=lambda file: (file.stem != FIRST, file.stem))
    own = own_cases()
    return own | {file.stem: file for file in shipped if file.stem not in own}


def files_at(path: FilePath) -> list[FilePath]:
    """The file itself, or the YAML files in the folder, by name; none that are hidden."""
    try:
        return sorted(file for file in path.iterdir() if file.suffix in ENDINGS and not file.name.startswith("."))
    except OSError:  # no folder, or none that may be read: what is wrong with it is told when it is read as a file
        return [path]


def doubled() -> list[Fault]:
    """A fault for each file of a person's own that another one beside it stands in for, as its name has the same id."""
    named, used = os.environ.get(OWN_CASES), own_cases()
    beside = files_at(FilePath(named)) if named else []
    return [
        Fault(str(file), 1, 1, "(file)", f"{used[file.stem].name} beside it has the same id, and is used; rename one of them")
        for file in beside
        if used[file.stem] != file
    ]


def checked_path(path: FilePath) -> FilePath:
    """A file or folder that cases can be read from, as an absolute path; raises InputError that says why it is none."""
    if not path.exists():
        beside = [file.name for file in files_at(path.parent)] if path.parent.is_dir() else []
        near = f"; {suggest(path.name, beside)}" if beside else ""
        known = f"'{path}' is a case that comes with CaseSim and is always there; name a file or folder of your own"
        raise InputError(known if str(path) in case_files() else f"{path}: there is no such file or folder{near}")
    if not os.access(path, os.R_OK | (os.X_OK if path.is_dir() else 0)):
        raise InputError(f"{path}: it may not be read; change its permissions")
    if path.is_dir() and not files_at(path):
        raise InputError(f"{path}: the folder holds no case; a case is a file that ends in .yaml")
    if not path.is_dir() and path.suffix not in ENDINGS:
        raise InputError(f"{path}: a case is a file that ends in .yaml")
    return path.resolve()


def scenario_ids() -> list[str]:
    """The ids of all cases."""
    return list(case_files())


def find(id_or_path: str | FilePath) -> FilePath:
    """The file of a case, by id or by path; raises ScenarioError that names the nearest id."""
    name, path, known = str(id_or_path), FilePath(id_or_path), case_files()
    if path.suffix in ENDINGS or os.path.isfile(path):  # noqa: PTH113 (pathlib raises for a name that no file can have)
        return path
    if name in known:
        return known[name]
    missing = f"there is no such case or file; {suggest(name, known)}"
    raise ScenarioError([Fault(shortened(name), 1, 1, "(case)", missing)])
