"""Checks of a case's text: each claim against the evidence that its author names, and the numbers of runs that it fills in."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from math import isfinite

from simulator.authoring.check_results import Finding, Outcome, RunCheck
from simulator.authoring.claim_evidence import ClaimEvidence, evidence_of, found_for, in_words, number_of_case
from simulator.authoring.quoted_numbers import half_digit, quoted_numbers
from simulator.authoring.tested_designs import SEED, DesignRunner
from simulator.case.case_tests import (
    DEFAULT,
    DesignName,
    Strikes,
    TextClaim,
    picks_of,
)
from simulator.case.document import ScenarioError
from simulator.case.outputs import Metric
from simulator.case.prose_figures import figures_key
from simulator.case.schema import Scenario
from simulator.engine.compiled_plan import fingerprint
from simulator.engine.plan import compile_plan
from simulator.engine.run import ENGINE_VERSION
from simulator.errors import InputError, shortened
from simulator.evidence.evidence_files import content_hash
from simulator.evidence.score_tables import score_files
from simulator.intervals import Estimate, Interval
from simulator.phrases import phrase
from simulator.units import finest_step, plain_number, quoted_within

#: Raise it when a claim is judged in another way: kept results of before no longer count.
CLAIMS_VERSION = 2

CHECK = "claim"


def claim_checks(scenario: Scenario, runner: DesignRunner) -> list[RunCheck]:
    return [_check(scenario, runner, index, claim) for index, claim in enumerate(scenario.claims)]


def _check(scenario: Scenario, runner: DesignRunner, index: int, claim: TextClaim) -> RunCheck:
    def work() -> list[Finding]:
        judged = judged_claim(claim, lambda: found_for(claim, scenario, runner))
        return [(("claims", index), shortened(claim.says, 60), *judged)]

    return RunCheck(CHECK, _key(claim, scenario), work)


def _key(claim: TextClaim, scenario: Scenario) -> str:
    """Return the key of a claim's result: the claim, and the plans that it rests on with their evidence."""
    data = claim.model_dump(exclude_defaults=True)
    rests: list[object] = []
    if claim.metric is not None:
        sides = ((claim.design, claim.strikes), (claim.against, claim.against_strikes))
        rests = [_identity(scenario, design, strikes) for design, strikes in sides if design is not None]
        rests += [scenario.run.replications]
    elif claim.figure is not None or claim.objective is not None:
        rests = [number_of_case(claim, scenario).found.value]
    elif claim.source is None:
        rests = [_content(claim)]
    return "claim " + fingerprint([CLAIMS_VERSION, ENGINE_VERSION, SEED, data, rests])


def _identity(scenario: Scenario, design: DesignName, strikes: Strikes) -> object:
    try:
        return compile_plan(scenario, picks_of(scenario, design), strikes).identity
    except ScenarioError as error:
        return str(error)


def _content(claim: TextClaim) -> object:
    """Return the hashes of a claim's score tables, or its evidence from other files; the error's sentence where there is none.

    The interval of a score table takes a second of resampling, which a kept result is to save.
    """
    readings = [reading for reading in (claim.scores, claim.against_scores) if reading is not None]
    try:
        if readings:
            return [content_hash(file) for reading in readings for file in score_files(reading.table).values()]
        return [(evidence.found.value, evidence.found.low, evidence.found.high) for evidence in [evidence_of(claim)]]
    except (InputError, KeyError) as error:
        return str(error)


# ---- the verdict


def judged_claim(claim: TextClaim, find: Callable[[], ClaimEvidence]) -> tuple[Outcome, str]:
    """Return the outcome of a claim, and a sentence with the evidence.

    find: returns the evidence; may raise InputError or ScenarioError
    """
    if claim.source is not None:
        return "pass", phrase("claims.publication", source=claim.source)
    try:
        finding = find()
    except (InputError, ScenarioError) as error:
        return "fail", phrase("claims.no_evidence", error=shortened(str(error), 200))
    verdicts = list(_verdicts(claim, finding))
    worst: Outcome = next((name for name in _WORST_FIRST if name in [verdict for verdict, _ in verdicts]), "pass")
    said = "; ".join(says for outcome, says in verdicts if outcome == worst)
    return worst, f"{said}; found: {finding}"


_WORST_FIRST: tuple[Outcome, ...] = ("fail", "cannot be told", "pass")


def _verdicts(claim: TextClaim, finding: ClaimEvidence) -> Iterable[tuple[Outcome, str]]:
    found = finding.found
    for name, written, seen in (
        ("shows", claim.shows, found.value),
        ("low", claim.low, found.low),
        ("high", claim.high, found.high),
    ):
        if written is not None:
            yield _as_written(name, written, seen, finding.unit)
    if claim.shows is not None:
        yield from _too_fine(claim.says, claim.shows, finding)
    if claim.at_least is not None:
        yield _bound("at least", claim.at_least, found.low >= claim.at_least, found.high < claim.at_least, finding)
    if claim.at_most is not None:
        yield _bound("at most", claim.at_most, found.high <= claim.at_most, found.low > claim.at_most, finding)
    if claim.direction is not None:
        yield _directed(claim, found)


def _as_written(name: str, quoted: float, seen: float, unit: str) -> tuple[Outcome, str]:
    """Compare a number with the evidence to the digits that the author wrote: half a unit of the last one either way."""
    if isfinite(seen) and abs(seen - quoted) <= half_digit(f"{quoted:.12g}") * (1 + 1e-9):
        return "pass", f"`{name}` is as written"
    return "fail", f"`{name}: {quoted:g}` should be {in_words(seen, unit)}"


def _too_fine(says: str, quoted: float, finding: ClaimEvidence) -> Iterable[tuple[Outcome, str]]:
    """Yield a fault where the text quotes a number with more digits than its interval bears."""
    found = finding.found
    if not (found.low < found.high and isfinite(found.low) and isfinite(found.high)):
        return
    for number in quoted_numbers(says):
        slack, unit = number.slack_beside(quoted), "share" if number.unit == "share" else finding.unit
        step = finest_step(found.value, found.low, found.high, unit)
        if slack is not None and 2 * slack < step * (1 - 1e-9):
            yield (
                "fail",
                phrase("claims.too_fine", words=number.words, step=plain_number(step * number.slack / slack / number.scale)),
            )


def _bound(side: str, bound: float, holds: bool, fails: bool, finding: ClaimEvidence) -> tuple[Outcome, str]:
    stated = f"{side} {in_words(bound, finding.unit)}"
    if holds:
        return "pass", phrase("claims.within", stated=stated)
    if fails:
        return "fail", phrase("claims.beyond", stated=stated)
    return "cannot be told", phrase("claims.open", stated=stated)


def _directed(claim: TextClaim, found: Interval) -> tuple[Outcome, str]:
    none = 1.0 if claim.compare == "ratio" else 0.0
    if claim.direction == "alike":
        alike = found.low <= none <= found.high
        return ("pass", "the interval holds no difference") if alike else ("fail", "the two differ beyond chance")
    higher, lower = found.low > none, found.high < none
    if higher or lower:
        right = higher == (claim.direction == "higher")
        return ("pass", f"it is {claim.direction}") if right else ("fail", f"it is {'higher' if higher else 'lower'}")
    return "cannot be told", "the interval holds no difference"


def figure_checks(scenario: Scenario, runner: DesignRunner) -> list[RunCheck]:
    """Return a run of each design that texts name, whose figures they may quote."""
    return [
        RunCheck("figures", figures_key(scenario, design), partial(_figures, scenario, runner, design))
        for design in (DEFAULT, *scenario.reference)
    ]


def _figures(scenario: Scenario, runner: DesignRunner, design: str) -> Iterator[Finding]:
    (outcome,) = runner.outcomes(
        "figures of the text", [picks_of(scenario, design)], [*scenario.metrics], scenario.run.replications
    )
    if outcome.refused:
        yield (), design, "fail", outcome.refused
        return
    bounds = {objective.metric: objective.bound for objective in scenario.objectives}
    figures = (_figure(scenario.metrics[name], estimate, bounds.get(name)) for name, estimate in outcome.metrics.items())
    yield (), design, "pass", "; ".join(figures)


def _figure(metric: Metric, estimate: Estimate, bound: float | None) -> str:
    shown, interval = quoted_within(estimate.value, estimate.low, estimate.high, metric.unit, bound)
    return f"{metric.name} {shown.strip()} ({interval})"
