"""Drawings of frames: boxes that were found, and nothing that names the condition."""

import io

import numpy as np
from PIL import Image

from simulator.evidence.detection_tables import BINS
from simulator.incident.pictures import _FOUND, HEIGHT, IN_A_ROW, WIDTH, drawn_frame, sheet
from tests.incident.plays import look, play, wait


def of_cause(cause, **asked):
    made = play(cause, wait(24 * 5), look("pictures", **asked), shape="abrupt")
    return made, made.notes[-1].finding


def test_a_sheet_has_a_drawing_a_frame():
    made, finding = of_cause("fog_season")
    now, then = finding.shown
    assert len(now) == len(then) == 12
    picture = Image.open(io.BytesIO(sheet(made.scenes, made.statistics().frames, now)))
    assert picture.size == (IN_A_ROW * (WIDTH + 6) - 6, 4 * (HEIGHT + 6) - 6)


def test_a_frame_has_yellow_boxes_where_the_detector_found_something():
    made, finding = of_cause("swapped_colours")
    frames, scenes = made.statistics().frames, made.scenes
    for row in map(int, finding.shown[0]):
        boxes = scenes.boxes.scene == frames.scene[row]
        hits = scenes.box_scores[frames.network[row], frames.given[row], boxes] >= BINS[int(frames.bin[row])]
        yellow = (np.asarray(drawn_frame(scenes, frames, row)) == _FOUND).all(axis=2).any()
        assert yellow == hits.any()


def test_the_words_of_pictures_name_no_condition_and_no_group():
    for cause in ("fog_season", "blocked_view", "novel_objects"):
        _, finding = of_cause(cause, site="station", part="day", pick="least sure")
        assert finding.sign == "" and not len(finding.table)
        assert finding.sentence == "12 frames of the last day beside 12 of the first days, Station by day, least sure."


def test_pictures_of_missed_objects_are_labelled_frames_with_a_miss():
    made, finding = of_cause("int8_rollout", pick="missed by labels")
    hit, there = made.statistics().labelled()
    assert all(hit[row] < there[row] for rows in finding.shown for row in rows)


def test_fog_is_brighter_than_the_clear_picture_of_its_scene():
    made, finding = of_cause("fog_season")
    frames, names = made.statistics().frames, list(made.scenes.settings)
    foggy = [row for row in finding.shown[0] if names[int(frames.seen[row])][0] == "fog"]
    clear = [row for row in finding.shown[1] if names[int(frames.seen[row])][0] == "clean"]
    mean = [np.mean([np.asarray(drawn_frame(made.scenes, frames, int(row))).mean() for row in rows]) for rows in (foggy, clear)]
    assert mean[0] > mean[1] + 20
