"""The kinds of names that refer to another part of a case: all that there is to name, and the sentence on other words."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from difflib import get_close_matches
from typing import Any

from pydantic import BaseModel

from simulator.case.case_tests import DEFAULT, numbers_of, things_of
from simulator.case.choices import REQUEST_SIGNALS, parts
from simulator.case.document import Path, dotted
from simulator.case.exhibits import EXHIBITS
from simulator.case.fields import GUIDE, Figure, Sourced
from simulator.case.interview import SIGNAL_PHASES, subjects
from simulator.case.outputs import Metric, grouping, metrics_of, with_groups
from simulator.case.phases import PRACTICE_FIELDS, TEXT_FIELDS, asked_metrics, phase_titles, phases_in_doubt
from simulator.case.references import NAME_KINDS, KnownCase, NameKind
from simulator.case.scenario_parts import OWN
from simulator.case.schema import Scenario
from simulator.errors import suggest
from simulator.evidence.catalogue import hardware
from simulator.evidence.profiles import profile_names
from simulator.evidence.score_tables import score_names
from simulator.phrases import phrase

#: The parts of a case that stay as they are, whatever is picked.
FIXED_SECTIONS = frozenset({"id", "version", "questions", "choices", "exhibits", "own_metrics", *TEXT_FIELDS, *PRACTICE_FIELDS})

#: The sections whose entries are named elsewhere.
_OF_NAMES = frozenset({"stages", "ends", "classes", "attributes", "accelerators", "hardware", "curveballs", "controllers"})


# ---- metrics


def _refused_metric(case: KnownCase, path: Path, name: Any) -> str:
    return _unknown_metric(case, path, name, case.scenario.metrics) if case.is_read and isinstance(name, str) else ""


def _refused_group_metric(case: KnownCase, path: Path, name: Any) -> str:
    attribute = case.scenario.attributes.get(path[1]) if case.is_read and isinstance(name, str) else None
    if attribute is None:
        return ""
    plain = [metric for metric in case.scenario.metrics.values() if metric.group is None]
    by_group = [metric.name for metric in plain if metric.has_groups]
    if name not in by_group and name in case.scenario.metrics and case.scenario.metrics[name].group is None:
        return phrase("names.not_by_group", name=name, hint=suggest(name, by_group))
    if name not in by_group:
        return _unknown_metric(case, path, name, by_group)
    if not grouping(attribute).groups:
        return phrase("names.no_edges")
    return ""


def _unknown_metric(case: KnownCase, path: Path, name: str, names: Iterable[str]) -> str:
    if name in names:
        return ""
    # claims and practice name metrics that an objective may name too: the objective says what they lack
    lacks = path[0] in ("objectives", "attributes") and name in case.once(_metrics_of_positives)
    return phrase("names.metric", name=name, lacks=lacks, hint=suggest(name, names, GUIDE))


def _metrics_of_positives(case: KnownCase) -> dict[str, Metric]:
    """Return the metrics that the case would have with a population, by name."""
    groupings = {name: grouping(attribute) for name, attribute in case.scenario.attributes.items()}
    return with_groups(metrics_of(replace(case.scenario.outline, population=("", ""))), groupings)


# ---- places that choices write


def _refused_place(case: KnownCase, path: Path, name: Any) -> str:
    """Return the fault of a place that no choice may write; empty for one in a section whose name is misspelled."""
    if not isinstance(name, str) or parts(name)[0] in case.once(_misspelled):
        return ""
    return _fixed(parts(name)) or _missing(case.data, parts(name))


def _misspelled(case: KnownCase) -> set[str]:
    """Return the sections whose names are misspelled: that has a fault of its own, and one is enough."""
    from simulator.case.schema import Scenario

    sections = Scenario.model_fields
    strange = [str(key) for key in case.data if key not in sections]
    return {near for key in strange for near in get_close_matches(key, sections, n=1) if near not in case.data}


def _fixed(path: Path) -> str:
    if path[0] in FIXED_SECTIONS:
        return phrase("names.fixed", section=path[0])
    if len(path) == 1 and path[0] in _OF_NAMES:
        return phrase("names.whole", section=path[0])
    return ""


def _missing(data: Any, path: Path) -> str:
    for depth, part in enumerate(path[:-1]):
        keys = data.keys() if isinstance(data, dict) else range(len(data)) if isinstance(data, list) else ()
        if part not in keys:
            return phrase("names.place", place=dotted(path[: depth + 1]), hint=suggest(str(part), map(str, keys)))
        data = data[part]
    if isinstance(data, list) and path[-1] not in range(len(data)):
        return phrase("names.entry", place=dotted(path), entries=len(data))
    return "" if isinstance(data, dict | list) else phrase("names.plain_value", place=dotted(path[:-1]))


def places_of(scenario: Scenario) -> dict[str, Any]:
    """Return every place that a choice may write, with its value in the file, or its default."""
    values = _values_of(scenario, ())
    return {dotted(path): value for path, value in values if scenario.document.holds(path[:-1])}  # a place needs its parent


#: Fields that are words for people, or that decide which other fields there are: no choice writes them.
_WORDS = frozenset({"kind", "label", "note", "source", *Sourced.model_fields})


def _values_of(model: Any, path: Path) -> Iterator[tuple[Path, Any]]:
    if isinstance(model, Figure):
        yield (*path, "value"), model.value
    elif isinstance(model, BaseModel):
        for name in type(model).model_fields:
            if name not in _WORDS and (path or name not in FIXED_SECTIONS):
                yield from _values_of(getattr(model, name), (*path, name))
    elif isinstance(model, Mapping):
        for key, part in model.items():
            yield from _values_of(part, (*path, str(key)))
    elif isinstance(model, list | tuple):
        for index, part in enumerate(model):
            yield from _values_of(part, (*path, index))
    elif len(path) > 1 or isinstance(model, str):
        yield path, model


# ---- picks


def _refused(scenario: Scenario, choice: Any, pick: Any) -> str:
    """Return the fault of a pick; empty for one that is offered, and for a choice that has a fault of its own."""
    try:
        _ = choice in scenario.choices and scenario.choices[choice].read(pick)
    except ValueError as error:
        return str(error)
    return ""


def _picks(scenario: Scenario, choice: Any) -> list[Any]:
    return scenario.choices[choice].extremes() if choice in scenario.choices else []


# ---- what else there is to name


def _groups(case: KnownCase, path: Path) -> list[str] | None:
    """Return the groups of the attribute that is the key before a name; None for no attribute of the case."""
    attribute = case.scenario.attributes.get(str(path[-2]))
    return None if attribute is None else [*grouping(attribute).groups]


def _watched(case: KnownCase, path: Path) -> list[str]:
    return [*(f"queue.{name}" for name in case.scenario.stages), *REQUEST_SIGNALS]


def _refused_signal(case: KnownCase, path: Path, name: Any) -> str:
    signals, stages = _watched(case, path), case.scenario.stages
    if not isinstance(name, str) or name in signals:
        return ""
    stage = name.removeprefix("queue.")
    if stage and stage != name:
        return phrase("names.stage", name=stage, hint=suggest(stage, stages))
    return phrase("names.signal", name=name, hint=suggest(name, signals))


def _section(name: str, *below: str) -> Callable[[KnownCase, Path], Mapping[str, Any]]:
    return lambda case, _: case.part(name, *below)


def _of_case(names: Callable[[Scenario], Any]) -> Callable[[KnownCase, Path], Any]:
    return lambda case, _: names(case.scenario)


def _by_phase(names: Callable[[Scenario], Any]) -> Callable[[KnownCase, Path], Any]:
    return lambda case, _: None if phases_in_doubt(case.scenario, case.unknown) else names(case.scenario)


_NONE = "there is none in this case"

NAME_KINDS |= {
    "stage": NameKind("stage", _section("stages"), absent=_NONE, sections=("stages",), early=True),
    "end": NameKind("end", _section("ends"), absent=_NONE, sections=("ends",)),
    "way": NameKind(
        "stage or end",
        lambda case, _: {**case.part("stages"), **case.part("ends")},
        "'{}' is neither a stage nor an end",
        sections=("stages", "ends"),
        early=True,
    ),
    "logged_stage": NameKind(
        "stage",
        _of_case(
            lambda case: [name for name, stage in case.stages.items() if stage.routing is None and stage.branching != "fork"]
        ),
        "'{}' is not a stage whose visits are logged",
        _NONE,
        sections=("stages",),
    ),
    "machine": NameKind(
        "stage",
        _of_case(lambda case: {name: stage for name, stage in case.stages.items() if stage.servers}),
        "'{}' is not a stage with servers",
        sections=("stages",),
    ),
    "scorer": NameKind(
        "stage", _of_case(lambda case: case.scorers() or None), "'{}' is not a pool with scores", sections=("stages",)
    ),
    "accelerator": NameKind("accelerator", _section("accelerators"), absent=_NONE, sections=("accelerators",), early=True),
    "sensor": NameKind("sensor", _section("arrivals", "sensors"), absent=_NONE, early=True),
    "frame_sensor": NameKind("sensor", _of_case(lambda case: case.sensors or None)),
    "attribute": NameKind(
        "attribute",
        _section("attributes"),
        "'{}' is not an attribute of the requests",
        _NONE,
        sections=("attributes",),
        early=True,
    ),
    "property": NameKind(
        "attribute",
        lambda case, _: dict.fromkeys(OWN, "") | case.part("attributes"),
        "'{}' is not an attribute of the requests",
        sections=("attributes",),
        early=True,
    ),
    "class": NameKind("class", _section("classes"), "'{}' is not a class of requests", _NONE, sections=("classes",)),
    "tag": NameKind("tag", _of_case(lambda case: case.tags()), "'{}' is not a tag of a gate", _NONE),
    "group": NameKind("group", _groups, "'{}' is not a group of '{of}'", _NONE, by_place=True),
    "condition": NameKind(
        "condition",
        _of_case(lambda case: case.encounters.conditions if case.encounters else {}),
        "'{}' is not one of `encounters.conditions`",
    ),
    "metric": NameKind("metric", _of_case(lambda case: case.metrics), refuse=_refused_metric, early=True),
    "group_metric": NameKind("metric", _of_case(lambda case: case.metrics), refuse=_refused_group_metric, early=True),
    "objective": NameKind(
        "metric of an objective", _of_case(asked_metrics), "'{}' is no metric of an objective", sections=("objectives",)
    ),
    "exhibit": NameKind("exhibit", lambda case, _: EXHIBITS, early=True),
    "choice": NameKind("choice", _section("choices"), sections=("choices",)),
    "place": NameKind("place", _of_case(places_of), refuse=_refused_place, early=True),
    "pick": NameKind(
        "option",
        lambda case, path: _picks(case.scenario, path[-1]),
        by_place=True,
        refuse=lambda case, path, pick: _refused(case.scenario, path[-1], pick),
    ),
    "option": NameKind(
        "option",
        lambda case, path: _picks(case.scenario, path[-2]),
        by_place=True,
        refuse=lambda case, path, pick: _refused(case.scenario, path[-2], pick),
    ),
    "default_option": NameKind("option", lambda case, path: _picks(case.scenario, path[1]), by_place=True, checked=False),
    "watched": NameKind("signal", _watched, refuse=_refused_signal),
    "phase": NameKind("phase", _by_phase(phase_titles), sections=("phases",)),
    "signal": NameKind("signal", lambda case, _: SIGNAL_PHASES),
    "subject": NameKind("subject", _by_phase(subjects), "'{}' is no phase, choice, stage, end or curveball"),
    "curveball": NameKind("curveball", _section("curveballs"), sections=("curveballs",)),
    "design": NameKind(
        "design", lambda case, _: {DEFAULT: ""} | case.part("reference"), "'{}' is no design", sections=("reference",)
    ),
    "number": NameKind("place", _of_case(numbers_of), "there is no number at '{}'"),
    "thing": NameKind("name", _of_case(things_of), "'{}' is nothing of this case"),
    "device": NameKind(
        "device", lambda case, _: {**case.part("hardware"), **hardware()}, sections=("hardware",), checked=False
    ),
    "measured_device": NameKind(
        "device",
        lambda *_: dict.fromkeys((device for device, *_ in profile_names()), "") | hardware(),
        "nothing is known of a device '{}'",
        guide="`casesim devices`",
    ),
    "model": NameKind("model", lambda *_: sorted({model for _, model, *_ in profile_names()}), checked=False),
    "score_table": NameKind(
        "score table", lambda *_: sorted({name.rpartition(".")[0] for name in score_names()}), checked=False
    ),
}
