"""Evidence that stands ready in a folder and is not installed yet: readers look there first, as long as it is checked."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path

_FOLDER: ContextVar[Path | None] = ContextVar("staged evidence", default=None)


@contextmanager
def staging(folder: Path) -> Iterator[None]:
    """Let readers of score tables and profiles look into `folder` first, below `scores` and `profiles`."""
    before = _FOLDER.set(folder)
    try:
        yield
    finally:
        _FOLDER.reset(before)


def staged(kind: str) -> list[Path]:
    """Return the staged folder of a kind of evidence, in a list, or none."""
    folder = _FOLDER.get()
    return [folder / kind] if folder else []
