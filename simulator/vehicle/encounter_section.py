"""Encounters of a vehicle: what comes into its way, who sees it, when it brakes; and what the vehicle carries and pays for."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import Field

from simulator.case.case_contract import AnyCase
from simulator.case.document import Path
from simulator.case.fields import (
    CostFigure,
    Figure,
    Line,
    Name,
    PositiveFigure,
    Quantity,
    ShareFigure,
    Strict,
    bounded,
    exactly_one,
    refused,
)
from simulator.case.kinds import Section
from simulator.case.references import Ref

#: Objects that may come into the way.
Object = Literal["car", "pedestrian", "cyclist"]

#: The most recent frames of a sensor that may be asked for to confirm an object.
MOST_LOOKS = 20

#: An encounter is followed for so long before the vehicle would be there: whoever is farther away in time is no danger yet.
LONGEST_S = 8.0

#: The names of detectors in the evidence.
_FINDER = r"^[a-z][a-z0-9_.]*$"

Faults = Iterator[tuple[Path, str]]
Angle = Annotated[Figure, bounded(1, 180)]
Deceleration = Annotated[Figure, bounded(0.1, 100)]


class Compared(Strict):
    """A detector that was measured on an object and on the one that stands in for it, by the height in its picture."""

    finds: Annotated[str, Field(pattern=_FINDER, max_length=80)]
    """whose recall of both is compared"""
    threshold: float | None = None
    """the least score of an answer that counts"""


class Sight(Strict):
    """The recall of a stage's model in the frames that it serves, by evidence of real drives or of labelled images."""

    finds: Annotated[str, Field(pattern=_FINDER, max_length=80)]
    """whose recall it has, such as `kitti.yolox_x`"""
    threshold: float | None = None
    """the least score of an answer that counts; none: as it was published"""
    misses_as: Annotated[str | None, Field(max_length=80)] = None
    """whose misses follow each other as its own do; none: its own, which were measured"""
    alarms_as: Annotated[str | None, Field(max_length=80)] = None
    """whose false answers on the road stand for its own; none: its own"""
    stands_in: Annotated[dict[Object, Object], Field(max_length=3)] = {}
    """objects without a measurement, each with the object that stands in for it"""
    differs_as: Annotated[list[Compared], Field(max_length=8)] = []
    """detectors that were measured on an object and on its stand-in: as much less is found, on average; none: found alike, at
    the same height"""
    sensors: Annotated[
        list[Annotated[Name, Ref("sensor", absent="arrivals should be of the kind sensors")]],
        Field(min_length=1, max_length=16),
    ]
    """the sensors whose frames look ahead"""
    focal_px: PositiveFigure | None = None
    """of a camera: focal length, in pixels of the picture that the network gets; none: found by distance"""
    zoom: PositiveFigure | None = None
    """how many times as large things are where the network gets a part of the picture; none: the whole"""
    picture_part: Annotated[float | None, Field(gt=0, le=1)] = None
    """part of the usual picture's sides that the network gets; none: the usual picture"""
    ranges_by: Annotated[str | None, Field(pattern=r"^[a-z][a-z0-9_.]*$", max_length=80)] = None
    """how distances and closing speeds are measured, such as `kitti.pointrcnn`; none: they are exact"""
    hidden_shift: Annotated[Figure, bounded(-20, 20)] | None = None
    """of the share found while most of an object is hidden, as a normal quantile; none: nothing is lost"""
    half_angle_deg: Angle | None = None
    """half of the angle that it sees; none: everything ahead"""

    @property
    def scale_px(self) -> float | None:
        """The height in pixels of a thing as high as it is far away; None of what goes by distance."""
        if self.focal_px is None:
            return None
        return self.focal_px.value * (1.0 if self.zoom is None else self.zoom.value) * (self.picture_part or 1.0)


class Hazard(Strict):
    """A kind of encounter: what comes into the way, how far ahead, and how fast it moves on."""

    label: Line
    """its name on the page"""
    share: ShareFigure
    """its share of the encounters; all shares add up to 1"""
    object: Object
    """car, pedestrian or cyclist"""
    height_m: Quantity
    """its height"""
    distance_m: Quantity
    """from the vehicle when it comes into view"""
    speed_kmh: Quantity | None = None
    """its own speed along the road; none: it stands"""
    lateral_m: Quantity | None = None
    """how far beside the way it comes into view; none: in the way"""
    crosses_mps: Quantity | None = None
    """how fast it moves sideways into the way, where it stays; none: not at all"""
    hidden_s: Quantity | None = None
    """how long most of it is still hidden after it comes into view; none: not at all"""


class Confirmation(Strict):
    """An object counts once it was found in `hits` of the latest `of` frames of one sensor's kind."""

    hits: Annotated[int, Field(ge=1, le=MOST_LOOKS)] = 3
    """the frames that show it, of the latest frames"""
    of: Annotated[int, Field(ge=1, le=MOST_LOOKS)] = 4
    """the frames that show it, of the latest frames"""

    _possible = refused(lambda rule: rule.hits > rule.of, "hits ({0.hits}) cannot exceed of ({0.of})")


class Condition(Strict):
    """Weather, light or dirt: what it does to what cameras find, as measured on labelled images, and to the brakes."""

    label: Line
    """its name on the page"""
    corruption: Annotated[str, Field(max_length=40)]
    """the condition of the detection tables"""
    severity: Annotated[int, Field(ge=1, le=5)]
    """1 to 3, as measured"""
    deceleration_mps2: Deceleration | None = None
    """the most that the road gives; none: as usual"""
    lidar_shift: Annotated[Figure, bounded(-20, 20)] | None = None
    """of the share that a LiDAR finds, as a normal quantile, Phi(Phi^-1(r) + s); none: nothing is known"""


class Degraded(Strict):
    """The speed limit of the vehicle while its newest information is too old; 0 is a safe stop."""

    above_age_ms: Annotated[float, Field(gt=0, le=60_000)]
    """the age of the newest information"""
    speed_kmh: Annotated[Figure, bounded(0, 300)]
    """the speed limit then; 0 is a safe stop"""
    slows_mps2: Deceleration | None = None
    """how it slows down to that, from when the age is reached; none: at once"""
    usd_each: CostFigure | None = None
    """the cost of each time that it begins, such as a call; none: nothing"""


class GentleBraking(Confirmation):
    """Gentle braking at a first sight, until the object is confirmed or the time is over; once for each object."""

    hits: Annotated[int, Field(ge=1, le=MOST_LOOKS)] = 1
    of: Annotated[int, Field(ge=1, le=MOST_LOOKS)] = 1
    deceleration_mps2: Deceleration
    """the gentle deceleration"""
    lasts_s: Annotated[Figure, bounded(0, 10)]
    """it lasts no longer than this, and the lower speed is kept"""


class Braking(Strict):
    """From an object that is confirmed to a vehicle that stands."""

    planner_hz: Annotated[Figure, bounded(0.01, 1000)]
    """decisions a second"""
    actuation_s: Annotated[Figure, bounded(0, 10)]
    """the time until the brakes act"""
    deceleration_mps2: Deceleration
    """the deceleration"""
    margin_s: Annotated[Figure, bounded(0, 60)]
    """it brakes this much earlier than the brakes alone would ask for"""
    clearance_m: Annotated[Figure, bounded(0, 100)]
    """and would come to stand this far before the object"""
    predicts: bool = False
    """whether distances are moved on by the age of the answer, at constant speed"""
    gentle: GentleBraking | None = None
    """gentle braking before an object is confirmed; none: it waits for that"""
    closing: Literal["measured", "own_speed"] = "measured"
    """the closing speed that it believes in: as measured, or as if the object stood"""
    range_error: Annotated[Figure, bounded(0, 10)] | None = None
    """times the errors that were measured; none: 1, as measured; 0: exact"""

    @property
    def period_s(self) -> float:
        """The time between two decisions of the planner."""
        return 1 / self.planner_hz.value


class Encounters(Section):
    """Encounters of the vehicle during a run; each design meets the same ones."""

    metrics_from = "simulator.vehicle.encounter_metrics:metrics_of_encounters"
    evidence_from = "simulator.vehicle.sight:look_up"
    totals_from = "simulator.vehicle.encounter_metrics:encounter_totals"
    causes_from = "simulator.vehicle.encounter_causes:ENCOUNTER_CAUSES"

    known_at: Annotated[Name, Ref("end")]
    """the end where an answer is known to the planner"""
    count: Annotated[int, Field(ge=1, le=10_000)] = 200
    """encounters in each replication"""
    speed_kmh: Annotated[Figure, bounded(0.1, 300)] | None = None
    """of the vehicle"""
    speed_by: Annotated[Name, Ref("attribute", "'{}' is not an attribute")] | None = None
    """or the attribute that is its speed, in km/h"""
    sees: Annotated[dict[Annotated[Name, Ref("machine")], Sight], Field(min_length=1, max_length=16)]
    """by the stage whose model looks"""
    fuses: Literal["either", "both"] = "either"
    """whether camera or LiDAR is enough, or both must confirm"""
    confirms: Confirmation = Confirmation()
    """the frames that confirm an object"""
    misses: Literal["measured", "hidden", "none"] = "measured"
    """what is missed: as measured, only what is mostly hidden, or nothing, which leaves the limit that time and brakes set"""
    braking: Braking
    """from a confirmed object to a vehicle that stands"""
    degrades: Degraded | None = None
    """the speed limit while information is old"""
    condition: Annotated[Name, Ref("condition")] | None = None
    """one of `conditions`; none: a clear day"""
    conditions: Annotated[dict[Name, Condition], Field(max_length=16)] = {}
    """weather, light or dirt, by name"""
    kinds: Annotated[dict[Name, Hazard], Field(min_length=1, max_length=16)]
    """what comes into the way, by name"""

    _one_speed = exactly_one("speed_kmh", "speed_by")

    def check(self, scenario: AnyCase) -> Faults:
        total = sum(kind.share.value for kind in self.kinds.values())
        if abs(total - 1) > 1e-6:
            yield ("kinds",), f"the shares of the kinds add up to {total:g}; they should add up to 1"
        if (frames_s := 86_400 * scenario.run.days) < LONGEST_S:
            hint = f"encounters are followed for up to {LONGEST_S:g} s, but frames come for only {frames_s:.3g} s"
            yield (), f"{hint}; run.days should be at least {LONGEST_S / 86_400:.2g}"
        speed = scenario.attributes.get(self.speed_by or "")
        if speed is not None and speed.kind != "timetable":
            yield ("speed_by",), f"'{self.speed_by}' does not follow the time; it needs an attribute of the kind timetable"


class VehiclePart(Strict):
    """A thing that the vehicle carries for its perception: what it costs, what it draws idle and at work."""

    label: Line
    """its name on the page"""
    count: Annotated[int, Field(ge=0, le=64)] = 1
    """how many there are"""
    usd: CostFigure
    """for one; so are the watts"""
    idle_w: Annotated[Figure, bounded(0, 10_000)]
    """the power that it draws idle, in watts"""
    busy_w: Annotated[Figure, bounded(0, 10_000)] | None = None
    """at work; none: as when idle"""
    works_for: Annotated[list[Annotated[Name, Ref("machine")]], Field(max_length=32)] = []
    """the stages that it is at work for"""

    _draws_more_at_work = refused(
        lambda part: part.busy_w is not None and part.busy_w.value < part.idle_w.value,
        "busy_w ({0.busy_w.value:g}) cannot be below idle_w ({0.idle_w.value:g})",
    )


class Vehicle(Section):
    """The vehicle around the machines: what they cost over its life, and what they draw."""

    metrics_from = "simulator.vehicle.encounter_metrics:metrics_of_vehicle"
    totals_from = "simulator.vehicle.encounter_metrics:totals_of_vehicle"
    causes_from = "simulator.vehicle.encounter_causes:VEHICLE_CAUSES"

    parts: Annotated[dict[Name, VehiclePart], Field(min_length=1, max_length=16)]
    """what it carries, by name"""
    driven_h: PositiveFigure
    """hours that it drives in its life"""
    usd_per_kwh: CostFigure
    """the price of energy"""
    needless_brake_usd: CostFigure
    """the cost of braking without a reason"""
    needless_slowing_usd: CostFigure | None = None
    """the cost of gentle braking without a reason; none: nothing"""
    lost_hour_usd: CostFigure | None = None
    """an hour that `degrades` makes the vehicle stand, or as much way lost; none: nothing"""
    drive_wh_per_km: PositiveFigure
    """the energy of driving itself"""
    average_kmh: PositiveFigure
    """the average speed"""
