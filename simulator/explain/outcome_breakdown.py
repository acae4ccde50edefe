"""Ends of requests, and the stage that decided on each: the last one, or the gate that tagged the request."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import networkx as nx
import pandas as pd

from simulator.case.any_stage import AnyStage
from simulator.case.schema import Scenario
from simulator.engine.plan import Plan
from simulator.metrics.request_metrics import MISSED, PRICE

#: A part of what is counted is worth telling from this share on.
PART = 0.1

#: How a request was turned away, by the field that says where it goes then.
_FALLBACKS = {
    "on_timeout": " after too long a wait at",
    "on_full": ", refused by",
    "on_give_up": ", having given up at",
    "on_exhausted": " after the last try at",
}
_TURNED_AWAY = ", turned away by"

#: The stage that decided, or None, and the end of the requests in words.
Fate = tuple[str | None, str]


def by_decider(scenario: Scenario, flows: pd.DataFrame) -> dict[Fate, float]:
    fates = [_fate(scenario, str(end), str(last)) for end, last in zip(flows["end"], flows["last"], strict=True)]
    return _summed(fates, flows["count"])


def _fate(scenario: Scenario, end: str, last: str) -> Fate:
    if end not in scenario.ends:
        return last or None, f"are still at “{scenario.stages[last].label}” when the run ends" if last else "are unfinished"
    stage, target = _leading_to(scenario, end, last), end
    while stage and stage != last and _passes_on(scenario, stage) and (before := _leading_to(scenario, stage, last)):
        stage, target = before, stage
    return stage, f"end at “{scenario.ends[end].label}”{_how(scenario, stage, target)}"


def _passes_on(scenario: Scenario, name: str) -> bool:
    """Check for a gate that does not decide on what is found, so that the stage before it does.

    Such a gate routes by chance, as an audit does, or to ends that find as many positives.
    """
    stage = scenario.stages[name]
    routing = stage.routing
    if routing is None:
        return False
    found = {scenario.ends[to].detected.value if to in scenario.ends else to for to in stage.planned_targets().values()}
    return len(found) == 1 or not (routing.by_score or routing.by_check or routing.by_source or routing.asks)


def _leading_to(scenario: Scenario, end: str, last: str) -> str | None:
    """Find the stage that sent requests to an end: the last one they came to, or one behind it where no time passes.

    end: or a stage that they came to without a wait
    """
    leading = [name for name, stage in scenario.stages.items() if end in stage.targets().values()]
    if last in leading:
        return last
    if not last:
        return next(iter(leading), None)
    steps_to = nx.single_source_shortest_path_length(scenario.network.graph, last)
    return min((name for name in leading if name in steps_to), key=lambda name: steps_to[name], default=None)


def _how(scenario: Scenario, name: str | None, end: str) -> str:
    if name is None:
        return ""
    stage = scenario.stages[name]
    if end not in stage.planned_targets().values():
        ways = {str(path[0]) for path, target in stage.fallbacks().items() if target == end}
        return f"{_FALLBACKS.get(ways.pop(), _TURNED_AWAY) if len(ways) == 1 else _TURNED_AWAY} “{stage.label}”"
    routing = stage.routing
    if routing is not None and routing.by_score:
        scorer = scenario.scorer_of(scenario.score_gates()[name])
        return f": “{stage.label}” decides, by the score of “{scenario.stages[scorer].label}”"
    if routing is not None and routing.asks:
        return f": “{stage.label}” decides, by {scenario.attributes[routing.asks].label}"
    return f": “{stage.label}” decides"


def by_tag(scenario: Scenario, flows: pd.DataFrame) -> dict[Fate, float]:
    """Count requests by the gate that tagged them; the others by their end."""
    gates = {tag: name for name, stage in scenario.stages.items() for tag in stage.tags()}
    fates = [
        (gates[tag], f"are “{tag}”{_how(scenario, gates[tag], _first_target(scenario.stages[gates[tag]]))}")
        if tag in gates
        else _fate(scenario, str(end), str(last))
        for tag, end, last in zip(flows["tag"], flows["end"], flows["last"], strict=True)
    ]
    return _summed(fates, flows["count"])


def _first_target(stage: AnyStage) -> str:
    return next(iter(stage.planned_targets().values()))


def _summed(fates: Sequence[Fate], counts: pd.Series[Any]) -> dict[Fate, float]:
    sums: dict[Fate, float] = {}
    for fate, count in zip(fates, counts, strict=True):
        sums[fate] = sums.get(fate, 0.0) + float(count)
    return dict(sorted(sums.items(), key=lambda part: -part[1]))


def deciding(parts: dict[Fate, float]) -> list[str]:
    least = PART * sum(parts.values())
    return list(dict.fromkeys(stage for (stage, _), count in parts.items() if stage and count >= least))


def escalated(scenario: Scenario, flows: pd.DataFrame) -> pd.Series[bool]:
    return flows["end"].isin([name for name, end in scenario.ends.items() if end.escalated])


def part_label(scenario: Scenario, part: str) -> str:
    """Name a part in the words of the case: people by the labels of their stages, misses by what is missed."""
    if part.startswith(PRICE):
        return part.removeprefix(PRICE)
    if who := scenario.population:
        of_class = {
            "visits of negatives": f"follow-up of {who.negatives}",
            "visits of positives": f"follow-up of {who.positives}",
        }
        labels = of_class | {MISSED: f"{who.missed} {who.positives}"}
        if part in labels:
            return labels[part]
    stages = [
        stage.label for stage in scenario.stages.values() if stage.servers.keeps_hours and stage.servers.cost_part == part
    ]
    paid = _paid_ends(scenario)
    outcomes = paid[0] if len(paid) == 1 else "outcomes"
    return " and ".join(stages) or (outcomes if part == "ends" else part)


def part_in_sentence(scenario: Scenario, part: str) -> str:
    """Name a part within a sentence: the label of a price, or of an end, stands in quotation marks."""
    label = part_label(scenario, part)
    return f"“{label}”" if part.startswith(PRICE) or label in _paid_ends(scenario) else label


def _paid_ends(scenario: Scenario) -> list[str]:
    return [end.label for end in scenario.ends.values() if end.usd.value]


def price_is_assumed(plan: Plan, part: str) -> bool:
    """Check that the author of the case assumed the price of a part, or one of its prices."""
    scenario = plan.scenario
    if part == MISSED:
        missed = scenario.costs.missed_positive_usd if scenario.costs else None
        return missed is not None and missed.kind == "assumed"
    if part.startswith(PRICE):
        stated = scenario.costs.prices if scenario.costs else []
        return any(price.figure.kind == "assumed" for price in stated if price.label == part.removeprefix(PRICE))
    paid = {name: stage for name, stage in scenario.stages.items() if stage.servers.cost_part == part}
    if not paid:
        return any(end.usd.kind == "assumed" for end in scenario.ends.values() if end.usd.value)
    prices = {f"stages.{name}.usd_per_hour" for name in paid} | {f"{stage.label}: price" for stage in paid.values()}
    return any(source.kind == "assumed" for source in plan.provenance if source.what in prices)
