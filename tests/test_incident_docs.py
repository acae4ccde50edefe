"""The page on incidents holds the figures of the evidence, and its script plays."""

import re

import pytest
from ruamel.yaml import YAML

from campaigns.detections.condition_effects import load_refits
from simulator.case.load import load
from simulator.incident.play import Play
from simulator.incident.player_actions import read_actions
from simulator.incident.secret import draw
from simulator.incident.study_panel import load_study, quickest
from simulator.paths import ROOT
from tests.incident_tables import CASE, TABLES

PAGE = (ROOT / "docs" / "incidents.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", TABLES)
def test_a_table_of_the_page_is_that_of_the_evidence(name):
    expected = PAGE.split(f"<!-- {name} -->\n")[1].split("\n\n")[0]
    assert expected == TABLES[name]()


def test_the_page_names_the_quickest_monitors_of_one_site():
    """Its sentence has the delay of the slice and that of the quickest monitor of all frames."""
    curves = load_study(CASE).monitors
    delays = quickest(curves[curves["cause"] == "blurred_camera"]).set_index("monitor")["delay_h"]
    of_all = delays[delays.index.str.contains(" by all")].min()
    [slice_h, all_h] = re.search(
        r"`bytes by site` rings after (\d+) h; the\s+quickest monitor of all frames takes (\d+) h", PAGE
    ).groups()
    assert (int(slice_h), int(all_h)) == (round(delays.filter(like="bytes by site").min()), round(of_all))


def test_no_refit_on_24_frames_gains_average_precision_either():
    refits = load_refits()
    assert not (refits.query("severity > 0")["ap_low"] > 0).any() and set(refits["frames"]) == {24, 96}


def test_the_script_of_the_page_plays():
    [block] = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
    actions = read_actions(YAML(typ="safe", pure=True).load(block))
    assert Play(load(CASE), draw(load(CASE), 1, "blurred_camera", "abrupt"), actions).closed
