"""A board as the browser's component reads it: boxes with what theory and the run say of them, ways, notes, the palette."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

from simulator.board.board import MOST_BOXES, Board, Box
from simulator.board.box_fields import CHOICE, choices_at, fields_of, settings_of
from simulator.board.case_drawing import CURVEBALL, DrawnCase
from simulator.board.plain_box import box_kinds, is_plain
from simulator.board.ports import Way, ways_out
from simulator.case.choices import Pick
from simulator.case.schema import Scenario
from simulator.engine.compiled_plan import Plan
from simulator.engine.contract import stage_of
from simulator.explain.result import Result
from simulator.phrases import phrase
from simulator.theory.loads import loads, way_ratios
from simulator.units import percent, roughly, spoken_within

#: From this load on, a box is called busy; from 1 on, over.
BUSY = 0.85

#: The most entries without a box that are named.
_NAMED = 3

#: The words for kinds of boxes that are not read as they are written.
_KINDS = {"plain": "Plain box", "fanout": "Fan-out"}


class Entry(NamedTuple):
    """An entry of the palette; name: as an operation names it."""

    name: str
    label: str
    group: str


@dataclass(frozen=True)
class BoardFigures:
    """What is known of a drawing: its plan, and the latest result of its run with every metric, None before it has ended."""

    plan: Plan | None = None
    result: Result | None = None


@dataclass(frozen=True)
class Reader:
    """The person at the board. choices: those that are open, None for all; editable: whether anything may be changed."""

    role: str = ""
    editable: bool = True
    choices: Collection[str] | None = None
    by: Mapping[str, str] = field(default_factory=dict)

    def may_set(self, case: Scenario, box: str, field: str) -> bool:
        """Return whether a field may be set at its box; without a role, choices are set beside the board."""
        if self.choices is None or not (self.role or field.startswith(CHOICE)):
            return True
        return set(choices_at(case, box, field)) <= set(self.choices)


def board_content(
    board: Board, drawing: DrawnCase, case: Scenario, picks: Mapping[str, Pick], found: BoardFigures, reader: Reader
) -> dict[str, Any]:
    """Return the boxes, ways, notes and palette of a board; what else a line holds is the caller's.

    picks: of every choice of the case; found: what theory and the run say
    """
    words = _load_words(found)
    boxes = [_box(board, name, drawing, case, picks, found, reader, words) for name in board.boxes]
    message = " ".join(fault.message for fault in drawing.faults if not fault.box)
    return {
        "editable": reader.editable,
        "you": reader.role,
        "boxes": boxes,
        "most": MOST_BOXES,
        "edge_words": _way_words(board, found),
        "notes": [{"id": name, "x": note.x, "y": note.y, "text": note.text} for name, note in board.notes.items()],
        "palette": [entry._asdict() for entry in entries(board)] if reader.editable else [],
        "message": " ".join(filter(None, [message, left_out_words(_told_now(drawing, reader.role))])),
    }


def entries(board: Board) -> list[Entry]:
    """Return the boxes of the case, then the kinds of stages and an end."""
    of_case = [
        Entry(f"{'end' if box.is_end else 'preset'}:{name}", box.label, "This task") for name, box in board.presets.items()
    ]
    names = {entry.label for entry in of_case}
    fresh = {kind: str(model.fresh["label"]) for kind, model in box_kinds().items() if model.fresh}
    kinds = [Entry(f"kind:{kind}", label, "Kinds") for kind, label in fresh.items() if label not in names]
    return [*of_case, *kinds, Entry("kind:end", "End", "Kinds")]


def _told_now(drawing: DrawnCase, role: str) -> DrawnCase:
    """Return a drawing without the names of curveballs that are left out, for those whom they are still to strike."""
    if role not in ("candidate", "observer"):
        return drawing
    return replace(drawing, left_out=tuple(words for words in drawing.left_out if not words.startswith(CURVEBALL)))


def left_out_words(drawing: DrawnCase) -> str:
    """Say which entries of the case the drawing has no box for: a few by name, many by their number; empty for none."""
    parts = drawing.left_out
    if len(parts) > _NAMED:
        return phrase("board.many_left_out", parts=len(parts), first=parts[0])
    return phrase("board.left_out", parts=parts) if parts else ""


def _box(
    board: Board,
    name: str,
    drawing: DrawnCase,
    case: Scenario,
    picks: Mapping[str, Pick],
    found: BoardFigures,
    reader: Reader,
    words: Mapping[str, Mapping[str, Any]],
) -> dict[str, Any]:
    box, scenario = board.boxes[name], drawing.scenario or case
    faults = [fault.message for fault in drawing.faults if fault.box == name]
    if name in drawing.apart:
        faults.append("Nothing leads here, so it takes no part.")
    fields = fields_of(board, name, scenario, picks, reader.by)
    settings = settings_of(box, name, scenario, picks)
    facts = stage_of(found.plan, name).facts(found.plan, name) if found.plan and name in found.plan.scenario.stages else []
    return {
        "id": name,
        "kind": box.kind,
        "kind_words": kind_words(box),
        "label": box.label,
        "x": box.x,
        "y": box.y,
        "end": box.is_end,
        "start": name == board.start,
        "words": ["takes no part in the run"] if is_plain(box.data) else facts,
        "load": words.get(name),
        "flow": _flow(found, name, box),
        "faults": faults,
        "fields": [box_field.payload() for box_field in fields if reader.may_set(case, name, box_field.name)],
        "settings": {field: value for field, value in settings.items() if reader.may_set(case, name, field)},
        "ports": []
        if box.is_end
        else [_port(way, scenario.value_words(str(box.data.get("by")))) for way in ways_out(box.data)],
    }


def kind_words(box: Box) -> str:
    return _KINDS.get(box.kind, box.kind.capitalize())


def _port(way: Way, words: Mapping[str, str]) -> dict[str, Any]:
    label = ", ".join(words.get(value, value) for value in way.label.split(", "))
    return {"name": way.port, "label": label, "to": way.target or None, "needed": way.needed, "fallback": way.fallback}


def _load_words(found: BoardFigures) -> dict[str, dict[str, Any]]:
    """Return the load of each stage with servers: measured in the run, else as theory plans it."""
    if found.plan is None:
        return {}
    words = {}
    for load in loads(found.plan):
        planned = max(load.mean, load.peak or 0.0)
        measured = found.result.metrics.get(f"utilization.{load.stage}") if found.result else None
        share = planned if measured is None else measured.value
        over = max(planned, share) >= 1 and not load.at_most
        tone = "over" if over else "busy" if max(share, planned) >= BUSY else "plain"
        load_words = phrase("board.load" if measured else "board.planned_load", load=share)
        words[load.stage] = {"share": share, "words": load_words, "tone": tone}
    return words


def _flow(found: BoardFigures, name: str, box: Box) -> str:
    """Return what the run counts at a box: the wait at a stage, the requests that ended at an end."""
    result = found.result
    if result is None:
        return ""
    if not box.is_end:
        wait = result.metrics.get(f"wait_p95_s.{name}")
        return "" if wait is None else f"95% wait at most {spoken_within(wait.value, wait.low, wait.high, 's')[0]}"
    flows = result.flows
    count = float(flows.loc[flows["end"] == name, "count"].sum())
    total = float(flows["count"].sum())
    return f"{count:,.0f} {found.plan.scenario.unit.many if found.plan else ''}, {percent(count / total)}" if total else ""


def _way_words(board: Board, found: BoardFigures) -> dict[str, str]:
    """Return the share of the requests that theory sends along each planned way."""
    if found.plan is None:
        return {}
    ratios = way_ratios(found.plan)
    return {
        f"{name}/{way.port}": roughly(ratios[name, way.target])
        for name, box in board.boxes.items()
        if not box.is_end
        for way in ways_out(box.data)
        if way.target and not way.fallback and (name, way.target) in ratios and _single(box, way.target)
    }


def _single(box: Box, target: str) -> bool:
    """Return whether one planned way alone leads from a box to a target, so that its share is known."""
    return sum(way.target == target and not way.fallback for way in ways_out(box.data)) == 1
