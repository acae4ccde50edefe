"""Kappa against scikit-learn, and its interval where the truth is known."""

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import cohen_kappa_score, confusion_matrix

from simulator.datalab.lab_evidence import reader_cases
from simulator.datalab.label_noise import agreed_share, kappa, pair_kappa


def both_orders(first: np.ndarray, second: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return np.concatenate([first, second]), np.concatenate([second, first])


def kinds_of(answers: np.ndarray) -> pd.DataFrame:
    """Return the kinds of cases of answers (cases, readers), 1 where malignant."""
    rows = pd.DataFrame({"readers": answers.shape[1], "malignant": answers.sum(axis=1)})
    return rows.groupby(["readers", "malignant"]).size().rename("cases").reset_index()


def drawn(cases: int, rng: np.random.Generator) -> np.ndarray:
    """Return answers of two readers: each is right in 85% of the cases, a third of which are malignant."""
    truth = rng.random(cases) < 1 / 3
    return (rng.random((cases, 2)) < np.where(truth, 0.85, 0.15)[:, None]).astype(int)


def test_kappa_of_a_table_is_that_of_scikit_learn():
    rng = np.random.default_rng(0)
    first, second = rng.integers(4, size=300), rng.integers(4, size=300)
    second[:150] = first[:150]
    assert kappa(confusion_matrix(first, second).astype(float)) == pytest.approx(cohen_kappa_score(first, second))


def test_kappa_of_pairs_is_that_of_scikit_learn_on_every_pair_in_both_orders():
    answers = drawn(400, np.random.default_rng(1))
    expected = cohen_kappa_score(*both_orders(answers[:, 0], answers[:, 1]))
    assert pair_kappa(kinds_of(answers)).value == pytest.approx(expected)


def test_every_pair_of_more_readers_counts():
    answers = np.random.default_rng(2).integers(2, size=(60, 4))
    pairs = [(answers[:, i], answers[:, j]) for i in range(4) for j in range(4) if i != j]
    expected = cohen_kappa_score(*(np.concatenate(side) for side in zip(*pairs, strict=True)))
    assert pair_kappa(kinds_of(answers)).value == pytest.approx(expected)
    agreed = np.mean([first == second for first, second in pairs])
    assert agreed_share(kinds_of(answers)).value == pytest.approx(agreed)


def test_the_interval_holds_the_true_kappa_as_often_as_it_says():
    called = 1 / 3 * 0.85 + 2 / 3 * 0.15
    agreed, chance = 0.85**2 + 0.15**2, called**2 + (1 - called) ** 2
    truth, rng = (agreed - chance) / (1 - chance), np.random.default_rng(3)
    found = [pair_kappa(kinds_of(drawn(300, rng))) for _ in range(100)]
    held = np.mean([one.low <= truth <= one.high for one in found])
    assert held == pytest.approx(0.95, abs=0.066)  # three standard errors of 100 studies


def test_the_dermatologists_agree_beyond_chance_and_not_wholly():
    found = pair_kappa(reader_cases())
    assert 0.3 < found.low < found.value < found.high < 0.8
