"""Addresses and command lines that bring back a design."""

import shlex
from urllib.parse import parse_qsl

import pytest

from simulator import load
from simulator.scenario.load import apply
from simulator.serving.plan import Plan
from simulator.ui.links import command, complaints, link


@pytest.fixture(scope="module")
def scenario():
    return load("skin-cancer-triage")


def plan(scenario, strikes=None, **picks):
    """A plan without its evidence: links need none."""
    designed, design = apply(scenario, picks)
    return Plan(designed, design, "", strikes=strikes or {})


def test_a_link_names_every_pick_and_none_is_complained_of(scenario):
    query = dict(parse_qsl(link(plan(scenario, replicas=4, reading="cochrane"), 7, 10).removeprefix("?")))
    assert query["case"] == "skin-cancer-triage"
    assert query["replicas"] == "4"
    assert query["reading"] == "Cochrane: images with dermoscopy"
    assert set(scenario.choices) < set(query)
    assert complaints(scenario, query) == []


def test_a_command_names_only_what_differs_from_the_defaults(scenario):
    words = shlex.split(command(plan(scenario, replicas=4), 7, 10))
    assert words == ["casesim", "run", "skin-cancer-triage", "--set", "replicas=4", "--seed", "7", "--replications", "10"]


def test_a_link_and_a_command_bring_back_what_strikes(scenario):
    struck = plan(scenario, {"news": 57_600.0, "dear_machines": 57_600.0})
    query = parse_qsl(link(struck, 7, 10).removeprefix("?"))
    assert [value for key, value in query if key == "strike"] == ["The news again", "Machines at twice the price"]
    assert ("strike_min", "960.0") in query
    assert complaints(scenario, dict(query)) == []
    assert "--strike news@57600 --strike dear_machines@57600" in command(struck, 7, 10)


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ({"replicas": "999"}, ["replicas=999", "1 to 16", "default, 2"]),
        ({"replicas": "many"}, ["replicas=many", "not a number"]),
        ({"architecture": "EfficientNet-Lite9"}, ["did you mean 'EfficientNet-Lite", "EfficientNet-Lite0"]),
        ({"seed": "-3"}, ["seed=-3", "whole number"]),
        ({"replications": "1"}, ["replications=1", "from 2 to"]),
        ({"replicsa": "3"}, ["did you mean 'replicas'?"]),
        ({"strike": "The new again"}, ["did you mean 'The news again'?"]),
        ({"version": "0"}, ["version 0", "may differ"]),
    ],
)
def test_what_is_not_offered_gives_one_sentence(scenario, address, words):
    (sentence,) = complaints(scenario, address)
    for word in words:
        assert word in sentence
