"""Suspicions of a play over time: the probability that they give the true cause, and their proper score."""

from __future__ import annotations

from dataclasses import dataclass

from simulator.incident.beliefs import many_brier
from simulator.incident.incident_course import IncidentCourse


@dataclass(frozen=True)
class SuspicionScore:
    """Suspicions that were written down at a place of the notebook.

    true_share: their share of the true cause; brier: their score
    likely, likely_brier: the same of the findings up to then; None for a case without a table of signs
    """

    place: int
    at_s: float
    true_share: float
    brier: float
    likely: float | None
    likely_brier: float | None


def equal_brier(causes: int) -> float:
    """Return the score of equal suspicion of every cause."""
    return 1 - 1 / causes


def suspicion_scores(course: IncidentCourse) -> list[SuspicionScore]:
    """Return the score of each record of suspicions, in order."""
    truth, scores = course.play.secret.truth, list[SuspicionScore]()
    for place in course.suspicions:
        note = course.notes[place]
        assert note.beliefs is not None
        likely = course.likely(place)
        scores.append(
            SuspicionScore(
                place,
                note.at_s,
                sum(note.beliefs.shares.get(name, 0.0) for name in truth),
                many_brier(note.beliefs.shares, truth),
                sum(likely.get(name, 0.0) for name in truth) if likely else None,
                many_brier(likely, truth) if likely else None,
            )
        )
    return scores
