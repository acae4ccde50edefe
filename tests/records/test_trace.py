"""What happened, as flat rows."""

import numpy as np

from simulator.evidence.latency_tables import constant
from simulator.records.trace import VISIT_COLUMNS
from tests.builders import link, people, plan, pool, run_at

STAGES = {"up": link("p", 1), "p": pool(max_batch=2, max_queue=2, on_full="done")}


def trace(service=3.0, times=(0, 0.5, 1, 1.5)):
    return run_at(plan(STAGES, constant(service, service)), times)


def test_every_visit_is_a_row_that_failed_ones_included():
    visits = trace().visits
    assert tuple(visits.columns) == VISIT_COLUMNS
    assert visits["stage"].tolist() == ["up", "up", "up", "p", "up", "p", "p", "p"]
    at_pool = visits[visits["stage"] == "p"].round(6)
    assert at_pool["started_s"].tolist()[:3] == [1, 4, 4]
    assert np.isnan(at_pool["started_s"].tolist()[3])
    assert at_pool["left_s"].tolist() == [4, 7, 7, 2.5]
    assert at_pool["batch_size"].tolist() == [1, 2, 2, 1]
    assert at_pool["server"].tolist() == [0, 0, 0, -1]
    assert at_pool["batch"].nunique() == 3


def test_requests_are_rows_with_how_and_where_they_ended():
    requests = trace().requests
    assert requests["outcome"].tolist() == ["done", "done", "done", "shed"]
    assert requests["end"].tolist() == ["done"] * 4
    assert requests["finished_s"].round(6).tolist() == [4, 7, 7, 2.5]


def test_the_digest_tells_runs_apart_by_a_microsecond():
    first = trace().digest
    assert trace().digest == first
    assert trace(service=3.000002).digest != first
    assert trace(times=(0, 0.5, 1)).digest != first


def test_a_run_without_requests_has_no_rows():
    empty = trace(times=())
    assert (len(empty.requests), len(empty.visits)) == (0, 0)


def test_as_many_reviewers_as_a_scenario_may_have_are_told_apart():
    crowd = people(*[("00:00", "24:00", 10_000)] * 4, minutes=60)
    visits = run_at(plan({"r": crowd}), np.arange(35_000) / 1000).visits
    assert visits["server"].nunique() == 35_000
