"""Mistakes that a run survives but that are never right: `casesim check` refuses a case with one, `casesim run` takes it.

A drawing that is saved as a case may have an end without a way to it, so such a case has to stay loadable.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from simulator.case.choices import Choice, Number
from simulator.case.document import Fault, Path, dotted
from simulator.case.load import misnamed
from simulator.case.scenario_parts import Objective
from simulator.case.schema import Scenario
from simulator.units import span, spoken_bound

Found = Iterator[tuple[Path, str]]

_DAY_S, _DAY_MINUTES = 86_400, 1440


def author_faults(scenario: Scenario) -> list[Fault]:
    """Return every mistake of a case that can run but that is never right."""
    document = scenario.document
    faults = [document.fault(path, words, code=code) for code, rule in RULES.items() for path, words in rule(scenario)]
    return [*faults, *misnamed(document)]


def _impossible_objectives(scenario: Scenario) -> Found:
    for index, objective, least, most in _bounded(scenario):
        unit, at = scenario.metrics[objective.metric].unit, ("objectives", index, _field(objective))
        beyond = objective.bound > most if objective.upward else objective.bound < least
        if beyond and unit == "share":
            percent = f"; write {objective.bound / 100:g} for {objective.bound:g}%" if 1 < objective.bound <= 100 else ""
            yield at, f"no design meets this: a share lies between 0 and 1, got {objective.bound:g}{percent}"
        elif beyond:
            end = most if objective.upward else least
            side = "above" if objective.upward else "below"
            yield at, f"no design meets this: the metric is never {side} {spoken_bound(end, unit)}, got {objective.bound:g}"


def _certain_objectives(scenario: Scenario) -> Found:
    for index, objective, least, most in _bounded(scenario):
        metric, at = scenario.metrics[objective.metric], ("objectives", index, _field(objective))
        if not (objective.bound <= least if objective.upward else objective.bound >= most):
            continue
        if metric.unit == "share" and 1 < objective.bound <= 100:
            why = f"a share is at most 1; write {objective.bound / 100:g} for {objective.bound:g}%"
        elif metric.is_time and not objective.upward:
            why = f"it is longer than the whole run of {span(most)}; times are in seconds"
        else:
            end, side = (least, "below") if objective.upward else (most, "above")
            why = f"the metric is never {side} {spoken_bound(end, metric.unit)}"
        yield at, f"every design meets this: {why}"


def _bounded(scenario: Scenario) -> Iterator[tuple[int, Objective, float, float]]:
    """Yield each objective with its index, and the lowest and the highest value that its metric may have in this run."""
    run_s = _DAY_S * (scenario.run.days + scenario.run.drain_days)
    for index, objective in enumerate(scenario.objectives):
        metric = scenario.metrics[objective.metric]
        yield index, objective, metric.least, min(metric.most, run_s) if metric.is_time else metric.most


def _field(objective: Objective) -> str:
    return "at_least" if objective.upward else "at_most"


def _overwritten_choices(scenario: Scenario) -> Found:
    """Yield places that a choice writes in vain, because a later choice writes there whatever is picked."""
    always: dict[Path, str] = {}
    for name, choice in reversed(scenario.choices.items()):
        for path in dict.fromkeys(path for places in places_of(choice) for path in places):
            later = next((other for at, other in always.items() if path[: len(at)] == at), None)
            if later is not None:
                message = f"'{later}' comes later and always writes {dotted(path)} too, so this choice changes nothing there"
                yield ("choices", name), f"{message}; let one of the two write it"
        always |= dict.fromkeys(written_always(choice), name)


def places_of(choice: Choice) -> list[set[Path]]:
    """Return the places that each option of a choice writes; those of a number are equal for all picks."""
    picks = choice.extremes()[:1] if isinstance(choice, Number) else choice.picks()
    return [set(choice.changes(pick)) for pick in picks]


def written_always(choice: Choice) -> set[Path]:
    """Return the places that a choice writes whatever is picked."""
    return set.intersection(*places_of(choice))


def _unreached_ends(scenario: Scenario) -> Found:
    named = {target for stage in scenario.stages.values() for target in stage.targets().values()}
    for choice in scenario.choices.values():
        for pick in choice.extremes():
            named |= {word for value, _ in choice.changes(pick).values() for word in _words_in(value)}
    for name in scenario.ends:
        if name not in named:
            yield ("ends", name), "no request can reach this end; name it in the `to` of a stage or in an option, or delete it"


def _words_in(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for part in value.values() if isinstance(value, dict) else value:
            yield from _words_in(part)


def _uneven_days(scenario: Scenario) -> Found:
    count = len(getattr(scenario.arrivals, "weights", [])) or 1
    if _DAY_MINUTES % count:
        each = f"{count} weights divide the day into parts of {_DAY_MINUTES / count:.1f} minutes"
        yield ("arrivals", "weights"), f"{each}; write 24 for one an hour, or another number that divides 1,440 minutes"


#: The mistakes by their codes.
RULES: dict[str, Callable[[Scenario], Found]] = {
    "impossible-objective": _impossible_objectives,
    "certain-objective": _certain_objectives,
    "overwritten-choice": _overwritten_choices,
    "unreached-end": _unreached_ends,
    "uneven-day": _uneven_days,
}
