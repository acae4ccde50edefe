"""Where cases come from: a file or folder of a person's own, then those that come with CaseSim."""

from __future__ import annotations

import os
from pathlib import Path as FilePath

from simulator.errors import InputError, suggest
from simulator.paths import SCENARIOS
from simulator.scenario.faults import Fault, ScenarioError

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
    if not path.is_dir():
        return [path]
    return sorted(file for file in path.iterdir() if file.suffix in ENDINGS and not file.name.startswith("."))


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
    path, known = FilePath(id_or_path), case_files()
    if path.suffix in ENDINGS or path.is_file():
        return path
    if str(id_or_path) in known:
        return known[str(id_or_path)]
    missing = f"there is no such case or file; {suggest(str(id_or_path), known)}"
    raise ScenarioError([Fault(str(id_or_path), 1, 1, "(case)", missing)])
