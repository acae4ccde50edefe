"""Metrics that a case defines itself, against counts by hand, the built-in metrics, and their intervals."""

import numpy as np
import pytest

from simulator.case.document import ScenarioError
from simulator.charts.flow_charts import cost_split
from simulator.engine.plan import compile_plan
from simulator.engine.run import simulate
from simulator.explain.result import reasons_of
from simulator.metrics.measures import measure
from simulator.metrics.summary import judge, summarise, summary_of
from tests.builders import (
    assumed,
    checked,
    document,
    end,
    figures,
    gate,
    people,
    plan,
    pool,
    population,
    run_at,
    score_table,
    server,
)

ENDS = {
    "removed": end(escalated=True, detected=assumed(0.9)),
    "kept": end(),
    "full": end(),
}
SITES = {"kind": "category", "label": "Site", "shares": {"shop": assumed(0.3), "forum": assumed(0.7)}}
STAGES = {
    "look": gate("score", {"at_least": 0.5, "to": "reader", "tag": "high"}, {"to": "kept", "tag": "low"}),
    "reader": people(
        ("00:00", "24:00", 1),
        minutes=0.2,
        max_queue=3,
        on_full="full",
        positive_to="removed",
        negative_to="kept",
        sensitivity=assumed(0.9),
        specificity=assumed(0.8),
    ),
}
TABLE = score_table([0.2, 0.6, 0.8, 0.9], [0.1, 0.3, 0.4, 0.7])


def moderation(own, **fields):
    stages = {"model": pool(to="look", scores="x", replicas=4), **STAGES}
    usual = {"ends": ENDS, "population": population(0.3), "rate": 0.2, "seconds": 3_000, "scores": TABLE}
    return plan(stages, own_metrics=own, **usual | {"attributes": {"site": SITES}} | fields)


def own(**fields):
    return {"mine": {"label": "Mine"} | fields}


def value(made, name="mine", seed=1):
    return measure(simulate(made, seed)).figure(made.scenario.metrics[name])


@pytest.mark.parametrize(
    ("metric", "same"),
    [
        (own(share={"detected": True}, of={"positive": True}), "sensitivity"),
        (own(share={"escalated": False}, of={"positive": False}), "specificity"),
        (own(share={"positive": True}, of={"ends": ["removed"]}), "positive_predictive_value"),
        (own(share={"ends": ["removed"]}), "escalated_share"),
        (own(share={"outcomes": ["shed"]}), "shed_share"),
    ],
    ids=["sensitivity", "specificity", "predictive", "escalated", "shed"],
)
def test_a_metric_written_out_is_the_built_in_one_with_its_interval(metric, same):
    made = moderation(metric)
    found = summarise(simulate(made, 1, replication) for replication in range(3))
    mine, built_in = found["mine"], found[same]
    assert 0 < mine.value < 1
    assert (mine.value, mine.low, mine.high) == pytest.approx((built_in.value, built_in.low, built_in.high))


def test_conditions_select_together_and_entries_of_a_list_one_by_one():
    """Requests by their columns: the count of the metric is that of a data frame."""
    made = moderation(
        own(
            share={"ends": ["removed", "kept"], "tags": ["high"]},
            of={"groups": {"site": ["forum"]}, "outcomes": ["done", "shed"]},
        )
    )
    rows = simulate(made, 1).requests
    under = rows[(rows["site"] == "forum") & rows["outcome"].isin(["done", "shed"])]
    over = under[under["end"].isin(["removed", "kept"]) & (under["tag"] == 1)]
    assert 0 < len(over) < len(under)
    assert value(made) == pytest.approx(len(over) / len(under))


def test_visits_count_a_request_once():
    made = moderation(own(share={"stages": ["reader"]}, of={"tags": ["high", "low"]}))
    trace = simulate(made, 1)
    came = trace.logs["reader"].frame("reader")["request"].nunique()
    assert measure(trace).figure(made.scenario.metrics["mine"]) == pytest.approx(came / trace.columns.n)


def test_a_ratio_of_two_counts_is_told_for_a_thousand():
    made = moderation(own(per_1000={"ends": ["removed"], "positive": False}, of={"ends": ["removed"], "positive": True}))
    rows = simulate(made, 1).requests
    removed = rows[rows["end"] == "removed"]
    assert value(made) == pytest.approx(1000 * (~removed["positive"]).sum() / removed["positive"].sum())
    assert made.scenario.metrics["mine"].unit == "per 1,000"


def test_classes_of_requests_are_a_condition():
    classes = {name: {"label": name, "share": assumed(0.5)} for name in ("fast", "slow")}
    made = plan({"p": pool()}, own_metrics=own(share={"classes": ["slow"]}), classes=classes)
    trace = run_at(made, np.arange(50.0))
    kinds = trace.columns.kind
    assert figures(trace)["mine"] == pytest.approx((kinds == 1).mean())


def test_a_metric_is_reported_by_group_and_may_be_an_objective():
    attribute = SITES | {"metrics": ["mine"]}
    objectives = [{"metric": "mine.site.shop", "label": "Shops", "at_least": 0.01}]
    made = moderation(own(share={"ends": ["removed"]}), attributes={"site": attribute}, objectives=objectives)
    traces = [simulate(made, 1, replication) for replication in range(2)]
    found = summarise(traces)
    rows = [trace.requests for trace in traces]
    shop = [one[one["site"] == "shop"] for one in rows]
    counted = sum((one["end"] == "removed").sum() for one in shop) / sum(map(len, shop))
    assert found["mine.site.shop"].value == pytest.approx(counted)
    (objective,) = made.scenario.objectives
    assert judge(objective, made.scenario.metrics, found).met is True


def test_advice_tries_choices_at_every_stage_for_a_metric_of_the_case_s_own():
    share = {"kind": "number", "label": "Share", "default": 0.2, "values": [0.2, 0.6], "set": ["stages.look.routes.0.share"]}
    stages = {"look": gate("random", {"share": 0.2, "to": "done", "tag": "hit"}, {"to": "p", "tag": "miss"}), "p": server()}
    objectives = [{"metric": "mine", "label": "Hits", "at_least": 0.5}]
    case = document(stages, own_metrics=own(share={"tags": ["hit"]}), choices={"share": share}, objectives=objectives)
    made = compile_plan(checked(case))
    (reason,) = reasons_of(summary_of(made, 1, [measure(simulate(made, 1, replication)) for replication in range(2)])).values()
    assert "“Share: 0.2 → 0.6”" in reason.advice.sentence


def priced(*prices, **fields):
    return moderation({}, costs={"prices": list(prices)}, **fields)


def parts(made, seed=1):
    return {part: total.ratio for part, total in measure(simulate(made, seed)).costs.items()}


def test_prices_by_group_are_those_of_a_data_frame_and_add_up():
    made = priced(
        {"label": "Shops", "usd": assumed(5), "of": {"ends": ["removed"], "groups": {"site": ["shop"]}}},
        {"label": "Sales", "reward_usd": assumed(3), "of": {"outcomes": ["done"]}},
    )
    rows, found = simulate(made, 1).requests, parts(made)
    shops = ((rows["end"] == "removed") & (rows["site"] == "shop")).sum()
    assert found["price: Shops"] == pytest.approx(1000 * 5 * shops / len(rows))
    assert found["price: Sales"] == pytest.approx(-1000 * 3 * (rows["outcome"] == "done").mean())
    assert value(made, "cost_per_1000_usd") == pytest.approx(sum(found.values()))


def test_a_missed_positive_may_be_priced_by_condition_as_for_all():
    usual = moderation({}, costs={"missed_positive_usd": assumed(700)})
    made = priced({"label": "Missed", "usd": assumed(700), "of": {"missed": True}})
    assert parts(made)["price: Missed"] == pytest.approx(parts(usual)["missed"])
    mine, built_in = (summarise(simulate(one, 1, number) for number in range(3))["cost_per_1000_usd"] for one in (made, usual))
    assert (mine.value, mine.low, mine.high) == pytest.approx((built_in.value, built_in.low, built_in.high))


def test_rewards_may_turn_the_cost_below_zero_with_an_interval_on_both_sides_and_are_named():
    objectives = [{"metric": "cost_per_1000_usd", "label": "Cost", "at_most": -1e6}]
    made = priced({"label": "Sales", "reward_usd": assumed(50), "of": {"tags": ["low"]}}, objectives=objectives)
    summary = summary_of(made, 1, [measure(simulate(made, 1, number)) for number in range(3)])
    cost = summary.metrics["cost_per_1000_usd"]
    assert cost.low < cost.value < cost.high < 0
    assert summary.costs["price: Sales"].high < 0
    (reason,) = reasons_of(summary).values()
    assert "before rewards, which take off" in reason.sentence
    assert "1,000 requests cost" in cost_split(summary).takeaway


@pytest.mark.parametrize(
    ("price", "place", "message"),
    [
        ({"usd": assumed(1)}, "costs.prices.0.of", "missing"),
        ({"usd": assumed(1), "reward_usd": assumed(1), "of": {}}, "costs.prices.0", "give usd, for a cost, or reward_usd"),
        ({"usd": assumed(-1), "of": {}}, "costs.prices.0.usd", "should be between 0 and"),
        ({"usd": assumed(1), "of": {"ends": ["remov"]}}, "costs.prices.0.of.ends", "did you mean 'removed'"),
    ],
)
def test_a_price_that_cannot_be_paid_is_refused_at_its_place(price, place, message):
    stages = {"look": STAGES["look"] | {"by": "quality"}, "reader": STAGES["reader"]}
    case = document(stages, ends=ENDS, population=population(0.3, unusable=0.1), costs={"prices": [{"label": "P"} | price]})
    with pytest.raises(ScenarioError) as caught:
        checked(case)
    assert place in str(caught.value)
    assert message in str(caught.value)


def test_a_count_of_nothing_has_no_figure():
    made = moderation(own(share={"positive": True}, of={"ends": ["full"], "tags": ["low"]}))
    assert value(made) is None


@pytest.mark.parametrize(
    ("metric", "place", "message"),
    [
        (own(share={"ends": ["remove"]}), "own_metrics.mine.share.ends", "'remove' is not an end; did you mean 'removed'"),
        (own(share={}, of={"tags": ["hgh"]}), "own_metrics.mine.of.tags", "'hgh' is not a tag of a gate; did you mean 'high'"),
        (own(share={"stages": ["look"]}), "own_metrics.mine.share.stages", "'look' is not a stage whose visits are logged"),
        (own(share={"groups": {"size": ["a"]}}), "own_metrics.mine.share.groups.size", "'size' is not an attribute"),
        (own(share={"groups": {"site": ["a"]}}), "own_metrics.mine.share.groups.site", "'a' is not a group of 'site'"),
        (own(), "own_metrics.mine", "give share, for a share of requests, or per_1000, for a ratio"),
        (own(share={}, of={"detected": True}), "own_metrics.mine", "`detected` and `missed` in the numerator alone"),
        ({"shed_share": {"label": "Shed", "share": {}}}, "own_metrics.shed_share", "every run reports a metric 'shed_share'"),
        (own(share={"positiv": True}), "own_metrics.mine.share.positiv", "did you mean 'positive'"),
    ],
    ids=lambda given: given if isinstance(given, str) and "." in given else "",
)
def test_a_mistake_is_refused_at_its_place(metric, place, message):
    stages = {"look": STAGES["look"] | {"by": "quality"}, "reader": STAGES["reader"]}
    with pytest.raises(ScenarioError) as caught:
        checked(document(
            stages, ends=ENDS, population=population(0.3, unusable=0.1), attributes={"site": SITES}, own_metrics=metric
        ))  # fmt: skip
    assert place in str(caught.value)
    assert message in str(caught.value)


def test_a_name_in_an_objective_is_known_though_the_case_has_faults():
    with pytest.raises(ScenarioError) as caught:
        checked(document(
            {"p": pool(to="nowhere")}, own_metrics=own(share={}), objectives=[{"metric": "mine", "label": "M", "at_least": 0}]
        ))  # fmt: skip
    assert "mine" not in str(caught.value)
