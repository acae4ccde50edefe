"""`casesim proof`: hours that show a rate, or trials that show a share."""

from __future__ import annotations

import json
from typing import Annotated, Any

import typer

from simulator.cli.exits import UsageError, say
from simulator.sources.proof_sizes import MOST_EVENTS, POWER, hours_to_plan, hours_with, trials_to_plan, trials_with
from simulator.units import counted, percent, significant

#: Failures, or events, that the table begins with.
FIRST = (0, 1, 2, 5)


def proof(
    per_hour: Annotated[
        float | None, typer.Option(help="a rate an hour that shall be shown not to be exceeded", show_default=False)
    ] = None,
    share: Annotated[float | None, typer.Option(help="a share that shall be shown to be reached", show_default=False)] = None,
    events: Annotated[int | None, typer.Option(help="events, or failed trials, so far", show_default=False)] = None,
    truth: Annotated[
        float | None, typer.Option(help="what the rate or the share really is, to plan with", show_default=False)
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="print one JSON object and nothing else")] = False,
) -> None:
    """Print the hours that show a rate, or the trials that show a share, with 95% confidence."""
    _check(per_hour, share, events, truth)
    found = proof_of(per_hour, share, FIRST if events is None else (events,), truth)
    if as_json:
        typer.echo(json.dumps(found, indent=2))
        return
    for sentence in sentences(found):
        say(sentence)


def _check(per_hour: float | None, share: float | None, events: int | None, truth: float | None) -> None:
    if (per_hour is None) == (share is None):
        raise UsageError("give exactly one of --per-hour and --share, such as --per-hour 1 or --share 0.95")
    if per_hour is not None and not 0 < per_hour < 1e9:
        raise UsageError(f"--per-hour: got {per_hour:g}; expected a rate above 0")
    if share is not None and not 1e-6 <= share <= 1 - 1e-6:
        raise UsageError(f"--share: got {share:g}; expected a share between 0 and 1, such as 0.95")
    if events is not None and not 0 <= events <= MOST_EVENTS:
        raise UsageError(f"--events: got {events}; expected 0 to {MOST_EVENTS:,}")
    if truth is not None and not (0 <= truth <= 1 if share is not None else truth >= 0):
        raise UsageError(f"--truth: got {truth:g}; expected {'a share' if share is not None else 'a rate'} of 0 or more")


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


def sentences(found: dict[str, Any]) -> list[str]:
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
            lines.append(f"If the truth is {truth}, no proof comes out: it has to be better than the bound.")
        else:
            size, most = _size(found["plan"][unit], unit), counted(found["plan"]["events"], event)
            lines.append(f"If the truth is {truth}, plan {size}: the proof bears {most}, and comes out in 80% of the cases.")
    return lines


def _size(size: float, unit: str) -> str:
    return f"{significant(size)} hours" if unit == "hours" else f"{size:,.0f} trials"
