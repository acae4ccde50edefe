"""Curveball: an event that strikes at a time during a run, and changes some of its quantities."""

from __future__ import annotations

from collections.abc import Iterator
from enum import Enum
from typing import Annotated, ClassVar

from pydantic import Field

from simulator.case.any_stage import AnyStage
from simulator.case.case_contract import AnyCase
from simulator.case.document import Path
from simulator.case.fields import ClockTime, Line, Strict, at_most_one
from simulator.phrases import phrase
from simulator.records.timetables import DAY_S, clock_minutes


class AffectedQuantity(Enum):
    """The numbers of a run that a curveball may change, and the meaning of its value for each."""

    RATE = "times as many requests a second"
    OUTAGE = "anything, for a replica that is down"
    ABSENCE = "anything, for a reviewer who is out"
    SERVICE = "times as long for each batch that a replica starts"
    DELAY = "times as long over a link"
    PREVALENCE = "the share of positives among new requests"
    SCORES = "added to the scores of all new requests"
    PHOTOS = "the number of the condition of all new photos"
    POSITIVES = "added to a pool's scores of new positives"
    SENSITIVITY = "the share of positives that people recognise"
    SPECIFICITY = "the share of negatives that people recognise"
    PRICE = "times the price of an hour"
    LOST = "anything, for a sensor whose frames do not come"
    LATER = "milliseconds that the frames of a sensor come later"
    GAIN = "microseconds that the clock of a sensor gains a second"
    MULTIPLIED = "times an attribute of new requests"
    ADDED = "added to an attribute of new requests"


#: Quantities that change the scores of a model.
OF_SCORES = frozenset({AffectedQuantity.SCORES, AffectedQuantity.PHOTOS, AffectedQuantity.POSITIVES})


#: Quantities that apply to a request by its time of arrival.
BY_ARRIVAL = OF_SCORES | {AffectedQuantity.PREVALENCE, AffectedQuantity.MULTIPLIED, AffectedQuantity.ADDED}


#: Quantities of the sensors whose frames are the requests.
OF_SENSORS = frozenset({AffectedQuantity.LOST, AffectedQuantity.LATER, AffectedQuantity.GAIN})


#: The fields that hold a time of strike; a curveball gives one at most.
TIMES_OF_STRIKE = ("at_s", "at", "suggested_at_s", "suggested_at")


def _seconds(at_s: float | None, clock: str | None, starts_at: str) -> float | None:
    """Return a time in seconds from the start of a run that begins at `starts_at`; clock: the same as a time of day."""
    if clock is not None:
        return 60.0 * ((clock_minutes(clock) - clock_minutes(starts_at)) % 1440)
    return at_s


class AnyCurveball(Strict):
    """A curveball strikes at its time, or, without one, only when the interviewer says so.

    A kind declares the quantities that its fields change, the kinds of stages that it strikes, and checks its needs.
    """

    #: The quantities it changes, each with the field that holds the value.
    changes: ClassVar[dict[AffectedQuantity, str]] = {}
    #: Whether its change matters only until the last request arrives, not until the run ends.
    until_last_request: ClassVar[bool] = False

    kind: str
    label: Line
    """its name on the page"""
    note: Line | None = None
    """a remark on the page"""
    at_s: Annotated[float | None, Field(ge=0)] = None
    """seconds from the start of the run"""
    at: ClockTime | None = None
    """the first time in the run at this time of day"""
    suggested_at_s: Annotated[float | None, Field(ge=0)] = None
    """the time to let it strike (s); by itself it does not"""
    suggested_at: ClockTime | None = None
    """or the first time in the run at this time of day"""
    lasts_s: Annotated[float | None, Field(gt=0)] = None
    """how long it lasts; none: to the end of the run"""

    _one_time = at_most_one(*TIMES_OF_STRIKE)

    def own_time(self, starts_at: str) -> float | None:
        """Return the author's time in seconds from the start of a run that begins at `starts_at`; None: on call."""
        return _seconds(self.at_s, self.at, starts_at)

    def called_time(self, starts_at: str) -> float | None:
        """Return the time (s) at which it strikes once it is called without one: the author's, or the suggested one."""
        own = self.own_time(starts_at)
        return _seconds(self.suggested_at_s, self.suggested_at, starts_at) if own is None else own

    def usual_time(self, scenario: AnyCase) -> float:
        """Return the time (s) that a page offers: the author's, or halfway through the arrivals, in whole seconds."""
        called = self.called_time(scenario.run.starts_at)
        return float(round(scenario.run.days * DAY_S / 2)) if called is None else called

    @property
    def place_of_time(self) -> str:
        """The field that holds the author's time, own or suggested."""
        return next((name for name in TIMES_OF_STRIKE if getattr(self, name) is not None), "at_s")

    @property
    def strikes(self) -> tuple[str, ...]:
        return ()

    def hits(self, name: str, stage: AnyStage) -> bool:
        named: str | None = getattr(self, "stage", None)
        return bool(self.strikes) and (name == named or (named is None and stage.servers.cost_part == "machines"))

    def change(self, what: AffectedQuantity, replica: int = 0) -> float | None:
        """Return its value for a quantity, for that replica (from 0) if each has its own; None if it changes nothing."""
        value: float | None = getattr(self, self.changes[what]) if what in self.changes else None
        return value

    @property
    def changed(self) -> frozenset[AffectedQuantity]:
        return frozenset(what for what in self.changes if getattr(self, self.changes[what]) is not None)

    @property
    def shifts_scores(self) -> bool:
        return bool(self.changed & OF_SCORES)

    def check(self, scenario: AnyCase) -> Iterator[tuple[Path, str]]:
        named: str | None = getattr(self, "stage", None)
        if named in scenario.stages and self.strikes and scenario.stages[named].kind not in self.strikes:
            kind = scenario.stages[named].kind
            yield ("stage",), phrase("curveballs.stage", stage=named, kind=kind, strikes=self.strikes)
        elif self.strikes and not any(self.hits(name, stage) for name, stage in scenario.stages.items()):
            yield ("kind",), phrase("curveballs.no_pool")
        arrivals = scenario.arrivals
        if AffectedQuantity.RATE in self.changed and not arrivals.has_rate:
            yield ("kind",), phrase("curveballs.no_rate", arrivals=arrivals.kind)
        elif self.changed & BY_ARRIVAL and arrivals.waits_for_answers:
            yield ("kind",), phrase("curveballs.no_times", arrivals=arrivals.kind)

    def too_late(self, scenario: AnyCase, at_s: float) -> str:
        """Return the sentence that refuses a time of strike; empty if it can strike then."""
        run = scenario.run
        end = 86_400 * (run.days if self.until_last_request else run.days + run.drain_days)
        if 0 <= at_s < end:
            return ""
        last = scenario.unit.one if self.until_last_request else ""
        return phrase("curveballs.late", end=end, last=last, at=at_s)
