"""Cases that are changed at random: the checker answers each, with located faults, in every format."""

import json
from random import Random

import pytest
from ruamel.yaml import YAML

from simulator.authoring.case_checker import check_text, check_whole
from simulator.authoring.check_command import FORMATS, lines_of
from simulator.authoring.finding_codes import FINDINGS
from tests.authoring.mistakes import WHOLE
from tests.fuzz.mutate import ANYTHING, as_yaml, changed_text, changed_tree, drawn
from tests.fuzz.scenarios import WORDS

pytestmark = pytest.mark.usefixtures("evidence")

DATA = YAML(typ="safe", pure=True).load(WHOLE)


def mutated(number: int) -> str:
    """Return the whole case with one to three places of its tree changed, or some of its text."""
    random = Random(number)
    if random.random() < 0.7:
        content = as_yaml(changed_tree(DATA, random, drawn(ANYTHING, 20, number % 50))[0])
    else:
        content = changed_text(WHOLE.encode(), random, WORDS)[0]
    return content.decode("utf-8", errors="replace")


def _is_answered(number: int) -> None:
    text = mutated(number)
    checked = check_whole(check_text(text, "whole.yaml"))
    lines = text.count("\n") + 2
    for one in (*checked.faults, *checked.cautions):
        assert 1 <= one.line <= lines, one
        assert one.code in FINDINGS, one
        assert one.message, one
        assert len(str(one)) < 2000, one
    for form in FORMATS:
        output = "\n".join(lines_of(checked, form))
        assert "Traceback" not in output
    assert len(json.loads("\n".join(lines_of(checked, "json")))) == len(checked.faults) + len(checked.cautions)


@pytest.mark.parametrize("number", range(12))
def test_a_mutated_case_is_answered(number):
    _is_answered(number)


@pytest.mark.long
@pytest.mark.parametrize("begin", range(0, 600, 20))
def test_600_mutated_cases_are_answered(begin):
    for number in range(begin, begin + 20):
        _is_answered(number)
