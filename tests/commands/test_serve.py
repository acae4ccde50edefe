"""`casesim serve` as a person starts and stops it."""

import os
import socket
import subprocess
import sys
from time import monotonic, sleep

import pytest

from simulator.scenario.cases import find, scenario_ids


def answers(port):
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


WRONG = {
    "a file that is not there": ("parcel.yaml", "there is no such file or folder; did you mean 'parcels.yaml'?"),
    "a case that is shipped": ("retry-storm", "comes with CaseSim and is always there"),
    "a folder without cases": ("empty", "the folder holds no case; a case is a file that ends in .yaml"),
    "another kind of file": ("notes.txt", "a case is a file that ends in .yaml"),
    "a file that may not be read": ("secret.yaml", "it may not be read; change its permissions"),
}


@pytest.mark.parametrize(("name", "says"), WRONG.values(), ids=WRONG)
def test_what_cannot_be_served_is_told_in_a_sentence(name, says, casesim, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty").mkdir()
    for file in ("parcels.yaml", "notes.txt", "secret.yaml"):
        (tmp_path / file).write_text("id: x\n", encoding="utf-8")
    monkeypatch.setattr("os.access", lambda path, mode: path.name != "secret.yaml")  # whoever runs the test may read anything
    ended = casesim("serve", name)
    assert ended.status == 2
    assert says in ended.err
    assert ended.err.count("\n") == 1


@pytest.mark.parametrize("name", ["own.yaml", "."])
def test_a_file_or_folder_is_handed_to_the_app_with_the_address_of_each_case(name, casesim, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CASESIM_CASES", "")  # put back afterwards
    (tmp_path / "own.yaml").write_text("id: own\n", encoding="utf-8")
    started = []
    monkeypatch.setattr("os.execv", lambda program, words: started.append(words))
    monkeypatch.setattr("subprocess.call", lambda words: 0)
    ended = casesim("serve", name, "--port", 8600)
    assert ended.out == "own.yaml: http://localhost:8600/practice?case=own\n"
    assert scenario_ids()[0] == "own"
    assert "retry-storm" in scenario_ids()
    assert find("own") == tmp_path.resolve() / "own.yaml"
    assert "8600" in started[0] or os.name != "posix"


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
