"""One design in one HTML file that needs no other: brief, design, verdicts, charts, figures, debrief, sources, command."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape

import pandas as pd

from simulator.app.exhibit_drawings import drawings
from simulator.app.html_page import MARKDOWN, bullets, drawn_charts, html_page, section, table
from simulator.app.links import command
from simulator.case.figure_names import figure_name
from simulator.case.schema import Scenario
from simulator.charts.flow_charts import journeys, one_request
from simulator.charts.look import TONES, Chart
from simulator.charts.queue_charts import queue_over_time, queues
from simulator.engine.run_trace import Trace
from simulator.explain.request_path import request_path
from simulator.explain.result import Result
from simulator.metrics.summary import metric_rows


def report(result: Result, first: Trace) -> str:
    """Return the page of a run; first: its first replication, for the charts over time."""
    scenario = result.plan.scenario
    body = "".join([
        f"<h1>{escape(scenario.title)}</h1><p>{escape(scenario.summary)}</p>",
        section("Brief", MARKDOWN.render(scenario.brief)),
        section("Design", design_table(result)),
        section("Verdicts", verdict_table(result)),
        section("Results of the run", "".join(drawn_charts(_of_run(result, first)))),
        section("Every figure", f"<p>{escape(result.sense)}</p>{table(metric_rows(result))}"),
        section("Notes", bullets([*result.warnings, *(note.sentence for note in result.trust if note.level != "good")])),
        section("Debrief", lesson_parts(scenario)),
        section("Sources of the numbers", source_table(result)),
        section("To run it again", _again(result)),
    ])  # fmt: skip
    return html_page(f"{scenario.title}: a design, run", body)


def design_table(result: Result) -> str:
    """Return the picks of a run in HTML, with the curveballs that struck."""
    choices, defaults = result.plan.scenario.choices, result.plan.scenario.defaults()
    rows = [
        [choices[name].label, choices[name].label_of(pick), "" if pick == defaults[name] else "changed"]
        for name, pick in result.plan.design.items()
    ]
    strikes = [result.plan.scenario.curveballs[name].label for name in result.plan.strikes]
    struck = f"<p>Curveballs: {escape(', '.join(strikes))}.</p>" if strikes else ""
    return table(pd.DataFrame(rows, columns=["choice", "pick", ""])) + struck


def verdict_table(result: Result) -> str:
    """Return the table of verdicts in HTML, each with its reason and a step that helps."""
    cells, causes = [], result.shown_reasons
    for place, verdict in enumerate(result.verdicts):
        reason = result.reasons.get(place)
        why = f"<br>{escape(causes[place])} {escape(reason.advice.sentence)}" if reason else ""
        shown = f'<span class="verdict" style="border-color: {TONES[verdict.standing]}">{escape(verdict.standing)}</span>'
        row = (verdict.objective.label, verdict.requirement, verdict.reached, verdict.interval)
        cells.append("<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + f"<td>{shown}{why}</td></tr>")
    head = "".join(f"<th>{name}</th>" for name in ("objective", "asked", "reached", "95% interval", "verdict"))
    outside = f"<p>{escape(result.outside_brief)}</p>" if result.outside_brief else ""
    return f"{outside}<table><thead><tr>{head}</tr></thead><tbody>{''.join(cells)}</tbody></table>"


def _of_run(result: Result, first: Trace) -> Iterator[Chart]:
    scenario, charts = result.plan.scenario, drawings().charts
    if scenario.population is not None:
        yield journeys(result, positive=True)
    yield charts["answer_times"](result, lambda: first)
    if (path := request_path(first, 0.99, "answer")) is not None:
        yield one_request(path, result.plan)
    for stage in scenario.staffed_stages():
        yield queue_over_time(first, stage)
    if scenario.machine_stages():
        yield queues(first, result.warm_up)
    yield charts["vehicle" if scenario.vehicle else "cost"](result, lambda: first)


def lesson_parts(scenario: Scenario) -> str:
    """Return the lessons of a case in HTML."""
    return "".join(
        f"<h3>{escape(lesson.title)}</h3>{MARKDOWN.render(lesson.text)}"
        + (f"<p>Source: {escape(lesson.source)}</p>" if lesson.source else "")
        for lesson in scenario.debrief
    )


def source_table(result: Result) -> str:
    """Return the sources of a run's numbers in HTML, with the hashes of the files of evidence."""
    scenario = result.plan.scenario
    rows = [[source.kind, figure_name(scenario, source.what), source.value, source.source] for source in result.provenance]
    files = bullets([f"{name}, {content}" for name, content in result.plan.evidence.items()])
    evidence = f"<details><summary>Files of evidence, with their hashes</summary>{files}</details>"
    return table(pd.DataFrame(rows, columns=["kind", "what", "value", "source"])) + evidence


def _again(result: Result) -> str:
    line = command(result.plan, result.seed, result.planned, result.planned > result.replications)
    return f"<p>{escape(result.size)}, run hash {result.run_hash}.</p><p><code>{escape(line)}</code></p>"
