"""A requester who is asked for another photo sends one, gives up, or has no tries left."""

import numpy as np
import pytest
from scipy.stats import binomtest

from simulator.engine.run import Run, simulate
from simulator.engine.stages.gate import GateStage
from simulator.evidence.latency_tables import constant
from simulator.records.streams import Streams
from tests.builders import assumed, end, gate, plan, pool, population, retake, run_at, spread

WAYS = {"done": end(), "lost": end(), "kept": end()}


def asking(passed=0.5, replicas=20, batch=1, **fields):
    """Every photo is usable; the check passes this share of them."""
    look = gate("quality", {"at_sensitivity": passed, "to": "done"}, {"to": "again"})
    again = retake("p", on_give_up="lost", on_exhausted="kept", **fields)
    stages = {"p": pool(to="look", replicas=replicas, max_batch=batch), "look": look, "again": again}
    return plan(stages, constant(*[0.01] * batch), rate=50, population=population(unusable=0.0), ends=WAYS)


def test_each_photo_is_a_fresh_draw_until_the_tries_are_used_up():
    requests = simulate(asking(max_tries=3), seed=0).requests
    for tries, share in ((1, 1 / 2), (2, 1 / 4), (3, 1 / 4)):
        assert binomtest(int((requests["tries"] == tries).sum()), len(requests), share).pvalue > 0.05 / 4
    last = requests[requests["tries"] == 3]
    assert binomtest(int((last["end"] == "kept").sum()), len(last), 1 / 2).pvalue > 0.05 / 4
    assert not (requests.loc[requests["tries"] < 3, "end"] == "kept").any()


def test_some_give_up_each_time_they_are_asked():
    requests = simulate(asking(max_tries=5, gives_up=assumed(0.2)), seed=0).requests
    for tries in (1, 2):
        asked = requests[(requests["tries"] > tries) | ((requests["tries"] == tries) & (requests["end"] == "lost"))]
        assert binomtest(int((asked["tries"] == tries).sum()), len(asked), 0.2).pvalue > 0.05 / 2


def test_the_next_photo_comes_after_the_time_it_takes_and_restarts_the_clock_of_the_requester():
    made = asking(passed=0.0, max_tries=3, minutes=spread(0.5))
    trace = run_at(made, [10.0])
    assert trace.visits["stage"].tolist() == ["p", "again", "p", "again", "p"]
    assert trace.requests["sent_s"].tolist() == pytest.approx([10 + 2 * 30.01])
    assert trace.requests["end"].tolist() == ["kept"]
    assert trace.requests["answered_s"].tolist() == pytest.approx([10 + 2 * 30.01 + 0.01])


def test_times_between_photos_are_drawn_anew():
    trace = simulate(asking(passed=0.0, max_tries=3, minutes=spread(0.1, 1.0)), seed=0)
    visits = trace.visits[trace.visits["stage"] == "again"].sort_values(["request", "entered_s"])
    delay = (visits["left_s"] - visits["entered_s"]).to_numpy()
    first, second = (delay[visits.groupby("request").cumcount() == turn] for turn in (0, 1))
    assert abs(np.corrcoef(np.log(first), np.log(second))[0, 1]) < 4 / np.sqrt(len(first))


@pytest.mark.parametrize("batch", [1, 4])
def test_who_will_never_be_asked_again_may_go_on_in_bulk(monkeypatch, batch):
    """A pool in a ring holds back those of whom the quality of every photo tells that none will bring them back."""
    made = asking(passed=0.8, replicas=1, batch=batch, max_tries=3)
    run = Run(made, Streams(0))
    held = run.trace()
    may_return = run.stages["p"].returning
    assert 0.2 < may_return.mean() < 0.8
    assert may_return[held.logs["again"].request].all()
    monkeypatch.setattr(GateStage, "may_reach", lambda gate, stage: np.ones(gate.run.requests.n, bool))
    one_by_one = simulate(made)
    assert held.visits.equals(one_by_one.visits)
    assert held.digest == one_by_one.digest
