"""Bands, and closing speeds of tracks whose speed is known."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from campaigns.drives.bands import bands, closing_speed
from tests.campaigns.drives.folders import drives_of, label

BOX = (100.0, 100.0, 140.0, 140.0)


def test_a_constant_speed_is_found_to_the_ends_of_a_track(tmp_path: Path) -> None:
    # 1.5 m a frame are 15 m/s; the other goes away at 4 m/s.
    labels = [label(frame, 0, "Car", BOX, z=60 - 1.5 * frame) for frame in range(7)]
    labels += [label(frame, 1, "Car", BOX, z=10 + 0.4 * frame) for frame in range(3)]
    drives = drives_of(tmp_path, {"0000": labels})
    speeds = closing_speed(drives.labels)
    assert speeds[drives.labels["track"].eq(0)].tolist() == pytest.approx([15] * 7)
    assert speeds[drives.labels["track"].eq(1)].tolist() == pytest.approx([-4] * 3)


def test_a_gap_ends_what_is_looked_at_and_a_lone_frame_has_no_speed(tmp_path: Path) -> None:
    labels = [label(frame, 0, "Car", BOX, z=60 - frame) for frame in (0, 1, 7)] + [label(0, 1, "Car", BOX)]
    speeds = closing_speed(drives_of(tmp_path, {"0000": labels, "0001": labels[:1]}).labels)
    assert speeds.tolist() == pytest.approx([10, 10, np.nan, np.nan, np.nan], nan_ok=True)


def test_bands_take_their_lower_bound_and_leave_out_their_upper(tmp_path: Path) -> None:
    heights = (24.9, 25, 39.9, 40, 160, 300)
    labels = [label(0, track, "Car", (0, 0, 10, high), z=high / 10) for track, high in enumerate(heights)]
    rows = drives_of(tmp_path, {"0000": labels}).labels
    by_height = {(band.low, band.high): band.rows["track"].tolist() for band in bands(rows, "height_px")}
    assert by_height == {(0, 25): [0], (25, 40): [1, 2], (40, 80): [3], (160, np.inf): [4, 5]}
    by_distance = {(band.low, band.high): band.rows["track"].tolist() for band in bands(rows, "distance_m")}
    assert by_distance == {(0, 10): [0, 1, 2, 3], (10, 20): [4], (30, 50): [5]}
