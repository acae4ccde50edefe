"""Does production differ from the reference? Two files of a person's own, or an example, through the monitors."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import get_args

import pandas as pd
import streamlit as st
from streamlit.runtime.uploaded_file_manager import UploadedFile

from simulator.app.widgets import download, draw, faults_shown, plain, upload
from simulator.errors import InputError
from simulator.keeper import remembers
from simulator.limits import MONITORED_FILE
from simulator.monitors import drift_sentences as sentences
from simulator.monitors.column_roles import recognised
from simulator.monitors.column_tests import MMD, NAMES, TESTS
from simulator.monitors.drift_course import CourseReader
from simulator.monitors.drift_report import Correction, Monitored, ReportRequest, compare
from simulator.monitors.estimated_performance import ASSUMPTIONS, METRICS, PerformanceEstimator, PerformanceRequest
from simulator.monitors.monitor_charts import course_chart, performance_chart, place_chart
from simulator.monitors.monitor_tables import MonitoredTable, Tables, read_tables
from simulator.phrases import phrase
from simulator.units import upper_first

_CORRECTIONS = {"holm": "Holm: all of it together", "bh": "Benjamini and Hochberg: the share of false claims", "none": "none"}
_NOTHING = "none"
#: Names of the columns that an estimate of performance usually needs.
_TRUTHS, _SCORES = ("label", "truth", "correct", "y_true"), ("confidence", "score", "probability", "y_pred_proba")
#: The number of cached answers.
_KEPT = 32


def monitors(example: Callable[[], Tables]) -> None:
    """Choose tables and tests, and show the answer; example: draws the example and returns its reference and production."""
    chosen = st.radio("Data", ["An example", "My own files"], horizontal=True, key="monitors_data")
    with st.container():
        tables = _own() if chosen == "My own files" else example()
    if tables is None:
        return
    asked = _asked(tables)
    if asked is not None:
        _answer(tables, *asked)


def _own() -> Tables | None:
    st.markdown(phrase("monitors.own"))
    with st.grid(2, min_column_width=260):
        reference = upload("Reference", ["csv", "parquet"], MONITORED_FILE)
        production = upload("Production", ["csv", "parquet"], MONITORED_FILE)
    if reference is None or production is None:
        st.caption("Choose both files.")
        return None
    with faults_shown():
        return _read((reference.file_id, production.file_id), reference, production)
    return None


@st.cache_resource(max_entries=4, show_spinner="Reading both files")
def _read(ids: tuple[str, str], _reference: UploadedFile, _production: UploadedFile) -> Tables:
    """Read uploads in a fresh process, once for all reruns of the page. ids: of the uploads, which differ for each upload."""
    with TemporaryDirectory() as folder:
        files = [Path(folder) / part / Path(given.name).name for part, given in (("a", _reference), ("b", _production))]
        for file, given in zip(files, (_reference, _production), strict=True):
            file.parent.mkdir()
            file.write_bytes(given.getvalue())
        first, second = read_tables(*files)
        return first, second


def _asked(tables: Tables) -> tuple[ReportRequest, PerformanceRequest | None] | None:
    """Draw the form; return the comparison, and the estimate of performance where its columns are chosen."""
    names = [str(name) for name in tables[0].rows.columns if name in tables[1].rows.columns]
    roles = recognised(*tables)
    with st.form("monitors"):
        with st.grid(3, min_column_width=200):
            group = _column("Rows that belong together", names, roles.group, "a scene or a camera's hour, which stays together")
            by = _column("Slices", names, roles.slices, "each of its categories is compared by itself too")
            time = _column("Time", names, roles.time, "orders the rows: seconds, or times such as 2026-01-31T12:00")
            window_h = st.number_input("Window (h), 0: none", 0.0, 10_000.0, 0.0, key="monitors_window")
            tests = st.multiselect("Tests", [*TESTS, MMD], format_func=lambda test: NAMES.get(test, test), key="monitors_tests")
            correction = st.selectbox("Correction", list(_CORRECTIONS), format_func=_CORRECTIONS.__getitem__)
            level = st.number_input("Level", 0.001, 0.5, 0.05, 0.01, help="how often a quiet week may raise an alarm")
            every = [str(name) for name in tables[0].rows.columns]
            truth = _column("Labels of the reference", every, _usual(every, _TRUTHS), "1 or 0; to estimate performance without")
            score = _column("Score", names, _usual(names, _SCORES) if truth else None, "the probability of a 1, from 0 to 1")
            threshold = st.number_input("The model says 1 from", 0.0, 1.0, 0.5, 0.05, key="monitors_threshold")
            independent = st.checkbox("Treat rows as independent", help="as a plain test does; see its claims")
        st.form_submit_button("Compare", type="primary")
    chosen: Correction = next(name for name in get_args(Correction) if name == correction)
    compared = tuple(name for name in names if name not in (time, group, by, truth))
    sources = tuple(name for name in (roles.source, roles.place) if name)
    order = (None, None, None) if independent else (time, window_h or None, group)
    with faults_shown():
        asked = ReportRequest(tuple(tests), level, chosen, by, *order, independent, compared, sources)
        return asked, PerformanceRequest(truth, score, threshold) if truth and score else None
    return None


def _usual(names: list[str], usual: tuple[str, ...]) -> str | None:
    return next((name for word in usual for name in names if name.lower() == word), None)


def _column(label: str, names: list[str], usual: str | None, about: str) -> str | None:
    options = [_NOTHING, *names]
    place = options.index(usual) if usual in options else 0
    found = st.selectbox(label, options, place, help=about)
    return None if found == _NOTHING else found


@remembers(_KEPT, key=lambda tables, asked, show: (*map(_name_of, tables), asked))
def _compared(tables: Tables, asked: ReportRequest, show: Callable[[float, str], object]) -> Monitored:
    return compare(*tables, asked, lambda done, tests: show(done / tests, f"Test {done} of {tests}"))


def _name_of(table: MonitoredTable) -> str:
    return hashlib.sha256(pd.util.hash_pandas_object(table.rows).to_numpy().tobytes()).hexdigest()


def _answer(tables: Tables, asked: ReportRequest, performance: PerformanceRequest | None) -> None:
    bar = st.progress(0.0, "Testing")
    try:
        found = _compared(tables, asked, bar.progress)
        reader = CourseReader(tables, found)
    except InputError as error:
        st.error(plain(str(error)))
        return
    except ModuleNotFoundError as error:
        st.error(plain(f"ADWIN and Page-Hinkley need {error.name}, which is not installed: pip install 'casesim[monitors]'"))
        return
    finally:
        bar.empty()
    st.header(plain(sentences.answer(found)), anchor=False)
    _draw_claims(reader)
    rows = pd.DataFrame(sentences.rows_of_tests(found, tables[1]))
    st.subheader("All tests", anchor=False)
    st.dataframe(rows, hide_index=True, alt=sentences.answer(found))
    st.caption(plain(f"{sentences.rests_on(found)} {sentences.KEY}"))
    for note in found.notes:
        st.caption(plain(note))
    download("Download as CSV", rows, "monitors.csv")
    if performance:
        _draw_performance(reader, performance)


def _draw_claims(reader: CourseReader) -> None:
    """Draw the course of each claimed column, and the places where it left its band."""
    for place, finding in enumerate(reader.claimed()):
        course = reader.course(finding)
        if course is None:
            continue
        st.subheader(plain(upper_first(course.figure.label)), anchor=False)
        draw(course_chart(course, reader), key=f"monitors_course_{place}")
        by = reader.asked.by
        if by and (found := reader.place_map(finding, by)):
            draw(place_chart(found, reader), key=f"monitors_places_{place}")


def _draw_performance(reader: CourseReader, asked: PerformanceRequest) -> None:
    """Draw a metric that is estimated without labels of production."""
    st.subheader("Estimated performance without labels", anchor=False)
    metric = st.selectbox("Metric", list(METRICS), format_func=METRICS.__getitem__, key="monitors_metric")
    with faults_shown():
        course = PerformanceEstimator(reader.tables, asked, reader.asked).course(metric)
        draw(performance_chart(course, reader), key="monitors_performance")
        st.caption(ASSUMPTIONS)
