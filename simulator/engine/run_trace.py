"""The trace of one replication: the plan that ran, the requests as columns, and the visits to each stage."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, replace
from functools import cached_property
from math import inf

import numpy as np
import pandas as pd

from simulator.engine.compiled_plan import Plan
from simulator.engine.requests import Requests
from simulator.engine.run_conditions import Conditions
from simulator.records.trace import OUTCOMES, VISIT_COLUMNS, Fleet, VisitLog, named_codes


@dataclass
class Trace:
    """One replication: the plan that ran, its seed, the requests as columns, the visits to each stage, fleets that scaled.

    phases: the plans that ran one after the other, each behind the time (s) of its beginning
    """

    plan: Plan
    seed: int
    replication: int
    columns: Requests
    logs: dict[str, VisitLog]
    conditions: Conditions  # curveballs and failures over time
    fleets: dict[str, Fleet] = field(default_factory=dict)
    phases: list[tuple[float, Plan]] = field(default_factory=list)

    @cached_property
    def requests(self) -> pd.DataFrame:
        """A row a request: when it arrived, was answered and finished, how it ended and where (times in s), attributes."""
        columns = self.columns
        sensors = self.plan.scenario.sensors
        frames = {"sensor": named_codes(columns.sensor, sensors), "frame": columns.frame} if sensors else {}
        attributes = {name: spec.named(columns.attributes[name]) for name, spec in self.plan.scenario.attributes.items()}
        return pd.DataFrame(
            {
                "arrived_s": columns.arrived,
                "sent_s": columns.sent,
                "answered_s": columns.answered,
                "finished_s": columns.finished,
                "outcome": named_codes(columns.outcome, OUTCOMES),
                "end": named_codes(columns.end, self.plan.scenario.ends),
                "positive": columns.positive,
                "detected": columns.detected,
                "patient": columns.patient,
                "score": np.where(np.isfinite(columns.risk), columns.risk, np.nan),
                "tries": columns.tries + 1,
                "tag": columns.tag,
                **frames,
                **attributes,
            }
        )

    @cached_property
    def visits(self) -> pd.DataFrame:
        """A row for each visit of a request to a stage, failures included, by time of entry."""
        visited = {stage: log.visits() for stage, log in self.logs.items() if len(log)}
        if not visited:
            return pd.DataFrame(columns=list(VISIT_COLUMNS)).astype({"stage": "category"})
        names, parts = sorted(visited), [vars(visits) for visits in visited.values()]
        columns = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
        codes = np.repeat([names.index(stage) for stage in visited], [len(visits) for visits in visited.values()])
        order = np.lexsort((columns["request"], columns["entered_s"]))
        ordered = {name: column[order] for name, column in columns.items()}
        return pd.DataFrame({"request": ordered.pop("request"), "stage": named_codes(codes[order], names), **ordered})

    def parts(self) -> list[tuple[float, float, Plan]]:
        """Return the plans that ran, each behind its beginning and its end (s)."""
        if not self.phases:
            return [(0.0, inf, self.plan)]
        starts = [at_s for at_s, _ in self.phases]
        return [(start, end, plan) for (start, plan), end in zip(self.phases, [*starts[1:], inf], strict=True) if start < end]

    def under(self, plan: Plan, until: float = inf) -> Trace:
        """Return the run as if a plan of its phases had run alone, until a time (s)."""
        alone = replace(plan, until=min(until, plan.until), later=())
        return replace(self, plan=alone, conditions=self.conditions.under(plan), phases=[])

    @cached_property
    def digest(self) -> str:
        """Identifies what happened: times to the microsecond, outcomes and ends of every request."""
        sha = hashlib.sha256()
        for times in (self.columns.arrived, self.columns.answered, self.columns.finished):
            microseconds = np.rint(times * 1e6)
            microseconds[~np.isfinite(times)] = -1
            sha.update(microseconds.astype(np.int64).tobytes())
        for codes in (self.columns.outcome, self.columns.end, self.columns.detected):
            sha.update(codes.tobytes())
        return sha.hexdigest()[:16]
