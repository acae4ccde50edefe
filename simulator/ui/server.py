"""The app as a server: what stands before its pages, what runs beside them, and how it begins and ends."""

from __future__ import annotations

import logging
import os
import socket
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from secrets import token_hex
from threading import Timer

import streamlit as st
import uvicorn
from starlette.types import ASGIApp
from streamlit.cli_util import open_browser
from streamlit.web import bootstrap

from simulator.errors import InputError
from simulator.limits import MIB
from simulator.paths import APP
from simulator.processes import ORPHANED
from simulator.ui.guard import Guard
from simulator.ui.jobs import registry
from simulator.ui.measurement import measurements
from simulator.ui.names import LOOPBACK
from simulator.ui.uploading import Uploading
from simulator.ui.widgets import plain

#: How long what is under way may take to end with the server (s).
GRACE_S = 1


@asynccontextmanager
async def lifespan(_app: st.App) -> AsyncIterator[None]:
    """The processes start before the first visitor comes, and end with the server."""
    registry().workers.start()
    try:
        yield
    finally:
        measurements().stop()
        registry().workers.stop()


def told(error: Exception) -> bool:
    """Say on the page what went wrong, in a sentence; True, so that no traceback is shown.

    A fault of CaseSim's own has a code, which stands in the log beside the traceback.
    """
    if isinstance(error, InputError):
        st.error(plain(str(error)))
        return True
    code = token_hex(4)
    logging.getLogger(__name__).error("page error %s: %s: %s", code, type(error).__name__, error)
    st.error(f"This part of the page cannot be shown: a fault of CaseSim's own. The log of the server tells more at {code}.")
    return True


#: What an ASGI server serves; without `run` it is reached from this machine only.
app: ASGIApp = Guard(Uploading(st.App(APP, lifespan=lifespan, on_script_error=told)))


def run(listening: socket.socket, address: str, hosts: Sequence[str], url: str) -> None:
    """Serve the app until a signal ends it, which is then raised again: an interrupt as KeyboardInterrupt.

    listening: a bound socket; hosts: the names that the server answers to, besides a machine's names of itself
    url: what a browser on this machine opens
    """
    port = listening.getsockname()[1]
    bootstrap.load_config_options({"server.address": address, "server.port": port, "server.allowedHosts": [*LOOPBACK, *hosts]})
    if not st.get_option("server.headless"):
        open_browser(url)  # it waits until the server accepts
    config = uvicorn.Config(
        app,
        access_log=False,
        log_level="warning",
        use_colors=False,
        timeout_graceful_shutdown=GRACE_S,
        ws_max_size=st.get_option("server.maxMessageSize") * MIB,
    )
    try:
        uvicorn.Server(config).run(sockets=[listening])
    finally:
        _end_within(GRACE_S)


def _end_within(seconds: float) -> None:
    """End this process by then, though a page that works without a pause still would."""
    last = Timer(seconds, os._exit, (ORPHANED,))
    last.daemon = True
    last.start()
