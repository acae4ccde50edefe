"""Base of all looks of an incident, with the request of a look and its finding; and the registry of their kinds.

A look reduces its result to a sign, such as `drops` or `one site`; causes differ by the frequency of each sign
(`simulator.incident.beliefs`).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

import numpy as np
import pandas as pd
from pydantic import Field

from simulator.arrays import Ints
from simulator.case.fields import Line, Name, Strict
from simulator.incident.effects import Person, System
from simulator.incident.fixes import Minutes, Swapped, Usd

if TYPE_CHECKING:
    from simulator.incident.measured_scenes import Setting


#: An input that a look takes: a site, a number of frames that people label, or a figure.
LookInput = Literal["site", "frames", "statistic", "system", "person", "groups", "only", "hours", "part", "pick"]


#: An input, and the values of it that have a sign each.
Asked = tuple[str, tuple[str, ...]] | None


#: Frames that pictures are taken of.
PictureChoice = Literal["any", "least sure", "missed by labels"]


#: Six columns of the log of frames, and two of the detections in it.
Column = Literal["site", "camera", "version", "replica", "hour", "day", "object", "size"]


class LookRequest(Strict):
    """The inputs of a look; a look ignores those that its kind does not take."""

    look: Name = ""
    site: Name | None = None
    """at this site alone, of pictures and labels; none: at all"""
    statistic: Name = "found"
    """the figure, of slices"""
    frames: Annotated[int, Field(ge=10, le=5000)] = 100
    """number that people label, of labels"""
    system: System | None = None
    """the system whose changes are read; none: all"""
    person: Person = "site"
    """the person who is asked"""
    groups: Annotated[list[Column], Field(max_length=3)] = []
    """columns that a query groups by"""
    only: Annotated[dict[Column, Line], Field(max_length=6)] = {}
    """values of columns that a query keeps"""
    hours: Annotated[float, Field(gt=0, le=672)] = 24
    """the last hours that a query reads"""
    part: Literal["day", "night"] | None = None
    """the part of the day that pictures show"""
    pick: PictureChoice = "any"
    """the frames that pictures show"""


@dataclass(frozen=True, eq=False)
class LookFinding:
    """The result of a look: a sentence, its sign, and its rows.

    shown: of pictures, the frames of the last day and of the reference time; labelled: rows that a threshold may be fitted to
    prepared: of compared preparations, the commonest pair of settings, as trained and as served, among those that differ
    canary: the change of the running system while the look lasted
    """

    sentence: str
    sign: str
    table: pd.DataFrame
    shown: tuple[Ints, Ints] | None = None
    labelled: Ints = field(default_factory=lambda: np.zeros(0, np.int64))
    prepared: tuple[Setting, Setting] | None = None
    canary: Swapped | None = None


class AnyLook(Strict):
    """A look: its name, its duration and its cost; takes: the inputs of the kind, in the order of the screen."""

    takes: ClassVar[tuple[LookInput, ...]] = ()
    #: The input whose values are questions of their own, and these values; None: no sign of the look is known.
    asks: ClassVar[Asked] = ("", ())

    kind: str
    label: Line
    """its name on the page"""
    note: Line
    """a remark on the page"""
    minutes: Minutes
    """how long it takes"""
    usd: Usd = 0
    """its cost, beside the time of the person on call"""
    at_work_min: Minutes | None = None
    """minutes of it that the person on call works; none: all"""

    def frames_labelled(self, requested: int) -> int:
        return 0

    def questions(self, name: str) -> dict[str, dict[str, Any]]:
        """Return the questions with known signs that the look can answer, each with the inputs that ask it."""
        if self.asks is None:
            return {}
        entry, values = self.asks
        return {f"{name}/{value}": {entry: value} for value in values} if entry else {name: {}}

    def question(self, name: str, request: LookRequest) -> str:
        """Return the question that a look with these inputs answers; empty for one without known signs."""
        if self.asks is None:
            return ""
        if not self.asks[0]:
            return name if request.site is None else ""
        value = getattr(request, self.asks[0])
        return f"{name}/{value}" if value else ""

    def cost(self, requested: int) -> tuple[float, float]:
        """Return the minutes and the USD of the look; requested: frames to label, where the user chooses."""
        return self.minutes, self.usd

    def find(self, view: Any, request: LookRequest) -> LookFinding:
        """Examine the stream; view: the stream as it is known (`View`)."""
        raise NotImplementedError


class LabellingLook(AnyLook):
    """A look for which people label frames."""

    people: Annotated[int, Field(ge=1, le=1000)] = 2
    """how many label"""
    minutes_a_frame: Annotated[float, Field(gt=0, le=1000)] = 2
    """the time for a frame"""
    usd_a_frame: Usd = 1
    """the cost of a frame"""

    def cost(self, requested: int) -> tuple[float, float]:
        frames = self.frames_labelled(requested)
        return self.minutes + frames * self.minutes_a_frame / self.people, self.usd + frames * self.usd_a_frame


#: Every kind of look that a case may name, by that name; the module `simulator.incident.look_kinds` fills it.
LOOKS: dict[str, type[AnyLook]] = {}
