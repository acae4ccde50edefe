"""What the rest of the program asks about a pool, whichever of the two ways it runs in."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, cast

import numpy as np

from simulator.errors import suggest
from simulator.evidence.catalogue import hardware
from simulator.scenario.choices import Options
from simulator.scenario.stages import Pool
from simulator.serving.balancing import BALANCERS
from simulator.serving.batching import BATCH_FIELDS, BATCHING
from simulator.serving.orders import ORDERS
from simulator.serving.stages.base import ServiceStage, plan_of
from simulator.serving.stages.pool_evidence import PoolEvidence
from simulator.serving.timetables import Steps, added, complement, inverse, product, within
from simulator.serving.trace import Trace

if TYPE_CHECKING:
    from simulator.serving.plan import Gatherer, Plan


class PoolKind(ServiceStage):
    """Evidence, replicas, load and cost of a pool."""

    @classmethod
    def gather(cls, gather: Gatherer, name: str, spec: Pool) -> None:
        """Look up the machine, the latencies and the scores, and the names of policies."""
        PoolEvidence(gather).look_up(name, spec)
        if spec.order not in ORDERS:
            gather.fault((name, "order"), f"'{spec.order}' is not an order; {suggest(spec.order, ORDERS)}")
        _check_batching(gather, name, spec)
        if spec.balance is not None and spec.balance not in BALANCERS:
            gather.fault((name, "balance"), f"'{spec.balance}' is not known; {suggest(spec.balance, BALANCERS)}")

    @classmethod
    def facts(cls, plan: Plan, name: str) -> list[str]:
        """The model as it was picked, and what it runs on."""
        spec = _spec(plan, name)
        words = BATCHING[spec.batching].words
        batch = f", batches up to {spec.max_batch}{words and f', {words}'}" if spec.max_batch > 1 else ""
        model, precision = f"stages.{name}.model", f"stages.{name}.precision"
        picked = (_picked(plan, model, precision) if _picked(plan, model) else []) or [spec.model, spec.precision]
        rented = hardware().get(spec.device)
        size = f"{spec.threads} vCPU" if rented is None or rented.vcpus else rented.label
        lines = [", ".join(picked), f"{spec.replicas} × {size}{batch}"]
        if spec.sized_by is not None:
            lines.append(f"longer by {plan.scenario.attributes[spec.sized_by].label}")
        if spec.times is not None and spec.times.value != 1:
            lines.append(f"{spec.times.value:g} times as long as measured")
        return [*lines, "latency projected"] if name in plan.bands else lines

    @classmethod
    def servers(cls, run: Plan | Trace, name: str, server: int | None = None) -> Steps:
        """Every replica that there may be; of a trace, those that were there and up."""
        if isinstance(run, Trace) and not _usual(run, name):
            return added(product(there, up) for there, up, _ in _replicas(run, name, server))
        return Steps(values=(1.0 if server is not None else float(_spec(plan_of(run), name).most_replicas),))

    @classmethod
    def down(cls, trace: Trace, name: str, server: int | None = None) -> Steps:
        """Replicas that were there, but had failed or were struck."""
        if _usual(trace, name):
            return Steps(values=(0.0,))
        return added(product(there, complement(up)) for there, up, _ in _replicas(trace, name, server))

    @classmethod
    def work_s(cls, run: Plan | Trace, name: str) -> float:
        """A replica that is slowed down gets less done in a second."""
        if isinstance(run, Trace) and not _usual(run, name):
            paces = (product(product(there, up), inverse(slower)) for there, up, slower in _replicas(run, name))
            return added(paces).total(run.plan.arrivals_end_s)
        return cls.server_s(run, name)

    @classmethod
    def service_s(cls, plan: Plan, name: str) -> float:
        """A batch of one."""
        return plan.latencies[name].mean_s(1)

    @classmethod
    def capacity_per_s(cls, plan: Plan, name: str, visits: Mapping[str, float]) -> float:
        """In the batches that its rule forms of a queue that is never empty, beside what shares its accelerator."""
        return 1 / (_seconds_each(plan, name) * _stretch(plan, name, visits))

    @classmethod
    def availability(cls, plan: Plan, name: str) -> float:
        """As failures and repairs are stated."""
        failures = _spec(plan, name).failures
        return failures.availability if failures else 1.0

    @classmethod
    def usd_per_hour(cls, plan: Plan, name: str) -> float:
        """The part of the machine that a replica takes up."""
        return plan.machines[name].usd_per_replica_hour(_spec(plan, name).threads)

    @classmethod
    def paid_until_end_s(cls, trace: Trace, name: str) -> float:
        """Replicas that a rule adds are paid from when they are asked for."""
        return trace.fleets[name].paid_s if name in trace.fleets else super().paid_until_end_s(trace, name)


def _check_batching(gather: Gatherer, name: str, spec: Pool) -> None:
    """The rule exists, and the pool gives it what it goes by and nothing else."""
    rule = BATCHING.get(spec.batching)
    if rule is None:
        gather.fault((name, "batching"), f"'{spec.batching}' is not a batching rule; {suggest(spec.batching, BATCHING)}")
        return
    for field in (field for field in BATCH_FIELDS if getattr(spec, field) and field not in rule.reads):
        gather.fault((name, field), f"batching by '{spec.batching}' does not go by it; delete this line")
    if rule.by_deadline and not gather.scenario.has_deadlines:
        gather.fault((name, "batching"), f"batching by '{spec.batching}' needs a class with `deadline_s` in `classes`")


def _spec(plan: Plan, name: str) -> Pool:
    return cast(Pool, plan.scenario.stages[name])


def _picked(plan: Plan, *paths: str) -> list[str]:
    """The labels of the options that wrote to these places."""
    options = {name: choice for name, choice in plan.scenario.choices.items() if isinstance(choice, Options)}
    picked = [choice.options[plan.design[name]] for name, choice in options.items()]
    return list(dict.fromkeys(option.label for path in paths for option in picked if path in option.set))


def _usual(run: Trace, name: str) -> bool:
    """Whether every replica is there, up, and as fast as usual throughout."""
    return name not in run.fleets and run.conditions.usual(name)


def _replicas(run: Trace, name: str, only: int | None = None) -> Iterator[tuple[Steps, Steps, Steps]]:
    """For each replica, or one alone: whether it is there (1) or not (0), whether it is up, how many times as long it takes."""
    for replica in range(_spec(run.plan, name).most_replicas) if only is None else [only]:
        there = within(run.fleets[name].spans.get(replica, [])) if name in run.fleets else Steps()
        yield there, complement(within(run.conditions.outages(name, replica))), run.conditions.slowdown(name, replica)


def _seconds_each(plan: Plan, name: str) -> float:
    """Seconds that a replica alone on its device works for one visit, in batches formed of a queue that is never empty."""
    spec, table = _spec(plan, name), plan.latencies[name]
    at_once = plan.scenario.arrivals.most_at_once
    room = spec.max_batch + 1 if spec.max_queue is None else max(spec.max_queue, 1)
    if at_once is not None:  # no batch is larger than what clients have sent: at the best of those, for a bound
        return min(table.mean_s(size) / size for size in range(1, min(spec.max_batch, at_once) + 1))
    size = BATCHING[spec.batching].of(spec, table).sustained(room)
    return table.mean_s(size) / size


def _stretch(plan: Plan, name: str, visits: Mapping[str, float]) -> float:
    """How many times as long as alone a batch takes when all replicas of the pool are at work.

    Batches of another pool at work beside it are, on average, as many as its part of the work asks for (by Little's law, in a
    mean-field approximation), and its replicas at most; on one core, or where batches take turns, the loads add up.
    """
    spec, stages = _spec(plan, name), plan.scenario.stages
    if spec.shares is None:
        return 1.0
    most = {key: _spec(plan, key).most_replicas for key, other in stages.items() if getattr(other, "shares", "") == spec.shares}
    work = {key: visits[key] * _seconds_each(plan, key) for key in most}
    own = work.pop(name) / spec.most_replicas
    at_work = {key: min(asked / own if own else np.inf, most[key]) for key, asked in work.items() if asked}
    at_work[name] = most[name]
    threads = sum(count * _spec(plan, key).threads for key, count in at_work.items())
    return plan.scenario.accelerators[spec.shares].stretch(sum(at_work.values()), threads)
