"""A request runs its callbacks to their end; a fragment is sent whole; a step of the history is taken; a download is kept."""

import pytest
from streamlit.proto.ClientState_pb2 import ClientState
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.runtime.app_session import AppSession
from streamlit.runtime.forward_msg_queue import ForwardMsgQueue
from streamlit.runtime.fragment import MemoryFragmentStorage
from streamlit.runtime.media_file_manager import MediaFileManager
from streamlit.runtime.media_file_storage import MediaFileStorageError
from streamlit.runtime.memory_media_file_storage import MemoryMediaFileStorage
from streamlit.runtime.state.safe_session_state import SafeSessionState

from simulator.serving.streamlit_repairs import keep_downloads, run_callbacks_whole, send_fragments_whole, take_history_steps


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


class AskedPage:
    """A visitor's page that lists what it was asked for."""

    def __init__(self):
        self.asked = []

    def request_rerun(self, request):
        self.asked.append(request.page_script_hash)


def request(page, url, **fields):
    asked = ClientState(page_script_hash=page, **fields)
    asked.context_info.url = url
    return asked


def pressed(page, url):
    """A request that a pressed button sends."""
    asked = request(page, url)
    asked.widget_states.widgets.add(id="run", trigger_value=True)
    return asked


@pytest.mark.parametrize(
    ("later", "asked"),
    [
        (pressed("old", "/new"), []),
        (request("old", "/new", fragment_id="part"), []),
        (pressed("new", "/new"), ["new"]),
        (request("old", "/new"), ["old"]),  # a link of the bar
        (pressed("old", "/old"), ["old"]),  # the server has sent the browser on to a page of another address
        (request("old", "/old", is_history_navigation=True), ["old"]),
    ],
)
def test_a_page_that_a_step_of_the_history_has_left_is_heard_no_more(monkeypatch, later, asked):
    monkeypatch.setattr(AppSession, "_handle_rerun_script_request", AppSession._handle_rerun_script_request)
    take_history_steps()
    take_history_steps()
    page = AskedPage()
    AppSession._handle_rerun_script_request(page, request("new", "/new", is_history_navigation=True))
    AppSession._handle_rerun_script_request(page, later)
    assert page.asked == ["new", *asked]
    AppSession._handle_rerun_script_request(page, pressed("new", "/new"))
    AppSession._handle_rerun_script_request(page, pressed("other", "/new"))
    assert page.asked[-2:] == ["new", "other"]


class Drawings:
    """A page with a download button, drawn again and again; clock: the time (s)."""

    def __init__(self, monkeypatch):
        self.clock = 0.0
        monkeypatch.setattr("simulator.serving.streamlit_repairs.monotonic", lambda: self.clock)
        monkeypatch.setattr("streamlit.runtime.media_file_manager._get_session_id", lambda: "visitor")
        self.storage = MemoryMediaFileStorage("/media")
        self.files = MediaFileManager(self.storage)

    def draw(self):
        """Draw the button; return the id of its download."""
        self.files.clear_session_refs("visitor")
        name = self.files.add_deferred(lambda: b"log", "text/plain", "1.0", element_id="log")
        self.files.remove_orphaned_files()
        return name

    def press(self, name):
        """Make the file of a download; return its id."""
        return self.files.execute_deferred(name).rpartition("/")[2].partition(".")[0]

    def holds(self, file):
        return self.files.read_file(file) is not None


def test_a_download_can_be_had_while_its_button_is_drawn_anew(monkeypatch):
    monkeypatch.setattr(MediaFileManager, "remove_orphaned_files", MediaFileManager.remove_orphaned_files)
    page = Drawings(monkeypatch)
    before, _ = page.draw(), page.draw()
    with pytest.raises(MediaFileStorageError):
        page.press(before)  # Streamlit's own way: "Failed to generate file for download"
    file = page.press(page.draw())
    page.draw(), page.draw()
    assert not page.holds(file)

    keep_downloads()
    keep_downloads()
    page = Drawings(monkeypatch)
    before = page.draw()
    page.draw()
    file = page.press(before)
    page.clock = 9.0
    page.draw(), page.draw()
    assert page.holds(file)
    page.press(before)
    page.clock = 20.0
    last = page.draw()
    with pytest.raises(MediaFileStorageError):
        page.press(before)
    assert not page.holds(file)
    assert page.holds(page.press(last))


def test_a_picture_that_no_page_shows_is_forgotten_at_once(monkeypatch):
    monkeypatch.setattr(MediaFileManager, "remove_orphaned_files", MediaFileManager.remove_orphaned_files)
    keep_downloads()
    page = Drawings(monkeypatch)
    picture = page.files.add(b"picture", "image/png", "2.0").rpartition("/")[2].partition(".")[0]
    page.files.remove_orphaned_files()
    assert page.holds(picture)
    page.draw()
    assert not page.holds(picture)
