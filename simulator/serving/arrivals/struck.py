"""When requests come in a run in which something may strike the sensors that send them."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from simulator.scenario.curveballs import OF_SENSORS, Struck
from simulator.serving.arrivals.base import Comings
from simulator.serving.arrivals.clock import Times
from simulator.serving.conditions import changes_of, surges

if TYPE_CHECKING:
    from simulator.serving.plan import Plan
    from simulator.serving.streams import Streams


class Sent(NamedTuple):
    """The requests that come, and how many were drawn.

    drawn: with those that do not come, since something struck their sensor
    kept: which of the drawn ones those that come are, in their order: draws belong to a request whatever strikes others
    """

    comings: Comings
    drawn: int
    kept: NDArray[np.intp] | slice


def sent(plan: Plan, streams: Streams) -> Sent:
    """Everything that comes, in order of time."""
    comings = plan.arrivals.comings(streams.named("arrivals"), surges(plan))
    if not any(plan.scenario.curveballs[name].changed & OF_SENSORS for name in plan.strikes):
        return Sent(comings, len(comings.times), slice(None))
    times = comings.times.copy()
    for number, sensor in enumerate(plan.scenario.sensors):
        mine = comings.sensors == number
        times[mine] = _struck(plan, sensor, times[mine])
    order = np.argsort(times, kind="stable")
    kept = order[times[order] < plan.arrivals_end_s]
    return Sent(Comings(times[kept], comings.sensors[kept], comings.frames[kept]), len(times), kept)


def _struck(plan: Plan, sensor: str, times: Times) -> Times:
    """When the frames of a sensor come, whatever strikes it; inf for those that do not.

    A clock that jumps or runs off moves each frame by when it would have come. None comes before the strike itself.
    """
    jumps = [(span, ms / 1000, 0.0) for span, ms in changes_of(plan, Struck.LATER, "sensor", sensor)]
    gains = [(span, 0.0, 1 / (1 + ppm / 1e6) - 1) for span, ppm in changes_of(plan, Struck.GAIN, "sensor", sensor)]
    found = times.copy()
    for (start, end), jump, gain in [*jumps, *gains]:
        within = (times >= start) & (times < end)
        found[within] = np.maximum(found[within] + jump + gain * (times[within] - start), start)
    for (start, end), _ in changes_of(plan, Struck.LOST, "sensor", sensor):
        found[(found >= start) & (found < end)] = np.inf
    return found
