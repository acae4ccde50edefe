"""Mistakes of authors over all sections: each is answered at its line, in words that help, and none by a traceback."""

import re

import pytest

from simulator.authoring.case_checker import check_text, check_whole
from simulator.authoring.finding_codes import FINDINGS
from tests.authoring.mistakes import WHOLE, Mistake, mistakes

pytestmark = pytest.mark.usefixtures("evidence")

ALL = mistakes()

#: Every sixteenth of them is tried in each run of the tests.
FEW = ALL[::16]


def _is_answered(mistake: Mistake) -> None:
    checked = check_whole(check_text(mistake.text, "whole.yaml"))
    found = [*checked.faults, *checked.cautions]
    assert any(one.line == mistake.line and mistake.words in f"{one.field}: {one.message}" for one in found), "\n".join(
        [f"line {mistake.line} should be blamed with “{mistake.words}”, got:", *map(str, found)]
    )
    lines = mistake.text.count("\n") + 1
    for one in found:
        assert 1 <= one.line <= lines
        assert one.column >= 1
        assert one.code in FINDINGS
        assert one.code != "fault"
        assert re.match(r"\S.*\S$", one.message, re.DOTALL)


def test_the_whole_case_is_sound():
    checked = check_whole(check_text(WHOLE, "whole.yaml"))
    assert [*map(str, checked.faults), *map(str, checked.cautions)] == []


@pytest.mark.parametrize("mistake", FEW, ids=[one.change for one in FEW])
def test_a_mistake_is_answered_at_its_line(mistake):
    _is_answered(mistake)


@pytest.mark.long
@pytest.mark.parametrize("mistake", ALL, ids=[one.change for one in ALL])
def test_every_mistake_is_answered_at_its_line(mistake):
    _is_answered(mistake)


def test_there_are_at_least_300_and_each_differs():
    assert len({one.text for one in ALL}) == len(ALL) >= 300
