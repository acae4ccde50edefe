"""A network between two stages."""

from typing import Annotated, Literal

from pydantic import Field

from simulator.scenario.base import Figure, bounded
from simulator.scenario.quantities import Quantity
from simulator.scenario.stages.base import AnyStage, Target


class Link(AnyStage):
    """A network: a fixed latency plus payload over bandwidth; any number of requests at once."""

    kind: Literal["link"]
    latency_ms: Annotated[Figure, bounded(0, 60_000)]
    bandwidth_mbps: Annotated[Quantity, Field(description="megabits a second for one client")]
    payload_mb: Annotated[Quantity, Field(description="megabytes sent per request")]
    to: Target

    @property
    def shared_by_branches(self) -> bool:
        """Requests pass without affecting each other."""
        return True
