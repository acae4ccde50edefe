"""Challenge of a result: the number of objectives met, and the weakest evidence among what decides them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from simulator.evidence.catalogue import field_drop_of
from simulator.explain.bottleneck import part_in_sentence, price_is_assumed
from simulator.explain.claims import Claim, on_verdict
from simulator.explain.notes import labelled_behind
from simulator.explain.trust import unprovable
from simulator.metrics.summary import POSITIVES_FOR_99, Standing, Summary, Verdict
from simulator.units import roughly

#: A part of the cost is worth a word from this share on.
LARGE = 0.25

_WORDS = ("none", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")


@dataclass(frozen=True)
class Ground:
    """Evidence that a verdict rests on. weakness: its place among all grounds, the weakest first; source: its author."""

    weakness: int
    claim: Claim
    source: str | None = None

    @property
    def sentence(self) -> str:
        return self.claim.words


@dataclass(frozen=True)
class Challenge:
    """The number of objectives met, and the grounds, the weakest first."""

    claim: Claim
    grounds: list[Ground]
    all_met: bool

    @property
    def met(self) -> str:
        return self.claim.words

    @property
    def sentence(self) -> str:
        weakest = [ground.sentence for ground in self.grounds[:1]]
        return " ".join([self.met, *weakest, "Defend it."]) if self.all_met else self.met


def challenge_of(result: Summary) -> Challenge | None:
    """Return the challenge of a result; None for a case without objectives."""
    if not result.verdicts:
        return None
    if words := result.outside_brief:
        void = tuple(on_verdict(verdict, words=words) for verdict in result.verdicts)
        return Challenge(Claim("objectives", "is", "void", words=words, parts=void), [], all_met=False)
    open_ones = undecidable(result)
    counts = Counter(verdict.standing for verdict in result.verdicts if verdict not in open_ones)
    all_met = counts["met"] == len(result.verdicts)
    words = " ".join([*([_met(counts)] if counts else []), *_apart(open_ones)])
    met = Claim("objectives", "is", counts["met"], population="met", words=words)
    return Challenge(met, sorted(_grounds(result), key=lambda ground: ground.weakness), all_met)


def undecidable(result: Summary) -> list[Verdict]:
    """Return the verdicts that are open and that no design can prove with the evidence of the case: they are scored apart."""
    return [verdict for verdict in result.verdicts if verdict.standing == "not proven" and unprovable(result, verdict)]


def _apart(verdicts: list[Verdict]) -> Iterator[str]:
    """Name the objectives that are scored apart."""
    if verdicts:
        names = ", ".join(f"“{verdict.objective.label}”" for verdict in verdicts)
        yield f"The evidence here cannot decide {names}."


def _met(counts: Counter[Standing]) -> str:
    """`All five met.`, or `Three of five met, one not proven, one not met.`"""
    total, met = counts.total(), counts["met"]
    if met == total:
        return "Met." if total == 1 else f"{'Both' if total == 2 else f'All {_word(total)}'} met."
    if counts["not met"] == total:
        return "Not met." if total == 1 else f"None of {_word(total)} met."
    others: tuple[Standing, ...] = ("not proven", "not met", "no figure")
    rest = [
        f"{_word(counts[other])} {'without a figure' if other == 'no figure' else other}" for other in others if counts[other]
    ]
    first = f"{_word(met).capitalize()} of {_word(total)} met"
    return f"{', '.join([first, *rest])}."


def _word(count: int) -> str:
    return _WORDS[count] if count < len(_WORDS) else str(count)


def _grounds(result: Summary) -> Iterator[Ground]:
    if any(verdict.estimate and verdict.estimate.labels for verdict in result.verdicts):
        yield from _scores(result)
        yield from _readers(result)
        yield from _labelled(result)
    yield from _cost(result)
    yield from _latencies(result)
    yield from _arrivals(result)


def _scores(result: Summary) -> Iterator[Ground]:
    for pool, table in result.plan.tables.items():
        label, about, drop = result.plan.scenario.stages[pool].label, table.about, field_drop_of(table.name)
        if drop is not None:
            bench, field = (_range(interval.sensitivity) for interval in (drop.bench, drop.field))
            vendor = (
                f"{label}: its scores are its vendor's claim, {bench} of the {_positives(result)} on the vendor's own bench"
            )
            words = f"{vendor}; in the field, {drop.what} found {field}."
            yield Ground(0, _rests(f"scores of {label}", "claimed", words), drop.field.source)
        elif about.kind == "assumed":
            words = f"{label}: its scores are assumed, not measured."
            yield Ground(1, _rests(f"scores of {label}", about.kind, words), about.source)
        elif about.kind == "published":
            words = f"{label}: its scores are a published claim that was not checked here."
            yield Ground(2, _rests(f"scores of {label}", about.kind, words), about.source)


def _rests(subject: str, value: str | float, words: str) -> Claim:
    return Claim(subject, "rests on", value, population="evidence", words=words, evidence="table")


def _range(bounds: tuple[float, float]) -> str:
    low, high = (roughly(share) for share in bounds)
    return low if low == high else f"{low.removesuffix('%')} to {high}"


def _readers(result: Summary) -> Iterator[Ground]:
    for stage in result.plan.scenario.stages.values():
        figure = getattr(stage, "sensitivity", None)
        if figure is not None and figure.kind == "assumed":
            words = (
                f"{stage.label}: it is assumed that {roughly(figure.value)} of the {_positives(result)} are recognised there."
            )
            yield Ground(3, _rests(f"sensitivity of {stage.label}", figure.kind, words), figure.source)


def _labelled(result: Summary) -> Iterator[Ground]:
    """Name the objective that rests on the fewest labelled people of the class it is about."""
    table = result.plan.scores
    if table is None or table.about.kind != "measured":
        return
    behind = {
        verdict.objective.label: found[1]
        for verdict in result.verdicts
        if (found := labelled_behind(result.plan, verdict.metric))
    }
    if behind:
        label, people = min(behind.items(), key=lambda one: one[1])
        sentence = f"“{label}” rests on {people:,.0f} labelled {result.plan.scenario.who.many}."
        yield Ground(5 if people < POSITIVES_FOR_99 else 8, _rests(label, people, sentence))


def _cost(result: Summary) -> Iterator[Ground]:
    """Name the largest part of the cost, if an objective asks for the cost and the author assumed the price of that part."""
    if not any(verdict.objective.metric == "cost_per_1000_usd" for verdict in result.verdicts):
        return
    total = sum(max(part.value, 0.0) for part in result.costs.values())
    part = max(result.costs, key=lambda name: result.costs[name].value, default="")
    share = result.costs[part].value / total if total else 0.0
    if share >= LARGE and price_is_assumed(result.plan, part):
        label = part_in_sentence(result.plan.scenario, part)
        words = f"Of the cost, {roughly(share)} is {label}, at a price that is assumed."
        yield Ground(4, _rests(f"price of {label}", "assumed", words))


def _latencies(result: Summary) -> Iterator[Ground]:
    for source in result.provenance:
        if source.what.endswith(": latency") and source.kind != "measured":
            label = source.what.removesuffix(": latency")
            sentence = f"{label}: its latencies are {source.kind}, not measured on the machine that would serve."
            yield Ground(6, _rests(source.what, source.kind, sentence), source.source)


def _arrivals(result: Summary) -> Iterator[Ground]:
    for source in result.provenance:
        if source.what.startswith("arrivals.") and source.kind == "assumed":
            words = f"The number of {result.plan.scenario.unit.many} is assumed."
            yield Ground(7, _rests(source.what, source.kind, words), source.source)
            return


def _positives(result: Summary) -> str:
    who = result.plan.scenario.population
    return who.positives if who else "positives"
