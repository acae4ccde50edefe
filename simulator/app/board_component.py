"""The whiteboard in the browser. `frontend/board/` holds its source, `make board` builds it, and `board.js` is the result."""

from __future__ import annotations

from simulator.app.bundles import FRONTEND, address
from simulator.app.component_files import component_beside
from simulator.app.news import FOLLOW_JS, component_key

#: The bundle: React, React Flow and the board.
BUNDLE = FRONTEND / "board.js"

_component = component_beside(__file__, "whiteboard", FOLLOW_JS)


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
