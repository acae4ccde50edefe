"""Typed words matched with the questions of a case: by the words of each question, and by those of its answer."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from math import log

from rapidfuzz.distance import JaroWinkler

from simulator.case.scenario_parts import Question

#: Two words with one first letter are the same from this similarity (Jaro-Winkler) on: `dark` and `darkest`, `label` and
#: `labelled`, or two letters in the wrong order. `photo` and `phone` are not.
_SAME = 0.9

#: A word of an answer counts for so much less than one of the question itself.
_OF_ANSWER = 0.7

#: The least part of the typed words, by weight, that a question must hold to be offered, and to be asked at once.
_OFFERED, _CLEAR = 0.2, 0.7

#: A clear match is ahead of all others by so much.
_AHEAD = 0.05

#: The most questions that are offered.
MOST = 3

#: Words that say little: they decide between two questions, and find none by themselves.
_LITTLE_WORDS = """
    a about an and any are as at be been by can could did do does for from had has have how i if in is it its many may me
    might more most much must my no not of on or our over shall should some that the their them there these they this those
    to up us was we were what when where which who whom whose why will with would you your
"""
_LITTLE = frozenset(_LITTLE_WORDS.split())

#: The part of its weight that such a word keeps.
_LITTLE_WEIGHT = 0.4


@dataclass(frozen=True)
class QuestionMatch:
    """The questions that typed words may mean, by index, the likeliest first; clear: whether the first one is meant.

    One word alone is never clear.
    """

    questions: tuple[int, ...] = ()
    clear: bool = False


def matched(questions: Sequence[Question], typed: str) -> QuestionMatch:
    """Return the questions that hold the typed words; a word that few questions hold weighs more."""
    words = set(_words(typed))
    if words <= _LITTLE:
        return QuestionMatch()
    asks = [_held(words, question.ask) for question in questions]
    either = [own | _held(words, question.answer) for own, question in zip(asks, questions, strict=True)]
    weights = {word: _weight(word, len(questions), sum(word in held for held in either)) for word in words}

    def part(held: set[str]) -> float:
        return sum(weights[word] for word in held) / sum(weights.values())

    scores = [part(own) + _OF_ANSWER * part(held - own) for own, held in zip(asks, either, strict=True)]
    ranked = sorted(range(len(questions)), key=lambda index: -scores[index])
    offered = tuple(index for index in ranked if scores[index] >= _OFFERED and either[index] - _LITTLE)[:MOST]
    second = max((scores[index] for index in offered[1:]), default=0.0)
    clear = bool(offered) and len(words) > 1 and part(asks[offered[0]]) >= max(_CLEAR, second + _AHEAD)
    return QuestionMatch(offered, clear)


def _words(text: str) -> list[str]:
    return re.findall(r"\w+", text.lower())


def _held(words: set[str], text: str) -> set[str]:
    """Return the words that a text holds, in any form."""
    there = set(_words(text))
    alike = ((word, other) for word in words for other in there if word[0] == other[0])
    return {word for word, other in alike if JaroWinkler.similarity(word, other) >= _SAME}


def _weight(word: str, questions: int, holding: int) -> float:
    return log((questions + 1) / max(holding, 1)) * (_LITTLE_WEIGHT if word in _LITTLE else 1.0)
