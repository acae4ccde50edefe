"""The address is read when a case is opened and after a step back or forward, and written after every change."""

import pytest
import streamlit as st
from streamlit.runtime.state.query_params import QueryParams
from streamlit.testing.v1 import AppTest

from simulator.app import design_state as address
from simulator.app.design_state import key
from simulator.app.live_session import LiveSession
from simulator.app.own_sessions import session_log
from simulator.case.designs import apply
from simulator.case.load import load
from simulator.engine.compiled_plan import Plan, case_hash
from tests.patience import PATIENCE_S

CASE = "skin-cancer-triage"


@pytest.fixture(scope="module")
def scenario():
    return load(CASE)


@pytest.fixture
def sessions():
    """The log of sessions in the database of this test."""
    session_log.cache_clear()
    yield session_log()
    session_log.cache_clear()


def page():
    import streamlit as st

    from simulator.app import design_state as shown

    scenario, plan = st.session_state["scenario"], st.session_state["plan"]
    st.warning("\n".join(shown.arrive(scenario)) or "nothing")
    if plan is not None:
        shown.write(plan, st.session_state[f"{scenario.id}:seed"], st.session_state[f"{scenario.id}:replications"])


def opened(scenario, plan=None, before=None, **query):
    """The page at an address, in a new session or in that of a page seen before."""
    seen = before or AppTest.from_function(page, default_timeout=PATIENCE_S)
    seen.session_state["scenario"], seen.session_state["plan"] = scenario, plan
    seen.query_params.clear()
    for name, value in query.items():
        seen.query_params[name] = value
    seen.run()
    assert not seen.exception, seen.exception[0].value
    return seen


def held(seen, *names):
    return {name: seen.session_state[key(CASE, name)] for name in names}


def plan(scenario, **picks):
    designed, design = apply(scenario, picks)
    return Plan(designed, design, "")


def test_a_design_is_read_when_the_case_is_opened(scenario):
    seen = opened(scenario, replicas="3", reading="cochrane", strike=["news@480"], seed="5")
    assert held(seen, "replicas", "reading", "seed") == {"replicas": 3, "reading": "cochrane", "seed": 5}
    assert held(seen, "strikes", "replications") == {"strikes": {"news": 28_800.0}, "replications": scenario.run.replications}
    assert seen.warning[0].value == "nothing"


def test_later_the_widgets_say_what_is_asked_until_a_step_back(scenario, monkeypatch):
    seen = opened(scenario, replicas="3")
    seen.session_state[key(CASE, "replicas")] = 6
    query = {"case": CASE, "replicas": "3"}  # what the browser still sends while a change is on its way
    assert held(opened(scenario, before=seen, **query), "replicas") == {"replicas": 6}
    monkeypatch.setattr(address, "_stepped", lambda: True)
    assert held(opened(scenario, before=seen), "replicas") == {"replicas": 6}  # as the menu opens the page: without a design
    assert held(opened(scenario, before=seen, **query), "replicas") == {"replicas": 3}


def test_a_link_to_a_design_is_followed_though_another_design_is_at_hand(scenario):
    seen = opened(scenario, replicas="3")
    seen.session_state[address.OPENED] = True  # the page was opened anew
    assert held(opened(scenario, before=seen, case=CASE), "replicas") == {"replicas": 3}  # the menu names no design
    seen.session_state[address.OPENED] = True
    linked = {"case": CASE, "version": str(scenario.version), "replicas": "5", "tab": "Runs"}
    assert held(opened(scenario, before=seen, **linked), "replicas") == {"replicas": 5}
    assert seen.warning[0].value == "nothing"  # the tab is no choice


def test_the_address_is_written_short_and_read_again(scenario):
    seen = opened(scenario, plan(scenario, replicas=3), replicas="3", colour="red")
    assert seen.query_params == {"case": CASE, "version": str(scenario.version), "replicas": "3"}


@pytest.mark.parametrize("more", [{"strike": "news@480"}, {}], ids=["on deleting", "on writing"])
def test_an_address_that_the_browser_has_not_heard_of_is_written_again(scenario, monkeypatch, more):
    """Streamlit interrupts a run where it sends a message, once the server's own address has changed."""
    seen = opened(scenario, replicas="3")
    sent, usual = [], QueryParams._send_query_param_msg
    with monkeypatch.context() as patched:
        patched.setattr(QueryParams, "_send_query_param_msg", lambda params: (usual(params), st.stop()))
        opened(scenario, plan(scenario, replicas=3), seen, case=CASE, replicas="5", **more)
    monkeypatch.setattr(QueryParams, "_send_query_param_msg", lambda params: (usual(params), sent.append(params.to_dict())))
    opened(scenario, plan(scenario, replicas=3), seen, case=CASE, version=str(scenario.version), replicas="3")
    assert sent[-1] == {"case": CASE, "version": str(scenario.version), "replicas": "3"}
    opened(scenario, plan(scenario, replicas=3), seen, case=CASE, version=str(scenario.version), replicas="3")
    assert len(sent) == 1  # heard: an address that names the design already is no new step


def test_complaints_stay_until_the_design_changes(scenario):
    seen = opened(scenario, plan(scenario), replicas="999")
    assert "replicas=999" in seen.warning[0].value
    assert "replicas=999" in opened(scenario, plan(scenario), seen).warning[0].value
    opened(scenario, plan(scenario, replicas=5), seen)
    assert opened(scenario, plan(scenario, replicas=5), seen).warning[0].value == "nothing"


def test_another_case_is_untouched(scenario):
    seen = AppTest.from_function(page, default_timeout=PATIENCE_S)
    seen.session_state[key("retry-storm", "replicas")] = 2
    opened(scenario, before=seen, replicas="3")
    assert seen.session_state[key("retry-storm", "replicas")] == 2


def session_page():
    import streamlit as st

    from simulator.app.design_state import step

    scenario = st.session_state["scenario"]
    pick = st.session_state["pick"]
    st.button("Step", on_click=step, args=(scenario, scenario.defaults(), "operating_point", pick))


def test_a_step_on_the_page_of_a_session_goes_into_the_session_and_leaves_the_design_of_explore(scenario, sessions):
    begun = sessions.begin("t" * 22, CASE, scenario.version, case_hash(scenario), seed=1, minutes=20, nudges=True)
    seen = AppTest.from_function(session_page, default_timeout=PATIENCE_S)
    seen.session_state["scenario"], seen.session_state["pick"] = scenario, 0.97
    seen.query_params["session"] = begun.id
    seen.run().button[0].click().run()
    assert not seen.exception
    assert LiveSession(sessions, scenario, begun.id).state.picks(scenario)["operating_point"] == 0.97
    assert key(CASE, "operating_point") not in seen.session_state
