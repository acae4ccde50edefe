"""How requests arrive: one model per kind of arrivals."""

from typing import Annotated

from simulator.scenario.arrivals.base import AnyArrivals, Open, Spike
from simulator.scenario.arrivals.closed import Closed, Loop
from simulator.scenario.arrivals.daily import DAYS, Daily, Peak, Profile, Weekly
from simulator.scenario.arrivals.mlperf import MultiStream, Offline, Server, SingleStream
from simulator.scenario.arrivals.replay import Replay
from simulator.scenario.arrivals.sensors import Sensor, Sensors
from simulator.scenario.arrivals.steady import Constant, Gamma, Mmpp, Phase, Poisson, Weibull
from simulator.scenario.kinds import OneOf, registry

#: Every kind of arrivals that a scenario may name, by that name; `simulator.serving.arrivals.register` adds one.
ARRIVAL_KINDS: dict[str, type[AnyArrivals]] = registry(
    Poisson,
    Constant,
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

Arrivals = Annotated[AnyArrivals, OneOf(ARRIVAL_KINDS)]

__all__ = [
    "ARRIVAL_KINDS",
    "DAYS",
    "AnyArrivals",
    "Arrivals",
    "Closed",
    "Constant",
    "Daily",
    "Gamma",
    "Loop",
    "Mmpp",
    "MultiStream",
    "Offline",
    "Open",
    "Peak",
    "Phase",
    "Poisson",
    "Profile",
    "Replay",
    "Sensor",
    "Sensors",
    "Server",
    "SingleStream",
    "Spike",
    "Weekly",
    "Weibull",
]
