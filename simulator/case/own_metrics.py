"""Metrics that a case defines itself: the requests that a condition selects, as a share of others or per 1,000 of them."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import Field, model_validator

from simulator.case.fields import CostFigure, Figure, Line, Name, Strict, exactly_one
from simulator.case.references import Ref

Outcome = Literal["done", "timed_out", "shed", "failed", "unfinished"]

#: The groups that a request may belong to, by attribute.
Groups = dict[
    Annotated[Name, Ref("attribute")],
    Annotated[list[Annotated[str, Ref("group"), Field(max_length=60)]], Field(min_length=1, max_length=64)],
]


class RequestCount(Strict):
    """Requests that fulfil every condition that is given, and one entry of each list; all requests where none is given."""

    written: ClassVar[str] = "{ends: [done], positive: true}"

    ends: Annotated[list[Annotated[Name, Ref("end")]], Field(max_length=32)] = []
    """they ended at one of these"""
    stages: Annotated[list[Annotated[Name, Ref("logged_stage")]], Field(max_length=32)] = []
    """they came to one of these stages; not gates and forks"""
    tags: Annotated[list[Annotated[Name, Ref("tag")]], Field(max_length=32)] = []
    """their last tag is one of these"""
    classes: Annotated[list[Annotated[Name, Ref("class")]], Field(max_length=32)] = []
    """they are of one of these classes"""
    outcomes: Annotated[list[Outcome], Field(max_length=5)] = []
    """they had one of these outcomes"""
    groups: Annotated[Groups, Field(max_length=16)] = {}
    """by attribute: the groups that they belong to"""
    positive: bool | None = None
    """whether they are positive"""
    escalated: bool | None = None
    """whether they ended where `escalated` is true"""
    detected: Literal[True] | None = None
    """count positives by the share of them that is found where they end"""
    missed: Literal[True] | None = None
    """count positives by the share of them that is not found where they end"""

    @property
    def counts_parts(self) -> bool:
        """Whether a request may count for less than one."""
        return self.detected is True or self.missed is True


class OwnMetric(Strict):
    """A metric of a case's own: a share of requests, or a number of them for 1,000 others."""

    written: ClassVar[str] = "{label: Pictures taken down, share: {ends: [removed]}, of: {positive: true}}"

    label: Line
    """its name on the page"""
    share: RequestCount | None = None
    """the requests counted, among those of `of`"""
    per_1000: RequestCount | None = None
    """the requests counted, for 1,000 of those of `of`"""
    of: RequestCount = RequestCount()
    """the requests that they are divided by; none: all"""
    better: Literal["higher", "lower"] | None = None
    """which direction is better; none: that depends"""

    _one_number = exactly_one("share", "per_1000", message="give share, for a share of requests, or per_1000, for a ratio")

    @model_validator(mode="after")
    def _divides_by_whole_requests(self) -> Self:
        if self.of.counts_parts:
            raise ValueError("`of` counts whole requests; write `detected` and `missed` in the numerator alone")
        return self

    @property
    def counted(self) -> RequestCount:
        counted = self.per_1000 if self.share is None else self.share
        assert counted is not None
        return counted


class RequestPrice(Strict):
    """Costs or earnings of each request that fulfils some conditions."""

    written: ClassVar[str] = "{label: A missed melanoma, usd: {value: 90000, assumed: why}, of: {missed: true}}"

    label: Line
    """its name among the parts of the cost"""
    usd: CostFigure | None = None
    """the cost of one request"""
    reward_usd: CostFigure | None = None
    """taken off the cost"""
    of: RequestCount
    """the requests that it is paid for"""

    _one_price = exactly_one("usd", "reward_usd", message="give usd, for a cost, or reward_usd, for a reward")

    @property
    def figure(self) -> Figure:
        figure = self.reward_usd if self.usd is None else self.usd
        assert figure is not None
        return figure

    @property
    def signed_usd(self) -> float:
        """The cost of one request; below 0 for a reward."""
        return self.figure.value if self.usd is not None else -self.figure.value


def outlined(data: Any) -> dict[str, OwnMetric]:
    """Return the metrics of a section as far as their names are concerned, whatever faults it has."""
    entries = data.items() if isinstance(data, dict) else ()
    given = {str(name): entry for name, entry in entries if isinstance(entry, dict)}
    return {name: OwnMetric.model_construct(label=name, share=entry.get("share"), better=None) for name, entry in given.items()}
