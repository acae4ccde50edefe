"""Metrics of a run that a case can name, the registry of families that bring them, and groups of requests."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from importlib import import_module
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, Self

from simulator.keeper import remembers

if TYPE_CHECKING:
    from simulator.case.any_stage import AnyStage
    from simulator.case.case_contract import AnyAttribute
    from simulator.case.scenario_parts import OwnMetric

Unit = Literal["s", "share", "1/s", "1/h", "USD", "per 1,000", "a request", "m", "km/h", "W", "J"]

#: The computation of a metric from the replications of a run, which decides its interval too.
#: ratio: a total over a total; share: requests of a kind over requests, also near 0 and 1;
#: mean, quantile: of all values of a sample, whichever replication they belong to.
EstimatorName = Literal["ratio", "share", "mean", "quantile"]

Better = Literal["higher", "lower"] | None

#: Samples, by the first part of their names, that hold times of single requests, so that a group has its own.
_OF_REQUESTS = ("served", "latency", "wait")

#: The package whose import fills FAMILIES: it lies above this module, and is imported when metrics are first read.
_PROVIDER = "simulator.metrics"


class MetricGroup(NamedTuple):
    """The requests with one value of an attribute, or with a number in one band."""

    attribute: str
    value: str

    @property
    def key(self) -> str:
        return f"{self.attribute}.{self.value}"


@dataclass(frozen=True)
class Metric:
    """A metric's name, unit and direction, the part of the case it is about, and its estimator.

    better: which direction is better; None if that depends
    sample: the times it is taken of, where it is a mean or a quantile (`Measures.samples`)
    stage, request_class, tag, group: its subject, where it is not about all requests
    Two designs are compared replication by replication, since both meet the same requests; a metric that rests on labelled
    items is compared resample by resample as well.
    """

    name: str
    label: str
    unit: Unit
    better: Better
    estimator: EstimatorName
    sample: str = ""
    quantile: float | None = None
    stage: str | None = None
    request_class: str | None = None
    tag: str | None = None
    least: float = 0.0
    most: float = field(default=float("inf"))
    group: MetricGroup | None = None

    @property
    def is_time(self) -> bool:
        return self.unit == "s"

    @property
    def is_tail(self) -> bool:
        return self.quantile is not None and self.quantile > 0.5

    @property
    def has_groups(self) -> bool:
        of_each = self.sample.partition(".")[0] in _OF_REQUESTS
        return of_each or (self.stage is None and self.unit in ("share", "per 1,000"))

    @property
    def of_all(self) -> Self:
        return self if self.group is None else replace(self, name=self.name.removesuffix(f".{self.group.key}"), group=None)


def share_metric(name: str, label: str, better: Better, stage: str | None = None) -> Metric:
    return Metric(name, label, "share", better, "share", stage=stage, most=1.0)


class CaseNouns(NamedTuple):
    """The words of a case for one request and for many, for those that may be positive, and for both classes of them."""

    one: str = "request"
    many: str = "requests"
    who: str = "requests"
    positives: str = "positives"
    negatives: str = "negatives"


@dataclass(frozen=True)
class CaseOutline:
    """The parts of a case that decide which metrics it has; they can be read from a file with faults as well.

    stages: the model of each stage's kind; tags: those that gates give; classes: of requests, whether each has a deadline
    population: the words for positives that are detected and for requests that are escalated; None without positives
    ages: ends that report how old their newest information is, with the sensors they report it of
    own: the metrics that the case defines itself
    rewards: whether some requests take something off the cost, so that it may be below 0
    labels: of stages, ends and sensors (as `sensor NAME`), where the author gives them
    nouns: the words for requests, with which the labels of metrics speak
    """

    stages: Mapping[str, type[AnyStage]]
    tags: list[str]
    classes: Mapping[str, Any]
    population: tuple[str, str] | None
    ages: Mapping[str, list[str]] = field(default_factory=dict)
    own: Mapping[str, OwnMetric] = field(default_factory=dict)
    rewards: bool = False
    labels: Mapping[str, str] = field(default_factory=dict)
    nouns: CaseNouns = field(default_factory=CaseNouns)

    def label(self, name: str) -> str:
        return self.labels.get(name, name)


@dataclass(frozen=True)
class CountedMetric:
    """A metric's record together with its count in one replication.

    count: takes a `CountedRun`; returns a `Total` (store "totals"), a `Sample` (store "samples") or, by stretch of the run, the
    numerators of a rate, shape (stretches,) (store "rates"); None where the replication has no such figure.
    A metric that a kind of stage counts itself (`Stage.totals`) has no count here.
    """

    record: Metric
    count: Callable[[Any], Any] | None = None
    store: Literal["totals", "samples", "rates"] = "totals"

    @property
    def key(self) -> str:
        return self.record.sample or self.record.name


@dataclass(frozen=True)
class MetricFamily:
    """Metrics that belong together.

    counted: yields the records of a case, each with its count; part: the field of the outline that the metrics are about. A
    case where this part is empty has none of them; "" for metrics that every case has.
    """

    name: str
    counted: Callable[[CaseOutline], Iterator[CountedMetric]]
    part: str = ""


#: The families by name, in the order of the screen.
FAMILIES: dict[str, MetricFamily] = {}


@remembers(8, key=lambda case: (repr(case), *FAMILIES.values()))
def counted_metrics(case: CaseOutline) -> Mapping[str, CountedMetric]:
    """Return the metrics of a case by name; designs of a case share them as long as their outlines are equal."""
    import_module(_PROVIDER)
    families = [family for family in FAMILIES.values() if not family.part or getattr(case, family.part)]
    return {counted.record.name: counted for family in families for counted in family.counted(case)}


def metrics_of(case: CaseOutline) -> dict[str, Metric]:
    return {name: metric.record for name, metric in counted_metrics(case).items()}


class Grouping(NamedTuple):
    """The groups of requests by an attribute: its label, the label of each group, and the metrics reported for each."""

    label: str
    groups: dict[str, str]
    metrics: list[str]


def grouping(attribute: AnyAttribute) -> Grouping:
    named = {name: name for name in getattr(attribute, "shares", {})} | getattr(attribute, "values", {})
    groups = bands(getattr(attribute, "edges", []), getattr(attribute, "unit", None) or "")
    return Grouping(attribute.label, named | groups, attribute.metrics)


def bands(edges: Sequence[float], unit: str = "") -> dict[str, str]:
    """Return the groups of a number between edges, each with its label; none without an edge."""
    if not edges:
        return {}
    of = f" {unit}" if unit else ""
    inner = {f"{low:g}_to_{high:g}": f"{low:g} to {high:g}{of}" for low, high in pairwise(edges)}
    return {f"under_{edges[0]:g}": f"under {edges[0]:g}{of}", **inner, f"from_{edges[-1]:g}": f"{edges[-1]:g}{of} and more"}


def with_groups(metrics: Mapping[str, Metric], groupings: Mapping[str, Grouping]) -> dict[str, Metric]:
    return {**metrics, **{metric.name: metric for metric in _grouped(metrics, groupings)}}


def _grouped(metrics: Mapping[str, Metric], groupings: Mapping[str, Grouping]) -> Iterator[Metric]:
    for attribute, divided in groupings.items():
        for name in divided.metrics:
            if name in metrics and metrics[name].has_groups:
                for value, words in divided.groups.items():
                    group, metric = MetricGroup(attribute, value), metrics[name]
                    label = f"{metric.label} ({divided.label}: {words})"
                    yield replace(metric, name=f"{name}.{group.key}", label=label, group=group)
