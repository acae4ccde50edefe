"""The parts of the cost: what they are called, and whether somebody assumed their price."""

from __future__ import annotations

from simulator.analysis.run.measures import MISSED
from simulator.scenario import Scenario
from simulator.serving.plan import Plan


def part_label(scenario: Scenario, part: str) -> str:
    """A part in the words of the case: people by the labels of their stages, misses by what is missed."""
    if who := scenario.population:
        of_class = {
            "visits of negatives": f"follow-up of {who.negatives}",
            "visits of positives": f"follow-up of {who.positives}",
        }
        told = of_class | {MISSED: f"{who.missed} {who.positives}"}
        if part in told:
            return told[part]
    stages = [stage.label for stage in scenario.stages.values() if stage.keeps_hours and stage.cost_part == part]
    paid = [end.label for end in scenario.ends.values() if end.usd.value]
    outcomes = f"“{paid[0]}”" if len(paid) == 1 else "outcomes"
    return " and ".join(stages) or (outcomes if part == "ends" else part)


def price_is_assumed(plan: Plan, part: str) -> bool:
    """Whether the author of the case assumed the price of a part, or one of its prices."""
    scenario = plan.scenario
    if part == MISSED:
        return scenario.costs is not None and scenario.costs.missed_positive_usd.kind == "assumed"
    paid = {name: stage for name, stage in scenario.stages.items() if stage.cost_part == part}
    if not paid:
        return any(end.usd.kind == "assumed" for end in scenario.ends.values() if end.usd.value)
    prices = {f"stages.{name}.usd_per_hour" for name in paid} | {f"{stage.label}: price" for stage in paid.values()}
    return any(source.kind == "assumed" for source in plan.provenance if source.what in prices)
