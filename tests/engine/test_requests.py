"""The requests of a replication: who they are, what their photos show, and that no design changes them."""

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit, logit
from scipy.stats import binomtest, ks_2samp
from sklearn.metrics import roc_auc_score

from simulator.case.load import load
from simulator.engine.compiled_plan import with_items
from simulator.engine.plan import compile_plan
from simulator.engine.run import Run
from simulator.evidence.photo_checks import load_spoiled, score_changes
from simulator.evidence.score_tables import score_rows
from simulator.paths import DATALAB
from simulator.records.streams import Streams
from tests.builders import end, gate, link, people, plan, pool, population, retake, run_at, score_table

CHECKS = 6


def drawn(scores=None, rate=200, tries=2, **people):
    stages = {"p": pool(to="r", scores="x" if scores else None), "r": retake("p", max_tries=tries)}
    return Run(plan(stages, scores=scores, rate=rate, population=population(**people)), Streams(5)).requests


def share(hits, expected):
    return binomtest(int(np.count_nonzero(hits)), hits.size, expected).pvalue > 0.05 / CHECKS


def test_positives_come_at_the_stated_prevalence_and_photos_are_unusable_at_the_stated_share():
    requests = drawn(prevalence=0.1, unusable=0.2, auc=0.95)
    assert share(requests.positive, 0.1)
    below = requests.checks["quality"] < np.quantile(np.random.default_rng(0).standard_normal(200_000), 0.5)
    # Half of the unusable photos lie below their median, and of the usable ones those that a normal 2.33 away puts there.
    assert share(below, 0.2 * 0.5 + 0.8 * 0.0100)


def test_a_quality_check_tells_photos_apart_as_well_as_stated():
    requests = drawn(prevalence=0.5, unusable=0.5, auc=0.8)
    usable = np.array([Streams(5).named(f"photo.{attempt}.usable").random(requests.n) >= 0.5 for attempt in range(2)])
    positives, negatives = np.count_nonzero(usable), np.count_nonzero(~usable)
    error = np.sqrt((0.8 * 0.2 + (min(positives, negatives) - 1) * 2 * 0.05) / (positives * negatives))
    assert roc_auc_score(usable.ravel(), requests.checks["quality"].ravel()) == pytest.approx(0.8, abs=2.64 * error)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("auc", [0.0, 1.0])
def test_a_quality_check_that_is_always_right_or_always_wrong_gives_figures(auc):
    requests = drawn(prevalence=0.5, unusable=0.5, auc=auc)
    usable = np.array([Streams(5).named(f"photo.{attempt}.usable").random(requests.n) >= 0.5 for attempt in range(2)])
    assert np.isfinite(requests.checks["quality"]).all()
    assert roc_auc_score(usable.ravel(), requests.checks["quality"].ravel()) == auc


def test_a_person_has_the_score_of_a_labelled_item_of_their_class():
    table = score_table([0.5, 0.75, 1.0], [0.0, 0.25])
    requests = drawn(table, prevalence=0.3)
    assert set(requests.scores[0, requests.positive]) == {0.5, 0.75, 1.0}
    assert set(requests.scores[0, ~requests.positive]) == {0.0, 0.25}
    assert share(requests.scores[0, requests.positive] == 0.75, 1 / 3)
    items = np.select([requests.scores[0] == score for score in (0.5, 0.75, 1.0, 0.0, 0.25)], range(5))
    assert np.array_equal(requests.patient, items)


def test_a_photo_that_shows_nothing_is_scored_like_somebody_elses():
    rng = np.random.default_rng(0)
    table = score_table(rng.uniform(0.5, 1, 500), rng.uniform(0, 0.5, 500))
    requests = drawn(table, prevalence=0.5, unusable=1.0)
    of_ill, of_healthy = (requests.scores[0, requests.positive == positive] for positive in (True, False))
    assert ks_2samp(of_ill, of_healthy).pvalue > 0.05 / CHECKS


def test_every_design_meets_the_same_requests():
    small = plan({"p": pool()}, population=population(unusable=0.1), seconds=2000)
    large = plan(
        {
            "up": link("p", 1),
            "p": pool(to="g", replicas=3),
            "g": gate("quality", {"at_least": 0, "to": "q"}, {"to": "r"}),
            "r": retake("up"),
            "q": people(("00:00", "24:00", 2)),
        },
        population=population(unusable=0.1),
        seconds=2000,
    )
    few, many = Run(small, Streams(1)).requests, Run(large, Streams(1)).requests
    assert np.array_equal(few.arrived, many.arrived)
    assert np.array_equal(few.positive, many.positive)
    assert np.array_equal(few.checks["quality"][0], many.checks["quality"][0])


def test_positives_are_caught_at_the_share_that_their_end_states():
    ends = {"done": end(detected={"value": 0.3, "assumed": "a test"})}
    trace = run_at(plan({"p": link("done", 1)}, population=population(0.5), ends=ends), np.linspace(0, 90, 5000))
    assert share(trace.columns.detected[trace.columns.positive], 0.3)
    assert not trace.columns.detected[~trace.columns.positive].any()


def test_who_has_not_finished_by_the_end_is_nobodys_and_unfinished():
    ends = {"done": end(detected={"value": 1, "assumed": "a test"})}
    stages = {"p": link("g", 50), "g": gate("quality", {"to": "done"}, answers=True)}
    slow = plan(stages, seconds=9, population=population(1.0, unusable=0.0), ends=ends)
    requests = run_at(slow, [1, 60, 60]).requests
    assert requests["outcome"].tolist() == ["done", "unfinished", "unfinished"]
    assert requests.loc[1:, ["answered_s", "finished_s", "end"]].isna().all(axis=None)
    assert requests["detected"].tolist() == [True, False, False]


def test_a_photo_that_is_asked_for_after_the_answer_does_not_move_the_start_of_the_latency():
    """A gate answers at once; the reading behind it then asks for another photo, a minute later."""
    ways = {"look": gate("quality", {"at_least": -99, "to": "again"}, {"to": "again"}, answers=True)}
    ways |= {"again": retake("done", max_tries=2)}
    requests = run_at(plan(ways, population=population(unusable=0.1)), [5.0]).requests
    assert (requests["sent_s"].tolist(), requests["answered_s"].tolist()) == ([5.0], [5.0])
    assert requests["finished_s"].tolist() == pytest.approx([65.0])


def test_a_resampled_item_changes_as_its_own_photo_did_in_the_data_lab():
    """Nine positives are item 451 of 452, and one negative is item 7: a score is one of two, on the logit scale.

    Foreign photos stay as they are, with the score of the one negative.
    """
    struck = compile_plan(load("skin-cancer-triage"), {}, {"another_phone": 0.0})
    one = with_items(struck, np.full(9, 451), np.full(1, 7))
    table, condition = struck.tables["classifier"], load_spoiled().about.place("white_balance.2")
    expected = [
        expit(logit(scores[item]) + changes[condition, item])
        for scores, changes, item in zip(
            (table.positives, table.negatives), score_changes("efficientnet_lite0", "fp32"), (451, 7), strict=True
        )
    ]
    found = np.unique(Run(one, Streams(5)).requests.scores[0])
    assert found == pytest.approx(sorted([*expected, table.negatives[7]]))


def test_a_foreign_photo_is_referred_as_often_as_the_data_lab_measured():
    """Every photo is foreign. A network whose scores are twice as high gives them the same ranks."""
    photos = {"foreign": {"value": 1.0, "assumed": "a test"}, "measured": "mahalanobis"}
    rows = score_rows("pad_ufes20.efficientnet_lite0.fp32")
    of_class = [rows.loc[rows["label"] == label, "score"].to_numpy() for label in (1, 0)]
    measured = pd.read_csv(DATALAB / "study.foreign.csv").drop_duplicates("key").set_index("key").loc[["objects", "groceries"]]
    for times in (1.0, 0.5):
        table = score_table(*(times * scores for scores in of_class))
        one_pool = plan({"p": pool(scores="x")}, scores=table, rate=20, population=population() | {"ood": photos})
        requests = Run(one_pool, Streams(5)).requests
        assert share(
            requests.scores[0] >= table.threshold_at(0.95), np.average(measured["referred"], weights=measured["photos"])
        )
