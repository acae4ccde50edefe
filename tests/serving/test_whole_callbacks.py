"""A request's callbacks run to their end, though the next request is there already."""

import pytest
from streamlit.runtime.state.safe_session_state import SafeSessionState

from simulator.serving.whole_callbacks import run_callbacks_whole


class NextRequestError(Exception):
    """Ends the request at work, as Streamlit does."""


def look():
    raise NextRequestError


class Pressed(dict):
    """The state of a session in which a button was pressed: its callback reads a word, then takes the press."""

    taken: str = ""

    def on_script_will_rerun(self, *states, **further):
        self.taken = self.safe["word"]


def test_a_press_is_taken_though_the_next_one_is_there(monkeypatch):
    monkeypatch.setattr(SafeSessionState, "on_script_will_rerun", SafeSessionState.on_script_will_rerun)
    session = Pressed(word="why")
    session.safe = SafeSessionState(session, look)
    with pytest.raises(NextRequestError):
        session.safe.on_script_will_rerun(None)
    assert not session.taken  # Streamlit's own way: the press is lost

    run_callbacks_whole()
    run_callbacks_whole()
    session.safe.on_script_will_rerun(None)
    assert session.taken == "why"
    with pytest.raises(NextRequestError):
        session.safe["word"]
