"""Parametric sensitivity of a metric to picks and figures: Morris screening, on designs by SALib, and Sobol indices.

Parametric sensitivity: how far a figure of the run hangs on what was picked or assumed. It has nothing to do with diagnostic
sensitivity, the share of positives that are found.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
import scipy
from scipy.special import stdtrit

from simulator.arrays import Floats
from simulator.case.choices import Pick
from simulator.cli.exits import needing
from simulator.errors import InputError
from simulator.explain.claims import Claim
from simulator.intervals import LEVEL, Interval, mean_interval
from simulator.metrics.summary import NO_STEADY_STATE
from simulator.phrases import phrase
from simulator.sweeps.design_space import Axis, DesignPoint, point_at
from simulator.sweeps.outcome_cache import DesignOutcome
from simulator.sweeps.sweep import ReportProgress, SweepRequest, silent

Way = Literal["morris", "sobol"]
WAYS: tuple[Way, ...] = ("morris", "sobol")


#: An index whose 95% interval is wider than this part of the variance says little.
TOO_WIDE = 0.2

#: The fewest trajectories (Morris) or base points (Sobol). From fewer, intervals of an axis that matters in few designs hold
#: the truth in 80 to 90%, or less.
LEAST: Mapping[Way, int] = {"morris": 8, "sobol": 16}

#: The share of the intervals of Morris that hold the truth in a queue near its limit, where few designs make most of the mean.
NEAR_LIMIT = 0.8

#: Levels of Morris's grid.
_LEVELS = 4

#: Stands for the logarithm of 0.
_LOG_ZERO = -700.0


@dataclass(frozen=True)
class Influence:
    """The influence of one axis on a metric.

    first, total: Sobol's indices, parts of the metric's variance: by this axis alone, and by all that it takes part in
    elementary: Morris's mean absolute elementary effect, in the metric's unit; spread: the standard deviation of the effects,
    large where the axis acts together with others or not evenly
    The way of analysis decides which of them there are; the others are None.
    """

    axis: Axis
    total: Interval | None = None
    first: Interval | None = None
    elementary: Interval | None = None
    spread: float | None = None

    @property
    def size(self) -> Interval:
        return self.total or self.elementary or Interval(0.0, 0.0, 0.0)

    @property
    def too_wide(self) -> bool:
        width = self.size.high - self.size.low
        return width > TOO_WIDE if self.total else width > 2 * self.size.value

    def to_json(self) -> dict[str, Any]:
        numbers: dict[str, float] = {}
        for name in ("total", "first", "elementary"):
            if one := getattr(self, name):
                numbers |= {name: one.value, f"{name}_low": one.low, f"{name}_high": one.high}
        spread = {} if self.spread is None else {"spread": self.spread}
        return {"name": self.axis.name, "label": self.axis.label, **numbers, **spread, "too_wide": self.too_wide}


@dataclass(frozen=True)
class Ranking:
    """The influence of each axis on a metric, the largest first.

    used, of: trajectories (Morris) or base points (Sobol) that were used, and all of them; the others hold a design without a
    figure for the metric
    without: the designs without a figure, in words that come before any ranking; None where all have one
    """

    ranked: Sequence[Influence]
    used: int
    of: int
    each: str
    without: Claim | None = None

    @property
    def finding(self) -> str:
        return self.without.words if self.without else ""

    def claim(self, label: str) -> Claim:
        """Claim the axis that moves a metric most, None where the points do not show one, and the designs without a figure."""
        leader = self.leaders[0].axis.label if len(self.leaders) == 1 and self.ranked[0].size.value else None
        parts = (self.without,) if self.without else ()
        return Claim(f"influence on {label}", "causes", leader, words=self.sentence(label), evidence="paired run", parts=parts)

    @property
    def leaders(self) -> list[Influence]:
        first = self.ranked[0]
        return [first, *(influence for influence in self.ranked[1:] if influence.size.high >= first.size.low)]

    @property
    def words(self) -> str:
        """The most influential axis, as far as it is known, in words."""
        return self.most("moves it", "nothing moves it")

    def most(self, does: str, nothing: str) -> str:
        """Name the axis that does something most, as far as it is known; nothing: the words if none does."""
        names = [f"“{leader.axis.label}”" for leader in self.leaders]
        if not self.ranked[0].size.value:
            return nothing
        if len(names) == 1:
            return phrase("influence.one", axis=names[0], does=does)
        if len(names) == len(self.ranked) or len(names) > 4:
            return phrase("influence.too_few_runs", axes=len(names), does=does)
        return phrase("influence.one_of", axes=names[:-1], last=names[-1], does=does)

    def sentence(self, label: str) -> str:
        """Say which axis moves the metric most; first, of how many designs it has no figure, and why."""
        return phrase("influence.ranked", label=label, finding=self.finding, words=self.words)

    @property
    def caution(self) -> str:
        """A caution about designs that were left out; empty where none were."""
        return "" if self.used == self.of else phrase("influence.part", used=self.used, of=self.of, each=self.each)

    def to_json(self) -> dict[str, Any]:
        ranked = [influence.to_json() for influence in self.ranked]
        finding = {"finding": self.finding} if self.finding else {}
        return {"ranked": ranked, "told": self.words, "used": self.used, "of": self.of, **finding}


@dataclass(frozen=True)
class SampledDesigns:
    """Designs at which a metric has to be known: parts of each axis from 0 to 1, shape (points, axes)."""

    way: Way
    axes: Sequence[Axis]
    parts: Floats
    seed: int

    def points(self, base: DesignPoint) -> list[DesignPoint]:
        return [point_at(self.axes, row, base) for row in self.parts.tolist()]

    def ranked(self, outcomes: Sequence[DesignOutcome], names: Sequence[str]) -> dict[str, Ranking | Claim]:
        """Rank the axes for each metric, or claim why that cannot be done; outcomes: of the points, in order."""
        rankings: dict[str, Ranking | Claim] = {}
        for name in names:
            values, without = [outcome.value(name) for outcome in outcomes], self._without_figure(outcomes, name)
            try:
                ranking = self.ranking(np.array([np.nan if value is None else value for value in values]))
                rankings[name] = replace(ranking, without=without)
            except InputError as error:
                words = phrase("influence.unranked", finding=without.words if without else "", error=str(error))
                parts = (without,) if without else ()
                rankings[name] = Claim(f"influence on {name}", "cannot", "be ranked", words=words, parts=parts)
        return rankings

    def _without_figure(self, outcomes: Sequence[DesignOutcome], name: str) -> Claim | None:
        """Claim the number of designs without a figure, why, and which axis decides on overload; None where all have one."""
        designs = {repr((outcome.design, outcome.figures)): outcome for outcome in outcomes}.values()
        without = [design for design in designs if design.value(name) is None]
        overloaded = sum(_overloaded(design, name) for design in without)
        if not without:
            return None
        refused, rest = sum(bool(design.refused) for design in without), len(without) - overloaded
        too_little = rest - refused
        whys = {"overloaded": overloaded, "refused": refused, "too_little": too_little}
        decides = self._decides(outcomes, name) if overloaded else ""
        parts = {phrase(f"influence.{why}", count=count, decides=decides): count for why, count in whys.items() if count}
        words = phrase("influence.without", count=len(without), of=len(designs), parts=list(parts))
        subject = f"designs without {name}"
        split = [Claim(subject, "part of", float(count), words=clause) for clause, count in parts.items()]
        whole = Claim(f"{subject}, of", "is", float(len(designs)), words=words)
        return Claim(subject, "is", float(len(without)), words=words, parts=(whole, *split))

    def _decides(self, outcomes: Sequence[DesignOutcome], name: str) -> str:
        """Name the axis that decides most whether a design is overloaded, by the same analysis of a yes or a no."""
        answers = [np.nan if outcome.refused else float(_overloaded(outcome, name)) for outcome in outcomes]
        try:
            return self.ranking(np.array(answers)).most("decides that", "")
        except InputError:
            return ""

    @property
    def each(self) -> str:
        return "base points" if self.way == "sobol" else "trajectories"

    @property
    def _problem(self) -> dict[str, Any]:
        names = [axis.name for axis in self.axes]
        return {"num_vars": len(names), "names": names, "bounds": [[0.0, 1.0]] * len(names)}

    def ranking(self, values: Floats) -> Ranking:
        """Rank the axes by the values at each point, shape (points,), NaN where there is none.

        If one design of a trajectory or base point has no figure, all of its designs are left out. Raises InputError where too
        few are left.
        """
        size = len(self.axes) + (2 if self.way == "sobol" else 1)
        whole = np.asarray(np.isfinite(values.reshape(-1, size)).all(axis=1))
        used, of = int(whole.sum()), len(whole)
        if used < (least := LEAST[self.way]):
            raise InputError(f"has a figure at every design of only {used} of {of} {self.each}; it takes at least {least}")
        in_whole = np.repeat(whole, size)
        influences = replace(self, parts=self.parts[in_whole])._influences(values[in_whole])
        return Ranking(sorted(influences, key=lambda influence: -influence.size.value), used, of, self.each)

    def _influences(self, values: Floats) -> list[Influence]:
        if np.ptp(values) <= 1e-12 * max(abs(float(values.mean())), 1e-300):
            nothing = dict.fromkeys(("total", "first") if self.way == "sobol" else ("elementary",), Interval(0.0, 0.0, 0.0))
            return [Influence(axis, **nothing, spread=None if self.way == "sobol" else 0.0) for axis in self.axes]
        return self._sobol(values) if self.way == "sobol" else self._morris(values)

    def _sobol(self, values: Floats) -> list[Influence]:
        totals, firsts = sobol_indices(values.reshape(-1, len(self.axes) + 2))
        return [Influence(axis, total, first) for axis, total, first in zip(self.axes, totals, firsts, strict=True)]

    def _morris(self, values: Floats) -> list[Influence]:
        size = len(self.axes) + 1
        steps = np.diff(self.parts.reshape(-1, size, size - 1), axis=1)
        changes = np.diff(values.reshape(-1, size), axis=1)[..., None]
        # Each step of a trajectory moves one axis.
        effects = np.divide(changes, steps, out=np.zeros_like(steps), where=steps != 0).sum(axis=1)
        return [Influence(axis, elementary=mean_size(np.abs(one)), spread=float(one.std(ddof=1)))
                for axis, one in zip(self.axes, effects.T, strict=True)]  # fmt: skip


def mean_size(sizes: Floats) -> Interval:
    """Return the mean of the sizes of an axis's effects with its interval.

    The half width is Student's. It reaches up by that factor on a logarithmic scale: sizes are positive and often skewed, and
    a few large ones may be missing from the sample.
    """
    found = mean_interval(sizes)
    if found.value == 0:
        return Interval(0.0, 0.0, 0.0)
    return Interval(found.value, max(found.low, 0.0), found.value * float(np.exp((found.high - found.value) / found.value)))


def _overloaded(outcome: DesignOutcome, name: str) -> bool:
    """Check that overload is why a metric has no figure: a queue without end, or too few requests in a queue that is long."""
    why = outcome.missing_reasons.get(name, "")
    return why.startswith(NO_STEADY_STATE) or (why.startswith("too few") and bool(outcome.overloaded))


def sobol_indices(values: Floats) -> tuple[list[Interval], list[Interval]]:
    """Return the total and the first index of each axis; values: a row for each base point, shape (points, axes + 2).

    A row holds the value at one design, at that design with each axis in turn taken from another one, and at the other one
    (Saltelli 2010, with Jansen's estimator of totals). Each interval is Student's, from the indices without one base point
    each (jackknife). That of a total index is computed on a logarithmic scale, as squares have a long tail.
    """
    axes, rows = values.shape[1] - 2, values - values.mean()
    base, crossed, other = rows[:, :1], rows[:, 1:-1], rows[:, -1:]
    terms = np.hstack([(base - crossed) ** 2 / 2, other * (crossed - base), (base + other) / 2, (base**2 + other**2) / 2])
    whole, without = _indices(terms.mean(axis=0)), _indices((terms.sum(axis=0) - terms) / (len(terms) - 1))
    with np.errstate(divide="ignore"):
        logs, logs_without = (np.maximum(np.log(each[..., :axes]), _LOG_ZERO) for each in (whole, without))
    totals = np.where(whole[:axes] > 0, np.exp(np.minimum(_jackknifed(logs, logs_without), 0.0)), 0.0)
    firsts = np.clip(_jackknifed(whole[axes:], without[:, axes:]), 0.0, 1.0)
    first, total = ([Interval(*bounds) for bounds in each.T.tolist()] for each in (firsts, totals))
    return total, first


def _indices(means: Floats) -> Floats:
    """Divide the mean terms of totals and of firsts by the variance; the last two means are those of values and squares."""
    variance = means[..., -1:] - means[..., -2:-1] ** 2
    return np.asarray(np.divide(means[..., :-2], variance, out=np.zeros_like(means[..., :-2]), where=variance > 0))


def _jackknifed(whole: Floats, without: Floats) -> Floats:
    """Return figures with their bounds, shape (3, axes); without: the figures without one row each, shape (rows, axes)."""
    count = len(without)
    half = stdtrit(count - 1, (1 + LEVEL) / 2) * np.sqrt((count - 1) * without.var(axis=0))
    return np.stack([whole, whole - half, whole + half])


def sample_of(axes: Sequence[Axis], way: Way, count: int, seed: int) -> SampledDesigns:
    """Sample the points of an analysis, count * (axes + 1) of them for Morris and count * (axes + 2) for Sobol.

    count: trajectories (Morris 1991), or base points of Sobol's indices (Saltelli 2010). Raises InputError for too few.
    """
    sample = SampledDesigns(way, axes, np.empty((0, len(axes))), seed)
    if count < LEAST[way]:
        kind = "Sobol's indices take" if way == "sobol" else "Morris screening takes"
        raise InputError(f"--points {count}: {kind} at least {LEAST[way]} {sample.each}")
    if way == "sobol":
        return replace(sample, parts=_crossed(len(axes), count, seed))
    with needing("tradeoffs", "the sensitivity analysis"):
        from SALib.sample import morris
    return replace(sample, parts=np.asarray(morris.sample(sample._problem, count, num_levels=_LEVELS, seed=seed)))


def runnable(request: SweepRequest, way: Way, count: int, report: ReportProgress = silent) -> tuple[SweepRequest, str]:
    """Return the request with axes whose sampled designs can run, and the options that it leaves out, in words.

    While a design cannot run, the study leaves out the option whose designs fail most often; options of the base stay. Designs
    that fail for a figure alone stay too. Raises InputError for too few points, and where nothing is left to vary.
    """
    own, axes, tried = request.scenario.defaults() | dict(request.picks), list(request.axes), 0
    while axes:
        points = sample_of(axes, way, count, request.seed).points(request.base)
        blamed = []
        for point in points:
            blamed.append((point, frozenset[str]().union(*request.blamed(point))))
            report("trying which designs can run", tried + len(blamed), 0)
        left = _beside_each_other(axes, blamed, own)
        if left == axes:
            break
        axes, tried = left, tried + len(points)
    left_out = _left_out(request.axes, axes, own)
    if not axes:
        raise InputError(f"nothing is left to vary. {left_out} Vary another choice too, or begin at another design")
    return replace(request, axes=axes), left_out


def _beside_each_other(
    axes: Sequence[Axis], blamed: Sequence[tuple[DesignPoint, frozenset[str]]], own: Mapping[str, Pick]
) -> list[Axis]:
    """Leave out the option whose designs fail most often, until all of these designs that are left can run.

    blamed: the axes that may stand in the way of each design; none of one that runs
    """
    left, axes = list(blamed), list(axes)
    while True:
        names = [axis.name for axis in axes if axis.is_choice]
        tries = Counter((name, point.picks[name]) for point, _ in left for name in names)
        fails = Counter((name, point.picks[name]) for point, at_fault in left for name in names if name in at_fault)
        at_fault = [fail for fail in fails if fail[1] != own[fail[0]]]
        if not at_fault:
            return axes
        name, worst = max(at_fault, key=lambda fail: (fails[fail] / tries[fail], fails[fail]))
        axes = [_without(axis, worst) if axis.name == name else axis for axis in axes]
        axes = [axis for axis in axes if not axis.is_choice or len(axis.picks) > 1]
        left = [(point, at_fault) for point, at_fault in left if point.picks[name] != worst]


def _without(axis: Axis, pick: Pick) -> Axis:
    kept = [place for place, one in enumerate(axis.picks) if one != pick]
    names = tuple(axis.names[place] for place in kept) if axis.names else ()
    return replace(axis, picks=tuple(axis.picks[place] for place in kept), names=names)


def _left_out(before: Sequence[Axis], after: Sequence[Axis], own: Mapping[str, Pick]) -> str:
    """Name the options of choices that the axes before have and those after lack, in one sentence; empty where none."""
    kept = {axis.name: axis.picks for axis in after}
    words = []
    for axis in before:
        for pick in kept.get(axis.name, (own.get(axis.name),)):
            axis = _without(axis, pick) if pick is not None else axis
        words += [axis.words] if axis.is_choice and axis.picks else []
    return phrase("influence.options_out", options=words) if words else ""


def _crossed(axes: int, count: int, seed: int) -> Floats:
    """Return base points with their crossed designs, shape (count * (axes + 2), axes).

    Base points are a Latin hypercube (McKay 1979). A short Sobol sequence ties both designs of a base point together: 16 points
    put the index of the strongest of five axes of a straight line into one interval in five.
    """
    base = scipy.stats.qmc.LatinHypercube(2 * axes, rng=np.random.default_rng(seed)).random(count)
    first, other = base[:, :axes], base[:, axes:]
    rows = np.repeat(first[:, None], axes + 2, axis=1)
    rows[:, -1] = other
    for axis in range(axes):
        rows[:, axis + 1, axis] = other[:, axis]
    return rows.reshape(-1, axes)
