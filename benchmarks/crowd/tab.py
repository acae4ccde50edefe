"""A browser's tab without the browser: it speaks Streamlit's protocol as the front end does, and keeps what the server draws.

What the front end does and the server sees is done here too: the cookies of the first answer, the values of all widgets in
every message, the messages that are kept and asked for by hash, and a socket for the news of each component that follows some.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from http.cookiejar import CookieJar
from time import perf_counter
from typing import Any, TypeVar
from urllib.parse import parse_qsl, urlencode
from urllib.request import HTTPCookieProcessor, build_opener

from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.Element_pb2 import Element
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.proto.WidgetStates_pb2 import WidgetState
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, WebSocketException

from simulator.errors import suggest

#: Kinds of elements whose value the front end sends back from the moment they are drawn.
WIDGETS = "slider", "selectbox", "number_input", "checkbox"

#: What the front end asks for before it opens its socket: the page, and then the server's health and settings.
ASKED_FIRST = "_stcore/health", "_stcore/host-config"

#: A large message is kept for as many runs after its last use (Streamlit's `global.maxCachedMessageAge`).
KEPT_RUNS = 2

#: How long the front end waits until it opens a broken line of news again (s): twice as long each time, within these bounds.
WAIT_S, LONGEST_WAIT_S = 1.0, 30.0

#: The state of a run, in words, is one of these; `shown` is what stands of it: "", "preliminary" or the run's hash.
STATE = re.compile(r"preliminary, \d+ of (?P<total>\d+)|run hash (?P<hash>[0-9a-f]{12})|^(?P<running>running)\b")


class LostError(ConnectionError):
    """The server ended the connection, or did not take it."""


TabT = TypeVar("TabT", bound="Tab")


@dataclass(frozen=True)
class Shown:
    """What stood in the line of the run's state, from when on; whether the whole page was drawn since what was done last."""

    verdict: str
    at: float
    fresh: bool


@dataclass
class _Kept:
    """A large message, and after how many runs it was used last."""

    message: ForwardMsg
    used: int


class Tab:
    """One visitor's page.

    faults: every error that the page showed; said: every change of the run's state in words
    """

    def __init__(self, socket: ClientConnection, line: Callable[[], connect], page: str, query: str, url: str) -> None:
        self._socket, self._line, self._url, self._query = socket, line, url, query
        self._page, self._hash = page, ""
        self._values: dict[str, WidgetState] = {}
        self._widgets: dict[str, Any] = {}
        self._drawn: set[str] = set()
        self._kept: dict[str, _Kept] = {}
        self._runs = 0
        self._lines: dict[str, asyncio.Task[None]] = {}
        self._sockets: dict[str, ClientConnection] = {}
        self._wishes: dict[str, tuple[str, str, str]] = {}
        self._news = asyncio.Event()
        self._fresh = False
        self._lost = ""
        self.settled = False
        self.faults: list[str] = []
        self.said: list[Shown] = []

    # What a person does.

    async def move(self, label: str, steps: int) -> float:
        """Move a slider by so many steps; when, in s of `perf_counter`. Raises LookupError where there is no such slider."""
        slider = self._slider(label)
        state = self._values[slider.id]
        if slider.options:
            place = list(slider.options).index(state.string_array_value.data[0]) + steps
            told = slider.options[place]
            state.string_array_value.data[:] = [told]
        else:
            told = f"{state.double_array_value.data[0] + steps * slider.step:g}"
            state.double_array_value.data[:] = [float(told)]
        if slider.query_param_key:
            self._query = urlencode(dict(parse_qsl(self._query)) | {slider.query_param_key: told})
        at = perf_counter()
        self._fresh = False
        await self._rerun()
        return at

    async def until(self, known: Callable[[], Any], patience_s: float, what: str = "it") -> Any:
        """Wait until something is known, and return it; `what` names it in words.

        Raises TimeoutError, and LostError when the connection ends first or brings what the front end could not take either.
        """
        with suppress(TimeoutError):
            async with asyncio.timeout(patience_s):
                while not (found := known()):
                    if self._lost:
                        raise LostError(self._lost)
                    self._news.clear()
                    await self._news.wait()
                return found
        raise TimeoutError(f"{what} did not come within {patience_s:g} s")

    def _slider(self, label: str) -> Any:
        """The slider of that label, with or without its unit."""
        sliders = {re.sub(r"\\(.)", r"\1", one.label): one for one in self._widgets.values() if one.DESCRIPTOR.name == "Slider"}
        for shown, slider in sliders.items():
            if shown == label or shown.startswith(f"{label} ("):
                return slider
        raise LookupError(f"'{label}': the page has no slider of that label; {suggest(label, sliders)}")

    # What the front end does by itself.

    async def _rerun(self, fragment: str = "") -> None:
        """Ask for another run of the script, or of one fragment."""
        message = BackMsg()
        asked = message.rerun_script
        asked.query_string, asked.page_script_hash = self._query, self._hash
        asked.page_name = "" if self._hash else self._page
        asked.widget_states.widgets.extend(self._values.values())
        asked.fragment_id = fragment
        asked.cached_message_hashes.extend(self._kept)
        asked.context_info.timezone, asked.context_info.locale = "Europe/London", "en-GB"
        asked.context_info.url, asked.context_info.color_scheme = self._url, "light"
        try:
            await self._socket.send(message.SerializeToString())
        except ConnectionClosed as error:
            raise LostError(str(error)) from error

    async def _follow(self, fragment: str, token: str, seen: str) -> None:
        """Take the lines of news for one component: its content, or the word that its fragment is to be drawn again.

        A line that breaks, or that a busy server does not take in time, is opened again as the front end does.
        """
        wait_s = WAIT_S
        while True:
            with suppress(WebSocketException, OSError):  # LostError and TimeoutError are OSErrors
                async with self._line() as socket:
                    await socket.send(json.dumps({"token": token, "seen": seen}))
                    self._sockets[token] = socket
                    wait_s = WAIT_S
                    async for data in socket:
                        revision, content = json.loads(data)
                        if revision is None:  # a reply to what was said
                            self.replied(token, content)
                            continue
                        seen = revision
                        if content is None:
                            await self._rerun(fragment)
                        else:
                            self.heard(token, seen, content)
                            self._news.set()
            await asyncio.sleep(wait_s)
            wait_s = min(2 * wait_s, LONGEST_WAIT_S)

    async def say(self, token: str, said: Any) -> None:
        """Say plain data on the line of a component. Raises LostError while the line is not open."""
        if token not in self._sockets:
            raise LostError("the line of the component is not open yet")
        try:
            await self._sockets[token].send(json.dumps({"token": token, "said": said}))
        except ConnectionClosed as error:
            raise LostError(str(error)) from error

    def heard(self, token: str, revision: str, content: Any) -> None:
        """Take in a line with content for a component."""
        self._words(content.get("words", ""))

    def replied(self, token: str, reply: Any) -> None:
        """Take in a reply to what a component has said."""

    def stop(self) -> None:
        """End the lines of all components."""
        for line in self._lines.values():
            line.cancel()
        self._lines = {}

    def begin(self) -> asyncio.Task[None]:
        """Begin to take in what the server sends; the task ends with the connection."""
        self._reading = asyncio.create_task(self.read())
        return self._reading

    async def read(self) -> None:
        """Take in all that the server sends, until the connection ends or a message cannot be taken in."""
        try:
            async for data in self._socket:
                self._take(ForwardMsg.FromString(data))  # type: ignore[arg-type]
                self._news.set()
            self._lost = f"the connection ended with code {self._socket.close_code}"
        except ConnectionClosed as error:
            self._lost = f"the connection ended: {error}"
        except (KeyError, ValueError) as error:  # such as a hash of a message that is not kept any more
            self._lost = f"a message cannot be taken in: {error!r}"
        finally:
            self.stop()
            self._news.set()

    def _take(self, message: ForwardMsg) -> None:
        kind = message.WhichOneof("type")
        if kind == "ref_hash":
            kept = self._kept[message.ref_hash]
            kept.used = self._runs
            message, kind = kept.message, kept.message.WhichOneof("type")
        elif message.metadata.cacheable:
            self._kept[message.hash] = _Kept(message, self._runs)
        if take := _TAKEN.get(kind or ""):
            take(self, message)

    def _new_session(self, message: ForwardMsg) -> None:
        self.settled = False
        if message.metadata.run.fragment_ids:
            return
        self._fresh, self._drawn = True, set()

    def _navigation(self, message: ForwardMsg) -> None:
        self._hash = message.navigation.page_script_hash

    def _script_finished(self, message: ForwardMsg) -> None:
        status = message.script_finished
        if status == ForwardMsg.FINISHED_WITH_COMPILE_ERROR:
            self.faults.append("the script could not be compiled")
        if status == ForwardMsg.FINISHED_SUCCESSFULLY:
            for stale in set(self._widgets) - self._drawn:
                del self._widgets[stale], self._values[stale]
        if status in (ForwardMsg.FINISHED_SUCCESSFULLY, ForwardMsg.FINISHED_FRAGMENT_RUN_SUCCESSFULLY):
            self.settled = True
            self._forget(set(message.metadata.run.fragment_ids))

    def _forget(self, fragments: set[str]) -> None:
        """Drop the large messages that the last runs did not use; a fragment's run says nothing of what stands outside it."""
        self._runs += 1
        for name, kept in list(self._kept.items()):
            concerned = not fragments or kept.message.delta.fragment_id in fragments
            if concerned and self._runs - kept.used > KEPT_RUNS:
                del self._kept[name]

    def _delta(self, message: ForwardMsg) -> None:
        if message.delta.WhichOneof("type") == "new_element":
            self._element(message.delta.new_element, message.delta.fragment_id)

    def _element(self, element: Element, fragment: str) -> None:
        kind = element.WhichOneof("type")
        if kind in WIDGETS:
            self._widget(getattr(element, kind))
        elif kind == "exception":
            self.faults.append(f"{element.exception.type}: {element.exception.message}")
        elif kind == "alert" and element.alert.format == element.alert.ERROR:
            self.faults.append(element.alert.body)
        elif kind == "bidi_component" and element.bidi_component.json:
            self._component(json.loads(element.bidi_component.json), fragment)

    def _component(self, content: Any, fragment: str) -> None:
        """Read the state of the run in a component, and follow its news from what it shows on."""
        if not isinstance(content, dict) or "token" not in content:
            return
        self._words(content.get("words", ""))
        token, wish = content["token"], (fragment, content["token"], content.get("seen", ""))
        if self._wishes.get(token) != wish:
            if line := self._lines.pop(token, None):
                line.cancel()
            self._wishes[token], self._lines[token] = wish, asyncio.create_task(self._follow(*wish))

    def _widget(self, widget: Any) -> None:
        self._widgets[widget.id] = widget
        self._drawn.add(widget.id)
        if widget.set_value or widget.id not in self._values:
            self._values[widget.id] = _value(widget)

    def _words(self, words: str) -> None:
        if (found := STATE.search(words)) is None:
            return
        verdict = found["hash"] or ("preliminary" if found["total"] else "")
        if not self.said or (self.said[-1].verdict, self.said[-1].fresh) != (verdict, self._fresh):
            self.said.append(Shown(verdict, perf_counter(), self._fresh))

    def _page_info_changed(self, message: ForwardMsg) -> None:
        self._query = message.page_info_changed.query_string


#: What is taken in of the kinds of messages; the others say how the page looks.
_TAKEN: dict[str, Callable[[Tab, ForwardMsg], None]] = {
    "new_session": Tab._new_session,
    "navigation": Tab._navigation,
    "script_finished": Tab._script_finished,
    "delta": Tab._delta,
    "page_info_changed": Tab._page_info_changed,
}


def _value(widget: Any) -> WidgetState:
    """What the front end says that a widget holds, once it is drawn."""
    state, given = WidgetState(id=widget.id), widget.set_value
    match widget.DESCRIPTOR.name:
        case "Slider" if widget.options:
            chosen = widget.raw_value if given else [widget.options[int(place)] for place in widget.default]
            state.string_array_value.data.extend(chosen)
        case "Slider":
            state.double_array_value.data.extend(widget.value if given else widget.default)
        case "Selectbox":
            state.string_value = widget.raw_value if given else widget.options[widget.default]
        case "NumberInput":
            state.double_value = widget.value if given else widget.default
        case "Checkbox":
            state.bool_value = widget.value if given else widget.default
    return state


@asynccontextmanager
async def opened(address: str, page: str, query: str, first: str = "", kind: type[TabT] = Tab) -> AsyncIterator[TabT]:  # type: ignore[assignment]
    """A tab at a page of the app, as a new visitor. Raises LostError or OSError where the server does not take it.

    address: such as `http://127.0.0.1:8501`; page: such as `practice`; query: such as `case=mine&seed=2`
    first: the path of a link that leads to the page, such as `enter?key=...`; kind: the class of the tab
    """
    url = f"{address}/{page}?{query}"
    cookies = await asyncio.to_thread(_greeted, address, f"{address}/{first}" if first else url)
    token = cookies.get("_streamlit_xsrf", "PLACEHOLDER_AUTH_TOKEN")
    server = address.replace("http", "ws", 1)
    sent = {"Cookie": "; ".join(f"{name}={value}" for name, value in cookies.items())}
    common: dict[str, Any] = {"origin": address, "additional_headers": sent, "max_size": None}
    socket = connect(f"{server}/_stcore/stream", subprotocols=["streamlit", token], **common)  # type: ignore[list-item]
    async with socket as connection:
        tab = kind(connection, lambda: connect(f"{server}/news", **common), page, query, url)
        reading = tab.begin()
        try:
            await tab._rerun()
            yield tab
        finally:
            tab.stop()
            await connection.close()
            await reading


def _greeted(address: str, url: str) -> dict[str, str]:
    """The cookies that a browser has before its socket opens."""
    jar = CookieJar()
    browser = build_opener(HTTPCookieProcessor(jar))
    for asked in (url, *(f"{address}/{path}" for path in ASKED_FIRST)):
        with browser.open(asked, timeout=60) as answer:
            answer.read()
    return {cookie.name: cookie.value or "" for cookie in jar}
