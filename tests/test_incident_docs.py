"""The page on incidents holds the figures of the evidence, and its script plays."""

import re

import pytest
from ruamel.yaml import YAML

from simulator.case.load import load
from simulator.incident.play import Play
from simulator.incident.player_actions import read_actions
from simulator.incident.secret import draw
from simulator.paths import ROOT
from tests.incident_tables import CASE, TABLES

PAGE = (ROOT / "docs" / "incidents.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", TABLES)
def test_a_table_of_the_page_is_that_of_the_evidence(name):
    expected = PAGE.split(f"<!-- {name} -->\n")[1].split("\n\n")[0]
    assert expected == TABLES[name]()


def test_the_script_of_the_page_plays():
    [block] = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
    actions = read_actions(YAML(typ="safe", pure=True).load(block))
    assert Play(load(CASE), draw(load(CASE), 1, "blurred_camera", "abrupt"), actions).closed
