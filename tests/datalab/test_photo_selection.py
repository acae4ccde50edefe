"""Which photos come next: the right number, no label of other photos, and what each way looks for."""

import numpy as np
import pytest

from simulator.datalab.refit import SELECTIONS, START, chosen

RNG = np.random.default_rng(5)
LABELS = RNG.random(300) < 0.4
RARE = LABELS & (RNG.random(300) < 0.15)
FEATURES = RNG.normal(size=(300, 20)) + 2.0 * LABELS[:, None] * (np.arange(20) < 3) + 3.0 * RARE[:, None] * (np.arange(20) == 5)


def take(selection, count, labels=LABELS, rare=RARE, seed=0):
    return chosen(selection, FEATURES, labels, rare, count, np.random.default_rng(seed))


@pytest.mark.parametrize("selection", SELECTIONS)
def test_each_photo_is_chosen_once_and_all_begin_alike(selection):
    found = take(selection, 120)
    assert len(set(found.tolist())) == len(found) == 120
    assert np.array_equal(found[:START], take("random", 120)[:START])


@pytest.mark.parametrize("selection", SELECTIONS)
def test_labels_of_photos_that_are_not_chosen_are_not_looked_at(selection):
    found = take(selection, 120)
    others = np.setdiff1d(np.arange(300), found)
    labels, rare = LABELS.copy(), RARE.copy()
    labels[others], rare[others] = ~labels[others], False
    assert np.array_equal(take(selection, 120, labels, rare), found)


def test_the_rare_class_is_found_earlier_than_by_chance():
    by_chance, first = (np.mean([RARE[take(way, 100, seed=seed)].sum() for seed in range(5)]) for way in ("random", "rare"))
    assert first > 1.5 * by_chance


def test_photos_far_apart_cover_more_than_photos_by_chance():
    def reach(found):
        return max(np.linalg.norm(FEATURES - one, axis=1)[found].min() for one in FEATURES)

    assert reach(take("diversity", 150)) < reach(take("random", 150))


def test_unsure_photos_lie_nearer_to_the_boundary():
    labels = np.arange(300) % 2 == 0
    features = np.random.default_rng(6).normal(size=(300, 4)) + 4.0 * labels[:, None]
    away = np.abs(features.sum(axis=1) - 8)

    def taken(selection):
        return away[chosen(selection, features, labels, labels, 100, np.random.default_rng(0))[START:]].mean()

    assert taken("uncertainty") < 0.8 * taken("random")
