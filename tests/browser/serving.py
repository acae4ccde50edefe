"""An installed browser, and the app on a free port in a process of its own."""

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.request import urlopen

from tests.patience import PATIENCE_S

#: The shell of Chromium, which has no window, takes a fifth less of a processor than the browser.
BROWSERS = (
    "chromium-headless-shell",
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
)
ARGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--process-per-site"]
QUIET = {"STREAMLIT_SERVER_HEADLESS": "true", "STREAMLIT_SERVER_ADDRESS": "127.0.0.1", "CASESIM_PREPARE": "no"}


def installed() -> str | None:
    """The path of a Chromium or Chrome; CASESIM_CHROME names one."""
    named = os.environ.get("CASESIM_CHROME")
    return next(filter(None, map(shutil.which, [named] if named else BROWSERS)), None)


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


#: The module that serves the app, with its arguments.
APP = "simulator.cli", "serve"
#: The same, strict with wrong tokens.
STRICT_APP = "tests.browser.strict_app", "serve"
PORT_OPTION = {"simulator.cli": "--port", STRICT_APP[0]: "--port", "streamlit": "--server.port"}


def started(folder: Path, port: int, serving: tuple[str, ...] = APP, **environment: str) -> subprocess.Popen[bytes]:
    """The app on a port, once it answers; it runs in `folder` and keeps its log there. Raises RuntimeError with the log."""
    log, command = folder / "log.txt", [sys.executable, "-m", *serving, PORT_OPTION[serving[0]], str(port)]
    with log.open("wb") as output:
        server = subprocess.Popen(
            command, cwd=folder, env=os.environ | QUIET | environment, stdout=output, stderr=subprocess.STDOUT
        )
    if not _healthy(f"http://127.0.0.1:{port}", server):
        server.terminate()
        server.wait(timeout=PATIENCE_S)
        raise RuntimeError(f"the app did not start:\n{log.read_text()}")
    return server


@contextmanager
def served(folder: Path, serving: tuple[str, ...] = APP, **environment: str) -> Iterator[str]:
    """The address of the app, which runs in `folder` and keeps its log there; raises RuntimeError with the log."""
    port = free_port()
    server = started(folder, port, serving, **environment)
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.terminate()
        server.wait(timeout=PATIENCE_S)


def _healthy(address: str, server: subprocess.Popen[bytes]) -> bool:
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline and server.poll() is None:
        try:
            with urlopen(f"{address}/_stcore/health", timeout=5) as answer:
                return bool(answer.status == 200)
        except OSError:
            time.sleep(0.2)
    return False
