"""Designs of a sweep: axes over choices and figures of a case, and points on them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product
from math import ceil, log2, prod
from typing import Any, Literal

import numpy as np
import scipy
from numpy.typing import NDArray

from simulator.case.choices import Number, Options, Pick
from simulator.case.designs import PROJECTED, TRAFFIC, figure_name, range_of
from simulator.case.fields import figures_of
from simulator.case.schema import Scenario
from simulator.errors import InputError, suggest
from simulator.limits import SWEEP_POINTS
from simulator.units import plain_number

Method = Literal["grid", "sobol", "lhs"]
METHODS: tuple[Method, ...] = ("grid", "sobol", "lhs")

#: So many options of an axis are listed in a sentence.
_LISTED = 4

#: Levels of a figure on a grid, where nobody says how many.
LEVELS = 5


class SpaceError(InputError):
    """A sweep that cannot be made; the message names the axis, and what would be right."""


@dataclass(frozen=True)
class Axis:
    """A choice of the case, or a figure, that a sweep varies.

    label: what a person reads; picks: the picks of a choice that are tried, or the levels of a figure on a grid
    bounds: the range of a figure; None for a choice; names: what a person reads of the picks, where that is something else
    """

    name: str
    label: str
    picks: tuple[Pick, ...]
    bounds: tuple[float, float] | None = None
    names: tuple[str, ...] = ()

    @property
    def is_choice(self) -> bool:
        return self.bounds is None

    def at(self, part: float) -> Pick:
        """Return the value at a part of the axis, from 0 to 1: each pick has an equal share, a figure grows evenly."""
        if self.bounds is None:
            return self.picks[min(int(part * len(self.picks)), len(self.picks) - 1)]
        low, high = self.bounds
        return low + part * (high - low)

    @property
    def words(self) -> str:
        """The axis in words: `Classifier replicas (1 to 4)`."""
        if self.bounds:
            return f"{self.label} ({plain_number(self.bounds[0])} to {plain_number(self.bounds[1])})"
        shown = [self.name_of(pick) for pick in self.picks]
        if len(shown) > 2 and all(isinstance(pick, int | float) for pick in self.picks):
            return f"{self.label} ({len(shown)} values from {shown[0]} to {shown[-1]})"
        if len(shown) > _LISTED:
            return f"{self.label} ({len(shown)} options)"
        return f"{self.label} ({', '.join(shown)})"

    def name_of(self, pick: Pick) -> str:
        named = dict(zip(self.picks, self.names, strict=False))
        return named.get(pick, f"{pick:g}" if isinstance(pick, int | float) else str(pick))

    def to_json(self) -> dict[str, Any]:
        between = {"between": list(self.bounds)} if self.bounds else {}
        return {"name": self.name, "label": self.label, "values": list(self.picks)} | between


@dataclass(frozen=True)
class DesignPoint:
    """One design of a sweep: its differences from the case as it stands."""

    picks: Mapping[str, Pick] = field(default_factory=dict)
    figures: Mapping[str, float] = field(default_factory=dict)

    def on(self, axes: Sequence[Axis]) -> dict[str, Pick]:
        return {axis.name: (self.picks if axis.is_choice else self.figures)[axis.name] for axis in axes}


def axis_of(scenario: Scenario, text: str) -> Axis:
    """Read an axis as a user writes it; raises SpaceError that shows how to write it.

    `replicas`, `replicas=1,2,4`, `replicas=1:8`; `population.prevalence`, `population.prevalence=0.01:0.04`, or with the number
    of levels on a grid `population.prevalence=0.01:0.04:4`; `traffic=0.5:2`, times the traffic of the case.
    """
    name, _, values = (part.strip() for part in text.partition("="))
    if name in scenario.choices:
        return _of_choice(scenario, name, values)
    figures = figures_of(scenario)
    if name == TRAFFIC or name in figures or (values and PROJECTED.fullmatch(name)):
        return _of_figure(scenario, name, values)
    near = suggest(name, [*scenario.choices, TRAFFIC, *figures])
    raise SpaceError(f"--over {text}: there is no choice and no figure '{name}'; {near}")


def _of_choice(scenario: Scenario, name: str, values: str) -> Axis:
    choice = scenario.choices[name]
    picks = choice.picks()
    if ":" in values and isinstance(choice, Number):
        picks = _within(name, values, [choice.read(pick) for pick in picks])
    elif values:
        picks = []
        for value in values.split(","):
            try:
                picks.append(choice.read(value.strip()))
            except ValueError as error:
                raise SpaceError(f"--over {name}={values}: {error}") from error
    if len(set(picks)) < 2:
        raise SpaceError(f"--over {name}={values}: {len(set(picks))} of its options; a sweep needs at least 2")
    alone = tuple(dict.fromkeys(picks))
    names = tuple(map(choice.label_of, alone)) if isinstance(choice, Options) else ()
    return Axis(name, choice.label, alone, names=names)


def _within(name: str, values: str, picks: list[int | float]) -> list[Pick]:
    """Return the picks of a number from LOW to HIGH; raises SpaceError for a range that reaches beyond them."""
    low, high = _numbers(name, values, 2)
    least, most = min(picks), max(picks)
    if not least <= low < high <= most:
        expected = f"LOW:HIGH from {least:g} to {most:g}, such as {name}={least:g}:{most:g}"
        raise SpaceError(f"--over {name}={values}: is not within the choice; expected {expected}")
    return [pick for pick in picks if low <= pick <= high]


def _of_figure(scenario: Scenario, name: str, values: str) -> Axis:
    if values and ":" not in values:
        levels = _numbers(name, values.replace(",", ":"), None)
        if len(levels) < 2:
            raise SpaceError(f"--over {name}={values}: one number; a sweep needs at least 2, such as {name}=1,2 or {name}=1:2")
        return Axis(name, figure_name(scenario, name), tuple(sorted(levels)), (min(levels), max(levels)))
    count = LEVELS
    if values:
        low, high, *more = _numbers(name, values, None)
        count = int(more[0]) if more else LEVELS
    else:
        low, high = range_of(scenario, name)
    if not low < high or count < 2:
        raise SpaceError(f"--over {name}={values}: write it as LOW:HIGH or LOW:HIGH:LEVELS, such as {name}=0.5:2:4")
    if count > SWEEP_POINTS.most:
        raise SpaceError(f"--over {name}={values}: {count:,} levels; at most {SWEEP_POINTS} are run")
    return Axis(name, figure_name(scenario, name), tuple(np.linspace(low, high, count).tolist()), (low, high))


def _numbers(name: str, values: str, count: int | None) -> list[float]:
    try:
        numbers = [float(part) for part in values.split(":")]
    except ValueError:
        numbers = []
    if not np.isfinite(numbers).all() or len(numbers) not in ((count,) if count else range(1, 1000)):
        raise SpaceError(f"--over {name}={values}: write it as LOW:HIGH, such as {name}=1:4")
    return numbers


def points_of(axes: Sequence[Axis], method: Method, count: int | None, seed: int, base: DesignPoint) -> list[DesignPoint]:
    """Return the points of a sweep, each once: all combinations on a grid, else `count` points spread evenly.

    method: `sobol`, a scrambled Sobol sequence (Sobol 1967; Owen 1998), `lhs`, a Latin hypercube (McKay 1979), or `grid`
    base: what holds at every point. Raises SpaceError for more points than are run.
    """
    size = prod(len(axis.picks) for axis in axes) if method == "grid" else count or 0
    if size > SWEEP_POINTS.most:
        raise SpaceError(f"{size:,} points; at most {SWEEP_POINTS} are run: give fewer values, or --method sobol --points 1024")
    if method == "grid":
        points = [_point(axes, values, base) for values in product(*(axis.picks for axis in axes))]
    else:
        if not count:
            raise SpaceError(f"--method {method}: say how many points, such as --points 256")
        points = [point_at(axes, row, base) for row in _spread(method, len(axes), count, seed).tolist()]
    return list({repr(point): point for point in points}.values())


def _spread(method: Method, dimensions: int, count: int, seed: int) -> NDArray[np.float64]:
    rng = np.random.default_rng(seed)
    if method == "lhs":
        return np.asarray(scipy.stats.qmc.LatinHypercube(dimensions, rng=rng).random(count))
    return np.asarray(scipy.stats.qmc.Sobol(dimensions, rng=rng).random_base2(ceil(log2(max(count, 2))))[:count])


def point_at(axes: Sequence[Axis], parts: Sequence[float], base: DesignPoint) -> DesignPoint:
    """Return the point at a part of each axis, from 0 to 1."""
    return _point(axes, [axis.at(part) for axis, part in zip(axes, parts, strict=True)], base)


def _point(axes: Sequence[Axis], values: Sequence[Pick], base: DesignPoint) -> DesignPoint:
    on = dict(zip(axes, values, strict=True))
    picks = {axis.name: value for axis, value in on.items() if axis.is_choice}
    figures = {axis.name: float(value) for axis, value in on.items() if not axis.is_choice}
    return DesignPoint({**base.picks, **picks}, {**base.figures, **figures})
