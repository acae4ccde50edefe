"""Looks that answer the player's question: a query against sums by hand, words of people, and the test set."""

import numpy as np
import pytest

from simulator.evidence.detection_tables import BINS
from simulator.incident.asked_looks import frame_log
from simulator.incident.player_actions import ActionError
from simulator.incident.secret import DAY_S
from tests.incident.plays import case, look, play, wait

SPEC = case().incident


def found(cause, *looks, **made):
    return play(cause, wait(24 * 5), *looks, **made).notes[-1].finding


def test_a_query_gives_the_mean_of_each_group_of_the_frames_it_keeps():
    made = play("blurred_camera", wait(24 * 5), look("query", statistic="bytes", groups=["site"], only={"version": "v41"}))
    table = made.notes[-1].finding.table.set_index("site")
    frames, values = made.statistics().frames, made.statistics().figure("bytes")
    lately = (frames.at_s < made.now_s) & (frames.at_s >= made.now_s - DAY_S) & np.isfinite(values)
    sites = [name for name, site in SPEC.sites.items() if site.version == "v41"]
    assert list(table.index) == sorted(sites)
    for name in sites:
        rows = lately & (frames.site == list(SPEC.sites).index(name))
        assert table.loc[name, "frames"] == rows.sum()
        assert table.iloc[:, 1][name] == pytest.approx(values[rows].mean())
        assert table.loc[name, "low"] < table.iloc[:, 1][name] < table.loc[name, "high"]


def test_a_query_of_one_group_says_its_mean():
    finding = found("blurred_camera", look("query", statistic="found"))
    (frames, mean) = finding.table.iloc[0, :2]
    assert finding.sentence.endswith(f"{frames:,.0f} frames.") and f": {mean:.3g} (" in finding.sentence


def test_the_log_of_frames_numbers_the_cameras_of_each_site():
    made = play("blurred_camera", wait(24 * 5))
    log = frame_log(made.view(), "found", 24)
    cameras = {site: set(log.loc[log["site"] == site, "camera"]) for site in SPEC.sites}
    assert all(cameras[site] <= {f"{site} {place + 1}" for place in range(one.cameras)} for site, one in SPEC.sites.items())


def test_a_query_with_an_unknown_column_names_the_columns():
    with pytest.raises(ValueError, match=r"site.*camera"):
        play("blurred_camera", look("query", groups=["weather"]))


def test_people_answer_late_and_a_worry_may_belong_to_another_cause():
    finding = found("label_slips", look("ask", person="data"))
    assert finding.sign in ("a worry", "nothing new") and finding.sentence.startswith("The data team: “")
    said = {play("nothing", look("ask", person="site"), seed=seed).notes[-1].finding.sign for seed in range(1, 12)}
    assert said == {"a worry", "nothing new"}  # people talk of other things in vain
    noticed = [play("seasons", wait(24 * 5), look("ask", person="site"), seed=seed).notes[-1] for seed in range(1, 12)]
    own = sum(SPEC.causes["seasons"].says["site"] in note.finding.sentence for note in noticed)
    assert own >= 5 and noticed[0].until_s - noticed[0].at_s == 60 * SPEC.looks["ask"].minutes


def test_copies_of_training_images_show_a_test_set_that_promised_too_much():
    assert found("copied_tests", look("evaluation")).sign == "copies"
    assert found("nothing", look("evaluation")).sign == "few copies"


def test_a_person_who_is_not_there_is_refused():
    with pytest.raises((ActionError, ValueError), match="person"):
        play("nothing", look("ask", person="boss"))


def test_a_query_by_size_adds_up_to_the_right_detections_of_the_frames():
    """Right detections are those that count less the false ones among them; each has one labelled box of one size."""
    made = play("fog_season", wait(24 * 5), look("query", groups=["size"]), shape="abrupt")
    table, frames, scenes = made.notes[-1].finding.table, made.statistics().frames, made.scenes
    rows = (frames.at_s < made.now_s) & (frames.at_s >= made.now_s - 24 * 3600) & ~frames.served.dropped
    cell = frames.network[rows], frames.given[rows], frames.scene[rows], frames.bin[rows]
    right = (scenes.tails[0][cell] - scenes.tails[1][cell]).astype(float)
    assert set(table["size"]) <= {"small", "medium", "large"} and set(table["frames"]) == {rows.sum()}
    assert table["detections a frame"].sum() == pytest.approx(right.mean(), rel=0.02)


def test_a_query_keeps_one_object_and_counts_frames_without_it():
    only = {"object": "person", "size": "large"}
    made = play(
        None, wait(24 * 5), look("query", groups=["site"], only=only), look("query", groups=["site", "object"], hours=6)
    )
    first, second = (note.finding.table for note in made.notes[-2:])
    assert len(first) == 6 and (first["low"] <= first["detections a frame"]).all()
    [depot] = first[first["site"] == "depot"]["detections a frame"]
    frames, scenes = made.statistics().frames, made.scenes
    at_s = made.notes[-2].until_s
    site = list(made.spec.sites).index("depot")
    rows = np.flatnonzero(
        (frames.at_s < at_s) & (frames.at_s >= at_s - 24 * 3600) & (frames.site == site) & ~frames.served.dropped
    )
    boxes, expected = scenes.boxes, 0
    for row in rows:
        own = (boxes.scene == frames.scene[row]) & (boxes.category == "person") & (boxes.area_px >= 96**2)
        expected += (scenes.box_scores[frames.network[row], frames.given[row], own] >= BINS[frames.bin[row]]).sum()
    assert depot == pytest.approx(expected / len(rows))
    assert {"site", "object", "frames", "detections a frame"} <= set(second.columns) and len(second) <= 201
