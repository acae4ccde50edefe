"""One question, one stream: the same draws whoever else asks what."""

import numpy as np
import pytest
from scipy.stats import chi2

from simulator.records.streams import Streams

MANY, STREAMS = 5_000, 100


def test_a_stream_is_the_same_whenever_it_is_asked_for():
    streams = Streams(seed=3, replication=2)
    first = streams.named("arrivals").random(10)
    streams.named("something else").random(1000)
    assert np.array_equal(streams.named("arrivals").random(10), first)
    assert np.array_equal(Streams(3, 2).named("arrivals").random(10), first)


@pytest.mark.parametrize("other", [lambda n: (0, 0, f"b{n}"), lambda n: (n + 1, 0, "a"), lambda n: (0, n + 1, "a")])
def test_streams_of_other_names_seeds_or_replications_are_uncorrelated(other):
    draws = [Streams(0, 0).named("a").random(MANY)]
    for seed, replication, name in map(other, range(STREAMS)):
        draws.append(Streams(seed, replication).named(name).random(MANY))
    correlations = np.corrcoef(draws)[0, 1:]
    assert chi2.sf(MANY * (correlations**2).sum(), STREAMS) > 0.05 / 3


def test_seed_and_replication_do_not_stand_for_each_other():
    assert Streams(1, 2).named("a").random() != Streams(2, 1).named("a").random()


def test_draws_are_made_once_for_all_that_ask_for_the_same_and_are_those_of_a_fresh_stream():
    found = Streams(3, 2).uniform("luck", 100)
    assert Streams(3, 2).uniform("luck", 100) is found
    assert np.array_equal(found, Streams(3, 2).named("luck").random(100))
    assert np.array_equal(Streams(3, 2).normal("luck", 7), Streams(3, 2).named("luck").standard_normal(7, np.float32))


def test_draws_of_another_number_kind_name_seed_or_replication_are_others():
    draws = [
        Streams(3, 2).uniform("luck", 100),
        Streams(3, 2).uniform("luck", 100, np.float32),
        Streams(3, 2).uniform("other", 100),
        Streams(4, 2).uniform("luck", 100),
        Streams(3, 4).uniform("luck", 100),
    ]
    assert len({draw.tobytes() for draw in draws}) == len(draws)
    assert len(Streams(3, 2).uniform("luck", 101)) == 101


def test_nobody_can_write_to_draws_that_others_share():
    with pytest.raises(ValueError, match="read-only"):
        Streams(3, 2).uniform("luck", 100)[0] = 1.0
