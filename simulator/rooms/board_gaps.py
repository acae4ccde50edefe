"""Gaps of a drawing: what the board leaves unsaid, for the interviewer to ask about."""

from __future__ import annotations

from collections.abc import Iterator

from simulator.board.board import Board, Box
from simulator.board.case_drawing import DrawnCase
from simulator.board.plain_box import box_kinds, is_plain
from simulator.board.ports import ways_out
from simulator.case.document import Document
from simulator.case.schema import Scenario
from simulator.units import counted, listed


def board_gaps(board: Board, drawing: DrawnCase, case: Scenario) -> list[str]:
    """Return a sentence for each thing that the board does not say, the whole drawing first, then box by box."""
    stages = {name: box for name, box in board.boxes.items() if not box.is_end and not is_plain(box.data)}
    gaps = [*_of_the_whole(board, drawing, case)]
    for name, box in stages.items():
        label = f"“{box.label}”"
        if name in drawing.apart:
            gaps.append(f"Nothing leads to {label}.")
        if unsaid := _unset(board, name, box):
            gaps.append(f"{label} has the values that a new box comes with: {listed(unsaid)}.")
        if "replicas" in box_kinds()[box.kind].model_fields and box.data.get("replicas", 1) == 1:
            gaps.append(f"{label} has one replica: nothing takes over when it fails.")
        if any(way.port == "on_full" for way in ways_out(box.data)) and box.data.get("max_queue") is None:
            gaps.append(f"The queue of {label} has no limit.")
    return gaps


def _of_the_whole(board: Board, drawing: DrawnCase, case: Scenario) -> Iterator[str]:
    if not case.objectives:
        yield "The task has no objective, so no run gets a verdict."
    if not board.start:
        yield "Requests enter nowhere."
    if not any(box.is_end for box in board.boxes.values()):
        yield "No end says what becomes of a request."
    plain = [box.label for box in board.boxes.values() if is_plain(box.data)]
    if plain:
        yield f"{counted(len(plain), 'plain box', 'plain boxes')} without time or cost: {listed(plain)}."
    fault = sum(1 for fault in drawing.faults if fault.box)
    if fault:
        yield f"{counted(fault, 'fault')} at boxes keeps the drawing from running."


def _unset(board: Board, name: str, box: Box) -> list[str]:
    """Return the labels of the fields of a box that hold what a new box comes with: no person has set them."""
    places = box_kinds()[box.kind].at_the_box
    written = Document("", box.data)
    unset = [place for place in places if (name, place) not in board.by and written.holds(tuple(place.split(".")))]
    return [places[place] for place in unset]
