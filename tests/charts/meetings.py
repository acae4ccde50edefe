"""Encounters made by hand, to draw: a vehicle that brakes at a constant 6 m/s^2 from a time on, or never."""

import numpy as np
import pandas as pd

from simulator.vehicle.followed import Followed

DECELERATION = 6.0


def followed(gap_m=35.0, kmh=50.0, seen_s=0.3, confirmed_s=0.5, braking_s=0.7, late_s=0.15, **fields):
    """A pedestrian stands `gap_m` ahead; frames come ten times a second, and their answers `late_s` later.

    A frame finds it from `seen_s` - `late_s` on; times that are None never come.
    """
    speed, never = kmh / 3.6, np.inf
    brakes = never if braking_s is None else braking_s
    stands = brakes + speed / DECELERATION
    needed = gap_m / speed if brakes == never else speed * brakes + speed**2 / (2 * DECELERATION)
    stopped = brakes != never and needed <= gap_m
    if stopped:
        ended, impact = stands, 0.0
    elif brakes * speed >= gap_m:
        ended, impact = gap_m / speed, speed
    else:
        left = gap_m - speed * brakes
        impact = np.sqrt(speed**2 - 2 * DECELERATION * left)
        ended = brakes + (speed - impact) / DECELERATION
    marks = [at for at in (seen_s, confirmed_s, braking_s) if at is not None and at < ended]
    t = np.unique([*np.linspace(0, ended, 77), *marks])
    braked = np.clip(t - brakes, 0, None)
    gap = np.clip(gap_m - speed * t + DECELERATION / 2 * braked**2, 0, None)
    seen, confirmed = (never if at is None else at for at in (seen_s, confirmed_s))
    phase = np.select([t >= brakes, t >= confirmed, t >= seen], ["braking", "confirmed", "seen"], "unseen")
    phase[-1] = "stopped" if stopped else "hit"
    steps = pd.DataFrame(
        {
            "t_s": t,
            "gap_m": gap,
            "believed_gap_m": np.where(t >= seen, gap + speed * late_s, np.nan),
            "lateral_m": 0.0,
            "vehicle_kmh": 3.6 * np.clip(speed - DECELERATION * braked, 0, None),
            "phase": phase,
        }
    )
    captured = np.arange(0, ended, 0.1)
    seen_gap = np.interp(captured, t, gap)
    frames = pd.DataFrame(
        {
            "sensor": "front",
            "seen_by": "kitti.yolox_x",
            "captured_s": captured,
            "answered_s": captured + late_s,
            "height_px": 1.7 * 700 / np.maximum(seen_gap, 1),
            "chance": np.linspace(0.4, 0.95, len(captured)),
            "hit": captured + late_s >= seen - 1e-9,
        }
    )
    told = {"label": "A pedestrian steps out", "object": "pedestrian", "number": 7, "lateral_m": 0.0, "hidden_s": 0.0}
    ends = {"ended_s": float(ended), "stopped": bool(stopped), "impact_kmh": 3.6 * float(impact)}
    return Followed(
        **(told | ends | {"margin_m": float(gap_m - needed)} | fields),
        speed_kmh=kmh,
        appears_gap_m=gap_m,
        steps=steps,
        frames=frames,
        confirmed_s=confirmed_s,
        braking_s=braking_s,
        slowing_s=None,
    )
