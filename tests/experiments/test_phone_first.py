"""A network on the phone clears some photos before they are sent: nobody else's way changes, and the phone costs nothing."""

import numpy as np
import pytest

from simulator.case.load import load
from simulator.engine.plan import compile_plan
from simulator.engine.run import simulate
from simulator.evidence.score_tables import score_rows


@pytest.fixture(scope="module")
def designs():
    scenario = load("skin-cancer-triage")
    return {pick: simulate(compile_plan(scenario, {"phone": pick}), seed=1) for pick in ("none", "lite0")}


def test_the_phone_clears_those_below_its_threshold_and_nobody_else(designs):
    without, first = (one.requests for one in designs.values())
    assert len(without) == len(first)
    table = score_rows("pad_ufes20.efficientnet_lite0.int8_static")
    positives = np.sort(table.loc[table["label"] == 1, "score"])
    cut = positives[int(0.005 * len(positives) + 1e-9)]  # 99.5% of the labelled cancers reach it
    below = table.loc[table["label"] == 0, "score"] < cut
    cleared = designs["lite0"].logs["phone"].request
    assert len(set(cleared)) >= len(first)
    share = 1 - len(set(designs["lite0"].logs["decode"].request)) / len(first)
    assert share == pytest.approx(below.mean(), abs=0.02)


def test_the_phone_costs_nothing_and_its_photos_are_answered_at_once(designs):
    plan = designs["lite0"].plan
    assert plan.machines["phone"].usd_per_hour == 0
    requests = designs["lite0"].requests
    sent = set(designs["lite0"].logs["decode"].request)
    kept = ~requests.index.isin(sent)
    assert (requests["answered_s"][kept] - requests["sent_s"][kept]).max() < 0.1
