"""A choice of a session is changed from where the log has it, and not from where a run of the script saw it."""

import streamlit

from simulator.app.live_session import LiveSession
from simulator.app.store.session_log import SessionLog
from simulator.case.load import load
from simulator.engine.compiled_plan import case_hash
from simulator.practice.phase_panels import _picked
from simulator.session.session_events import PickChanged


def test_a_further_step_of_a_slider_is_a_change_where_its_callback_has_the_state_before_the_last_step(tmp_path, monkeypatch):
    case = load("retry-storm")
    log = SessionLog(f"sqlite:///{tmp_path / 'kept.db'}")
    session = log.begin("", case.id, case.version, case_hash(case)).id
    overtaken = LiveSession(log, case, session)
    LiveSession(log, case, session).take("candidate", PickChanged(choice="replicas", before=2, after=3))
    state = {"session:pick:replicas": 4}
    monkeypatch.setattr(streamlit, "session_state", state)
    _picked(overtaken, "replicas")
    assert "fault" not in state
    assert LiveSession(log, case, session).state.picks(case)["replicas"] == 4
