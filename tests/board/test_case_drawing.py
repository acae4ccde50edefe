"""A case opens as a board, and a board compiles to a case: with the same hash, or with a fault at a box."""

import random

import pytest

from simulator.board import operations as ops
from simulator.board.board import Board, OperationError
from simulator.board.board_content import entries
from simulator.board.box_fields import CHOICE, fields_of
from simulator.board.case_drawing import case_text, compiled, drawn
from simulator.board.ports import ways_out
from simulator.case.document import ScenarioError
from simulator.case.load import load, loads
from simulator.engine.compiled_plan import case_hash
from simulator.engine.plan import compile_plan
from simulator.errors import InputError
from simulator.evidence.profiles import profile_names
from simulator.explain.result import replicate
from tests.design_claims import CASES, random_designs
from tests.effort import quick_cases


@pytest.mark.parametrize("case", quick_cases())
def test_a_case_makes_the_round_trip_with_the_same_hashes(case):
    scenario = load(case)
    drawing = compiled(drawn(scenario), scenario)
    assert (drawing.faults, drawing.apart, drawing.left_out) == ((), (), ())
    written = loads(case_text(drawing, case), f"{case}.yaml")
    assert case_hash(written) == case_hash(drawing.scenario) == case_hash(scenario)
    for plan in [compile_plan(scenario), *random_designs(case, 2)]:
        assert (
            compile_plan(drawing.scenario, plan.design).identity == compile_plan(written, plan.design).identity == plan.identity
        )


@pytest.mark.parametrize("case", ["production-drift", "retry-storm"])
def test_the_run_of_a_drawing_has_the_run_hash_of_its_case(case):
    scenario = load(case)
    drawing = compiled(drawn(scenario), scenario)
    assert drawing.scenario is not None
    assert replicate(compile_plan(drawing.scenario), 1, 2).run_hash == replicate(compile_plan(scenario), 1, 2).run_hash


@pytest.mark.parametrize("case", CASES)
def test_boxes_lie_apart_and_ways_lead_to_the_right(case):
    board = drawn(load(case))
    places = [(box.x, box.y) for box in board.boxes.values()]
    assert len(set(places)) == len(places)
    assert board.boxes[board.start].x == min(x for x, _ in places)


def test_a_box_in_the_middle_can_be_drawn_anew():
    """Removing the quality check of the skin case and leading the decoder on to the classifier leaves a smaller design."""
    scenario = load("skin-cancer-triage")
    board = drawn(scenario).after(ops.RemoveBox(op="remove", box="quality"))
    broken = compiled(board, scenario)
    assert [(fault.box, fault.message) for fault in broken.faults] == [("decode", "Connect “then” to a box.")]
    board = board.after(ops.ConnectWay(op="connect", box="decode", port="to", target="classifier"))
    drawing = compiled(board, scenario)
    assert drawing.faults == ()
    assert drawing.apart == ("retake",)
    assert {"the choice “Image-quality check”", "the choice “Check that a photo shows skin”"} <= set(drawing.left_out)
    assert drawing.scenario is not None
    assert {"quality", "retake"} & drawing.scenario.stages.keys() == set()
    picks = drawing.picks(scenario.defaults())
    assert "quality_gate" not in picks
    found = replicate(compile_plan(drawing.scenario, picks), 1, 2).metrics["sensitivity"]
    unasked = replicate(compile_plan(scenario, {"quality_gate": "off"}), 1, 2).metrics["sensitivity"]
    assert found.low < unasked.value < found.high  # as where nobody is asked for another photo


def test_an_empty_board_is_drawn_from_kinds_and_runs():
    """Two boxes and an end: every photo is answered, and the cost is that of the replicas."""
    scenario = load("production-drift")
    board = drawn(scenario, empty=True)
    assert compiled(board, scenario).faults[0].message.startswith("Say where requests enter")
    for operation in [
        ops.AddBox(op="add", box="up", preset="kind:link", x=0, y=0),
        ops.AddBox(op="add", box="look", preset="preset:detect", x=300, y=0),
        ops.EnterAt(op="enter", box="up"),
        ops.ConnectWay(op="connect", box="up", port="to", target="look"),
        *(
            ops.ConnectWay(op="connect", box="look", port=way.port, target="answered")
            for way in ways_out(scenario.document.data["stages"]["detect"])
        ),
        ops.SetField(op="set", box="look", field="replicas", value=8),
    ]:
        board = board.after(operation)
    drawing = compiled(board, scenario)
    assert drawing.faults == ()
    assert drawing.scenario is not None
    found = replicate(compile_plan(drawing.scenario, drawing.picks(scenario.defaults())), 1, 2)
    assert found.metrics["done_share"].value == 1
    assert found.plan.scenario.stages["look"].replicas == 8


def test_of_more_than_ten_panels_those_are_left_out_that_need_what_is_missing():
    """Frames that enter at the detector never pass the LiDAR: the encounters of the vehicle's case have no sensors."""
    scenario = load("av-perception")
    assert len(scenario.exhibits) > 10
    drawing = compiled(drawn(scenario).after(ops.EnterAt(op="enter", box="detector")), scenario)
    assert drawing.scenario is not None
    assert drawing.scenario.exhibits == ["ages", "cameras"]
    panels = [one for one in drawing.left_out if one.startswith("the panel")]
    assert sorted(panels) == sorted(f"the panel “{name}”" for name in scenario.exhibits if name not in ("ages", "cameras"))


def test_what_is_wrong_is_said_at_the_box():
    scenario = load("skin-cancer-triage")
    board = drawn(scenario).after(ops.AddBox(op="add", box="again", preset="kind:retry", x=0, y=0))
    board = board.after(ops.ConnectWay(op="connect", box="decode", port="to", target="again"))
    drawing = compiled(board, scenario)
    assert {fault.box for fault in drawing.faults} == {"again"}


def test_a_drawing_that_does_not_compile_makes_no_file():
    scenario = load("retry-storm")
    drawing = compiled(drawn(scenario, empty=True), scenario)
    with pytest.raises(InputError, match="does not compile: 1 fault to mend"):
        case_text(drawing, "mine")


@pytest.mark.parametrize("case", CASES)
def test_each_choice_of_one_stage_stands_at_its_box(case):
    scenario = load(case)
    board, picks = drawn(scenario), scenario.defaults()
    at_boxes = [
        field.name for box in board.boxes for field in fields_of(board, box, scenario, picks) if field.name.startswith(CHOICE)
    ]
    assert len(at_boxes) == len(set(at_boxes))
    for name, choice in scenario.choices.items():
        written = {path[:2] for pick in choice.extremes() for path in choice.changes(pick)}
        alone = len(written) == 1 and next(iter(written))[0] == "stages"
        assert (f"{CHOICE}{name}" in at_boxes) == alone, name


def random_operation(board: Board, source: random.Random):
    """Draw an operation that may make sense on a board, and sometimes none that does."""
    names = [*board.boxes, "nothing"]
    box = source.choice(names)
    kind = source.choice(
        ["add", "remove", "rename", "move", "set", "connect", "connect", "connect", "disconnect", "enter", "restore"]
    )
    one = board.boxes.get(box)
    ways = [way.port for way in ways_out(one.data)] if one and not one.is_end else []
    port = source.choice(ways or ["to"])
    made = {
        "add": lambda: ops.AddBox(
            op="add", box=f"new_{source.randrange(8)}", preset=source.choice([entry.name for entry in entries(board)]), x=0, y=0
        ),
        "remove": lambda: ops.RemoveBox(op="remove", box=box),
        "rename": lambda: ops.RenameBox(op="rename", box=box, label=source.choice(["A", "<b>B</b>", "C" * 120])),
        "move": lambda: ops.MoveBox(op="move", box=box, x=source.uniform(-900, 900), y=0),
        "set": lambda: ops.SetField(
            op="set",
            box=box,
            field=source.choice(["replicas", "max_batch", "model", "routes.0.share"]),
            value=source.choice([0, 1, 4, "x", -2.5]),
        ),
        "connect": lambda: ops.ConnectWay(op="connect", box=box, port=port, target=source.choice(names)),
        "disconnect": lambda: ops.DisconnectWay(op="disconnect", box=box, port=port),
        "enter": lambda: ops.EnterAt(op="enter", box=box),
        "restore": lambda: ops.RestoreBox(op="restore", box=box),
    }
    return made[kind]()


def changed_at_random(board: Board, source: random.Random, count: int) -> Board:
    for _ in range(count):
        try:
            board = board.after(random_operation(board, source))
        except OperationError:
            continue
    return board


@pytest.mark.parametrize("case", quick_cases())
def test_random_boards_compile_or_name_a_box_or_the_whole_board(case):
    """300 boards in all: each compiles to a plan, says what is wrong at a box, or says that no request can enter or leave."""
    scenario, source = load(case), random.Random(case)
    compiling = 0
    for _ in range(75):
        board = changed_at_random(drawn(scenario, empty=source.random() < 0.2), source, source.randrange(1, 10))
        drawing = compiled(board, scenario)
        if drawing.scenario is None:
            assert drawing.faults
            for fault in drawing.faults:
                assert fault.box in board.boxes or fault.message.startswith(("Say where requests enter", "Add an end")), fault
            continue
        compiling += 1
        try:
            compile_plan(drawing.scenario, drawing.picks(scenario.defaults()))
        except ScenarioError as error:
            assert all(fault.field.split(".")[0] in ("stages", "ends") for fault in error.faults), error
    assert compiling > 10


def test_a_fault_at_a_box_names_its_field():
    case = load("skin-cancer-triage")
    board = drawn(case)
    board = board.after(ops.AddBox(op="add", box="search", preset="kind:pool", x=0, y=0))
    board = board.after(ops.ConnectWay(op="connect", box="search", port="to", target=board.start))
    board = board.after(ops.EnterAt(op="enter", box="search"))
    board = board.after(ops.SetField(op="set", box="search", field="replicas", value=0))
    [fault] = [one for one in compiled(board, case).faults if one.box == "search"]
    assert fault.message.startswith("Replicas: ")


def test_a_box_offers_the_precisions_of_its_own_model():
    case = load("skin-cancer-triage")
    board = drawn(case, empty=True).after(ops.AddBox(op="add", box="search", preset="kind:pool", x=0, y=0))
    [precision] = [one for one in fields_of(board, "search", case, {}) if one.name == "precision"]
    model = board.boxes["search"].data["model"]
    assert {value for value, _ in precision.options} == {names[2] for names in profile_names() if names[1] == model}
