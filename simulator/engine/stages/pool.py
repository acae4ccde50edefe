"""Replicas of a model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from math import inf, prod
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from simulator.case.any_stage import Faults, Service
from simulator.case.checks import too_often
from simulator.case.choices import Options
from simulator.case.fields import AS_WRITTEN, Figure, FileName, Name, bounded
from simulator.case.references import Ref
from simulator.engine.stages.pool_evidence import PoolEvidence, Scores
from simulator.engine.stages.pool_policies import Scaling
from simulator.engine.stages.replicas import BATCH_FIELDS, BATCHING, AttributeName, Replicas, factor_table
from simulator.engine.stages.stage import ServiceStage
from simulator.evidence.profiles import profile_names
from simulator.evidence.spelled_names import spelled
from simulator.phrases import phrase
from simulator.records.trace import InTurn, as_memoryview

if TYPE_CHECKING:
    from simulator.arrays import Rows, Times
    from simulator.case.case_contract import AnyCase
    from simulator.engine.compiled_plan import Plan
    from simulator.engine.contract import Stage, StageGatherer, StageRun
    from simulator.engine.stages.device_batches import Scores as BatchScores
    from simulator.engine.stages.stage import Outbox


class Pool(Replicas):
    """Replicas of one measured model behind one queue, with dynamic batching."""

    fresh: ClassVar[Mapping[str, Any]] = {
        "label": "Model",
        "model": "efficientnet_lite0",
        "precision": "fp32",
        "device": "epyc-zen4-2c",
        "replicas": 1,
        "max_batch": 1,
    }
    at_the_box: ClassVar[Mapping[str, str]] = {
        "model": "Model",
        "precision": "Precision",
        "device": "Hardware",
        "replicas": "Replicas",
        "max_batch": "Largest batch",
        "max_queue": "Requests that may wait",
    }

    kind: Literal["pool"]
    model: Annotated[FileName, Ref("model")]
    """a measured model; `casesim models` lists them"""
    precision: FileName
    """its precision, such as fp32 or int8_static"""
    device: Annotated[FileName, Ref("device")]
    """the machine of a replica; `casesim devices` lists them"""
    threads: Annotated[int, Field(ge=1, le=64)] = 1
    """threads that one replica is pinned to"""
    also: Annotated[list[Annotated[FileName, Ref("model")]], Field(max_length=8)] = []
    """further models that run for the same answer, one after the other"""
    sizes: Annotated[dict[Annotated[float, Field(gt=0, le=1e9), AS_WRITTEN], FileName], Field(max_length=32)] = {}
    """sizes of a request to the precisions of their measurements"""
    sized_by: AttributeName | None = None
    """the attribute that is this number"""
    times: Annotated[Figure, bounded(0.01, 10_000)] | None = None
    """how many times as long as measured its service takes, as on another processor; none: as measured"""
    picture_times: Annotated[Figure, bounded(0.01, 100)] | None = None
    """how many times as long as with its usual picture, where it gets a smaller or larger one; none: 1"""
    passes: Annotated[int, Field(ge=1, le=4096)] = 1
    """runs of each model for an answer: test-time augmentation, tiles of an image"""
    max_batch: Annotated[int, Field(ge=1, le=1024)] = 1
    """the most requests that are served together"""
    batching: Annotated[str, Ref("batching"), Field(max_length=40)] = "triton"
    """how many waiting requests are served together"""
    preferred_batches: Annotated[list[Annotated[int, Field(ge=1)]], Field(max_length=16)] = []
    """sizes of batches to wait for; none: the largest"""
    max_queue_delay_ms: Annotated[float, Field(ge=0, le=600_000)] = 0
    """the longest wait of a request for its batch to fill"""
    shares: Annotated[Name, Ref("accelerator", absent="add a section `accelerators` with it")] | None = None
    """the accelerator, in `accelerators`, that these replicas share with other pools"""
    scaling: Scaling | None = None
    """adds and removes replicas during a run"""
    scores: Scores | None = None
    """the score table for this model's answers, without the precision, or what is assumed of them"""
    trained_on: Name | None = None
    """other data that the model learnt from: the score table is `<scores>_<trained_on>`"""

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        too_large = [size for size in self.preferred_batches if size > self.max_batch]
        if too_large:
            raise ValueError(f"preferred_batches holds {too_large[0]}, more than max_batch ({self.max_batch})")
        if self.trained_on is not None and not isinstance(self.scores, str):
            raise ValueError("trained_on chooses a score table; give its beginning as scores, or leave trained_on out")
        if self.max_queue == 0 and self.max_queue_delay_ms > 0:
            raise ValueError("max_queue is 0: no request can wait for its batch to fill; set max_queue_delay_ms to 0")
        others = {"max_batch": self.max_batch > 1, "shares": self.shares is not None, "scaling": self.scaling is not None}
        for field in (field for field, given in others.items() if given and self.preempts is not None):
            raise ValueError(f"preempts is for replicas of one request at a time, alone on their device; leave {field} out")
        self._sized_alone()
        if self.factors and self.max_batch > 1:
            raise ValueError("factors are for requests that are served one at a time; leave max_batch out")
        if self.scaling is not None and self.balance is not None:
            raise ValueError("a pool with scaling has one queue for all its replicas; leave balance out")
        return self

    def _sized_alone(self) -> None:
        """Refuse times that grow with the request and do not say with what, or with batches or several models."""
        if bool(self.sizes) != (self.sized_by is not None):
            raise ValueError("sizes and sized_by need each other; give both or neither")
        if not self.sizes:
            return
        if len(self.sizes) < 2:
            raise ValueError("sizes needs two of them at least, to interpolate between")
        if self.precision not in self.sizes.values():
            raise ValueError(phrase("sizes.precision", sizes=[*self.sizes.values()], precision=self.precision))
        others = {
            "max_batch": self.max_batch > 1,
            "batching": self.batching != "triton",
            "also": bool(self.also),
            "sheds_late": self.sheds_late,
        }
        for field in (field for field, given in others.items() if given):
            raise ValueError(f"sizes are for one model that serves one request at a time; leave {field} out")

    @classmethod
    def box_options(cls, field: str, data: Mapping[str, Any]) -> list[str]:
        place = {"device": 0, "model": 1, "precision": 2}.get(field)
        if place is None:
            return []
        # A precision is one of the model's own: those of the others would only be refused.
        measured = [names for names in profile_names() if field != "precision" or names[1] == data.get("model")]
        return sorted({names[place] for names in measured})

    @property
    def precisions(self) -> list[str]:
        return [*self.sizes.values()] or [self.precision]

    @property
    def times_measured(self) -> float:
        factors = (one.value for one in (self.times, self.picture_times) if one is not None)
        return self.passes * prod(factors)

    @property
    def models(self) -> list[str]:
        return [self.model, *self.also]

    @property
    def most_replicas(self) -> int:
        return self.replicas if self.scaling is None else max(self.replicas, self.scaling.max_replicas)

    @property
    def service(self) -> Service:
        return replace(
            super().service,
            held_for="batching delay",
            steady_servers=self.replicas if self.scaling is None else None,
            batching_delay_s=self.max_queue_delay_ms / 1000,
            gives_scores=self.scores is not None,
            builds_up_over="" if self.scaling is None else "its replicas come and go with delays",
        )

    def check(self, name: str, scenario: AnyCase) -> Faults:
        """Yield faults of what it refers to."""
        if self.sized_by is not None and not scenario.attributes[self.sized_by].is_number:
            yield ("sized_by",), f"'{self.sized_by}' is no number, so no service time can grow with it"
        if self.scores is not None and scenario.population is None:
            yield ("scores",), "scores need a `population` section that states the prevalence"
        if self.scaling and (fault := too_often(self.scaling.every_s, scenario, "looks at the pool")):
            yield ("scaling", "every_s"), fault
        yield from super().check(name, scenario)

    def gather(self, gather: StageGatherer, name: str) -> None:
        """Look up the machine, the latencies and the scores, and the names of policies."""
        PoolEvidence(gather).look_up(name, self)
        _check_batching(gather, name, self)

    def facts(self, plan: Plan, name: str) -> list[str]:
        """Return the model as it was picked, and what it runs on."""
        words = BATCHING[self.batching].words
        batch = f", batches up to {self.max_batch}{words and f', {words}'}" if self.max_batch > 1 else ""
        model, precision = f"stages.{name}.model", f"stages.{name}.precision"
        picked = (_picked(plan, model, precision) if _picked(plan, model) else []) or [
            spelled(self.model),
            spelled(self.precision),
        ]
        rented = plan.machines.get(name)
        size = f"{self.threads} vCPU" if rented is None or rented.vcpus else rented.label
        lines = [", ".join(picked), f"{self.replicas} × {size}{batch}"]
        if self.sized_by is not None:
            lines.append(f"longer by {plan.scenario.attributes[self.sized_by].label}")
        lines += self.factor_facts(plan)
        if self.times is not None and self.times.value != 1:
            lines.append(f"{self.times.value:g} times as long as measured")
        if self.picture_times is not None and self.picture_times.value != 1:
            lines.append(f"{self.picture_times.value:g} times as long as with its usual picture")
        return [*lines, "latency projected"] if name in plan.bands else lines

    def hourly_usd(self, plan: Plan, name: str) -> float:
        return plan.machines[name].usd_per_replica_hour(self.threads)


def _check_batching(gather: StageGatherer, name: str, spec: Pool) -> None:
    """Note a fault where a pool gives its batching rule less than it goes by, or more."""
    rule = BATCHING[spec.batching]
    for field in (field for field in BATCH_FIELDS if getattr(spec, field) and field not in rule.reads):
        gather.fault((name, field), f"batching by '{spec.batching}' does not go by it; delete this line")
    if rule.by_deadline and not gather.scenario.has_deadlines:
        gather.fault((name, "batching"), f"batching by '{spec.batching}' needs a class with `deadline_s` in `classes`")


def _picked(plan: Plan, *paths: str) -> list[str]:
    options = {name: choice for name, choice in plan.scenario.choices.items() if isinstance(choice, Options)}
    picked = [choice.options[plan.design[name]] for name, choice in options.items()]
    return list(dict.fromkeys(option.label for path in paths for option in picked if path in option.set))


class AnyPool(ServiceStage):
    """Replicas of one measured model, or of a server whose times the author states.

    spec: a `Pool`, or an `OwnServer`, which has constants in the place of the fields that it lacks
    seconds_array: service times by idle gap, batch size less 1 and quantile; gaps: where the next idle gap begins (s)
    quantile: the service time that each request draws, as a place in the table
    timeout: how long a request may wait in the queue (s)
    out: where a request goes that was served
    """

    spec: Pool
    out: Stage | Outbox

    def __init__(self, run: StageRun, name: str, spec: Pool) -> None:
        super().__init__(run, name, spec)
        self.sized = run.plan.sized.get(name)
        self.factors = self._factors()
        self._drawn: list[Times] = []  # where each request has a time of its own: by idle gap, stream after stream
        self.timeout = inf if spec.timeout_s is None else spec.timeout_s
        self.latency = run.plan.latencies[name]
        self.seconds_array: Any = self.latency.seconds[:, 1:]
        self.gaps = self.latency.gaps_s
        self.quantile = self.quantiles("service")
        self.scores = run.requests.scores_by.get(name)

    @cached_property
    def seconds(self) -> list[list[Any]]:
        """Service times by idle gap, batch size and quantile, as lists and views."""
        if self._drawn:
            return [[None, as_memoryview(of_gap[0])] for of_gap in self.seconds_array]
        return self.latency.seconds.tolist()  # type: ignore[no-any-return]

    def quantiles(self, stream: str) -> Any:
        """Return each request's service time as a place in the table; one a visit where branches of a fork meet here."""
        often = self.run.plan.scenario.network.times_shared(self.name)
        streams = [f"{self.name}.{stream}", *(f"{self.name}.{stream}.{further}" for further in range(1, often))]
        cells = [self._places(each) for each in streams]
        return as_memoryview(cells[0]) if often == 1 else InTurn(cells)

    def _factors(self) -> NDArray[np.float64] | None:
        """Return the factor on the service time of each request, shape (n,); None where all take alike."""
        if not self.spec.factors:
            return None
        by, requests = self.spec.factors_by, self.run.requests
        return factor_table(self.run.plan, self.spec)[requests.kind if by is None else requests.attributes[by]]

    def _places(self, stream: str) -> NDArray[np.int32]:
        seconds = self._seconds(stream)
        if seconds is None:
            return self.latency.cell_of(self.run.uniform(stream))
        return self._own_times(seconds if self.factors is None else seconds * self.factors)

    def _seconds(self, stream: str) -> Times | None:
        """Return the time of each request by idle gap, shape (gaps + 1, n); None where cells of the table are enough."""
        if self.spec.drawn_ms is not None:
            seconds = self.run.draw(stream, self.spec.drawn_ms).astype(np.float64) / 1000
            return np.tile(seconds, (len(self.gaps) + 1, 1))
        drawn = self.run.uniform(stream)
        if self.sized is not None:
            values = self.run.requests.attributes[self.sized.by]
            return self.sized.seconds(values, self.sized.table.cell_of(drawn))
        return None if self.factors is None else self.latency.seconds[:, 1, self.latency.cell_of(drawn)]

    def _own_times(self, seconds: Times) -> NDArray[np.int32]:
        """Return the place of each request's own time, shape (n,). seconds: by idle gap and request, shape (gaps + 1, n)."""
        self._drawn.append(seconds)
        self.seconds_array = np.concatenate(self._drawn, axis=1)[:, None]
        count = seconds.shape[1]
        return np.arange(count, dtype=np.int32) + np.int32(count * (len(self._drawn) - 1))

    def connect(self) -> None:
        """Look up where requests go on to."""
        super().connect()
        self.scores = self.run.requests.scores_by.get(self.name)  # of as many photos as there are to look at by now
        self.out = self.run.receiver(self.spec.to)
        self.on_full = self.run.receiver(self.spec.on_full)
        self.on_timeout = self.run.receiver(self.spec.on_timeout)
        self.on_failure = self.run.receiver(self.spec.on_failure)

    @property
    def free_replicas(self) -> dict[int, float]:
        """Since when each replica that is not at work has been free, or from when on it will be (s)."""
        raise NotImplementedError

    def take_over(self, before: Stage, now: float) -> None:
        """Go on in the turn of each request's draws."""
        super().take_over(before, now)
        if isinstance(before, AnyPool) and isinstance(self.quantile, InTurn) and isinstance(before.quantile, InTurn):
            self.quantile.turn = before.quantile.turn

    def hand_over(self, rows: Sequence[int], time: float, scores: BatchScores | None = None) -> None:
        """Send requests on that the model has looked at, with their scores.

        scores: what it says, where it is not the model that serves now
        """
        known = self.scores if scores is None else scores
        if known is not None:
            self.run.score(self.name, np.array(rows), time, known)
        self.out.accept(rows, time)

    def hand_over_block(self, rows: Rows, times: Times) -> None:
        if self.scores is not None:
            self.run.score(self.name, rows, times, self.scores)
        self.out.accept_block(rows, times)

    def is_settled_late(self) -> bool:
        return self.timeout < inf and self.spec.timeout_action == "reject" and self.is_end(self.on_timeout)
