"""Random small networks of stages, and what must hold in every run of one."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import replace
from itertools import pairwise
from math import isnan
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import pytest
from hypothesis import strategies as st
from numpy.typing import ArrayLike, NDArray

from simulator.engine.compiled_plan import Plan
from simulator.engine.run import simulate
from simulator.engine.run_trace import Trace
from simulator.engine.stages.stage import ServiceStage
from simulator.evidence.latency_tables import GRID, LatencyTable
from simulator.records.timetables import DAY_S
from simulator.records.trace import OUTCOMES
from tests.builders import end, fork, gate, join, link, people, plan, pool, population, retake, retry, score_table, spread

OPEN_S, SHIFT_S, HORIZON_S = 50.0, 60.0, 100.0
SCORES = score_table([0.9, 0.6, 0.4], [0.1, 0.3, 0.7])


def service_times(largest: int, seed: int) -> LatencyTable:
    """Random service times around half a second, longer for larger batches and after an idle gap."""
    rng = np.random.default_rng(seed)
    quantiles = np.sort(rng.lognormal(-1, 0.7, (largest + 1, GRID)), axis=1) * (1 + 0.3 * np.arange(largest + 1))[:, None]
    return LatencyTable(np.stack([quantiles, 1.2 * quantiles]))


@st.composite
def pools(draw: st.DrawFn, targets: list[str], ahead: list[str], anywhere: list[str]) -> dict[str, Any]:
    largest = draw(st.integers(1, 4))
    fields: dict[str, Any] = {"max_batch": largest, "replicas": draw(st.integers(1, 3))}
    fields["preferred_batches"] = draw(st.lists(st.integers(1, largest), max_size=2, unique=True))
    fields["max_queue_delay_ms"] = draw(st.sampled_from([0, 200, 1500]))
    if draw(st.booleans()):
        fields |= {"timeout_s": draw(st.sampled_from([0.1, 1, 4])), "on_timeout": draw(st.sampled_from(anywhere))}
    if draw(st.booleans()):
        least = 0 if fields["max_queue_delay_ms"] == 0 else 1
        fields |= {"max_queue": draw(st.integers(least, 4)), "on_full": draw(st.sampled_from(ahead))}
    return pool(to=draw(st.sampled_from(targets)), **fields)


@st.composite
def reviewers(draw: st.DrawFn, targets: list[str], ahead: list[str], anywhere: list[str]) -> dict[str, Any]:
    early, late = ("08:00", "20:00", draw(st.integers(0, 2))), ("20:00", "08:00", draw(st.integers(1, 3)))
    fields: dict[str, Any] = {name: draw(st.sampled_from(targets)) for name in ("positive_to", "negative_to")}
    fields["order"] = draw(st.sampled_from(["fifo", "risk", "tag"]))
    if draw(st.booleans()):
        hours = draw(st.sampled_from([0.5, 3])) / 3600
        fields |= {"patience_h": spread(hours), "on_timeout": draw(st.sampled_from(anywhere))}
    if draw(st.booleans()):
        fields |= {"max_queue": draw(st.integers(1, 4)), "on_full": draw(st.sampled_from(ahead))}
    return people(early, late, minutes=1 / 60, sigma=0.7, **fields)


@st.composite
def retries(draw: st.DrawFn, targets: list[str]) -> dict[str, Any]:
    fields: dict[str, Any] = {"jitter": draw(st.sampled_from(["none", "full", "equal"])), "max_tries": draw(st.integers(1, 4))}
    if draw(st.booleans()):
        fields["budget"] = {
            "share": draw(st.sampled_from([0, 0.2, 1])),
            "window_s": 5,
            "min_per_s": draw(st.sampled_from([0, 0.3])),
        }
    return retry(draw(st.sampled_from(targets)), draw(st.sampled_from([0, 300, 2000])), **fields)


@st.composite
def forked(draw: st.DrawFn, to: str, late_fallbacks: bool) -> dict[str, Any]:
    """A fork into a pool, a link and perhaps another pool, and the join where they meet; `spread` leads to the fork alone."""
    back = ["meet", "resend_left"]
    stages = {"spread": link("fork", 0.1), "left": draw(pools(["meet"], back, back))}
    stages["right"] = link("meet", draw(st.sampled_from([0.3, 2])))
    stages["resend_left"] = draw(retries(["left"])) | {"on_exhausted": "meet"}
    names = ["left", "right"]
    if draw(st.booleans()):
        stages["third"] = draw(pools(["meet"], ["meet"], ["meet"])) | {"order": draw(st.sampled_from(["fifo", "risk", "tag"]))}
        names.append("third")
    if draw(st.booleans()):
        stages["left"]["scores"] = "x"
    if not late_fallbacks:
        for name in names:
            stages[name] = {field: value for field, value in stages[name].items() if field not in ("timeout_s", "on_timeout")}
    fields: dict[str, Any] = {"needs": draw(st.sampled_from(["all", 1, 2])), "timeout_s": draw(st.sampled_from([None, 0.7, 3]))}
    fields["on_incomplete"] = draw(st.sampled_from([None, "done", "s0"]))
    return stages | {"fork": fork(*names), "meet": join(to, **fields)}


@st.composite
def networks(draw: st.DrawFn, late_fallbacks: bool = True) -> Plan:
    """A plan with up to four stages where requests wait, gates and a retake; the shift changes late in the run.

    late_fallbacks: whether a request may go on to another stage when its time-out is noticed.
    """
    names = [f"s{index}" for index in range(draw(st.integers(1, 4)))]
    stages: dict[str, Any] = draw(forked("upload", late_fallbacks)) if draw(st.booleans()) else {}
    stages |= {"upload": link("s0", 0.1) | {"bandwidth_mbps": spread(1, 0.8), "payload_mb": spread(0.05, 0.5)}}
    for index, name in enumerate(names):
        anywhere, ahead = [*names, "done"], [*names[index + 1 :], "done"]
        looks = f"look{index}"
        served = [[*ahead, looks], [*ahead, "resend"], [*anywhere, "resend"] if late_fallbacks else ["done"]]
        stages[name] = draw(st.one_of(pools(*served), reviewers(*served)))
        rejected = draw(st.sampled_from(["again", *ahead] if index + 1 < len(names) else ["done"]))
        good = {"at_least": draw(st.sampled_from([-1, 0.5])), "to": draw(st.sampled_from(ahead)), "tag": f"t{index}"}
        by = {"by": "score", "of": "left"} if "scores" in stages.get("left", {}) and draw(st.booleans()) else {"by": "quality"}
        stages[looks] = gate(**by, routes=[good, {"to": rejected}], answers=draw(st.booleans()))
    again = {"gives_up": {"value": 0.2, "assumed": "a test"}, "minutes": spread(1 / 60, 0.8), "on_exhausted": names[-1]}
    stages["again"] = retake("upload", max_tries=3, **again)
    stages["resend"] = draw(retries(["upload", *names]))
    return plan(
        reachable(stages),
        {name: service_times(stage["max_batch"], draw(st.integers(0, 99))) for name, stage in pools_of(stages).items()},
        rate=draw(st.sampled_from([0.2, 1, 2.5])),
        run={"starts_at": "19:59", "days": OPEN_S / DAY_S, "drain_days": (HORIZON_S - OPEN_S) / DAY_S, "replications": 2},
        population=population(unusable=0.3),
        scores=SCORES,
        ends={"done": end()},
    )


def pools_of(stages: dict[str, Any]) -> dict[str, Any]:
    return {name: stage for name, stage in stages.items() if stage["kind"] == "pool"}


def reachable(stages: dict[str, Any]) -> dict[str, Any]:
    """The stages that a request can get to."""
    seen, waiting = set(), [next(iter(stages))]
    while waiting:
        name = waiting.pop()
        if name in stages and name not in seen:
            seen.add(name)
            stage = stages[name]
            waiting += [value for key, value in stage.items() if key.endswith("_to") or key.startswith("on_")]
            waiting += [stage["to"]] if isinstance(stage.get("to"), str) else stage.get("to", [])
            waiting += [route["to"] for route in stage.get("routes", [])]
    return {name: stage for name, stage in stages.items() if name in seen}


def check(trace: Trace) -> None:
    """What holds in every run, whatever its stages."""
    visits = trace.visits
    requests = trace.requests
    assert requests["outcome"].isin(OUTCOMES).all()
    assert (requests["finished_s"].notna() == (requests["outcome"] != "unfinished")).all()
    check_changed(trace)
    for name, stage in trace.plan.scenario.stages.items():
        mine = visits[visits["stage"] == name]
        if stage.kind == "people" or (stage.kind in ("pool", "server") and stage.is_plain and stage.shares is None):
            _check_queue(mine, stage, _on_duty(trace, name, stage))
            _check_limits(mine, stage)
        if stage.kind == "join":
            _check_join(mine, stage, trace.plan.scenario.network.inputs_of(name))


def check_changed(trace: Trace) -> None:
    """What holds in every run, whatever changed on the way."""
    visits = trace.visits
    wanted = visits[visits["wanted"]]
    check_ways(trace, wanted)
    if not trace.plan.scenario.in_branches():
        check_instants(trace, wanted)
    for name, stage in trace.plan.scenario.stages.items():
        mine = visits[visits["stage"] == name]
        check_order_of_times(mine)
        if stage.kind in ("pool", "server", "people"):
            check_servers(mine)


def check_order_of_times(visits: pd.DataFrame) -> None:
    """Cause before effect: entered, started, left."""
    served = visits[visits["started_s"].notna()]
    assert (served["entered_s"] <= served["started_s"]).all()
    assert (served["started_s"] <= served["left_s"]).all()
    assert not (visits["left_s"] < visits["entered_s"]).any()


class Visit(NamedTuple):
    """A row of `Trace.visits`; a time that is not known is nan."""

    stage: str
    entered_s: float
    started_s: float
    left_s: float
    server: float

    @property
    def started(self) -> bool:
        return not isnan(self.started_s)

    @property
    def left(self) -> bool:
        return not isnan(self.left_s)


def by_request(visits: pd.DataFrame) -> dict[int, list[Visit]]:
    """The visits of each request as plain rows: a property asks thousands of small questions, and each costs a frame 0.1 ms."""
    found: dict[int, list[Visit]] = defaultdict(list)
    columns = [visits[name].tolist() for name in Visit._fields]
    for request, *row in zip(visits["request"].tolist(), *columns, strict=True):
        found[request].append(Visit(*row))
    return found


def check_ways(trace: Trace, visits: pd.DataFrame) -> None:
    """A request enters a stage when it leaves the one before, and nothing is lost.

    It is in one place at a time, but that a fork sends it into every branch, and that it goes on from a join once.
    """
    stages = trace.plan.scenario.stages
    fork, meet = (next((name for name, stage in stages.items() if stage.kind == kind), None) for kind in ("fork", "join"))
    before_fork = [name for name, stage in stages.items() if fork in stage.targets().values()]
    inputs = len(stages[fork].to) if fork else 1
    visits_of = by_request(visits)
    for row, request in enumerate(trace.requests.itertuples()):
        own = visits_of[row]
        left = [visit for visit in own if visit.stage != meet and visit.left]
        ways_on = Counter([request.arrived_s, *(visit.left_s for visit in left)])
        ways_on.update({visit.left_s for visit in own if visit.stage == meet and visit.started})
        for visit in left:
            ways_on[visit.left_s] += inputs - 1 if visit.stage in before_fork else 0
        finished = request.outcome != "unfinished"
        entered = Counter([*(visit.entered_s for visit in own), *([request.finished_s] if finished else [])])
        assert not entered - ways_on
        under_way = ways_on - entered
        assert all(time >= HORIZON_S for time in under_way)
        assert not (finished and inputs == 1) or not under_way
        if finished:
            _check_outcome(trace, request.outcome, own, meet, inputs)


def _check_outcome(trace: Trace, outcome: str, own: list[Visit], meet: str | None, inputs: int) -> None:
    """It is done unless it failed after it was last sent, or a join went on without an input that it needed."""
    stages, branches = trace.plan.scenario.stages, trace.plan.scenario.in_branches()
    resend = [name for name, stage in stages.items() if stage.kind == "retry" and name not in branches]
    sent = [visit.entered_s for visit in own if visit.stage in resend and visit.started]
    failed = [visit.left_s for visit in own if not visit.started and visit.stage not in [*branches, meet]]
    last = max(sent, default=-1.0)
    lacks = not sent and _incomplete([visit for visit in own if visit.stage == meet], trace, meet, inputs)
    # A retry without a delay and what fails at once after it have the same time: which was first is not known.
    certain = failed.count(last) <= sent.count(last)
    assert not certain or (outcome == "done") == (not any(time > last for time in failed) and not lacks)


def _incomplete(visits: list[Visit], trace: Trace, join: str | None, inputs: int) -> bool:
    """Whether a request took the fallback of a join, by what the join needed when the request left it."""
    used = [visit for visit in visits if visit.started]
    if not used:
        return False
    left = used[0].left_s
    stage = next(plan.scenario.stages[join] for start, end, plan in trace.parts() if start <= left < end)
    return stage.on_incomplete is not None and sum(visit.server >= 0 for visit in used) < stage.needed(inputs)


def _check_join(visits: pd.DataFrame, stage: Any, inputs: int) -> None:
    """A request goes on when it is complete, when no more can come, or when its time is up; and once."""
    for mine in by_request(visits).values():
        used = [visit for visit in mine if visit.started]
        good = [visit.entered_s for visit in used if visit.server >= 0]
        assert len(mine) <= inputs
        if not used:
            assert not any(visit.left for visit in mine)
            continue
        (left,) = {visit.left_s for visit in used}
        last = max(visit.entered_s for visit in used)
        if len(good) == stage.needed(inputs):
            assert left == last == max(good)
        elif len(used) == inputs:
            assert left == last
        else:
            assert left == np.nextafter(min(visit.entered_s for visit in mine) + stage.timeout_s, np.inf)
        assert all(visit.entered_s >= left for visit in mine if not visit.started)


def check_instants(trace: Trace, visits: pd.DataFrame) -> None:
    """At every instant up to the end whoever has arrived has ended in some way or is at a stage, or at several after a fork."""
    requests = trace.requests
    finished = requests["finished_s"].fillna(np.inf)
    until = finished.to_numpy()[visits["request"]]
    entered = np.minimum(visits["entered_s"], until)
    left = np.minimum(visits["left_s"].fillna(np.inf), until)
    row = np.tile(visits["request"], 2)
    time, change = np.concatenate([entered, left]), np.repeat([1, -1], len(visits))
    order = np.lexsort([-change, time, row])
    time, at_stages = time[order], np.cumsum(change[order])
    begins, ends = time[(at_stages == 1) & (change[order] == 1)], time[at_stages == 0]
    instants = np.unique(np.concatenate([requests["arrived_s"], begins, ends, finished]))
    instants = instants[instants <= HORIZON_S]
    arrived, gone = _until(requests["arrived_s"], instants), _until(finished, instants)
    assert np.array_equal(arrived, gone + _until(begins, instants) - _until(ends, instants))
    by_outcome = requests.groupby("outcome", observed=True)["finished_s"].count()
    assert by_outcome.drop("unfinished", errors="ignore").sum() == np.isfinite(finished).sum()


def _until(times: ArrayLike, instants: NDArray[np.float64]) -> NDArray[np.int_]:
    return np.searchsorted(np.sort(times), instants, side="right")


def check_servers(visits: pd.DataFrame) -> None:
    """A server does one batch at a time, and all of a batch start and end together."""
    served = visits[visits["started_s"].notna()]
    columns = [served[name].tolist() for name in ("batch", "batch_size", "server", "started_s", "left_s")]
    rows = Counter(zip(*columns, strict=True))
    assert len(rows) == served["batch"].nunique()
    assert all(size == count for (_, size, *_), count in rows.items())
    busy: dict[float, set[tuple[float, float]]] = defaultdict(set)
    for _, _, server, start, stop in rows:
        busy[server].add((start, stop))
    for times in busy.values():
        assert all(stop <= start for (_, stop), (start, _) in pairwise(sorted(times)))


def _check_queue(visits: pd.DataFrame, stage: Any, on_duty: Any) -> None:
    """At no time does a request wait that a free server may serve, and the queue keeps its limit."""
    entered = visits["entered_s"].to_numpy()
    until = visits["started_s"].fillna(visits["left_s"]).fillna(HORIZON_S).to_numpy()
    started, left, server = (visits[name].to_numpy() for name in ("started_s", "left_s", "server"))
    edges = np.unique(np.concatenate([entered, until, left[started <= left], [SHIFT_S, HORIZON_S]]))
    edges = edges[edges <= HORIZON_S]
    for start, stop in pairwise(edges):
        now = (start + stop) / 2
        ages = now - entered[(entered <= now) & (now < until)]
        free = on_duty(now) - set(server[(started <= now) & (now < left)])
        assert stage.max_queue is None or len(ages) <= stage.max_queue
        if free and len(ages):
            assert stage.kind != "people"
            assert ages.max() <= stage.max_queue_delay_ms / 1000 + 1e-9
            assert len(ages) < min([*stage.preferred_batches, stage.max_batch])


def _check_limits(visits: pd.DataFrame, stage: Any) -> None:
    served, gone = visits[visits["started_s"].notna()], visits[visits["started_s"].isna() & visits["left_s"].notna()]
    patience = _patience(stage)
    waited = gone["left_s"] - gone["entered_s"]
    assert (served["started_s"] - served["entered_s"] <= patience + 1e-9).all()
    assert ((waited == 0) | (waited >= patience - 1e-9)).all()
    assert stage.max_queue is not None or not (waited == 0).any()
    if stage.kind != "people":
        assert (visits["batch_size"] <= stage.max_batch).all()
        assert served.sort_values(["entered_s", "started_s"])["started_s"].is_monotonic_increasing


def _patience(stage: Any) -> float:
    if stage.kind != "people":
        return stage.timeout_s or np.inf
    return stage.patience_h.median.value * 3600 if stage.patience_h else np.inf


def _on_duty(trace: Trace, name: str, stage: Any) -> Any:
    if stage.kind != "people":
        return lambda time: set(range(stage.replicas))
    roster = trace.conditions.roster(name)
    return lambda time: set(roster.readers(time))


def ordered(visits: pd.DataFrame) -> pd.DataFrame:
    """Visits in an order that does not depend on which stage had its turn first."""
    columns = visits.astype({"stage": str}).drop(columns="batch")
    return columns.sort_values(["request", "entered_s", "left_s"], ignore_index=True)


def turned_round(made: Plan) -> Plan:
    """The same plan, but that every fork names its branches in the opposite order."""
    stages = made.scenario.stages
    turned = {name: stage.model_copy(update={"to": stage.to[::-1]}) for name, stage in stages.items() if stage.kind == "fork"}
    return replace(made, scenario=made.scenario.model_copy(update={"stages": stages | turned}))


def simulate_step_by_step(made: Plan, seed: int) -> Trace:
    """A run in which every stage takes turns with all others and hands every request over by itself."""
    connect = ServiceStage.connect

    def connect_as_in_a_ring(stage: ServiceStage) -> None:
        connect(stage)
        stage.rivals, stage.loops = [stage], True

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ServiceStage, "connect", connect_as_in_a_ring)
        return simulate(made, seed)
