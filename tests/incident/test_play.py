"""Playing: a function of case, secret and actions; times and money by hand; what cannot be done is told."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.case.document import ScenarioError
from simulator.evidence.detection_tables import BINS
from simulator.incident.fixes import Reviewed, Swapped
from simulator.incident.measured_scenes import read_scenes
from simulator.incident.monitoring import rings, watched
from simulator.incident.play import Play
from simulator.incident.player_actions import ActionError, read_actions, read_script
from simulator.incident.secret import DAY_S, HOUR_S
from simulator.incident.watches import Watch
from tests.incident.plays import ONSET, case, fix, look, play, secret_of, untouched, wait

SPEC = case().incident
START = SPEC.reference_days * DAY_S
WATCHING = sum(SPEC.usd_a_week[watch.statistic].value for watch in SPEC.watches)
SCRIPT = [wait(100), look("labels", frames=60), look("canary"), fix("roll_back"), wait(30), look("slices", statistic="score"),
          fix("people"), {"kind": "diagnose", "cause": "swapped_colours", "confidence": 0.8}, {"kind": "close"}]  # fmt: skip
steps = st.lists(
    st.one_of(
        st.integers(1, 90).map(wait),
        st.sampled_from([name for name in SPEC.looks if name != "labels"]).map(look),
        st.integers(10, 60).map(lambda frames: look("labels", frames=frames)),
        st.sampled_from(["roll_back", "technician", "bigger_model", "more_replicas", "people"]).map(fix),
    ),
    max_size=4,
)


def state(made: Play) -> list[object]:
    """All that an incident comes to."""
    frames = made.statistics().frames
    columns = [frames.scene, frames.given, frames.network, frames.bin, frames.served.replica, made.statistics().harm()]
    notes = [(note.at_s, note.until_s, note.usd, note.finding and note.finding.sentence) for note in made.notes]
    return [*(column.tobytes() for column in columns), notes, made.usd, made.now_s, made.labels]


def test_the_same_actions_give_the_same_bytes():
    one, other = (play("swapped_colours", *SCRIPT, shape="gentle") for _ in range(2))
    assert state(one) == state(other)


def test_actions_one_by_one_give_what_they_give_at_once():
    made = play("swapped_colours", shape="gentle")
    for action in read_actions(SCRIPT):
        made.act(action)
        made.statistics(), made.usd
    assert state(made) == state(play("swapped_colours", *SCRIPT, shape="gentle"))


@settings(max_examples=8)
@given(st.sampled_from(["swapped_colours", "overload", "fog_season"]), steps, st.sampled_from(list(SPEC.fixes)))
def test_an_action_changes_nothing_that_came_before_it(cause, before, name):
    if name == "threshold":
        before = [look("labels"), *before]
    made = play(cause, *before, shape="abrupt")
    then, at_s = made.statistics(), made.now_s
    if at_s >= made.end_s:
        return
    made.act(read_actions([fix(name)])[0])
    now, early = made.statistics(), then.frames.at_s < at_s
    for column in ("scene", "seen", "given", "network", "bin", "labelled", "replica", "latency_s"):
        one, other = (getattr(each, column, None) for each in (now.frames, then.frames))
        if one is None:
            one, other = (getattr(each.served, column) for each in (now.frames, then.frames))
        assert np.array_equal(one[early], other[early], equal_nan=column == "latency_s"), column
    assert np.array_equal(now.harm()[early], then.harm()[early])


# Times and money


def test_times_and_costs_add_up():
    made = play(None, wait(10), look("replicas"), look("labels", frames=50), look("audit"), fix("roll_back"), wait(20))
    minutes = [600, 20, 30 + 50 * 2 / 2, 30 + 100 * 2 / 2, 60, 1200]
    assert [note.until_s - START for note in made.notes] == pytest.approx(list(np.cumsum(minutes) * 60))
    # An hour of the person on call costs 90 USD, who works half an hour when others label at half a USD a frame.
    assert [note.usd for note in made.notes] == [0, 30, 45 + 25, 45 + 50, 400, 0]
    assert made.now_s == made.notes[-1].until_s
    assert made.usd == pytest.approx(595 + WATCHING * sum(minutes) / (7 * 24 * 60))
    assert made.labels == 150


def test_monitors_are_paid_for_while_they_watch():
    made = play(None, wait(84), {"kind": "watch", "watches": [{"statistic": "bytes", "sampled": 0.5}]}, wait(168))
    assert made.usd == pytest.approx(WATCHING / 2 + SPEC.usd_a_week["bytes"].value * 0.5)
    assert play(None, {"kind": "watch", "watches": []}, wait(168)).usd == 0


def test_people_are_paid_for_each_frame_from_the_time_they_look():
    made = play(None, fix("people"), wait(10))
    people = SPEC.fixes["people"]
    hours = people.minutes / 60 + 10
    assert made.usd == pytest.approx(people.usd + 10 * people.frames_per_h * people.usd_a_frame + WATCHING * hours / 168)


def test_closing_does_not_send_the_people_home():
    """Whoever stays pays for monitors besides."""
    closed, stayed = play(None, fix("people"), {"kind": "close"}), play(None, fix("people"), wait(600))
    hours = (stayed.end_s - stayed.shipped[0].at_s) / HOUR_S
    assert closed.usd == pytest.approx(stayed.usd - WATCHING * hours / 168)


def test_time_goes_no_further_than_the_run():
    made = play(None, wait(600))
    assert made.now_s == made.end_s == 28 * DAY_S
    with pytest.raises(ActionError, match="wait: the incident is over"):
        made.act(read_actions([wait(1)])[0])


def test_at_the_end_of_the_run_the_cause_can_still_be_named():
    made = play("overload", wait(600), {"kind": "diagnose", "cause": "overload", "confidence": 0.9}, {"kind": "close"})
    assert made.closed


# Rings and complaints


def test_who_waits_is_paged_by_the_first_monitor_that_rings():
    made = play("fog_season", {"kind": "wait"}, shape="abrupt")
    note = made.notes[0]
    alarms = rings([one for watch in SPEC.watches for one in watched(watch, made.statistics())], START + 1)
    assert note.ring == alarms[0] and note.until_s == alarms[0].at_s == made.now_s
    assert note.usd == SPEC.page_usd.value


def test_a_monitor_that_has_rung_is_silent_for_a_day_on_that_slice():
    watches = [{"statistic": "found", "window_h": 6, "at": 2}]
    made = play("fog_season", {"kind": "watch", "watches": watches}, *[{"kind": "wait"}] * 6, shape="abrupt")
    rung = [note.ring.at_s for note in made.notes[1:] if note.ring]
    [series] = watched(Watch.model_validate(watches[0]), made.statistics())
    expected, last = [], -np.inf
    for at_s in series.known_s[series.rings]:
        if at_s - last >= DAY_S:
            expected, last = [*expected, at_s], at_s
    assert rung == expected[: len(rung)] and len(rung) >= 3


def test_a_customer_complains_if_nothing_rings():
    made = play("fog_season", {"kind": "watch", "watches": []}, {"kind": "wait"}, {"kind": "wait"}, shape="gentle")
    full = (ONSET + SPEC.ramp_days) * DAY_S
    late = (made.notes[1].until_s - full) / DAY_S
    assert made.notes[1].complaint and made.notes[1].usd == 0
    assert SPEC.complaint_days / 2 <= late <= SPEC.complaint_days
    assert not made.notes[2].complaint and made.now_s == made.end_s


def test_nobody_complains_in_quiet_weeks():
    made = play(None, {"kind": "watch", "watches": []}, {"kind": "wait"})
    assert made.now_s == made.end_s and not made.notes[1].complaint


# Fixes


def test_a_threshold_is_the_one_that_does_least_harm_on_the_labelled_frames():
    made = play("fog_season", wait(120), look("labels", frames=80), look("labels", frames=30), shape="abrupt")
    rows = sorted({int(row) for note in made.notes if note.finding for row in note.finding.labelled})
    frames, there = made.statistics().frames, read_scenes()
    costs = []
    for place, above in enumerate(BINS):
        cost = 0.0
        for row in rows:
            cell, scene = (frames.network[row], frames.given[row]), frames.scene[row]
            mine = (there.boxes.scene == scene) & (there.boxes.area_px >= SPEC.labels.least_area_px)
            for category, score in zip(there.boxes.category[mine], there.box_scores[(*cell, mine)], strict=True):
                cost += SPEC.harm.weights.get(category, 1.0) * (score < above)
            cost += SPEC.harm.needless.value * there.false[(*cell, scene)][place:].sum()
        costs.append(cost)
    assert made.best_bin() == int(np.argmin(costs))
    at_s = made.act(read_actions([fix("threshold")])[0]).until_s
    after = made.statistics().frames
    assert (after.bin[after.at_s >= at_s] == made.best_bin()).all() and (after.bin[after.at_s < at_s] == frames.bin[0]).all()


def test_a_fix_is_in_force_after_its_minutes():
    made = play("swapped_colours", wait(24 * 5), fix("roll_back"), shape="abrupt")
    frames, at_s = made.statistics().frames, START + 5 * DAY_S + HOUR_S
    assert made.shipped[0].at_s == at_s and not frames.struck[frames.at_s >= at_s].any()
    assert frames.struck[(frames.at_s >= ONSET * DAY_S) & (frames.at_s < at_s)].all()


def test_more_replicas_answer_what_was_dropped():
    made = play("overload", wait(24 * 4), fix("more_replicas"), shape="abrupt", per_week=42_000)
    dropped, at_s = made.statistics().frames.served.dropped, made.statistics().frames.at_s
    before = made.statistics(0).frames.served.dropped
    assert before[at_s >= made.now_s].sum() > 100 and not dropped[at_s >= made.now_s + HOUR_S].any()
    assert np.array_equal(dropped[at_s < made.now_s], before[at_s < made.now_s])


def test_a_canary_answers_after_another_network_was_shipped():
    made = play(None, fix("bigger_model"), look("canary"))
    frames, canary = made.statistics().frames, made.canaries[0]
    during = (frames.at_s >= canary.at_s) & (frames.at_s < canary.until_s)
    share = (frames.network[during] == read_scenes().networks[canary.network]).mean()
    assert isinstance(canary, Swapped) and 0.03 < share < 0.2


def test_people_who_look_change_no_answer():
    made = play("fog_season", fix("people"), shape="abrupt")
    assert made.shipped[0].changes == (Reviewed(made.now_s, 40, 0.9, SPEC.fixes["people"].usd_a_frame),)
    assert np.array_equal(
        made.statistics().figure("found"), untouched("fog_season", "abrupt").statistics().figure("found"), equal_nan=True
    )


# What cannot be done


@pytest.mark.parametrize(
    ("action", "stated"),
    [
        (look("lables"), "look: there is no 'lables' in this case; did you mean 'labels'"),
        (look("slices", statistic="fond"), "statistic: there is no 'fond' in this case; did you mean 'found'"),
        (look("slices", statistic="recall"), "labels come late and are few; have frames labelled"),
        (look("pictures", site="depo"), "site: there is no 'depo' in this case; did you mean 'depot'"),
        (fix("rollback"), "fix: there is no 'rollback' in this case; did you mean 'roll_back'"),
        (fix("threshold"), "a threshold is chosen on labelled frames, and there are none yet; have some labelled first"),
        ({"kind": "diagnose", "cause": "fog", "confidence": 1}, "cause: there is no 'fog' in this case"),
        ({"kind": "believe", "shares": {"fog": 1}}, "shares.fog: there is no 'fog' in this case"),
        ({"kind": "believe", "shares": {"fog_season": 0.7, "seasons": 0.5}}, "shares: the shares add up to 1.20; at most 1"),
        ({"kind": "watch", "watches": [{"statistic": "found", "window_h": 120}]}, "watches.window_h: should be 84 at most"),
    ],
)
def test_what_the_case_does_not_have_is_told(action, stated):
    with pytest.raises(ActionError) as caught:
        play("fog_season", action)
    assert stated in str(caught.value)


@pytest.mark.parametrize(
    ("given_", "stated"),
    [
        ([{"kind": "jump"}], "actions: 0: Input tag 'jump'"),
        ([wait(-1)], "actions: 0.wait.hours: Input should be greater than 0"),
        ([{"kind": "watch", "watches": [{"statistic": "fond"}]}], "did you mean 'found'"),
        ([{"kind": "watch", "watches": [{"statistic": "found", "test": "mmd"}]}], "mmd compares features"),
        (
            [{"kind": "watch", "watches": [{"statistic": "recall", "reference": "collected"}]}],
            "the collected images have no recall",
        ),
        ([{"kind": "watch", "watches": [{"statistic": "dropped", "test": "ks"}]}], "is a share or a mean of each window"),
        ([{"kind": "watch", "watches": [{"statistic": "found", "test": "psi", "rings": "p"}]}], "psi gives no p value here"),
        ([{"kind": "watch", "watches": [{"statistic": "found", "rings": "p", "at": 4}]}], "a p value lies between 0 and 1"),
    ],
)
def test_a_script_that_cannot_be_read_is_told(given_, stated):
    with pytest.raises(ActionError) as caught:
        read_actions(given_)
    assert stated in str(caught.value)


def test_a_script_is_read_from_a_file(tmp_path):
    path = tmp_path / "script.yaml"
    path.write_text("- {kind: wait, hours: 5}\n- {kind: look, look: replicas}\n", encoding="utf-8")
    made = Play(case(), secret_of("stale_model", "abrupt"), read_script(path).entries)
    assert [note.action.kind for note in made.notes] == ["wait", "look"]
    path.write_text("- {kind: wait, hours: soon}\n", encoding="utf-8")
    with pytest.raises(ScenarioError, match=r"script\.yaml:1:16: 0\.hours: write a number, .*; got 'soon'"):
        read_script(path)


def test_nothing_can_be_done_after_closing():
    made = play("fog_season", {"kind": "close"})
    with pytest.raises(ActionError, match="look: the incident is over"):
        made.act(read_actions([look("replicas")])[0])


def test_an_action_that_is_refused_changes_nothing():
    made = play("fog_season", wait(5))
    before = state(made)
    for refused in (fix("threshold"), look("nothing_like_it")):
        with pytest.raises(ActionError):
            made.act(read_actions([refused])[0])
    assert state(made) == before
