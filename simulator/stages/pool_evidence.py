"""What a pool refers to: the machine it rents, how long its model takes, what its model says."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product
from typing import TYPE_CHECKING

import numpy as np

from simulator.engine.provenance import Source
from simulator.evidence.catalogue import HARDWARE, CatalogueError, machine
from simulator.evidence.profiles import PrecisionError, Profile, ProfileError, has_profile, load_profile, profile_files
from simulator.evidence.projection import ProjectionError, latencies, projection_files
from simulator.evidence.score_tables import (
    Assumed,
    Measured,
    ScoreError,
    ScoreTable,
    assumed_scores,
    check_paired,
    score_files,
    scores_at,
)
from simulator.stages.pool_fields import AssumedScores
from simulator.stages.service_times import LatencyError, constant, profiled, sized, summed

if TYPE_CHECKING:
    from simulator.engine.plan import Gatherer
    from simulator.stages.pool import Pool


class PoolEvidence:
    """Looks up the evidence of pools for a plan that is being made."""

    def __init__(self, plan: Gatherer) -> None:
        self.plan = plan

    def look_up(self, name: str, stage: Pool) -> None:
        """Everything that one pool refers to."""
        self._attempt((name, "device"), CatalogueError, lambda: self._rent(name, stage))
        if name in self.plan.machines and self.plan.machines[name].vcpus is None and not self._is_measured(stage):
            self._attempt((name, "device"), ProjectionError, lambda: self._project(name, stage))
        else:
            self._attempt((name, "model"), ProfileError, lambda: self._measured(name, stage))
        assumed = stage.scores
        if isinstance(assumed, AssumedScores):
            self._attempt((name, "scores"), ScoreError, lambda: self._assume(name, stage, assumed))
        elif stage.scores:
            self._attempt((name, "scores"), ScoreError, lambda: self._score(name, stage, str(stage.scores)))

    def _attempt(self, path: tuple[str, str], error: type[Exception], lookup: Callable[[], None]) -> None:
        try:
            lookup()
        except error as caught:
            self.plan.fault(path, str(caught))
        except LatencyError as caught:
            self.plan.fault((path[0], "max_batch" if "max_batch" in str(caught) else "threads"), str(caught))

    def _rent(self, name: str, stage: Pool) -> None:
        rented = self.plan.machines[name] = machine(stage.device)
        self.plan.note({f"catalogue/{HARDWARE.name}": HARDWARE})
        if rented.vcpus is not None and stage.threads > rented.vcpus:
            self.plan.fault(
                (name, "threads"),
                f"{stage.threads} threads on a machine with {rented.vcpus} processors; use at most that",
            )
        if rented.usd_per_hour is None or rented.price_source is None:
            raise CatalogueError(f"the catalogue has no price of {rented.label}; choose a device with one")
        size = "the whole device" if rented.vcpus is None else f"{rented.vcpus} vCPU"
        price = f"{rented.usd_per_hour:g} USD an hour for {size}"
        self.plan.sources.append(Source(f"{stage.label}: price", rented.price_evidence, price, rented.price_source))

    def _is_measured(self, stage: Pool) -> bool:
        pairs = product(stage.models, stage.precisions)
        return all(has_profile(stage.device, model, precision) for model, precision in pairs)

    def _measured(self, name: str, stage: Pool) -> None:
        """Latencies that were measured; where only the precision has none, the fault is at the field that names it."""
        try:
            self._time(name, stage)
        except PrecisionError as error:
            size = next((key for key, precision in stage.sizes.items() if precision == error.precision), None)
            place = ("precision",) if size is None else ("sizes", f"{size:g}")
            self.plan.fault((name, *place), str(error))

    def _project(self, name: str, stage: Pool) -> None:
        """Latencies of a device that was not measured here: one time for each batch size, and the ends of its band."""
        if stage.scaling is not None:
            raise ProjectionError(
                f"{self.plan.machines[name].label}: how long a replica takes to start is not known; leave out scaling"
            )
        if stage.sizes:
            raise ProjectionError(f"{self.plan.machines[name].label}: sizes were not measured there, and cannot be projected")
        sizes = range(1, stage.max_batch + 1)
        of_models = [latencies(model, stage.precision, sizes, stage.device) for model in stage.models]
        self.plan.note(projection_files())
        by_size = [*zip(*of_models, strict=True)]
        values, lows, highs = (
            [stage.times_measured * sum(getattr(point, end) for point in points) for points in by_size]
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
        self.plan.warnings.append(
            f"{stage.label}: its latency is projected, {value}. Every interval reaches from the fast end of that band to the "
            "slow one; how much service times spread is not known."
        )

    def _time(self, name: str, stage: Pool) -> None:
        profiles = [load_profile(stage.device, model, stage.precision) for model in stage.models]
        self.plan.note(profile_files(stage.device, stage.models, stage.precision))
        tables = [profiled(profile, stage.threads, stage.max_batch, stage.times_measured) for profile in profiles]
        self.plan.latencies[name] = summed(tables)
        if stage.sized_by is not None:
            self._time_by_size(name, stage, stage.sized_by)
        self.plan.timed[name] = [profile.run(stage.threads) for profile in profiles]
        for profile, table in zip(profiles, tables, strict=True):
            of = f" of {profile.model}" if stage.also else ""
            value = f"{1000 * table.mean_s(1):.3g} ms at batch 1{of}"
            self.plan.sources.append(Source(f"{stage.label}: latency", "measured", value, profile.source(stage.threads)))
        if stage.times is not None:
            times = f"{stage.times.value:g} times as long as measured"
            self.plan.sources.append(Source(f"{stage.label}: latency", stage.times.kind, times, stage.times.source))
        if stage.scaling is not None:
            self._start(name, stage, profiles)

    def _time_by_size(self, name: str, stage: Pool, by: str) -> None:
        """Each size has a profile of its own; how long requests take on average is known once all attributes are."""
        profiles = {size: load_profile(stage.device, stage.model, precision) for size, precision in stage.sizes.items()}
        for precision in stage.precisions:
            self.plan.note(profile_files(stage.device, stage.models, precision))
        self.plan.sized[name] = found = sized(by, profiles, stage.threads, stage.times_measured)
        means = ", ".join(
            f"{1000 * found.table.mean_s(place):.3g} ms at {size:g}" for place, size in enumerate(found.sizes.tolist(), 1)
        )
        source = " ".join(profile.source(stage.threads) for profile in profiles.values())
        self.plan.sources.append(Source(f"{stage.label}: latency by {by}", "measured", means, source))

    def _start(self, name: str, stage: Pool, profiles: list[Profile]) -> None:
        """A replica that starts creates the session of each of its models, one after the other."""
        starts = [profile.run(stage.threads).session_s for profile in profiles]
        self.plan.cold_starts[name] = [sum(start) for start in zip(*starts, strict=False)]
        value = f"{np.mean(self.plan.cold_starts[name]):.3g} s to create a session and answer for the first time"
        source = " ".join(profile.source(stage.threads) for profile in profiles)
        self.plan.sources.append(Source(f"{stage.label}: cold start", "measured", value, source))

    def _halved(self, stage: Pool, computed: str) -> None:
        """Scores are told as those of the model's own precision: say so where the device computes in another."""
        if stage.scores and stage.precision == "fp32" and computed == "fp16":
            what, device = f"{stage.label}: accuracy in fp16", machine(stage.device).label
            reason = f"{device} computes this model in fp16; accuracy is assumed equal to fp32"
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
            f"{size}, and nobody has labelled those."
        )

    def _score(self, name: str, stage: Pool, model: str) -> None:
        table = scores_at(model, stage.precision)
        self.plan.note(score_files(table.name))
        self._enter(name, table)
        about = table.about
        value = f"AUC {table.auc:.3f}"
        text = f"{about.source}. {about.attribution}" if isinstance(about, Measured) else about.source
        self.plan.sources.append(Source(f"{stage.label}: scores", about.kind, value, text))
        if about.precision != stage.precision:
            what = f"{stage.label}: accuracy at {stage.precision}"
            reason = f"no scores were measured at {stage.precision}; accuracy is assumed equal to {about.precision}"
            self.plan.sources.append(Source(what, "assumed", f"as {about.precision}", reason))
            self.plan.warnings.append(f"{what}: {reason}.")


def _in_ms(value_s: float, low_s: float, high_s: float) -> str:
    return f"{1000 * value_s:.3g} ms ({1000 * low_s:.3g} to {1000 * high_s:.3g})"
