"""Intervals of frames that resemble each other: against variances and an exact interval that can be worked out."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from campaigns.drives.read import Drives
from campaigns.drives.resample import resample, share, shares
from tests.campaigns.drives.folders import drives_of, label

BOX = (100.0, 100.0, 200.0, 200.0)


def drives_with(folder: Path, tracks: int, drives: int, frames: int = 1) -> Drives:
    lines = [label(frame, track, "Car", BOX) for frame in range(frames) for track in range(tracks)]
    return drives_of(folder, {f"{number:04d}": lines for number in range(drives)})


def test_each_resample_draws_as_many_drives_as_there_are_and_tracks_of_drawn_drives_alone(tmp_path: Path) -> None:
    drawn = resample(drives_with(tmp_path, tracks=3, drives=5), 50)
    assert drawn.weights.shape == (50, 15) and drawn.drives.shape == (50, 5)
    assert (drawn.drives.sum(axis=1) == 5).all()
    of_drives = drawn.weights.reshape(50, 5, 3).sum(axis=2)
    assert (of_drives == 3 * drawn.drives).all()
    assert (drawn.drives == 0).any() and (drawn.weights > 1).any()


def test_fewer_resamples_are_the_first_and_the_seed_decides(tmp_path: Path) -> None:
    drives = drives_with(tmp_path, tracks=3, drives=5)
    many = resample(drives, 20)
    assert (resample(drives, 8).weights == many.weights[:8]).all()
    assert (resample(drives, 20, seed=2).weights != many.weights).any()


def test_tracks_of_one_drive_spread_as_a_share_does(tmp_path: Path) -> None:
    # 40 independent tracks of one box each in one drive, 10 of them found: the deviation of a share of 1/4 of 40.
    drives = drives_with(tmp_path, tracks=40, drives=1)
    drawn = resample(drives, 4000)
    hits = drives.labels["track"].lt(10)
    assert shares(drawn, drives.labels, hits).std() == pytest.approx(np.sqrt(0.25 * 0.75 / 40), rel=0.05)


def test_more_frames_of_a_track_make_no_interval_narrower(tmp_path: Path) -> None:
    widths = []
    for frames in (1, 8):
        drives = drives_with(tmp_path / str(frames), tracks=20, drives=2, frames=frames)
        found = share(resample(drives), drives.labels, drives.labels["track"].lt(10))
        widths.append(found.high - found.low)
    assert widths[0] == pytest.approx(widths[1]) and widths[0] > 0.2


def test_drives_that_differ_spread_as_drives_not_as_tracks(tmp_path: Path) -> None:
    # In 4 of 8 drives every track is found, in the others none: only the 8 drives are independent.
    drives = drives_with(tmp_path, tracks=25, drives=8)
    spread = shares(resample(drives, 4000), drives.labels, drives.labels["drive"].lt("0004")).std()
    assert spread == pytest.approx(np.sqrt(0.25 / 8), rel=0.05)


def test_where_all_are_found_the_interval_is_that_of_so_many_tracks(tmp_path: Path) -> None:
    drives = drives_with(tmp_path, tracks=30, drives=1, frames=3)
    everything = np.ones(len(drives.labels), bool)
    found = share(resample(drives), drives.labels, everything)
    assert (found.value, found.high) == (1, 1)
    assert found.low == pytest.approx(0.025 ** (1 / 30))  # Clopper and Pearson 1934, without a failure
    nothing = share(resample(drives), drives.labels, ~everything)
    assert (nothing.low, nothing.high) == (0, pytest.approx(1 - 0.025 ** (1 / 30)))


def test_places_known_beforehand_change_nothing(tmp_path: Path) -> None:
    drives = drives_with(tmp_path, tracks=3, drives=2)
    drawn = resample(drives, 20)
    rows, hits = drives.labels[drives.labels["track"].gt(0)], [True, False, True, True]
    assert (shares(drawn, drawn.placed(rows), np.array(hits)) == shares(drawn, rows, np.array(hits))).all()


def test_what_was_not_drawn_has_no_share(tmp_path: Path) -> None:
    drives = drives_with(tmp_path, tracks=1, drives=3)
    drawn = resample(drives, 200)
    one = drives.labels[drives.labels["drive"].eq("0001")]
    found = shares(drawn, one, np.array([True]))
    assert (np.isnan(found) == (drawn.drives[:, 1] == 0)).all() and np.isnan(found).any()
    assert share(replace(drawn, weights=drawn.weights), one, np.array([True])).value == 1
