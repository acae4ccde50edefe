"""`casesim new`: what it writes is a sound case that teaches, and it overwrites nothing."""

import io
import json
import re
import sys

import pytest
from jsonschema import Draft7Validator
from ruamel.yaml import YAML

from simulator.authoring.case_schema import case_schema
from simulator.authoring.new_command import CaseAnswers, blank_case, measured_models
from simulator.board.case_drawing import case_text, compiled, drawn
from simulator.case.load import load, loads
from simulator.engine.plan import compile_plan
from simulator.explain.result import replicate
from simulator.metrics.summary import judge
from simulator.paths import SCENARIOS

LINE = "# yaml-language-server: $schema=case.schema.json\n"


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_case_from_nothing_passes_the_check_and_has_its_schema_beside_it(casesim, folder):
    status, _, err = casesim("new", "parcel-damage", "--title", "Damaged: parcels", "--request", "parcel", "--rate", 5)
    assert (status, err) == (0, "")
    assert casesim("check", "parcel-damage.yaml") == (0, "parcel-damage: no faults\n", "")
    text = (folder / "parcel-damage.yaml").read_text(encoding="utf-8")
    assert text.startswith(LINE)
    assert text.count("# ") > 20
    schema = json.loads((folder / "case.schema.json").read_text(encoding="utf-8"))
    assert schema == case_schema()
    assert Draft7Validator(schema).is_valid(YAML(typ="safe", pure=True).load(text))
    scenario = load("parcel-damage.yaml")
    assert (scenario.title, scenario.unit.many, scenario.arrivals.rate_per_s.value) == ("Damaged: parcels", "parcels", 5)
    assert scenario.claims and scenario.tests.meets and all(phase.prompts for phase in scenario.phases)
    assert all(question.rests_on for question in scenario.questions)


@pytest.mark.parametrize("people", [False, True])
@pytest.mark.parametrize("rate", [0.05, 2, 20])
def test_the_reference_of_a_new_case_reaches_every_bound_and_its_default_does_not(people, rate):
    scenario = loads(blank_case(CaseAnswers("a-case", "A case", people=people, rate=rate, within_s=300 if people else 0.3)))
    told = {}
    for name, picks in (("default", {}), ("balanced", scenario.reference["balanced"].set)):
        result = replicate(compile_plan(scenario, picks), seed=1, replications=scenario.run.replications)
        told[name] = [judge(one, scenario.metrics, result.metrics).met for one in scenario.objectives]
    assert all(told["balanced"])
    assert not all(told["default"])


@pytest.mark.parametrize("model", measured_models()[::6])
def test_every_measured_model_makes_a_sound_case(model):
    scenario = loads(blank_case(CaseAnswers("a-case", "A case", model=model)))
    assert compile_plan(scenario).warnings == []


def test_a_copy_of_an_example_keeps_its_comments_and_changes_three_values(casesim, folder):
    status, _, err = casesim("new", "my-storm", "--from", "retry-storm", "--title", "Mine")
    assert (status, err) == (0, "")
    before = (SCENARIOS / "retry-storm.yaml").read_text(encoding="utf-8")
    after = (folder / "my-storm.yaml").read_text(encoding="utf-8")
    assert after.startswith(LINE)
    comments = [re.findall(r"(?:^|\s)(# .*)$", text, re.MULTILINE) for text in (before, after.removeprefix(LINE))]
    assert comments[0] == comments[1] and len(comments[0]) > 5
    old, new = (YAML(typ="safe", pure=True).load(text) for text in (before, after))
    assert new == old | {"id": "my-storm", "version": 1, "title": "Mine"}


def test_a_case_from_a_drawing_is_sound_and_has_comments(casesim, folder):
    scenario = load("retry-storm")
    text = case_text(compiled(drawn(scenario), scenario), "retry-storm-drawn", "As drawn")
    assert "#" not in text
    (folder / "drawn.yaml").write_text(text, encoding="utf-8")
    assert casesim("new", "from-board", "--drawing", "drawn.yaml")[0] == 0
    assert casesim("check", "from-board.yaml")[0] == 0
    written = (folder / "from-board.yaml").read_text(encoding="utf-8")
    assert (load("from-board.yaml").title, "# the stages on the path" in written) == ("From board", True)


def test_nothing_is_overwritten(casesim, folder):
    (folder / "mine.yaml").write_text("kept", encoding="utf-8")
    status, _, err = casesim("new", "mine")
    assert (status, (folder / "mine.yaml").read_text(encoding="utf-8")) == (2, "kept")
    assert "there is such a file already" in err
    (folder / "case.schema.json").write_text("{}", encoding="utf-8")
    status, _, err = casesim("new", "other")
    assert (status, (folder / "case.schema.json").read_text(encoding="utf-8")) == (2, "{}")
    assert not (folder / "other.yaml").exists()


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("My Case",), "'My Case' is no id; write lower-case letters, digits and -, such as 'my-case'"),
        (("a", "--model", "resnet5"), "there is no model 'resnet5' to begin with; did you mean 'resnet50'?"),
        (("a", "--request", "a: b"), "'a: b' is no word for a request"),
        (("a", "--from", "retry-storm", "--rate", "3"), "--rate is for a case from nothing"),
        (("a", "--from", "retry-storm", "--drawing", "x.yaml"), "give --from or --drawing, not both"),
        (("a", "--from", "retri-storm"), "did you mean 'retry-storm'?"),
        (("a", "--rate", "5000", "--people"), "a stage has at most 1,024"),
        (("a", "--drawing", "missing.yaml"), "there is no such file"),
    ],
)
def test_a_wrong_word_is_answered_and_nothing_is_written(casesim, folder, words, says):
    status, out, err = casesim("new", *words)
    assert (status, out, list(folder.iterdir())) == (2, "", [])
    assert says in err


def test_a_person_at_a_terminal_is_asked_six_questions_and_again_after_a_wrong_answer(casesim, folder, monkeypatch):
    answers = io.StringIO("Damaged parcels\nparcel\nnosuch\nresnet18\nyes\n2\n120\n")
    answers.isatty = lambda: True
    monkeypatch.setattr(sys, "stdin", answers)
    status, _, err = casesim("new", "asked")
    assert status == 0
    assert [f"{number} of 6" in err for number in range(1, 7)] == [True] * 6
    assert "there is no model 'nosuch'" in err
    scenario = load("asked.yaml")
    assert (scenario.stages["model"].model, scenario.unit.one, "people" in scenario.stages) == ("resnet18", "parcel", True)
