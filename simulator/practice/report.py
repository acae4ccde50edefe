"""One design, or one session, in one HTML file that needs no other: its parts, charts, verdicts, lessons and sources."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape

import pandas as pd

from simulator.app.exhibit_drawings import drawings
from simulator.app.html_page import MARKDOWN, bullets, drawn_charts, folded, html_page, paragraph, section, table
from simulator.app.links import command
from simulator.app.live_session import LiveSession
from simulator.app.rating_card import LEVEL_NAMES
from simulator.case.designs import figure_name
from simulator.case.phases import defence_of, phases_of
from simulator.case.schema import Scenario
from simulator.charts.flow_charts import journeys, one_request
from simulator.charts.look import TONES, Chart
from simulator.charts.queue_charts import queue_over_time, queues
from simulator.engine.run_trace import Trace
from simulator.explain.request_path import request_path
from simulator.explain.result import Result
from simulator.metrics.summary import metric_rows
from simulator.phrases import phrase
from simulator.practice.record_panel import evidence_words, minute_of, session_timeline
from simulator.session.session_course import Course
from simulator.session.session_record import predicted_words
from simulator.session.session_signals import LEVELS, Level, signals_of
from simulator.session.signal_rules import decided_levels, mistake_free, mistakes
from simulator.units import counted


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
        section("To run it again", _again(result, f"{result.size}, run hash {result.run_hash}.")),
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
    return table(pd.DataFrame(rows, columns=["kind", "what", "value", "source"])) + folded(
        "Files of evidence, with their hashes", files
    )


def _again(result: Result, words: str) -> str:
    line = command(result.plan, result.seed, result.planned, result.planned > result.replications)
    return f"{paragraph(words)}<p><code>{escape(line)}</code></p>"


def session_report(live: LiveSession, last: Result | None) -> str:
    """Return the page of a session; last: the run of its last design, None without one."""
    scenario, state = live.scenario, live.state
    shown = [f"{mistake.label}. {evidence.sentence}" for mistake, evidence in mistakes(scenario, state)]
    unasked = [question for index, question in enumerate(scenario.questions) if not state.asked(index)]
    references = "".join(
        f"<h3>{escape(design.label)}</h3>{paragraph(design.text)}{paragraph(phrase('report.price', gives_up=design.gives_up))}"
        for design in scenario.reference.values()
    )
    body = "".join([
        f"<h1>{escape(scenario.title)}: a session</h1>",
        paragraph(f"{counted(state.session.minutes, 'minute')} planned, {sum(state.used_s.values()) / 60:.0f} worked."),
        section("The record", "".join(drawn_charts([session_timeline(scenario, state)]))),
        section("Minutes", _minutes(live)),
        section("Assumptions", bullets(pin.event.details(scenario, state) for pin in state.standing_assumptions)),
        section("Objectives in the person's words", bullets(objective.words for objective in state.objectives)),
        section("Predictions", _predictions(live)),
        section("Mistakes that interviewers name", bullets(shown) + paragraph(mistake_free(scenario, state))),
        section("Signals", "".join(_signals(live))),
        section("Defence", "".join(_defence(live))),
        *_of_last_run(last),
        section("Questions that were left out", bullets(f"{question.ask} {question.answer}" for question in unasked)),
        section("One good answer", references),
        section("Lessons of the case", lesson_parts(scenario)),
    ])  # fmt: skip
    return html_page(f"{scenario.title}: a session", body)


def _minutes(live: LiveSession) -> str:
    used = live.state.used_s
    phases = phases_of(live.scenario, live.state.session.minutes)
    rows = [[phase.title, f"{phase.minutes:g}", f"{used.get(phase.id, 0.0) / 60:.1f}"] for phase in phases]
    return table(pd.DataFrame(rows, columns=["phase", "planned (min)", "used (min)"]))


def _predictions(live: LiveSession) -> str:
    words = phrase("report.predictions", intervals=Course(live.scenario, live.state).interval_words)
    made = bullets(predicted_words(live.scenario, prediction) for prediction in live.state.predictions)
    return paragraph(words) + made if made else ""


def _signals(live: LiveSession) -> Iterator[str]:
    decided, minutes = decided_levels(live.scenario, live.state), minute_of(live)
    for signal in signals_of(live.scenario):
        yield f"<h3>{escape(signal.label)}</h3>"
        yield bullets(evidence_words(evidence, minutes) for evidence in signal.evidence(Course(live.scenario, live.state)))
        own: Level | None = next((level for level in LEVELS if level == live.state.ratings.get(signal.name)), None)
        if own is not None:
            yield paragraph(f"Own rating: {LEVEL_NAMES[own].lower()}. {signal.anchor(own)}")
        if (found := decided.get(signal.name)) is not None:
            shown = [evidence.sentence for _, evidence in found.fired]
            yield paragraph(phrase("report.level", level=LEVEL_NAMES[found.level].lower(), evidence=shown))


def _defence(live: LiveSession) -> Iterator[str]:
    for place, prompt in enumerate(defence_of(live.scenario)):
        if kept := live.state.defences.get(place):
            yield f"<h3>{escape(prompt)}</h3>{paragraph(kept.event.text or 'Said aloud.')}"


def _of_last_run(last: Result | None) -> Iterator[str]:
    if last is None:
        return
    yield section("The last design", design_table(last))
    yield section("Its verdicts", verdict_table(last))
    yield section("Sources of the numbers", source_table(last))
    yield section("To run it again", _again(last, f"Run hash {last.run_hash}."))
