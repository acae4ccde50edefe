"""Networks are hidden together, and often enough."""

from campaigns.projection.form import all_points
from campaigns.projection.holdout import HIDDEN, hidden_sets
from simulator.evidence.projection import OWN


def test_at_least_a_third_is_hidden_and_every_network_is_hidden_in_each_repeat():
    points = all_points()
    counts = points.loc[points["protocol"] != OWN, "architecture"].value_counts()
    sets = list(hidden_sets(points, 2))
    assert all(counts[list(names)].sum() >= HIDDEN * counts.sum() for names in sets)
    for repeat in (sets[:3], sets[3:]):
        assert set().union(*repeat) == set(counts.index)
