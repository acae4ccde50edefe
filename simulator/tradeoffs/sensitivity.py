"""Parametric sensitivity of a metric to picks and figures: Morris screening and Sobol indices, by SALib.

Parametric sensitivity: how far a figure of the run hangs on what was picked or assumed. It has nothing to do with diagnostic
sensitivity, the share of positives that are found.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from simulator.cli.exits import needing
from simulator.errors import InputError
from simulator.intervals import LEVEL
from simulator.tradeoffs.design_outcomes import DesignOutcome
from simulator.tradeoffs.design_space import Axis, DesignPoint

Way = Literal["morris", "sobol"]
WAYS: tuple[Way, ...] = ("morris", "sobol")

Floats = NDArray[np.float64]

#: An index whose 95% interval is wider than this part of the variance says little.
TOO_WIDE = 0.2

#: The fewest trajectories or base points.
LEAST = 4

#: Levels of Morris's grid.
_LEVELS = 4

_RESAMPLES = 500


@dataclass(frozen=True)
class Influence:
    """The influence of one axis on a metric.

    first, total: Sobol's indices, parts of the metric's variance: by this axis alone, and by all that it takes part in
    elementary: Morris's mean absolute elementary effect, in the metric's unit; spread: the standard deviation of the effects,
    large where the axis acts together with others or not evenly
    half: half-widths of their 95% intervals, in the same order; what the way of analysis does not give is None
    """

    axis: Axis
    total: float | None = None
    total_half: float | None = None
    first: float | None = None
    first_half: float | None = None
    elementary: float | None = None
    elementary_half: float | None = None
    spread: float | None = None

    @property
    def size(self) -> float:
        index = self.total if self.total is not None else self.elementary
        return 0.0 if index is None else index

    @property
    def half(self) -> float:
        half = self.total_half if self.total_half is not None else self.elementary_half
        return 0.0 if half is None else half

    @property
    def too_wide(self) -> bool:
        return 2 * self.half > TOO_WIDE if self.total is not None else self.half > self.size

    def to_json(self) -> dict[str, Any]:
        numbers = {name: value for name, value in vars(self).items() if name != "axis" and value is not None}
        return {"name": self.axis.name, "label": self.axis.label, **numbers, "too_wide": self.too_wide}


@dataclass(frozen=True)
class Ranking:
    """The influence of each axis on a metric, the largest first.

    used, of: trajectories (Morris) or base points (Sobol) that were used, and all of them; the others hold a design without a
    figure for the metric
    """

    ranked: Sequence[Influence]
    used: int
    of: int
    each: str

    @property
    def leaders(self) -> list[Influence]:
        first = self.ranked[0]
        return [first, *(one for one in self.ranked[1:] if one.size + one.half >= first.size - first.half)]

    @property
    def words(self) -> str:
        """The most influential axis, as far as it is known, in words."""
        names = [f"“{one.axis.label}”" for one in self.leaders]
        if not self.ranked[0].size:
            return "nothing moves it"
        if len(names) == 1:
            return f"{names[0]} moves it most"
        if len(names) == len(self.ranked) or len(names) > 4:
            return f"these points are too few to show which of {len(names)} axes moves it most"
        return f"{', '.join(names[:-1])} or {names[-1]} moves it most; the points do not show which"

    @property
    def caution(self) -> str:
        """A caution about designs that were left out; empty where none were."""
        if self.used == self.of:
            return ""
        return (
            f"Rests on {self.used} of {self.of} {self.each}: the others hold a design that has no figure, because it cannot "
            "run or is overloaded. So it ranks the axes among designs that have one."
        )

    def to_json(self) -> dict[str, Any]:
        ranked = [one.to_json() for one in self.ranked]
        return {"ranked": ranked, "told": self.words, "used": self.used, "of": self.of}


@dataclass(frozen=True)
class SampledDesigns:
    """Designs at which a metric has to be known: parts of each axis from 0 to 1, shape (points, axes)."""

    way: Way
    axes: Sequence[Axis]
    parts: Floats
    seed: int

    def points(self, base: DesignPoint) -> list[DesignPoint]:
        return [_point(self.axes, row, base) for row in self.parts.tolist()]

    def ranked(self, outcomes: Sequence[DesignOutcome], names: Sequence[str]) -> dict[str, Ranking | str]:
        """Rank the axes for each metric, or give the reason why not; outcomes: of the points, in order."""
        rankings: dict[str, Ranking | str] = {}
        for name in names:
            values = [one.value(name) for one in outcomes]
            try:
                rankings[name] = self.ranking(np.array([np.nan if value is None else value for value in values]))
            except InputError as error:
                rankings[name] = str(error)
        return rankings

    @property
    def each(self) -> str:
        return "base points" if self.way == "sobol" else "trajectories"

    @property
    def _problem(self) -> dict[str, Any]:
        names = [axis.name for axis in self.axes]
        return {"num_vars": len(names), "names": names, "bounds": [[0.0, 1.0]] * len(names)}

    def ranking(self, values: Floats) -> Ranking:
        """Rank the axes by the values at each point, shape (points,), NaN where there is none.

        A trajectory or base point of which some design has no figure is left out whole. Raises InputError where fewer than
        LEAST are left.
        """
        size = len(self.axes) + (2 if self.way == "sobol" else 1)
        whole = np.asarray(np.isfinite(values.reshape(-1, size)).all(axis=1))
        used, of = int(whole.sum()), len(whole)
        if used < LEAST:
            raise InputError(f"has a figure at every design of only {used} of {of} {self.each}; it takes at least {LEAST}")
        in_whole = np.repeat(whole, size)
        influences = replace(self, parts=self.parts[in_whole])._influences(values[in_whole])
        return Ranking(sorted(influences, key=lambda one: -one.size), used, of, self.each)

    def _influences(self, values: Floats) -> list[Influence]:
        if np.ptp(values) <= 1e-12 * max(abs(float(values.mean())), 1e-300):
            return [Influence(axis, **dict.fromkeys(self._fields, 0.0)) for axis in self.axes]
        return self._sobol(values) if self.way == "sobol" else self._morris(values)

    @property
    def _fields(self) -> tuple[str, ...]:
        if self.way == "sobol":
            return "total", "total_half", "first", "first_half"
        return "elementary", "elementary_half", "spread"

    def _sobol(self, values: Floats) -> list[Influence]:
        from SALib.analyze import sobol

        indices = sobol.analyze(self._problem, values, calc_second_order=False, num_resamples=_RESAMPLES,
                                      conf_level=LEVEL, seed=self.seed)  # fmt: skip
        columns = zip(self.axes, indices["ST"], indices["ST_conf"], indices["S1"], indices["S1_conf"], strict=True)
        return [Influence(axis, float(st), float(st_half), float(s1), float(s1_half))
                for axis, st, st_half, s1, s1_half in columns]  # fmt: skip

    def _morris(self, values: Floats) -> list[Influence]:
        from SALib.analyze import morris

        effects = morris.analyze(self._problem, self.parts, values, num_levels=_LEVELS, num_resamples=_RESAMPLES,
                                       conf_level=LEVEL, seed=self.seed)  # fmt: skip
        columns = zip(self.axes, effects["mu_star"], effects["mu_star_conf"], effects["sigma"], strict=True)
        return [Influence(axis, elementary=float(mean), elementary_half=float(half), spread=float(sigma))
                for axis, mean, half, sigma in columns]  # fmt: skip


def _point(axes: Sequence[Axis], parts: Sequence[float], base: DesignPoint) -> DesignPoint:
    values = {axis: axis.at(part) for axis, part in zip(axes, parts, strict=True)}
    picks = {axis.name: value for axis, value in values.items() if axis.is_choice}
    figures = {axis.name: float(value) for axis, value in values.items() if not axis.is_choice}
    return DesignPoint({**base.picks, **picks}, {**base.figures, **figures})


def sample_of(axes: Sequence[Axis], way: Way, count: int, seed: int) -> SampledDesigns:
    """Sample the points of an analysis, count * (axes + 1) of them for Morris and count * (axes + 2) for Sobol.

    count: trajectories (Morris 1991), or base points of Sobol's indices (Saltelli 2010), a power of two. Raises InputError for
    a number that does not do.
    """
    if way == "sobol" and (count < 4 or count & (count - 1)):
        raise InputError(f"--points {count}: Sobol's indices take a power of two, 4 or more, such as 64")
    if count < LEAST:
        raise InputError(f"--points {count}: Morris screening takes at least {LEAST} trajectories")
    with needing("tradeoffs", "the sensitivity analysis"):
        from SALib.sample import morris, sobol
    sample = SampledDesigns(way, axes, np.empty((0, len(axes))), seed)
    make: Callable[..., Any] = sobol.sample if way == "sobol" else morris.sample
    how = {"calc_second_order": False} if way == "sobol" else {"num_levels": _LEVELS}
    return SampledDesigns(way, axes, np.asarray(make(sample._problem, count, seed=seed, **how)), seed)
