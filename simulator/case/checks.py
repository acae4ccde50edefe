"""Faults that no single field shows: routes that lead nowhere, sections that need each other."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import TYPE_CHECKING

import networkx as nx

from simulator.case.attributes import RESERVED
from simulator.case.choices import Options
from simulator.case.controllers import REQUEST_SIGNALS
from simulator.case.exhibits import EXHIBITS, offered
from simulator.case.faults import Fault, Path, dotted
from simulator.case.network import graph_of
from simulator.case.schema import Scenario
from simulator.case.stage_model import is_target
from simulator.errors import suggest
from simulator.limits import BY_THE_CLOCK
from simulator.units import duration

if TYPE_CHECKING:
    from simulator.case.schema import Scenario

#: Names that a page's address uses besides the choices.
ADDRESS_KEYS = frozenset(
    {"case", "version", "run", "seed", "replications", "panel", "whom", "percentile", "until", "strike", "strike_min"}
)


def check(scenario: Scenario, unknown: Collection[Path] = ()) -> list[Fault]:
    """Every fault of a scenario whose single fields are right; empty if it may run.

    unknown: the places of names that refer to nothing; whatever looks such a name up is left out
    """
    entries = {path[:2] for path in unknown}
    found = [
        *(() if any(map(_is_way, unknown)) else scenario.network.faults(scenario.start)),
        *_stages(scenario, entries),
        *_retries(scenario),
        *_arrivals(scenario),
        *_choices(scenario),
        *_classes(scenario),
        *_attributes(scenario),
        *_curveballs(scenario, entries),
        *_exhibits(scenario),
        *_controllers(scenario),
        *_sections(scenario),
    ]
    return [scenario.document.fault(path, message) for path, message in found]


def cautions(scenario: Scenario) -> list[str]:
    """What may run but is perhaps not meant, a sentence each."""
    stages = scenario.stages
    answering = [name for name, stage in stages.items() if stage.gives_answers]
    planned = graph_of({name: stage.planned_targets().values() for name, stage in stages.items()})

    def reached(without: list[str]) -> set[str]:
        if scenario.start in without:
            return set()
        return {scenario.start, *nx.descendants(nx.restricted_view(planned, without, []), scenario.start)}

    return [
        f"{stages[name].label}: how long people take counts as answer time, as no stage before them answers. If a requester "
        "has an answer before, write `answers: true` at the gate that gives it."
        for name in scenario.staffed_stages()
        if name in reached(without=answering) and reached(without=[name]) & scenario.ends.keys()
    ]


def _is_way(path: Path) -> bool:
    """Whether a place says where requests go."""
    return path[0] in ("start", "ends") or (path[0] == "stages" and any(map(is_target, path[2:])))


def _stages(scenario: Scenario, unknown: Collection[Path]) -> Iterator[tuple[Path, str]]:
    """The faults each kind of stage finds in itself."""
    for name, stage in scenario.stages.items():
        if ("stages", name) not in unknown:
            yield from ((("stages", name, *path), message) for path, message in stage.check(name, scenario))


def _retries(scenario: Scenario) -> Iterator[tuple[Path, str]]:
    for name, stage in scenario.stages.items():
        for path, target in stage.planned_targets().items():
            if target in scenario.stages and scenario.stages[target].sends_again:
                message = f"'{target}' resends requests that were turned away; name it in a fallback, such as `on_timeout`"
                yield ("stages", name, *path), message


def _arrivals(scenario: Scenario) -> Iterator[tuple[Path, str]]:
    """The faults the kind of arrivals finds in itself."""
    yield from ((("arrivals", *path), message) for path, message in scenario.arrivals.check(scenario))
    if scenario.run.warm_up == "mser5" and not scenario.arrivals.reaches_steady_state:
        message = "arrivals that follow the time of day reach no steady state; use `none`, or arrivals at a constant rate"
        yield ("run", "warm_up"), message


def _choices(scenario: Scenario) -> Iterator[tuple[Path, str]]:
    """An address names choices next to its own keys, and options by their labels: neither may be ambiguous."""
    for name, choice in scenario.choices.items():
        if name in ADDRESS_KEYS:
            yield ("choices", name), f"'{name}' is reserved in a page's address; rename the choice"
        seen: set[str] = set()
        for key, option in choice.options.items() if isinstance(choice, Options) else ():
            if option.label in seen:
                yield ("choices", name, "options", key, "label"), f"the label '{option.label}' is used twice in this choice"
            seen.add(option.label)


def _classes(scenario: Scenario) -> Iterator[tuple[Path, str]]:
    """Classes share all requests among them; priorities and deadlines are theirs."""
    total = sum(kind.share.value for kind in scenario.classes.values())
    if scenario.classes and abs(total - 1) > 1e-6:
        yield ("classes",), f"the shares of the classes add up to {total:g}; they should add up to 1"


def _attributes(scenario: Scenario) -> Iterator[tuple[Path, str]]:
    """The faults each kind of attribute finds in itself; gates and traces name attributes next to words of their own."""
    for name, attribute in scenario.attributes.items():
        if name in RESERVED:
            yield ("attributes", name), f"'{name}' is reserved; rename the attribute"
        yield from ((("attributes", name, *path), message) for path, message in attribute.check(scenario))


def _sections(scenario: Scenario) -> Iterator[tuple[Path, str]]:
    """Encounters, the parts of a vehicle and an incident name stages, sensors, ends and choices."""
    for place, section in scenario.sections.items():
        yield from (((place, *path), message) for path, message in section.check(scenario))


def _exhibits(scenario: Scenario) -> Iterator[tuple[Path, str]]:
    """An exhibit appears on the page once, and has something to show."""
    can = offered(scenario)
    for index, name in enumerate(scenario.exhibits):
        if name in scenario.exhibits[:index]:
            yield ("exhibits", index), f"'{name}' is named twice; delete one"
        elif name in EXHIBITS and name not in can:
            yield ("exhibits", index), f"'{name}' has nothing to show here: it needs {EXHIBITS[name].needs}"


def _curveballs(scenario: Scenario, unknown: Collection[Path]) -> Iterator[tuple[Path, str]]:
    """A curveball strikes what is there, within the run."""
    for name, ball in scenario.curveballs.items():
        if ("curveballs", name) in unknown:
            continue
        yield from ((("curveballs", name, *path), message) for path, message in ball.check(scenario))
        at_s = ball.own_time(scenario.run.starts_at)
        if at_s is not None and (message := ball.too_late(scenario, at_s)):
            yield ("curveballs", name, "at_s" if ball.at is None else "at"), message


def _controllers(scenario: Scenario) -> Iterator[tuple[Path, str]]:
    """A controller watches an existing signal, and changes only what can change during a run."""
    for name, controller in scenario.controllers.items():
        stage, at = controller.queue_of, ("controllers", name)
        if stage is None and controller.watches not in REQUEST_SIGNALS:
            known = [*(f"queue.{one}" for one in scenario.stages), *REQUEST_SIGNALS]
            yield (*at, "watches"), f"'{controller.watches}' is not a signal; {suggest(controller.watches, known)}"
        elif stage in scenario.stages and not scenario.stages[stage].waits:
            yield (*at, "watches"), f"nothing ever waits at '{stage}', a stage of the kind {scenario.stages[stage].kind}"
        elif stage is not None and stage not in scenario.stages:
            yield (*at, "watches"), f"'{stage}' is not a stage; {suggest(stage, scenario.stages)}"
        if told := too_often(controller.every_s, scenario, "looks at the signal"):
            yield (*at, "every_s"), told
        for choice, pick in controller.set.items():
            if choice not in scenario.choices:
                yield (*at, "set", choice), f"there is no choice '{choice}'; {suggest(choice, scenario.choices)}"
                continue
            try:
                written = scenario.choices[choice].changes(pick)
            except ValueError as error:
                yield (*at, "set", choice), str(error)
                continue
            for path in (path for path in written if path[0] != "stages"):
                yield (*at, "set", choice), f"writes {dotted(path)}; during a run only values below `stages` can change"


def too_often(every_s: float, scenario: Scenario, what: str, at_once: int = 1) -> str:
    """Why something happens too often, on average every so many seconds in each of so many places; empty if it does not.

    what: the word for what happens, in the plural
    """
    run_s = 86_400 * (scenario.run.days + scenario.run.drain_days)
    least = at_once * run_s / BY_THE_CLOCK.most
    if every_s >= least:
        return ""
    count = f"{at_once * run_s / every_s:,.0f}" if every_s * 1e15 > at_once * run_s else "a number without end"
    told = f"{every_s:g} s means {count} of {what} in a run of {duration(run_s)}"
    return f"{told}; at most {BY_THE_CLOCK.most:,}: make it at least {least:.2g} s, or the run shorter"
