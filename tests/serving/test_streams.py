"""One question, one stream: the same draws whoever else asks what."""

import numpy as np
import pytest
from scipy.stats import chi2

from simulator.serving.streams import Streams

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
