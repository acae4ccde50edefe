"""The manifest of a pack: its case, its files with their hashes, licences and test results. An installed case keeps it."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from simulator.case.fields import Slug
from simulator.limits import PACK_FILES, PACK_NAME

#: The format that this CaseSim writes and reads.
FORMAT: Literal[1] = 1

#: The name of the manifest in a pack, and beside the file of an installed case.
PACK_MANIFEST, INSTALLED_MANIFEST = "manifest.json", "pack.json"

#: Folders of a pack, and of the installed cases.
CASES, SCORES, PROFILES = "cases", "scores", "profiles"

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


def case_file(case: str) -> str:
    """Return the name of a case's file in a pack."""
    return f"{CASES}/{case}/{case}.yaml"


def results_file(case: str) -> str:
    """Return the name of a case's test results in a pack."""
    return f"{CASES}/{case}/{case}.tests.json"


def manifest_file(case: str) -> str:
    """Return the name of the manifest of an installed case, below the folder of all."""
    return f"{CASES}/{case}/{INSTALLED_MANIFEST}"
