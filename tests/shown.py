"""What one surface shows about one subject, as it can be read there, with the rounding of its digits."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from simulator.explain.claims import ALL, Claim, Relation, each_claim

#: The surface of a record, before it is a sentence.
RECORD = "record"


@dataclass(frozen=True)
class Shown:
    """One thing that one surface says about one subject.

    subject: a metric, an objective (by its metric), `load.STAGE`, `peak load.STAGE`, or a whole of which the claim names a part
    run: the hash of the run that the claim is about; against: that of the run that it is compared with
    value, interval: in the unit of the subject; population: of the figure, or the step that a change is about
    decided_by: the sentence that says what would decide the subject; slack: half of the last digit shown
    """

    subject: str
    relation: Relation
    value: float | str | bool | None
    interval: tuple[float, float] | None = None
    unit: str = ""
    population: str = ALL
    decided_by: str = ""
    words: str = ""
    surface: str = ""
    slack: float = 0.0
    run: str = ""
    against: str = ""


def records(claims: Iterable[Claim], surface: str = RECORD) -> Iterator[Shown]:
    """Put records beside what is read: each claim and each of its parts, exact."""
    for one in each_claim(claims):
        decided = one.decided_by.sentence if one.decided_by else ""
        yield Shown(one.subject, one.relation, one.value, one.interval, one.unit, one.population, decided, one.words,
                         surface, 0.0, one.run, one.against)  # fmt: skip


def about(run: str, claims: Iterable[Shown], against: str = "") -> Iterator[Shown]:
    """Mark claims as claims about a run, by its hash, unless they name one; against: the run that it is compared with."""
    yield from (replace(claim, run=claim.run or run, against=claim.against or against) for claim in claims)
