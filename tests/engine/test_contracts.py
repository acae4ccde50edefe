"""What every entry of a registry of kinds and policies keeps to. A new one needs an example here; the tests are there."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any, get_args
from unittest.mock import MagicMock, call

import numpy as np
import pytest
from pandas.testing import assert_frame_equal

from simulator.case.any_stage import STAGE_KINDS as KINDS
from simulator.case.case_contract import ARRIVAL_KINDS
from simulator.engine.compiled_plan import Plan
from simulator.engine.contract import BY_MARKS
from simulator.engine.run import Run, simulate
from simulator.engine.run_trace import Trace
from simulator.engine.stages import STAGES
from simulator.engine.stages.pool_policies import Scaling
from simulator.engine.stages.queues import BALANCERS, ORDERS
from simulator.engine.stages.replica_scaling import SCALERS
from simulator.engine.stages.replicas import BATCHING
from simulator.evidence.row_files import Recording
from simulator.records.streams import Streams
from simulator.records.timetables import DAY_S
from tests.builders import (
    assemble,
    assumed,
    cache,
    exponential,
    fanout,
    fork,
    gate,
    join,
    link,
    of_samples,
    people,
    plan,
    pool,
    popularity,
    population,
    retake,
    retry,
    score_table,
    server,
    spread,
)
from tests.effort import examples
from tests.engine.intervals import interval
from tests.engine.networks import (
    HORIZON_S,
    OPEN_S,
    SCORES,
    check,
    ordered,
    pools_of,
    service_times,
    simulate_step_by_step,
    turned_round,
)

DAY = ("00:00", "24:00")
CLASSES = {
    "urgent": {"label": "Urgent", "share": assumed(0.4), "priority": 1, "deadline_s": 1.5},
    "patient": {"label": "Patient", "share": assumed(0.6), "priority": 2, "deadline_s": 6},
}
SEEDS = range(examples(8))

APART = {
    "spread": link("fork", 0.1),
    "fork": fork("left", "right"),
    "left": pool(to="meet", max_batch=2, max_queue=2, on_full="meet"),
    "right": link("meet", 0.3),
}

#: For each stage kind the stages between the first pool and the last readers; requests come in at the first of them.
EXAMPLES: dict[str, dict[str, Any]] = {
    "link": {"it": link("last", 0.2) | {"bandwidth_mbps": spread(1, 0.8), "payload_mb": spread(0.05, 0.5)}},
    "pool": {
        "it": pool(
            to="last",
            max_batch=3,
            replicas=2,
            preferred_batches=[2],
            max_queue_delay_ms=400,
            max_queue=3,
            on_full="last",
            timeout_s=2,
            on_timeout="done",
        )
    },
    "server": {
        "it": server(
            to="last",
            service_ms=spread(700, 0.8),
            replicas=2,
            max_queue=3,
            on_full="last",
            timeout_s=2,
            on_timeout="done",
        )
    },
    "gate": {"it": gate("quality", {"at_least": 0.5, "to": "last", "tag": "good"}, {"to": "done"}, answers=True)},
    "retake": {
        "it": gate("quality", {"at_least": 0.0, "to": "last"}, {"to": "again"}),
        "again": retake("first", max_tries=3, minutes=spread(1 / 60, 0.8), gives_up=assumed(0.2), on_exhausted="last"),
    },
    "retry": {
        "it": pool(to="last", max_queue=1, on_full="resend"),
        "resend": retry("it", 300, jitter="full", budget={"share": 0.3, "window_s": 5}, on_exhausted="last"),
    },
    "fork": APART | {"meet": join("last")},
    "fanout": {
        "it": fanout("last", shards=3, needs=2, service_ms=spread(400, 0.8), timeout_s=1, on_incomplete="done", replicas=2)
    },
    "join": APART | {"meet": join("last", needs=1, timeout_s=0.2, on_incomplete="done")},
    "cache": {"it": cache("thing", 8, fresh_s=20, hit_to="done", miss_to="last")},
    "assemble": {"it": assemble("last", waits_for="deadline", deadline_ms=300, rest_to="done", on_replaced="done")},
    "people": {
        "it": people(
            ("08:00", "20:00", 1),
            ("20:00", "08:00", 3),
            minutes=1 / 60,
            sigma=0.7,
            order="risk",
            patience_h=spread(3 / 3600),
            on_timeout="done",
            max_queue=4,
            on_full="last",
            positive_to="last",
            negative_to="last",
        )
    },
}

#: Branches that share a link and a pool, and hurry on.
SHARED: dict[str, dict[str, Any]] = {
    f"shared {pools}": {
        "spread": link("fork", 0.1),
        "fork": fork("left", "right", "wire"),
        "left": pool(to="wire", max_batch=2, replicas=2),
        "right": link("wire", 0.3) | {"bandwidth_mbps": spread(1, 0.8), "payload_mb": spread(0.05, 0.5)},
        "wire": link("both", 0.2),
        "both": pool(to="meet", max_batch=3, replicas=3, max_queue=3, on_full="meet", **fields),
        "meet": join("last", needs=2, timeout_s=2),
    }
    for pools, fields in {"pool": {}, "managed pool": {"order": "freshest"}}.items()
}

#: Branches that score and that go by scores, and a join that does not wait for them.
HURRIED: dict[str, dict[str, Any]] = {
    scorer: {
        "spread": link("fork", 0.1),
        "fork": fork("left", "right", "third"),
        "left": pool(to="meet", scores="x", replicas=2, max_batch=2, **fields),
        "right": link("meet", 0.3),
        "third": pool(to="meet", order="risk", replicas=2),
        "meet": join("look", needs=2, timeout_s=0.5),
        "look": gate("score", {"at_least": 0.5, "to": "last", "tag": "high"}, {"to": "done", "tag": "low"}, answers=True),
    }
    for scorer, fields in {"scores ahead": {}, "scores as they come": {"client_timeout_s": 2, "on_timeout": "meet"}}.items()
}

STEADY = {"rate_per_s": assumed(2.5)}
HALVES = [{"rate_per_s": assumed(rate), "stay_s": assumed(2)} for rate in (1, 4)]
RECORDED = Recording(np.cumsum(np.random.default_rng(0).exponential(0.4, 3_000)))

#: For each arrival kind what comes to about 2.5 requests a second, at a stage that can take them.
COMINGS: dict[str, dict[str, Any]] = {
    "poisson": STEADY | {"spikes": [{"at_s": 20, "seconds": 5, "times": 3}]},
    "constant": STEADY,
    "gamma": STEADY | {"cv": assumed(2)},
    "weibull": STEADY | {"cv": assumed(0.5)},
    "mmpp": {"states": HALVES},
    "daily": {
        "per_day": assumed(2.5 * DAY_S),
        "weights": [1, 1, 2],
        "peaks": [{"start": "19:59", "minutes": 1, "share": 0.0005}],
    },
    "weekly": {"per_week": assumed(17.5 * DAY_S), "weights": [1, 1], "days": [3, 1, 1, 1, 1, 1, 1]},
    "replay": {"file": "times.csv", "column": "time", "source": "a test"},
    "sensors": {
        "sensors": {
            "front": {"label": "Front", "rate_per_s": assumed(1.5), "jitter_normal_ms": assumed(50)},
            "rear": {
                "label": "Rear",
                "rate_per_s": assumed(1),
                "skew_ms": assumed(300),
                "drift_ppm": assumed(5_000),
                "jitter_ms": spread(20, 0.5),
            },
        }
    },
    "closed": {"clients": 8, "think_mean_s": assumed(2)},
    "server": STEADY | {"queries": 100, "bound_s": assumed(2)},
    "offline": {"samples": 60},
    "single_stream": {"queries": 60},
    "multi_stream": {"queries": 20, "samples_per_query": 3},
}

#: What a kind of stage needs to have beside it.
BESIDE: dict[str, dict[str, Any]] = {
    "assemble": {"arrivals": {"kind": "sensors"} | COMINGS["sensors"]},
    "cache": {"attributes": {"thing": popularity(30)}},
}

#: For each policy of a pool the fields that ask for it; whoever is turned away goes to the readers.
AWAY = {"on_full": "last", "on_timeout": "last", "on_failure": "last"}
SCALED = {"min_replicas": 1, "max_replicas": 3, "every_s": 3}
POLICIES: dict[str, dict[str, Any]] = {
    **{f"order {order}": {"order": order} for order in ORDERS},
    **{f"batching {rule}": {"batching": rule} for rule in BATCHING},
    **{f"balance {rule}": {"balance": rule} for rule in BALANCERS},
    **{f"scaling {rule}": {"scaling": {"kind": rule} | SCALED} for rule in SCALERS},
    "replaces the older": {"replaces": "newest", "on_replaced": "done"},
    "preempts": {"preempts": "newest", "max_batch": 1, "replicas": 1},
    "oldest dropped": {"max_queue": 2, "drops": "oldest"},
    "no queue": {"max_queue": 0, "max_queue_delay_ms": 0},
    "time-out delay": {"timeout_s": 0.5, "timeout_action": "delay"},
    "clients leave": {"client_timeout_s": 0.7},
    "clients leave unnoticed": {"client_timeout_s": 0.7, "cancels": False},
    "sheds late": {"sheds_late": True},
    "hedged": {"hedge_after_s": 0.4, "balance": "round_robin"},
    "breaker": {"breaker": {"window_s": 5, "min_requests": 3, "open_s": 2, "trials": 2}, "client_timeout_s": 0.5},
}


def network(between: dict[str, Any], order: str = "fifo", **fields: Any) -> Plan:
    """A pool, the stages of one kind, readers; a shift changes within the run. Without stages between, the pool hands on."""
    stages = {
        "first": pool(to=next(iter(between), "last"), replicas=2),
        **between,
        "last": people(("08:00", "20:00", 2), ("20:00", "08:00", 3), minutes=1 / 60, sigma=0.4, order=order),
    }
    pools = {"first": exponential(0.5)} | {
        name: service_times(stage.get("max_batch", 1), 5) for name, stage in pools_of(between).items()
    }
    run = {"starts_at": "19:59", "days": OPEN_S / DAY_S, "drain_days": (HORIZON_S - OPEN_S) / DAY_S, "replications": 2}
    usual = {"rate": 2.5, "run": run, "population": population(unusable=0.3), "classes": CLASSES, "scores": SCORES}
    return replace(plan(stages, pools, **usual | fields), recording=RECORDED, cold_starts={"it": [2.0]})


SIZED = {"max_batch": 1, "hedge_after_s": 0.4, "precision": "a", "sizes": {"1": "a", "9": "b"}, "sized_by": "boxes"}

USUAL = pool(to="last", max_batch=2, replicas=2, max_queue_delay_ms=200, **AWAY)

SENSED: dict[str, Any] = {"arrivals": {"kind": "sensors"} | COMINGS["sensors"]}
SKEW = {"kind": "clock_skew", "sensor": "rear", "at_s": 8}

#: What sensors of a vehicle go through: decoding on shared cores, a detector, suppression by size, sets of frames.
NEWEST = {"replaces": "newest_of_sensor", "on_replaced": "done"}
RIG: dict[str, dict[str, Any]] = {
    "which": gate("sensor", {"values": ["rear"], "to": "often"}, {"to": "decode"}),
    "often": gate("frame", {"every": 3, "to": "done"}, {"to": "decode"}),
    "decode": pool(to="detect", replicas=2, shares="cpu", **NEWEST),
    "detect": pool(to="suppress", max_batch=2, **NEWEST),
    "suppress": pool(
        to="sets", replicas=2, shares="cpu", **NEWEST, **{key: SIZED[key] for key in ("precision", "sizes", "sized_by")}
    ),
    "sets": assemble("last", waits_for="deadline", deadline_ms=400, holds=True, rest_to="done", on_replaced="done"),
}

#: A network for every kind of stage, of arrivals and of order, and for every policy of a pool.
NETWORKS: dict[str, Callable[[], Plan]] = {
    **{kind: partial(network, EXAMPLES.get(kind, {}), **BESIDE.get(kind, {})) for kind in STAGES},
    **{kind: partial(network, {}, arrivals={"kind": kind} | COMINGS.get(kind, {})) for kind in ARRIVAL_KINDS},
    **{order: partial(network, {}, order=order) for order in ORDERS},
    **{policy: partial(network, {"it": USUAL | fields}) for policy, fields in POLICIES.items()},
    **{scorer: partial(network, stages, order="tag") for scorer, stages in HURRIED.items()},
    **{
        f"{field} of sensor": partial(
            network,
            {"it": USUAL | {field: "newest_of_sensor", "max_batch": 1}},
            arrivals={"kind": "sensors"} | COMINGS["sensors"],
        )
        for field in ("replaces", "preempts")
    },
    **{
        f"gate by {by}": partial(
            network,
            {"it": gate(by, route | {"to": "last", "tag": "seen"}, {"to": "done"})},
            arrivals={"kind": "sensors"} | COMINGS["sensors"],
            order="tag",
        )
        for by, route in {"sensor": {"values": ["rear"]}, "frame": {"every": 2}}.items()
    },
    **{
        name: partial(network, {"it": stage}, curveballs={"ball": {"label": "Ball"} | ball}, **SENSED)
        for name, stage, ball in (
            ("sensor lost", USUAL, {"kind": "sensor_loss", "sensor": "front", "at_s": 8, "lasts_s": 10}),
            ("clock jumps", assemble("last", rest_to="done", on_replaced="done"), SKEW | {"ms": -200}),
            ("clock runs off", USUAL, SKEW | {"ppm": 50_000}),
            ("people out", USUAL, {"kind": "absence", "stage": "last", "people": 2, "at_s": 8, "lasts_s": 10}),
            ("throttled", USUAL, {"kind": "throttle", "times": 2, "at_s": 8, "lasts_s": 10}),
        )
    },
    "rig": lambda: replace(
        network(
            RIG,
            **SENSED,
            accelerators={"cpu": {"label": "CPU", "cores": 2}},
            attributes={"boxes": {"kind": "number", "label": "Boxes", "value": spread(4, 0.6)}},
            curveballs={
                "hot": {"kind": "throttle", "label": "Hot", "accelerator": "cpu", "times": 2, "at_s": 8, "lasts_s": 10}
            },
        ),
        sized={"suppress": of_samples("boxes", {1: [0.1, 0.2], 9: [0.5, 1.5]})},
    ),
    "own server": partial(network, EXAMPLES["server"]),  # the arrivals of that name have the key `server`
    "server with policies": partial(
        network,
        {"it": server(to="last", service_ms=spread(700, 0.8), hedge_after_s=0.8, order="freshest", balance="round_robin")},
    ),
    "server with clients that leave": partial(
        network,
        {"it": server(to="last", service_ms=spread(700, 0.8), client_timeout_s=1.5, on_timeout="last")},
    ),
    "rates by class": partial(
        network,
        {
            "it": people(
                ("08:00", "20:00", 4),
                ("20:00", "08:00", 6),
                readings=[{"classes": ["urgent"], "sensitivity": assumed(0.3)}],
                minutes=1 / 60,
                positive_to="last",
                negative_to="last",
            )
        },
        curveballs={
            "tired": {"label": "Tired", "kind": "accuracy_drop", "stage": "it", "sensitivity": 0.1, "at_s": 8, "lasts_s": 10}
        },
    ),
    "people absent": partial(
        network,
        {
            "it": people(
                ("08:00", "20:00", 4),
                ("20:00", "08:00", 6),
                absence=assumed(0.3),
                minutes=1 / 60,
                positive_to="last",
                negative_to="last",
            )
        },
    ),
    "shared cores": partial(
        network,
        {
            "it": pool(to="more", replicas=2, max_batch=2, shares="cpu", threads=2),
            "more": pool(to="last", replicas=2, shares="cpu", max_queue=3, **AWAY),
        },
        accelerators={"cpu": {"label": "CPU", "cores": 3}},
    ),
    "times by size": lambda: replace(
        network(
            {"it": USUAL | SIZED},
            attributes={"boxes": {"kind": "number", "label": "Boxes", "value": spread(4, 0.6)}},
        ),
        sized={"it": of_samples("boxes", {1: [0.1, 0.2], 9: [0.5, 1.5]})},
    ),
    **{shared: partial(network, stages) for shared, stages in SHARED.items()},
}


def kinds_of(union: Any) -> set[str]:
    """The kinds that a scenario may name."""
    return {model.model_fields["kind"].annotation.__args__[0] for model in get_args(get_args(union)[0])}


def written(trace: Trace) -> list[bytes]:
    """A trace byte by byte, a column each."""
    frames = (trace.requests, trace.visits)
    columns = [
        column.cat.codes if str(column.dtype) == "category" else column for frame in frames for _, column in frame.items()
    ]
    return [column.to_numpy().tobytes() for column in columns]


def test_every_kind_that_a_scenario_may_name_runs_and_has_an_example():
    assert set(STAGES) == set(KINDS) == set(EXAMPLES)
    assert set(ARRIVAL_KINDS) == set(COMINGS)
    assert set(SCALERS) == kinds_of(Scaling)


@pytest.mark.parametrize("kind", NETWORKS)
def test_nobody_is_lost_no_server_idles_and_no_effect_comes_before_its_cause(kind):
    made = NETWORKS[kind]()
    for seed in SEEDS:
        trace = simulate(made, seed)
        check(trace)
        assert len(trace.logs["last"])


@pytest.mark.parametrize("kind", NETWORKS)
def test_the_same_seed_gives_the_same_bytes_and_another_seed_others(kind):
    made = NETWORKS[kind]()
    first, again, other = (written(simulate(made, seed)) for seed in (1, 1, 2))
    assert first == again
    assert first != other


@pytest.mark.long
def test_another_process_gives_the_same_runs():
    code = "from tests.engine.test_contracts import *; print(json.dumps(digests()))"
    env = os.environ | {"PYTHONHASHSEED": "7", "PYTHONPATH": os.pathsep.join(sys.path)}
    there = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, check=True)
    assert json.loads(there.stdout) == digests()


def digests() -> dict[str, str]:
    """What happened in each network."""
    return {kind: simulate(made(), 1).digest for kind, made in NETWORKS.items()}


@pytest.mark.parametrize("kind", NETWORKS)
def test_running_ahead_ends_where_single_steps_end(kind):
    made = NETWORKS[kind]()
    for seed in SEEDS:
        ahead, stepped = simulate(made, seed), simulate_step_by_step(made, seed)
        assert ahead.digest == stepped.digest
        assert_frame_equal(ordered(ahead.visits), ordered(stepped.visits))


@pytest.mark.parametrize("kind", ["fork", "join", *HURRIED, *SHARED])
def test_the_order_in_which_a_fork_names_its_branches_changes_no_byte(kind):
    made = NETWORKS[kind]()
    for seed in SEEDS:
        one, other = simulate(made, seed), simulate(turned_round(made), seed)
        assert one.digest == other.digest
        assert_frame_equal(ordered(one.visits), ordered(other.visits))


@pytest.mark.parametrize("kind", STAGES)
def test_a_further_stage_leaves_every_other_draw_as_it_was(kind):
    beside = BESIDE.get(kind, {})
    without, extended = simulate(network({}, **beside), 3), simulate(network(EXAMPLES[kind], **beside), 3)
    for column in ("arrived_s", "positive"):
        assert without.requests[column].equals(extended.requests[column])
    for stage in ("first", "last"):
        before, after = (service_by_request(trace, stage) for trace in (without, extended))
        both = before.index.intersection(after.index)
        assert len(both) > 20
        assert after[both].to_numpy() == pytest.approx(before[both].to_numpy())


def service_by_request(trace: Trace, stage: str) -> Any:
    """How long each request took at its first visit."""
    visits = trace.logs[stage].frame(stage).dropna().sort_values("started_s")
    first = visits.drop_duplicates("request").set_index("request")
    return first["left_s"] - first["started_s"]


# Arrivals


@pytest.mark.parametrize("starts_at", ["00:00", "19:59"])
@pytest.mark.parametrize("kind", ARRIVAL_KINDS)
def test_arrivals_come_in_order_within_their_time_and_as_often_as_they_say(kind, starts_at):
    """Expected are at most as many as come to stages that answer at once; here the link takes a nanosecond."""
    run = {"starts_at": starts_at, "days": 1_000 / DAY_S, "drain_days": 0, "replications": 2}
    made = plan({"p": link("done", 0)}, run=run, arrivals={"kind": kind} | COMINGS[kind])
    made = replace(made, recording=RECORDED)
    counts = []
    for seed in range(30):
        arrived = simulate(made, seed).columns.arrived
        assert np.all(np.diff(arrived) >= 0)
        assert arrived[0] >= 0
        assert arrived[-1] < 1_000
        counts.append(len(arrived))
    mean, half = interval(counts, 2 * len(ARRIVAL_KINDS))
    assert half < 0.05 * mean
    assert abs(mean - made.arrivals.expected) <= half + 1


# Orders


@pytest.mark.parametrize("order", ORDERS)
def test_whoever_is_first_in_the_order_is_taken_and_the_earlier_of_equals(order):
    """Half of the requests are tagged, and all but those that the pool turned away have one of five scores."""
    trace = simulate(sorting(order), seed=2)
    visits = trace.logs["last"].frame("last").sort_values("started_s")
    key = ORDERS[order](trace.columns).key  # nobody is marked while waiting
    entered, started = visits["entered_s"].to_numpy(), visits["started_s"].to_numpy()
    ranks = np.array([(key(row, time), time, row) for row, time in zip(visits["request"], entered, strict=True)])
    queued = 0
    for index, start in enumerate(started):
        waiting = (entered <= start) & (started >= start)
        assert tuple(ranks[index]) == min(map(tuple, ranks[waiting]))
        queued = max(queued, int(waiting.sum()))
    assert queued > 10


@pytest.mark.parametrize("order", ORDERS)
def test_an_order_says_whether_it_goes_by_what_stages_write(order):
    requests = Run(network({}), Streams(0)).requests
    requests.risks = requests.tags = MagicMock()
    ORDERS[order](requests).key(0, 0.0)
    assert requests.risks.method_calls == ([call.at(0, 0.0)] if order in BY_MARKS else [])


@pytest.mark.parametrize("order", ORDERS)
def test_the_order_of_equal_cases_decides_who_is_served_and_not_when(order):
    """Where all cases take the same, whatever the order, services begin at the same times."""
    begins = [np.sort(simulate(sorting(other), seed=2).logs["last"].frame("last")["started_s"]) for other in ("fifo", order)]
    assert begins[0] == pytest.approx(begins[1])


def sorting(order: str) -> Plan:
    """A reader who cannot keep up, before whom requests are tagged and scored; all cases take as long."""
    tagged, untagged = {"at_sensitivity": 0.3, "to": "model", "tag": "one"}, {"at_sensitivity": 0.6, "to": "model"}
    stages = {
        "sort": gate("quality", tagged, untagged, {"to": "model", "tag": "two"}),
        "model": pool(to="last", scores="x", max_queue=2, on_full="last"),
        "last": people((*DAY, 1), minutes=0.5 / 60, order=order),
    }
    scores = score_table([0.9, 0.8, 0.7], [0.2, 0.3])
    return plan(
        stages, service_times(1, 1), rate=2.5, seconds=100, scores=scores, population=population(unusable=0.0), classes=CLASSES
    )
