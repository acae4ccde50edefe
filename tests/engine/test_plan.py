"""A plan rests on evidence: what was not measured is refused at its line, and every number says where it comes from."""

import json
import pickle
import shutil
from pathlib import Path

import pytest

from simulator.app.jobs import job_id
from simulator.case.document import ScenarioError
from simulator.case.fields import EVIDENCE_KINDS
from simulator.case.load import loads
from simulator.engine.plan import compile_plan
from simulator.engine.run import simulate
from simulator.evidence.catalogue import HARDWARE
from tests.builders import assumed, document, link, pool, retry
from tests.case.texts import SMALL, changed, place

pytestmark = pytest.mark.usefixtures("evidence")


@pytest.mark.parametrize(
    ("old", "new", "where", "message"),
    [
        ("model: tiny", "model: huge", "model:", "latency of huge at fp32 on epyc-zen4-2c; expected one of: tiny"),
        ("precision: fp32", "precision: fp8", "precision:", "no measured latency of tiny at fp8"),
        ("device: epyc-zen4-2c", "device: abacus", "device:", "the catalogue has no machine 'abacus'; expected one of: "),
        ("scores: tiny", "scores: tinier", "scores:", "no score table 'tinier.fp32'; did you mean 'tiny.fp32'?"),
        ("max_batch: 4", "max_batch: 8", "max_batch:", "measured up to batch 4; max_batch is 8"),
        ("max_batch: 4", "threads: 2", "threads:", "was measured with [1] threads, not 2"),
        ("max_batch: 4", "threads: 3", "threads:", "3 threads on a machine with 2 processors"),
        ("kind: people", "kind: people\n    order: alphabet", "order:", "'alphabet' is not an order; expected one of: fifo"),
        (
            "{value: 0.1, assumed",
            "{value: 30000, assumed",
            "arrivals:",
            "25,920,000 requests a replication; at most 3,914,683",
        ),
    ],
)
def test_what_cannot_run_is_told_at_its_line(old, new, where, message):
    text = changed(old, new)
    with pytest.raises(ScenarioError) as caught:
        compile_plan(loads(text))
    (fault,) = (fault for fault in caught.value.faults if message in fault.message)
    assert (fault.line, fault.column) == place(text, where)


def test_all_that_is_missing_is_told_at_once():
    text = changed("model: tiny", "model: huge", "scores: tiny", "scores: huge", "device: epyc-zen4-2c", "device: abacus")
    with pytest.raises(ScenarioError) as caught:
        compile_plan(loads(text))
    # Where the device is unknown, the models that were measured on it are not known either.
    assert [fault.field for fault in caught.value.faults] == ["stages.classify.device", "stages.classify.scores"]


def test_a_pick_that_was_not_measured_is_told_at_the_option():
    option = "  batch: {kind: number, label: Batch, default: 1, values: [1, 8], set: [stages.classify.max_batch]}\n"
    text = SMALL + option
    with pytest.raises(ScenarioError) as caught:
        compile_plan(loads(text), {"batch": 8})
    assert [(fault.line, fault.column) for fault in caught.value.faults] == [place(text, "stages.classify.max_batch")]


def test_each_pool_has_its_scores_and_the_last_of_them_are_shown():
    second = "{kind: pool, label: Again, model: tiny, precision: int8_static, device: epyc-zen4-2c, scores: tiny, to: sort}"
    text = changed("    to: sort\n", f"    to: again\n  again: {second}\n", "by: score\n", "by: score\n    of: classify\n")
    plan = compile_plan(loads(text))
    assert list(plan.tables) == ["classify", "again"]
    assert plan.scores is plan.tables["again"]
    assert plan.table_of(plan.scenario.stages["sort"]) is plan.tables["classify"]


def test_a_precision_without_scores_borrows_those_of_full_precision_and_says_so():
    plan = compile_plan(loads(changed("precision: fp32", "precision: int8_static")))
    assert plan.scores.about.precision == "fp32"
    assert any("no scores were measured at int8 static" in warning for warning in plan.warnings)
    assert any(source.kind == "assumed" and "int8 static" in source.what for source in plan.provenance)


def test_every_figure_of_the_file_and_every_piece_of_evidence_has_its_source():
    plan = compile_plan(loads(SMALL))
    what = [source.what for source in plan.provenance]
    assert len(what) == len(set(what))
    assert {"Classifier: latency", "Classifier: scores", "Classifier: price", "arrivals.rate_per_s"} <= set(what)
    assert sum(source.kind == "assumed" for source in plan.provenance) == SMALL.split("choices:")[0].count("assumed:")
    kinds = [EVIDENCE_KINDS.index(source.kind) for source in plan.provenance]
    assert kinds == sorted(kinds)


def test_the_hash_of_a_scenario_is_that_of_what_it_says_not_of_how_it_is_written():
    first = compile_plan(loads(SMALL)).scenario_hash
    same = changed("title: Small\n", "title: 'Small' # a comment\n\n", "run: {starts", "run:   {starts")
    assert compile_plan(loads(same)).scenario_hash == first
    assert compile_plan(loads(SMALL), {"point": 0.6}).scenario_hash == first
    assert compile_plan(loads(changed("title: Small", "title: Other"))).scenario_hash == first
    assert compile_plan(loads(changed("at_least: 0.9", "at_least: 0.8"))).scenario_hash != first


#: Every file that the small scenario is run from, and what to change in it.
READ = {
    "profiles/epyc-zen4-2c/tiny.fp32.json": ("0.1", "0.2"),
    "scores/tiny.fp32.csv": ("i0,p0,0,0.", "i0,p0,0,0.1"),
    "scores/tiny.fp32.yaml": ("a test", "another test"),
    "catalogue/hardware.yaml": ("usd_per_hour: ", "usd_per_hour: 1"),
}


@pytest.fixture
def catalogue(tmp_path, monkeypatch):
    """A copy of the machines and their prices beside the small evidence."""
    (tmp_path / "catalogue").mkdir()
    copied = shutil.copy(HARDWARE, tmp_path / "catalogue")
    monkeypatch.setattr("simulator.engine.stages.pool_evidence.HARDWARE", Path(copied))


@pytest.mark.parametrize("name", READ)
def test_a_run_is_another_one_once_a_file_that_it_read_says_something_else(tmp_path, catalogue, name):
    before = compile_plan(loads(SMALL))
    assert set(before.evidence) == set(READ)
    (tmp_path / name).write_text((tmp_path / name).read_text(encoding="utf-8").replace(*READ[name], 1), encoding="utf-8")
    after = compile_plan(loads(SMALL))
    assert [read for read in READ if before.evidence[read] != after.evidence[read]] == [name]
    assert before.scenario_hash == after.scenario_hash
    assert before.identity != after.identity
    assert job_id(before, 1, 2) != job_id(after, 1, 2)


def test_the_same_evidence_in_another_folder_is_the_same_run(tmp_path, monkeypatch):
    before = compile_plan(loads(SMALL))
    for kind, module in (("profiles", "profiles"), ("scores", "score_tables")):
        shutil.copytree(tmp_path / kind, tmp_path / "elsewhere" / kind)
        monkeypatch.setattr(f"simulator.evidence.{module}.FOLDERS", (tmp_path / "elsewhere" / kind,))
    assert compile_plan(loads(SMALL)).identity == before.identity


def test_a_plan_holds_the_whole_design_and_can_be_sent_to_another_process():
    plan = compile_plan(loads(SMALL), {"reading": "expert"})
    assert plan.design == {"point": 0.9, "urgent": 0.5, "reading": "expert"}
    assert plan.horizon_s == plan.arrivals_end_s + 86_400
    assert simulate(pickle.loads(pickle.dumps(plan)), 3).digest == simulate(plan, 3).digest


def stormy(**retrying: object) -> dict[str, object]:
    """A pool whose clients give up and try again, and three spikes at once: 10 x 64 requests a second for 500 of 1,000 s."""
    spike = {"at_s": 0, "seconds": 500, "times": 4}
    arrivals = {"kind": "poisson", "rate_per_s": assumed(10), "spikes": [spike] * 3}
    served = pool(client_timeout_s=1, on_timeout="again") | {"model": "tiny", "device": "epyc-zen4-2c"}
    stages = {"in": link("serve", 1), "serve": served, "again": retry("serve", **retrying)}
    return document(stages, seconds=1000, arrivals=arrivals)


@pytest.mark.parametrize(
    ("retrying", "most"),
    [
        ({"max_tries": 1}, 1792 * 2**20 // (200 + 3 * 80)),
        ({"max_tries": 20}, 1792 * 2**20 // (200 + 3 * 80 + 2 * 19 * 230)),  # the link lies before the ring
        ({"max_tries": 20, "budget": {"share": 0.5}}, 1792 * 2**20 // (200 + 3 * 80 + 2 * 0.5 * 230)),
    ],
)
def test_a_request_counts_as_often_as_it_may_be_sent(retrying, most):
    expected = 500 * 10 * 64 + 500 * 10
    text = json.dumps(stormy(**retrying))
    if expected <= most:
        assert compile_plan(loads(text)).arrivals.expected == pytest.approx(expected)
        return
    with pytest.raises(ScenarioError) as caught:
        compile_plan(loads(text))
    (fault,) = caught.value.faults
    assert (fault.field, fault.message) == (
        "arrivals",
        f"about {expected:,} requests a replication, each sent up to 20 times; at most {most:,.0f} fit into memory: lower the "
        "rate, fewer tries or run.days, and say with run.stands_for_days what they stand for",
    )
