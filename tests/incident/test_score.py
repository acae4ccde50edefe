"""The score: harm against sums of two runs, times by hand, and what counts as a fix that helps."""

import numpy as np
import pytest

from simulator.incident.incident_score import HELPS, question_label, score
from simulator.incident.play import Play
from simulator.incident.player_actions import ActionError
from simulator.incident.secret import DAY_S
from simulator.incident.watches import name_of
from tests.incident.plays import ONSET, case, fix, look, play, untouched, wait

SPEC = case().incident
HARMLESS = [name for name, cause in SPEC.causes.items() if cause.harmless]
OF_SERVERS = ["swapped_colours", "input_scale", "int8_rollout", "stale_model"]


def diagnose(cause: str, confidence: float) -> dict[str, object]:
    return {"kind": "diagnose", "cause": cause, "confidence": confidence}


def by_hand(given: dict[str, float], true: str = "fog_season") -> float:
    """The squared distances of probabilities from the truth; what is not given follows how often the other causes come."""
    often = {name: cause.often for name, cause in SPEC.causes.items() if name not in given}
    rest = 1 - sum(given.values())
    shares = given | {name: rest * each / sum(often.values()) for name, each in often.items()}
    return sum((share - (name == true)) ** 2 for name, share in shares.items())


def excess_since(made: Play, from_s: float, fixes: int | None = None) -> float:
    statistics = made.statistics(fixes)
    return float(statistics.excess[statistics.frames.at_s >= from_s].sum())


@pytest.mark.parametrize("cause", ["fog_season", "input_scale", "overload"])
def test_who_does_nothing_leaves_the_harm_untouched(cause):
    made = untouched(cause, "abrupt")
    found = score(made)
    assert found.excess == found.untouched == pytest.approx(excess_since(made, ONSET * DAY_S))
    assert found.fixes == () and found.wrong_fixes == 0 and found.labels == 0 and found.usd == 0
    assert all(np.isnan(each) for each in (found.detected_h, found.diagnosed_h, found.mitigated_h))


@pytest.mark.parametrize("cause", OF_SERVERS)
def test_rolling_back_takes_away_all_that_the_servers_do_from_then_on(cause):
    made = play(cause, wait(24 * 4), fix("roll_back"), shape="abrupt")
    [tried] = score(made).fixes
    assert tried.took_away == pytest.approx(1) and tried.right
    assert excess_since(made, tried.at_s) == pytest.approx(0, abs=1e-3)
    assert score(made).mitigated_h == pytest.approx((tried.at_s / DAY_S - ONSET) * 24)


@pytest.mark.parametrize(
    ("cause", "right"),
    [("blurred_camera", "technician"), ("jpeg_crushed", "technician"), ("blocked_view", "technician")],
)
def test_a_technician_ends_what_a_camera_does_and_a_roll_back_does_not(cause, right):
    found = score(play(cause, wait(24 * 4), fix("roll_back"), fix(right), shape="abrupt"))
    assert [one.right for one in found.fixes] == [False, True]
    assert [one.took_away for one in found.fixes] == pytest.approx([0, 1])


def test_a_roll_back_before_any_diagnosis_is_not_marked_down():
    named = {"kind": "diagnose", "cause": "blurred_camera", "confidence": 0.9}
    first, late = (
        score(play("blurred_camera", wait(24 * 4), *order, fix("technician"), shape="abrupt"))
        for order in ([fix("roll_back"), named], [named, fix("roll_back")])
    )
    assert [one.right for one in first.fixes] == [one.right for one in late.fixes] == [False, True]
    assert (first.wrong_fixes, late.wrong_fixes) == (0, 1)


def test_a_fix_is_judged_by_the_run_with_it_and_without_it():
    made = play("fog_season", wait(24 * 4), fix("people"), fix("bigger_model"), shape="abrupt")
    for place, tried in enumerate(score(made).fixes):
        before, after = (excess_since(made, tried.at_s, place + more) for more in (0, 1))
        assert tried.took_away == pytest.approx((before - after) / before if before > 0 else np.nan, nan_ok=True)
        assert tried.right == (tried.took_away >= HELPS)


def test_what_is_shipped_after_the_cause_has_ended_is_a_wrong_fix():
    found = score(play("swapped_colours", wait(24 * 5), fix("roll_back"), fix("technician"), shape="abrupt"))
    assert [one.right for one in found.fixes] == [True, False]


def test_a_fix_before_the_onset_helps_nothing():
    found = score(play("swapped_colours", fix("roll_back"), shape="abrupt"))
    assert not found.fixes[0].right and found.excess == found.untouched > 0


@pytest.mark.parametrize("cause", HARMLESS)
def test_of_a_harmless_cause_changing_nothing_alone_is_right(cause):
    made = play(cause, wait(24 * 4), fix("bigger_model"), fix("nothing"), fix("old_guideline"), shape="abrupt")
    assert [one.right for one in score(made).fixes] == [False, True, True]


@pytest.mark.parametrize(
    ("expected", "right", "brier"),
    [
        ([], False, by_hand({})),
        ([("fog_season", 0.9)], True, by_hand({"fog_season": 0.9})),
        ([("seasons", 0.9)], False, by_hand({"seasons": 0.9})),
        ([("seasons", 0.9), ("fog_season", 0.6)], True, by_hand({"fog_season": 0.6})),
    ],
)
def test_the_last_diagnosis_counts_by_the_brier_score_of_all_its_probabilities(expected, right, brier):
    found = score(play("fog_season", wait(24 * 4), *(diagnose(*each) for each in expected), shape="abrupt"))
    assert found.right == right and found.brier == pytest.approx(brier)
    assert found.unknowing == pytest.approx(by_hand({}))
    assert found.diagnosed_h == pytest.approx(24.0) if right else np.isnan(found.diagnosed_h)


def test_a_wrong_cause_without_confidence_scores_worse_than_the_right_one_with_some():
    """The score of the named cause alone gave 0.00 to the wrong one at 0%, and 0.04 to the right one at 80%."""
    wrong, right = (score(play("fog_season", diagnose(*each))).brier for each in (("seasons", 0.0), ("fog_season", 0.8)))
    assert wrong > 0.9 > 0.1 > right


def test_probabilities_of_other_causes_count_and_what_is_left_follows_the_prior():
    given = diagnose("seasons", 0.5) | {"others": {"fog_season": 0.3}}
    given_names = ("seasons", "fog_season")
    shares = play("fog_season", given).notes[-1].diagnosis.shares(SPEC)
    assert sum(shares.values()) == pytest.approx(1) and len(shares) == len(SPEC.causes)
    assert (
        shares["seasons"] == 0.5
        and shares["fog_season"] == 0.3
        and shares["overload"]
        == pytest.approx(
            0.2 * SPEC.causes["overload"].often / sum(one.often for name, one in SPEC.causes.items() if name not in given_names)
        )
    )
    with pytest.raises(ActionError, match=r"the probabilities add up to 1\.20; at most 1"):
        play("fog_season", diagnose("seasons", 0.5) | {"others": {"fog_season": 0.7}})
    with pytest.raises(ActionError, match="'seasons' is the cause itself"):
        play("fog_season", diagnose("seasons", 0.5) | {"others": {"seasons": 0.5}})


def test_a_cause_that_was_named_without_a_page_was_detected_by_then():
    found = score(play("fog_season", wait(24 * 5), diagnose("fog_season", 0.9), shape="abrupt"))
    assert found.detected_h == found.diagnosed_h == pytest.approx(48.0)


def test_times_count_from_the_onset_and_alarms_before_it_are_false():
    watches = {"kind": "watch", "watches": [{"statistic": "brightness", "window_h": 6, "at": 0.5}]}
    made = play("fog_season", watches, {"kind": "wait"}, {"kind": "wait"}, wait(24 * 2), {"kind": "wait"}, shape="abrupt")
    rung = [note.ring.at_s for note in made.notes if note.ring]
    found = score(made)
    assert found.false_alarms == sum(at_s < ONSET * DAY_S for at_s in rung) > 0
    first = min(at_s for at_s in rung if at_s >= ONSET * DAY_S)
    assert found.detected_h == pytest.approx((first / DAY_S - ONSET) * 24)


def test_a_complaint_is_how_a_silent_failure_is_detected():
    found = score(play("fog_season", {"kind": "watch", "watches": []}, {"kind": "wait"}, shape="abrupt"))
    assert 12 * SPEC.complaint_days <= found.detected_h <= 24 * SPEC.complaint_days and found.false_alarms == 0


def test_what_was_spent_and_labelled_is_that_of_the_notebook():
    made = play("fog_season", wait(24 * 4), look("labels", frames=70), look("audit"), fix("people"), wait(10), shape="abrupt")
    found = score(made)
    assert found.labels == 170 and found.usd == made.usd


def test_a_better_model_helps_somewhat_against_fog_and_a_faster_one_does_not():
    better, faster = (score(play("fog_season", wait(24 * 4), fix(name), shape="abrupt", seed=3)).fixes[0].took_away
                      for name in ("bigger_model", "smaller_model"))  # fmt: skip
    assert better > faster and better < 0.9


def test_a_look_at_one_figure_is_called_by_the_words_of_its_control():
    by_slice = next(name for name, look in SPEC.looks.items() if "statistic" in look.takes)
    assert question_label(SPEC, f"{by_slice}/found") == f"{SPEC.looks[by_slice].label}: {name_of('found')}"
    assert name_of("found") == "Detections a frame"
    assert question_label(SPEC, "changes/model") == f"{SPEC.looks['changes'].label}: model"
