"""Paths of requests: from the decision to the end, one request step by step, and the cost by part."""

from __future__ import annotations

from typing import Any

import pandas as pd
import plotly.graph_objects as go

from simulator.case.schema import Scenario
from simulator.charts import look
from simulator.charts.run_time import marked
from simulator.engine.compiled_plan import Plan
from simulator.engine.stages.gate import score_gates
from simulator.explain.bottleneck import escalated, part_label
from simulator.explain.causes import as_written, count_words, shared_out
from simulator.explain.request_path import BEHIND, PathStep, RequestPath
from simulator.metrics.summary import Summary
from simulator.phrases import phrase
from simulator.units import counted, roughly, spoken_within

_ROUTES = {"Urgent": look.ORANGE, "Routine": look.SKY}

#: Ends of at least this share have a name in the chart; with one start or one end alone, a short table is enough.
MATTERS = 0.01

#: The least space between two bands, and the height of a line of their names, in pixels.
PAD, LINE = 36, 17

_OTHER_ENDS = "Other ends"


def journeys(summary: Summary, positive: bool) -> look.Chart:
    """Draw requests from the model's decision to their end and, for positives, to found or missed; often a short table."""
    scenario = summary.plan.scenario
    steps = _journey_steps(summary, positive)
    fates = _fates(scenario)
    links = pd.concat([_links(steps, "route", "end"), _links(steps, "end", "fate")], ignore_index=True)
    takeaway = _journey_takeaway(steps, scenario, positive, f"on average over {counted(summary.replications, 'run')}")
    matters = MATTERS * steps["count"].sum()
    matter = steps[steps["count"] >= matters]
    if matter["route"].nunique() < 2 or matter["end"].nunique() < 2:
        return look.Chart(None, takeaway, _ends_table(steps, scenario, positive))
    table = links.sort_values("count", ascending=False, ignore_index=True)
    table["count"] = table["count"].map(as_written)
    gathered = _gathered(steps, matters)
    links = pd.concat([_links(gathered, "route", "end"), _links(gathered, "end", "fate")], ignore_index=True)
    names = list(dict.fromkeys([*links["from"], *links["to"]]))
    into, out = (links.groupby(side)["count"].sum() for side in ("to", "from"))
    totals = {name: max(into.get(name, 0), out.get(name, 0)) for name in names}
    nodes, bands = _nodes(names, totals, fates), _bands(names, links, fates, scenario.who.many)
    sankey = go.Sankey(arrangement="snap", node=nodes, link=bands, textfont={"shadow": "none"})
    crowded = max(gathered["route"].nunique(), gathered["end"].nunique()) - 1
    drawn = look.figure(sankey, height=400 + crowded * (nodes["pad"] - PAD))
    drawn.update_layout(margin={"t": 24, "b": 24}, font_size=13)
    return look.chart(drawn, takeaway, table, {"count": f"{_whom(scenario, positive)} a run"})


def _gathered(steps: pd.DataFrame, matters: float) -> pd.DataFrame:
    """Put the ends that too few requests come to under one name, so that the numbers of the chart still add up."""
    of_end = steps.groupby("end")["count"].sum()
    few = [end for end, count in of_end.items() if 0 < count < matters]
    if len(few) < 2:
        return steps[steps["count"] > 0]
    return steps.assign(end=steps["end"].where(~steps["end"].isin(few), _OTHER_ENDS))[steps["count"] > 0]


def _whom(scenario: Scenario, positive: bool) -> str:
    who = scenario.population
    return scenario.who.many if who is None else who.positives if positive else who.negatives


def _fates(scenario: Scenario) -> dict[str, str]:
    who = scenario.population
    return {who.missed.capitalize(): look.MISSED, who.detected.capitalize(): look.FOUND} if who else {}


def _ends_table(steps: pd.DataFrame, scenario: Scenario, positive: bool) -> pd.DataFrame:
    """Tabulate the ends; of positives, those found and those missed apart, since an end may hold both."""
    ends = steps.groupby("end")["count"].sum().sort_values(ascending=False)
    columns = {"end": ends.index, f"{_whom(scenario, positive)} a run": ends.map(as_written)}
    if positive and (fates := list(_fates(scenario))):
        lost = steps[steps["fate"] == fates[0]].groupby("end")["count"].sum().reindex(ends.index, fill_value=0)
        detected = (ends - lost).clip(lower=0).map(as_written)
        lost[:] = shared_out(list(lost), lost.sum())  # as the reason rounds its parts, which say so of the same ends
        columns |= {f"of these {fate.lower()}": count for fate, count in zip(fates, (lost, detected), strict=True)}
    return pd.DataFrame(columns | {"share (%)": (100 * ends / ends.sum()).round(1)}).reset_index(drop=True)


def _nodes(names: list[str], totals: dict[str, float], fates: dict[str, str]) -> dict[str, Any]:
    labels = [_node_label(name, totals[name], name in fates) for name in names]
    return {
        "label": labels,
        "color": [_colour(name, fates) for name in names],
        "pad": max(PAD, LINE * max(len(label.split("<br>")) for label in labels)),  # thin bands leave a name no more
        "thickness": 12,
        "line": {"width": 0},
        "hovertemplate": "%{label} a run<extra></extra>",
    }


def _bands(names: list[str], links: pd.DataFrame, fates: dict[str, str], who: str) -> dict[str, Any]:
    colours = [_colour(end if end in fates else start, fates) for start, end in zip(links["from"], links["to"], strict=True)]
    return {
        "source": [names.index(name) for name in links["from"]],
        "target": [names.index(name) for name in links["to"]],
        "value": links["count"],
        "color": [look.translucent(colour, 0.35) for colour in colours],
        "customdata": [count_words(count) for count in links["count"]],
        "hovertemplate": f"%{{customdata}} {who} a run<extra></extra>",
    }


def _journey_steps(summary: Summary, positive: bool) -> pd.DataFrame:
    """Return the flows of one class with labels of the screen: route, end, fate, escalated, count."""
    scenario = summary.plan.scenario
    flows = summary.flows if scenario.population is None else summary.flows[summary.flows["positive"] == positive]
    ends = {name: end.label for name, end in scenario.ends.items()} | {"unfinished": "Still waiting at the end"}
    untagged, (missed, detected) = _untagged(scenario), tuple(_fates(scenario)) or ("", "")
    return pd.DataFrame(
        {
            "route": flows["tag"].map(lambda tag: tag.capitalize() if tag else untagged),
            "end": flows["end"].map(ends),
            "fate": flows["detected"].map({True: detected, False: missed}) if positive else "",
            "escalated": escalated(scenario, flows),
            "count": flows["count"],
        }
    )


def _untagged(scenario: Scenario) -> str:
    """Return the word for requests without a tag: they are not flagged where gates by score tag all that they flag."""
    flagging = [route for gate in score_gates(scenario).values() for route in gate.routes if not route.is_rest]
    if scenario.population and flagging and all(route.tag for route in flagging):
        return f"Not {scenario.population.flagged}"
    return scenario.unit.many.capitalize()


def _links(steps: pd.DataFrame, start: str, end: str) -> pd.DataFrame:
    counts = steps[steps[end] != ""].groupby([start, end], as_index=False)["count"].sum()
    return pd.DataFrame(counts.set_axis(["from", "to", "count"], axis=1))


def _colour(name: str, fates: dict[str, str]) -> str:
    return fates.get(name) or _ROUTES.get(name, look.GREY)


def _node_label(name: str, count: float, is_fate: bool) -> str:
    """Write a name with its count, that of a fate below it: on a phone one line would run into the ends' names."""
    if is_fate:
        return f"{look.wrapped(name, 10)}<br>{count_words(count)}"
    return look.wrapped(f"{name.split(',')[0]} {count_words(count)}")


def _journey_takeaway(steps: pd.DataFrame, scenario: Scenario, positive: bool, over: str) -> str:
    """Say the ends of requests, or the positives that are missed. over: the runs that the counts are the mean of, in words"""
    total, who = steps["count"].sum(), scenario.population
    if who is None:
        return _ends_takeaway(steps, scenario.unit.many, over)
    whose = who.positives if positive else who.negatives
    if not total:
        return f"There were no {whose}."
    if not positive:
        raised = steps.loc[steps["escalated"], "count"].sum()
        share = 100 * raised / total
        return phrase("journeys.raised", over=over, all=total, whose=whose, raised=raised, share=share, fate=who.escalated)
    lost = steps[steps["fate"] == who.missed.capitalize()]
    count = lost["count"].sum()
    return phrase(
        "journeys.missed", over=over, all=total, whose=whose, missed=count_words(count), share=100 * count / total,
        fate=who.missed, end=str(lost.groupby("end")["count"].sum().idxmax()) if count else None,
    )  # fmt: skip


def _ends_takeaway(steps: pd.DataFrame, many: str, over: str) -> str:
    total, ends = steps["count"].sum(), steps.groupby("end")["count"].sum().sort_values(ascending=False)
    if not total:
        return f"There were no {many}."
    parts = [f"{roughly(count / total)} “{end}”" for end, count in ends.items() if count]
    return f"Of {total:,.0f} {many} {over}, {', '.join(parts[:-1]) + ' and ' if parts[1:] else ''}{parts[-1]}."


_COLOURS = {BEHIND: look.ORANGE, "served": look.BLUE, "under way": look.SKY}


def one_request(path: RequestPath, plan: Plan) -> look.Chart:
    """Draw a row a step of one request, from its entry to its exit, with the curveballs meanwhile."""
    unit = plan.scenario.unit
    factor, scale = _time_scale(path.total_s)
    since = f"the last {unit.one} was sent" if path.until == "answer" else f"the first {unit.one} was sent"
    pieces = [piece for row, step in zip(_row_labels(path.steps), path.steps, strict=True) for piece in _pieces(row, step)]
    parts = []
    for what, same in pd.DataFrame(pieces, columns=["row", "what", "start_s", "end_s"]).groupby("what", sort=False):
        begins, lengths = (same["start_s"] - path.start_s) * factor, (same["end_s"] - same["start_s"]) * factor
        hover = f"{what}: %{{x:.4g}} {scale}<extra>%{{y}}</extra>"
        parts.append(look.bars(same["row"], lengths, _COLOURS.get(str(what), look.GREY), str(what), hover, base=begins))
    drawn = look.figure(*parts, height=130 + 36 * len(path.steps), barmode="overlay", bargap=0.3)
    drawn.update_xaxes(title=f"time since {since} ({scale})")
    drawn.update_yaxes(autorange="reversed", showgrid=False, categoryorder="array", categoryarray=_row_labels(path.steps))
    window = (path.start_s, path.start_s + path.total_s)
    return marked(
        look.Chart(drawn, path.sentence, _steps_table(path)), plan, lambda at: (at - path.start_s) * factor, window=window
    )


def _pieces(row: str, step: PathStep) -> list[tuple[str, str, float, float]]:
    waits = [(row, wait.what, wait.start_s, wait.end_s) for wait in step.waits]
    began = step.waits[-1].end_s if step.waits else step.entered_s
    return [*waits, (row, step.doing, began, began + step.served_s)] if step.outcome == "served" else waits


def _row_labels(steps: list[PathStep]) -> list[str]:
    labels = [step.label for step in steps]
    places = [labels[: index + 1].count(label) for index, label in enumerate(labels)]
    return [f"{label} ({count})" if count > 1 else label for label, count in zip(labels, places, strict=True)]


def _time_scale(seconds: float) -> tuple[float, str]:
    if seconds >= 7200:
        return 1 / 3600, "h"
    return (1 / 60, "min") if seconds >= 120 else (1.0, "s") if seconds >= 1 else (1000.0, "ms")


def _steps_table(path: RequestPath) -> pd.DataFrame:
    rows = [
        {
            "step": row,
            "entered after (s)": step.entered_s - path.start_s,
            "behind others (s)": step.queued_s,
            "batching delay, or waiting for a shift or a replica (s)": step.held_s,
            "served or under way (s)": step.served_s,
            "in all (s)": step.total_s,
            "batch": step.batch_size or None,
            "server": step.server or None,
            "outcome": step.outcome.replace("_", " "),
        }
        for row, step in zip(_row_labels(path.steps), path.steps, strict=True)
    ]
    return pd.DataFrame(rows)


def cost_split(summary: Summary) -> look.Chart:
    parts, who = _cost_parts(summary), summary.plan.scenario.who.many
    colours = {part_label(summary.plan.scenario, "missed"): look.MISSED, "total": look.translucent(look.GREY, 0.45)}
    shades = [colours.get(part, look.BLUE) for part in parts["part"]]
    drawn = look.costs(parts, shades, f"USD for 1,000 {who}, 95% interval")
    for verdict in summary.verdicts:
        if verdict.objective.metric == "cost_per_1000_usd":
            drawn.add_vline(x=verdict.bound, line=look.OBJECTIVE, annotation_text="target", annotation_position="top")
    names = {"value": f"USD for 1,000 {who}", "low": "95% low (USD)", "high": "95% high (USD)"}
    return look.chart(drawn, _costs_takeaway(parts, who, summary.shown("cost_per_1000_usd")[0]), parts, names)


def _cost_parts(summary: Summary) -> pd.DataFrame:
    rows = [
        [part_label(summary.plan.scenario, part), cost.value, cost.low, cost.high]
        for part, cost in summary.costs.items()
        if cost.value or cost.high
    ]
    total = summary.metrics["cost_per_1000_usd"]
    parts = pd.DataFrame(rows, columns=["part", "value", "low", "high"]).sort_values("value", ascending=False)
    together = pd.DataFrame([["total", total.value, total.low, total.high]], columns=parts.columns)
    return pd.concat([parts, together], ignore_index=True)


def _costs_takeaway(parts: pd.DataFrame, who: str, shown: str) -> str:
    largest, total = parts.iloc[0], parts.iloc[-1]
    some, alone = bool(total["value"]), len(parts) == 2
    rewarded = some and not alone and bool((parts["value"][:-1] < 0).any())
    size, share = "", 0.0
    if some and not alone and not rewarded:
        size, _ = spoken_within(largest["value"], largest["low"], largest["high"], "USD")
        share = largest["value"] / total["value"]
    slots = {"alone": some and alone, "rewarded": rewarded, "largest": largest["part"], "size": size, "share": share}
    return phrase("costs.split", who=who, cost=shown, **slots)
