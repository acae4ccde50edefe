"""The confusion of readers, found without the truth, against readers whose confusion is known."""

import numpy as np
import pandas as pd
import pytest

from campaigns.datalab.dawid_skene import dawid_skene
from campaigns.datalab.readers import CLASSES, FittedReader, bounds
from simulator.datalab.lab_evidence import MALIGNANT
from simulator.paths import ASSETS

TRUTH = np.array([[0.85, 0.10, 0.05], [0.20, 0.70, 0.10], [0.02, 0.08, 0.90]])
PREVALENCE = np.array([0.5, 0.3, 0.2])


def simulated(cases: int, readers: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return counts of answers (cases, classes), and the true classes (cases,)."""
    rng = np.random.default_rng(seed)
    classes = rng.choice(3, cases, p=PREVALENCE)
    return np.stack([rng.multinomial(readers, TRUTH[one]) for one in classes]).astype(float), classes


def test_the_confusion_of_simulated_readers_is_found_again():
    counts, _ = simulated(6000, 5, 0)
    found = dawid_skene(counts)
    assert np.allclose(found.confusion, TRUTH, atol=0.025)
    assert np.allclose(found.prevalence, PREVALENCE, atol=0.025)


def test_the_truth_is_found_more_often_than_by_the_majority():
    counts, classes = simulated(6000, 3, 1)
    found = dawid_skene(counts)
    best = found.posterior.argmax(axis=1) == classes
    assert best.mean() > (counts.argmax(axis=1) == classes).mean()


def test_each_step_raises_the_likelihood():
    counts, _ = simulated(500, 4, 2)

    def likelihood(model):
        return np.log(np.exp(counts @ np.log(model.confusion).T) @ model.prevalence).sum()

    whole = dawid_skene(counts)
    assert likelihood(dawid_skene(counts, start=whole)) >= likelihood(whole) - 1e-3


def test_parts_of_an_answer_count_as_parts():
    counts = np.array([[1.5, 0.5, 0.0], [0.0, 2.0, 0.0], [0.0, 0.0, 2.0]])
    found = dawid_skene(counts)
    assert found.confusion.sum(axis=1) == pytest.approx(1)
    assert found.posterior.sum(axis=1) == pytest.approx(1)


def test_a_call_of_malignant_counts_whatever_the_cancer():
    """The committed table is the sum of the confusion; its interval is that of the sum, narrower than the sum of intervals."""
    rows = pd.read_csv(ASSETS / "datalab" / "called_malignant.csv", index_col="truth")
    confusion = pd.read_csv(ASSETS / "datalab" / "readers.csv")
    of = confusion[confusion["answer"].isin(MALIGNANT)].groupby("truth")[["share", "low", "high"]].sum()
    assert rows["share"].to_dict() == pytest.approx(of["share"].to_dict(), rel=1e-3)
    for truth, row in rows.iterrows():
        assert of.loc[truth, "low"] - 1e-3 <= row["low"] <= row["share"] <= row["high"] <= of.loc[truth, "high"] + 1e-3


def test_readers_who_never_err_are_found_to_never_err():
    sure = np.eye(len(CLASSES))[np.repeat(np.arange(len(CLASSES)), 20)]
    cases = [np.stack([one, one, one]) for one in sure]
    found = FittedReader.of(cases, resamples=5).malignant_rows().set_index("truth")
    assert found["share"].round(2).to_dict() == {name: float(name in MALIGNANT) for name in CLASSES}


def test_a_share_of_no_answers_has_the_bound_of_no_hit_in_n():
    low, high = bounds(np.array([0.0, 0.5]), np.array([[0.0, 0.5], [0.0, 0.5]]), np.array([80.0, 80.0]))
    assert (low[0], high[0]) == pytest.approx((0, 1 - 0.025 ** (1 / 80)), abs=1e-6)
    assert (low[1], high[1]) == pytest.approx((0.5, 0.5))
