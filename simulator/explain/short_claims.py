"""Short claims: the sentences of an explanation one by one, each in few words, for a screen of few lines."""

from __future__ import annotations

import re
from itertools import pairwise

#: The most words of a claim.
WORDS = 30

#: A claim that ends early keeps this number of words at least behind its last colon.
_FEWEST = 4

#: The end of a sentence: a full stop before a space and a capital, a digit or a quotation mark.
_END = re.compile(r"(?<=[.!?]) (?=[A-Z0-9“])")

#: Places where a sentence may end early, the best first.
_CUTS = ("; ", ": ", ", ")


def short_claims(text: str, words: int = WORDS) -> list[str]:
    """Return the sentences of a text, in order; a longer one than `words` ends at its last clause that fits."""
    ends = [found.start() for found in _END.finditer(text) if _is_closed(text[: found.start()])]
    sentences = [text[start:end].strip() for start, end in pairwise([0, *ends, len(text)])]
    return [_shortened(sentence, words) for sentence in sentences if sentence]


def _shortened(sentence: str, words: int) -> str:
    if len(sentence.split()) <= words:
        return sentence
    for mark in _CUTS:
        heads = [sentence[:place] for place in _outside_quotes(sentence, mark)]
        fitting = [head for head in heads if len(head.split()) <= words and len(head.rpartition(": ")[2].split()) >= _FEWEST]
        if fitting:
            return f"{fitting[-1]}."
    return f"{' '.join(sentence.split()[: words - 1])} …"


def _outside_quotes(sentence: str, mark: str) -> list[int]:
    places = [found.start() for found in re.finditer(re.escape(mark), sentence)]
    return [place for place in places if _is_closed(sentence[:place])]


def _is_closed(text: str) -> bool:
    return all(text.count(opening) == text.count(closing) for opening, closing in ("“”", "()"))
