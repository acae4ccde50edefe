"""Numbers that texts take from the case or from a kept run."""

import json

import pytest

from simulator.authoring.check_results import KeptResults
from simulator.authoring.claim_checks import figure_checks
from simulator.authoring.tested_designs import DesignRunner
from simulator.case.designs import apply
from simulator.case.document import ScenarioError
from simulator.case.load import loads
from simulator.case.prose_figures import UNKNOWN, kept_figures, metrics_in_prose
from simulator.engine.compiled_plan import case_hash
from tests.case.texts import changed, place
from tests.cli.conftest import Here

REFERENCE = """reference:
  strict: {label: Strict, set: {point: 1.0}, meets: [], text: It refers all., gives_up: "{figure:ends.seen.usd} USD each"}
objectives:"""
BRIEF = """brief: |
  Of the people {figure:population.prevalence|percent} are ill, one in {figure:stages.reader.usd_per_hour}.
  It finds {metric:sensitivity@strict}, by default {metric:sensitivity}.
  That is {metric:sensitivity@default|interval}."""
TEXT = changed("brief: A test", BRIEF, "objectives:", REFERENCE)


@pytest.fixture(autouse=True)
def kept(tmp_path, monkeypatch):
    """A folder for kept results."""
    for module in ("case.prose_figures", "authoring.check_results"):
        monkeypatch.setattr(f"simulator.{module}.OWN_TESTED", tmp_path / "tested")
        monkeypatch.setattr(f"simulator.{module}.TESTED", tmp_path / "shipped")
    return tmp_path / "tested" / "small.json"


def test_figures_are_filled_in_and_metrics_without_a_run_say_so():
    first, second, _ = loads(TEXT).brief.splitlines()
    assert first == "Of the people 50% are ill, one in 60."
    assert second == f"It finds {UNKNOWN}, by default {UNKNOWN}."


def test_texts_are_filled_in_everywhere_and_stay_as_they_are_under_a_pick():
    scenario = loads(TEXT)
    assert scenario.reference["strict"].gives_up == "100 USD each"
    picked, _ = apply(scenario, {"reading": "expert", "point": 0.6})
    assert picked.brief == scenario.brief
    assert picked.reference == scenario.reference


def test_a_text_with_placeholders_leaves_the_hash_of_the_case_as_it_is():
    assert case_hash(loads(TEXT)) == case_hash(loads(changed("objectives:", REFERENCE)))


def test_a_metric_is_the_number_that_a_test_has_kept_of_this_case(evidence, kept):
    scenario = loads(TEXT)
    results = KeptResults(scenario)
    checks = figure_checks(scenario, DesignRunner(scenario, Here().submit))
    says = {one.subject: one.says for check in checks for one in results.of(check)}
    results.write()
    assert set(says) == {"strict", "default"}
    shown = kept_figures(scenario)
    assert f"sensitivity {shown['sensitivity@strict']}" in says["strict"]
    _, second, third = loads(TEXT).brief.splitlines()
    strict, default = (shown[f"sensitivity@{design}"].partition(" ")[0] for design in ("strict", "default"))
    assert strict.endswith("%")
    assert second == f"It finds {strict}, by default {default}."
    assert third == f"That is {shown['sensitivity@default']}."
    assert third.endswith(").")
    other_design = loads(TEXT.replace("set: {point: 1.0}", "set: {point: 0.6}"))
    assert {subject.partition("@")[2] for subject in kept_figures(other_design)} == {"default"}
    other_case = loads(TEXT.replace("people: 2", "people: 3"))
    assert kept_figures(other_case) == {}


@pytest.mark.parametrize("content", ["", "[]", "{", '{"figures x": []}', '{"figures x": [{}]}', '{"figures x": 1}', "\x00"])
def test_a_damaged_file_of_results_has_no_numbers(content, kept):
    kept.parent.mkdir()
    kept.write_text(content, encoding="utf-8")
    assert UNKNOWN in loads(TEXT).brief
    kept.write_text(json.dumps({"figures default 0": [{"says": "sensitivity 1%"}]}), encoding="utf-8")
    assert UNKNOWN in loads(TEXT).brief


MISTAKES = {
    "{figure:population.prevalance}": "there is no figure 'population.prevalance'; did you mean 'population.prevalence'?",
    "{figure:population.prevalence|procent}": "'procent' is not a format; did you mean 'percent'?",
    "{metric:sensitivty}": "'sensitivty' is not a metric here; did you mean 'sensitivity'?",
    "{metric:sensitivity@defalt}": "'defalt' is no design; did you mean 'default'?",
    "{metric:sensitivity|percent}": "a metric has a format of its own",
}


@pytest.mark.parametrize("placeholder", MISTAKES)
def test_a_placeholder_that_names_nothing_is_a_fault_at_its_own_place(placeholder):
    text = changed("brief: A test", f"brief: |\n  Two\n  lines {placeholder}")
    with pytest.raises(ScenarioError) as caught:
        loads(text)
    (fault,) = caught.value.faults
    assert (fault.line, fault.column) == place(text, placeholder)
    assert (fault.code, fault.field) == ("placeholder", "brief")
    assert MISTAKES[placeholder] in fault.message


def test_a_placeholder_in_a_label_is_a_fault():
    with pytest.raises(ScenarioError, match=r"stages\.sort\.label: a placeholder is filled in only in the sections title"):
        loads(changed("label: Sort\n", 'label: "{figure:population.prevalence}"\n'))


def test_the_metrics_of_all_texts_are_named_once():
    assert [one.subject for one in metrics_in_prose(loads(TEXT))] == ["sensitivity@strict", "sensitivity@default"]
