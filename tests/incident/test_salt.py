"""Hashes that a player sees follow from a salt of the server alone: who tries every seed learns nothing from them."""

import hashlib
from dataclasses import replace

import numpy as np
import pytest

from simulator.app.store.incident_log import Hidden
from simulator.incident.any_look import LookRequest
from simulator.incident.secret import DAY_S, draw
from tests.incident.plays import ONSET, case, secret_of, untouched

#: Seeds few enough to try all of them.
EVERY_SEED = range(2**9)
LOOK = case().incident.looks["replicas"]
#: Configurations that a cause of the case gives to a replica.
CONDITIONS = ["", *{getattr(effect, "condition", "") for cause in case().incident.causes.values() for effect in cause.effects}]


def shown(secret, day=ONSET - 1):
    """The hashes that the look shows on a day: of preparations and of rules of counting, in the order of the replicas."""
    view = untouched("swapped_colours", "abrupt").view(day * DAY_S)
    found = LOOK.find(replace(view, secret=secret), LookRequest())
    return tuple(found.table["preparation"]), tuple(found.table["counting"])


def candidates():
    """Every hash of a seed, as the page showed it before there were salts, and that of a player who leaves the salt out."""
    salts = [*(f"/{seed}" for seed in EVERY_SEED), "/", ""]
    for start in (f"{column}{salt}" for column in ("configuration", "after") for salt in salts):
        for condition in CONDITIONS:
            yield hashlib.sha256(f"{start}/{condition}".encode()).hexdigest()[:12]


def test_with_one_salt_every_seed_shows_the_same_text():
    salt = Hidden().salt
    texts = {shown(draw(case(), seed, salt=salt)) for seed in EVERY_SEED}
    assert len(texts) == 1
    [(preparation, counting)] = texts
    assert len(set(preparation)) == len(set(counting)) == 1 and not {*preparation} & {*counting}


def test_no_hash_is_among_those_that_trying_every_seed_gives():
    tried = set(candidates())
    for seed in EVERY_SEED[::25]:
        secret = replace(secret_of("swapped_colours", "abrupt", seed), salt=Hidden(seed).salt)
        for day in (ONSET - 1, ONSET + 2):
            preparation, counting = shown(secret, day)
            assert len(set(preparation)) == (1 if day < ONSET else 2) and len(set(counting)) == 1
            assert not tried & {*preparation, *counting}


def test_equal_seeds_with_different_salts_show_different_texts():
    secrets = [replace(secret_of("swapped_colours", "abrupt", seed=5), salt=Hidden().salt) for _ in range(2)]
    first, second = (shown(secret, ONSET + 2) for secret in secrets)
    for one, other in zip(first, second, strict=True):
        assert not set(one) & set(other)


def test_seeds_and_salts_have_128_bits_and_neither_is_printed():
    drawn = [Hidden() for _ in range(200)]
    for numbers in ([one.seed for one in drawn], [int(one.salt, 16) for one in drawn]):
        assert len(set(numbers)) == 200
        for bit in range(128):  # each bit is set in 100 of 200, give or take five standard deviations
            assert 64 <= sum(number >> bit & 1 for number in numbers) <= 136
    secret = draw(case(), drawn[0].seed, salt=drawn[0].salt)
    for text in (repr(drawn[0]), repr(secret)):
        assert drawn[0].salt not in text
    assert str(drawn[0].seed) not in repr(drawn[0])


def test_a_known_small_seed_draws_what_it_always_drew():
    """The first draws of these seeds, as NumPy gives them for the seed and the digest of the stream's name."""
    digest = hashlib.sha256(b"incident").digest()
    words = [int.from_bytes(digest[i : i + 4], "little") for i in range(0, 16, 4)]
    first, last = case().incident.onset_days
    for seed in (0, 1, 7, 2**31 - 1):
        which, _, when, *_ = np.random.default_rng(np.random.SeedSequence([seed, 0, *words])).random(8)
        secret = draw(case(), seed)
        ends = np.cumsum(list(case().incident.prior.values()))
        assert secret.cause == list(case().incident.causes)[int((ends <= which).sum())]
        assert secret.onset_s == pytest.approx((first + when * (last - first)) * DAY_S)


def test_a_seed_of_128_bits_draws_a_secret_of_its_own():
    large = [draw(case(), 2**127 + step) for step in range(3)]
    assert len({secret.onset_s for secret in large}) == 3
    assert draw(case(), 2**127).onset_s == large[0].onset_s
    assert draw(case(), 2**32 + 7).onset_s != draw(case(), 7).onset_s
