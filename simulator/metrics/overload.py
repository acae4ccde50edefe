"""The load on a service over time, and its answers: fresh requests, retries, useful answers."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil

import numpy as np
import pandas as pd

from simulator.engine.compiled_plan import Plan
from simulator.engine.run import simulate
from simulator.engine.run_trace import Trace
from simulator.records.trace import DONE, UNFINISHED
from simulator.theory.loads import capacity_per_s as server_capacity_per_s

STEP_S = 5.0
MOST_STEPS = 240

#: A service is in trouble while it serves less than this share of its requests.
WELL = 0.9

#: A service that serves well for this long has recovered; what comes later is another trouble.
RECOVERED_S = 60.0


@dataclass(frozen=True)
class OverloadPeriod:
    """The first time in which a service served too few requests; over: it recovered before the last requests arrived.

    rush_ended: the end of a surge of arrivals; None if there was none. tries: how often each request in that time was sent.
    share_since: the share served of the requests that came after the surge, or without one from `started` on. The very last
    requests would say too much: no others come behind them.
    again: the begin of the next such time, and the end of the last; None where there is none. The end is None where it lasts
    """

    started: float
    ended: float
    over: bool
    rush_ended: float | None
    share_since: float
    tries: float
    again: tuple[float, float | None] | None = None


def goodput(trace: Trace) -> pd.DataFrame:
    """Return for each step of the run: time_s; fresh requests, retries and useful answers per second; and served_share.

    served_share: of the requests that arrived within the step and whose path ended, the share served; NaN if none.
    """
    columns, edges = trace.columns, _edges(trace)
    step = edges[1] - edges[0]
    done = columns.outcome == DONE
    came = np.histogram(columns.arrived, edges)[0]
    ended = np.histogram(columns.arrived[columns.outcome != UNFINISHED], edges)[0]
    served = np.histogram(columns.arrived[done], edges)[0]
    with np.errstate(invalid="ignore"):
        share = np.where(ended > 0, served / ended, np.nan)
    return pd.DataFrame(
        {
            "time_s": edges[:-1],
            "fresh": came / step,
            "retries": np.histogram(_sent_again(trace), edges)[0] / step,
            "useful": np.histogram(columns.answered[done], edges)[0] / step,
            "served_share": share,
        }
    )


def goodput_of(plan: Plan, seed: int) -> pd.DataFrame:
    return goodput(simulate(plan, seed))


def _edges(trace: Trace) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    horizon = trace.plan.horizon_s
    step = STEP_S * max(1, ceil(horizon / STEP_S / MOST_STEPS))
    return np.arange(0, horizon + step, step)


def _sent_again(trace: Trace) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    stages = [name for name, stage in trace.plan.scenario.stages.items() if stage.repeats.resends]
    visits = pd.concat([trace.logs[name].frame(name) for name in stages], ignore_index=True)
    return visits.loc[visits["started_s"].notna(), "left_s"].to_numpy()


def capacity_per_s(plan: Plan) -> float | None:
    """Return requests a second that the stage behind the retries can serve, in the batches its rule forms from a full queue.

    None if it has no servers, or if their number changes.
    """
    stages = plan.scenario.stages
    again = [target for stage in stages.values() if stage.repeats.resends for target in stage.planned_targets().values()]
    steady = {name: stages[name].service.steady_servers for name in again if name in stages}
    return next((server_capacity_per_s(plan, name) * servers for name, servers in steady.items() if servers), None)


def trouble(steps: pd.DataFrame) -> OverloadPeriod | None:
    """Return the first trouble in a frame of `goodput`; None if there was none."""
    step = float(steps["time_s"].iloc[1] - steps["time_s"].iloc[0])
    judged = steps[steps["served_share"].notna()]
    bad = judged.loc[judged["served_share"] < WELL, "time_s"].to_numpy()
    if not len(bad):
        return None
    calm = np.flatnonzero(np.diff(bad) > step + RECOVERED_S)
    first, last, lasts = float(bad[0]), float(bad[calm[0]] if len(calm) else bad[-1]), not judged["time_s"].iloc[-1] > bad[-1]
    during = steps[steps["time_s"].between(first, last)]
    rush = rush_of(steps)
    since = judged[judged["time_s"] >= (first if rush is None else rush[1])]
    since = judged.tail(1) if since.empty else since
    return OverloadPeriod(
        started=first,
        ended=last + step,
        over=bool(len(calm)) or not lasts,
        rush_ended=None if rush is None else rush[1],
        share_since=float(np.average(since["served_share"], weights=since["fresh"])),
        tries=float(1 + during["retries"].sum() / during["fresh"].sum()),
        again=(float(bad[calm[0] + 1]), None if lasts else float(bad[-1]) + step) if len(calm) else None,
    )


def rush_of(steps: pd.DataFrame) -> tuple[float, float] | None:
    """Return start and end of a surge of fresh requests: half as many again as usual, and more than chance explains.

    Of several, the first: another one that strikes later is marked as what it is.
    """
    step = steps["time_s"].iloc[1] - steps["time_s"].iloc[0]
    usual = steps.loc[steps["fresh"] > 0, "fresh"].median()
    rush = steps.loc[steps["fresh"] > 1.5 * usual + 4 * np.sqrt(usual / step), "time_s"].to_numpy()
    if not len(rush):
        return None
    gaps = np.flatnonzero(np.diff(rush) > 2.5 * step)  # a single step may fall short by chance
    last = rush[gaps[0]] if len(gaps) else rush[-1]
    return float(rush[0]), float(last + step)
