"""Uploads of visitors: in a folder of each visitor's own that ends with this server, or among this machine's files.

The administrator decides: with `CASESIM_UPLOADS=everyone` an upload becomes a file of this machine, which all visitors see and
cases can name. Otherwise only the browser that sent it sees it, and it is deleted after a day without a visit, or with the
server.
"""

from __future__ import annotations

import atexit
import os
import re
import shutil
import tempfile
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import cache
from pathlib import Path
from threading import Lock
from time import time
from typing import Literal

from filelock import FileLock, Timeout
from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send
from streamlit.runtime import get_instance

from simulator.app.visitors import person
from simulator.limits import UPLOADED_FILE, UPLOADED_IN_A_TAB, UPLOADED_IN_ALL, UPLOADS_KEPT, Limit
from simulator.paths import OWN_PROFILES, OWN_SCORES
from simulator.phrases import phrase

#: The environment variable that shares uploads with all visitors, and its value for that.
VARIABLE, EVERYONE = "CASESIM_UPLOADS", "everyone"

_PREFIX, _LOCK = "casesim-uploads-", "lock"

Kind = Literal["scores", "profiles"]


class Uploads:
    """The folders of this server, below a private one; folders of servers that no longer run are deleted first.

    A server holds the lock of its folder as long as it lives, however it ends.
    """

    def __init__(self, below: Path | None = None) -> None:
        parent = below or Path(tempfile.gettempdir())
        sweep(parent)
        self.root = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=parent))
        self._held = FileLock(self.root / _LOCK)
        self._held.acquire()
        self._lock = Lock()
        self._visits: dict[str, float] = {}

    def folder(self, owner: str, now_s: float | None = None) -> Path:
        """Return the folder of a browser and record its visit; folders without a visit for a day are deleted."""
        now = time() if now_s is None else now_s
        with self._lock:
            self._visits[owner] = now
            for name in [name for name, at in self._visits.items() if now - at > UPLOADS_KEPT.most]:
                del self._visits[name]
                shutil.rmtree(self.root / name, ignore_errors=True)
        return self.root / owner

    def close(self) -> None:
        shutil.rmtree(self.root, ignore_errors=True)
        self._held.release(force=True)


def sweep(parent: Path) -> None:
    """Remove the folders of servers that no longer run."""
    for left in parent.glob(f"{_PREFIX}*"):
        with suppress(OSError, Timeout):
            lock = FileLock(left / _LOCK, timeout=0)
            if (left / _LOCK).exists():
                with lock:
                    shutil.rmtree(left)


@cache
def uploads() -> Uploads:
    made = Uploads()
    atexit.register(made.close)
    return made


def everyone_sees() -> bool:
    return os.environ.get(VARIABLE) == EVERYONE


def own_folder(kind: Kind) -> Path | None:
    """Return the folder of the visitor's uploads; None where uploads are shared with all."""
    return None if everyone_sees() else uploads().folder(person()) / kind


def upload_folder(kind: Kind) -> Path:
    return own_folder(kind) or {"scores": OWN_SCORES, "profiles": OWN_PROFILES}[kind]


def who_sees(what: str) -> str:
    """Return sentences on who can see an upload, and its lifetime."""
    return phrase("uploads.everyone" if everyone_sees() else "uploads.own", what=what)


#: Bytes of the files that are held for each tab.
Held = Callable[[], Mapping[str, int]]

_PATH = re.compile(r"/_stcore/upload_file/([^/]+)/[^/]+")


def held() -> dict[str, int]:
    """Return the bytes that Streamlit holds for each tab; raises AttributeError should Streamlit store them elsewhere."""
    storage = get_instance().uploaded_file_mgr.file_storage  # type: ignore[attr-defined]
    return {tab: sum(len(file.data) for file in list(files.values())) for tab, files in list(storage.items())}


class Uploading:
    """Middleware that refuses an upload, before it is read, for which there is no room."""

    def __init__(self, app: ASGIApp, held: Held = held) -> None:
        self._app, self._held = app, held
        self._coming: Counter[str] = Counter()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on requests that are not uploads, and uploads that there is room for."""
        tab = _tab(scope)
        if tab is None:
            await self._app(scope, receive, send)
            return
        size = _size(scope)
        if full := self._full(tab, size):
            reason = f"There is no room for this file: {full.of} may take {full}. Remove a file, or open the page again.\n"
            await PlainTextResponse(reason, 413)(scope, receive, send)
            return
        self._coming[tab] += size
        try:
            await self._app(scope, receive, send)
        finally:
            self._coming[tab] -= size

    def _full(self, tab: str, size: int) -> Limit | None:
        taken = Counter(self._held()) + self._coming
        if taken[tab] + size > UPLOADED_IN_A_TAB.most:
            return UPLOADED_IN_A_TAB
        return UPLOADED_IN_ALL if taken.total() + size > UPLOADED_IN_ALL.most else None


def _tab(scope: Scope) -> str | None:
    """Return the tab that sends a file; None for any other request."""
    path = _PATH.search(scope["path"]) if scope["type"] == "http" and scope["method"] in ("PUT", "POST") else None
    return path[1] if path else None


def _size(scope: Scope) -> int:
    length = Headers(scope=scope).get("content-length", "")
    return int(length) if re.fullmatch(r"\d{1,15}", length) else UPLOADED_FILE.most
