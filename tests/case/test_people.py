"""Rotas, second readers and quantities that cannot be, each told at its place."""

import pytest

from simulator.case.document import ScenarioError
from simulator.case.load import loads
from simulator.engine.plan import compile_plan
from tests.case.texts import changed, place

SHIFT = '- {start: "08:00", end: "16:00", people: 2}'
MINUTES = """\
    minutes:
      median: {value: 0.05, assumed: a test}
      sigma: 0.5
"""


def fault(text):
    with pytest.raises(ScenarioError) as caught:
        loads(text)
    (found,) = caught.value.faults
    return found


@pytest.mark.parametrize(
    ("fields", "field", "message"),
    [
        ("breaks: [{start: '15:50', minutes: 15}]", "", "of 1 x 15 minutes from 15:50 should be between 08:00 and 16:00"),
        ("breaks: [{start: '07:50', minutes: 15}]", "", "should be between 08:00 and 16:00"),
        ("breaks: [{start: '12:00', minutes: 61, groups: 4}]", "", "the break of 4 x 61 minutes"),
        ("breaks: [{start: '12:00', minutes: 0}]", ".breaks.0.minutes", "greater than 0"),
        ("breaks: [{start: '12:00', minutes: 5, group: 2}]", ".breaks.0.group", "did you mean 'groups'?"),
        ("handover_minutes: 480", "", "handover_minutes (480) should be below the shift's 480"),
    ],
)  # fmt: skip
def test_breaks_and_hand_overs_lie_within_their_shift(fields, field, message):
    text = changed(SHIFT, SHIFT.replace("}", f", {fields}}}"))
    found = fault(text)
    assert found.field == f"stages.reader.shifts.0{field}"
    assert message in found.message
    assert found.line == place(text, SHIFT[:20])[0]


def test_breaks_may_fill_the_rest_of_a_shift_over_midnight():
    late = "{start: '22:00', end: '06:00', people: 2, breaks: [{start: '01:00', minutes: 60, groups: 5}]}"
    assert loads(changed(SHIFT, f"- {late}")).stages["reader"].shifts[0].breaks[0].groups == 5


def test_a_second_reader_is_for_a_tag_that_a_gate_gives():
    text = changed(MINUTES, MINUTES + "    second_reader: {share: 0.5, rule: both, tag: urgnt}\n")
    found = fault(text)
    assert (found.field, found.message) == (
        "stages.reader.second_reader.tag", "no gate gives the tag 'urgnt'; did you mean 'urgent'?"
    )  # fmt: skip
    assert (found.line, found.column) == place(text, "tag: urgnt")
    assert loads(text.replace("urgnt", "urgent"))


@pytest.mark.parametrize(
    ("minutes", "field", "message"),
    [
        ("{samples: [], assumed: a test}", ".samples", "at least 1 item"),
        ("{samples: [1, -2], assumed: a test}", ".samples.1", "greater than 0"),
        ("{samples: [1, 2]}", "", "exactly one of measured, projected, published, assumed"),
        ("{constant: {value: -1, assumed: a test}}", ".constant", "should be between"),
        ("{constant: {value: 1, assumed: a test}, sigma: 1}", ".sigma", "unknown key"),
        ("{exponential_mean: 3}", ".exponential_mean", "write it as {value: 3, assumed: why}"),
        ("{sigma: 1}", ".median", "this field is missing"),
    ],
)
def test_a_quantity_is_of_one_kind_with_its_evidence(minutes, field, message):
    text = changed(MINUTES, f"    minutes: {minutes}\n")
    found = fault(text)
    assert found.field == f"stages.reader.minutes{field}"
    assert message in found.message
    assert found.line == place(text, "    minutes:")[0]


@pytest.mark.parametrize(
    ("minutes", "what", "value"),
    [
        ("{samples: [1, 2, 6], published: a paper}", "stages.reader.minutes", "3 values, 3 on average"),
        ("{constant: {value: 2, published: a paper}}", "stages.reader.minutes", "2"),
        ("{exponential_mean: {value: 2, published: a paper}}", "stages.reader.minutes", "2"),
    ],
)
def test_the_source_of_a_quantity_is_told(evidence, minutes, what, value):
    plan = compile_plan(loads(changed(MINUTES, f"    minutes: {minutes}\n")))
    assert [(source.value, source.source) for source in plan.provenance if source.what == what] == [(value, "a paper")]
