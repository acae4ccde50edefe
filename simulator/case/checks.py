"""Faults that no single field shows: routes that lead nowhere, sections that need each other."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import suppress
from dataclasses import replace
from typing import Any, NamedTuple

import networkx as nx

from simulator.case.any_stage import Faults, is_target
from simulator.case.attributes import RESERVED
from simulator.case.case_contract import AnyCase
from simulator.case.case_tests import check_tests
from simulator.case.document import Fault, Path, dotted
from simulator.case.exhibits import EXHIBITS, offered
from simulator.case.interview import check_interview
from simulator.case.kinds import PLACES
from simulator.case.name_kinds import FIXED_SECTIONS
from simulator.case.network import graph_of
from simulator.case.outputs import metrics_of
from simulator.case.phases import check_practice
from simulator.case.prose_figures import placeholder_faults
from simulator.case.references import NAME_KINDS, KnownCase, references
from simulator.case.scenario_parts import OwnHardware, RequestCount
from simulator.case.schema import Scenario
from simulator.evidence import catalogue
from simulator.evidence.profiles import profile_names
from simulator.limits import BY_THE_CLOCK
from simulator.phrases import phrase

#: Names that a page's address uses besides the choices.
ADDRESS_KEYS = frozenset(
    {"case", "version", "run", "seed", "replications", "tab", "tradeoffs", "whom", "percentile", "until", "strike",
     "strike_min"}
)  # fmt: skip

#: The sections of features.
_OF_FEATURES = frozenset(PLACES)

#: All that a stage may read of a case.
_OF_A_STAGE = frozenset(
    {"stages", "start", "ends", "run", "arrivals", "population", "classes", "attributes", "accelerators", "hardware",
     *_OF_FEATURES}
)  # fmt: skip


class Check(NamedTuple):
    """A check of a whole case.

    code: the short name of its faults
    faults: the faults of a case, given the names that refer to nothing; it leaves out what would look these up
    reads: the sections that decide on its faults; a design that writes to none of them passes it. Empty for what only practice
    reads: no design writes to it.
    """

    code: str
    faults: Callable[[Scenario, Collection[Path]], Iterable[tuple[Path, str]]]
    reads: frozenset[str]


def _routes(scenario: Scenario, unknown: Collection[Path]) -> Iterable[tuple[Path, str]]:
    return () if any(map(_is_way, unknown)) else scenario.network.faults(scenario.start)


#: Every check of a whole case, in the order of its faults.
CHECKS = (
    Check("routes", _routes, frozenset({"start", "stages"})),
    Check("stage", lambda scenario, unknown: _stages(scenario, _entries(unknown)), _OF_A_STAGE),
    Check("routes", lambda scenario, _: _retries(scenario), frozenset({"stages"})),
    Check("arrivals", lambda scenario, _: _arrivals(scenario), frozenset({"arrivals", "run"})),
    Check("choices", lambda scenario, _: _choices(scenario), frozenset({"choices"})),
    Check("arrivals", lambda scenario, _: _shortened(scenario),
          frozenset({"run", "arrivals", "curveballs", "controllers", "stages", *_OF_FEATURES})),
    Check("classes", lambda scenario, _: _classes(scenario), frozenset({"classes"})),
    Check("attributes", lambda scenario, _: _attributes(scenario),
          frozenset({"attributes", "arrivals", "population", "run", "stages"})),
    Check("curveballs", lambda scenario, unknown: _curveballs(scenario, _entries(unknown)),
          frozenset({"curveballs", "run", "unit", "arrivals", "population", "attributes", "stages", *_OF_FEATURES})),
    Check("exhibits", lambda scenario, _: _exhibits(scenario),
          frozenset({"exhibits", "arrivals", "population", "attributes", "ends", "stages", *_OF_FEATURES})),
    Check("controllers", lambda scenario, _: _controllers(scenario), frozenset({"controllers", "choices", "run", "stages"})),
    Check("sections", lambda scenario, _: _sections(scenario),
          frozenset({"run", "ends", "arrivals", "attributes", "classes", "population", "stages", *_OF_FEATURES})),
    Check("hardware", lambda scenario, _: check_own_hardware(scenario.hardware), frozenset({"hardware"})),
    Check("own-metrics", lambda scenario, _: check_prices(scenario),
          frozenset({"costs", "ends", "classes", "attributes", "population", "stages"})),
    Check("own-metrics", lambda scenario, _: check_own_metrics(scenario), frozenset()),
    Check("practice", check_practice, frozenset()),
    Check("practice", lambda scenario, _: _unable_exhibits(scenario), frozenset()),
    Check("interview", lambda scenario, _: check_interview(scenario), frozenset()),
    Check("case-tests", lambda scenario, _: check_tests(scenario), frozenset()),
)  # fmt: skip


def check(scenario: Scenario, unknown: Collection[Path] = (), is_picked: bool = False) -> list[Fault]:
    """Return every fault of a scenario whose single fields are right; empty if it may run.

    unknown: the places of names that refer to nothing; checks that would look these names up are left out
    is_picked: picks have written to a checked case; fields that only practice reads are as they were
    """
    checks = [check for check in CHECKS if check.reads or not is_picked]
    placed = [
        scenario.document.fault(path, message, code=check.code)
        for check in checks
        for path, message in check.faults(scenario, unknown)
    ]
    there = {fault.field for fault in placed}
    named = [fault for fault in late_names(scenario, unknown, is_picked) if fault.field not in there]
    return [*placed, *dict.fromkeys(named), *(() if is_picked else placeholder_faults(scenario))]


def _entries(unknown: Collection[Path]) -> set[Path]:
    return {path[:2] for path in unknown}


def cautions(scenario: Scenario) -> list[str]:
    """Return warnings, a sentence each: parts of a case that can run but that the author perhaps did not intend."""
    return [words for _, words in placed_cautions(scenario)]


def placed_cautions(scenario: Scenario) -> Faults:
    """Yield the warnings on a case, each at its place."""
    for name in slow_answers(scenario):
        yield ("stages", name), phrase("cautions.slow_answers", label=scenario.stages[name].label)
    yield from _one_word(scenario)


def slow_answers(scenario: Scenario) -> list[str]:
    """Return the stages of people whose work counts as answer time: no gate before them answers."""
    stages = scenario.stages
    answering = [name for name, routing in scenario.routers().items() if routing.gives_answers]
    planned = graph_of({name: stage.planned_targets().values() for name, stage in stages.items()})

    def reached(without: list[str]) -> set[str]:
        if scenario.start in without:
            return set()
        return {scenario.start, *nx.descendants(nx.restricted_view(planned, without, []), scenario.start)}

    return [
        name
        for name in scenario.staffed_stages()
        if name in reached(without=answering) and reached(without=[name]) & scenario.ends.keys()
    ]


def _one_word(scenario: Scenario) -> Faults:
    who = scenario.population
    if who is not None and who.flagged == who.escalated:
        place: Path = ("population", "flagged")
        yield place if scenario.document.holds(place) else place[:1], phrase("cautions.one_word", word=who.flagged)


def _is_way(path: Path) -> bool:
    return path[0] in ("start", "ends") or (path[0] == "stages" and any(map(is_target, path[2:])))


def _stages(scenario: Scenario, unknown: Collection[Path]) -> Faults:
    for name, stage in scenario.stages.items():
        if ("stages", name) not in unknown:
            yield from ((("stages", name, *path), message) for path, message in stage.check(name, scenario))


def _retries(scenario: Scenario) -> Faults:
    for name, stage in scenario.stages.items():
        for path, target in stage.planned_targets().items():
            if target in scenario.stages and scenario.stages[target].repeats.resends:
                message = f"'{target}' resends requests that were turned away; name it in a fallback, such as `on_timeout`"
                yield ("stages", name, *path), message


def _arrivals(scenario: Scenario) -> Faults:
    yield from ((("arrivals", *path), message) for path, message in scenario.arrivals.check(scenario))
    if scenario.run.warm_up == "mser5" and not scenario.arrivals.reaches_steady_state:
        message = "arrivals that follow the time of day reach no steady state; use `none`, or arrivals at a constant rate"
        yield ("run", "warm_up"), message


def _shortened(scenario: Scenario) -> Faults:
    """Yield what takes its own time, in a case whose run stands for a longer one."""
    if scenario.run.stands_for_days is None:
        return
    at, arrivals, end_s = ("run", "stands_for_days"), scenario.arrivals, 86_400 * scenario.run.days
    spikes = [spike for spike in getattr(arrivals, "spikes", []) if (spike.at_s, spike.seconds >= end_s) != (0, True)]
    reasons = {
        f"arrivals of the kind {arrivals.kind} have times of their own": not arrivals.has_rate or bool(arrivals.content.file),
        "frames of sensors come at their ticks": bool(scenario.sensors),
        "spikes last for a time": bool(spikes),
        "curveballs last for a time": bool(scenario.curveballs),
        "controllers look after a time": bool(scenario.controllers),
        **{f"the section `{name}` has times of its own": True for name in scenario.sections},
        **{f"{stage.label}: {what}": True for stage in scenario.stages.values() if (what := stage.service.builds_up_over)},
    }
    for reason in (reason for reason, holds in reasons.items() if holds):
        yield at, f"this run cannot stand for a longer one: {reason}; delete this line and simulate the whole time"


def _choices(scenario: Scenario) -> Faults:
    for name, choice in scenario.choices.items():
        if name in ADDRESS_KEYS:
            yield ("choices", name), f"'{name}' is reserved in a page's address; rename the choice"
        yield from ((("choices", name, *path), message) for path, message in choice.check())


def _classes(scenario: Scenario) -> Faults:
    total = sum(kind.share.value for kind in scenario.classes.values())
    if scenario.classes and abs(total - 1) > 1e-6:
        yield ("classes",), f"the shares of the classes add up to {total:g}; they should add up to 1"


def _attributes(scenario: Scenario) -> Faults:
    for name, attribute in scenario.attributes.items():
        if name in RESERVED:
            yield ("attributes", name), f"'{name}' is reserved; rename the attribute"
        yield from ((("attributes", name, *path), message) for path, message in attribute.check(scenario))


def _sections(scenario: Scenario) -> Faults:
    for place, section in scenario.sections.items():
        yield from (((place, *path), message) for path, message in section.check(scenario))


def _exhibits(scenario: Scenario) -> Faults:
    can = offered(scenario)
    for index, name in enumerate(scenario.exhibits):
        if name in scenario.exhibits[:index]:
            yield ("exhibits", index), f"'{name}' is named twice; delete one"
        elif name in EXHIBITS and name not in can:
            yield ("exhibits", index), f"'{name}' has nothing to show here: it needs {EXHIBITS[name].needs}"


def _curveballs(scenario: Scenario, unknown: Collection[Path]) -> Faults:
    for name, ball in scenario.curveballs.items():
        if ("curveballs", name) in unknown:
            continue
        yield from ((("curveballs", name, *path), message) for path, message in ball.check(scenario))
        at_s = ball.called_time(scenario.run.starts_at)
        if at_s is not None and (message := ball.too_late(scenario, at_s)):
            yield ("curveballs", name, ball.place_of_time), message


def _controllers(scenario: Scenario) -> Faults:
    """Yield faults of controllers: a stage where nothing waits, a pick that cannot change during a run."""
    for name, controller in scenario.controllers.items():
        stage, at = controller.queue_of, ("controllers", name)
        if stage in scenario.stages and not scenario.stages[stage].waits:
            yield (*at, "watches"), f"nothing ever waits at '{stage}', a stage of the kind {scenario.stages[stage].kind}"
        if message := too_often(controller.every_s, scenario, "looks at the signal"):
            yield (*at, "every_s"), message
        for choice, pick in controller.set.items():
            with suppress(KeyError, ValueError):  # a pick that is not offered has a fault of its own
                for path in (path for path in scenario.choices[choice].changes(pick) if path[0] != "stages"):
                    yield (*at, "set", choice), f"writes {dotted(path)}; during a run only values below `stages` can change"


def too_often(every_s: float, scenario: AnyCase, what: str, at_once: int = 1) -> str:
    """Return a sentence that refuses an event at `at_once` places, each every `every_s` seconds on average; empty if it may.

    what: the word for the event, in the plural
    """
    run_s = 86_400 * (scenario.run.days + scenario.run.drain_days)
    least = at_once * run_s / BY_THE_CLOCK.most
    if every_s >= least:
        return ""
    count = f"{at_once * run_s / every_s:,.0f}" if every_s * 1e15 > at_once * run_s else "endlessly many"
    return phrase(
        "arrivals.too_often", every=every_s, events=count, what=what, run=run_s, most=BY_THE_CLOCK.most, least=f"{least:.2g}"
    )


#: The codes of names that refer to nothing in the sections whose faults have a code of their own.
_CODES = {
    **dict.fromkeys(("phases", "hero", "anchors", "predict", "reference", "debrief", "questions"), "practice"),
    **dict.fromkeys(("claims", "tests"), "case-tests"),
    **dict.fromkeys(("own_metrics", "costs"), "own-metrics"),
    **dict.fromkeys(("encounters", "vehicle", "incident"), "sections"),
    "interview": "interview",
    "controllers": "controllers",
    "hardware": "hardware",
}

#: The codes of the names in other sections that are looked up once a case can be read.
_LATE_CODES = {"choices": "practice", "attributes": "attributes", "curveballs": "curveballs", "stages": "stage"}


def check_names(data: Any, scenario: Scenario | None) -> Faults:
    """Yield the names in a file that refer to nothing and on which other checks rest: each place, and a sentence.

    scenario: that of the file, or one with stand-ins for what cannot be read; None leaves out the names of metrics
    """
    from simulator.case.schema import Scenario

    case = KnownCase(data, scenario)
    stages, ends = case.part("stages"), case.part("ends")
    for name in stages.keys() & ends.keys():
        yield ("ends", name), f"'{name}' names a stage and an end; rename one"
    named = (reference for reference in references(Scenario, data, without=_CODES) if NAME_KINDS[reference.ref.kind].early)
    yield from ((use.path, message) for use in named if (message := case.fault(use)))


def late_names(scenario: Scenario, unknown: Collection[Path], is_picked: bool) -> Iterator[Fault]:
    """Yield the names that refer to nothing among those that `check_names` does not look up."""
    case, entries = KnownCase.of(scenario, unknown), {path[:2] for path in unknown if path[0] in ("stages", "curveballs")}
    left_out = {name for name in case.data if not getattr(scenario, str(name), None)} | (FIXED_SECTIONS if is_picked else set())
    for reference in references(type(scenario), case.data, without=left_out):
        path, ref, _ = reference
        late = path[0] in _CODES or not NAME_KINDS[ref.kind].early
        if late and path[:2] not in entries and (message := case.fault(reference)):
            section = "tests" if ref.kind == "thing" else str(path[0])
            code = _CODES.get(section) or _LATE_CODES.get(section, "unknown-name")
            yield scenario.document.fault(path, message, code=code)


def _unable_exhibits(scenario: Scenario) -> Faults:
    """Yield the exhibits of phases and hints that have nothing to show."""
    can = offered(scenario)
    for path, ref, name in references(type(scenario), scenario.document.data, without=("exhibits",)):
        if ref.kind == "exhibit" and name in EXHIBITS and name not in can:
            yield path, f"'{name}' has nothing to show here: it needs {EXHIBITS[name].needs}"


def check_own_metrics(scenario: AnyCase) -> Faults:
    """Yield faults of a case's own metrics: names that are taken, and conditions on positives in a case without any."""
    taken = {*metrics_of(replace(scenario.outline, own={}))}
    for section in scenario.sections.values():
        taken |= {metric.name for metric in section.metrics()}
    for name, metric in scenario.own_metrics.items():
        at: Path = ("own_metrics", name)
        if name in taken:
            yield at, f"every run reports a metric '{name}' already; choose another name"
        for field in ("share", "per_1000", "of"):
            if (count := getattr(metric, field)) is not None:
                yield from (((*at, field, *path), message) for path, message in _condition_faults(count, scenario))


def check_prices(scenario: AnyCase) -> Faults:
    """Yield faults of prices by condition: positives in a case without any, and a label that is used twice."""
    prices = scenario.costs.prices if scenario.costs else []
    for index, price in enumerate(prices):
        at: Path = ("costs", "prices", index)
        if price.label in [other.label for other in prices[:index]]:
            yield (*at, "label"), f"there are two prices '{price.label}'; rename one"
        yield from (((*at, "of", *path), message) for path, message in _condition_faults(price.of, scenario))


def _condition_faults(count: RequestCount, scenario: AnyCase) -> Faults:
    """Yield conditions on positives in a case without any."""
    for field in ("positive", "detected", "missed"):
        if getattr(count, field) is not None and scenario.population is None:
            yield (field,), "it needs a section `population`, which says who is positive"


def check_own_hardware(machines: dict[str, OwnHardware]) -> Faults:
    """Yield faults of a case's machines: a name that the catalogue has, and missing processors."""
    listed = catalogue.hardware()
    measured = {device for device, *_ in profile_names()}
    for name, own in machines.items():
        at: Path = ("hardware", name)
        if name in listed:
            yield at, f"the catalogue has a machine '{name}' already; choose another name"
        if own.like in measured and own.like not in listed and own.vcpus is None:
            yield at, f"say how many vcpus share out its price: the catalogue does not have '{own.like}'"
        elif own.like in listed and listed[own.like].vcpus is None and own.vcpus is not None:
            yield (*at, "vcpus"), f"a device like {listed[own.like].label} is paid as a whole; delete this line"
