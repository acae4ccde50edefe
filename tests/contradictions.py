"""Contradictions among claims: each rule returns the pairs that cannot both be true. Claims about two runs are apart."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from itertools import combinations
from math import inf, isclose, isinf
from typing import NamedTuple

from simulator.phrases import Phrase
from tests.shown import RECORD, Shown
from tests.spoken_numbers import Spoken, numbers_in

#: Two numbers that differ by no more than this part of them are one number.
SAME = 1e-9


class Contradiction(NamedTuple):
    """Two claims that disagree, and the rule that they break."""

    rule: str
    one: Shown
    other: Shown

    def __str__(self) -> str:
        return f"{self.rule}: {self.one.subject}: {_told(self.one)} | {_told(self.other)}"


def _told(claim: Shown) -> str:
    number = "" if claim.interval is None else f" in {claim.interval}"
    return f"[{claim.surface}] {claim.value}{number} {claim.decided_by or claim.words[:160]}"


def contradictions(claims: Iterable[Shown]) -> list[Contradiction]:
    every = list(claims)
    return [Contradiction(rule, *pair) for rule, find in RULES.items() for pair in find(every)]


Pairs = Iterator[tuple[Shown, Shown]]


def _pairs(claims: list[Shown], *relations: str, by: Callable[[Shown], object]) -> Pairs:
    groups = defaultdict(list)
    for claim in claims:
        if claim.relation in relations:
            groups[by(claim)].append(claim)
    for group in groups.values():
        yield from combinations(group, 2)


def _subject(claim: Shown) -> tuple[str, ...]:
    return claim.subject, claim.relation, claim.population, claim.run, claim.against


def _about(claim: Shown) -> tuple[str, ...]:
    """Return the subject of any relation, for rules that set claims of two relations side by side."""
    return claim.subject, claim.population, claim.run


def _is_number(value: object) -> bool:
    return isinstance(value, float | int) and not isinstance(value, bool) and not isinf(value)


def _near(one: float, other: float, slack: float) -> bool:
    return one == other or abs(one - other) <= slack * 1.001 or isclose(one, other, rel_tol=SAME, abs_tol=1e-12)


def outside(claims: list[Shown]) -> Pairs:
    """Find a figure outside the interval that the same or another surface gives for it."""
    quoted = [claim for claim in claims if claim.relation in ("is", "would change", "differs")]
    with_interval = defaultdict(list)
    for claim in quoted:
        if claim.interval is not None:
            with_interval[_subject(claim)].append(claim)
    for one in quoted:
        for other in with_interval[_subject(one)] if _is_number(one.value) else ():
            slack = 1.001 * (one.slack + other.slack) + 1e-12
            if not other.interval[0] - slack <= float(one.value or 0.0) <= other.interval[1] + slack:
                yield one, other


def another_value(claims: list[Shown]) -> Pairs:
    for one, other in _pairs(claims, "is", "asks", "differs", "limits", by=_subject):
        numbers = _is_number(one.value) and _is_number(other.value)
        if numbers and not _near(float(one.value or 0), float(other.value or 0), one.slack + other.slack):
            yield one, other


def another_interval(claims: list[Shown]) -> Pairs:
    for one, other in _pairs(claims, "is", "asks", "differs", by=_subject):
        if one.interval and other.interval:
            slack = one.slack + other.slack
            if not all(_near(*ends, slack) for ends in zip(one.interval, other.interval, strict=True)):
                yield one, other


def figure_beside_none(claims: list[Shown]) -> Pairs:
    """Find a figure beside the claim that there is none to quote."""
    for one, other in _pairs(claims, "is", by=_subject):
        if (one.value is None) != (other.value is None):
            yield one, other


def another_verdict(claims: list[Shown]) -> Pairs:
    yield from ((one, other) for one, other in _pairs(claims, "verdict", by=_subject) if one.value != other.value)
    proven = {_about(one): one for one in claims if one.relation == "certain" and one.value}
    for claim in claims:
        certain = proven.get(_about(claim))
        if certain and claim.relation == "verdict" and claim.value in ("not proven", "no figure"):
            yield certain, claim


def verdict_against_its_number(claims: list[Shown]) -> Pairs:
    """Find a verdict that does not follow from the interval and the range that the same surface shows."""
    asked = {(*_about(one), one.surface): one for one in claims if one.relation == "asks"}
    reached = {(*_about(one), one.surface): one for one in claims if one.relation == "is"}
    for claim in claims:
        place = *_about(claim), claim.surface
        is_judged = claim.relation == "verdict" and claim.value != "void"  # outside of the brief no figure decides
        if not is_judged or place not in asked or place not in reached:
            continue
        figure, allowed = reached[place], asked[place].interval
        assert allowed is not None
        if figure.value is None:
            fits = claim.value == "no figure"
        elif figure.interval is None:
            continue
        else:
            bound = allowed[0] if isinf(allowed[1]) else allowed[1]
            low, high = figure.interval
            slack = 1e-12 + SAME * abs(bound)
            inside = low >= bound - slack if isinf(allowed[1]) else high <= bound + slack
            beyond = high <= bound + slack if isinf(allowed[1]) else low >= bound - slack
            expected = {"met"} if inside else set()
            expected |= {"not met"} if beyond else set()
            fits = claim.value in (expected or {"not proven"})
        if not fits:
            yield claim, figure


def another_decider(claims: list[Shown]) -> Pairs:
    deciding = [claim for claim in claims if claim.decided_by]
    for one, other in _pairs(deciding, "verdict", by=_subject):
        if one.decided_by != other.decided_by:
            yield one, other


def none_helps_beside_a_step(claims: list[Shown]) -> Pairs:
    for one, other in _pairs(claims, "helps", by=_subject):
        if (one.value == "none") != (other.value == "none"):
            yield one, other


def parts_and_whole(claims: list[Shown]) -> Pairs:
    """Find parts that do not sum to their whole, or whose largest exceed it."""
    parts = defaultdict(list)
    for claim in claims:
        if claim.relation in ("part of", "among"):
            parts[_about(claim), claim.surface == RECORD].append(claim)
    for claim in claims:
        own = parts.get((_about(claim), claim.surface == RECORD), [])
        if claim.relation == "is" and own and _is_number(claim.value):
            total = sum(float(part.value or 0) for part in own)
            some = own[0].relation == "among" and total < float(claim.value or 0)
            if not some and not _near(total, float(claim.value or 0), claim.slack + 1e-6 * abs(total)):
                yield own[0], claim


def another_population(claims: list[Shown]) -> Pairs:
    """Find one name for the figures of two populations."""
    for one, other in _pairs(claims, "is", by=lambda claim: (claim.subject, claim.run)):
        if one.population != other.population and _is_number(one.value) and _is_number(other.value):
            yield one, other


def another_cause(claims: list[Shown]) -> Pairs:
    """Find two stages that are said to be why; a cause without a stage names none."""
    for one, other in _pairs(claims, "causes", by=_subject):
        if one.value and other.value and one.value != other.value:
            yield one, other


def another_direction(claims: list[Shown]) -> Pairs:
    """Find two changes by one step whose intervals lie on two sides of zero."""
    for one, other in _pairs(claims, "would change", by=_subject):
        if (
            one.interval
            and other.interval
            and any(a[1] < 0 < b[0] for a, b in ((one.interval, other.interval), (other.interval, one.interval)))
        ):
            yield one, other


def peak_below_mean(claims: list[Shown]) -> Pairs:
    """Find a load at the peak that is below the load over the whole run."""
    means = [claim for claim in claims if claim.relation == "is" and claim.subject.startswith("load.")]
    for claim in claims:
        for mean in means:
            if (
                claim.subject == f"peak {mean.subject}"
                and claim.run == mean.run
                and _is_number(claim.value)
                and _is_number(mean.value)
            ):
                slack = claim.slack + mean.slack
                if float(claim.value or 0) < float(mean.value or 0) - slack:
                    yield claim, mean


def proven_against_the_evidence(claims: list[Shown]) -> Pairs:
    """Find an objective that is met, or that other evidence would decide, although no design can prove it."""
    impossible = {_about(one): one for one in claims if one.relation == "cannot"}
    for claim in claims:
        place = _about(claim)
        if place not in impossible or claim.relation != "verdict":
            continue
        if claim.value == "met" or (claim.decided_by and "No design" not in claim.decided_by):
            yield impossible[place], claim


def ruled_out(claims: list[Shown]) -> Pairs:
    """Find a verdict that another surface says the objective cannot have."""
    verdicts = defaultdict(list)
    for claim in claims:
        if claim.relation == "verdict":
            verdicts[_about(claim)].append(claim)
    for claim in claims:
        if claim.relation == "rules out":
            yield from ((claim, other) for other in verdicts[_about(claim)] if other.value == claim.value)


def change_against_its_runs(claims: list[Shown]) -> Pairs:
    """Find a change from one run to another that is not the difference between the figures of both."""
    figures = defaultdict(list)
    for claim in claims:
        if claim.relation == "is" and _is_number(claim.value):
            figures[_about(claim)].append(claim)
    for claim in claims:
        if claim.relation != "differs" or not _is_number(claim.value):
            continue
        for after in figures[_about(claim)]:
            for before in figures[claim.subject, claim.population, claim.against]:
                slack = claim.slack + after.slack + before.slack
                if not _near(float(after.value or 0) - float(before.value or 0), float(claim.value or 0), slack):
                    yield claim, after


def chance_beside_change(claims: list[Shown]) -> Pairs:
    """Find a difference that one surface calls beyond chance and another does not, or that its interval contradicts."""
    yield from ((one, other) for one, other in _pairs(claims, "beyond chance", by=_subject) if one.value != other.value)
    intervals = defaultdict(list)
    for claim in claims:
        if claim.relation == "differs" and claim.interval:
            intervals[*_about(claim), claim.against].append(claim)
    for claim in claims:
        if claim.relation == "beyond chance":
            for other in intervals[*_about(claim), claim.against]:
                low, high = other.interval or (0.0, 0.0)
                if (low > other.slack or high < -other.slack) if not claim.value else low < -other.slack and high > other.slack:
                    yield claim, other


def sentence_against_its_record(claims: list[Shown]) -> Pairs:
    """Find a reading of a sentence that is none of the records in it, and a record that its slots do not say."""
    records, said = defaultdict(list), defaultdict(list)
    for claim in claims:
        if claim.surface == RECORD and claim.words:
            records[claim.run].append(claim)
        elif claim.surface in RECORDED and claim.words:
            said[claim.run, claim.words].append(claim)
    unread = dict[int, tuple[Shown, Shown]]()
    read = set[int]()
    for (run, words), readings in said.items():
        inside = [record for record in records[run] if record.words.lower() in words.lower()]
        for one in readings:
            own = [record for record in inside if _subject(record) == _subject(one)]
            if _says_something(one) and not any(_agrees(one, record) for record in own):
                yield one, (own or inside or [one])[0]
        for record in filter(_is_readable, inside):  # two sentences may hold the words of one cause
            if any(_subject(one) == _subject(record) for one in readings):
                read.add(id(record))
            else:
                unread[id(record)] = record, readings[0]
    yield from (pair for name, pair in unread.items() if name not in read)


#: The surfaces whose sentences are those of records.
RECORDED = {
    "reason", "reason, interval", "bottleneck", "advice", "advice, others", "note", "trust", "count of objectives",
    "curveballs, sentence", "best", "best, not proven", "best, miss", "front", "capacity", "break-evens", "break-evens, turn",
    "what matters", "levers",
}  # fmt: skip


def number_that_no_slot_has(claims: list[Shown]) -> Pairs:
    """Find a record whose sentence has neither its number nor both bounds of its interval in a slot."""
    for claim in claims:
        words = claim.words
        is_record = (
            claim.surface == RECORD and isinstance(words, Phrase) and words.key not in DERIVED and _is_number(claim.value)
        )
        if is_record and claim.subject != "objectives" and claim.interval != (0.0, 0.0):  # which is "no change" in words
            numbers = list(_numbers(words, claim.unit))
            ends = [] if claim.interval is None else [claim.interval]
            if not any(all(_is_among(one, numbers) for one in each) for each in ([claim.value], *ends)):
                yield claim, claim


#: Sentences whose numbers give the value of their record only after a sum, which `slot_claims` reads, or that name no number.
DERIVED = {
    "causes.counted", "causes.costs", "hits.hit", "search.misses", "bottleneck.together", "tolls.too",
    "breakeven.stands", "breakeven.sure", "breakeven.half_sure", "breakeven.unsure",
}  # fmt: skip


def _numbers(words: Phrase, unit: str) -> Iterator[Spoken]:
    """Yield the numbers in the slots of a sentence; a share may be said in per cent."""
    for part in words.each():
        for slot in part.slots.values():
            for one in slot if isinstance(slot, list | tuple) else [slot]:
                if isinstance(one, float | int):
                    yield from (Spoken(times * float(one), 0.0) for times in (1, 100))
                elif isinstance(one, str) and not isinstance(one, Phrase):
                    yield from numbers_in(one, unit)


def _is_among(value: float, numbers: list[Spoken]) -> bool:
    return any(_near(value, one.value, one.slack) for one in numbers)


def _says_something(one: Shown) -> bool:
    return one.value is not None or bool(one.unit) or one.relation != "is"


def _is_readable(record: Shown) -> bool:
    """Return whether the readers read what a record says: standings, causes, steps, loads and changes with an interval."""
    if record.relation == "would change":
        return record.interval not in (None, (0.0, 0.0))  # "no change" has no interval in words
    if record.relation == "causes" or _LOAD.fullmatch(record.subject):
        return record.value is not None
    return record.relation in ("verdict", "cannot", "helps", "certain")


#: The subjects of the loads that the readers read.
_LOAD = re.compile(r"(?:peak )?load\.\w+")


def _agrees(one: Shown, record: Shown) -> bool:
    if one.decided_by and one.decided_by != record.decided_by:
        return False
    if one.interval and record.interval:
        return all(_near(*ends, one.slack) for ends in zip(one.interval, record.interval, strict=True)) and _same(one, record)
    return not one.interval and _same(one, record)


def _same(one: Shown, record: Shown) -> bool:
    if _is_number(one.value) and _is_number(record.value):
        return _near(float(one.value or 0), float(record.value or 0), one.slack)
    return one.value == inf or one.value == record.value


RULES: dict[str, Callable[[list[Shown]], Pairs]] = {
    "a value outside the interval": outside,
    "another value": another_value,
    "another interval": another_interval,
    "a figure beside none": figure_beside_none,
    "another verdict": another_verdict,
    "a verdict against its number": verdict_against_its_number,
    "another decider": another_decider,
    "none helps beside a step that helps": none_helps_beside_a_step,
    "parts that do not sum": parts_and_whole,
    "another population under one name": another_population,
    "another cause": another_cause,
    "another direction": another_direction,
    "a peak below the mean": peak_below_mean,
    "proven against the evidence": proven_against_the_evidence,
    "a verdict that another surface rules out": ruled_out,
    "a change that is not that of its runs": change_against_its_runs,
    "chance beside a change beyond it": chance_beside_change,
    "a sentence against its record": sentence_against_its_record,
    "a number that no slot of its sentence has": number_that_no_slot_has,
}
