"""A kind of stage that is registered from outside is known to all that a scenario meets on its way to a screen."""

from __future__ import annotations

import shutil
from importlib import import_module

import numpy as np
import pytest
from jsonschema import Draft202012Validator

from simulator.case.document import ScenarioError
from simulator.case.load import loads as read
from simulator.case.schema import Scenario
from simulator.charts.design_diagram import diagram
from simulator.charts.flow_charts import cost_split
from simulator.charts.queue_charts import queues
from simulator.engine.plan import compile_plan
from simulator.engine.run import simulate
from simulator.engine.stages import register, unregister
from simulator.evidence.latency_tables import constant
from simulator.explain.bottleneck import bottleneck_of
from simulator.explain.request_path import BEHIND, request_path
from simulator.explain.result import replicate
from simulator.metrics.summary import summarise
from simulator.paths import SCENARIOS
from simulator.practice.chrome_trace import events
from simulator.practice.exhibit_panels import panels
from simulator.theory.loads import loads, visit_ratios
from tests.builders import assumed, document, end, figures, gate, link, plan, pool, run_at, scenario
from tests.case.test_checks import messages
from tests.engine.networks import check, simulate_step_by_step
from tests.pages.conftest import chips, practice, settled, told  # noqa: F401


@pytest.fixture(autouse=True, scope="module")
def kinds():
    """The kinds are known within this module alone. They register where they are imported, as in a worker process."""
    outside = import_module("tests.engine.outside")
    for model, running in outside.KINDS:
        register(model, running)
    yield
    for model, _ in outside.KINDS:
        unregister(model)


def cache(hits=0.4, to="pre", **fields):
    return {"kind": "memo", "label": "Memo", "hits": assumed(hits), "hit_to": "known", "to": to} | fields


def preprocess(takes_ms=100, to="model", **fields):
    times = {"takes_ms": assumed(takes_ms), "usd_per_hour": assumed(0.36)}
    return {"kind": "preprocess", "label": "Decoding", **times, "to": to} | fields


ENDS = {"done": end(), "known": end(label="Known")}


def network(hits=0.4, takes_ms=100, workers=2, **fields):
    stages = {"cache": cache(hits), "pre": preprocess(takes_ms, workers=workers), "model": pool(label="Model")}
    return plan(stages, constant(0.05), ends=ENDS, **fields)


# Reading

TEXT = """\
id: outside
version: 1
title: A cache before a model
summary: A test
brief: A test
run: {days: 0.01, drain_days: 0.01, replications: 2}
arrivals: {kind: poisson, rate_per_s: {value: 10, assumed: a test}}
start: cache
stages:
  cache:
    kind: memo
    label: Cache
    hits: {value: 0.4, assumed: a test}
    hit_to: known
    to: pre
  pre:
    kind: preprocess
    label: Decoding
    workers: 2
    takes_ms: {value: 180, assumed: a test}
    usd_per_hour: {value: 0.36, assumed: a test}
    to: classifier
  classifier:
    kind: pool
    label: Classifier
    model: efficientnet_lite0
    precision: fp32
    device: epyc-zen4-2c
    to: done
ends:
  done:
    label: Done
    escalated: false
    detected: {value: 0, assumed: a test}
    usd: {value: 0, assumed: a test}
  known:
    label: Known before
    escalated: false
    detected: {value: 0, assumed: a test}
    usd: {value: 0, assumed: a test}
objectives:
  - {metric: wait_p95_s.pre, at_most: 1, label: Wait for a worker}
  - {metric: hit_share.cache, at_least: 0.3, label: Answers from memory}
choices:
  workers: {kind: number, label: Workers, default: 2, min: 1, max: 4, step: 1, set: [stages.pre.workers]}
"""


def faults(old, new):
    with pytest.raises(ScenarioError) as caught:
        read(TEXT.replace(old, new), "case.yaml")
    return [str(fault) for fault in caught.value.faults]


def test_it_is_read_and_its_faults_are_told_with_their_lines():
    assert read(TEXT).stages["pre"].workers == 2
    assert faults("workers: 2", "worker: 2") == [
        "case.yaml:19:5: stages.pre.worker: unknown key; did you mean 'workers'?",
    ]
    assert faults("hit_to: known", "hit_to: knwon") == [
        "case.yaml:14:5: stages.cache.hit_to: 'knwon' is neither a stage nor an end; did you mean 'known'?",
    ]
    (fault,) = faults("kind: memo", "kind: mema")[:1]
    assert fault.startswith("case.yaml:11:5: stages.cache.kind: 'mema' is not a known kind; did you mean 'memo'?")
    (fault,) = faults("metric: hit_share.cache", "metric: hit_shares.cache")
    assert fault.endswith("'hit_shares.cache' is not a metric here; did you mean 'hit_share.cache'?")
    assert "should be between 0 and 60,000" in faults("value: 180,", "value: -1,")[0].replace("60000", "60,000")


def test_it_checks_itself_and_the_whole_checks_it():
    found = faults("value: 0.4,", "value: 1,")
    assert found == [
        "case.yaml:13:5: stages.cache.hits: a cache that knows every answer leaves nothing to the stages behind it; "
        "keep it below 1"
    ]
    ring = messages({"cache": cache(to="other"), "other": cache(to="cache")}, ends=ENDS)
    assert ring.keys() == {"stages.cache", "stages.other"}
    assert all("without being served" in message for message in ring.values())
    assert scenario({"cache": cache(), "pre": preprocess(to="cache")}, ends=ENDS)  # who is served may come again
    assert messages({"cache": cache(to="done"), "pre": preprocess(to="done")}, ends=ENDS).keys() == {"stages.pre"}


def test_the_schema_lists_it_as_long_as_it_is_registered():
    from tests.engine.outside import Memo, MemoStage

    data = document({"cache": cache(to="done")}, ends=ENDS)
    schema = Scenario.model_json_schema()
    Draft202012Validator(schema).validate(data)
    wrong = data | {"stages": {"cache": cache(to="done") | {"hit_to": 5}}}
    assert not Draft202012Validator(schema).is_valid(wrong)
    unregister(Memo)
    try:
        assert "Memo" not in Scenario.model_json_schema()["$defs"]
        with pytest.raises(ScenarioError, match="'memo' is not a known kind"):
            scenario({"cache": cache(to="done")}, ends=ENDS)
    finally:
        register(Memo, MemoStage)


# What is known without a run, and what a run does


def test_theory_knows_where_it_sends_requests_and_what_it_can_take():
    made = network(hits=0.4, takes_ms=100, workers=2, rate=10)
    assert visit_ratios(made) == pytest.approx({"cache": 1, "pre": 0.6, "model": 0.6})
    pre, model = loads(made)
    assert (pre.stage, pre.mean) == ("pre", pytest.approx(10 * 0.6 * 0.1 / 2))
    assert model.mean == pytest.approx(10 * 0.6 * 0.05)


def test_it_serves_by_a_schedule_worked_out_by_hand():
    trace = run_at(network(hits=0, takes_ms=1000), [0, 0.2, 0.4, 3])
    visits = trace.logs["pre"].frame("pre")
    assert visits["started_s"].tolist() == pytest.approx([0, 0.2, 1, 3])
    assert visits["server"].tolist()[:3] == [0, 1, 0]
    assert trace.requests["finished_s"].tolist() == pytest.approx([1.05, 1.25, 2.05, 4.05])


def test_no_one_is_lost_and_running_ahead_ends_where_single_steps_end():
    made = network(rate=15)
    trace = simulate(made, 1)
    check(trace)
    assert trace.digest == simulate_step_by_step(made, 1).digest


def test_a_run_agrees_with_theory():
    made = network(rate=10, seconds=2_000)
    found = figures(simulate(made, 1))
    assert found["hit_share.cache"] == pytest.approx(0.4, abs=0.02)
    assert found["utilization.pre"] == pytest.approx(0.3, abs=0.02)


# What is told of a run


def test_its_metrics_are_summed_up_and_its_servers_paid():
    made = network(seconds=1_000)
    told = summarise([simulate(made, 1), simulate(made, 2)])
    assert {"hit_share.cache", "utilization.pre", "wait_p50_s.pre", "wait_p95_s.pre"} <= told.keys()
    summary = replicate(made, 1, 2)
    paid = 1_000 / 3600 * (2 * 0.36 + made.machines["model"].usd_per_replica_hour(1))
    assert summary.costs["machines"].value == pytest.approx(paid / (summary.requests / 2 / 1000), rel=1e-3)
    assert "machines" in cost_split(summary).takeaway


def test_the_diagram_draws_it_with_its_facts_and_its_load():
    drawn = diagram(network(rate=10))
    assert "**Memo**\n40.0% from memory" in drawn.source
    assert "n_cache --> n_known" in drawn.source
    assert "**Decoding**\nplanned load 30.0%" in drawn.source
    assert drawn.table["stage"].tolist() == ["Decoding", "Model"]


def test_the_explanation_names_it():
    summary = replicate(network(takes_ms=400, rate=12, workers=2), 1, 2)
    found = bottleneck_of(summary)
    assert found is not None
    assert found.stage == "pre"
    assert "of what its workers can serve" in found.why
    assert any(note.topic == "load" and "Decoding is the most loaded stage" in note.sentence for note in summary.trust)


def test_the_path_of_a_request_shows_its_wait_and_its_server():
    trace = run_at(network(hits=0, takes_ms=1000, workers=1), [0, 0.25])
    way = request_path(trace, 1.0)
    assert way is not None
    step = next(step for step in way.steps if step.stage == "pre")
    assert (step.label, step.server) == ("Decoding", 1)
    assert [(wait.what, wait.end_s - wait.start_s) for wait in step.waits] == [(BEHIND, pytest.approx(0.75))]


def test_the_trace_file_and_the_charts_name_its_servers():
    trace = simulate(network(), 1)
    names = {event["args"].get("name") for event in events(trace) if event["name"] == "thread_name"}
    assert {"worker 1", "worker 2", "replica 1"} <= names
    assert "Decoding" in queues(trace).takeaway


def test_it_stands_beside_the_kinds_that_come_with_casesim():
    """A new kind knows nothing of forks, tags or scores, and may stand between them."""
    stages = {
        "sort": gate("quality", {"at_least": 0.5, "to": "spread", "tag": "good"}, {"to": "done"}),
        "spread": link("fork", 0.1),
        "fork": {"kind": "fork", "label": "Fork", "to": ["pre", "far"]},
        "pre": preprocess(to="meet"),
        "far": link("meet", 0.3),
        "meet": {"kind": "join", "label": "Join", "to": "done"},
    }
    people = {"positive": "a", "negative": "b", "prevalence": assumed(0.5)}
    quality = {"quality": {"unusable": assumed(0.2), "auc": assumed(0.9)}}
    trace = simulate(plan(stages, rate=5, population=people | quality), 1)
    check(trace)
    assert len(trace.logs["meet"]) == 2 * len(trace.logs["pre"]) > 0


@pytest.mark.long
def test_the_page_offers_runs_and_explains_it(practice, tmp_path, monkeypatch):  # noqa: F811
    shutil.copytree(SCENARIOS, tmp_path / "cases")
    (tmp_path / "cases" / "outside.yaml").write_text(TEXT, encoding="utf-8")
    monkeypatch.setattr("simulator.case.load.SCENARIOS", tmp_path / "cases")
    page = settled(practice(case="outside"))
    assert not page.exception
    assert len(chips(page)) == 2
    page.session_state["tab"] = "Design"
    assert "The most loaded stage is Decoding" in told(page.run())
    for panel in panels(read(TEXT)):
        page.session_state["tab"] = panel
        page.run()
        assert not page.exception
        assert "on shift" not in told(page)


def test_a_plan_of_it_is_the_same_plan_twice():
    one, other = (compile_plan(read(TEXT), {"workers": 3}) for _ in range(2))
    assert one.identity == other.identity
    assert simulate(one, 3).digest == simulate(other, 3).digest
    assert np.isfinite(simulate(one, 3).columns.finished).all()
