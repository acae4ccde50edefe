"""A text in a person's own words: whether it reads as a sentence. No rule reads its meaning, so that it raises no level."""

from __future__ import annotations

import re

from simulator.limits import SESSION_TEXT

#: Words that hold an English sentence together. A list of key words has none of them.
_BINDING_WORDS = (
    "a an the this that these those it its we you they he she i my our your their who what which how when where why "
    "is are was were be been has have had do does did can could may might must should will would not no "
    "and or but if because since so than then as while although unless "
    "of in on at to for from by with without under over above below into before after between per about "
    "all any each every both only more most less least there here also"
)
_BINDING = frozenset(_BINDING_WORDS.split())

#: The fewest words of a sentence, the number that is looked at, the least part of them that differs, and that binds.
_WORDS, _READ, _DIFFERENT, _BOUND = 5, 40, 0.5, 0.2

_WORD = re.compile(r"[^\W\d_]+")
_VOWEL = re.compile(r"[aeiouyà-öø-ÿ]")


def is_sentence(text: str | None) -> bool:
    """Return whether a text reads as an English sentence, by its form alone: key words, repeats and random letters do not."""
    words = _WORD.findall((text or "")[: SESSION_TEXT.most].lower())[:_READ]
    different = set(words)
    bound, content = different & _BINDING, [word for word in different - _BINDING if _VOWEL.search(word)]
    return (
        len(words) >= _WORDS
        and len(different) >= _DIFFERENT * len(words)
        and len(bound) >= _BOUND * len(different)
        and len(content) >= max(2, (len(different) - len(bound)) / 2)
    )


def is_question(text: str | None) -> bool:
    """Return whether a text reads as a question: two words or more, one of them a word that binds."""
    words = set(_WORD.findall((text or "")[: SESSION_TEXT.most].lower())[:_READ])
    return len(words) > 1 and bool(words & _BINDING)
