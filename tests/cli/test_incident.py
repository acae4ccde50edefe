"""`casesim incident`: played from a script or by a player, and what is wrong told in a sentence."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from pandas import read_csv

from simulator.case.load import load
from simulator.incident.incident_command import TYPICAL
from simulator.incident.secret import draw

ROOT = Path(__file__).parents[2]

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
    prior = load(CASE).incident.prior
    others = [share for name, share in prior.items() if name != "overload"]
    rest = sum((0.1 * share / sum(others)) ** 2 for share in others)
    assert score["right"] and score["brier"] == pytest.approx(0.01 + rest)
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


def test_the_first_example_of_the_docs_is_what_the_command_prints_and_is_right(casesim: Run) -> None:
    page = (ROOT / "docs" / "incidents.md").read_text(encoding="utf-8")
    words = next(line for line in page.splitlines() if "--play" in line).split()[1:]
    ending = page.split("```")[1].strip().splitlines()
    shown = casesim(*words)[1].splitlines()
    assert shown[-len(ending) :] == ending
    [sure] = [line.split(", ")[1].split(" (")[0] for line in ending if line.startswith("Diagnosis: right")]
    assert any(f"diagnosis: The cameras of one site are out of focus, {sure}" in line for line in shown)


def test_the_secret_of_a_command_without_one_is_typical() -> None:
    """Its cause and shape are those of the study's incident of that seed, whose figures lie between the quartiles."""
    rows = read_csv(ROOT / "assets" / "incidents" / CASE / "players.csv").query("player == 'sensible'")
    [own] = rows[rows["seed"] == TYPICAL].to_dict("records")
    secret = draw(load(CASE), TYPICAL)
    assert (secret.cause, secret.shape) == (own["cause"], own["shape"])
    assert own["right"] and own["false_alarms"] == 0
    for name in ("confidence", "detected_h", "diagnosed_h", "mitigated_h", "usd", "kept"):
        low, high = rows[name].quantile([0.25, 0.75])
        assert low <= own[name] <= high, name


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("- {kind: lok}", "1:4: 0.kind: 'lok' is not a known kind; did you mean 'look'?"),
        (
            "- {kind: wait}\n- {kind: look, look: replays}",
            "2:16: 1.look: there is no 'replays' in this case; did you mean 'replay'?",
        ),
        ("- {kind: close}\n- {kind: wait}", "2:3: 1: wait: the incident is over"),
        ("- {kind: fix, fix: threshold}", "1:15: 0.fix: a threshold is chosen on labelled frames"),
        (
            "- kind: look\n  look: labels\n  frames: 3",
            "3:3: 0.frames: input should be greater than or equal to 10; got 3",
        ),
        (
            "- {kind: diagnose, cause: fogg, confidence: 0.5}",
            "1:20: 0.cause: there is no 'fogg' in this case; expected one of: ",
        ),
        (
            "- {kind: believe, shares: {fog_season: 0.8, seasons: 0.8}}",
            "1:19: 0.shares: the shares add up to 1.60; at most 1",
        ),
        (
            "- {kind: believe, shares: {fog_seson: 0.8}}",
            "1:28: 0.shares.fog_seson: there is no 'fog_seson' in this case; did you",
        ),
        ("- {kind: watch, watches: [{statistic: found, window_h: 120}]}", "1:46: 0.watches.0.window_h: should be 84 at most"),
        ('[{"kind": "wait", "hours": -1}]', "1:19: 0.hours: input should be greater than 0; got -1"),
        ("{}", "1:1: (file): should be a list, each of its entries on a line of its own behind a dash"),
        ("- &a {kind: wait}\n- *a", "1:3: 0: anchors (&a) are not supported"),
        ("- {kind: wait", "1:14: (syntax): is not YAML: "),
    ],
)
def test_a_faulty_script_is_told_at_its_line(casesim: Run, tmp_path: Path, given: str, expected: str) -> None:
    file = tmp_path / "actions.yaml"
    file.write_text(given)
    status, shown, error = casesim("incident", CASE, "--script", file)
    assert (status, shown) == (2, "")
    assert error.startswith(f"{file}:{expected}")


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
