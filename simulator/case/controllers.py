"""What acts by itself during a run: a signal, a rule, a delay, and the picks that then change."""

from typing import Annotated, Self

from pydantic import Field, model_validator

from simulator.case.choices import Pick
from simulator.case.fields import Line, Name, Strict

#: Signals about the requests that were answered in the last `window_s`; `queue.STAGE` is the other kind.
REQUEST_SIGNALS = ("shed_share", "timed_out_share", "failed_share", "escalated_share", "latency_mean_s")

Seconds = Annotated[float, Field(gt=0, le=1e7)]


class Controller(Strict):
    """Checks a signal at regular intervals, and changes picks a while after it has stayed out of bounds."""

    label: Line
    note: Line | None = None
    watches: Annotated[
        str, Field(max_length=120, description="`queue.STAGE`, or a figure of the requests answered in the last `window_s`")
    ]
    above: Annotated[float | None, Field(description="acts when the signal is above this")] = None
    below: Annotated[float | None, Field(description="acts when the signal is below this")] = None
    every_s: Annotated[Seconds, Field(description="how often it checks the signal")] = 60
    window_s: Annotated[Seconds, Field(description="how far back requests count")] = 600
    lasts_s: Annotated[float, Field(ge=0, le=1e7, description="how long the signal must stay out of bounds")] = 0
    delay_s: Annotated[float, Field(ge=0, le=1e7, description="time from its decision until the picks change")] = 0
    set: Annotated[dict[Name, Pick], Field(min_length=1, max_length=32, description="the picks that change, choice: option")]

    @model_validator(mode="after")
    def _one_bound(self) -> Self:
        if (self.above is None) == (self.below is None):
            raise ValueError("give exactly one of above and below")
        return self

    @property
    def queue_of(self) -> str | None:
        """The stage whose queue it watches; None if it watches requests."""
        kind, _, stage = self.watches.partition(".")
        return stage if kind == "queue" and stage else None

    def acts_on(self, signal: float) -> bool:
        """Whether the signal is out of bounds; never if there is none (NaN)."""
        return signal > self.above if self.above is not None else signal < (self.below or 0.0)
