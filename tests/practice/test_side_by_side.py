"""The page, the terminal, `--json` and the report say the same of one design, word for word."""

import re

import pytest

from simulator.case.load import load
from simulator.engine.plan import compile_plan
from simulator.explain.result import replicate
from tests.design_claims import CASES, random_designs
from tests.side_by_side import Line, surfaces

#: Designs with few requests to try steps on: a miss whose cause two objectives share, and an open verdict.
QUICK = {"retry-storm": {"retries": "none"}, "production-drift": {"detector": "yolox_nano"}}

_POINTER = re.compile(r"It has the same cause as “(.*?)”, which is explained there\.")


def differences(sides: dict[str, list[Line]]) -> list[str]:
    """List each word of an objective that another surface says otherwise; an interval may leave out its unit."""
    found = []
    for surface, lines in sides.items():
        for page, other in zip(sides["page"], lines, strict=True):
            if page[:3] != other[:3] or page.standing != other.standing or not page.interval.startswith(other.interval):
                found.append(f"{surface}: {other[:5]} | page: {page[:5]}")
            if surface != "--json" and page.why != other.why:
                found.append(f"{surface}: {other.why} | page: {page.why}")
            if surface == "--json" and not _covers(other.why, page.why, lines):
                found.append(f"{surface}: {other.why} | page: {page.why}")
    return found


def _covers(whole: str, short: str, others: list[Line]) -> bool:
    """Return whether the sentences of an objective are those shown, besides a cause that is said at another objective."""
    pointer = _POINTER.search(short)
    if pointer is None:
        return whole == short
    cause, shown = next(one.why for one in others if one.label == pointer[1]), _POINTER.sub("", short).strip()
    return whole.endswith(shown) and whole.removesuffix(shown).strip() in cause


@pytest.mark.parametrize("case", QUICK)
def test_the_four_surfaces_of_a_design_say_the_same(case):
    sides = surfaces(replicate(compile_plan(load(case), QUICK[case]), 1, 3))
    assert set(sides) == {"page", "terminal", "--json", "report"}
    assert "\n".join(differences(sides)) == ""


def test_a_word_that_one_surface_says_otherwise_is_found():
    line = Line("Wait", "at most 2.00 s", "3.00 s", "2.50 to 3.50 s", "not met", "It is slow. Add a server.")
    sides = {"page": [line], "terminal": [line._replace(interval="2.50 to 3.50")], "--json": [line], "report": [line]}
    assert differences(sides) == []
    for field, words in (("standing", "met"), ("reached", "3.01 s"), ("interval", "2.51 to 3.50 s"), ("why", "It is slow.")):
        assert differences(sides | {"report": [line._replace(**{field: words})]}), field
        assert differences(sides | {"--json": [line._replace(**{field: words})]}), field


@pytest.mark.long
@pytest.mark.parametrize("case", CASES)
def test_the_four_surfaces_of_random_designs_say_the_same(case):
    for plan in [compile_plan(load(case)), *random_designs(case, 3)]:
        sides = surfaces(replicate(plan, 1, 3))
        assert "\n".join(differences(sides)) == "", plan.design
