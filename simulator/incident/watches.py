"""Monitors of an incident as a case or a player writes them: the figures that can be watched, the fields, and their words."""

from __future__ import annotations

from math import isfinite
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from simulator.case.fields import Name, Strict
from simulator.errors import suggest
from simulator.units import significant, upper_first

#: The figures that can be watched, with their names and units on screen.
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
#: Figures that need labels, which come late.
LABELLED = frozenset({"recall"})
#: Figures of all frames, dropped ones included.
OF_SERVERS = frozenset({"dropped", "latency"})

Slicing = Literal["all", "site", "camera", "version", "replica"]
Test = Literal["mean", "ks", "psi", "wasserstein", "chi2", "mmd", "adwin", "page_hinkley"]

#: The tests as the screen calls them.
TESTS = {
    "mean": "mean",
    "ks": "KS distance",
    "psi": "PSI",
    "wasserstein": "Wasserstein distance",
    "chi2": "chi-squared",
    "mmd": "MMD",
    "adwin": "ADWIN",
    "page_hinkley": "Page-Hinkley",
}
#: Figures that are shares, shown in per cent.
_SHARES = frozenset({"recall", "dropped"})
_SHORT = {
    "recall": "Labelled objects found",
    "sure": "Detections that look right",
    "features": "Distance of features",
    "input_channels": "Input, first channel less last",
    "score": "Mean score of detections",
}
BY = {"all": "all frames", "site": "by site", "camera": "by camera", "version": "by client version", "replica": "by replica"}


class Watch(Strict):
    """A monitor: a figure, the slices of it, a test against a reference, and the threshold of its alarm."""

    statistic: Name
    """the figure that it watches"""
    by: Slicing = "all"
    """all, or a monitor for each site, version or replica"""
    test: Test = "mean"
    """the test against the reference"""
    window_h: Annotated[float, Field(ge=1, le=168)] = 24
    """hours of a window"""
    reference: Literal["collected", "first"] = "first"
    """the images that were collected, or the first days of production"""
    rings: Literal["spread", "p"] = "spread"
    """beyond `at` standard deviations of the reference's own windows, or below the p value `at`"""
    at: Annotated[float, Field(gt=0, le=1000)] = 4
    """the threshold of the alarm"""
    correct: bool = True
    """whether p is multiplied by the number of slices (Bonferroni)"""
    sampled: Annotated[float, Field(gt=0, le=1)] = 1
    """share of the frames that it reads"""

    @model_validator(mode="after")
    def _known(self) -> Self:
        if self.statistic not in WATCHED:
            raise ValueError(f"statistic: '{self.statistic}' cannot be watched; {suggest(self.statistic, WATCHED)}")
        if self.reference == "collected" and self.statistic in {*LABELLED, *OF_SERVERS}:
            raise ValueError(f"reference: the collected images have no {self.statistic}; write `reference: first`")
        if self.test == "mmd" and self.statistic != "features":
            raise ValueError("test: mmd compares features; write `statistic: features`, or another test")
        if self.test != "mean" and self.statistic in {*LABELLED, *OF_SERVERS}:
            raise ValueError(f"test: {self.statistic} is a share or a mean of each window; write `test: mean`")
        if self.rings == "p" and self.test in ("psi", "wasserstein", "mmd", "adwin", "page_hinkley"):
            raise ValueError(f"rings: {self.test} gives no p value here; write `rings: spread`, or test: ks, chi2 or mean")
        if self.rings == "p" and self.at > 1:
            raise ValueError(f"at: a p value lies between 0 and 1, got {self.at:g}")
        return self

    @property
    def of_means(self) -> bool:
        """Return whether the test shows the figure itself, not its distance from the reference."""
        return self.test in ("mean", "adwin", "page_hinkley")

    @property
    def title(self) -> str:
        name = name_of(self.statistic)
        return name if self.of_means else f"{name}, {TESTS[self.test]}"

    @property
    def is_share(self) -> bool:
        return self.of_means and self.statistic in _SHARES

    @property
    def unit(self) -> str:
        without = not self.of_means or self.statistic in {*_SHARES, "found", "sure", "score"}
        return "" if without else WATCHED[self.statistic].split(", ")[-1]

    def number(self, value: float) -> str:
        if self.is_share:
            return f"{100 * value:.1f}%"
        return significant(value) if isfinite(value) else "none"

    def line(self) -> str:
        """Return the monitor in a line: `Detections a frame, all frames, 24 h: mean beyond 5 deviations of the first days`."""
        against = "the collected images" if self.reference == "collected" else "the first days"
        by_spread = self.rings == "spread"
        rule = f"beyond {self.at:g} deviations of {against}" if by_spread else f"against {against}, p below {self.at:g}"
        if self.test == "adwin":
            rule = "finds a change"
        if self.rings == "p" and self.correct and self.by != "all":
            rule += ", corrected"
        read = "" if self.sampled == 1 else f", {100 * self.sampled:g}% of them read"
        return f"{name_of(self.statistic)}, {BY[self.by]}{read}, {self.window_h:g} h: {TESTS[self.test]} {rule}"


def name_of(statistic: str) -> str:
    return _SHORT.get(statistic) or upper_first(WATCHED[statistic].split(", ")[0])
