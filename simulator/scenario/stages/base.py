"""What every stage has: a label, and targets that it hands requests on to."""

from typing import Annotated

from pydantic import Field

from simulator.scenario.base import Line, Strict
from simulator.scenario.faults import Path

Target = Annotated[str, Field(description="the name of a stage or of an end", max_length=60)]

#: Part of the name of a file of evidence, and no way out of its folder.
FileName = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$", max_length=120)]

#: The fields of a stage that name a target.
TARGET_FIELDS = (
    "to",
    "on_timeout",
    "on_full",
    "on_failure",
    "on_exhausted",
    "on_give_up",
    "on_incomplete",
    "positive_to",
    "negative_to",
)

#: Those of a way that was planned, a gate's routes included; the others are fallbacks.
PLANNED_FIELDS = ("to", "positive_to", "negative_to", "routes")


class AnyStage(Strict):
    """What all stage kinds have in common."""

    label: Line
    note: Line | None = None

    def targets(self) -> dict[Path, str]:
        """Every place in this stage that names a target, with the name."""
        named: dict[Path, str | None] = {(field,): getattr(self, field, None) for field in TARGET_FIELDS}
        return {path: target for path, target in named.items() if target is not None}

    @property
    def exhibits(self) -> tuple[str, ...]:
        """The exhibits, by name, that have something to show of a run because this stage is in it."""
        return ()
