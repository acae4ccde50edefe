"""The practice page: from picks to a verdict."""

from pathlib import Path

import pytest
import streamlit as st

from simulator import compile_plan, load
from simulator.analysis.run.replicate import replicate
from simulator.evidence.projection import latency
from simulator.scenario.exhibits import EXHIBITS, Exhibit
from simulator.scenario.load import find, loads
from simulator.ui.exhibits import DRAWN
from tests.pages.conftest import run_design, said


def test_before_a_run_the_page_says_what_is_asked(practice):
    page = practice()
    assert not page.exception
    assert "at least 99.0%" in said(page)
    assert not page.metric
    assert "The most loaded stage is Dermatologists" in said(page)


def test_the_diagram_follows_the_picks_without_a_run(practice):
    page = practice()
    page.slider(key="dermatologists").set_value(4).run()
    assert "no steady state" in said(page)
    assert not page.metric


def test_a_run_gives_a_verdict_and_other_picks_another(practice):
    page = run_design(practice())
    assert not page.exception
    first, told = page.metric[0].value, said(page)
    assert "Compared with the run before" not in told

    page.select_slider(key="operating_point").set_value(1.0).run()
    assert "Changed since this run: Operating point" in said(page)
    run_design(page)
    assert page.metric[0].value != first
    assert "Compared with the run before" in said(page)
    assert "Changed since this run" not in said(page)


def test_a_run_on_other_evidence_is_said_to_be_another(practice, monkeypatch):
    page = run_design(practice())
    monkeypatch.setattr("simulator.serving.plan.content_hash", lambda path: "measured anew")
    page.run()
    assert "Changed since this run: the evidence" in said(page)


def test_the_page_and_the_library_give_the_same_run(practice):
    page = run_design(practice(replicas="3", seed="5"))
    summary = replicate(compile_plan(load("skin-cancer-triage"), {"replicas": 3}), seed=5, replications=2)
    assert f"run hash {summary.run_hash}" in said(page)


def test_a_page_that_is_loaded_again_finds_the_run(practice):
    page = run_design(practice(seed="6"))
    again = practice(seed="6", run=page.query_params["run"])
    assert again.metric[0].value == page.metric[0].value


def charts(page):
    return [element.proto for element in page.get("plotly_chart")]


def tables(page):
    return [popover for popover in page.get("popover") if popover.proto.popover.label == "As a table"]


@pytest.mark.parametrize("name", load("skin-cancer-triage").exhibits)
def test_every_exhibit_draws_charts_that_say_their_takeaway_and_have_a_table(practice, name):
    page = run_design(practice())
    charts_before, tables_before = len(charts(page)), len(tables(page))
    page.session_state["panel"] = EXHIBITS[name].label
    page.run()
    assert not page.exception
    assert len(charts(page)) > charts_before
    assert all(chart.alt for chart in charts(page))
    assert len(tables(page)) - tables_before == len(charts(page)) - charts_before


def test_a_result_blames_no_stage_for_what_it_does_not_decide_and_says_how_far_to_trust_it(practice):
    page = run_design(practice())
    assert "The bottleneck is" not in said(page)
    assert "27 of 32 figures are assumed" in said(page)


def test_a_request_can_be_followed_to_its_answer_and_to_the_end(practice):
    page = run_design(practice())
    page.session_state["panel"] = "One request"
    page.run()
    assert "for the p99 request; Upload took" in said(page)
    page.radio(key="until").set_value("end").run()
    page.radio(key="percentile").set_value(1.0).run()
    assert not page.exception
    assert "for the slowest request; Dermatologists took" in said(page)


def test_sources_wear_their_badges_and_lessons_come_after_a_run(practice):
    page = run_design(practice())
    page.session_state["panel"] = "Numbers and sources"
    page.run()
    assert ":blue-badge[measured]" in said(page)
    assert ":orange-badge[assumed]" in said(page)
    page.session_state["panel"] = "Debrief"
    page.run()
    assert load("skin-cancer-triage").debrief[0].title in said(page)


def test_projected_hardware_says_so_in_its_option_its_badge_its_notes_and_with_its_band(practice):
    page = practice()
    page.selectbox(key="hardware").set_value("t4").run()
    run_design(page)
    band = latency("efficientnet_lite0", "fp32", 1, "nvidia-t4")
    shown = f"{1000 * band.value:.3g} ms ({1000 * band.low:.3g} to {1000 * band.high:.3g})"
    assert "NVIDIA T4 (projected)" in page.selectbox(key="hardware").options
    assert f"its latency is projected, {shown}" in said(page)
    page.session_state["panel"] = "Numbers and sources"
    page.run()
    assert ":violet-badge[projected]" in said(page)


def test_what_an_address_gets_wrong_is_said_and_left_at_its_default(practice):
    page = practice(replicas="999", precision="fp64", seed="-1", case="no-such-case")
    assert not page.exception
    assert "no such option" in said(page)
    assert page.slider(key="replicas").value == 2
    assert page.selectbox(key="precision").value == "fp32"
    assert page.number_input(key="seed").value == 1
    assert "There is no case" in said(page)


def test_an_address_cannot_bring_a_picture_along(practice):
    page = practice(case="![x](http://example.com/x.png)")
    assert "![" not in said(page)


STORM_PANELS = ("Overload", "Outcomes", "Machines", "One request", "Cost", "Numbers and sources", "Debrief")


@pytest.mark.parametrize("panel", STORM_PANELS)
def test_every_panel_of_a_case_with_retries_draws(practice, panel):
    page = run_design(practice(case="retry-storm"))
    page.session_state["panel"] = panel
    page.run()
    assert not page.exception
    if panel == "Overload":
        assert "the service does not recover within the run: the surge ended at 90 s" in said(page)


def test_a_page_has_the_exhibits_that_its_case_names_in_that_order(practice):
    assert [tab.label for tab in practice(case="retry-storm").tabs] == [
        "Design",
        "Overload",
        "Outcomes",
        "Answer times",
        "Machines",
        "One request",
        "Cost",
        "Numbers and sources",
        "Debrief",
    ]


def test_an_exhibit_from_outside_appears_on_the_page_of_a_case_that_names_it(practice, monkeypatch):
    monkeypatch.setitem(EXHIBITS, "hello", Exhibit("A greeting"))
    monkeypatch.setitem(DRAWN, "hello", lambda summary: st.markdown(f"Hello, {summary.requests:,} requests."))
    text = Path(find("retry-storm")).read_text(encoding="utf-8").replace("exhibits: [overload,", "exhibits: [hello, overload,")
    monkeypatch.setattr("simulator.ui.widgets.load", lambda case: loads(text))
    st.cache_resource.clear()
    page = run_design(practice(case="retry-storm"))
    assert [tab.label for tab in page.tabs][:3] == ["Design", "A greeting", "Overload"]
    page.session_state["panel"] = "A greeting"
    page.run()
    assert not page.exception
    assert "Hello, " in said(page)
    st.cache_resource.clear()


def test_each_exhibit_that_a_case_may_name_can_be_drawn_under_a_title_of_its_own():
    assert DRAWN.keys() == EXHIBITS.keys()
    titles = [exhibit.label for exhibit in EXHIBITS.values()] + ["Design", "Numbers and sources", "Debrief"]
    assert len(set(titles)) == len(titles)
