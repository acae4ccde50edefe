"""The frames after the servers: the replica that answered each, the time of the answer, and the dropped ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import cast

import numpy as np
from numpy.typing import NDArray

from simulator.case.choices import Pick
from simulator.case.schema import Scenario
from simulator.engine.plan import compile_plan
from simulator.engine.run import simulate
from simulator.engine.stages.pool import Pool
from simulator.incident.effects import StrikeEffect
from simulator.incident.secret import DAY_S, Secret, spec_of
from simulator.incident.section import Incident
from simulator.records.trace import OUTCOMES

_DONE = OUTCOMES.index("done")


@dataclass(frozen=True, eq=False)
class ServedFrames:
    """A row a frame, shapes (n,): its arrival (s), the time to its answer (s, NaN: dropped), the replica that gave it (or -1).

    replicas: their number before any action
    """

    arrived_s: NDArray[np.float64]
    latency_s: NDArray[np.float64]
    replica: NDArray[np.int16]
    replicas: int

    @property
    def dropped(self) -> NDArray[np.bool_]:
        return np.isnan(self.latency_s)


def serve(scenario: Scenario, secret: Secret, picks: Sequence[tuple[float, Mapping[str, Pick]]] = ()) -> ServedFrames:
    """Run the servers for all weeks, with the secret's curveballs; picks: changes of choices, each with its time (s).

    Secrets of one seed whose causes strike no server share one run.
    """
    spec = spec_of(scenario)
    struck = tuple(strikes_of(spec, secret).items())
    changed = tuple((at_s, tuple(each.items())) for at_s, each in picks)
    return _served(scenario, secret.seed, struck, changed)


@lru_cache(maxsize=16)
def _served(
    scenario: Scenario,
    seed: int,
    strikes: tuple[tuple[str, float | None], ...],
    picks: tuple[tuple[float, tuple[tuple[str, Pick], ...]], ...],
) -> ServedFrames:
    spec, plan = spec_of(scenario), compile_plan(scenario, {}, dict(strikes))
    trace = simulate(plan, seed, actions=[(at_s, dict(each)) for at_s, each in picks])
    columns, visits = trace.columns, trace.logs[spec.stage].frame(spec.stage)
    replica = np.full(columns.n, -1, np.int16)
    served = visits["started_s"].notna().to_numpy()
    replica[visits["request"].to_numpy()[served]] = visits["server"].to_numpy()[served]
    done = columns.outcome == _DONE
    replica[~done] = -1
    latency = np.where(done, columns.answered - columns.arrived, np.nan)
    return ServedFrames(columns.arrived, latency, replica, cast(Pool, plan.scenario.stages[spec.stage]).most_replicas)


def strikes_of(spec: Incident, secret: Secret) -> dict[str, float | None]:
    """Return the curveballs of the secret, each with its time (s)."""
    times: dict[str, float | None] = {}
    for effect, _ in secret.effects_of(spec, StrikeEffect):
        days = effect.days(secret.shape == "gentle")
        times |= {name: secret.onset_s + after * DAY_S for name, after in days.items()}
    return times
