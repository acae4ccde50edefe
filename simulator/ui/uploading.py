"""What files may take of the server's memory while they are uploaded and until their tab is closed."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping

from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send
from streamlit.runtime import get_instance

from simulator.limits import UPLOADED_FILE, UPLOADED_IN_A_TAB, UPLOADED_IN_ALL, Limit

#: Bytes of the files that are held for each tab.
Held = Callable[[], Mapping[str, int]]

_PATH = re.compile(r"/_stcore/upload_file/([^/]+)/[^/]+")


def held() -> dict[str, int]:
    """The bytes that Streamlit holds for each tab; raises AttributeError should Streamlit keep them elsewhere."""
    kept = get_instance().uploaded_file_mgr.file_storage  # type: ignore[attr-defined]
    return {tab: sum(len(file.data) for file in list(files.values())) for tab, files in list(kept.items())}


class Uploading:
    """Middleware that refuses an upload, before it is read, for which there is no room."""

    def __init__(self, app: ASGIApp, held: Held = held) -> None:
        self._app, self._held = app, held
        self._coming: Counter[str] = Counter()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on what is no upload, and an upload that there is room for."""
        tab = _tab(scope)
        if tab is None:
            await self._app(scope, receive, send)
            return
        size = _size(scope)
        if full := self._full(tab, size):
            told = f"There is no room for it: {full.of} may take {full}. Remove a file, or close the page and open it again.\n"
            await PlainTextResponse(told, 413)(scope, receive, send)
            return
        self._coming[tab] += size
        try:
            await self._app(scope, receive, send)
        finally:
            self._coming[tab] -= size

    def _full(self, tab: str, size: int) -> Limit | None:
        """The limit that a file of so many bytes would break."""
        taken = Counter(self._held()) + self._coming
        if taken[tab] + size > UPLOADED_IN_A_TAB.most:
            return UPLOADED_IN_A_TAB
        return UPLOADED_IN_ALL if taken.total() + size > UPLOADED_IN_ALL.most else None


def _tab(scope: Scope) -> str | None:
    """The tab that sends a file; None for any other request."""
    path = _PATH.search(scope["path"]) if scope["type"] == "http" and scope["method"] in ("PUT", "POST") else None
    return path[1] if path else None


def _size(scope: Scope) -> int:
    """As many bytes as an upload says it has; as many as one may have where it does not say."""
    told = Headers(scope=scope).get("content-length", "")
    return int(told) if re.fullmatch(r"\d{1,15}", told) else UPLOADED_FILE.most
