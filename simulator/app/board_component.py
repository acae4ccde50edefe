"""The whiteboard in the browser. `frontend/board/` holds its source, `make board` builds it, and `board.js` is the result."""

from __future__ import annotations

import streamlit as st

from simulator.app.bundles import FRONTEND, address
from simulator.app.news import FOLLOW_JS, component_key

#: The bundle: React, React Flow and the board.
BUNDLE = FRONTEND / "board.js"

_HTML = '<p id="missing" role="alert" hidden>The board could not be loaded. Reload the page.</p>'

# A run sends these lines only; the browser imports the bundle once and keeps it.
_JS = f"""{FOLLOW_JS}
export default ({{ data, parentElement, setTriggerValue }}) => {{
  let gone = false, end = () => {{}};
  const renew = () => setTriggerValue("lost", Date.now());
  import(new URL(data.bundle, document.baseURI)).then(
    ({{ mount }}) => {{ if (!gone) end = mount({{ data, parentElement, follow, renew }}); }},
    () => {{ parentElement.querySelector("#missing").hidden = false; }},
  );
  return () => {{ gone = true; end(); }};
}};
"""

_component = st.components.v2.component("whiteboard", html=_HTML, js=_JS)


def whiteboard(key: str, token: str, height: int = 640, name: str = "Whiteboard") -> None:
    """Show the board behind a token of `news.offer`, whose feed sends boards and hears operations.

    The board and its changes travel on the socket of news alone: no operation runs the script, and a run of the script takes
    neither a drag nor a text from the person at the board.

    key: unique for each board, not only on the page: changes that wait to be sent belong to the board of this key
    height: of the whole component in pixels; name: of the board, for a screen reader
    """
    data = {"bundle": address(BUNDLE), "token": token, "height": height, "name": name}
    _component(key=component_key("whiteboard", key), data=data, on_lost_change=_draw_again)


def _draw_again() -> None:
    """Do nothing: the run that follows offers a token, since the server did not know that of the browser."""
