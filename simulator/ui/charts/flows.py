"""Where each request went."""

from __future__ import annotations

from textwrap import wrap
from typing import Any

import pandas as pd
import plotly.graph_objects as go

from simulator.analysis.run.summary import Summary
from simulator.scenario.schema import Scenario
from simulator.ui.charts.look import FOUND, GREY, MISSED, ORANGE, SKY, Chart, figure, translucent

_FATES = {"Missed": MISSED, "Found": FOUND}
_ROUTES = {"Urgent": ORANGE, "Routine": SKY}


def journeys(summary: Summary, positive: bool) -> Chart:
    """From the model's decision to the end and, for positives, to whether they were found in time."""
    scenario = summary.plan.scenario
    steps = _steps(summary, positive)
    links = pd.concat([_links(steps, "route", "end"), _links(steps, "end", "fate")], ignore_index=True)
    names = list(dict.fromkeys([*links["from"], *links["to"]]))
    sankey = go.Sankey(arrangement="snap", node=_nodes(names, links), link=_bands(names, links), textfont={"shadow": "none"})
    drawn = figure(sankey, height=400)
    drawn.update_layout(margin={"t": 24, "b": 24}, font_size=13)
    return Chart(drawn, _takeaway(steps, scenario, positive), links.rename(columns={"count": "requests a run"}))


def _nodes(names: list[str], links: pd.DataFrame) -> dict[str, Any]:
    into, out = (links.groupby(side)["count"].sum().reindex(names, fill_value=0) for side in ("to", "from"))
    return {
        "label": [_label(name, max(into[name], out[name])) for name in names],
        "color": [_colour(name) for name in names],
        "pad": 36,
        "thickness": 12,
        "line": {"width": 0},
        "hovertemplate": "%{label} a run<extra></extra>",
    }


def _bands(names: list[str], links: pd.DataFrame) -> dict[str, Any]:
    """A band is missed red where it leads to a miss; else it has the colour of where it comes from."""
    colours = [_colour(end if end in _FATES else start) for start, end in zip(links["from"], links["to"], strict=True)]
    return {
        "source": [names.index(name) for name in links["from"]],
        "target": [names.index(name) for name in links["to"]],
        "value": links["count"],
        "color": [translucent(colour, 0.35) for colour in colours],
        "hovertemplate": "%{value:,.1f} requests a run<extra></extra>",
    }


def _steps(summary: Summary, positive: bool) -> pd.DataFrame:
    """The flows of one class in the words of the screen: route, end, fate, count."""
    scenario = summary.plan.scenario
    flows = summary.flows if scenario.population is None else summary.flows[summary.flows["positive"] == positive]
    ends = {name: end.label for name, end in scenario.ends.items()} | {"unfinished": "Still waiting at the end"}
    untagged = _untagged(scenario)
    return pd.DataFrame(
        {
            "route": flows["tag"].map(lambda tag: tag.capitalize() if tag else untagged),
            "end": flows["end"].map(ends),
            "fate": flows["detected"].map({True: "Found", False: "Missed"}) if positive else "",
            "count": flows["count"],
        }
    )


def _untagged(scenario: Scenario) -> str:
    """The name of requests that no gate has tagged."""
    return f"Not {scenario.population.escalated}" if scenario.population else "Requests"


def _links(steps: pd.DataFrame, start: str, end: str) -> pd.DataFrame:
    found = steps[steps[end] != ""].groupby([start, end], as_index=False)["count"].sum()
    return pd.DataFrame(found.set_axis(["from", "to", "count"], axis=1))


def _colour(name: str) -> str:
    return _FATES.get(name) or _ROUTES.get(name, GREY)


def _label(name: str, count: float) -> str:
    """Short enough for a phone: what stands before the first comma, on lines of sixteen letters."""
    return "<br>".join(wrap(f"{name.split(',')[0]} {_number(count)}", 16))


def _number(count: float) -> str:
    return f"{count:,.0f}" if count >= 10 else f"{count:,.1f}"


def _takeaway(steps: pd.DataFrame, scenario: Scenario, positive: bool) -> str:
    total = steps["count"].sum()
    if not total:
        return "There was no such request."
    if scenario.population is None:
        return f"{total:,.0f} requests a run."
    if not positive:
        escalated = steps.loc[steps["route"] != _untagged(scenario), "count"].sum()
        return (
            f"In an average run, {total:,.0f} requests come from someone who {scenario.population.negative}; "
            f"{escalated:,.0f} of them ({100 * escalated / total:.0f}%) are {scenario.population.escalated}."
        )
    missed = steps[steps["fate"] == "Missed"]
    count = missed["count"].sum()
    told = f"In an average run, {total:,.0f} requests come from someone who {scenario.population.positive}; "
    told += f"{_number(count)} of them ({100 * count / total:.1f}%) are missed"
    return told + (f", most often at the end “{missed.groupby('end')['count'].sum().idxmax()}”." if count else ".")
