"""Incidents of the case that comes with CaseSim, at a fifth of its traffic, and streams without servers below them."""

from collections.abc import Iterable
from copy import copy
from dataclasses import replace
from functools import lru_cache

import numpy as np

from simulator.case.load import loads
from simulator.case.schema import Scenario
from simulator.incident.effects import Cause
from simulator.incident.fixes import Change
from simulator.incident.frame_columns import ServedFrames
from simulator.incident.frame_statistics import FrameStatistics
from simulator.incident.measured_scenes import read_scenes
from simulator.incident.play import Play
from simulator.incident.player_actions import read_actions
from simulator.incident.secret import DAY_S, Secret, draw, quiet, spec_of
from simulator.incident.stream import Stream
from simulator.paths import SCENARIOS

TEXT = (SCENARIOS / "production-drift.yaml").read_text(encoding="utf-8")
WHOLE, LITTLE = 42_000, 8_400
#: When everything begins in the incidents of these tests, in days.
ONSET = 10.0
#: The day on which a look ends unless another one is given.
LATER = 14.0


@lru_cache
def case(per_week: int = LITTLE) -> Scenario:
    """The case with `per_week` clips a week."""
    written = f"per_week: {{value: {WHOLE}, between: [20000, 80000]"
    assert written in TEXT
    return loads(TEXT.replace(written, f"per_week: {{value: {per_week}"), "drift.yaml")


def with_cause(*effects: dict[str, object], shape: str = "abrupt", harmless: bool = False) -> Scenario:
    """The case with a single cause, `made`, of these effects."""
    written = {"label": "made", "teaches": "a test", "effects": list(effects), "shapes": [shape], "harmless": harmless}
    spec = case().incident
    assert spec is not None
    return case().model_copy(update={"incident": spec.model_copy(update={"causes": {"made": Cause.model_validate(written)}})})


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
    return Stream(scenario or case(), secret, read_scenes(), served or grid())


def statistics_of(
    secret: Secret, scenario: Scenario | None = None, changes: Iterable[Change] = (), served: ServedFrames | None = None
) -> FrameStatistics:
    """The statistics of its frames."""
    scenario, changed = scenario or case(), tuple(changes)
    assert scenario.incident is not None
    frames = stream_of(secret, scenario, served).frames(changed)
    return FrameStatistics(scenario.incident, secret, read_scenes(), frames, changed)


@lru_cache(maxsize=64)
def untouched(
    cause: str | None, shape: str | None = None, seed: int = 1, per_week: int = LITTLE, decoy: str | None = None
) -> Play:
    """An incident without an action; not to be acted on."""
    return Undisturbed(case(per_week), secret_of(cause, shape, seed, decoy))


def play(cause: str | None, *actions: dict[str, object], shape: str | None = None, seed: int = 1, per_week: int = LITTLE,
         decoy: str | None = None) -> Play:  # fmt: skip
    """An incident after these actions; monitors are silent unless an action waits for one to ring."""
    waits = any(each["kind"] == "wait" and "hours" not in each for each in actions)
    made = Play if waits else Undisturbed
    return made(case(per_week), secret_of(cause, shape, seed, decoy), read_actions(list(actions)))


class Undisturbed(Play):
    """Nothing rings and no customer complains: the hours of a wait pass."""

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


def seen(cause: str | None, name: str, shape: str = "abrupt", day: float = LATER, per_week: int = LITTLE,
         decoy: str | None = None, seed: int = 1, **asked: object):  # fmt: skip
    """What a look finds that ends on that day."""
    spec = spec_of(case())
    made = copy(untouched(cause, shape if cause else None, seed, per_week, decoy))
    made.notes, made.canaries = [], []
    minutes = spec.looks[name].minutes + {"labels": asked.get("frames", 100), "audit": 100}.get(name, 0)
    made.act(read_actions([wait((day - spec.reference_days) * 24 - minutes / 60)])[0])
    return made.act(read_actions([look(name, **asked)])[0]).finding
