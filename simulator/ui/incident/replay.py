"""The link to an incident that is over: its id and, now that nothing is secret any more, the actions."""

from __future__ import annotations

import json
import zlib
from base64 import urlsafe_b64decode, urlsafe_b64encode
from urllib.parse import urlencode

from simulator.analysis.incidents.actions import Action, ActionError, read_actions
from simulator.ui.incident.games import Game

#: No link brings more actions than this, nor more text (bytes).
MOST, _BYTES = 500, 200_000


def link(game: Game) -> str:
    """The query string that opens the incident with these actions."""
    return "?" + urlencode({"case": game.scenario.id, "incident": game.id, "actions": packed([n.action for n in game.notes])})


def packed(actions: list[Action]) -> str:
    """Actions as an address carries them."""
    told = [action.model_dump(mode="json", exclude_defaults=True) for action in actions]
    return urlsafe_b64encode(zlib.compress(json.dumps(told, separators=(",", ":")).encode(), 9)).decode().rstrip("=")


def unpacked(text: str) -> list[Action]:
    """The actions that an address carries; raises ActionError for what is none."""
    try:
        inflate = zlib.decompressobj()
        told = json.loads(inflate.decompress(urlsafe_b64decode(text + "=" * (-len(text) % 4)), _BYTES))
    except (ValueError, RecursionError, zlib.error) as error:
        raise ActionError("the actions in the link cannot be read; copy the whole link") from error
    if isinstance(told, list) and len(told) > MOST:
        raise ActionError(f"the link has {len(told)} actions; at most {MOST} are replayed")
    return read_actions(told)
