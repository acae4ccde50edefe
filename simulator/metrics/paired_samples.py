"""Samples of one metric of one design, to compare two designs: small enough to keep thousands of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from math import exp, hypot, inf, log
from typing import Any

import numpy as np
import scipy
from numpy.typing import NDArray
from scipy.special import ndtri, stdtrit

from simulator.arrays import Floats
from simulator.case.outputs import Metric
from simulator.engine.compiled_plan import Plan
from simulator.intervals import (
    LEVEL,
    ROUNDING,
    Estimate,
    Interval,
    batch_interval,
    estimate,
    is_rare,
    ratio_difference,
    replicated_share,
)
from simulator.metrics.estimates import Estimator, about, of_draws
from simulator.metrics.label_uncertainty import ways_of
from simulator.metrics.measures import Measures
from simulator.metrics.replications import runs_on_unseen_ways
from simulator.metrics.warm_up import WarmUp
from simulator.theory.loads import likeness

#: In double precision, or in single where many are kept.
Reals = NDArray[np.floating[Any]]

#: A chance below this is told as none; and one whose logarithm lies above that, as certain.
_LEAST, _CERTAIN = 1e-12, -1e-12


@dataclass(frozen=True)
class PairedSample:
    """One metric of one design, at the middle of the projections or at an edge of their bands.

    run: the figure with the luck of the run
    parts: numerators and denominators, a replication each, shape (2, replications); of a mean or a quantile the figures
    themselves, shape (1, replications), NaN where a replication has none
    draws: what each draw of the labelled changes through the negatives, the positives, and both, shape (3, draws)
    again: the figure for the people who were labelled and for others, in the replications that ran again, shape (2, runs)
    moved: what each resample of other evidence changes, shape (resamples,)
    between: the bounds that counted evidence leaves
    What does not apply is None.
    """

    run: Interval
    parts: Floats
    draws: Reals | None = None
    again: Floats | None = None
    moved: Reals | None = None
    between: tuple[float, float] | None = None


#: A metric of a design, in the middle of the projections and, if there are any, at both edges; None where it has no figure.
Readings = Sequence[PairedSample | None]


def reading_of(metric: Metric, estimator: Estimator) -> PairedSample | None:
    """Return one estimator's record of a metric; None where it has no such figure."""
    alone, plain = (estimator.of_group(metric.group), metric.of_all) if metric.group else (estimator, metric)
    run = alone.run_interval(plain)
    if run is None:
        return None
    again = np.stack(alone.reruns(lambda measures: measures.figure(plain)))
    return PairedSample(
        run=run,
        parts=_parts(plain, alone),
        draws=alone.draws(plain.name),
        again=again if again.size else None,
        moved=alone.moved(plain.name),
        between=alone.between(plain.name),
    )


def _parts(metric: Metric, estimator: Estimator) -> Floats:
    if not metric.sample:
        return np.stack(estimator.columns(metric.name))
    figures = (measure.figures({metric.name: metric}) for measure in estimator.measures)
    return np.array([[values.get(metric.name, np.nan) for values in figures]])


def estimators_of(plan: Plan, warm_up: WarmUp | None, measures: Sequence[Measures], edges: bool) -> list[Estimator]:
    """Return estimators for comparisons: at the middle of projections and, if requested, at both edges of their bands."""
    ways = ways_of(plan, True)
    sides = [measures, *(_at_edge(measures, index) for index in (0, 1) if edges)]
    cut = [[sample.after(warm_up.stretch) for sample in side] if warm_up else side for side in sides]
    elsewhere = runs_on_unseen_ways(plan, measures, paired=True)
    return [Estimator(side, ways, warm_up is not None, likeness(plan), elsewhere=elsewhere) for side in cut]


def _at_edge(measures: Sequence[Measures], index: int) -> list[Measures]:
    """Return the replications at one edge of the projections; unchanged if nothing is projected.

    Edges do not run again for other labelled people: there neither design's doubt about them counts, or they would not pair.
    """
    return [measure.band_edges[index] if measure.band_edges else replace(measure, resampled=None) for measure in measures]


def readings_of(
    plan: Plan, warm_up: WarmUp | None, measures: Sequence[Measures], names: Iterable[str]
) -> dict[str, list[PairedSample | None]]:
    estimators = estimators_of(plan, warm_up, measures, bool(measures[0].band_edges))
    return {name: [reading_of(plan.scenario.metrics[name], estimator) for estimator in estimators] for name in names}


def change(metric: Metric, before: Readings, after: Readings) -> Estimate:
    """Return the change of a metric between two designs that met the same requests.

    If latencies are projected, its interval spans the changes at both edges of their bands. Raises ValueError where one of
    the two has no figure in the middle.
    """
    parts = [_paired(metric, old, new) for old, new in _pairs(before, after)]
    if before[0] is None or after[0] is None:
        raise ValueError(f"{metric.name}: one of the two designs has no such figure")
    first, values = parts[0], [part.value for part in parts]
    low, high = min(part.low for part in parts), max(part.high for part in parts)
    projected = Interval(first.value, min(values), max(values)) if len(parts) > 1 else None
    return _bounded(Estimate(first.value, low, high, first.run, first.labels, projected))


def is_equal(metric: Metric, before: Readings, after: Readings) -> bool:
    """Return whether runs show that two designs, whose observed difference is zero, are equal in a metric.

    They do for amounts of money and shares of labelled items, which do not go by times, and for a percentile whose whole
    interval is one value in both designs. Requests that all took equal times prove nothing: a rare one may take another.
    """
    return all(_is_equal(metric, old, new) for old, new in _pairs(before, after))


def _is_equal(metric: Metric, old: PairedSample, new: PairedSample) -> bool:
    if metric.unit == "USD":
        return True
    if metric.sample:
        return metric.quantile is not None and all(sample.run.low == sample.run.high for sample in (old, new))
    return old.draws is not None and new.draws is not None and bool(old.parts[0].any())


def _pairs(before: Readings, after: Readings) -> list[tuple[PairedSample, PairedSample]]:
    count = max(len(before), len(after))
    pairs = zip(_everywhere(before, count), _everywhere(after, count), strict=True)
    return [(old, new) for old, new in pairs if old is not None and new is not None]


def _everywhere(readings: Readings, count: int) -> Readings:
    if len(readings) == count:
        return readings
    alone = readings[0] and replace(readings[0], again=None)
    return [readings[0], *[alone] * (count - 1)]


def _bounded(result: Estimate) -> Estimate:
    if np.isfinite([result.low, result.high]).all():
        return result
    return replace(result, low=-inf, high=inf)


def _paired(metric: Metric, old: PairedSample, new: PairedSample) -> Estimate:
    run = _of_sample(old, new) if metric.sample else _of_totals(metric, old, new)
    return _without_rounding(estimate(run, _of_labels(run.value, old, new)), old, new)


def _without_rounding(result: Estimate, old: PairedSample, new: PairedSample) -> Estimate:
    """Return a change whose parts are 0 where they come from the order of the sums alone."""
    noise = ROUNDING * max(abs(old.run.value), abs(new.run.value))

    def plain(part: Interval) -> Interval:
        return Interval(*(0.0 if abs(bound) <= noise else bound for bound in (part.value, part.low, part.high)))

    whole = plain(result)
    return Estimate(whole.value, whole.low, whole.high, plain(result.run), result.labels and plain(result.labels))


def _of_sample(old: PairedSample, new: PairedSample) -> Interval:
    moved = new.parts[0] - old.parts[0]
    return batch_interval(new.run.value - old.run.value, moved[np.isfinite(moved)])


def _of_totals(metric: Metric, old: PairedSample, new: PairedSample) -> Interval:
    before, after = (old.parts[0], old.parts[1]), (new.parts[0], new.parts[1])
    if metric.estimator == "share" and (is_rare(*before) or is_rare(*after)):
        return _apart(replicated_share(*before), replicated_share(*after))
    return ratio_difference(before, after)


def _apart(before: Interval, after: Interval) -> Interval:
    """Return the difference of two shares as if independent: never too narrow here (Newcombe 1998, Stat Med 17:873)."""
    value = after.value - before.value
    low = np.hypot(after.value - after.low, before.high - before.value)
    high = np.hypot(after.high - after.value, before.value - before.low)
    return Interval(value, value - float(low), value + float(high))


def _of_labels(value: float, old: PairedSample, new: PairedSample) -> Interval | None:
    if by_evidence := _of_evidence(value, old, new):
        return by_evidence
    draws = [sample.draws for sample in (old, new)]
    again = any(sample.draws is None and sample.again is not None for sample in (old, new))
    if any(of_side is not None for of_side in draws) and not again:
        moved = sum(sign * of_side for sign, of_side in zip((-1, 1), draws, strict=True) if of_side is not None)
        return of_draws(value, np.asarray(moved, float))
    return about(value, _moved_again(old, new))


def _of_evidence(value: float, old: PairedSample, new: PairedSample) -> Interval | None:
    """Compare both designs on the same resamples of other evidence; as if independent where counted evidence differs.

    Evidence that leaves both figures equally far to either side is the same, and takes no part in their difference.
    """
    counted = [Interval(sample.run.value, *sample.between) for sample in (old, new) if sample.between]
    if len(counted) == 2:
        return None if _is_one_doubt(*counted) else _apart(*counted)
    if old.moved is None or new.moved is None or len(old.moved) != len(new.moved):
        return None
    return about(value, np.asarray(new.moved - old.moved, float))


def _is_one_doubt(before: Interval, after: Interval) -> bool:
    return np.allclose([before.value - before.low, before.high - before.value],
                       [after.value - after.low, after.high - after.value], rtol=1e-9, atol=1e-12)  # fmt: skip


def _moved_again(old: PairedSample, new: PairedSample) -> Floats:
    moved = [np.empty(0) if sample.again is None else sample.again[1] - sample.again[0] for sample in (old, new)]
    runs = min((len(of_side) for of_side in moved if len(of_side)), default=0)
    before, after = (of_side[:runs] if len(of_side) else np.zeros(runs) for of_side in moved)
    return np.asarray(after - before)


def chance_of(difference: Estimate, freedom: float, most: float = 1.0) -> float:
    """Return the chance of so large a change if there is none: the level whose interval would just reach zero.

    most: a chance above this is told as 1, which takes far less work
    freedom: the degrees of freedom of what varies from run to run, for Student's t. The doubt about who was labelled goes by
    the normal distribution, and both add in squares as in the interval. What projections leave open widens both.
    """
    reach = difference.value - difference.low if difference.value > 0 else difference.high - difference.value
    if difference.value == 0:
        return 1.0
    if reach <= 0:
        return 0.0
    of_run, of_labels = (_reach(part, difference.value) for part in (difference.run, difference.labels))
    if hypot(of_run, of_labels) == 0:  # all of its width comes from projections
        return 0.0 if reach < abs(difference.value) else 1.0
    usual = -stdtrit(freedom, (1 - LEVEL) / 2), -ndtri((1 - LEVEL) / 2)
    wider = reach / hypot(of_run, of_labels)

    def beyond(logarithm: float) -> float:
        level = exp(logarithm) / 2
        run, labels = of_run * -stdtrit(freedom, level) / usual[0], of_labels * -ndtri(level) / usual[1]
        return hypot(run, labels) * wider - abs(difference.value)

    if beyond(log(_LEAST)) <= 0:
        return 0.0
    last = min(log(most), _CERTAIN)
    if beyond(last) >= 0:  # at 1 it is a difference of rounding alone
        return 1.0
    return float(exp(scipy.optimize.brentq(beyond, log(_LEAST), last)))


def _reach(part: Interval | None, value: float) -> float:
    if part is None:
        return 0.0
    return max(part.value - part.low if value > 0 else part.high - part.value, 0.0)
