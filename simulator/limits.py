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
PATH = Limit("the path of a case's file", 4096, "characters", "no usual system has longer ones")
CASE_VALUES = Limit("what a case's file holds", 20_000, "keys and values", "a case of a hundred stages has a tenth of that")
CASE_DEPTH = Limit("the nesting of a case's file", 24, "levels", "the deepest place that a case has is at 10")
CASE_NUMBER = Limit("a whole number in a case's file", 10**15, "above or below 0", "exact as a number of any kind")
OPTIONS = Limit("the options of all choices of a case", 400, "options", "each is tried when the case is read")
FAULTS_TOLD = Limit("the faults that a command tells", 100, "faults", "whoever has mended a hundred asks again")


def every() -> list[Limit]:
    """All limits, in the order of this file."""
    return [found for found in globals().values() if isinstance(found, Limit)]
