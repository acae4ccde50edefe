"""What can be known without a run: visits to stages, the load on them, and closed forms that runs are tested against."""

from simulator.serving.theory.age import (
    dm1_age,
    dm1_peak_age,
    mm1_age,
    mm1_age_above,
    mm1_age_quantile,
    mm1_peak_age,
    newest_waits_age,
    preemptive_age,
)
from simulator.serving.theory.flows import visit_ratios
from simulator.serving.theory.loads import Load, capacity_per_s, loads, retries_of
from simulator.serving.theory.queues import BatchQueue, batch_queue, fork_join_response, mg1_wait, mmc_wait

__all__ = [
    "BatchQueue",
    "Load",
    "batch_queue",
    "capacity_per_s",
    "dm1_age",
    "dm1_peak_age",
    "fork_join_response",
    "loads",
    "mg1_wait",
    "mm1_age",
    "mm1_age_above",
    "mm1_age_quantile",
    "mm1_peak_age",
    "mmc_wait",
    "newest_waits_age",
    "preemptive_age",
    "retries_of",
    "visit_ratios",
]
