"""A design as a diagram: its stages, the picks for each, and the offered load that theory predicts."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

import pandas as pd

from simulator.engine.compiled_plan import Plan
from simulator.engine.contract import stage_of
from simulator.phrases import phrase
from simulator.theory.loads import Load, loads, visit_ratios
from simulator.units import percent

#: From this load on, a stage is called busy: small changes in the rate then change the wait a lot.
BUSY = 0.85

_SETTINGS = '%%{init: {"flowchart": {"nodeSpacing": 24, "rankSpacing": 32, "wrappingWidth": 220}}}%%'
_LINE = "\n"

#: Characters with a meaning in Mermaid, or in the Markdown of its labels; they are written as numbers, so that text cannot
#: leave a label, or make a link, a picture, a list or emphasis.
_ACTIVE = re.compile(r'["`<>#;*\[\]{}|\\&@~!$^=]|(?<!\w)_|_(?!\w)|:(?=/)|(?<=www)\.|^[-+]|(?<=\d)[.)](?= )', re.IGNORECASE)
_STYLES = {
    "busy": "stroke:#E69F00,stroke-width:3px",
    "over": "stroke:#D55E00,stroke-width:4px",
}


@dataclass(frozen=True)
class Diagram:
    """Mermaid source, its takeaway, and the loads as a table."""

    source: str
    takeaway: str
    table: pd.DataFrame


def diagram(plan: Plan) -> Diagram:
    offered = loads(plan)
    table = pd.DataFrame(
        {
            "stage": [plan.scenario.stages[load.stage].label for load in offered],
            "visits per request": [load.visits_per_request for load in offered],
            "planned load (%)": [100 * load.mean for load in offered],
            "planned load at the peak (%)": [None if load.peak is None else 100 * load.peak for load in offered],
        }
    )
    return Diagram("\n".join(_mermaid_lines(plan, offered)), _loads_takeaway(plan, offered), table)


def design_flow(plan: Plan) -> str:
    """Return the Mermaid source of a design without its loads, which would say what a run of it shows."""
    return "\n".join(_mermaid_lines(plan, []))


def _mermaid_lines(plan: Plan, offered: list[Load]) -> Iterator[str]:
    scenario, used = plan.scenario, used_stages(plan)
    words = {load.stage: load_words(load, bool(plan.arrivals.own_surges)) for load in offered}
    yield _SETTINGS
    yield "flowchart TB"
    for name, stage in ((name, scenario.stages[name]) for name in used):
        facts = [*stage_of(plan, name).facts(plan, name), *filter(None, [words.get(name)])]
        lines = [f"**{_escaped(stage.label)}**", *map(_escaped, facts)]
        yield f'  {_node(name)}["`{_LINE.join(lines)}`"]'
        arrows = [(f'-->|"{_escaped(label)}"|' if label else "-->", target) for label, target in stage.arrows()]
        arrows += [("-.->", target) for target in dict.fromkeys(stage.fallbacks().values())]
        drawn = [(arrow, target) for arrow, target in arrows if target in used or target in scenario.ends]
        yield from (f"  {_node(name)} {arrow} {_node(target)}" for arrow, target in drawn)
    reached = {target for name in used for target in scenario.stages[name].targets().values()}
    yield from (f'  {_node(name)}(["{_escaped(end.label)}"])' for name, end in scenario.ends.items() if name in reached)
    yield from (f"  classDef {strained} {style}" for strained, style in _STYLES.items())
    yield from (f"  class {_node(load.stage)} {strain(load)}" for load in offered if strain(load) and load.stage in used)


def used_stages(plan: Plan) -> list[str]:
    """Return the stages that requests of this design can reach, in the order of the file.

    A stage is reached from the start along arrows that some requests take, or where something fails along the way.
    """
    stages, visits = plan.scenario.stages, visit_ratios(plan)
    used, open_names = set[str](), [plan.scenario.start]
    while open_names:
        name = open_names.pop()
        if name in used or name not in stages:
            continue
        used.add(name)
        open_names += stages[name].fallbacks().values()
        open_names += [target for _, target in stages[name].arrows() if visits.get(target, 0.0) > 0]
    return [name for name in stages if name in used]


def _node(name: str) -> str:
    return f"n_{name}"


def _escaped(text: str) -> str:
    return _ACTIVE.sub(lambda match: f"#{ord(match[0])};", " ".join(text.split()))


def strain(load: Load) -> str:
    highest = max(load.mean, load.peak or 0)
    return "over" if highest >= 1 and not load.at_most else "busy" if highest >= BUSY else ""


def load_words(load: Load, surges: bool = False) -> str:
    """Say the planned load; where requests may be sent again, that it counts none of those. surges: the mean leaves out some"""
    planned = "planned load" if load.retried is None else "planned load without retries"
    if load.at_most:
        return f"{planned} at most {percent(load.mean)}"
    if load.mean >= 1:
        return f"{planned} {percent(load.mean)}: no steady state"
    if load.peak is None:
        return f"{planned} {percent(load.mean)} over the day"
    mean, peak, queue = percent(load.mean), percent(load.peak), ": a queue builds up" if load.peak >= 1 else ""
    usual = f"{mean} outside of surges" if surges else mean
    return f"{planned} {mean}" if mean == peak else f"{planned} {usual}, at the peak {peak}{queue}"


def _loads_takeaway(plan: Plan, offered: list[Load]) -> str:
    if not offered:
        return "No stage of this design has servers."
    tightest = max(offered, key=lambda load: max(load.mean, load.peak or 0))
    words = load_words(tightest, bool(plan.arrivals.own_surges))
    batches = any(getattr(stage, "max_batch", 1) > 1 for stage in plan.scenario.stages.values())
    return phrase("loads.most", label=plan.scenario.stages[tightest.stage].label, load=words, batches=batches)
