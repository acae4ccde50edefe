"""News: a page is drawn again when the server has something new, and at no other time.

A part of a page follows a state, which a function without arguments returns. The browser holds a web socket for it, and the
server sends a line each time the state has changed: at once where the change rings the bell, else within half a second.

A line may carry content that a component paints itself, without any run of the script; else the fragment that follows is drawn
again. Nothing waits in a thread of a script, and no browser asks again and again.

A feed may hear, too: a component says plain data on its socket, the feed replies, and every socket looks at its state at once.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import cache, wraps
from pathlib import Path
from secrets import token_hex
from threading import Lock
from time import monotonic
from typing import Any, NamedTuple, NoReturn, ParamSpec
from weakref import WeakValueDictionary

import streamlit as st
from starlette.routing import WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketState
from streamlit.errors import StreamlitAPIException

from simulator.app.component_files import component_beside
from simulator.limits import SAID_BYTES, SAID_MESSAGES, STUDIO_BYTES, Limit

#: The path of the socket.
PATH = "news"

#: Time between two looks of the server at a state whose changes do not ring the bell (s).
SLOWEST_S = 0.5

#: Shortest time between two looks at a state (s), and between two lines to one component: Streamlit drops what a run has
#: drawn if the next run begins at once.
LOOK_S, PAUSE_S = 0.01, 0.08

#: The longest message that is read at all; a feed takes it only if it says so.
_LONGEST = STUDIO_BYTES

#: Time between two lines about progress (s).
PROGRESS_S = 1.0


class Latest(NamedTuple):
    """The latest state of a run, a study or a file.

    revision: differs from all earlier ones of this state once there is something new; quick to make
    paint: makes the content that the component itself paints; None where a fragment is drawn again
    """

    revision: str
    paint: Callable[[], Any] | None = None

    def line(self) -> str:
        """Return the line that the socket sends."""
        return json.dumps([self.revision, self.paint() if self.paint else None])


Look = Callable[[], Latest]

P = ParamSpec("P")

#: Takes plain data that a browser says; returns a plain reply.
Hear = Callable[[Any], Any]


@dataclass(eq=False)
class Feed:
    """A state that a part of a page follows; it lives as long as the visitor's session.

    pause_s: shortest time between two lines
    hear: takes what the browser says; None where the feed ignores it
    longest: the most bytes of what it hears
    """

    look: Look
    pause_s: float
    hear: Hear | None = None
    longest: Limit = SAID_BYTES


class Bell:
    """Wakes all sockets; any thread may ring it."""

    def __init__(self) -> None:
        self._waiting: set[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = set()
        self._lock = Lock()

    def ring(self, *_: object) -> None:
        """Have every socket look at its state; what is passed, such as a future that has ended, is not read."""
        with self._lock:
            waiting = list(self._waiting)
        for loop, event in waiting:
            with suppress(RuntimeError):  # the server is going down
                loop.call_soon_threadsafe(event.set)

    def hang(self, event: asyncio.Event) -> Callable[[], None]:
        """Have the bell set an event of the running loop; return the function that takes it off again."""
        entry = asyncio.get_running_loop(), event
        with self._lock:
            self._waiting.add(entry)

        def take_off() -> None:
            with self._lock:
                self._waiting.discard(entry)

        return take_off


@cache
def bell() -> Bell:
    return Bell()


_FEEDS: WeakValueDictionary[str, Feed] = WeakValueDictionary()
_FEEDING = Lock()


def offer(name: str, look: Look, pause_s: float = PAUSE_S, hear: Hear | None = None, longest: Limit = SAID_BYTES) -> str:
    """Offer a state to the visitor's tab under a name; return its token, which stays the same.

    Only the page that holds the token can follow the state and be heard. `look` and `hear` are called in threads of the server,
    outside of any script; `hear` gets the messages of one socket in their order, each once the one before has its reply.
    """
    token, _ = st.session_state.get(f"feed:{name}") or (token_hex(16), None)
    feed = Feed(look, pause_s, hear, longest)
    with _FEEDING:
        _FEEDS[token] = feed  # first: the session lets go of the feed before, and a socket that finds none ends
    st.session_state[f"feed:{name}"] = token, feed
    return token


def feed_of(token: str) -> Feed | None:
    with _FEEDING:
        return _FEEDS.get(token)


#: JavaScript for components that follow a state.
FOLLOW_JS = Path(__file__).with_name("follow.js").read_text(encoding="utf-8")

_component = component_beside(__file__, "news", FOLLOW_JS)


def component_key(*names: str) -> str:
    """Return a key for a component: Streamlit refuses two underscores in a row, which a random id may hold."""
    return ":".join(names).replace("_", "_.")


def follow(name: str, look: Look, pause_s: float = PAUSE_S) -> Latest:
    """Have the fragment that calls this drawn again once the state has changed; outside of fragments, the page.

    To be called before the fragment draws what the state is about, so that no change falls between the two.

    name: unique on the page; pause_s: PROGRESS_S for what changes all the time
    """
    now = look()
    data = {"token": offer(name, look, pause_s), "seen": now.revision}
    _component(key=component_key("news", name), data=data, on_news_change=lambda: None)
    return now


def redraw(*fragments: str) -> None:
    """Have these fragments drawn again, in place of the whole page; the whole page if one is not there. A callback.

    Fragments that are owed come too: this request ends the run that was to draw them. If that run was to draw the whole page,
    so does this one.
    """
    if st.session_state.get(_PAGE_OWED):
        return
    owed = [name for name in st.session_state.get(_OWED, []) if name not in fragments]
    for names in ([*fragments, *owed], list(fragments)):
        with suppress(StreamlitAPIException):
            st.rerun(names)


#: The names of the fragments of the page that are owed.
_OWED = "fragments_owed"


#: Whether a run has begun to draw the whole page, and none has come to its end since.
_PAGE_OWED = "page_owed"


def page_begins() -> None:
    st.session_state[_PAGE_OWED] = True


def page_is_drawn() -> None:
    st.session_state[_PAGE_OWED] = False


def owe(*fragments: str) -> None:
    """Note that these fragments have news to show, and no others; `pays` notes that one has been drawn."""
    st.session_state[_OWED] = list(fragments)


def pays(fragment: str) -> Callable[[Callable[P, None]], Callable[P, None]]:
    """Decorate the function that draws a fragment: once it has come to its end, the fragment is no longer owed."""

    def decorated(draw: Callable[P, None]) -> Callable[P, None]:
        @wraps(draw)
        def drawn(*words: P.args, **options: P.kwargs) -> None:
            draw(*words, **options)
            st.session_state[_OWED] = [name for name in st.session_state.get(_OWED, []) if name != fragment]

        return drawn

    return decorated


# ---- the socket


class _Line:
    """The state that a socket follows, as its browser has asked last."""

    def __init__(self) -> None:
        self.token: str | None = None
        self.seen = ""
        self.woken = asyncio.Event()


async def tell(socket: WebSocket) -> None:
    """Send the browser a line, `[revision, content]`, whenever the state that it follows has changed."""
    await socket.accept()
    line = _Line()
    take_off = bell().hang(line.woken)
    tasks = [asyncio.create_task(_heard(socket, line)), asyncio.create_task(_told(socket, line))]
    try:
        ended, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for error in (task.exception() for task in ended):
            if error and not isinstance(error, WebSocketDisconnect):
                logging.getLogger(__name__).error("news: %s: %s", type(error).__name__, error)
    finally:
        take_off()
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)  # `gather` would replace the error of a server that stops this line by that of a task
        if socket.application_state == WebSocketState.CONNECTED:
            with suppress(RuntimeError, WebSocketDisconnect):
                await socket.close()


class _Said(NamedTuple):
    """What a component says to the feed of a token."""

    token: str
    data: Any


class _Wish(NamedTuple):
    """The state that a component follows from now on, and the revision that it has seen."""

    token: str
    seen: str


async def _heard(socket: WebSocket, line: _Line) -> None:
    """Take in what the browser says and wishes, until it goes, sends something else, too much or too often."""
    times: deque[float] = deque(maxlen=SAID_MESSAGES.most)
    while (message := await _received(socket)) is not None and not _too_often(times, monotonic()):
        if isinstance(message, _Said):
            await _reply(socket, message)
        else:
            line.token, line.seen = message
            line.woken.set()


async def _received(socket: WebSocket) -> _Said | _Wish | None:
    """Return the next message; None once the browser has gone or has sent something else."""
    with suppress(WebSocketDisconnect, ValueError, KeyError, TypeError, RecursionError):
        size = len((text := await socket.receive_text()).encode())
        if size <= _LONGEST.most:
            read = json.loads(text, parse_constant=_refuse)
            token = str(read["token"])
            feed = feed_of(token) if size > SAID_BYTES.most else None
            if size <= (feed.longest if feed else SAID_BYTES).most:
                return _Said(token, read["said"]) if "said" in read else _Wish(token, str(read["seen"]))
    return None


def _refuse(constant: str) -> NoReturn:
    raise ValueError(constant)  # JSON has no NaN and no infinity


def _too_often(times: deque[float], now_s: float) -> bool:
    """Note the time of a message; return whether it is one too many within a second. `times` holds as many as are allowed."""
    full = len(times) == times.maxlen and now_s - times[0] < 1.0
    times.append(now_s)
    return full


async def _reply(socket: WebSocket, said: _Said) -> None:
    feed = feed_of(said.token)
    if feed is not None and feed.hear is not None:
        reply = json.dumps([None, await asyncio.to_thread(feed.hear, said.data)])
        bell().ring()  # first: the others need not wait for this browser to take its reply
        await socket.send_text(reply)


async def _told(socket: WebSocket, line: _Line) -> None:
    while line.token is None:  # the bell may ring before the browser has said what it follows
        await line.woken.wait()
        line.woken.clear()
    while (feed := feed_of(line.token)) is not None:
        line.woken.clear()
        token, state = line.token, await asyncio.to_thread(feed.look)
        pause_s = LOOK_S
        if line.token == token and state.revision != line.seen:
            line.seen, pause_s = state.revision, feed.pause_s
            await socket.send_text(await asyncio.to_thread(state.line))
        await asyncio.sleep(pause_s)
        with suppress(TimeoutError):
            await asyncio.wait_for(line.woken.wait(), SLOWEST_S)


ROUTE = WebSocketRoute(f"/{PATH}", tell)
