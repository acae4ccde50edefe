"""Every command's help, every case, every page and the server, once each: `make bounds` runs this with other versions."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from simulator.paths import APP, PAGES
from simulator.scenario import scenario_ids
from tests.commands.test_serve import answers, started, until_healthy

pytestmark = pytest.mark.long

COMMANDS = [
    [],
    ["serve"],
    ["cases"],
    ["check"],
    ["run"],
    ["levers"],
    ["monitor"],
    ["incident"],
    ["profile"],
    ["scores", "import"],
]


def casesim(*words):
    command = [sys.executable, "-m", "simulator.commands", *words]
    return subprocess.run(command, capture_output=True, text=True, env=os.environ | {"COLUMNS": "100"})


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_help(words):
    ended = casesim(*words, "--help")
    assert ended.returncode == 0, ended.stderr
    assert "Usage: " in ended.stdout


@pytest.mark.parametrize("case", scenario_ids())
def test_a_case(case):
    ended = casesim("run", case, "--replications", "2")
    assert ended.returncode == 0, ended.stderr


@pytest.mark.parametrize("script", sorted(PAGES.glob("*.py")), ids=lambda script: script.stem)
def test_a_page(script, monkeypatch):
    monkeypatch.setitem(sys.modules, "__main__", sys.modules["__main__"])
    page = AppTest.from_file(APP, default_timeout=120).run()
    page.switch_page(str(script)).run()
    assert not page.exception


@pytest.mark.parametrize("panel", ["Scores", "Detectors", "Sources", "Projected hardware"])
def test_a_panel_of_the_evidence(panel, monkeypatch):
    monkeypatch.setitem(sys.modules, "__main__", sys.modules["__main__"])
    page = AppTest.from_file(APP, default_timeout=120).run()
    page.switch_page(str(PAGES / "evidence.py"))
    page.query_params["evidence"] = panel
    assert not page.run().exception


def test_files_of_ones_own_go_through_the_monitors(tmp_path):
    rows = "\n".join(f"{one},{one % 7}" for one in range(40))
    for name in ("a.csv", "b.csv"):
        (tmp_path / name).write_text(f"x,y\n{rows}\n")
    ended = casesim("monitor", str(tmp_path / "a.csv"), str(tmp_path / "b.csv"), "--test", "ks", "--test", "adwin")
    assert (ended.returncode, "Traceback" in ended.stderr) == (0, False), ended.stderr


@pytest.mark.skipif(os.name != "posix", reason="elsewhere no signal is sent")
def test_the_server(tmp_path):
    environment = os.environ | {"STREAMLIT_SERVER_HEADLESS": "true", "PYTHONPATH": str(Path(__file__).parents[1])}
    server, port = started(environment, tmp_path)
    until_healthy(server, port)
    server.terminate()
    _, err = server.communicate(timeout=20)
    assert server.returncode == 143, err.decode()
    assert not answers(port)
