"""Numbers as people read them: a unit, and two or three significant digits."""

from math import floor, isinf, log10


def significant(value: float, digits: int = 3) -> str:
    """A number rounded to so many significant digits, with thousands set apart."""
    if value == 0:
        return "0"
    places = digits - 1 - floor(log10(abs(value)))
    rounded = round(value, places)
    return f"{rounded:,.{max(places, 0)}f}" if abs(rounded) < 10**digits else f"{rounded:,.0f}"


def duration(seconds: float) -> str:
    """Seconds in the unit that reads best: 4.2 ms, 7.0 s, 12.3 h."""
    size = abs(seconds)
    if size < 1:
        return f"{significant(seconds * 1000)} ms"
    if size < 120:
        return f"{significant(seconds)} s"
    if size < 7200:
        return f"{significant(seconds / 60)} min"
    return f"{significant(seconds / 3600)} h"


def percent(share: float) -> str:
    """A share as a percentage; more digits near 0 and 1, where they matter."""
    if 0 < share < 5e-5 or 0 < 1 - share < 5e-5:
        return "under 0.01%" if share < 0.5 else "over 99.99%"
    near = min(abs(share), abs(1 - share))
    return f"{100 * share:.{1 if near >= 0.01 or near == 0 else 2}f}%"


def roughly(share: float) -> str:
    """A share in whole per cent; never rounded to nothing or to everything."""
    if 0 < share < 0.01:
        return "under 1%"
    if 0.99 < share < 1:
        return "over 99%"
    return f"{share:.0%}"


def spoken(value: float, unit: str) -> str:
    """A value with its unit, as on the screen."""
    if isinf(value):
        return "unbounded"
    if unit == "s":
        return duration(value)
    if unit == "share":
        return percent(value)
    if unit == "USD":
        return f"{significant(value)} USD"
    return f"{significant(value)} {unit}"


def spread(halves: dict[str, float], unit: str) -> str:
    """Half-widths of intervals by name, in one unit: `run 0.1, labels 8.3 points`, `run 12.0 ms`."""
    if unit == "share" and not any(isinf(half) for half in halves.values()):
        return ", ".join(f"{name} {significant(100 * half, 2)}" for name, half in halves.items()) + " points"
    return ", ".join(f"{name} {spoken(half, unit)}" for name, half in halves.items())
