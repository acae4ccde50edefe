"""What the servers made of the frames: which replica answered, how late, and which were dropped."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import cast

import numpy as np
from numpy.typing import NDArray

from simulator.case.choices import Pick
from simulator.case.schema import Scenario
from simulator.engine.plan import compile_plan, fingerprint
from simulator.engine.run import simulate
from simulator.incident.cause_kinds import StrikeEffect
from simulator.incident.secret import DAY_S, Secret, spec_of
from simulator.incident.section import Incident
from simulator.records.trace import OUTCOMES
from simulator.stages.pool import Pool

_DONE = OUTCOMES.index("done")


@dataclass(frozen=True, eq=False)
class ServedFrames:
    """A row a frame, shapes (n,): when it came (s), how long an answer took (s, NaN: dropped), which replica gave it (or -1).

    replicas: how many there were before any action
    """

    arrived_s: NDArray[np.float64]
    latency_s: NDArray[np.float64]
    replica: NDArray[np.int16]
    replicas: int

    @property
    def dropped(self) -> NDArray[np.bool_]:
        """Which frames were not answered."""
        return np.isnan(self.latency_s)


def serve(scenario: Scenario, secret: Secret, picks: Sequence[tuple[float, Mapping[str, Pick]]] = ()) -> ServedFrames:
    """Run the servers for all weeks, with what strikes them; picks: changes of choices, each with its time in seconds.

    Many secrets meet the same servers: those of one seed whose cause strikes none of them.
    """
    spec = spec_of(scenario)
    struck = tuple(strikes_of(spec, secret).items())
    changed = tuple((at_s, tuple(each.items())) for at_s, each in picks)
    return _served(_Asked(fingerprint(scenario.document.data), secret.seed, struck, changed, scenario))


@dataclass(frozen=True)
class _Asked:
    """What the servers run: the scenario by its content, the seed, what strikes and what changes."""

    content: str
    seed: int
    strikes: tuple[tuple[str, float | None], ...]
    picks: tuple[tuple[float, tuple[tuple[str, Pick], ...]], ...]
    scenario: Scenario = field(compare=False)


@lru_cache(maxsize=16)
def _served(asked: _Asked) -> ServedFrames:
    spec = spec_of(asked.scenario)
    plan = compile_plan(asked.scenario, {}, dict(asked.strikes))
    trace = simulate(plan, asked.seed, actions=[(at_s, dict(each)) for at_s, each in asked.picks])
    columns, visits = trace.columns, trace.logs[spec.stage].frame(spec.stage)
    replica = np.full(columns.n, -1, np.int16)
    served = visits["started_s"].notna().to_numpy()
    replica[visits["request"].to_numpy()[served]] = visits["server"].to_numpy()[served]
    done = columns.outcome == _DONE
    replica[~done] = -1
    latency = np.where(done, columns.answered - columns.arrived, np.nan)
    return ServedFrames(columns.arrived, latency, replica, cast(Pool, plan.scenario.stages[spec.stage]).most_replicas)


def strikes_of(spec: Incident, secret: Secret) -> dict[str, float | None]:
    """The curveballs that the secret lets strike, each with its time in seconds."""
    found: dict[str, float | None] = {}
    for effect, _ in secret.effects(spec):
        if isinstance(effect, StrikeEffect):
            gently = secret.shape == "gentle" and effect.gently
            days = effect.gently if gently else dict.fromkeys(effect.at_once, 0.0)
            found |= {name: secret.onset_s + after * DAY_S for name, after in days.items()}
    return found
