"""The section `incident` of a case: the stream of frames, possible causes, and the looks and fixes of the person on call."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Literal

from pydantic import Field

from simulator.case.case_contract import AnyCase
from simulator.case.checks import too_often
from simulator.case.document import Path
from simulator.case.fields import (
    AS_WRITTEN,
    ClockTime,
    CostFigure,
    Figure,
    Line,
    Name,
    PositiveFigure,
    ShareFigure,
    Strict,
    bounded,
    refused,
)
from simulator.case.kinds import OneOf, Section
from simulator.case.references import NAME_KINDS, KnownCase, NameKind, Ref
from simulator.incident.any_look import LOOKS, AnyLook
from simulator.incident.effects import Cause, Decoy, LogEntry, Person
from simulator.incident.fixes import Fix, KindOfFix, NetworkFix
from simulator.incident.watches import WATCHED, Watch
from simulator.phrases import phrase

Faults = Iterator[tuple[Path, str]]
Weight = Annotated[float, Field(ge=0, le=1e6)]

#: Scenes that show none of the categories of any group.
OTHER = "other"

Look = Annotated[AnyLook, OneOf(LOOKS, "simulator.incident.look_kinds")]


#: A group of scenes, or the scenes of no group.
GroupName = Annotated[Name, Ref("group_of_scenes")]
_HeldGroup = Annotated[Name, Ref("group_of_scenes", "'{}' is not one of `scenes.groups`")]


class Site(Strict):
    """A place with cameras, and the scenes that they see by day and by night."""

    label: Line
    """its name on the page"""
    cameras: Annotated[int, Field(ge=1, le=256)]
    """how many there are"""
    version: Annotated[Name, Ref("version")]
    """of the client that sends its frames"""
    day: Annotated[dict[GroupName, Weight], Field(min_length=1, max_length=17)]
    """how often each group of scenes is seen"""
    night: Annotated[dict[GroupName, Weight], Field(max_length=17)] = {}
    """its value from dusk to dawn; none: as by day"""
    outdoors: bool = True
    """whether weather reaches them"""


class Scenes(Strict):
    """The scenes of the cameras: each lasts for a while, and is an image of the detection tables."""

    groups: Annotated[dict[Name, list[Line]], Field(min_length=1, max_length=16)]
    """categories that put an image into a group, the first that fits"""
    held_back: Annotated[list[_HeldGroup], Field(max_length=16)] = []
    """groups that only a cause brings"""
    dwell_min: PositiveFigure
    """mean minutes that a camera sees one scene"""
    weekend: Annotated[dict[_HeldGroup, Weight], Field(max_length=17)] = {}
    """times as often on Saturday and Sunday"""
    night: Annotated[tuple[ClockTime, ClockTime], AS_WRITTEN] = ("20:00", "06:00")
    """from dusk to dawn"""


class Usual(Strict):
    """A condition that comes and goes in normal operation."""

    condition: Annotated[str, Field(max_length=40)]
    """the condition"""
    severity: Annotated[int, Field(ge=1, le=5)]
    """1 to 3, as measured"""
    share: ShareFigure
    """of the time when it can be"""
    spell_h: PositiveFigure
    """mean hours that it lasts at a time"""
    when: Literal["always", "day", "night"] = "always"
    """always, by day or at night"""


class Release(Strict):
    """A tested release: the network whose answers the stage gives."""

    label: Line
    """its name on the page"""
    detector: Annotated[str, Field(max_length=40)]
    """the measured network"""
    precision: Annotated[str, Field(max_length=40)] = "fp32"
    """its precision"""

    @property
    def network(self) -> tuple[str, str]:
        return self.detector, self.precision


class Labels(Strict):
    """Labels that come without a request: frames a day, their delay in days, and the guideline."""

    frames_a_day: Annotated[int, Field(ge=0, le=100_000)]
    """how many are labelled"""
    days_late: Annotated[float, Field(ge=0, le=28)]
    """how long they take"""
    least_area_px: Annotated[float, Field(ge=0, le=1e7)] = 0
    """the smallest box that people should label"""


class Harm(Strict):
    """The cost of the detector's errors, in units of the least object that is missed."""

    weights: Annotated[dict[Line, Weight], Field(max_length=80)]
    """of a missed object, by category; others count 1"""
    needless: Annotated[Figure, bounded(0, 1e6)]
    """of a detection that counts and is false"""
    usd: CostFigure
    """what the miss of the least object costs, so that harm and money add up"""


class UnsolvedReview(Strict):
    """The end of an incident that was not solved: it comes back, and its harm goes on until a review finds it."""

    days: PositiveFigure
    """days after the stream until harm that goes on is found"""
    usd: CostFigure
    """the cost of an incident that comes back because its cause was not named"""


class Incident(Section):
    """A stream of frames with measured figures, and the fault that strikes it."""

    evidence_from = "simulator.incident.incident_evidence:look_up"

    stage: Annotated[Name, Ref("plain_pool")]
    """the pool whose answers the detector gives"""
    starts_on: Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"] = "monday"
    """the first day"""
    release: Release
    """the released network"""
    previous: Release
    """what was released before, and can be rolled back to"""
    sites: Annotated[dict[Name, Site], Field(min_length=1, max_length=32)]
    """places with cameras, by name"""
    versions: Annotated[dict[Name, Line], Field(min_length=1, max_length=16)]
    """of the client, by name"""
    scenes: Scenes
    """groups of scenes"""
    usual: Annotated[list[Usual], Field(max_length=16)] = []
    """harmless conditions that come and go"""
    labels: Labels
    """labels that come without a request"""
    harm: Harm
    """the cost of a missed object"""
    reference_days: Annotated[float, Field(ge=2, le=21)] = 7
    """quiet days at the start, the reference of production"""
    onset_days: Annotated[tuple[float, float], AS_WRITTEN]
    """the first and the last day of its begin"""
    ramp_days: Annotated[float, Field(gt=0, le=14)] = 4
    """how long it takes to come, where it comes gently"""
    complaint_days: Annotated[float, Field(gt=0, le=14)] = 3
    """days from its full strength until a customer complains, if nothing rang"""
    causes: Annotated[dict[Name, Cause], Field(min_length=2, max_length=64)]
    """possible causes, by name"""
    decoys: Annotated[dict[Name, Decoy], Field(max_length=32)] = {}
    """harmless changes, by name"""
    second_share: ShareFigure
    """how often a second cause begins with a harmful one"""
    log: Annotated[dict[Name, LogEntry], Field(max_length=64)] = {}
    """lines that the log of changes may hold, by name"""
    talk: Annotated[dict[Person, list[Line]], Field(max_length=3)] = {}
    """words of each person who has noticed nothing of the cause"""
    decoy_share: ShareFigure
    """how often a decoy moves with a cause that names none"""
    watches: Annotated[list[Watch], Field(min_length=1, max_length=32)]
    """what is watched at first"""
    usd_a_week: dict[Annotated[Name, Ref("statistic")], CostFigure]
    """what it costs to watch each statistic, for a week"""
    page_usd: CostFigure
    """what it costs when the person on call is paged"""
    engineer_usd_h: CostFigure | None = None
    """an hour of the person on call, in each look; none: free"""
    review: UnsolvedReview | None = None
    """what an unsolved incident costs after the stream; none: nothing"""
    looks: Annotated[dict[Name, Look], Field(min_length=1, max_length=32)]
    """looks that a player can take, by name"""
    fixes: Annotated[dict[Name, Fix], Field(min_length=1, max_length=32)]
    """fixes that a player can order, by name"""

    _times_fit = refused(
        lambda spec: not spec.reference_days <= spec.onset_days[0] <= spec.onset_days[1],
        "onset_days: should be two days, the first not before reference_days ({0.reference_days:g})",
    )

    @property
    def prior(self) -> dict[str, float]:
        """The probability of each cause before any finding."""
        total = sum(cause.often for cause in self.causes.values())
        return {name: cause.often / total for name, cause in self.causes.items()}

    @property
    def nothing(self) -> str:
        """The name of the suspect that stands for no cause at all: the first without an effect."""
        return next((name for name, cause in self.causes.items() if not cause.effects), next(iter(self.causes)))

    @property
    def prices(self) -> dict[str, float]:
        """What it costs to watch each statistic, for a week (USD)."""
        return {name: figure.value for name, figure in self.usd_a_week.items()}

    def look_cost(self, look: AnyLook, frames: int) -> tuple[float, float]:
        """Return the minutes and the USD of a look, the time of the person on call included; frames: to label."""
        minutes, usd = look.cost(frames)
        working = minutes if look.at_work_min is None else look.at_work_min
        return minutes, usd + working / 60 * (self.engineer_usd_h.value if self.engineer_usd_h else 0.0)

    @property
    def review_days(self) -> float:
        """The days after the stream until harm that goes on is found."""
        return self.review.days.value if self.review else 0.0

    @property
    def return_usd(self) -> float:
        """Return the cost of an incident that comes back because its cause was not named (USD)."""
        return self.review.usd.value if self.review else 0.0

    def fixes_of(self, kind: type[KindOfFix]) -> dict[str, KindOfFix]:
        """Return the fixes of a kind, by name."""
        return {name: fix for name, fix in self.fixes.items() if isinstance(fix, kind)}

    def better_model(self) -> str:
        """Return the name of the fix that puts another network everywhere."""
        return next(name for name, fix in self.fixes_of(NetworkFix).items() if fix.instead_of is None)

    def check(self, scenario: AnyCase) -> Faults:
        """Yield times that do not fit into the run, and what is watched without a price."""
        if self.onset_days[1] + self.ramp_days + self.complaint_days > scenario.run.days:
            yield ("onset_days",), f"with ramp and complaint it may last beyond the run, which has {scenario.run.days:g} days"
        yield from self._check_sites()
        cameras = sum(site.cameras for site in self.sites.values())
        if fault := too_often(60 * self.scenes.dwell_min.value, scenario, "scenes", cameras):
            yield ("scenes", "dwell_min"), fault
        for index, usual in enumerate(self.usual):
            if fault := too_often(3600 * usual.spell_h.value, scenario, "spells"):
                yield ("usual", index, "spell_h"), fault
        parts: dict[str, Mapping[str, Cause | Decoy]] = {"causes": self.causes, "decoys": self.decoys}
        for section, name, part in ((section, *named) for section, there in parts.items() for named in there.items()):
            for index, effect in enumerate(part.effects):
                yield from (((section, name, "effects", index, *path), fault) for path, fault in effect.check())
        yield from self._check_watches()

    def _check_watches(self) -> Faults:
        for index, watch in enumerate(self.watches):
            if watch.statistic not in self.usd_a_week:
                yield ("watches", index, "statistic"), f"`usd_a_week` has no price of '{watch.statistic}'"
            if fault := self.too_wide(watch):
                yield ("watches", index, "window_h"), fault

    def too_wide(self, watch: Watch) -> str:
        """Return the fault of a window too wide for the spread of two or more in the reference time; else ''."""
        most = 12 * self.reference_days
        if watch.window_h <= most or watch.rings == "p" or (watch.reference == "collected" and watch.test == "mean"):
            return ""
        return phrase("incident.wide_window", most=most)

    def _check_sites(self) -> Faults:
        for name, site in self.sites.items():
            for part, weights in (("day", site.day), ("night", site.night)):
                if weights and not sum(weights.values()) > 0:
                    yield ("sites", name, part), "at least one weight should be above 0"


def _part(word: str, *keys: str) -> NameKind:
    """Return the kind of the names of a part of the incident."""
    return NameKind(
        word, lambda case, _: case.part("incident", *keys), f"'{{}}' is not one of `{'.'.join(('incident', *keys))}`"
    )


def _pools(case: KnownCase, path: Path) -> Mapping[str, object]:
    return {name: stage for name, stage in case.scenario.stages.items() if stage.kind == "pool"}


NAME_KINDS |= {
    "plain_pool": NameKind("pool", _pools, "'{}' is not a pool", sections=("stages",)),
    "group_of_scenes": NameKind(
        "group of scenes",
        lambda case, _: [*case.part("incident", "scenes", "groups"), OTHER],
        "'{}' is not a group of scenes",
    ),
    "statistic": NameKind("statistic", lambda *_: WATCHED, "'{}' cannot be watched"),
    "site": _part("site", "sites"),
    "version": _part("version", "versions"),
    "scene_group": _part("group of scenes", "scenes", "groups"),
    "decoy": _part("decoy", "decoys"),
    "log_entry": _part("entry of the log", "log"),
}
