"""What is wrong with a scenario, described so that its author can fix it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from simulator.limits import FAULTS_TOLD

if TYPE_CHECKING:
    from simulator.case.schema import Scenario

#: A place in the file: keys and list indexes from the root.
Path = tuple[str | int, ...]


@dataclass(frozen=True, order=True)
class Fault:
    """One mistake, at one place of one file (line and column count from 1)."""

    file: str
    line: int
    column: int
    field: str
    message: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}: {self.field}: {self.message}"


class ScenarioError(ValueError):
    """A scenario, or a set of picks, cannot be used; `faults` lists every reason found.

    scenario: the file as far as it can be read, for whoever looks for more faults; None if that is not far enough
    doubtful: the places where something stands in for what cannot be read
    """

    def __init__(self, faults: Sequence[Fault], scenario: Scenario | None = None, doubtful: Collection[Path] = ()) -> None:
        self.faults = sorted(set(faults))
        self.scenario, self.doubtful = scenario, doubtful
        super().__init__("\n".join(told(self.faults)))


def told(faults: Sequence[Fault]) -> list[str]:
    """The faults, a line each: as many as anybody mends in one round, and that there are more."""
    lines = [str(fault) for fault in faults[: FAULTS_TOLD.most]]
    return lines if len(faults) <= FAULTS_TOLD.most else [*lines, f"more than {FAULTS_TOLD}; mend these first"]


#: The sections whose entries are judged each by itself.
_OF_ENTRIES = frozenset({"stages", "ends", "choices", "curveballs", "controllers", "attributes"})


def beyond(told: Collection[Fault], found: Iterable[Fault], doubtful: Collection[Path]) -> list[Fault]:
    """The faults at fields where none is told yet, and away from the parts of the file that are in doubt."""
    fields = {fault.field for fault in told}
    parts = tuple(f"{dotted(path[: 2 if path[0] in _OF_ENTRIES else 1])}." for path in doubtful if path)
    return [fault for fault in found if fault.field not in fields and not f"{fault.field}.".startswith(parts)]


def dotted(path: Iterable[str | int]) -> str:
    """`stages.decode.routes.0`: a path as written in a file and in a message."""
    return ".".join(map(str, path)) or "(file)"
