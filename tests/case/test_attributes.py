"""Attributes as an author writes them: their groups, the metrics that are told by them, and every mistake at its place."""

import json

import pytest

from simulator.case.document import ScenarioError
from simulator.case.load import loads
from simulator.case.outputs import MetricGroup, bands
from tests.builders import assumed, document, end, gate, pool, population, scenario, sensors, spread

CLIENT = {"kind": "category", "label": "Client", "shares": {"14.2": assumed(0.7), "13": assumed(0.3)}}
SPEED = {"kind": "number", "label": "Speed", "value": spread(50, 0.5), "unit": "km/h", "edges": [30, 80]}
DIAGNOSIS = {"kind": "item", "label": "Diagnosis", "column": "diagnosis", "values": {"MEL": "melanoma"}}
RECORDED = {"kind": "recorded", "label": "Lane", "column": "lane", "file": "log.csv", "source": "a test"}
ENDS = {"done": end(), "other": end()}


def faults(stages=None, **fields):
    with pytest.raises(ScenarioError) as caught:
        scenario(stages or {"p": pool()}, **fields)
    return {fault.field: fault.message for fault in caught.value.faults}


def routed(by, *routes, **attributes):
    return faults({"g": gate(by, *routes, {"to": "done"}), "p": pool()}, attributes=attributes, start="g")


def test_edges_part_a_number_into_named_groups():
    assert bands([30, 80], "km/h") == {
        "under_30": "under 30 km/h",
        "30_to_80": "30 to 80 km/h",
        "from_80": "80 km/h and more",
    }
    assert bands([0.5]) == {"under_0.5": "under 0.5", "from_0.5": "0.5 and more"}
    assert bands([]) == {}


def test_a_metric_is_told_of_each_group_that_asks_for_it_and_of_no_other():
    made = scenario({"p": pool()}, attributes={"client": CLIENT | {"metrics": ["done_share"]}, "speed": SPEED})
    grouped = {name: metric for name, metric in made.metrics.items() if metric.group}
    assert list(grouped) == ["done_share.client.14.2", "done_share.client.13"]
    one = grouped["done_share.client.14.2"]
    assert one.group == MetricGroup("client", "14.2")
    assert one.label == "Requests done as planned (Client: 14.2)"
    assert one.of_all == made.metrics["done_share"].__class__(**vars(made.metrics["done_share"]) | {"label": one.label})


def test_an_objective_may_be_set_for_a_group_and_a_slip_in_its_name_is_told():
    asked = {"metric": "latency_p95_s.speed.from_80", "at_most": 1, "label": "Fast ones"}
    attributes = {"speed": SPEED | {"metrics": ["latency_p95_s"]}}
    assert scenario({"p": pool()}, attributes=attributes, objectives=[asked])
    told = faults(attributes=attributes, objectives=[asked | {"metric": "latency_p95_s.speed.from_8"}])
    assert told["objectives.0.metric"].endswith("did you mean 'latency_p95_s.speed.from_80'?")


FAULTS = {
    "attributes.client.shares": ({"client": CLIENT | {"shares": {"a": assumed(0.7), "b": assumed(0.2)}}}, "add up to 0.9"),
    "attributes.client.metrics.0": ({"client": CLIENT | {"metrics": ["done_shares"]}}, "did you mean 'done_share'?"),
    "attributes.client.metrics.1": (
        {"client": CLIENT | {"metrics": ["done_share", "cost_per_1000_usd"]}},
        "not reported by group",
    ),
    "attributes.speed.metrics.0": ({"speed": SPEED | {"edges": [], "metrics": ["done_share"]}}, "such as `edges: [30, 80]`"),
    "attributes.speed.edges.2": ({"speed": SPEED | {"edges": [1, 3, 2]}}, "2 is not above 3 before it"),
    "attributes.diagnosis.kind": ({"diagnosis": DIAGNOSIS}, "needs a pool with `scores`"),
    "attributes.lane.file": ({"lane": {"kind": "recorded", "label": "Lane", "column": "lane"}}, "replay no file"),
    "attributes.lane": ({"lane": RECORDED | {"source": None}}, "`file` and `source` come together"),
    "attributes.outcome": ({"outcome": SPEED}, "rename the attribute"),
    "attributes.diagnosis.column": ({"diagnosis": DIAGNOSIS | {"column": "diagnose"}}, "did you mean 'diagnosis'?"),
}


@pytest.mark.parametrize("field", FAULTS)
def test_a_mistake_is_told_at_its_place(field):
    attributes, words = FAULTS[field]
    told = faults(attributes=attributes)
    assert set(told) == {field}
    assert words in told[field]


def test_a_mistake_stands_with_its_line():
    text = json.dumps(document({"p": pool()}, attributes={"speed": SPEED | {"edges": [3, 2]}}), indent=1)
    with pytest.raises(ScenarioError) as caught:
        loads(text, "case.yaml")
    [fault] = caught.value.faults
    assert text.splitlines()[fault.line - 1].strip() == "2"


def test_a_gate_goes_by_what_there_is():
    assert routed("spede", speed=SPEED)["stages.g.by"].endswith("did you mean 'speed'?")
    assert "expected one of: score, quality, ood, random" in routed("xxxx")["stages.g.by"]


def test_a_gate_by_a_category_names_values_that_exist_and_each_once():
    told = routed("client", {"values": ["14.2", "12"], "to": "p"}, {"values": ["13", "14.2"], "to": "p"}, client=CLIENT)
    assert set(told) == {"stages.g.routes.0.values.1", "stages.g.routes.1.values.1"}
    assert "'12' is not a value of it" in told["stages.g.routes.0.values.1"]
    assert "'14.2' is already in route 0" in told["stages.g.routes.1.values.1"]


def test_each_gate_has_routes_of_its_own_kind():
    told = routed("client", {"at_least": 1, "to": "p"}, client=CLIENT)
    assert told == {"stages.g.routes.0.at_least": "a gate by client does not use this; expected one of: values"}
    assert "expected one of: at_least" in routed("speed", {"share": 0.1, "to": "p"}, speed=SPEED)["stages.g.routes.0.share"]
    assert "expected one of: share" in routed("random", {"at_sensitivity": 0.1, "to": "p"})["stages.g.routes.0.at_sensitivity"]
    scored = {"p": pool(to="g", scores="x"), "g": gate("score", {"values": ["a"], "to": "done"}, {"to": "done"})}
    assert "at_least, at_sensitivity" in faults(scored, population=population())["stages.g.routes.0.values"]


def test_shares_of_a_gate_by_chance_leave_something_for_the_rest():
    told = routed("random", {"share": 0.8, "to": "p"}, {"share": 0.3, "to": "p"})
    assert told == {"stages.g.routes": "the shares add up to 1.1; they should leave something of 1 for the last route"}


def test_a_gate_by_chance_names_no_pool():
    stages = {"p": pool(to="g", scores="x"), "g": gate("random", {"share": 0.5, "to": "done"}, {"to": "other"}, of="p")}
    assert "uses no pool's scores" in faults(stages, population=population(), ends=ENDS)["stages.g.of"]


def test_a_number_by_timetable_has_evidence_lasts_and_needs_known_times():
    speed = {"kind": "timetable", "label": "Speed", "spells": [{"for_s": 60} | assumed(5)]}
    assert scenario({"p": pool()}, attributes={"speed": speed}).attributes["speed"].edges == []
    bare = faults(attributes={"speed": speed | {"spells": [{"for_s": 60, "value": 5}]}})
    assert "exactly one of measured" in bare["attributes.speed.spells.0"]
    still = faults(attributes={"speed": speed | {"spells": [{"for_s": 0} | assumed(5)]}})
    assert set(still) == {"attributes.speed.spells.0.for_s"}
    closed = {"kind": "closed", "clients": 2, "think_mean_s": assumed(1)}
    assert "wait for answers" in faults(attributes={"speed": speed}, arrivals=closed)["attributes.speed.kind"]
    mixed = faults(attributes={"speed": speed | {"edges": [3, 2]}})
    assert "2 is not above 3" in mixed["attributes.speed.edges.1"]


FRAMES = {"arrivals": sensors(front={"rate_per_s": 4}, rear={"rate_per_s": 4})}


def framed(by, *routes, **fields):
    stages = {"g": gate(by, *routes, {"to": "other"}), "p": pool()}
    return faults(stages, ends=ENDS, **FRAMES | fields)


def test_a_gate_by_sensor_or_by_frame_names_what_there_is():
    assert "needs frames" in routed("frame", {"every": 2, "to": "p"})["stages.g.by"]
    assert "'rera' is not a value" in framed("sensor", {"values": ["rera"], "to": "p"})["stages.g.routes.0.values.0"]
    assert "expected one of: every" in framed("frame", {"share": 0.5, "to": "p"})["stages.g.routes.0.share"]
    assert "expected one of: values" in framed("sensor", {"every": 2, "to": "p"})["stages.g.routes.0.every"]
    late = framed("frame", {"every": 2, "first": 2, "to": "p"})
    assert "first should be below every (2); got 2" in late["stages.g.routes.0"]
    assert "first needs `every`" in framed("sensor", {"values": ["rear"], "first": 1, "to": "p"})["stages.g.routes.0"]
