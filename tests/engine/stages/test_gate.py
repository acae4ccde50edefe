"""Gates send each request the first way that it qualifies for."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator import summarise
from simulator.engine.run import simulate
from simulator.evidence.latency_tables import constant
from tests.builders import (  # fmt: skip
    assumed,
    end,
    gate,
    people,
    plan,
    pool,
    population,
    retake,
    run_at,
    score_table,
    sensors,
    spread,
)

WAYS = {"high": end(), "low": end(), "rest": end(), "done": end()}
ROUTES = [{"at_least": 0.7, "to": "high", "tag": "first"}, {"at_least": 0.3, "to": "low", "tag": "second"}, {"to": "rest"}]
SCORES = [0.1, 0.3, 0.5, 0.7, 0.9]


def sorted_by_score(routes=ROUTES, **fields):
    stages = {"p": pool(to="g", scores="x"), "g": gate("score", *routes, **fields)}
    made = plan(stages, constant(0.01), score_table(SCORES, [0.0]), population=population(1.0), ends=WAYS)
    return run_at(made, np.arange(1, 60))


def test_a_request_takes_the_first_route_whose_threshold_its_score_reaches_and_wears_its_tag():
    requests = sorted_by_score().requests
    expected = {0.1: ("rest", 0), 0.3: ("low", 2), 0.5: ("low", 2), 0.7: ("high", 1), 0.9: ("high", 1)}
    for score, (way, tag) in expected.items():
        mine = requests[np.isclose(requests["score"], score)]
        assert len(mine) > 0
        assert set(zip(mine["end"], mine["tag"], strict=True)) == {(way, tag)}


def test_a_model_abstains_between_two_thresholds_as_often_as_its_table_says():
    """Nine of ten negatives lie up to 0.5 and eight of ten positives from 0.3 on: three of each lie within the two."""
    positives = [0.05, 0.1, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95]
    negatives = [0.02, 0.04, 0.06, 0.08, 0.12, 0.2, 0.3, 0.4, 0.5, 0.9]
    routes = [{"at_specificity": 0.9, "to": "high"}, {"at_sensitivity": 0.8, "to": "low", "tag": "undecided"}, {"to": "rest"}]
    made = plan(
        {"p": pool(to="g", scores="x", replicas=9), "g": gate("score", *routes)},
        constant(0.01),
        score_table(positives, negatives),
        rate=40,
        population=population(0.4),
        ends=WAYS,
        own_metrics={"undecided": {"label": "Undecided", "share": {"tags": ["undecided"]}}},
    )
    metrics = summarise(simulate(made, 1, one) for one in range(4))
    by_luck = metrics["undecided"].run
    assert by_luck.low < 0.4 * 3 / 10 + 0.6 * 3 / 10 < by_luck.high < 0.35


@pytest.mark.parametrize(("answers", "when"), [(True, [1, 11]), (False, [6, 16])])
def test_a_gate_answers_at_once_where_it_says_so_else_the_end_does(answers, when):
    stages = {"p": pool(to="g", scores="x"), "g": gate("score", {"to": "q"}, answers=answers), "q": pool()}
    made = plan(stages, {"p": constant(1.0), "q": constant(5.0)}, score_table([0.5], [0.5]), population=population())
    assert run_at(made, [0, 10]).requests["answered_s"].tolist() == when


def test_the_first_answer_counts():
    stages = {"p": pool(to="g", scores="x"), "g": gate("score", {"to": "q"}, answers=True), "q": pool(to="h"),
              "h": gate("score", {"to": "done"}, answers=True)}  # fmt: skip
    made = plan(stages, {"p": constant(1.0), "q": constant(5.0)}, score_table([0.5], [0.5]), population=population())
    requests = run_at(made, [0, 10]).requests
    assert requests["answered_s"].tolist() == [1, 11]
    assert requests["finished_s"].tolist() == [6, 16]


def test_who_has_an_answer_and_gives_up_waiting_for_a_person_keeps_it():
    reader = people(("08:00", "16:00", 1), patience_h=spread(1), on_timeout="done")
    stages = {"p": pool(to="g", scores="x"), "g": gate("score", {"to": "r"}, answers=True), "r": reader}
    requests = run_at(
        plan(stages, constant(1.0), score_table([0.5], [0.5]), population=population(), seconds=9000), [0]
    ).requests
    assert requests["outcome"].tolist() == ["timed_out"]
    assert requests["answered_s"].tolist() == [1]


def around(first, second, **fields):
    """A gate that answers, and a way around it."""
    stages = {"look": gate("quality", {"at_least": 0, "to": first}, {"to": second}), "p": pool(to="g", replicas=9),
              "g": gate("quality", {"to": "q"}, answers=True), "q": pool(replicas=9)} | fields  # fmt: skip
    latencies = {"p": constant(1.0), "q": constant(5.0)}
    return run_at(plan(stages, latencies, population=population(unusable=0.5, auc=0.9), ends=WAYS), np.arange(20.0)).requests


def test_whoever_takes_a_way_around_the_gate_has_the_answer_at_the_end():
    requests = around("p", "q")
    took = (requests["answered_s"] - requests["arrived_s"]).to_numpy()
    by_gate = np.isclose((requests["finished_s"] - requests["arrived_s"]).to_numpy(), 6)
    assert took == pytest.approx(np.where(by_gate, 1, 5))
    assert set(by_gate) == {True, False}


def test_where_nobody_ever_reaches_the_gate_the_ends_answer_all():
    requests = around("q", "q", look=gate("quality", {"at_least": 99, "to": "p"}, {"to": "q"}))
    assert requests["answered_s"].tolist() == requests["finished_s"].tolist() == [row + 5.0 for row in range(20)]


@pytest.mark.parametrize("answers", [True, False])
def test_whoever_gives_up_at_the_end_of_the_way_has_no_answer_and_whoever_is_looked_at_all_the_same_has_one(answers):
    ask = retake("p", gives_up=assumed(1), on_give_up="rest", on_exhausted="done")
    gated = {"g": gate("quality", {"to": "q"}, answers=answers), "again": ask}
    gone, helped = around("p", "again", **gated), around("p", "again", **gated | {"again": ask | {"on_give_up": "q"}})
    gave_up = gone["end"] == "rest"
    assert set(gave_up) == {True, False}
    assert (gone["answered_s"].isna() == gave_up).all()
    assert helped["answered_s"].notna().all()
    assert (helped["answered_s"] - helped["arrived_s"])[gave_up].to_numpy() == pytest.approx(5)


@given(st.lists(st.sampled_from([0.2, 0.4, 0.6, 0.8]), min_size=1, max_size=3, unique=True))
def test_a_gate_in_a_ring_sorts_as_one_that_is_not(cuts):
    """In a ring requests are handed over one by one, elsewhere in bulk."""
    highest_first = zip(sorted(cuts, reverse=True), ("high", "low", "rest"), strict=False)
    routes = [{"at_least": cut, "to": way, "tag": way} for cut, way in highest_first]
    look = gate("quality", {"at_least": -99, "to": "g"}, {"to": "r"})
    alone = {"p": pool(to="g", scores="x"), "g": gate("score", *routes, {"to": "done"})}
    ring = alone | {"p": pool(to="look", scores="x"), "look": look, "r": retake("p")}
    table, people = score_table(SCORES, [0.0]), population(0.9, unusable=0.0)
    bulk, single = (
        run_at(plan(way, constant(0.01), table, population=people, ends=WAYS), range(1, 40)) for way in (alone, ring)
    )
    assert bulk.requests[["end", "tag"]].equals(single.requests[["end", "tag"]])


def by_frames(by, *routes):
    """Frames of two sensors, the first four a second and the other one a second, for three seconds."""
    arrivals = sensors(front={"rate_per_s": 4}, rear={"rate_per_s": 1, "skew_ms": 100})
    made = plan({"g": gate(by, *routes)}, arrivals=arrivals, seconds=3, ends={"often": end(), "rare": end(), "done": end()})
    requests = simulate(made).requests
    return {sensor: requests["end"][requests["sensor"] == sensor].astype(str).tolist() for sensor in ("front", "rear")}


def test_every_so_many_frames_of_each_sensor_one_takes_the_route_counted_from_its_first():
    found = by_frames("frame", {"every": 3, "to": "rare"}, {"to": "often"})
    assert found["front"] == ["rare", "often", "often"] * 4
    assert found["rear"] == ["rare", "often", "often"]


def test_of_two_routes_by_number_the_first_takes_a_frame_and_may_begin_later():
    found = by_frames("frame", {"every": 4, "first": 1, "to": "rare"}, {"every": 2, "first": 1, "to": "often"}, {"to": "done"})
    assert found["front"] == ["done", "rare", "done", "often"] * 3


def test_a_sensor_takes_the_route_that_names_it():
    found = by_frames("sensor", {"values": ["rear"], "to": "rare"}, {"to": "often"})
    assert (set(found["front"]), set(found["rear"])) == ({"often"}, {"rare"})
