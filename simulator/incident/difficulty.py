"""Three difficulties of an incident: the suspects, how often each comes, decoys, complaints and the money for looks."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal, get_args

from simulator.case.fields import ShareFigure
from simulator.case.schema import Scenario
from simulator.errors import InputError, suggest
from simulator.incident.effects import Cause, Shape
from simulator.incident.section import Incident

Level = Literal["easy", "usual", "hard"]
USUAL: Level = "usual"


class LevelError(InputError):
    """There is no such difficulty; the message lists those that exist."""


@dataclass(frozen=True)
class Difficulty:
    """The terms of an incident; what is None is as the case says.

    about: the terms on the page
    one_a_place: whether only the most frequent cause of each place where causes enter can come
    equal: whether all causes come equally often, so that the prior tells nothing
    shapes: the shapes that causes come in; a cause without one of them keeps its own
    decoy_share, second_share: how often a decoy and a second cause come
    vague: whether a customer names no place and no time of day
    looks_usd: the most money for looks
    """

    about: str
    one_a_place: bool = False
    equal: bool = False
    shapes: tuple[Shape, ...] | None = None
    decoy_share: float | None = None
    second_share: float | None = None
    vague: bool = False
    looks_usd: float = float("inf")


DIFFICULTIES: dict[Level, Difficulty] = {
    "easy": Difficulty(
        "One suspect for each place in the system. One of them begins abruptly, and other things seldom change at that moment.",
        one_a_place=True,
        shapes=("abrupt",),
        decoy_share=0.2,
        second_share=0.0,
    ),
    "usual": Difficulty("All suspects, some more often than others, sometimes two at once."),
    "hard": Difficulty(
        "All suspects, each as likely as any other, and two at once in one of four incidents. They begin slowly, or come and "
        "go. Something harmless always changes, customers name no place, and looks may cost 100 USD in all.",
        equal=True,
        shapes=("gentle", "intermittent"),
        decoy_share=1.0,
        second_share=0.25,
        vague=True,
        looks_usd=100.0,
    ),
}


def level_of(name: str) -> Level:
    """Return a difficulty by its name; raises LevelError."""
    found = next((level for level in get_args(Level) if level == name), None)
    if found is None:
        raise LevelError(f"there is no difficulty '{name}'; {suggest(name, DIFFICULTIES)}")
    level: Level = found
    return level


def at_level(scenario: Scenario, level: Level) -> Scenario:
    """Return the case on the terms of a difficulty; the case itself at the usual one."""
    return scenario if level == USUAL or scenario.incident is None else _changed(scenario, level)


@lru_cache(maxsize=8)
def _changed(scenario: Scenario, level: Level) -> Scenario:
    spec, terms = scenario.incident, DIFFICULTIES[level]
    assert spec is not None
    causes = {name: _on_terms(spec.causes[name], terms) for name in _suspects(spec, terms)}
    changes: dict[str, object] = {"causes": causes}
    for field, share in (("decoy_share", terms.decoy_share), ("second_share", terms.second_share)):
        if share is not None:
            figure: ShareFigure = getattr(spec, field)
            changes[field] = figure.model_copy(update={"value": share})
    return scenario.model_copy(update={"incident": spec.model_copy(update=changes)})


def _suspects(spec: Incident, terms: Difficulty) -> Iterable[str]:
    """Return the names of the causes that can come, in the order of the case."""
    if not terms.one_a_place:
        return spec.causes
    places = {cause.enters_at for cause in spec.causes.values()}
    chosen = {
        max(
            (name for name, cause in spec.causes.items() if cause.enters_at == place),
            key=lambda name: (name == spec.nothing, spec.causes[name].often),
        )
        for place in places
    }
    return [name for name in spec.causes if name in chosen]


def _on_terms(cause: Cause, terms: Difficulty) -> Cause:
    shapes = [shape for shape in cause.shapes if terms.shapes is None or shape in terms.shapes]
    return cause.model_copy(update={"often": 1.0 if terms.equal else cause.often, "shapes": shapes or cause.shapes})
