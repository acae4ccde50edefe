"""A task of an interviewer's own as a case: its numbers, its generic parts, and a run that queueing theory foretells."""

from math import sqrt

import pytest
from pydantic import ValidationError

from simulator.board import operations as ops
from simulator.board.case_drawing import case_text, compiled, drawn
from simulator.case.fields import figures_of
from simulator.case.load import load, loads, scenario_ids
from simulator.engine.compiled_plan import case_hash
from simulator.engine.plan import compile_plan
from simulator.explain.result import replicate
from simulator.metrics.summary import judged
from simulator.rooms.own_task import BOUNDS, MOST_RATE, OwnTask

TASK = OwnTask(name="Visual search", rate_per_s=40, payload_mb=0.2, bounds={"latency_p95_s": 0.3, "done_share": 0.99})


def test_every_number_is_assumed_and_those_of_the_task_are_the_interviewers():
    figures = figures_of(TASK.case)
    assert {figure.kind for figure in figures.values()} == {"assumed"}
    by_interviewer = {
        place: figure.value for place, figure in figures.items() if figure.source == "the task of the interviewer"
    }
    assert by_interviewer == {"arrivals.rate_per_s": 40, "stages.upload.payload_mb.constant": 0.2}


def test_nothing_of_a_shipped_case_is_in_it():
    case = TASK.case
    shipped = [load(name) for name in scenario_ids()]
    asks = {probe.ask for other in shipped for probe in other.interview.probes}
    labels = {ball.label for other in shipped for ball in other.curveballs.values()}
    ends = {end.label for other in shipped for end in other.ends.values()}
    assert not asks & {probe.ask for probe in case.interview.probes}
    assert not labels & {ball.label for ball in case.curveballs.values()}
    assert not ends & {end.label for end in case.ends.values()}
    assert (case.choices, case.debrief, case.population) == ({}, [], None)
    assert {objective.metric: objective.bound for objective in case.objectives} == TASK.bounds


@pytest.mark.parametrize("metric", BOUNDS)
def test_each_bound_is_judged_in_a_run(metric):
    task = OwnTask(name="A task", rate_per_s=5, bounds={metric: 0.5})
    result = replicate(compile_plan(task.case), 1, 2)
    assert [verdict.metric.name for verdict in result.verdicts] == [metric]
    assert judged(task.case, result.metrics)[0].estimate is not None


@pytest.mark.parametrize("rate", [1e-4, 0.01, MOST_RATE])
def test_a_run_is_of_bounded_length_at_any_rate(rate):
    case = OwnTask(name="A task", rate_per_s=rate).case
    seconds = 86_400 * case.run.days
    assert 10 <= seconds <= 7 * 86_400
    assert rate * seconds <= 10 * MOST_RATE


def test_one_server_waits_as_the_formula_of_pollaczek_and_khinchine_says():
    """M/D/1 at a load of 0.4: mean wait 0.4 * 10 ms / (2 * 0.6), so an answer after 13.33 ms; 0.4 USD an hour for 144,000."""
    case = TASK.case
    board = drawn(case, empty=True)
    for operation in [
        ops.AddBox(op="add", box="look", preset="preset:index", x=0, y=0),
        ops.EnterAt(op="enter", box="look"),
        ops.ConnectWay(op="connect", box="look", port="to", target="answered"),
    ]:
        board = board.after(operation)
    drawing = compiled(board, case)
    assert drawing.scenario is not None
    result = replicate(compile_plan(drawing.scenario), 1, 10)
    latency = result.metrics["latency_mean_s"]
    error = (latency.high - latency.low) / 2 / 1.96
    assert abs(latency.value - (0.010 + 0.4 * 0.010 / 1.2)) < 4 * error + 1e-6
    count = 10 * 40 * 86_400 * case.run.days
    assert result.metrics["cost_per_1000_usd"].value == pytest.approx(0.4 / 144, rel=4 / sqrt(count) + 0.05)


def test_the_drawing_is_a_case_file_that_runs_alike():
    drawing = compiled(drawn(TASK.case), TASK.case)
    assert (drawing.faults, drawing.left_out) == ((), ())
    written = loads(case_text(drawing, "own-task-drawn"), "own-task-drawn.yaml")
    assert replicate(compile_plan(written), 1, 2).metrics == replicate(compile_plan(TASK.case), 1, 2).metrics


def test_equal_tasks_share_a_case_and_others_have_another_hash():
    assert OwnTask.model_validate_json(TASK.model_dump_json()).case is TASK.case
    assert case_hash(TASK.model_copy(update={"rate_per_s": 41.0}).case) != case_hash(TASK.case)


@pytest.mark.parametrize(
    "given",
    [
        {"name": ""},
        {"name": "x" * 10_000},
        {"name": "{figure:arrivals.rate_per_s}"},
        {"name": "![a picture](http://elsewhere)"},
        {"rate_per_s": 0},
        {"rate_per_s": -1},
        {"rate_per_s": 1e9},
        {"rate_per_s": float("nan")},
        {"payload_mb": -1},
        {"payload_mb": 1e9},
        {"bounds": {"sensitivity": 0.5}},
        {"bounds": {"done_share": 1.5}},
        {"bounds": {"latency_p95_s": 0}},
    ],
)
def test_a_log_holds_no_task_beyond_the_bounds(given):
    with pytest.raises(ValidationError):
        OwnTask.model_validate({"name": "A task", "rate_per_s": 1.0} | given)
