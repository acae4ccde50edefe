"""Answers are looked up once in the same tables, and again in tables that were read anew."""

import pandas as pd
import pytest

from simulator.case.load import load
from simulator.engine.plan import compile_plan
from simulator.errors import InputError
from simulator.evidence import drive_tables
from simulator.evidence.table_lookups import keeps_answers


@pytest.fixture
def tables():
    """The tables of now, and the names that were looked up in them."""
    return {"now": pd.DataFrame({"name": ["a", "b"], "value": [1, 2]}), "asked": []}


@pytest.fixture
def value_of(tables):
    @keeps_answers(lambda name, times=1: (tables["now"],))
    def value_of(name, times=1):
        tables["asked"].append(name)
        rows = tables["now"]
        return times * rows.loc[rows["name"] == name, "value"].item()

    return value_of


def test_the_same_tables_are_asked_once_for_each_answer(value_of, tables):
    assert [value_of(name) for name in "abab"] == [1, 2, 1, 2]
    assert (value_of("a", times=3), value_of("a", times=3)) == (3, 3)
    assert tables["asked"] == ["a", "b", "a"]


def test_tables_that_are_read_anew_are_asked_anew_even_if_they_hold_the_same(value_of, tables):
    value_of("a")
    tables["now"] = tables["now"].copy()
    value_of("a")
    tables["now"] = tables["now"].assign(value=[5, 6])
    assert value_of("a") == 5
    assert tables["asked"] == ["a"] * 3


def test_errors_are_not_kept(value_of, tables):
    for _ in range(2):
        with pytest.raises(ValueError, match="size 1"):
            value_of("c")
    assert tables["asked"] == ["c", "c"]


def test_a_second_plan_of_a_vehicle_asks_no_table_of_drives_again(monkeypatch):
    scenario = load("av-perception")
    first = compile_plan(scenario)

    def refused(*_):
        raise InputError("asked again")

    monkeypatch.setattr(drive_tables, "_only", refused)
    monkeypatch.setattr(drive_tables, "_at_threshold", refused)
    assert compile_plan(scenario, {}).provenance == first.provenance
