"""Plain boxes: names on the canvas, which requests pass without time, cost or count."""

import pytest

from simulator.board import operations as ops
from simulator.board.board import Board
from simulator.board.board_content import BoardFigures, Reader, board_content
from simulator.board.case_drawing import compiled, drawn
from simulator.case.load import load
from simulator.engine.plan import compile_plan
from simulator.explain.result import replicate


def connect(box: str, target: str, port: str = "to") -> ops.ConnectWay:
    return ops.ConnectWay(op="connect", box=box, port=port, target=target)


def plain(box: str) -> ops.AddBox:
    return ops.AddBox(op="add", box=box, preset="kind:plain", x=0, y=0)


def after(board: Board, *operations) -> Board:
    for operation in operations:
        board = board.after(operation)
    return board


@pytest.fixture
def case():
    return load("production-drift")


def test_a_way_past_plain_boxes_draws_the_case_without_them(case):
    """At the start and in the middle: the drawn case has the run hash of the case as it is written."""
    board = drawn(case)
    target = case.stages[case.start].to
    board = after(
        board,
        plain("app"),
        connect("app", case.start),
        ops.EnterAt(op="enter", box="app"),
        *(operation for name in ("first", "second") for operation in (plain(name),)),
        connect("first", "second"),
        connect("second", target),
        connect(case.start, "first"),
        plain("training"),  # beside the way: nothing leads there, and nothing is said against it
    )
    drawing = compiled(board, case)
    assert (drawing.faults, drawing.apart, drawing.left_out) == ((), (), ())
    assert drawing.scenario is not None
    assert replicate(compile_plan(drawing.scenario), 1, 2).run_hash == replicate(compile_plan(case), 1, 2).run_hash
    content = board_content(board, drawing, case, case.defaults(), BoardFigures(), Reader())
    shown = {box["id"]: box for box in content["boxes"]}
    assert all(
        shown[name]["words"] == ["takes no part in the run"] and not shown[name]["faults"] for name in ("first", "training")
    )


@pytest.mark.parametrize(
    ("ways", "box"),
    [
        ([("app", "other"), ("other", "app")], "app"),  # a ring
        ([], "app"),  # no way out
        ([("app", "END")], "app"),  # nothing serves the requests
    ],
)
def test_a_plain_box_that_leads_to_no_server_is_a_fault_at_the_box(case, ways, box):
    end = next(iter(case.ends))
    board = after(drawn(case), plain("app"), plain("other"), ops.EnterAt(op="enter", box="app"))
    board = after(board, *(connect(source, end if target == "END" else target) for source, target in ways))
    drawing = compiled(board, case)
    assert drawing.scenario is None
    assert box in {fault.box for fault in drawing.faults}
