"""Two repairs of Streamlit: a busy server loses no click, and sends no element without the elements before it.

*Callbacks run to their end.* At each access of a session's state, Streamlit looks for the page's next request, and drops the
request at work for it. Where the callback has not run yet, that drops a click: the second of two keys, or news, took the first
key away.

*A fragment is sent whole.* When a fragment is drawn again, Streamlit drops what waits to be sent of its last drawing, but not
what waits of the fragments inside. The browser then gets an element whose predecessors it lacks, says "Bad delta path index"
and shows an empty page.
"""

from __future__ import annotations

from functools import wraps
from typing import Any

from streamlit.runtime.app_session import AppSession
from streamlit.runtime.state.safe_session_state import SafeSessionState

#: The function that is called at each access, and looks for the next request.
_LOOK = "_yield_callback"


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
