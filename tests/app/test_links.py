"""Addresses and command lines that bring back a design, and what is said of those that do not."""

import shlex
from urllib.parse import parse_qs

import pytest

from simulator.app.links import command, link, read, written
from simulator.case.designs import apply
from simulator.case.load import load
from simulator.cli.options import read_strikes
from simulator.engine.compiled_plan import Plan


@pytest.fixture(scope="module")
def scenario():
    return load("skin-cancer-triage")


def plan(scenario, strikes=None, **picks):
    """A plan without its evidence: links need none."""
    designed, design = apply(scenario, picks)
    return Plan(designed, design, "", strikes=strikes or {})


def opened(scenario, query):
    """What is read from a link."""
    return read(scenario, parse_qs(query.removeprefix("?"), keep_blank_values=True))


def test_the_default_design_has_the_shortest_address(scenario):
    assert written(plan(scenario), 1, scenario.run.replications) == {"case": scenario.id, "version": str(scenario.version)}


def test_an_address_carries_ids_and_only_what_differs_from_the_defaults(scenario):
    address = written(plan(scenario, replicas=4, reading="cochrane", operating_point=0.97), 7, 10)
    assert address == {
        "case": scenario.id,
        "version": str(scenario.version),
        "replicas": "4",
        "reading": "cochrane",
        "operating_point": "0.97",
        "seed": "7",
        "replications": "10",
    }


def test_every_design_comes_back_from_its_link(scenario):
    for name, choice in scenario.choices.items():
        for pick in choice.extremes():
            designed = plan(scenario, {"news": 100.0}, **{name: pick})
            asked = opened(scenario, link(designed, 2**31 - 1, 7))
            assert apply(scenario, asked.picks)[1] == designed.design
            assert (asked.strikes, asked.seed, asked.replications) == ({"news": 100.0}, 2**31 - 1, 7)
            assert asked.complaints == []


def test_a_command_names_only_what_differs_from_the_defaults(scenario):
    words = shlex.split(command(plan(scenario, replicas=4), 7, 10))
    assert words == ["casesim", "run", "skin-cancer-triage", "--set", "replicas=4", "--seed", "7", "--replications", "10"]


def test_each_curveball_has_its_own_time(scenario):
    struck = plan(scenario, {"news": 57_600.0, "readers_away": 100.0})
    query = link(struck, 7, 10)
    assert "strike=news@57600s&strike=readers_away@100s" in query
    asked = opened(scenario, query)
    assert asked.strikes == struck.strikes
    assert asked.complaints == []
    assert "--strike news@57600 --strike readers_away@100" in command(struck, 7, 10)


@pytest.mark.parametrize("time", ["57600s", "960"])
def test_a_link_and_the_command_give_seconds_and_a_link_of_before_still_gives_minutes(scenario, time):
    assert read(scenario, {"strike": f"news@{time}"}).strikes == {"news": 57_600.0} == read_strikes(["news@57600s"])
    assert read_strikes(["news@57600"]) == {"news": 57_600.0}


def test_links_of_before_open_by_their_labels(scenario):
    asked = read(
        scenario,
        {
            "reading": "Cochrane: images with dermoscopy",
            "strike": ["The news again", "Half of the readers are ill"],
            "strike_min": "960.0",
            "run": "0123456789ab",
        },
    )
    assert asked.picks == {"reading": "cochrane"}
    assert asked.strikes == {"news": 57_600.0, "readers_away": 57_600.0}
    assert [words.partition(";")[0] for words in asked.complaints] == ["run=0123456789ab: runs are not stored"]


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ({"replicas": "999"}, ["replicas=999", "1 to 16", "default, 2"]),
        ({"replicas": "many"}, ["replicas=many", "not a number"]),
        ({"replicas": ""}, ["replicas=:", "not a number", "1 to 16"]),
        ({"replicas": "nan"}, ["replicas=nan", "out of range", "1 to 16"]),
        ({"replicas": "1e999"}, ["replicas=1e999", "out of range", "1 to 16"]),
        ({"replicas": "9" * 5000}, ["(5,000 characters)", "out of range", "1 to 16"]),
        ({"replicas": ["3", "4"]}, ["replicas is given more than once, as 3 and 4"]),
        ({"operating_point": "inf"}, ["operating_point=inf", "out of range"]),
        ({"architecture": "ensembel"}, ["did you mean 'ensemble'? Architecture is at its default"]),
        ({"architecture": ""}, ["architecture=:", "expected one of"]),
        ({"seed": "-3"}, ["seed=-3", "whole number"]),
        ({"seed": "9" * 5000}, ["seed=999", "(5,000 characters)", "whole number"]),
        ({"seed": ""}, ["seed=:", "whole number"]),
        ({"seed": ["1", "2"]}, ["seed is given more than once, as 1 and 2"]),
        ({"replications": "1"}, ["replications=1", "from 2 to"]),
        ({"replicsa": "3"}, ["did you mean 'replicas'?"]),
        ({"x" * 5000: "3"}, ["(5,000 characters)", "no such choice"]),
        ({"strike": "new@480"}, ["did you mean 'news'?"]),
        ({"strike": "news"}, ["strike=news", "no time of its own", "strike=NAME@3600s"]),
        ({"strike": "news@soon"}, ["'soon' is no time"]),
        ({"strike": "news@nan"}, ["'nan' is no time"]),
        ({"strike": "news@s"}, ["'s' is no time"]),
        ({"strike": "news@-1s"}, ["from 0 s on", "got -1 s"]),
        ({"strike": "news@-1"}, ["from 0 s on", "got -60 s"]),
        ({"strike": "news@" + "9" * 5000}, ["(5,000 characters)", "is no time"]),
        ({"strike": ["news@480", "news@481"]}, ["more than once, at different times"]),
        ({"strike": ""}, ["strike=:", "no such curveball"]),
        ({"strike_min": "960"}, ["strike_min=960", "no curveball is named"]),
        ({"version": "0"}, ["version 0", "may differ"]),
        ({"case": ["a", "b"]}, ["case is given more than once, as a and b"]),
    ],
)
def test_what_cannot_be_read_is_told_in_one_sentence_and_left_out(scenario, address, words):
    asked = read(scenario, address)
    (sentence,) = asked.complaints
    assert len(sentence) < 400
    for word in words:
        assert word in sentence
    assert (asked.picks, asked.strikes, asked.seed, asked.replications) == ({}, {}, 1, scenario.run.replications)


def test_the_same_value_twice_is_no_contradiction(scenario):
    asked = read(scenario, {"replicas": ["3", "3"], "strike": ["news@480", "news@480"]})
    assert (asked.picks, asked.strikes, asked.complaints) == ({"replicas": 3}, {"news": 28_800.0}, [])


def test_many_strange_names_are_counted(scenario):
    asked = read(scenario, {f"odd{number}": "1" for number in range(900)})
    assert len(asked.complaints) == 9
    assert asked.complaints[-1] == "892 more names in the address mean nothing in this case."


def test_nothing_of_another_case_is_taken_over(scenario):
    other = load("retry-storm")
    foreign = written(plan(other, retries="none", replicas=4), 1, other.run.replications)
    asked = read(scenario, {"replicas": "3"} | {"retries": foreign["retries"]})
    assert asked.picks == {"replicas": 3}
    assert [sentence.split(";")[0] for sentence in asked.complaints] == ["retries: this case has no such choice"]
