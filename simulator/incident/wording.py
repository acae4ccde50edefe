"""Words of the control room: times of the incident's clock, durations, costs, and advice on the first moves."""

from __future__ import annotations

from simulator.case.schema import Scenario
from simulator.engine.arrivals.daily import DAYS
from simulator.incident.secret import DAY_S, HOUR_S
from simulator.incident.section import Incident
from simulator.records.timetables import clock_minutes


def moment(scenario: Scenario, at_s: float) -> str:
    """Return a time of the run as its clock shows it: `day 13, Sat 14:30`."""
    assert scenario.incident is not None
    since = at_s + DAYS.index(scenario.incident.starts_on) * DAY_S + 60 * clock_minutes(scenario.run.starts_at)
    minutes = int(since % DAY_S // 60)
    weekday = DAYS[int(since // DAY_S) % 7][:3].capitalize()
    return f"day {int(at_s // DAY_S) + 1}, {weekday} {minutes // 60:02d}:{minutes % 60:02d}"


def hours(seconds: float) -> str:
    if seconds < 2 * HOUR_S:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / HOUR_S:.2g} h" if seconds < 3 * DAY_S else f"{seconds / DAY_S:.2g} days"


def usd(amount: float) -> str:
    return f"{amount:,.0f} USD"


def price(minutes: float, amount: float, a_day: float = 0.0) -> str:
    """Return the cost of an action: `4 h, 500 USD and 480 USD a day`."""
    takes = f"{minutes:,.0f} min" if minutes < 120 else f"{minutes / 60:.2g} h"
    daily = f" and {usd(a_day)} a day" if a_day else ""
    return f"{takes}, {usd(amount)}{daily}"


def first_moves(spec: Incident) -> str:
    quick = sorted(spec.looks.values(), key=lambda look: spec.look_cost(look, 0)[::-1])[:3]
    return "Sensible first moves are quick: " + "; ".join(look.label.lower() for look in quick) + "."
