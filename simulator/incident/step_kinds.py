"""What the person on call can do: look closer, which takes time and money, and put something right."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from simulator.case.document import Path
from simulator.case.fields import Line, Name, Share, Strict
from simulator.case.kinds import OneOf, registry
from simulator.errors import suggest
from simulator.incident.cause_kinds import Enters

if TYPE_CHECKING:
    from simulator.case.schema import Scenario

Faults = Iterator[tuple[Path, str]]
Minutes = Annotated[float, Field(ge=0, le=40_320)]
Usd = Annotated[float, Field(ge=0, le=1e9)]


class AnyLook(Strict):
    """A way to look closer: what it is called, how long it takes and what it costs."""

    kind: str
    label: Line
    note: Line
    minutes: Minutes
    usd: Usd = 0


class CountersLook(AnyLook):
    """What the servers count: frames that came, frames dropped, the time to an answer."""

    kind: Literal["counters"]


class ChangesLook(AnyLook):
    """The log of changes of the last days."""

    kind: Literal["changes"]
    days: Annotated[float, Field(gt=0, le=28)] = 7


class ReplicasLook(AnyLook):
    """The hash of the model and the configuration of each replica, beside what was tested."""

    kind: Literal["replicas"]


class PreprocessingLook(AnyLook):
    """The same frames prepared by the code that trained the network, and by the code that serves it."""

    kind: Literal["preprocessing"]
    frames: Annotated[int, Field(ge=1, le=10_000)] = 200


class ReplayLook(AnyLook):
    """Stored frames of the reference time, sent through the servers as they are now."""

    kind: Literal["replay"]
    frames: Annotated[int, Field(ge=20, le=10_000)] = 400


class SlicesLook(AnyLook):
    """One figure, by site, client version, replica and time of day: the last days beside the reference time."""

    kind: Literal["slices"]


class LabelsLook(AnyLook):
    """People label frames: what is found of what is there, and by how much that has changed."""

    kind: Literal["labels"]
    people: Annotated[int, Field(ge=1, le=1000)] = 2
    minutes_a_frame: Annotated[float, Field(gt=0, le=1000)] = 2
    usd_a_frame: Usd = 1


class AuditLook(AnyLook):
    """People label frames of the reference time again, by what they are told today."""

    kind: Literal["audit"]
    frames: Annotated[int, Field(ge=10, le=10_000)] = 100
    people: Annotated[int, Field(ge=1, le=1000)] = 2
    minutes_a_frame: Annotated[float, Field(gt=0, le=1000)] = 2
    usd_a_frame: Usd = 1


class PicturesLook(AnyLook):
    """Pictures of the last day's frames, of all of them or of one slice."""

    kind: Literal["pictures"]
    frames: Annotated[int, Field(ge=1, le=100)] = 12


class ShadowLook(AnyLook):
    """The previous release answers the same live frames beside the present one."""

    kind: Literal["shadow"]


class CanaryLook(AnyLook):
    """The previous release answers a share of the traffic in earnest."""

    kind: Literal["canary"]
    share: Annotated[Share, Field(gt=0)] = 0.1


#: Every kind of look that a case may name, by that name.
LOOKS: dict[str, type[AnyLook]] = registry(
    CountersLook,
    ChangesLook,
    ReplicasLook,
    PreprocessingLook,
    ReplayLook,
    SlicesLook,
    LabelsLook,
    AuditLook,
    PicturesLook,
    ShadowLook,
    CanaryLook,
)
Look = Annotated[AnyLook, OneOf(LOOKS)]


class AnyFix(Strict):
    """A way to put something right: in force so many minutes after it was ordered, from then on."""

    kind: str
    label: Line
    note: Line
    minutes: Minutes
    usd: Usd = 0

    def check(self, scenario: Scenario) -> Faults:
        """Its names refer to something."""
        yield from ()


class UndoFix(AnyFix):
    """Everything that entered at one of these places is put back as it was tested."""

    kind: Literal["undo"]
    enters: Annotated[list[Enters], Field(min_length=1, max_length=5)]


class NetworkFix(AnyFix):
    """Another of the measured networks answers on all replicas, with the threshold that suits it on the reference images."""

    kind: Literal["network"]
    detector: Annotated[str, Field(max_length=40)]
    precision: Annotated[str, Field(max_length=40)] = "fp32"
    instead_of: Annotated[
        tuple[str, str] | None, Field(description="only where this detector at this precision answers; none: everywhere")
    ] = None
    picks: Annotated[dict[Name, str | int | float], Field(max_length=8, description="of choices, for its speed")] = {}

    def check(self, scenario: Scenario) -> Faults:
        """The choices exist."""
        yield from _picks(self.picks, scenario)


class ThresholdFix(AnyFix):
    """The threshold is chosen anew, on the frames that people have labelled for this incident."""

    kind: Literal["threshold"]


class PeopleFix(AnyFix):
    """People look at the frames that the network is least sure of, as many an hour as they can."""

    kind: Literal["people"]
    frames_per_h: Annotated[float, Field(gt=0, le=1e6)]
    finds: Annotated[Share, Field(description="of the objects that are there")]
    usd_a_frame: Usd


class PicksFix(AnyFix):
    """Choices of the case change, such as more replicas."""

    kind: Literal["picks"]
    picks: Annotated[dict[Name, str | int | float], Field(min_length=1, max_length=8)]

    def check(self, scenario: Scenario) -> Faults:
        """The choices exist."""
        yield from _picks(self.picks, scenario)


class NothingFix(AnyFix):
    """Nothing is changed: the incident is closed as none."""

    kind: Literal["nothing"]


def _picks(picks: dict[str, str | int | float], scenario: Scenario) -> Faults:
    for name, pick in picks.items():
        if name not in scenario.choices:
            yield ("picks", name), f"there is no choice '{name}'; {suggest(name, scenario.choices)}"
            continue
        try:
            scenario.choices[name].read(pick)
        except ValueError as error:
            yield ("picks", name), str(error)


#: Every kind of fix that a case may name, by that name.
FIXES: dict[str, type[AnyFix]] = registry(UndoFix, NetworkFix, ThresholdFix, PeopleFix, PicksFix, NothingFix)
Fix = Annotated[AnyFix, OneOf(FIXES)]
