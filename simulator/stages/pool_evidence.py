"""Evidence of a pool: its machine, its scores, and its service times for every batch size, busy or after an idle gap."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import product
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, GetCoreSchemaHandler, GetJsonSchemaHandler, TypeAdapter
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, core_schema

from simulator.case.fields import Line, Source, Strict
from simulator.case.kinds import FileName
from simulator.case.model_memo import ModelMemo
from simulator.case.run_conditions import Conditions
from simulator.evidence.catalogue import HARDWARE, CatalogueError, hardware, machine
from simulator.evidence.profiles import (
    IDLE_GAP_MS,
    Calls,
    PrecisionError,
    Profile,
    ProfileError,
    ThreadRun,
    has_profile,
    load_profile,
    profile_files,
)
from simulator.evidence.projection import ProjectionError, latencies, projection_files
from simulator.evidence.score_tables import (
    Assumed,
    Measured,
    ScoreError,
    ScoreTable,
    UnpairedError,
    assumed_scores,
    check_paired,
    score_files,
    scores_at,
)
from simulator.records.streams import Streams
from simulator.units import duration, roughly

if TYPE_CHECKING:
    from simulator.case.fields import AnyQuantity
    from simulator.case.own_hardware import OwnHardware
    from simulator.case.run_conditions import Conditions
    from simulator.engine.plan import Gatherer, Plan
    from simulator.stages.pool import Pool

#: Up to so many calls of a size are kept as they are; of more, the means of so many equal parts of them, ascending.
GRID = 512
#: Cells that the sum of two tables has, about.
_SUM_CELLS = 2048
#: Draws that stand for a distribution of service times.
TABLE_DRAWS = 100_000
#: The fields of a pool that decide on its scores, and those that decide on its latencies.
_DECIDE_SCORES, _DECIDE_LATENCIES = ("scores", "trained_on"), ("model", "precision", "device", "threads", "max_batch")
#: Parts of the way from 0 to 1 in which a cell is looked up at once.
_PARTS = 4096

Floats = NDArray[np.float64]


class LatencyError(ValueError):
    """A profile does not hold the latencies that a design asks for."""


@dataclass(frozen=True)
class LatencyTable:
    """Service times in seconds, shape (len(gaps_s) + 1, max_batch + 1, cells): by idle gap, by batch size, by quantile.

    Row 0 is for calls after a gap shorter than gaps_s[0], row 1 for longer ones up to gaps_s[1], and so on. Sizes between
    two measured ones are interpolated quantile by quantile; nothing is extrapolated.

    A cell is a range of quantiles within which no row changes, so that mean and spread of the calls are kept exactly.
    cell_ends: the quantile at which each cell ends, ascending to 1, shape (cells,); None for cells of equal width
    """

    seconds: Floats
    gaps_s: tuple[float, ...] = (IDLE_GAP_MS / 1000,)
    cell_ends: Floats | None = None

    @property
    def max_batch(self) -> int:
        return int(self.seconds.shape[1]) - 1

    @property
    def cells(self) -> int:
        return int(self.seconds.shape[2])

    def is_alike(self, other: LatencyTable) -> bool:
        mine, others = (self.seconds, _ends(self)), (other.seconds, _ends(other))
        return self.gaps_s == other.gaps_s and all(map(np.array_equal, mine, others))

    @cached_property
    def weights(self) -> Floats:
        """The chance of each cell, shape (cells,)."""
        return np.full(self.cells, 1 / self.cells) if self.cell_ends is None else np.diff(self.cell_ends, prepend=0.0)

    def mean_s(self, batch: int, idled: bool = False) -> float:
        """Mean service time of a batch in seconds."""
        return float(self.seconds[int(idled), batch] @ self.weights)

    @property
    def median_s(self) -> float:
        """Median service time of a single request that comes to a busy replica, in seconds."""
        return float(self.seconds[0, 1, self.cell_of(np.array([0.5]))[0]])

    def quantile_s(self, share: float, batch: int) -> float:
        """Return a quantile in seconds of the service time of a batch size, over busy and idle replicas."""
        return float(self.seconds[:, batch, self.cell_of(np.array([share]))[0]].max())

    @property
    def capacity_per_s(self) -> float:
        return max(size / self.mean_s(size) for size in range(1, self.max_batch + 1))

    def cell_of(self, quantile: NDArray[np.floating]) -> NDArray[np.int32]:
        """Return the cell of each quantile (0 to below 1); both of shape (n,)."""
        if self.cell_ends is None:
            return (quantile * self.cells).astype(np.int32)
        part = (quantile * _PARTS).astype(np.int32)
        cell = self._first_cells[part]
        torn = cell < self._first_cells[part + 1]
        cell[torn] = np.searchsorted(self.cell_ends, quantile[torn], side="right")
        return cell

    @cached_property
    def _first_cells(self) -> NDArray[np.int32]:
        return np.searchsorted(_ends(self), np.arange(_PARTS + 1) / _PARTS, side="right").astype(np.int32)


def constant(*seconds: float) -> LatencyTable:
    """Return a table of fixed service times in seconds for batches of 1, 2, ..., where nothing is known of their spread."""
    return LatencyTable(np.tile(np.array([0.0, *seconds])[:, None], (2, 1, 1)))


def drawn(quantity: AnyQuantity) -> LatencyTable:
    """Return the table of single requests whose times (ms) a quantity gives, equal for busy and idle; its mean is exact."""
    steps = steps_of(quantity.draw(np.random.default_rng(0), TABLE_DRAWS, np.float64) / 1000)
    steps *= quantity.mean / 1000 / steps.mean()
    return _table([{1: steps}, {1: steps}], 1)


def sampled(samples: Mapping[int, Floats]) -> LatencyTable:
    """Return a table from service times in seconds by batch size, equal for busy and idle (for tests and theory)."""
    steps = {size: steps_of(values) for size, values in samples.items()}
    return _table([steps, steps], max(samples))


def profiled(profile: Profile, threads: int, max_batch: int, passes: float = 1) -> LatencyTable:
    """Return the table for one pool; all times `passes` times as long, as of so many runs one after the other for each answer.

    Raises LatencyError where the profile lacks the thread count, or batches from 1 to `max_batch`.
    """
    known = _PROFILED.of(profile)
    if (threads, max_batch) not in known:
        known[threads, max_batch] = _profiled(profile, threads, max_batch)
    table = known[threads, max_batch]
    return replace(table, seconds=table.seconds * passes)


#: The tables of a profile by thread count and largest batch.
_PROFILED: ModelMemo[Profile, dict[tuple[int, int], LatencyTable]] = ModelMemo(lambda profile: {})


def _profiled(profile: Profile, threads: int, max_batch: int) -> LatencyTable:
    run = _run(profile, threads)
    sizes = [calls.batch for calls in run.calls]
    if max_batch > max(sizes):
        raise LatencyError(f"{profile.key} was measured up to batch {max(sizes)}; max_batch is {max_batch}")
    kinds = [{calls.batch: _of_kind(calls, idled) for calls in run.calls} for idled in (False, True)]
    return _table(kinds, max_batch)


def singles(profiles: Sequence[Profile], threads: int) -> LatencyTable:
    """Return a table of single requests in several profiles, whose batch size is the profile's place, from 1.

    Raises LatencyError where a profile lacks the thread count or batch 1.
    """
    calls = [next(calls for calls in _run(profile, threads).calls if calls.batch == 1) for profile in profiles]
    return _table(
        [{place: _of_kind(each, idled) for place, each in enumerate(calls, 1)} for idled in (False, True)], len(calls)
    )


def _run(profile: Profile, threads: int) -> ThreadRun:
    """Return the calls of a profile with so many threads, single requests among them."""
    try:
        run = profile.run(threads)
    except KeyError as error:
        raise LatencyError(str(error.args[0])) from error
    smallest = min(calls.batch for calls in run.calls)
    if smallest > 1:
        raise LatencyError(f"{profile.key} was measured from batch {smallest} on; any max_batch needs batch 1")
    return run


def summed(tables: Sequence[LatencyTable]) -> LatencyTable:
    """Return the table of models that run one after the other, their service times independent of each other."""
    total, rng = tables[0], np.random.default_rng(0)
    for table in tables[1:]:
        total = _plus(total, table, rng)
    return total


def _plus(first: LatencyTable, second: LatencyTable, rng: np.random.Generator) -> LatencyTable:
    """All of the second, shuffled, within each of many equal parts of the first, so that slow does not always meet slow.

    Each keeps its own distribution. The cells are ordered by the time of a single request.
    """
    parts = max(_SUM_CELLS // second.cells, 1)
    order = rng.permuted(np.tile(np.arange(second.cells), (parts, 1)), axis=1).ravel()
    own = _ends(first), np.append(np.cumsum(second.weights[order] / parts)[:-1], 1.0)
    ends = np.unique(np.concatenate(own))
    weights = np.diff(ends, prepend=0.0)
    there = [np.searchsorted(one, ends - weights / 2) for one in own]
    seconds = first.seconds[..., there[0]] + second.seconds[..., order[there[1]]]
    ascending = np.argsort(seconds[0, 1], kind="stable")
    return LatencyTable(seconds[..., ascending], first.gaps_s, np.append(np.cumsum(weights[ascending])[:-1], 1.0))


def steps_of(values: Floats) -> Floats:
    """Return equal steps of a sample's quantile function: its values ascending, or GRID means of equal parts."""
    ordered = np.sort(values)
    if len(ordered) <= GRID:
        return ordered
    below = np.interp(np.arange(GRID + 1) / GRID, np.arange(len(ordered) + 1) / len(ordered), np.append(0, ordered.cumsum()))
    return np.asarray(np.diff(below) * GRID / len(ordered))


def _of_kind(calls: Calls, idled: bool) -> Floats:
    latency, idle = np.array(calls.latency_ms), np.array(calls.idle_ms)
    chosen = latency[(idle >= IDLE_GAP_MS) == idled]
    return steps_of((chosen if len(chosen) >= 5 else latency) / 1000)


def _table(kinds: Sequence[Mapping[int, Floats]], max_batch: int) -> LatencyTable:
    """Return the table of these steps, by idle gap and measured size: a cell ends wherever a step does."""
    counts = sorted({len(steps) for kind in kinds for steps in kind.values()})
    ends = np.unique(np.concatenate([np.arange(1, count + 1) / count for count in counts]))
    middles = ends - np.diff(ends, prepend=0.0) / 2
    sizes = sorted(kinds[0])
    rows = np.stack([[kind[size][(middles * len(kind[size])).astype(int)] for size in sizes] for kind in kinds])
    between = np.stack([np.interp(np.arange(max_batch + 1), sizes, unit) for unit in np.eye(len(sizes))], axis=1)
    seconds = between @ rows
    seconds[:, 0] = 0.0
    return LatencyTable(seconds, cell_ends=ends if len(counts) > 1 else None)


def _ends(table: LatencyTable) -> Floats:
    return np.arange(1, table.cells + 1) / table.cells if table.cell_ends is None else table.cell_ends


#: Parts between the smallest and the largest size in which a distribution is looked at.
_SIZED_PARTS = 20_000


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
        """Return the times of requests of these sizes: each quantile is the mean over them, and so is the mean.

        chances: how likely each size is, shape (m,); values: the sizes, shape (m,)
        """
        mixed = np.tensordot(self._weights(values) @ chances, self.table.seconds[:, 1:], (0, 1))
        return replace(self.table, seconds=np.stack([np.zeros_like(mixed), mixed], axis=1))

    def bounds(self) -> Floats:
        return np.append(
            np.linspace(self.sizes[0], self.sizes[-1], _SIZED_PARTS + 1), np.nextafter(np.float32(self.sizes[-1]), np.inf)
        )

    def _weights(self, values: NDArray[np.floating]) -> Floats:
        """Return how much each measured size counts at each value, shape (k, m)."""
        return np.stack([np.interp(values, self.sizes, unit) for unit in np.eye(len(self.sizes))])


def sized(by: str, profiles: dict[float, Profile], threads: int, times: float = 1.0) -> SizedTable:
    """Return the table of profiles that were measured at these sizes; times: how many times as long as measured they take.

    Raises LatencyError where a profile lacks the thread count or calls of single requests.
    """
    sizes = sorted(profiles)
    table = singles([profiles[size] for size in sizes], threads)
    return SizedTable(by, np.array(sizes), replace(table, seconds=table.seconds * times))


def weighed(plan: Plan, name: str) -> tuple[LatencyTable, list[str]]:
    """Return a pool's mean times over the attribute they grow with, and sentences on values without measurement.

    What strikes changes no average, as with every load, but may bring requests that are larger than any that was measured.
    """
    sized, scenario = plan.sized[name], plan.scenario
    attribute, largest = scenario.attributes[sized.by], sized.sizes[-1]
    chances, values = attribute.cells(plan, sized.by, sized.bounds())
    times, plus = Conditions(plan, Streams(0)).attribute(sized.by)
    found = {"": values, " at the worst of what strikes": values * max(times.values) + max(plus.values)}
    beyond = {when: float(chances[sizes > largest].sum()) for when, sizes in found.items()}
    warnings = [
        f"{scenario.stages[name].label}: nothing was measured above {largest:,g} ({attribute.label}). The {scenario.unit.many} "
        f"that have more{when}, {roughly(share)} of all, take as long as with that many."
        for when, share in beyond.items()
        if share > (beyond[""] if when else 0)
    ]
    return sized.average(chances, values), warnings


def of_samples(by: str, samples: dict[float, Sequence[float]]) -> SizedTable:
    sizes = sorted(samples)
    return SizedTable(by, np.array(sizes), sampled({place: np.array(samples[size]) for place, size in enumerate(sizes, 1)}))


class PoolEvidence:
    """Looks up the evidence of pools for a plan that is being made."""

    def __init__(self, plan: Gatherer) -> None:
        self.plan = plan

    def look_up(self, name: str, stage: Pool) -> None:
        """Everything that one pool refers to."""
        self._attempt((name, "device"), CatalogueError, lambda: self._rent(name, stage))
        if name in self.plan.machines or self._is_measured(stage):  # an unknown device has its fault; the model has none
            self._look_up_latencies(name, stage)
        assumed = stage.scores
        if isinstance(assumed, AssumedScores):
            self._attempt((name, "scores"), ScoreError, lambda: self._assume(name, stage, assumed))
        elif stage.scores:
            field = "scores" if stage.trained_on is None else "trained_on"
            model = "_".join(filter(None, (str(assumed), stage.trained_on)))
            self._attempt((name, field), ScoreError, lambda: self._score(name, stage, model))

    def _look_up_latencies(self, name: str, stage: Pool) -> None:
        rented = self.plan.machines.get(name)
        if rented is not None and rented.vcpus is None and not self._is_measured(stage):
            self._attempt((name, "device"), ProjectionError, lambda: self._project(name, stage))
        else:
            self._attempt((name, "model"), ProfileError, lambda: self._measured(name, stage))

    def _attempt(self, path: tuple[str, str], error: type[Exception], lookup: Callable[[], None]) -> None:
        try:
            lookup()
        except ScoreError as caught:
            stages = self.plan.scenario.stages if isinstance(caught, UnpairedError) else [path[0]]
            self.plan.unknown(path, str(caught), "scores", product(stages, _DECIDE_SCORES))
        except CatalogueError as caught:
            self.plan.fault(path, str(caught))
        except error as caught:
            self._untimed(path, str(caught))
        except LatencyError as caught:
            self._untimed((path[0], "max_batch" if "max_batch" in str(caught) else "threads"), str(caught))

    def _untimed(self, path: tuple[str, ...], message: str) -> None:
        self.plan.unknown(path, message, "latencies", product([path[0]], _DECIDE_LATENCIES))

    def _own(self, stage: Pool) -> OwnHardware | None:
        return self.plan.scenario.hardware.get(stage.device)

    def _timed_as(self, stage: Pool) -> str:
        """Return the device whose latencies the pool has."""
        own = self._own(stage)
        return stage.device if own is None else own.like

    def _factor(self, stage: Pool) -> float:
        """Return how many times as long as on that device a batch takes."""
        own = self._own(stage)
        return stage.times_measured * (1.0 if own is None else own.times.value)

    def _rent(self, name: str, stage: Pool) -> None:
        own = self._own(stage)
        rented = self.plan.machines[name] = machine(stage.device) if own is None else own.machine
        self.plan.note({f"catalogue/{HARDWARE.name}": HARDWARE})
        if rented.vcpus is not None and stage.threads > rented.vcpus:
            self.plan.fault(
                (name, "threads"),
                f"{stage.threads} threads on a machine with {rented.vcpus} processors; use at most that",
            )
        if rented.usd_per_hour is None or rented.price_source is None:
            priced = [one for one, device in hardware().items() if device.usd_per_hour is not None]
            kind = [one for one in priced if hardware()[one].kind == rented.kind]
            what = (
                f"the catalogue has no price of {rented.label}; devices of its kind with a price: {', '.join(kind or priced)}"
            )
            raise CatalogueError(what)
        if own is not None:
            return  # its figures are among those of the case
        size = "the whole device" if rented.vcpus is None else f"{rented.vcpus} vCPU"
        price = f"{rented.usd_per_hour:g} USD an hour for {size}"
        self.plan.sources.append(Source(f"{stage.label}: price", rented.price_evidence, price, rented.price_source))

    def _is_measured(self, stage: Pool) -> bool:
        pairs = product(stage.models, stage.precisions)
        return all(has_profile(self._timed_as(stage), model, precision) for model, precision in pairs)

    def _measured(self, name: str, stage: Pool) -> None:
        try:
            self._time(name, stage)
        except PrecisionError as error:
            size = next((key for key, precision in stage.sizes.items() if precision == error.precision), None)
            place = ("precision",) if size is None else ("sizes", f"{size:g}")
            self._untimed((name, *place), str(error))

    def _project(self, name: str, stage: Pool) -> None:
        """Latencies of a device that was not measured here: one time for each batch size, and the ends of its band."""
        if stage.scaling is not None:
            raise ProjectionError(
                f"{self.plan.machines[name].label}: how long a replica takes to start is not known; leave out scaling"
            )
        if stage.sizes:
            raise ProjectionError(f"{self.plan.machines[name].label}: sizes were not measured there, and cannot be projected")
        sizes = range(1, stage.max_batch + 1)
        of_models = [latencies(model, stage.precision, sizes, self._timed_as(stage)) for model in stage.models]
        self.plan.note(projection_files())
        by_size = [*zip(*of_models, strict=True)]
        values, lows, highs = (
            [self._factor(stage) * sum(getattr(point, end) for point in points) for points in by_size]
            for end in ("value", "low", "high")
        )
        self.plan.latencies[name] = constant(*values)
        self.plan.bands[name] = constant(*lows), constant(*highs)
        self._halved(stage, by_size[0][0].computed)
        value = f"{_in_ms(values[0], lows[0], highs[0])} at batch 1"
        if stage.max_batch > 1:
            value += f", {_in_ms(values[-1], lows[-1], highs[-1])} at batch {stage.max_batch}"
        sources = " ".join(dict.fromkeys(point.source for point in by_size[0]))
        self.plan.sources.append(Source(f"{stage.label}: latency", "projected", value, sources))
        self._say_own(stage)
        self.plan.warnings.append(
            f"{stage.label}: its latency is projected, {value}. Every interval reaches from the fast end of that band to the "
            "slow one; how much service times spread is not known."
        )

    def _time(self, name: str, stage: Pool) -> None:
        device, factor = self._timed_as(stage), self._factor(stage)
        profiles = [load_profile(device, model, stage.precision) for model in stage.models]
        self.plan.note(profile_files(device, stage.models, stage.precision))
        tables = [profiled(profile, stage.threads, stage.max_batch, factor) for profile in profiles]
        self.plan.latencies[name] = summed(tables)
        if stage.sized_by is not None:
            self._time_by_size(name, stage, stage.sized_by)
        self.plan.timed[name] = [profile.run(stage.threads) for profile in profiles]
        for profile, table in zip(profiles, tables, strict=True):
            of = f" of {profile.model}" if stage.also else ""
            value = f"{duration(table.mean_s(1) / factor)} at batch 1{of}"
            self.plan.sources.append(Source(f"{stage.label}: latency", "measured", value, profile.source(stage.threads)))
        if stage.times is not None:
            times = f"{stage.times.value:g} times as long as measured"
            self.plan.sources.append(Source(f"{stage.label}: latency", stage.times.kind, times, stage.times.source))
            self.plan.worded.add(("stages", name, "times"))
        self._say_own(stage)
        if stage.scaling is not None:
            self._start(name, stage, profiles)

    def _say_own(self, stage: Pool) -> None:
        """Give the factor of a machine of the author's own beside the latencies that it multiplies."""
        own = self._own(stage)
        if own is not None:
            times = f"{own.times.value:g} times as long on {own.label}"
            self.plan.sources.append(Source(f"{stage.label}: latency", own.times.kind, times, own.times.source))
            self.plan.worded.add(("hardware", stage.device, "times"))

    def _time_by_size(self, name: str, stage: Pool, by: str) -> None:
        """Each size has a profile of its own; how long requests take on average is known once all attributes are."""
        device, factor = self._timed_as(stage), self._factor(stage)
        profiles = {size: load_profile(device, stage.model, precision) for size, precision in stage.sizes.items()}
        for precision in stage.precisions:
            self.plan.note(profile_files(device, stage.models, precision))
        self.plan.sized[name] = found = sized(by, profiles, stage.threads, factor)
        places = enumerate(found.sizes.tolist(), 1)
        measured = [(size, found.table.mean_s(place) / factor) for place, size in places]
        means = ", ".join(f"{duration(seconds)} at {size:g}" for size, seconds in measured)
        source = " ".join(profile.source(stage.threads) for profile in profiles.values())
        self.plan.sources.append(Source(f"{stage.label}: latency by {by}", "measured", means, source))

    def _start(self, name: str, stage: Pool, profiles: list[Profile]) -> None:
        starts = [profile.run(stage.threads).session_s for profile in profiles]
        self.plan.cold_starts[name] = [sum(start) for start in zip(*starts, strict=False)]
        value = f"{np.mean(self.plan.cold_starts[name]):.3g} s to create a session and answer for the first time"
        source = " ".join(profile.source(stage.threads) for profile in profiles)
        self.plan.sources.append(Source(f"{stage.label}: cold start", "measured", value, source))

    def _halved(self, stage: Pool, computed: str) -> None:
        """Caution that a network of fp32 is projected at fp16, which misleads beside a device with published times at fp32."""
        if stage.precision != "fp32" or computed != "fp16":
            return
        device = machine(self._timed_as(stage)).label
        if not stage.scores:
            reason = f"no latency at fp32 was published of {device}; write fp16 to compare devices alike"
            self.plan.warnings.append(f"{stage.label}: asked for at fp32 and projected at fp16: {reason}.")
            return
        what, reason = (
            f"{stage.label}: accuracy in fp16",
            f"{device} computes this model in fp16; accuracy is assumed equal to fp32",
        )
        self.plan.sources.append(Source(what, "assumed", "as fp32", reason))
        self.plan.warnings.append(f"{what}: {reason}.")

    def _enter(self, name: str, table: ScoreTable) -> None:
        for other in self.plan.tables.values():
            check_paired(other, table)
        self.plan.tables[name] = table

    def _assume(self, name: str, stage: Pool, scores: AssumedScores) -> None:
        """Scores that the author assumes, at every precision alike."""
        about = Assumed(
            model=stage.model,
            precision=stage.precision,
            source=scores.assumed,
            auc=scores.auc,
            positives=scores.positives,
            negatives=scores.negatives,
        )
        self._enter(name, assumed_scores(about))
        size = f"{scores.positives:,} labelled positives and {scores.negatives:,} negatives"
        self.plan.sources.append(
            Source(f"{stage.label}: scores", "assumed", f"AUC {scores.auc:g}, as if of {size}", scores.assumed)
        )
        self.plan.warnings.append(
            f"{stage.label}: its scores are assumed, with an AUC of {scores.auc:g} at every precision; intervals reckon with "
            f"{size}, which are not labelled."
        )

    def _score(self, name: str, stage: Pool, model: str) -> None:
        rented = self.plan.machines.get(name)
        runs_on = rented.instruction_set if rented else None
        table = scores_at(model, stage.precision, runs_on=runs_on)
        self.plan.note(score_files(table.name))
        self._enter(name, table)
        about = table.about
        value = f"AUC {table.auc:.3f}"
        text = f"{about.source}. {about.attribution}" if isinstance(about, Measured) else about.source
        self.plan.sources.append(Source(f"{stage.label}: scores", about.kind, value, text))
        if about.precision != stage.precision:
            precision = stage.precision.replace("_", " ")
            what = f"{stage.label}: accuracy at {precision}"
            reason = f"no scores were measured at {precision}; accuracy is assumed equal to {about.precision}"
            self.plan.sources.append(Source(what, "assumed", f"as {about.precision}", reason))
            self.plan.warnings.append(f"{what}: {reason}.")
        elif rented and isinstance(about, Measured):
            self.plan.doubt_eight_bits(f"{stage.label}: accuracy", rented, about.precision, about.instruction_set)


def _in_ms(value_s: float, low_s: float, high_s: float) -> str:
    return f"{1000 * value_s:.3g} ms ({1000 * low_s:.3g} to {1000 * high_s:.3g})"


class AssumedScores(Strict):
    """Scores without a measurement: two normal distributions of equal spread, as far apart as the area says.

    assumed: the reason for it
    """

    written: ClassVar[str] = "the name of a score table, or as {auc: 0.9, assumed: why}"

    auc: Annotated[float, Field(gt=0.5, lt=1, description="the area under the ROC curve")]
    assumed: Line
    positives: Annotated[int, Field(ge=30, le=10_000, description="labelled positives that intervals are to reckon with")] = 200
    negatives: Annotated[int, Field(ge=30, le=10_000, description="labelled negatives that intervals are to reckon with")] = 200


_TABLE: TypeAdapter[str] = TypeAdapter(FileName)


def _scores(data: Any) -> str | AssumedScores:
    return AssumedScores.model_validate(data) if isinstance(data, dict | AssumedScores) else _TABLE.validate_python(data)


class _TableOrAssumed:
    """In an annotation: the name of a score table, or assumed scores."""

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(_scores)

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        return {"anyOf": [handler(_TABLE.core_schema), handler(AssumedScores.__pydantic_core_schema__)]}


Scores = Annotated[FileName | AssumedScores, _TableOrAssumed()]
