"""From a scenario and picks to all that a run needs: latencies, score tables, thresholds, and where each came from."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simulator.evidence.catalogue import HARDWARE, CatalogueError, Hardware, machine
from simulator.evidence.files import content_hash
from simulator.evidence.profiles import Profile, ProfileError, ThreadRun, has_profile, load_profile, profile_files
from simulator.evidence.projection import ProjectionError, latencies
from simulator.evidence.projection.points import projection_files
from simulator.evidence.recordings import Recording, RecordingError, read_numbers, read_recording, read_values
from simulator.evidence.scores import Measured, ScoreError, ScoreTable, check_paired, score_files, scores_at
from simulator.scenario import Scenario, ScenarioError
from simulator.scenario.arrivals import Arrivals, Loop, Replay
from simulator.scenario.attributes import ItemAttribute, RecordedAttribute
from simulator.scenario.base import EVIDENCE_KINDS, Sourced
from simulator.scenario.checks import too_late
from simulator.scenario.choices import Pick
from simulator.scenario.faults import Fault, suggest
from simulator.scenario.load import apply
from simulator.scenario.stages import Gate, People, Pool, Retake
from simulator.serving.arrivals import Process, arrivals_of
from simulator.serving.balancing import BALANCERS
from simulator.serving.calendar import DAY_S
from simulator.serving.conditions import Conditions
from simulator.serving.latency import LatencyError, LatencyTable, constant, measured, summed
from simulator.serving.orders import ORDERS
from simulator.serving.streams import Streams
from simulator.units import duration

#: Expected requests of one replication beyond which a plan is refused.
MAX_REQUESTS = 20_000_000


@dataclass(frozen=True)
class Source:
    """Where one number comes from."""

    what: str
    kind: str
    value: str
    source: str


@dataclass(frozen=True)
class Plan:
    """Everything that determines a run but the seed."""

    scenario: Scenario
    design: dict[str, Any]
    scenario_hash: str  # of what the author wrote, whatever its layout and comments; the picks do not change it
    latencies: dict[str, LatencyTable] = field(default_factory=dict)
    bands: dict[str, tuple[LatencyTable, LatencyTable]] = field(default_factory=dict)  # projected pools: fast end, slow end
    machines: dict[str, Hardware] = field(default_factory=dict)
    cold_starts: dict[str, list[float]] = field(default_factory=dict)  # seconds from asking for a replica to its first answer
    timed: dict[str, list[ThreadRun]] = field(default_factory=dict)  # the measurements behind a pool's latencies, by model
    tables: dict[str, ScoreTable] = field(default_factory=dict)  # by pool, in the order of the file
    recording: Recording | None = None
    recorded: dict[str, NDArray[Any]] = field(default_factory=dict)  # by attribute that is replayed: a row a request
    strikes: dict[str, float] = field(default_factory=dict)  # curveball to the time, in seconds, at which it strikes
    provenance: list[Source] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    evidence: dict[str, str] = field(default_factory=dict)  # every file that was read, by name, with a hash of its content

    @property
    def arrivals(self) -> Process:
        """When requests come."""
        return arrivals_of(self.scenario, self.recording)

    @property
    def identity(self) -> list[Any]:
        """What was run, as plain data: the scenario, the picks, the evidence, and what strikes if anything does."""
        return [self.scenario_hash, self.design, self.evidence, *([self.strikes] if self.strikes else [])]

    @property
    def ends(self) -> list[Plan]:
        """The same plan with every projected latency at the fast end of its band, and at the slow end; none without any."""
        if not self.bands:
            return []
        return [
            replace(self, latencies=self.latencies | {name: band[end] for name, band in self.bands.items()}, bands={})
            for end in (0, 1)
        ]

    @property
    def arrivals_end_s(self) -> float:
        """Requests arrive on [0, arrivals_end_s)."""
        return self.scenario.run.days * DAY_S

    @property
    def horizon_s(self) -> float:
        """The run ends here; what is not finished by then stays unfinished."""
        return self.arrivals_end_s + self.scenario.run.drain_days * DAY_S

    @property
    def scores(self) -> ScoreTable | None:
        """The table where one is shown: of the last pool with scores, whose word is final in a cascade; None without any."""
        return next(reversed(self.tables.values()), None)

    def table_of(self, gate: Gate) -> ScoreTable:
        """The scores that the thresholds of a gate refer to."""
        return self.tables[self.scenario.scorer_of(gate)]

    @property
    def tries(self) -> int:
        """Photos that one requester may send in all."""
        return max((stage.max_tries for stage in self.scenario.stages.values() if isinstance(stage, Retake)), default=1)


def fingerprint(data: Any) -> str:
    """Twelve hexadecimal digits that identify plain data."""
    canonical = json.dumps(data, sort_keys=True, separators=(",", ":"), default=str)
    return hashlib.sha256(canonical.encode()).hexdigest()[:12]


def compile_plan(
    scenario: Scenario, picks: Mapping[str, Pick] | None = None, strikes: Mapping[str, float | None] | None = None
) -> Plan:
    """Apply picks (choice to option; defaults fill the rest), check again, and gather the evidence.

    strikes: curveballs that an interviewer lets strike, each with its time in seconds or None for the author's own; those
    with a time of their own strike anyway.

    Raises ScenarioError with every reason why these picks cannot run, at the place in the file that wrote them.
    """
    designed, design = apply(scenario, picks or {})
    gather = _Gatherer(designed)
    timed = strike_times(designed, strikes or {})
    plan = gather.plan(design, fingerprint(scenario.document.data), timed)
    if gather.faults:
        raise ScenarioError(gather.faults)
    return plan


def strike_times(scenario: Scenario, strikes: Mapping[str, float | None]) -> dict[str, float]:
    """When each curveball strikes that does; raises ScenarioError for one that does not exist or has no time to strike."""
    faults: list[Fault] = []
    own = {name: ball.own_time(scenario.run.starts_at) for name, ball in scenario.curveballs.items()}
    times = {name: at_s for name, at_s in own.items() if at_s is not None}
    for name, given in strikes.items():
        at_s, message = own.get(name) if given is None else given, ""
        if name not in scenario.curveballs:
            message = f"there is no curveball '{name}'; {suggest(name, scenario.curveballs)}"
        elif at_s is None:
            message = f"'{name}' has no time of its own; say when, such as {name}@3600"
        else:
            message, times[name] = too_late(scenario, scenario.curveballs[name], at_s), at_s
        if message:
            faults.append(scenario.document.fault(("curveballs", name), message))
    if faults:
        raise ScenarioError(faults)
    return times


class _Gatherer:
    """Looks up what each stage refers to, and collects faults instead of stopping at the first."""

    def __init__(self, scenario: Scenario) -> None:
        self.scenario = scenario
        self.faults: list[Fault] = []
        self.sources: list[Source] = []
        self.warnings: list[str] = []
        self.evidence: dict[str, str] = {}
        self.latencies: dict[str, LatencyTable] = {}
        self.bands: dict[str, tuple[LatencyTable, LatencyTable]] = {}
        self.machines: dict[str, Hardware] = {}
        self.cold_starts: dict[str, list[float]] = {}
        self.timed: dict[str, list[ThreadRun]] = {}
        self.tables: dict[str, ScoreTable] = {}
        self.recording: Recording | None = None
        self.recorded: dict[str, NDArray[Any]] = {}

    def plan(self, design: dict[str, Any], scenario_hash: str, strikes: dict[str, float]) -> Plan:
        self._arrivals(self.scenario.arrivals)
        for name, stage in self.scenario.stages.items():
            if isinstance(stage, Pool):
                self._pool(name, stage)
            if isinstance(stage, Pool | People) and stage.order not in ORDERS:
                self._fault((name, "order"), f"'{stage.order}' is not an order; {suggest(stage.order, ORDERS)}")
            if isinstance(stage, Pool) and stage.balance is not None and stage.balance not in BALANCERS:
                self._fault((name, "balance"), f"'{stage.balance}' is not known; {suggest(stage.balance, BALANCERS)}")
        look_up: dict[str, Callable[[str, Any], None]] = {"recorded": self._replay, "item": self._told}
        for name, attribute in self.scenario.attributes.items():
            if attribute.kind in look_up:
                look_up[attribute.kind](name, attribute)
        self.sources += [
            Source(_where(path), figure.kind, figure.words, figure.source) for path, figure in _figures(self.scenario)
        ]
        plan = Plan(
            scenario=self.scenario,
            design=design,
            latencies=self.latencies,
            bands=self.bands,
            machines=self.machines,
            cold_starts=self.cold_starts,
            timed=self.timed,
            tables=self.tables,
            recording=self.recording,
            recorded=self.recorded,
            provenance=sorted(self.sources, key=lambda source: EVIDENCE_KINDS.index(source.kind)),
            warnings=self.warnings,
            evidence=self.evidence,
            scenario_hash=scenario_hash,
            strikes=strikes,
        )
        if self.recording is not None or not isinstance(self.scenario.arrivals, Replay):
            self._check_size(plan)
        return plan

    def _fault(self, path: tuple[str | int, ...], message: str) -> None:
        self.faults.append(self.scenario.document.fault(("stages", *path), message))

    def _note(self, files: Mapping[str, Path]) -> None:
        """Remember what these files say: their names and contents are part of what identifies a run."""
        self.evidence |= {name: content_hash(path) for name, path in files.items()}

    def _arrivals(self, spec: Arrivals) -> None:
        try:
            if isinstance(spec, Replay):
                self._record(spec)
        except RecordingError as error:
            self.faults.append(self.scenario.document.fault(("arrivals", "file"), str(error)))

    def _record(self, spec: Replay) -> None:
        """Read the times to be replayed: a file beside the scenario's own, or below it."""
        self.recording = read_recording(file := self._beside(spec.file), spec.column, spec.origin_s)
        self._note_beside(file)
        first, last = (self.recording.times[[0, -1]] - spec.origin_s) / spec.rate_scale
        end = self.scenario.run.days * DAY_S
        if first >= end:
            raise RecordingError(f"{spec.file}: the first request comes after the run's end, at {first:,.0f} s; set origin_s")
        if last < end and not spec.repeat:
            words = f"after {duration(last)} of {duration(end)}; no request comes later"
            self.warnings.append(f"The recording {spec.file} ends {words}.")
        value = f"{len(self.recording.times):,} times"
        self.sources.append(Source("arrivals", spec.evidence, value, spec.source))

    def _beside(self, name: str) -> Path:
        """A file beside the scenario's own, or below it; raises RecordingError for any other."""
        folder = Path(self.scenario.document.file).parent.resolve()
        file = (folder / name).resolve()
        if not file.is_relative_to(folder):
            raise RecordingError(f"{name}: leads out of the scenario's folder")
        return file

    def _note_beside(self, file: Path) -> None:
        folder = Path(self.scenario.document.file).parent.resolve()
        self._note({f"scenario/{file.relative_to(folder).as_posix()}": file})

    def _replay(self, name: str, spec: RecordedAttribute) -> None:
        """Read an attribute: from its own file, or from that of the arrivals, a row a recorded time."""
        arrivals = self.scenario.arrivals
        own = spec.file or (arrivals.file if isinstance(arrivals, Replay) else "")
        try:
            file, values = self._beside(own), spec.categories
            found = read_values(file, spec.column, values) if values else read_numbers(file, spec.column).astype(np.float32)
        except RecordingError as error:
            self.faults.append(self.scenario.document.fault(("attributes", name, "column"), str(error)))
            return
        self.recorded[name] = found
        self._note_beside(file)
        if spec.source is not None:
            self.sources.append(Source(spec.label, spec.evidence, f"{len(found):,} rows", spec.source))

    def _told(self, name: str, spec: ItemAttribute) -> None:
        """Look whether the score table says of its items what an attribute asks for; no gate can go by what it leaves out."""
        table = next(iter(self.tables.values()), None)
        if table is None:  # why is told with the pool
            return
        said = table.told.get(spec.column, np.array([""], object))
        missing = [value for value in spec.values if value not in said]
        if not any(said):
            message = f"the score table '{table.name}' says no {spec.column} of its items"
            self.warnings.append(f"{spec.label}: {message}, so that no metric is told by it.")
            for stage in (key for key, one in self.scenario.stages.items() if isinstance(one, Gate) and one.by == name):
                self._fault((stage, "by"), message)
        elif missing:
            known = ", ".join(sorted({str(value) for value in said if value}))
            message = f"'{missing[0]}' stands nowhere in the column {spec.column} of '{table.name}'; it has: {known}"
            self.faults.append(self.scenario.document.fault(("attributes", name, "values", missing[0]), message))

    def _check_size(self, plan: Plan) -> None:
        """Refuse what would take too long, traffic that strikes included."""
        expected = plan.arrivals.expected_under(Conditions(plan, Streams(0)).surges())
        if expected > MAX_REQUESTS:
            less = "give `requests`, lower clients" if isinstance(self.scenario.arrivals, Loop) else "lower the rate"
            message = f"about {expected:,.0f} requests a replication; at most {MAX_REQUESTS:,} are run: {less} or run.days"
            self.faults.append(self.scenario.document.fault(("arrivals",), message))

    def _pool(self, name: str, stage: Pool) -> None:
        self._attempt((name, "device"), CatalogueError, lambda: self._rent(name, stage))
        if name in self.machines and self.machines[name].vcpus is None and not self._is_measured(stage):
            self._attempt((name, "device"), ProjectionError, lambda: self._project(name, stage))
        else:
            self._attempt((name, "model"), ProfileError, lambda: self._time(name, stage))
        if stage.scores:
            self._attempt((name, "scores"), ScoreError, lambda: self._score(name, stage, str(stage.scores)))

    def _attempt(self, path: tuple[str, str], error: type[Exception], lookup: Callable[[], None]) -> None:
        try:
            lookup()
        except error as caught:
            self._fault(path, str(caught))
        except LatencyError as caught:
            self._fault((path[0], "max_batch" if "max_batch" in str(caught) else "threads"), str(caught))

    def _rent(self, name: str, stage: Pool) -> None:
        rented = self.machines[name] = machine(stage.device)
        self._note({f"catalogue/{HARDWARE.name}": HARDWARE})
        if rented.vcpus is not None and stage.threads > rented.vcpus:
            self._fault(
                (name, "threads"),
                f"{stage.threads} threads on a machine with {rented.vcpus} processors; use at most that",
            )
        if rented.usd_per_hour is None or rented.price_source is None:
            raise CatalogueError(f"the catalogue has no price of {rented.label}; choose a device with one")
        size = "the whole device" if rented.vcpus is None else f"{rented.vcpus} vCPU"
        price = f"{rented.usd_per_hour:g} USD an hour for {size}"
        self.sources.append(Source(f"{stage.label}: price", rented.price_evidence, price, rented.price_source))

    def _is_measured(self, stage: Pool) -> bool:
        return all(has_profile(stage.device, model, stage.precision) for model in stage.models)

    def _project(self, name: str, stage: Pool) -> None:
        """Latencies of a device that was not measured here: one time for each batch size, and the ends of its band."""
        if stage.scaling is not None:
            raise ProjectionError(
                f"{self.machines[name].label}: how long a replica takes to start is not known; leave out scaling"
            )
        sizes = range(1, stage.max_batch + 1)
        of_models = [latencies(model, stage.precision, sizes, stage.device) for model in stage.models]
        self._note(projection_files())
        by_size = [*zip(*of_models, strict=True)]
        values, lows, highs = (
            [stage.passes * sum(getattr(point, end) for point in points) for points in by_size]
            for end in ("value", "low", "high")
        )
        self.latencies[name] = constant(*values)
        self.bands[name] = constant(*lows), constant(*highs)
        self._halved(stage, by_size[0][0].computed)
        value = f"{_in_ms(values[0], lows[0], highs[0])} at batch 1"
        if stage.max_batch > 1:
            value += f", {_in_ms(values[-1], lows[-1], highs[-1])} at batch {stage.max_batch}"
        sources = " ".join(dict.fromkeys(point.source for point in by_size[0]))
        self.sources.append(Source(f"{stage.label}: latency", "projected", value, sources))
        self.warnings.append(
            f"{stage.label}: its latency is projected, {value}. Every interval reaches from the fast end of that band to the "
            "slow one; how much service times spread is not known."
        )

    def _time(self, name: str, stage: Pool) -> None:
        profiles = [load_profile(stage.device, model, stage.precision) for model in stage.models]
        self._note(profile_files(stage.device, stage.models, stage.precision))
        tables = [measured(profile, stage.threads, stage.max_batch, stage.passes) for profile in profiles]
        self.latencies[name] = summed(tables)
        self.timed[name] = [profile.run(stage.threads) for profile in profiles]
        for profile, table in zip(profiles, tables, strict=True):
            of = f" of {profile.model}" if stage.also else ""
            value = f"{1000 * table.mean_s(1):.3g} ms at batch 1{of}"
            self.sources.append(Source(f"{stage.label}: latency", "measured", value, profile.source(stage.threads)))
        if stage.scaling is not None:
            self._start(name, stage, profiles)

    def _start(self, name: str, stage: Pool, profiles: list[Profile]) -> None:
        """A replica that starts creates the session of each of its models, one after the other."""
        starts = [profile.run(stage.threads).session_s for profile in profiles]
        self.cold_starts[name] = [sum(start) for start in zip(*starts, strict=False)]
        value = f"{np.mean(self.cold_starts[name]):.3g} s to create a session and answer for the first time"
        source = " ".join(profile.source(stage.threads) for profile in profiles)
        self.sources.append(Source(f"{stage.label}: cold start", "measured", value, source))

    def _halved(self, stage: Pool, computed: str) -> None:
        """Scores are told as those of the model's own precision: say so where the device computes in another."""
        if stage.scores and stage.precision == "fp32" and computed == "fp16":
            what, device = f"{stage.label}: accuracy in fp16", machine(stage.device).label
            reason = f"{device} computes this model in fp16; accuracy is assumed equal to fp32"
            self.sources.append(Source(what, "assumed", "as fp32", reason))
            self.warnings.append(f"{what}: {reason}.")

    def _score(self, name: str, stage: Pool, model: str) -> None:
        table = scores_at(model, stage.precision)
        self._note(score_files(table.name))
        for other in self.tables.values():
            check_paired(other, table)
        self.tables[name] = table
        about = table.about
        value = f"AUC {table.auc:.3f}"
        text = f"{about.source}. {about.attribution}" if isinstance(about, Measured) else about.source
        self.sources.append(Source(f"{stage.label}: scores", about.kind, value, text))
        if about.precision != stage.precision:
            what = f"{stage.label}: accuracy at {stage.precision}"
            reason = f"no scores were measured at {stage.precision}; accuracy is assumed equal to {about.precision}"
            self.sources.append(Source(what, "assumed", f"as {about.precision}", reason))
            self.warnings.append(f"{what}: {reason}.")


def _in_ms(value_s: float, low_s: float, high_s: float) -> str:
    return f"{1000 * value_s:.3g} ms ({1000 * low_s:.3g} to {1000 * high_s:.3g})"


def _figures(model: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Sourced]]:
    """Every figure, or list of them, within a model that takes part in the run, with its path."""
    if isinstance(model, Sourced):
        yield path, model
    elif isinstance(model, dict):
        for name, value in model.items():
            yield from _figures(value, (*path, str(name)))
    elif isinstance(model, list):
        for index, value in enumerate(model):
            yield from _figures(value, (*path, str(index)))
    elif hasattr(type(model), "model_fields"):
        for name in type(model).model_fields:
            yield from _figures(getattr(model, name), (*path, name))


def _where(path: tuple[str, ...]) -> str:
    return ".".join(path).removesuffix(".median").removesuffix(".constant").removesuffix(".exponential_mean")
