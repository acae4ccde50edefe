"""What happens by the clock in a run, whatever the requests: refused where it would take too long."""

from __future__ import annotations

from typing import TYPE_CHECKING

from simulator.limits import BY_THE_CLOCK
from simulator.units import duration

if TYPE_CHECKING:
    from simulator.scenario.schema import Scenario


def too_often(every_s: float, scenario: Scenario, what: str, at_once: int = 1) -> str:
    """Why something happens too often, on average every so many seconds in each of so many places; empty if it does not.

    what: the word for what happens, in the plural
    """
    run_s = 86_400 * (scenario.run.days + scenario.run.drain_days)
    least = at_once * run_s / BY_THE_CLOCK.most
    if every_s >= least:
        return ""
    count = f"{at_once * run_s / every_s:,.0f}" if every_s * 1e15 > at_once * run_s else "a number without end"
    told = f"{every_s:g} s means {count} of {what} in a run of {duration(run_s)}"
    return f"{told}; at most {BY_THE_CLOCK.most:,}: make it at least {least:.2g} s, or the run shorter"
