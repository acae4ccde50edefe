"""A request's callbacks run to their end, though the next request is there already; a fragment is sent whole."""

import pytest
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.runtime.app_session import AppSession
from streamlit.runtime.forward_msg_queue import ForwardMsgQueue
from streamlit.runtime.fragment import MemoryFragmentStorage
from streamlit.runtime.state.safe_session_state import SafeSessionState

from simulator.serving.streamlit_repairs import run_callbacks_whole, send_fragments_whole


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


def drawn(fragment, *path):
    """A message that draws a text at a path, from a fragment."""
    message = ForwardMsg()
    message.metadata.delta_path[:] = path
    message.delta.fragment_id = fragment
    message.delta.new_element.text.body = fragment
    return message


class WaitingPage:
    """A page whose drawings wait: a fragment's text, those of the fragments inside behind it, and another fragment's."""

    def __init__(self):
        self._fragment_storage = MemoryFragmentStorage()
        self._browser_queue = ForwardMsgQueue()
        for fragment, outer in (("outer", None), ("inside", "outer"), ("deepest", "inside"), ("beside", None)):
            self._fragment_storage.register(fragment, lambda: None, parent_fragment_id=outer)
        for message in drawn("outer", 0, 4), drawn("inside", 0, 5), drawn("deepest", 0, 6), drawn("beside", 1, 0):
            self._browser_queue.enqueue(message)

    def waiting(self):
        return [message.delta.fragment_id for message in self._browser_queue._queue]


def test_no_element_waits_without_those_before_it(monkeypatch):
    monkeypatch.setattr(AppSession, "_clear_queue", AppSession._clear_queue)
    page = WaitingPage()
    AppSession._clear_queue(page, ["outer"])
    assert page.waiting() == ["inside", "deepest", "beside"]  # Streamlit's own way: places 5 and 6 without place 4

    send_fragments_whole()
    send_fragments_whole()
    page = WaitingPage()
    AppSession._clear_queue(page, ["outer"])
    assert page.waiting() == ["beside"]
    page = WaitingPage()
    AppSession._clear_queue(page, ["inside"])
    assert page.waiting() == ["outer", "beside"]
    AppSession._clear_queue(page, None)
    assert page.waiting() == []
