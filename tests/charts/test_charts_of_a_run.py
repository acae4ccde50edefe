"""Figures hold what the data say, and the sentence beside each states it."""

import dataclasses
import re

import numpy as np
import pandas as pd
import pytest

from simulator.case.load import load
from simulator.charts.answer_charts import answer_times
from simulator.charts.flow_charts import _ends_table, cost_split, journeys, one_request
from simulator.charts.look import GREY, MISSED
from simulator.charts.queue_charts import queue_over_time, queues
from simulator.charts.replica_charts import batch_timeline
from simulator.charts.threshold_charts import crowd, flagged_by_sensitivity, roc, with_tried
from simulator.charts.timeline import MINUTE_S, batches, busiest_minute, occupancy, waiting
from simulator.engine.plan import compile_plan
from simulator.engine.run import simulate
from simulator.evidence.latency_tables import constant
from simulator.explain.causes import shared_out
from simulator.explain.request_path import request_path
from simulator.explain.result import replicate
from simulator.metrics.operating_points import flagged_at
from simulator.units import duration, spoken
from simulator.vehicle.sight_charts import vehicle_cost
from tests.builders import people, plan, pool, population, retake, run_at, spread
from tests.shipped import run_of


@pytest.fixture(scope="module")
def summary():
    return run_of("skin-cancer-triage")


@pytest.fixture(scope="module")
def trace(summary):
    return simulate(summary.plan, seed=1)


@pytest.fixture(scope="module")
def drawn(summary, trace):
    return {
        "answer times": answer_times(summary),
        "batches": batch_timeline(trace),
        "queues": queues(trace),
        "request": one_request(request_path(trace, 0.99, "end"), trace.plan),
        "queue": queue_over_time(trace, "dermatologist"),
        "positives": journeys(summary, positive=True),
        "negatives": journeys(summary, positive=False),
        "roc": roc(summary.plan),
        "flagged": flagged_by_sensitivity(summary.plan),
        "costs": cost_split(summary),
    }


def test_every_chart_has_a_sentence_and_a_table(drawn):
    for name, chart in drawn.items():
        assert re.match(r"[A-Z0-9].*\.$", chart.takeaway), name
        assert "nan" not in chart.takeaway, name
        assert not chart.table.empty, name


def test_no_chart_brings_a_background_of_its_own(drawn):
    for name, chart in drawn.items():
        assert chart.figure.layout.paper_bgcolor == "rgba(0,0,0,0)", name
        assert chart.figure.layout.plot_bgcolor == "rgba(0,0,0,0)", name


def test_an_objective_is_always_the_same_dashed_line(drawn):
    for name in ("answer times", "roc", "flagged", "costs"):
        line = next(shape.line for shape in drawn[name].figure.layout.shapes if shape.type == "line")
        assert (line.dash, line.color, line.width) == ("dash", GREY, 2), name


def test_answer_times_mark_the_percentiles(summary, drawn):
    marked = drawn["answer times"].figure.data[1]
    names = ["latency_p50_s", "latency_p95_s", "latency_p99_s"]
    assert list(marked.x) == [summary.metrics[name].value for name in names]
    assert list(marked.y) == [50, 95, 99]
    assert f"95% within {duration(summary.metrics['latency_p95_s'].value)}" in drawn["answer times"].takeaway


def test_an_interval_that_begins_at_0_is_drawn_within_the_logarithmic_axis(summary):
    """0 has no place on the axis: the bar ends at the shortest time of the curve, and the figures stay as they are."""
    name = "latency_served_p50_s"
    at_zero = dataclasses.replace(summary.metrics[name], low=0.0)
    bars = answer_times(dataclasses.replace(summary, metrics=summary.metrics | {name: at_zero})).figure.data[1]
    shortest = min(time for time in summary.latency_curve if time > 0)
    low = [value - below for value, below in zip(bars.x, bars.error_x.arrayminus, strict=True)]
    assert low[0] == pytest.approx(shortest) and min(low) > 0


def test_the_flagged_and_the_referred_are_told_apart(drawn):
    words = drawn["flagged"].takeaway
    assert "“Flagged” counts scores alone; “referred” counts the ends of a run." in words


def test_answer_times_of_a_group_are_not_marked_on_the_curve_of_all_requests():
    speed = {"kind": "number", "label": "Speed", "value": spread(50, 0.5), "edges": [50], "metrics": ["latency_served_p50_s"]}
    asked = {"metric": "latency_served_p50_s.speed.from_50", "at_most": 1, "label": "Fast ones"}
    fields = {"attributes": {"speed": speed}, "objectives": [asked], "seconds": 2000, "rate": 1}
    summary = replicate(plan({"p": pool()}, constant(0.1), **fields), 1, 4)
    assert "latency_served_p50_s.speed.from_50" in summary.metrics
    drawn = answer_times(summary).figure
    assert list(drawn.data[1].y) == [50, 95, 99]
    assert not drawn.layout.shapes


def test_a_batch_is_a_bar_from_its_start_to_its_end(trace, drawn):
    start = busiest_minute(trace)
    found = batches(trace, start, start + MINUTE_S)
    bars = drawn["batches"].figure.data
    assert sum(len(bar.x) for bar in bars) == len(found)
    assert np.concatenate([bar.base for bar in bars]) + start + MINUTE_S / 2 == pytest.approx(found["started_s"].to_numpy())


def test_replicas_that_are_down_do_not_count_as_idle():
    """One of two is down for the whole of the busiest minute, in which the other works from 0 to 45 s."""
    gone = {"gone": {"kind": "replica_loss", "label": "Gone", "stage": "p", "at_s": 0, "replicas": 1}}
    made = plan({"p": pool(replicas=2, label="Model")}, constant(15.0), curveballs=gone)
    told = batch_timeline(run_at(made, [0, 1, 2])).takeaway
    assert told.startswith("In the busiest minute, around 00:00:30: Model was busy 75% of the time, with 1.0 requests a batch")


def test_the_queue_is_that_of_the_trace(trace, drawn):
    found = waiting(trace, "dermatologist")
    assert list(drawn["queue"].figure.data[0].y) == found["all"].tolist()
    assert f"with {found['all'].max():,} photos" in drawn["queue"].takeaway
    assert any(shape.type == "rect" for shape in drawn["queue"].figure.layout.shapes)


def test_the_queues_are_those_of_the_trace(trace, drawn):
    found = occupancy(trace)
    lines = drawn["queues"].figure.data
    assert [line.name for line in lines] == ["Decode and resize", "in flight"]
    assert [list(line.y) for line in lines] == [found[name].tolist() for name in ("decode", "in_flight")]
    assert f"The most in flight at once: {found['in_flight'].max():,} photos" in drawn["queues"].takeaway


def test_a_queue_that_stays_empty_is_told_and_not_drawn(trace, drawn):
    assert not occupancy(trace)["classifier"].any()
    assert "No photo waited at Classifier." in drawn["queues"].takeaway
    made = plan({"pool": pool(to="people"), "people": people(("00:00", "24:00", 9))}, constant(0.1))
    calm = run_at(made, [0, 10])
    assert (calm_people := queue_over_time(calm, "people")).figure is None
    assert calm_people.takeaway == "People: no request waited."
    (line,) = queues(calm).figure.data
    assert line.name == "in flight"


def test_where_a_warm_up_is_cut_off_a_line_says_so():
    made = plan({"p": pool()}, constant(0.1), seconds=1000, run={"days": 0.01, "drain_days": 0, "replications": 2,
                                                                 "warm_up": "mser5"})  # fmt: skip
    shapes = queues(simulate(made), replicate(made, 0, 2).warm_up).figure.layout.shapes
    assert [shape.line.dash for shape in shapes] == ["dash"]


def test_a_request_s_bars_follow_each_other_from_its_start_to_its_end(trace, drawn):
    path = request_path(trace, 0.99, "end")
    bars = [(base, base + x) for bar in drawn["request"].figure.data for base, x in zip(bar.base, bar.x, strict=True)]
    edges = sorted(bars)
    assert edges[0][0] == 0
    assert edges[-1][1] == pytest.approx(path.total_s / 3600)  # in hours
    assert [end for _, end in edges[:-1]] == pytest.approx([start for start, _ in edges[1:]])
    assert drawn["request"].table["in all (s)"].sum() == pytest.approx(path.total_s)
    assert drawn["request"].takeaway == path.sentence


def test_a_stage_that_is_visited_again_has_a_row_of_its_own():
    look = {"kind": "gate", "label": "Look", "by": "quality", "routes": [{"at_least": 99, "to": "done"}, {"to": "again"}]}
    stages = {"p": pool(to="g"), "g": look, "again": retake("p", minutes=spread(1))}
    made = plan(stages, constant(2.0), population=population(unusable=0.5))
    path = request_path(run_at(made, [0]), 0.5, "end")
    assert one_request(path, made).table["step"].tolist() == ["Pool", "Retake", "Pool (2)"]


def test_journeys_lead_every_positive_to_found_or_missed(summary, drawn):
    flows = summary.flows[summary.flows["positive"]]
    links = drawn["positives"].table.set_index("to")["cancers a run"]
    missed = flows.loc[~flows["detected"], "count"].sum()
    rounding = 0.5 * len(links)  # people are whole
    assert links["Missed"].sum() == pytest.approx(missed, abs=rounding)
    assert links["Missed"].sum() + links["Found"].sum() == pytest.approx(flows["count"].sum(), abs=rounding)
    assert all(count.is_integer() for count in links if count >= 10)
    assert f"({100 * missed / flows['count'].sum():.1f}%)" in drawn["positives"].takeaway


def test_a_table_of_ends_says_how_many_of_the_positives_of_each_are_missed():
    """Of those who give up or are not read in time, some are found later: the ends hold more than the missed."""
    found = run_of("skin-cancer-triage", operating_point=0.998, reading="in_doubt")
    table, positives = journeys(found, True).table, found.flows[found.flows["positive"]]
    missed = positives.loc[~positives["detected"], "count"].sum()
    assert table["of these missed"].sum() == pytest.approx(missed, abs=0.1)
    assert table["cancers a run"].sum() == pytest.approx(positives["count"].sum(), abs=0.5 * len(table))
    assert (table["of these missed"] + table["of these found"]).tolist() == pytest.approx(table["cancers a run"], abs=0.61)
    assert all(count.is_integer() for column in table.columns[1:-1] for count in table[column] if count >= 10)
    assert table.loc[table["end"] != "Called to the clinic", "cancers a run"].sum() > missed + 1


def test_a_table_of_ends_rounds_the_missed_as_the_reason_does():
    """4.33, 0.84 and 0.13 are 5.3 in all; rounded each for itself they would be 5.2, and the reason says 0.9 of the second."""
    missed = [4.33, 0.84, 0.13]
    steps = pd.DataFrame({"end": ["Cleared", "Gave up", "Unread", "Clinic"], "count": [*missed, 471.0],
                          "fate": [*["Missed"] * 3, "Found"]})  # fmt: skip
    table = _ends_table(steps, load("skin-cancer-triage"), True)
    assert table["end"].tolist() == ["Clinic", "Cleared", "Gave up", "Unread"]
    assert table["of these missed"].tolist() == pytest.approx([0, 4.3, 0.9, 0.1])
    assert table["of these missed"].tolist()[1:] == pytest.approx(shared_out(missed, 5.3))


def test_the_numbers_beside_the_bands_add_up(summary, drawn):
    """Few cancers end elsewhere than in the clinic or cleared: they are gathered, and no number stands without its sources."""
    sankey = drawn["positives"].figure.data[0]
    numbers = [float(re.search(r"[\d,.]+$", label)[0].replace(",", "")) for label in sankey.node.label]
    flows = list(zip(sankey.link.source, sankey.link.target, sankey.link.value, strict=True))
    for place, number in enumerate(numbers):
        into, out = (sum(flow[2] for flow in flows if flow[side] == place) for side in (1, 0))
        assert max(into, out) == pytest.approx(number, abs=0.5)
        assert not (into and out) or into == pytest.approx(out)
    assert sum(out for _, target, out in flows if target == 0) == 0
    assert any(label.startswith("Other ends") for label in sankey.node.label)


def test_missed_positives_have_a_colour_of_their_own(drawn):
    nodes = drawn["positives"].figure.data[0].node
    red = [label for label, colour in zip(nodes.label, nodes.color, strict=True) if colour == MISSED]
    assert [label.split("<br>")[0] for label in red] == ["Missed"]  # the count below it: on a phone names run towards it


def test_journeys_of_the_healthy_end_where_they_end(summary, drawn):
    flows = summary.flows[~summary.flows["positive"]]
    table = drawn["negatives"].table
    assert table["people without cancer a run"].sum() == pytest.approx(flows["count"].sum(), abs=0.5 * len(table))
    assert f"there are {flows['count'].sum():,.0f} people without cancer; " in drawn["negatives"].takeaway


def test_the_curve_carries_the_design_s_thresholds(summary, drawn):
    table, points = summary.plan.scores, drawn["roc"].figure.data[1]
    cut = table.threshold_at(0.95)
    assert points.y[1] == pytest.approx(100 * table.sensitivity_at(cut))
    assert points.x[1] == pytest.approx(100 * (1 - table.specificity_at(cut)))
    assert min(points.error_y.array) > 0
    assert f"{table.auc:.3f}" in drawn["roc"].takeaway


def test_a_published_curve_shows_the_published_range():
    plan = compile_plan(load("skin-cancer-triage"), {"architecture": "resnet50_x3"})
    band = roc(plan).figure.data[2]
    assert list(band.y) == [100 * plan.scores.about.sensitivity_low, 100 * plan.scores.about.sensitivity_high]


def test_a_threshold_that_is_tried_stands_on_the_curve_and_leaves_the_chart_as_it_was(drawn):
    tried = with_tried(drawn["roc"], 0.25, 0.5)
    assert (list(tried.figure.data[-1].x), list(tried.figure.data[-1].y)) == ([25], [50])
    assert len(drawn["roc"].figure.data) == len(tried.figure.data) - 1


def test_both_axes_of_the_curve_have_one_scale(drawn):
    layout = drawn["roc"].figure.layout
    assert (layout.yaxis.scaleanchor, layout.yaxis.scaleratio) == ("x", 1)
    assert layout.xaxis.range == layout.yaxis.range


def test_a_crowd_is_drawn_and_told_without_rounding_a_miss_away(summary):
    """Of 10,000 people 200 have a cancer; the dots that are not flagged are red, and a part of one counts as one."""
    found = dataclasses.replace(flagged_at(summary.plan, 0.95), flagged_positives=199.6)
    chart = crowd(found, summary.plan.scenario, {"dermatologist": 0.5})
    kept, lost = chart.figure.data[:2]
    assert (len(kept.x), len(lost.x), lost.marker.color) == (199, 1, MISSED)
    assert "199.6 of 200 cancers are flagged and 0.40 are not" in chart.takeaway
    assert "That is more than Dermatologists can keep up with." in chart.takeaway
    assert chart.table.iloc[:, 1].is_monotonic_decreasing


def test_negatives_are_escalated_where_the_author_marked_their_end(summary, drawn):
    """Photos that could not be scored go to a dermatologist without a tag: they are escalated, and were never flagged."""
    negatives = summary.flows[~summary.flows["positive"]]
    raised = negatives.loc[negatives["end"].isin(["reassured", "treatment", "clinic", "appointment"]), "count"].sum()
    assert raised > negatives.loc[negatives["tag"] != "", "count"].sum()
    share = 100 * raised / negatives["count"].sum()
    assert f"; {raised:,.0f} of them ({share:.0f}%) are referred." in drawn["negatives"].takeaway
    assert any(label.startswith("Not flagged") for label in drawn["negatives"].figure.data[0].node.label)


def test_costs_add_up(summary, drawn):
    bars = drawn["costs"].figure.data[0]
    total = summary.metrics["cost_per_1000_usd"].value
    assert list(bars.y)[-1] == "total"
    assert sum(bars.x[:-1]) == pytest.approx(total)
    assert bars.x[-1] == total


@pytest.mark.parametrize("case", ["skin-cancer-triage", "av-perception", "retry-storm"])
def test_the_sentence_on_the_cost_has_the_number_of_its_card(case):
    found = run_of(case)
    cost = next(verdict for verdict in found.verdicts if "usd" in verdict.metric.name)
    words = (vehicle_cost(found, lambda: simulate(found.plan, 1)) if case == "av-perception" else cost_split(found)).takeaway
    assert re.search(rf" costs? {re.escape(cost.reached)}[ ,;]", words), words
    if "It may be" in words:
        assert f"It may be {cost.interval.split(' to ')[1]}: " in words


def test_an_objective_s_words_carry_the_unit(summary):
    asked = [verdict.requirement for verdict in summary.verdicts]
    assert asked[0] == "at least 84.0%"
    timed = next(index for index, verdict in enumerate(summary.verdicts) if verdict.metric.unit == "s")
    assert asked[timed] == f"at most {spoken(summary.verdicts[timed].bound, 's')}"


def test_one_way_alone_is_told_in_words_without_a_chart():
    made = plan({"pool": pool()}, constant(0.1))
    drawn = journeys(replicate(made, seed=1, replications=2), positive=False)
    assert drawn.figure is None
    assert re.fullmatch(r"Of [\d,]+ requests on average over 2 runs, 100% “End”\.", drawn.takeaway)
    assert drawn.table["end"].tolist() == ["End"]
    assert drawn.table["share (%)"].tolist() == [100]
