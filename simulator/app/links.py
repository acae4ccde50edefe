"""Addresses of designs: they store case, version, picks, curveballs, seed and number of replications. Never results.

An address is short and carries ids, as the command does: what equals the case's default is left out.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from math import isfinite, nan
from urllib.parse import urlencode

from simulator.case.choices import Choice, Options, Pick
from simulator.case.schema import Scenario
from simulator.engine.compiled_plan import Plan
from simulator.errors import MOST_LISTED, suggest
from simulator.metrics.replications import REPLICATIONS
from simulator.phrases import phrase

SEEDS = (0, 2**31 - 1)
DEFAULT_SEED = 1

#: A key may be given more than once: curveballs are.
Address = Mapping[str, str | Iterable[str]]

#: As much of a value as a sentence repeats.
_MOST_SHOWN = 60


@dataclass
class LinkRequest:
    """Contents of an address; parts that are missing or cannot be read are at their defaults.

    picks: those that are given; strikes: curveball to its time in seconds, None for its author's own
    complaints: what could not be read, a sentence each
    """

    picks: dict[str, Pick]
    strikes: dict[str, float | None]
    seed: int
    replications: int
    complaints: list[str] = field(default_factory=list)


def written(plan: Plan, seed: int, replications: int) -> dict[str, str | list[str]]:
    """Return the address of a design: case and version, and every value that differs from the case's defaults."""
    scenario = plan.scenario
    values: dict[str, str | list[str]] = {"case": scenario.id, "version": str(scenario.version), **_picked(plan)}
    if called := _called(plan):
        values["strike"] = [f"{name}@{_digits(at_s)}s" for name, at_s in called.items()]
    if seed != DEFAULT_SEED:
        values["seed"] = str(seed)
    if replications != scenario.run.replications:
        values["replications"] = str(replications)
    return values


def link(plan: Plan, seed: int, replications: int) -> str:
    return "?" + urlencode(written(plan, seed, replications), doseq=True, safe="@")


def command(plan: Plan, seed: int, replications: int, until_decided: bool = False) -> str:
    """Return the command that runs a design; until_decided: whether it may end before all replications."""
    picks = [f"--set {name}={shlex.quote(pick)}" for name, pick in _picked(plan).items()]
    strikes = [f"--strike {name}@{_digits(time)}" for name, time in _called(plan).items()]
    size = [f"--seed {seed}", f"--replications {replications}", *(["--until-decided"] if until_decided else [])]
    return " ".join(["casesim run", plan.scenario.id, *picks, *strikes, *size])


def _picked(plan: Plan) -> dict[str, str]:
    defaults = plan.scenario.defaults()
    return {name: str(pick) for name, pick in plan.design.items() if pick != defaults[name]}


def _digits(number: float) -> str:
    return str(int(number)) if number == int(number) else str(number)


def _called(plan: Plan) -> dict[str, float]:
    """Return the curveballs that strike at a time other than their author's, in seconds."""
    balls, starts_at = plan.scenario.curveballs, plan.scenario.run.starts_at
    return {name: time for name, time in plan.strikes.items() if balls[name].own_time(starts_at) != time}


def read(scenario: Scenario, address: Address) -> LinkRequest:
    """Read an address for a case; values that cannot be read are at their defaults, with a complaint each.

    address: `st.query_params.to_dict()` loses all but the last value of a key; give every value where there may be several
    """
    return _LinkReader(scenario, address).request()


class _LinkReader:
    """Reads one address, and complains of what it cannot read."""

    def __init__(self, scenario: Scenario, address: Address) -> None:
        self.scenario = scenario
        self.given = {name: [given] if isinstance(given, str) else list(given) for name, given in address.items()}
        self.complaints: list[str] = []

    def request(self) -> LinkRequest:
        self._version()
        picks = self._picks()
        seed = self._whole("seed", SEEDS, DEFAULT_SEED)
        replications = self._whole("replications", REPLICATIONS, self.scenario.run.replications)
        strikes = self._strikes()
        self._one("case")
        self._lost()
        self._unknown()
        return LinkRequest(picks, strikes, seed, replications, self.complaints)

    def _one(self, name: str) -> str | None:
        """Return the one value of a key; None, with a complaint, where several contradict each other."""
        values = list(dict.fromkeys(self.given.get(name, [])))
        if len(values) > 1:
            self.complaints.append(phrase("links.several", name=name, values=[_shown(value) for value in values[:3]]))
        return values[0] if len(values) == 1 else None

    def _version(self) -> None:
        given, now = self._one("version"), self.scenario.version
        if given is not None and given != str(now):
            self.complaints.append(phrase("links.version", given=_shown(given), now=now))

    def _picks(self) -> dict[str, Pick]:
        picks: dict[str, Pick] = {}
        for name, choice in self.scenario.choices.items():
            given = self._one(name)
            if given is None:
                continue
            try:
                picks[name] = _pick(choice, given)
            except ValueError as error:
                then = phrase("links.default", choice=choice.label, default=choice.label_of(choice.default))
                self.complaints.append(_refused(name, given, error, then))
        return picks

    def _whole(self, name: str, bounds: tuple[int, int], default: int) -> int:
        given = self._one(name)
        if given is None:
            return default
        low, high = bounds
        readable = given.isascii() and given.isdigit() and len(given) <= len(str(high))
        if readable and low <= int(given) <= high:
            return int(given)
        self.complaints.append(phrase("links.number", name=name, given=_shown(given), low=low, high=high, default=default))
        return default

    def _strikes(self) -> dict[str, float | None]:
        """Read the curveballs: `strike=news@28800s`; older links give minutes, `news@480`, or a label and one time for all."""
        shared, found = self._one("strike_min"), dict[str, set[float | None]]()
        if shared is not None and not self.given.get("strike"):
            self.complaints.append(phrase("links.no_curveball", given=_shown(shared), remedy=_STRIKE))
        for given in self.given.get("strike", []):
            try:
                name, at_s = self._strike(given, shared)
            except ValueError as error:
                self.complaints.append(_refused("strike", given, error, "It does not strike."))
            else:
                found.setdefault(name, set()).add(at_s)
        self.complaints += [phrase("links.several_times", name=name) for name, times in found.items() if len(times) > 1]
        return {name: times.pop() for name, times in found.items() if len(times) == 1}

    def _strike(self, given: str, shared: str | None) -> tuple[str, float | None]:
        balls = self.scenario.curveballs
        before, at, after = given.rpartition("@")
        word, time = (before, after) if at else (given, shared)
        name = word if word in balls else _by_label({name: ball.label for name, ball in balls.items()}, word)
        if name is None:
            raise ValueError(f"there is no such curveball; {suggest(word[:_MOST_SHOWN], balls)}")
        if time is None:
            if balls[name].called_time(self.scenario.run.starts_at) is None:
                raise ValueError(f"it has no time of its own; {_STRIKE}")
            return name, None
        at_s = _seconds(time)
        if late := balls[name].too_late(self.scenario, at_s):
            raise ValueError(f"it {late} s")
        return name, at_s

    def _lost(self) -> None:
        if given := self._one("run"):
            self.complaints.append(phrase("links.run", given=_shown(given)))

    def _unknown(self) -> None:
        known = ["case", "version", "strike", "seed", "replications", *self.scenario.choices]
        strange = [name for name in self.given if name not in {*known, "run", "strike_min"}]
        self.complaints += [
            f"{_shown(name)}: this case has no such choice; {suggest(name[:_MOST_SHOWN], known)}"
            for name in strange[:MOST_LISTED]
        ]
        if len(strange) > MOST_LISTED:
            self.complaints.append(f"{len(strange) - MOST_LISTED:,} more names in the address mean nothing in this case.")


_STRIKE = "write a curveball with its time in seconds from the start of the run, such as strike=NAME@3600s"


def _pick(choice: Choice, given: str) -> Pick:
    """Read a pick: an option by its id, or by its label as in older links; raises ValueError."""
    if isinstance(choice, Options):
        name = given if given in choice.options else _by_label({option: o.label for option, o in choice.options.items()}, given)
        return choice.read(given if name is None else name)
    return choice.read(given)


def _by_label(labels: Mapping[str, str], word: str) -> str | None:
    found = [name for name, label in labels.items() if label == word]
    return found[0] if len(found) == 1 else None


def _seconds(given: str) -> float:
    """Read a time: `3600s`, or minutes without a unit, as older links give them; raises ValueError."""
    number = given.removesuffix("s")
    try:
        time = float(number) * (60 if number == given else 1)
    except ValueError:
        time = nan
    if not isfinite(time):
        raise ValueError(f"'{_shown(given)}' is no time; {_STRIKE}")
    return round(time, 6)


def _shown(given: str) -> str:
    return given if len(given) <= _MOST_SHOWN else f"{given[:_MOST_SHOWN]}… ({len(given):,} characters)"


def _refused(name: str, given: str, error: ValueError, then: str) -> str:
    reason = str(error).replace(given, _shown(given)) if given else str(error)
    end = "" if reason.endswith("?") else "."
    return f"{name}={_shown(given)}: {reason}{end} {then}"
