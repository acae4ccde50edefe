"""Frames in, Plotly figures out: one function a chart."""

from simulator.charts.answer_times import answer_times
from simulator.charts.batches import batch_timeline
from simulator.charts.costs import cost_split
from simulator.charts.flows import journeys
from simulator.charts.goodput import goodput_over_time
from simulator.charts.look import Chart
from simulator.charts.objectives import asked, interval_of, objective_chart
from simulator.charts.queues import queues
from simulator.charts.threshold import referrals_by_sensitivity, roc
from simulator.charts.waiting import queue_over_time
from simulator.charts.way import one_request

__all__ = [
    "Chart",
    "answer_times",
    "asked",
    "batch_timeline",
    "cost_split",
    "goodput_over_time",
    "interval_of",
    "journeys",
    "objective_chart",
    "one_request",
    "queue_over_time",
    "queues",
    "referrals_by_sensitivity",
    "roc",
]
