"""The metrics that a run reports: one record each, read by everything that reports, compares or names one."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, Self

if TYPE_CHECKING:
    from simulator.case.attributes import AnyAttribute
    from simulator.case.kinds import AnyStage
    from simulator.case.schema import Scenario

Unit = Literal["s", "share", "1/s", "1/h", "USD", "per 1,000", "a request", "m", "km/h", "W", "J"]

#: How a metric is computed from the replications of a run, and so how its interval is made.
#: ratio: a total over a total; share: requests of a kind over requests, also near 0 and 1;
#: mean, quantile: of all values of a sample, whichever replication they belong to.
Estimator = Literal["ratio", "share", "mean", "quantile"]

#: The quantiles that are reported of each sample.
LATENCY_QUANTILES = {"p50": 0.50, "p95": 0.95, "p99": 0.99}
WAIT_QUANTILES = {"p50": 0.50, "p95": 0.95}
AGE_QUANTILES = {"p95": 0.95, "p99": 0.99}

#: Samples, by the first part of their names, that hold times of single requests, so that a group has its own.
_OF_REQUESTS = ("served", "latency", "wait")


class MetricGroup(NamedTuple):
    """The requests of which an attribute has one value, or lies in one band."""

    attribute: str
    value: str

    @property
    def key(self) -> str:
        """The group in the name of a metric."""
        return f"{self.attribute}.{self.value}"


@dataclass(frozen=True)
class Metric:
    """What one metric is.

    better: which direction is better; None if that depends
    sample: which times it is taken of, where it is a mean or a quantile (`Measures.samples`)
    stage, request_class, tag, group: what it is about, where it is not about all requests
    Two designs are compared replication by replication, since both meet the same requests; what hangs on labelled items is
    compared resample by resample as well.
    """

    name: str
    label: str
    unit: Unit
    better: Literal["higher", "lower"] | None
    estimator: Estimator
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
        """Whether it is a latency, a wait or an age, which under overload depends on the length of the run."""
        return self.unit == "s"

    @property
    def is_tail(self) -> bool:
        """Whether it is a high percentile."""
        return self.quantile is not None and self.quantile > 0.5

    @property
    def has_groups(self) -> bool:
        """Whether it may be told of a part of the requests: a time of each, or a share of them; not what stages do."""
        of_each = self.sample.partition(".")[0] in _OF_REQUESTS
        return of_each or (self.stage is None and self.unit in ("share", "per 1,000"))

    @property
    def of_all(self) -> Self:
        """The same of all requests."""
        return self if self.group is None else replace(self, name=self.name.removesuffix(f".{self.group.key}"), group=None)


def metrics_of(
    kinds: Mapping[str, type[AnyStage]],
    tags: list[str],
    classes: Mapping[str, Any],
    words: tuple[str, str] | None,
    labels: Mapping[str, str] | None = None,
    ages: Mapping[str, list[str]] | None = None,
) -> dict[str, Metric]:
    """Every metric that a run can report, by name, in the order of the screen.

    kinds: stage to the model of its kind, which declares what it brings; tags: what gates call their routes
    classes: of requests, to whether they have a deadline; words: what is said of positives that are detected and of requests
    that are escalated, where requests are positives or negatives; labels: of stages and ends, where a person has
    given them; ages: ends that tell how old their newest information is, to the sensors that they tell it of
    """
    found = [
        *_latencies(classes),
        *_rates(bool(any(classes.values()))),
        *_shares(),
        *(_qualities(*words) if words else ()),
    ]
    for name, kind in kinds.items():
        found += kind.metrics(name, (labels or {}).get(name, name), tags)
    for name, sensors in (ages or {}).items():
        found += _ages(name, (labels or {}).get(name, name), {one: (labels or {}).get(f"sensor {one}", one) for one in sensors})
    return {metric.name: metric for metric in found}


def share_metric(name: str, label: str, better: Literal["higher", "lower"] | None, stage: str | None = None) -> Metric:
    """The share of the requests that something happened to; of one stage, where it is told of one."""
    return Metric(name, label, "share", better, "share", stage=stage, most=1.0)


def of_servers(name: str, label: str, tags: list[str]) -> Iterator[Metric]:
    """What is told of every stage that has servers: their utilization, and the waits for them, by tag where tags are given."""
    yield Metric(f"utilization.{name}", f"{label}: offered work over capacity", "share", None, "ratio",
                 stage=name)  # fmt: skip
    for short, share in WAIT_QUANTILES.items():
        yield Metric(f"wait_{short}_s.{name}", f"{label}: wait, {share:.0%} within", "s", "lower", "quantile", f"wait.{name}",
                     share, stage=name)  # fmt: skip
    for tag in tags:
        yield Metric(f"wait_p95_s.{name}.{tag}", f"{label}: wait of {tag} requests, 95% within", "s", "lower", "quantile",
                     f"wait.{name}.{tag}", 0.95, stage=name, tag=tag)  # fmt: skip


def _latencies(classes: Mapping[str, Any]) -> Iterator[Metric]:
    for sample, prefix, what in (
        ("served", "latency_served", "Answer to a request served"),
        ("latency", "latency", "Answer or refusal"),
    ):
        yield Metric(f"{prefix}_mean_s", f"{what}, mean", "s", "lower", "mean", sample)
        for name, share in LATENCY_QUANTILES.items():
            yield Metric(f"{prefix}_{name}_s", f"{what}, {share:.0%} within", "s", "lower", "quantile", sample, share)
    for name in classes:
        yield Metric(f"latency_p95_s.{name}", f"Answer or refusal, class {name}, 95% within", "s", "lower", "quantile",
                     f"latency.{name}", 0.95, request_class=name)  # fmt: skip


def _rates(has_deadline: bool) -> Iterator[Metric]:
    if has_deadline:
        yield share_metric("on_time_share", "Requests answered within their deadline", "higher")
    within = " and in time" if has_deadline else ""
    yield Metric("goodput_per_s", f"Requests served{within}", "1/s", "higher", "ratio")
    yield Metric("throughput_per_s", "Answers, refusals included", "1/s", None, "ratio")
    yield Metric("cost_per_1000_usd", "Cost of 1,000 requests", "USD", "lower", "ratio")


def _shares() -> Iterator[Metric]:
    yield share_metric("done_share", "Requests done as planned", "higher")
    yield share_metric("shed_share", "Requests refused", "lower")
    yield share_metric("timed_out_share", "Requests that waited too long", "lower")
    yield share_metric("failed_share", "Requests lost with a replica", "lower")
    yield share_metric("unfinished_share", "Requests unfinished at the end of the run", "lower")


def _qualities(detected: str, escalated: str) -> Iterator[Metric]:
    yield share_metric("sensitivity", f"Positives {detected}", "higher")
    yield share_metric("specificity", f"Negatives not {escalated}", "higher")
    yield share_metric("positive_predictive_value", f"Requests {escalated} that are positive", "higher")
    yield share_metric("negative_predictive_value", f"Requests not {escalated} that are negative", "higher")
    yield Metric("missed_per_1000", "Positives missed", "per 1,000", "lower", "ratio")
    yield share_metric("escalated_share", f"Requests {escalated}", None)


def _ages(name: str, label: str, sensors: Mapping[str, str]) -> Iterator[Metric]:
    """The age of information at an end: over time, and just before something newer arrives; sensors: the label of each."""
    for of, what in [(name, ""), *((f"{name}.{sensor}", f" of “{told}”") for sensor, told in sensors.items())]:
        yield Metric(f"age_mean_s.{of}", f"{label}: age of what is known{what}, over time", "s", "lower", "ratio")
        for short, share in AGE_QUANTILES.items():
            told = f"{label}: age of what is known{what}, within which it is {share:.0%} of the time"
            yield Metric(f"age_{short}_s.{of}", told, "s", "lower", "quantile", f"age.{of}", share)
        yield Metric(f"age_peak_mean_s.{of}", f"{label}: age{what} when something newer arrives, mean", "s", "lower", "mean",
                     f"age_peak.{of}")  # fmt: skip
        yield Metric(f"age_peak_p95_s.{of}", f"{label}: age{what} when something newer arrives, 95% within", "s", "lower",
                     "quantile", f"age_peak.{of}", 0.95)  # fmt: skip


#: What a person asks of a run. What it rests on is asked last, in every case.
Question = Literal["missed", "waits", "costs", "rests"]


@dataclass(frozen=True)
class Exhibit:
    """What an author needs to know about an exhibit.

    label: its title
    question: the one that it answers; a page has a panel for each
    needs: what it needs, in words. Empty if every case has something to show.
    shows: whether a case as a whole has something to show; None where a stage must offer the exhibit (`AnyStage.exhibits`)
    """

    label: str
    question: Question
    needs: str = ""
    shows: Callable[[Scenario], bool] | None = None

    def is_offered(self, name: str, scenario: Scenario) -> bool:
        """Whether the exhibit, which is registered under `name`, has something to show of a case."""
        if not self.needs:
            return True
        if self.shows is not None:
            return self.shows(scenario)
        return any(name in stage.exhibits for stage in scenario.stages.values())


def has_encounters(scenario: Scenario) -> bool:
    """Whether a case asks if a vehicle stops in time."""
    return scenario.encounters is not None


def has_vehicle(scenario: Scenario) -> bool:
    """Whether a case says what a vehicle carries."""
    return scenario.vehicle is not None


def _has_sensors(scenario: Scenario) -> bool:
    return bool(scenario.sensors and scenario.machine_stages())


def _has_ages(scenario: Scenario) -> bool:
    return bool(scenario.ages)


#: Every exhibit by name, in the order in which a page shows them unless its case names its own.
EXHIBITS = {
    "encounter": Exhibit("One encounter", "missed", "encounters", has_encounters),
    "sight": Exhibit("Sight and stopping distance", "missed", "encounters", has_encounters),
    "front": Exhibit("Accuracy and latency", "missed", "encounters", has_encounters),
    "outcomes": Exhibit("Outcomes", "missed"),
    "threshold": Exhibit("Threshold", "missed", "a gate by score"),
    "overload": Exhibit("Overload", "waits", "a retry"),
    "batches": Exhibit("Machines", "waits", "a pool"),
    "cameras": Exhibit("Machines by sensor", "waits", "sensors and a pool", _has_sensors),
    "ages": Exhibit("Age of information", "waits", "an end with `age: true`", _has_ages),
    "shifts": Exhibit("People", "waits", "a stage of people"),
    "answer_times": Exhibit("Answer times", "waits"),
    "one_request": Exhibit("One at a time", "waits"),
    "cost": Exhibit("Cost", "costs"),
    "vehicle": Exhibit("What a vehicle costs", "costs", "a vehicle", has_vehicle),
    "transfer": Exhibit("Threshold elsewhere", "rests", "a gate by score"),
    "lateness": Exhibit("What lateness takes", "rests", "encounters", has_encounters),
    "misses": Exhibit("How misses follow each other", "rests", "encounters", has_encounters),
    "sensors": Exhibit("What a second sensor adds", "rests", "encounters", has_encounters),
}


def offered(scenario: Scenario) -> list[str]:
    """The exhibits with something to show of a case, in the order of the registry."""
    return [name for name, exhibit in EXHIBITS.items() if exhibit.is_offered(name, scenario)]


class Grouping(NamedTuple):
    """How an attribute parts the requests: its label, its groups with what a person calls them, the metrics told of each."""

    label: str
    groups: dict[str, str]
    metrics: list[str]


def grouping(attribute: AnyAttribute) -> Grouping:
    """How an attribute parts the requests."""
    given = attribute.model_dump(include={"label", "shares", "values", "edges", "unit", "metrics"})
    return grouping_of(given)


def grouping_of(data: Mapping[str, Any]) -> Grouping:
    """The same of an attribute as it stands in the file, whatever else is wrong with it."""
    named = {str(name): str(name) for name in _part(data, "shares", dict)}
    named |= {str(name): str(words) for name, words in _part(data, "values", dict).items()}
    edges = [edge for edge in _part(data, "edges", list) if isinstance(edge, int | float)]
    metrics = [name for name in _part(data, "metrics", list) if isinstance(name, str)]
    return Grouping(str(data.get("label")), named | bands(edges, str(data.get("unit") or "")), metrics)


def _part(data: Mapping[str, Any], key: str, kind: type) -> Any:
    return found if isinstance(found := data.get(key), kind) else kind()


def bands(edges: Sequence[float], unit: str = "") -> dict[str, str]:
    """The groups that edges part a number into, with what a person calls them; none without an edge."""
    if not edges:
        return {}
    of = f" {unit}" if unit else ""
    inner = {f"{low:g}_to_{high:g}": f"{low:g} to {high:g}{of}" for low, high in pairwise(edges)}
    return {f"under_{edges[0]:g}": f"under {edges[0]:g}{of}", **inner, f"from_{edges[-1]:g}": f"{edges[-1]:g}{of} and more"}


def with_groups(metrics: Mapping[str, Metric], groupings: Mapping[str, Grouping]) -> dict[str, Metric]:
    """The metrics, and behind them those that are told of each group of an attribute."""
    return {**metrics, **{metric.name: metric for metric in _grouped(metrics, groupings)}}


def _grouped(metrics: Mapping[str, Metric], groupings: Mapping[str, Grouping]) -> Iterator[Metric]:
    for attribute, found in groupings.items():
        for name in found.metrics:
            if name in metrics and metrics[name].has_groups:
                for value, words in found.groups.items():
                    group, one = MetricGroup(attribute, value), metrics[name]
                    label = f"{one.label} ({found.label}: {words})"
                    yield replace(one, name=f"{name}.{group.key}", label=label, group=group)


def told_by_group(metrics: Iterable[Metric]) -> list[str]:
    """The metrics that may be told of a group of requests."""
    return [metric.name for metric in metrics if metric.has_groups]
