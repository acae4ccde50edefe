"""A file whose fields are faulty, made readable by stand-ins, so that the rest of it can be checked in the same round."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from pydantic import ValidationError

from simulator.scenario.document import Document
from simulator.scenario.faults import Fault, Path
from simulator.scenario.schema import Scenario
from simulator.scenario.sentences import place_of, sentence_of

_FIGURE = {"value": 1, "assumed": "stands in"}

#: What is tried in place of a faulty value, one after the other.
_STAND_INS = (_FIGURE, {"constant": _FIGURE}, 1, "x", "08:00")

#: As many times a file is validated; one that is beyond help by then is left alone.
_ROUNDS = 12

#: Sections whose entries are named elsewhere: without one of them, other parts would look faulty.
_NAMED = frozenset({"arrivals", "population", "classes", "attributes", "accelerators", "stages", "ends", "curveballs"})


@dataclass
class Mended:
    """A file that can be read as far as the places in doubt; scenario: None where there is no help.

    doubtful: where something stands in for what was there. It says nothing of what the author meant: whatever looks wrong in
    that part of the file may be its fault alone
    faults: those that show only once the kind of a part is known
    """

    scenario: Scenario | None = None
    doubtful: set[Path] = field(default_factory=set)
    faults: list[Fault] = field(default_factory=list)


def mended(document: Document) -> Mended:
    """A scenario as close to a faulty document as can be."""
    found, kinds, tried = Mended(), set[Path](), dict[Path, list[Any]]()
    for _ in range(_ROUNDS):
        try:
            found.scenario = Scenario.of(document)
            return found
        except ValidationError as error:
            lines = {place_of(document.data, line): line for line in error.errors(include_url=False)}
        for path, line in lines.items():
            if path not in tried and any(path[: len(kind)] == kind for kind in kinds):
                found.faults.append(document.fault(path, sentence_of(line)))
            put = _put_right(document, path, line, tried.setdefault(path, _stand_ins(line["input"])))
            if put is None:
                return found
            document = put
            if line["type"] == "union_tag_invalid":
                kinds.add(path[:-1])
            elif line["type"] != "unknown_key":
                found.doubtful.add(path)
    return found


def _put_right(document: Document, path: Path, line: Any, left: list[Any]) -> Document | None:
    """The document with something else at a faulty place; None where nothing is left to try.

    left: what has not been tried there; what is tried is taken out
    """
    meant = re.search(r"did you mean '([^']+)'\?$", sentence_of(line))
    if line["type"] == "unknown_key":
        return document.renamed(path, meant[1] if meant else None)
    if line["type"] == "union_tag_invalid":
        return document.with_value(path, meant[1]) if meant else None
    blamed = (*path, sentence_of(line).split(maxsplit=1)[0])  # as in "max_queue is set but ..."
    if document.holds(blamed):
        return document.renamed(blamed, None)
    if not left:
        return None
    if (stand_in := left.pop(0)) is not None:
        return document.with_value(path, stand_in)
    needed = not path or isinstance(path[-1], int) or (len(path) <= 2 and path[0] in _NAMED)
    return None if needed else document.renamed(path, None)


def _stand_ins(given: Any) -> list[Any]:
    """What may be tried in place of a value, the figure that a number was perhaps meant to be first; None leaves it out."""
    figure = {"value": given, "assumed": "stands in"}
    return [*([figure, {"constant": figure}] if isinstance(given, int | float) else []), *_STAND_INS, None]
