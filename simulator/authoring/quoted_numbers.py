"""Numbers that a sentence states, in digits and in words, with the unit and the rounding in which they are written."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from decimal import Decimal
from itertools import zip_longest

#: The dimension of a unit, and its factor from there to the unit of metrics: seconds, shares, USD.
UNITS: dict[str, tuple[str, float]] = {
    **dict.fromkeys(("%", "per cent", "percent", "point", "points"), ("share", 0.01)),
    **dict.fromkeys(("ms", "millisecond", "milliseconds"), ("s", 0.001)),
    **dict.fromkeys(("s", "second", "seconds"), ("s", 1.0)),
    **dict.fromkeys(("min", "minute", "minutes"), ("s", 60.0)),
    **dict.fromkeys(("h", "hour", "hours"), ("s", 3600.0)),
    **dict.fromkeys(("day", "days"), ("s", 86_400.0)),
    **dict.fromkeys(("week", "weeks"), ("s", 604_800.0)),
    **dict.fromkeys(("year", "years"), ("s", 31_557_600.0)),
    "USD": ("USD", 1.0),
    **dict.fromkeys(("cent", "cents"), ("USD", 0.01)),
    "km/h": ("m/s", 1 / 3.6),
    "m/s": ("m/s", 1.0),
    **dict.fromkeys(("m", "metre", "metres"), ("m", 1.0)),
    "cm": ("m", 0.01),
    "km": ("m", 1000.0),
    **dict.fromkeys(("W", "watt", "watts"), ("W", 1.0)),
    "MB": ("MB", 1.0),
    "Mbit/s": ("Mbit/s", 1.0),
}

_ONES = """one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen
    nineteen"""
_TENS = "twenty thirty forty fifty sixty seventy eighty ninety"
_PARTS = "half third quarter fifth sixth seventh eighth ninth tenth"
_WORDS = {word: float(count) for count, word in enumerate(_ONES.split(), 1)}
_WORDS |= {ten: 10.0 * count for count, ten in enumerate(_TENS.split(), 2)}
_WORDS |= {f"{ten}-{one}": _WORDS[ten] + _WORDS[one] for ten in _TENS.split() for one in _ONES.split()[:9]}
_WORDS |= {"twice": 2.0, "thrice": 3.0, "hundred": 100.0, "thousand": 1000.0}
_DIVISORS = {word: float(count) for count, word in enumerate(_PARTS.split(), 2)} | {"hundredth": 100.0}

_UNIT = "|".join(sorted(map(re.escape, UNITS), key=len, reverse=True))
_SPELLED = "|".join(sorted(_WORDS, key=len, reverse=True))
_NUMBER = re.compile(
    r"(?<![\w.,/])(?<!\w-)(?:(?P<clock>[0-2]\d:[0-5]\d)\b"
    r"|(?P<sign>[+−-])?(?P<digits>\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?|\.\d+)(?![\w:]|[.,]\d)"
    rf"|(?:(?:(?P<count>an?|{_SPELLED})[ -])(?P<part>{'|'.join(_DIVISORS)})s?(?! (?:replica|dimension))"
    rf"|(?P<half>half|halves)|(?P<word>{_SPELLED}))(?![\w-]))"
    r"(?P<more> and a half)?"
    rf"(?:[ -]?(?P<unit>{_UNIT})(?![\w/]))?",
    re.IGNORECASE,
)

#: Words between a count and the number that it is a part of: `one person in fifty`.
_IN = re.compile(r"(?:\s(?!place|instead)[\w-]+){0,2}\s(?:in|of|out of)\s(?!place)(?:the\s|a\s)?")

#: Words between two numbers of one unit: `91 to 96%`.
_JOINED = re.compile(r"(?:,? (?:to|and|or|by|from|instead of|in place of|against) |, )")

#: The ends of an interval in brackets; they have the unit of the number before it.
_INTERVAL = re.compile(r"\((?:\d\d% interval )?(?P<ends>[^()%]{1,20} to [^() ]{1,20})\)")


@dataclass(frozen=True)
class QuotedNumber:
    """A number as a text states it.

    words: as written; value, slack: in the unit of metrics, slack is half of the last digit; scale: from the written number to
    the value; start, end: its place in the text; parts: the two numbers of `one in fifty`
    """

    words: str
    value: float
    slack: float
    unit: str
    scale: float
    start: int
    end: int
    parts: tuple[QuotedNumber, ...] = ()

    @property
    def written(self) -> float:
        return self.value / self.scale

    def is_near(self, value: float) -> bool:
        """Return whether a value is rounded to the number as it is written."""
        return abs(self.value - value) <= self.slack * (1 + 1e-9)

    def slack_beside(self, value: float) -> float | None:
        """Return half of the last digit in the unit of a value that the number states in some form, else None.

        The value may be in the unit as written, 95 for `95 ms`. A share may be stated by its rest, a change without its sign.
        """
        for scale in (1.0, self.scale):
            if any(self.is_near(scale * form) for form in (value, -value, 1 - value)):
                return self.slack / scale
        return None


def quoted_numbers(text: str) -> list[QuotedNumber]:
    """Return the numbers of a text in order; years, a bare `one` and the bits of a format are none."""
    found = [number for match in _NUMBER.finditer(text) if (number := _read(match)) is not None]
    for place in reversed(range(len(found) - 1)):
        if not found[place].unit and _JOINED.fullmatch(text, found[place].end, found[place + 1].start):
            found[place] = _in_unit(found[place], found[place + 1])
    for bracket in _INTERVAL.finditer(text):
        before = [number for number in found if number.end <= bracket.start()]
        ends = [place for place, number in enumerate(found) if bracket.start("ends") <= number.start < bracket.end()]
        if before and len(ends) == 2 and found[ends[0]].value <= before[-1].written <= found[ends[1]].value:
            for place in ends:
                found[place] = found[place] if found[place].unit else _in_unit(found[place], before[-1])
    return list(_joined(text, found))


def _read(match: re.Match[str]) -> QuotedNumber | None:
    unit, scale = UNITS.get((match["unit"] or "").casefold(), UNITS.get(match["unit"] or "", ("", 1.0)))
    words = match[0]
    if re.match(r"[ -]bits?\b", match.string[match.end() :]):
        return None
    if match["clock"]:
        hours, minutes = match["clock"].split(":")
        return QuotedNumber(words, int(hours) + int(minutes) / 60, 1 / 120, "clock", 1.0, *match.span())
    if match["digits"]:
        digits = match["digits"].replace(",", "")
        value = float(digits) * (-1 if match["sign"] in ("−", "-") else 1)
        is_year = "," not in match["digits"] and not unit and 1900 <= value < 2100
        return None if is_year else QuotedNumber(words, value * scale, half_digit(digits) * scale, unit, scale, *match.span())
    if match["half"] or match["part"]:
        count = _WORDS.get((match["count"] or "a").casefold(), 1.0)
        share = count / _DIVISORS[(match["part"] or "half").casefold()]
        size = share * (scale if unit else 1.0)
        return QuotedNumber(words, size, 0.05 * size, unit or "share", scale if unit else 1.0, *match.span())
    value = _WORDS[match["word"].casefold()] + (0.5 if match["more"] else 0.0)
    return QuotedNumber(words, value * scale, half_digit(f"{value:g}") * scale, unit, scale, *match.span())


def half_digit(digits: str) -> float:
    """Return half a unit of the last digit of a written number: 0.05 for 1.2, 50 for 24100; the noughts of 300 count."""
    _, figures, exponent = Decimal(digits).as_tuple()
    if len(figures) <= 3 or exponent != 0:
        return float(0.5 * 10.0 ** int(exponent))
    noughts = len(digits) - len(digits.rstrip("0"))
    return float(min(0.5 * 10.0**noughts, 0.05 * abs(float(digits))))


def _in_unit(number: QuotedNumber, other: QuotedNumber) -> QuotedNumber:
    scale = other.scale
    return replace(number, value=number.value * scale, slack=number.slack * scale, unit=other.unit, scale=scale)


def _joined(text: str, found: list[QuotedNumber]) -> Iterator[QuotedNumber]:
    """Join `one person in fifty`, and leave out a bare `one`."""
    numbers = iter(list(zip_longest(found, found[1:])))
    for number, behind in numbers:
        if behind and _is_part(text, number, behind):
            share = number.value / behind.value
            slack = 0.0 if behind.value > 100 else 0.05 * share
            words = text[number.start : behind.end]
            yield QuotedNumber(words, share, slack, "share", 1.0, number.start, behind.end, (number, behind))
            next(numbers)
        elif number.unit or number.words.casefold() != "one":
            yield number


def _is_part(text: str, number: QuotedNumber, whole: QuotedNumber) -> bool:
    """Return whether a number is a part of the one behind it: `one person in fifty`."""
    if number.unit or whole.unit or not 0 < number.value < whole.value:
        return False
    return bool(_IN.fullmatch(text, number.end, whole.start))
