"""The figures of one replication, counted by hand on runs of a few requests."""

import numpy as np
import pandas as pd
import pytest

from simulator.evidence.latency_tables import constant
from simulator.metrics.measures import measure
from tests.builders import (
    assumed,
    end,
    figures,
    gate,
    link,
    people,
    plan,
    pool,
    population,
    retake,
    run_at,
    score_table,
    spread,
)

ENDS = {
    "clinic": end(escalated=True, detected=assumed(1), usd=assumed(180)),
    "cleared": end(escalated=False, detected=assumed(0), usd=assumed(1)),
    "done": end(),
}


def screened(times, prevalence=0.5, **fields):
    """A model that takes two seconds, a threshold that half of the positives reach, and an answer at the threshold."""
    routes = {"at_least": 0.5, "to": "clinic", "tag": "urgent"}, {"to": "cleared"}
    stages = {"p": pool(to="g", scores="x", **fields), "g": gate("score", *routes, answers=True)}
    made = plan(stages, constant(*[2.0] * 4), score_table([0.9, 0.1], [0.6, 0.2, 0.3]), seconds=100, ends=ENDS,
                population=population(prevalence), costs={"missed_positive_usd": assumed(5000)})  # fmt: skip
    return run_at(made, times)


def test_sensitivity_counts_positives_that_were_caught_and_specificity_negatives_that_were_not_escalated():
    trace = screened(range(0, 90, 3))
    people = pd.DataFrame({"ill": trace.columns.positive, "score": trace.columns.scores[0]})
    high, low = ((people["ill"] & np.isclose(people["score"], score)).sum() for score in (0.9, 0.1))
    counts = [(~people["ill"] & np.isclose(people["score"], score)).sum() for score in (0.6, 0.2, 0.3)]
    found = figures(trace)
    assert found["sensitivity"] == pytest.approx(high / (high + low))
    assert found["specificity"] == pytest.approx((counts[1] + counts[2]) / sum(counts))
    assert found["escalated_share"] == pytest.approx((high + counts[0]) / 30)
    assert found["positive_predictive_value"] == pytest.approx(high / (high + counts[0]))
    assert found["negative_predictive_value"] == pytest.approx((counts[1] + counts[2]) / (low + counts[1] + counts[2]))
    assert found["missed_per_1000"] == pytest.approx(1000 * low / 30)


def test_totals_by_class_and_way_add_up_to_the_totals():
    measures = measure(screened(range(0, 90, 3)))
    assert sorted(zip(measures.strata.positive.tolist(), measures.strata.codes.tolist(), strict=True)) == [
        (False, 0), (False, 1), (True, 0), (True, 1)]  # fmt: skip
    assert measures.strata.requests.sum() == 30
    totals = dict(measures.totals)
    costs, machines = [totals.pop(f"cost_per_{of}_usd") for of in ("1000", "found")], measures.costs["machines"].numerator
    by_way = [total for total in [*totals.values(), *measures.costs.values()] if total.by_way is not None]
    assert len(by_way) == 9
    assert not measures.strata.pretended.any()
    for total in by_way:
        assert total.by_way.sum(0) == pytest.approx([total.numerator, total.denominator])
    # Of the whole cost, what is paid by the hour is nobody's in particular.
    for cost in costs:
        assert cost.by_way.sum(0) == pytest.approx([cost.numerator - machines, cost.denominator])


def costs_of(trace):
    """USD for 1,000 requests by part."""
    return {part: one.numerator / one.denominator for part, one in measure(trace).costs.items()}


def test_latency_runs_from_sending_to_the_answer():
    metrics = figures(screened([0, 0.5, 10]))  # answered at 2, 4 and 12
    assert metrics["latency_mean_s"] == pytest.approx((2 + 3.5 + 2) / 3)
    assert metrics["latency_p50_s"] == pytest.approx(2)
    assert metrics["latency_p99_s"] == pytest.approx(2 + 0.98 * 1.5)
    assert metrics["throughput_per_s"] == pytest.approx(3 / 100)
    assert sorted(measure(screened([0, 0.5, 10])).samples["latency"].values) == pytest.approx([2, 2, 3.5])


def test_a_request_turned_away_is_answered_there_and_then():
    trace = screened([0, 0.1, 0.2], max_queue=1, on_full="cleared")
    found = figures(trace)
    assert found["shed_share"] == pytest.approx(1 / 3)
    assert sorted(measure(trace).samples["latency"].values) == pytest.approx([0, 2, 3.9])


def test_a_refusal_is_an_answer_and_no_service():
    found = figures(screened([0, 0.1, 0.2], max_queue=1, on_full="cleared"))
    assert found["throughput_per_s"] == pytest.approx(3 / 100)
    assert found["goodput_per_s"] == pytest.approx(2 / 100)
    assert found["latency_mean_s"] == pytest.approx((2 + 3.9 + 0) / 3)
    assert found["latency_served_mean_s"] == pytest.approx((2 + 3.9) / 2)


def test_an_answer_after_its_deadline_is_of_no_use():
    classes = {"all": {"label": "All", "share": assumed(1), "deadline_s": 3}}
    made = plan({"p": pool()}, constant(2.0), seconds=100, classes=classes)
    found = figures(run_at(made, [0, 0.5, 10]))  # answered after 2, 3.5 and 2 seconds
    assert found["goodput_per_s"] == pytest.approx(2 / 100)
    assert found["on_time_share"] == pytest.approx(2 / 3)


def test_a_latency_starts_anew_with_the_last_photo():
    look = gate("quality", {"at_least": 99, "to": "done"}, {"to": "r"})
    made = plan({"p": pool(to="g"), "g": look, "r": retake("p", minutes=spread(1))}, constant(2.0),
                population=population(unusable=0.5))  # fmt: skip
    trace = run_at(made, [0])
    assert trace.requests["sent_s"].tolist() == [62]
    assert figures(trace)["latency_mean_s"] == pytest.approx(2)


def test_utilization_is_the_work_that_came_over_the_work_that_could_be_done():
    assert figures(screened(range(10), replicas=2))["utilization.p"] == pytest.approx(10 * 2 / (2 * 100))


def test_a_batch_is_work_once_however_many_it_serves():
    assert figures(screened([0, 1, 1.5, 1.7], max_batch=4))["utilization.p"] == pytest.approx(2 * 2 / 100)


def test_work_that_was_turned_away_counts_as_work_that_came():
    metrics = figures(screened([0, 0.1, 0.2, 0.3], max_queue=1, on_full="cleared"))
    assert metrics["utilization.p"] == pytest.approx(4 * 2 / 100)


def test_people_can_only_work_while_they_are_on_duty():
    made = plan({"r": people(("08:00", "16:00", 2), minutes=30)}, run={"days": 1, "drain_days": 1, "replications": 2})
    assert figures(run_at(made, [0, 10, 20, 30]))["utilization.r"] == pytest.approx(4 * 0.5 / 16)


def test_who_is_refused_on_the_spot_has_not_waited():
    metrics = figures(screened([0, 0.1, 0.2, 0.3], max_queue=1, on_full="cleared"))  # two refused, one waits 1.9 s
    assert metrics["wait_p50_s.p"] == pytest.approx(1.9 / 2)


def test_breaks_and_hand_overs_offer_no_time_for_work_and_are_paid():
    rota = [
        {"start": "08:00", "end": "16:00", "people": 2, "handover_minutes": 30, "breaks": [{"start": "12:00", "minutes": 30}]}
    ]
    made = plan({"r": people(minutes=30, shifts=rota)}, run={"days": 1, "drain_days": 1, "replications": 2})
    trace = run_at(made, [0, 60])
    assert figures(trace)["utilization.r"] == pytest.approx(1 / 14)
    assert costs_of(trace)["reviewers"] == pytest.approx(500 * 60 * 16)


def test_people_on_duty_later_in_the_day_count_for_a_run_that_is_over_sooner():
    made = plan({"r": people(("08:00", "16:00", 2), minutes=30)}, run={"days": 0.25, "drain_days": 1, "replications": 2})
    assert figures(run_at(made, [0, 10]))["utilization.r"] == pytest.approx(2 * 0.5 / (16 / 4))


def test_waits_end_when_service_begins_and_the_urgent_are_told_apart():
    routes = {"at_least": 0.5, "to": "r", "tag": "urgent"}, {"to": "r"}
    stages = {"p": pool(to="g", scores="x"), "g": gate("score", *routes), "r": people(("00:00", "24:00", 1), order="risk")}
    trace = run_at(plan(stages, constant(0.001), score_table([0.9, 0.1], [0.0]), population=population(1.0)), np.arange(6) / 10)
    visits = trace.visits[trace.visits["stage"] == "r"]
    wait = visits["started_s"] - visits["entered_s"]
    urgent = trace.columns.scores[0, visits["request"]] > 0.5
    metrics = figures(trace)
    assert 0 < urgent.sum() < 6
    assert metrics["wait_p95_s.r"] == pytest.approx(np.quantile(wait, 0.95))
    assert metrics["wait_p95_s.r.urgent"] == pytest.approx(np.quantile(wait[urgent], 0.95))


def test_costs_are_those_of_machines_people_visits_and_misses():
    trace = screened(range(0, 80, 4), threads=2, replicas=3)
    costs, requests = costs_of(trace), trace.requests
    ill, clinic = requests["positive"], requests["end"] == "clinic"
    per_thousand = 1000 / 20
    # A machine of two threads is 0.2 USD an hour: three replicas of two threads for 100 s.
    assert costs["machines"] == pytest.approx(3 * 0.2 * 100 / 3600 * per_thousand)
    assert costs["reviewers"] == 0
    assert costs["visits of positives"] == pytest.approx(((ill & clinic).sum() * 180 + (ill & ~clinic).sum()) * per_thousand)
    assert costs["visits of negatives"] == pytest.approx(((~ill & clinic).sum() * 180 + (~ill & ~clinic).sum()) * per_thousand)
    assert costs["missed"] == pytest.approx((ill & ~clinic).sum() * 5000 * per_thousand)


def test_people_are_paid_for_the_shift_whether_or_not_there_is_work():
    made = plan(
        {"r": people(("08:00", "16:00", 2), usd_per_hour=assumed(100))}, run={"days": 1, "drain_days": 1, "replications": 2}
    )
    assert costs_of(run_at(made, range(10)))["reviewers"] == pytest.approx(16 * 100 * 1000 / 10)


def test_flows_count_every_request_once():
    measures = measure(screened(range(0, 90, 3)))
    assert measures.flows["count"].sum() == measures.requests == 30
    assert set(measures.flows["end"]) == {"clinic", "cleared"}
    assert (measures.flows["detected"] <= measures.flows["positive"]).all()


def test_what_never_finished_is_a_flow_too():
    trace = run_at(plan({"p": link("done", 60)}, seconds=4), [1, 2])
    assert measure(trace).flows["end"].tolist() == ["unfinished"]
    assert figures(trace)["unfinished_share"] == 1
