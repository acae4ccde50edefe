"""What one replication came to: plain numbers that can be sent between processes and pooled."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from simulator.analysis.mlperf import Queries, queries_of
from simulator.analysis.times import StageTimes, capacity_s, paid_s, stage_times, utilization
from simulator.analysis.warmup import WarmUp, warm_up_of
from simulator.scenario.stages import Join, People, Pool, Retry
from simulator.serving.calendar import HOUR_S
from simulator.serving.requests import OUTCOMES
from simulator.serving.trace import Trace

#: The latency distribution is kept at these shares of the requests.
CURVE = np.concatenate([np.arange(0, 0.99, 0.005), np.arange(0.99, 1, 0.0005), [1.0]])

#: Stretches of one long run whose figures are as good as independent.
BATCHES = 20


@dataclass
class Measures:
    """One replication in numbers.

    metrics: the value of each metric that is a plain mean or quantile
    positives, negatives: a row a labelled patient, with columns patient, trials, hits (found; not referred)
    costs: USD for 1,000 requests by part
    flows: number of requests (column count) by tag, end, outcome, positive and caught
    latency_curve: latency in seconds at CURVE
    queries: the latency of each query, where the scenario is one of MLPerf's
    stages: where the time of requests went, for each stage that takes time
    warm_up: what latencies, waits and throughput leave out at the front of the run; None where they leave out nothing
    ends: the same replication with all projected latencies at the fast end of their bands, and at the slow end; else empty
    """

    digest: str
    requests: int
    metrics: dict[str, float]
    positives: pd.DataFrame
    negatives: pd.DataFrame
    costs: dict[str, float]
    flows: pd.DataFrame
    latency_curve: NDArray[np.float64] = field(default_factory=lambda: np.full(len(CURVE), np.nan))
    queries: Queries | None = None
    stages: dict[str, StageTimes] = field(default_factory=dict)
    warm_up: WarmUp | None = None
    ends: list[Measures] = field(default_factory=list)


def measure(trace: Trace) -> Measures:
    """Reduce a trace to its measures."""
    visits = {name: log.frame(name) for name, log in trace.logs.items() if len(log)}
    warm_up = warm_up_of(trace)
    start = warm_up.cut_s if warm_up else 0.0
    return Measures(
        digest=trace.digest,
        requests=trace.columns.n,
        metrics={
            **times_of(trace, visits, start),
            **_on_time(trace),
            **_shares(trace),
            **_throughput(trace, start),
            **_utilizations(trace, visits),
            **_branches(trace),
        },
        positives=_by_patient(trace, trace.columns.positive, trace.columns.caught),
        negatives=_by_patient(trace, ~trace.columns.positive, ~_referred(trace)),
        costs=_costs(trace),
        flows=_flows(trace),
        latency_curve=_latency_curve(trace, start),
        queries=queries_of(trace),
        stages={name: stage_times(trace, name, rows) for name, rows in visits.items()},
        warm_up=warm_up,
    )


def stretches(trace: Trace) -> list[dict[str, float]]:
    """Latencies and waits of each of BATCHES equal stretches of time after the warm-up, for an interval from one run."""
    visits = {name: log.frame(name) for name, log in trace.logs.items() if len(log)}
    warm_up = warm_up_of(trace)
    edges = np.linspace(warm_up.cut_s if warm_up else 0.0, trace.plan.arrivals_end_s, BATCHES + 1)
    return [times_of(trace, visits, start, end) for start, end in pairwise(edges)]


def times_of(trace: Trace, visits: dict[str, pd.DataFrame], start: float = 0.0, end: float = np.inf) -> dict[str, float]:
    """Latencies of the requests that arrived, and waits of the visits that began, on [start, end)."""
    found = _latencies(_latency(trace, start, end))
    for index, name in enumerate(trace.plan.scenario.classes):
        if len(mine := _latency(trace, start, end, of=index)):
            found[f"latency_p95_s.{name}"] = float(np.quantile(mine, 0.95))
    for name, stage in trace.plan.scenario.stages.items():
        if isinstance(stage, Pool | People) and name in visits:
            entered = visits[name]["entered_s"]
            rows = visits[name] if (start, end) == (0.0, np.inf) else visits[name][(entered >= start) & (entered < end)]
            found |= _waits(trace, name, rows, with_tags=isinstance(stage, People))
    return found


def _latency(trace: Trace, start: float, end: float = np.inf, of: int | None = None) -> NDArray[np.float64]:
    """Latencies of those who arrived on [start, end) and were answered; of: the class to look at, by its place in the file."""
    columns = trace.columns
    mine = (columns.arrived >= start) & (columns.arrived < end)
    if of is not None:
        mine &= columns.kind == of
    latency = (columns.answered - columns.sent)[mine]
    return latency[np.isfinite(latency)]


def _latency_curve(trace: Trace, start: float) -> NDArray[np.float64]:
    latency = _latency(trace, start)
    return np.quantile(latency, CURVE) if len(latency) else np.full(len(CURVE), np.nan)


def _latencies(latency: NDArray[np.float64]) -> dict[str, float]:
    if not len(latency):
        return {}
    p50, p95, p99 = np.quantile(latency, [0.5, 0.95, 0.99])
    return {"latency_mean_s": latency.mean(), "latency_p50_s": p50, "latency_p95_s": p95, "latency_p99_s": p99}


def _on_time(trace: Trace) -> dict[str, float]:
    """The share of all requests that had their answer within the deadline of their class."""
    columns, classes = trace.columns, trace.plan.scenario.classes
    if not any(kind.deadline_s is not None for kind in classes.values()):
        return {}
    in_time = (columns.outcome == OUTCOMES.index("done")) & (columns.answered <= columns.deadline)
    return {"on_time_share": float(in_time.mean()) if columns.n else 0.0}


def _shares(trace: Trace) -> dict[str, float]:
    counts = np.bincount(trace.columns.outcome, minlength=len(OUTCOMES)) / max(trace.columns.n, 1)
    shares = {f"{name}_share": float(counts[index]) for index, name in enumerate(OUTCOMES)}
    if trace.plan.scenario.population is not None:
        shares["referred_share"] = float(_referred(trace).mean()) if trace.columns.n else 0.0
    return shares


def _throughput(trace: Trace, start: float) -> dict[str, float]:
    """Answers a second, over the time in which requests arrive."""
    answered, end = trace.columns.answered, trace.plan.arrivals_end_s
    return {"throughput_per_s": np.count_nonzero((answered >= start) & (answered <= end)) / (end - start)}


def _referred(trace: Trace) -> NDArray[np.bool_]:
    referred = np.array([end.referred for end in trace.plan.scenario.ends.values()] + [False])
    return referred[trace.columns.end]


def _by_patient(trace: Trace, trials: NDArray[np.bool_], hits: NDArray[np.bool_]) -> pd.DataFrame:
    frame = pd.DataFrame({"patient": trace.columns.patient[trials], "trials": 1, "hits": hits[trials].astype(int)})
    return frame.groupby("patient", as_index=False).sum()


def _utilizations(trace: Trace, visits: dict[str, pd.DataFrame]) -> dict[str, float]:
    """Of every stage that offers any time at all; replicas may all be down for good."""
    return {
        f"utilization.{name}": utilization(trace, name, stage, visits[name]) if name in visits else 0.0
        for name, stage in trace.plan.scenario.stages.items()
        if isinstance(stage, Pool | People) and capacity_s(trace, name, stage) > 0
    }


def _branches(trace: Trace) -> dict[str, float]:
    """What retries and joins did."""
    found: dict[str, float] = {}
    for name, stage in trace.plan.scenario.stages.items():
        if isinstance(stage, Retry):
            found |= _retries(trace, name)
        elif isinstance(stage, Join):
            found |= _joins(trace, name, stage)
    return found


def _retries(trace: Trace, name: str) -> dict[str, float]:
    """How much one client's request grows to, and whose last try failed as well."""
    started = np.array(trace.logs[name].started)
    again, all_ = np.count_nonzero(~np.isnan(started)), max(trace.columns.n, 1)
    gave_up = np.isnan(started) & ~np.isnan(np.array(trace.logs[name].left))
    return {f"retries_per_request.{name}": again / all_, f"exhausted_share.{name}": np.count_nonzero(gave_up) / all_}


def _joins(trace: Trace, name: str, stage: Join) -> dict[str, float]:
    """Of the requests that went on, the share that lacked an input; of all inputs, the share that came too late."""
    visits = trace.logs[name].frame(name).dropna(subset="left_s")
    used = visits[visits["started_s"].notna()]
    needed = stage.needed(trace.plan.scenario.inputs_of(name))
    came = (used["server"] >= 0).groupby(used["request"]).sum()
    return {
        f"incomplete_share.{name}": float((came < needed).mean()) if len(came) else 0.0,
        f"late_share.{name}": 1 - len(used) / max(len(visits), 1),
    }


def _waits(trace: Trace, name: str, visits: pd.DataFrame, with_tags: bool) -> dict[str, float]:
    """Waits until service began; until the time-out, or the end of the run, for those who were never served.

    Who was refused on the spot never waited, and nobody waited for a copy that was served in vain.
    """
    visits = visits[visits["wanted"] & (visits["started_s"].notna() | (visits["left_s"] != visits["entered_s"]))]
    until = visits["started_s"].fillna(visits["left_s"]).fillna(trace.plan.horizon_s)
    wait = (until - visits["entered_s"]).to_numpy()
    found = _quantiles(wait, name)
    if with_tags:
        tag = trace.columns.tag[visits["request"].to_numpy()]
        for index, label in enumerate(trace.plan.scenario.tags(), start=1):
            mine = _quantiles(wait[tag == index], f"{name}.{label}")
            found |= {key: value for key, value in mine.items() if key.startswith("wait_p95")}
    return found


def _quantiles(wait: NDArray[np.float64], name: str) -> dict[str, float]:
    if not len(wait):
        return {}
    p50, p95 = np.quantile(wait, [0.5, 0.95])
    return {f"wait_p50_s.{name}": float(p50), f"wait_p95_s.{name}": float(p95)}


def _costs(trace: Trace) -> dict[str, float]:
    """USD for 1,000 requests: machines and people as paid for the day, visits and misses as they happened."""
    scenario, columns = trace.plan.scenario, trace.columns
    per_thousand = 1000 / max(columns.n, 1)
    visit_usd = np.array([end.usd.value for end in scenario.ends.values()] + [0.0])[columns.end]
    costs = {"machines": _machines_usd(trace), "reviewers": _reviewers_usd(trace)}
    if scenario.population is None:
        costs["ends"] = float(visit_usd.sum())
    else:
        costs["visits of the healthy"] = float(visit_usd[~columns.positive].sum())
        costs["visits of the ill"] = float(visit_usd[columns.positive].sum())
    if scenario.costs is not None:
        missed = np.count_nonzero(columns.positive & ~columns.caught)
        costs["missed"] = missed * scenario.costs.missed_positive_usd.value
    return {part: usd * per_thousand for part, usd in costs.items()}


def _machines_usd(trace: Trace) -> float:
    pools = {name: stage for name, stage in trace.plan.scenario.stages.items() if isinstance(stage, Pool)}
    return sum(
        paid_s(trace, name, stage)
        / HOUR_S
        * trace.plan.machines[name].usd_per_replica_hour(stage.threads)
        * trace.conditions.price(name).mean(trace.plan.arrivals_end_s)
        for name, stage in pools.items()
    )


def _reviewers_usd(trace: Trace) -> float:
    people = {name: stage for name, stage in trace.plan.scenario.stages.items() if isinstance(stage, People)}
    return sum(
        paid_s(trace, name, stage)
        / HOUR_S
        * stage.usd_per_hour.value
        * trace.conditions.price(name).mean(trace.plan.arrivals_end_s)
        for name, stage in people.items()
    )


def _flows(trace: Trace) -> pd.DataFrame:
    requests = trace.requests
    columns = {
        "tag": np.array(["", *trace.plan.scenario.tags()])[trace.columns.tag],
        "end": requests["end"].astype(object).fillna("unfinished"),
        "outcome": requests["outcome"].astype(str),
        "positive": requests["positive"],
        "caught": requests["caught"],
    }
    return pd.DataFrame(columns).value_counts().reset_index(name="count")
