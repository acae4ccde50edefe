"""Small scenarios, plans and evidence for the tests."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import pandas as pd
import pytest

from simulator.case.case_contract import ARRIVAL_KINDS
from simulator.case.document import Document
from simulator.case.load import _checked
from simulator.case.schema import Scenario
from simulator.engine.arrivals.arrival import Comings
from simulator.engine.compiled_plan import Plan
from simulator.engine.plan import strike_times
from simulator.engine.run import simulate
from simulator.engine.run_trace import Trace
from simulator.engine.stages.own_server import service_table
from simulator.evidence.catalogue import Hardware
from simulator.evidence.latency_tables import GRID, LatencyTable, SizedTable, _table, constant, steps_of
from simulator.evidence.score_tables import Measured, ScoreTable
from simulator.metrics.measures import measure
from simulator.records.timetables import DAY_S

MACHINE = Hardware(label="A box", processor="none", vcpus=2, usd_per_hour=0.2, price_source="a test")


def assumed(value: float) -> dict[str, Any]:
    """A figure."""
    return {"value": value, "assumed": "for a test"}


def spread(median: float, sigma: float = 0.0) -> dict[str, Any]:
    """A lognormal quantity; constant unless sigma is given."""
    return {"median": assumed(median), "sigma": sigma}


def end(**fields: Any) -> dict[str, Any]:
    return {"label": "End", "escalated": False, "detected": assumed(0), "usd": assumed(0)} | fields


def pool(to: str = "done", **fields: Any) -> dict[str, Any]:
    model = {"model": "tiny", "precision": "fp32", "device": "epyc-zen4-2c"}
    return {"kind": "pool", "label": "Pool", **model, "to": to} | fields


def server(to: str = "done", service_ms: Any = None, **fields: Any) -> dict[str, Any]:
    """A server that takes a second for each request unless another quantity is given, at a dollar an hour."""
    given = {"service_ms": service_ms or {"constant": assumed(1000)}, "usd_per_hour": assumed(1)}
    return {"kind": "server", "label": "Server", "to": to} | given | fields


def link(to: str, seconds: float) -> dict[str, Any]:
    """A link that takes `seconds`, give or take a nanosecond."""
    wire = {"latency_ms": assumed(1000 * seconds), "bandwidth_mbps": spread(1e3), "payload_mb": spread(1e-9)}
    return {"kind": "link", "label": "Link", **wire, "to": to}


def people(*shifts: tuple[str, str, int], minutes: float = 1, sigma: float = 0, **fields: Any) -> dict[str, Any]:
    """Reviewers who take `minutes` a case and recognise everything; everybody else's fields as given."""
    rota = [{"start": start, "end": stop, "people": count} for start, stop, count in shifts]
    reading = {"sensitivity": assumed(1), "specificity": assumed(1), "positive_to": "done", "negative_to": "done"}
    paid = {"minutes": spread(minutes, sigma), "usd_per_hour": assumed(60)}
    return {"kind": "people", "label": "People", "shifts": rota, **paid, **reading} | fields


def gate(by: str, *routes: Mapping[str, Any], **fields: Any) -> dict[str, Any]:
    return {"kind": "gate", "label": "Gate", "by": by, "routes": list(routes)} | fields


def retake(to: str, **fields: Any) -> dict[str, Any]:
    ways_out = {"gives_up": assumed(0), "to": to, "on_give_up": "done", "on_exhausted": "done"}
    return {"kind": "retake", "label": "Retake", "minutes": spread(1), **ways_out} | fields


def retry(to: str, backoff_ms: float = 1000, **fields: Any) -> dict[str, Any]:
    """Send again after a second, then after two, unless told otherwise."""
    ways_out = {"to": to, "on_exhausted": "done", "backoff_ms": assumed(backoff_ms)}
    return {"kind": "retry", "label": "Retry", **ways_out} | fields


def cache(by: str, capacity: int, **fields: Any) -> dict[str, Any]:
    """A cache behind which hits are done."""
    return {"kind": "cache", "label": "Cache", "by": by, "capacity": capacity, "hit_to": "done", "miss_to": "done"} | fields


def popularity(items: int, exponent: float = 0.8) -> dict[str, Any]:
    """An attribute that names one of some things, by Zipf's law."""
    return {"kind": "popularity", "label": "Thing", "items": items, "exponent": assumed(exponent)}


def fork(*branches: str) -> dict[str, Any]:
    return {"kind": "fork", "label": "Fork", "to": list(branches)}


def fanout(to: str = "done", **fields: Any) -> dict[str, Any]:
    """Four shards that take a second each, at a dollar an hour for each server."""
    given = {"shards": 4, "service_ms": {"constant": assumed(1000)}, "usd_per_hour": assumed(1)}
    return {"kind": "fanout", "label": "Fan-out", "to": to} | given | fields


def join(to: str = "done", **fields: Any) -> dict[str, Any]:
    return {"kind": "join", "label": "Join", "to": to} | fields


def assemble(to: str = "done", **fields: Any) -> dict[str, Any]:
    """Sets of frames; those that do not carry one end in `rest`, the replaced ones in `old`."""
    return {"kind": "assemble", "label": "Assemble", "to": to, "rest_to": "rest", "on_replaced": "old"} | fields


def sensors(**each: Mapping[str, float]) -> dict[str, Any]:
    """Arrivals of sensors, whose figures are plain numbers."""
    figures = {name: {field: assumed(value) for field, value in fields.items()} for name, fields in each.items()}
    return {"kind": "sensors", "sensors": {name: {"label": name} | fields for name, fields in figures.items()}}


def population(prevalence: float = 0.5, unusable: float | None = None, auc: float = 0.9) -> dict[str, Any]:
    people = {"positive": "is ill", "negative": "is healthy", "prevalence": assumed(prevalence)}
    return people if unusable is None else people | {"quality": {"unusable": assumed(unusable), "auc": assumed(auc)}}


def document(stages: Mapping[str, Any], seconds: float = 100, rate: float = 1, **fields: Any) -> dict[str, Any]:
    """A scenario as plain data: requests come for `seconds` and have ten times as long to get through."""
    run = {"days": seconds / DAY_S, "drain_days": 10 * seconds / DAY_S, "replications": 2}
    return {
        "id": "test",
        "version": 1,
        "title": "Test",
        "summary": "A test",
        "brief": "A test",
        "run": run,
        "arrivals": {"kind": "poisson", "rate_per_s": assumed(rate)},
        "start": next(iter(stages)),
        "stages": dict(stages),
        "ends": {"done": end()},
    } | fields


def checked(data: Mapping[str, Any], file: str = "test.yaml") -> Scenario:
    """A scenario of plain data, checked as a file is, but not read from one: to read YAML takes longer than most runs here."""
    return _checked(Document(file, json.loads(json.dumps(data))))


def scenario(stages: Mapping[str, Any], **fields: Any) -> Scenario:
    return checked(document(stages, **fields))


def plan(
    stages: Mapping[str, Any],
    service: LatencyTable | Mapping[str, LatencyTable] | None = None,
    scores: ScoreTable | Mapping[str, ScoreTable] | None = None,
    strikes: Mapping[str, float | None] | None = None,
    **fields: Any,
) -> Plan:
    """A plan of these stages: every pool is served as `service` says, one second a batch if it says nothing."""
    made = scenario(stages, **fields)
    pools = [name for name, stage in made.stages.items() if stage.kind == "pool"]
    if not isinstance(service, Mapping):
        largest = max((made.stages[name].max_batch for name in pools), default=1)
        service = dict.fromkeys(pools, service or constant(*[1.0] * largest))
    own = {name: service_table(stage.drawn_ms) for name, stage in made.stages.items() if stage.kind == "server"}
    tables = dict(scores) if isinstance(scores, Mapping) else dict.fromkeys(made.scorers(), scores) if scores else {}
    machines = dict.fromkeys(pools, MACHINE)
    evidence = {"latencies": own | dict(service), "machines": machines, "tables": tables}
    return Plan(scenario=made, design={}, scenario_hash="", strikes=strike_times(made, strikes or {}), **evidence)


@contextmanager
def arrivals_at(times: Sequence[float]) -> Iterator[None]:
    """Within this context the requests of every Poisson scenario come at these times."""
    with pytest.MonkeyPatch.context() as patch:
        comings = Comings(np.array(times, float), np.empty(0, np.int8), np.empty(0, np.int32))
        patch.setattr(ARRIVAL_KINDS["poisson"], "comings", lambda process, rng, surges=(): comings)
        yield


def run_at(plan: Plan, times: Sequence[float], seed: int = 0) -> Trace:
    """Run a plan with requests that come at these times."""
    with arrivals_at(times):
        return simulate(plan, seed)


def figures(trace: Trace) -> dict[str, float]:
    """Each metric's plain value in one replication."""
    return measure(trace).figures(trace.plan.scenario.metrics)


def batches(trace: Trace, stage: str) -> list[tuple[float, list[int]]]:
    """What a stage served: the time of each batch and the requests in it."""
    visits = trace.visits[(trace.visits["stage"] == stage) & trace.visits["started_s"].notna()]
    served = visits.groupby("batch")
    return sorted((float(rows["started_s"].iloc[0]), rows["request"].tolist()) for _, rows in served)


def exponential(mean: float) -> LatencyTable:
    """Exponential service times for batches of one: the mean of each slice of the distribution, so that the mean is exact."""
    edges = -np.log1p(-np.arange(GRID) / GRID)
    upper = np.append(edges[1:], np.inf)
    tail = np.append((1 + edges[1:]) * np.exp(-edges[1:]), 0.0)
    slices = ((1 + edges) * np.exp(-edges) - tail) * GRID
    assert np.all((edges <= slices) & (slices <= upper))
    return LatencyTable(np.stack([np.zeros(GRID), mean * slices])[None].repeat(2, axis=0))


def score_table(positives: Sequence[float], negatives: Sequence[float]) -> ScoreTable:
    """A score table in which every item is a patient of its own."""
    about = Measured(
        kind="measured",
        model="tiny",
        precision="fp32",
        source="a test",
        dataset="a test",
        head="none",
        items=len(positives) + len(negatives),
        positives=len(positives),
        patients=len(positives) + len(negatives),
        attribution="nobody",
        date="2026-01-01",
    )
    count = len(positives)
    return ScoreTable(
        name="test",
        about=about,
        positives=np.array(positives, float),
        negatives=np.array(negatives, float),
        positive_patients=np.arange(count),
        negative_patients=count + np.arange(len(negatives)),
        positive_evidence=float(count),
        negative_evidence=float(len(negatives)),
        items=tuple(f"item{number}" for number in range(count + len(negatives))),
    )


def score_frame(labels: Sequence[int], scores: Sequence[float], **columns: Sequence[Any]) -> pd.DataFrame:
    """Rows as `score_rows` gives them, every item a patient of its own unless told otherwise."""
    count = len(labels)
    told = {
        "item": [f"i{number:05}" for number in range(count)],
        "patient": [f"p{number:05}" for number in range(count)],
        "label": labels,
        "diagnosis": [""] * count,
        "fitzpatrick": [pd.NA] * count,
        "fold": [pd.NA] * count,
        "model": ["tiny"] * count,
        "precision": ["fp32"] * count,
        "score": scores,
    }
    return pd.DataFrame(told | columns).astype({"fitzpatrick": "Int64", "fold": "Int64", "score": float})


def binormal(seed: int, positives: int, negatives: int, apart: float = 1.5) -> tuple[np.ndarray, np.ndarray]:
    """Labels and well calibrated scores of two normals with equal spread, in a random order."""
    rng = np.random.default_rng(seed)
    labels = rng.permutation(np.repeat([1, 0], [positives, negatives]))
    logits = apart * (rng.normal(size=len(labels)) + apart * (labels - 0.5)) + np.log(positives / negatives)
    return labels, 1 / (1 + np.exp(-logits))


def sampled(samples: Mapping[int, Any]) -> LatencyTable:
    """A table from service times in seconds by batch size, equal for busy and idle."""
    steps = {size: steps_of(values) for size, values in samples.items()}
    return _table([steps, steps], max(samples))


def of_samples(by: str, samples: dict[float, Sequence[float]]) -> SizedTable:
    """A table of service times in seconds by a size of the request, equal for busy and idle."""
    sizes = sorted(samples)
    return SizedTable(by, np.array(sizes), sampled({place: np.array(samples[size]) for place, size in enumerate(sizes, 1)}))
