"""Frames in, Plotly figures out: one function a chart."""

from simulator.ui.charts.ages import age_over_time, age_shares
from simulator.ui.charts.answer_times import answer_times
from simulator.ui.charts.batches import batch_timeline
from simulator.ui.charts.cameras import machines_by_sensor
from simulator.ui.charts.compared import answer_times_compared
from simulator.ui.charts.costs import cost_split
from simulator.ui.charts.crowd import crowd
from simulator.ui.charts.detectors import PRECISIONS, ap_by_condition, ap_by_precision, image_shifts, recall_by_box_height
from simulator.ui.charts.encounter import encounter
from simulator.ui.charts.fidelity import FIGURES, error_by_load, forecasts_against_runs, simulated_against_real
from simulator.ui.charts.flows import journeys
from simulator.ui.charts.front import front_chart, parallel_chart
from simulator.ui.charts.groups import by_group, by_prevalence
from simulator.ui.charts.latencies import (
    MOST_CURVES,
    cell_table,
    growing_curve,
    latency_curves,
    speed_of_precisions,
    step_times,
)
from simulator.ui.charts.levers import lever_chart
from simulator.ui.charts.look import Chart, rounded
from simulator.ui.charts.overload import goodput_over_time
from simulator.ui.charts.projection import comparisons, projected_against_published
from simulator.ui.charts.queues import queues
from simulator.ui.charts.reliability import kept_promises, reliability
from simulator.ui.charts.request_path import one_request
from simulator.ui.charts.scores import compared_curves, specificity_by_table
from simulator.ui.charts.sight import accuracy_by_latency, recall_by_distance
from simulator.ui.charts.threshold import referrals_by_sensitivity, roc, with_tried
from simulator.ui.charts.tradeoffs import flip_chart, influence_chart, load_chart
from simulator.ui.charts.transfer import field_drop, optimism, threshold_transfers
from simulator.ui.charts.vehicle import vehicle_cost
from simulator.ui.charts.waiting import queue_over_time

__all__ = [
    "FIGURES",
    "MOST_CURVES",
    "PRECISIONS",
    "Chart",
    "accuracy_by_latency",
    "age_over_time",
    "age_shares",
    "answer_times",
    "answer_times_compared",
    "ap_by_condition",
    "ap_by_precision",
    "batch_timeline",
    "by_group",
    "by_prevalence",
    "cell_table",
    "compared_curves",
    "comparisons",
    "cost_split",
    "crowd",
    "encounter",
    "error_by_load",
    "field_drop",
    "flip_chart",
    "forecasts_against_runs",
    "front_chart",
    "goodput_over_time",
    "growing_curve",
    "image_shifts",
    "influence_chart",
    "journeys",
    "kept_promises",
    "latency_curves",
    "lever_chart",
    "load_chart",
    "machines_by_sensor",
    "one_request",
    "optimism",
    "parallel_chart",
    "projected_against_published",
    "queue_over_time",
    "queues",
    "recall_by_box_height",
    "recall_by_distance",
    "referrals_by_sensitivity",
    "reliability",
    "roc",
    "rounded",
    "simulated_against_real",
    "specificity_by_table",
    "speed_of_precisions",
    "step_times",
    "threshold_transfers",
    "vehicle_cost",
    "with_tried",
]
