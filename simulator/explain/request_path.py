"""The path of one request through a run: where it waited, for what, and what served it."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from itertools import groupby
from math import ceil
from operator import itemgetter
from typing import Any, Literal

import numpy as np
import pandas as pd

from simulator.engine.run_trace import Trace
from simulator.errors import InputError
from simulator.explain.claims import Claim, claims_json
from simulator.metrics.stage_metrics import DOWN, HELD, wait_steps
from simulator.records.trace import Visits
from simulator.units import duration, roughly

#: Times closer than this are equal: sums of seconds over days are exact to some picoseconds.
INSTANT_S = 1e-9

Until = Literal["answer", "end"]

BEHIND = "behind others"

WITHOUT_A_REPLICA = "waiting while a replica was down"


@dataclass(frozen=True)
class Wait:
    """A stretch of a wait: behind others while every server is busy, or for something else."""

    start_s: float
    end_s: float
    what: str

    @property
    def behind_others(self) -> bool:
        return self.what == BEHIND


@dataclass(frozen=True)
class PathStep:
    """One visit, in seconds; a step outside any stage, such as a pause before another try, has an empty name.

    served_s: in service or under way; server: the replica or reviewer, from 1, 0 for none
    batch_size: requests served together, 0 if it was not served; outcome: `served`, `timed_out` or `shed`
    """

    stage: str
    label: str
    entered_s: float
    waits: list[Wait]
    served_s: float
    server: int
    batch_size: int
    outcome: str

    @property
    def queued_s(self) -> float:
        return sum(wait.end_s - wait.start_s for wait in self.waits if wait.behind_others)

    @property
    def held_s(self) -> float:
        return sum(wait.end_s - wait.start_s for wait in self.waits if not wait.behind_others)

    @property
    def total_s(self) -> float:
        return self.queued_s + self.held_s + self.served_s

    @property
    def doing(self) -> str:
        return "served" if self.server else "under way"

    @property
    def words(self) -> str:
        """The parts of the time, the largest first."""
        parts = {self.doing: self.served_s}
        for wait in self.waits:
            parts[wait.what] = parts.get(wait.what, 0.0) + wait.end_s - wait.start_s
        largest = sorted((part for part in parts.items() if part[1] > 0), key=itemgetter(1), reverse=True)
        return ", ".join(f"{duration(seconds)} {what}" for what, seconds in largest)

    def to_json(self) -> dict[str, Any]:
        return {**vars(self), "waits": [vars(wait) for wait in self.waits], "queued_s": self.queued_s, "held_s": self.held_s}


@dataclass(frozen=True)
class RequestPath:
    """The request at one percentile of the time to the answer or to the end, and the steps of that time.

    refusals: whether some of the answers among which it was chosen are refusals
    """

    share: float
    until: Until
    replication: int
    request: int
    start_s: float
    total_s: float
    steps: list[PathStep]
    refusals: bool = False

    @property
    def name(self) -> str:
        return "slowest" if self.share >= 1 else f"p{100 * self.share:g}"

    @property
    def claim(self) -> Claim:
        """Claim the time it took, and the part of the stage that took most of it, in all its visits."""
        what = "answer took" if self.until == "answer" else "path to the end took"
        among = " of all answers, refusals included" if self.refusals else ""
        opening = f"The {what} {duration(self.total_s)} for the {self.name} request{among}"
        subject, population = f"{self.name} request, to the {self.until}", f"request {self.request}"
        whole = Claim(subject, "is", self.total_s, unit="s", population=population, words=f"{opening}.")
        if not self.steps or not self.total_s:
            return whole
        label, visits = max(self._by_stage().items(), key=lambda entry: sum(step.total_s for step in entry[1]))
        took = sum(step.total_s for step in visits)
        part = roughly(min(took / self.total_s, 1.0))
        often = f" in {len(visits)} visits" if len(visits) > 1 else ""
        how = f": {visits[0].words}" if visits[0].waits and not often else ""
        words = f"{opening}; {label} took {duration(took)} of it ({part}){often}{how}."
        of_stage = replace(whole, relation="among", value=took, words=f"{label} took {duration(took)}")
        return replace(whole, words=words, parts=(of_stage,))

    @property
    def sentence(self) -> str:
        return self.claim.words

    def _by_stage(self) -> dict[str, list[PathStep]]:
        by_stage: dict[str, list[PathStep]] = {}
        for step in self.steps:
            by_stage.setdefault(step.label, []).append(step)
        return by_stage

    def to_json(self) -> dict[str, Any]:
        return {
            **vars(self),
            "steps": [step.to_json() for step in self.steps],
            "sentence": self.sentence,
            "claims": claims_json([self.claim]),
        }


def percentile(text: str) -> float:
    """`p99`, `p99.9` or `slowest` as a share; raises InputError that says how to write one."""
    if text == "slowest":
        return 1.0
    match = re.fullmatch(r"p(\d{1,3}(?:\.\d{1,6})?)", text)
    share = float(match[1]) / 100 if match else 0.0
    if not 0 < share <= 1:
        raise InputError(f"--explain '{text}' is not a percentile; write one as p50, p99 or p99.9, or `slowest`")
    return share


def answers_early(trace: Trace) -> bool:
    return any(routing.gives_answers for routing in trace.plan.scenario.routers().values())


def request_path(trace: Trace, share: float, until: Until = "answer") -> RequestPath | None:
    """Follow the request at a percentile of the time from the last photo to the answer, or from arrival to the end.

    A percentile between two requests takes the slower one. None if no request got that far.
    """
    columns = trace.columns
    start, stop = (columns.sent, columns.answered) if until == "answer" else (columns.arrived, columns.finished)
    taken = stop - start
    there = np.flatnonzero(np.isfinite(taken))
    if not len(there):
        return None
    order = there[np.argsort(taken[there], kind="stable")]
    row = int(order[max(ceil(share * len(order) - INSTANT_S) - 1, 0)])
    begin, end = float(start[row]), float(stop[row])
    refusals = until == "answer" and bool(columns.refused[there].any())
    return RequestPath(share, until, trace.replication, row, begin, end - begin, _steps(trace, row, begin, end), refusals)


def _steps(trace: Trace, row: int, start: float, end: float) -> list[PathStep]:
    """Trace the visits from `start` to `end` backwards: the end of each let the next begin.

    Of parallel visits, that is the one waited for. Time between two visits is a step of its own.
    """
    logged = {name: log.visits() for name, log in trace.logs.items() if len(log)}
    own_visits = pd.concat([some.only(some.request == row).frame(name) for name, some in logged.items()], ignore_index=True)
    own_visits = own_visits[
        own_visits["wanted"] & (own_visits["entered_s"] >= start) & (own_visits["left_s"] <= end)
    ].sort_values(["left_s", "entered_s"])
    own_visits = own_visits.drop_duplicates(
        ["stage", "batch"], keep="last"
    )  # of the inputs of a join, the one that let it go on
    steps: list[PathStep] = []
    at = end
    visits: list[Any] = list(own_visits.itertuples(index=False))
    for visit in reversed(visits):
        if visit.left_s > at:  # parallel to one that was waited for
            continue
        steps += [_gap(visit.left_s, at)] if at - visit.left_s > INSTANT_S else []
        steps.append(_step(trace, visit, logged[visit.stage]))
        at = visit.entered_s
    steps += [_gap(start, at)] if at - start > INSTANT_S else []
    return steps[::-1]


def _gap(start: float, end: float) -> PathStep:
    return PathStep("", "Between stages", start, [], end - start, 0, 0, "served")


def _step(trace: Trace, visit: Any, others: Visits) -> PathStep:
    stage = trace.plan.scenario.stages[visit.stage]
    served = not np.isnan(visit.started_s)
    until = visit.started_s if served else visit.left_s
    return PathStep(
        stage=visit.stage,
        label=stage.label,
        entered_s=visit.entered_s,
        waits=_waits(trace, visit, others, until) if until > visit.entered_s else [],
        served_s=visit.left_s - visit.started_s if served else 0.0,
        server=visit.server + 1,
        batch_size=visit.batch_size if served else 0,
        outcome="served" if served else "timed_out" if until > visit.entered_s else "shed",
    )


def _waits(trace: Trace, visit: Any, others: Visits, until: float) -> list[Wait]:
    """Split a wait wherever its cause changes: a server becomes free or goes down, people come or go."""
    times, states = wait_steps(trace, visit.stage, others, visit.server)
    inside = (times > visit.entered_s) & (times < until)
    edges = [visit.entered_s, *times[inside].tolist(), until]
    causes = [states[np.searchsorted(times, visit.entered_s, "right") - 1], *states[inside]]
    pieces = [(state, start, end) for state, start, end in zip(causes, edges[:-1], edges[1:], strict=True) if end > start]
    words = {HELD: trace.plan.scenario.stages[visit.stage].service.held_for, DOWN: WITHOUT_A_REPLICA}
    return [
        Wait(same[0][1], same[-1][2], words.get(state, BEHIND))
        for state, group in groupby(pieces, key=itemgetter(0))
        for same in [list(group)]
    ]
