"""The control room of an incident: the strip, the news, the monitors and their editor, and the notebook."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from math import isfinite
from typing import Any

import pandas as pd
import streamlit as st
from pydantic import ValidationError

from simulator.app.component_files import component_beside
from simulator.app.widgets import CONFIG, plain, thousands_apart
from simulator.case.schema import Scenario
from simulator.charts.look import inked, rounded
from simulator.incident.incident_charts import MonitorMarks, monitor, reading
from simulator.incident.monitoring import WindowSeries, priced
from simulator.incident.pictures import pictures
from simulator.incident.player_actions import FixAction, NotebookEntry
from simulator.incident.section import Incident
from simulator.incident.sessions import Game
from simulator.incident.watches import BY, TESTS, Watch, name_of
from simulator.incident.wording import first_moves, hours, moment, usd
from simulator.phrases import phrase
from simulator.units import counted

#: The timeline is scrubbed in steps of this length (s).
STEP_S = 6 * 3600.0


def latest(game: Game) -> str:
    """Return the news of the last action, in a sentence or two."""
    if not game.notes:
        return "Nothing has rung yet."
    note = next((note for note in reversed(game.notes) if note.beliefs is None), game.notes[-1])
    paged = note.ring is not None or note.complaint
    sentence = note.outcome(game.play.spec)
    if note.waited and not paged:
        sentence = f"{sentence} {_ringing(game)}"
    looked = any(note.finding for note in game.notes)
    return sentence if looked or not paged else f"{sentence}\n{first_moves(game.play.spec)}"


def _ringing(game: Game) -> str:
    loud = {series.watch.title: None for series in game.series if series.ringing(game.now_s)}
    return f"Ringing: {', '.join(loud)}." if loud else "Nothing rings."


def news(game: Game) -> None:
    """Show the news, in red after an alarm or a complaint."""
    last = next((note for note in reversed(game.notes) if note.beliefs is None), None)
    loud = bool(last and (last.ring or last.complaint))
    sentence, _, rest = latest(game).partition("\n")
    (st.error if loud else st.info)(f"**{plain(sentence)}** {plain(rest)}")
    key = f"told:{game.id}"
    if len(game.notes) > st.session_state.get(key, len(game.notes)):
        st.toast(plain(sentence))  # on a narrow screen the news are far above the pressed button
    st.session_state[key] = len(game.notes)


@st.fragment
def watched(game: Game) -> None:
    """Draw every monitor, ringing ones first, up to now or to an earlier time of the user's choice."""
    place = st.empty()
    at_s = _scrubbed(game)
    fixes_s = tuple(step.at_s for step in game.play.shipped if step.at_s <= at_s)
    marks = MonitorMarks(game.play.end_s, at_s, fixes_s)
    with place.container(gap="xsmall"):
        shown = _by_watch(game.series, at_s)
        if not shown:
            st.markdown("Nothing is watched.")
            return
        with st.grid(2 if len(shown) > 1 else 1, min_column_width=280, gap="xsmall"):
            for number_, (watch, parts) in enumerate(shown):
                _small(game, watch, parts, marks, f"watch_{number_}")
        st.caption("Grey: the usual range. Dot: it rang. Upright line: the time shown; dotted: a fix in force.")


def _scrubbed(game: Game) -> float:
    """Return the end of the charts (s), as the user chooses it."""
    steps = int((game.now_s - game.play.start_s) // STEP_S)
    instants = [game.play.start_s + step * STEP_S for step in range(steps + 1)]
    instants += [game.now_s] if game.now_s > instants[-1] else []
    if len(instants) < 2:
        return game.now_s
    # A new action brings a new slider, which stands at the present.
    key = f"scrub:{game.id}:{len(game.notes)}"
    return float(
        st.select_slider("Charts as they were on", instants, instants[-1], format_func=partial(moment, game.scenario), key=key)
    )


def _by_watch(series: Sequence[WindowSeries], at_s: float) -> list[tuple[Watch, list[WindowSeries]]]:
    groups: dict[int, tuple[Watch, list[WindowSeries]]] = {}
    for watched in series:
        groups.setdefault(id(watched.watch), (watched.watch, []))[1].append(watched.until(at_s))
    return sorted(groups.values(), key=lambda pair: not any(part.ringing(at_s) for part in pair[1]))


def _small(game: Game, watch: Watch, parts: list[WindowSeries], marks: MonitorMarks, key: str) -> None:
    chart = monitor(watch, parts, marks, partial(moment, game.scenario))
    loud = any(part.ringing(marks.now_s) for part in parts)
    with st.container(border=True, gap=None):
        left, right = st.columns([4, 1], gap="xsmall")
        head = f"{':red-badge[rings] ' if loud else ''}**{plain(watch.title)}** :small[{watch.window_h:g} h]"
        left.markdown(f"{head}  \n:small[{plain(reading(parts, marks))}]")
        with right.popover("Table", type="tertiary"):
            st.dataframe(chart.table, hide_index=True)
        if chart.figure is not None:
            st.plotly_chart(inked(chart.figure, st.context.theme.type), alt=chart.takeaway, config=CONFIG, key=key)


# The editor of monitors

_RULES = {"spread": "standard deviations of quiet windows", "p": "p value, as if frames were independent"}
_REFERENCES = {"first": "the first days of production", "collected": "the images that were collected"}


def editor(scenario: Scenario, now: list[Watch], key: str) -> list[Watch]:
    """Let the user edit monitors, and return them; now: the monitors at first; key: a new one starts anew."""
    spec = scenario.incident
    assert spec is not None
    watches: list[Watch] = st.session_state.setdefault(f"watches:{key}", list(now))
    for place, watch in enumerate(watches):
        left, right = st.columns([5, 1], gap="xsmall", vertical_alignment="center")
        left.markdown(f":small[{plain(watch.line())}]")
        if right.button("Remove", key=f"remove:{key}:{place}:{len(watches)}", type="tertiary", help=f"Monitor {place + 1}"):
            watches.pop(place)
            st.rerun()
    st.markdown(f"{counted(len(watches), 'monitor')}, **{usd(priced(watches, spec.prices))} a week**.")
    with st.expander("Add a monitor", type="compact", key=f"adding:{key}"):
        _form(spec, watches, key)
    return watches


def _form(spec: Incident, watches: list[Watch], key: str) -> None:
    with st.form(f"form:{key}", border=False):
        given = _given(spec, key)
        added = st.form_submit_button("Add it")
    if not added:
        return
    try:
        watches.append(Watch(**given))
    except ValidationError as error:
        for fault in error.errors(include_url=False):
            st.error(plain(fault["msg"].removeprefix("Value error, ")))
        return
    st.rerun()


def _given(spec: Incident, key: str) -> dict[str, Any]:
    """Draw the form, and return its values."""

    def name(field: str) -> str:
        return f"new:{key}:{field}"

    def priced_name(statistic: str) -> str:
        return f"{name_of(statistic)}, {usd(spec.usd_a_week[statistic].value)} a week"

    statistics = list(spec.usd_a_week)
    return {
        "statistic": st.selectbox("Figure", statistics, format_func=priced_name, key=name("statistic")),
        "by": st.selectbox("Of", [*BY], format_func=lambda name: BY[name], key=name("by")),
        "test": st.selectbox("Compared by", [*TESTS], format_func=lambda name: TESTS[name], key=name("test")),
        "window_h": st.select_slider("Window (h)", [1, 3, 6, 12, 24, 48, 72, 168], 24, key=name("window")),
        "reference": st.selectbox("Against", [*_REFERENCES], format_func=lambda name: _REFERENCES[name], key=name("reference")),
        "rings": st.selectbox("Rings by", [*_RULES], format_func=lambda name: _RULES[name], key=name("rings")),
        "at": st.number_input("Rings beyond, or below this p", 0.0001, 1000.0, 4.0, format="%g", key=name("at")),
        "correct": st.checkbox("Correct p for the number of slices", True, key=name("correct")),
        "sampled": st.slider("Frames that it reads", 5, 100, 100, 5, format="%d%%", key=name("sampled")) / 100,
    }


def notebook(game: Game) -> None:
    st.header("Notebook", anchor=False)
    if not game.notes:
        st.markdown("Each action and its outcome will appear here.")
    for place, note in reversed(list(enumerate(game.notes))):
        _entry(game, note, place)


def _entry(game: Game, note: NotebookEntry, place: int) -> None:
    when = note.when(partial(moment, game.scenario))
    with st.container(border=True, gap="xxsmall"):
        head = f"**{place + 1}. {plain(note.title(game.play.spec))}** :small[{plain(when)}]"
        st.markdown(f"{head}  \n{plain(note.outcome(game.play.spec))}")
        if note.finding is not None and (len(note.finding.table) or note.finding.shown):
            with st.expander(f"Figures of {place + 1}", expanded=note is game.notes[-1], type="compact"):
                _table(note.finding.table, f"found:{place}")
                pictures(game, note)


def _table(table: pd.DataFrame, key: str) -> None:
    """Draw the table of a finding; lines of the log as text, with their diffs as diffs."""
    if "diff" not in table:
        if len(table):
            shown = rounded(table)
            st.dataframe(shown, hide_index=True, key=key, column_config=thousands_apart(shown))
        return
    with st.container(height=360, border=False, gap="xxsmall"):
        for line in table.itertuples(index=False):
            st.markdown(plain(f"{line.when}, {line.system}: {line.change}"))
            if line.diff:
                st.code(str(line.diff), language=None)


def _acted(game: Game) -> bool:
    return any(note.look or isinstance(note.action, FixAction) for note in game.notes)


_component = component_beside(__file__, "incident_strip")


def strip(game: Game, state: str) -> None:
    """Draw the clock and the spent money; state: the text that a screen reader speaks after a change."""
    page = game.paged
    cells = [
        ("Clock of the incident", moment(game.scenario, game.now_s)),
        ("Since the page", hours(game.now_s - page.until_s) if page else "nothing rang yet"),
        ("Spent", usd(game.usd) if _acted(game) else phrase("incident.spent_first", usd=game.usd)),
        ("Frames labelled", f"{game.labels:,}"),
    ]
    if isfinite(left := game.play.looks_usd_left):
        cells.append(("Left for looks", usd(left)))
    _component(key="incident_strip", data={"cells": cells, "state": state})
