"""Studies: long work of a visitor that goes on in the background, whether a page looks at it or not.

A study belongs to a person, not to a tab: a reload finds it again. Its name says all that it depends on. A begun study leaves
a note, an empty file, so that it begins again by itself after a restart of the server; the outcomes that it kept are read.
"""

from __future__ import annotations

from contextlib import suppress
from functools import cache
from hashlib import sha256
from pathlib import Path
from threading import Lock
from typing import Protocol

from cachetools import LRUCache

from simulator import paths
from simulator.app.jobs import registry
from simulator.app.visitors import person
from simulator.files import make_folders

#: Studies that the server remembers of a person, and of all; the oldest is dropped, and ends if it is under way.
KEPT, KEPT_OF_ALL = 12, 240

#: Notes of begun studies on disk; the oldest goes first.
NOTED = 500

#: Cases whose pace is remembered.
PACES = 256


class BackgroundStudy(Protocol):
    """Work that goes on in the background and can be cancelled."""

    @property
    def running(self) -> bool: ...

    def cancel(self) -> None: ...


class StudyShelf:
    """The studies of all visitors, by person and name. Each method may be called from several threads at once."""

    def __init__(self) -> None:
        self._studies: dict[tuple[str, str], BackgroundStudy] = {}  # the one begun last at the end
        self._lock = Lock()

    def get(self, of: str, name: str) -> BackgroundStudy | None:
        with self._lock:
            return self._studies.get((of, name))

    def put(self, of: str, name: str, study: BackgroundStudy) -> None:
        """Keep a study in place of one of the same name; drop the oldest ones beyond the bounds."""
        with self._lock:
            dropped = [self._studies.pop((of, name), None)]
            self._studies[of, name] = study
            own = [key for key in self._studies if key[0] == of]
            beyond = [*own[:-KEPT], *list(self._studies)[:-KEPT_OF_ALL]]
            dropped += [self._studies.pop(key, None) for key in beyond]
        _cancel(dropped)

    def drop(self, of: str, name: str) -> None:
        """Forget a study, and end it if it is under way."""
        with self._lock:
            dropped = self._studies.pop((of, name), None)
        _cancel([dropped])


def _cancel(studies: list[BackgroundStudy | None]) -> None:
    for study in studies:
        if study is not None and study.running:
            study.cancel()


@cache
def shelf() -> StudyShelf:
    return StudyShelf()


# ---- studies of the visitor


def study_of(name: str) -> BackgroundStudy | None:
    return shelf().get(person(), name)


def keep(name: str, study: BackgroundStudy) -> None:
    """Keep a study that the visitor has begun, and note that it was begun."""
    shelf().put(person(), name, study)
    folder, note = paths.STUDIES, _note(name)
    with suppress(OSError):  # without a note, the study does not come back after a restart
        make_folders(folder)
        note.touch()
        for old in sorted(folder.iterdir(), key=lambda file: file.stat().st_mtime)[:-NOTED]:
            old.unlink(missing_ok=True)


def forget(name: str) -> None:
    """End a study of the visitor for good."""
    shelf().drop(person(), name)
    with suppress(OSError):
        _note(name).unlink(missing_ok=True)


def was_begun(name: str) -> bool:
    """Return whether the visitor has begun a study that was not cancelled, before the server's last start perhaps."""
    return _note(name).exists()


def _note(name: str) -> Path:
    return paths.STUDIES / sha256(f"{person()} {name}".encode()).hexdigest()[:32]


# ---- the time that a study takes

_PACES: LRUCache[str, float] = LRUCache(PACES)
_PACING = Lock()


def note_pace(case: str, seconds: float, replications: int) -> None:
    """Note the time that a process took for the replications of one design of a case."""
    each = seconds / replications
    with _PACING:
        _PACES[case] = (3 * _PACES.get(case, each) + each) / 4


def expected_s(case: str, replications: float) -> float | None:
    """Return the seconds that so many replications take on this server's processes; None before any design of the case ran."""
    with _PACING:
        each = _PACES.get(case)
    return None if each is None else replications * each / registry().workers.processes
