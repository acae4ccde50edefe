"""Four repairs of Streamlit: a busy server loses no click, download or step back, and sends no element without those before it.

*Callbacks run to their end.* At each access of a session's state, Streamlit looks for the page's next request, and drops the
request at work for it. Where the callback has not run yet, that drops a click: the second of two keys, or news, took the first
key away.

*A fragment is sent whole.* When a fragment is drawn again, Streamlit drops what waits to be sent of its last drawing, but not
what waits of the fragments inside. The browser then gets an element whose predecessors it lacks, says "Bad delta path index"
and shows an empty page.

*A step of the browser's history is taken.* Until the page of the step is drawn, the browser still holds the page before it, and
names that page in each request. Streamlit serves the later request: news that came during a step brought the old page back.

*A download is there when it is pressed.* Each drawing gives a download button a new id, and Streamlit forgets the one before as
soon as any page is drawn to its end. A press that was under way then failed, and so did the download of a file just made.
"""

from __future__ import annotations

from functools import wraps
from time import monotonic
from typing import Any, NamedTuple
from weakref import WeakKeyDictionary

from streamlit.proto.ClientState_pb2 import ClientState
from streamlit.runtime.app_session import AppSession
from streamlit.runtime.media_file_manager import MediaFileManager
from streamlit.runtime.media_file_storage import MediaFileKind
from streamlit.runtime.state.safe_session_state import SafeSessionState

#: The function that is called at each access, and looks for the next request.
_LOOK = "_yield_callback"

#: The values that a widget sends once, as a pressed button does.
_TRIGGERS = frozenset(("trigger_value", "string_trigger_value", "json_trigger_value", "chat_input_value"))

#: Time for which a page that was left is not heard (s), should the browser never draw the page of the step.
_STEP_S = 30.0

#: Time for which a download can still be had after its button was drawn anew (s).
_DOWNLOAD_S = 10.0


def run_callbacks_whole() -> None:
    """Have Streamlit look for the next request of a page once the callbacks of the request at work have run."""
    begin = SafeSessionState.on_script_will_rerun
    if hasattr(begin, "__wrapped__"):
        return

    @wraps(begin)
    def begin_whole(self: SafeSessionState, *states: Any, **further: Any) -> None:
        look = getattr(self, _LOOK)
        object.__setattr__(self, _LOOK, lambda: None)  # as Streamlit sets it: each other name is one of the session's state
        try:
            begin(self, *states, **further)
        finally:
            object.__setattr__(self, _LOOK, look)

    SafeSessionState.on_script_will_rerun = begin_whole  # type: ignore[method-assign]


def send_fragments_whole() -> None:
    """Have Streamlit drop, with what waits to be sent of a fragment's last drawing, what waits of the fragments inside."""
    clear = AppSession._clear_queue
    if hasattr(clear, "__wrapped__"):
        return

    @wraps(clear)
    def clear_whole(self: AppSession, fragment_ids_this_run: list[str] | None = None) -> None:
        again = fragment_ids_this_run
        if again:
            waiting = {message.delta.fragment_id for message in self._browser_queue._queue if message.HasField("delta")} - {""}
            inside = [name for name in waiting if self._fragment_storage.has_ancestor_in(name, again)]
            again = [*again, *sorted(inside)]
        clear(self, again)

    AppSession._clear_queue = clear_whole  # type: ignore[method-assign]


class HistoryStep(NamedTuple):
    """A step of a browser's history: the page that it asks for, the address then, and the end of its time (s)."""

    page: str
    url: str
    end_s: float

    def leaves(self, request: ClientState) -> bool:
        """Return whether a request comes from the page that the step has left; a link to another page has no trigger."""
        once = request.fragment_id or any(state.WhichOneof("value") in _TRIGGERS for state in request.widget_states.widgets)
        elsewhere = request.page_script_hash != self.page and request.context_info.url == self.url
        return bool(once and elsewhere and monotonic() < self.end_s)


def take_history_steps() -> None:
    """Have Streamlit drop what a page says after a step of the history has left it."""
    handle = AppSession._handle_rerun_script_request
    if hasattr(handle, "__wrapped__"):
        return
    steps: WeakKeyDictionary[AppSession, HistoryStep] = WeakKeyDictionary()

    @wraps(handle)
    def handle_steps(self: AppSession, request: ClientState | None = None) -> None:
        if request is not None:
            step = steps.get(self)
            if step is not None and not request.is_history_navigation:
                if step.leaves(request):
                    return
                del steps[self]
            elif request.is_history_navigation:
                steps[self] = HistoryStep(request.page_script_hash, request.context_info.url, monotonic() + _STEP_S)
        handle(self, request)

    AppSession._handle_rerun_script_request = handle_steps  # type: ignore[method-assign, assignment]


def keep_downloads() -> None:
    """Have Streamlit forget a download some time after its button was drawn anew or left the page."""
    remove = MediaFileManager.remove_orphaned_files
    if hasattr(remove, "__wrapped__"):
        return
    orphans: WeakKeyDictionary[MediaFileManager, dict[str, float]] = WeakKeyDictionary()

    @wraps(remove)
    def remove_later(self: MediaFileManager) -> None:
        with self._lock:
            used = {name for names in self._files_by_session_and_coord.values() for name in names.values()}
            for name in {*self._file_metadata} - used:
                if self._file_metadata[name].kind is MediaFileKind.MEDIA:
                    self._delete_file(name)
            begins, now = orphans.get(self, {}), monotonic()
            unused = {*self._file_metadata, *self._deferred_callables} - used
            orphans[self] = kept = {name: begins.get(name, now) for name in unused}
            for name in [name for name, begin in kept.items() if now - begin >= _DOWNLOAD_S]:
                del kept[name]
                forget = self._drop_deferred_id if name in self._deferred_callables else self._delete_file
                forget(name)

    MediaFileManager.remove_orphaned_files = remove_later  # type: ignore[method-assign]
