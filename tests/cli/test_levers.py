"""`casesim levers`: what it prints, and how it ends."""

import io
import json
import re

import pytest

from simulator.case.load import load
from simulator.cli.exits import VisibleConsole, answer
from simulator.engine.plan import compile_plan
from simulator.practice.levers_command import _tried_levers, levers_parts
from tests.case.texts import SMALL
from tests.explain.test_advice import served


@pytest.fixture
def case(tmp_path, evidence):
    file = tmp_path / "small.yaml"
    file.write_text(SMALL, encoding="utf-8")
    return file


def test_levers_print_one_object_with_a_row_a_step_and_nothing_else(casesim, case):
    status, out, _ = casesim(
        "levers", case, "--seed", 7, "--replications", 3, "--trials", 2, "--set", "reading=expert", "--json"
    )
    told = json.loads(out)
    assert status == 0
    assert (told["scenario"], told["seed"], told["replications"], told["trials"]) == ("small", 7, 3, 2)
    assert told["design"] == {"point": 0.9, "urgent": 0.5, "reading": "expert"}
    steps = {(row["choice"], row["pick"]) for row in told["rows"]}
    assert steps == {("point", 0.6), ("point", 1), ("urgent", 0.4), ("urgent", 0.6), ("reading", "usual")}
    for row in told["rows"]:
        assert {"label", "from", "to", "changes_nothing", "effects"} <= row.keys()
        (effect,) = row["effects"]
        assert effect["metric"] == "sensitivity"
        assert effect["verdict_before"] == told["objectives"][0]["verdict"]
        if effect["outcome"] == "changes":
            assert effect["low"] <= effect["change"] <= effect["high"]
            assert isinstance(effect["significant"], bool)


def test_the_changes_are_those_of_a_run_against_the_design(casesim, case):
    """With as many replications as the design itself, a step is `casesim run` with that pick, against the design."""
    told = json.loads(casesim("levers", case, "--replications", 3, "--trials", 3, "--json")[1])
    words = ("run", case, "--replications", 3, "--json", "--set", "point=1.0", "--against", "point=0.9")
    run = json.loads(casesim(*words)[1])
    (row,) = (row for row in told["rows"] if row["pick"] == 1)
    (found,) = (one for one in run["differences"] if one["metric"] == "sensitivity")
    for name, other in (("change", "value"), ("low", "low"), ("high", "high")):
        assert row["effects"][0][name] == pytest.approx(found[other], abs=1e-12)
    assert row["effects"][0]["value_after"] == pytest.approx(run["metrics"]["sensitivity"]["value"])


def test_levers_print_a_table_with_the_verdicts_and_say_what_is_compared(casesim, case):
    status, out, _ = casesim("levers", case)
    assert status == 0
    assert "this design" in out
    assert "Operating point: 0.9 → 1" in out
    assert "first 2 replications" in out


def print_levers(levers, out, monkeypatch):
    for module in ("practice.levers_command", "cli.exits"):
        monkeypatch.setattr(f"simulator.{module}.table_console", lambda: out)
    answer(False, None, levers_parts(levers))


def test_a_narrow_terminal_gets_a_paragraph_a_step_without_a_broken_word(case, monkeypatch):
    tried = _tried_levers(compile_plan(load(case)), 1, 2, 2)
    shown = {}
    for width in (30, 1000):
        out = VisibleConsole(width=width, force_terminal=True, color_system=None, file=io.StringIO())
        print_levers(tried, out, monkeypatch)
        shown[width] = out.file.getvalue()
    assert "…" not in shown[30]
    assert max(map(len, shown[30].splitlines())) <= 30
    text = " ".join(shown[30].split())
    for lever in tried.rows:
        start, _, end = lever.step.words.rpartition(" → ")
        assert start in text
        assert f" {end}" in text
        assert lever.words or f"{lever.step.words}: " in text
        assert f"{lever.step.words} " in shown[1000]


def test_a_paragraph_says_first_what_a_step_takes_from_met(monkeypatch):
    out = VisibleConsole(width=80, color_system=None, file=io.StringIO())
    result, *_ = served(cost=24)
    print_levers(_tried_levers(result.plan, 1, 3, 3), out, monkeypatch)
    (told,) = re.findall(r"Readers: 3 → 4: (.*?)\.\n", out.file.getvalue(), re.DOTALL)
    first, then = " ".join(told.split()).split("; ")
    assert first.startswith("“Cost” +")
    assert "met → not met" in first
    assert then.startswith("“Mean time” −")


def test_what_cannot_be_tried_is_wrong_use(casesim, case):
    assert casesim("levers", case, "--trials", 1).status == 2
    status, _, err = casesim("levers", case, "--set", "point")
    assert (status, err.strip()) == (2, "--set point: write it as CHOICE=OPTION, such as --set replicas=4")
    assert casesim("levers", "no-such-case").status == 2
