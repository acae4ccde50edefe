"""Names that refer to each other: targets, metrics, places that options write to.

Checked on the plain data, so that these faults are reported together with those of single fields.
"""

from __future__ import annotations

from collections.abc import Collection, Container, Iterable, Iterator, Mapping
from dataclasses import replace
from difflib import get_close_matches
from typing import Any

from simulator.case.attributes import Grouping, grouping_of, told_by_group, with_groups
from simulator.case.choices import parts
from simulator.case.exhibits import EXHIBITS
from simulator.case.faults import Path, dotted
from simulator.case.fields import GUIDE
from simulator.case.metric_records import CaseOutline, Metric, metrics_of
from simulator.case.sections import PLACES, section_model
from simulator.case.stage_model import STAGE_KINDS, AnyStage, tags_in, targets_in
from simulator.errors import suggest

Found = Iterator[tuple[Path, str]]

#: What a case is and tells, whatever is picked.
_TOLD = frozenset({"id", "version", "title", "summary", "minutes", "brief", "questions", "debrief", "choices", "exhibits"})

#: The sections whose entries are named elsewhere.
_OF_NAMES = frozenset({"stages", "ends", "classes", "attributes", "accelerators", "curveballs", "controllers"})


def check_names(data: Any, sections: Collection[str] = ()) -> Found:
    """Every name in the file's data that refers to nothing: its place, and what is wrong with it.

    sections: the sections that a case may have. What is written to one whose name is misspelled is left out: the misspelling
    has a fault of its own, and one is enough.
    """
    yield from _targets(data)
    yield from _of_kinds(data)
    yield from _accelerators(data)
    yield from _metrics(data)
    yield from _struck(data)
    yield from _writes(data, _misspelled(data, sections))
    yield from _exhibits(data)


def _mapping(data: Any, key: str) -> dict[str, Any]:
    """The mapping at `key`, or an empty one if the file holds something else."""
    value = data.get(key) if isinstance(data, dict) else None
    return value if isinstance(value, dict) else {}


def _list(data: Any, key: str) -> list[Any]:
    value = data.get(key) if isinstance(data, dict) else None
    return value if isinstance(value, list) else []


def _targets(data: Any) -> Found:
    stages, ends = _mapping(data, "stages"), _mapping(data, "ends")
    known = [*stages, *ends]
    for name in stages.keys() & ends.keys():
        yield ("ends", name), f"'{name}' names a stage and an end; rename one"
    start = data.get("start")
    if isinstance(start, str) and start not in stages:
        yield ("start",), f"'{start}' is not a stage; {suggest(start, stages)}"
    for name, stage in stages.items():
        for path, target in targets_in(stage):
            if target not in stages and target not in ends:
                yield ("stages", name, *path), f"'{target}' is neither a stage nor an end; {suggest(target, known)}"


def _kinds(data: Any) -> dict[str, type[AnyStage]]:
    """The kinds of the stages, where known."""
    stages = _mapping(data, "stages")
    named = {name: _mapping(stages, name).get("kind") for name in stages}
    return {name: STAGE_KINDS[kind] for name, kind in named.items() if isinstance(kind, str) and kind in STAGE_KINDS}


def _of_kinds(data: Any) -> Found:
    """The names each kind of stage looks up itself."""
    for name, kind in _kinds(data).items():
        yield from ((("stages", name, *path), message) for path, message in kind.check_names(data["stages"][name], data))


def _accelerators(data: Any) -> Found:
    known = _mapping(data, "accelerators")
    for name in _mapping(data, "stages"):
        shared = _mapping(data["stages"], name).get("shares")
        if isinstance(shared, str) and shared not in known:
            hint = suggest(shared, known) if known else "add a section `accelerators` with it"
            yield ("stages", name, "shares"), f"'{shared}' is not an accelerator; {hint}"


def _metrics(data: Any) -> Found:
    stages, kinds = _mapping(data, "stages"), _kinds(data)
    tags = list(dict.fromkeys(tag for stage in stages.values() for tag in tags_in(stage)))
    classes = {name: isinstance(kind, dict) and kind.get("deadline_s") for name, kind in _mapping(data, "classes").items()}
    ends, sensors = _mapping(data, "ends"), list(_mapping(_mapping(data, "arrivals"), "sensors"))
    ages = {name: sensors for name in ends if _mapping(ends, name).get("age") is True}
    groupings = _groupings(data)
    outline = CaseOutline(kinds, tags, classes, population=None, ages=ages)
    plain, of_positives = (metrics_of(replace(outline, population=words)) for words in (None, ("", "")))
    plain = of_positives if "population" in data else plain
    plain |= {metric.name: metric for metric in _of_sections(data)}
    known, of_positives = with_groups(plain, groupings), with_groups(of_positives, groupings)
    yield from _told_by_group(data, plain, groupings, of_positives)
    for index, objective in enumerate(_list(data, "objectives")):
        metric = objective.get("metric") if isinstance(objective, dict) else None
        if isinstance(metric, str) and metric not in known:
            yield ("objectives", index, "metric"), _no_metric(metric, known, of_positives)


def _of_sections(data: Any) -> Iterator[Metric]:
    """Yield the metrics that the sections of features add."""
    for name in PLACES:
        if name in data:
            yield from section_model(name).metrics_of(data[name])


def _no_metric(name: str, known: Iterable[str], of_positives: Container[str]) -> str:
    """Why a name is no metric; of_positives: the metrics that need a population."""
    lacks = "it needs a section `population`, which says who is positive"
    return f"'{name}' is not a metric here; {lacks if name in of_positives else suggest(name, known, GUIDE)}"


def _told_by_group(
    data: Any, plain: Mapping[str, Metric], groupings: Mapping[str, Grouping], of_positives: Container[str]
) -> Found:
    """Metrics that an attribute names but that are not reported by group."""
    told = told_by_group(plain.values())
    for attribute, grouping in groupings.items():
        for index, name in enumerate(_list(data["attributes"][attribute], "metrics")):
            where = ("attributes", attribute, "metrics", index)
            if name in plain and name not in told:
                yield where, f"'{name}' is not reported by group; {suggest(name, told)}"
            elif name not in plain and isinstance(name, str):
                yield where, _no_metric(name, told, of_positives)
            elif not grouping.groups:
                yield where, "a number has no groups without `edges`; give the boundaries, such as `edges: [30, 80]`"


def _groupings(data: Any) -> dict[str, Grouping]:
    attributes = _mapping(data, "attributes")
    return {name: grouping_of(one) for name, one in attributes.items() if isinstance(one, dict)}


def _struck(data: Any) -> Found:
    """Names of what curveballs strike."""
    known = {
        "stage": ("a stage", _mapping(data, "stages")),
        "accelerator": ("an accelerator", _mapping(data, "accelerators")),
        "sensor": ("a sensor", _mapping(_mapping(data, "arrivals"), "sensors")),
        "attribute": ("an attribute of the requests", _mapping(data, "attributes")),
    }
    for name, ball in _mapping(data, "curveballs").items():
        fields = ball if isinstance(ball, dict) else {}
        named: list[tuple[Path, Any, str]] = [((field,), fields.get(field), field) for field in known]
        named += [(("stages", index), stage, "stage") for index, stage in enumerate(_list(ball, "stages"))]
        for path, word, what in named:
            kind, there = known[what]
            if isinstance(word, str) and word not in there:
                hint = suggest(word, there) if there else "there is none in this case"
                yield ("curveballs", name, *path), f"'{word}' is not {kind}; {hint}"


def _exhibits(data: Any) -> Found:
    for index, name in enumerate(_list(data, "exhibits")):
        if isinstance(name, str) and name not in EXHIBITS:
            yield ("exhibits", index), f"'{name}' is not an exhibit; {suggest(name, EXHIBITS)}"


def _misspelled(data: Any, sections: Collection[str]) -> set[str]:
    """The sections that stand in the file under a name that is nearly theirs."""
    strange = [str(key) for key in data if key not in sections] if isinstance(data, dict) else []
    return {near for key in strange for near in get_close_matches(key, sections, n=1) if near not in data}


def _writes(data: Any, misspelled: Container[str]) -> Found:
    """Options that write to a place that does not exist."""
    for name, choice in _mapping(data, "choices").items():
        written: list[tuple[Path, Any]] = [(("set", index), path) for index, path in enumerate(_list(choice, "set"))]
        for option, body in _mapping(choice, "options").items():
            written += [(("options", option, "set", path), path) for path in _mapping(body, "set")]
        for place, path in written:
            message = _fixed(parts(path)) or _missing(data, parts(path)) if isinstance(path, str) else ""
            if message and parts(path)[0] not in misspelled:
                yield ("choices", name, *place), message


def _fixed(path: Path) -> str:
    """Why no option may write to a place, whatever is there; empty if one may."""
    if path[0] in _TOLD:
        return f"'{path[0]}' is the same in every design; an option cannot write to it"
    if len(path) == 1 and path[0] in _OF_NAMES:
        return f"an option cannot replace all of '{path[0]}', whose parts are named elsewhere; write to one of them"
    return ""


def _missing(data: Any, path: Path) -> str:
    for depth, part in enumerate(path[:-1]):
        known = data.keys() if isinstance(data, dict) else range(len(data)) if isinstance(data, list) else ()
        if part not in known:
            return f"there is no '{dotted(path[: depth + 1])}' to write to; {suggest(str(part), map(str, known))}"
        data = data[part]
    if isinstance(data, list) and path[-1] not in range(len(data)):
        return f"there is no '{dotted(path)}' to write to; the list has {len(data)} entries"
    return "" if isinstance(data, dict | list) else f"'{dotted(path[:-1])}' is a plain value; nothing can be written below it"
