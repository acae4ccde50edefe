"""Service times that grow with a number of the request, such as how many boxes an image has."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from simulator.evidence.profiles import Profile
from simulator.serving.attributes import ATTRIBUTES
from simulator.serving.conditions import Conditions
from simulator.serving.latency import Floats, LatencyTable, sampled, singles
from simulator.serving.streams import Streams

if TYPE_CHECKING:
    from simulator.serving.plan import Plan

#: Parts between the smallest and the largest size in which a distribution is looked at.
_PARTS = 20_000


@dataclass(frozen=True)
class SizedTable:
    """Service times of single requests at several sizes; in between they are interpolated, quantile by quantile.

    A request below the smallest size takes as long as one of that size, and one above the largest likewise.

    by: the attribute that says how large a request is
    sizes: those that were measured, ascending, shape (k,)
    table: their times, with the place of a size, from 1, where other tables have the batch size
    """

    by: str
    sizes: Floats
    table: LatencyTable

    def seconds(self, values: NDArray[np.floating], cells: NDArray[np.int32]) -> Floats:
        """Service times in s, by idle gap and request, shape (gaps + 1, n).

        values: how large each request is; cells: in which cell of the quantiles its draw lies; shapes (n,)
        """
        found: Floats = np.zeros((len(self.table.seconds), len(values)))
        for place, weight in enumerate(self._weights(values), start=1):
            found += weight * self.table.seconds[:, place, cells]
        return found

    def average(self, chances: Floats, values: NDArray[np.floating]) -> LatencyTable:
        """The times of requests of these sizes: each quantile is the mean over them, and so is the mean.

        chances: how likely each size is, shape (m,); values: the sizes, shape (m,)
        """
        mixed = np.tensordot(self._weights(values) @ chances, self.table.seconds[:, 1:], (0, 1))
        return replace(self.table, seconds=np.stack([np.zeros_like(mixed), mixed], axis=1))

    def bounds(self) -> Floats:
        """Where to part a distribution of sizes, ascending; the last is just above the largest size."""
        return np.append(
            np.linspace(self.sizes[0], self.sizes[-1], _PARTS + 1), np.nextafter(np.float32(self.sizes[-1]), np.inf)
        )

    def _weights(self, values: NDArray[np.floating]) -> Floats:
        """How much each measured size counts at each value, shape (k, m)."""
        return np.stack([np.interp(values, self.sizes, unit) for unit in np.eye(len(self.sizes))])


def sized(by: str, profiles: dict[float, Profile], threads: int, times: float = 1.0) -> SizedTable:
    """The table of profiles that were measured at these sizes; times: how many times as long as measured they take.

    Raises LatencyError where a profile lacks the thread count or calls of single requests.
    """
    sizes = sorted(profiles)
    table = singles([profiles[size] for size in sizes], threads)
    return SizedTable(by, np.array(sizes), replace(table, seconds=table.seconds * times))


def weighed(plan: Plan, name: str) -> tuple[LatencyTable, list[str]]:
    """What a pool's times are on average over the attribute that they grow with; sentences about what nothing was measured of.

    What strikes changes no average, as with every load, but may bring requests that are larger than any that was measured.
    """
    sized, scenario = plan.sized[name], plan.scenario
    attribute, largest = scenario.attributes[sized.by], sized.sizes[-1]
    chances, values = ATTRIBUTES[attribute.kind].cells(plan, sized.by, sized.bounds())
    times, plus = Conditions(plan, Streams(0)).attribute(sized.by)
    found = {"": values, " at the worst of what strikes": values * max(times.values) + max(plus.values)}
    beyond = {when: float(chances[sizes > largest].sum()) for when, sizes in found.items()}
    warnings = [
        f"{scenario.stages[name].label}: nothing was measured above {largest:g} ({attribute.label}). The {100 * share:.2g}% of "
        f"{scenario.unit.many} that have more{when} take as long as with that many."
        for when, share in beyond.items()
        if share > (beyond[""] if when else 0)
    ]
    return sized.average(chances, values), warnings


def of_samples(by: str, samples: dict[float, Sequence[float]]) -> SizedTable:
    """The table of service-time samples in s by size, the same whether busy or idle (for tests and theory)."""
    sizes = sorted(samples)
    return SizedTable(by, np.array(sizes), sampled({place: np.array(samples[size]) for place, size in enumerate(sizes, 1)}))
