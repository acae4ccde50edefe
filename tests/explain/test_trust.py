"""Each note on how far a result can be trusted, where it is due and where it is not."""

import dataclasses

import numpy as np
import pytest

from simulator.case.fields import Source
from simulator.case.load import load
from simulator.engine.latency_tables import constant
from simulator.engine.plan import compile_plan
from simulator.evidence.profiles import Calls, ThreadRun
from simulator.explain.result import replicate
from simulator.explain.trust import notes_on
from simulator.intervals import Interval, estimate
from simulator.metrics.warm_up import WarmUp
from tests.builders import exponential, people, plan, pool, retry
from tests.shipped import run_of


def notes(summary, topic):
    return [note for note in notes_on(summary) if note.topic == topic]


def served(load, **fields):
    return plan({"p": pool(label="Model", **fields)}, constant(load), seconds=2000)


@pytest.mark.parametrize(
    ("load", "level", "words"),
    [(0.4, "good", "calm"), (0.8, "fair", "busy"), (0.95, "weak", "near saturation"), (1.3, "weak", "overload")],
)
def test_the_load_decides_how_much_a_small_error_matters(load, level, words):
    (note,) = notes(replicate(served(load), 3, 3), "load")
    assert note.level == level
    assert words in note.sentence


def test_near_saturation_the_leverage_is_that_of_mm1():
    """Time in system is 1 / (capacity - rate): a small change of the capacity is multiplied by 1 / (1 - 0.9)."""
    summary = replicate(served(0.9), 0, 2)
    stage = dataclasses.replace(summary.stages["p"], load=0.9)
    (note,) = notes(dataclasses.replace(summary, stages={"p": stage}), "load")
    grown = (1 - 0.9) / (0.9999 - 0.9) - 1
    assert grown / 0.0001 == pytest.approx(10, rel=0.01)
    assert "With 1% less capacity the time there grows by about 10%" in note.sentence


def test_a_stage_that_one_percent_less_capacity_overloads_says_so():
    summary = replicate(served(0.9), 0, 2)
    stage = dataclasses.replace(summary.stages["p"], load=0.995)
    (note,) = notes(dataclasses.replace(summary, stages={"p": stage}), "load")
    assert note.sentence.endswith("near saturation. With 1% less capacity it would be overloaded.")


def test_a_calm_pool_whose_clients_retry_may_stay_overloaded_once_it_is():
    again = retry("p", 100, max_tries=4)
    made = plan(
        {"p": pool(label="Model", client_timeout_s=50, on_timeout="again"), "again": again}, constant(0.4), seconds=2000
    )
    (note,) = notes(replicate(made, 3, 2), "load")
    assert note.level == "fair"
    assert "but at 160% if all it turns away came back as often as allowed" in note.sentence


def test_people_have_a_backlog():
    made = plan({"r": people(("00:00", "24:00", 1), minutes=1 / 75)}, seconds=2000)
    assert "a backlog takes about" in notes(replicate(made, 0, 2), "load")[0].sentence


def with_calls(sizes, calls=400, others=0.0, max_batch=4, **fields):
    """A run of a pool that was timed at some batch sizes."""
    timed = [Calls(batch=size, latency_ms=[float(i) for i in range(1, calls + 1)], idle_ms=[0.0] * calls) for size in sizes]
    run = ThreadRun(threads=1, session_s=[1.0], resident_mb=1, others_share=others, calls=timed)
    made = plan({"p": pool(label="Model", max_batch=max_batch, **fields)}, constant(*[0.1] * max_batch))
    return replicate(dataclasses.replace(made, timed={"p": [run]}), 0, 2)


def test_batch_sizes_between_the_measured_ones_are_told():
    (note,) = notes(with_calls([1, 2, 4]), "batch sizes")
    assert (note.level, "batches of 1, 2, 4" in note.sentence, "interpolated" in note.sentence) == ("good", True, True)
    (note,) = notes(with_calls([1, 2, 3, 4]), "batch sizes")
    assert "every batch size" in note.sentence
    (note,) = notes(with_calls([1, 2]), "batch sizes")
    assert (note.level, "beyond 2" in note.sentence) == ("weak", True)


@pytest.mark.parametrize(("others", "level"), [(0.02, "good"), (0.2, "fair"), (0.6, "weak"), (None, "fair")])
def test_a_disturbed_measurement_is_told(others, level):
    assert notes(with_calls([1], others=others, max_batch=1), "disturbance")[0].level == level


def test_a_tail_of_few_calls_has_no_upper_bound():
    (few,), (many,) = (notes(with_calls([1], calls=count, max_batch=1), "service-time tail") for count in (120, 400))
    assert (few.level, many.level) == ("fair", "good")
    assert "no upper bound" in few.sentence
    assert "above 116 ms" in few.sentence  # rank 116 of 1, 2, ... 120 ms: P(B < 116) <= 2.5% for B ~ Bin(120, 0.99)
    assert "between 392 ms and 400 ms, from 400 calls with a batch of 1" in many.sentence


@pytest.mark.parametrize(("steady", "level"), [(True, "good"), (False, "weak")])
def test_a_warm_up_without_an_end_is_told(steady, level):
    summary = dataclasses.replace(replicate(served(0.4), 0, 2), warm_up=WarmUp(10.0, 5, 3, steady))
    assert [note.level for note in notes(summary, "warm-up")] == [level]


def test_latencies_that_were_not_measured_are_told():
    summary = replicate(served(0.1), 0, 2)
    derived = [Source("Model: latency", kind, "1 ms", "a test") for kind in ("projected", "assumed", "measured")]
    plan_with = dataclasses.replace(summary.plan, provenance=derived)
    found = notes(dataclasses.replace(summary, plan=plan_with), "latency")
    assert [note.level for note in found] == ["fair", "weak"]


def test_a_verdict_that_the_interval_leaves_open_says_what_would_decide_it():
    objective = {"metric": "latency_p95_s", "at_most": 1.0, "label": "Answer"}
    summary = replicate(plan({"p": pool()}, exponential(0.1), objectives=[objective]), 0, 10)
    assert notes(summary, "verdicts")[0].level == "good"
    near = dataclasses.replace(
        summary.verdicts[0], estimate=estimate(Interval(0.75, 0.25, 1.25))
    )  # off by half of its half-width
    (note,) = notes(dataclasses.replace(summary, verdicts=[near]), "verdicts")
    assert note.level == "weak"
    assert "About 40 replications" in note.sentence
    labelled = Interval(0.75, 0.45, 1.05)
    (note,) = notes(dataclasses.replace(summary, verdicts=[dataclasses.replace(
        near, estimate=estimate(Interval(0.75, 0.70, 0.80), labelled))]), "verdicts")  # fmt: skip
    assert "Only more labelled requests" in note.sentence
    half = (0.25**2 - 0.15**2) ** 0.5  # with labels at 0.15, so much is left to the run: 10 replications leave 0.3
    (note,) = notes(dataclasses.replace(summary, verdicts=[dataclasses.replace(
        near, estimate=estimate(Interval(0.75, 0.45, 1.05), Interval(0.75, 0.60, 0.90)))]), "verdicts")  # fmt: skip
    assert f"About {np.ceil(10 * (0.3 / half) ** 2):.0f} replications" in note.sentence
    at = dataclasses.replace(summary.verdicts[0], estimate=estimate(Interval(1.0, 0.4, 1.6)))
    assert "too close" in notes(dataclasses.replace(summary, verdicts=[at]), "verdicts")[0].sentence


@pytest.mark.long
def test_the_skin_case_is_told_what_it_rests_on():
    summary = run_of("skin-cancer-triage")
    found = {note.topic: note for note in summary.trust}
    assert list(found) == ["load", "batch sizes", "disturbance", "service-time tail", "positives", "verdicts", "assumptions"]
    assert found["positives"].level == "fair"
    assert "452 labelled positives" in found["positives"].sentence
    assumed = sum(source.kind == "assumed" for source in summary.provenance)
    assert found["assumptions"].sentence.startswith(f"{assumed} of {len(summary.provenance)} figures")
    assert summary.to_json()["trust"][0].keys() == {"topic", "level", "sentence"}


def test_a_scenario_without_evidence_is_given_no_note_on_it():
    assert [note.topic for note in replicate(served(0.4), 0, 2).trust] == ["load"]


def test_no_stage_is_both_in_doubt_and_well_founded():
    """The detector's measurement is sound, but the case takes 450 times as long as it: nothing of it is well founded."""
    result = run_of("production-drift")
    levels = {level: {note.stage for note in result.trust if note.stage and note.level == level} for level in ("good", "weak")}
    assert levels["weak"] == {"Detector"}
    assert not levels["good"]
    assert [note.level for note in result.trust if note.topic == "load"] == ["fair"]


@pytest.mark.parametrize("case", ["production-drift", "av-perception"])
def test_a_factor_that_stretches_a_measurement_is_one_assumed_figure(case):
    """`stages.NAME.times` stands as "N times as long as measured" with the latency of its stage, and nowhere else."""
    made = compile_plan(load(case))
    stretched = [name for name, stage in made.scenario.stages.items() if getattr(stage, "times", None)]
    assert stretched
    for name in stretched:
        label, factor = made.scenario.stages[name].label, made.scenario.stages[name].times
        own = [one for one in made.provenance if one.source == factor.source and (label in one.what or name in one.what)]
        assert len(own) == 1, own
