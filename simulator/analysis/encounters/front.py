"""Accuracy against latency: what each option for the model that looks finds, and how long it takes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd

from simulator.analysis.encounters.sight import recall_at
from simulator.scenario import ScenarioError
from simulator.scenario.choices import Options
from simulator.serving.plan import Plan, compile_plan


def front(plan: Plan, distance_m: float) -> pd.DataFrame:
    """The options of the choice of a model, beside this design: a row an option, by latency.

    Columns: choice, option, label, latency_ms (of one frame alone, in the network), low_ms, high_ms (the band of a projection),
    recall (in one frame, at that distance, over the kinds of encounters by their shares), on_front (none is faster and finds as
    much), picked. Empty where no choice changes what looks.
    """
    found = [_row(plan, name, option, distance_m) for name, option in _options(plan)]
    rows = pd.DataFrame([row for row in found if row is not None])
    if rows.empty:
        return rows
    rows = rows.sort_values(["latency_ms", "recall"], ascending=[True, False], ignore_index=True)
    rows["on_front"] = rows["recall"] > rows["recall"].cummax().shift(fill_value=-np.inf)
    return rows


def _options(plan: Plan) -> list[tuple[str, str]]:
    """The options of every choice that says whose recall the first stage that looks has."""
    spec = plan.scenario.encounters
    assert spec is not None
    place = ("encounters", "sees", next(iter(spec.sees)), "finds")
    choices = (plan.authored or plan.scenario).choices
    return [
        (name, option)
        for name, choice in choices.items()
        if isinstance(choice, Options)
        for option in choice.options
        if place in choice.changes(option)
    ]


def _row(plan: Plan, choice: str, option: str, distance_m: float) -> dict[str, object] | None:
    authored = plan.authored or plan.scenario
    try:
        other = compile_plan(authored, plan.design | {choice: option}, figures=plan.figures)
    except ScenarioError:
        return None
    spec, sights = other.scenario.encounters, other.sights
    assert spec is not None
    assert sights is not None
    stage = next(iter(spec.sees))
    edges = [replace(other, latencies=other.latencies | {stage: one}) for one in other.bands.get(stage, ())]
    low, high = sorted(_latency_ms(edge, stage) for edge in edges) if edges else (np.nan, np.nan)
    label = authored.choices[choice].options[option].label  # type: ignore[union-attr]
    recall = recall_at(other, stage, distance_m)
    told = {"choice": choice, "option": option, "label": label, "latency_ms": _latency_ms(other, stage)}
    return told | {"low_ms": low, "high_ms": high, "recall": recall, "picked": plan.design.get(choice) == option}


def _latency_ms(plan: Plan, stage: str) -> float:
    return 1000 * plan.latencies[stage].mean_s(1)
