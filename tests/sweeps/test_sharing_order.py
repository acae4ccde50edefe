"""The order of designs: those that share their first stages are neighbours."""

from itertools import groupby, product

import numpy as np

from simulator.case.load import load
from simulator.sweeps.design_space import DesignPoint
from simulator.sweeps.sharing_order import sharing_order

AXES = {
    "dermatologists": [10, 16],
    "architecture": ["efficientnet_lite0", "efficientnet_lite1"],
    "operating_point": [0.9, 0.95, 0.99],
    "decoders": [1, 2],
}


def test_designs_that_share_their_first_stages_are_neighbours():
    points = [DesignPoint(dict(zip(AXES, picks, strict=True))) for picks in product(*AXES.values())]
    points = [points[place] for place in np.random.default_rng(0).permutation(len(points))]
    order = sharing_order(load("skin-cancer-triage"), points)
    assert sorted(order) == list(range(len(points)))
    slowest_first = ["decoders", "architecture", "operating_point", "dermatologists"]
    for count in range(1, 5):
        prefixes = [tuple(points[place].picks[name] for name in slowest_first[:count]) for place in order]
        runs = [key for key, _ in groupby(prefixes)]
        assert len(runs) == len(set(prefixes)), f"each of {slowest_first[:count]} is one stretch"


def test_what_comes_before_all_stages_varies_slowest_and_what_only_measuring_reads_fastest():
    points = [
        DesignPoint({"dermatologists": people}, {"population.prevalence": share, "costs.missed_positive_usd": usd})
        for usd, people, share in product([1e3, 2e3], [10, 16], [0.01, 0.02])
    ]
    found = [points[place] for place in sharing_order(load("skin-cancer-triage"), points)]
    assert [point.figures["population.prevalence"] for point in found] == 4 * [0.01] + 4 * [0.02]
    assert [point.picks["dermatologists"] for point in found] == 2 * [10, 10, 16, 16]
    assert [point.figures["costs.missed_positive_usd"] for point in found] == 4 * [1e3, 2e3]
