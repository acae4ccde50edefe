"""How much of anything is taken: the bounds that keep one input from taking the machine. `docs/limits.md` lists them all."""

from __future__ import annotations

from dataclasses import dataclass

KIB, MIB, GIB = 1024, 1024**2, 1024**3


@dataclass(frozen=True)
class Limit:
    """The most that is taken of something.

    of: what is bounded, as in "a case's file"; unit: of `most`, in the plural
    """

    of: str
    most: int
    unit: str
    why: str

    def __str__(self) -> str:
        return f"{self.most:,} {self.unit}"


CASE_FILE = Limit("a case's file", 512 * KIB, "bytes", "a case of a hundred stages takes a tenth of that")
FAULTS_TOLD = Limit("the faults that a command tells", 100, "faults", "whoever has mended a hundred asks again")


def every() -> list[Limit]:
    """All limits, in the order of this file."""
    return [found for found in globals().values() if isinstance(found, Limit)]
