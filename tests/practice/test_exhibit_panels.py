"""The panels of a run: one a question, in the words of its case, each chart with its sentence and its table."""

import json
import re
from datetime import datetime, timedelta

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from simulator.app.exhibit_drawings import drawings
from simulator.case.exhibits import EXHIBITS
from simulator.charts.threshold_charts import crowd
from simulator.charts.timeline import moment
from simulator.engine.run import simulate
from simulator.metrics.operating_points import flagged_at
from simulator.practice.exhibit_panels import panel_of, panels
from tests.app.results import result
from tests.patience import PATIENCE_S

SKIN, STORM, POSTS = "skin-cancer-triage", "retry-storm", "moderation"
TITLES = {
    SKIN: ["Who is missed", "Who waits", "What it costs", "What it rests on", "Debrief"],
    STORM: ["Who waits", "Who is served", "What it costs", "What it rests on", "Debrief"],
    POSTS: ["Who is missed", "Who waits", "What it costs", "What it rests on"],
}
#: Words of the clinic, which no other case should meet outside the texts of its author.
FOREIGN = re.compile(r"\b(patients?|cancers?|healthy|ill|doctors?|dermatologists?|clinic|skin|referr\w+|reviewers?)\b", re.I)


def drawn(name, title):
    """A panel of a run, by itself."""

    def script(name, title):
        from simulator.practice.exhibit_panels import panels
        from tests.app.results import result

        run = result(name)
        for part in panels(run.plan.scenario)[title]:
            part(run)

    page = AppTest.from_function(script, default_timeout=PATIENCE_S, kwargs={"name": name, "title": title}).run()
    assert not page.exception
    return page


def said(page):
    """All words of a page, with those of its pictures and its tables."""
    kinds = ("header", "markdown", "caption")
    words = [re.sub(r"\\(.)", r"\1", str(element.value)) for kind in kinds for element in page.get(kind)]
    for element in page.get("plotly_chart"):
        words += [element.proto.alt, element.proto.spec.replace(r"\u003cbr\u003e", " ")]
    words += [" ".join([*frame.value.columns, *map(str, frame.value.to_numpy().ravel())]) for frame in page.dataframe]
    return "\n".join(
        [*words, *(widget.label for kind in ("radio", "slider", "select_slider", "button") for widget in page.get(kind))]
    )


@pytest.fixture(autouse=True)
def _open_tables(monkeypatch):
    """Each table of a chart is open, so that its words are on the page."""
    drawn = lambda table, key: st.popover("As a table", key=f"{key}:table").dataframe(table, hide_index=True)  # noqa: E731
    monkeypatch.setattr("simulator.app.widgets.as_table", drawn)


def shapes(page):
    """Lines and areas behind the curves of a page's charts."""
    specs = [json.loads(element.proto.spec) for element in page.get("plotly_chart")]
    return [shape for spec in specs for shape in spec["layout"].get("shapes", [])]


@pytest.mark.parametrize("name", TITLES)
def test_a_case_has_a_panel_for_each_question_that_it_answers(name):
    assert list(panels(result(name).plan.scenario)) == TITLES[name]


@pytest.mark.parametrize(("name", "title"), [(name, title) for name, titles in TITLES.items() for title in titles])
def test_every_panel_draws_in_the_words_of_its_case(name, title):
    page = drawn(name, title)
    charts = [element.proto for element in page.get("plotly_chart")]
    tables = [popover for popover in page.get("popover") if popover.proto.popover.label == "As a table"]
    assert all(chart.alt for chart in charts)
    assert len(tables) == len(charts)
    if name != SKIN and title != "Debrief":
        assert FOREIGN.findall(said(page)) == []


def test_every_exhibit_can_be_drawn_under_a_title_of_its_own_in_one_panel():
    plain, timed = drawings().panels.keys(), drawings().timed.keys()
    assert plain | timed == EXHIBITS.keys()
    assert not plain & timed
    assert len({exhibit.label for exhibit in EXHIBITS.values()}) == len(EXHIBITS)
    assert {panel_of(name, result(SKIN).plan.scenario) for name in EXHIBITS} == set(TITLES[SKIN][:4])
    assert panel_of("encounter", result("vehicle").plan.scenario) == "Who stops in time"


def test_the_slider_over_time_tells_what_is_the_case_and_moves_a_line_through_every_chart():
    page = drawn(POSTS, "Who waits")
    trace, start = simulate(result(POSTS).plan, 1), datetime(2001, 1, 1)
    page.slider(key="test:instant").set_value(start + timedelta(minutes=30)).run()
    assert all(sentence in said(page) for sentence in moment(trace, 1800).sentences(trace.plan.scenario.unit))
    specs = [json.loads(element.proto.spec) for element in page.get("plotly_chart")]
    places = [shape["x0"] for spec in specs for shape in spec["layout"].get("shapes", []) if shape["line"].get("width") == 4]
    assert {"2001-01-01T00:30:00", 0} <= set(places)


def test_a_threshold_that_is_moved_tells_whom_it_finds_and_can_be_used():
    page, plan = drawn(POSTS, "Who is missed"), result(POSTS).plan
    assert page.button(key="use_threshold").disabled
    page.select_slider(key="test:threshold:0.75").set_value(1.0).run()
    assert crowd(flagged_at(plan, 1.0), plan.scenario).takeaway in said(page)
    assert "250 of 250 banned posts are flagged; 750 of 750 allowed posts are flagged needlessly." in said(page)
    page.button(key="use_threshold").click().run()
    assert page.session_state["test:dial"] == 1.0


def test_the_threshold_counts_what_it_flags_and_the_cases_that_come_to_each_team():
    """At 0.75 the model flags 187.5 of 250 banned posts and no other; at 1 it flags all. Moderators take the banned ones down.

    Of 360 posts an hour two moderators read 120, a third. All 90 banned ones an hour bring 9 appeals, and the team decides 24.
    """
    page = drawn("appeals", "Who is missed")
    assert "188 of 250 banned posts are flagged and 62 are not; 0 of 750 allowed posts are flagged needlessly" in said(page)
    assert "Moderators can keep up while at most 33.3% are flagged. Appeals team can keep up even if all are flagged." in said(
        page
    )
    assert "Moderators cannot keep up" in said(page)
    assert [shape["y0"] for shape in shapes(page) if shape["type"] == "rect"] == [pytest.approx(100 / 3)]
    page.select_slider(key="test:threshold:0.75").set_value(1.0).run()
    assert "750 of 750 allowed posts are flagged needlessly. That is more than Moderators can keep up with." in said(page)
    assert "taken down needlessly" not in said(page)
    assert result("appeals").plan.scenario.metrics["specificity"].label == "Allowed posts not taken down"
    assert result("appeals").metrics["specificity"].value == 1
