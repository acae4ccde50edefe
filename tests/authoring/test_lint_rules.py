"""Cautions on a case that can run: each rule finds what it is for, and nothing else."""

import re

import pytest

from simulator.authoring.case_checker import FAULT_RULES, RULES, check_case, check_text, check_whole
from simulator.authoring.finding_codes import FINDINGS, severity_of
from simulator.case.checks import CHECKS
from simulator.case.error_recovery import _CODES
from simulator.case.load import scenario_ids
from simulator.paths import PACKAGE
from tests.case.texts import SMALL, changed, place

pytestmark = pytest.mark.usefixtures("evidence")

#: The small case without anything to caution against.
CLEAN = re.sub(r"value: (0\.\d+|[1-9]\d*), assumed: a test", r"value: \1, between: [0.001, \1], assumed: a test", SMALL)
CLEAN = CLEAN.replace("    label: Sort\n", "    label: Sort\n    answers: true\n").replace("at_least: 0.9,", "at_least: 0.8,")
CLEAN = CLEAN.replace("positive: ill\n", "positive: ill\n  flagged: referred\n")
LONG = " ".join(["word"] * 31)


def cautions(*change: str) -> list[tuple[str, int]]:
    text = changed(*change, text=CLEAN) if change else CLEAN
    checked = check_whole(check_text(text, "small.yaml"))
    assert checked.faults == []
    return [(one.code, one.line) for one in checked.cautions]


def test_a_case_in_order_has_none():
    assert cautions() == []


CLAIM = "claims: [{says: a test, metric: sensitivity, at_least: 0.1}]\nobjectives:"
WRONG = {  # what stands in the file, what is put there, its place, the code
    "an assumed figure": ("{value: 60, between: [0.001, 60], assumed", "{value: 60, assumed", "usd_per_hour:", "no-range"),
    "a published figure": (
        "{value: 60, between: [0.001, 60], assumed: a test}", "{value: 60, published: a paper}", "a paper}", "no-date"),
    "60 labelled people": ("at_least: 0.8,", "at_least: 0.99,", "at_least: 0.99", "unprovable"),
    "seconds for milliseconds": (
        "metric: sensitivity, at_least: 0.8,", "metric: latency_p95_s, at_most: 700,", "at_most: 700", "loose-bound"),
    "a base value beside a choice": (
        "at_sensitivity: 0.9, to", "at_sensitivity: 0.8, to", "at_sensitivity: 0.8", "unused-value"),
    "words of no text": ("objectives:", CLAIM.replace("a test,", "a tast,"), "a tast", "unshown-text"),
    "a note of a stage": ("    label: Sort\n", "    label: Sort\n    note: unseen\n", "note: unseen", "unshown-text"),
    "names that are nearly equal": ("      expert:\n", "      Usu_al:\n", "Usu_al:", "similar-names"),
    "a sentence": ("brief: A test", f"brief: |\n  A test.\n  Then {LONG}.", "Then", "long-sentence"),
    "one word for two events": ("flagged: referred", "flagged: escalated", "flagged:", "unclear-words"),
}  # fmt: skip


@pytest.mark.parametrize("name", WRONG)
def test_each_rule_finds_what_it_is_for(name):
    old, new, where, code = WRONG[name]
    assert cautions(old, new) == [(code, place(changed(old, new, text=CLEAN), where)[0])]


@pytest.mark.parametrize("change", [
    ("{value: 1, between: [0.001, 1], assumed: a test}", "{value: 1, assumed: a test}"),  # all of them: a statement, no guess
    ("{value: 60, between: [0.001, 60], assumed: a test}", "{value: 60, published: a list of 2026}"),
    ("{value: 60, between: [0.001, 60], assumed: a test}", "{value: 60, published: arXiv 2111.08006}"),
    ("at_least: 0.8,", "at_least: 0.9,"),  # 30 are enough
    ("at_least: 0.8, label: Found}", 'at_least: 0.99, label: Found}\ntests: {unmet: {sensitivity: "few are labelled"}}'),
    ("metric: sensitivity, at_least: 0.8,", "metric: wait_p95_s.reader, at_most: 3600,"),  # people take their time
    ("objectives:", CLAIM.replace("a test,", '"A  test",')),
    ("brief: A test", f"brief: |\n  {LONG[:60]}.\n  {LONG[:60]}; {LONG[:60]}."),
])  # fmt: skip
def test_what_may_be_intended_passes(change):
    assert cautions(*change) == []


def test_two_choices_that_may_write_one_place_are_named():
    expert = "          stages.reader.sensitivity: {value: 0.99, assumed: a test}\n"
    text = CLEAN.replace("0.99, between: [0.001, 0.99],", "0.99,")
    text = changed(expert, f"{expert}          stages.sort.routes.1.at_sensitivity: 0.9\n", text=text)
    assert [one.code for one in check_whole(check_text(text, "small.yaml")).cautions] == ["shared-place"]


@pytest.mark.parametrize("name", scenario_ids())
def test_a_shipped_case_has_no_caution(name, monkeypatch):
    monkeypatch.undo()  # with the evidence that is shipped
    checked = check_case(name)
    found = [*checked.faults, *checked.cautions]
    assert [str(one) for one in found if severity_of(one.code) != "note"] == []


def test_every_code_that_a_check_gives_is_explained_and_every_explained_one_is_given():
    source = "\n".join(file.read_text(encoding="utf-8") for file in PACKAGE.rglob("*.py"))
    given = {*re.findall(r'code="([a-z-]+)"', source), *RULES, *FAULT_RULES, *_CODES.values(), "wrong-type"}
    given |= {check.code for check in CHECKS}
    given |= set(re.findall(r', "(file|syntax|duplicate-key|pick)"', source)) | {"fault"}
    assert given == set(FINDINGS)


def test_every_code_has_an_explanation_and_one_severity():
    assert {severity_of(code) for code in FINDINGS} == {"fault", "caution", "note"}
    for finding in FINDINGS.values():
        assert finding.title[0].islower()
        assert finding.wrong != finding.right or finding.wrong == "-"
