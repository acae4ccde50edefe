"""Scores of predictions: the interval score of a 90% interval, and the share of intervals that held."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from simulator.session.session_state import SessionPrediction

#: A person gives intervals that should hold nine times in ten.
ALPHA = 0.1

#: What an interval score is, in a sentence for the person.
SCORE_WORDS = f"Interval score: the width, plus {2 / ALPHA:g} times the distance of a result outside. Smaller is better."


def interval_score(low: float, high: float, value: float, alpha: float = ALPHA) -> float:
    """Return the interval score of Gneiting and Raftery (2007), in the unit of the value; smaller is better.

    It is the width, plus 2/alpha times the distance of the value from the interval. The score is proper: its expectation is
    smallest where the ends are the quantiles alpha/2 and 1 - alpha/2 of a person's belief.
    """
    return (high - low) + 2 / alpha * (max(low - value, 0.0) + max(value - high, 0.0))


def is_informed(predictions: Iterable[SessionPrediction]) -> bool:
    """Return whether a person's intervals score better, on average, than intervals from zero to twice each result.

    Such an interval always holds and says little; its score is twice the result. A result of zero is left out.
    """
    settled = [one.settled for one in predictions if one.settled is not None and one.settled.score is not None]
    relative = [one.score / abs(one.value) for one in settled if one.score is not None and one.value]
    return bool(relative) and sum(relative) < 2 * len(relative)


class HeldIntervals(NamedTuple):
    """The number of intervals that held their value, of those that are settled."""

    held: int
    settled: int


def calibration(predictions: Iterable[SessionPrediction]) -> HeldIntervals:
    """Count the settled interval predictions, of one session or of many, and those that held."""
    held = [one.settled.held for one in predictions if one.metric is not None and one.settled is not None]
    known = [one for one in held if one is not None]
    return HeldIntervals(sum(known), len(known))
