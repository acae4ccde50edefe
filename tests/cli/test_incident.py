"""`casesim incident`: played from a script or by a player, and what is wrong told in a sentence."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

Run = Callable[..., tuple[int, str, str]]

CASE = "production-drift"
SCRIPT = """
- {kind: wait}
- {kind: look, look: counters}
- {kind: diagnose, cause: overload, confidence: 0.9}
- {kind: fix, fix: more_replicas}
- {kind: close}
"""
OVERLOAD = ("--cause", "overload", "--shape", "abrupt")


@pytest.fixture
def script(tmp_path: Path) -> Path:
    """A script that ends an overload."""
    file = tmp_path / "actions.yaml"
    file.write_text(SCRIPT)
    return file


def test_a_script_is_played_and_scored(casesim: Run, script: Path) -> None:
    status, shown, _ = casesim("incident", CASE, "--script", script, *OVERLOAD, "--json")
    data = json.loads(shown)
    assert status == 0 and data["closed"] and data["scenario"] == CASE
    assert [note["action"]["kind"] for note in data["notes"]] == ["wait", "look", "diagnose", "fix", "close"]
    score = data["score"]
    assert score["right"] and score["brier"] == pytest.approx(0.01)
    assert score["fixes"][0]["took_away"] == pytest.approx(1.0, abs=0.01)
    assert score["excess"] < score["untouched"]


def test_the_same_secret_and_script_print_the_same(casesim: Run, script: Path) -> None:
    first, second = (casesim("incident", CASE, "--script", script, "--secret", 3, "--json") for _ in range(2))
    assert first == second


def test_nothing_tells_the_cause_before_the_script_closes_it(casesim: Run) -> None:
    status, shown, _ = casesim("incident", CASE, "--cause", "seasons")
    assert status == 0 and "The incident goes on." in shown and "season" not in shown.lower()
    data = json.loads(casesim("incident", CASE, "--cause", "seasons", "--json")[1])
    assert data["score"] is None and "season" not in json.dumps(data)


def test_the_sensible_player_tells_what_it_did(casesim: Run) -> None:
    status, shown, _ = casesim("incident", CASE, "--play", "sensible", *OVERLOAD)
    assert status == 0 and "It was: The servers are overloaded" in shown


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("- {kind: lok}", "0"),
        ("- {kind: look, look: replays}", "did you mean 'replay'?"),
        ("- {kind: close}\n- {kind: wait}", "the incident is over"),
        ("- {kind: fix, fix: threshold}", "have some labelled first"),
        ("- {kind: look, look: labels, frames: 3}", "greater than or equal to 10, got 3"),
        ("- {kind: diagnose, cause: fogg, confidence: 0.5}", "there is no 'fogg' in this case"),
        ("- {kind: believe, shares: {fog_season: 0.8, seasons: 0.8}}", "the shares add up to 1.60"),
        ("{}", "list"),
    ],
)
def test_a_faulty_script_is_told_in_a_line(casesim: Run, tmp_path: Path, given: str, expected: str) -> None:
    file = tmp_path / "actions.yaml"
    file.write_text(given)
    status, shown, error = casesim("incident", CASE, "--script", file)
    assert status == 2 and not shown and expected in error and error.count("\n") == 1


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (("incident", "retry-storm"), "no `incident` section"),
        (("incident", CASE, "--cause", "fog"), "there is no cause 'fog'"),
        (("incident", CASE, "--cause", "seasons", "--shape", "slow"), "comes abrupt or gentle"),
        (("incident", CASE, "--play", "nobody"), "there is no player 'nobody'"),
    ],
)
def test_wrong_use_is_told(casesim: Run, arguments: tuple[str, ...], expected: str) -> None:
    status, shown, error = casesim(*arguments)
    assert status == 2 and not shown and expected in error
