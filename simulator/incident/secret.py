"""The secret of an incident: its cause, its place, and its start."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from simulator.case.schema import Scenario
from simulator.errors import InputError, suggest
from simulator.incident.effects import AnyEffect, Cause, Decoy, OutsideEffects, SuspectEntry
from simulator.incident.section import Incident
from simulator.records.streams import Streams

DAY_S, HOUR_S = 86_400.0, 3600.0
Shape = Literal["abrupt", "gentle"]


class SecretError(InputError):
    """A cause or its shape is unknown to the case; the message lists those that exist."""


@dataclass(frozen=True)
class Secret:
    """The drawn facts of an incident; with the scenario and the actions they fix everything that happens.

    cause: its name; None: quiet weeks
    onset_s: its start, in seconds from the start of the run; infinite without a cause
    drawn: three numbers from 0 to 1 that choose the site, its camera, and the first replica
    salt: mixed into every hash that a player sees, so that no hash follows from the seed; empty in a script
    """

    seed: int
    cause: str | None
    shape: Shape
    onset_s: float
    decoy: str | None
    drawn: tuple[float, float, float]
    salt: str = field(default="", repr=False)

    @property
    def quiet(self) -> bool:
        return self.cause is None

    def of(self, spec: Incident) -> Cause | None:
        return None if self.cause is None else spec.causes[self.cause]

    def decoy_of(self, spec: Incident) -> Decoy | None:
        return None if self.decoy is None else spec.decoys[self.decoy]

    def effects(self, spec: Incident) -> list[tuple[AnyEffect, bool]]:
        parts = (self.of(spec), True), (self.decoy_of(spec), False)
        return [(effect, of_cause) for part, of_cause in parts if part for effect in part.effects]

    def outside(self, spec: Incident) -> OutsideEffects:
        """Return the effects that act before or beside the frames' way."""
        outside = OutsideEffects()
        for effect, of_cause in self.effects(spec):
            effect.join(outside, of_cause)
        return outside

    def entries(self, spec: Incident) -> list[SuspectEntry]:
        return [part.log for part in (self.of(spec), self.decoy_of(spec)) if part and part.log]

    def full_s(self, spec: Incident) -> float:
        """Return the time (s) from which on it has its full strength."""
        return self.onset_s + (spec.ramp_days * DAY_S if self.shape == "gentle" else 0.0)


def spec_of(scenario: Scenario) -> Incident:
    """Return the scenario's incident; raises SecretError for a case without one."""
    if scenario.incident is None:
        raise SecretError(f"{scenario.id}: this case has no `incident` section, so there is no incident to play")
    return scenario.incident


def draw(scenario: Scenario, seed: int, cause: str | None = None, shape: str | None = None, salt: str = "") -> Secret:
    """Draw the secret of a seed; cause and shape may be given instead. Raises SecretError for unknown ones."""
    spec = spec_of(scenario)
    rng = Streams(seed).named("incident")
    which, form, when, lures, lure, *drawn = rng.random(8).tolist()
    names = list(spec.causes)
    name = (
        names[int(np.searchsorted(np.cumsum(list(spec.prior.values()))[:-1], which, side="right"))] if cause is None else cause
    )
    if name not in spec.causes:
        raise SecretError(f"there is no cause '{name}'; {suggest(name, names)}")
    drawn_cause = spec.causes[name]
    chosen = drawn_cause.shapes[int(form * len(drawn_cause.shapes))] if shape is None else shape
    if chosen not in drawn_cause.shapes:
        raise SecretError(f"the cause '{name}' comes {' or '.join(drawn_cause.shapes)}, not '{chosen}'")
    first, last = spec.onset_days
    decoys = drawn_cause.decoys or list(spec.decoys)
    moves = decoys and (drawn_cause.decoys or lures < spec.decoy_share.value)
    decoy = decoys[int(lure * len(decoys))] if moves else None
    onset_s = (first + when * (last - first)) * DAY_S
    places = drawn[0], drawn[1], drawn[2]
    return Secret(seed, name, "gentle" if chosen == "gentle" else "abrupt", onset_s, decoy, places, salt)


def quiet(seed: int) -> Secret:
    return Secret(seed, None, "abrupt", float("inf"), None, (0.0, 0.0, 0.0))
