"""Places of a fault, the aim of a fix, and the money that both cost."""

import numpy as np
import pytest

from simulator.incident.incident_score import score
from simulator.incident.player_actions import ActionError, places, true_places
from simulator.incident.secret import DAY_S
from tests.incident.plays import ONSET, case, fix, play, untouched, wait

SPEC = case().incident


@pytest.mark.parametrize(
    ("cause", "right"),
    [
        ("fog_season", {"outdoors"}),
        ("swapped_colours", {"everywhere"}),
        ("lost_step", {"v42"}),
        ("guideline", set()),
        ("nothing", set()),
    ],
)
def test_the_place_of_a_cause_is_where_its_frames_are(cause, right):
    assert true_places(untouched(cause, "abrupt")) == right


def test_the_place_of_a_camera_is_its_site_and_that_of_a_replica_its_number():
    made = untouched("blurred_camera", "abrupt")
    [site] = true_places(made)
    frames = made.statistics().frames
    assert set(np.unique(frames.site[frames.struck])) == {list(SPEC.sites).index(site)}
    [replica] = true_places(untouched("stale_model", "abrupt"))
    assert replica in places(SPEC) and replica.startswith("replica_")


def diagnosed(where, since_day):
    made = {"kind": "diagnose", "cause": "lost_step", "confidence": 0.9, "where": where, "since_day": since_day}
    return score(play("lost_step", wait(24 * 5), made, shape="abrupt"))


def test_the_named_place_and_begin_are_judged():
    found = diagnosed("v42", ONSET + 2)
    assert found.where_right and found.since_off_h == pytest.approx(24)
    assert not diagnosed("v41", None).where_right and np.isnan(diagnosed("v41", None).since_off_h)
    with pytest.raises(ActionError, match="there is no 'moon' in this case"):
        diagnosed("moon", None)


def test_a_technician_at_the_right_site_ends_the_cause_and_at_another_does_not():
    [site] = true_places(untouched("blurred_camera", "abrupt"))
    other = next(name for name in SPEC.sites if name != site)
    [right], [wrong], [everywhere] = (
        score(play("blurred_camera", wait(24 * 4), {**fix("technician"), **aim}, shape="abrupt")).fixes
        for aim in ({"site": site}, {"site": other}, {})
    )
    assert right.took_away == everywhere.took_away == pytest.approx(1) and wrong.took_away == pytest.approx(0)
    made = [play("blurred_camera", {**fix("technician"), **aim}).notes[-1].usd for aim in ({"site": site}, {})]
    assert made == [900, 900 * len(SPEC.sites)]
    with pytest.raises(ActionError, match="'roll_back' is shipped everywhere at once"):
        play("blurred_camera", {**fix("roll_back"), "site": site})


def test_shipping_drops_frames_and_a_daily_price_runs_until_the_review():
    rolled, patient = (play("nothing", *actions, wait(24)) for actions in ([fix("roll_back")], []))
    assert rolled.statistics().excess.sum() > 0 == patient.statistics().excess.sum()
    more = play("nothing", fix("more_replicas"), {"kind": "close"})
    days = (more.end_s - more.shipped[0].at_s) / DAY_S + SPEC.review.days.value
    watching = more.usd - SPEC.fixes["more_replicas"].usd
    assert watching == pytest.approx(days * SPEC.fixes["more_replicas"].usd_daily, rel=0.01)


def test_harm_and_money_add_up_in_one_currency():
    found = score(play("fog_season", wait(24 * 4), fix("people"), shape="abrupt"))
    last_week = play("fog_season", wait(24 * 4), fix("people"), shape="abrupt").statistics()
    lately = last_week.excess[last_week.frames.at_s >= 21 * DAY_S].sum() / 7
    assert found.later_usd == pytest.approx(lately * SPEC.review.days.value * SPEC.harm.usd.value)
    assert found.returned_usd == SPEC.review.usd.value
    assert found.total_usd == pytest.approx(found.usd + found.harm_usd + found.later_usd + found.returned_usd)
    assert found.harm_usd == pytest.approx(found.excess * SPEC.harm.usd.value, rel=0.01)
    assert 0 <= found.paged_usd <= found.harm_usd + 1e-6
