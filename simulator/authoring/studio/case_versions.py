"""Earlier versions of a case's file: each text that Studio has saved or replaced, the last fifty of a file."""

from __future__ import annotations

import re
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

from simulator import paths
from simulator.errors import InputError
from simulator.evidence.evidence_files import in_one_step
from simulator.files import UnreadableError, make_private_folder, read_within
from simulator.limits import CASE_FILE, VERSIONS_KEPT

_NAME = re.compile(r"(\d{16})-([0-9a-f]{16})\.yaml")


class CaseVersion(NamedTuple):
    """A text that the file once had; at: when it was saved, or replaced (s since 1970)."""

    at: float
    digest: str
    place: Path


class CaseVersions:
    """The versions of one file, in the data folder of the server's user."""

    def __init__(self, file: Path) -> None:
        self.folder = paths.CASE_VERSIONS / sha256(str(file).encode()).hexdigest()[:32]

    def add(self, text: str, at: float) -> None:
        """Keep a text, unless it is the newest one already; the oldest beyond the limit go. Raises InputError."""
        known = self.listed()
        digest = sha256(text.encode()).hexdigest()[:16]
        if known and known[0].digest == digest:
            return
        later = max(round(at * 1e6), round(known[0].at * 1e6) + 1) if known else round(at * 1e6)
        try:
            make_private_folder(self.folder)
            with in_one_step(self.folder / f"{later:016d}-{digest}.yaml") as part:
                part.write_bytes(text.encode())
            for old in self.listed()[VERSIONS_KEPT.most :]:
                old.place.unlink(missing_ok=True)
        except OSError as error:
            raise InputError(f"{self.folder}: the version cannot be kept: {error.strerror}; nothing was changed") from error

    def listed(self) -> list[CaseVersion]:
        """Return the versions, the newest first."""
        try:
            names = sorted((place for place in self.folder.iterdir()), reverse=True)
        except OSError:
            return []
        matched = [(place, _NAME.fullmatch(place.name)) for place in names]
        return [CaseVersion(int(match[1]) / 1e6, match[2], place) for place, match in matched if match]


def text_of(version: CaseVersion) -> str:
    """Return the text of a version; raises InputError for a damaged one."""
    content = read_within(version.place, CASE_FILE)
    if sha256(content).hexdigest()[:16] != version.digest:
        raise UnreadableError(version.place, "is damaged, and is not used")
    return content.decode()
