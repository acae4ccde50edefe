"""The names of the metrics that a run reports."""

from collections.abc import Mapping
from typing import Any

LATENCIES = ("latency_mean_s", "latency_p50_s", "latency_p95_s", "latency_p99_s")
SHARES = ("done_share", "shed_share", "timed_out_share", "failed_share", "unfinished_share")
QUALITIES = ("sensitivity", "specificity", "missed_per_1000", "referred_share")


def metric_names(kinds: Mapping[str, Any], tags: list[str], classes: Mapping[str, Any], has_population: bool) -> list[str]:
    """Every metric that a run can report, in the order of the screen.

    kinds: stage to kind; tags: what gates call their routes; classes: of requests, to whether they have a deadline;
    has_population: whether requests are positives or negatives.
    """
    names = [*LATENCIES, *(f"latency_p95_s.{name}" for name in classes), *(["on_time_share"] if any(classes.values()) else [])]
    names += ["throughput_per_s", "cost_per_1000_usd", *SHARES, *(QUALITIES if has_population else ())]
    served = [name for name, kind in kinds.items() if kind in ("pool", "people")]
    names += [f"utilization.{stage}" for stage in served]
    for stage in served:
        names += [f"wait_p50_s.{stage}", f"wait_p95_s.{stage}"]
        names += [f"wait_p95_s.{stage}.{tag}" for tag in tags if kinds[stage] == "people"]
    for stage in (name for name, kind in kinds.items() if kind == "retry"):
        names += [f"retries_per_request.{stage}", f"exhausted_share.{stage}"]
    for stage in (name for name, kind in kinds.items() if kind == "join"):
        names += [f"incomplete_share.{stage}", f"late_share.{stage}"]
    return names
