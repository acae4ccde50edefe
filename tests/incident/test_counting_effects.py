"""Faults after the network, of labels, two at once, and faults that come and go; against counts by hand."""

from dataclasses import replace

import numpy as np
import pytest

from simulator.evidence.detection_tables import BINS
from simulator.incident.beliefs import many_brier
from simulator.incident.incident_score import score
from simulator.incident.measured_scenes import read_scenes
from simulator.incident.play import Play
from simulator.incident.player_actions import read_actions
from simulator.incident.secret import DAY_S, draw
from tests.incident.plays import ONSET, case, look, play, secret_of, statistics_of, untouched, wait, with_cause

SPEC = case().incident


def test_a_raised_threshold_counts_from_its_score_on_until_it_is_undone():
    scenario = with_cause({"kind": "counting", "above": 0.7})
    statistics = statistics_of(secret_of("made", scenario=scenario), scenario)
    frames, scenes = statistics.frames, read_scenes()
    after = frames.at_s >= ONSET * DAY_S
    assert (frames.bin[after] == BINS.index(0.7)).all()
    assert (frames.bin[~after] == frames.calm.bin[~after]).all() and (
        frames.calm.bin == scenes.best_bin(("nanodet_m", "fp32"))
    ).all()
    assert statistics.excess[after].sum() > 0


def test_a_frame_keeps_its_surest_detections_up_to_the_most():
    scenario = with_cause({"kind": "counting", "most": 3})
    statistics = statistics_of(secret_of("made", scenario=scenario), scenario)
    frames, found = statistics.frames, statistics.figure("found")
    after = frames.at_s >= ONSET * DAY_S
    calm = read_scenes().tails[0][frames.network, frames.given, frames.scene, frames.calm.bin]
    few = after & (calm <= 3)
    assert found[after].max() <= max(3, read_scenes().counts[frames.network, frames.given, frames.scene, -1].max())
    assert (found[few] == calm[few]).all() and (found[after & ~few] < calm[after & ~few]).all()


def test_a_replay_tells_a_cap_from_a_threshold():
    signs = {cause: play(cause, wait(24 * 5), look("replay"), shape="abrupt").notes[-1].finding.sign
             for cause in ("capped_boxes", "raised_threshold")}  # fmt: skip
    assert signs == {"capped_boxes": "fewer in full frames", "raised_threshold": "fewer"}


def test_an_old_processor_runs_the_tested_file_with_other_answers():
    made = play("old_nodes", wait(24 * 5), look("replicas"), shape="abrupt")
    table = made.notes[-1].finding.table.set_index("replica")
    replicas = table.drop(index="tested")
    assert replicas["model file"].nunique() == 1 and set(replicas["precision"]) == {"int8_all"}
    assert (replicas["processor"] == "older").sum() == 1
    frames, networks = made.statistics().frames, read_scenes().networks
    after = (frames.at_s >= ONSET * DAY_S) & ~frames.served.dropped
    assert set(np.unique(frames.network[after])) == {networks["nanodet_m", "int8_all"], networks["fastestdet", "fp32"]}


def test_slips_of_labels_lower_recall_and_an_audit_tells_them_from_a_guideline():
    calm, slipped = (untouched(cause, "abrupt").statistics().labelled() for cause in ("nothing", "label_slips"))
    after = untouched("nothing").statistics().frames.at_s >= ONSET * DAY_S
    assert np.nansum(slipped[0][after]) == pytest.approx(0.7 * np.nansum(calm[0][after]))
    assert np.nansum(slipped[1]) == pytest.approx(np.nansum(calm[1]))
    signs = [
        play(cause, wait(24 * 5), look("audit")).notes[-1].finding.sign for cause in ("label_slips", "guideline", "nothing")
    ]
    assert signs == ["boxes elsewhere", "other labels", "same labels"]


def test_an_intermittent_cause_comes_and_goes():
    frames = untouched("jpeg_crushed", "intermittent", seed=3).statistics().frames
    rows = (frames.at_s >= ONSET * DAY_S) & (frames.site == np.unique(frames.site[frames.struck])[0])
    share = frames.struck[rows].mean()
    assert 0.1 < share < 0.8 and (np.diff(frames.struck[rows].astype(int)) != 0).sum() > 4


def test_one_loose_camera_leaves_the_others_of_its_site():
    frames = untouched("loose_camera", "abrupt").statistics().frames
    assert len(np.unique(frames.camera[frames.struck])) == 1


def two():
    secret = replace(secret_of("fog_season", "abrupt"), second="raised_threshold")
    actions = [{"kind": "wait", "hours": 100}, {"kind": "diagnose", "cause": "raised_threshold", "confidence": 0.5,
                "others": {"fog_season": 0.5}}, {"kind": "fix", "fix": "roll_back"}, {"kind": "close"}]  # fmt: skip
    return Play(case(), secret, read_actions(actions))


def test_two_causes_at_once_harm_together_and_either_name_is_right():
    made = two()
    found, alone = score(made), untouched("fog_season", "abrupt").statistics()
    assert found.right and found.brier == pytest.approx(0) and 0.2 < found.fixes[0].took_away < 1
    assert made.statistics(0).excess.sum() > alone.excess.sum()
    assert many_brier({"fog_season": 1.0}, made.secret.truth) == pytest.approx(0.5)


def test_seeds_draw_causes_as_often_as_the_case_says_and_few_pairs():
    drawn = [draw(case(), seed) for seed in range(1, 1500)]
    harmful = [secret for secret in drawn if not SPEC.causes[secret.cause].harmless]
    pairs = [secret for secret in harmful if secret.second]
    assert 0.04 < len(pairs) / len(harmful) < 0.13
    shown = [(SPEC.causes[one.cause].changes_pictures, SPEC.causes[one.second].changes_pictures) for one in pairs]
    assert (True, True) not in shown
    assert all(secret.second != secret.cause and not SPEC.causes[secret.second].harmless for secret in pairs)
