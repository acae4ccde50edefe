"""Every command's help, every case, every page and the server, once each: `make bounds` runs this with other versions."""

import json
import os
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from simulator.case.load import scenario_ids
from simulator.cli.commands import COMMANDS, loaded
from simulator.paths import APP, PAGES
from tests.patience import PATIENCE_S
from tests.serving.test_serve import answers, started, until_healthy

pytestmark = pytest.mark.long


HELPS = [(), *((name,) for name in COMMANDS), *(("scores", name) for name in loaded("scores").commands)]


@pytest.mark.parametrize("words", HELPS, ids=" ".join)
def test_help(words, casesim):
    ended = casesim(*words, "--help")
    assert ended.status == 0, ended.err
    assert f"Usage: {' '.join(['casesim', *words])} " in ended.out


@pytest.mark.parametrize("words", [["--version"], ["cases"], ["scores", "list"]], ids=" ".join)
def test_a_list(words, casesim):
    ended = casesim(*words)
    assert ended.status == 0, ended.err
    assert ended.out


@pytest.mark.parametrize("case", scenario_ids())
def test_a_case(case, casesim):
    checked = casesim("check", case)
    assert checked.status == 0, checked.err
    ran = casesim("run", case, "--replications", "2", "--json")
    assert ran.status == 0, ran.err
    assert json.loads(ran.out)["metrics"]


@pytest.mark.parametrize("words", [
    ["sweep", "--over", "replicas=2,4", "--replications", "2", "--json"],
    ["best", "--over", "replicas", "--designs", "8", "--json"],
    ["sensitivity", "--over", "replicas", "--over", "queue", "--points", "16", "--way", "sobol", "--json"],
    ["sensitivity", "--over", "replicas", "--over", "queue", "--points", "8", "--way", "morris", "--json"],
], ids=lambda words: f"{words[0]} {words[-2]}")  # fmt: skip
def test_a_trade_off(words, casesim, tmp_path, monkeypatch):
    monkeypatch.setattr("simulator.sweeps.outcome_cache.SWEEPS", tmp_path)
    command, *options = words
    ended = casesim(command, "retry-storm", "--set", "retries=none", *options, "--figure", "arrivals.rate_per_s=6")
    assert ended.status == 0, ended.err
    assert json.loads(ended.out)["scenario"] == "retry-storm"


def test_files_of_ones_own_go_through_the_monitors(tmp_path, casesim):
    rows = "\n".join(f"{one},{one % 7}" for one in range(40))
    for name in ("a.csv", "b.csv"):
        (tmp_path / name).write_text(f"x,y\n{rows}\n")
    ended = casesim("monitor", tmp_path / "a.csv", tmp_path / "b.csv", "--test", "ks", "--test", "adwin")
    assert ended.status == 0, ended.err


@pytest.fixture
def app_page():
    return AppTest.from_file(APP, default_timeout=PATIENCE_S).run()


#: The app lists these for some visitors only: an author at the server's machine, and a guest of a room.
OF_SOME = {PAGES / "studio.py", PAGES / "waiting.py"}


@pytest.mark.parametrize("script", sorted({*PAGES.glob("*.py")} - OF_SOME), ids=lambda script: script.stem)
def test_a_page(script, app_page):
    assert not app_page.switch_page(str(script)).run().exception


@pytest.mark.parametrize("script", sorted(OF_SOME), ids=lambda script: script.stem)
def test_a_page_of_some_visitors(script):
    assert not AppTest.from_file(script, default_timeout=PATIENCE_S).run().exception


@pytest.mark.parametrize("panel", ["Scores", "Detectors", "Sources", "Projected hardware"])
def test_a_panel_of_the_evidence(panel, app_page):
    app_page.switch_page(str(PAGES / "evidence.py"))
    app_page.query_params["evidence"] = panel
    assert not app_page.run().exception


@pytest.mark.skipif(os.name != "posix", reason="elsewhere no signal is sent")
def test_the_server(tmp_path):
    environment = os.environ | {"STREAMLIT_SERVER_HEADLESS": "true", "PYTHONPATH": str(Path(__file__).parents[1])}
    server, port = started(environment, tmp_path)
    until_healthy(server, port)
    server.terminate()
    server.communicate(timeout=PATIENCE_S)
    assert not answers(port)
