"""Each note on how far a result can be trusted, where it is due and where it is not."""

import dataclasses

import numpy as np
import pandas as pd
import pytest

from simulator.case.fields import Source
from simulator.case.load import load
from simulator.engine.plan import compile_plan
from simulator.evidence.latency_tables import constant
from simulator.evidence.profiles import Calls, ThreadRun
from simulator.explain.notes import remedy_of, trust_notes, unprovable
from simulator.explain.result import replicate
from simulator.intervals import Interval, estimate
from simulator.metrics.warm_up import WarmUp
from simulator.paths import ASSETS
from tests.builders import exponential, people, plan, pool, retry
from tests.explain.test_reasons import gated
from tests.shipped import run_of


def notes(summary, topic):
    return [note for note in trust_notes(summary) if note.topic == topic]


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
    assert "For this design, only more labelled requests" in note.sentence
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


@pytest.fixture(scope="module")
def late():
    """Ten replications of a case with an answer due within 1 s."""
    asked = {"metric": "latency_p95_s", "at_most": 1.0, "label": "Answer"}
    return replicate(plan({"p": pool()}, constant(0.1), objectives=[asked]), 0, 10)


def verdict_of(summary, value, run, labels=0.0, band=0.0):
    """The verdict on a value whose doubts reach so far to both sides."""
    found = estimate(Interval(value, value - run, value + run), Interval(value, value - labels, value + labels))
    projected = Interval(value, value - band, value + band) if band else None
    found = dataclasses.replace(found, low=found.low - band, high=found.high + band, projected=projected)
    return dataclasses.replace(summary.verdicts[0], estimate=found)


@pytest.mark.parametrize(
    ("parts", "kind", "words"),
    [
        ((0.8, 0.4), "replications", "About 40 replications"),  # twice as narrow takes four times as many
        ((0.8, 0.05, 0.3), "labels", "For this design, only more labelled requests would"),
        ((0.8, 0.3, 0.25), "labels", "For this design, only more labelled requests and more replications would"),
        ((0.8, 0.05, 0.0, 0.3), "measurement", "For this design, only a measurement on that hardware would"),
        ((0.8, 0.05, 0.21, 0.3), "measurement", "For this design, only a measurement on that hardware would"),
        ((0.8, 0.4, 0.0, 0.1), "replications", "About 160 replications"),  # the band leaves 0.1 of the 0.2
        ((0.99, 0.2), "nothing", "too close to the bound"),
        ((0.99, 0.01, 0.2), "nothing", "too close to the bound"),
    ],
)
def test_the_largest_doubt_says_what_would_decide(late, parts, kind, words):
    remedy = remedy_of(late, verdict_of(late, *parts))
    assert remedy.kind == kind
    assert words in remedy.sentence


def test_only_the_side_of_the_bound_counts(late):
    """A value below a bound is decided by its upper end: a projection that reaches far down leaves nothing open there."""
    skewed = verdict_of(late, 0.8, 0.25, 0.0, 0.05)
    down = dataclasses.replace(skewed.estimate, projected=Interval(0.8, 0.2, 0.85))
    remedy = remedy_of(late, dataclasses.replace(skewed, estimate=down))
    assert remedy.sentence == "About 28 replications would decide it."  # 10 * (0.25 / 0.15) ** 2 = 27.8


VEHICLE = {"preparing": "imager", "front_rate": 20, "side_rate": 2, "confirming": "h2of3", "predicting": "ahead", "margin": 1}


def test_the_card_and_the_notes_give_one_answer():
    """The age of the view is open because the detector's latency is projected, not because of the run."""
    found = run_of("av-perception", **VEHICLE)
    open_ones = [place for place, verdict in enumerate(found.verdicts) if verdict.standing == "not proven"]
    noted = [note.sentence for note in trust_notes(found) if note.topic == "verdicts"]
    for place, note in zip(open_ones, noted, strict=True):
        verdict, remedy = found.verdicts[place], remedy_of(found, found.verdicts[place])
        assert found.reasons[place].sentence.count(remedy.sentence) == 1
        assert note == f"{verdict.objective.label}: the interval includes the bound. {remedy.sentence}"
    kinds = {found.verdicts[place].metric.name: remedy_of(found, found.verdicts[place]).kind for place in open_ones}
    assert kinds["age_p99_s.planner.front"] == "measurement"


def test_a_rate_that_no_drive_of_this_length_can_prove_is_said_at_once():
    """Three hours without an event are needed for fewer than one an hour (rule of three); 13 minutes were recorded.

    Five of six frames at 10 a second: no false answer lasted so long.
    """
    found = run_of("av-perception", **VEHICLE | {"front_rate": 10, "confirming": "h5of6"})
    (place,) = [at for at, verdict in enumerate(found.verdicts) if verdict.metric.name == "needless_brakes_per_h"]
    words = "No design can prove this here: it takes about 3.0 h without a false answer, and 13 minutes were recorded."
    sentence = found.reasons[place].sentence
    assert sentence.startswith(words)
    assert (remedy_of(found, found.verdicts[place]).sentence, remedy_of(found, found.verdicts[place]).kind) == (words, "drives")
    assert "would decide" not in sentence


@pytest.mark.parametrize("value", [0.93, 0.97])
def test_replications_do_not_decide_what_no_design_can_prove(value):
    """0.95 asks for 59 positives and 4 are labelled: the run is the widest doubt, but its end changes nothing."""
    result = replicate(gated(objectives=[{"metric": "sensitivity", "at_least": 0.95, "label": "Found"}]), 1, 2)
    verdict = verdict_of(result, value, 0.04)
    assert verdict.standing == "not proven"
    remedy = remedy_of(result, verdict)
    assert (remedy.kind, remedy.why) == ("labels", "")
    assert remedy.sentence == "No design can prove this here: it takes 59 positives without a miss, and 4 were labelled."


@pytest.mark.parametrize(("share", "needed"), [(0.99, 299), (0.9, 29), (0.75, 11), (0.5, 5)])
def test_a_sensitivity_that_too_few_positives_can_prove_is_said_at_once(share, needed):
    """With four labelled positives. share ** needed is the chance that none is missed, 5% at the most."""
    assert share**needed <= 0.05 < share ** (needed - 1)
    result = replicate(gated(objectives=[{"metric": "sensitivity", "at_least": share, "label": "Found"}]), 1, 2)
    words = f"No design can prove this here: it takes {needed} positives without a miss, and 4 were labelled."
    assert unprovable(result, result.verdicts[0]) == words
    assert result.reasons[0].sentence.startswith(words)


def test_where_enough_are_labelled_nothing_is_impossible():
    """452 cancers are enough for 84%, melanomas of 33 people for 47% and not for 95%: 0.95 ** 58 > 0.05 > 0.95 ** 59."""
    rows = pd.read_csv(ASSETS / "scores" / "pad_ufes20.efficientnet_lite0.fp32.csv")
    assert rows.loc[rows["diagnosis"] == "MEL", "patient"].nunique() == 33
    found = run_of("skin-cancer-triage")
    assert [unprovable(found, verdict) for verdict in found.verdicts] == [""] * len(found.verdicts)
    melanomas = found.verdicts[1]
    asked = dataclasses.replace(melanomas, objective=melanomas.objective.model_copy(update={"at_least": 0.95}))
    needs = "it takes 59 cancers of the group “Diagnosis: melanoma” without a miss, and the labelled ones come from 33 people."
    assert unprovable(found, asked) == f"No design can prove this here: {needs}"
    few = replicate(gated(objectives=[{"metric": "specificity", "at_least": 0.4, "label": "Spared"}]), 1, 2)
    assert unprovable(few, few.verdicts[0]) == ""  # 0.4 ** 4 < 0.05
