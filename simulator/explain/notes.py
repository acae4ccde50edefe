"""Notes on a run: overload, percentiles that it cannot quote, thresholds, and the labelled people that prove a share."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from math import ceil, isfinite, log
from typing import TYPE_CHECKING

from simulator.case.outputs import grouping
from simulator.explain.claims import Claim, figure, load_claim, on_metric
from simulator.metrics.estimates import ABOUT
from simulator.metrics.resampled_labels import item_groups, labelled_people
from simulator.metrics.stage_metrics import StageTimes, clock, last_change
from simulator.metrics.summary import POSITIVES_FOR_99, POSITIVES_FOR_99_WITH_ONE_MISS, Summary, grows, idle_labels
from simulator.theory.loads import loads
from simulator.units import significant

if TYPE_CHECKING:
    from simulator.case.outputs import Metric
    from simulator.engine.compiled_plan import Plan


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


#: The population of a note that counts nothing.
NOTE = "note"

_TURNED_AWAY = "{0} that find the queue full, or wait too long, are turned away."

_GROWS = "There is no steady state: the queue grows as long as {1} arrive, so no 95th or 99th percentile can be quoted."


def notes_of(summary: Summary) -> list[Claim]:
    """Claim everything that a reader of the figures has to know, the most important first."""
    plan, idle = summary.plan, idle_labels(summary.plan, summary.stages)
    notes = [
        *map(_note, filter(None, [plan.outside_brief])),
        *(_note(warning) for warning in plan.warnings if not any(warning.startswith(f"{label}: ") for label in idle)),
        *([_note(summary.warm_up.sentence, "warm-up")] if summary.warm_up else []),
        *_overload(summary),
        *_peaks(summary),
        *_too_short(summary),
        *(on_metric(withheld.metric, "is", None, withheld.sentence) for withheld in summary.withheld),
        *(
            Claim(f"threshold of {limit.gate}, {limit.route}", "is", limit.reached,
                  unit="share", words=limit.sentence, evidence="table")
            for limit in summary.thresholds
        ),
        *_found_instead(summary),
        *_few_positives(summary),
        *([_note(summary.mlperf.sentence, "MLPerf")] if summary.mlperf else []),
    ]  # fmt: skip
    already = {note.words for note in notes}
    for name, edge in summary.at_edges.items():
        place = f"{name} edge of the projection"
        notes += [
            replace(note, subject=f"{note.subject} at the {place}", words=f"At the {place}: {note.words}", parts=())
            for note in notes_of(edge)
            if note.words not in already
        ]
    return notes


def _note(words: str, subject: str = NOTE) -> Claim:
    return Claim(subject, "is", population=NOTE, words=words)


def _too_short(summary: Summary) -> Iterator[Claim]:
    """Claim of a run that stands for a longer one that its waits are too short, where a queue grows at the busiest time."""
    plan = summary.plan
    if plan.scenario.run.stands_for_days is None:
        return
    for load in (load for load in loads(plan) if load.peak is not None and load.peak >= 1):
        label, times = plan.scenario.stages[load.stage].label, f"{plan.scenario.run.pace:.3g} times as long"
        words = (
            f"{label}: its queue grows at the busiest time, in reality for {times}. Waits are too short here: simulate it all."
        )
        yield _note(words)


def _overload(summary: Summary) -> Iterator[Claim]:
    stages = summary.plan.scenario.stages
    for name, times in summary.stages.items() if summary.plan.scenario.arrivals.has_rate else ():
        if load := _overloaded(summary, name, times):
            yield replace(load, words=f"{stages[name].label}: {load.words}")


def _overloaded(summary: Summary, name: str, times: StageTimes) -> Claim | None:
    plan = summary.plan
    since = f"from {clock(plan.scenario, last_change(plan, name))} on"
    bounded = plan.scenario.stages[name].service.is_bounded
    many = plan.scenario.unit.many
    then = (_GROWS if grows(plan, name, times) else _TURNED_AWAY).format(many.capitalize(), many)
    if min(times.load, times.late_load) >= 1:
        return load_claim(name, times.load, f"{_much(times.load)}. {then}")
    if times.late_load >= 1:
        return load_claim(name, times.late_load, f"{since}, {_much(times.late_load)}. {then}", at="late load")
    passes = f"{since} it is {times.late_load:.2f} times, so the queue is worked off again."
    if times.load >= 1:
        words = f"{_much(times.load)} over the whole run; {passes}{f' {then}' if bounded else ''}"
        return load_claim(name, times.load, words)
    if times.struck_load >= 1 and not bounded:
        return load_claim(
            name, times.struck_load, f"while something strikes, {_much(times.struck_load)}; {passes}", at="struck load"
        )
    return None


def _much(load: float) -> str:
    return f"the offered load is {significant(load)} times what it can serve" if isfinite(load) else "it has no server"


def _peaks(summary: Summary) -> Iterator[Claim]:
    # of a stage that stays overloaded after the peak, the note on its overload speaks: its queue outlasts the fall of the rate
    lasting = {name for name, times in summary.stages.items() if times.late_load >= 1}
    for load in loads(summary.plan):
        if load.peak is not None and load.peak >= 1 > load.mean and load.stage not in lasting:
            words = (
                f"{summary.plan.scenario.stages[load.stage].label}: at the peak, the offered load is {significant(load.peak)} "
                "times what it can serve; a queue builds up until the rate falls again."
            )
            yield load_claim(load.stage, load.peak, words, "closed form", "peak load")


def _found_instead(summary: Summary) -> Iterator[Claim]:
    figure_of_run = summary.metrics.get("sensitivity")
    if figure_of_run is None or all(check.holds for check in summary.thresholds if check.of_positives):
        return
    metric, (share, bounds) = summary.metric("sensitivity"), summary.shown("sensitivity")
    words = f"Over the whole run, before the strike and after it, “{metric.label}” is {share} (95% interval {bounds})."
    yield figure(metric, figure_of_run, words)


def _few_positives(summary: Summary) -> Iterator[Claim]:
    estimate, scores = summary.metrics.get("sensitivity"), summary.plan.scores
    if estimate is None or scores is None:
        return
    words = (
        f"“{summary.metric('sensitivity').label}” rests on {scores.positive_evidence:,.0f} {scores.about.counted} positives: "
        f"its 95% interval is {summary.shown('sensitivity')[1]}. "
        f"Claiming 99% takes {POSITIVES_FOR_99} positives without a miss, or {POSITIVES_FOR_99_WITH_ONE_MISS} with one."
    )
    yield figure(summary.metric("sensitivity"), estimate, words, evidence="table")
