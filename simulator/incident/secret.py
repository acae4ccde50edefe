"""The secret of an incident: what is behind it, where, and since when."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from simulator.case.schema import Scenario
from simulator.errors import InputError, suggest
from simulator.incident.cause_kinds import AnyEffect, Cause, Decoy, SuspectEntry
from simulator.incident.section import Incident
from simulator.records.streams import Streams

DAY_S, HOUR_S = 86_400.0, 3600.0
Shape = Literal["abrupt", "gentle"]


class SecretError(InputError):
    """There is no such cause, or it does not come so; the message lists what there is."""


@dataclass(frozen=True)
class Secret:
    """What is behind an incident; with the scenario and the actions it tells everything that happens.

    cause: its name; None: nothing is behind it, and the weeks are quiet
    onset_s: when it begins, in seconds from the start of the run; infinite without a cause
    drawn: three numbers from 0 to 1: which site, which camera of it, and which replica comes first
    """

    seed: int
    cause: str | None
    shape: Shape
    onset_s: float
    decoy: str | None
    drawn: tuple[float, float, float]

    @property
    def quiet(self) -> bool:
        """Whether nothing is behind it."""
        return self.cause is None

    def of(self, spec: Incident) -> Cause | None:
        """The cause as the author wrote it."""
        return None if self.cause is None else spec.causes[self.cause]

    def decoy_of(self, spec: Incident) -> Decoy | None:
        """The decoy as the author wrote it."""
        return None if self.decoy is None else spec.decoys[self.decoy]

    def effects(self, spec: Incident) -> list[tuple[AnyEffect, bool]]:
        """Everything that moves at the onset, and whether it is of the cause, not of the decoy."""
        parts = (self.of(spec), True), (self.decoy_of(spec), False)
        return [(effect, of_cause) for part, of_cause in parts if part for effect in part.effects]

    def entries(self, spec: Incident) -> list[SuspectEntry]:
        """What the log of changes says of the time of the onset."""
        return [part.log for part in (self.of(spec), self.decoy_of(spec)) if part and part.log]

    def full_s(self, spec: Incident) -> float:
        """When it has come with its full strength."""
        return self.onset_s + (spec.ramp_days * DAY_S if self.shape == "gentle" else 0.0)


def spec_of(scenario: Scenario) -> Incident:
    """The scenario's incident; raises InputError for a case without one."""
    if scenario.incident is None:
        raise SecretError(f"{scenario.id}: this case has no `incident` section, so there is no incident to play")
    return scenario.incident


def draw(scenario: Scenario, seed: int, cause: str | None = None, shape: str | None = None) -> Secret:
    """The secret that a seed holds; cause and shape may be given instead. Raises SecretError for those that do not exist."""
    spec = spec_of(scenario)
    rng = Streams(seed).named("incident")
    which, how, when, lures, lure, *drawn = rng.random(8).tolist()
    names = list(spec.causes)
    name = names[int(which * len(names))] if cause is None else cause
    if name not in spec.causes:
        raise SecretError(f"there is no cause '{name}'; {suggest(name, names)}")
    mine = spec.causes[name]
    chosen = mine.shapes[int(how * len(mine.shapes))] if shape is None else shape
    if chosen not in mine.shapes:
        raise SecretError(f"the cause '{name}' comes {' or '.join(mine.shapes)}, not '{chosen}'")
    first, last = spec.onset_days
    decoys = mine.decoys or list(spec.decoys)
    moves = decoys and (mine.decoys or lures < spec.decoy_share.value)
    decoy = decoys[int(lure * len(decoys))] if moves else None
    onset_s = (first + when * (last - first)) * DAY_S
    return Secret(seed, name, "gentle" if chosen == "gentle" else "abrupt", onset_s, decoy, (drawn[0], drawn[1], drawn[2]))


def quiet(seed: int) -> Secret:
    """Weeks in which nothing goes wrong."""
    return Secret(seed, None, "abrupt", float("inf"), None, (0.0, 0.0, 0.0))
