"""What a link stores: case, version, picks, curveballs, seed and number of replications. Never results."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from simulator.analysis.run.replicate import REPLICATIONS
from simulator.errors import suggest
from simulator.scenario.choices import Choice, Options
from simulator.scenario.schema import Scenario
from simulator.serving.plan import Plan

SEEDS = (0, 2**31 - 1)


def shown(choice: Choice, pick: Any) -> str:
    """A pick as an address writes it: an option by its label, a number in digits."""
    return choice.label_of(pick) if isinstance(choice, Options) else f"{choice.read(pick):g}"


def link(plan: Plan, seed: int, replications: int) -> str:
    """The query string that opens this design and its curveballs, even if the case's defaults change."""
    scenario = plan.scenario
    picks = {name: shown(scenario.choices[name], pick) for name, pick in plan.design.items()}
    kept = {"case": scenario.id, "version": scenario.version, **picks, "seed": seed, "replications": replications}
    if called := _called(plan):
        kept |= {"strike": [scenario.curveballs[name].label for name in called], "strike_min": max(called.values()) / 60}
    return "?" + urlencode(kept, doseq=True)


def command(plan: Plan, seed: int, replications: int) -> str:
    """The command line that runs this design; defaults are left out."""
    defaults = plan.scenario.defaults()
    picks = [f"--set {name}={shlex.quote(str(pick))}" for name, pick in plan.design.items() if pick != defaults[name]]
    strikes = [f"--strike {name}@{time:g}" for name, time in _called(plan).items()]
    return " ".join(["casesim run", plan.scenario.id, *picks, *strikes, f"--seed {seed}", f"--replications {replications}"])


def _called(plan: Plan) -> dict[str, float]:
    """The curveballs that strike at a time other than their author's, in seconds."""
    balls, starts_at = plan.scenario.curveballs, plan.scenario.run.starts_at
    return {name: time for name, time in plan.strikes.items() if balls[name].own_time(starts_at) != time}


def complaints(scenario: Scenario, address: Mapping[str, str]) -> list[str]:
    """What an address asks for and this case does not offer, a sentence each."""
    found = [_version(scenario, address.get("version"))]
    found += [_pick(name, choice, address[name]) for name, choice in scenario.choices.items() if name in address]
    found += [_whole(name, address[name], bounds) for name, bounds in _RUN.items() if name in address]
    found += [_strike(scenario, address["strike"])] if "strike" in address else []
    known = ["case", "version", "run", "strike", "strike_min", *_RUN, *scenario.choices]
    found += [f"{name}: this case has no such choice; {suggest(name, known)}" for name in address if name not in known]
    return [sentence for sentence in found if sentence]


_RUN = {"seed": SEEDS, "replications": REPLICATIONS}


def _version(scenario: Scenario, given: str | None) -> str:
    if given is None or given == str(scenario.version):
        return ""
    return (
        f"The link was made with version {given} of this case, which is now at version {scenario.version}; results may differ."
    )


def _pick(name: str, choice: Choice, given: str) -> str:
    """Why an address's value is not used; empty when it is."""
    if isinstance(choice, Options):
        labels = [option.label for option in choice.options.values()]
        reason = "" if given in labels else f"there is no such option; {suggest(given, labels)}"
    else:
        reason = _unreadable(choice, given)
    return reason and f"{name}={given}: {reason}. {choice.label} is at its default, {choice.label_of(choice.default)}."


def _strike(scenario: Scenario, given: str) -> str:
    labels = [ball.label for ball in scenario.curveballs.values()]
    return "" if given in labels else f"strike={given}: there is no such curveball; {suggest(given, labels)}"


def _unreadable(choice: Choice, given: str) -> str:
    try:
        choice.read(given)
    except ValueError as error:
        return str(error)
    return ""


def _whole(name: str, given: str, bounds: tuple[int, int]) -> str:
    low, high = bounds
    good = given.isascii() and given.isdigit() and low <= int(given) <= high
    return "" if good else f"{name}={given}: expected a whole number from {low} to {high}; the default is used."
