"""What is wrong with a scenario, described so that its author can fix it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

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
    """A scenario, or a set of picks, cannot be used; `faults` lists every reason found."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        self.faults = sorted(set(faults))
        super().__init__("\n".join(map(str, self.faults)))


def dotted(path: Iterable[str | int]) -> str:
    """`stages.decode.routes.0`: a path as written in a file and in a message."""
    return ".".join(map(str, path)) or "(file)"
