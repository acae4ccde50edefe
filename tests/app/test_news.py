"""News: a line for each change of a state and none without one, whoever rings the bell, and no timer in the browser."""

import ast
import asyncio
import json
from itertools import count
from pathlib import Path
from time import monotonic
from types import SimpleNamespace

import anyio
import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient
from starlette.websockets import WebSocket, WebSocketDisconnect
from streamlit.errors import StreamlitAPIException
from streamlit.runtime.scriptrunner_utils.exceptions import RerunException
from streamlit.runtime.scriptrunner_utils.script_requests import RerunData, ScriptRequests

from simulator.app import news
from simulator.app.news import Feed, Latest, bell
from simulator.limits import STUDIO_BYTES
from simulator.paths import PAGES
from tests.loops import run

PACKAGE = Path(news.__file__).parents[1]


@pytest.fixture
def feeds(monkeypatch):
    """The states by their tokens; looks that no bell asks for are far apart, so that a line in time has had its bell."""
    monkeypatch.setattr(news, "SLOWEST_S", 60.0)
    monkeypatch.setattr(news, "_FEEDS", kept := {})
    return kept


@pytest.fixture
def socket(feeds):
    with TestClient(Starlette(routes=[news.ROUTE])) as client, client.websocket_connect("/news") as opened:
        yield opened


def wish(socket, token, seen):
    socket.send_text(json.dumps({"token": token, "seen": seen}))


def line(socket):
    return json.loads(socket.receive_text())


def test_a_change_is_told_once_the_bell_rings_and_what_was_seen_is_not_told_again(feeds, socket):
    now, looks = ["a"], count()
    feeds["token"] = Feed(lambda: (next(looks), Latest(now[0]))[1], 0.0)
    wish(socket, "token", "a")
    for revision in "bc":
        bell().ring()  # nothing is new
        now[0] = revision
        bell().ring()
        assert line(socket) == [revision, None]
    wish(socket, "token", "a")  # the page was drawn again, with what was there first
    assert line(socket) == ["c", None]


def test_a_line_brings_what_the_component_paints_itself_made_for_that_line_only(feeds, socket):
    made = count()
    feeds["token"] = Feed(lambda: Latest("b", lambda: {"chips": next(made)}), 0.0)
    wish(socket, "token", "a")
    assert line(socket) == ["b", {"chips": 0}]
    bell().ring()
    wish(socket, "token", "a")
    assert line(socket) == ["b", {"chips": 1}]


def test_changes_that_follow_each_other_come_in_one_line_after_a_pause(feeds, socket):
    revisions = count()
    feeds["token"] = Feed(lambda: Latest(str(next(revisions))), pause_s=0.3)
    before = monotonic()  # the pause begins with the first line: by the time that it is read here, a part may be over
    wish(socket, "token", "")
    assert line(socket) == ["0", None]
    for _ in range(20):
        bell().ring()
    assert line(socket) == ["1", None]
    assert monotonic() - before >= 0.29


def test_a_page_cannot_follow_a_sight_whose_token_it_does_not_hold(feeds, socket):
    feeds["token"] = Feed(lambda: Latest("b"), 0.0)
    wish(socket, "another", "a")
    with pytest.raises(WebSocketDisconnect):
        socket.receive_text()


@pytest.mark.parametrize("said", ["", "[]", "{}", "7", '{"token": "token"}', "\x00"])
def test_a_wish_that_cannot_be_read_ends_the_line(feeds, socket, said):
    socket.send_text(said)
    with pytest.raises(WebSocketDisconnect):
        socket.receive_text()


@pytest.mark.parametrize("later", range(8))
def test_a_server_that_stops_a_line_while_the_browser_leaves_it_hears_that_it_stopped_it(feeds, later):
    """AnyIO knows its own cancellation by the error that comes back; another error in its place would be a fault."""
    feeds["token"] = Feed(lambda: Latest("b"), pause_s=0.1)

    async def visit():
        loop, turns, told = asyncio.get_running_loop(), count(), asyncio.Event()
        coming = iter([{"type": "websocket.connect"}, {"type": "websocket.receive", "text": '{"token": "token", "seen": "a"}'}])

        def cancel():
            scope.cancel() if next(turns) == later else loop.call_soon(cancel)

        async def receive():
            if (message := next(coming, None)) is not None:
                return message
            await told.wait()  # the line pauses now
            cancel()
            return {"type": "websocket.disconnect", "code": 1000}

        async def send(message):
            if message["type"] == "websocket.send":
                told.set()

        with anyio.CancelScope() as scope:
            await news.tell(WebSocket({"type": "websocket"}, receive, send))
            await anyio.sleep_forever()
        assert scope.cancelled_caught

    run(visit())


def intervals(file):
    """The `run_every` of every call in a file, as written."""
    calls = (node for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))) if isinstance(node, ast.Call))
    return [ast.unparse(one.value) for call in calls for one in call.keywords if one.arg == "run_every"]


def test_no_fragment_draws_itself_again_more_often_than_once_a_second():
    found = {file.name: intervals(file) for folder in (PACKAGE, PAGES) for file in sorted(folder.rglob("*.py"))}
    assert len(found) > 200
    for name, written in found.items():
        assert all(float(one) >= 1.0 for one in written), (name, written)  # a name in place of a number fails here, too


def test_a_state_is_there_for_its_socket_while_it_is_offered_again(monkeypatch):
    """The session lets go of the state before; a socket that looks just then would find none, and end."""
    found = []

    class Session(dict):
        def __setitem__(self, name, value):
            super().__setitem__(name, value)
            found.append(news.feed_of(value[0]) is not None)

    monkeypatch.setattr(news.st, "session_state", Session())
    for _ in range(2):
        news.offer("state", lambda: Latest("1"))
    assert found == [True, True]


def test_a_bell_that_rings_before_the_browser_has_said_what_it_follows_does_not_end_the_line(feeds, socket):
    feeds["token"] = Feed(lambda: Latest("b"), 0.0)
    bell().ring()
    with pytest.raises(TimeoutError):
        socket.portal.call(asyncio.wait_for, asyncio.sleep(1), 0.1)
    wish(socket, "token", "a")
    assert line(socket) == ["b", None]


def say(socket, token, said):
    socket.send_text(json.dumps({"token": token, "said": said}))


def test_a_feed_that_hears_replies_to_each_message_in_order(feeds, socket):
    heard = []
    feeds["token"] = Feed(lambda: Latest("a"), 0.0, lambda said: (heard.append(said), len(heard))[1])
    for said in ({"operations": []}, None, ["b"]):
        say(socket, "token", said)
    assert [line(socket) for _ in range(3)] == [[None, 1], [None, 2], [None, 3]]
    assert heard == [{"operations": []}, None, ["b"]]


def test_what_one_browser_says_reaches_another_at_once(feeds, socket):
    """The bell rings by itself: looks that it does not ask for are a minute apart here."""
    board = ["a"]
    feeds["speaker"] = Feed(lambda: Latest(board[0]), 0.0, lambda said: board.__setitem__(0, said))
    feeds["other"] = Feed(lambda: Latest(board[0]), 0.0)
    with TestClient(Starlette(routes=[news.ROUTE])) as client, client.websocket_connect("/news") as speaker:
        wish(socket, "other", "")
        assert line(socket) == ["a", None]
        say(speaker, "speaker", "b")
        assert line(speaker) == [None, None]
        bell().ring()  # two test clients have a loop each, and one bell
        assert line(socket) == ["b", None]


@pytest.mark.parametrize("token", ["deaf", "unknown"])
def test_what_is_said_to_a_feed_that_does_not_hear_is_ignored(feeds, socket, token):
    feeds["deaf"] = Feed(lambda: Latest("b"), 0.0)
    say(socket, token, "anything")
    wish(socket, "deaf", "a")
    assert line(socket) == ["b", None]


@pytest.mark.parametrize(
    "text",
    [
        '{"token": "token", "said": NaN}',
        '{"token": "token", "said": ' + "[" * 60_000,
        '{"token": "token", "said": "' + "ä" * 32_768 + '"}',
        '{"said": 1}',
        '["said"]',
    ],
    ids=["no number", "deep", "large", "no token", "no object"],
)
def test_a_message_that_is_too_large_or_no_plain_data_ends_the_line_unheard(feeds, socket, text):
    heard = []
    feeds["token"] = Feed(lambda: Latest("a"), 0.0, heard.append)
    socket.send_text(text)
    with pytest.raises(WebSocketDisconnect):
        socket.receive_text()
    assert heard == []


def test_the_largest_message_is_heard(feeds, socket):
    feeds["token"] = Feed(lambda: Latest("a"), 0.0, len)
    frame = len(json.dumps({"token": "token", "said": ""}))
    say(socket, "token", "x" * (64 * 1024 - frame))
    assert line(socket) == [None, 64 * 1024 - frame]


def test_a_feed_may_take_longer_messages_and_no_other_feed_does(feeds, socket):
    feeds["token"] = Feed(lambda: Latest("a"), 0.0, len, STUDIO_BYTES)
    frame = len(json.dumps({"token": "token", "said": ""}))
    say(socket, "token", "x" * (STUDIO_BYTES.most - frame))
    assert line(socket) == [None, STUDIO_BYTES.most - frame]
    say(socket, "token", "x" * (STUDIO_BYTES.most - frame + 1))
    with pytest.raises(WebSocketDisconnect):
        socket.receive_text()


def test_a_long_message_to_an_unknown_feed_ends_the_line(feeds, socket):
    say(socket, "another", "x" * 70_000)
    with pytest.raises(WebSocketDisconnect):
        socket.receive_text()


def test_more_than_forty_messages_within_a_second_end_the_line(feeds, socket, monkeypatch):
    now = [100.0]
    monkeypatch.setattr(news, "monotonic", lambda: now[0])
    feeds["token"] = Feed(lambda: Latest("a"), 0.0, lambda said: said)
    for begin in (100.0, 101.0):
        now[0] = begin
        for number in range(40):
            say(socket, "token", number)
            assert line(socket) == [None, number]
    say(socket, "token", "one too many")
    with pytest.raises(WebSocketDisconnect):
        socket.receive_text()


@pytest.fixture
def asked(monkeypatch):
    """The fragments of each rerun that callbacks ask for, in a session of its own."""
    asked = []

    def rerun(names):
        asked.append(names)
        raise RerunException(RerunData(fragment_id_queue=names))

    monkeypatch.setattr(news, "st", SimpleNamespace(session_state={}, rerun=rerun))
    return asked


def press(*fragments):
    with pytest.raises(RerunException):
        news.redraw(*fragments)


def test_a_request_of_named_fragments_ends_a_run_and_asks_for_its_own_fragments_alone():
    """So Streamlit orders it: of a run that is to draw the reasons and the panel, nothing is left."""
    requests = ScriptRequests()
    requests.request_rerun(RerunData(fragment_id_queue=["reasons", "panel"], is_fragment_scoped_rerun=True))
    requests.on_scriptrunner_ready()
    requests.request_rerun(RerunData(fragment_id_queue=["submission"], is_fragment_scoped_rerun=True))
    assert requests.on_scriptrunner_yield().rerun_data.fragment_id_queue == ["submission"]


def test_a_panel_whose_run_a_change_of_the_design_ends_is_drawn_after_the_change(asked):
    news.owe("reasons", "panel")
    press("reasons", "panel")
    news.pays("reasons")(lambda: None)()
    press("submission")  # before the panel was drawn
    news.pays("panel")(lambda: None)()
    press("submission")
    assert asked == [["reasons", "panel"], ["submission", "panel"], ["submission"]]


def test_a_fragment_whose_drawing_is_broken_off_stays_owed(asked):
    def broken_off():
        raise RerunException(RerunData())

    news.owe("panel")
    with pytest.raises(RerunException):
        news.pays("panel")(broken_off)()
    press("submission")
    assert asked == [["submission", "panel"]]


def test_a_change_of_the_design_that_ends_a_run_of_the_page_has_the_page_drawn(asked):
    """A file was saved, and its page is being drawn: of the fragments alone nothing of the new file would be seen."""
    news.page_begins()
    news.redraw("submission")
    assert asked == []
    news.page_is_drawn()
    press("submission")
    assert asked == [["submission"]]


def test_a_fragment_that_is_no_longer_there_does_not_keep_the_others_from_being_drawn(asked, monkeypatch):
    def rerun(names):
        if "panel" in names:
            raise StreamlitAPIException("no such fragment")
        asked.append(names)

    monkeypatch.setattr(news.st, "rerun", rerun)
    news.owe("panel")
    news.redraw("submission")
    assert asked == [["submission"]]
