"""Claims of the studies: best design, front, capacity, break-evens and what matters, in the records of the surfaces of a run.

Each claim carries the hash of the run that it is about, so that it can be compared with the card of that run.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from math import inf

import pandas as pd

from simulator.case.outputs import Metric
from simulator.case.schema import Scenario
from simulator.explain.claims import Claim, Relation
from simulator.sweeps.sweep import SweepRequest
from simulator.tradeoffs.breakeven import BreakevenPoint, BreakevenResult, Stands
from simulator.tradeoffs.breakeven_claims import SAYS, BreakevenClaim
from simulator.tradeoffs.capacity import UNMET, Capacity, CapacityLimit, LoadPoint
from simulator.tradeoffs.front import Front
from simulator.tradeoffs.sensitivity import Ranking
from simulator.tradeoffs.tried_designs import BestDesigns, Miss, TriedDesign, quoted
from tests.readers.run_reader import group_of, shown_numbers, verdict_claims
from tests.readers.shown import Shown, about
from tests.readers.spoken_numbers import numbers_in

#: The standing that each end of a sentence names.
_STANDINGS = {says: standing for standing, says in SAYS.items()}


def _sentence(words: str, surface: str, subject: str, run: str = "") -> Shown:
    """Claim nothing that could be compared: the words alone."""
    return Shown(subject, "is", None, words=words, surface=surface, run=run)


def _of(metric: Metric, relation: Relation, value: float | str | None, words: str, surface: str, run: str) -> Shown:
    return Shown(metric.name, relation, value, None, metric.unit, group_of(metric), "", words, surface, run=run)


def _verdict(claim: BreakevenClaim, standing: str, words: str, surface: str, run: str) -> Shown:
    return _of(claim.metric, "verdict", standing, words, surface, run)


# ---- the best design


def best_claims(result: BestDesigns, claims: Sequence[BreakevenClaim]) -> Iterator[Shown]:
    """Read the outcome of a search: its headline, the verdicts of its best design, and the nearest misses.

    claims: the objectives, in the order of the search
    """
    best, run = result.best, result.best.outcome.run_hash
    for words in filter(None, (result.headline, result.obstacle, f"{result.of_all.capitalize()}.")):
        yield _sentence(words, "best", "best", run)
    yield from _tried(best, claims)
    if "this design meets every objective" in result.headline:
        yield from (_verdict(claim, "met", result.headline, "best, headline", run) for claim in claims)
    if result.open:
        words = f"Not proven: {quoted(result.open)}."
        named = [claim for claim in claims if f"“{claim.words}”" in words]
        yield Shown("best design", "verdict", "not proven", words=words, surface="best, not proven", run=run)
        yield from (_verdict(claim, "not proven", words, "best, not proven", run) for claim in named)
    for miss in result.misses:
        yield from _tried(miss.tried, claims)
        yield from _missed(miss, claims)


def _tried(tried: TriedDesign, claims: Sequence[BreakevenClaim]) -> Iterator[Shown]:
    """Read the verdicts of a design that the search reports, as its table shows them."""
    for claim, one in zip(claims, tried.verdicts, strict=True):
        read = verdict_claims(one, one.standing, one.reached, one.interval, one.requirement, "best, table")
        yield from about(tried.outcome.run_hash, (replace(each, words=claim.words) for each in read))


def _missed(miss: Miss, claims: Sequence[BreakevenClaim]) -> Iterator[Shown]:
    """Read a miss: by what distance, and which objectives are not proven."""
    run, words = miss.tried.outcome.run_hash, f"It misses only {miss.words}."
    head, _, rest = miss.words.partition("; not proven: ")
    size = head.rpartition("” by ")[2].removesuffix(" (not proven)")
    if "because it has no figure" in head:
        yield _verdict(miss.claim, "no figure", words, "best, miss", run)
        return
    yield _figure_at(miss.claim, False, size, words, "best, miss", run)
    yield _verdict(miss.claim, "not proven" if head.endswith("(not proven)") else "not met", words, "best, miss", run)
    for claim in claims:
        if claim is not miss.claim:
            open_ = f"“{claim.words}”" in rest
            yield _verdict(claim, "not proven" if open_ else "met", words, "best, miss", run)


# ---- sweeps and fronts


def table_claims(scenario: Scenario, table: pd.DataFrame, surface: str = "sweep") -> Iterator[Shown]:
    """Read the table of a sweep: the figures and verdicts of each design."""
    verdicts = [name.removesuffix(".verdict") for name in table.columns if name.endswith(".verdict")]
    for row in table[table["refused"] == ""].to_dict("records"):
        run = row["run_hash"]
        for name in (one for one in scenario.metrics if one in row):
            metric, figure = scenario.metrics[name], _of(scenario.metrics[name], "is", None, "", surface, run)
            value, low, high = (row[column] for column in (name, f"{name}.low", f"{name}.high"))
            yield replace(figure, value=float(value), interval=(float(low), float(high))) if pd.notna(value) else figure
            if name in verdicts:
                yield _of(metric, "verdict", row[f"{name}.verdict"], "", surface, run)


_OF_DESIGNS = re.compile(r"Of ([\d,]+) designs ([\d,]+) \w+ beaten by another beyond chance, ([\d,]+) \w+ not")


def front_claims(front: Front) -> Iterator[Shown]:
    """Read the sentence of a front: its designs are beaten by another one, or not."""
    found = _OF_DESIGNS.search(front.sentence)
    assert found is not None
    whole, beaten, left = (float(text.replace(",", "")) for text in found.groups())
    yield Shown("designs of the front", "is", whole, words=front.sentence, surface="front")
    yield Shown("designs of the front", "is", float(len(front.comparable)), surface="front, points")
    yield from (Shown("designs of the front", "part of", part, surface="front") for part in (beaten, left))


# ---- capacity

_BEYOND = re.compile(
    r"“(.*)” is the first that is no longer met as traffic grows, beyond (\S+) times .*?interval (\S+) to (\S+)\)"
)
_NEEDS = re.compile(r"“(.*)” needs at least (\S+) times .*?interval (\S+) to (\S+)\)")
_NOW = re.compile(r"“(.*)” is met at .* of the \d+ loads that were tried; at the traffic of the case it (.*)\.")
_UP_TO = re.compile(r"“(.*)” is met at (\S+) times the traffic; beyond that, it is not proven\.")
_NEVER = re.compile(r"“(.*)” is not met at any traffic that was tried\.")


def capacity_claims(result: Capacity) -> Iterator[Shown]:
    """Read a capacity: the verdicts at each load, and what its sentences say about the traffic of the case."""
    for load in result.loads:
        yield from _at_load(load, result.objectives)
    run = next(load.outcome.run_hash for load in result.loads if load.times == 1)
    by_words = {claim.words: claim for claim in result.objectives}
    for words in [*result.sentences, *(one.claim.words for one in result.least_servers)]:
        yield _sentence(words, "capacity", "capacity", run)
        yield from _of_traffic(words, by_words, result.limits, run)


def _at_load(load: LoadPoint, claims: Sequence[BreakevenClaim]) -> Iterator[Shown]:
    columns = dict(zip(UNMET, load.shortfalls(claims), strict=True))
    for claim in claims:
        place = re.compile(rf"(^|; ){re.escape(claim.words)}( \([^)]*\))?(; |$)")
        for standing in [standing for standing, words in columns.items() if place.search(words)] or ["met"]:
            yield _verdict(claim, standing, "", "capacity, loads", load.outcome.run_hash)


def _of_traffic(
    words: str, by_words: Mapping[str, BreakevenClaim], limits: Sequence[CapacityLimit], run: str
) -> Iterator[Shown]:
    """Read what a sentence says about the traffic of the case, which is 1: beyond an interval, a side is sure."""
    if found := _BEYOND.match(words):
        claim, (low, high) = by_words[found[1]], _bounds(found[3], found[4])
        yield _limit(claim, found, "traffic, at most", words, run)
        if high < 1:
            yield _of(claim.metric, "rules out", "met", words, "capacity", run)
        if low > 1 and not any(limit.lower for limit in limits if limit.claim is claim):
            yield _verdict(claim, "met", words, "capacity", run)
    elif found := _NEEDS.match(words):
        claim, (low, high) = by_words[found[1]], _bounds(found[3], found[4])
        yield _limit(claim, found, "traffic, at least", words, run)
        if low > 1:
            yield _of(claim.metric, "rules out", "met", words, "capacity", run)
    elif found := _UP_TO.match(words):
        yield _limit(by_words[found[1]], found, "traffic, known to be met", words, run)
    elif found := _NOW.match(words):
        yield _verdict(by_words[found[1]], _STANDINGS[found[2]], words, "capacity", run)
    elif found := _NEVER.match(words):
        yield _verdict(by_words[found[1]], "not met", words, "capacity", run)


def _limit(claim: BreakevenClaim, found: re.Match[str], of: str, words: str, run: str) -> Shown:
    """Read a limit of the traffic, with its interval where it has one."""
    at, *ends = (numbers_in(text, "")[0] if text != "unknown" else None for text in found.groups()[1:])
    bounds = _bounds(found[3], found[4]) if ends else None
    slack = max(one.slack for one in (at, *ends) if one)
    return Shown(claim.metric.name, "limits", at.value, bounds, "times", of, "", words, "capacity", slack, run)


def _bounds(low: str, high: str) -> tuple[float, float]:
    return -inf if low == "unknown" else float(low), inf if high == "unknown" else float(high)


# ---- break-evens

_ANSWER = re.compile(
    r".*?”: (?P<standing>met|not met|not proven|no figure|void)"
    r"(?: by (?P<size>.+?)(?=; |\. |\.$)| \(95% interval (?P<low>.+?) to (?P<high>.+?)\))?"
)
_UNLESS = re.compile(
    r"“(.*?)” (?P<says>[a-z ]+) unless “.*” lies (?P<side>below|above) .*interval "
    r"(?:from (?P<least>\S+) on|up to (?P<most>\S+)|(?P<low>\S+) to (?P<high>\S+))\)\."
)
_DRAWS = re.compile(r"in its range: (.*) of (\d+) draws\.")


def breakeven_claims(result: BreakevenResult, run: str) -> Iterator[Shown]:
    """Read break-evens: the answers as the case stands, the turns, and the draws. run: the hash of the base design's run"""
    yield _sentence(result.rest, "break-evens", "break-evens", run)
    for one in result.together:
        yield from _stands(one, run)
    for flip in result.flips:
        yield from _flips(flip, run)


def _stands(one: Stands, run: str) -> Iterator[Shown]:
    yield from _answered(one.claim, one.sentence, run)
    if found := _DRAWS.search(one.sentence):
        subject = f"draws about {one.claim.words}"
        yield Shown(subject, "is", float(found[2]), words=one.sentence, surface="break-evens", run=run)
        for part in re.findall(r" in (\d+)", found[1]):
            yield Shown(subject, "part of", float(part), words=one.sentence, surface="break-evens", run=run)


def _answered(claim: BreakevenClaim, sentence: str, run: str) -> Iterator[Shown]:
    """Read an answer with its distance from the bound, or with the interval that leaves it open."""
    found, surface = _ANSWER.match(sentence), "break-evens"
    yield _sentence(sentence, surface, surface, run)
    if found is None or claim.objective is None:
        return
    yield _verdict(claim, found["standing"], sentence, surface, run)
    if found["size"]:
        yield _figure_at(claim, found["standing"] == "met", found["size"], sentence, surface, run)
    elif found["low"]:
        low, high = shown_numbers(f"{found['low']} to {found['high']} to {found['high']}", claim.metric.unit)[:2]
        figure = _of(claim.metric, "is", inf, sentence, surface, run)
        yield replace(figure, interval=(low.value, high.value), slack=max(low.slack, high.slack))


def _figure_at(claim: BreakevenClaim, met: bool, distance: str, sentence: str, surface: str, run: str) -> Shown:
    """Read a figure from its distance to the bound: `900 USD`."""
    assert claim.objective is not None
    size = shown_numbers(distance, claim.metric.unit)[0]
    value = claim.objective.bound + (size.value if met == claim.objective.upward else -size.value)
    return replace(_of(claim.metric, "is", value, sentence, surface, run), slack=size.slack)


def _flips(flip: BreakevenPoint, run: str) -> Iterator[Shown]:
    """Read a turn: the verdict of now, and whether the case's own value lies on its side of the turn."""
    found = _UNLESS.match(flip.sentence)
    if found is None:
        yield from _answered(flip.claim, flip.sentence, run)
        return
    yield _sentence(flip.sentence, "break-evens", "break-evens", run)
    if flip.claim.objective is None:
        return
    standing, now = _STANDINGS[found["says"]], flip.doubt.figure.value
    yield _verdict(flip.claim, standing, flip.sentence, "break-evens, turn", run)
    low, high = _end(found["low"] or found["least"], -inf), _end(found["high"] or found["most"], inf)
    if now < low if found["side"] == "below" else now > high:
        yield _of(flip.claim.metric, "rules out", standing, flip.sentence, "break-evens, turn", run)


def _end(written: str | None, unbounded: float) -> float:
    return unbounded if written is None else numbers_in(written, "")[0].value


# ---- what matters

_WITHOUT = re.compile(r"has no figure at ([\d,]+) of ([\d,]+) designs: (.*?)(?:\. Among|\. It |$)")


def influence_claims(request: SweepRequest, ranked: Mapping[str, Ranking | Claim], table: pd.DataFrame) -> Iterator[Shown]:
    """Read what matters: the designs without a figure and why, beside the table of the designs that ran."""
    for name, ranking in ranked.items():
        label = request.scenario.metrics[name].label
        words = f"“{label}” {ranking.words}." if isinstance(ranking, Claim) else ranking.sentence(label)
        subject = f"designs without {name}"
        yield Shown("influences", "is", None, None, "", name, "", words, "what matters")
        if not isinstance(ranking, Claim) and ranking.caution:
            yield Shown("influences", "is", None, None, "", name, "", ranking.caution, "what matters")
        without = table.drop_duplicates([one.name for one in request.axes])[name].isna()
        yield Shown(subject, "is", float(without.sum()), surface="designs, table")
        yield Shown(f"{subject}, of", "is", float(len(without)), surface="designs, table")
        found = _WITHOUT.search(words)
        surface = "what matters" if found else "what matters, no sentence of it"
        if re.search(r"has a figure at every design of only [\d,]+ of", words):
            yield Shown(f"influence on {name}", "cannot", "be ranked", words=words, surface="what matters")
        for axis in re.findall(r"“([^”]*)” moves it most(?!; the points)", words):
            yield Shown(f"influence on {label}", "causes", axis, words=words, surface="what matters")
        some, of = (float(found[place].replace(",", "")) for place in (1, 2)) if found else (0.0, float(len(without)))
        yield Shown(subject, "is", some, words=words, surface=surface)
        yield Shown(f"{subject}, of", "is", of, words=words, surface=surface)
        for part in re.findall(r"(?:^|; )([\d,]+) ", found[3]) if found else []:
            yield Shown(subject, "part of", float(part.replace(",", "")), words=words, surface=surface)
