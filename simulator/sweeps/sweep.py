"""Sweeps: the request, its run on any executor, and its results as a table, a sentence or a file."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from simulator.case.choices import Pick
from simulator.case.document import ScenarioError
from simulator.case.schema import Scenario
from simulator.engine.compiled_plan import Plan, case_hash
from simulator.engine.plan import compile_plan
from simulator.engine.run import ENGINE_VERSION
from simulator.errors import InputError, suggest
from simulator.evidence.evidence_files import in_one_step
from simulator.phrases import phrase
from simulator.processes import AT_ONCE
from simulator.sweeps.design_space import Axis, DesignPoint, Method, axis_of, points_of
from simulator.sweeps.outcome_cache import DesignOutcome, OutcomeCache, SweepTask, solve, task_of

#: Replications of each point by default. Four give intervals a third wider than twelve do.
REPLICATIONS = 4

_METHODS = {
    "grid": "in all combinations",
    "sobol": "spread as a scrambled Sobol sequence",
    "lhs": "spread as a Latin hypercube",
}


@dataclass(frozen=True)
class SweepRequest:
    """The designs and metrics of a sweep.

    picks, figures: the base design; metrics: the ones reported of each point
    """

    scenario: Scenario
    axes: Sequence[Axis]
    metrics: Sequence[str]
    points: Sequence[DesignPoint]
    picks: Mapping[str, Pick] = field(default_factory=dict)
    figures: Mapping[str, float] = field(default_factory=dict)
    strikes: Mapping[str, float | None] = field(default_factory=dict)
    method: Method = "grid"
    seed: int = 1
    replications: int = REPLICATIONS
    _known: dict[str, list[frozenset[str]]] = field(default_factory=dict, init=False, repr=False, compare=False)

    def plan(self, point: DesignPoint) -> Plan:
        """Compile a point; raises ScenarioError where it cannot run."""
        return compile_plan(self.scenario, point.picks, self.strikes, point.figures)

    def task(self, point: DesignPoint, seed: int, replications: int) -> SweepTask:
        """Make the task of running a point; raises ScenarioError where it cannot run."""
        return task_of(self.plan(point), self.metrics, seed, replications)

    def blamed(self, point: DesignPoint) -> list[frozenset[str]]:
        """Return, for each reason why a point cannot run, the axes that may stand in its way; a point is compiled once."""
        if (name := repr(point)) not in self._known:
            try:
                self.plan(point)
                self._known[name] = []
            except ScenarioError as error:
                every = [axis.name for axis in self.axes]
                self._known[name] = [frozenset(fault.choices or every) for fault in error.faults]
        return self._known[name]

    def mended(self, point: DesignPoint) -> DesignPoint:
        """Return a point that runs: where this one cannot, with the base's picks of the choices that stand in the way.

        Choices are tried in an order drawn for the point: else the first of two that do not go together would always give way.
        Where nothing helps, the point stays as it is.
        """
        own, faults, mended = self.scenario.defaults() | dict(self.picks), self.blamed(point), point
        at_fault = frozenset().union(*faults)
        axes = [
            axis for axis in self.axes if axis.is_choice and axis.name in at_fault and point.picks[axis.name] != own[axis.name]
        ]
        for place in np.random.default_rng(list(repr(point).encode())).permutation(len(axes)):
            changed = DesignPoint({**mended.picks, axes[place].name: own[axes[place].name]}, point.figures)
            if len(left := self.blamed(changed)) < len(faults):
                mended, faults = changed, left
            if not faults:
                return mended
        return point

    def check_brief(self) -> None:
        """Raise InputError for a base design outside of the brief: no verdict on it counts, so none can turn."""
        if why := self.plan(self.base).outside_brief:
            raise InputError(why)

    def refusal(self, point: DesignPoint, seed: int, replications: int, error: ScenarioError) -> DesignOutcome:
        design = self.scenario.defaults() | dict(point.picks)
        return DesignOutcome(design, point.figures, seed, replications, refused=error.faults[0].message)

    @property
    def scenario_hash(self) -> str:
        return case_hash(self.scenario)

    @property
    def other_seed(self) -> int:
        return (self.seed + 1_000_003) % 2**31

    @property
    def base(self) -> DesignPoint:
        return DesignPoint(dict(self.picks), dict(self.figures))

    def words(self, point: DesignPoint) -> str:
        on = point.on(self.axes)
        return ", ".join(f"{axis.label}: {axis.name_of(on[axis.name])}" for axis in self.axes)

    @property
    def size(self) -> str:
        """What each figure rests on; a run of the design, with more replications, can prove more."""
        usual = self.scenario.run.replications
        more = usual if usual > self.replications else None
        return phrase("sweep.size", replications=self.replications, seed=self.seed, more=more)

    @property
    def sentence(self) -> str:
        """The sweep in a sentence."""
        return phrase(
            "sweep.designs", designs=len(self.points), title=self.scenario.title, axes=[axis.words for axis in self.axes],
            method=_METHODS[self.method], many=self.scenario.unit.many, replications=self.replications, seed=self.seed,
        )  # fmt: skip

    @property
    def head(self) -> dict[str, Any]:
        """The head of every JSON answer on these designs."""
        return {
            "scenario": self.scenario.id,
            "scenario_hash": self.scenario_hash,
            "design": self.scenario.defaults() | dict(self.picks),
            **({"figures": dict(self.figures)} if self.figures else {}),
            **({"strikes": dict(self.strikes)} if self.strikes else {}),
            "seed": self.seed,
            "replications": self.replications,
        }

    def provenance(self, outcomes: Sequence[DesignOutcome]) -> dict[str, Any]:
        """Return all that identifies the sweep, as plain data: case, design, axes, evidence with its hashes, seed, engine."""
        evidence = {name: content for outcome in outcomes for name, content in outcome.evidence.items()}
        return {
            **self.head,
            "axes": [axis.to_json() for axis in self.axes],
            "method": self.method,
            "metrics": {name: self.scenario.metrics[name].unit for name in self.metrics},
            "engine": ENGINE_VERSION,
            "evidence": dict(sorted(evidence.items())),
            "described": self.sentence,
        }

    def table(self, outcomes: Sequence[DesignOutcome]) -> pd.DataFrame:
        return self.table_of(self.points, outcomes)

    def table_of(self, points: Sequence[DesignPoint], outcomes: Sequence[DesignOutcome]) -> pd.DataFrame:
        pairs = zip(points, outcomes, strict=True)
        return pd.DataFrame([point.on(self.axes) | self._row(outcome) for point, outcome in pairs])

    def _row(self, outcome: DesignOutcome) -> dict[str, Any]:
        row: dict[str, Any] = {}
        for name in self.metrics:
            estimate = outcome.metrics.get(name)
            bounds = (None, None, None) if estimate is None else (estimate.value, estimate.low, estimate.high)
            row |= dict(zip((name, f"{name}.low", f"{name}.high"), bounds, strict=True))
        judged = [verdict for verdict in outcome.verdicts(self.scenario) if verdict.objective.metric in self.metrics]
        row |= {
            f"{verdict.objective.metric}.verdict": "cannot run" if outcome.refused else verdict.standing for verdict in judged
        }
        return row | {"requests": outcome.requests, "run_hash": outcome.run_hash, "refused": outcome.refused}


def sweep_request(
    scenario: Scenario,
    over: Sequence[str],
    *,
    picks: Mapping[str, Pick] | None = None,
    figures: Mapping[str, float] | None = None,
    strikes: Mapping[str, float | None] | None = None,
    metrics: Sequence[str] = (),
    method: Method = "grid",
    points: int | None = None,
    seed: int = 1,
    replications: int = REPLICATIONS,
) -> SweepRequest:
    """Read a sweep from a user's words; without metrics it reports those of the objectives.

    Raises ScenarioError for a design that cannot run, and InputError for an axis or a metric that there is not.
    """
    compile_plan(scenario, picks, strikes, figures)  # any fault of the design is reported at once
    axes = [axis_of(scenario, axis) for axis in over]
    if not axes:
        raise InputError(phrase("sweep.nothing"))
    if doubled := [axis.name for place, axis in enumerate(axes) if axis.name in [axis.name for axis in axes[:place]]]:
        raise InputError(f"--over {doubled[0]}: is given twice")
    names = metric_names(scenario, metrics)
    base = DesignPoint(dict(picks or {}), dict(figures or {}))
    points_ = points_of(axes, method, points, seed, base)
    return SweepRequest(scenario, axes, names, points_, base.picks, base.figures, strikes or {}, method, seed, replications)


def metric_names(scenario: Scenario, metrics: Sequence[str]) -> list[str]:
    """Return the names of metrics, each once, by default those of the objectives. Raises InputError for an unknown one."""
    names = list(dict.fromkeys(metrics or [objective.metric for objective in scenario.objectives]))
    for name in names:
        if name not in scenario.metrics:
            raise InputError(phrase("sweep.no_metric", name=name, hint=suggest(name, scenario.metrics, "casesim run --json")))
    if not names:
        raise InputError("the case has no objectives; name the metrics, such as --metric latency_p99_s")
    return names


def to_parquet(table: pd.DataFrame, provenance: Mapping[str, Any]) -> bytes:
    """Encode a table as Parquet, with its provenance beside the schema under `casesim`; equal content gives equal bytes."""
    plain = pa.Table.from_pandas(table, preserve_index=False)
    target = BytesIO()
    pq.write_table(
        plain.replace_schema_metadata({"casesim": json.dumps(provenance, sort_keys=True)}), target, compression="zstd"
    )
    return target.getvalue()


def check_file(file: Path | None) -> None:
    """Raise InputError for a file that no table can be written to: before a sweep runs, not after."""
    if file is not None and file.suffix not in (".parquet", ".csv"):
        raise InputError(f"--out {file}: should end in .parquet or .csv")
    if file is not None and not file.absolute().parent.is_dir():
        raise InputError(f"--out {file}: there is no folder {file.parent}; make it first, or name another")


def write_table(table: pd.DataFrame, provenance: Mapping[str, Any], file: Path) -> None:
    """Write a table in one step as .parquet or .csv; raises InputError for any other ending, and OSError."""
    check_file(file)
    with in_one_step(file) as part:
        part.write_bytes(to_parquet(table, provenance) if file.suffix == ".parquet" else table.to_csv(index=False).encode())


#: Hands a task to a process, as an executor's `submit` does.
Submit = Callable[[Callable[[SweepTask], DesignOutcome], SweepTask], "Future[DesignOutcome]"]


def once(submit: Submit) -> Submit:
    """Return a `submit` that hands out equal tasks once, for searches that ask for one design at the same time."""
    handed: dict[str, Future[DesignOutcome]] = {}
    lock = Lock()

    def first(work: Callable[[SweepTask], DesignOutcome], task: SweepTask) -> Future[DesignOutcome]:
        with lock:
            if task.key not in handed or handed[task.key].cancelled():
                handed[task.key] = submit(work, task)
            return handed[task.key]

    return first


#: Takes the name of the work under way, the number done, and the total, 0 where unknown.
ReportProgress = Callable[[str, int, int], None]


class Sweep:
    """Points under way: cached outcomes are read, the others are run, and cached as they end.

    mends: whether a point that cannot run gives way to its mended one, unless that is a point of the sweep
    outcomes: of the points that have ended, by their place; read: the number that came from the cache
    """

    def __init__(
        self,
        request: SweepRequest,
        submit: Submit,
        cache: OutcomeCache | None = None,
        points: Sequence[DesignPoint] | None = None,
        *,
        seed: int | None = None,
        replications: int | None = None,
        mends: bool = False,
    ) -> None:
        self.request, self.cache, self.mends = request, cache, mends
        self.points = list(request.points if points is None else points)
        self.seed, self.replications = request.seed if seed is None else seed, replications or request.replications
        self.outcomes: dict[int, DesignOutcome] = {}
        self.read = 0
        self.cancelled = False
        self._submit = submit
        self._running: dict[Future[DesignOutcome], tuple[int, SweepTask]] = {}
        self._waiting = list(reversed(range(len(self.points))))

    @property
    def done(self) -> int:
        return len(self.outcomes)

    @property
    def arrived(self) -> int:
        """The number of points that have ended, taken or not."""
        return self.done + sum(future.done() for future in list(self._running))

    @property
    def running(self) -> bool:
        return bool(self._running or self._waiting)

    def cancel(self) -> None:
        """Run no further point; finished points stay in the cache."""
        self.cancelled, self._waiting = True, []
        for future in self._running:
            future.cancel()
        self._running = {}

    def step(self, timeout_s: float | None = None) -> None:
        """Hand out points, wait at most `timeout_s` until one ends, and take the outcomes of those that ended.

        Raises what stopped a point.
        """
        for _ in range(AT_ONCE - len(self._running)):
            if self._waiting:
                self._hand_out(self._waiting.pop())
        self._take(timeout_s)

    def _take(self, timeout_s: float | None) -> None:
        ended, _ = wait(self._running, timeout_s, FIRST_COMPLETED)
        for future in ended:
            place, task = self._running.pop(future)
            self.outcomes[place] = self._checked(future.result())
            if self.cache:
                self.cache.keep(task, self.outcomes[place])

    def _hand_out(self, place: int) -> None:
        try:
            task = self._task(place)
        except ScenarioError as error:
            self.outcomes[place] = self.request.refusal(self.points[place], self.seed, self.replications, error)
            return
        if self.cache and (cached := self.cache.outcome(task)):
            self.outcomes[place] = cached
            self.read += 1
        else:
            self._running[self._submit(solve, task)] = place, task

    def _task(self, place: int) -> SweepTask:
        """Make the task of a point, of its mended one where asked; raises ScenarioError where it cannot run."""
        point = self.request.mended(self.points[place]) if self.mends else self.points[place]
        if point not in self.points:
            self.points[place] = point
        return self.request.task(self.points[place], self.seed, self.replications)

    def _checked(self, outcome: DesignOutcome) -> DesignOutcome:
        if outcome.engine != ENGINE_VERSION:
            versions = f"a worker has version {outcome.engine} of the engine, this machine version {ENGINE_VERSION}"
            raise InputError(f"{versions}: install the same CaseSim on both")
        return outcome

    def in_order(self) -> list[DesignOutcome]:
        return [self.outcomes[place] for place in sorted(self.outcomes)]


def silent(what: str, done: int, total: int) -> None:
    """Report nothing."""


def swept(
    sweep: Sweep,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> list[DesignOutcome]:
    """Run a sweep to its end; progress: called with the number done and the total."""
    while sweep.running:
        sweep.step(0.2)
        progress(sweep.done, len(sweep.points))
    return sweep.in_order()


def outcomes_at(
    request: SweepRequest,
    submit: Submit,
    cache: OutcomeCache | None,
    points: Sequence[DesignPoint],
    *,
    seed: int | None = None,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> list[DesignOutcome]:
    """Return the outcome of each point; equal points run once."""
    unique = {repr(point): point for point in points}
    outcomes = swept(Sweep(request, submit, cache, list(unique.values()), seed=seed), progress)
    by_point = dict(zip(unique, outcomes, strict=True))
    return [by_point[repr(point)] for point in points]
