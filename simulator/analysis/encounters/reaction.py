"""How long a design takes from a frame to the brakes."""

from __future__ import annotations

import numpy as np

from simulator.analysis.encounters.meeting import Meeting


def reaction_s(meeting: Meeting) -> float | None:
    """The time from the capture of a frame until the brakes hold, in s: None where no frame was answered.

    The median of how long an answer takes, half a tick of the planner, which is the mean wait for the next one, and the delay
    of the brakes.
    """
    answers, rule = meeting.answers, meeting.rule
    told = np.isfinite(answers.known)
    if not told.any():
        return None
    return float(np.median(answers.known[told] - answers.captured[told])) + rule.period_s / 2 + rule.actuation_s
