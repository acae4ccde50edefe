"""Curveballs beside the Run button: armed, moved, disarmed, put back; named on the result; the calm run beside it."""

from types import SimpleNamespace

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from simulator.app.jobs import BESIDE, Watcher
from simulator.case.load import case_files, load
from simulator.engine.compiled_plan import without_curveballs
from simulator.engine.plan import compile_plan
from simulator.metrics.resampled_labels import threshold_checks
from simulator.practice import side_panel as curveballs
from tests.case.texts import WORDS, without
from tests.patience import PATIENCE_S

HALF = 24 * 3600.0


def script(case):
    import streamlit as st

    from simulator.case.load import load
    from simulator.practice import side_panel as curveballs

    curveballs.fire(load(case))
    st.session_state["told"] = curveballs.armed_in(load(case))


def opened(case="skin-cancer-triage", **state):
    page = AppTest.from_function(script, kwargs={"case": case}, default_timeout=PATIENCE_S)
    for name, value in state.items():
        page.session_state[f"{case}:{name}"] = value
    return page.run()


def said(page):
    return "\n".join(element.value for element in page.caption).replace("\\", "")


def test_each_curveball_of_the_case_has_a_button_and_nothing_is_armed_at_first():
    page = opened()
    assert [button.label for button in page.button] == [
        "Fire: The news again",
        "Fire: Half of the machines are gone",
        "Fire: A new phone model",
        "Fire: Half of the readers are ill",
    ]
    assert page.session_state["told"] == {}
    assert "halfway through the photos: 20:00 (24.0 h into the run)" in said(page)


def test_fired_at_once_it_strikes_halfway_and_the_page_says_up_to_when_the_run_is_the_calm_one():
    page = opened()
    page.button[0].click().run()
    assert page.session_state["told"] == {"news": HALF}
    assert page.button[0].label == "Disarm: The news again"
    assert "Until 20:00 (24.0 h into the run), this is the calm run, photo for photo." in said(page)


def test_several_are_armed_at_times_of_their_own_moved_and_disarmed():
    page = opened(strikes={"news": 3600.0, "half_the_zone": HALF})
    page.select_slider(key="skin-cancer-triage:when:news").set_value(16 * 3600.0).run()
    assert page.session_state["told"] == {"news": 16 * 3600.0, "half_the_zone": HALF}
    assert "Until 12:00 (16.0 h into the run)" in said(page)
    page.button[0].click().run()
    assert page.session_state["told"] == {"half_the_zone": HALF}


def test_a_time_that_was_picked_before_is_that_of_the_strike():
    page = opened()
    page.select_slider(key="skin-cancer-triage:when:news").set_value(900.0).run()
    assert page.session_state["told"] == {}
    page.button[0].click().run()
    assert page.session_state["told"] == {"news": 900.0}


def test_a_time_from_elsewhere_that_no_step_has_is_kept():
    page = opened(strikes={"news": 57_601.5})
    assert page.session_state["told"] == {"news": 57_601.5}
    assert page.select_slider(key="skin-cancer-triage:when:news").value == 57_601.5


def test_a_short_run_is_told_to_the_second():
    page = opened("retry-storm")
    page.button[0].click().run()
    assert page.session_state["told"] == {"lost_replica": pytest.approx(180, abs=0.1)}
    assert "20:03:00 (3.00 min into the run)" in said(page)


class Registry:
    """Notes what is asked of it."""

    def __init__(self):
        self.asked, self.dropped = [], []

    def live(self, watcher, plan, seed, replications, urgency):
        self.asked.append((plan, seed, replications, urgency))
        return SimpleNamespace(plan=plan)

    def drop(self, watcher):
        self.dropped.append(watcher)


@pytest.fixture
def registry(monkeypatch):
    made = Registry()
    monkeypatch.setattr(curveballs, "registry", lambda: made)
    monkeypatch.setattr(curveballs, "watcher", lambda what: Watcher("me", what))
    return made


def job(strikes):
    plan = compile_plan(load("retry-storm"), {"replicas": 4}, strikes)
    return SimpleNamespace(id="job", plan=plan, seed=7, planned=5, succeeded=False, cancelled=False)


def test_the_calm_run_of_a_struck_one_is_watched_beside_it(registry):
    struck = job({"second_rush": 300.0})
    twin = curveballs.calm_of(struck)
    assert registry.asked == [(without_curveballs(struck.plan), 7, 5, BESIDE)]
    assert twin.plan.identity == compile_plan(load("retry-storm"), {"replicas": 4}).identity


def test_a_run_that_nothing_strikes_has_no_twin(registry):
    assert curveballs.calm_of(job({})) is None
    assert registry.dropped == [Watcher("me", ":calm")]
    assert registry.asked == []


def banner_of(monkeypatch, strikes, shown=None):
    told = []
    monkeypatch.setattr(st, "info", told.append)
    curveballs.banner(SimpleNamespace(plan=compile_plan(load("skin-cancer-triage"), {}, strikes), shown=shown))
    return [text.replace("\\", "") for text in told]


def test_the_banner_names_what_strikes_when_for_how_long_and_what_it_does(monkeypatch):
    [text] = banner_of(monkeypatch, {"news": 57_600.0, "readers_away": HALF})
    assert "“The news again” struck at 12:00 (16.0 h into the run) and lasted 60.0 min: three times the usual number" in text
    lasted = "struck at 20:00 (24.0 h into the run) and lasted to the end of the run: half of each shift"
    assert f"“Half of the readers are ill” {lasted}" in text
    assert text.endswith("Until 12:00 (16.0 h into the run), this is the calm run, photo for photo.")


def test_the_banner_tells_a_promise_that_no_longer_holds(monkeypatch):
    kept = threshold_checks(compile_plan(load("skin-cancer-triage"), {}, {"another_phone": HALF}))
    [text] = banner_of(monkeypatch, {"another_phone": HALF}, SimpleNamespace(thresholds=kept))
    assert text.count("That is no longer true once “A new phone model” has struck") == 2


def test_nothing_is_announced_where_nothing_strikes(monkeypatch):
    assert banner_of(monkeypatch, {}) == []


def test_a_suggested_time_is_offered_in_the_place_of_halfway(tmp_path):
    file = tmp_path / "skin-cancer-triage.yaml"
    text = without(case_files()["skin-cancer-triage"].read_text(encoding="utf-8"), *WORDS)
    file.write_text(
        text.replace("    times: 3\n    lasts_s: 3600\n", "    times: 3\n    suggested_at_s: 7200\n"), encoding="utf-8"
    )
    page = opened(str(file))
    assert "at its time in the case, or halfway through the photos" in said(page)
    assert page.session_state["told"] == {}
    page.button[0].click().run()
    assert page.session_state["told"] == {"news": 7200.0}
