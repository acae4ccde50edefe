"""The diagram of a design, drawn without a run."""

import html
import re

import pytest

from simulator.case.load import load
from simulator.charts.design_diagram import BUSY, _escaped, design_flow, diagram, load_words, strain
from simulator.engine.plan import compile_plan
from simulator.theory.loads import Load
from tests.builders import assemble, assumed, end, fork, gate, join, link, plan, pool, retry, sensors


def drawn(**picks):
    return diagram(compile_plan(load("skin-cancer-triage"), picks))


def test_every_stage_stands_with_what_was_picked_for_it():
    source = drawn(replicas=5, architecture="efficientnet_lite1").source
    assert "EfficientNet-Lite1, fp32" in source
    assert "5 × 1 vCPU" in source
    assert 'n_triage -->|"urgent"| n_dermatologist' in source


def test_an_accelerator_stands_by_its_name_and_says_that_its_latency_is_projected():
    source = drawn(hardware="t4", replicas=3).source
    assert "3 × NVIDIA T4" in source
    assert source.count("latency projected") == 1
    assert "latency projected" not in drawn().source


def test_ends_that_no_way_leads_to_are_left_out():
    assert "n_sent_away" not in drawn().source
    assert "n_sent_away" in drawn(on_timeout="message").source


def test_a_stage_beyond_its_limit_is_marked_and_named():
    picture = drawn(dermatologists=4)
    assert "class n_dermatologist over" in picture.source
    assert picture.takeaway.startswith("The most loaded stage is Dermatologists")
    assert "no steady state" in picture.takeaway


def test_a_design_without_its_loads_has_the_same_boxes_and_ways_and_says_nothing_of_load():
    plan_ = compile_plan(load("skin-cancer-triage"), {"dermatologists": 4})
    flow, whole = design_flow(plan_), diagram(plan_).source
    assert "planned load" in whole
    assert "planned load" not in flow
    assert not re.search(r"class n_\w+ (over|busy)", flow)
    arrow = re.compile(r"n_\w+ -.*")
    assert arrow.findall(flow) == arrow.findall(whole)


def test_loads_are_told_in_words():
    assert load_words(Load("a", 1, 1.2, 3.0)) == "planned load 120%: no steady state"
    assert load_words(Load("a", 1, 0.5, 1.2)) == "planned load 50.0%, at the peak 120%: a queue builds up"
    assert load_words(Load("a", 1, 0.9861, 0.9863)) == "planned load 98.6%"
    again = load_words(Load("a", 1, 0.5, 1.2, retried=1.6))
    assert again == "planned load without retries 50.0%, at the peak 120%: a queue builds up"
    surged = load_words(Load("a", 1, 0.5, 1.2), surges=True)
    assert surged == "planned load 50.0% outside of surges, at the peak 120%: a queue builds up"
    assert load_words(Load("a", 1, 0.5, None)) == "planned load 50.0% over the day"
    assert load_words(Load("a", 1, 1.0, None, at_most=True)) == "planned load at most 100.0%"


def test_strain_looks_at_the_peak():
    assert strain(Load("a", 1, 0.5, 1.0)) == "over"
    assert strain(Load("a", 1, BUSY, None)) == "busy"
    assert strain(Load("a", 1, 0.1, 0.2)) == ""


def test_a_retry_says_how_often_and_when_and_its_way_in_is_dotted():
    budget = {"share": 0.1}
    again = retry("p", max_tries=4, jitter="full", budget=budget)
    source = diagram(plan({"p": pool(max_queue=1, on_full="again"), "again": again})).source
    assert "up to 4 tries\nafter 1.00 s × 2, full jitter\nbudget: 10.0% of the requests" in source
    assert "n_p -.-> n_again" in source
    assert "n_again --> n_p" in source
    assert "never again" in diagram(plan({"p": pool(max_queue=1, on_full="a"), "a": retry("p", max_tries=1)})).source


def test_a_join_says_how_many_inputs_it_waits_for_and_how_long():
    stages = {"f": fork("a", "b"), "a": link("j", 1), "b": link("j", 2), "j": join(needs=1, timeout_s=0.5)}
    source = diagram(plan(stages)).source
    assert "1 of 2 inputs\nwaits at most 500 ms" in source
    assert "n_f --> n_a" in source
    assert "n_f --> n_b" in source


def test_an_assembly_says_of_how_many_sensors_a_set_is_and_what_it_waits_for():
    ways = {"ends": {"done": end(), "rest": end(), "old": end()}, "arrivals": sensors(a={"rate_per_s": 1}, b={"rate_per_s": 1})}
    source = diagram(plan({"s": assemble(waits_for="deadline", deadline_ms=40)}, **ways)).source
    assert "sets of 2 sensors\nwaits at most 40.0 ms" in source
    assert "n_s --> n_rest" in source
    assert "n_s -.-> n_old" in source
    assert "waits for all" in diagram(plan({"s": assemble()}, **ways)).source


def test_what_waits_for_its_answers_never_overruns_a_stage():
    assert strain(Load("a", 1, 1.0, None, at_most=True)) == "busy"


def test_a_route_that_is_closed_is_not_drawn():
    skin = load("skin-cancer-triage")
    closed, opened = (diagram(compile_plan(skin, {"certain": pick})) for pick in ("people", "one_in_20"))
    assert "certain" not in closed.source
    assert "certain: 5% of the negatives" in opened.source


def test_a_gate_by_an_attribute_or_by_chance_says_what_it_takes():
    client = {"kind": "category", "label": "Client", "shares": {"old": assumed(0.5), "new": assumed(0.5)}}
    speed = {"kind": "number", "label": "Speed", "value": {"constant": assumed(50)}}
    stages = {"a": gate("random", {"share": 0.05, "to": "p", "tag": "canary"}, {"to": "b"}),
              "b": gate("client", {"values": ["old"], "to": "p"}, {"to": "c"}),
              "c": gate("speed", {"at_least": 30, "to": "p"}, {"to": "done"}), "p": pool()}  # fmt: skip
    source = diagram(plan(stages, attributes={"client": client, "speed": speed})).source
    for words in ("5% by chance: canary", "old: Pool", "30 and more: Pool"):
        assert words in source


def test_a_gate_by_sensor_or_by_frame_says_what_it_takes():
    stages = {"a": gate("sensor", {"values": ["front"], "to": "b"}, {"to": "done"}),
              "b": gate("frame", {"every": 3, "to": "p", "tag": "strong"}, {"to": "done"}), "p": pool()}  # fmt: skip
    source = diagram(plan(stages, arrivals=sensors(front={"rate_per_s": 4}, rear={"rate_per_s": 4}))).source
    for words in ("front: Gate", "1 of 3 frames: strong"):
        assert words in source


#: What would be more than text in a diagram, or in a page.
HOSTILE = [
    'a"] --> evil["b',
    "`]; click n_p href 'https://evil.example'",
    "![x](https://evil.example/a.png)",
    "<img src=https://evil.example/a.png>",
    "[x](https://evil.example)",
    "https://evil.example www.evil.example",
    "#quot;#35;",
    "1. one\n2. two\n- three",
    "**bold** _slanted_ `code` $x$ ~gone~",
    'x@{ img: "https://evil.example/a.png" }',
    "%%{init: {}}%%",
]


@pytest.mark.parametrize("text", HOSTILE)
def test_a_label_stays_text(text):
    told = _escaped(text)
    assert html.unescape(re.sub(r"#(\d+);", r"&#\1;", told)) == " ".join(text.split())
    assert not re.search(r'["`<>*\[\]{}|\\&@~!$]|://|#(?!\d+;)|^\s*([-+]|\d+[.)]) |\b_|_\b|www\.', told)


def test_a_stage_may_be_called_as_a_word_of_the_diagrams_language_is():
    source = diagram(plan({"end": pool(to="class", label='A "b"'), "class": pool()})).source
    assert "n_end --> n_class" in source
    assert not re.search(r"^\s*(end|class)\s*(-->|$)", source, re.MULTILINE)
    assert 'n_end["`**A #34;b#34;**' in source


def test_a_stage_that_a_design_does_not_use_is_not_drawn_until_a_choice_sends_requests_there():
    vehicle = load("av-perception")
    camera, both = (diagram(compile_plan(vehicle, {"sensors": sensors})).source for sensors in ("camera", "either"))
    assert "n_lidar_net" not in camera
    assert "n_every_third" not in camera
    assert "n_detector" in camera
    assert "n_lidar_net" in both


def test_a_stage_that_only_failures_lead_to_is_drawn():
    storm = load("retry-storm")
    assert "n_again" in diagram(compile_plan(storm)).source
