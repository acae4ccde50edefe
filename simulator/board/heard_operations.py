"""Operations as a browser says them: numbered in its tab, said again until acknowledged, taken once and in order."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pydantic import ValidationError

from simulator.board.operations import read_operation

#: The most operations of one message that are looked at, the letters of a tab's name, and the tabs that are remembered.
_MOST, _NAME, _TABS = 50, 40, 100


def hear_operations(said: Any, taken: dict[str, int], take: Callable[[str, int, Any], None]) -> dict[str, Any]:
    """Take operations in their order; return the number up to which all are taken or refused, and the refusals.

    said: what a browser says: {"tab": its name, "operations": [{"number": 1, "op": {...}}, ...]}; anything else is ignored
    taken: the last number of each tab; it is changed
    take: takes an operation of a tab under its number; raises ValueError with a sentence to refuse it
    """
    message = said if isinstance(said, dict) else {}
    tab, listed = str(message.get("tab", ""))[:_NAME], message.get("operations")
    refused: dict[str, str] = {}
    last = taken.get(tab, 0)
    for one in listed[:_MOST] if isinstance(listed, list) else []:
        number = one.get("number") if isinstance(one, dict) else None
        if not isinstance(number, int) or isinstance(number, bool) or number <= last:
            continue
        try:
            take(tab, number, read_operation(one.get("op")))
        except ValidationError:
            refused[str(number)] = "This change cannot be read: its tab has no name of letters and digits."
        except ValueError as error:
            refused[str(number)] = str(error)
        last = number
    taken.pop(tab, None)
    taken[tab] = last  # the latest tab comes last
    while len(taken) > _TABS:  # a browser may name any number of tabs
        del taken[next(iter(taken))]
    return {"acknowledged": last, "refused": refused}
