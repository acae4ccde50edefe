"""Completion and hints: the keys of the schema at the cursor, the names of the case, and the words of the schema."""

import pytest

from simulator.authoring.studio.schema_help import completions, hint, nodes_at
from simulator.case.load import load


@pytest.fixture(scope="module")
def case():
    return load("retry-storm")


def offered(text, case, marker="¦"):
    """What is offered at the marker, and the word that it replaces."""
    before = text[: text.index(marker)]
    line, column = before.count("\n") + 1, len(before) - (before.rfind("\n") + 1)
    start, offers = completions(text.replace(marker, ""), line, column, case)
    return [one.label for one in offers], before[len(before) - column + start :]


def at_the_end(case, lines):
    """Lines in place of the last section of the case's own text."""
    return f"{case.document.source.rstrip()}\n{lines}"


def test_keys_of_the_whole_case_leave_out_those_that_are_there(case):
    labels, word = offered(at_the_end(case, "popu¦"), case)
    assert word == "popu"
    assert "population" in labels
    assert not {"id", "stages", "objectives"} & set(labels)


def test_keys_of_a_stage_are_those_of_its_kind(case):
    name, stage = next((name, one) for name, one in case.stages.items() if one.kind == "pool")
    text = case.document.source.replace(f"  {name}:\n", f"  {name}:\n    ¦\n", 1)
    labels, _ = offered(text, case)
    assert "queue_limit" in labels or "batching" in labels
    assert "routes" not in labels
    assert "device" not in labels, "it is there already"
    assert stage.device


def test_keys_of_a_new_stage_are_those_of_all_kinds(case):
    labels, _ = offered("stages:\n  fresh:\n    ¦", case)
    assert {"kind", "model", "routes", "shifts"} <= set(labels)


@pytest.mark.parametrize(
    ("text", "some"),
    [
        ("stages:\n  fresh:\n    kind: ¦", {"pool", "gate", "people", "retry"}),
        ("objectives:\n  - {metric: ¦", {"latency_served_p95_s"}),
        ("stages:\n  fresh:\n    device: epyc¦", {"epyc-zen4-2c"}),
        ("ends:\n  fresh:\n    escalated: ¦", {"true", "false"}),
        ("hero: ¦", {"overload"}),
        ("tests:\n  meets:\n    - {design: ¦", {"default"}),
        ("objectives:\n  - ¦", {"metric", "label", "at_most"}),
    ],
)
def test_values_are_those_of_the_schema_and_the_names_of_the_case(case, text, some):
    assert some <= set(offered(text, case)[0])


def test_a_place_that_the_schema_does_not_know_offers_nothing(case):
    for text in ("nowhere:\n  ¦", "id:\n  deeper:\n    ¦", "¦stages:"):
        assert isinstance(offered(text, case)[0], list)
    assert offered("nowhere:\n  ¦", case)[0] == []


def test_without_a_case_the_schema_alone_speaks():
    assert "kind" in offered("stages:\n  fresh:\n    ¦", None)[0]


def test_a_hint_says_the_type_the_range_and_the_meaning():
    text = "minutes: 45\nrun: {days: 1}\nnonsense: 1\n"
    assert hint(text, 1, 3, None) == "integer from 5 to 240; default: 45\nhow long the case takes in an interview"
    assert "requests arrive over this many days" in hint(text, 2, 7, None)
    assert hint(text, 3, 2, None) == ""
    assert hint(text, 1, 10, None) == ""


def test_the_kind_in_the_data_decides_the_form():
    [form] = nodes_at(("stages", "one"), {"stages": {"one": {"kind": "gate"}}})
    assert form["title"] == "Gate"
    assert len(nodes_at(("stages", "one"), {})) > 5
