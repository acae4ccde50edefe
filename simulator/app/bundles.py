"""Bundles: files of JavaScript that components import, served at addresses that name their content.

A component that Streamlit sends with each run is short; a large one imports its bundle, which a browser keeps.
"""

from __future__ import annotations

import gzip
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

#: The folder of the bundles, with their sources in folders beside them.
FRONTEND = Path(__file__).parents[1] / "frontend"

#: The path below which bundles are served.
PATH = "bundles"

#: A browser keeps a bundle for a year: another content has another address.
_KEPT = "private, max-age=31536000, immutable"


class Bundle(NamedTuple):
    """A bundle in memory, plain and compressed."""

    plain: bytes
    compressed: bytes


_BUNDLES: dict[str, Bundle] = {}


@cache
def address(file: Path) -> str:
    """Return the address of a bundle below the app's own, such as "bundles/board-1f2e3d4c5b6a.js"; it is served from now on."""
    content = file.read_bytes()
    name = f"{file.stem}-{sha256(content).hexdigest()[:12]}{file.suffix}"
    _BUNDLES[name] = Bundle(content, gzip.compress(content, mtime=0))
    return f"{PATH}/{name}"


async def _serve(request: Request) -> Response:
    """Serve a bundle that a component of this server has named."""
    bundle = _BUNDLES.get(request.path_params["name"])
    if bundle is None:
        return PlainTextResponse("Not Found", 404)
    headers = {"Cache-Control": _KEPT, "Vary": "Accept-Encoding"}
    if "gzip" in request.headers.get("accept-encoding", ""):
        return Response(bundle.compressed, headers=headers | {"Content-Encoding": "gzip"}, media_type="text/javascript")
    return Response(bundle.plain, headers=headers, media_type="text/javascript")


ROUTE = Route(f"/{PATH}/{{name}}", _serve)
