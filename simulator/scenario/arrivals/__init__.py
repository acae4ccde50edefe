"""How requests come in: one model an arrival kind."""

from typing import Annotated

from pydantic import Field

from simulator.scenario.arrivals.base import Open, Spike
from simulator.scenario.arrivals.closed import Closed, Loop
from simulator.scenario.arrivals.daily import DAYS, Daily, Peak, Profile, Weekly
from simulator.scenario.arrivals.mlperf import MultiStream, Offline, Server, SingleStream
from simulator.scenario.arrivals.replay import Replay
from simulator.scenario.arrivals.sensors import Sensor, Sensors
from simulator.scenario.arrivals.steady import Constant, Gamma, Mmpp, Phase, Poisson, Weibull

Arrivals = Annotated[
    Poisson
    | Constant
    | Gamma
    | Weibull
    | Mmpp
    | Daily
    | Weekly
    | Replay
    | Sensors
    | Closed
    | Server
    | Offline
    | SingleStream
    | MultiStream,
    Field(discriminator="kind"),
]

#: The kinds that are judged as MLPerf judges a run.
MLPERF = (Server, Offline, SingleStream, MultiStream)

__all__ = [
    "DAYS",
    "MLPERF",
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
