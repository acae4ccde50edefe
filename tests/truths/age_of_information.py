"""Age of information in closed form: the age of the newest known state of a stream, on average and at its peaks.

The age at time t is t - u(t), with u(t) when the newest request was sent that has arrived by then. Rates are a second, ages in
seconds. All queues have one server.
"""

from __future__ import annotations

from math import exp

import numpy as np
import scipy
from scipy.special import lambertw


def mm1_age(rate: float, service_rate: float) -> float:
    """Return the mean age behind M/M/1, first come first served, `rate` < `service_rate` (Kaul, Yates and Gruteser 2012)."""
    load = rate / service_rate
    return (1 + 1 / load + load**2 / (1 - load)) / service_rate


def mm1_peak_age(rate: float, service_rate: float) -> float:
    """Return the mean peak age behind M/M/1, first come first served: a gap and a time in the system.

    Costa, Codreanu and Ephremides 2016, IEEE Transactions on Information Theory 62:1897.
    """
    return 1 / rate + 1 / (service_rate - rate)


def mm1_age_above(age_s: float, rate: float, service_rate: float) -> float:
    """Return the share of the time with an age behind M/M/1, first come first served, above `age_s`.

    The density of an age is the rate of arrivals times P(peak > x) - P(time in the system > x) (Inoue, Masuyama, Takine and
    Tanaka 2019, IEEE Transactions on Information Theory 65:8305). A peak is the longer of a gap and the time in the system of
    the request before, which are independent here, and a service.
    """
    x, mu, spare = age_s, service_rate, service_rate - rate
    served = exp(-mu * x)
    waited = (mu / spare * exp(-spare * x) - spare / mu * served) / rate
    idled = (mu / rate * exp(-rate * x) - rate / mu * served) / spare
    return rate * (waited + idled - (x + 2 / mu) * served - exp(-spare * x) / spare)


def mm1_age_quantile(share: float, rate: float, service_rate: float) -> float:
    """Return the quantile of the age behind M/M/1 over time, in seconds; share: of the time."""
    longest = 100 / min(rate, service_rate - rate)
    return float(scipy.optimize.brentq(lambda age_s: mm1_age_above(age_s, rate, service_rate) - (1 - share), 0, longest))


def dm1_age(rate: float, service_rate: float) -> float:
    """Return the mean age behind D/M/1, first come first served (Kaul, Yates and Gruteser 2012): half a gap and a sojourn."""
    return 1 / (2 * rate) + dm1_sojourn(rate, service_rate)


def dm1_peak_age(rate: float, service_rate: float) -> float:
    return 1 / rate + dm1_sojourn(rate, service_rate)


def dm1_sojourn(rate: float, service_rate: float) -> float:
    load = rate / service_rate
    beta = -load * float(np.real(lambertw(-exp(-1 / load) / load)))
    return 1 / (service_rate * (1 - beta))


def preemptive_age(rate: float, service_rate: float) -> float:
    """Return the mean age behind M/M/1/1, where each request takes the place of the one in service.

    Kaul, Yates and Gruteser 2012, Conference on Information Sciences and Systems, "Status updates through queues".
    """
    return 1 / rate + 1 / service_rate


def newest_waits_age(rate: float, service_rate: float) -> float:
    """Return the mean age behind M/M/1/2*, where one request may wait and a newer one takes its place.

    Costa, Codreanu and Ephremides 2016, IEEE Transactions on Information Theory 62:1897.
    """
    both = rate + service_rate
    middle = rate**2 + rate * service_rate + service_rate**2
    return 1 / rate + 2 / service_rate + rate / both**2 + 1 / both - 2 * both / middle
