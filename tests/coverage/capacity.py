"""The most traffic that a queue carries, where theory knows it."""

from collections.abc import Iterator
from math import sqrt

from simulator.case.load import loads
from simulator.intervals import Interval
from simulator.sweeps.sweep import SweepRequest
from simulator.tradeoffs.breakeven_claims import claims_of
from simulator.tradeoffs.capacity import Loading
from tests.coverage.registry import Claim, study
from tests.sweeps.test_sweep import Here
from tests.tradeoffs.test_capacity import QUEUE

#: Two readers take a minute on average, exponentially: a mean time of 60 / (1 - load^2) s, two minutes at a load of sqrt(1/2).
BOUND_S, CAPACITY_PER_S = 120.0, 2 / 60 * sqrt(0.5)

FIGURE = "capacity, times the traffic"


@study(
    "M/M/2: the most traffic within a mean of two minutes",
    why={FIGURE: "It is widened until runs on other requests agree at both bounds, so that it covers more than it promises."},
)
def most_traffic(number: int) -> Iterator[Claim]:
    scenario = loads(QUEUE.replace("BOUND", str(BOUND_S)).replace("days: 2", "days: 1"))
    request = SweepRequest(scenario, [], ["latency_mean_s"], [], replications=4, seed=number)
    found = Loading(request, claims_of(scenario), Here().submit).find()
    where = found.binding.upper if found.binding else None
    interval = None if where is None else Interval(where.at, where.low, where.high)
    yield Claim(FIGURE, CAPACITY_PER_S / 0.02, interval)
