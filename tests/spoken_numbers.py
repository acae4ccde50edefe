"""Numbers read back from the words that show them, each with half of its last digit."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from math import inf

_NUMBER = re.compile(
    r"(?P<just>just (?:under|over) )?(?P<side>[uU]nder |[oO]ver )?"
    r"(?:(?P<sign>[−+-])?(?P<digits>\d[\d,]*(?:\.\d+)?)"
    r"(?: ?(?P<suffix>ms\b|s\b|min\b|h\b|%|points?\b))?|(?P<endless>unbounded))"
)

_SECONDS = {"ms": 0.001, "s": 1.0, "min": 60.0, "h": 3600.0}
_SHARES = {"%": 0.01, "point": 0.01, "points": 0.01}

#: A value that is "just under" a bound lies within this part of it.
_JUST = 0.01


@dataclass(frozen=True)
class Spoken:
    """A number as it was shown, in seconds, as a share, or as it stands; slack: half of its last digit."""

    value: float
    slack: float
    suffix: str = ""


def numbers_in(text: str, unit: str) -> list[Spoken]:
    """Read the numbers of a text in order; one without a unit has that of the next number, else of the one before."""
    found = [_read(match) for match in _NUMBER.finditer(text)]
    suffix = ""
    for place in reversed(range(len(found))):
        suffix = found[place].suffix or suffix
        found[place] = replace(found[place], suffix=suffix)
    for place, one in enumerate(found):
        suffix = one.suffix or suffix
        found[place] = _scaled(one, suffix, unit)
    return found


def trio_in(text: str, unit: str) -> list[Spoken]:
    """Read a value and the ends of its interval: three numbers, or one where no interval is shown, or none.

    The bounds in brackets may leave out the unit of the value: `90 ms (62 to 118)`.
    """
    if unit not in ("s", "share"):  # such a unit may hold a number: `per 1,000`
        text = text.replace(f" {unit}", "")
    head, _, bounds = text.partition(" (")
    values, ends = numbers_in(head, unit), numbers_in(bounds, unit)
    if values and ends and not any(one.suffix for one in ends):
        ends = [_scaled(one, values[0].suffix, unit) for one in ends]
    trio = values if not ends and len(values) == 3 else [*values[:1], *ends[:2]] if len(ends) >= 2 else values[:1]
    if len(trio) == 3 and trio[1].value == inf:
        trio[1] = replace(trio[1], value=-inf)
    return trio


def _read(match: re.Match[str]) -> Spoken:
    suffix = match["suffix"] or ""
    if match["endless"]:
        return Spoken(inf, 0.0, suffix)
    digits = match["digits"].rstrip(",")
    value = float(digits.replace(",", "")) * (-1 if match["sign"] in ("−", "-") else 1)
    if match["just"] or match["side"]:
        return Spoken(value, (_JUST if match["just"] else 1.0) * abs(value), suffix)
    slack = 0.5 * 10.0 ** -len(digits.partition(".")[2]) if "." in digits else 0.5 * 10.0 ** _zeros(digits)
    return Spoken(value, slack, suffix)


def _zeros(digits: str) -> int:
    """Count the noughts at the end; a nought alone may be rounded to tens too, as its interval carries."""
    plain = digits.replace(",", "")
    return len(plain) - len(plain.rstrip("0")) if plain.strip("0") else 1


def _scaled(one: Spoken, suffix: str, unit: str) -> Spoken:
    factor = _SECONDS.get(suffix, 1.0) if unit == "s" else _SHARES.get(suffix, 1.0) if unit == "share" else 1.0
    # the noughts of `100` are digits, a load far above is rounded to tens; the slack of `over 99%` is its whole size
    most = 0.5 if abs(one.value) <= 100 else 5.0 if abs(one.value) < 1000 else one.slack
    slack = min(one.slack, most) if suffix == "%" and one.slack != abs(one.value) else one.slack
    return Spoken(one.value * factor, slack * factor, suffix)
