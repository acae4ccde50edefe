"""Servers of an author's own: schedules worked out by hand, queueing theory, files beside the case, and their cost."""

import json

import numpy as np
import pytest

from simulator.case.document import ScenarioError
from simulator.case.load import loads as read
from simulator.case.schema import Scenario
from simulator.engine.plan import compile_plan
from simulator.engine.run import simulate
from simulator.theory.loads import loads
from tests.builders import assumed, document, end, figures, fork, join, plan, run_at, server, spread
from tests.engine.intervals import assert_agrees
from tests.truths.queue_formulas import mg1_wait, mmc_wait


def served(trace, stage="s"):
    return trace.logs[stage].frame(stage)


def test_two_replicas_serve_in_order_of_arrival_for_a_constant_time():
    trace = run_at(plan({"s": server(replicas=2)}), [0, 0.25, 0.5, 3])
    visits = served(trace)
    assert visits["started_s"].tolist() == [0, 0.25, 1, 3]
    assert visits["left_s"].tolist() == [1, 1.25, 2, 4]


def test_limits_and_time_outs_are_those_of_a_pool():
    stages = {"s": server(max_queue=1, on_full="full", timeout_s=0.5, on_timeout="late")}
    trace = run_at(plan(stages, ends={name: end() for name in ("done", "full", "late")}), [0, 0.2, 0.3, 2, 2.6])
    assert trace.requests["end"].tolist() == ["done", "late", "full", "done", "done"]
    assert trace.requests["finished_s"].tolist() == [1, 0.7, 0.3, 3, 4]


@pytest.mark.parametrize(("replicas", "rate"), [(1, 0.7), (3, 2.4)])
@pytest.mark.parametrize("order", ["fifo", "freshest"])
def test_exponential_times_wait_as_theory_says(replicas, rate, order):
    """M/M/c: the order does not change the mean wait. A pool of columns serves the second order."""
    exponential = {"exponential_mean": assumed(1000)}
    made = plan({"s": server(service_ms=exponential, replicas=replicas, order=order)}, rate=rate, seconds=10_000)
    assert loads(made)[0].mean == pytest.approx(rate / replicas)
    waits = [float((visits["started_s"] - visits["entered_s"]).mean()) for visits in map(served, runs(made, 12))]
    assert_agrees(waits, mmc_wait(rate, 1.0, replicas), checks=4, sharp=0.15)


def runs(made, count):
    return (simulate(made, seed) for seed in range(count))


def test_lognormal_times_keep_their_mean_and_spread():
    made = plan({"s": server(service_ms=spread(300, 0.9))}, rate=1, seconds=20_000)
    mean = 0.3 * np.exp(0.9**2 / 2)
    waits = [float((visits["started_s"] - visits["entered_s"]).mean()) for visits in map(served, runs(made, 12))]
    assert_agrees(waits, mg1_wait(1, mean, 0.3**2 * np.exp(2 * 0.9**2)), checks=1, sharp=0.15)


def test_each_branch_that_meets_at_a_server_draws_a_time_of_its_own():
    stages = {"both": fork("s", "t"), "t": server(to="s"), "s": server(to="meet", service_ms=spread(500, 1)), "meet": join()}
    visits = served(simulate(plan(stages, seconds=300, rate=0.2)))
    took = (visits["left_s"] - visits["started_s"]).round(6).groupby(visits["request"]).nunique()
    assert (took == 2).mean() > 0.9


def test_a_replica_is_paid_by_the_hour():
    trace = run_at(plan({"s": server(replicas=3, usd_per_hour=assumed(36))}, seconds=100), [0, 50])
    assert figures(trace)["cost_per_1000_usd"] == pytest.approx(1000 * 3 * 36 * 100 / 3600 / 2)


def test_what_strikes_pools_strikes_a_server():
    outage = {"kind": "replica_loss", "label": "Out", "stage": "s", "replicas": 1, "at_s": 0.5, "lasts_s": 2}
    trace = run_at(plan({"s": server()}, curveballs={"out": outage}, strikes={}), [0])
    assert trace.requests["finished_s"].tolist() == [3.5]


def written(tmp_path, values, **fields):
    """A case with a server whose times stand in a file beside it."""
    (tmp_path / "lookups.csv").write_text(f"shard,ms\na,{values[0]}\nb,{values[1]}\n", encoding="utf-8")
    times = {"column": "ms", "file": "lookups.csv", "measured": "a log"} | fields
    return read(json.dumps(document({"s": server(service_ms=times)}, rate=0.01, seconds=5_000)), str(tmp_path / "test.yaml"))


def test_times_of_a_file_are_drawn_equally_often(tmp_path):
    made = compile_plan(written(tmp_path, (200, 800)))
    assert loads(made)[0].mean == pytest.approx(0.01 * 0.5)
    took = np.concatenate([(visits["left_s"] - visits["started_s"]).round(6) for visits in map(served, runs(made, 4))])
    assert set(took) == {0.2, 0.8}
    assert 0.35 < (took == 0.2).mean() < 0.65
    assert [source.value for source in made.provenance if source.kind == "measured"] == ["2 values, 500 on average"]


def test_the_schema_of_a_case_knows_a_column():
    kinds = Scenario.model_json_schema()["$defs"]["OwnServer"]["properties"]["service_ms"]["anyOf"]
    assert any({"column", "file"} <= kind.get("properties", {}).keys() for kind in kinds)


def test_another_content_of_the_file_is_another_run(tmp_path):
    case = written(tmp_path, (200, 800))
    before = compile_plan(case)
    first = simulate(before, 1)
    after = compile_plan(written(tmp_path, (100, 400)))
    assert before.evidence.keys() == after.evidence.keys() == {"scenario/lookups.csv"}
    assert before.identity != after.identity
    assert simulate(after, 1).digest != first.digest


@pytest.mark.parametrize(
    ("values", "fields", "message"),
    [
        ((1, 2), {"column": "minutes"}, "there is no column 'minutes'; it has: shard, ms"),
        ((1, 2), {"file": "other.csv"}, "other.csv: there is no such file"),
        ((0, 2), {}, "column 'ms' holds 0; its values should be above 0"),
        ((1, "x"), {}, "lookups.csv, line 3: expected a number, got 'x'"),
    ],
)
def test_a_file_that_cannot_be_used_is_refused_at_its_place(tmp_path, values, fields, message):
    with pytest.raises(ScenarioError) as caught:
        compile_plan(written(tmp_path, values, **fields))
    assert message in str(caught.value)
    assert "stages.s.service_ms.column" in str(caught.value)
