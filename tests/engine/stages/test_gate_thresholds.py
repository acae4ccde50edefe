"""Thresholds let through the share that they state, whichever way a request comes to its gate."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest

from simulator.case.document import ScenarioError
from simulator.engine.run import simulate
from simulator.engine.stages.gate_routes import thresholds
from simulator.evidence.latency_tables import constant
from simulator.theory.loads import visit_ratios
from tests.builders import end, gate, plan, pool, population, retake, run_at, score_table

WAYS = {"ends": {"yes": end(), "no": end(), "done": end()}}


def gated(by, *routes, holds="labelled", more=None, **fields):
    stages = {"p": pool(to="g", scores="x" if by == "score" else None), "g": gate(by, *routes, holds=holds)}
    return plan(stages | (more or {}), constant(0.001), **WAYS, **fields)


@pytest.mark.parametrize("passed", [0.5, 0.9, 0.98])
def test_a_gate_by_quality_passes_the_stated_share_of_usable_photos(passed):
    usable = population(unusable=0.0)
    made = gated("quality", {"at_sensitivity": passed, "to": "yes"}, {"to": "no"}, rate=200, population=usable)
    ends = simulate(made, seed=1).requests["end"]
    assert binomtest(int((ends == "yes").sum()), len(ends), passed).pvalue > 0.05 / 3


def test_a_gate_by_quality_at_1_lets_everything_through():
    made = gated("quality", {"at_sensitivity": 1.0, "to": "yes"}, {"to": "no"}, population=population(unusable=0.5))
    assert (simulate(made, seed=1).requests["end"] == "yes").all()


scores = st.lists(st.integers(0, 1000).map(lambda score: score / 1000), min_size=1, max_size=40)


@given(scores, st.floats(0.01, 1))
def test_a_gate_by_score_passes_at_least_the_stated_share_of_the_labelled_positives(positives, target):
    made = gated("score", {"at_sensitivity": target, "to": "yes"}, {"to": "no"},
                 scores=score_table(positives, [0.5]), population=population(1.0))  # fmt: skip
    trace = run_at(made, np.arange(1, 200))
    passed = set(trace.columns.patient[trace.requests["end"] == "yes"])
    drawn = set(trace.columns.patient)
    cut = sorted(positives, reverse=True)[int(np.ceil(target * len(positives) - 1e-9)) - 1] if target < 1 else 0
    assert passed == {item for item in drawn if positives[item] >= cut}


@pytest.mark.parametrize("ring", [False, True])
def test_the_item_that_sets_a_threshold_passes_it_one_by_one_and_in_bulk(ring):
    """In a ring requests are handed over one by one. Seven tenths is not a number of single precision."""
    made = gated("score", {"at_sensitivity": 0.9, "to": "yes"}, {"at_least": 0.05, "to": "no"}, {"to": "r" if ring else "done"},
                 more={"r": retake("p")} if ring else {}, scores=score_table([0.7], [0.1]),
                 population=population(1.0))  # fmt: skip
    assert run_at(made, [1, 2, 3]).requests["end"].tolist() == ["yes"] * 3


def test_thresholds_stand_in_the_order_of_the_routes():
    made = gated("score", {"at_sensitivity": 0.25, "to": "yes"}, {"at_least": 0.125, "to": "no"}, {"to": "done"},
                 scores=score_table([0.125, 0.25, 0.5, 0.75], [0.0]), population=population())  # fmt: skip
    assert thresholds(made, made.scenario.stages["g"]) == [0.75, 0.125]


@given(scores, st.floats(0, 1))
def test_a_route_above_the_negatives_takes_none_but_those_above_the_stated_share(negatives, share):
    table = score_table([0.5], negatives)
    cut = table.threshold_above(share)
    assert share == 1 or table.specificity_at(cut) >= share - 1e-9
    # One score lower, and too few would stay below: it is the lowest such threshold.
    lower = [score for score in negatives if score < cut]
    assert not lower or share == 1 or table.specificity_at(max(lower)) < share


@pytest.mark.parametrize(("share", "count"), [(0.9, 29), (0.95, 19), (0.95, 18), (0.5, 6)])
def test_a_promise_holds_for_the_next_item(share, count):
    """Over many labelled sets and next items from one population: split conformal prediction's guarantee, and its ceiling."""
    rng = np.random.default_rng(7)
    sets = rng.random((4000, count + 1))
    tables = [score_table(row[:-1], row[:-1]) for row in sets]
    found = sum(row[-1] >= table.threshold_at(share, promised=True) for row, table in zip(sets, tables, strict=True))
    cleared = sum(row[-1] < table.threshold_above(share, promised=True) for row, table in zip(sets, tables, strict=True))
    expected = min(1.0, np.ceil(share * (count + 1) - 1e-9) / (count + 1))
    assert expected >= share - 1e-9
    for hits in (found, cleared):
        assert hits == 4000 if expected == 1 else binomtest(int(hits), 4000, expected).pvalue > 0.001


def test_a_gate_that_promises_refers_more_than_one_that_does_not():
    positives = np.linspace(0.1, 0.9, 20)
    routes = {"at_specificity": 0.9, "to": "yes"}, {"at_sensitivity": 0.9, "to": "done"}, {"to": "no"}
    cuts = [
        thresholds(made, made.scenario.stages["g"])
        for made in (
            gated("score", *routes, scores=score_table(positives, positives), population=population(), holds=holds)
            for holds in ("labelled", "next")
        )
    ]
    usual, promised = cuts
    # Of 20: 18 reach the third lowest; of 21, the next one included, 19 have to, and 18.9 is rounded up.
    assert usual[1] == pytest.approx(positives[2])
    assert promised[1] == pytest.approx(positives[1])
    assert promised[0] > usual[0] > positives[17]


def test_a_quality_gate_keeps_the_stated_share_of_unusable_photos_out():
    made = gated("quality", {"at_specificity": 0.8, "to": "yes"}, {"to": "no"}, rate=200, population=population(unusable=1.0))
    ends = simulate(made, seed=1).requests["end"]
    assert binomtest(int((ends == "no").sum()), len(ends), 0.8).pvalue > 0.01


FOREIGN = {"foreign": {"value": 0.3, "assumed": "a test"}, "measured": "mahalanobis"}
SPOILED = {"unusable": {"value": 0.4, "assumed": "a test"}, "measured": "sharpness_and_light"}


@pytest.mark.parametrize(("by", "check"), [("ood", FOREIGN), ("quality", SPOILED)])
def test_a_measured_check_stops_the_shares_that_were_measured(by, check):
    people = population() | {by: check}
    made = gated(by, {"at_sensitivity": 0.9, "to": "yes"}, {"to": "no"}, rate=200, population=people)
    cut, share = made.checks[by].threshold_at(0.9), check["foreign" if by == "ood" else "unusable"]["value"]
    passing = sum(part * made.checks[by].passing(cut, fine) for part, fine in ((share, False), (1 - share, True)))
    ends = simulate(made, seed=1).requests["end"]
    assert binomtest(int((ends == "yes").sum()), len(ends), passing).pvalue > 0.05 / 2
    [shares] = {tuple(made.scenario.stages["g"].routes_of_photos(made, faults)) for faults in [frozenset({by})]}
    assert shares[0] == pytest.approx(made.checks[by].passing(cut, False))


def test_visits_are_those_of_a_run_where_a_photo_may_have_two_faults():
    stages = {
        "look": gate("quality", {"at_sensitivity": 0.9, "to": "known"}, {"to": "again"}),
        "known": gate("ood", {"at_sensitivity": 0.9, "to": "p"}, {"to": "again"}),
        "again": retake("look", max_tries=3),
        "p": pool(),
    }
    made = plan(stages, constant(0.001), population=population() | {"quality": SPOILED, "ood": FOREIGN}, rate=200)
    photos = 1 + simulate(made, seed=2).columns.tries.mean()
    assert photos == pytest.approx(visit_ratios(made)["look"], rel=0.02)


def test_a_gate_by_what_photos_show_needs_the_share_of_foreign_photos():
    with pytest.raises(ScenarioError, match=r"a gate by ood needs `population\.ood`"):
        gated("ood", {"at_sensitivity": 0.9, "to": "yes"}, {"to": "no"}, population=population())
