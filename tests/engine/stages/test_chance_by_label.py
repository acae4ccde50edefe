"""A gate by chance may send another share of the positives than of the negatives: a reader or a product without scores."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy.stats import binom

from simulator import summarise
from simulator.case.document import ScenarioError
from simulator.engine.run import simulate
from simulator.theory.loads import visit_ratios
from tests.builders import assumed, end, figures, gate, people, plan, pool, population, retake, scenario

ENDS = {"done": end(escalated=True, detected=assumed(1)), "cleared": end()}
SENSITIVITY, SPECIFICITY, PREVALENCE = 0.92, 0.8, 0.3


def flags(
    to: str = "done", sensitivity: float = SENSITIVITY, specificity: float = SPECIFICITY, **fields: Any
) -> dict[str, Any]:
    return {"share_of_positives": assumed(sensitivity), "share_of_negatives": assumed(1 - specificity), "to": to} | fields


def product(**fields: Any):
    stages = {"product": gate("random", flags(tag="flagged"), {"to": "cleared"})}
    return plan(stages, rate=50, seconds=200, population=population(PREVALENCE), ends=ENDS, **fields)


def test_sensitivity_and_specificity_are_those_of_the_gate():
    metrics = summarise(simulate(product(), 1, one) for one in range(8))
    flagged = PREVALENCE * SENSITIVITY + (1 - PREVALENCE) * (1 - SPECIFICITY)
    expected = {
        "sensitivity": SENSITIVITY,
        "specificity": SPECIFICITY,
        "escalated_share": flagged,
        "positive_predictive_value": PREVALENCE * SENSITIVITY / flagged,
    }
    for name, value in expected.items():
        found = metrics[name]
        assert found.high - found.low < 0.02
        assert abs(found.value - value) < found.high - found.low, name  # twice as far as its 95% interval reaches


def test_each_class_takes_a_route_as_often_as_a_binomial_says():
    routes = [flags(sensitivity=0.6, specificity=0.95), flags("second", 0.3, 0.7), {"to": "cleared"}]
    made = plan({"g": gate("random", *routes)}, rate=100, population=population(0.4), ends=ENDS | {"second": end()})
    requests = simulate(made, 2).requests
    for positive, shares in {True: (0.6, 0.3, 0.1), False: (0.05, 0.3, 0.65)}.items():
        mine = requests["end"][requests["positive"] == positive]
        for target, share in zip(("done", "second", "cleared"), shares, strict=True):
            low, high = binom.interval(0.9999, len(mine), share)
            assert low <= (mine == target).sum() <= high


def test_an_equal_share_of_both_classes_is_a_plain_share():
    usual = [{"share": 0.3, "to": "done"}, {"to": "cleared"}]
    equal = [flags(sensitivity=0.3, specificity=0.7), {"to": "cleared"}]
    both = [
        simulate(plan({"g": gate("random", *routes)}, rate=20, population=population(0.5), ends=ENDS), 3).requests["end"]
        for routes in (usual, equal)
    ]
    assert both[0].equals(both[1])


def test_other_shares_meet_the_same_luck():
    """With a higher sensitivity every positive that was flagged still is: designs share the draws."""
    ends = []
    for sensitivity in (0.7, 0.9):
        routes = [flags(sensitivity=sensitivity), {"to": "cleared"}]
        made = plan({"g": gate("random", *routes)}, rate=20, population=population(0.5), ends=ENDS)
        ends.append((simulate(made, 3).requests["end"] == "done").to_numpy())
    assert (ends[1] >= ends[0]).all()
    assert ends[1].sum() > ends[0].sum()


def test_two_products_in_a_row_err_independently():
    second = gate("random", flags(sensitivity=0.5), {"to": "cleared"})
    stages = {"first": gate("random", flags("second"), {"to": "cleared"}), "second": second}
    made = plan(stages, rate=200, population=population(0.5), ends=ENDS)
    trace = simulate(made, 4)
    positives = int(trace.columns.positive.sum())
    assert abs(figures(trace)["sensitivity"] - SENSITIVITY * 0.5) < 4 * np.sqrt(0.25 / positives)
    assert visit_ratios(made)["second"] == pytest.approx(0.5 * SENSITIVITY + 0.5 * (1 - SPECIFICITY))


def test_the_load_of_the_readers_behind_it_is_known_before_the_run():
    reader = people(("00:00", "24:00", 3), positive_to="done", negative_to="cleared")
    stages = {"product": gate("random", flags("reader"), {"to": "cleared"}), "reader": reader}
    made = plan(stages, population=population(PREVALENCE), ends=ENDS)
    expected = PREVALENCE * SENSITIVITY + (1 - PREVALENCE) * (1 - SPECIFICITY)
    assert visit_ratios(made)["reader"] == pytest.approx(expected)


def test_a_request_that_comes_again_takes_its_route_again():
    """Half of the positives and none of the negatives are asked for another photo: all of those once more, and then let go."""
    again = retake("model", gives_up=assumed(0), max_tries=2, on_exhausted="done", on_give_up="done")
    routes = [flags("again", 0.5, 1.0), {"to": "cleared"}]
    stages = {"model": pool(to="look"), "look": gate("random", *routes), "again": again}
    made = plan(stages, rate=0.5, seconds=1_000, population=population(0.4, unusable=0.1), ends=ENDS)
    assert visit_ratios(made)["model"] == pytest.approx(1 + 0.4 * 0.5)
    trace = simulate(made, 5)
    asked = (trace.requests["tries"] == 2).to_numpy()
    assert not asked[~trace.columns.positive].any()
    assert np.mean(asked[trace.columns.positive]) == pytest.approx(0.5, abs=0.12)


@pytest.mark.parametrize(
    ("routes", "fields", "message"),
    [
        ([flags(share_of_negatives=None)], {"population": population()}, "need each other; give both or neither"),
        ([flags(share=0.1)], {"population": population()}, "give share or share_of_positives, not both"),
        ([flags()], {}, "shares of positives and of negatives need a `population` section"),
        ([flags("done", 0.6), flags("done", 0.6)], {"population": population()}, "the shares add up to 1.2"),
    ],
)
def test_what_cannot_be_is_refused(routes, fields, message):
    with pytest.raises(ScenarioError, match=message):
        scenario({"g": gate("random", *routes, {"to": "cleared"})}, ends=ENDS, **fields)


def test_a_gate_by_score_has_no_use_for_it():
    stages = {"model": pool(to="g", scores="x"), "g": gate("score", flags(), {"to": "cleared"})}
    with pytest.raises(ScenarioError, match="a gate by score does not use this"):
        scenario(stages, population=population(), ends=ENDS)
