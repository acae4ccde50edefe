"""`casesim serve`: the app."""

from __future__ import annotations

import errno
import os
import re
import shlex
import socket
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated

import typer

from simulator.app.admission import FIELD, VARIABLE, checked_token, drawn_token, link_with
from simulator.app.visitors import EVERY, others_reach, url
from simulator.case.load import ENDINGS, OWN_CASES, case_files, files_at
from simulator.cli.exits import UsageError, say
from simulator.cli.signals import at_once, keeping, killed_if_stuck
from simulator.errors import InputError, suggest
from simulator.rooms.room_places import most_rooms

#: Number of ports after the requested one that are tried.
_TRIED = 20


class UploadPolicy(StrEnum):
    """Visitors who see an upload: its owner, or all."""

    MINE = "mine"
    EVERYONE = "everyone"


_NEEDED = "the token that visitors need; other users of this machine can read a command line, but not the variable"

#: Its faults are reported by `_checked_path`.
_CASES = "your own case, or a folder of cases; the page follows each change of a file"
_Cases = Annotated[Path | None, typer.Argument(help=_CASES, show_default=False, readable=False)]


@dataclass(frozen=True)
class ServeCommand:
    """Open the app in a browser, with your own cases beside those that come with CaseSim."""

    cases: _Cases = None
    port: Annotated[int, typer.Option(min=1, max=65535, help="the port to serve on")] = 8501
    address: Annotated[str, "the address to serve on; 0.0.0.0 lets in others who have the token"] = "localhost"
    allow_host: Annotated[list[str] | None, "NAME", "a name that others use for this server; may be repeated"] = None
    uploads: Annotated[UploadPolicy, "who sees an upload: only its owner, or everyone"] = UploadPolicy.MINE
    token: Annotated[
        str | None,
        typer.Option(metavar="TEXT", envvar=VARIABLE, help=_NEEDED, show_default="drawn where others reach the server"),
    ] = None
    proxy: Annotated[bool, "take a visitor's address and https from the headers of a reverse proxy on this machine"] = False
    no_token: Annotated[bool, "let in every visitor without a token"] = False
    scheduler: Annotated[str | None, "ADDRESS", "the Dask scheduler whose workers run the designs"] = None
    prepare: Annotated[bool, typer.Option(help="run likely designs while no visitor waits for a run")] = True

    def run(self) -> None:
        own = _checked_path(self.cases) if self.cases is not None else None
        allowed = [_checked_name(name) for name in self.allow_host or []]
        port, address, no_token = self.port, self.address, self.no_token
        given = _checked_token(self.token, no_token)
        most_rooms()  # refuses a wrong number
        listening = _listening(address, port, self.cases)
        here, names = url("localhost" if address in EVERY else address, port), others_reach(address)
        drawn = drawn_token() if given is None and not no_token and _lets_others_in(listening) else None
        _announce(here, [url(name, port) for name in names], drawn)
        if given is not None:
            os.environ.pop(VARIABLE, None)  # no process of the server needs it
            say(f"Visitors need the token that you gave: {here}/?{FIELD}=TOKEN")
        elif no_token and _lets_others_in(listening):
            say(
                "Every person who reaches this port comes in without a token and can use this machine's processors.", sys.stderr
            )
        if own is not None:
            _offer_cases(own, here)
        sys.stdout.flush()
        with at_once():
            from simulator.app.jobs import registry
            from simulator.app.uploads import VARIABLE as UPLOADS
            from simulator.app.workers import SCHEDULER
            from simulator.serving.preparation import OFF
            from simulator.serving.preparation import VARIABLE as PREPARE
            from simulator.serving.server import run

        os.environ[UPLOADS] = self.uploads
        if not self.prepare:
            os.environ[PREPARE] = OFF
        if self.scheduler is not None:
            os.environ[SCHEDULER] = self.scheduler
            registry()  # where no scheduler answers, the command says so before it serves
        with keeping("the server has ended; designs and verdicts are stored"), killed_if_stuck():
            run(listening, address, [*names, *allowed], here, given or drawn, proxy=self.proxy)


def _announce(here: str, elsewhere: Iterable[str], drawn: str | None) -> None:
    """Say where the server is, with the token that was drawn for it."""
    say(f"CaseSim is at {link_with(here, drawn) if drawn else here}; Ctrl+C ends it")
    for there in elsewhere:
        say(f"Others reach it at {link_with(there, drawn) if drawn else there}")


def _offer_cases(own: Path, here: str) -> None:
    """Have the app read the user's own cases, and say where each is."""
    os.environ[OWN_CASES] = str(own)
    for file in files_at(own):
        say(f"{file.name}: {here}/practice?case={file.stem}")


#: A name of a machine, or an address of version 6.
_NAME = re.compile(r"[\w.-]+|[0-9a-fA-F]*:[0-9a-fA-F:.]*", re.ASCII)


def _checked_name(name: str) -> str:
    if not _NAME.fullmatch(name):
        raise UsageError(f"--allow-host {name}: expected the one name that visitors use, such as casesim.example.org")
    return name


def _checked_token(token: str | None, no_token: bool) -> str | None:
    """Return the administrator's own token; raises UsageError for one that is easy to guess, or beside --no-token."""
    if token is None:
        return None
    if no_token:
        raise UsageError(f"--no-token: there is a token too, by --token or {VARIABLE}; leave one of them out")
    try:
        return checked_token(token)
    except InputError as error:
        raise UsageError(f"--token or {VARIABLE}: {error}") from None


def _lets_others_in(listening: socket.socket) -> bool:
    return not ip_address(listening.getsockname()[0].partition("%")[0]).is_loopback


def _listening(address: str, port: int, cases: Path | None) -> socket.socket:
    """Return a listening socket; raises UsageError with the reason why there is none, and with the same command that works."""
    try:
        return _bound_socket(address, port)
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


def _bound_socket(address: str, port: int) -> socket.socket:
    if ":" in address:
        both = address == "::" and socket.has_dualstack_ipv6()
        return socket.create_server((address, port), family=socket.AF_INET6, dualstack_ipv6=both)
    return socket.create_server((address, port))


def _is_free(address: str, port: int) -> bool:
    try:
        _bound_socket(address, port).close()
    except (OSError, OverflowError):
        return False
    return True


def _checked_path(path: Path) -> Path:
    """Return a file or folder of cases as an absolute path; raises InputError for any other path."""
    if not path.exists():
        beside = [file.name for file in files_at(path.parent)] if path.parent.is_dir() else []
        near = f"; {suggest(path.name, beside)}" if beside else ""
        shipped = f"'{path}' is a case that comes with CaseSim and is always there; name a file or folder of your own"
        raise InputError(shipped if str(path) in case_files() else f"{path}: there is no such file or folder{near}")
    if not os.access(path, os.R_OK | (os.X_OK if path.is_dir() else 0)):
        raise InputError(f"{path}: CaseSim may not read it; change its permissions")
    if path.is_dir() and not files_at(path):
        raise InputError(f"{path}: the folder holds no case; a case is a file that ends in .yaml")
    if not path.is_dir() and path.suffix not in ENDINGS:
        raise InputError(f"{path}: a case is a file that ends in .yaml")
    return path.resolve()
