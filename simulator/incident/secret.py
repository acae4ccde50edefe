"""The secret of an incident: its cause, its place and its start, drawn at one of three difficulties."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Literal, TypeVar

import numpy as np

from simulator.case.fields import ShareFigure
from simulator.case.schema import Scenario
from simulator.errors import InputError, suggest
from simulator.incident.effects import AnyEffect, Cause, Decoy, Shape, Where
from simulator.incident.section import Incident
from simulator.records.streams import Streams

Level = Literal["easy", "usual", "hard"]
USUAL: Level = "usual"


class LevelError(InputError):
    """There is no such difficulty; the message lists those that exist."""


@dataclass(frozen=True)
class Difficulty:
    """The terms of an incident; what is None is as the case says.

    one_a_place: whether only the most frequent cause of each place where causes enter can come
    equal: whether all causes come equally often, so that the prior tells nothing
    shapes: the shapes that causes come in; a cause without one of them keeps its own
    decoy_share, second_share: how often a decoy and a second cause come
    vague: whether a customer names no place and no time of day
    looks_usd: the most money for looks
    """

    one_a_place: bool = False
    equal: bool = False
    shapes: tuple[Shape, ...] | None = None
    decoy_share: float | None = None
    second_share: float | None = None
    vague: bool = False
    looks_usd: float = float("inf")


DIFFICULTIES: dict[Level, Difficulty] = {
    "easy": Difficulty(one_a_place=True, shapes=("abrupt",), decoy_share=0.2, second_share=0.0),
    "usual": Difficulty(),
    "hard": Difficulty(
        equal=True,
        shapes=("gentle", "intermittent"),
        decoy_share=1.0,
        second_share=0.25,
        vague=True,
        looks_usd=400.0,
    ),
}


def level_of(name: str) -> Level:
    """Return a difficulty by its name; raises LevelError."""
    if name not in DIFFICULTIES:
        raise LevelError(f"there is no difficulty '{name}'; {suggest(name, DIFFICULTIES)}")
    return name


def at_level(scenario: Scenario, level: Level) -> Scenario:
    """Return the case on the terms of a difficulty; the case itself at the usual one."""
    return scenario if level == USUAL or scenario.incident is None else _changed(scenario, level)


@lru_cache(maxsize=8)
def _changed(scenario: Scenario, level: Level) -> Scenario:
    spec, terms = scenario.incident, DIFFICULTIES[level]
    assert spec is not None
    causes = {name: _on_terms(spec.causes[name], terms) for name in _suspects(spec, terms)}
    changes: dict[str, object] = {"causes": causes}
    for name, share in (("decoy_share", terms.decoy_share), ("second_share", terms.second_share)):
        if share is not None:
            figure: ShareFigure = getattr(spec, name)
            changes[name] = figure.model_copy(update={"value": share})
    return scenario.model_copy(update={"incident": spec.model_copy(update=changes)})


def _suspects(spec: Incident, terms: Difficulty) -> Iterable[str]:
    """Return the names of the causes that can come, in the order of the case."""
    if not terms.one_a_place:
        return spec.causes
    falling = sorted(spec.causes, key=lambda name: (name == spec.nothing, spec.causes[name].often), reverse=True)
    likeliest = {spec.causes[name].enters_at: name for name in reversed(falling)}  # the first one of equals
    return [name for name in spec.causes if name in likeliest.values()]


def _on_terms(cause: Cause, terms: Difficulty) -> Cause:
    shapes = [shape for shape in cause.shapes if terms.shapes is None or shape in terms.shapes]
    return cause.model_copy(update={"often": 1.0 if terms.equal else cause.often, "shapes": shapes or cause.shapes})


DAY_S, HOUR_S = 86_400.0, 3600.0

KindOfEffect = TypeVar("KindOfEffect", bound=AnyEffect)


class SecretError(InputError):
    """A cause or its shape is unknown to the case; the message lists those that exist."""


@dataclass(frozen=True)
class Secret:
    """The drawn facts of an incident; with the scenario and the actions they fix everything that happens.

    cause: its name; None: quiet weeks
    onset_s: its start, in seconds from the start of the run; infinite without a cause
    drawn: three numbers from 0 to 1 that choose the site, its camera, and the first replica
    second: a further cause that begins with it; None: there is one alone
    level: the difficulty that it was drawn at
    salt: mixed into every hash that a player sees, so that no hash follows from the seed; empty in a script
    """

    seed: int
    cause: str | None
    shape: Shape
    onset_s: float
    decoy: str | None
    drawn: tuple[float, float, float]
    salt: str = field(default="", repr=False)
    second: str | None = None
    level: Level = USUAL

    def decoy_of(self, spec: Incident) -> Decoy | None:
        return None if self.decoy is None else spec.decoys[self.decoy]

    @property
    def causes(self) -> list[str]:
        return [name for name in (self.cause, self.second) if name is not None]

    @property
    def truth(self) -> dict[str, float]:
        """The probabilities that are right: all on the cause, or halves on two."""
        return {name: 1 / len(self.causes) for name in self.causes}

    def harmless(self, spec: Incident) -> bool:
        return all(spec.causes[name].harmless for name in self.causes)

    def _parts(self, spec: Incident) -> list[tuple[Cause | Decoy, bool]]:
        """Return the causes and the decoy, each with whether it is a cause."""
        decoy = self.decoy_of(spec)
        return [*((spec.causes[name], True) for name in self.causes), *([(decoy, False)] if decoy else [])]

    def effects(self, spec: Incident) -> list[tuple[AnyEffect, bool]]:
        return [(effect, of_cause) for part, of_cause in self._parts(spec) for effect in part.effects]

    def sites(self, spec: Incident, where: Where) -> list[int]:
        """Return the sites that an effect strikes, which may be none."""
        names = list(spec.sites)
        fit = [names.index(name) for name in where.sites or names if where.version in (None, spec.sites[name].version)]
        return [fit[int(self.drawn[0] * len(fit))]] if fit and (where.one_site or where.camera) else fit

    def struck_sites(self, spec: Incident) -> set[int]:
        """Return the sites that the causes strike."""
        own = [effect for effect, of_cause in self.effects(spec) if of_cause]
        return {site for effect in own for site in self.sites(spec, effect.where)}

    def effects_of(self, spec: Incident, kind: type[KindOfEffect]) -> list[tuple[KindOfEffect, bool]]:
        """Return the effects of a kind, each with whether it belongs to a cause, not to the decoy."""
        return [(effect, of_cause) for effect, of_cause in self.effects(spec) if isinstance(effect, kind)]

    def entries(self, spec: Incident) -> list[str]:
        """Return the lines of the log that the causes and the decoy write at the onset."""
        return [part.log[int(self.drawn[1] * len(part.log))] for part, _ in self._parts(spec) if part.log]

    def full_s(self, spec: Incident) -> float:
        """Return the time (s) from which on it has its full strength."""
        return self.onset_s + (spec.ramp_days * DAY_S if self.shape == "gentle" else 0.0)


def spec_of(scenario: Scenario) -> Incident:
    """Return the scenario's incident; raises SecretError for a case without one."""
    incident: Incident | None = scenario.incident
    if incident is None:
        raise SecretError(f"{scenario.id}: this case has no `incident` section, so there is no incident to play")
    return incident


def draw(
    scenario: Scenario, seed: int, cause: str | None = None, shape: str | None = None, salt: str = "", level: Level = USUAL
) -> Secret:
    """Draw the secret of a seed; cause and shape may be given instead. Raises SecretError for unknown ones."""
    spec = spec_of(at_level(scenario, level))
    rng = Streams(seed).named("incident")
    which, form, when, lures, lure, *drawn = rng.random(8).tolist()
    names = list(spec.causes)
    name = (
        names[int(np.searchsorted(np.cumsum(list(spec.prior.values()))[:-1], which, side="right"))] if cause is None else cause
    )
    if name not in spec.causes:
        raise SecretError(f"there is no cause '{name}'; {suggest(name, names)}")
    drawn_cause = spec.causes[name]
    if shape is not None and shape not in drawn_cause.shapes:
        raise SecretError(f"the cause '{name}' comes {' or '.join(drawn_cause.shapes)}, not '{shape}'")
    shapes = drawn_cause.shapes
    chosen = next((known for known in shapes if known == shape), shapes[int(form * len(shapes))])
    first, last = spec.onset_days
    decoys = drawn_cause.decoys or list(spec.decoys)
    moves = decoys and (drawn_cause.decoys or lures < spec.decoy_share.value)
    decoy = decoys[int(lure * len(decoys))] if moves else None
    onset_s = (first + when * (last - first)) * DAY_S
    second = _second(spec, name, rng.random(2).tolist()) if cause is None else None
    return Secret(seed, name, chosen, onset_s, decoy, (drawn[0], drawn[1], drawn[2]), salt, second, level)


def _second(spec: Incident, first: str, drawn: list[float]) -> str | None:
    """Draw a second harmful cause; None as a rule. A frame has one condition, so that not both change pictures."""
    seen = spec.causes[first].changes_pictures
    others = [
        name
        for name, cause in spec.causes.items()
        if name != first and not cause.harmless and not (seen and cause.changes_pictures)
    ]
    if spec.causes[first].harmless or drawn[0] >= spec.second_share.value:
        return None
    return others[int(drawn[1] * len(others))]


def quiet(seed: int) -> Secret:
    return Secret(seed, None, "abrupt", float("inf"), None, (0.0, 0.0, 0.0))
