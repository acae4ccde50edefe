"""A table that strangers filled is text when a spreadsheet opens it."""

import csv
import io

import pandas as pd
import pytest

from simulator.app.widgets import for_people

FORMULAS = ["=1+1", '=HYPERLINK("http://evil.example";"x")', "+cmd|' /C calc'!A0", "-2+3", "@SUM(A1)", "\t=1", "\r=1"]


@pytest.mark.parametrize("formula", FORMULAS)
def test_no_cell_and_no_head_begins_a_formula(formula):
    [head, row] = csv.reader(io.StringIO(for_people(pd.DataFrame({formula: [formula], "n": [-1.5]})), newline=""))
    assert head == [f"'{formula}", "n"]
    assert row == [f"'{formula}", "-1.5"]


def test_numbers_and_plain_text_stay_as_they_are():
    table = pd.DataFrame({"n": [-1, 2], "x": [-0.5, None], "is": [True, False], "text": ["a=b", "-0.5"], "mixed": ["=x", -3]})
    assert for_people(table) == "n,x,is,text,mixed\r\n-1,-0.5,True,a=b,'=x\r\n2,,False,-0.5,-3\r\n"


def test_the_table_itself_is_not_changed():
    table = pd.DataFrame({"text": pd.Categorical(["=x"])})
    for_people(table)
    assert table["text"].tolist() == ["=x"]
