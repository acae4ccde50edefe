"""Replications pooled: which metrics there are, what is taken back under overload, and what identifies a run."""

import dataclasses
import json
import re
import warnings

import numpy as np
import pytest
from scipy.stats import t

from simulator.case.load import loads
from simulator.case.outputs import Metric
from simulator.case.scenario_parts import Objective
from simulator.engine.run import simulate
from simulator.evidence.latency_tables import constant
from simulator.explain.result import replicate
from simulator.intervals import Estimate, Interval, estimate, one_run_interval
from simulator.metrics.estimates import Estimator
from simulator.metrics.measures import measure
from simulator.metrics.summary import doubts, judged, metric_rows, statement_of, summarise
from tests.builders import assumed, end, exponential, gate, people, plan, pool, population, score_table
from tests.tradeoffs.test_capacity import QUEUE

ENDS = {"clinic": end(escalated=True, detected=assumed(1)), "cleared": end(), "done": end()}


def triage(service=0.2, rate=1.0, **fields):
    """A model, an urgent and a routine route to a reader, and the rest cleared."""
    routes = [{"at_sensitivity": 0.5, "to": "r", "tag": "urgent"}, {"at_sensitivity": 0.75, "to": "r"}, {"to": "cleared"}]
    stages = {
        "p": pool(to="g", scores="x", **fields),
        "g": gate("score", *routes, answers=True),
        "r": people(("00:00", "24:00", 3), positive_to="clinic", negative_to="cleared", minutes=1 / 60, sigma=0.3),
    }
    table = score_table([0.9, 0.8, 0.7, 0.3], [0.85, 0.2, 0.1])
    return plan(stages, constant(service), table, rate=rate, seconds=200, ends=ENDS, population=population(),
                costs={"missed_positive_usd": assumed(100)})  # fmt: skip


def test_a_run_reports_every_metric_that_its_scenario_names_and_no_other():
    made = triage()
    assert list(replicate(made, 0, 12).metrics) == list(made.scenario.metrics)


def test_a_scenario_without_population_has_no_quality_of_any_kind():
    summary = replicate(plan({"p": pool()}, constant(0.1)), 0, 2)
    assert not {"sensitivity", "specificity", "missed_per_1000", "escalated_share"} & summary.metrics.keys()


def test_a_percentile_is_that_of_all_requests_of_all_replications():
    made = triage()
    traces = [simulate(made, 0, replication) for replication in range(6)]
    latency = np.concatenate([trace.requests["answered_s"] - trace.requests["sent_s"] for trace in traces])
    found = summarise(traces)["latency_p95_s"]
    assert found.value == pytest.approx(np.quantile(latency, 0.95), rel=1e-6)
    assert found.low < found.value < found.high


def test_a_percentile_that_too_few_requests_support_is_withheld_with_the_number_that_would_do():
    summary = replicate(plan({"p": pool()}, constant(0.1), seconds=20), 0, 10)
    assert "latency_p99_s" not in summary.metrics
    [told] = [words for words in summary.warnings if words.startswith("Answer or refusal, 99% within: not quoted")]
    assert f"{summary.requests:,} answers are too few" in told
    assert "would be enough" in told


def test_a_rare_kind_of_request_does_not_vanish_because_one_replication_has_none_of_it():
    rare = {"rare": {"label": "Rare", "share": assumed(0.02)}, "usual": {"label": "Usual", "share": assumed(0.98)}}
    made = plan({"p": pool()}, constant(0.1), seconds=60, rate=2, classes=rare)
    measures = [measure(simulate(made, 0, replication)) for replication in range(100)]
    assert not all(len(one.samples["latency.rare"].values) for one in measures)
    assert "latency_p95_s.rare" in replicate(made, 0, 100).metrics


def test_a_share_counts_every_request_the_same_whichever_replication_it_belongs_to():
    made = triage()
    traces = [simulate(made, 0, replication) for replication in range(6)]
    sent_on = sum(np.count_nonzero(trace.requests["end"] == "clinic") for trace in traces)
    found = summarise(traces)["escalated_share"]
    assert found.value == pytest.approx(sent_on / sum(trace.columns.n for trace in traces))
    assert 0 < found.low < found.value < found.high < 1


def test_what_is_paid_by_the_day_costs_each_request_its_part_of_all_days():
    made = triage()
    traces = [simulate(made, 0, replication) for replication in range(4)]
    end = made.arrivals_end_s  # and what is served after it takes its time
    served = [trace.visits[trace.visits["stage"] == made.scenario.start].drop_duplicates("batch") for trace in traces]
    after = sum((rows["left_s"].clip(lower=end) - rows["started_s"].clip(lower=end)).sum() for rows in served)
    paid = 0.2 / 2 * (4 * end + after) / 3600  # one thread of a machine with two at 0.2 USD an hour
    found = replicate(made, 0, 4).costs["machines"]
    assert found.value == pytest.approx(1000 * paid / sum(trace.columns.n for trace in traces))


def test_pooling_nothing_is_a_mistake():
    with pytest.raises(ValueError, match="at least one trace"):
        summarise([])


def test_sensitivity_pools_all_positives_and_rests_on_the_labelled_ones():
    made = triage()
    traces = [simulate(made, 0, replication) for replication in range(6)]
    caught, ill = (sum(np.count_nonzero(getattr(trace.columns, name)) for trace in traces) for name in ("detected", "positive"))
    found = summarise(traces)
    assert found["sensitivity"].value == pytest.approx(caught / ill)
    assert found["sensitivity"].value == pytest.approx(0.75, abs=0.05)
    assert found["sensitivity"].high - found["sensitivity"].low > 0.5  # four labelled positives tell little
    requests = sum(trace.columns.n for trace in traces)
    assert found["missed_per_1000"].value == pytest.approx(1000 * (ill - caught) / requests)
    assert found["missed_per_1000"].low < found["missed_per_1000"].value < found["missed_per_1000"].high
    assert found["cost_per_found_usd"].value == pytest.approx(found["cost_per_1000_usd"].value * requests / 1000 / caught)


def test_rare_positives_without_a_score_table_give_figures_that_can_be_printed():
    made = plan({"p": pool()}, constant(0.1), rate=0.05, population=population(0.3), ends={"done": end(detected=assumed(1))})
    summary = replicate(made, 0, 5)
    assert json.dumps(summary.to_json(), allow_nan=False)
    assert summary.metrics["sensitivity"].value == 1


def test_overload_is_said_and_its_tails_are_taken_back():
    summary = replicate(triage(service=2.0), 0, 12)
    assert any("no steady state" in warning.replace("There is no", "no") for warning in summary.warnings)
    assert summary.metrics["utilization.p"].value > 1
    assert not {"wait_p95_s.p", "latency_p95_s", "latency_p99_s"} & summary.metrics.keys()
    assert {"wait_p95_s.r", "wait_p95_s.r.urgent", "latency_p50_s"} <= summary.metrics.keys()


@pytest.mark.parametrize("limit", [{"max_queue": 3, "on_full": "cleared"}, {"timeout_s": 9, "on_timeout": "cleared"}])
def test_a_queue_with_a_limit_has_tails_though_more_comes_than_can_be_done(limit):
    summary = replicate(triage(service=2.0, **limit), 0, 12)
    assert any("are turned away" in warning for warning in summary.warnings)
    assert {"wait_p95_s.p", "latency_p95_s"} <= summary.metrics.keys()
    assert summary.metrics["wait_p95_s.p"].value < 10


def test_an_overloaded_stage_takes_nothing_from_one_whose_name_begins_alike():
    stages = {"read": pool(to="reader"), "reader": people(("00:00", "24:00", 9), minutes=1 / 60)}
    summary = replicate(plan(stages, constant(2.0)), 0, 12)
    assert "wait_p95_s.read" not in summary.metrics
    assert "wait_p95_s.reader" in summary.metrics


def test_without_overload_nothing_is_said_of_it():
    assert not any("steady state" in warning for warning in replicate(triage(), 0, 2).warnings)


def test_few_labelled_positives_are_a_warning():
    assert any("rests on 4 labelled positives" in warning for warning in replicate(triage(), 0, 2).warnings)


def test_the_cost_is_the_sum_of_its_parts():
    summary = replicate(triage(), 0, 3)
    assert summary.metrics["cost_per_1000_usd"].value == pytest.approx(sum(part.value for part in summary.costs.values()))
    assert summary.costs["missed"].value == pytest.approx(100 * summary.metrics["missed_per_1000"].value)


def test_where_everybody_costs_the_same_there_is_no_doubt_about_the_cost():
    made = plan({"p": pool()}, constant(0.1), ends={"done": end(usd=assumed(100))})
    found = replicate(made, 0, 10).metrics["cost_per_1000_usd"]
    machines = [0.2 / 2 * 100 / 3600 / count for count in (70, 130)]  # USD a request, for the fewest and the most that may come
    assert found.high - found.low < 1000 * (machines[0] - machines[1])


def test_the_run_hash_is_that_of_plan_seed_and_replications():
    made = triage()
    first = replicate(made, 1, 2).run_hash
    assert replicate(made, 1, 2).run_hash == first
    others = [(made, 2, 2), (made, 1, 3), (dataclasses.replace(made, design={"replicas": 1}), 1, 2), (triage(replicas=2), 1, 2)]
    assert len({first, *(replicate(*other).run_hash for other in others)}) == 5


def test_flows_and_the_latency_curve_are_means_of_the_replications():
    made = triage()
    traces = [simulate(made, 0, replication) for replication in range(3)]
    summary = replicate(made, 0, 3)
    assert summary.flows["count"].sum() == pytest.approx(np.mean([trace.columns.n for trace in traces]))
    latencies = [trace.columns.answered - trace.columns.sent for trace in traces]
    latencies = np.concatenate([trace.columns.answered - trace.columns.sent for trace in traces])
    assert summary.latency_curve[[0, -1]] == pytest.approx([latencies.min(), latencies.max()], rel=1e-6)


def test_a_run_in_which_nobody_comes_says_so_without_an_error():
    empty = plan({"p": pool()}, constant(0.1), rate=1e-6)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        summary = replicate(empty, 0, 2)
    assert summary.requests == 0
    assert json.dumps(summary.to_json(), allow_nan=False)


def test_a_stage_that_no_server_is_left_at_is_told_in_words_and_in_json():
    lost = {"kind": "replica_loss", "label": "Gone", "stage": "p", "replicas": 1, "lasts_s": 1e6, "at_s": 0}
    made = plan({"p": pool()}, constant(0.1), curveballs={"gone": lost}, strikes={"gone": 0.0})
    summary = replicate(made, 0, 3)
    told = json.dumps(summary.to_json(), allow_nan=False)
    assert "inf" not in " ".join(
        [told, *summary.warnings, summary.bottleneck.sentence, *(note.sentence for note in summary.trust)]
    )
    assert any("it has no server" in words for words in summary.warnings)


def test_what_is_withheld_under_overload_is_told_once():
    summary = replicate(plan({"p": pool()}, constant(2.0), rate=1, seconds=30), 0, 4)
    assert any("no 95th or 99th percentile" in words for words in summary.warnings)
    assert not any("would be enough" in words and "95% within" in words for words in summary.warnings)


def test_a_warm_up_under_overload_finds_no_steady_state():
    run = {"days": 500 / 86_400, "drain_days": 0, "replications": 3, "warm_up": "mser5"}
    summary = replicate(plan({"p": pool()}, constant(2.0), rate=1, seconds=500, run=run), 0, 3)
    assert not summary.warm_up.steady
    assert not [name for name, metric in made_metrics(summary).items() if metric.is_time]


def made_metrics(summary):
    return {name: summary.metric(name) for name in summary.metrics}


def test_an_interval_is_said_to_be_about_people_only_where_some_were_labelled():
    assert "if other requests had been labelled" in replicate(triage(), 0, 2).sense
    plain = replicate(plan({"p": pool()}), 0, 2).sense
    assert plain == "A 95% interval says where the figure lies over very many such runs. A single run may lie outside it."


def test_the_bounds_of_one_run_are_those_of_the_figures_of_the_replications():
    made = plan({"p": pool()}, exponential(1.0), rate=0.5, seconds=500)
    summary = replicate(made, 0, 6)
    assert summary.sense.endswith("A single run may lie outside it: 19 in 20 lie within “one run”.")
    figures = np.log([one.figure(summary.metric("latency_mean_s")) for one in summary.measures])
    half = t.ppf(0.975, 5) * figures.std(ddof=1) * np.sqrt(7 / 6)
    bounds = summary.one_runs["latency_mean_s"]
    assert (bounds.low, bounds.high) == pytest.approx(tuple(np.exp(figures.mean() + np.array([-half, half]))))
    told = summary.to_json()["metrics"]["latency_mean_s"]
    assert told["one_run"] == {"low": bounds.low, "high": bounds.high}
    rows = metric_rows(summary).set_index("name in a file")
    assert rows.loc["latency_mean_s", "one run"] == summary.one_run("latency_mean_s") != ""


def test_too_few_replications_say_nothing_of_one_run():
    summary = replicate(plan({"p": pool()}), 0, 4)
    assert summary.one_runs == {}
    assert "one run" not in metric_rows(summary)
    assert not any("one_run" in one for one in summary.to_json()["metrics"].values())


def test_one_run_of_a_case_with_labels_holds_their_doubt_too():
    """Independent doubts add in squares: of the next run alone, and of who was labelled."""
    summary = replicate(triage(), 0, 8)
    assert summary.sense.endswith("19 in 20 lie within “one run”.")
    known, bounds = summary.metrics["sensitivity"], summary.one_runs["sensitivity"]
    figures = [one.figure(summary.metric("sensitivity")) for one in summary.measures]
    parts = Estimator(summary.measures, None).columns("sensitivity")
    luck = one_run_interval(figures, parts, 0.0, 1.0)
    below = np.hypot(known.value - luck.low, known.value - known.labels.low)
    assert known.value - bounds.low == pytest.approx(below)
    assert bounds.low < known.low < known.high < bounds.high


def test_one_run_is_never_narrower_than_the_interval_of_the_figure():
    summary = replicate(triage(), 0, 8)
    for name, bounds in summary.one_runs.items():
        assert bounds.low <= summary.metrics[name].low
        assert bounds.high >= summary.metrics[name].high


def surged(strikes):
    """M/M/1 at a load of 0.7, or, for 600 of 4,000 s, at four times that: 0.7 x (4,000 + 3 x 600) = 4,060 s of work."""
    surge = {"surge": {"kind": "traffic", "label": "A surge", "times": 4, "lasts_s": 600}}
    made = plan({"p": pool()}, exponential(1.0), rate=0.7, seconds=4000, curveballs=surge, strikes=strikes)
    return replicate(made, 1, 8)


def test_a_queue_that_a_surge_leaves_behind_is_worked_off_and_its_times_are_quoted():
    summary = surged({"surge": 400.0})
    times = summary.stages["p"]
    assert times.load >= 1
    assert times.late_load == pytest.approx(0.7, rel=0.05)
    assert times.struck_load == pytest.approx(2.8, rel=0.05)
    assert not any("no steady state" in words for words in summary.warnings)
    (note,) = (words for words in summary.warnings if "so the queue is worked off again" in words)
    assert re.match(r"Pool: the offered load is 1\.\d+ times what it can serve over the whole run; from 00:1", note)
    assert {"wait_p95_s.p", "latency_p95_s"} <= summary.metrics.keys()
    # Fluid: 1,080 wait when the surge ends and 0.3 a second fewer from then on; who comes last in the surge waits 1,080 s.
    assert 800 < summary.metrics["wait_p95_s.p"].value < 1200


def test_a_replica_that_is_lost_for_good_leaves_a_queue_that_only_grows_though_the_load_of_the_run_is_below_1():
    lost = {"lost": {"kind": "replica_loss", "label": "Lost", "stage": "p", "replicas": 1}}
    made = plan({"p": pool(replicas=2)}, exponential(1.0), rate=1.2, seconds=4000, curveballs=lost, strikes={"lost": 3000.0})
    summary = replicate(made, 1, 4)
    assert summary.stages["p"].load < 1 < summary.stages["p"].late_load
    assert any("from 00:50 (50.0 min into the run) on, the offered load is 1.2" in words for words in summary.warnings)
    assert any("There is no steady state" in words for words in summary.warnings)
    assert "wait_p95_s.p" not in summary.metrics


def test_a_surge_over_a_load_that_is_too_high_anyway_changes_nothing():
    surge = {"surge": {"kind": "traffic", "label": "A surge", "times": 2, "lasts_s": 100}}
    made = plan({"p": pool()}, constant(2.0), rate=0.7, seconds=2000, curveballs=surge, strikes={"surge": 500.0})
    summary = replicate(made, 1, 3)
    assert any("There is no steady state" in words for words in summary.warnings)
    assert "wait_p95_s.p" not in summary.metrics


def test_a_drift_of_scores_takes_back_what_a_threshold_promised():
    """Positives score 0.9, 0.8, 0.7, 0.3. The threshold of three in four is 0.7; with 0.15 less, one in four reaches it."""
    drift = {"drift": {"kind": "drift", "label": "A drift", "scores_shift": -0.15}}
    routes = [{"at_sensitivity": 0.75, "to": "clinic"}, {"to": "cleared"}]
    stages = {"p": pool(to="g", scores="x"), "g": gate("score", *routes, answers=True)}
    made = plan(stages, constant(0.1), score_table([0.9, 0.8, 0.7, 0.3], [0.85, 0.2, 0.1]), seconds=400, rate=5, ends=ENDS,
                population=population(), curveballs=drift, strikes={"drift": 0.0})  # fmt: skip
    summary = replicate(made, 1, 4)
    [kept] = summary.thresholds
    assert (kept.reached, kept.struck, kept.struck_by) == (0.75, 0.25, ("A drift",))
    assert not kept.holds
    assert "That is no longer true once “A drift” has struck: then it puts 25.0% of them there." in kept.sentence
    assert summary.metrics["sensitivity"].value == pytest.approx(0.25, abs=0.02)
    whole = f"Over the whole run, before the strike and after it, “{summary.metric('sensitivity').label}” is"
    assert any(words.startswith(whole) for words in summary.warnings)
    assert json.dumps(kept.to_json())


@pytest.mark.parametrize(
    ("label", "bound", "unit", "words"),
    [
        ("An answer, 99% within", {"at_most": 10}, "s", "An answer, 99% within 10.0 s"),
        ("Clips looked at", {"at_least": 0.99}, "share", "Clips looked at, at least 99.0%"),
        ("Found within", {"at_least": 0.9}, "share", "Found within at least 90.0%"),
        ("Brakes without need, an hour", {"at_most": 1}, "1/h", "Brakes without need at most 1.00 an hour"),
        ("Cost of 1,000 people", {"at_most": 21_000}, "USD", "Cost of 1,000 people at most 21,000 USD"),
        ("Age, 99% of the time", {"at_most": 0.1}, "s", "Age, 99% of the time at most 100 ms"),
    ],
)
def test_an_objective_says_its_bound_and_its_unit_once(label, bound, unit, words):
    objective = Objective(metric="m", label=label, **bound)
    assert statement_of(objective, Metric("m", label, unit, "lower", "ratio")) == words


def test_a_doubt_below_a_hundredth_of_the_largest_is_not_told():
    run, labels, projected = Interval(10, 9, 11), Interval(10, 8, 12), Interval(10, 9.99, 10.01)
    assert doubts(Estimate(10, 7.7, 12.3, run, labels, projected), "USD") == "run 1.00 USD, labels 2.00 USD"


def test_a_figure_outside_of_the_brief_has_no_digits_that_a_verdict_would_need():
    scenario = loads(QUEUE.replace("BOUND", "100"))
    found = {"latency_mean_s": estimate(Interval(99.9991, 99.9, 100.1))}
    (judged_by,), (void,) = judged(scenario, found), judged(scenario, found, "Outside the brief.")
    assert (judged_by.reached, judged_by.interval) == ("99.999 s", "99.9 to 100.1 s")
    assert (void.reached, void.interval, void.standing) == ("100 s", "100 to 100 s", "void")


def test_a_table_of_every_figure_writes_each_as_the_card_does():
    summary = replicate(plan({"p": pool()}, exponential(1.0), rate=0.5, seconds=500), 0, 4)
    rows = metric_rows(summary).set_index("name in a file")
    assert {name: (rows.loc[name, "value"], rows.loc[name, "95% interval"]) for name in rows.index} == {
        name: summary.shown(name) for name in summary.metrics
    }
