"""Service times that grow with a number of the request: straight lines between the sizes, and the mean that a load rests on."""

import re
from dataclasses import replace

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.stats import lognorm

from simulator.case.document import ScenarioError
from simulator.case.load import load, scenario_ids
from simulator.engine.plan import compile_plan
from simulator.engine.run import simulate
from simulator.evidence.latency_tables import constant
from simulator.evidence.profiles import load_profile
from simulator.theory.loads import loads
from tests.builders import assumed, fork, join, of_samples, plan, pool, run_at, scenario, spread
from tests.engine.intervals import assert_agrees

TIMES = of_samples("boxes", {100: [0.1], 300: [0.3], 1000: [1.7]})
BOXES = {"kind": "number", "label": "Boxes", "value": spread(300, 0.6)}
SIZES = {"precision": "few", "sizes": {"100": "few", "300": "some", "1000": "many"}, "sized_by": "boxes"}
NMS = pool(
    model="step_nms",
    precision="300_boxes",
    sizes={"100": "100_boxes", "300": "300_boxes", "1000": "1000_boxes"},
    sized_by="boxes",
)


def spells(*values):
    """One value a second."""
    return {"kind": "timetable", "label": "Boxes", "spells": [{"for_s": 1} | assumed(value) for value in values]}


def sized_plan(boxes, table=TIMES, stages=None, **fields):
    made = plan(stages or {"p": pool(**SIZES)}, constant(1.0), attributes={"boxes": boxes}, **fields)
    return replace(made, sized={"p": table})


def test_a_time_between_two_sizes_lies_on_the_line_between_them_and_beyond_the_last_one_it_stays():
    trace = run_at(sized_plan(spells(100, 200, 650, 50, 5000)), [0, 1, 2, 3, 4])
    visits = trace.visits
    assert (visits["left_s"] - visits["started_s"]).tolist() == pytest.approx([0.1, 0.2, 1.0, 0.1, 1.7])


def test_quantiles_are_interpolated_and_a_slow_draw_is_slow_at_every_size():
    table = of_samples("boxes", {100: [0.1, 0.2], 300: [0.3, 0.8]})
    found = table.seconds(np.array([200.0, 200.0]), np.array([0, 1]))
    assert found[0] == pytest.approx([0.2, 0.5])


def test_a_load_rests_on_the_mean_over_the_attribute():
    """The mean of the broken line over a lognormal number, by quadrature; 20 runs take as long on average."""
    made = sized_plan(BOXES, rate=0.5, seconds=400)
    cells = made.scenario.attributes["boxes"].cells(made, "boxes", TIMES.bounds())
    made = replace(made, latencies={"p": TIMES.average(*cells)})

    def weighed(boxes):
        return float(np.interp(boxes, [100, 300, 1000], [0.1, 0.3, 1.7]) * lognorm(0.6, scale=300).pdf(boxes))

    mean = quad(weighed, 0, 20_000, points=[100, 300, 1000], limit=200)[0]
    assert loads(made)[0].mean == pytest.approx(0.5 * mean, rel=1e-4)
    runs = [simulate(made, seed).logs["p"].frame("p") for seed in range(20)]
    assert_agrees([float((visits["left_s"] - visits["started_s"]).mean()) for visits in runs], mean, checks=1)


def test_each_visit_from_a_branch_draws_its_own_time_at_its_request_s_size():
    table = of_samples("boxes", {100: [0.1, 0.2], 300: [0.3, 0.6]})
    stages = {"both": fork("p", "p2"), "p": pool(to="meet", replicas=4, **SIZES), "p2": pool(to="p"), "meet": join()}
    trace = simulate(sized_plan(spells(100, 300), table, stages, seconds=300))
    visits = trace.logs["p"].frame("p").sort_values(["request", "started_s"])
    took = (visits["left_s"] - visits["started_s"]).round(6)
    small = trace.columns.attributes["boxes"][visits["request"]] == 100
    assert (set(took[small]), set(took[~small])) == ({0.1, 0.2}, {0.3, 0.6})
    twice = took.groupby(visits["request"]).nunique()
    assert 0.3 < (twice == 2).mean() < 0.7


def test_measured_sizes_are_found_told_and_scaled():
    made, slower = (
        compile_plan(scenario({"p": NMS | times}, attributes={"boxes": BOXES})) for times in ({}, {"times": assumed(2)})
    )
    middle = np.mean(load_profile("epyc-zen4-2c", "step_nms", "300_boxes").run(1).calls[0].latency_ms)
    assert 1.0 < made.latencies["p"].mean_s(1) * 1000 / middle < 1.5
    assert slower.latencies["p"].mean_s(1) == pytest.approx(2 * made.latencies["p"].mean_s(1))
    assert slower.sized["p"].table.seconds == pytest.approx(2 * made.sized["p"].table.seconds)
    assert {f"profiles/epyc-zen4-2c/step_nms.{size}_boxes.json" for size in (100, 300, 1000)} <= set(made.evidence)
    (warning,) = (warning for warning in made.warnings if "nothing was measured above 1,000" in warning)
    assert f"The requests that have more, {lognorm(0.6, scale=300).sf(1000):.0%} of all, take" in warning
    measured, as_measured = (
        [one.value for one in plan.provenance if one.kind == "measured" and one.what.startswith("Pool: latency")]
        for plan in (made, slower)
    )
    assert measured == as_measured  # the times that it takes stand apart
    told = [source for source in slower.provenance if source.what == "Pool: latency"]
    assert [(source.kind, source.value) for source in told][-1] == ("assumed", "2 times as long as measured")


def test_a_crowd_may_bring_more_than_was_measured_and_the_run_says_so():
    crowd = {"kind": "crowd", "label": "A match is over", "attribute": "boxes", "times": 3, "at_s": 10}
    calm, struck = (
        compile_plan(scenario({"p": NMS}, attributes={"boxes": BOXES}, curveballs=balls)) for balls in ({}, {"crowd": crowd})
    )
    assert calm.latencies["p"].mean_s(1) == struck.latencies["p"].mean_s(1)
    told = [warning for warning in struck.warnings if "at the worst of what strikes" in warning]
    assert f"more at the worst of what strikes, {lognorm(0.6, scale=900).sf(1000):.0%} of all" in told[0]
    assert not any("at the worst" in warning for warning in calm.warnings)


def faults(made, **attributes):
    with pytest.raises(ScenarioError) as caught:
        compile_plan(scenario({"p": made}, attributes=attributes or {"boxes": BOXES}))
    return {fault.field: fault.message for fault in caught.value.faults}


def test_a_mistake_is_told_at_its_place():
    assert "need each other" in faults(NMS | {"sized_by": None})["stages.p"]
    assert "two of them at least" in faults(NMS | {"sizes": {"300": "300_boxes"}})["stages.p"]
    assert "leave max_batch out" in faults(NMS | {"max_batch": 2})["stages.p"]
    assert "got fp32" in faults(NMS | {"precision": "fp32"})["stages.p"]
    assert "did you mean 'boxes'" in faults(NMS | {"sized_by": "boxs"})["stages.p.sized_by"]
    client = {"kind": "category", "label": "Client", "shares": {"old": assumed(1)}}
    assert "is no number" in faults(NMS | {"sized_by": "client"}, client=client)["stages.p.sized_by"]
    assert "step_nms at 200_boxes" in faults(NMS | {"sizes": {"200": "200_boxes", "300": "300_boxes"}})["stages.p.sizes.200"]
    assert set(faults(NMS | {"sizes": {"few": "100_boxes", "300": "300_boxes"}})) == {"stages.p.sizes.few"}
    assert "between 0.01 and 100" in faults(NMS | {"times": assumed(0)})["stages.p.times"]


def test_times_as_long_as_measured_scale_what_is_measured():
    usual, slower = (
        compile_plan(scenario({"p": pool(model="resnet50", max_batch=4, **fields)})).latencies["p"]
        for fields in ({}, {"times": assumed(3)})
    )
    assert slower.seconds == pytest.approx(3 * usual.seconds)


def test_a_measured_time_is_the_one_of_the_debrief_though_the_case_takes_longer():
    """The vehicle's own core is 2.5 times slower; the debrief gives the times on the core that was measured."""
    case = load("av-perception")
    (by_size,) = (
        one.value for one in compile_plan(case).provenance if one.what == "Suppress overlapping boxes: latency by boxes"
    )
    measured = {size: float(ms) for ms, size in re.findall(r"([\d.]+) ms at (\d+)", by_size)}
    texts = " ".join(one.text for one in case.debrief)
    assert f"{measured['300']:.1f} ms for 300 boxes and {measured['3000']:.0f} ms for 3,000 on one core" in texts


@pytest.mark.parametrize("case", scenario_ids())
def test_no_source_of_a_shipped_case_is_written_with_an_exponent(case):
    assert [one.value for one in compile_plan(load(case)).provenance if re.search(r"\de[+-]\d", one.value)] == []
