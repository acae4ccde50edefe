"""Evidence of a pool: its machine, its scores, and the profiles of its service times."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

import numpy as np
from pydantic import Field, GetCoreSchemaHandler, GetJsonSchemaHandler, TypeAdapter
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, core_schema

from simulator.case.fields import FileName, Line, Source, Strict
from simulator.case.references import Ref
from simulator.engine.compiled_plan import Conditions
from simulator.evidence.catalogue import HARDWARE, hardware, machine
from simulator.evidence.evidence_files import EvidenceError
from simulator.evidence.latency_tables import LatencyError, constant, profiled, sized, summed
from simulator.evidence.profiles import PrecisionError, Profile, has_profile, load_profile, profile_files
from simulator.evidence.projection import latencies, projection_files
from simulator.evidence.score_tables import (
    Assumed,
    Measured,
    ScoreTable,
    UnpairedError,
    assumed_scores,
    check_paired,
    score_files,
    scores_at,
)
from simulator.phrases import phrase
from simulator.records.streams import Streams
from simulator.units import duration

if TYPE_CHECKING:
    from simulator.case.scenario_parts import OwnHardware
    from simulator.engine.compiled_plan import Plan
    from simulator.engine.contract import StageGatherer
    from simulator.engine.stages.pool import Pool
    from simulator.evidence.latency_tables import LatencyTable

#: The fields of a pool that decide on its scores, and those that decide on its latencies.
_DECIDE_SCORES, _DECIDE_LATENCIES = ("scores", "trained_on"), ("model", "precision", "device", "threads", "max_batch")

#: A place within `stages`.
Place = tuple[str, ...]


class PoolEvidence:
    """Looks up the evidence of pools for a plan that is being made."""

    def __init__(self, plan: StageGatherer) -> None:
        self.plan = plan

    def look_up(self, name: str, stage: Pool) -> None:
        """Everything that one pool refers to."""
        self._attempt((name, "device"), self._refused, lambda: self._rent(name, stage))
        if name in self.plan.machines or self._is_measured(stage):  # an unknown device has its fault; the model has none
            self._look_up_latencies(name, stage)
        assumed = stage.scores
        if isinstance(assumed, AssumedScores):
            self._attempt((name, "scores"), self._unscored, lambda: self._assume(name, stage, assumed))
        elif stage.scores:
            field = "scores" if stage.trained_on is None else "trained_on"
            model = "_".join(filter(None, (str(assumed), stage.trained_on)))
            self._attempt((name, field), self._unscored, lambda: self._score(name, stage, model))

    def _look_up_latencies(self, name: str, stage: Pool) -> None:
        rented = self.plan.machines.get(name)
        if rented is not None and rented.vcpus is None and not self._is_measured(stage):
            self._attempt((name, "device"), self._untimed, lambda: self._project(name, stage))
        else:
            self._attempt((name, "model"), self._untimed, lambda: self._measured(name, stage))

    def _attempt(self, path: Place, note: Callable[[Place, Exception], None], lookup: Callable[[], None]) -> None:
        try:
            lookup()
        except EvidenceError as error:
            note(path, error)
        except LatencyError as error:
            self._untimed((path[0], "max_batch" if "max_batch" in str(error) else "threads"), error)

    def _refused(self, path: Place, error: Exception) -> None:
        self.plan.fault(path, str(error))

    def _unscored(self, path: Place, error: Exception) -> None:
        stages = self.plan.scenario.stages if isinstance(error, UnpairedError) else [path[0]]
        self.plan.unknown(path, str(error), "scores", product(stages, _DECIDE_SCORES))

    def _untimed(self, path: Place, error: Exception) -> None:
        self.plan.unknown(path, str(error), "latencies", product([path[0]], _DECIDE_LATENCIES))

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
            priced = [name for name, device in hardware().items() if device.usd_per_hour is not None]
            kind = [name for name in priced if hardware()[name].kind == rented.kind]
            what = (
                f"the catalogue has no price of {rented.label}; devices of its kind with a price: {', '.join(kind or priced)}"
            )
            raise EvidenceError(what)
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
            self._untimed((name, *place), error)

    def _project(self, name: str, stage: Pool) -> None:
        """Latencies of a device that was not measured here: one time for each batch size, and the ends of its band."""
        if stage.scaling is not None:
            raise EvidenceError(phrase("projections.no_start", machine=self.plan.machines[name].label))
        if stage.sizes:
            raise EvidenceError(f"{self.plan.machines[name].label}: sizes were not measured there, and cannot be projected")
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
        self.plan.warnings.append(phrase("projections.latency", label=stage.label, value=value))

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
        self.plan.sized[name] = times = sized(by, profiles, stage.threads, factor)
        places = enumerate(times.sizes.tolist(), 1)
        measured = [(size, times.table.mean_s(place) / factor) for place, size in places]
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
        self.plan.warnings.append(phrase("score_tables.assumed", label=stage.label, auc=scores.auc, size=size))

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
    """Scores without a measurement: two normal distributions of equal spread, as far apart as the area says."""

    written: ClassVar[str] = "the name of a score table, or as {auc: 0.9, assumed: why}"

    auc: Annotated[float, Field(gt=0.5, lt=1)]
    """the area under the ROC curve"""
    assumed: Line
    """the reason for it"""
    positives: Annotated[int, Field(ge=30, le=10_000)] = 200
    """labelled positives that intervals are to reckon with"""
    negatives: Annotated[int, Field(ge=30, le=10_000)] = 200
    """labelled negatives that intervals are to reckon with"""


_TABLE: TypeAdapter[str] = TypeAdapter(FileName)


def _scores(data: Any) -> str | AssumedScores:
    return AssumedScores.model_validate(data) if isinstance(data, dict | AssumedScores) else _TABLE.validate_python(data)


class _TableOrAssumed:
    """In an annotation: the name of a score table, or assumed scores."""

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(_scores)

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        return {"anyOf": [handler(_TABLE.core_schema), handler(AssumedScores.__pydantic_core_schema__)]}


Scores = Annotated[Annotated[FileName, Ref("score_table")] | AssumedScores, _TableOrAssumed()]


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
    label, many = scenario.stages[name].label, scenario.unit.many
    warnings: list[str] = [
        phrase(
            "sizes.beyond", label=label, largest=f"{largest:,g}", attribute=attribute.label, many=many, when=when, share=share
        )
        for when, share in beyond.items()
        if share > (beyond[""] if when else 0)
    ]
    return sized.average(chances, values), warnings
