"""The evidence of a claim: a number of a run, of the case, of a profile or of a table, with its interval."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path as FilePath

import numpy as np
import pandas as pd
import scipy
from ruamel.yaml import YAML

from simulator.authoring.score_readings import score_reading
from simulator.authoring.tested_designs import DesignRunner, whole_replications
from simulator.case.case_tests import (
    DesignName,
    Strikes,
    TableCell,
    TextClaim,
    TimedModel,
    leaves,
    numbers_of,
    picks_of,
)
from simulator.case.document import dotted
from simulator.case.figure_names import figure_name
from simulator.case.outputs import Metric
from simulator.case.schema import Scenario
from simulator.errors import InputError, suggest
from simulator.evidence.profiles import busy_ms, load_profile, profile_names
from simulator.evidence.projection import latency
from simulator.intervals import Estimate, Interval, quantile_interval
from simulator.metrics.paired_samples import PairedSample, Readings, change
from simulator.paths import ASSETS
from simulator.sweeps.design_outcomes import DesignOutcome
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
    one = _run(scenario, runner, claim.design, claim.strikes, metric)
    if one.refused:
        raise InputError(one.refused)
    if metric not in one.metrics:
        raise InputError(one.missing_reasons.get(metric, f"the run has no figure for {metric}"))
    if claim.against is None:
        return ClaimEvidence(one.metrics[metric], known.unit)
    other = _run(scenario, runner, claim.against, claim.against_strikes, metric)
    if other.refused or metric not in other.metrics:
        raise InputError(other.refused or other.missing_reasons.get(metric, f"the other design has no figure for {metric}"))
    if claim.compare == "difference":
        return ClaimEvidence(change(known, other.readings[metric], one.readings[metric]), known.unit, is_change=True)
    ratio = one.metrics[metric].value / other.metrics[metric].value if other.metrics[metric].value else 0.0
    return ClaimEvidence(paired_ratio(known, other.readings[metric], one.readings[metric], ratio))


def _run(scenario: Scenario, runner: DesignRunner, design: DesignName, strikes: Strikes, metric: str) -> DesignOutcome:
    """Return the outcome of a design, with this metric and all others that claims read of it: one run for all of them."""
    sides = (
        ((claim.design, claim.strikes), (claim.against, claim.against_strikes), claim.metric)
        for claim in scenario.claims
        if claim.metric
    )
    read = {name for first, second, name in sides if (design, strikes) in (first, second)}
    picks, count = picks_of(scenario, design), whole_replications(scenario)
    (outcome,) = runner.outcomes("claims", [picks], sorted({metric, *read}), count, strikes)
    return outcome


def paired_ratio(metric: Metric, base: Readings, other: Readings, value: float) -> Interval:
    """Return the ratio of two paired figures by Fieller's theorem: all r for which `other - r base` may be 0.

    Fieller 1954, J R Stat Soc B 16:175. Raises InputError where the base may be 0 itself, so that no interval is bounded.
    """

    def apart(ratio: float) -> Estimate:
        return change(metric, [one and _times(one, ratio) for one in base], other)

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
