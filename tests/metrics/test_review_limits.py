"""Limits of people behind a threshold, against rates an hour that are worked out by hand.

Of 360 requests an hour a quarter is positive. Each of the four positives of the table stands for 1/16 of all requests, each of
the eight negatives 3/32. From the highest score down come three positives, five negatives, a positive, and three negatives.
"""

from math import inf

import pytest

from simulator.metrics.operating_points import review_limits, with_threshold
from simulator.theory.loads import loads
from tests.builders import assumed, end, gate, people, plan, pool, population, score_table

TABLE = score_table([0.9, 0.8, 0.7, 0.2], [0.6, 0.5, 0.4, 0.3, 0.25, 0.1, 0.1, 0.1])
ENDS = {"shown": end(), "down": end(escalated=True, detected=assumed(1))}
READERS = {"at_sensitivity": 0.75, "to": "readers"}


def team(count, minutes, positive_to="down"):
    """People on duty all day, who decide 60 count / minutes cases an hour and recognise everything."""
    return people(("00:00", "24:00", count), minutes=minutes, positive_to=positive_to, negative_to="shown")


def made(*routes, before=None, rest="shown", arrivals=None, **stages):
    """A model, a gate by its scores with these routes and one for the rest, and further stages."""
    gates = {"model": pool(to="triage", scores="test"), "triage": gate("score", *routes, {"to": rest})}
    fields = {"arrivals": arrivals} if arrivals else {"rate": 0.1}
    return plan((before or {}) | gates | stages, scores=TABLE, population=population(0.25), ends=ENDS, seconds=3600, **fields)


def limits(**shares):
    return pytest.approx(shares, rel=1e-6)


@pytest.mark.parametrize("sensitivity", [0.25, 0.75, 1.0])
def test_one_team_keeps_up_with_the_share_that_it_can_read_wherever_the_threshold_lies(sensitivity):
    """Two people at 1 minute each read 120 of 360."""
    one = made({"at_sensitivity": sensitivity, "to": "readers"}, readers=team(2, 1))
    assert review_limits(one) == limits(readers=1 / 3)


@pytest.mark.parametrize("threshold", [{"at_least": 0.5}, {"at_specificity": 0.5}])
def test_a_threshold_that_no_sensitivity_sets_has_the_limit_too(threshold):
    assert review_limits(made(threshold | {"to": "readers"}, readers=team(2, 1))) == limits(readers=1 / 3)


@pytest.mark.parametrize(("count", "limit"), [(5, 300 / 360), (7, inf)])
def test_a_team_that_can_read_all_requests_has_no_limit(count, limit):
    assert review_limits(made(READERS, readers=team(count, 1))) == limits(readers=limit)


def test_others_who_come_to_the_team_take_a_part_of_its_time():
    """One request in ten goes to the readers unscored: 36 of the 120 that they read. The threshold sorts the other 324."""
    shortcut = {"enter": gate("random", {"share": 0.1, "to": "readers"}, {"to": "model"})}
    assert review_limits(made(READERS, before=shortcut, readers=team(2, 1))) == limits(readers=84 / 324)
    assert review_limits(made(READERS, before=shortcut, readers=team(1, 2))) == {"readers": 0}


@pytest.mark.parametrize(
    ("minutes", "limit"),
    [
        (10, 1 / 6),  # 6 an hour, as many as a sixth of all brings while all flagged are positive
        (8, 21 / 32 + 1 / 3 * 1 / 16),  # 7.5 an hour: 6.75 by the first three positives, and a third of the 2.25 by the last
        (5, inf),  # 12 an hour, more than the 9 that all positives bring
    ],
)
def test_the_second_of_two_teams_in_a_row_decides_what_the_first_sends_on(minutes, limit):
    """The readers take down the positives, and one in ten of those appeals to the board."""
    objects = gate("random", {"share": 0.1, "to": "board"}, {"to": "down"})
    row = made(READERS, readers=team(2, 1, positive_to="objects"), objects=objects, board=team(1, minutes))
    assert review_limits(row) == limits(readers=1 / 3, board=limit)
    assert next(iter(review_limits(row))) == ("board" if limit < 1 / 3 else "readers")


def test_of_two_teams_side_by_side_each_reads_its_part():
    """Of what is flagged the first team gets 80% and reads 120 an hour, and the second gets 20% and reads 20."""
    split = gate("random", {"share": 0.8, "to": "readers"}, {"to": "others"})
    beside = made({"at_sensitivity": 0.75, "to": "split"}, split=split, readers=team(2, 1), others=team(1, 3))
    assert review_limits(beside) == limits(others=20 / 72, readers=120 / 288)


def test_of_two_teams_behind_two_thresholds_the_stricter_one_gets_no_more_than_it_takes():
    """The seniors get the first two positives, 45 an hour, and read 30 or 60. The readers get all the rest, and read 60."""
    urgent, routine = {"at_sensitivity": 0.5, "to": "seniors"}, {"at_sensitivity": 0.75, "to": "readers"}
    assert review_limits(made(urgent, routine, seniors=team(1, 2), readers=team(1, 1))) == limits(
        seniors=30 / 360, readers=1 / 8 + 60 / 360
    )
    assert review_limits(made(urgent, routine, seniors=team(1, 1), readers=team(1, 1))) == limits(
        readers=1 / 8 + 60 / 360, seniors=inf
    )


def test_a_team_that_the_flagged_requests_do_not_reach_has_no_limit_here():
    """One in a hundred of those that are not flagged is looked at by a team that cannot keep up even with that."""
    checks = gate("random", {"share": 0.01, "to": "checkers"}, {"to": "shown"})
    beside = made(READERS, rest="checks", readers=team(2, 1), checks=checks, checkers=team(1, 60))
    assert review_limits(beside) == limits(readers=1 / 3)


def test_a_queue_of_clients_that_wait_for_their_answers_has_no_limit():
    waiting = {"kind": "closed", "clients": 100, "think_mean_s": assumed(1)}
    assert review_limits(made(READERS, readers=team(2, 1), arrivals=waiting)) == {}
    assert review_limits(plan({"pool": pool()})) == {}


def test_a_threshold_that_is_moved_loads_people_like_one_that_is_set_there():
    urgent, routine = {"at_sensitivity": 0.5, "to": "seniors"}, {"at_sensitivity": 0.75, "to": "readers"}
    teams = {"seniors": team(1, 1), "readers": team(1, 1)}
    lower = with_threshold(made(urgent, routine, **teams), ("triage", 1), 0.25)
    assert loads(lower) == loads(made(urgent, {"at_least": 0.25, "to": "readers"}, **teams))
    higher = {load.stage: load.mean for load in loads(with_threshold(made(urgent, routine, **teams), ("triage", 1), 0.9))}
    assert higher["seniors"] == pytest.approx(360 / 16 / 60)
    assert higher["readers"] == 0
