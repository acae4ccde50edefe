"""Closed forms that a run is tested against."""

from __future__ import annotations

from math import exp, factorial
from typing import NamedTuple

import numpy as np
import scipy
from numpy.typing import NDArray

from simulator.evidence.latency_tables import LatencyTable
from simulator.evidence.profiles import IDLE_GAP_MS


def mmc_wait(rate: float, service_rate: float, servers: int) -> float:
    """Return the mean wait in queue of M/M/c, in seconds (Erlang C; Kleinrock, Queueing Systems I, 1975, chapter 3).

    rate: arrivals a second; service_rate: services a second of one server. There is a mean wait only where
    rate < servers * service_rate.
    """
    a = rate / service_rate
    waits = a**servers / factorial(servers) / (1 - a / servers)
    chance = waits / (sum(a**k / factorial(k) for k in range(servers)) + waits)
    return chance / (servers * service_rate - rate)


def mg1_wait(rate: float, mean: float, second_moment: float) -> float:
    """Return the mean wait in queue of M/G/1, in seconds (Pollaczek-Khinchine; Kleinrock, Queueing Systems I, 1975, chapter 5).

    rate: arrivals a second; mean: of the service time, s; second_moment: of the service time, s^2. There is a mean wait only
    where rate * mean < 1.
    """
    return rate * second_moment / (2 * (1 - rate * mean))


def fork_join_response(rate: float, service_rate: float) -> float:
    """Return the mean time from a fork to the join of two M/M/1 branches with equal rates (Flatto and Hahn 1984).

    As given by Nelson and Tantawi, "Approximate analysis of fork/join synchronization in parallel queues", 1988.
    """
    return (12 - rate / service_rate) / 8 / (service_rate - rate)


class BatchQueue(NamedTuple):
    """Figures of a queue that is served in batches: mean wait in queue (s), share of time busy, mean batch size."""

    wait_s: float
    busy: float
    mean_batch: float


def batch_queue(rate: float, table: LatencyTable, max_batch: int, longest: int = 400) -> BatchQueue:
    """Return figures of a server that takes up to `max_batch` waiting requests at once, for Poisson arrivals.

    Exact but for the cut at `longest` in the queue: the embedded chain on the queue length n at service completions,
    n' = max(n, 1) - b + Poisson(rate S(b)) with b = min(max(n, 1), max_batch), then renewal-reward for the time average and
    Little's law for the wait. A server that n = 0 leaves idle for long is slower, as in the run. Raises ValueError where the
    queue is too often at the cut.
    """
    kinds = _services(rate, table, max_batch)
    chances = [scipy.stats.poisson.pmf(np.arange(longest + 1)[:, None], rate * seconds) @ weights for seconds, weights in kinds]
    means = [float(seconds @ weights) for seconds, weights in kinds]
    squares = [float(seconds**2 @ weights) for seconds, weights in kinds]
    moves = np.zeros((longest + 1, longest + 1))
    sizes, service, cycle, area = np.zeros((4, longest + 1))
    for n in range(longest + 1):
        size, kind = min(max(n, 1), max_batch), min(n, max_batch)
        left = max(n, 1) - size
        moves[n, left:] = chances[kind][: longest + 1 - left]
        moves[n, -1] += 1 - moves[n].sum()
        sizes[n], service[n] = size, means[kind]
        cycle[n] = means[kind] + (1 / rate if n == 0 else 0.0)
        area[n] = left * means[kind] + rate * squares[kind] / 2
    share = _stationary(moves)
    if share[-1] > 1e-6:
        raise ValueError(f"the queue is longer than {longest} in {share[-1]:.1g} of the cycles; raise `longest`")
    per_cycle = float(share @ cycle)
    return BatchQueue(float(share @ area) / per_cycle / rate, float(share @ service) / per_cycle, float(share @ sizes))


def _services(rate: float, table: LatencyTable, max_batch: int) -> list[tuple[NDArray[np.float64], NDArray[np.float64]]]:
    busy, rested = table.seconds
    equal = table.weights
    idles = exp(-rate * IDLE_GAP_MS / 1000)
    first = np.concatenate([rested[1], busy[1]]), np.concatenate([idles * equal, (1 - idles) * equal])
    return [first, *((busy[size], equal) for size in range(1, max_batch + 1))]


def _stationary(moves: NDArray[np.float64]) -> NDArray[np.float64]:
    system = moves.T - np.eye(len(moves))
    system[-1] = 1.0
    return np.asarray(np.linalg.solve(system, np.append(np.zeros(len(moves) - 1), 1.0)))
