"""Cases that the user installed from packs: found, listed and removed.

Below one manifest of evidence lie `cases/<id>/` with the case's file, the files beside it and the manifest of its pack, and
`scores/` and `profiles/` with the evidence of all installed cases. A manifest lists the files of a pack with their hashes,
licences and test results.
"""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from simulator.case.fields import Slug
from simulator.case.load import CASES, installed_cases
from simulator.errors import InputError, suggest
from simulator.evidence.evidence_files import changing
from simulator.files import UnreadableError, read_within
from simulator.limits import EVIDENCE_TEXT, PACK_FILES, PACK_NAME
from simulator.paths import INSTALLED

#: The format that this CaseSim writes and reads.
FORMAT: Literal[1] = 1

#: The name of the manifest in a pack, and beside the file of an installed case.
PACK_MANIFEST, INSTALLED_MANIFEST = "manifest.json", "pack.json"

#: Folders of a pack, and of the installed cases.
SCORES, PROFILES = "scores", "profiles"

#: Name of the case's own text among the licences of a pack.
OWN_TEXT = "the case"

FileName = Annotated[str, Field(min_length=1, max_length=PACK_NAME.most)]
_Words = Annotated[str, Field(max_length=2000)]


class PackedFile(BaseModel):
    """A file of a pack; its name begins with the folder that it is installed in."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: FileName
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    bytes: Annotated[int, Field(ge=0)]


class PackManifest(BaseModel):
    """Contents of a pack.

    shipped: evidence that comes with CaseSim and that the case uses, by name, each with the hash that a run notes
    licences: of the case's own text and of each score table and profile
    tests: numbers of test results by outcome
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    format: Literal[1] = FORMAT
    id: Slug
    version: Annotated[int, Field(ge=1)]
    title: Annotated[str, Field(max_length=300)]
    case_hash: Annotated[str, Field(pattern=r"^[0-9a-f]{12}$")]
    casesim: Annotated[str, Field(max_length=60)]
    engine: Annotated[int, Field(ge=1)]
    files: Annotated[list[PackedFile], Field(max_length=PACK_FILES.most)]
    shipped: Annotated[dict[FileName, Annotated[str, Field(max_length=64)]], Field(max_length=1000)] = {}
    licences: Annotated[dict[FileName, _Words], Field(max_length=PACK_FILES.most)] = {}
    tests: Annotated[dict[Annotated[str, Field(max_length=60)], Annotated[int, Field(ge=0)]], Field(max_length=20)] = {}

    @property
    def names(self) -> set[str]:
        return {file.name for file in self.files}


def results_file(case: str) -> str:
    """Return the name of a case's test results in a pack."""
    return f"{CASES}/{case}/{case}.tests.json"


def manifest_file(case: str) -> str:
    """Return the name of the manifest of an installed case, below the folder of all."""
    return f"{CASES}/{case}/{INSTALLED_MANIFEST}"


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
