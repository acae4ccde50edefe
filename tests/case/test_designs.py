"""A design is checked where its picks write: the faults are those of all checks of the whole case."""

from __future__ import annotations

from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.case import designs
from simulator.case.checks import CHECKS, FIXED_SECTIONS, cautions, check
from simulator.case.designs import apply, read_scenario, validated
from simulator.case.document import Document, ScenarioError, written
from simulator.case.load import load, loads, scenario_ids
from simulator.case.schema import Scenario
from tests.case.texts import SMALL
from tests.effort import examples

CASES = scenario_ids()


def faults_of_all_checks(document, known):
    """The faults by every check that a design can fail, with each field validated anew."""
    scenario, unknown, faults = read_scenario(document, known)
    return sorted(faults + (check(scenario, unknown, is_picked=True) if scenario is not None else []))


def faults_found(document, known):
    try:
        validated(document, known)
    except ScenarioError as error:
        return error.faults
    return []


@cache
def leaves(case):
    """The place and the value of everything that a design of a case may write to, sections and their parts included."""

    def below(data, path):
        if path:
            yield path, data
        entries = data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ()
        for key, part in entries:
            if path or key not in FIXED_SECTIONS:
                yield from below(part, (*path, key))

    return [*below(load(case).document.data, ())]


@pytest.mark.parametrize("case", CASES)
@settings(max_examples=examples(80))
@given(data=st.data())
def test_a_design_has_the_faults_of_all_checks(case, data):
    scenario = load(case)
    picks = {name: data.draw(st.sampled_from(list(choice.extremes()))) for name, choice in scenario.choices.items()}
    document = scenario.document.patched(designs._changes(scenario, designs._read_picks(scenario, picks)))
    faults = faults_of_all_checks(document, scenario)
    assert faults_found(document, scenario) == faults
    if not faults:
        picked, whole = apply(scenario, picks)[0], Scenario.of(document, scenario)
        assert all(getattr(picked, section) == getattr(whole, section) for section in Scenario.model_fields)
        assert picked.metrics == whole.metrics
        assert cautions(picked) == cautions(whole)


@pytest.mark.parametrize("case", CASES)
@settings(max_examples=examples(80))
@given(data=st.data())
def test_a_change_anywhere_has_the_faults_of_all_checks(case, data):
    scenario = load(case)
    document = scenario.document
    values = st.sampled_from(leaves(case)).map(lambda leaf: leaf[1])
    for path, value in data.draw(
        st.lists(st.tuples(st.sampled_from(leaves(case)).map(lambda leaf: leaf[0]), values), max_size=2)
    ):
        if document.holds(path):
            document = document.with_value(path, value)
    faults = faults_of_all_checks(document, scenario)
    assert faults_found(document, scenario) == sorted(set(faults))


def test_a_part_that_no_pick_writes_to_is_shared():
    scenario = load("production-drift")
    (name, choice), *_ = scenario.choices.items()
    other = next(pick for pick in choice.extremes() if pick != scenario.defaults()[name])
    picked, _ = apply(scenario, {name: other})
    touched = {path[0] for path in choice.changes(other)}
    assert all(
        getattr(picked, section) is getattr(scenario, section) for section in Scenario.model_fields if section not in touched
    )


def test_a_value_that_a_pick_writes_as_it_is_leaves_the_document_as_it_was():
    document = loads(SMALL).document
    path, value = ("run", "days"), document.data["run"]["days"]
    assert document.patched({path: (value, path, "a pick")}).data is document.data
    assert document.patched({path: (value + 1, path, "a pick")}).data is not document.data
    assert written(document.data, path, value) is not document.data


def test_what_a_check_reads_is_a_section_of_a_case():
    assert {name for check in CHECKS for name in check.reads} <= Scenario.model_fields.keys()


def test_a_section_that_is_gone_has_its_default_and_what_needs_it_is_a_fault():
    known = load("av-perception")
    document = Document("the board", {name: part for name, part in known.document.data.items() if name != "encounters"})
    assert Scenario.of(document, known).encounters is None
    assert any(".set.encounters." in fault.field for fault in faults_found(document, known))
