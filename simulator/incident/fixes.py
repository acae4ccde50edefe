"""Fixes of an incident: the fields of each kind, and the changes of the running system that it makes."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Literal, TypeVar

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from simulator.case.choices import Picks
from simulator.case.fields import AS_WRITTEN, Line, Share, Strict
from simulator.case.kinds import OneOf, registry
from simulator.incident.effects import Enters

if TYPE_CHECKING:
    from simulator.incident.frame_columns import FrameSide, FrameStream

Minutes = Annotated[float, Field(ge=0, le=40_320)]
Usd = Annotated[float, Field(ge=0, le=1e9)]
Network = tuple[str, str]


# Changes of the running system


@dataclass(frozen=True)
class Undone:
    """From a time (s) on, everything that enters at one of these places is as it was tested; site: at this one alone."""

    at_s: float
    enters: frozenset[Enters]
    site: int | None = None


@dataclass(frozen=True)
class Swapped:
    """From a time to another (s) a network answers a share of the frames.

    instead_of: answer only the frames that this network answered; whole: a canary, with libraries and configuration as tested
    """

    at_s: float
    network: Network
    instead_of: Network | None = None
    until_s: float = float("inf")
    share: float = 1.0
    whole: bool = False

    def change(self, answers: FrameSide, stream: FrameStream) -> None:
        """Let the network answer its frames, from the score that suits it on."""
        rows = (answers.at_s >= self.at_s) & (answers.at_s < self.until_s)
        if self.share < 1:
            rows &= self.chosen(stream)
        if self.instead_of is not None:
            rows &= answers.network == stream.scenes.networks[self.instead_of]
        answers.network[rows] = stream.scenes.networks[self.network]
        answers.whole[rows] |= self.whole
        answers.bin[rows] = stream.scenes.tested_bins[answers.network[rows]]

    def chosen(self, stream: FrameStream) -> NDArray[np.bool_]:
        """Draw the frames of the stream that would go to this network's share, shape (n,)."""
        return stream.streams.named(f"canary/{self.at_s:.0f}").random(len(stream.clock_s)) < self.share

    def model_after(self, model: Network, now_s: float) -> Network:
        return self.network if self.at_s <= now_s and self.instead_of in (None, model) else model


@dataclass(frozen=True)
class Rethresholded:
    """From a time (s) on, detections count from this bin of scores on."""

    at_s: float
    bin: int

    def change(self, answers: FrameSide, stream: FrameStream) -> None:
        answers.bin[answers.at_s >= self.at_s] = self.bin

    def model_after(self, model: Network, now_s: float) -> Network:
        return model


@dataclass(frozen=True)
class Reviewed:
    """From a time (s) on, people look at the frames that the network is least sure of."""

    at_s: float
    frames_per_h: float
    finds: float
    usd_a_frame: float = 0.0

    def usd(self, until_s: float) -> float:
        """Return the pay of the people until a time (s)."""
        return self.usd_a_frame * self.frames_per_h * max(until_s - self.at_s, 0.0) / 3600


@dataclass(frozen=True)
class Outage:
    """From one time to another (s) no frame is answered, since a fix is being shipped."""

    at_s: float
    until_s: float


Change = Undone | Swapped | Rethresholded | Reviewed | Outage


class Changes:
    """Changes by what they alter, each in the order given; lasting: those of `answers` that are no canary."""

    def __init__(self, changes: Iterable[Change] = ()) -> None:
        every = list(changes)
        self.undone = [change for change in every if isinstance(change, Undone)]
        self.answers = [change for change in every if isinstance(change, Swapped | Rethresholded)]
        self.lasting = [change for change in self.answers if not (isinstance(change, Swapped) and change.whole)]
        self.reviews = [change for change in every if isinstance(change, Reviewed)]
        self.outages = [change for change in every if isinstance(change, Outage)]


# Kinds of fix


class AnyFix(Strict):
    """A fix, in force some minutes after the order."""

    kind: str
    label: Line
    """its name on the page"""
    note: Line
    """a remark on the page"""
    minutes: Minutes
    """the time until it is in force"""
    usd: Usd = 0
    """its cost"""
    usd_daily: Usd = 0
    """its cost of each further day until the end of the stream"""
    outage_min: Minutes = 0
    """minutes without an answer while it is shipped"""

    def changes(self, best_bin: Callable[[], int], at_s: float, site: int | None) -> tuple[Change, ...]:
        """Return the changes of the running system from a time (s) on.

        best_bin: gives the bin of scores that suits the frames labelled so far best; site: its aim, None for everywhere
        """
        return ()

    def outage(self, at_s: float) -> tuple[Change, ...]:
        return (Outage(at_s - 60 * self.outage_min, at_s),) if self.outage_min else ()

    def price(self, sites: int) -> float:
        """Return what it costs to ship it (USD), at a number of sites."""
        return self.usd * (sites if self.by_site else 1)

    def new_picks(self) -> Picks:
        return {}

    @property
    def by_site(self) -> bool:
        """Return whether each site gets it by itself, at a price of its own."""
        return False

    @property
    def usd_a_day(self) -> float:
        """Its cost of each further day until the end of the stream."""
        return self.usd_daily


class UndoFix(AnyFix):
    """Everything that entered at one of these places is put back as it was tested."""

    kind: Literal["undo"]
    enters: Annotated[list[Enters], Field(min_length=1, max_length=5)]
    """the points where the fault entered"""

    def changes(self, best_bin: Callable[[], int], at_s: float, site: int | None) -> tuple[Change, ...]:
        return (Undone(at_s, frozenset(self.enters), site),)

    @property
    def by_site(self) -> bool:
        return "camera" in self.enters


class NetworkFix(AnyFix):
    """Another of the measured networks answers on all replicas, with the threshold that suits it on the reference images."""

    kind: Literal["network"]
    detector: Annotated[str, Field(max_length=40)]
    """the measured network"""
    precision: Annotated[str, Field(max_length=40)] = "fp32"
    """its precision"""
    instead_of: Annotated[tuple[str, str], AS_WRITTEN] | None = None
    """only where this detector at this precision answers; none: everywhere"""
    picks: Annotated[Picks, Field(max_length=8)] = {}
    """of choices, for its speed"""

    def changes(self, best_bin: Callable[[], int], at_s: float, site: int | None) -> tuple[Change, ...]:
        return (Swapped(at_s, (self.detector, self.precision), self.instead_of),)

    def new_picks(self) -> Picks:
        return self.picks


class ThresholdFix(AnyFix):
    """The threshold is chosen anew, on the frames that people have labelled for this incident."""

    kind: Literal["threshold"]

    def changes(self, best_bin: Callable[[], int], at_s: float, site: int | None) -> tuple[Change, ...]:
        return (Rethresholded(at_s, best_bin()),)


class PeopleFix(AnyFix):
    """People look at the frames that the network is least sure of, up to their capacity an hour."""

    kind: Literal["people"]
    frames_per_h: Annotated[float, Field(gt=0, le=1e6)]
    """frames that they look at in an hour"""
    finds: Share
    """of the objects that are there"""
    usd_a_frame: Usd
    """the cost of a frame"""

    def changes(self, best_bin: Callable[[], int], at_s: float, site: int | None) -> tuple[Change, ...]:
        return (Reviewed(at_s, self.frames_per_h, self.finds, self.usd_a_frame),)

    @property
    def usd_a_day(self) -> float:
        return self.usd_daily + 24 * self.frames_per_h * self.usd_a_frame


class PicksFix(AnyFix):
    """Choices of the case change, such as more replicas."""

    kind: Literal["picks"]
    picks: Annotated[Picks, Field(min_length=1, max_length=8)]
    """the picks that change, choice to option"""

    def new_picks(self) -> Picks:
        return self.picks


def protects(fix: AnyFix) -> bool:
    """Return whether a fix spares the users harm before the cause is known: people look, or the servers are rolled back."""
    return isinstance(fix, PeopleFix) or (isinstance(fix, UndoFix) and "server" in fix.enters)


class NothingFix(AnyFix):
    """Nothing is changed: the incident is closed as none."""

    kind: Literal["nothing"]


#: Every kind of fix that a case may name, by that name.
FIXES: dict[str, type[AnyFix]] = registry(UndoFix, NetworkFix, ThresholdFix, PeopleFix, PicksFix, NothingFix)
Fix = Annotated[AnyFix, OneOf(FIXES)]
KindOfFix = TypeVar("KindOfFix", bound=AnyFix)
