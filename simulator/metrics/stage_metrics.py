"""Metrics of stages: utilization and waits; the time that requests spend at each stage, and its load since the last strike."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from math import inf
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from simulator.arrays import Floats
from simulator.case.any_stage import AnyStage
from simulator.case.outputs import CaseOutline, CountedMetric, Metric
from simulator.case.schema import Scenario
from simulator.engine.compiled_plan import Plan, Strike, strikes_of
from simulator.engine.contract import stage_of
from simulator.engine.run_trace import Trace
from simulator.metrics.servers import down, server_s, servers, weighted_work_s
from simulator.phrases import phrase
from simulator.records.timetables import DAY_S, HOUR_S, Span, clock_s
from simulator.records.trace import Visits
from simulator.theory.loads import capacity_per_s
from simulator.units import duration

if TYPE_CHECKING:
    from simulator.metrics.measures import CountedRun
    from simulator.metrics.samples import Sample, Total

#: The quantiles that are reported of each wait.
WAIT_QUANTILES = {"p50": 0.50, "p95": 0.95}

#: The tail is the slowest request in this many.
SLOWEST = 20

#: Reasons of a wait: every server is busy; a server is free, no reviewer is on duty or other inputs are missing; every replica
#: that is up is busy, and one is down.
BEHIND, HELD, DOWN = range(3)


def of_stages(case: CaseOutline) -> Iterator[CountedMetric]:
    """Yield the utilization and the waits of every stage with servers, and the metrics that its kind counts itself."""
    for name, model in case.stages.items():
        if model.servers:
            yield from _of_servers(name, case, case.tags if model.servers.keeps_hours else [])
        yield from map(CountedMetric, model.metrics(name, case))


def _of_servers(name: str, case: CaseOutline, tags: list[str]) -> Iterator[CountedMetric]:
    label = case.label(name)
    used = Metric(f"utilization.{name}", f"{label}: offered work over capacity", "share", None, "ratio", stage=name)
    yield CountedMetric(used, lambda run: _utilization(run, name))
    for short, share in WAIT_QUANTILES.items():
        within = f"{label}: wait, {share:.0%} within"
        record = Metric(f"wait_{short}_s.{name}", within, "s", "lower", "quantile", f"wait.{name}", share, stage=name)
        yield CountedMetric(record, lambda run: _wait(run, name), "samples")
    for code, tag in enumerate(tags, start=1):
        within, of_tag = f"{label}: wait of {tag} {case.nouns.many}, 95% within", f"wait.{name}.{tag}"
        record = Metric(f"wait_p95_s.{name}.{tag}", within, "s", "lower", "quantile", of_tag, 0.95, stage=name, tag=tag)
        yield CountedMetric(record, _wait_of_tag(name, code), "samples")


def _utilization(run: CountedRun, name: str) -> Total | None:
    """Return the work that came over the server-seconds offered for it; None where none are."""
    if (capacity := server_s(run.trace, name)) <= 0:
        return None
    work = brought_s(run.trace, run.visits[name]) if name in run.visits else np.zeros(run.columns.n)
    if name in run.behind_gates:
        return run.total(work[run.rows], np.full(len(run.rows), capacity / len(work)))
    return run.ratio(work.sum(), capacity)


def _wait_of_tag(name: str, code: int) -> Callable[[CountedRun], Sample | None]:
    return lambda run: _wait(run, name, code)


def _wait(run: CountedRun, name: str, tag: int | None = None) -> Sample | None:
    if name not in run.visits:
        return None
    visits, waits = run.once(("waits", name), lambda: _waits(run, name))
    tagged = slice(None) if tag is None else run.columns.tag[visits.request] == tag
    return run.sample(waits[tagged], visits.entered_s[tagged])


def _waits(run: CountedRun, name: str) -> tuple[Visits, Floats]:
    """Return the visits that waited, and each wait: until service began, the time-out, or the end of the run; shape (m,).

    A request that was refused on the spot never waited, and a copy that was served in vain kept no requester waiting.
    """
    visits = run.visits[name]
    if run.group is not None:
        visits = visits.only(run.group[visits.request])
    visits = visits.only(visits.wanted & (visits.served | (visits.left_s != visits.entered_s)))
    gone = np.where(np.isnan(visits.left_s), run.trace.plan.horizon_s, visits.left_s)
    return visits, np.where(visits.served, visits.started_s, gone) - visits.entered_s


@dataclass(frozen=True)
class StageTimes:
    """The time of requests at one stage of a run, in seconds summed over its visits.

    waited_s: in its queue; held_s: of that, while a replica was free (batching delay) or nobody was on duty
    served_s: in service, or under way; answer_s: in all, as far as it counts towards the answer's time
    turned_away: visits that ended without service
    load: visits over those its servers could take, in the batches the rule forms from a queue that is never empty; 0 without
    servers
    down_s: of waited_s, while a replica was down and no other was free
    slow_s: of answer_s, that of the slowest requests, one in SLOWEST
    late_load: the load of what came since the last thing that struck began or ended: what would go on if more requests came
    struck_load: the highest while something struck; 0 where nothing did, or where work waits for a shift anyway
    late_visits, late_turned_away: of the visits, and of those that ended without service, the ones that began since then
    """

    visits: int
    turned_away: int
    waited_s: float
    held_s: float
    served_s: float
    answer_s: float
    load: float
    down_s: float = 0.0
    slow_s: float = 0.0
    late_load: float = 0.0
    struck_load: float = 0.0
    late_visits: int = 0
    late_turned_away: int = 0

    @property
    def total_s(self) -> float:
        return self.waited_s + self.served_s


def pooled(replications: Sequence[StageTimes]) -> StageTimes:
    columns = {name: sum(getattr(times, name) for times in replications) for name in StageTimes.__dataclass_fields__}
    means = {name: total / len(replications) for name, total in columns.items() if name.endswith("load")}
    return StageTimes(**columns | means)


def times_of(trace: Trace, visits: Mapping[str, Visits]) -> dict[str, StageTimes]:
    slowest = _slowest(trace)
    return {name: _summed_up(trace, name, rows, slowest) for name, rows in visits.items()}


def loads_of(trace: Trace, visits: Mapping[str, Visits]) -> dict[str, StageTimes]:
    """Return the loads of each stage alone, as in `times_of`."""
    loads = {name: _loads(trace, name, rows) for name, rows in visits.items()}
    nothing = StageTimes(0, 0, 0.0, 0.0, 0.0, 0.0, 0.0)
    return {
        name: replace(nothing, load=load, late_load=late, struck_load=struck) for name, (load, late, struck) in loads.items()
    }


def _summed_up(trace: Trace, name: str, visits: Visits, slowest: NDArray[np.bool_]) -> StageTimes:
    wanted = visits if visits.wanted.all() else visits.only(visits.wanted)
    entered, started, ended, request, server = wanted.entered_s, wanted.started_s, wanted.left_s, wanted.request, wanted.server
    until = np.where(np.isnan(started), np.where(np.isnan(ended), trace.plan.horizon_s, ended), started)
    counts = (ended <= trace.columns.answered[request]) & (entered >= trace.columns.sent[request])
    load, late, struck = _loads(trace, name, visits)
    held, lacking = _waited_while(trace, name, visits, server, entered, until)
    turned_away, since = np.isnan(started) & ~np.isnan(ended), entered >= last_change(trace.plan, name)
    return StageTimes(
        visits=len(request),
        turned_away=int(np.count_nonzero(turned_away)),
        waited_s=float((until - entered).sum()),
        held_s=held,
        served_s=float(np.nansum(ended - started)),
        answer_s=float((ended - entered)[counts].sum()),
        load=load,
        down_s=lacking,
        slow_s=float((ended - entered)[counts & slowest[request]].sum()),
        late_load=late,
        struck_load=struck,
        late_visits=int(np.count_nonzero(since)),
        late_turned_away=int(np.count_nonzero(turned_away & since)),
    )


def _slowest(trace: Trace) -> NDArray[np.bool_]:
    """Find the requests that waited longest for their answer, shape (n,)."""
    latency = trace.columns.answered - trace.columns.sent
    finite = latency[np.isfinite(latency)]
    return latency >= np.quantile(finite, 1 - 1 / SLOWEST) if len(finite) else np.zeros(len(latency), bool)


def _waited_while(
    trace: Trace, name: str, visits: Visits, server: NDArray[np.int32], entered: Floats, until: Floats
) -> tuple[float, float]:
    """Return the seconds of all waits at one stage that were HELD, and those that were DOWN."""
    stage, totals = trace.plan.scenario.stages[name], np.zeros(3)
    lanes = np.unique(server) if stage.service.queue_each else [None]
    for lane in lanes:
        queue = slice(None) if lane is None else server == lane
        times, states = wait_steps(trace, name, visits, lane)
        if states.any():
            for state in (HELD, DOWN):
                totals[state] += _within(times, states == state, entered[queue], until[queue])
    return float(totals[HELD]), float(totals[DOWN])


def _within(times: Floats, so: NDArray[np.bool_], start: Floats, end: Floats) -> float:
    edges = np.append(times, max(times[-1], end.max(initial=0.0)))
    seconds = np.append(0.0, np.cumsum(np.diff(edges) * so))
    return float((np.interp(end, edges, seconds) - np.interp(start, edges, seconds)).sum())


def wait_steps(trace: Trace, name: str, visits: Visits, server: int | None = None) -> tuple[Floats, NDArray[np.intp]]:
    """Return the times from which a request waiting at a stage is BEHIND others, HELD, or waits because replicas are DOWN.

    visits: all to the stage. server: whose queue it is, if each replica of a balanced pool has its own; -1 if a request left
    before that was known.
    """
    stage = trace.plan.scenario.stages[name]
    if not stage.servers:
        return np.zeros(1), np.full(1, HELD if stage.service.held_for else BEHIND)
    if stage.servers.keeps_hours:
        there = servers(trace, name)
        return np.array(there.times), np.where(np.array(there.values) == 0, HELD, BEHIND)
    return _of_machines(trace, name, stage, visits, server)


def _of_machines(
    trace: Trace, name: str, stage: AnyStage, visits: Visits, server: int | None
) -> tuple[Floats, NDArray[np.intp]]:
    lane = server if stage.service.queue_each else None
    if lane == -1:
        return np.zeros(1), np.full(1, BEHIND)
    up, lacking = servers(trace, name, lane), down(trace, name, lane)
    if not stage.service.batching_delay_s:
        return np.array(lacking.times), np.where(np.array(lacking.values) > 0, DOWN, BEHIND)
    busy_from, busy = _at_work(visits if lane is None else visits.only(visits.server == lane))
    times = np.unique(np.concatenate([busy_from, up.times, lacking.times]))
    free = busy[np.searchsorted(busy_from, times, "right") - 1] < up.at_all(times)
    return times, np.where(free, HELD, np.where(lacking.at_all(times) > 0, DOWN, BEHIND))


def _at_work(visits: Visits) -> tuple[Floats, NDArray[np.intp]]:
    first = np.unique(visits.batch[visits.served], return_index=True)[1]
    served = visits.only(visits.served).only(first)
    times, index = np.unique(np.concatenate([[0.0], served.started_s, served.left_s]), return_inverse=True)
    change = np.repeat([0, 1, -1], [1, len(served), len(served)])
    return times, np.cumsum(np.bincount(index, change)).astype(np.intp)


def _loads(trace: Trace, name: str, visits: Visits) -> tuple[float, float, float]:
    whole, since = _load(trace, name, visits), last_change(trace.plan, name)
    late = _load(trace, name, visits, (since, inf)) if since else whole
    spans = [] if trace.plan.scenario.stages[name].servers.keeps_hours else struck_spans(trace.plan)
    return whole, late, max((_load(trace, name, visits, span) for span in spans), default=0.0)


def last_change(plan: Plan, name: str) -> float:
    """Return the last time that a strike changes anything at a stage, in seconds of the run."""
    stage, arrivals = plan.scenario.stages[name], plan.scenario.arrivals
    return unchanged_since(plan, daily=stage.servers.keeps_hours or not arrivals.reaches_steady_state)


def _load(trace: Trace, name: str, visits: Visits, within: Span = (0.0, inf)) -> float:
    """Return visits over those the servers could take, as in `simulator.theory.loads`, but with the visits of the run.

    For people: the offered work over the work they can do, both at the pace of a fresh reader. within: of the visits that
    began then, over what could be served then.
    """
    stage = trace.plan.scenario.stages[name]
    if not stage.servers:
        return 0.0
    if within != (0.0, inf):
        visits = visits.only((visits.entered_s >= within[0]) & (visits.entered_s < within[1]))
    if stage.servers.keeps_hours:
        slowed = stage_of(trace, name).offered(trace, name).slowed(visits)
        return _over(float(brought_s(trace, visits, slowed).sum()), weighted_work_s(trace, name, lambda _: 1.0, within))
    offered = weighted_work_s(trace, name, lambda plan: capacity_per_s(plan, name), within)
    return _over(float(_each_once(visits).sum()), offered)


def _over(brought: float, offered: float) -> float:
    return brought / offered if offered else float(np.inf if brought else 0.0)


def brought_s(trace: Trace, visits: Visits, slowed: float | Floats = 1.0) -> Floats:
    """Return server-seconds of work of each request at a stage, shape (n,); a request never served counts as the mean.

    slowed: how many times as long as usual each visit took; the work is that at the usual pace.
    """
    once, request = _each_once(visits), visits.request
    work = ((visits.left_s - visits.started_s) / visits.batch_size / slowed)[once]
    served = ~np.isnan(work)
    usual = np.where(served, work, 0.0).sum() / served.sum() if served.any() else 0.0
    return np.asarray(np.bincount(request[once], np.where(served, work, usual), minlength=trace.columns.n), float)


def _each_once(visits: Visits) -> NDArray[np.bool_]:
    return visits.served | ~served_in_vain(visits)


def served_in_vain(visits: Visits) -> NDArray[np.bool_]:
    """Mark the visits that ended without service of which a copy was served in vain: it stands for them in the log."""
    marked = np.zeros(len(visits), bool)
    if visits.wanted.all():
        return marked
    order = np.lexsort((~visits.wanted, visits.entered_s, visits.request))
    wanted, request = visits.wanted[order], visits.request[order]
    latest = np.maximum.accumulate(np.where(wanted, np.arange(len(order)), -1))
    copies = np.flatnonzero(~wanted & (latest >= 0))
    marked[order[latest[copies[request[latest[copies]] == request[copies]]]]] = True
    return marked & ~visits.served


#: In runs that are shorter than this, the time of day is told to the second.
LONG_S = 2 * HOUR_S


#: A stretch at the end of the arrivals that is shorter than this share of them says nothing about what comes next.
LEAST_SHARE = 0.05


def clock(scenario: Scenario, seconds: float) -> str:
    """Return a time of a run: `12:00 (16.0 h into the run)`; to the second where the run is short."""
    into = f"{duration(seconds) if seconds else '0 s'} into the run"
    since_midnight = int(clock_s(scenario.run.starts_at) + seconds * scenario.run.pace) % int(DAY_S)
    hours, minutes, rest = since_midnight // 3600, since_midnight // 60 % 60, since_midnight % 60
    short = DAY_S * (scenario.run.days + scenario.run.drain_days) < LONG_S
    return f"{hours:02d}:{minutes:02d}{f':{rest:02d}' if short else ''} ({into})"


def strike_sentence(plan: Plan, strike: Strike) -> str:
    does = f": {strike.note}" if strike.note else ""
    return f"“{strike.label}” struck at {clock(plan.scenario, strike.start_s)} and lasted {strike.lasted}{does}."


def calm_until(scenario: Scenario, at_s: float) -> str:
    """Say until when a run that is struck at a time, in seconds, equals the run without a strike."""
    return phrase("strikes.calm_until", at=clock(scenario, at_s), one=scenario.unit.one)


def struck_spans(plan: Plan) -> list[Span]:
    """Return the spans in which curveballs change the load or the capacity while requests come, in seconds."""
    spans = [(strike.start_s, strike.end_s) for strike in strikes_of(plan) if strike.moves_load]
    return [(start, min(end, plan.arrivals_end_s)) for start, end in spans if start < plan.arrivals_end_s]


def unchanged_since(plan: Plan, daily: bool) -> float:
    """Return the time in seconds from which no strike begins or ends any more within the arrivals.

    daily: whether load or capacity follow the time of day, so that whole days alone can be compared, where one is left.
    """
    end = plan.arrivals_end_s
    surges = [(surge.at_s, surge.at_s + surge.seconds) for surge in plan.arrivals.own_surges]
    edges = [0.0, *(edge for span in [*struck_spans(plan), *surges] for edge in span), *(at_s for at_s, _ in plan.later)]
    last = max(edge for edge in edges if edge <= (1 - LEAST_SHARE) * end)
    days = int((end - last) / DAY_S)
    return end - days * DAY_S if daily and days and last else last
