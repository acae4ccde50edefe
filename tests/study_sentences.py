"""Claims of the studies: best design, front, capacity, break-evens and what matters, read from slots and from tables.

Each claim carries the hash of the run that it is about, so that it can be compared with the card of that run.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from math import inf
from typing import Any

import pandas as pd

from simulator.case.schema import Scenario
from simulator.explain.claims import Claim
from simulator.metrics.summary import Summary
from simulator.phrases import Phrase
from simulator.practice.curveball_effects import largest_toll, metres_taken, toll_claims, tolls
from simulator.sweeps.sweep import SweepRequest
from simulator.tradeoffs.breakeven import BreakevenResult
from simulator.tradeoffs.breakeven_claims import BreakevenClaim
from simulator.tradeoffs.capacity import UNMET, Capacity, LoadPoint
from simulator.tradeoffs.front import Front
from simulator.tradeoffs.sensitivity import Ranking
from simulator.tradeoffs.tried_designs import BestDesigns, TriedDesign
from tests.figure_claims import of, shown_numbers, toll_table, verdict_claims
from tests.shown import Shown, about
from tests.slot_claims import STANDINGS, Reading, Slots, bounds_of, phrases_in, reads, sentences


def _size(claim: BreakevenClaim, met: bool, size: str, here: Reading) -> Shown:
    """Read a figure from its distance to the bound: `900 USD`."""
    assert claim.objective is not None
    (distance,) = shown_numbers(size, claim.metric.unit)[:1]
    value = claim.objective.bound + (distance.value if met == claim.objective.upward else -distance.value)
    return here.of(claim.metric, "is", value, slack=distance.slack)


# ---- the best design


@reads("search.meets")
def _meets(slots: Slots, here: Reading) -> Iterator[Shown]:
    yield from (here.of(claim.metric, "verdict", "met") for claim in here.objectives)


@reads("search.not_proven")
def _not_proven(slots: Slots, here: Reading) -> Iterator[Shown]:
    yield from here.about("best design", "not proven", "verdict")
    yield from (here.of(here.claimed(statement).metric, "verdict", "not proven") for statement in slots["open"])


@reads("search.miss")
def _miss(slots: Slots, here: Reading) -> Iterator[Shown]:
    """Read a miss: by what distance, and which objectives are not proven; the others are met."""
    missed = here.claimed(slots["claim"])
    if not slots["size"]:
        yield here.of(missed.metric, "verdict", "no figure")
        return
    yield _size(missed, False, slots["size"], here)
    yield here.of(missed.metric, "verdict", "not proven" if slots["unproven"] else "not met")
    for claim in here.objectives:
        if claim is not missed:
            yield here.of(claim.metric, "verdict", "not proven" if claim.words in slots["others"] else "met")


def best_claims(result: BestDesigns, claims: Sequence[BreakevenClaim], scenario: Scenario) -> Iterator[Shown]:
    """Read the outcome of a search: its headline, the verdicts of its best design, and the nearest misses.

    claims: the objectives, in the order of the search
    """
    run = result.best.outcome.run_hash
    here = Reading(scenario, objectives=claims, runs=("", run))
    yield from _tried(result.best, claims)
    for claim in result.claims[: len(result.claims) - len(result.misses)]:
        of_best = (claim.subject, claim.relation) == ("best design", "verdict")
        yield from sentences([claim], "best, not proven" if of_best else "best", here)
    for miss in result.misses:
        yield from _tried(miss.tried, claims)
        yield from sentences(miss.claims, "best, miss", replace(here, runs=("", miss.tried.outcome.run_hash)))


def _tried(tried: TriedDesign, claims: Sequence[BreakevenClaim]) -> Iterator[Shown]:
    """Read the verdicts of a design that the search reports, as its table shows them."""
    for claim, one in zip(claims, tried.verdicts, strict=True):
        cells = verdict_claims(one, one.standing, one.reached, one.interval, one.requirement, "best, table")
        yield from about(tried.outcome.run_hash, (replace(each, words=claim.words) for each in cells))


# ---- sweeps and fronts


def table_claims(scenario: Scenario, table: pd.DataFrame, surface: str = "sweep") -> Iterator[Shown]:
    """Read the table of a sweep: the figures and verdicts of each design."""
    verdicts = [name.removesuffix(".verdict") for name in table.columns if name.endswith(".verdict")]
    for row in table[table["refused"] == ""].to_dict("records"):
        run = row["run_hash"]
        for name in (one for one in scenario.metrics if one in row):
            metric, figure = scenario.metrics[name], of(scenario.metrics[name], "is", None, "", surface, run)
            value, low, high = (row[column] for column in (name, f"{name}.low", f"{name}.high"))
            yield replace(figure, value=float(value), interval=(float(low), float(high))) if pd.notna(value) else figure
            if name in verdicts:
                yield of(metric, "verdict", row[f"{name}.verdict"], "", surface, run)


@reads("front.designs")
def _front(slots: Slots, here: Reading) -> Iterator[Shown]:
    """Read that the designs of a front are beaten by another one, or not."""
    yield from here.about("designs of the front", float(slots["count"]))
    for part in (slots["beaten"], slots["unbeaten"]):
        yield from here.about("designs of the front", float(part), "part of")


def front_claims(front: Front, scenario: Scenario) -> Iterator[Shown]:
    yield from sentences([front.claim], "front", Reading(scenario))
    yield Shown("designs of the front", "is", float(len(front.comparable)), surface="front, points")


# ---- capacity


def _limit(claim: BreakevenClaim, at: float, population: str, here: Reading, *ends: str) -> Shown:
    """Read a limit of the traffic, with its interval where it has one."""
    interval = tuple(side if end == "unknown" else float(end) for end, side in zip(ends, (-inf, inf), strict=False))
    slack = max((0.005 * abs(float(end)) for end in ends if end != "unknown"), default=0.0)  # of three digits
    return here.of(claim.metric, "limits", at, interval or None, unit="times", population=population, slack=slack)


@reads("capacity.most")
def _most(slots: Slots, here: Reading) -> Iterator[Shown]:
    """Read the traffic beyond which an objective is not met; beyond an interval, a side is sure at that of the case, 1."""
    claim, at = here.claimed(slots["claim"]), slots["at"].slots
    limit = _limit(claim, at["times"], "traffic, at most", here, *at["bounds"])
    yield limit
    low, high = limit.interval or (-inf, inf)
    if high < 1:
        yield here.of(claim.metric, "rules out", "met")
    if low > 1 and claim.words not in here.least:
        yield here.of(claim.metric, "verdict", "met")
    room, headroom = slots["room"].slots, replace(here, surface="capacity, headroom")
    for share in (room["share"], abs(at["times"] - 1)):
        yield from headroom.about("headroom", share)
    side = "unsure" if low <= 1 <= high else "more" if at["times"] > 1 else "less"
    for said in (side, "unsure" if room["unsure"] else "more" if room["more"] else "less"):
        yield from headroom.about("headroom", said, "verdict")


@reads("capacity.needs")
def _needs(slots: Slots, here: Reading) -> Iterator[Shown]:
    claim, at = here.claimed(slots["claim"]), slots["at"].slots
    limit = _limit(claim, at["times"], "traffic, at least", here, *at["bounds"])
    yield limit
    if (limit.interval or (0, 0))[0] > 1:
        yield here.of(claim.metric, "rules out", "met")


@reads("capacity.open")
def _open(slots: Slots, here: Reading) -> Iterator[Shown]:
    yield _limit(here.claimed(slots["claim"]), slots["most"], "traffic, known to be met", here)


@reads("capacity.unmet", "capacity.never")
def _unmet(slots: Slots, here: Reading) -> Iterator[Shown]:
    standing = "not met" if here.key == "never" else STANDINGS[slots["says"]]
    yield here.of(here.claimed(slots["claim"]).metric, "verdict", standing)


def capacity_claims(result: Capacity, scenario: Scenario) -> Iterator[Shown]:
    """Read a capacity: the verdicts at each load, and its sentences about the traffic of the case."""
    for load in result.loads:
        yield from _at_load(load, result.objectives)
    run = next(load.outcome.run_hash for load in result.loads if load.times == 1)
    least = tuple(limit.claim.words for limit in result.limits if limit.lower)
    here = Reading(scenario, objectives=result.objectives, runs=("", run), least=least)
    yield from sentences([*result.claims, *(one.claim for one in result.least_servers)], "capacity", here)


def _at_load(load: LoadPoint, claims: Sequence[BreakevenClaim]) -> Iterator[Shown]:
    for claim in claims:
        columns = dict(zip(UNMET, load.shortfalls([claim]), strict=True))
        assert all(words.startswith(claim.words) for words in columns.values() if words), columns
        standing = next((standing for standing, words in columns.items() if words), "met")
        yield of(claim.metric, "verdict", standing, "", "capacity, loads", load.outcome.run_hash)


# ---- break-evens


@reads("breakeven.stands", "breakeven.open")
def _stands(slots: Slots, here: Reading) -> Iterator[Shown]:
    """Read an answer with its distance from the bound, or with the interval that leaves it open; then the draws."""
    claim, words = here.claimed(slots["claim"]), slots["words"].slots
    yield here.of(claim.metric, "verdict", words["standing"])
    if words.get("interval"):
        interval, slack = bounds_of(words["interval"], claim.metric.unit)
        yield here.of(claim.metric, "is", inf, interval, slack=slack)
    elif words.get("size"):
        yield _size(claim, words["standing"] == "met", words["size"], here)
    if slots.get("of"):
        yield from here.about(f"draws about {claim.words}", float(slots["of"]))
        for drawn in slots["drawn"]:
            yield from here.about(f"draws about {claim.words}", float(drawn.slots["count"]), "part of")


@reads("breakeven.sure", "breakeven.half_sure", "breakeven.unsure")
def _turns(slots: Slots, here: Reading) -> Iterator[Shown]:
    """Read a turn: the verdict of now, the place, and whether the case's own value lies on its side of the turn."""
    claim, standing = here.claimed(slots["claim"]), STANDINGS[slots["says"]]
    low, high, side = slots["low"], slots["high"], slots["side"]
    turn = replace(here, surface="break-evens, turn")
    yield turn.of(claim.metric, "verdict", standing)
    yield here.of(claim.metric, "limits", slots["at"], (low, high), unit="", population=slots["doubt"].strip("“”"))
    if here.now < low if side == "below" else here.now > high:
        yield turn.of(claim.metric, "rules out", standing)


def breakeven_claims(result: BreakevenResult, run: str, scenario: Scenario) -> Iterator[Shown]:
    """Read break-evens: the answers as the case stands, the turns, and the draws. run: the hash of the base design's run"""
    yield Shown("sentence", "is", None, words=result.rest, surface="break-evens", run=run)
    claims = [one.claim for one in (*result.together, *result.flips) if one.claim.objective]
    here = Reading(scenario, objectives=claims, runs=("", run))
    yield from sentences([one.statement for one in result.together if one.claim.objective], "break-evens", here)
    for flip in result.flips:
        if flip.claim.objective:
            yield from sentences(flip.claims, "break-evens", replace(here, now=flip.doubt.figure.value))


# ---- what matters


@reads("influence.ranked")
def _ranked(slots: Slots, here: Reading) -> Iterator[Shown]:
    if isinstance(words := slots["words"], Phrase) and words.key == "influence.one":
        yield from here.about(f"influence on {slots['label']}", words.slots["axis"].strip("“”"), "causes")


@reads("influence.unranked")
def _unranked(slots: Slots, here: Reading) -> Iterator[Shown]:
    yield from here.about(f"influence on {here.topic}", "be ranked", "cannot")


@reads("influence.without")
def _without(slots: Slots, here: Reading) -> Iterator[Shown]:
    subject = f"designs without {here.topic}"
    yield from here.about(subject, float(slots["count"]))
    yield from here.about(f"{subject}, of", float(slots["of"]))
    for part in slots["parts"]:
        yield from here.about(subject, float(part.slots["count"]), "part of")


def influence_claims(request: SweepRequest, ranked: Mapping[str, Ranking | Claim], table: pd.DataFrame) -> Iterator[Shown]:
    """Read what matters: the designs without a figure and why, beside the table of the designs that ran."""
    for name, ranking in ranked.items():
        label, here = request.scenario.metrics[name].label, Reading(request.scenario, topic=name)
        claim = ranking if isinstance(ranking, Claim) else ranking.claim(label)
        yield from sentences([claim], "what matters", here)
        if not isinstance(ranking, Claim) and ranking.caution:
            yield Shown("sentence", "is", None, words=ranking.caution, surface="what matters")
        without = table.drop_duplicates([one.name for one in request.axes])[name].isna()
        subject = f"designs without {name}"
        counts: dict[str, Any] = {subject: float(without.sum()), f"{subject}, of": float(len(without))}
        yield from (Shown(about_, "is", count, surface="designs, table") for about_, count in counts.items())
        if not any(part.key == "influence.without" for part in phrases_in(claim.words)):
            yield Shown(subject, "is", 0.0, words=claim.words, surface="what matters, no sentence of it")


# ---- two runs


def curveball_claims(calm: Summary, struck: Summary) -> Iterator[Shown]:
    """Read what is shown of the effects of curveballs: a table with both runs, and the sentences."""
    yield from toll_table(calm, struck)
    paid, metres = tolls(calm, struck), metres_taken(calm, struck)
    here = Reading(struck.plan.scenario, verdicts=struck.verdicts, runs=(calm.run_hash, struck.run_hash))
    claims = [*toll_claims(struck, paid), *largest_toll(paid), *([metres] if metres else [])]
    yield from sentences(claims, "curveballs, sentence", here)
    unnamed = [toll for toll in paid if not toll.matters and toll.change is not None]
    whole = replace(here, words=claims[0].words, surface="curveballs, sentence")
    yield from (whole.pair.chance(toll.after.metric, False) for toll in unnamed)
