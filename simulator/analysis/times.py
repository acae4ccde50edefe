"""Where the time of requests goes, stage by stage: waiting while servers work, waiting though they do not, being served."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from simulator.scenario.stages import Join, People, Pool
from simulator.serving.calendar import DAY_S, Roster, clock_s
from simulator.serving.plan import Plan
from simulator.serving.trace import Trace

Seconds = NDArray[np.float64]


@dataclass(frozen=True)
class StageTimes:
    """What one stage did to the requests of a run, in seconds summed over its visits.

    waited_s: in its queue; held_s: of that, while a replica was free (for company in a batch) or nobody was on duty
    served_s: in service, or under way; answer_s: in all, as far as it counts towards the answer
    turned_away: visits that ended without service; load: work that came over work that can be done, 0 without servers
    """

    visits: int
    turned_away: int
    waited_s: float
    held_s: float
    served_s: float
    answer_s: float
    load: float

    @property
    def total_s(self) -> float:
        """All time that requests spent here."""
        return self.waited_s + self.served_s


def pooled(replications: Sequence[StageTimes]) -> StageTimes:
    """Sums over replications; the load is their mean."""
    columns = {name: sum(getattr(times, name) for times in replications) for name in StageTimes.__dataclass_fields__}
    return StageTimes(**columns | {"load": columns["load"] / len(replications)})


def stage_times(trace: Trace, name: str, visits: pd.DataFrame) -> StageTimes:
    """Sum up the visits to one stage; who still waits has waited until the end of the run, nobody for what is done in vain."""
    wanted = visits[visits["wanted"]]
    entered, started, left = (wanted[column].to_numpy() for column in ("entered_s", "started_s", "left_s"))
    request = wanted["request"].to_numpy()
    until = np.where(np.isnan(started), np.where(np.isnan(left), trace.plan.horizon_s, left), started)
    counts = (left <= trace.columns.answered[request]) & (entered >= trace.columns.sent[request])
    return StageTimes(
        visits=len(wanted),
        turned_away=int(np.count_nonzero(np.isnan(started) & ~np.isnan(left))),
        waited_s=float((until - entered).sum()),
        held_s=float(_held(trace.plan, name, visits, entered, until)),
        served_s=float(np.nansum(left - started)),
        answer_s=float((left - entered)[counts].sum()),
        load=_load(trace, name, visits),
    )


def _held(plan: Plan, name: str, visits: pd.DataFrame, entered: Seconds, until: Seconds) -> float:
    stage = plan.scenario.stages[name]
    if isinstance(stage, Pool) and stage.max_queue_delay_ms == 0:
        return 0.0  # a free replica takes what waits
    idle = idle_time(plan, name, visits)
    return float((idle(until) - idle(entered)).sum())


def idle_time(plan: Plan, name: str, visits: pd.DataFrame) -> Callable[[Seconds], Seconds]:
    """For how many seconds, up to each time, some replica of a pool was free, or nobody of the people was on duty."""
    times, idle = idle_steps(plan, name, visits)
    times = np.append(times, max(times[-1], plan.horizon_s))
    seconds = np.append(0.0, np.cumsum(np.diff(times) * idle))
    return lambda moments: np.interp(moments, times, seconds)


def idle_steps(plan: Plan, name: str, visits: pd.DataFrame) -> tuple[Seconds, NDArray[np.bool_]]:
    """The times from which on some replica of a pool is free, or nobody of the people is on duty, or from which on not.

    Who waits while that is so does not wait because the servers have too much to do; at a join nobody ever does.
    """
    stage = plan.scenario.stages[name]
    if isinstance(stage, Pool):
        return _replica_free(stage, visits)
    if isinstance(stage, People):
        roster = Roster(stage.shifts, clock_s(plan.scenario.run.starts_at), plan.horizon_s)
        return np.array(roster.times), np.array(roster.people) == 0
    return np.zeros(1), np.full(1, isinstance(stage, Join))


def _replica_free(stage: Pool, visits: pd.DataFrame) -> tuple[Seconds, NDArray[np.bool_]]:
    served = visits[visits["started_s"].notna()].drop_duplicates("batch")
    times = np.concatenate([[0.0], served["started_s"], served["left_s"]])
    change = np.repeat([0, 1, -1], [1, len(served), len(served)])
    order = np.argsort(times, kind="stable")
    return times[order], np.cumsum(change[order]) < stage.replicas


def _load(trace: Trace, name: str, visits: pd.DataFrame) -> float:
    """Visits over those that the servers could take at their best batch size; for people, work over working time."""
    stage = trace.plan.scenario.stages[name]
    if isinstance(stage, Pool):
        visits = _each_once(visits)
        offered = trace.plan.latencies[name].capacity_per_s * capacity_s(trace, name, stage)
        return len(visits) / offered if offered else np.inf
    return utilization(trace, name, stage, visits) if isinstance(stage, People) else 0.0


def utilization(trace: Trace, name: str, stage: Pool | People, visits: pd.DataFrame) -> float:
    """Work that came in over the work that could be done in that time."""
    brought, capacity = float(work_s(trace, visits).sum()), capacity_s(trace, name, stage)
    return brought / capacity if capacity else float(np.inf if brought else 0.0)


def work_s(trace: Trace, visits: pd.DataFrame) -> Seconds:
    """Server-seconds of work that each request brought to a stage, shape (n,); what was never served counts as the mean."""
    visits = _each_once(visits)
    work = (visits["left_s"] - visits["started_s"]) / visits["batch_size"]
    brought = work.fillna(work.mean() if work.notna().any() else 0.0)
    return np.asarray(np.bincount(visits["request"], brought, minlength=trace.columns.n), float)


def _each_once(visits: pd.DataFrame) -> pd.DataFrame:
    """What was served in vain stands for the visit of the requester who left without it."""
    in_vain = visits["request"][~visits["wanted"]].unique()
    return visits[visits["started_s"].notna() | ~visits["request"].isin(in_vain)] if len(in_vain) else visits


def capacity_s(trace: Trace, name: str, stage: Pool | People) -> float:
    """Server-seconds that a stage offers for the work of the arrivals: people, their share of the day whenever that falls.

    Breaks and hand-overs offer none, nor does a replica that is down.
    """
    end = trace.plan.arrivals_end_s
    if name in trace.fleets:
        return trace.fleets[name].up_s
    if isinstance(stage, Pool):
        spans = [span for replica in range(stage.replicas) for span in trace.conditions.outages(name, replica)]
        return stage.replicas * end - sum(max(min(until, end) - since, 0.0) for since, until in spans)
    return Roster(stage.shifts, 0, DAY_S).staffed_s(DAY_S) * end / DAY_S


def paid_s(trace: Trace, name: str, stage: Pool | People) -> float:
    """Server-seconds that are paid for: replicas up or down, and people for their whole shifts."""
    end = trace.plan.arrivals_end_s
    if name in trace.fleets:
        return trace.fleets[name].paid_s
    if isinstance(stage, Pool):
        return stage.replicas * end
    return Roster(stage.shifts, 0, DAY_S).paid_s(DAY_S) * end / DAY_S
