"""The words on a board: no id of a file, a model or a machine stands where a person reads."""

import re

import pytest

from simulator.board.board_content import BoardFigures, Reader, board_content
from simulator.board.case_drawing import compiled, drawn
from simulator.case.load import load
from simulator.engine.plan import compile_plan
from simulator.evidence.profiles import profile_names
from simulator.evidence.spelled_names import spelled
from tests.effort import quick_cases


def texts(case):
    scenario = load(case)
    board, picks = drawn(scenario), scenario.defaults()
    drawing = compiled(board, scenario)
    content = board_content(board, drawing, scenario, picks, BoardFigures(compile_plan(scenario, picks)), Reader())
    for box in content["boxes"]:
        yield from [box["label"], box["kind_words"], *box["words"]]
        for field in box["fields"]:
            yield from [field["label"], *(words for _, words in field["options"])]
        yield from (port["label"] for port in box["ports"])
    yield from (entry["label"] for entry in content["palette"])


@pytest.mark.parametrize("case", quick_cases())
def test_no_id_stands_on_a_board(case):
    ids = {name for names in profile_names() for name in names if re.search(r"[_-]", name)}
    for text in texts(case):
        assert "_" not in text
        assert not ids & set(re.split(r"[ ,]+", text)), text


def test_a_closed_choice_says_nothing_of_its_value_to_a_copy():
    """A copy takes what choices write; what a closed one writes is not sent to the browser."""
    scenario = load("skin-cancer-triage")
    board, picks = drawn(scenario), scenario.defaults()
    sent = []
    for choices in (None, set(scenario.choices) - {"dermatologists"}):
        reader = Reader("candidate", choices=choices)
        boxes = board_content(board, compiled(board, scenario), scenario, picks, BoardFigures(), reader)["boxes"]
        sent.append(next(box["settings"] for box in boxes if box["id"] == "dermatologist"))
    assert set(sent[0]) - set(sent[1]) == {"shifts.0.people", "shifts.1.people"}


def test_every_measured_name_is_spelled_in_a_way_of_its_own():
    for names in map(set, zip(*profile_names(), strict=True)):
        assert len({spelled(name) for name in names}) == len(names)
    assert spelled("epyc-zen4-2c") == "2 vCPU, AMD EPYC (Zen 4)"
    assert [spelled(name) for name in ("efficientnet_lite0", "yolox_x", "coco_nanodet_m", "int8_dynamic", "my_own_net")] == [
        "EfficientNet-Lite0", "YOLOX-x", "NanoDet-m (COCO)", "int8 dynamic", "my own net",
    ]  # fmt: skip
