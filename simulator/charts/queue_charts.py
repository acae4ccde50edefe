"""Queues of machines and of people, requests in flight, and goodput under retries, over a whole run."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import pandas as pd

from simulator.case.scenario_parts import Noun
from simulator.charts import look
from simulator.charts.run_time import clock, hovered, instant, instants, marked, over_time, time_of_day
from simulator.charts.timeline import occupancy, staffed, waiting
from simulator.engine.run_trace import Trace
from simulator.metrics.overload import OverloadPeriod, capacity_per_s, goodput, rush_of, trouble
from simulator.metrics.warm_up import WarmUp
from simulator.phrases import phrase


def queues(trace: Trace, warm_up: WarmUp | None = None, at_s: float | None = None) -> look.Chart:
    """Draw the queue of each pool, and below it all requests in flight. Even the shortest peaks show.

    The takeaway names queues that stay empty. at_s: the instant of the slider, in seconds of the run
    """
    counts = occupancy(trace)
    scenario = trace.plan.scenario
    colours, pools = look.stage_colours(scenario), scenario.machine_stages()
    waited = [name for name in pools if counts[name].any()]
    labels = {name: (scenario.stages[name].label, colours[name], "y2") for name in waited}
    times, hover = clock(trace, counts["time_s"]), f"%{{y:,}} at {hovered(trace)}"
    lines = [
        look.line(times, counts[column], colour, label, hover, width=2, step=True, yaxis=axis)
        for column, (label, colour, axis) in (labels | {"in_flight": ("in flight", look.GREY, "y")}).items()
    ]
    drawn = look.figure(*lines, height=420 if waited else 240, xaxis={"anchor": "y"})
    if waited:
        drawn.update_layout(yaxis={"domain": [0, 0.44]}, yaxis2={"domain": [0.56, 1], "title": "in the queue"})
    if warm_up is not None:
        cut = time_of_day(trace, warm_up.cut_s)
        drawn.add_vline(x=cut, line=look.OBJECTIVE)
        look.note(drawn, " warm-up ends", cut, 1, "left top", yref="paper")
    over_time(drawn, trace, at_s=at_s)
    drawn.update_yaxes(rangemode="tozero", tickformat=",d")
    drawn.update_layout(yaxis_title="in flight")
    names = {name: f"{stage.label}: in the queue" for name, stage in scenario.stages.items()} | {"in_flight": "in flight"}
    table = counts.drop(columns="time_s").rename(columns=names)
    table.insert(0, "time of day", instants(trace, counts["time_s"], "%H:%M:%S"))
    joined = look.chart(drawn, _queues_takeaway(trace, counts, pools), table)
    return marked(joined, trace.plan, partial(time_of_day, trace), counts["time_s"])


def _queues_takeaway(trace: Trace, rows: pd.DataFrame, pools: list[str]) -> str:
    stages, unit, longest = trace.plan.scenario.stages, trace.plan.scenario.unit, []
    for name in sorted((name for name in pools if rows[name].any()), key=lambda name: -rows[name].max()):
        at = int(rows[name].argmax())
        longest.append(f"{stages[name].label} {rows[name].iloc[at]:,} at {instant(trace, rows['time_s'].iloc[at])}")
    idle = [stages[name].label for name in pools if not rows[name].any()]
    at = int(rows["in_flight"].argmax())
    most, when = unit.counted(rows["in_flight"].iloc[at]), instant(trace, rows["time_s"].iloc[at])
    vain = any(stages[name].service.serves_in_vain for name in pools if rows[name].any())
    return phrase("queues.longest", longest=longest, vain=vain, one=unit.one, idle=idle, most=most, when=when)


#: The columns of the goodput that charts draw, with the name and the colour of each.
GOODPUT_LINES = {"fresh": ("fresh", look.SKY), "retries": ("retries", look.ORANGE), "useful": ("served in time", look.GREEN)}


def goodput_over_time(trace: Trace, at_s: float | None = None) -> look.Chart:
    """Draw fresh requests, retries and useful answers a second, and the capacity of the pool behind the retries.

    at_s: the instant of the slider, in seconds of the run
    """
    rows, unit, at = goodput(trace), trace.plan.scenario.unit, partial(time_of_day, trace)
    times, hover = clock(trace, rows["time_s"]), f"%{{y:.1f}} a second from {hovered(trace, '%H:%M:%S')} on"
    lines = [
        look.line(times, rows[column], colour, label, hover, step=True) for column, (label, colour) in GOODPUT_LINES.items()
    ]
    drawn = look.figure(*lines, height=380)
    if (capacity := capacity_per_s(trace.plan)) is not None:
        style = {"color": look.GREY, "dash": "dot", "width": 2}
        drawn.add_hline(y=capacity, line=style, annotation_text="capacity", annotation_position="top right")
    if rush := rush_of(rows):
        look.shade(drawn, look.GREY, 0.15, x0=at(rush[0]), x1=at(rush[1]))
    over_time(drawn, trace, "the surge" if rush else "", at_s)
    drawn.update_yaxes(title=f"{unit.many} a second", rangemode="tozero")
    named = {"time_s": "from (s after the start)", "served_share": f"share of the {unit.many} served"}
    named |= {column: f"{label} (1/s)" for column, (label, _) in GOODPUT_LINES.items()}
    takeaway = _overload_takeaway(trouble(rows), unit, lambda seconds: instant(trace, seconds, "%H:%M:%S"))
    return marked(look.chart(drawn, takeaway, rows, named), trace.plan, at, rows["time_s"])


def _overload_takeaway(rows: OverloadPeriod | None, unit: Noun, when: Callable[[float], str]) -> str:
    if rows is None:
        return phrase("goodput.served", many=unit.many)
    words = phrase("goodput.fails", started=when(rows.started), many=unit.many)
    rush, again = rows.rush_ended, rows.again
    if not rows.over:
        return phrase(
            "goodput.lasts", fails=words, rush=None if rush is None else when(rush), share=rows.share_since,
            many=unit.many, one=unit.one, again=rows.tries >= 1.1, tries=rows.tries,
        )  # fmt: skip
    return phrase(
        "goodput.recovers", fails=words, ended=when(rows.ended), rush=rush is not None,
        late=0.0 if rush is None else max(rows.ended - rush, 0.0), again=None if again is None else when(again[0]),
        until=None if again is None or again[1] is None else when(again[1]),
    )  # fmt: skip


_TAG_COLOURS = (look.ORANGE, look.GREY)


def queue_over_time(trace: Trace, stage: str, at_s: float | None = None) -> look.Chart:
    """Draw the length of a queue, in all and by tag, with shifts shaded; without a queue, only the takeaway.

    at_s: the instant of the slider, in seconds of the run
    """
    rows, label = waiting(trace, stage, min(300.0, trace.plan.horizon_s / 200)), trace.plan.scenario.stages[stage].label
    times = clock(trace, rows["time_s"])
    table = rows.rename(columns={"all": "all waiting"}).drop(columns="time_s")
    table.insert(0, "time of day", instants(trace, rows["time_s"]))
    if not rows["all"].any():
        return look.Chart(None, f"{label}: no {trace.plan.scenario.unit.one} waited.", table)
    shown = sorted((tag for tag in rows.columns[2:] if rows[tag].any()), key=lambda tag: -rows[tag].max())[: len(_TAG_COLOURS)]
    colours = (look.stage_colours(trace.plan.scenario)[stage], *_TAG_COLOURS)
    names = {"all": "all waiting"} | {tag: tag.replace("_", " ") for tag in shown}
    hover = f"%{{y:,}} at {hovered(trace)}"
    tags = zip(names.items(), colours, strict=False)
    drawn = look.figure(*(look.line(times, rows[tag], colour, name, hover, step=True) for (tag, name), colour in tags))
    for start, end, people in staffed(trace.plan, stage):
        edges = clock(trace, pd.Series([start, end]))
        look.shade(drawn, colours[0], 0.10, x0=edges[0], x1=edges[1])
        drawn.add_annotation(x=edges.mean(), y=1, yref="paper", yanchor="top", text=f"{people} on shift", showarrow=False)
    over_time(drawn, trace, f"{label} on shift", at_s)
    drawn.update_yaxes(title=f"{trace.plan.scenario.unit.many} in the queue", rangemode="tozero", tickformat=",d")
    return marked(
        look.Chart(drawn, _waiting_takeaway(trace, stage, rows), table), trace.plan, partial(time_of_day, trace), rows["time_s"]
    )


def _waiting_takeaway(trace: Trace, stage: str, rows: pd.DataFrame) -> str:
    peak = rows.iloc[rows["all"].argmax()]
    when, scenario = instant(trace, peak["time_s"]), trace.plan.scenario
    after = rows[rows["time_s"] > peak["time_s"]]
    cleared = after.loc[after["all"] <= 0.01 * peak["all"], "time_s"]
    return phrase(
        "queues.peak", label=scenario.stages[stage].label, when=when, waiting=peak["all"], many=scenario.unit.many,
        cleared=len(cleared), later=cleared.min() - peak["time_s"], after_last=cleared.min() > trace.plan.arrivals_end_s,
    )  # fmt: skip
