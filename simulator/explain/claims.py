"""Claims: each statement about a design is a record before it is a sentence.

The code that computes a figure makes the claim about it. Pages, the terminal, the report and `--json` print its `words`.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator
from dataclasses import dataclass, replace
from math import inf, isfinite
from typing import Any, Literal

from simulator.case.outputs import Metric
from simulator.intervals import Interval
from simulator.metrics.comparisons import Comparison, undecided
from simulator.metrics.summary import Verdict
from simulator.phrases import Phrase, phrase

Relation = Literal[
    "is",  # a figure; None where there is none
    "differs",  # from the run `against`
    "beyond chance",  # whether the difference from the run `against` is
    "verdict",  # a standing
    "rules out",  # a standing that the objective cannot have
    "certain",  # whether the interval excludes the bound
    "asks",  # the range in which an objective is met
    "part of",  # a whole whose parts are all claimed
    "among",  # the parts of a whole whose largest parts are claimed
    "causes",  # a stage; None where no stage does
    "limits",  # a stage or an objective, of a run or of a capacity
    "would change",  # by a step
    "helps",  # a step that improves an objective, or "none"
    "cannot",  # "be proven"
    "rests on",  # evidence, or a number of labelled items
]

#: The evidence that bears a claim out: the run, a run of another design on the same requests, theory, a table of measurements.
Evidence = Literal["run", "paired run", "closed form", "table"]

RemedyKind = Literal["replications", "labels", "drives", "measurement", "nothing"]

#: The population of a claim about every request of every replication.
ALL = "all"


@dataclass(frozen=True)
class Remedy:
    """The evidence that would decide an objective, in a sentence; why: the cause of a wide interval, empty if it is the run."""

    kind: RemedyKind
    sentence: str
    why: str = ""


@dataclass(frozen=True)
class Claim:
    """One statement about one subject.

    subject: a metric, an objective (by its metric), `load.STAGE`, `peak load.STAGE`, or a whole of which the claim names a part
    value, interval: in the unit of the subject; population: that the figure counts, or the step that a change is about
    decided_by: the evidence that would decide the subject; parts: the claims that its sentence makes besides, clause by clause
    run, scenario: the hashes of the run and of its case; against: the hash of the run that it is compared with
    """

    subject: str
    relation: Relation
    value: float | str | bool | None = None
    interval: tuple[float, float] | None = None
    unit: str = ""
    population: str = ALL
    words: str = ""
    evidence: Evidence = "run"
    decided_by: Remedy | None = None
    parts: tuple[Claim, ...] = ()
    run: str = ""
    scenario: str = ""
    against: str = ""

    def to_json(self) -> dict[str, Any]:
        """Return the claim as `casesim run --json` prints it, without what it does not have and without infinite numbers."""
        low, high = self.interval or (None, None)
        numbers = {"value": self.value, "low": low, "high": high}
        finite = {
            name: number
            for name, number in numbers.items()
            if number is not None and (isinstance(number, str) or isfinite(number))
        }
        texts = {name: text for name in ("unit", "population", "evidence", "run", "against") if (text := getattr(self, name))}
        decider = self.decided_by and {"kind": self.decided_by.kind, "sentence": self.decided_by.sentence}
        decided = {"decided_by": decider} if decider else {}
        return {"subject": self.subject, "relation": self.relation, **finite, **texts, **decided, "words": self.words}


def each_claim(claims: Iterable[Claim]) -> Iterator[Claim]:
    """Yield claims and their parts, each on its own."""
    for claim in claims:
        yield replace(claim, parts=())
        yield from each_claim(claim.parts)


def claims_json(claims: Iterable[Claim]) -> list[dict[str, Any]]:
    """Return claims and their parts as a list of objects, each once: two objectives may have one cause."""
    return [claim.to_json() for claim in dict.fromkeys(each_claim(claims))]


def about_run(claims: Iterable[Claim], run: str, scenario: str, against: str = "") -> list[Claim]:
    """Return claims with the hashes of the run that they are about; those that name a run of their own keep it."""
    return [
        replace(claim, run=claim.run or run, scenario=scenario, against=claim.against or against,
                parts=tuple(about_run(claim.parts, run, scenario, against)))
        for claim in claims
    ]  # fmt: skip


def said(claims: Iterable[Claim], key: str = "sentences.all") -> Phrase:
    """Join the words of claims, as sentences or as clauses."""
    return phrase(key, each=[claim.words for claim in claims])


def on_metric(
    metric: Metric, relation: Relation, value: Interval | float | str | bool | None, words: str, **more: Any
) -> Claim:
    """Claim something about a metric, in its unit and for its population; a value with an interval is claimed with it."""
    own: dict[str, Any] = {"unit": metric.unit, "population": str(metric.group.key) if metric.group else ALL, "words": words}
    if isinstance(value, Interval):
        own["interval"], value = (value.low, value.high), value.value
    return Claim(metric.name, relation, value, **own | more)


def on_verdict(verdict: Verdict, decided_by: Remedy | None = None, words: str = "", parts: tuple[Claim, ...] = ()) -> Claim:
    """Claim the standing of an objective."""
    shown = words or f"{verdict.objective.label}: {verdict.standing}."
    return on_metric(verdict.metric, "verdict", verdict.standing, shown, decided_by=decided_by, parts=parts)


def asked_of(verdict: Verdict, words: str = "") -> Claim:
    """Claim the range in which an objective is met."""
    allowed = (verdict.bound, inf) if verdict.objective.upward else (-inf, verdict.bound)
    shown = words or f"{verdict.statement}."
    return on_metric(verdict.metric, "asks", verdict.bound, shown, interval=allowed)


def figure(metric: Metric, estimate: Interval | None, words: str, **more: Any) -> Claim:
    """Claim the value of a metric with its interval, or that there is none."""
    return on_metric(metric, "is", estimate, words, **more)


def difference(metric: Metric, change: Interval | None, words: str, **more: Any) -> Claim:
    """Claim the change of a metric from one run to another, or that one of the two has no figure."""
    return on_metric(metric, "differs", change, words, evidence="paired run", **more)


def difference_claims(compared: Comparison) -> list[Claim]:
    """Claim the difference of each metric from another run, or that one of the two has no figure."""
    return _of_both(compared, [difference(row.metric, row.change, f"{row.label}: {row.words}.") for row in compared.all])


def line_claims(compared: Comparison) -> list[Claim]:
    """Claim each difference as a line, `Cost: 20.4 USD → 45.4 USD (+24.9 USD)`, then those that chance may explain."""
    return _of_both(compared, [difference(row.metric, row.change, f"{row.label}: {row.line}") for row in compared.all])


def open_claims(compared: Comparison, names: Container[str] | None = None) -> list[Claim]:
    """Claim which differences may be chance, in one sentence; empty where none may. names: of metrics, None for all."""
    moved = [row for row in compared.moved if names is None or row.metric.name in names]
    words = undecided(moved)
    unclear = [row.metric for row in moved if not row.significant and row.change.value != 0]
    parts = tuple(on_metric(metric, "beyond chance", False, words, evidence="paired run") for metric in unclear)
    whole = [Claim("differences", "beyond chance", False, words=words, evidence="paired run", parts=parts)] if words else []
    return _of_both(compared, whole)


def _of_both(compared: Comparison, claims: Iterable[Claim]) -> list[Claim]:
    after = compared.after
    return about_run(claims, after.run_hash, after.plan.scenario_hash, compared.before.run_hash)


def change_by(metric: Metric, change: Interval | None, step: str, words: str) -> Claim:
    """Claim the change of a metric by a step, from runs of both designs on the same requests."""
    return on_metric(metric, "would change", change, words, population=step, evidence="paired run")


def load_claim(name: str, load: float, words: str, evidence: Evidence = "run", at: str = "load") -> Claim:
    """Claim the offered load of a stage, in parts of what it can serve; at: over the run, or at the peak."""
    return Claim(f"{at}.{name}", "is", load, words=words, evidence=evidence)


def split_of(
    metric: Metric, whole: float, words: str, parts: Iterable[tuple[float, str]], unit: str = "%"
) -> tuple[Claim, ...]:
    """Claim a whole behind a metric and its largest parts, each with its words."""
    name, more = f"parts of {metric.name}", {"unit": unit}
    among = [replace(on_metric(metric, "among", size, clause, **more), subject=name) for size, clause in parts]
    return replace(on_metric(metric, "is", whole, words, **more), subject=name), *among
