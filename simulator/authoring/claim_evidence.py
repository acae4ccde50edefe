"""The evidence of a claim: a number of a run, of the case, of a profile or of a table, with its interval."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path as FilePath

import numpy as np
import pandas as pd
import scipy
from numpy.typing import NDArray
from ruamel.yaml import YAML

from simulator.arrays import Floats
from simulator.authoring.tested_designs import DesignRunner
from simulator.case.case_tests import (
    DesignName,
    Strikes,
    TableCell,
    TableReading,
    TextClaim,
    TimedModel,
    leaves,
    numbers_of,
    picks_of,
)
from simulator.case.designs import figure_name
from simulator.case.document import dotted
from simulator.case.outputs import Metric
from simulator.case.schema import Scenario
from simulator.errors import InputError, suggest
from simulator.evidence.profiles import busy_ms, load_profile, profile_names
from simulator.evidence.projection import latency
from simulator.evidence.score_tables import score_rows
from simulator.intervals import Estimate, Interval, bootstrap, percentile_interval, quantile_interval
from simulator.metrics.paired_samples import PairedSample, Readings, change
from simulator.metrics.roc import auc
from simulator.paths import ASSETS
from simulator.sweeps.outcome_cache import DesignOutcome
from simulator.units import counted, signed_within, spoken, spoken_within


@dataclass(frozen=True)
class ClaimEvidence:
    """A number that bears on a claim, with its interval.

    unit: that of the metric, empty for a plain number; is_change: whether it is the difference of two figures
    of: the name of the figure, with the unit that its field has
    """

    found: Interval
    unit: str = ""
    is_change: bool = False
    of: str = ""

    def __str__(self) -> str:
        numbers = self.found.value, self.found.low, self.found.high
        if self.found.low == self.found.high:
            return f"{in_words(self.found.value, self.unit)}{f' (“{self.of}”)' if self.of else ''}"
        if self.is_change:
            value, low, high = signed_within(*numbers, self.unit)
            return f"{value} ({low} to {high})"
        return "{} ({})".format(*spoken_within(*numbers, self.unit))


def in_words(value: float, unit: str) -> str:
    """Write a number with its unit, if it has one."""
    return spoken(value, unit).strip()


def found_for(claim: TextClaim, scenario: Scenario, runner: DesignRunner) -> ClaimEvidence:
    """Return the number that a claim speaks of, with its interval.

    Raises InputError where there is no such number, and ScenarioError for a design that cannot run.
    """
    if claim.metric is not None:
        return _of_runs(claim, claim.metric, scenario, runner)
    if claim.figure is not None or claim.objective is not None:
        return number_of_case(claim, scenario)
    return evidence_of(claim)


def number_of_case(claim: TextClaim, scenario: Scenario) -> ClaimEvidence:
    """Return a figure of the case, or the bound of an objective: of two bounds on one metric the one that the claim is near."""
    if claim.figure is not None:
        value = numbers_of(scenario)[claim.figure]
        return ClaimEvidence(Interval(value, value, value), of=figure_name(scenario, claim.figure))
    bounds = [objective.bound for objective in scenario.objectives if objective.metric == claim.objective]
    value = min(bounds, key=lambda bound: abs(bound - (claim.shows or bound)))
    unit = scenario.metrics[str(claim.objective)].unit
    return ClaimEvidence(Interval(value, value, value), unit)


def evidence_of(claim: TextClaim) -> ClaimEvidence:
    """Return the number of a profile, a score table or another table; raises InputError where there is none."""
    if claim.profile is not None:
        other = claim.against_profile
        return _compared(claim, _of_profile(claim.profile), None if other is None else _of_profile(other))
    if claim.scores is not None:
        is_change = claim.against_scores is not None and claim.compare == "difference"
        return ClaimEvidence(*score_reading(claim, claim.scores), is_change)
    assert claim.row is not None
    beside = claim.against_row
    return _compared(claim, _of_cell(claim.row), None if beside is None else _of_cell(beside))


def _of_runs(claim: TextClaim, metric: str, scenario: Scenario, runner: DesignRunner) -> ClaimEvidence:
    known = scenario.metrics[metric]
    outcome = _run(scenario, runner, claim.design, claim.strikes, metric)
    if outcome.refused:
        raise InputError(outcome.refused)
    if metric not in outcome.metrics:
        raise InputError(outcome.missing_reasons.get(metric, f"the run has no figure for {metric}"))
    if claim.against is None:
        return ClaimEvidence(outcome.metrics[metric], known.unit)
    other = _run(scenario, runner, claim.against, claim.against_strikes, metric)
    if other.refused or metric not in other.metrics:
        raise InputError(other.refused or other.missing_reasons.get(metric, f"the other design has no figure for {metric}"))
    if claim.compare == "difference":
        return ClaimEvidence(change(known, other.readings[metric], outcome.readings[metric]), known.unit, is_change=True)
    ratio = outcome.metrics[metric].value / other.metrics[metric].value if other.metrics[metric].value else 0.0
    return ClaimEvidence(paired_ratio(known, other.readings[metric], outcome.readings[metric], ratio))


def _run(scenario: Scenario, runner: DesignRunner, design: DesignName, strikes: Strikes, metric: str) -> DesignOutcome:
    """Return the outcome of a design, with this metric and all others that claims read of it: one run for all of them."""
    sides = (
        ((claim.design, claim.strikes), (claim.against, claim.against_strikes), claim.metric)
        for claim in scenario.claims
        if claim.metric
    )
    read = {name for first, second, name in sides if (design, strikes) in (first, second)}
    picks, count = picks_of(scenario, design), scenario.run.replications
    (outcome,) = runner.outcomes("claims", [picks], sorted({metric, *read}), count, strikes)
    return outcome


def paired_ratio(metric: Metric, base: Readings, other: Readings, value: float) -> Interval:
    """Return the ratio of two paired figures by Fieller's theorem: all r for which `other - r base` may be 0.

    Fieller 1954, J R Stat Soc B 16:175. Raises InputError where the base may be 0 itself, so that no interval is bounded.
    """

    def apart(ratio: float) -> Estimate:
        return change(metric, [reading and _times(reading, ratio) for reading in base], other)

    if value <= 0 or apart(_FAR * value).high > 0 or apart(value / _FAR).low < 0:
        raise InputError("the ratio has no bounded interval; compare the difference")
    low = scipy.optimize.brentq(lambda ratio: apart(ratio).low, value / _FAR, value)
    high = scipy.optimize.brentq(lambda ratio: apart(ratio).high, value, _FAR * value)
    return Interval(value, float(low), float(high))


#: A ratio is looked for within this factor of its value, either way.
_FAR = 20.0


def _times(reading: PairedSample, factor: float) -> PairedSample:
    """Return a reading of the figure times a factor; its denominators stay."""
    scaled = reading.parts.copy()
    scaled[0] *= factor
    grown = {name: None if (one := getattr(reading, name)) is None else one * factor for name in ("draws", "again", "moved")}
    between = reading.between and (reading.between[0] * factor, reading.between[1] * factor)
    run = Interval(*(factor * bound for bound in (reading.run.value, reading.run.low, reading.run.high)))
    return replace(reading, run=run, parts=scaled, between=between, **grown)


def _compared(claim: TextClaim, evidence: ClaimEvidence, other: ClaimEvidence | None) -> ClaimEvidence:
    """Return the ratio or the difference of two independent figures, each from its own calls (MOVER: Zou 2008)."""
    if other is None:
        return evidence
    if claim.compare == "ratio":
        a, b = evidence.found, other.found
        return ClaimEvidence(Interval(a.value / b.value, a.low / b.high, a.high / b.low))
    a, b = evidence.found, other.found
    below, above = np.hypot(a.value - a.low, b.high - b.value), np.hypot(a.high - a.value, b.value - b.low)
    value = a.value - b.value
    return ClaimEvidence(Interval(value, value - float(below), value + float(above)), evidence.unit, is_change=True)


def _of_profile(model: TimedModel) -> ClaimEvidence:
    """Return a latency in ms: measured, or projected for a device on which nothing was measured."""
    measured = {device for device, *_ in profile_names()}
    return _measured(model) if model.device in measured else _projected(model)


def _projected(model: TimedModel) -> ClaimEvidence:
    """Return the projected time of a call, in ms, with its band."""
    found = latency(model.model, model.precision, model.batch, model.device)
    return ClaimEvidence(Interval(1000 * found.value, 1000 * found.low, 1000 * found.high), "ms")


def _measured(model: TimedModel) -> ClaimEvidence:
    """Return the median of the calls, in ms, with its distribution-free interval."""
    profile = load_profile(model.device, model.model, model.precision)
    try:
        run = profile.run(model.threads)
    except KeyError as error:
        raise InputError(str(error.args[0])) from error
    sizes = {call.batch: call for call in run.calls}
    if model.batch not in sizes:
        raise InputError(f"{profile.key} was measured at batch sizes {sorted(sizes)}, not {model.batch}")
    timed = sizes[model.batch]
    calls = busy_ms(timed) if model.calls == "busy" else np.asarray(timed.latency_ms, float)
    interval = quantile_interval(calls, 0.5)
    return ClaimEvidence(Interval(float(np.median(calls)), interval.low, interval.high), "ms")


def _of_cell(cell: TableCell) -> ClaimEvidence:
    file = ASSETS / cell.file
    if not file.is_file():
        raise InputError(f"{cell.file}: there is no such file of evidence")
    table = _rows_of(file)
    for name in (cell.column, *cell.where, *cell.at):
        if name not in table:
            raise InputError(f"{cell.file} has no column '{name}'; {suggest(name, table.columns)}")
    rows = table
    for name, value in cell.where.items():
        rows = rows[rows[name] == value] if isinstance(value, int | float) else rows[rows[name].astype(str) == value]
    for name in (cell.column, *cell.at):
        if pd.to_numeric(rows[name], errors="coerce").isna().any():
            raise InputError(f"{cell.file}: where {cell.where}, the column '{name}' holds no number; name one of numbers")
    value = _on_line(cell, rows) if cell.at else _in_one_row(cell, rows)
    return ClaimEvidence(Interval(value, value, value))


def _in_one_row(cell: TableCell, rows: pd.DataFrame) -> float:
    if len(rows) != 1:
        raise InputError(f"{cell.file}: {counted(len(rows), 'row')} where {cell.where}; name one")
    return float(rows[cell.column].iloc[0])


def _on_line(cell: TableCell, rows: pd.DataFrame) -> float:
    """Return the cell between the two rows around a value of the column of `at`."""
    ((along, at),) = cell.at.items()
    points = rows[[along, cell.column]].astype(float).sort_values(along)
    if not points[along].is_unique or not points[along].min() <= at <= points[along].max():
        raise InputError(f"{cell.file}: where {cell.where}, the rows lead to no one value at {along} {at:g}")
    return float(np.interp(at, points[along], points[cell.column]))


def _rows_of(file: FilePath) -> pd.DataFrame:
    if file.suffix == ".csv":
        return pd.read_csv(file)
    data = YAML(typ="safe", pure=True).load(file)
    entries = [{"id": key, **value} for key, value in data.items()] if isinstance(data, dict) else data
    return pd.DataFrame([{dotted(path): value for path, value in leaves(entry)} for entry in entries])


def score_reading(claim: TextClaim, reading: TableReading) -> tuple[Interval, str]:
    """Return a number of a score table, or of two tables that are compared, with its interval and its unit.

    Raises InputError for a table, a column or a text that there is not, and for tables of other items.
    """
    rows, statistic = _statistic(reading)
    other = _statistic(claim.against_scores) if claim.against_scores is not None else None
    if other is not None and list(rows["item"]) != list(other[0]["item"]):
        raise InputError("the two tables hold other items, so that they cannot be compared in pairs")

    def whole(weights: Floats) -> Floats:
        return statistic(weights) if other is None else _PAIRED[claim.compare](statistic(weights), other[1](weights), weights)

    value = float(whole(np.ones(len(rows))))
    readings = {reading.read, claim.against_scores.read} if claim.against_scores is not None else {reading.read}
    if readings <= _COUNTS:
        return Interval(value, value, value), ""
    interval = percentile_interval(value, bootstrap(rows["patient"], whole))
    share = reading.read in _SHARES and claim.compare == "difference"
    return Interval(value, interval.low, interval.high), "share" if share else ""


#: Readings that count, and say nothing about other people.
_COUNTS = {"positives", "negatives", "items", "patients", "found", "missed"}

_SHARES = {"sensitivity", "specificity", "referred"}


def _correlation(first: Floats, other: Floats, weights: Floats) -> Floats:
    """Return Pearson's correlation of two columns of scores, shape (n,), for weights of shape (..., n)."""
    total = weights.sum(-1, keepdims=True)
    apart = [scores - (weights * scores).sum(-1, keepdims=True) / total for scores in (first, other)]
    product, *squares = ((weights * a * b).sum(-1) for a, b in ((apart[0], apart[1]), (apart[0],) * 2, (apart[1],) * 2))
    return np.asarray(product / np.sqrt(squares[0] * squares[1]))


#: How two readings are compared: from both of them and the weights of the items.
_PAIRED: dict[str, Callable[[Floats, Floats, Floats], Floats]] = {
    "difference": lambda one, other, _: one - other,
    "ratio": lambda one, other, _: one / other,
    "correlation": _correlation,
}

Statistic = Callable[[Floats], Floats]


def _statistic(reading: TableReading) -> tuple[pd.DataFrame, Statistic]:
    """Return the rows of a table, and the reading as a function of the weights of items, shape (..., items)."""
    rows = score_rows(reading.table)
    labels, scores = rows["label"].to_numpy(float), rows["score"].to_numpy(float)
    inside = _where(rows, reading.where)
    threshold_on = (labels == 1) & _where(rows, reading.of)

    def counted_of(weights: Floats) -> Floats:
        if reading.read == "score":
            return scores
        if reading.read == "patients":
            return np.asarray(float(rows["patient"][inside].nunique()))
        if reading.read == "auc":
            return auc(labels[inside], scores[inside], weights[..., inside])
        return _counted(reading, weights, labels, scores, inside, threshold_on)

    return rows, counted_of


def _counted(
    reading: TableReading,
    weights: Floats,
    labels: Floats,
    scores: Floats,
    inside: NDArray[np.bool_],
    threshold_on: NDArray[np.bool_],
) -> Floats:
    kinds = {"positives": labels == 1, "negatives": labels == 0, "items": np.ones(len(labels), bool)}
    if reading.read in kinds:
        return np.asarray(weights[..., kinds[reading.read] & inside].sum(-1))
    if reading.at_sensitivity is None:
        raise InputError(f"`{reading.read}` needs a threshold; give at_sensitivity")
    reached = scores >= _thresholds(weights, scores, threshold_on, reading.at_sensitivity)
    of = (labels == (0 if reading.read in ("specificity", "referred") else 1)) & inside
    hit = ~reached if reading.read in ("specificity", "missed") else reached
    total = (weights * (hit & of)).sum(-1)
    if reading.read in ("found", "missed"):
        return np.asarray(total)
    return np.asarray(total / (weights * of).sum(-1))


def _thresholds(weights: Floats, scores: Floats, chosen_on: NDArray[np.bool_], sensitivity: float) -> Floats:
    """Return the highest score that at least this share of the weighted positives reaches, shape (..., 1)."""
    order = np.argsort(-scores[chosen_on], kind="stable")
    ranked = np.cumsum(weights[..., chosen_on][..., order], axis=-1)
    place = (ranked < sensitivity * ranked[..., -1:] - 1e-9).sum(-1)
    return np.asarray(scores[chosen_on][order][np.minimum(place, len(order) - 1)])[..., None]


def _where(rows: pd.DataFrame, texts: Mapping[str, str | list[str]]) -> NDArray[np.bool_]:
    inside = np.ones(len(rows), bool)
    for column, wanted in texts.items():
        if column not in rows:
            raise InputError(f"the table has no column '{column}'; {suggest(column, rows.columns)}")
        column_texts, wanted_texts = rows[column].astype(str), [wanted] if isinstance(wanted, str) else wanted
        for text in wanted_texts:
            if not (column_texts == text).any():
                raise InputError(f"no item has '{text}' in '{column}'; {suggest(text, sorted(set(column_texts)))}")
        inside &= column_texts.isin(wanted_texts).to_numpy()
    return inside
