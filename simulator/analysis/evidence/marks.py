"""A figure beside the bar that it was asked to reach."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from simulator.units import percent, significant


@dataclass(frozen=True)
class Mark:
    """A figure and its bar: parts of 1, or percentage points. at_least: the bar is a floor, not a ceiling."""

    label: str
    reached: float
    bar: float
    unit: Literal["share", "points"] = "share"
    at_least: bool = False

    @property
    def met(self) -> bool:
        """Whether the bar is reached."""
        return self.reached >= self.bar if self.at_least else self.reached <= self.bar

    @property
    def words(self) -> str:
        """The verdict, with the bar."""
        return f"{'met' if self.met else 'missed'}: at {'least' if self.at_least else 'most'} {self.spoken(self.bar)}"

    def spoken(self, value: float) -> str:
        """A value of this mark with its unit."""
        return f"{significant(value, 2)} points" if self.unit == "points" else percent(value)
