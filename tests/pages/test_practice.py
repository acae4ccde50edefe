"""The practice page: from picks to a verdict."""

import pytest

from simulator import compile_plan, load
from simulator.analysis.run.replicate import replicate
from simulator.evidence.projection import latency
from tests.pages.conftest import run_design, said


def test_before_a_run_the_page_says_what_is_asked(practice):
    page = practice()
    assert not page.exception
    assert "at least 99.0%" in said(page)
    assert not page.metric
    assert "The tightest stage is Dermatologists" in said(page)


def test_the_diagram_follows_the_picks_without_a_run(practice):
    page = practice()
    page.slider(key="dermatologists").set_value(4).run()
    assert "no steady state" in said(page)
    assert not page.metric


def test_a_run_gives_a_verdict_and_other_picks_another(practice):
    page = run_design(practice())
    assert not page.exception
    first, told = page.metric[0].value, said(page)
    assert "Against the run before" not in told

    page.select_slider(key="operating_point").set_value(1.0).run()
    assert "Changed since this run: Operating point" in said(page)
    run_design(page)
    assert page.metric[0].value != first
    assert "Against the run before" in said(page)
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


@pytest.mark.parametrize("panel", ["Patients", "Answer times", "Machines", "One request", "Reviewers", "Threshold", "Cost"])
def test_every_panel_draws(practice, panel):
    page = run_design(practice())
    before = len(page.get("plotly_chart"))
    page.session_state["panel"] = panel
    page.run()
    assert not page.exception
    assert len(page.get("plotly_chart")) > before


def test_a_result_names_its_bottleneck_and_says_how_far_to_trust_it(practice):
    page = run_design(practice())
    assert "The bottleneck is Dermatologists" in said(page)
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


STORM_PANELS = ("Retries", "Patients", "Machines", "One request", "Cost", "Numbers and sources", "Debrief")


@pytest.mark.parametrize("panel", STORM_PANELS)
def test_every_panel_of_a_case_with_retries_draws(practice, panel):
    page = run_design(practice(case="retry-storm"))
    page.session_state["panel"] = panel
    page.run()
    assert not page.exception
    if panel == "Retries":
        assert "that does not end within the run: the rush was over at 90 s" in said(page)


def test_a_case_has_the_panels_that_it_has_something_to_show_in(practice):
    storm, skin = ({tab.label for tab in practice(case=case).tabs} for case in ("retry-storm", "skin-cancer-triage"))
    assert storm - skin == {"Retries"}
    assert skin - storm == {"Reviewers", "Threshold", "A threshold does not travel"}
