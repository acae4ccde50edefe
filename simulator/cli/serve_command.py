"""`casesim serve`: the app."""

from __future__ import annotations

import errno
import os
import shlex
import socket
import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from simulator.app.visitors import EVERY, others_reach, url
from simulator.case.load import OWN_CASES, checked_path, files_at
from simulator.cli.exits import UsageError, say

#: Number of ports after the requested one that are tried.
_TRIED = 20


class UploadPolicy(StrEnum):
    """Visitors who see an upload: its owner, or all."""

    MINE = "mine"
    EVERYONE = "everyone"


def serve(
    cases: Annotated[
        Path | None,
        typer.Argument(
            help="your own case, or a folder of cases; the page follows each change of a file",
            show_default=False,
            readable=False,  # its faults are reported below
        ),
    ] = None,
    port: Annotated[int, typer.Option(min=1, max=65535, help="the port to serve on")] = 8501,
    address: Annotated[str, typer.Option(help="the address to serve on; 0.0.0.0 lets others in")] = "localhost",
    allow_host: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="a name that others use for this server; may be repeated", show_default=False),
    ] = None,
    uploads: Annotated[UploadPolicy, typer.Option(help="who sees an upload: only its owner, or everyone")] = UploadPolicy.MINE,
) -> None:
    """Open the app in a browser, with your own cases beside those that come with CaseSim."""
    own = checked_path(cases) if cases is not None else None
    listening = _listening(address, port, cases)
    here, names = url("localhost" if address in EVERY else address, port), others_reach(address)
    say(f"CaseSim is at {here}; Ctrl+C ends it")
    for name in names:
        say(f"Others reach it at {url(name, port)}, without a password")
    if own is not None:
        os.environ[OWN_CASES] = str(own)
        for file in files_at(own):
            say(f"{file.name}: {here}/practice?case={file.stem}")
    sys.stdout.flush()
    from simulator.app.server import run
    from simulator.app.uploads import VARIABLE

    os.environ[VARIABLE] = uploads
    run(listening, address, [*names, *(allow_host or [])], here)


def _listening(address: str, port: int, cases: Path | None) -> socket.socket:
    """Return a listening socket; raises UsageError with the reason why there is none, and with the same command that works."""
    try:
        return _bound(address, port)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            free = next((other for other in range(port + 1, port + 1 + _TRIED) if _is_free(address, other)), None)
            words = shlex.join(["casesim", "serve", *([str(cases)] if cases else []), "--port", str(free)])
            instead = f"; {free} is free: {words}" if free else "; name another with --port"
            raise UsageError(f"port {port} is in use{instead}") from error
        if error.errno == errno.EACCES:
            raise UsageError(f"port {port} is not open to you; expected one from 1024, such as --port 8501") from error
        wanted = "expected localhost, an address of this machine, or 0.0.0.0 for all of them"
        raise UsageError(f"--address {address}: cannot serve there ({os.strerror(error.errno or 0)}); {wanted}") from error


def _bound(address: str, port: int) -> socket.socket:
    if ":" in address:
        both = address == "::" and socket.has_dualstack_ipv6()
        return socket.create_server((address, port), family=socket.AF_INET6, dualstack_ipv6=both)
    return socket.create_server((address, port))


def _is_free(address: str, port: int) -> bool:
    try:
        _bound(address, port).close()
    except (OSError, OverflowError):
        return False
    return True
