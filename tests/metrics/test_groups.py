"""Metrics of a group of requests: counted by hand, with the doubt of the labelled people of that group."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import beta

from simulator.engine.run import simulate
from simulator.evidence.latency_tables import constant
from simulator.explain.result import replicate
from simulator.intervals import share_interval
from simulator.metrics.comparisons import differences
from simulator.metrics.estimates import Estimator
from simulator.metrics.label_uncertainty import cuts_of, ways_of
from simulator.metrics.measures import measure
from simulator.metrics.replications import resampled_plan, run_replications
from simulator.metrics.resampled_labels import RESAMPLES, item_gates, labelled_group, labelled_people, weights_of
from simulator.metrics.summary import summary_of
from tests.builders import assumed, end, figures, gate, people, plan, pool, population, run_at, score_table, spread

ENDS = {"clinic": end(escalated=True, detected=assumed(1)), "cleared": end(), "done": end()}
RNG = np.random.default_rng(5)
POSITIVES, NEGATIVES = 200, 240
SCORES = RNG.normal(0.65, 0.15, POSITIVES).clip(0, 1), RNG.normal(0.4, 0.15, NEGATIVES).clip(0, 1)
KINDS = np.array(["common"] * 140 + ["rare"] * 60 + ["plain"] * 200 + ["alike"] * 40, object)
TABLE = replace(score_table(*SCORES), item_texts={"diagnosis": KINDS})
VALUES = {name: name for name in ("common", "rare", "plain", "alike")}
KIND = {"kind": "item", "label": "Kind", "column": "diagnosis", "values": VALUES}
HALVES = {"kind": "category", "label": "Client", "shares": {"a": assumed(0.5), "b": assumed(0.5)}}
CLIENT = {"kind": "category", "label": "Client", "shares": {"old": assumed(0.02), "new": assumed(0.98)}}


def screened(*routes, table=TABLE, kind=KIND, metrics=("sensitivity", "specificity"), reader=False, **fields):
    attributes = {"kind": kind | {"metrics": list(metrics)}} | fields.pop("attributes", {})
    routes = routes or ({"at_sensitivity": 0.9, "to": "reader" if reader else "clinic"},)
    stages = {"p": pool(to="g", scores="x"), "g": gate("score", *routes, {"to": "cleared"})}
    if reader:
        stages["reader"] = people(("00:00", "24:00", 50), positive_to="clinic", negative_to="cleared")
    shape = {"seconds": 1000, "rate": 4} | fields
    return plan(stages, constant(1e-4), table, ends=ENDS, population=population(0.3), attributes=attributes, **shape)


def test_a_group_is_counted_alone():
    trace = simulate(screened(), 1)
    requests, found = trace.requests, figures(trace)
    for name in ("rare", "common"):
        mine = requests[(requests["kind"] == name) & requests["positive"]]
        assert found[f"sensitivity.kind.{name}"] == pytest.approx((mine["end"] == "clinic").mean())
    plain = requests[requests["kind"] == "plain"]
    assert found["specificity.kind.plain"] == pytest.approx((plain["end"] == "cleared").mean())
    assert "specificity.kind.rare" not in found  # there are no negatives of that kind


def test_times_and_waits_of_a_group_are_those_of_its_requests():
    client = HALVES | {
        "metrics": ["latency_mean_s", "wait_p50_s.p", "done_share"],
    }
    made = plan({"p": pool()}, constant(2.0), attributes={"client": client})
    trace = run_at(made, np.arange(40.0), 1)
    requests, found = trace.requests, figures(trace)
    latency = requests["answered_s"] - requests["arrived_s"]
    assert latency.tolist() == [2.0 + row for row in range(40)]  # one a second comes, one in two seconds goes
    for name in "ab":
        mine = (requests["client"] == name).to_numpy()
        assert found[f"latency_mean_s.client.{name}"] == pytest.approx(latency[mine].mean())
        assert found[f"wait_p50_s.p.client.{name}"] == pytest.approx(np.median(np.arange(40)[mine]))
        assert found[f"done_share.client.{name}"] == 1


def test_numbers_are_grouped_by_their_edges():
    speed = {"kind": "number", "label": "Speed", "value": spread(50, 0.5), "edges": [40], "metrics": ["latency_mean_s"]}
    trace = run_at(plan({"p": pool()}, constant(2.0), attributes={"speed": speed}), np.arange(40.0), 1)
    slow = (trace.requests["speed"] < 40).to_numpy()
    assert figures(trace)["latency_mean_s.speed.under_40"] == pytest.approx((2.0 + np.arange(40))[slow].mean())


def outer(draws):
    return np.quantile(draws, [0.025, 0.975])


def test_a_group_of_the_class_that_a_threshold_is_chosen_on_is_judged_at_that_threshold_by_clopper_and_pearson():
    made = screened()
    ways = ways_of(made)
    weights, rare = weights_of(TABLE)[:, 140:200], SCORES[0][140:200]
    passes = rare.astype(np.float32) >= np.float32(TABLE.threshold_at(0.9))
    mass = weights.sum(1) / weights_of(TABLE)[:, :POSITIVES].sum(1) / (60 / POSITIVES)
    exact = share_interval(passes.sum(), 60)
    drawn = ways.groups["kind.rare"].drawn[:, 1, 0] / mass
    assert outer(drawn) == pytest.approx([exact.low, exact.high], abs=0.002)
    assert np.corrcoef(drawn, (weights * passes).sum(1) / weights.sum(1))[0, 1] > 0.95
    assert ways.groups["kind.rare"].original[1].tolist() == pytest.approx([passes.mean(), 1 - passes.mean()])
    assert not ways.groups["kind.rare"].drawn[:, 0].any()  # it has no negatives


def test_a_group_of_the_other_class_meets_the_thresholds_that_are_drawn():
    made = screened()
    (cuts,) = (cuts_of(made, gate) for gate in item_gates(made).values())
    weights, scores = weights_of(TABLE)[:, POSITIVES:], SCORES[1][200:].astype(np.float32)
    for index in range(0, RESAMPLES, 100):
        passed = weights[index, 200:] * (scores >= np.float32(cuts[0, index]))
        share = passed.sum() / weights[index].sum() / (40 / NEGATIVES)
        assert ways_of(made).groups["kind.alike"].drawn[index, 0, 0] == pytest.approx(share)


def test_a_group_of_everybody_is_everybody():
    everyone = replace(TABLE, item_texts={"diagnosis": np.array(["common"] * (POSITIVES + NEGATIVES), object)})
    kind = KIND | {"values": {"common": "everybody"}}
    summary = replicate(screened(table=everyone, kind=kind, metrics=["sensitivity", "positive_predictive_value"]), 1, 4)
    for name in ("sensitivity", "positive_predictive_value"):
        whole, group = summary.metrics[name], summary.metrics[f"{name}.kind.common"]
        assert (whole.value, whole.low, whole.high) == pytest.approx((group.value, group.low, group.high))


def test_where_none_of_a_group_errs_the_next_one_may():
    """All of the rare kind score high: of 60 who are found, up to a share may be missed that Beta(1, 60) tells."""
    scores = np.concatenate([SCORES[0][:140], np.full(60, 0.99)])
    table = replace(score_table(scores, SCORES[1]), item_texts={"diagnosis": KINDS})
    summary = replicate(screened(table=table), 1, 4)
    found = summary.metrics["sensitivity.kind.rare"]
    assert found.value == 1
    assert found.labels.low == pytest.approx(1 - beta.ppf(0.975, 1, 60), abs=0.002)


def test_a_group_that_is_drawn_has_the_doubt_of_all():
    attributes = {"client": HALVES | {"metrics": ["sensitivity"]}}
    summary = replicate(screened(attributes=attributes), 1, 4)
    whole = summary.metrics["sensitivity"].labels
    for name in "ab":
        mine = summary.metrics[f"sensitivity.client.{name}"].labels
        assert mine.high - mine.low == pytest.approx(whole.high - whole.low, rel=0.01)


def test_people_are_counted_not_photos():
    patients = np.repeat(np.arange(110), 4)
    table = replace(TABLE, positive_patients=patients[:200], negative_patients=patients[200:])
    assert labelled_people(table, KINDS == "rare") == (0, 15)
    assert labelled_people(table, np.ones(440, bool)) == (60, 50)


def test_too_few_labelled_people_are_told_with_their_number_and_the_metric_is_left_out():
    few = np.array(["common"] * 180 + ["rare"] * 20 + ["plain"] * 240, object)
    table = replace(TABLE, item_texts={"diagnosis": few})
    asked = {"metric": "sensitivity.kind.rare", "at_least": 0.9, "label": "Rare ones found"}
    summary = replicate(screened(table=table, objectives=[asked]), 1, 4)
    assert "sensitivity.kind.rare" not in summary.to_json()["metrics"]
    assert "sensitivity.kind.common" in summary.to_json()["metrics"]
    told = "Rare ones found: too few to say. It rests on 20 labelled people; 30 would be enough."
    assert told in summary.to_json()["warnings"]
    assert [verdict.standing for verdict in summary.verdicts] == ["no figure"]


def test_too_few_requests_are_told_too():
    attributes = {"client": CLIENT | {"metrics": ["sensitivity", "latency_p99_s"]}}
    summary = replicate(screened(attributes=attributes, seconds=200), 1, 2)
    assert "sensitivity.client.old" not in summary.metrics
    told = [one for one in summary.warnings if "(Client: old)" in one]
    assert any(one.startswith("Answer or refusal, 99% within (Client: old): not quoted.") for one in told)
    assert any(one.startswith("Positives detected (Client: old): too few to say.") for one in told)


def test_a_gate_by_what_the_table_says_moves_with_who_was_labelled():
    """The rare go to the clinic: a share of the positives as Clopper and Pearson have it, in the order of the resamples."""
    kind = KIND | {"metrics": ["sensitivity"]}
    stages = {"p": pool(to="g", scores="x"), "g": gate("kind", {"values": ["rare"], "to": "clinic"}, {"to": "cleared"})}
    made = plan(stages, constant(1e-4), TABLE, ends=ENDS, population=population(0.3), attributes={"kind": kind}, seconds=500)
    ways, weights = ways_of(made), weights_of(TABLE)[:, :POSITIVES]
    assert ways.original[1] == pytest.approx([60 / POSITIVES, 140 / POSITIVES])
    exact, held = share_interval(60, POSITIVES), weights[:, 140:].sum(1) / weights.sum(1)
    assert outer(ways.drawn[:, 1, 0]) == pytest.approx([exact.low, exact.high], abs=0.002)
    assert np.corrcoef(ways.drawn[:, 1, 0], held)[0, 1] > 0.99
    found = replicate(made, 1, 4).metrics
    assert found["sensitivity"].labels.high - found["sensitivity"].labels.low > 0.1
    assert found["sensitivity.kind.rare"].value == 1


def test_where_queues_answer_a_group_runs_again_with_the_rest():
    made, key = screened(metrics=["wait_p50_s.reader"], reader=True), "kind.plain"
    [one, *_] = run_replications(made, 1, 2)
    again = measure(simulate(resampled_plan(made, 0), 1, 0))
    rerun, expected = one.of_group(key).resampled.samples["wait.reader"], again.groups[key].samples["wait.reader"]
    assert rerun.values.tolist() == expected.values.tolist()


def test_two_designs_are_compared_group_by_group():
    plans = screened({"at_sensitivity": 0.8, "to": "clinic"}), screened({"at_sensitivity": 0.95, "to": "clinic"})
    both = [run_replications(made, 1, 4) for made in plans]
    summaries = tuple(summary_of(made, 1, found) for made, found in zip(plans, both, strict=True))
    moved = {one.metric.name: one.change for one in differences(*summaries, every=True)}
    before, after = (summary.metrics["sensitivity.kind.rare"].value for summary in summaries)
    assert moved["sensitivity.kind.rare"].value == pytest.approx(after - before)
    assert moved["sensitivity.kind.rare"].labels is not None


def test_a_group_keeps_its_stretches_where_a_warm_up_is_cut_off():
    client = HALVES | {"metrics": ["latency_mean_s"]}
    run = {"days": 0.05, "drain_days": 0.05, "replications": 2, "warm_up": "mser5"}
    made = plan({"p": pool()}, constant(0.5), attributes={"client": client}, run=run)
    kept = measure(simulate(made, 1)).after(100)
    halves = [Estimator([kept], None, cut=True).of_group(metric.group).pooled("latency").count
              for metric in made.scenario.metrics.values() if metric.group]  # fmt: skip
    assert sum(halves) == kept.samples["latency"].count


def test_tables_with_equal_scores_share_what_is_known_of_a_group():
    """A sweep reads the table again for each design; the resamples of its groups are counted once."""
    members = np.arange(POSITIVES) < 60
    one, again, other = TABLE, replace(TABLE), replace(TABLE, positives=TABLE.positives[::-1].copy())
    found = labelled_group(one, 1, members)
    assert labelled_group(again, 1, members.copy()) is found
    assert labelled_group(one, 1, ~members) is not found
    assert labelled_group(other, 1, members).scores.tolist() == other.positives[:60].tolist()
    assert found.totals.tolist() == weights_of(TABLE)[:, :60].sum(1).tolist()
