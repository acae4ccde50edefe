"""What an incident rests on: faults of what was not measured, at their lines, and sources that are told."""

import pytest

from simulator.case.document import ScenarioError
from simulator.case.load import loads
from simulator.engine.plan import compile_plan
from simulator.errors import InputError
from simulator.incident import incident_evidence as incident
from simulator.paths import DETECTIONS, SCENARIOS
from tests.case.texts import changed, place

CASE = (SCENARIOS / "production-drift.yaml").read_text(encoding="utf-8")
BGR = "{kind: condition, condition: bgr, severity: 2, enters: server}"
STALE = "{kind: network, detector: fastestdet, where: {replicas: 0.33}}"
RECALIBRATE = "      precision: int8_depthwise_float\n"

#: What stands in the file, what is written instead, where it is at fault, and what is said of it there.
WRONG = {
    "a condition that was not measured": (
        BGR, BGR.replace("bgr", "brg"), "brg, severity",
        "incident.causes.swapped_colours.effects.0.condition: 'brg' was not measured; did you mean 'bgr'?",
    ),
    "a severity that was not measured": (
        BGR, BGR.replace("2", "1"), "1, enters: server}",
        "incident.causes.swapped_colours.effects.0.severity: bgr was not measured at severity 1; it was at 2",
    ),
    "a condition of new scenes": (
        "          condition: unknown\n", "          condition: unknwon\n", "unknwon\n",
        "incident.causes.novel_objects.effects.0.condition: 'unknwon' was not measured; did you mean 'unknown'?",
    ),
    "a detector that was not measured": (
        STALE, STALE.replace("fastestdet", "fastdet"), "fastdet, where",
        "incident.causes.stale_model.effects.0.detector: 'fastdet' was not measured; did you mean 'fastestdet'?",
    ),
    "a precision of a fix": (
        RECALIBRATE, "      precision: int4\n", "int4\n", "incident.fixes.recalibrate.precision: 'int4' was not measured",
    ),
    "a precision at which crops were not measured": (
        RECALIBRATE, "      precision: int8_head_float\n", "int8_head_float\n",
        "incident.fixes.recalibrate.precision: 'int8_head_float' was not measured",
    ),
    "a category that nobody labelled": (
        "weights: {person: 10,", "weights: {persn: 10,", "{persn: 10",
        "incident.harm.weights: no labelled image shows 'persn'; did you mean 'person'?",
    ),
    "a category of a group": (
        "sports: [skis,", "sports: [skies,", "[skies",
        "incident.scenes.groups.sports: no labelled image shows 'skies'; did you mean 'skis'?",
    ),
    "usual weather": (
        "    - condition: rain\n", "    - condition: drizzle\n", "drizzle\n", "usual.1.condition: 'drizzle' was not measured",
    ),
}  # fmt: skip


@pytest.mark.parametrize("wrong", WRONG)
def test_what_was_not_measured_is_told_where_it_stands(wrong):
    old, new, at, message = WRONG[wrong]
    text = changed(old, new, text=CASE)
    with pytest.raises(ScenarioError) as caught:
        compile_plan(loads(text, "drift.yaml"), {})
    fitting = [str(fault) for fault in caught.value.faults if message in str(fault)]
    assert fitting, [str(fault) for fault in caught.value.faults]
    assert fitting[0].startswith(f"drift.yaml:{place(text, at)[0]}:"), fitting[0]


def test_a_release_that_was_not_measured_is_told():
    text = CASE.replace("Release 7, detector: nanodet_m", "Release 7, detector: nanodet_n")
    with pytest.raises(ScenarioError, match=r"incident\.release\.detector: 'nanodet_n' was not measured"):
        compile_plan(loads(text, "drift.yaml"), {})


def test_the_plan_says_where_its_frames_come_from():
    plan = compile_plan(loads(CASE, "drift.yaml"), {})
    [source] = [each for each in plan.provenance if each.what == "what the detector finds in each frame"]
    assert source.kind == "measured" and incident.measured(DETECTIONS).sentence == source.source


def test_tables_that_cannot_be_read_are_a_fault_of_the_section(monkeypatch):
    def broken(_):
        raise InputError("about.yaml: is missing")

    monkeypatch.setattr(incident, "measured", broken)
    with pytest.raises(ScenarioError, match=r"incident: about\.yaml: is missing"):
        compile_plan(loads(CASE, "drift.yaml"), {})
