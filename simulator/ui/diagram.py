"""A design as a diagram: its stages with what was picked for them, and the load that theory puts on each."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pandas as pd

from simulator.evidence.catalogue import hardware
from simulator.scenario.choices import Options
from simulator.scenario.stages import PLANNED_FIELDS, Gate, Join, People, Pool, Retry, Route
from simulator.serving.attributes import goes_by_itself
from simulator.serving.plan import Plan
from simulator.serving.theory import Load, loads
from simulator.units import duration, percent

#: From this load on a stage is called busy: small changes of the rate then change the wait a lot.
BUSY = 0.85

_SETTINGS = '%%{init: {"flowchart": {"nodeSpacing": 24, "rankSpacing": 32, "wrappingWidth": 220}}}%%'
_LINE = "\n"
_STYLES = {
    "busy": "stroke:#E69F00,stroke-width:3px",
    "over": "stroke:#D55E00,stroke-width:4px",
}


@dataclass(frozen=True)
class Diagram:
    """Mermaid source, the sentence that says what it shows, and the loads as a table."""

    source: str
    takeaway: str
    table: pd.DataFrame


def diagram(plan: Plan) -> Diagram:
    """The pipeline of a design, drawn without a run."""
    found = loads(plan)
    return Diagram("\n".join(_lines(plan, found)), _takeaway(plan, found), _table(plan, found))


def _lines(plan: Plan, found: list[Load]) -> Iterator[str]:
    scenario = plan.scenario
    words = {load.stage: load_words(load) for load in found}
    yield _SETTINGS
    yield "flowchart TB"
    for name, stage in scenario.stages.items():
        lines = [f"**{stage.label}**", *_DETAILS.get(type(stage), _nothing)(plan, name), *filter(None, [words.get(name)])]
        yield f'  {name}["`{_LINE.join(lines)}`"]'
        yield from (f"  {name} {arrow} {target}" for arrow, target in _arrows(stage))
    reached = {target for stage in scenario.stages.values() for target in stage.targets().values()}
    yield from (f'  {name}(["{end.label}"])' for name, end in scenario.ends.items() if name in reached)
    yield from (f"  classDef {kind} {style}" for kind, style in _STYLES.items())
    yield from (f"  class {load.stage} {strain(load)}" for load in found if strain(load))


def _arrows(stage: Any) -> Iterator[tuple[str, str]]:
    """The planned ways out of a stage, solid, and its fallbacks, dotted."""
    if isinstance(stage, Gate):
        open_ = [route for route in stage.routes if route.at_specificity is None or route.at_specificity < 1]
        yield from ((f'-->|"{route.tag}"|' if route.tag else "-->", route.to) for route in open_)
        return
    ways = stage.targets()
    yield from (("-->", target) for path, target in ways.items() if path[0] in PLANNED_FIELDS)
    yield from (("-.->", target) for target in dict.fromkeys(t for path, t in ways.items() if path[0] not in PLANNED_FIELDS))


def _pool(plan: Plan, name: str) -> list[str]:
    stage = plan.scenario.stages[name]
    assert isinstance(stage, Pool)
    batch = f", batches up to {stage.max_batch}" if stage.max_batch > 1 else ""
    picked = _picked(plan, f"stages.{name}.model", f"stages.{name}.precision") or [stage.model, stage.precision]
    rented = hardware().get(stage.device)
    size = f"{stage.threads} vCPU" if rented is None or rented.vcpus else rented.label
    lines = [", ".join(picked), f"{stage.replicas} × {size}{batch}"]
    return [*lines, "latency projected"] if name in plan.bands else lines


def _people(plan: Plan, name: str) -> list[str]:
    stage = plan.scenario.stages[name]
    assert isinstance(stage, People)
    lines = [f"{shift.people} from {shift.start} to {shift.end}" for shift in stage.shifts]
    if stage.second_reader is not None:
        of = f" of the {stage.second_reader.tag} cases" if stage.second_reader.tag else ""
        lines.append(f"{100 * stage.second_reader.share:g}%{of} read twice")
    return lines


def _gate(plan: Plan, name: str) -> list[str]:
    stage = plan.scenario.stages[name]
    assert isinstance(stage, Gate)
    if goes_by_itself(stage):
        return [_own_route(plan, route) for route in stage.routes if not route.is_rest]
    whom = "positives" if stage.by == "score" else "usable photos"
    cuts = [(route.tag, route.at_sensitivity, whom) for route in stage.routes if route.at_sensitivity is not None]
    others = "negatives" if stage.by == "score" else "unusable photos"
    above = [(route.tag, 1 - route.at_specificity, others) for route in stage.routes if route.at_specificity is not None]
    told = [(tag, share, of) for tag, share, of in [*above, *cuts] if share > 0]
    return [f"{f'{tag}: ' if tag else ''}{100 * share:.3g}% of the {of}" for tag, share, of in told]


def _own_route(plan: Plan, route: Route) -> str:
    """What a route of a gate by chance or by an attribute takes."""
    if route.share is not None:
        taken = f"{100 * route.share:.3g}% by chance"
    else:
        taken = ", ".join(route.values) if route.values else f"{route.at_least:g} and more"
    return f"{taken}: {route.tag or plan.scenario.label_of(route.to)}"


def _retry(plan: Plan, name: str) -> list[str]:
    stage = plan.scenario.stages[name]
    assert isinstance(stage, Retry)
    if stage.max_tries == 1:
        return ["never again"]
    grows = f" × {stage.factor:g}" if stage.factor > 1 else ""
    jitter = f", {stage.jitter} jitter" if stage.jitter != "none" else ""
    budget = [] if stage.budget is None else [f"budget: {percent(stage.budget.share)} of the requests"]
    return [f"up to {stage.max_tries} tries", f"after {duration(stage.backoff_ms.value / 1000)}{grows}{jitter}", *budget]


def _join(plan: Plan, name: str) -> list[str]:
    stage = plan.scenario.stages[name]
    assert isinstance(stage, Join)
    inputs = plan.scenario.inputs_of(name)
    waits = [] if stage.timeout_s is None else [f"waits at most {duration(stage.timeout_s)}"]
    return [f"{stage.needed(inputs)} of {inputs} inputs", *waits]


def _nothing(plan: Plan, name: str) -> list[str]:
    return []


_DETAILS: dict[type, Callable[[Plan, str], list[str]]] = {Pool: _pool, People: _people, Gate: _gate, Retry: _retry, Join: _join}


def _picked(plan: Plan, *paths: str) -> list[str]:
    """The labels of the options that wrote to these places."""
    options = {name: choice for name, choice in plan.scenario.choices.items() if isinstance(choice, Options)}
    picked = [choice.options[plan.design[name]] for name, choice in options.items()]
    return [option.label for path in paths for option in picked if path in option.set]


def strain(load: Load) -> str:
    """`over` where work outruns the servers, `busy` where it nearly does, else empty."""
    highest = max(load.mean, load.peak or 0)
    return "over" if highest >= 1 and not load.at_most else "busy" if highest >= BUSY else ""


def load_words(load: Load) -> str:
    """The load as a person reads it."""
    if load.at_most:
        return f"load at most {percent(load.mean)}"
    if load.mean >= 1:
        return f"load {percent(load.mean)}: no steady state"
    if load.peak is None:
        return f"load {percent(load.mean)} of the day"
    queue = ": a queue builds up" if load.peak >= 1 else ""
    return f"load {percent(load.mean)}, at the peak {percent(load.peak)}{queue}"


def _takeaway(plan: Plan, found: list[Load]) -> str:
    if not found:
        return "No stage of this design has servers."
    tightest = max(found, key=lambda load: max(load.mean, load.peak or 0))
    return f"The tightest stage is {plan.scenario.stages[tightest.stage].label}: {load_words(tightest)}."


def _table(plan: Plan, found: list[Load]) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "stage": [plan.scenario.stages[load.stage].label for load in found],
            "visits a request": [load.visits_per_request for load in found],
            "load (%)": [100 * load.mean for load in found],
            "load at the peak (%)": [None if load.peak is None else 100 * load.peak for load in found],
        }
    )
