"""A pool on hardware that was not measured: projected everywhere, with intervals that reach over the band."""

from dataclasses import replace

import pytest

from simulator.case.document import ScenarioError
from simulator.case.load import find, load, loads
from simulator.engine.compiled_plan import at_band_edges, projected_ms
from simulator.engine.plan import compile_plan
from simulator.evidence.latency_tables import constant
from simulator.evidence.projection import latency
from simulator.explain.notes import notes_of
from simulator.metrics.comparisons import differences
from simulator.metrics.replications import run_replications
from simulator.metrics.summary import summary_of
from tests.builders import plan, pool

SKIN = "skin-cancer-triage"


@pytest.mark.parametrize("hardware", ["t4", "agx_orin"])
def test_the_skin_case_offers_hardware_that_says_projected_wherever_its_numbers_appear(hardware):
    made = compile_plan(load(SKIN), {"hardware": hardware})
    source = next(source for source in made.provenance if source.what == "Classifier: latency")
    assert source.kind == "projected"
    assert "ms (" in source.value
    assert "held out" in source.source
    assert any("projected" in warning and "ms (" in warning for warning in made.warnings)
    assert "projected" in made.scenario.choices["hardware"].label_of(hardware)


def test_the_plan_holds_the_projection_and_both_ends_of_its_band():
    made = compile_plan(load(SKIN), {"hardware": "t4", "precision": "int8_static", "architecture": "resnet50_x3"})
    found = latency("resnet50", "int8_static", 4, "nvidia-t4")
    fast, slow = at_band_edges(made)
    assert made.latencies["classifier"].mean_s(4) == pytest.approx(3 * found.value)
    assert fast.latencies["classifier"].mean_s(4) == pytest.approx(3 * found.low)
    assert slow.latencies["classifier"].mean_s(4) == pytest.approx(3 * found.high)
    assert fast.latencies["decode"] is made.latencies["decode"]
    assert not at_band_edges(fast)


def test_a_projected_latency_is_a_figure_that_may_lie_anywhere_in_its_band():
    picks = {"hardware": "t4", "precision": "int8_static"}
    made = compile_plan(load(SKIN), picks)
    fast, slow = at_band_edges(made)
    ((place, (low, _, high)),) = projected_ms(made).items()
    assert place == "stages.classifier.projected_ms"
    at = {number: compile_plan(load(SKIN), picks, figures={place: number}) for number in (low, (low + high) / 2, high)}
    for size in (1, 4):
        ends = [edge.latencies["classifier"].mean_s(size) for edge in (fast, slow)]
        found = [one.latencies["classifier"].mean_s(size) for one in at.values()]
        assert found == pytest.approx([ends[0], sum(ends) / 2, ends[1]])
    assert not any(one.bands for one in at.values())
    assert at[low].identity != at[high].identity


@pytest.mark.parametrize(
    ("picks", "place", "number", "told"),
    [
        (
            {"hardware": "t4"},
            "stages.classifier.projected_ms",
            1e6,
            r"should lie within the band of the projection, from .* ms",
        ),
        ({"hardware": "t4"}, "stages.clasifier.projected_ms", 2.0, "did you mean 'stages.classifier.projected_ms'"),
        ({}, "stages.classifier.projected_ms", 2.0, "this design has no projected latency"),
    ],
)
def test_a_projected_latency_that_there_cannot_be_is_refused(picks, place, number, told):
    with pytest.raises(ScenarioError, match=told):
        compile_plan(load(SKIN), picks, figures={place: number})


def test_half_precision_is_told_where_accuracy_was_measured_in_single():
    told = [
        compile_plan(load(SKIN), picks).warnings
        for picks in ({"hardware": "t4"}, {"hardware": "t4", "precision": "int8_static"})
    ]
    assert [any("computes this model in fp16" in warning for warning in warnings) for warnings in told] == [True, False]


def test_a_projection_is_identified_by_all_that_it_is_computed_from():
    files = compile_plan(load(SKIN), {"hardware": "t4"}).evidence
    names = ("hardware.yaml", "models.csv", "published.csv", "projected.csv", "projection.json")
    assert {f"catalogue/{name}" for name in names} == {name for name in files if name.startswith("catalogue/")}


def test_a_measured_design_has_no_band():
    assert not at_band_edges(compile_plan(load(SKIN)))


def test_what_nothing_supports_is_refused_at_the_option_that_asked_for_it():
    with pytest.raises(ScenarioError, match="“Precision: int8 dynamic” do not go together: no latencies") as caught:
        compile_plan(load(SKIN), {"hardware": "t4", "precision": "int8_dynamic"})
    assert [fault.field for fault in caught.value.faults] == ["stages.classifier.device"]


def test_a_replica_on_an_accelerator_pays_for_all_of_it():
    made = compile_plan(load(SKIN), {"hardware": "t4"})
    assert made.machines["classifier"].usd_per_replica_hour(threads=1) == 0.526
    assert made.machines["decode"].usd_per_replica_hour(threads=1) == pytest.approx(0.10264 / 2)


def banded(value_s=1.0, low_s=0.5, high_s=2.0, rate=0.01):
    """A pool that is hardly ever busy, so that a request takes as long as its service, projected with a band."""
    made = plan({"p": pool()}, constant(value_s), seconds=20_000, rate=rate)
    return replace(made, bands={"p": (constant(low_s), constant(high_s))})


def test_every_interval_reaches_over_both_ends_of_the_band():
    made = banded()
    measures = run_replications(made, seed=1, replications=3)
    metric = summary_of(made, 1, measures).metrics["latency_p50_s"]
    assert (metric.low, metric.value, metric.high) == pytest.approx((0.5, 1.0, 2.0), rel=1e-6)


def test_the_same_requests_meet_both_ends():
    found = run_replications(banded(), seed=1, replications=2)[0]
    assert [end.requests for end in found.band_edges] == [found.requests] * 2


def test_what_cannot_be_quoted_at_one_end_is_not_quoted_and_the_end_says_why():
    made = banded(high_s=200.0)
    summary = summary_of(made, 1, run_replications(made, seed=1, replications=2))
    assert "latency_p99_s" not in summary.metrics
    assert "latency_p50_s" in summary.metrics
    assert any(
        note.words.startswith("At the slow edge of the projection: Pool: the offered load is") for note in notes_of(summary)
    )


def test_a_difference_reaches_over_both_ends_and_is_none_between_the_same_design():
    measured_here, projected = plan({"p": pool()}, constant(1.5), seconds=20_000, rate=0.01), banded()
    runs = [run_replications(made, seed=1, replications=3) for made in (measured_here, projected)]
    summaries = tuple(summary_of(made, 1, run) for made, run in zip((measured_here, projected), runs, strict=True))
    change = {one.metric.name: one.change for one in differences(*summaries, every=True)}["latency_p50_s"]
    assert (change.low, change.value, change.high) == pytest.approx((-1.0, -0.5, 0.5), rel=1e-6)
    same = {one.metric.name: one.change for one in differences(summaries[1], summaries[1], every=True)}
    found = same["latency_p50_s"]
    assert (found.value, found.low, found.high) == (0, 0, 0)


def test_scaling_needs_a_start_that_nobody_has_timed():
    text = (
        find(SKIN)
        .read_text(encoding="utf-8")
        .replace(
            "    scores: pad_ufes20.efficientnet_lite0\n    to: triage",
            "    scaling: {kind: knative, max_replicas: 4}\n    scores: pad_ufes20.efficientnet_lite0\n    to: triage",
        )
    )
    with pytest.raises(ScenarioError, match="how long a replica takes to start is not known"):
        compile_plan(loads(text), {"hardware": "t4"})
