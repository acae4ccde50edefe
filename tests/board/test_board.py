"""Operations on a board: what each does, which are refused, and that everybody ends with one board."""

from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.board import operations as ops
from simulator.board.board import MOST_NOTES, OperationError
from simulator.board.box_fields import fields_of, settings_of
from simulator.board.case_drawing import compiled, drawn
from simulator.board.operations import read_operation
from simulator.board.ports import ways_out
from simulator.case.choices import parts
from simulator.case.load import load
from simulator.engine.plan import compile_plan
from tests.board.test_case_drawing import changed_at_random, random_operation

STORM = drawn(load("retry-storm"))


def test_a_removed_box_comes_back_with_the_ways_that_led_to_it():
    first = STORM.after(ops.RemoveBox(op="remove", box="door"))
    assert first.start == ""
    assert first.after(ops.RestoreBox(op="restore", box="door")).start == "door"
    gone = STORM.after(ops.RemoveBox(op="remove", box="check"))
    assert gone.ways_to("check") == []
    back = gone.after(ops.RestoreBox(op="restore", box="check"))
    assert back.boxes == STORM.boxes
    assert sorted(back.ways_to("check")) == sorted(STORM.ways_to("check"))


def test_a_queue_gets_a_limit_and_loses_it_again():
    board = drawn(load("retry-storm"))
    for limit in (7, None):
        board = board.after(ops.SetField(op="set", box="check", field="max_queue", value=limit))
        scenario = compiled(board, load("retry-storm")).scenario
        assert scenario is not None
        assert scenario.stages["check"].max_queue == limit
        rows = {field.name: field for field in fields_of(board, "check", load("production-drift"), {})}
        assert (rows["max_queue"].type, rows["max_queue"].value) == ("number", limit)


def test_the_later_write_of_a_field_wins_and_says_whose_it_was():
    first, second = (ops.SetField(op="set", box="check", field="replicas", value=value) for value in (3, 7))
    board = STORM.after(first, "candidate").after(second, "interviewer")
    assert board.boxes["check"].data["replicas"] == 7
    assert board.by["check", "replicas"] == "interviewer"


@pytest.mark.parametrize("is_removed", [False, True])
@pytest.mark.parametrize(
    ("case", "name", "others"),
    [
        ("skin-cancer-triage", "classifier", {"precision": "int8_dynamic", "hardware": "two", "replicas": 5}),
        ("skin-cancer-triage", "triage", {"operating_point": 0.9}),
        ("retry-storm", "check", {"replicas": 4}),
    ],
    ids=["pool", "gate", "storm"],
)
def test_a_copy_leads_nowhere_and_has_the_values_that_the_picked_design_runs_with(case, name, others, is_removed):
    scenario = load(case)
    board, picks = drawn(scenario), scenario.defaults() | others
    settings = settings_of(board.boxes[name], name, scenario, picks)
    if is_removed:
        board = board.after(ops.RemoveBox(op="remove", box=name))
    board = board.after(ops.AddBox(op="add", box="copy", preset=f"box:{name}", x=10, y=20))
    for field, value in settings.items():
        board = board.after(ops.SetField(op="set", box="copy", field=field, value=value))
    copy = board.boxes["copy"]
    assert (copy.x, copy.y, copy.label) == (10, 20, scenario.stages[name].label)
    assert [way.target for way in ways_out(copy.data) if way.target] == []
    picked = compile_plan(scenario, picks).scenario.stages[name].model_dump()
    shown = [one.name for one in fields_of(board, "copy", scenario, picks)]
    assert shown
    for field in shown:
        assert value_at(copy.data, parts(field)) == value_at(picked, parts(field)), field


def value_at(data, path):
    for part in path:
        data = data[part]
    return data


@pytest.mark.parametrize(
    ("operation", "sentence"),
    [
        (ops.MoveBox(op="move", box="gone", x=0, y=0), "not on the board any more"),
        (ops.ConnectWay(op="connect", box="check", port="to", target="check"), "leads to another box"),
        (ops.ConnectWay(op="connect", box="check", port="on_nothing", target="again"), "no way out"),
        (ops.ConnectWay(op="connect", box="checked", port="to", target="again"), "no way out"),
        (ops.SetField(op="set", box="check", field="kind", value="gate"), "cannot be set here"),
        (ops.SetField(op="set", box="check", field="to", value="x"), "cannot be set here"),
        (ops.AddBox(op="add", box="check", preset="kind:pool", x=0, y=0), "already"),
        (ops.AddBox(op="add", box="fresh", preset="kind:nothing", x=0, y=0), "palette has no"),
        (ops.AddBox(op="add", box="fresh", preset="end:check", x=0, y=0), "palette has no"),
        (ops.AddBox(op="add", box="fresh", preset="box:gone", x=0, y=0), "not on the board any more"),
        (ops.EnterAt(op="enter", box="checked"), "not at an end"),
        (ops.RestoreBox(op="restore", box="check"), "was not removed"),
        (ops.EraseNote(op="erase", note="n1"), "not on the board"),
    ],
)
def test_operations_that_make_no_sense_are_refused_with_a_sentence(operation, sentence):
    with pytest.raises(OperationError, match=sentence):
        STORM.after(operation)


def test_notes_are_bounded_and_are_no_part_of_the_design():
    board = STORM
    for number in range(MOST_NOTES):
        board = board.after(ops.WriteNote(op="note", note=f"n{number}", text="<script>alert(1)</script>", x=0, y=0))
    with pytest.raises(OperationError, match="at most"):
        board.after(ops.WriteNote(op="note", note="one_more", text="x", x=0, y=0))
    assert board.boxes == STORM.boxes
    assert board.after(ops.EraseNote(op="erase", note="n0")).notes.keys() == {f"n{number}" for number in range(1, MOST_NOTES)}


@pytest.mark.parametrize(
    "data",
    [
        None,
        [],
        "remove",
        {},
        {"op": "explode"},
        {"op": "remove"},
        {"op": "remove", "box": "../x"},
        {"op": "move", "box": "check", "x": float("nan"), "y": 0},
        {"op": "move", "box": "check", "x": 1e9, "y": 0},
        {"op": "rename", "box": "check", "label": "x" * 121},
        {"op": "set", "box": "check", "field": "replicas", "value": {"deep": 1}},
        {"op": "set", "box": "check", "field": "__class__", "value": 1},
        {"op": "remove", "box": "check", "role": "interviewer"},
    ],
)
def test_data_that_is_no_operation_is_refused_with_a_sentence(data):
    with pytest.raises(OperationError, match="No operation of a board"):
        read_operation(data)


def test_deeply_nested_data_is_refused():
    data: list = []
    for _ in range(5000):
        data = [data]
    with pytest.raises(OperationError):
        read_operation({"op": "set", "box": "check", "field": "replicas", "value": data})


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 10**6), split=st.integers(0, 40))
def test_a_board_is_a_function_of_the_order_in_the_log_however_it_is_cut(seed, split):
    source, board, taken = Random(seed), STORM, []
    for _ in range(40):
        operation = random_operation(board, source)
        try:
            board = board.after(operation)
        except OperationError:
            continue
        taken.append(operation)
    again = STORM
    for operation in taken[:split]:
        again = again.after(operation)
    for operation in taken[split:]:
        again = again.after(operation)
    assert again == board
    assert changed_at_random(STORM, Random(seed), 0) == STORM
