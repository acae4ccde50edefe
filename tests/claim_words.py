"""Faults of the words in which a claim is shown."""

from __future__ import annotations

import re
from collections.abc import Iterator
from math import floor, log10
from typing import NamedTuple

from tests.shown import RECORD, Shown

#: The most words of a sentence. A label in quotation marks is one word: its case wrote it.
MOST_WORDS = 30

#: The most significant digits of a number with a decimal point.
MOST_DIGITS = 3

_QUOTED = re.compile(r"“[^”]*”")

#: The end of a sentence, or of an item of a list: a stop before a space and a capital, a digit or a quotation, or a semicolon.
_END = re.compile(r"(?<=[.!?]) (?=[A-Z0-9“])|; ")
_SNAKE = re.compile(r"\b[a-z][a-z0-9]*(?:_[a-z0-9]+)+\b|\b(?:stages|choices|ends|arrivals)\.[a-z]\w*")
_ZERO = re.compile(r"[−-]0(?:\.0*)?(?![\d.])")
_HASH = re.compile(r"run hash \w+")
_EXPONENT = re.compile(r"(?<![\w.])\d+(?:\.\d+)?[eE][+-]?\d+\b")
#: Bounds that leave out the unit of their value: `94.5% (91.9 to 96.5)`.
_BOUNDS = re.compile(r"% \(((?:over |under )?[\d.]+) to ((?:over |under )?[\d.]+)%?\)")
_DECIMAL = re.compile(r"(?<![\d.,:])(\d[\d,]*\.\d+)(?![\d:]*\.\d)(%?)")


#: The bounds of an interval whose value another surface writes beside them.
_INTERVAL_ALONE = re.compile(r"interval of −?[\d,.]+ to −?[\d,.]+")


#: A figure with its interval: `0 USD (0 to 196,000,000)`.
_FIGURE = re.compile(r"(?<![\d.,−])(?P<value>\d[\d,]*(?:\.\d+)?)(?:%| [^\d(;.→]+)? \((?P<low>\d[\d,]*(?:\.\d+)?)\D* to ")


class WordFault(NamedTuple):
    """A fault in the words of a claim, with the sentence that has it."""

    rule: str
    sentence: str
    surface: str

    def __str__(self) -> str:
        return f"{self.rule}: [{self.surface}] {self.sentence}"


def word_faults(claim: Shown) -> Iterator[WordFault]:
    for sentence in _END.split(_HASH.sub("run hash X", claim.words)):
        named = _QUOTED.sub("“X”", sentence)
        if len(named.split()) > MOST_WORDS:
            yield WordFault(f"more than {MOST_WORDS} words", sentence, claim.surface)
        if _SNAKE.search(sentence):
            yield WordFault("a raw id", sentence, claim.surface)
        if "\\" in sentence:
            yield WordFault("an escape", sentence, claim.surface)
        if _ZERO.search(sentence):
            yield WordFault("a negative zero", sentence, claim.surface)
        if _EXPONENT.search(sentence):
            yield WordFault("e-notation", sentence, claim.surface)
        if _has_too_many_digits(sentence, claim):
            yield WordFault("too many digits", sentence, claim.surface)
        if _is_zero_above_zero(sentence, claim):
            yield WordFault("0 for a figure above 0", sentence, claim.surface)


def _is_zero_above_zero(sentence: str, claim: Shown) -> bool:
    """Find a figure written 0 beside a low end above 0, or either of them where the record has a low end above 0."""
    above = claim.surface == RECORD and claim.relation == "is" and claim.interval is not None and claim.interval[0] > 0
    pairs = [[float(text.replace(",", "")) for text in found.groups()] for found in _FIGURE.finditer(sentence)]
    return any((value == 0 and low > 0) or (above and 0 in (value, low)) for value, low in pairs)


def _has_too_many_digits(sentence: str, claim: Shown) -> bool:
    """Check the numbers with a decimal point; an integer is a count, a year, a seed or an amount, and has the digits it has.

    A percentage has as many digits as its distance from the nearer of 0 and 100. Where a claim or a sentence has an
    interval, the value and both bounds have one number of decimal places, so that `9.66 (9.24 to 10.08)` is right: the
    value has three digits. Where a sentence names an interval alone, its bounds are those that the card writes beside the
    value, and are checked there.
    """
    sentence = _INTERVAL_ALONE.sub("interval", sentence)
    shown = [_digits(*found.groups()) for found in _DECIMAL.finditer(_BOUNDS.sub(r"% (\1% to \2%)", sentence))]
    fewest = {places: min(digits for digits, other in shown if other == places) for _, places in shown}
    beside = claim.interval is not None or " to " in sentence
    return any((fewest[places] if beside else digits) > MOST_DIGITS for digits, places in shown)


def _digits(text: str, percent: str) -> tuple[int, int]:
    """Return the significant digits of a number, and its decimal places."""
    number, places = float(text.replace(",", "")), len(text.partition(".")[2])
    size = min(number, abs(100 - number)) if percent else number
    rounded = {float(f"{size * side:.3g}") for side in (1 - 1e-9, 1 + 1e-9)}  # 14.05 may be 14.046, which rounds to 14.0
    needed = 0.5 * 10.0 ** (1 - places) * (1 + 1e-6)  # with a place less it would be a round number, which may be its bound
    if any(three == float(f"{three:.2g}") != size and abs(three - size) <= needed for three in rounded):
        return MOST_DIGITS, places  # `59.99 W`, but not `59.994 W`
    return (floor(log10(size)) + 1 + places if size else places), places
