"""The labelled people that it takes to prove a share, and objectives that the labelled ones of a case cannot prove."""

from __future__ import annotations

from math import ceil, log
from typing import TYPE_CHECKING

from simulator.case.outputs import grouping
from simulator.metrics.estimates import ABOUT
from simulator.metrics.resampled_labels import item_groups, labelled_people

if TYPE_CHECKING:
    from simulator.case.outputs import Metric
    from simulator.engine.plan import Plan

#: An event that did not occur in N trials has a rate below 3 / N, as 0.05 = exp(-3) nearly (one-sided 95%, rule of three).
CHANCE = 0.05


def too_few_labels(plan: Plan, metric: Metric, share: float | None) -> str | None:
    """Say that the labelled people are too few for any design to prove a share; empty where they are enough.

    Empty also where the scores of this design name no one of the group: those of another design may. None where no labelled
    people stand behind the metric.
    """
    behind = labelled_behind(plan, metric)
    if share is None or behind is None:
        return None
    of_class, labelled = behind
    people = plan.scenario.population
    names = (people.negatives, people.positives) if people else ("negatives", "positives")
    whom, error = names[of_class] + group_words(plan, metric), ("a false alarm", "a miss")[of_class]
    if share >= 1:
        return f"No design can prove this here: no number of labelled {whom} proves a share of 100%."
    needed = ceil(log(CHANCE) / log(share)) if share > 0 else 0
    if labelled >= needed or (metric.group and not labelled):
        return ""
    # a group counts people, of each of whom several items may be labelled; the case may speak of the items
    of_people = f"the labelled ones come from {labelled:,.0f} {plan.scenario.who.many}"
    those = of_people if metric.group else f"{labelled:,.0f} were labelled"
    return f"No design can prove this here: it takes {needed:,} {whom} without {error}, and {those}."


def labelled_behind(plan: Plan, metric: Metric) -> tuple[int, float] | None:
    """Return the class that a share is about, 1 for positives, with the number of its labelled; None for other metrics."""
    group = metric.group
    of_class = ABOUT.get(metric.of_all.name if group else metric.name)
    if of_class is None or plan.scores is None:
        return None
    if group is None:
        return of_class[0], (plan.scores.negative_evidence, plan.scores.positive_evidence)[of_class[0]]
    members = item_groups(plan).get(group.key)
    if members is None:
        return None
    return of_class[0], float(labelled_people(next(iter(plan.tables.values())), members)[of_class[0]])


def group_words(plan: Plan, metric: Metric) -> str:
    """Name the group that a metric is about, to stand behind those who are counted; empty where it is about all."""
    group = metric.group
    if group is None:
        return ""
    parts = grouping(plan.scenario.attributes[group.attribute])
    return f" of the group “{parts.label}: {parts.groups[group.value]}”"
