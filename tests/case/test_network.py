"""What names a target, and what a network of stages knows of its ways."""

import networkx as nx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.case.any_stage import tags_in, targets_in
from simulator.case.network import graph_of
from tests.builders import fork, gate, join, link, people, pool, population, retake, retry, scenario

STAGES = {
    "first": gate("quality", {"at_least": 0, "to": "spread", "tag": "good"}, {"to": "again"}),
    "again": retake("first", on_give_up="done", on_exhausted="spread"),
    "spread": fork("left", "right"),
    "left": pool(to="meet", max_queue=1, on_full="resend"),
    "resend": retry("left", on_exhausted="meet"),
    "right": link("meet", 0.1),
    "meet": join("last", timeout_s=1, on_incomplete="done"),
    "last": people(("00:00", "24:00", 1)),
}


@pytest.fixture(scope="module")
def made():
    return scenario(STAGES, population=population(unusable=0.1))


def test_targets_are_found_by_the_names_of_their_fields_in_a_file_as_in_a_model(made):
    found = {name: stage.targets() for name, stage in made.stages.items()}
    assert found == {name: dict(targets_in(data)) for name, data in STAGES.items()}
    assert found["first"] == {("routes", 0, "to"): "spread", ("routes", 1, "to"): "again"}
    assert found["spread"] == {("to", 0): "left", ("to", 1): "right"}
    assert made.stages["left"].planned_targets() == {("to",): "meet"}
    assert made.stages["left"].fallbacks() == {("on_full",): "resend"}
    assert set(made.stages["last"].planned_targets()) == {("positive_to",), ("negative_to",)}
    assert [*tags_in(STAGES["first"])] == made.tags() == ["good"]


@pytest.mark.parametrize("data", [None, "to", 5, [], {}, {"to": 5, "routes": [None, {"to": 5}, 3], 7: "done", True: ["done"]}])
def test_what_names_no_target_has_none(data):
    assert [*targets_in(data)] == []


def test_a_network_knows_what_lies_behind_a_stage_and_where_branches_meet(made):
    network = made.network
    assert network.reached("resend") == {"resend", "left", "meet", "last", "done"}
    assert network.reached("resend", "meet") == {"resend", "left"}
    assert network.meeting("spread") == "meet"
    assert network.branches("spread", "meet") == [{"left", "resend"}, {"right"}]
    assert network.inside("spread") == made.in_branches() == {"left", "resend", "right"}
    assert network.inputs_of("meet") == 2
    assert network.only_after(["meet"], "first") == {"last", "done"}  # a fallback leads past it, a planned route does not
    assert network.only_after([], "first") == set()


NAMES = st.sampled_from("abcde")


@given(st.dictionaries(NAMES, st.lists(NAMES, max_size=3), min_size=1))
def test_what_is_ahead_holds_a_stage_itself_only_where_a_way_leads_back(ways):
    """As the engine asks it, against a walk by hand."""
    closure = nx.transitive_closure(graph_of(ways))
    for name in ways:
        ahead, waiting = set(), [*ways[name]]
        while waiting:
            step = waiting.pop()
            if step not in ahead:
                ahead.add(step)
                waiting += ways.get(step, [])
        assert set(closure[name]) == ahead
