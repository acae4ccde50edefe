"""One design in one HTML file that needs no other: brief, design, verdicts, charts, figures, debrief, sources, command."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape

import pandas as pd
from markdown_it import MarkdownIt

from simulator.app.exhibit_drawings import charts_by_exhibit
from simulator.app.links import command
from simulator.case.schema import Scenario
from simulator.charts.flow_charts import journeys, one_request
from simulator.charts.look import TONES, Chart, inked
from simulator.charts.queue_charts import queue_over_time, queues
from simulator.explain.request_path import request_path
from simulator.explain.result import Result
from simulator.metrics.summary import metric_rows
from simulator.records.trace import Trace

#: The browser may fetch nothing, and runs only the scripts of the charts.
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data: blob:"

_STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; color: #1c2024; background: #fff; max-width: 60rem; margin: 2rem auto;
       padding: 0 1rem; }
h1 { line-height: 1.2; } h2 { margin-top: 2.5rem; border-bottom: 1px solid #d5d9de; }
table { border-collapse: collapse; font-size: .9rem; margin: 1rem 0; display: block; overflow-x: auto; }
th, td { text-align: left; vertical-align: top; padding: .3rem .7rem; border-bottom: 1px solid #e3e6ea; }
code { background: #f1f3f5; padding: .1rem .3rem; overflow-wrap: anywhere; }
.verdict { font-weight: 600; border-left: 4px solid; padding-left: .5rem; }
summary { cursor: pointer; color: #3d464e; }
"""

#: Markdown without HTML and pictures.
_MARKDOWN = MarkdownIt("commonmark", {"html": False}).disable("image")


def report(result: Result, first: Trace) -> str:
    """Return the page of a run; first: its first replication, for the charts over time."""
    scenario = result.plan.scenario
    body = "".join([
        f"<h1>{escape(scenario.title)}</h1><p>{escape(scenario.summary)}</p>",
        _section("Brief", _MARKDOWN.render(scenario.brief)),
        _section("Design", _design(result)),
        _section("Verdicts", verdict_table(result)),
        _section("Results of the run", "".join(_charts(result, first))),
        _section("Every figure", f"<p>{escape(result.sense)}</p>{_table(metric_rows(result))}"),
        _section("Notes", _list([*result.warnings, *(note.sentence for note in result.trust if note.level != "good")])),
        _section("Debrief", _debrief(scenario)),
        _section("Sources of the numbers", _sources(result)),
        _section("To run it again", _again(result)),
    ])  # fmt: skip
    head = f'<meta charset="utf-8"><meta http-equiv="Content-Security-Policy" content="{_POLICY}">'
    narrow = '<meta name="viewport" content="width=device-width, initial-scale=1">'
    title = f"<title>{escape(scenario.title)}: a design, run</title>"
    return (
        f'<!doctype html><html lang="en"><head>{head}{narrow}{title}<style>{_STYLE}</style></head><body>{body}</body></html>\n'
    )


def _section(title: str, content: str) -> str:
    return f"<h2>{escape(title)}</h2>{content}" if content else ""


def _design(result: Result) -> str:
    choices, defaults = result.plan.scenario.choices, result.plan.scenario.defaults()
    rows = [
        [choices[name].label, choices[name].label_of(pick), "" if pick == defaults[name] else "changed"]
        for name, pick in result.plan.design.items()
    ]
    strikes = [result.plan.scenario.curveballs[name].label for name in result.plan.strikes]
    struck = f"<p>Curveballs: {escape(', '.join(strikes))}.</p>" if strikes else ""
    return _table(pd.DataFrame(rows, columns=["choice", "pick", ""])) + struck


def verdict_table(result: Result) -> str:
    """Return the table of verdicts in HTML, each with its reason and a step that helps."""
    cells, causes = [], result.shown_reasons
    for place, one in enumerate(result.verdicts):
        reason = result.reasons.get(place)
        why = f"<br>{escape(causes[place])} {escape(reason.advice.sentence)}" if reason else ""
        shown = f'<span class="verdict" style="border-color: {TONES[one.standing]}">{escape(one.standing)}</span>'
        row = (one.objective.label, one.requirement, one.reached, one.interval)
        cells.append("<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + f"<td>{shown}{why}</td></tr>")
    head = "".join(f"<th>{name}</th>" for name in ("objective", "asked", "reached", "95% interval", "verdict"))
    outside = f"<p>{escape(result.outside_brief)}</p>" if result.outside_brief else ""
    return f"{outside}<table><thead><tr>{head}</tr></thead><tbody>{''.join(cells)}</tbody></table>"


def _charts(result: Result, first: Trace) -> Iterator[str]:
    """Yield each chart below its takeaway, with its table; the script of Plotly comes with the first one."""
    script = True
    for chart in _of_run(result, first):
        yield f"<h3>{escape(chart.takeaway)}</h3>"
        if chart.figure is not None:
            drawn = inked(chart.figure, "light")
            yield drawn.to_html(full_html=False, include_plotlyjs=script, config={"displaylogo": False, "scrollZoom": False})
            script = False
        yield f"<details><summary>As a table</summary>{_table(chart.table)}</details>"


def _of_run(result: Result, first: Trace) -> Iterator[Chart]:
    scenario, charts = result.plan.scenario, charts_by_exhibit()
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


def _table(table: pd.DataFrame) -> str:
    return str(table.to_html(index=False, border=0, escape=True, na_rep=""))


def _list(sentences: list[str]) -> str:
    return f"<ul>{''.join(f'<li>{escape(one)}</li>' for one in sentences)}</ul>" if sentences else ""


def _debrief(scenario: Scenario) -> str:
    return "".join(
        f"<h3>{escape(lesson.title)}</h3>{_MARKDOWN.render(lesson.text)}"
        + (f"<p>Source: {escape(lesson.source)}</p>" if lesson.source else "")
        for lesson in scenario.debrief
    )


def _sources(result: Result) -> str:
    rows = [[source.kind, source.what, source.value, source.source] for source in result.provenance]
    files = _list([f"{name}, {content}" for name, content in result.plan.evidence.items()])
    evidence = f"<details><summary>Files of evidence, with their hashes</summary>{files}</details>"
    return _table(pd.DataFrame(rows, columns=["kind", "what", "value", "source"])) + evidence


def _again(result: Result) -> str:
    line = command(result.plan, result.seed, result.planned, result.planned > result.replications)
    return f"<p>{escape(result.size)}, run hash {result.run_hash}.</p><p><code>{escape(line)}</code></p>"
