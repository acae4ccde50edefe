"""Sizes of proofs: hours that show a rate, and trials that show a share, by exact counts."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable
from math import ceil, log
from typing import Any

from scipy.special import gammaincinv, pdtr
from scipy.stats import binom

from simulator.intervals import LEVEL
from simulator.phrases import phrase
from simulator.units import counted, percent, significant

#: The chance that a proof of this size comes out, where the truth is better than the bound.
POWER = 0.8
#: No proof with more events, or more trials, is looked for.
MOST_EVENTS, MOST_TRIALS = 10_000, 100_000_000


def hours_with(per_hour: float, events: int = 0, level: float = LEVEL) -> float:
    """Return the hours with N events that show a rate of at most `per_hour`, one-sided (Garwood 1936).

    Without an event these are -ln(0.05) = 2.996 over the rate: the rule of three.
    """
    return float(gammaincinv(events + 1, level)) / per_hour


def rate_below(hours: float, events: int = 0, level: float = LEVEL) -> float:
    """Return the upper limit of a rate after N events in some hours, one-sided."""
    return float(gammaincinv(events + 1, level)) / hours


def trials_with(share: float, failures: int = 0, level: float = LEVEL) -> int:
    """Return the fewest trials, N of them failed, that show a share of successes of at least `share` (Clopper-Pearson)."""
    if not failures:
        return ceil(round(log(1 - level) / log(share), 9))
    return _fewest(lambda trials: float(binom.cdf(failures, trials, 1 - share)) <= 1 - level, failures + 1, MOST_TRIALS)


def hours_to_plan(per_hour: float, truth: float, power: float = POWER, level: float = LEVEL) -> tuple[float, int] | None:
    """Return the hours to plan, and the events that they may bring, so that the proof comes out with a chance of `power`.

    truth: the true rate; None where it is not below the bound, or so near that no proof of MOST_EVENTS is enough
    """
    if not 0 <= truth < per_hour:
        return None

    def enough(events: int) -> bool:
        return float(pdtr(events, truth * hours_with(per_hour, events, level))) >= power

    if not enough(MOST_EVENTS):
        return None
    events = _fewest(enough, 0, MOST_EVENTS)
    return hours_with(per_hour, events, level), events


def trials_to_plan(share: float, truth: float, power: float = POWER, level: float = LEVEL) -> tuple[int, int] | None:
    """Return the trials to plan, and the failures that they may bring, so that the proof comes out with a chance of `power`.

    truth: the true share; None as in `hours_to_plan`
    """
    if not share < truth <= 1:
        return None

    def enough(failures: int) -> bool:
        return float(binom.cdf(failures, trials_with(share, failures, level), 1 - truth)) >= power

    if not enough(MOST_EVENTS):
        return None
    failures = _fewest(enough, 0, MOST_EVENTS)
    return trials_with(share, failures, level), failures


def _fewest(enough: Callable[[int], bool], low: int, most: int) -> int:
    """Return the smallest number that is enough, by halving: more is taken to be enough as well."""
    return low + bisect_left(range(low, most), True, key=enough)


def proof_of(per_hour: float | None, share: float | None, events: tuple[int, ...], truth: float | None) -> dict[str, Any]:
    """Return the sizes of the proof by the events that it bears, and the size to plan where the truth is given."""
    found: dict[str, Any] = {"unit": "hours" if per_hour is not None else "trials"}
    found |= {"at_most_per_hour": per_hour} if per_hour is not None else {"at_least_share": share}
    size = (lambda n: hours_with(per_hour, n)) if per_hour is not None else (lambda n: trials_with(share, n))  # type: ignore[arg-type]
    found["needs"] = [{"events": number, found["unit"]: size(number)} for number in events]
    if truth is not None:
        plan = hours_to_plan(per_hour, truth) if per_hour is not None else trials_to_plan(share, truth)  # type: ignore[arg-type]
        found["truth"], found["power"] = truth, POWER
        found["plan"] = None if plan is None else {found["unit"]: plan[0], "events": plan[1]}
    return found


def proof_sentences(found: dict[str, Any]) -> list[str]:
    """Return the sizes in words."""
    rate, unit = "at_most_per_hour" in found, found["unit"]
    event = "event" if rate else "failure"
    bound = f"at most {found['at_most_per_hour']:g} an hour" if rate else f"at least {percent(found['at_least_share'])}"
    lines = [f"To show {bound} with 95% confidence:"]
    for need in found["needs"]:
        happened = counted(need["events"], event) if need["events"] else f"no {event}"
        lines.append(f"  {_size(need[unit], unit)} with {happened}")
    if "plan" in found:
        truth = f"{found['truth']:g} an hour" if rate else percent(found["truth"])
        if found["plan"] is None:
            lines.append(phrase("proof.none", truth=truth))
        else:
            size, most = _size(found["plan"][unit], unit), counted(found["plan"]["events"], event)
            lines.append(phrase("proof.plan", truth=truth, size=size, most=most))
    return lines


def _size(size: float, unit: str) -> str:
    return f"{significant(size)} hours" if unit == "hours" else f"{size:,.0f} trials"
