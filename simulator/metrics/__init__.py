"""Metrics of runs with 95% intervals: counts of one replication, estimators, comparisons, verdicts.

It may import theory, the engine and what lies below. A family of metrics stands in one file, each record beside its count,
and is registered here.
"""

from simulator.case.outputs import FAMILIES, MetricFamily
from simulator.metrics.ages import ages_of_information
from simulator.metrics.request_metrics import cost, cost_of_found, latencies, outcomes, own_metrics, quality, throughput
from simulator.metrics.stage_metrics import of_stages

#: In the order of the screen.
_FAMILIES = (
    MetricFamily("latencies", latencies),
    MetricFamily("throughput", throughput),
    MetricFamily("cost", cost),
    MetricFamily("cost of found", cost_of_found, part="population"),
    MetricFamily("outcomes", outcomes),
    MetricFamily("quality", quality, part="population"),
    MetricFamily("own", own_metrics, part="own"),
    MetricFamily("stages", of_stages, part="stages"),
    MetricFamily("ages", ages_of_information, part="ages"),
)

FAMILIES.update((family.name, family) for family in _FAMILIES)


def register(family: MetricFamily) -> None:
    """Add a family of metrics to every case that has the part they are about; raises ValueError if its name is taken.

    Call it in a module that worker processes import as well: each process counts with the families that it knows.
    """
    if family.name in FAMILIES:
        raise ValueError(f"there already is a family of metrics '{family.name}'")
    FAMILIES[family.name] = family


def unregister(family: MetricFamily) -> None:
    del FAMILIES[family.name]
