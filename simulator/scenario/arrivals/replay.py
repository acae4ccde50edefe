"""Requests at recorded times."""

from typing import Annotated, Literal

from pydantic import Field

from simulator.scenario.arrivals.base import Open
from simulator.scenario.base import Evidence, Line

#: A path below the scenario's own folder: no `..`, no root.
LocalFile = Annotated[
    str, Field(pattern=r"^[A-Za-z0-9_-][A-Za-z0-9_.-]*(/[A-Za-z0-9_-][A-Za-z0-9_.-]*)*\.(csv|parquet)$", max_length=200)
]


class Replay(Open):
    """Requests at the times in a column of a CSV or Parquet file, in seconds.

    `origin_s` is the time in the file at which the run starts. `rate_scale` 2 gives twice as many requests a second.
    `burstiness` scales each gap's distance from the mean gap: 1 as recorded, 0 evenly spaced, above 1 burstier.
    Requests end when the recording does, unless `repeat` starts it again. A spike plays the recording faster.
    """

    kind: Literal["replay"]
    file: LocalFile
    column: Annotated[str, Field(min_length=1, max_length=120)]
    evidence: Evidence = "measured"
    source: Annotated[Line, Field(description="who recorded what, and when")]
    origin_s: Annotated[float, Field(ge=0, le=1e12)] = 0
    rate_scale: Annotated[float, Field(gt=0, le=1000)] = 1
    burstiness: Annotated[float, Field(ge=0, le=10)] = 1
    repeat: bool = False

    @property
    def replayed_file(self) -> str:
        """The file with the times."""
        return self.file
