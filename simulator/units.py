"""Numbers as people read them: a unit, and two or three significant digits."""

from collections.abc import Sequence
from math import ceil, floor, isclose, isfinite, isinf, log10


def significant(value: float, digits: int = 3) -> str:
    """Round a number to `digits` significant digits, with thousands set apart."""
    if value == 0:
        return "0"
    places = digits - 1 - floor(log10(abs(value)))
    rounded = round(value, places)
    places = min(places, digits - 1 - floor(log10(abs(rounded))))  # 99.96 rounds to 100, not to 100.0
    written = f"{abs(rounded):,.{max(places, 0)}f}" if abs(rounded) < 10**digits else f"{abs(rounded):,.0f}"
    return f"{'−' if rounded < 0 else ''}{written}"


def plain_number(value: float) -> str:
    written = f"{value:,.6g}" if abs(value) < 10**6 else f"{value:,.0f}"
    return written.replace("-", "−", 1) if value < 0 else written


def duration(seconds: float, digits: int = 3) -> str:
    """Write seconds in the unit that reads best: 4.2 ms, 7.0 s, 12.3 h."""
    factor, suffix = _own_scale(float(f"{seconds:.{digits}g}"), "s")  # as it will read: 0.96 s is 1 s, not 1,000 ms
    return f"{significant(seconds * factor, digits)}{suffix}"


def percent(share: float) -> str:
    """Write a share as a percentage, with more digits near 0 and 1, where they matter; a load far above 1 has three."""
    if 0 < share < 5e-5 or 0 < 1 - share < 5e-5:
        return "under 0.01%" if share < 0.5 else "over 99.99%"
    if share >= 1.1:
        return f"{significant(100 * share)}%"
    near = min(abs(share), abs(1 - share))
    return f"{100 * share:.{1 if near >= 0.01 or near == 0 else 2}f}%"


def roughly(share: float) -> str:
    """Write a share in whole per cent, never rounded to 0% or 100%."""
    if 0 < share < 0.01:
        return "under 1%"
    if 0.99 < share < 1:
        return "over 99%"
    return f"{share:.0%}"


def spoken(value: float, unit: str, digits: int = 3) -> str:
    """Write a value with its unit, as on the screen; digits: significant ones, except of a share."""
    if isinf(value):
        return "unbounded"
    if unit == "s":
        return duration(value, digits)
    if unit == "share":
        return percent(value)
    if unit == "a request":  # its label says of what
        return significant(value, digits)
    return f"{significant(value, digits)} {_WORDED.get(unit, unit)}"


def spoken_size(value: float, unit: str) -> str:
    """Write the size of a change with its unit, a share in percentage points."""
    return with_noun(significant(100 * value), "point") if unit == "share" else spoken(value, unit)


def signed(value: float, places: int) -> str:
    """Write a number with its sign and decimal places: `+1.20`, `−0.66`."""
    return f"{'−' if value < 0 else '+'}{abs(value):.{places}f}"


def times(count: int) -> str:
    """Write how often something happened: `once`, `twice`, `3 times`; `never`."""
    return ("never", "once", "twice")[count] if count < 3 else f"{count:,} times"


def counted(count: float, one: str, many: str = "") -> str:
    """Write a count with its noun: `1 run`, `2 runs`; many: the plural of a noun that takes more than an s."""
    return with_noun(f"{count:,.0f}", one, many)


def with_noun(number: str, one: str, many: str = "") -> str:
    """Put a noun behind a written number, whose last word decides between singular and plural: `1 point`, `0.5 to 1 point`."""
    return f"{number} {one if number.split()[-1].strip('−+-') == '1' else many or f'{one}s'}"


#: Units that are words on the screen.
_WORDED = {"1/h": "an hour", "1/s": "a second"}


#: No number on the screen has more significant digits than this.
_DIGITS = 9

#: The units of a duration, largest first: the number of them in a second, and the seconds from which on each is used.
_TIMES = ((1 / 3600, " h", 7200.0), (1 / 60, " min", 120.0), (1.0, " s", 1.0), (1000.0, " ms", 0.0))


def spoken_bound(bound: float, unit: str) -> str:
    return _exactly(bound, *_bound_unit(bound, unit))


def bound_scale(bound: float, unit: str) -> tuple[float, str]:
    """Return the unit that a bound is written in, with its factor from the metric's own unit: 1/3600 and `h`, 100 and `%`."""
    factor, suffix = _bound_unit(bound, unit)
    return factor, suffix.strip()


def _scales(unit: str) -> list[tuple[float, str]]:
    if unit == "s":
        return [(factor, suffix) for factor, suffix, _ in _TIMES]
    return [(100.0, "%")] if unit == "share" else [(1.0, "" if unit == "a request" else f" {_WORDED.get(unit, unit)}")]


def _bound_unit(bound: float, unit: str) -> tuple[float, str]:
    suitable = {suffix for _, suffix, least in _TIMES if abs(bound) >= least}
    fitting = [scale for scale in _scales(unit) if unit != "s" or scale[1] in suitable]
    few = (scale for scale in fitting if isclose(float(f"{bound * scale[0]:.4g}"), bound * scale[0], rel_tol=1e-12))
    return next(few, fitting[0])


def _exactly(value: float, factor: float, suffix: str) -> str:
    texts = [significant(value * factor, digits) for digits in range(3, _DIGITS + 1)]
    exact = (text for text in texts if isclose(_read_number(text), value * factor, rel_tol=1e-12))
    return f"{next(exact, texts[-1])}{suffix}"


def _is_on_its_side(text: str, value: float, bound: float, factor: float, unit: str) -> bool:
    """Return whether a written number lies on the value's side of the bound, and is not rounded to 0% or 100%."""
    try:
        shown = _read_number(text)
    except ValueError:  # `over 99.99`
        return False
    limit = _read_number(_exactly(bound, factor, ""))
    if unit == "share" and shown in (0, 100) and value not in (0, 1):
        return False
    return shown != limit and (shown < limit) == (value < bound)


def _read_number(text: str) -> float:
    return float(text.replace(",", "").replace("−", "-"))


def span(seconds: float) -> str:
    """Return the length of a run, in words where it is a whole number of a unit: `two days`, `ten minutes`, `700 s`."""
    for size, name in ((86_400, "day"), (3600, "hour"), (60, "minute")):
        count = seconds / size
        if count >= 1 and isclose(count, round(count), rel_tol=1e-4):
            return f"{spelled(round(count))} {name}{'' if round(count) == 1 else 's'}"
    return duration(seconds)


_WORDS = ("none", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")


def spelled(count: int) -> str:
    """Write a count in words up to ten: `none`, `one`, `two`."""
    return _WORDS[count] if count < len(_WORDS) else f"{count:,}"


def spread(halves: dict[str, float], unit: str, beside: float = 0.0) -> str:
    """Write the half-width of each source of doubt, in the unit of the figure beside it."""
    if unit == "share" and not any(isinf(half) for half in halves.values()):
        return with_noun(", ".join(f"{name} {significant(100 * half, 2)}" for name, half in halves.items()), "point")
    sizes = ("unbounded" if isinf(half) else size_within(half, 0.0, unit, beside) for half in halves.values())
    return ", ".join(f"{name} {size}" for name, size in zip(halves, sizes, strict=True))


def spoken_within(value: float, low: float, high: float, unit: str, bound: float | None = None) -> tuple[str, str]:
    """Write a value and the bounds of its interval in one unit: `94.5%` and `91.9 to 96.5`.

    The digits are those that the interval carries: two of its half-width, and at most three of the value. A number has more
    only where an objective's bound is given, and only as many as it takes to lie on its true side of it.
    """
    (shown, below, above), suffix = _in_one_unit(value, low, high, unit, bound)
    return f"{shown}{suffix}", f"{below} to {above}"


def quoted_within(value: float, low: float, high: float, unit: str, bound: float | None = None) -> tuple[str, str]:
    """Write a value and the bounds of its interval as prose quotes them: `87%` and `85 to 89`.

    Prose is read long after its run: a number has no digit behind the first one of its half-width, since other runs change it.
    """
    (shown, below, above), suffix = _in_one_unit(value, low, high, unit, bound, is_prose=True)
    return f"{shown}{suffix}", f"{below} to {above}"


def finest_step(value: float, low: float, high: float, unit: str) -> float:
    """Return a unit of the last digit that `quoted_within` writes, in the unit of the value: 0.1 for 3.79 of 3.65 to 3.93."""
    factor, suffix = _own_scale(value or high, unit)
    return 10.0 ** -_prose_places((value or high) * factor, (high - low) * factor / 2, suffix == "%") / factor


def spoken_interval(value: float, low: float, high: float, unit: str, bound: float | None = None) -> str:
    """Write the bounds as `spoken_within` does, with their unit: `91.9 to 96.5%`."""
    (_, below, above), suffix = _in_one_unit(value, low, high, unit, bound)
    return f"{below} to {above}{suffix}"


#: A value and the ends of its interval.
Trio = tuple[float, float, float]


def spoken_sides(sides: Sequence[Trio], change: Trio, unit: str, bound: float | None = None) -> list[str]:
    """Write a figure before and after a change, each with its unit, so that a reader who subtracts gets the change shown.

    A figure has the digits of `spoken_within`, but no finer ones than its change is
    written in by `signed_within`: beside `+15,000 USD`, 56,100 USD is `56,000 USD`. It keeps two of its digits, a share one.
    """
    if not any(change):
        return [spoken_within(*side, unit, bound)[0] for side in sides]
    scale, factor, _, half = _change_scale(change, unit, max(value for value, _, _ in sides))
    step = 10.0 ** -_places_within(scale * factor, half, False) / factor
    return [_beside_change(side, step, unit, bound) for side in sides]


def _beside_change(side: Trio, step: float, unit: str, bound: float | None) -> str:
    value, low, high = side
    if not all(map(isfinite, side)):
        return spoken(value, unit)
    factor, suffix = _own_scale(value or high, unit)
    share = unit == "share"
    own, most = (_places_within((value or high) * factor, half, share) for half in ((high - low) * factor / 2, 0.0))
    places = min(own, max(ceil(-log10(step * factor) - 1e-9), most - (2 if share else 1)))
    return f"{_beside_bound(value, factor, unit, places, bound, low >= 0 or high <= 0)}{suffix}"


def size_within(value: float, half: float, unit: str, beside: float = 0.0) -> str:
    """Write the size of a change in the digits that its half-width carries, at least one; a share in percentage points.

    beside: the figure that changes, for the unit
    """
    factor, suffix = (100.0, "point") if unit == "share" else _unit_of_change(value, beside, unit)
    places = _places_within(value * factor, half * factor if isfinite(half) else 0.0, False)
    written = _rounded(abs(value) * factor, places, "", True)
    return with_noun(written, "point") if suffix == "point" else f"{written}{suffix}"


def signed_within(value: float, low: float, high: float, unit: str, beside: float = 0.0) -> list[str]:
    """Write a change and the bounds of its interval with their signs, all in one unit: `−3.4 min`, `−5.6 min`, `−1.2 min`.

    The digits are those that the interval carries. No bound of an interval without 0 rounds to 0.
    beside: the larger of both figures; beside 14.1 h, a change of 60.8 min is `1.01 h`
    """
    scale, factor, suffix, half = _change_scale((value, low, high), unit, beside)
    places, apart = _places_within(scale * factor, half, False), low > 0 or high < 0
    return [_with_sign(number * factor, places, suffix, apart) for number in (value, low, high)]


def _change_scale(change: Trio, unit: str, beside: float) -> tuple[float, float, str, float]:
    """Return the number that decides the unit of a change, that unit's factor and suffix, and the half-width in the unit."""
    value, low, high = change
    finite = [number for number in change if isfinite(number)]
    scale = value if (low > 0 or high < 0) and isfinite(value) else max(finite, key=abs, default=0.0)
    factor, suffix = (100.0, "point") if unit == "share" else _unit_of_change(scale, beside, unit)
    half = (high * factor - low * factor) / 2
    return scale, factor, suffix, half if isfinite(half) else 0.0


def _unit_of_change(size: float, beside: float, unit: str) -> tuple[float, str]:
    """Choose the unit of the figures; a change below a hundredth of it keeps its own: 14.1 h less 20 s, not less 0.0056 h."""
    factor, suffix = _own_scale(beside, unit)
    return (factor, suffix) if beside and isfinite(beside) and abs(size) * factor >= SHOWN else _own_scale(size, unit)


def _with_sign(number: float, places: int, suffix: str, apart: bool) -> str:
    if isinf(number):
        return "unbounded"
    written = _rounded(abs(number), places, "", apart)
    signed_number = written if written == "0" else f"{'−' if number < 0 else '+'}{written}"
    return with_noun(signed_number, "point") if suffix == "point" else f"{signed_number}{suffix}"


def _in_one_unit(
    value: float, low: float, high: float, unit: str, bound: float | None, is_prose: bool = False
) -> tuple[list[str], str]:
    """Write three numbers, and the unit that all of them have; without a common unit each has its own."""
    numbers = (value, low, high)
    if not all(map(isfinite, numbers)):
        return [spoken(number, unit) for number in numbers], ""
    factor, suffix = _own_scale(value or high, unit)
    places_of = _prose_places if is_prose else _places_within
    least, apart = places_of((value or high) * factor, (high - low) * factor / 2, suffix == "%"), low >= 0 or high <= 0
    return [_beside_bound(number, factor, unit, least, bound, apart) for number in numbers], suffix


def _beside_bound(number: float, factor: float, unit: str, least: int, bound: float | None, apart: bool) -> str:
    """Write a number with `least` decimal places, or with as many more as it takes to lie on its true side of the bound.

    apart: whether the interval has no number on the other side of 0
    """
    if bound is None or number == bound:
        return _rounded(number * factor, least, unit, apart)
    texts = (_rounded(number * factor, places, unit, apart) for places in range(least, least + _DIGITS))
    side = f"just {'under' if number < bound else 'over'} {_exactly(bound, factor, '')}"  # no number of digits tells them apart
    return next((text for text in texts if _is_on_its_side(text.split()[-1], number, bound, factor, unit)), side)


def _own_scale(value: float, unit: str) -> tuple[float, str]:
    """Choose the unit that a value is written in. No bound bears on it: all surfaces write one value in one unit."""
    if unit != "s":
        return _scales(unit)[0]
    size = abs(float(f"{value:.3g}"))  # as it will read: 0.9999 s is 1.00 s, not 1,000 ms
    return next((factor, suffix) for factor, suffix, least in _TIMES if size >= least)


def _places_within(value: float, half: float, is_percent: bool) -> int:
    """Return the decimal places of a number, negative for tens: a percentage has more near 0 and 100, where they matter."""
    size = min(abs(value), abs(100 - value)) or 100.0 if is_percent else abs(float(f"{value:.3g}"))  # 9.999 reads as 10.0
    three = 2 - floor(log10(size)) if size > 0 else 0
    carried = 1 - floor(log10(half)) if half > 0 else three
    return min(three, carried, 2) if is_percent else min(three, carried)


def _prose_places(value: float, half: float, is_percent: bool) -> int:
    """Return the decimal places of a number in prose: a percentage is whole at the coarsest, others keep their first digit."""
    coarsest = 0 if is_percent else -floor(log10(abs(value))) if value else 0
    return max(coarsest, min(_places_within(value, half, is_percent), -floor(log10(half)) if half > 0 else _DIGITS))


#: A change that is smaller, in the unit of the figures, has a unit of its own.
SHOWN = 0.01

#: A number below this is the rounding of a processor, and reads as 0.
_NOISE = 1e-12


def _rounded(number: float, places: int, unit: str, apart: bool) -> str:
    """Round to decimal places, with thousands set apart and a real minus sign; an exact zero is `0`, with no sign.

    apart: whether the interval lies on one side of 0; a number smaller than its last place then has one digit, as `4,000` has
    beside a bound of 196,000,000
    """
    rounded = round(number, places)
    if unit == "share" and rounded in (0, 100):
        return percent(number / 100).removesuffix("%").removesuffix(".0")  # `over 99.99` where it is not quite 100
    if apart and _NOISE < abs(number) < 10.0**-places:
        places = -floor(log10(abs(number)))
        rounded = round(number, places)
    if rounded == 0:
        return "0"
    return f"{'−' if rounded < 0 else ''}{abs(rounded):,.{max(places, 0)}f}"


def listed(words: Sequence[str]) -> str:
    """Join words: `one`, `one and two`, `one, two and three`."""
    return " and ".join(filter(None, [", ".join(words[:-1]), *words[-1:]]))


def upper_first(words: str) -> str:
    """Begin words with a capital letter, and leave the others as they are."""
    return f"{words[:1].upper()}{words[1:]}"
