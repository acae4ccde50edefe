"""Sends a request again that was turned away."""

from __future__ import annotations

from collections.abc import Iterator
from math import inf
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from simulator.scenario.base import Figure, Strict, bounded
from simulator.scenario.metrics import Metric, share_metric
from simulator.scenario.stages.base import AnyStage, Target


class Budget(Strict):
    """A retry budget: how many retries a client allows itself over all its requests."""

    share: Annotated[float, Field(ge=0, le=10, description="retries for each fresh request of the window")]
    window_s: Annotated[float, Field(gt=0, le=3600, description="how far back requests and retries count")] = 10
    min_per_s: Annotated[float, Field(ge=0, le=1e6, description="further retries a second allowed")] = 0


class Retry(AnyStage):
    """A client that was turned away waits a while and sends the same request again, or gives up.

    The n-th retry waits `backoff_ms` times `factor` to the power of n - 1, `max_backoff_ms` at most. With jitter it waits a
    random time instead: `full` between nothing and that, `equal` between half of that and that.
    """

    keeps: ClassVar[bool] = True
    counts: ClassVar[bool] = True
    sends_again: ClassVar[bool] = True

    kind: Literal["retry"]
    backoff_ms: Annotated[Figure, bounded(0, 3_600_000)]
    factor: Annotated[float, Field(ge=1, le=10)] = 2
    max_backoff_ms: Annotated[float | None, Field(ge=0, le=3_600_000)] = None
    jitter: Literal["none", "full", "equal"] = "none"
    max_tries: Annotated[int, Field(ge=1, le=20, description="total number of times a request is sent; 1: no retries")] = 3
    budget: Budget | None = None
    to: Target
    on_exhausted: Annotated[Target, Field(description="where a request goes that is not retried")]

    def tries(self, rate: float) -> float:
        """The tries of one request, or as many as the budget allows each."""
        if self.budget is None:
            return self.max_tries
        extra = self.budget.min_per_s / rate if rate else inf if self.budget.min_per_s else 0.0
        return min(self.max_tries, 1 + self.budget.share + extra)

    @classmethod
    def metrics(cls, name: str, label: str, tags: list[str]) -> Iterator[Metric]:
        """Retries per request, and requests whose last try failed."""
        yield Metric(f"retries_per_request.{name}", f"{label}: retries per request", "a request", "lower", "ratio", stage=name)
        yield share_metric(f"exhausted_share.{name}", f"{label}: requests whose last try failed", "lower", name)
