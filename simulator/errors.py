"""The error that a person can mend, as opposed to a fault of CaseSim's own; every part raises kinds of it."""

from collections.abc import Iterable
from difflib import get_close_matches

#: As many names are listed in one sentence.
MOST_LISTED = 8

#: Among as many names, and for words as long, the nearest one is looked for: that takes most of the time of an answer.
MOST_COMPARED, LONGEST_NAME = 500, 120


class InputError(ValueError):
    """What was given, or the machine it is to run on, cannot do this: the message says what, where, and what would be right."""


def suggest(word: str, known: Iterable[str], listed_by: str = "") -> str:
    """`did you mean 'x'?` for a near miss, else `expected one of ...`.

    listed_by: what lists all the names, where they may be too many for a sentence
    """
    names = list(map(str, known))
    near = get_close_matches(word, names[:MOST_COMPARED], n=1, cutoff=0.6) if len(word) <= LONGEST_NAME else []
    if near:
        return f"did you mean '{near[0]}'?"
    told, more = ", ".join(names[:MOST_LISTED]) or "(nothing)", len(names) - MOST_LISTED
    if more <= 0:
        return f"expected one of: {told}"
    return f"expected one of: {told} and {more} more" + (f"; {listed_by} lists them" if listed_by else "")


def shortened(text: str, most: int = 120) -> str:
    """The text, or its beginning and its end where it is longer than so many characters."""
    return text if len(text) <= most else f"{text[: most * 2 // 3]} … {text[-most // 4 :]}"
