"""Cases that the user installed from packs: found, listed and removed.

Below one manifest of evidence lie `cases/<id>/` with the case's file, the files beside it and the manifest of its pack, and
`scores/` and `profiles/` with the evidence of all installed cases.
"""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from filelock import FileLock, Timeout
from pydantic import ValidationError

from simulator.case.pack_manifest import CASES, PackManifest, case_file, manifest_file
from simulator.errors import InputError, suggest
from simulator.evidence.evidence_files import LOCK, PENDING, changing, settle
from simulator.files import UnreadableError, read_within
from simulator.limits import EVIDENCE_TEXT
from simulator.paths import INSTALLED


def installed_cases() -> dict[str, Path]:
    """Return the files of the installed cases by id. An interrupted installation is ended first, or undone."""
    if (INSTALLED / PENDING).is_dir():
        with suppress(OSError, Timeout), FileLock(INSTALLED / LOCK, timeout=0):
            settle(INSTALLED)
    names = sorted(folder.name for folder in INSTALLED.glob(f"{CASES}/*"))
    return {name: INSTALLED / case_file(name) for name in names if (INSTALLED / case_file(name)).is_file()}


def manifest_of_installed(case: str) -> PackManifest | None:
    """Return the manifest that came with an installed case; None where it cannot be read."""
    try:
        return PackManifest.model_validate_json(read_within(INSTALLED / manifest_file(case), EVIDENCE_TEXT))
    except (UnreadableError, ValidationError):
        return None


def names_of_case(case: str) -> set[str]:
    """Return the names of the files of an installed case, with its evidence that no other installed case uses."""
    manifest, others = manifest_of_installed(case), [manifest_of_installed(name) for name in installed_cases() if name != case]
    below = {file.relative_to(INSTALLED).as_posix() for file in (INSTALLED / CASES / case).rglob("*") if file.is_file()}
    if manifest is None or None in others:  # it is not known whose evidence is whose
        return below
    used = {name for other in others if other is not None for name in other.names}
    return below | {name for name in manifest.names - used if not name.startswith(f"{CASES}/")}


def remove_installed(case: str) -> list[str]:
    """Remove an installed case and its evidence that no other one uses; return their names.

    Raises InputError for a case that is not installed; nothing is removed then.
    """
    if case not in (there := installed_cases()):
        raise InputError(f"there is no installed case '{case}'; {suggest(case, there)}")
    with changing(INSTALLED) as change:
        gone = sorted(names_of_case(case))
        for name in gone:
            if (INSTALLED / name).is_file():
                change.remove(INSTALLED / name)
            else:
                change.accept(INSTALLED / name)
    _remove_empty(INSTALLED / CASES / case)
    return gone


def _remove_empty(folder: Path) -> None:
    for each in sorted((path for path in folder.rglob("*") if path.is_dir()), reverse=True):
        with suppress(OSError):
            each.rmdir()
    with suppress(OSError):  # a file that another program put there stays
        folder.rmdir()
