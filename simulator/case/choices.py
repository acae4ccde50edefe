"""Choices of the user, and controllers that change picks during a run.

A pick writes values into the scenario, which is then checked again.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from math import isfinite, remainder
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from simulator.case.document import Path
from simulator.case.fields import Line, Name, Strict, exactly_one, no_picture
from simulator.case.references import Ref
from simulator.errors import suggest
from simulator.phrases import phrase

#: The place of a field in the scenario, as keys and list indexes joined by dots.
Dotted = Annotated[str, Ref("place"), Field(pattern=r"^[a-z0-9_]+(\.[a-z0-9_]+)*$", max_length=200)]
Pick = str | int | float

#: Picks of some choices.
Picks = dict[Annotated[Name, Ref("choice", "there is no choice '{}'")], Annotated[Pick, Ref("pick")]]


def parts(path: str) -> Path:
    return tuple(int(part) if part.isdecimal() else part for part in path.split("."))


class _Choice(Strict):
    """Fields of every choice. A folded one is shown when its group is opened, all others at once."""

    label: Line
    """its name on the page"""
    help: Line | None = None
    """a sentence beside it"""
    group: Line = "Design"
    """the heading that it stands under"""
    folded: bool = False
    """whether it stays folded under that heading"""
    phase: Annotated[Name, Ref("phase")] | None = None  # of a session of practice
    """the phase of a session that shows it"""
    situation: bool = False  # the drive, the weather or the like: the brief sets it with the default
    """whether it is a circumstance that no designer decides, such as the weather"""

    def check(self) -> Iterator[tuple[Path, str]]:
        yield from ()


class Option(Strict):
    """One option of a choice: the values that picking it writes."""

    label: Line
    """its name on the page"""
    note: Line | None = None
    """a remark on the page"""
    set: Annotated[dict[Dotted, Any], Field(min_length=1, max_length=32)]
    """the values that it writes, by place"""


class Options(_Choice):
    """Pick one of several named options."""

    kind: Literal["options"]
    default: Annotated[str, Ref("default_option")]
    """the option if nothing is picked"""
    options: Annotated[dict[Annotated[Line, Field(max_length=60)], Option], Field(min_length=2, max_length=64)]
    """the options by name"""

    @model_validator(mode="after")
    def _default_exists(self) -> Self:
        if self.default not in self.options:
            raise ValueError(f"default '{self.default}' is not an option; {suggest(self.default, self.options)}")
        return self

    def check(self) -> Iterator[tuple[Path, str]]:
        """Yield faults: an address in the browser names an option by its label, so labels are unique."""
        seen: set[str] = set()
        for key, option in self.options.items():
            if option.label in seen:
                yield ("options", key, "label"), phrase("picks.label_twice", label=option.label)
            seen.add(option.label)

    def picks(self) -> list[Pick]:
        return list(self.options)

    extremes = picks

    def next_to(self, pick: Pick) -> list[Pick]:
        return [option for option in self.options if option != self.read(pick)]

    def read(self, pick: Pick) -> str:
        """Return the pick as an option's name; raises ValueError that names the options."""
        if str(pick) not in self.options:
            raise ValueError(f"'{pick}' is not an option; {suggest(str(pick), self.options)}")
        return str(pick)

    def changes(self, pick: Pick) -> dict[Path, tuple[Any, Path]]:
        name = self.read(pick)
        return {parts(at): (value, ("options", name, "set", at)) for at, value in self.options[name].set.items()}

    def label_of(self, pick: Pick) -> str:
        return self.options[self.read(pick)].label


class Number(_Choice):
    """Pick a number: one of `values`, or any step from `min` to `max`."""

    kind: Literal["number"]
    default: float
    """the number if nothing is picked"""
    min: float | None = None
    """a range"""
    max: float | None = None
    """a range"""
    step: Annotated[float | None, Field(gt=0)] = None
    """a range"""
    values: Annotated[list[float] | None, Field(min_length=2, max_length=64)] = None
    """or a list of numbers"""
    unit: Annotated[str, Field(max_length=40), AfterValidator(no_picture)] = ""
    """shown behind the number"""
    set: Annotated[list[Dotted], Field(min_length=1, max_length=32)]
    """the places that the number is written to"""

    @model_validator(mode="after")
    def _has_a_range(self) -> Self:
        ranged = [self.min, self.max, self.step]
        if ranged.count(None) != (0 if self.values is None else 3):
            raise ValueError("give either `values`, or `min`, `max` and `step`")
        if self.min is not None and self.max is not None and self.min >= self.max:
            raise ValueError(f"min ({self.min:g}) should be below max ({self.max:g})")
        self.read(self.default)
        return self

    @property
    def _range(self) -> tuple[float, float, float]:
        assert self.min is not None and self.max is not None and self.step is not None
        return self.min, self.max, self.step

    def extremes(self) -> list[Pick]:
        return [min(self.values), max(self.values)] if self.values is not None else [*self._range[:2]]

    def picks(self) -> list[Pick]:
        """Return all picks, in the order of the file, or ascending."""
        if self.values is not None:
            return [self.read(value) for value in self.values]
        low, high, step = self._range
        return [self.read(round(low + index * step, 12)) for index in range(int((high - low) / step + 1e-6) + 1)]

    def next_to(self, pick: Pick) -> list[Pick]:
        """Return the picks one step away: the next number down and the next one up, within the range."""
        now = self.read(pick)
        if self.values is not None:
            below, above = [value for value in self.values if value < now], [value for value in self.values if value > now]
            return [self.read(value) for value in [*([max(below)] if below else []), *([min(above)] if above else [])]]
        low, high, step = self._range
        return [self.read(value) for value in (round(now - step, 9), round(now + step, 9)) if low <= value <= high]

    def read(self, pick: Pick) -> int | float:
        """Return the pick as a number within the range, whole where it can be; raises ValueError that names the range."""
        try:
            number = float(pick)
        except ValueError:
            raise ValueError(f"'{pick}' is not a number; {self._expected}") from None
        if not self._takes(number):
            raise ValueError(f"{number:g} is out of range; {self._expected}")
        return int(number) if number == int(number) else number

    def _takes(self, number: float) -> bool:
        if self.values is not None:
            return number in self.values
        low, high, step = self._range
        return isfinite(number) and low <= number <= high and abs(remainder(number - low, step)) <= 1e-6 * step

    @property
    def _expected(self) -> str:
        if self.values is not None:
            return f"expected one of: {', '.join(f'{value:g}' for value in self.values)}"
        low, high, step = self._range
        return phrase("picks.range", low=low, high=high, step=step)

    def changes(self, pick: Pick) -> dict[Path, tuple[Any, Path]]:
        number = self.read(pick)
        return {parts(at): (number, ("set", index)) for index, at in enumerate(self.set)}

    def like(self, number: float) -> int | float:
        ends = [end for end in (self.default, self.min, self.max, self.step) if end is not None]
        return int(number) if all(float(end).is_integer() for end in ends) else float(number)

    def label_of(self, pick: Pick) -> str:
        return f"{self.read(pick):g} {self.unit}".strip()


Choice = Annotated[Options | Number, Field(discriminator="kind")]


def against_default(choice: Choice, pick: Pick) -> str:
    """Set a pick against the brief's, a shared unit once: `6 km/h, the brief says 50`."""
    label, default = choice.label_of(pick), choice.label_of(choice.default)
    (number, _, unit), (usual, _, usual_unit) = label.partition(" "), default.partition(" ")
    shared = unit == usual_unit and number[0].isdecimal() and usual[0].isdecimal()
    return f"{label}, the brief says {usual if shared else default}"


def changed_choices(choices: Mapping[str, Choice], picks: Mapping[str, Pick]) -> list[str]:
    """Return the choices whose pick is not the default, in the order of the file."""
    return [name for name, choice in choices.items() if name in picks and picks[name] != choice.read(choice.default)]


#: Signals about the requests that were answered in the last `window_s`; `queue.STAGE` is the other kind.
REQUEST_SIGNALS = ("shed_share", "timed_out_share", "failed_share", "escalated_share", "latency_mean_s")

Seconds = Annotated[float, Field(gt=0, le=1e7)]


class Controller(Strict):
    """Checks a signal at regular intervals, and changes picks a while after it has stayed out of bounds."""

    label: Line
    """its name on the page"""
    note: Line | None = None
    """a remark on the page"""
    watches: Annotated[str, Ref("watched"), Field(max_length=120)]
    """`queue.STAGE`, or a figure of the requests answered in the last `window_s`"""
    above: float | None = None
    """acts when the signal is above this"""
    below: float | None = None
    """acts when the signal is below this"""
    every_s: Seconds = 60
    """how often it checks the signal"""
    window_s: Seconds = 600
    """how far back requests count"""
    lasts_s: Annotated[float, Field(ge=0, le=1e7)] = 0
    """how long the signal must stay out of bounds"""
    delay_s: Annotated[float, Field(ge=0, le=1e7)] = 0
    """time from its decision until the picks change"""
    set: Annotated[Picks, Field(min_length=1, max_length=32)]
    """the picks that change, choice: option"""

    _one_bound = exactly_one("above", "below")

    @property
    def queue_of(self) -> str | None:
        """The stage whose queue it watches; None if it watches requests."""
        kind, _, stage = self.watches.partition(".")
        return stage if kind == "queue" and stage else None

    def acts_on(self, signal: float) -> bool:
        return signal > self.above if self.above is not None else signal < (self.below or 0.0)
