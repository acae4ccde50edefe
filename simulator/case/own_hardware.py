"""Machines that a case brings itself: their price, and the device whose latencies they have, times a factor."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, ClassVar

from pydantic import Field

from simulator.case.document import Path
from simulator.case.fields import CostFigure, Figure, FileName, Line, Strict, bounded
from simulator.case.references import Ref
from simulator.evidence import catalogue
from simulator.evidence.profiles import profile_names


class OwnHardware(Strict):
    """A machine of the author's own, which no catalogue lists."""

    written: ClassVar[str] = "keys: label, like, times and usd_per_hour"

    label: Line
    """its name on screen"""
    note: Line | None = None
    """what people should know of it"""
    like: Annotated[FileName, Ref("measured_device")]
    """the device that its latencies are taken from, measured or projected"""
    times: Annotated[Figure, bounded(0.01, 10_000)]
    """how many times as long as on that device a batch takes; 1 on the same kind of machine"""
    usd_per_hour: CostFigure
    """price of the whole machine; 0 where the people bring it"""
    vcpus: Annotated[int | None, Field(ge=1, le=4096)] = None
    """its processors, which share out the price; none: those of the device"""

    @property
    def machine(self) -> catalogue.Hardware:
        """The machine as a pool rents it; a device that was only measured is a processor of one's own."""
        like = catalogue.hardware().get(self.like)
        if like is None:
            like = catalogue.Hardware(label=self.label, processor=self.label, vcpus=self.vcpus or 1)
        price = {"usd_per_hour": self.usd_per_hour.value, "price_source": self.usd_per_hour.source}
        return like.model_copy(update=price | {"label": self.label, "vcpus": self.vcpus or like.vcpus})


def check_own_hardware(machines: dict[str, OwnHardware]) -> Iterator[tuple[Path, str]]:
    """Yield faults of a case's machines: a name that the catalogue has, and missing processors."""
    known = catalogue.hardware()
    measured = {device for device, *_ in profile_names()}
    for name, own in machines.items():
        at: Path = ("hardware", name)
        if name in known:
            yield at, f"the catalogue has a machine '{name}' already; choose another name"
        if own.like in measured and own.like not in known and own.vcpus is None:
            yield at, f"say how many vcpus share out its price: the catalogue does not have '{own.like}'"
        elif own.like in known and known[own.like].vcpus is None and own.vcpus is not None:
            yield (*at, "vcpus"), f"a device like {known[own.like].label} is paid as a whole; delete this line"
