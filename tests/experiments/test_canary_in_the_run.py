"""Two networks in one run: each person is judged as in a run of the network that a hash gives to them."""

import numpy as np
import pytest

from simulator.case.load import load
from simulator.engine.plan import compile_plan
from simulator.engine.run import simulate

SHARE = 0.5


def test_each_person_takes_the_way_of_the_network_that_they_get():
    scenario = load("skin-cancer-triage")
    designs = {"canary": "half"}, {}, {"architecture": "fine_tuned"}
    both, usual, new = (simulate(compile_plan(scenario, design), seed=1) for design in designs)
    tags = [trace.requests["tag"].to_numpy() for trace in (both, usual, new)]
    scored = {name: np.unique(both.logs[name].request) for name in ("classifier", "candidate")}
    once = np.setdiff1d(scored["classifier"], scored["candidate"])
    assert (tags[0][once] == tags[1][once]).all()
    assert (tags[0][scored["candidate"]] == tags[2][scored["candidate"]]).all()
    assert len(scored["candidate"]) / len(both.requests) == pytest.approx(SHARE, abs=0.02)
    escalated = [np.mean(one != 0) for one in tags]
    assert escalated[2] < escalated[0] < escalated[1]
