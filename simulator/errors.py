"""The error that a user can fix, as opposed to a bug in CaseSim; every part raises kinds of it."""

from collections.abc import Iterable
from difflib import get_close_matches

#: The most names in one sentence.
MOST_LISTED = 8

#: The search for the nearest name stops at this number of names, and at words of this length: it takes most of the time.
MOST_COMPARED, LONGEST_NAME = 500, 120


class InputError(ValueError):
    """The input, or the machine, does not allow this: the message says the fault, its place, and what would be right."""


class PlacedError(InputError):
    """A fault of one entry of a list that a file may hold; path: its place in the entry, from keys and indexes."""

    def __init__(self, message: str, path: tuple[str | int, ...] = ()) -> None:
        super().__init__(message)
        self.message, self.path = message, path

    def __str__(self) -> str:
        field = ".".join(part for part in self.path if isinstance(part, str))
        return f"{field}: {self.message}" if field else self.message


def suggest(word: str, known: Iterable[str], listed_by: str = "") -> str:
    """Return `did you mean 'x'?` for a near miss, else `expected one of ...`, or that there is none.

    listed_by: the page that lists all names, where they may be too many for a sentence
    """
    names = list(map(str, known))
    near = get_close_matches(word, names[:MOST_COMPARED], n=1, cutoff=0.6) if len(word) <= LONGEST_NAME else []
    if near:
        return f"did you mean '{near[0]}'?"
    if not names:
        return "there is none to choose"
    listed, more = ", ".join(names[:MOST_LISTED]), len(names) - MOST_LISTED
    if more <= 0:
        return f"expected one of: {listed}"
    return f"expected one of: {listed} and {more} more" + (f"; {listed_by} lists them" if listed_by else "")


def shortened(text: str, most: int = 120) -> str:
    return text if len(text) <= most else f"{text[: most * 2 // 3]} … {text[-most // 4 :]}"
