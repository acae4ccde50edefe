"""Boxes moved on by the age of the answer: a Kalman filter whose boxes keep their speed.

Each side of a box has a place and a speed in pixels a frame. The noise grows with the height of the box, as in DeepSORT (Wojke,
Bewley and Paulus 2017), whose 1/20 of the height for a measured side is taken over. For the change of speed its 1/160 is too
little at 10 frames a second; between 1/40 and 1/10 of the height a frame the result hardly depends on it.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from filterpy.common import Q_discrete_white_noise
from filterpy.kalman import KalmanFilter
from numpy.typing import NDArray

from campaigns.drives.read import BOX

Floats = NDArray[np.float64]

#: Standard deviations as parts of the box's height: of a measured side; of a change of speed in a frame, in pixels a frame;
#: of the speed when a track begins.
MEASURED = 1 / 20
CHANGE = 1 / 20
FIRST_SPEED = 1 / 2

_SIDES = len(BOX)
_STEP = np.kron([[1.0, 1.0], [0.0, 1.0]], np.eye(_SIDES))
_NOISE = Q_discrete_white_noise(dim=2, dt=1.0, var=CHANGE**2, block_size=_SIDES, order_by_dim=False)


def filtered(answers: pd.DataFrame) -> pd.DataFrame:
    """Return a tracker's answers with the filter's state: boxes, and a speed_<side> in pixels a frame for each side.

    A state knows only what was reported of its track up to that frame.
    """
    states = np.empty((len(answers), 2 * _SIDES))
    frames, boxes = answers["frame"].to_numpy(), answers[BOX].to_numpy(float)
    for rows in answers.groupby(["drive", "track"]).indices.values():
        in_order = rows[np.argsort(frames[rows])]
        states[in_order] = track_states(frames[in_order], boxes[in_order])
    return answers.assign(**dict(zip([*BOX, *(f"speed_{side}" for side in BOX)], states.T, strict=True)))


def track_states(frames: NDArray[np.int64], boxes: Floats) -> Floats:
    """Return a filter's state of one track at each of its frames (gaps allowed): four sides, then their speeds, (n, 8).

    boxes: left, top, right, bottom in pixels, shape (n, 4)
    """
    track = _begun(boxes[0])
    states = [track.x.copy()]
    for gap, box in zip(np.diff(frames), boxes[1:], strict=True):
        noise = _height(box) ** 2
        for _ in range(int(gap)):
            track.predict(Q=_NOISE * noise)
        track.update(box, R=np.eye(_SIDES) * MEASURED**2 * noise)
        states.append(track.x.copy())
    return np.stack(states)


def _begun(box: Floats) -> KalmanFilter:
    """Return a track's filter after its first box, whose speed is unknown."""
    track = KalmanFilter(dim_x=2 * _SIDES, dim_z=_SIDES)
    track.x = np.concatenate([box, np.zeros(_SIDES)])
    track.F, track.H = _STEP, np.eye(_SIDES, 2 * _SIDES)
    track.P = np.diag(np.repeat([MEASURED**2, FIRST_SPEED**2], _SIDES)) * _height(box) ** 2
    return track


def _height(box: Floats) -> float:
    return float(box[3] - box[1])


def moved_on(states: pd.DataFrame, frames: int) -> pd.DataFrame:
    """Return the result of `filtered` with each box moved on by N frames at its speed."""
    return states.assign(**{side: states[side] + frames * states[f"speed_{side}"] for side in BOX})
