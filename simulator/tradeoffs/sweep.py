"""A sweep as a person asks for it, and as it is told: the case and its axes, a row a point, a sentence, a file."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from simulator.case.choices import Pick
from simulator.case.document import ScenarioError
from simulator.case.schema import Scenario
from simulator.engine.plan import Plan, compile_plan, fingerprint
from simulator.engine.run import ENGINE_VERSION
from simulator.errors import InputError, suggest
from simulator.evidence.evidence_files import in_one_step
from simulator.tradeoffs.design_outcomes import DesignOutcome, SweepTask, solve, task_of
from simulator.tradeoffs.design_space import Axis, DesignPoint, Method, axis_of, points_of
from simulator.tradeoffs.outcome_cache import OutcomeCache

#: Replications of each point, where nobody says how many. Four give intervals a third wider than twelve do.
REPLICATIONS = 4

_METHODS = {
    "grid": "in all combinations",
    "sobol": "as a scrambled Sobol sequence spreads them",
    "lhs": "as a Latin hypercube spreads them",
}


@dataclass(frozen=True)
class SweepRequest:
    """What a sweep is over.

    picks, figures: the design around which it is; metrics: what is told of each point
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

    def plan(self, point: DesignPoint) -> Plan:
        """The plan of a point; raises ScenarioError where it cannot run."""
        return compile_plan(self.scenario, point.picks, self.strikes, point.figures)

    def task(self, point: DesignPoint, seed: int, replications: int) -> SweepTask:
        """The task of running a point; raises ScenarioError where it cannot run."""
        return task_of(self.plan(point), self.metrics, seed, replications)

    def refusal(self, point: DesignPoint, seed: int, replications: int, error: ScenarioError) -> DesignOutcome:
        """The outcome of a point that cannot run."""
        design = self.scenario.defaults() | dict(point.picks)
        return DesignOutcome(design, point.figures, seed, replications, refused=error.faults[0].message)

    @property
    def other_seed(self) -> int:
        """A seed for runs that confirm what this one has helped to choose."""
        return (self.seed + 1_000_003) % 2**31

    @property
    def base(self) -> DesignPoint:
        """The design around which the sweep is."""
        return DesignPoint(dict(self.picks), dict(self.figures))

    def words(self, point: DesignPoint) -> str:
        """A design in words, by what it has on the axes: `Architecture: EfficientNet-Lite1, Replicas: 4`."""
        on = point.on(self.axes)
        return ", ".join(f"{axis.label}: {axis.name_of(on[axis.name])}" for axis in self.axes)

    @property
    def sentence(self) -> str:
        """What was swept, in a sentence."""
        over = ", ".join(axis.words for axis in self.axes)
        count = f"{len(self.points):,} design{'s' if len(self.points) != 1 else ''}"
        return (
            f"{count} of “{self.scenario.title}”: {over}, {_METHODS[self.method]}; all else as in the design around which it "
            f"is. Each met the same {self.scenario.unit.many} in {self.replications} replications, seed {self.seed}."
        )

    def provenance(self, outcomes: Sequence[DesignOutcome]) -> dict[str, Any]:
        """All that identifies the sweep, as plain data: case, design, axes, evidence with its hashes, seed, engine."""
        evidence = {name: said for one in outcomes for name, said in one.evidence.items()}
        return {
            "scenario": self.scenario.id,
            "scenario_hash": fingerprint(self.scenario.document.data),
            "design": self.scenario.defaults() | dict(self.picks),
            **({"figures": dict(self.figures)} if self.figures else {}),
            **({"strikes": dict(self.strikes)} if self.strikes else {}),
            "axes": [axis.to_json() for axis in self.axes],
            "method": self.method,
            "seed": self.seed,
            "replications": self.replications,
            "metrics": {name: self.scenario.metrics[name].unit for name in self.metrics},
            "engine": ENGINE_VERSION,
            "evidence": dict(sorted(evidence.items())),
            "described": self.sentence,
        }

    def table(self, outcomes: Sequence[DesignOutcome]) -> pd.DataFrame:
        """A row a point: the values on the axes, each metric with its bounds, each objective's verdict, why it cannot run."""
        return self.table_of(self.points, outcomes)

    def table_of(self, points: Sequence[DesignPoint], outcomes: Sequence[DesignOutcome]) -> pd.DataFrame:
        """The same of some points."""
        told = zip(points, outcomes, strict=True)
        return pd.DataFrame([point.on(self.axes) | self._told(outcome) for point, outcome in told])

    def _told(self, outcome: DesignOutcome) -> dict[str, Any]:
        told: dict[str, Any] = {}
        for name in self.metrics:
            found = outcome.metrics.get(name)
            bounds = (None, None, None) if found is None else (found.value, found.low, found.high)
            told |= dict(zip((name, f"{name}.low", f"{name}.high"), bounds, strict=True))
        judged = [one for one in outcome.verdicts(self.scenario) if one.objective.metric in self.metrics]
        told |= {f"{one.objective.metric}.verdict": "cannot run" if outcome.refused else one.standing for one in judged}
        return told | {"requests": outcome.requests, "run_hash": outcome.run_hash, "refused": outcome.refused}


def asked_for(
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
    """A sweep in the words of a person; without metrics it asks for those of the objectives.

    Raises ScenarioError for a design that cannot run, and InputError for an axis or a metric that there is not.
    """
    compile_plan(scenario, picks, strikes, figures)  # whatever is wrong with the design is told at once
    axes = [axis_of(scenario, told) for told in over]
    if not axes:
        raise InputError("nothing to sweep: say over what, such as --over replicas=1:4 --over population.prevalence")
    if doubled := [axis.name for place, axis in enumerate(axes) if axis.name in [one.name for one in axes[:place]]]:
        raise InputError(f"--over {doubled[0]}: is given twice")
    names = asked_metrics(scenario, metrics)
    base = DesignPoint(dict(picks or {}), dict(figures or {}))
    found = points_of(axes, method, points, seed, base)
    return SweepRequest(scenario, axes, names, found, base.picks, base.figures, strikes or {}, method, seed, replications)


def asked_metrics(scenario: Scenario, metrics: Sequence[str]) -> list[str]:
    """The names of metrics, each once; those of the objectives where none are given. Raises InputError for an unknown one."""
    names = list(dict.fromkeys(metrics or [objective.metric for objective in scenario.objectives]))
    for name in names:
        if name not in scenario.metrics:
            raise InputError(
                f"--metric {name}: there is no such metric; {suggest(name, scenario.metrics, 'casesim run --json')}"
            )
    if not names:
        raise InputError("the case has no objectives; say which metrics, such as --metric latency_p99_s")
    return names


def to_parquet(table: pd.DataFrame, told: Mapping[str, Any]) -> bytes:
    """A table as Parquet, with what identifies it beside its schema under `casesim`; the same bytes for the same content."""
    plain = pa.Table.from_pandas(table, preserve_index=False)
    target = BytesIO()
    pq.write_table(plain.replace_schema_metadata({"casesim": json.dumps(told, sort_keys=True)}), target, compression="zstd")
    return target.getvalue()


def check_file(file: Path | None) -> None:
    """Raise InputError for a file to which no table can be written: asked before a sweep runs, not after."""
    if file is not None and file.suffix not in (".parquet", ".csv"):
        raise InputError(f"--out {file}: should end in .parquet or .csv")
    if file is not None and not file.absolute().parent.is_dir():
        raise InputError(f"--out {file}: there is no folder {file.parent}; make it first, or name another")


def write_table(table: pd.DataFrame, told: Mapping[str, Any], file: Path) -> None:
    """Write a table in one step, as its file's name ends: .parquet or .csv; raises InputError for any other, and OSError."""
    check_file(file)
    with in_one_step(file) as part:
        part.write_bytes(to_parquet(table, told) if file.suffix == ".parquet" else table.to_csv(index=False).encode())


#: Hands a task to a process, as an executor's `submit` does.
Submit = Callable[[Callable[[SweepTask], DesignOutcome], SweepTask], "Future[DesignOutcome]"]

#: Hears what is under way: in words, how much of it is done, and of how much; 0 where that is not known.
Tell = Callable[[str, int, int], None]

#: Tasks that are handed out at a time: enough that no process waits, few enough that to cancel is quick.
AT_ONCE = 64


class Sweep:
    """Points under way. Those that are kept are read, the others are run, and kept as they end.

    outcomes: of the points that have ended, by their place; read: how many were kept already
    """

    def __init__(
        self,
        asked: SweepRequest,
        submit: Submit,
        kept: OutcomeCache | None = None,
        points: Sequence[DesignPoint] | None = None,
        *,
        seed: int | None = None,
        replications: int | None = None,
    ) -> None:
        """points, seed, replications: others than those of the sweep that is asked for"""
        self.asked, self.kept = asked, kept
        self.points = list(asked.points if points is None else points)
        self.seed, self.replications = asked.seed if seed is None else seed, replications or asked.replications
        self.outcomes: dict[int, DesignOutcome] = {}
        self.read = 0
        self.cancelled = False
        self._submit = submit
        self._running: dict[Future[DesignOutcome], tuple[int, SweepTask]] = {}
        self._waiting = list(range(len(self.points)))[::-1]

    @property
    def done(self) -> int:
        """How many points there is an outcome of."""
        return len(self.outcomes)

    @property
    def running(self) -> bool:
        """Whether some point is still to end."""
        return bool(self._running or self._waiting)

    def cancel(self) -> None:
        """Run no further point; those that have ended are kept."""
        self.cancelled, self._waiting = True, []
        for future in self._running:
            future.cancel()
        self._running = {}

    def step(self, timeout_s: float | None = None) -> None:
        """Hand out what there is to run, wait until some point ends, at most so long, and take what has ended.

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
            if self.kept:
                self.kept.put(task, self.outcomes[place])

    def _hand_out(self, place: int) -> None:
        try:
            task = self.asked.task(self.points[place], self.seed, self.replications)
        except ScenarioError as error:
            self.outcomes[place] = self.asked.refusal(self.points[place], self.seed, self.replications, error)
            return
        if self.kept and (found := self.kept.get(task)):
            self.outcomes[place] = found
            self.read += 1
        else:
            self._running[self._submit(solve, task)] = place, task

    def _checked(self, outcome: DesignOutcome) -> DesignOutcome:
        if outcome.engine != ENGINE_VERSION:
            told = f"a worker has version {outcome.engine} of the engine, this machine version {ENGINE_VERSION}"
            raise InputError(f"{told}: install the same CaseSim on both")
        return outcome

    def in_order(self) -> list[DesignOutcome]:
        """The outcomes in the order of the points, as far as there are any."""
        return [self.outcomes[place] for place in sorted(self.outcomes)]


def silent(what: str, done: int, total: int) -> None:
    """Nobody wants to hear."""


def swept(
    sweep: Sweep,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> list[DesignOutcome]:
    """The outcome of every point, in their order; progress: called with the number done and the number in all."""
    while sweep.running:
        sweep.step(0.2)
        progress(sweep.done, len(sweep.points))
    return sweep.in_order()
