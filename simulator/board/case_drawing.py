"""From a case to a board, and from a board to a case: the same schema and the same checks as for a file."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from io import StringIO
from typing import Any

import networkx as nx
from ruamel.yaml import YAML

from simulator.board.board import Board, Box
from simulator.board.box_fields import field_label
from simulator.board.plain_box import beyond_plain, is_plain
from simulator.board.ports import ways_out, with_target
from simulator.case.any_stage import targets_in
from simulator.case.choices import Pick, parts
from simulator.case.designs import validated
from simulator.case.document import Document, Fault, ScenarioError
from simulator.case.phases import PRACTICE_FIELDS
from simulator.case.schema import Scenario
from simulator.errors import InputError
from simulator.units import counted

#: The name of the board in the place of a file's.
BOARD = "the board"

#: A case is validated at most so many times while entries that need a missing box are left out.
_ROUNDS = 40

#: The words for a curveball that is left out.
CURVEBALL = "the curveball"

#: Sections of entries that are left out where they need a box that is not on the board, with the words for one.
_OPTIONAL = {
    "choices": "the choice",
    "objectives": "the objective",
    "curveballs": CURVEBALL,
    "controllers": "the controller",
    "exhibits": "the panel",
    "attributes": "the attribute",
    "reference": "the reference design",
    "accelerators": "the device",
    "costs.prices": "the price",
}


def drawn(scenario: Scenario, empty: bool = False) -> Board:
    """Return a case as a board; empty: only its ends, so that the stages are still to be drawn."""
    data = scenario.document.data
    presets = _placed(data["start"], data["stages"], data["ends"])
    boxes = {name: box for name, box in presets.items() if box.is_end} if empty else presets
    return Board("" if empty else data["start"], boxes, presets)


def _placed(start: str, stages: Mapping[str, Any], ends: Mapping[str, Any]) -> dict[str, Box]:
    ways = {name: [target for _, target in targets_in(stage)] for name, stage in stages.items()} | {name: [] for name in ends}
    place = places_of(start, ways)
    boxes = {name: Box(stage, *place[name]) for name, stage in stages.items()}
    return boxes | {name: Box(end, *place[name], is_end=True) for name, end in ends.items()}


#: Sections of features, left out as a whole.
_FEATURES = {"incident": "the incident", "vehicle": "the vehicle", "encounters": "the encounters"}


@dataclass(frozen=True)
class BoxFault:
    """A fault of a box, "" for one of the whole board, in a sentence."""

    box: str
    message: str


@dataclass(frozen=True)
class DrawnCase:
    """The case that a board draws; scenario: None where it does not compile, with the faults.

    apart: boxes that nothing leads to, which take no part; left_out: entries of the case that need a missing box
    """

    board: Board
    scenario: Scenario | None
    faults: tuple[BoxFault, ...] = ()
    apart: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()

    def picks(self, picks: Mapping[str, Pick]) -> dict[str, Pick]:
        """Return the picks of choices that the drawn case still has."""
        return {} if self.scenario is None else {name: pick for name, pick in picks.items() if name in self.scenario.choices}


def compiled(board: Board, case: Scenario) -> DrawnCase:
    """Return the case that a board draws, in the place of the stages and ends of another case."""
    reached, ends = _reached(board)
    apart = tuple(
        name
        for name, box in board.boxes.items()
        if name not in reached and name not in ends and not box.is_end and not is_plain(box.data)
    )
    if faults := [*_open_ways(board, reached)]:
        return DrawnCase(board, None, tuple(faults), apart)
    boxes = {name: box.data for name, box in board.boxes.items()}
    stages = [name for name in reached if not is_plain(boxes[name])]
    data = {**case.document.data, "start": beyond_plain(boxes, board.start)}
    data["stages"] = {name: _past_plain(boxes, name) for name in _in_order(stages, data["stages"])}
    data["ends"] = {name: dict(board.boxes[name].data) for name in _in_order(ends, data["ends"])}
    return _fitted(board, _as_shared(data, case.document.data), case, apart)


def _past_plain(boxes: Mapping[str, Any], name: str) -> dict[str, Any]:
    """Return the data of a stage whose ways lead past plain boxes."""
    data: Any = dict(boxes[name])
    for path, target in list(targets_in(data)):
        if (onward := beyond_plain(boxes, target)) != target:
            data = with_target(data, path, onward)
    return dict(data)


def _in_order(names: Sequence[str], before: Mapping[str, Any]) -> list[str]:
    """Return names in the order of the case, new ones last, so that a board draws a case with the same trace."""
    return sorted(names, key=lambda name: list(before).index(name) if name in before else len(before) + names.index(name))


def _as_shared(data: dict[str, Any], before: Mapping[str, Any]) -> dict[str, Any]:
    """Return data whose unchanged parts are those of the case, so that they need not be validated again."""
    for section in ("stages", "ends"):
        authored = before[section]
        same = {name: authored[name] if authored.get(name) == part else part for name, part in data[section].items()}
        data[section] = authored if same == authored and list(same) == list(authored) else same
    return data


def _reached(board: Board) -> tuple[list[str], list[str]]:
    """Return the stages on the ways from the start, and the ends: those that a way leads to, and all while none does."""
    reached, open_ones = list[str](), [board.start] if board.start in board.boxes else []
    while open_ones:
        name = open_ones.pop(0)
        if name not in reached and name in board.boxes:
            reached.append(name)
            open_ones += [] if board.boxes[name].is_end else [target for _, target in targets_in(board.boxes[name].data)]
    ends = [name for name, box in board.boxes.items() if box.is_end]
    return [name for name in reached if not board.boxes[name].is_end], ends


def _open_ways(board: Board, stages: Sequence[str]) -> Iterator[BoxFault]:
    if not board.start:
        yield BoxFault("", "Say where requests enter: open a box and press “Let requests enter here”.")
    elif not any(box.is_end for box in board.boxes.values()):
        yield BoxFault("", "Add an end, so that requests can leave.")
    boxes = {name: box.data for name, box in board.boxes.items()}
    if (first := board.boxes.get(beyond_plain(boxes, board.start))) is not None and first.is_end:
        yield BoxFault(board.start, "Requests need a box that serves them before the end.")
    for name in stages:
        for way in ways_out(board.boxes[name].data):
            if way.needed and not way.target:
                yield BoxFault(name, f"Connect “{way.label}” to a box.")
            elif is_plain(boxes[name]) and not beyond_plain(boxes, name):
                yield BoxFault(name, "The way from here leads on to plain boxes alone. Lead it to a box that serves requests.")


def _fitted(board: Board, data: dict[str, Any], case: Scenario, apart: tuple[str, ...]) -> DrawnCase:
    """Validate the data; leave out entries that need a missing box, one round after the other."""
    left_out: list[str] = []
    for _ in range(_ROUNDS):
        gone = _boxes(case.document.data) - _boxes(data)
        data, dropped = _without_dead_writes(data, board.start == case.document.data["start"], gone)
        left_out += dropped
        try:
            scenario = validated(Document(BOARD, data), case)
        except ScenarioError as error:
            faults = error.faults
        else:
            return DrawnCase(board, scenario, (), apart, tuple(left_out))
        entries = [entry for fault in faults if (entry := _entry_of(data, fault)) is not None]
        if not entries:
            return DrawnCase(board, None, tuple(_box_fault(board, fault) for fault in faults), apart, tuple(left_out))
        for section, key in sorted(set(entries), reverse=True):  # later places first: the earlier ones stay what they are
            left_out.append(_words(data, section, key))
            data = _without(data, section, key)
    return DrawnCase(board, None, (BoxFault("", "This drawing differs too much from the case to be run."),), apart)


def _boxes(data: Mapping[str, Any]) -> set[str]:
    return {*data.get("stages", {}), *data.get("ends", {})}


def _entry_of(data: Mapping[str, Any], fault: Fault) -> tuple[str, Any] | None:
    """Return the section and the key of the optional entry that a fault is about; None for a fault of a box."""
    section = next((feature for feature in (*_FEATURES, *_OPTIONAL) if f"{fault.field}.".startswith(f"{feature}.")), "")
    held, rest = _held(data, section), fault.field[len(section) + 1 :]
    if not held:
        return None
    if section in _FEATURES:
        return section, None
    if isinstance(held, list):
        index = rest.partition(".")[0]
        return (section, int(index)) if index.isdecimal() and int(index) < len(held) else None
    return next(((section, key) for key in held if rest == key or rest.startswith(f"{key}.")), None)


def _held(data: Mapping[str, Any], section: str) -> Any:
    """Return what a section holds, such as `choices` or `costs.prices`; None where the data have none."""
    held: Any = data
    for name in section.split("."):
        held = held.get(name) if isinstance(held, Mapping) else None
    return held


def _without(data: dict[str, Any], section: str, key: Any) -> dict[str, Any]:
    """Return data without an entry of a section, by its name or number; key: None for the whole section."""
    name, _, inner = section.partition(".")
    held = data[name]
    if inner:
        return {**data, name: _without(held, inner, key)}
    if key is None:
        return {other: part for other, part in data.items() if other != name}
    left: Any = (
        [entry for index, entry in enumerate(held) if index != key]
        if isinstance(held, list)
        else {other: entry for other, entry in held.items() if other != key}
    )
    return {**data, name: left}


def _words(data: Mapping[str, Any], section: str, key: Any) -> str:
    if key is None:
        return _FEATURES[section]
    entry = _held(data, section)[key]
    label = entry.get("label", key) if isinstance(entry, dict) else entry
    return f"{_OPTIONAL[section]} “{label}”"


def _without_dead_writes(data: dict[str, Any], same_start: bool, gone: Collection[str]) -> tuple[dict[str, Any], list[str]]:
    """Return the case without writes of choices to missing places, and the words of the choices that are left out.

    A choice is left out if one of its options then writes nothing.
    same_start: whether requests enter where they do in the case; else the board decides it, and no choice does
    gone: boxes of the case that the board lacks: nothing leads to them
    """
    document, kept, dropped = Document(BOARD, data), dict[str, Any](), list[str]()
    for name, choice in data.get("choices", {}).items():
        living = _living(choice, document, gone) if same_start or "start" not in _written(choice) else None
        if living is None:
            dropped.append(_words(data, "choices", name))
        else:
            kept[name] = living
    same = all(kept.get(name) is choice for name, choice in data.get("choices", {}).items())
    return (data if same else {**data, "choices": kept}), dropped


def _written(choice: Mapping[str, Any]) -> set[str]:
    """Return the places that a choice writes."""
    return {at for option in choice.get("options", {"": choice}).values() for at in option["set"]}


def _living(choice: Mapping[str, Any], document: Document, gone: Collection[str]) -> Any:
    """Return a choice without what cannot be written; None where an option is left with none."""
    options = choice.get("options")
    if isinstance(options, dict):
        living = {
            name: {**option, "set": {at: value for at, value in option["set"].items() if _lives(document, at, value, gone)}}
            for name, option in options.items()
        }
        if not all(part["set"] for part in living.values()):
            return None
        return (
            choice
            if all(living[name]["set"] == option["set"] for name, option in options.items())
            else {**choice, "options": living}
        )
    places = [at for at in choice["set"] if _lives(document, at, None, gone)]
    return None if not places else choice if places == choice["set"] else {**choice, "set": places}


def _lives(document: Document, at: str, value: Any, gone: Collection[str]) -> bool:
    """Return whether a place takes a value: it is there, and the value leads to no box that is gone."""
    path = parts(at)
    there = path[0] not in ("stages", "ends") or document.holds(path[:-1] if not isinstance(path[-1], int) else path)
    return there and not (isinstance(value, str) and value in gone)


def _box_fault(board: Board, fault: Fault) -> BoxFault:
    section, _, rest = fault.field.partition(".")
    box, _, place = rest.partition(".")
    if section not in ("stages", "ends") or box not in board.boxes:
        return BoxFault("", f"{fault.field}: {fault.message}")
    label = field_label(board, box, place)
    return BoxFault(box, f"{label}: {fault.message}" if label else fault.message)


#: What a case file for a candidate lacks, besides what only practice and interviewers read.
_TOLD_LATER = ("questions", "debrief")


def case_text(drawing: DrawnCase, case_id: str, title: str = "", bounds: Collection[str] | None = None) -> str:
    """Return the drawn case as a file that `casesim run` accepts; raises InputError where it does not compile.

    Left out is all that needs a box which the drawing lacks.
    bounds: for a candidate, the metrics whose bound may be known; then answers, hints, probes and debrief are left out too
    """
    if drawing.scenario is None:
        raise InputError(f"This drawing does not compile: {counted(len(drawing.faults), 'fault')} to mend first.")
    data = {**drawing.scenario.document.data, "id": case_id} | ({"title": title} if title else {})
    if bounds is not None:
        data = {name: part for name, part in data.items() if name not in (*PRACTICE_FIELDS, *_TOLD_LATER)}
        data["objectives"] = [objective for objective in data.get("objectives", []) if objective["metric"] in bounds]
    text = StringIO()
    yaml = YAML()
    yaml.width, yaml.default_flow_style = 128, False
    yaml.dump(data, text)
    return text.getvalue()


#: The distance between columns and between rows, in pixels.
COLUMN, ROW = 290.0, 320.0

#: Rounds of ordering boxes by the places of their neighbours.
_ORDERINGS = 4


def places_of(start: str, ways: Mapping[str, Sequence[str]]) -> dict[str, tuple[float, float]]:
    """Return a place (x, y) in pixels for each box; ways: the targets of each box, planned ones first.

    A box stands one column behind the last box that leads to it; ways back to an earlier box do not count.
    """
    graph: nx.DiGraph[str] = nx.DiGraph()
    graph.add_nodes_from(ways)
    graph.add_edges_from((box, target) for box, targets in ways.items() for target in targets if target in ways)
    forward = _without_rings(graph, start)
    column = {box: depth for depth, layer in enumerate(nx.topological_generations(forward)) for box in layer}
    last = max(column.values(), default=0)
    column |= {box: last for box in ways if not forward.pred[box] and box != start}  # no way leads there: out of the way
    rows = _ordered(forward, column, list(ways))
    return {box: (COLUMN * column[box], ROW * rows[box]) for box in ways}


def _without_rings(graph: nx.DiGraph[str], start: str) -> nx.DiGraph[str]:
    """Return the graph without the ways that lead back, as a walk from the start meets them."""
    forward: nx.DiGraph[str] = nx.DiGraph()
    order = [start] if start in graph else []
    forward.add_nodes_from(graph)
    for root in [*order, *graph]:
        for source, target, label in nx.dfs_labeled_edges(graph, root):
            if source != target and label in ("forward", "nontree") and not nx.has_path(forward, target, source):
                forward.add_edge(source, target)
    return forward


def _ordered(graph: nx.DiGraph[str], column: Mapping[str, int], names: Sequence[str]) -> dict[str, float]:
    """Return the row of each box in its column, by the mean row of its neighbours (Sugiyama's barycentres)."""
    layers = [[name for name in names if column[name] == depth] for depth in range(max(column.values(), default=-1) + 1)]
    row = {name: float(place) for layer in layers for place, name in enumerate(layer)}
    for turn in range(_ORDERINGS):
        beside = graph.pred if turn % 2 == 0 else graph.succ
        for layer in layers if turn % 2 == 0 else layers[::-1]:
            wanted = {
                name: sum(row[neighbour] for neighbour in beside[name]) / len(beside[name]) if beside[name] else row[name]
                for name in layer
            }
            layer.sort(key=lambda name: wanted[name])
            row |= {name: float(place) for place, name in enumerate(layer)}
    tallest = max((len(layer) for layer in layers), default=0)
    return {name: place + (tallest - len(layer)) / 2 for layer in layers for place, name in enumerate(layer)}
