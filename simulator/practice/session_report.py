"""A session in one HTML file that needs no other: its record, design, verdicts, predictions, signals, lessons and sources."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape

import pandas as pd

from simulator.app.html_page import bullets, drawn_charts, html_page, paragraph, section, table
from simulator.app.links import command
from simulator.app.live_session import LiveSession
from simulator.app.rating_card import LEVEL_NAMES
from simulator.case.phases import defence_of, phases_of
from simulator.explain.result import Result
from simulator.practice.record_panel import evidence_words, minute_of, session_timeline
from simulator.practice.report import design_table, lesson_parts, source_table, verdict_table
from simulator.session.session_course import Course
from simulator.session.session_record import predicted_words
from simulator.session.session_signals import LEVELS, Level, signals_of
from simulator.session.signal_rules import decided_levels, mistake_free, mistakes
from simulator.units import counted


def session_report(live: LiveSession, last: Result | None) -> str:
    """Return the page of a session; last: the run of its last design, None without one."""
    scenario, state = live.scenario, live.state
    body = "".join([
        f"<h1>{escape(scenario.title)}: a session</h1>",
        paragraph(f"{counted(state.session.minutes, 'minute')} planned, {sum(state.used_s.values()) / 60:.0f} worked."),
        section("The record", "".join(drawn_charts([session_timeline(scenario, state)]))),
        section("Minutes", _minutes(live)),
        section("Assumptions", bullets(pin.event.details(scenario, state) for pin in state.standing_assumptions)),
        section("Objectives in the person's words", bullets(objective.words for objective in state.objectives)),
        section("Predictions", _predictions(live)),
        section("Mistakes that interviewers name", _mistakes(live)),
        section("Signals", "".join(_signals(live))),
        section("Defence", "".join(_defence(live))),
        *_of_run(last),
        section("Questions that were left out", _left_out(live)),
        section("One good answer", _references(live)),
        section("Lessons of the case", lesson_parts(scenario)),
    ])  # fmt: skip
    return html_page(f"{scenario.title}: a session", body)


def _minutes(live: LiveSession) -> str:
    used = live.state.used_s
    phases = phases_of(live.scenario, live.state.session.minutes)
    rows = [[phase.title, f"{phase.minutes:g}", f"{used.get(phase.id, 0.0) / 60:.1f}"] for phase in phases]
    return table(pd.DataFrame(rows, columns=["phase", "planned (min)", "used (min)"]))


def _predictions(live: LiveSession) -> str:
    words = f"{Course(live.scenario, live.state).interval_words} Intervals of 90% should hold nine times in ten."
    made = bullets(predicted_words(live.scenario, prediction) for prediction in live.state.predictions)
    return paragraph(words) + made if made else ""


def _mistakes(live: LiveSession) -> str:
    sentences = [f"{mistake.label}. {evidence.sentence}" for mistake, evidence in mistakes(live.scenario, live.state)]
    return bullets(sentences) + paragraph(mistake_free(live.scenario, live.state))


def _signals(live: LiveSession) -> Iterator[str]:
    decided, minutes = decided_levels(live.scenario, live.state), minute_of(live)
    for signal in signals_of(live.scenario):
        yield f"<h3>{escape(signal.label)}</h3>"
        yield bullets(evidence_words(evidence, minutes) for evidence in signal.evidence(Course(live.scenario, live.state)))
        own: Level | None = next((level for level in LEVELS if level == live.state.ratings.get(signal.name)), None)
        if own is not None:
            yield paragraph(f"Own rating: {LEVEL_NAMES[own].lower()}. {signal.anchor(own)}")
        if (found := decided.get(signal.name)) is not None:
            yield paragraph(
                f"By the log: {LEVEL_NAMES[found.level].lower()}. {' '.join(evidence.sentence for _, evidence in found.fired)}"
            )


def _defence(live: LiveSession) -> Iterator[str]:
    for place, prompt in enumerate(defence_of(live.scenario)):
        if kept := live.state.defences.get(place):
            yield f"<h3>{escape(prompt)}</h3>{paragraph(kept.event.text or 'Said aloud.')}"


def _of_run(last: Result | None) -> Iterator[str]:
    if last is None:
        return
    yield section("The last design", design_table(last))
    yield section("Its verdicts", verdict_table(last))
    yield section("Sources of the numbers", source_table(last))
    line = command(last.plan, last.seed, last.planned, last.planned > last.replications)
    yield section("To run it again", f"<p>Run hash {last.run_hash}.</p><p><code>{escape(line)}</code></p>")


def _left_out(live: LiveSession) -> str:
    unasked = [question for index, question in enumerate(live.scenario.questions) if not live.state.asked(index)]
    return bullets(f"{question.ask} {question.answer}" for question in unasked)


def _references(live: LiveSession) -> str:
    return "".join(
        f"<h3>{escape(design.label)}</h3>{paragraph(design.text)}{paragraph(f'The price of this answer: {design.gives_up}')}"
        for design in live.scenario.reference.values()
    )
