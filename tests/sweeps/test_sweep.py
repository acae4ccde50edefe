"""Sweeps: every point once, in order, whatever was kept, cancelled or cannot run."""

from concurrent.futures import Future
from dataclasses import asdict, replace

import numpy as np
import pytest

from simulator.case.load import load, loads
from simulator.engine.plan import compile_plan
from simulator.errors import InputError
from simulator.explain.result import replicate
from simulator.sweeps.design_space import DesignPoint
from simulator.sweeps.outcome_cache import OutcomeCache, SweepTask, solve, task_of
from simulator.sweeps.sweep import Sweep, once, sweep_request, swept, to_parquet
from tests.case.texts import SMALL, changed

OVER = ("point", "reading", "population.prevalence=0.3,0.6")


class Here:
    """Runs what it is handed in this process, and counts it."""

    def __init__(self, most: int | None = None) -> None:
        self.count, self.most = 0, most

    def submit(self, work, task):
        self.count += 1
        done = Future()
        if self.most is None or self.count <= self.most:
            done.set_result(work(task))
        return done


@pytest.fixture
def requested(evidence):
    return sweep_request(loads(SMALL), OVER, replications=2)


def test_every_point_is_run_once_and_told_in_order(requested):
    here = Here()
    outcomes = swept(Sweep(requested, here.submit))
    assert here.count == len(outcomes) == len(requested.points) == 12
    for point, outcome in zip(requested.points, outcomes, strict=True):
        assert {name: outcome.design[name] for name in point.picks} == dict(point.picks)
        assert outcome.figures == dict(point.figures)


def test_an_outcome_is_what_a_run_of_the_same_design_reports(requested):
    outcome = swept(Sweep(requested, Here().submit, points=requested.points[3:4]))[0]
    point = requested.points[3]
    run = replicate(compile_plan(requested.scenario, point.picks, figures=point.figures), 1, 2)
    assert outcome.metrics["sensitivity"] == run.metrics["sensitivity"]
    assert outcome.requests == run.requests


def test_a_part_of_the_requests_of_a_stage_has_the_percentile_of_the_card_in_a_run_that_reports_it_alone():
    """A percentile takes a number of requests that hangs on all of its stage, also where no metric is taken of those."""
    name, plan = "wait_p95_s.dermatologist.urgent", compile_plan(load("skin-cancer-triage"))
    card = replicate(plan, 1, 2).metrics[name]
    assert solve(task_of(plan, [name], 1, 2)).metrics == {name: card}


def test_what_is_kept_is_not_run_again_and_the_table_is_the_same(requested, tmp_path):
    first, again = Here(), Here()
    tables = []
    for here in (first, again):
        outcomes = swept(Sweep(requested, here.submit, OutcomeCache(tmp_path)))
        tables.append(to_parquet(requested.table(outcomes), requested.provenance(outcomes)))
    assert (first.count, again.count) == (12, 0)
    assert tables[0] == tables[1]


def test_a_sweep_that_is_cancelled_goes_on_where_it_stopped(requested, tmp_path):
    begun = Sweep(requested, Here(most=5).submit, OutcomeCache(tmp_path))
    begun.step(0.0)
    begun.cancel()
    assert begun.done == 5
    assert not begun.running
    here = Here()
    rest = Sweep(requested, here.submit, OutcomeCache(tmp_path))
    outcomes = swept(rest)
    assert (here.count, rest.read) == (7, 5)
    plain = swept(Sweep(requested, Here().submit))
    np.testing.assert_equal([asdict(one) for one in outcomes], [asdict(one) for one in plain])


def test_a_point_that_cannot_run_says_why_and_stops_no_other(evidence):
    other = "stages.classify.precision: int8_dynamic"
    scenario = loads(changed("stages.reader.sensitivity: {value: 0.99, assumed: a test}", other))
    requested = sweep_request(scenario, ["reading"], replications=2)
    ran, refused = swept(Sweep(requested, Here().submit))
    assert "int8_dynamic" in refused.refused
    assert not refused.metrics
    assert ran.metrics
    table = requested.table([ran, refused])
    assert table["sensitivity.verdict"].tolist()[1] == "cannot run"
    assert table["refused"].tolist() == ["", refused.refused]


def test_progress_is_told_and_ends_at_the_number_of_points(requested):
    told = []
    swept(Sweep(requested, Here().submit), lambda done, total: told.append((done, total)))
    assert told[-1] == (12, 12)
    assert sorted(told) == told


def test_a_worker_with_another_engine_is_refused(requested):
    class Other(Here):
        def submit(self, work, task):
            return super().submit(lambda task: replace(work(task), engine=3), task)

    with pytest.raises(InputError, match="a worker has version 3 of the engine, this machine version"):
        swept(Sweep(requested, Other().submit))


def test_a_sweep_is_described_in_a_sentence(requested):
    assert requested.sentence == (
        "12 designs of “Small”: Operating point (3 values from 0.6 to 1), Reading (Usual, Expert), Population: prevalence (0.3 "
        "to 0.6), in all combinations. All other choices are those of the base design. Each met the same requests in 2 "
        "replications, seed 1."
    )


def test_the_table_holds_axes_figures_bounds_verdicts_and_provenance(requested):
    outcomes = swept(Sweep(requested, Here().submit))
    table, told = requested.table(outcomes), requested.provenance(outcomes)
    assert list(table.columns[:6]) == [
        "point",
        "reading",
        "population.prevalence",
        "sensitivity",
        "sensitivity.low",
        "sensitivity.high",
    ]
    assert (table["sensitivity.low"] <= table["sensitivity"]).all()
    assert set(table["sensitivity.verdict"]) <= {"met", "not met", "not proven"}
    assert {"scenario_hash", "seed", "replications", "engine", "evidence", "axes", "described"} <= told.keys()
    assert any(name.endswith("tiny.fp32.csv") for name in told["evidence"])


@pytest.mark.parametrize(
    ("over", "metrics", "message"),
    [
        ((), (), "nothing to sweep"),
        (("point", "point=0.6,0.9"), (), "--over point: is given twice"),
        (("point",), ("sensitivty",), "--metric sensitivty: there is no such metric; did you mean 'sensitivity'?"),
    ],
)
def test_what_cannot_be_swept_says_what_would_be_right(evidence, over, metrics, message):
    with pytest.raises(InputError) as refused:
        sweep_request(loads(SMALL), over, metrics=metrics)
    assert message in str(refused.value)


def test_equal_tasks_of_a_search_are_handed_out_once():
    handed = []

    def submit(work, task):
        handed.append(task.key)
        return Future()

    first = once(submit)
    one, same, other = (first(None, SweepTask(b"", key, 1, 4)) for key in ("a", "a", "b"))
    assert one is same
    assert one is not other
    assert handed == ["a", "b"]
    one.cancel()
    assert first(None, SweepTask(b"", "a", 1, 4)) is not one


def test_a_point_that_cannot_run_takes_the_pick_of_the_base_where_asked_unless_that_point_runs_anyway(evidence):
    scenario = loads(
        changed("stages.reader.sensitivity: {value: 0.99, assumed: a test}", "stages.classify.precision: int8_dynamic")
    )
    requested = sweep_request(scenario, ["reading", "point"], replications=2)
    bad = next(point for point in requested.points if swept(Sweep(requested, Here().submit, points=[point]))[0].refused)
    sweep = Sweep(requested, Here().submit, points=[bad], mends=True)
    assert swept(sweep)[0].refused == ""
    own = scenario.defaults()["reading"]
    assert sweep.points == [DesignPoint({**bad.picks, "reading": own})] != [bad]
    assert swept(Sweep(requested, Here().submit, points=[sweep.points[0], bad], mends=True))[1].refused
