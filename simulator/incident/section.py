"""The section `incident` of a case: the stream of frames, what may go wrong, and what the person on call can do."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Annotated, Literal, Self

from pydantic import Field, model_validator

from simulator.case.checks import too_often
from simulator.case.document import Path
from simulator.case.fields import ClockTime, CostFigure, Figure, Line, Name, PositiveFigure, ShareFigure, Strict, bounded
from simulator.case.kinds import Section
from simulator.errors import suggest
from simulator.incident.cause_kinds import Cause, Decoy
from simulator.incident.step_kinds import Fix, Look

if TYPE_CHECKING:
    from simulator.case.schema import Scenario
    from simulator.engine.plan import Gatherer

Faults = Iterator[tuple[Path, str]]
Weight = Annotated[float, Field(ge=0, le=1e6)]

#: Scenes that show none of the categories of any group.
OTHER = "other"

#: What can be watched, and what of it a person sees; the figures of a frame that `simulator.incident` works out.
WATCHED: dict[str, str] = {
    "brightness": "brightness of the image, part of white",
    "contrast": "contrast of the image, part of white",
    "sharpness": "sharpness of the image, grey levels squared",
    "saturation": "saturation of the image, 0 to 1",
    "noise": "noise of the image, part of white",
    "entropy": "entropy of the image, bits",
    "bytes": "size of the image as JPEG, bytes a pixel",
    "input_mean": "mean of the network's input, its own units",
    "input_spread": "spread of the network's input, its own units",
    "input_channels": "first channel of the network's input less its last, its own units",
    "score": "mean score of a frame's detections, 0 to 1",
    "found": "detections a frame",
    "sure": "detections a frame that would be right on reference images, by their scores",
    "features": "distance of a frame's features from the reference, standard deviations",
    "recall": "share of the labelled objects that were found, weighted by what they matter",
    "dropped": "frames dropped, share",
    "latency": "time to an answer, s",
}
#: What needs labels, which come late.
LABELLED = frozenset({"recall"})
#: What is of all frames, dropped ones included.
OF_SERVERS = frozenset({"dropped", "latency"})

Slicing = Literal["all", "site", "version", "replica"]
Test = Literal["mean", "ks", "psi", "wasserstein", "chi2", "mmd", "adwin", "page_hinkley"]


class Site(Strict):
    """A place with cameras: what they see by day and by night."""

    label: Line
    cameras: Annotated[int, Field(ge=1, le=256)]
    version: Annotated[Name, Field(description="of the client that sends its frames")]
    day: Annotated[dict[Name, Weight], Field(min_length=1, max_length=17, description="how often each group of scenes is seen")]
    night: Annotated[dict[Name, Weight], Field(max_length=17, description="the same from dusk to dawn; none: as by day")] = {}
    outdoors: bool = True


class Scenes(Strict):
    """What cameras look at: scenes that last, each an image of the detection tables."""

    groups: Annotated[
        dict[Name, list[Line]],
        Field(min_length=1, max_length=16, description="categories that put an image into a group, the first that fits"),
    ]
    held_back: Annotated[list[Name], Field(max_length=16, description="groups that only a cause brings")] = []
    dwell_min: Annotated[PositiveFigure, Field(description="mean minutes that a camera sees one scene")]
    weekend: Annotated[dict[Name, Weight], Field(max_length=17, description="times as often on Saturday and Sunday")] = {}
    night: Annotated[tuple[ClockTime, ClockTime], Field(description="from dusk to dawn")] = ("20:00", "06:00")


class Usual(Strict):
    """A condition that comes and goes without anything being wrong."""

    condition: Annotated[str, Field(max_length=40)]
    severity: Annotated[int, Field(ge=1, le=5)]
    share: Annotated[ShareFigure, Field(description="of the time when it can be")]
    spell_h: Annotated[PositiveFigure, Field(description="mean hours that it lasts at a time")]
    when: Literal["always", "day", "night"] = "always"


class Release(Strict):
    """What was tested and released: the network whose answers the stage gives, and the score from which one counts."""

    label: Line
    detector: Annotated[str, Field(max_length=40)]
    precision: Annotated[str, Field(max_length=40)] = "fp32"


class Labels(Strict):
    """The labels that come anyway: so many frames a day, days later, under a guideline."""

    frames_a_day: Annotated[int, Field(ge=0, le=100_000)]
    days_late: Annotated[float, Field(ge=0, le=28)]
    least_area_px: Annotated[float, Field(ge=0, le=1e7, description="the smallest box that people are told to label")] = 0


class Watch(Strict):
    """A monitor: what it watches, by what, how it compares, and from when on it rings."""

    statistic: Name
    by: Slicing = "all"
    test: Test = "mean"
    window_h: Annotated[float, Field(ge=1, le=168)] = 24
    reference: Annotated[
        Literal["collected", "first"], Field(description="the images that were collected, or the first days of production")
    ] = "first"
    rings: Annotated[
        Literal["spread", "p"],
        Field(description="beyond `at` standard deviations of the reference's own windows, or below the p value `at`"),
    ] = "spread"
    at: Annotated[float, Field(gt=0, le=1000)] = 4
    correct: Annotated[bool, Field(description="whether p is multiplied by the number of slices (Bonferroni)")] = True
    sampled: Annotated[float, Field(gt=0, le=1, description="share of the frames that it reads")] = 1

    @model_validator(mode="after")
    def _known(self) -> Self:
        if self.statistic not in WATCHED:
            raise ValueError(f"statistic: '{self.statistic}' cannot be watched; {suggest(self.statistic, WATCHED)}")
        if self.reference == "collected" and self.statistic in {*LABELLED, *OF_SERVERS}:
            raise ValueError(f"reference: {self.statistic} has none among the collected images; write `reference: first`")
        if self.test == "mmd" and self.statistic != "features":
            raise ValueError("test: mmd compares features; write `statistic: features`, or another test")
        if self.test != "mean" and self.statistic in {*LABELLED, *OF_SERVERS}:
            raise ValueError(f"test: {self.statistic} is a share or a mean of each window; write `test: mean`")
        if self.rings == "p" and self.test in ("psi", "wasserstein", "mmd", "adwin", "page_hinkley"):
            raise ValueError(f"rings: {self.test} gives no p value here; write `rings: spread`, or test: ks, chi2 or mean")
        if self.rings == "p" and self.at > 1:
            raise ValueError(f"at: a p value lies between 0 and 1, got {self.at:g}")
        return self


class Harm(Strict):
    """What it costs when the detector is wrong, in units of the least object that is missed."""

    weights: Annotated[dict[Line, Weight], Field(max_length=80, description="of a missed object, by category; others count 1")]
    needless: Annotated[Figure, bounded(0, 1e6), Field(description="of a detection that counts and is false")]


class Incident(Section):
    """A stream of frames with measured insides, in which something goes wrong."""

    stage: Annotated[Name, Field(description="the pool whose answers the detector gives")]
    starts_on: Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"] = "monday"
    release: Release
    previous: Annotated[Release, Field(description="what was released before, and can be rolled back to")]
    sites: Annotated[dict[Name, Site], Field(min_length=1, max_length=32)]
    versions: Annotated[dict[Name, Line], Field(min_length=1, max_length=16, description="of the client, by name")]
    scenes: Scenes
    usual: Annotated[list[Usual], Field(max_length=16)] = []
    labels: Labels
    harm: Harm
    reference_days: Annotated[float, Field(ge=2, le=21, description="quiet days at the start, the reference of production")] = 7
    onset_days: Annotated[tuple[float, float], Field(description="between which days it begins")]
    ramp_days: Annotated[float, Field(gt=0, le=14, description="how long it takes to come, where it comes gently")] = 4
    complaint_days: Annotated[
        float, Field(gt=0, le=14, description="days from its full strength until a customer complains, if nothing rang")
    ] = 3
    causes: Annotated[dict[Name, Cause], Field(min_length=2, max_length=64)]
    decoys: Annotated[dict[Name, Decoy], Field(max_length=32)] = {}
    decoy_share: Annotated[ShareFigure, Field(description="how often a decoy moves with a cause that names none")]
    watches: Annotated[list[Watch], Field(min_length=1, max_length=32, description="what is watched at first")]
    usd_a_week: Annotated[dict[Name, CostFigure], Field(description="what it costs to watch each statistic, for a week")]
    page_usd: Annotated[CostFigure, Field(description="what it costs when somebody is paged")]
    looks: Annotated[dict[Name, Look], Field(min_length=1, max_length=32)]
    fixes: Annotated[dict[Name, Fix], Field(min_length=1, max_length=32)]

    @model_validator(mode="after")
    def _times_fit(self) -> Self:
        first, last = self.onset_days
        if not self.reference_days <= first <= last:
            raise ValueError(f"onset_days: should be two days, the first not before reference_days ({self.reference_days:g})")
        return self

    def gather(self, gather: Gatherer) -> None:
        """Look up the conditions, networks and categories that the incident refers to."""
        from simulator.incident.incident_evidence import look_up

        look_up(gather, self)

    def check(self, scenario: Scenario) -> Faults:
        """Its names refer to something, and it fits into the run."""
        pools = [name for name, stage in scenario.stages.items() if stage.kind == "pool"]
        if self.stage not in pools:
            yield ("stage",), f"'{self.stage}' is not a pool; {suggest(self.stage, pools)}"
        if self.onset_days[1] + self.ramp_days + self.complaint_days > scenario.run.days:
            yield ("onset_days",), f"with ramp and complaint it may last beyond the run, which has {scenario.run.days:g} days"
        yield from self._check_sites()
        cameras = sum(site.cameras for site in self.sites.values())
        if told := too_often(60 * self.scenes.dwell_min.value, scenario, "scenes", cameras):
            yield ("scenes", "dwell_min"), told
        for index, usual in enumerate(self.usual):
            if told := too_often(3600 * usual.spell_h.value, scenario, "spells"):
                yield ("usual", index, "spell_h"), told
        for name in (*self.scenes.held_back, *self.scenes.weekend):
            if name not in {*self.scenes.groups, OTHER}:
                yield ("scenes",), f"'{name}' is not one of `scenes.groups`; {suggest(name, [*self.scenes.groups, OTHER])}"
        for place, parts in (("causes", self.causes), ("decoys", self.decoys)):
            yield from _each(place, {name: part.check(self, scenario) for name, part in parts.items()})
        yield from _each("fixes", {name: fix.check(scenario) for name, fix in self.fixes.items()})
        yield from self._check_watches()

    def _check_watches(self) -> Faults:
        for name in self.usd_a_week:
            if name not in WATCHED:
                yield ("usd_a_week", name), f"'{name}' cannot be watched; {suggest(name, WATCHED)}"
        for index, watch in enumerate(self.watches):
            if watch.statistic not in self.usd_a_week:
                yield ("watches", index, "statistic"), f"`usd_a_week` has no price of '{watch.statistic}'"
            if told := self.too_wide(watch):
                yield ("watches", index, "window_h"), told

    def too_wide(self, watch: Watch) -> str:
        """What is wrong with a window of which the reference time has fewer than two, so that they have no spread; else ''."""
        most = 12 * self.reference_days
        if watch.window_h <= most or watch.rings == "p" or (watch.reference == "collected" and watch.test == "mean"):
            return ""
        return f"should be {most:g} at most, for the spread of windows is that of two or more in the reference time"

    def _check_sites(self) -> Faults:
        groups = [*self.scenes.groups, OTHER]
        for name, site in self.sites.items():
            if site.version not in self.versions:
                told = suggest(site.version, self.versions)
                yield ("sites", name, "version"), f"'{site.version}' is not one of `incident.versions`; {told}"
            for part, weights in (("day", site.day), ("night", site.night)):
                for group in weights:
                    if group not in groups:
                        yield ("sites", name, part, group), f"'{group}' is not a group of scenes; {suggest(group, groups)}"
                if weights and not sum(weights.values()) > 0:
                    yield ("sites", name, part), "at least one weight should be above 0"


def _each(place: str, parts: Mapping[str, Faults]) -> Iterator[tuple[Path, str]]:
    for name, faults in parts.items():
        yield from (((place, name, *path), message) for path, message in faults)
