"""What a request passes through: one model a stage kind. Each names where it hands requests on."""

from typing import Annotated

from pydantic import Field

from simulator.scenario.stages.base import TARGET_FIELDS, FileName, Target
from simulator.scenario.stages.end import End
from simulator.scenario.stages.gate import Gate, Route
from simulator.scenario.stages.link import Link
from simulator.scenario.stages.people import Break, People, SecondReader, Shift
from simulator.scenario.stages.pool import Failures, Pool
from simulator.scenario.stages.retake import Retake

Stage = Annotated[Link | Pool | Gate | Retake | People, Field(discriminator="kind")]

__all__ = [
    "TARGET_FIELDS",
    "Break",
    "End",
    "Failures",
    "FileName",
    "Gate",
    "Link",
    "People",
    "Pool",
    "Retake",
    "Route",
    "SecondReader",
    "Shift",
    "Stage",
    "Target",
]
