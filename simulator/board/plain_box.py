"""A plain box: a name on the canvas that takes no part in a run. Requests that come to it go on at once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

from simulator.case.any_stage import AnyStage, Target, stage_kinds


class PlainBox(AnyStage):
    """A box of the board alone: no case and no engine knows it, since a drawing compiles with each way led past it."""

    fresh: ClassVar[Mapping[str, Any]] = {"label": "Plain box"}

    kind: Literal["plain"]
    to: Target


def box_kinds() -> Mapping[str, type[AnyStage]]:
    """Return every kind of box by its name: the kinds of stages, and the plain box."""
    return {**stage_kinds(), "plain": PlainBox}


def is_plain(data: Mapping[str, Any]) -> bool:
    return data.get("kind") == "plain"


def beyond_plain(boxes: Mapping[str, Any], target: str) -> str:
    """Return the first box from a target on that is no plain one; empty where the way ends before, or goes in a ring.

    boxes: the data of every box
    """
    passed = set[str]()
    while is_plain(boxes.get(target, {})):
        passed.add(target)
        onward = boxes[target].get("to", "")
        target = "" if onward in passed else onward
    return target
