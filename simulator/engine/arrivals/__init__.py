"""Arrivals of requests: one file a kind, or a family of kinds, with fields and behaviour.

It may import case, evidence and records, but no plan and no run. A kind is registered here.
"""

from simulator.case.case_contract import ARRIVAL_KINDS
from simulator.case.kinds import registry
from simulator.engine.arrivals.closed import Closed
from simulator.engine.arrivals.daily import Daily, Weekly
from simulator.engine.arrivals.mlperf import MultiStream, Offline, Server, SingleStream
from simulator.engine.arrivals.replay import Replay
from simulator.engine.arrivals.sensors import Sensors
from simulator.engine.arrivals.steady import ConstantArrivals, Gamma, Mmpp, Poisson, Weibull

ARRIVAL_KINDS.update(
    registry(
        Poisson,
        ConstantArrivals,
        Gamma,
        Weibull,
        Mmpp,
        Daily,
        Weekly,
        Replay,
        Sensors,
        Closed,
        Server,
        Offline,
        SingleStream,
        MultiStream,
    )
)
