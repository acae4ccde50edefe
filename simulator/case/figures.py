"""The figures of a scenario by their place, and the same scenario with other numbers in their stead."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from simulator.case.faults import Path, ScenarioError, dotted
from simulator.case.fields import Figure, Sourced
from simulator.case.load import validated
from simulator.case.schema import Scenario
from simulator.errors import suggest

#: In place of a figure: how many times as much traffic as the case has.
TRAFFIC = "traffic"

#: In place of a figure: how long a batch of one takes in a pool whose latency is projected, in ms, within its band.
PROJECTED = re.compile(r"stages\.(?P<pool>.+)\.projected_ms")

#: How far an assumed or projected figure is doubted where its author gives no range: from half to double of it.
DOUBTED = 0.5, 2.0


def sourced_of(model: Any, path: Path = ()) -> Iterator[tuple[Path, Sourced]]:
    """Every figure, or list of them, within a model that takes part in the run, with its path."""
    if isinstance(model, Sourced):
        yield path, model
    elif isinstance(model, dict):
        for name, value in model.items():
            yield from sourced_of(value, (*path, str(name)))
    elif isinstance(model, list):
        for index, value in enumerate(model):
            yield from sourced_of(value, (*path, index))
    elif hasattr(type(model), "model_fields"):
        for name in type(model).model_fields:
            yield from sourced_of(getattr(model, name), (*path, name))


def figures_of(scenario: Scenario) -> dict[str, Figure]:
    """Every single number with evidence, by its place, such as `population.prevalence`."""
    return {place: figure for place, (_, figure) in _placed(scenario).items()}


def _placed(scenario: Scenario) -> dict[str, tuple[Path, Figure]]:
    """The figures by place in words, each with its path: keys may be digits too, as indexes are."""
    return {dotted(path): (path, figure) for path, figure in sourced_of(scenario) if isinstance(figure, Figure)}


def with_figures(scenario: Scenario, numbers: Mapping[str, float]) -> Scenario:
    """The same scenario with these numbers for its figures, checked again; TRAFFIC is times the traffic of the case.

    Raises ScenarioError for a place that holds no figure, and for a number that its field does not take.
    """
    if not numbers:
        return scenario
    if TRAFFIC in numbers:
        scenario = _with_traffic(scenario, numbers[TRAFFIC])
        numbers = {place: number for place, number in numbers.items() if place != TRAFFIC}
    known, document = _placed(scenario), scenario.document
    unknown = [place for place in numbers if place not in known]
    if unknown:
        raise _unknown(scenario, unknown, known)
    changes: dict[Path, tuple[Any, Path, str]] = {}
    for place, number in numbers.items():
        path, figure = known[place]
        others = figure.model_dump(exclude={"between"}, exclude_none=True)
        changes[path] = (others | {"value": number}, path, f"the figure `{place}` at {number:g}")
    return validated(document.patched(changes), scenario)


def _unknown(scenario: Scenario, places: Iterable[str], known: Iterable[str]) -> ScenarioError:
    told = {place: f"there is no figure `{place}`; {suggest(place, known)}" for place in places}
    return ScenarioError([scenario.document.fault((), message, place) for place, message in told.items()])


def _with_traffic(scenario: Scenario, times: float) -> Scenario:
    """The same scenario with more requests, or fewer: as many times as many at any time of the run."""
    document = scenario.document
    if not scenario.arrivals.has_rate:
        kind = scenario.arrivals.kind
        message = f"`{TRAFFIC}` multiplies a rate of arrival; arrivals of the kind `{kind}` have none"
        raise ScenarioError([document.fault(("arrivals",), message, TRAFFIC)])
    spikes = [spike.model_dump() for spike in getattr(scenario.arrivals, "spikes", [])]
    whole = {"at_s": 0, "seconds": 86_400 * (scenario.run.days + scenario.run.drain_days), "times": times}
    written = ([*spikes, whole], ("arrivals",), f"`{TRAFFIC}` at {times:g}")
    return validated(document.patched({("arrivals", "spikes"): written}), scenario)


def range_of(scenario: Scenario, place: str) -> tuple[float, float]:
    """How low and how high a figure may be in truth: as its author says, else half to double, within what its field takes.

    Raises ScenarioError for a place that holds no figure.
    """
    if place == TRAFFIC:
        return DOUBTED
    figures = figures_of(scenario)
    if place not in figures:
        raise _unknown(scenario, [place], figures)
    figure = figures[place]
    if figure.between:
        return figure.between
    ends = sorted(figure.value * part for part in DOUBTED)
    return max(ends[0], figure.allowed[0]), min(ends[1], figure.allowed[1])
