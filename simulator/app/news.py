"""News: a page is drawn again when the server has something new, and at no other time.

A part of a page follows a state, which a function without arguments returns. The browser holds a web socket for it, and the
server sends a line each time the state has changed: at once where the change rings the bell, else within half a second.

A line may carry content that a component paints itself, without any run of the script; else the fragment that follows is drawn
again. Nothing waits in a thread of a script, and no browser asks again and again.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from secrets import token_hex
from threading import Lock
from typing import Any, NamedTuple
from weakref import WeakValueDictionary

import streamlit as st
from starlette.routing import WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketState
from streamlit.errors import StreamlitAPIException

#: The path of the socket.
PATH = "news"

#: Time between two looks of the server at a state whose changes do not ring the bell (s).
SLOWEST_S = 0.5

#: Shortest time between two looks at a state (s), and between two lines to one component: Streamlit drops what a run has
#: drawn if the next run begins at once.
LOOK_S, PAUSE_S = 0.03, 0.08

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


@dataclass(eq=False)
class Feed:
    """A state that a part of a page follows; it lives as long as the visitor's session.

    pause_s: shortest time between two lines
    """

    look: Look
    pause_s: float


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


def offer(name: str, look: Look, pause_s: float = PAUSE_S) -> str:
    """Offer a state to the visitor's tab under a name; return its token, which stays the same.

    Only the page that holds the token can follow the state. `look` is called in a thread of the server, outside of any script.
    """
    token, _ = st.session_state.get(f"news:{name}") or (token_hex(16), None)
    feed = Feed(look, pause_s)
    with _FEEDING:
        _FEEDS[token] = feed  # first: the session lets go of the feed before, and a socket that finds none ends
    st.session_state[f"news:{name}"] = token, feed
    return token


def feed_of(token: str) -> Feed | None:
    with _FEEDING:
        return _FEEDS.get(token)


#: JavaScript for components that follow: `follow(parentElement, token, seen, heard)` calls `heard(revision, content)` with each
#: line. A component has one socket, which is opened again should it break.
FOLLOW_JS = """
const follow = (parentElement, token, seen, heard) => {
  const line = parentElement.newsLine ??= { wait: 500 };
  const fresh = line.token !== token || line.drawn !== seen;
  const known = line.token === token && line.seen === seen; // the server has sent it: it need not be asked
  Object.assign(line, { token, drawn: seen, heard });
  if (fresh) line.seen = seen;
  const ask = () => line.socket.send(JSON.stringify({ token: line.token, seen: line.seen }));
  const open = () => {
    const address = new URL("news", document.baseURI);
    address.protocol = address.protocol.replace("http", "ws");
    address.search = address.hash = "";
    const socket = line.socket = new WebSocket(address);
    socket.onopen = () => { line.wait = 500; ask(); };
    socket.onmessage = ({ data }) => {
      const [revision, content] = JSON.parse(data);
      line.seen = revision;
      line.heard(revision, content);
    };
    socket.onclose = () => {
      if (!line.ended && line.socket === socket) line.timer = setTimeout(open, line.wait = Math.min(2 * line.wait, 30000));
    };
  };
  line.ended = false;
  if (!line.socket) open();
  else if (fresh && !known && line.socket.readyState === WebSocket.OPEN) ask();
  return () => { line.ended = true; clearTimeout(line.timer); line.socket?.close(); delete parentElement.newsLine; };
};
"""

_JS = f"""{FOLLOW_JS}
export default ({{ data, parentElement, setTriggerValue }}) =>
  follow(parentElement, data.token, data.seen, revision => setTriggerValue("news", revision));
"""

_component = st.components.v2.component("news", html="<span hidden></span>", js=_JS)


def follow(name: str, look: Look, pause_s: float = PAUSE_S, on_news: Callable[[], None] = lambda: None) -> Latest:
    """Have the fragment that calls this drawn again once the state has changed; outside of fragments, the page.

    To be called before the fragment draws what the state is about, so that no change falls between the two.

    name: unique on the page; pause_s: PROGRESS_S for what changes all the time; on_news: called first
    """
    now = look()
    _component(key=f"news:{name}", data={"token": offer(name, look, pause_s), "seen": now.revision}, on_news_change=on_news)
    return now


def redraw(*fragments: str) -> None:
    """Have these fragments drawn again, in place of the whole page; the whole page if one is not there. A callback."""
    with suppress(StreamlitAPIException):
        st.rerun(list(fragments))


# ---- the socket


class _Line:
    """The state that a socket follows, as its browser has asked last."""

    def __init__(self) -> None:
        self.token, self.seen = "", ""
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


async def _heard(socket: WebSocket, line: _Line) -> None:
    """Take in the browser's wishes, until it goes or sends something else."""
    with suppress(WebSocketDisconnect, ValueError, KeyError, TypeError):
        while True:
            wish = json.loads(await socket.receive_text())
            line.token, line.seen = str(wish["token"]), str(wish["seen"])
            line.woken.set()


async def _told(socket: WebSocket, line: _Line) -> None:
    await line.woken.wait()
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
