"""Scores of predictions: the interval score of a 90% interval, and the share of intervals that held."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from statistics import mean
from typing import TYPE_CHECKING, NamedTuple

from simulator.phrases import phrase

if TYPE_CHECKING:
    from simulator.case.schema import Scenario
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


#: Intervals that span this part of their scales or more, on average, say nothing; nor do those that score as much.
WIDE = 0.6

#: The scale of a metric, in a sentence for the person.
SCALE_WORDS = (
    "The scale of a share goes from 0% to 100%. That of another figure has zero at 0%, the bound of its objective at 50%, "
    "three times the bound at 75%, and so on."
)


class ScaledInterval(NamedTuple):
    """A settled interval beside the scale of its metric: the part that it spans, at most 1, and its score as such a part."""

    span: float
    score: float


def on_its_scale(scenario: Scenario, prediction: SessionPrediction) -> ScaledInterval | None:
    """Return a settled interval on the scale of its metric; None for a stage, and without a result.

    A share is its own scale. Another figure x with the bound b of its objective (1 without one) is placed at x / (x + b). No
    scale depends on the result, and each rises with its figure, so the score stays proper (Gneiting and Raftery 2007,
    equation 42). An interval over the whole scale always holds and says nothing; its score is 1.
    """
    end, low, high = prediction.settled, prediction.low, prediction.high
    if end is None or end.value is None or low is None or high is None or prediction.metric is None:
        return None
    metric = scenario.metrics.get(prediction.metric)
    bound = next((abs(goal.bound) for goal in scenario.objectives if goal.metric == prediction.metric), 0.0) or 1.0
    if metric is not None and metric.unit == "share":
        placed = [min(max(figure, 0.0), 1.0) for figure in (low, high, end.value)]
    else:
        placed = [figure / (figure + bound) for figure in (max(figure, 0.0) for figure in (low, high, end.value))]
    return ScaledInterval(placed[1] - placed[0], interval_score(*placed))


def scaled(scenario: Scenario, predictions: Iterable[SessionPrediction]) -> list[ScaledInterval]:
    """Return the settled intervals that have a scale."""
    return [placed for prediction in predictions if (placed := on_its_scale(scenario, prediction)) is not None]


def is_informed(scenario: Scenario, predictions: Iterable[SessionPrediction]) -> bool:
    """Return whether intervals say something: their mean score, which is no smaller than their mean span, is below `WIDE`."""
    intervals = scaled(scenario, predictions)
    return bool(intervals) and mean(interval.score for interval in intervals) < WIDE


def held_words(scenario: Scenario, predictions: Sequence[SessionPrediction]) -> str:
    """Return the number of intervals that held, and the part of the scale that they span; empty without a settled one."""
    ends = [prediction.settled.held for prediction in predictions if prediction.metric is not None and prediction.settled]
    settled, intervals = [held for held in ends if held is not None], scaled(scenario, predictions)
    if not settled:
        return ""
    span = mean(interval.span for interval in intervals) if intervals else 0.0
    slots = {"held": sum(settled), "settled": len(settled), "span": span, "wide": span >= WIDE}
    return phrase("predictions.held", **slots, placed=bool(intervals))
