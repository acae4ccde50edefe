"""The diagram of a design, drawn without a run."""

from simulator import compile_plan, load
from simulator.diagram import BUSY, diagram, load_words, strain
from simulator.serving.theory import Load


def drawn(**picks):
    return diagram(compile_plan(load("skin-cancer-triage"), picks))


def test_every_stage_stands_with_what_was_picked_for_it():
    source = drawn(replicas=5, architecture="efficientnet_lite1").source
    assert "EfficientNet-Lite1, fp32" in source
    assert "5 × 1 vCPU" in source
    assert 'triage -->|"urgent"| dermatologist' in source


def test_ends_that_no_way_leads_to_are_left_out():
    assert "sent_away" not in drawn().source
    assert "sent_away" in drawn(on_timeout="message").source


def test_a_stage_beyond_its_limit_is_marked_and_named():
    picture = drawn(dermatologists=4)
    assert "class dermatologist over" in picture.source
    assert picture.takeaway.startswith("The tightest stage is Dermatologists")
    assert "no steady state" in picture.takeaway


def test_loads_are_told_in_words():
    assert load_words(Load("a", 1, 1.2, 3.0)) == "load 120.0%: no steady state"
    assert load_words(Load("a", 1, 0.5, 1.2)) == "load 50.0%, at the peak 120.0%: a queue builds up"
    assert load_words(Load("a", 1, 0.5, None)) == "load 50.0% of the day"
    assert load_words(Load("a", 1, 1.0, None, at_most=True)) == "load at most 100.0%"


def test_strain_looks_at_the_peak():
    assert strain(Load("a", 1, 0.5, 1.0)) == "over"
    assert strain(Load("a", 1, BUSY, None)) == "busy"
    assert strain(Load("a", 1, 0.1, 0.2)) == ""


def test_what_waits_for_its_answers_never_overruns_a_stage():
    assert strain(Load("a", 1, 1.0, None, at_most=True)) == "busy"
