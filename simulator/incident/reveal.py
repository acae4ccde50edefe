"""The reveal of an incident: its cause, the harm of each day, looks, suspicions and signals."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from itertools import pairwise
from math import isfinite

import numpy as np
import pandas as pd
import streamlit as st
from numpy.typing import NDArray

from simulator.app.widgets import draw, lessons, plain
from simulator.charts.look import BLUE, GREY, RED, Chart, bars, figure, line, rounded, wrapped
from simulator.engine.compiled_plan import case_hash
from simulator.errors import InputError
from simulator.incident.hindsight import COURSE_NAMES, courses, regret
from simulator.incident.incident_course import NEAR, IncidentCourse, helping_fixes
from simulator.incident.incident_score import DebriefStep, Detection, DetectionTrial, Excess, Score, TriedFix, score
from simulator.incident.incident_start import next_of_row, shared_result
from simulator.incident.player_actions import FixAction
from simulator.incident.post_mortem import NO_FAULT, after_onset, begin_of, earlier_monitors, place_of, post_mortem, verdict_of
from simulator.incident.reveal_panels import rate_incident, standing_panel, suspicion_panel
from simulator.incident.secret import DAY_S
from simulator.incident.sessions import Game, link
from simulator.incident.wording import moment, usd
from simulator.keeper import remembers
from simulator.phrases import phrase
from simulator.units import significant, upper_first

_UNIT = "weighted objects"
#: Room above the lines for the words of the marks, part of their height.
_AIR = 0.35


def harm(went: Excess, untouched: Excess, end_s: float, marks: Sequence[tuple[str, float]]) -> Chart:
    """Draw the excess harm of each day, as it went and without any action; marks: events with their times (s)."""
    days = np.arange(1, int(np.ceil(end_s / DAY_S)) + 1)
    both = {"without any action": _by_day(untouched, len(days)), "as it went": _by_day(went, len(days))}
    lines = [
        line(days, values, colour, name, f"day %{{x}}: %{{y:.3g}} {name}<extra></extra>", width=3, dash=dash)
        for (name, values), colour, dash in zip(both.items(), (RED, BLUE), ("dot", "solid"), strict=True)
    ]
    drawn = figure(*lines, height=300)
    for place, (name, at_s) in enumerate(marks):
        x = at_s / DAY_S + 1
        drawn.add_vline(x=x, line={"color": GREY, "width": 1.5, "dash": "dash"})
        height = 1 - 0.08 * (place % 3)
        drawn.add_annotation(x=x, y=height, yref="paper", text=name, showarrow=False, xanchor="left", xshift=3)
    drawn.update_xaxes(title="day", range=[1, len(days) + 1], fixedrange=True)
    low, high = min(0.0, *map(np.min, both.values())), max(1.0, *map(np.max, both.values()))
    drawn.update_yaxes(title=f"{_UNIT}, a day", fixedrange=True, range=[low, high + _AIR * (high - low)])
    table = pd.DataFrame({"day": days} | {f"{name} ({_UNIT})": values for name, values in both.items()})
    return Chart(drawn, _saved(*(values.sum() for values in both.values())), rounded(table))


def _saved(untouched: float, went: float) -> str:
    key = "incident.same_harm" if significant(untouched) == significant(went) else "incident.change_of_harm"
    return phrase(key, harm=went, change=abs(untouched - went), less=went <= untouched, unit=_UNIT)


def _by_day(excess: Excess, days: int) -> NDArray[np.float64]:
    day = np.minimum((excess.at_s // DAY_S).astype(np.int64), days - 1)
    return np.asarray(np.bincount(day, excess.harm, days), float)


def looks(steps: Sequence[DebriefStep], moment: Callable[[float], str]) -> Chart:
    """Draw each look beside the most informative one at that time; moment: a time in words."""
    names = [wrapped(f"{number}. {step.label}") for number, step in enumerate(steps, start=1)]
    lines = max((name.count("<br>") + 1 for name in names), default=1)
    sides = ("the best look then", [s.best_bits for s in steps], GREY), ("this look", [s.bits or 0 for s in steps], BLUE)
    traces = [bars(names, bits, colour, name, "%{x:.2f} bits") for name, bits, colour in sides]
    drawn = figure(*traces, height=110 + max(50, 17 * lines) * len(steps), barmode="group")
    drawn.update_xaxes(title="expected information about the cause, bits", fixedrange=True)
    drawn.update_yaxes(fixedrange=True, autorange="reversed")
    table = pd.DataFrame(
        [(s.label, moment(s.at_s), s.bits, s.best, s.best_bits, s.sign, 100 * s.true_share) for s in steps],
        columns=["look", "when", "bits", "the best look then", "its bits", "what it showed", "true cause likely (%)"],
    )
    last = f"{100 * steps[-1].true_share:.0f}%" if steps else "0%"
    return Chart(drawn, f"By the rules of probability, the findings made the true cause {last} likely.", rounded(table))


#: The most fixes that are named.
_MOST_HELPS = 3


def reveal(game: Game) -> None:
    """Draw all of it, from the answer to the lessons."""
    result = score(game.play)
    _answer(game, result)
    shared_result(game)
    _figures(game, result)
    standing_panel(game, result)
    _harm(game, result)
    course = IncidentCourse.of(game.play)
    _path(game, course)
    suspicion_panel(course)
    rate_incident(game, course)
    _lessons(game, course)
    with st.container(horizontal=True, vertical_alignment="center"):
        next_of_row(game)
        if st.button("Play another", key="another", type="secondary" if game.row else "primary"):
            st.query_params.from_dict({"case": game.scenario.id})
            st.rerun()
        with st.popover("Link to this incident", type="tertiary"):
            st.markdown("This link opens the incident as you played it, with its actions:")
            st.code(f"{st.context.url or ''}{link(game)}", language=None, wrap_lines=True)
        _post_mortem(game, result)


def _post_mortem(game: Game, result: Score) -> None:
    key = f"post_mortem:{game.id}"
    if st.button("Write the post-mortem", key="write_post_mortem"):
        earlier = earlier_monitors(game.play)
        st.session_state[key] = post_mortem(game.play, result, partial(moment, game.scenario), earlier)
    if key in st.session_state:
        st.download_button("Download it", st.session_state[key], "post-mortem.md", "text/markdown", key="download_post_mortem")


def _answer(game: Game, result: Score) -> None:
    secret, spec = game.play.secret, game.play.spec
    causes = [spec.causes[name] for name in secret.causes]
    st.header(f"It was: {plain('; '.join(cause.label for cause in causes))}", anchor=False)
    answer = [verdict_of(game.play, result), begin_of(game.play, partial(moment, game.scenario)), place_of(game.play, result)]
    (st.success if result.right else st.error)(plain(" ".join(filter(None, answer))))
    for cause in causes:
        st.markdown(cause.teaches)
        if cause.source:
            st.caption(f"Source: {plain(cause.source)}")
    if (decoy := secret.decoy_of(spec)) is not None:
        only = "Only a" if secret.harmless(spec) else "A"
        st.markdown(plain(f"{only} harmless change came on {moment(game.scenario, secret.onset_s)}: {decoy.label}."))


@remembers(64, key=lambda game: (game.id, game.scenario))
def _courses(game: Game) -> dict[str, float]:
    """Return the totals of other courses on this very incident (USD)."""
    return courses(game.scenario, game.play.secret)


def _figures(game: Game, result: Score) -> None:
    """Draw the score in two parts, detection and investigation, and the total in money beside those of other courses."""
    try:
        others = _courses(game)
    except InputError:
        others = {}  # the panel below tells of the tables that cannot be read
    a_point = game.play.spec.harm.usd.value
    at_fault = not game.play.secret.harmless(game.play.spec)
    parts = {
        "Detection": {
            "Detected after": after_onset(result.detected_h) if at_fault else NO_FAULT,
            "Harm before the page": usd(result.paged_usd),
            "False alarms": f"{result.false_alarms}",
        },
        "Investigation": {
            "Diagnosed after": after_onset(result.diagnosed_h),
            "Mitigated after": after_onset(result.mitigated_h) if at_fault else NO_FAULT,
            "Harm after the page": usd(result.harm_usd - result.paged_usd),
            "Spent": usd(result.usd),
            "Wrong fixes": f"{result.wrong_fixes} of {len(result.fixes)}",
            "Frames labelled": f"{result.labels:,}",
            "Brier score": f"{result.brier:.2f}",
        },
        "Total": {
            "Harm and money": usd(result.total_usd),
            **({"Regret": usd(regret(result.total_usd, others))} if others else {}),
            "Harm after the stream": usd(result.later_usd),
            "It came back": usd(result.returned_usd),
            "Harm without any action": usd(result.untouched * a_point),
            **{upper_first(COURSE_NAMES[name]): usd(total) for name, total in others.items()},
        },
    }
    for heading, figures in parts.items():
        st.subheader(heading, anchor=False)
        with st.grid(5, min_column_width=150, border=True):
            for label, value in figures.items():
                st.metric(label, value)
        if heading == "Detection":
            _detection(game)
    st.caption(phrase("incident.regret", usd=game.play.spec.return_usd, days=game.play.spec.review_days))
    st.caption(phrase("incident.measures", usd=game.play.spec.harm.usd.value, unknowing=result.unknowing))


def _judged(fix: TriedFix) -> str:
    if fix.right:
        return ""
    return ": it did not help, and protected the users in case it did" if fix.first else ": it did not help"


def _detection(game: Game) -> None:
    """Draw the monitors beside those of the case and the best single one on this secret."""
    table, said = detection_table(game, link(game), case_hash(game.scenario))
    st.markdown(plain(said))
    st.dataframe(table, hide_index=True, alt="Your monitors beside those of the case and the best single one here")


@st.cache_data(max_entries=64, show_spinner="Trying other monitors on this incident")
def detection_table(_game: Game, address: str, content: str) -> tuple[pd.DataFrame, str]:
    """Return a row a set of monitors, and a sentence."""
    trial = DetectionTrial(_game.play)
    own, usual, best = trial.own(), trial.of(_game.play.spec.watches), trial.best()
    single = phrase("incident.best_single", monitor=best.watches[0].line() if best.watches else "")
    named = {"yours": own, "those of the case": usual, single: best}
    rows = [
        (label, _page(tried), tried.false_alarms, *(round(usd) for usd in (tried.harm_usd, tried.spent_usd, tried.total_usd)))
        for label, tried in named.items()
    ]
    columns = ["monitors", "paged after", "false alarms", "harm before (USD)", "monitors and pages (USD)", "total (USD)"]
    costs = {name: usd(tried.total_usd) for name, tried in (("own", own), ("usual", usual), ("best", best))}
    return pd.DataFrame(rows, columns=columns), phrase("incident.detection", single=bool(best.watches), **costs)


def _page(detection: Detection) -> str:
    if not isfinite(detection.paged_h):
        return "never"
    return f"{after_onset(detection.paged_h)}{'' if detection.rang else ', a customer'}"


def _harm(game: Game, result: Score) -> None:
    play, spec = game.play, game.play.spec
    st.subheader("Harm of the cause", anchor=False)
    marks = [] if play.secret.harmless(spec) else [("it begins", play.secret.onset_s)]
    marks += [("the page", game.paged.until_s)] if game.paged else []
    marks += [(spec.fixes[step.name].label, step.at_s) for step in play.shipped]
    went, untouched = Excess.of(play.statistics()), Excess.of(play.statistics(0))
    draw(harm(went, untouched, play.end_s, marks), key="harm")
    shipped = [note for note in play.notes if isinstance(note.action, FixAction)]
    for note, fix in zip(shipped, result.fixes, strict=True):
        st.markdown(plain(f"“{note.title(spec)}” {fix.words}{_judged(fix)}."))
    if helps := _what_helps(game):
        st.markdown(plain(helps))


def _what_helps(game: Game) -> str:
    """Name the fixes that take away most of the harm of this cause, by the study of the case."""
    cause, spec = game.play.secret.cause, game.play.spec
    if cause is None or game.play.secret.harmless(spec):
        return ""
    best = [*helping_fixes(game.scenario.id).get(cause, {}).items()][:_MOST_HELPS]
    helping = [f"“{spec.fixes[fix].label}” {100 * min(share, 1.0):.0f}%" for fix, share in best if fix in spec.fixes]
    return phrase("incident.helping_fixes", fixes=helping) if helping else ""


def _path(game: Game, course: IncidentCourse) -> None:
    st.subheader("Your looks, and the most informative looks", anchor=False)
    if course.fault:
        st.warning(plain(course.fault))
        return
    if not course.steps:
        st.markdown("You took no look." if course.beliefs else "The information of each look was not computed for this case.")
        return
    draw(looks(course.steps, partial(moment, game.scenario)), key="path")


def _lessons(game: Game, course: IncidentCourse) -> None:
    """Name the moments that decided this game; the lessons of the case follow."""
    st.subheader("Lessons", anchor=False)
    for lesson in moments(course):
        st.markdown(f"* {plain(lesson)}")
    if game.scenario.debrief:
        with st.expander("Lessons of the case"):
            lessons(game.scenario)


def moments(course: IncidentCourse) -> list[str]:
    """Return the moments that decided a play: the look that moved most, the best look not taken, the waiting, the alarm."""
    found = list[str]()
    looks = [step for step in course.steps if step.place in course.looks]
    pairs = [(before, step) for before, step in pairwise(course.steps) if step in looks]
    if pairs:
        before, step = max(pairs, key=lambda pair: pair[1].true_share - pair[0].true_share)
        shares = {"before": round(100 * before.true_share), "after": round(100 * step.true_share)}
        if shares["after"] > shares["before"]:
            found.append(phrase("incident.best_look", look=step.label, **shares))
    # A look that gave half of the best bits, or of the best bits a minute, was a sensible move.
    looks = [step for step in looks if (step.of_best or 0.0) < NEAR and not course.is_quick(step.place)]
    if looks and (missed := max(looks, key=lambda step: step.best_bits - (step.bits or 0.0))).best_bits > (missed.bits or 0.0):
        found.append(phrase("incident.missed_look", look=missed.label, best=missed.best, bits=missed.best_bits))
    if course.early_page is not None:
        found.append("The first alarm came before the onset, by chance.")
    page = course.true_page
    if page is not None:
        end = next((place for place in course.fixes if place > page), len(course.notes))
        if (waited := course.waited_h(page, end)) >= 1:
            found.append(phrase("incident.wait", hours=waited))
    return found or ["You took no look, so nothing can be learned from the order of looks."]
