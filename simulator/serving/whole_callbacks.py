"""Callbacks of widgets run to their end: a key, a click or news that arrive meanwhile come after them.

At each access of a session's state, Streamlit looks for the page's next request, and drops the request at work for it. Where
the callback has not run yet, that drops a click: the second of two keys, or news, took the first key away.
"""

from __future__ import annotations

from functools import wraps
from typing import Any

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
