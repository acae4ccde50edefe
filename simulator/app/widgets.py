"""Widgets that several pages share: charts, tables, uploads, downloads, badges of evidence."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from math import isclose
from typing import Any, Literal

import pandas as pd
import streamlit as st
from pandas.api.types import is_bool_dtype, is_numeric_dtype
from streamlit.runtime.uploaded_file_manager import UploadedFile

from simulator.case.document import ScenarioError
from simulator.case.fields import Source
from simulator.case.load import find, load
from simulator.case.scenario_parts import Lesson, lessons_about
from simulator.case.schema import Scenario
from simulator.charts.look import Chart, inked
from simulator.engine.compiled_plan import fingerprint
from simulator.engine.run import simulate
from simulator.engine.run_trace import Trace
from simulator.errors import InputError
from simulator.files import Stamp, stamp_of
from simulator.intervals import Mark
from simulator.keeper import remembers
from simulator.limits import MIB, Limit
from simulator.metrics.summary import Summary
from simulator.phrases import phrase
from simulator.units import counted

#: Beginnings of a formula in a spreadsheet, which would run when the file is opened.
_FORMULA = re.compile(r"[=+\-@\t\r]")


def for_people(table: pd.DataFrame) -> str:
    """Write a table as CSV; text that would begin a formula gets an apostrophe before it, numbers stay as they are.

    A text that reads as a number, such as `-0.5`, stays too.
    """
    safe = table.rename(columns=_as_text)
    for place, (_, column) in enumerate(table.items()):
        if not (is_numeric_dtype(column) or is_bool_dtype(column)):
            safe.isetitem(place, column.astype(object).map(_as_text).array)
    return safe.to_csv(index=False, lineterminator="\r\n")  # as RFC 4180 asks: a lone \r is then quoted


def _as_text(value: object) -> object:
    if not isinstance(value, str) or not _FORMULA.match(value) or _is_number(value):
        return value
    return f"'{value}"


def _is_number(text: str) -> bool:
    return re.fullmatch(r"[+-]?\d+(\.\d+)?([eE][+-]?\d+)?", text) is not None


Colour = Literal["red", "orange", "yellow", "blue", "green", "violet", "gray"]

#: The four kinds of evidence always wear these badges; green and red are left to verdicts.
EVIDENCE: dict[str, tuple[Colour, str]] = {
    "measured": ("blue", "measured on a machine or on labelled items"),
    "projected": ("violet", "derived from measurements"),
    "published": ("gray", "taken from a named source"),
    "assumed": ("orange", "assumed by the author of the case"),
}

#: A widget's value is kept in the address and survives a change of page.
KEPT: dict[str, Any] = {"bind": "query-params", "persist_state": "session"}

#: Charts do not zoom by accident and load nothing from other hosts.
CONFIG = {"displayModeBar": False, "scrollZoom": False, "displaylogo": False}


def scenario_of(case: str) -> Scenario:
    return _loaded(case, stamp_of(find(case)))


@lru_cache(maxsize=64)
def _loaded(case: str, stamp: Stamp) -> Scenario:
    return load(case)


@remembers(4, key=lambda summary: fingerprint([*summary.plan.identity, summary.seed]))
def replication_0(summary: Summary) -> Trace:
    return simulate(summary.plan, summary.seed)


def draw(chart: Chart, key: str, caption: str = "") -> None:
    """Show a chart between its takeaway and a caption, with its numbers one click away; without a figure, show the numbers."""
    st.markdown(f"**{plain(chart.takeaway)}**")
    if chart.figure is None:
        st.dataframe(chart.table, hide_index=True, alt=chart.takeaway, column_config=thousands_apart(chart.table))
    else:
        st.plotly_chart(inked(chart.figure, st.context.theme.type), alt=chart.takeaway, config=CONFIG, key=key)
        as_table(chart.table, key)
    if caption:
        st.caption(caption)


def number_format(step: float) -> str:
    """Return the format of a slider's numbers: thousands set apart, and the decimals of its step: `25,000`, `0.25`."""
    places = next((places for places in range(6) if isclose(round(step, places), step, rel_tol=1e-9)), 6)
    return f"%,.{places}f"


def scrolled(key: str, least_px: int) -> str:
    """Return the style of a chart that is never narrower than this: on a narrow screen it scrolls sideways."""
    return f".st-key-{key} {{ overflow-x: auto; }} .st-key-{key} > div {{ min-width: {least_px}px; }}"


#: What means something in Markdown, in emoji and in links. A screen reader reads a label with its backslashes, so no more than
#: that is escaped: some signs mean something at the start of a line alone, a full stop in the name of a site, a slash in an
#: address and in an icon (`:material/home:`).
_MARKED = re.compile(
    r"[\\`*_{}\[\]<>|~$^&@:]|(?<=:)/|(?<=:material)/|(?:^|(?<=[\n\r]))[^\S\n\r]*(?:[-+=#>]|\d+[.)](?=\s|$))|(?<=www)\.",
    re.IGNORECASE,
)


def plain(text: str) -> str:
    """Escape text so that Markdown shows it as it is."""
    return _MARKED.sub(lambda found: f"{found[0][:-1]}\\{found[0][-1]}", text)


@st.fragment
def as_table(table: pd.DataFrame, key: str) -> None:
    """Offer the numbers of a chart one click away; the browser gets them with that click. key: that of the chart."""
    drawer = st.popover("As a table", type="tertiary", on_change="rerun", key=f"{key}:table")
    if drawer.open:
        drawer.dataframe(table, hide_index=True, column_config=thousands_apart(table))


def thousands_apart(table: pd.DataFrame) -> dict[Any, Any]:
    """Return the formats of the columns with numbers from 1,000 on, as sentences write them: `167,960`."""
    return {
        name: st.column_config.NumberColumn(format="%,.2f" if (column % 1).any() else "%,d")
        for name, column in table.items()
        if is_numeric_dtype(column) and not is_bool_dtype(column) and column.abs().max() >= 1000
    }


def upload(label: str, endings: list[str], limit: Limit) -> UploadedFile | None:
    given = st.file_uploader(label, type=endings, max_upload_size=limit.most // MIB)
    return next(iter(_within(limit, [given] if given else [])), None)


def uploads(label: str, limit: Limit) -> list[UploadedFile]:
    return _within(limit, st.file_uploader(label, accept_multiple_files=True, max_upload_size=limit.most // MIB))


def _within(limit: Limit, given: list[UploadedFile]) -> list[UploadedFile]:
    for file in given:
        if file.size > limit.most:
            st.error(f"{plain(file.name)} has {file.size:,} bytes; expected at most {limit}.")
    return [file for file in given if file.size <= limit.most]


def download(label: str, table: pd.DataFrame, file_name: str) -> None:
    st.download_button(label, lambda: for_people(table), file_name, "text/csv", key=file_name, on_click="ignore")


def mark_cards(marks: Iterable[Mark]) -> None:
    """Show marks side by side, each with what was reached and whether that meets it."""
    with st.grid(3, border=True, min_column_width=180):
        for mark in marks:
            colour: Colour = "green" if mark.met else "red"
            label, reached = plain(mark.label), mark.spoken(mark.reached)
            with st.container():
                st.markdown(label)
                st.metric(label, reached, mark.words, delta_color=colour, delta_arrow="off", label_visibility="collapsed")


def evidence(sources: list[Source]) -> None:
    st.markdown("  \n".join(f"{_badge(kind)} {meaning}" for kind, (_, meaning) in EVIDENCE.items()))
    for source in sources:
        st.markdown(f"{_badge(source.kind)} **{plain(source.what)}**: {plain(source.value)} · {plain(source.source)}")


def lessons(scenario: Scenario, choices: Sequence[str] = ()) -> None:
    """Show the lessons of a case. choices: those that matter in a design; the lessons about others stay folded"""
    about = lessons_about(scenario.debrief, choices)
    _lessons(about)
    rest = [lesson for lesson in scenario.debrief if lesson not in about]
    if about and rest:
        with st.expander(f"{counted(len(rest), 'further lesson')} of the case"):
            _lessons(rest)
    else:
        _lessons(rest)


def _lessons(shown: Sequence[Lesson]) -> None:
    for lesson in shown:
        st.markdown(f"**{plain(lesson.title)}**  \n{lesson.text}")
        if lesson.source:
            st.caption(f"Source: {plain(lesson.source)}")


def badges(kinds: Iterable[str]) -> str:
    return " ".join(map(_badge, kinds))


def _badge(kind: str) -> str:
    return f":{EVIDENCE[kind][0]}-badge[{kind}]"


def story(scenario: Scenario) -> None:
    """Show the title with its buttons, in the row that is being filled."""
    st.title(plain(scenario.title), anchor=False, width="content")
    if st.button("Brief", key="brief"):
        _brief(scenario)
    if scenario.questions and st.button("Questions you may ask", key="questions"):
        _questions(scenario)


@st.dialog("Brief", position="right", width="medium")
def _brief(scenario: Scenario) -> None:
    st.markdown(scenario.brief)


@st.dialog("Questions you may ask", position="right", width="medium")
def _questions(scenario: Scenario) -> None:
    for question in scenario.questions:
        with st.expander(plain(question.ask), type="compact"):
            st.markdown(question.answer)


@contextmanager
def faults_shown(stops: bool = False) -> Iterator[None]:
    """Show the sentence of an InputError or a ScenarioError in place of what follows it here; stops: it ends the page."""
    try:
        yield
    except (InputError, ScenarioError) as error:
        st.error(plain(str(error)))
        if stops:
            st.stop()


#: The key of a sentence on wrong input, or on an event that was refused.
FAULT = "fault"


def say(sentence: str) -> None:
    """Keep a sentence on wrong input for the next run of the script, behind those that wait already."""
    before = st.session_state.get(FAULT, "")
    st.session_state[FAULT] = before if sentence in before else f"{before} {sentence}".strip()


def show_fault() -> None:
    """Show the sentences that were kept."""
    if fault := st.session_state.pop(FAULT, ""):
        st.warning(fault)


def shortened(text: str, letters: int) -> str:
    """Return a text cut to so many letters, and say so where it was longer.

    A field with `max_chars` would drop a longer text that is pasted, without a word.
    """
    if len(text) > letters:
        say(phrase("widgets.shortened", letters=letters))
    return text[:letters]
