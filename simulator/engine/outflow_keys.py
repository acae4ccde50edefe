"""Places of the stages of a run in the order of their work, and the hash of all that the first of them depend on."""

from __future__ import annotations

from hashlib import blake2b
from itertools import groupby
from typing import TYPE_CHECKING, Any

import networkx as nx
import numpy as np

from simulator.engine.plan import BESIDE
from simulator.records.streams import once_per_plan

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from simulator.engine.latency_tables import LatencyTable
    from simulator.engine.run import Run

#: Fields of a stage that no run reads: what happens to requests does not depend on them.
UNREAD = {"label", "note", "usd_per_hour"}


def places_of(run: Run) -> dict[str, int]:
    """Return the place of each stage, from 0: what leaves a stage reaches no lower place, and stages of one ring share one.

    What a stage gives on depends on nothing behind it: on what reached it, its own fields, evidence and random streams.
    """
    return once_per_plan(run.plan, "places", lambda: ordered(run.graph, list(run.plan.scenario.stages)))


def ordered(graph: nx.DiGraph[str], stages: Sequence[str]) -> dict[str, int]:
    """Return the place of each stage in a graph of the ways between them, rings as one; of equal ones by the order given."""
    rings = nx.condensation(graph.subgraph(stages))
    members = {ring: sorted(rings.nodes[ring]["members"], key=stages.index) for ring in rings}
    order = nx.lexicographical_topological_sort(rings, key=lambda ring: stages.index(members[ring][0]))
    return {name: place for place, ring in enumerate(order) for name in members[ring]}


def keys_of(run: Run, places: dict[str, int]) -> list[bytes]:
    """Return for each place a hash of all that the stages up to it depend on, themselves included.

    What only measuring reads is not in it: prices, bounds, labels.
    """
    sha, keys = blake2b(digest_size=16), []
    sha.update(_circumstances(run))
    for column in run.requests.before_the_run():
        _add(sha, column)
    for _, names in groupby(places, key=places.__getitem__):
        for name in names:
            sha.update(_facts(run, name))
            for column in _columns_for(run, name):
                _add(sha, column)
        keys.append(sha.copy().digest())
    return keys


def _add(sha: blake2b, column: NDArray[Any]) -> None:
    sha.update(f"{column.shape}{column.dtype.str}".encode())
    sha.update(np.ascontiguousarray(column).view(np.uint8).data if column.size else b"")


def _circumstances(run: Run) -> bytes:
    plan, streams = run.plan, run.streams
    scenario = plan.scenario
    strikes = [(name, at_s, scenario.curveballs[name].model_dump_json()) for name, at_s in plan.strikes.items()]
    devices = {name: device.model_dump_json() for name, device in scenario.accelerators.items()}
    population = scenario.population and scenario.population.model_dump_json()
    ends = plan.horizon_s, plan.arrivals_end_s, scenario.run.starts_at, list(scenario.ends), scenario.sensors
    beside = sorted((name, content) for name, content in plan.evidence.items() if name.startswith(BESIDE))
    return repr(
        (streams.seed, streams.replication, scenario.start, ends, run.tags, plan.tries, strikes, devices, population, beside)
    ).encode()


def _facts(run: Run, name: str) -> bytes:
    return once_per_plan(run.plan, ("facts", name), lambda: _found_facts(run, name))


def _found_facts(run: Run, name: str) -> bytes:
    plan = run.plan
    spec: Any = plan.scenario.stages[name]
    attributes = {key: plan.scenario.attributes[key].model_dump_json() for key in _read(run, name)}
    sharers = sorted(run.sharers(spec))
    evidence: list[Any] = [plan.cold_starts.get(name)]
    for table in (plan.latencies.get(name), plan.sized[name].table if name in plan.sized else None):
        evidence += _of_table(table) if table is not None else [None]
    evidence.append(plan.sized[name].sizes.tobytes() if name in plan.sized else None)
    evidence.append(plan.tables[name].content if name in plan.tables else None)
    return repr((name, _written(run, name), attributes, sharers, evidence, _waits_behind(run, name))).encode()


def _of_table(table: LatencyTable) -> list[Any]:
    ends = None if table.cell_ends is None else table.cell_ends.tobytes()
    return [table.seconds.shape, table.seconds.tobytes(), table.gaps_s, ends]


def _waits_behind(run: Run, name: str) -> bool | None:
    """Return whether requests wait again behind the ring of a stage, which a retry in it goes by; None for no ring."""
    if name not in run.ahead_of(name):
        return None
    scenario, network = run.plan.scenario, once_per_plan(run.plan, "network", lambda: run.plan.scenario.network)
    behind = network.reached(name) - network.ring_of(name)
    return any(scenario.stages[one].waits for one in behind & scenario.stages.keys())


def _read(run: Run, name: str) -> list[str]:
    """Return the attributes that a stage may read: those whose names it holds."""
    return once_per_plan(run.plan, ("reads", name), lambda: _attributes(run, name))


def _attributes(run: Run, name: str) -> list[str]:
    written = _written(run, name)
    return [attribute for attribute in run.plan.scenario.attributes if f'"{attribute}"' in written]


def _written(run: Run, name: str) -> str:
    """Return the fields of a stage that a run reads, as JSON."""
    spec = run.plan.scenario.stages[name]
    return once_per_plan(run.plan, ("written", name), lambda: spec.model_dump_json(exclude=UNREAD))


def _columns_for(run: Run, name: str) -> list[NDArray[Any]]:
    requests = run.requests
    scores = [requests.scores_by[name]] if name in requests.scores_by else []
    return [*scores, *(requests.attributes[attribute] for attribute in _read(run, name))]
