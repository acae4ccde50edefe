"""Closed forms that only the tests need. Times in seconds, rates a second."""

from itertools import pairwise
from math import comb, exp, factorial

import numpy as np


def mmck_loss(work: float, servers: int, places: int) -> float:
    """Share of arrivals that M/M/c/K refuses, with K = servers + places; Erlang B for no places.

    The stationary chances of a birth-death process (Erlang 1917): p(n) ~ a^n / n! up to c, then a factor a / c each.
    """
    levels = [work**n / factorial(n) for n in range(servers + 1)]
    levels += [levels[-1] * (work / servers) ** place for place in range(1, places + 1)]
    return levels[-1] / sum(levels)


def priority_waits(rates: list[float], mean: float, second_moment: float) -> list[float]:
    """Mean wait of each class, the most urgent first, at one server that finishes what it has begun.

    Cobham 1954, Operations Research 2:70: W_k = W_0 / ((1 - sigma_(k-1)) (1 - sigma_k)), W_0 = lambda E[S^2] / 2.
    """
    residual = sum(rates) * second_moment / 2
    loads = np.concatenate([[0.0], np.cumsum(rates)]) * mean
    return [float(residual / (1 - above) / (1 - own)) for above, own in pairwise(loads)]


def deadline_loss(rate: float, mean: float, patience: float) -> float:
    """Share of the requests of M/M/1 that give up, where each waits `patience` at most.

    Barrer 1957, Operations Research 5:650. Of those who would give up nobody brings work, so that the offered wait has density
    rate p0 exp(-(mu - rate) x) below the patience, and decays with mu above it.
    """
    drift = 1 / mean - rate
    beyond = rate * mean * exp(-drift * patience)
    return beyond / (1 + rate * (1 - exp(-drift * patience)) / drift + beyond)


def inoue_bound(rate: float, alpha: float, tau: float) -> float:
    """The most time in the system where any number b is served at once in alpha b + tau: arXiv 1912.06322, theorem 2."""
    phi0 = (alpha + tau) / (2 * (1 - rate * alpha)) * (1 + 2 * rate * tau + (1 - rate * tau) / (1 + rate * alpha))
    phi1 = 1.5 * tau / (1 - rate * alpha) + alpha / 2 * (rate * alpha + 2) / (1 - rate**2 * alpha**2)
    return min(phi0, phi1)


def repairman_rate(clients: int, servers: int, think: float, service: float) -> float:
    """Throughput of M/M/c//N: birth and death with rates (N - k) / think and min(k, c) / service."""
    work = service / think
    shares = [comb(clients, k) * work**k for k in range(servers + 1)]
    shares += [
        factorial(clients) / factorial(clients - k) / factorial(servers) / servers ** (k - servers) * work**k
        for k in range(servers + 1, clients + 1)
    ]
    return float(np.minimum(np.arange(clients + 1), servers) @ shares / sum(shares) / service)
