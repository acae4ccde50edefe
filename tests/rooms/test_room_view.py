"""The table of a board's ways: words that a person reads, each box by a label of its own."""

from simulator.board import operations as ops
from simulator.board.case_drawing import drawn
from simulator.case.load import load
from simulator.rooms.room_view import distinct_labels, ways_table


def test_a_box_stands_in_the_table_by_its_words_and_never_by_its_id():
    board = drawn(load("skin-cancer-triage"))
    rows = ways_table(board).drop(columns=["box", "port"])
    [row] = rows[(rows["stage"] == "Image quality") & (rows["way"] == "the rest")].to_dict("records")
    assert row == {"stage": "Image quality", "kind": "Gate", "way": "the rest", "leads to": "Ask for another photo"}
    words = {str(cell) for column in ("stage", "kind", "leads to") for cell in rows[column]}
    assert not words & (set(board.boxes) - {box.label for box in board.boxes.values()})


def test_boxes_of_one_label_are_numbered_and_none_is_called_nowhere():
    board = drawn(load("retry-storm"))
    for name, label in (("again", "Photo check"), ("checked", "Photo check"), ("unchecked", "nowhere")):
        board = board.after(ops.RenameBox(op="rename", box=name, label=label))
    assert {name: distinct_labels(board)[name] for name in ("check", "again", "checked", "unchecked")} == {
        "check": "Photo check", "again": "Photo check (2)", "checked": "Photo check (3)", "unchecked": "nowhere (2)",
    }  # fmt: skip
