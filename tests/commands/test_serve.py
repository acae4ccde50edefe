"""`casesim serve` as a person starts and stops it."""

import os
import socket
import subprocess
import sys
from time import monotonic, sleep

import pytest


def answers(port):
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@pytest.mark.skipif(os.name != "posix", reason="elsewhere the app is a process of its own")
def test_what_stops_the_command_stops_the_app():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "simulator.commands", "serve", "--port", str(port)]
    quiet = os.environ | {"STREAMLIT_SERVER_HEADLESS": "true"}
    server = subprocess.Popen(command, env=quiet, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    deadline = monotonic() + 60
    while not answers(port):
        assert server.poll() is None
        assert monotonic() < deadline
        sleep(0.2)
    server.terminate()
    server.wait(timeout=20)
    assert not answers(port)
