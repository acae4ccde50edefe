"""Incidents of the case that comes with CaseSim, at a fifth of its traffic, and streams without servers below them."""

from collections.abc import Iterable
from dataclasses import replace
from functools import lru_cache

import numpy as np

from simulator.case.load import loads
from simulator.case.schema import Scenario
from simulator.incident.cause_kinds import Cause
from simulator.incident.frame_statistics import Insides
from simulator.incident.measured_scenes import stock
from simulator.incident.play import Play
from simulator.incident.player_actions import read_actions
from simulator.incident.secret import DAY_S, Secret, draw, quiet
from simulator.incident.served_frames import ServedFrames
from simulator.incident.stream import Change, Stream
from simulator.paths import SCENARIOS

TEXT = (SCENARIOS / "production-drift.yaml").read_text(encoding="utf-8")
WHOLE, LITTLE = 42_000, 8_400
#: When everything begins in the incidents of these tests, in days.
ONSET = 10.0


@lru_cache
def case(per_week: int = LITTLE) -> Scenario:
    """The case with so many clips a week."""
    return loads(TEXT.replace(f"per_week: {{value: {WHOLE}", f"per_week: {{value: {per_week}"), "drift.yaml")


def with_cause(*effects: dict[str, object], shape: str = "abrupt", harmless: bool = False) -> Scenario:
    """The case with a single cause, `made`, of these effects."""
    told = {"label": "made", "teaches": "a test", "effects": list(effects), "shapes": [shape], "harmless": harmless}
    spec = case().incident
    assert spec is not None
    return case().model_copy(update={"incident": spec.model_copy(update={"causes": {"made": Cause.model_validate(told)}})})


def secret_of(
    cause: str | None, shape: str | None = None, seed: int = 1, decoy: str | None = None, scenario: Scenario | None = None
) -> Secret:
    """A secret that begins at `ONSET`, with this decoy or none."""
    if cause is None:
        return quiet(seed)
    drawn = draw(scenario or case(), seed, cause, shape)
    return replace(drawn, decoy=decoy, onset_s=ONSET * DAY_S)


def grid(count: int = 8_000, replicas: int = 3) -> ServedFrames:
    """Frames at even distances over four weeks, all answered after a second by one replica after the other."""
    arrived = (np.arange(count) + 0.5) * 28 * DAY_S / count
    return ServedFrames(arrived, np.ones(count), (np.arange(count) % replicas).astype(np.int16), replicas)


def stream_of(secret: Secret, scenario: Scenario | None = None, served: ServedFrames | None = None) -> Stream:
    """The stream without servers below it."""
    return Stream(scenario or case(), secret, stock(), served or grid())


def insides_of(
    secret: Secret, scenario: Scenario | None = None, changes: Iterable[Change] = (), served: ServedFrames | None = None
) -> Insides:
    """What is inside its frames."""
    scenario, changed = scenario or case(), tuple(changes)
    assert scenario.incident is not None
    frames = stream_of(secret, scenario, served).frames(changed)
    return Insides(scenario.incident, secret, stock(), frames, changed)


@lru_cache(maxsize=64)
def untouched(
    cause: str | None, shape: str | None = None, seed: int = 1, per_week: int = LITTLE, decoy: str | None = None
) -> Play:
    """An incident in which nobody does anything; not to be acted on."""
    return Undisturbed(case(per_week), secret_of(cause, shape, seed, decoy))


def play(cause: str | None, *actions: dict[str, object], shape: str | None = None, seed: int = 1, per_week: int = LITTLE,
         decoy: str | None = None) -> Play:  # fmt: skip
    """An incident after these actions; monitors are silent unless somebody waits for one to ring."""
    waits = any(each["kind"] == "wait" and "hours" not in each for each in actions)
    made = Play if waits else Undisturbed
    return made(case(per_week), secret_of(cause, shape, seed, decoy), read_actions(list(actions)))


class Undisturbed(Play):
    """Nothing rings and nobody asks: hours pass as they are asked to."""

    def next_ring(self) -> None:
        return None

    def complaint_s(self) -> float:
        return np.inf


def wait(hours: float) -> dict[str, object]:
    return {"kind": "wait", "hours": hours}


def look(name: str, **asked: object) -> dict[str, object]:
    return {"kind": "look", "look": name, **asked}


def fix(name: str) -> dict[str, object]:
    return {"kind": "fix", "fix": name}
