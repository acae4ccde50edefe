"""The practice page: choices, verdicts, why, and what else there is to see."""

import os
import signal
from pathlib import Path
from time import monotonic, sleep
from urllib.parse import parse_qs

import pytest
import streamlit as st

from simulator.app.exhibit_drawings import drawings
from simulator.app.jobs import Watcher, registry
from simulator.app.widgets import _loaded as scenario_cache
from simulator.case.exhibits import EXHIBITS, Exhibit
from simulator.case.load import find, load, loads
from simulator.engine.plan import compile_plan
from simulator.evidence.projection import latency
from simulator.explain.result import replicate
from simulator.practice.exhibit_panels import panels
from tests.effort import quarter
from tests.pages.conftest import chips, jumps, runs, said, settled, told
from tests.patience import PATIENCE_S

SKIN, STORM = "skin-cancer-triage", "retry-storm"


def shows(page, panel, case=SKIN):
    page.session_state["tab"] = panel
    return page.run()


def charts(page):
    return [element.proto for element in page.get("plotly_chart")]


def tables(page):
    return [popover for popover in page.get("popover") if popover.proto.popover.label == "As a table"]


def test_the_default_design_runs_by_itself_and_says_what_is_not_met_and_why(default_design):
    page = default_design(SKIN)
    assert not page.exception
    found = chips(page)
    assert list(found) == [objective.label for objective in load(SKIN).objectives]
    assert {chip["words"] for chip in found.values()} <= {"met", "not met", "not proven"}
    unmet = [label for label, chip in found.items() if chip["words"] != "met"]
    assert "Cancers found" in unmet
    assert all(f"**{label}**" in told(page) for label in unmet)
    assert "“Threshold” decides" in told(page)


def test_a_changed_choice_runs_by_itself_and_is_compared_with_the_run_before(practice):
    page = settled(practice())
    before = chips(page)["Cancers found"]["value"]
    page.select_slider(key=f"{SKIN}:operating_point").set_value(1.0).run()
    settled(page)
    assert chips(page)["Cancers found"]["value"] != before
    assert "Compared with the run before" in told(page)
    assert page.query_params["operating_point"] == ["1.0"] or page.query_params["operating_point"] == "1"


@pytest.mark.long
def test_with_live_off_only_the_button_runs_a_design_and_old_verdicts_are_dimmed_until_then(practice):
    page = settled(practice(case=STORM))
    page.toggle(key=f"{STORM}:live").set_value(False).run()
    page.run()  # the driver keeps nothing but the fragments that were drawn last
    page.slider(key=f"{STORM}:replicas").set_value(3).run()
    page.run()
    assert not runs(page)
    assert "Run the design" in told(page)
    page.button(key="run_button").click().run()
    settled(page)
    assert "Run the design" not in told(page)


def test_the_page_and_the_library_give_the_same_run(practice):
    page = settled(practice(case=STORM, replicas="3", seed="5"))
    summary = replicate(compile_plan(load(STORM), {"replicas": 3}), seed=5, replications=2)
    assert f"run hash {summary.run_hash}" in told(page)


def test_the_link_to_the_trade_offs_names_the_design_and_follows_its_changes(practice):
    def linked(page):
        (link,) = (link.proto for link in page.get("page_link") if link.proto.page.startswith("trade"))
        return {name: values for name, values in parse_qs(link.query_string).items() if name != "version"}

    page = practice(case=STORM, queue="short", seed="3")
    assert linked(page) == {"case": [STORM], "queue": ["short"], "seed": ["3"]}
    page.slider(key=f"{STORM}:replicas").set_value(3).run()
    assert linked(page) == {"case": [STORM], "queue": ["short"], "replicas": ["3"], "seed": ["3"]}


@pytest.mark.long
def test_the_address_of_one_case_carries_nothing_of_another(practice):
    page = settled(practice(case=STORM, replicas="3"))
    page.query_params.clear()
    page.query_params["case"] = SKIN
    page.query_params["replications"] = "2"
    settled(page.run())
    assert page.slider(key=f"{SKIN}:replicas").value == 2
    assert "replicas" not in page.query_params
    assert "retries" not in page.query_params


@pytest.mark.parametrize("case", quarter([SKIN, STORM]))
def test_every_panel_draws_charts_that_say_their_takeaway_and_have_a_table(default_design, case):
    page = default_design(case)
    for panel in panels(load(case)):
        shows(page, panel, case)
        assert not page.exception, panel
        assert jumps(page) == [], panel
        assert panel == "Debrief" or case == STORM or charts(page), panel
        assert all(chart.alt for chart in charts(page)), panel
        assert len(tables(page)) >= len(charts(page)), panel
        clinic = [word for word in ("patient", "cancer", "healthy") if word in told(page)]
        assert case == SKIN or panel == "Debrief" or not clinic, (panel, clinic)


def test_before_the_first_run_and_after_it_the_page_says_how_far_to_trust_the_figures(default_design):
    page = shows(default_design(SKIN), "What it rests on")
    assert "Trust in this result:" in told(page)
    assert ":blue-badge[measured]" in told(page)
    assert ":orange-badge[assumed]" in told(page)
    shows(page, "Debrief")
    assert load(SKIN).debrief[0].title in told(page)


def test_projected_hardware_says_so_in_its_option_its_badge_and_with_its_band(practice):
    page = practice(hardware="t4")
    shows(settled(page), "What it rests on")
    band = latency("efficientnet_lite0", "fp32", 1, "nvidia-t4")
    shown = f"{1000 * band.value:.3g} ms ({1000 * band.low:.3g} to {1000 * band.high:.3g})"
    assert "NVIDIA T4 (projected)" in page.selectbox(key=f"{SKIN}:hardware").options
    assert shown in told(page)
    assert ":violet-badge[projected]" in told(page)


def test_what_an_address_gets_wrong_is_said_and_left_at_its_default(practice):
    page = practice(replicas="999", precision="fp64", seed="-1", case="no-such-case")
    assert not page.exception
    assert "There is no case" in told(page)
    assert page.slider(key=f"{SKIN}:replicas").value == 2
    assert page.selectbox(key=f"{SKIN}:precision").value == "fp32"
    assert page.number_input(key=f"{SKIN}:seed").value == 1
    wrong = told(page)
    assert all(name in wrong for name in ("replicas=999", "precision=fp64", "seed=-1"))


def test_an_address_cannot_bring_a_picture_along(practice):
    page = practice(case="![x](http://example.com/x.png)")
    assert "![" not in said(page)


def test_a_curveball_is_named_and_held_against_the_calm_run(practice):
    page = settled(practice(strike="another_phone@1440"))
    assert "A new phone model" in told(page)
    for _ in range(50):
        if "calm" in chips(page)["Cancers found"]["asked"]:
            break
        page.run()
    assert "calm" in chips(page)["Cancers found"]["asked"]
    assert page.query_params["strike"] in ("another_phone@86400s", ["another_phone@86400s"])


def test_the_panels_of_a_case_answer_its_questions_in_order(practice):
    asked = ["Overload", "Design", *panels(load(STORM)), "Try each lever", "Runs"]
    assert [tab.label for tab in practice(case=STORM).tabs] == asked


@pytest.mark.long
def test_an_exhibit_from_outside_appears_on_the_page_of_a_case_that_names_it(practice, monkeypatch):
    monkeypatch.setitem(EXHIBITS, "hello", Exhibit("A greeting", "costs"))
    monkeypatch.setitem(drawings().panels, "hello", lambda result: st.markdown(f"Hello, {result.requests:,} requests."))
    text = Path(find(STORM)).read_text(encoding="utf-8").replace("exhibits: [overload,", "exhibits: [hello, overload,")
    monkeypatch.setattr("simulator.app.widgets.load", lambda case: loads(text))
    scenario_cache.cache_clear()
    page = shows(settled(practice(case=STORM)), "What it costs", STORM)
    assert not page.exception
    assert "Hello, " in told(page)
    scenario_cache.cache_clear()


def running(practice, **address):
    """The page while a long run goes on."""
    page = practice(case=STORM, **({"replications": "300", "seed": "77"} | address))
    assert runs(page)
    return page


def until(true):
    deadline = monotonic() + PATIENCE_S
    while not true():
        assert monotonic() < deadline
        sleep(0.2)


def at_work():
    """The runs that the processes are at."""
    return {task.behalf.run for task in registry().workers._turns._under_way}


def busy_processes():
    """The number of the process at each place that works; a place without one has only just been given work."""
    workers = registry().workers
    executors = {place: workers._executors.get(place) for place in set(workers._busy)}
    return {place: pid for place, executor in executors.items() if executor for pid in executor._processes or {}}


def cancels(page):
    """Do what the bar's button does: the driver cannot press a button of a component."""
    shown = page.session_state[f"{STORM}:runs_shown"]
    shown.cancelled = shown.live
    registry().drop(Watcher(page.session_state["person"], page.session_state["tab"]), shown.live)
    return page.run()


@pytest.mark.long
def test_to_cancel_ends_ones_own_run_until_it_is_run_again_and_leaves_it_to_others(practice, processes):
    mine, theirs = running(practice), running(practice)
    cancels(mine)
    assert not runs(mine)
    assert "The run was cancelled" in told(mine)
    assert runs(theirs.run())
    assert "The run was cancelled" not in told(theirs)
    mine.button(key="run_button").click().run()
    assert runs(mine.run())
    cancels(mine)
    cancels(theirs)
    assert "The run was cancelled" in told(theirs)


@pytest.mark.long
def test_a_run_whose_process_is_killed_begins_again_by_itself_and_the_page_says_so(practice, processes):
    page = running(practice, seed="78")
    [run] = {job.id for job in registry()._jobs.values() if job.seed == 78}
    until(lambda: at_work() == {run} and busy_processes())  # what the first page asked for is done
    place, pid = busy_processes().popitem()
    os.kill(pid, signal.SIGSTOP)  # it ends no work any more
    until(lambda: busy_processes().get(place) == pid)  # if it had just ended some, it has been given more
    os.kill(pid, signal.SIGKILL)
    until(lambda: "its replications were restarted" in told(page.run()))
    assert not page.exception
    assert not page.error
    cancels(page)
