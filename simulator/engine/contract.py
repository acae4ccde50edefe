"""The contract of the engine: what a stage, a run, and a plan that is being made owe each other.

A stage hands over requests to receivers, and asks its run for the clock, the draws and the other stages. The model of a kind of
stage answers the rest of the program about it, in the records that stand here. `simulator.engine.arrivals.arrival` is
the contract of the arrival processes: they know of no run.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from math import inf
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple, Protocol, TypeVar, cast

import networkx as nx
import numpy as np
from numpy.typing import NDArray
from simpy import Environment

from simulator.arrays import Column, Rows, Times
from simulator.case.any_stage import AnyStage, Routing
from simulator.case.document import ScenarioError
from simulator.case.fields import Source
from simulator.case.network import graph_of
from simulator.engine.compiled_plan import Conditions, Plan
from simulator.engine.run_trace import Requests, Trace
from simulator.evidence.evidence_files import content_hash
from simulator.evidence.row_files import Recording, RecordingError
from simulator.limits import RUN_STEPS
from simulator.records.streams import once_per_plan
from simulator.records.timetables import Steps
from simulator.records.trace import Fleet, VisitLog, Visits, as_memoryview
from simulator.units import duration, listed

if TYPE_CHECKING:
    from simulator.case.document import Fault
    from simulator.case.fields import AnyQuantity
    from simulator.case.schema import Scenario
    from simulator.evidence.catalogue import Hardware, InstructionSet
    from simulator.evidence.latency_tables import LatencyTable, SizedTable
    from simulator.evidence.profiles import ThreadRun
    from simulator.evidence.score_tables import ScoreTable
    from simulator.records.streams import Streams

T = TypeVar("T")


class Waiting(NamedTuple):
    """Requests that wait at a stage, shapes (n,).

    rows, and when each entered (s); gone: when each has left for an end because it waited too long, though nothing at the
    stage has noticed yet; inf where it has not
    """

    rows: Rows
    entered: Times
    gone: Times

    @classmethod
    def none(cls) -> Waiting:
        return cls(np.empty(0, np.int32), np.empty(0), np.empty(0))

    @classmethod
    def patient(cls, rows: Any, entered: Any) -> Waiting:
        entered = np.asarray(entered, float)
        return cls(np.asarray(rows, np.int32), entered, np.full(len(entered), inf))


class Onward(NamedTuple):
    """Those of the requests at a stage that go the same way on, as a share of all that come there.

    tag: what they are tagged with; anew: whether they then show another photo than they have shown so far
    """

    to: str
    share: float
    tag: str = ""
    anew: bool = False


class Photo(NamedTuple):
    """One thing that a request may show: how likely that is, and which share takes each route of each gate, by gate."""

    chance: float
    routes: Mapping[str, Sequence[float]]


class Comers(NamedTuple):
    """Requests that come to a stage and are alike: whether they are positives, what they show, and may show instead.

    photo: what they show, which matters to a stage that routes by it and to no other
    repeated: the share of them that is served twice at this stage
    """

    positive: bool
    photo: Photo
    photos: Sequence[Photo]
    repeated: float


class ServerSteps(NamedTuple):
    """Servers of a stage over time: those that can work, and those that are there but cannot, each from when on."""

    able: Steps
    down: Steps = Steps(values=(0.0,))


class OfferedTime(NamedTuple):
    """Time that servers offer for the work of the arrivals: until the last of them may come.

    server_s: server-seconds. work_s: seconds of usual work, where a server may be slower than usual.
    slowed: by visits, the factor by which each service took longer than usual, where servers keep hours; for all, or shape
    (visits,)
    """

    server_s: float
    work_s: float
    slowed: Callable[[Visits], float | Times] = lambda visits: 1.0


@dataclass(frozen=True)
class StageCapacity:
    """Capacity of one server at its usual pace.

    service_s: mean time that one request alone is served for
    busy_s: seconds of work a request while the queue is never empty; None for `service_s`
    availability: the share of the time that it works in the long run, between its failures
    spread: the squared coefficient of variation of a service; 1, as of the exponential law, where nothing is known of it
    """

    service_s: float = 0.0
    busy_s: float | None = None
    availability: float = 1.0
    spread: float = 1.0

    @property
    def per_s(self) -> float:
        each = self.service_s if self.busy_s is None else self.busy_s
        return 1 / each if each else inf


class PaidTime(NamedTuple):
    """Server-seconds that are paid: up or down until the last request may come, then for work on the rest of the requests.

    beyond_s: the second part, for the services that the log holds
    """

    until_end_s: float
    beyond_s: Callable[[], float]


class StageReport(NamedTuple):
    """Figures that a kind counts in a trace beyond those of all stages.

    totals: ratios and shares: name, numerator, denominator
    times: samples for means and quantiles: name, values (s), time of each value (s)
    events: rates: name, time of each event (s)
    carried: requests that go on in another one: the carrier, since when (s), the carried one; shape (n,) each
    """

    totals: Iterable[tuple[str, float, float]] = ()
    times: Iterable[tuple[str, Times, Times]] = ()
    events: Iterable[tuple[str, Times]] = ()
    carried: Iterable[tuple[Rows, Times, Rows]] = ()


class RequestSource(Protocol):
    """Source of the requests of a run: a schedule, or clients that wait for answers.

    issued: requests that it has sent, or will send at known times
    """

    @property
    def issued(self) -> int: ...

    def accept(self, rows: Sequence[int], time: float) -> None:
        """Take back requests that reached the end of their way."""

    def sent_before(self, time: float) -> int:
        """Return the number of requests sent before `time` (s), the time that the run has reached."""


#: The name of the clients of a closed loop among the stages: no stage of a scenario can have it.
CLIENTS = "(clients)"

#: The orders of a queue that use the marks of stages on requests.
BY_MARKS = {"risk", "tag"}


class StageRun(ABC):
    """A run as its stages see it: its plan, its clock, its requests and draws, and the ways from one stage to another.

    barrier: the time (s) before which stages may run ahead; holds_from: that from which deliveries wait for a change of a pick
    acting: the stage that acts now, None between two turns
    in_branches: the stages between a fork and its join; accelerators: the devices that pools share, by name (`SharedDevice`)
    """

    source: RequestSource
    accelerators: Mapping[str, Any]

    def __init__(self, plan: Plan, streams: Streams, stops: bool) -> None:
        """Set up what stages find; stops: whether a pick may change on the way, or the run is looked at before its end."""
        self.plan = plan
        self.stops = stops
        self.barrier = self.holds_from = 0.0 if stops else plan.horizon_s
        self.turns = 0
        self.acting: Any = None
        self.in_branches = plan.scenario.in_branches()
        self.streams = streams
        self.env = Environment()
        self.tags = plan.scenario.tags()
        self.conditions = Conditions(plan, streams)
        self.requests = Requests(plan, streams, self.conditions)
        self._answered, self._refused = as_memoryview(self.requests.answered), as_memoryview(self.requests.refused)
        self.stages: dict[str, Stage] = {}
        self.ends: Mapping[str, Stage] = {}

    @abstractmethod
    def receiver(self, name: str | None) -> Any:
        """Return the stage or end called `name`; None for no name."""

    @abstractmethod
    def way_out(self, start: str, name: str) -> Any:
        """Return the receiver `name` for the stage `start`: where no route leads back, it may be served in blocks."""

    @abstractmethod
    def flush(self) -> None:
        """Hand on the requests that have left rings of stages."""

    @property
    def closed(self) -> bool:
        return self.plan.scenario.arrivals.waits_for_answers

    @property
    def first(self) -> Any:
        """The receiver of fresh requests."""
        return self.receiver(self.plan.scenario.start)

    def took_turn(self, stage: str, now: float) -> None:
        """Count a turn of a stage. Raises ScenarioError beyond RUN_STEPS turns."""
        self.turns += 1
        if self.turns > RUN_STEPS.most:
            by = f"by {duration(now)} of {duration(self.plan.horizon_s)} the stages have had {RUN_STEPS}"
            what = f"{by}, the most of one run: requests come back here too often; limit their returns, such as by `max_tries`"
            raise ScenarioError([self.plan.scenario.document.fault(("stages", stage), what, code="pick")])

    def uniform(self, stream: str) -> NDArray[np.float32]:
        """Return one uniform draw per request, shape (n,)."""
        return self.requests.each(partial(self.streams.uniform, stream, dtype=np.float32))

    def draw(self, stream: str, spec: AnyQuantity) -> NDArray[np.float32]:
        """Return one draw of a quantity per request, shape (n,)."""
        return self.requests.each(lambda n: self.streams.once(stream, (repr(spec), n), lambda rng: spec.draw(rng, n)))

    def all_stages(self) -> list[Any]:
        """Return the stages and the source of the requests, in the order of the file."""
        return [*self.stages.values(), self.source]

    def ahead_of(self, name: str) -> set[str]:
        """Return the stages that requests may come to from this one, straight or later."""
        return set(self._ahead[name])

    def senders(self, name: str) -> set[str]:
        """Return the stages that can send requests straight to this one."""
        return set(self.graph.predecessors(name))

    @cached_property
    def graph(self) -> nx.DiGraph[str]:
        """The ways on which a stage can affect another one straight, or the clients."""
        stages = self.plan.scenario.stages
        return self._of_plan("graph", lambda: graph_of({name: self._targets(name) for name in [*stages, CLIENTS]}))

    @cached_property
    def _ahead(self) -> nx.DiGraph[str]:
        return self._of_plan("ahead", lambda: nx.transitive_closure(self.graph))

    def _of_plan(self, what: str, find: Callable[[], T]) -> T:
        """Return what depends on the plan alone, unless picks may change: then other stages may be reached."""
        return find() if self.stops else once_per_plan(self.plan, what, find)

    def leads(self, name: str, stage: str) -> bool:
        """Return whether a way leads from one stage to another."""
        return self.closed or name == stage or (name in self.stages and stage in self.ahead_of(name))

    def _targets(self, name: str) -> set[str]:
        if name == CLIENTS:
            return {self.plan.scenario.start}
        if name not in self.reached:
            return set()
        spec = self.plan.scenario.stages[name]
        targets = set(self.ways(spec)) | self.sharers(spec) | self._readers(spec)
        return targets & set(self.plan.scenario.stages) | ({CLIENTS} if self.closed and targets & set(self.ends) else set())

    def ways(self, spec: Any) -> list[str]:
        """Return where requests may go from a stage, once for each way; all ways count in a run whose picks may change."""
        idle = set() if self.stops else spec.idle_ways
        return [to for path, to in spec.targets().items() if path not in idle]

    def sharers(self, spec: Any) -> set[str]:
        if (device := getattr(spec, "shares", None)) is None:
            return set()
        stages = self.plan.scenario.stages
        return {name for name in self.reached if stages[name] is not spec and getattr(stages[name], "shares", None) == device}

    def is_alone(self, spec: Any) -> bool:
        """Return whether a pool on a shared device has it to itself."""
        device = self.plan.scenario.accelerators[spec.shares]
        return spec.most_replicas == 1 and device.stretch(1, spec.threads) == 1 and not self.sharers(spec)

    @cached_property
    def reached(self) -> set[str]:
        """The stages that requests may come to: no way leads along a route by chance that takes none of them.

        All of them in a run whose picks may change.
        """
        return set(self.plan.scenario.stages) if self.stops else self._of_plan("reached", self._found)

    def _found(self) -> set[str]:
        stages = self.plan.scenario.stages
        ways = nx.DiGraph((name, target) for name in stages for target in self._open(name) if target in stages)
        ways.add_node(self.plan.scenario.start)
        return {self.plan.scenario.start, *nx.descendants(ways, self.plan.scenario.start)}

    def _open(self, name: str) -> set[str]:
        spec: Any = self.plan.scenario.stages[name]
        by_label = [spec.routing and spec.routing.routes_by_chance(self.plan, positive) for positive in (False, True)]
        if None in by_label:
            return set(self.ways(spec))
        return {route.to for shares in by_label for route, share in zip(spec.routes, shares, strict=True) if share > 0}

    def _readers(self, spec: Any) -> set[str]:
        stages = self.plan.scenario.stages
        by_marks = {name for name in self.in_branches if getattr(stages[name], "order", None) in BY_MARKS}
        return {name for name in by_marks if stages[name] is not spec} if spec.marks else set()

    def photos(self, stage: str) -> NDArray[np.int8]:
        """Return the photo that each request shows to a stage, from 0, shape (n,): in a branch, the one at the fork."""
        network = self.plan.scenario.network
        inside = {fork: within for fork in network.forks if stage in (within := network.inside(fork))}
        innermost: Any = self.stages[min(inside, key=lambda fork: len(inside[fork]))] if inside else None
        return innermost.photos if inside else self.requests.tries

    @cached_property
    def looked_at(self) -> dict[str, NDArray[np.int8]]:
        """The photo that each request shows to each pool that scores it."""
        return {pool: self.photos(pool) for pool in self.plan.scenario.scorers()}

    def score(self, pool: str, rows: NDArray[Any], times: Any, by_image: NDArray[np.float32]) -> None:
        """Note the scores of a pool for requests, shape (k,), known from `times` (s) on, shape (k,) or ().

        pool: the name of the stage; rows: row numbers, int32; times: seconds from the start of the run, float64
        by_image: the model's score of each image of each request, shape (tries, n)
        """
        requests = self.requests
        scores = by_image[self.looked_at[pool][rows], rows]
        requests.given[pool].write_all(rows, scores, times)
        if requests.given[pool] is not requests.risks:
            requests.risks.write_all(rows, scores, times)

    def answer(self, rows: Sequence[int], time: float, refused: bool = False) -> None:
        """Note answers, where there were none before; refused: the requesters are turned away."""
        for row in rows:
            if not self._answered[row] <= time:  # never yet, or later, by a branch that ran ahead
                self._answered[row] = time
                self._refused[row] = refused

    def answer_block(self, rows: NDArray[np.int32], times: NDArray[np.float64], refused: bool = False) -> None:
        self.requests.answer(rows, times, refused)


#: The beginning of the name under which a plan lists a file beside the case.
BESIDE = "scenario/"


class StageGatherer:
    """The evidence of a plan that is being made: parts of a case note theirs, with a `Source` for each.

    A field with the name of one of the plan goes into the plan.
    worded: figures of the case that have a source in words already
    """

    def __init__(self, scenario: Scenario, design: dict[str, Any]) -> None:
        self.scenario, self.design = scenario, design
        self.faults: list[Fault] = []
        self.sources: list[Source] = []
        self.worded: set[tuple[str | int, ...]] = set()
        self.warnings: list[str] = []
        self.evidence: dict[str, str] = {}
        self.latencies: dict[str, LatencyTable] = {}
        self.bands: dict[str, tuple[LatencyTable, LatencyTable]] = {}
        self.sized: dict[str, SizedTable] = {}
        self.machines: dict[str, Hardware] = {}
        self.cold_starts: dict[str, list[float]] = {}
        self.timed: dict[str, list[ThreadRun]] = {}
        self.tables: dict[str, ScoreTable] = {}
        self.recording: Recording | None = None
        self.of_sections: dict[str, Any] = {}
        self.recorded: dict[str, NDArray[Any]] = {}

    def fault(self, path: tuple[str | int, ...], message: str) -> None:
        """Note a fault of the evidence of a stage; path: its place within `stages`."""
        self.missing(("stages", *path), message)

    def unknown(self, path: tuple[str, ...], message: str, what: str, places: Iterable[tuple[str, ...]]) -> None:
        """Note that the evidence of a stage is not there; in the words of the screen where several picks ask for it together.

        what: the evidence, in the plural; places: those within `stages` that decide on it
        """
        self.fault(path, message)
        document, choices = self.scenario.document, self.scenario.choices
        sources = [document.in_file(("stages", *place)) for place in (path, *places)]
        names = dict.fromkeys(str(source[1]) for source in sources if source[:1] == ("choices",))
        away = {name: choices[name] for name in names if self.design[name] != choices[name].default}
        if len(away) < 2:
            return
        picks = listed([f"“{choice.label}: {choice.label_of(self.design[name])}”" for name, choice in away.items()])
        back = " or ".join(f"“{choice.label}” to “{choice.label_of(choice.default)}”" for choice in away.values())
        of = "both" if len(away) == 2 else "all of them together"
        words = f"{picks} do not go together: no {what} are known for {of}; set {back}"
        self.faults[-1] = replace(self.faults[-1], message=words, choices=tuple(away))

    def missing(self, path: tuple[str | int, ...], message: str) -> None:
        """Note that evidence which a place of the case refers to is missing, or cannot be used."""
        self.faults.append(self.scenario.document.fault(path, message, code="evidence"))

    def note(self, files: Mapping[str, Path]) -> None:
        self.evidence |= {name: content_hash(path) for name, path in files.items()}

    def beside(self, name: str) -> Path:
        """Return a file beside the scenario's own, or below it; raises RecordingError for any other."""
        folder = Path(self.scenario.document.file).parent.resolve()
        file = (folder / name).resolve()
        if not file.is_relative_to(folder):
            raise RecordingError(f"{name}: leads out of the scenario's folder")
        return file

    def doubt_eight_bits(self, what: str, machine: Hardware, precision: str, measured_on: InstructionSet | None) -> None:
        """Note as assumed that an 8-bit accuracy holds on a machine, if it was measured on one that answers otherwise."""
        if reason := machine.caution(precision, measured_on):
            at = f"{what}, at {precision.replace('_', ' ')}"
            self.sources.append(Source(at, "assumed", "as measured elsewhere", reason))
            self.warnings.append(f"{at}: {reason}.")

    def note_beside(self, file: Path) -> None:
        folder = Path(self.scenario.document.file).parent.resolve()
        self.note({f"{BESIDE}{file.relative_to(folder).as_posix()}": file})


class PlannedRouting(Routing, Protocol):
    """Choice between several routes, as it is in a plan."""

    def routes_of_items(self, plan: Plan) -> NDArray[np.int64] | None:
        """Return the route of each labelled item, positives first, shape (items,); None where the item does not decide."""

    def routes_of_photos(self, plan: Plan, faults: frozenset[str]) -> list[float] | None:
        """Return the share of each route, of photos with these faults of BY_CHECK; None where faults do not decide."""

    def routes_by_chance(self, plan: Plan, positive: bool = False) -> list[float] | None:
        """Return the share of each route by chance, of positives or of negatives; None where something else decides."""

    def routes_of_frames(self, plan: Plan, sensors: NDArray[Any], frames: NDArray[Any]) -> NDArray[np.int64]:
        """Return the route of each frame, by sensor and number, shape (frames,); for routes that go `by_source`."""

    def routes_of_values(self, plan: Plan, values: NDArray[Any]) -> NDArray[np.int64]:
        """Return the route of each value of the attribute that the routes go by, shape (values,)."""

    def bounds(self, plan: Plan) -> list[float]:
        """Return the values between the routes, if that attribute is a number."""


def planned_routers(plan: Plan) -> dict[str, PlannedRouting]:
    """Return the routing of every stage that chooses between routes, by its name."""
    return cast(dict[str, PlannedRouting], plan.scenario.routers())


class StageModel(AnyStage):
    """Base of the models of all kinds of stages: with a plan or a trace, it answers the rest of the program about its stage.

    Each default is right for a step that takes no time; a kind with servers overrides `server_capacity`, and `server_steps`
    where their number changes. `AnyStage` declares what takes no plan to know.
    """

    def gather(self, gather: StageGatherer, name: str) -> None:
        """Look up the evidence that the stage refers to, and note missing evidence as faults."""

    def facts(self, plan: Plan, name: str) -> list[str]:
        return []

    def flows(self, plan: Plan, name: str, comers: Comers) -> list[Onward]:
        targets = list(self.planned_targets().values())
        return [Onward(target, 1.0 if self.branching == "fork" else 1 / len(targets)) for target in targets]

    def server_steps(self, run: Plan | Trace, name: str, server: int | None = None) -> ServerSteps:
        there = self.service.steady_servers or 0
        return ServerSteps(Steps(values=(float(there if server is None else min(there, 1)),)))

    def offered(self, run: Plan | Trace, name: str) -> OfferedTime:
        seconds = self.server_steps(run, name).able.total(plan_of(run).arrivals_end_s)
        return OfferedTime(seconds, seconds)

    def server_capacity(self, plan: Plan, name: str, visits: Mapping[str, float] | None = None) -> StageCapacity:
        """Return the capacity of a server.

        visits: services a request at each stage, to count stages on the same device; None: it has the device to itself
        """
        return StageCapacity()

    def hourly_usd(self, plan: Plan, name: str) -> float:
        return 0.0

    def paid(self, trace: Trace, name: str) -> PaidTime:
        steady = self.service.steady_servers or 0
        return PaidTime(steady * trace.plan.arrivals_end_s, partial(_served_beyond_s, trace, name))

    def report(self, trace: Trace, name: str) -> StageReport:
        return StageReport()


class Stage:
    """A step on a request's way in a run. A kind overrides what it needs; one that takes time logs its visits.

    A handover may lie in the future, never before the sender's now. A stage leaves the arrays that it takes as they are: others
    may hold them.
    """

    #: The attributes of a stage that the one in its place goes on with when a pick has changed.
    goes_on_with: ClassVar[tuple[str, ...]] = ("log",)

    @classmethod
    def of(cls, run: StageRun, name: str, spec: Any) -> Stage:
        return cls(run, name, spec)

    def __init__(self, run: StageRun, name: str, spec: Any) -> None:
        self.run = run
        self.name = name
        self.spec = spec
        self.log = VisitLog()

    def connect(self) -> None:
        """Look up the stages and ends that this one hands on to; all exist by now."""

    def accept(self, rows: Sequence[int], time: float) -> None:
        """Take requests that all come at `time`."""
        raise not_defined(self, "accept")

    def accept_block(self, rows: Rows, times: Times) -> None:
        """Take many requests, each at its own time (s), in any order of time; both of shape (m,). By default one by one."""
        for row, time in zip(rows.tolist(), times.tolist(), strict=True):
            self.accept((row,), time)

    def fall_back(self, row: int, outcome: int, time: float) -> None:
        """Take a request that a stage has turned away."""
        self.run.requests.outcome[row] = outcome
        self.run.answer((row,), time, refused=True)
        self.accept((row,), time)

    def fall_back_block(self, rows: Rows, outcome: int | Column, times: Times) -> None:
        self.run.requests.outcome[rows] = outcome
        self.run.answer_block(rows, times, refused=True)
        self.accept_block(rows, times)

    def may_reach(self, stage: str) -> NDArray[np.bool_]:
        """Return which requests that come here may come to `stage` later on, shape (n,): all, where a way leads there."""
        return np.broadcast_to(self.run.leads(self.name, stage), self.run.requests.n)

    def settle(self, now: float) -> None:
        """Release the requests that have left for an end unnoticed, since a pick changes now."""

    def take_over(self, before: Stage, now: float) -> None:
        """Go on from the state of the stage that stood here before a pick changed at `now`, under this one's spec.

        What had begun goes on as it began, and is handed on where it was meant to go.
        """
        for name in self.goes_on_with:
            setattr(self, name, getattr(before, name))

    def waiting(self, time: float) -> Waiting:
        return Waiting.none()

    def note_unfinished(self, log: VisitLog, until: float) -> Fleet | None:
        """Log the visits that go on, in a copy of the log, or in the log itself when the run is over.

        Return the servers that came and went by `until` (s); None if no rule adds or removes any.
        """
        return None


def _served_beyond_s(trace: Trace, name: str) -> float:
    end = trace.plan.arrivals_end_s
    started, ended, _ = trace.logs[name].services(trace.plan.horizon_s)
    return float((np.maximum(ended, end) - np.maximum(started, end)).sum())


def not_defined(stage: Stage, method: str) -> NotImplementedError:
    """Return what is raised where a kind of stage lacks a method that it must have."""
    return NotImplementedError(f"{type(stage).__name__} does not define {method}(); docs/engine.md says what it is for")


def plan_of(run: Plan | Trace) -> Plan:
    return run.plan if isinstance(run, Trace) else run


def stage_of(run: Plan | Trace, name: str) -> StageModel:
    return cast(StageModel, plan_of(run).scenario.stages[name])
