"""Which figures are doubted, which answers turn, and that they turn where a run says so."""

import pytest

from simulator.case.load import load, loads
from simulator.engine.compiled_plan import projected_ms
from simulator.engine.plan import compile_plan
from simulator.errors import InputError
from simulator.explain.result import replicate
from simulator.intervals import Interval, estimate
from simulator.metrics.comparisons import Difference
from simulator.sweeps.design_space import DesignPoint
from simulator.sweeps.outcome_cache import DesignOutcome
from simulator.sweeps.sweep import Sweep, SweepRequest, swept
from simulator.tradeoffs.breakeven import BreakevenSearch, doubts_of
from simulator.tradeoffs.breakeven_claims import Answer, BreakevenClaim, claims_of
from simulator.tradeoffs.capacity import Loading
from tests.case.texts import SMALL, changed
from tests.sweeps.test_sweep import Here

#: Each visit is paid by the case, so that the cost of 1,000 requests is a straight line in the price of a visit.
PAID = changed(
    "usd: {value: 100, assumed: a test}", "usd: {value: 100, assumed: a test, between: [20, 500]}",
    "objectives:\n  - {metric: sensitivity, at_least: 0.9, label: Found}",
    "objectives:\n  - {metric: cost_per_1000_usd, at_most: 60000, label: Cost}",
)  # fmt: skip


def requested(text: str = PAID, **fields) -> SweepRequest:
    scenario = loads(text)
    metrics = [objective.metric for objective in scenario.objectives]
    return SweepRequest(**({"scenario": scenario, "axes": [], "metrics": metrics, "points": [], "replications": 4} | fields))


def test_what_is_assumed_or_projected_is_doubted_and_what_was_measured_or_published_is_not(evidence):
    text = changed(
        "usd_per_hour: {value: 60, assumed: a test}", "usd_per_hour: {value: 60, published: a paper}",
        "prevalence: {value: 0.5, assumed: a test}", "prevalence: {value: 0.5, projected: a test, between: [0.4, 0.7]}",
    )  # fmt: skip
    found = {doubt.place: doubt for doubt in doubts_of(compile_plan(loads(text)))}
    assert "stages.reader.usd_per_hour" not in found
    assert (found["population.prevalence"].low, found["population.prevalence"].high) == (0.4, 0.7)
    assert found["population.prevalence"].words == "“Population: prevalence”, 0.5 (0.4 to 0.7, the author's range)"
    assert found["arrivals.rate_per_s"].words.endswith("half to double, as no range is given)")
    assert "ends.cleared.usd" not in found, "half and double of nothing are nothing"


def test_the_place_where_the_cost_turns_is_where_runs_say_it_turns(evidence):
    made = requested()
    here = Here()
    (doubt,) = (one for one in doubts_of(compile_plan(made.scenario)) if one.place == "ends.seen.usd")
    found = BreakevenSearch(made, here.submit).find([doubt], claims_of(made.scenario), together=0)
    (flip,) = found.flips
    low, high = flip.crossing.low, flip.crossing.high
    assert low <= flip.crossing.at <= high
    sides = swept(Sweep(made, here.submit, points=[DesignPoint(figures={"ends.seen.usd": usd}) for usd in (low, high)]))
    costs = [one.metrics["cost_per_1000_usd"] for one in sides]
    assert costs[0].high <= 60_000 <= costs[1].low
    again = swept(
        Sweep(
            made, here.submit, points=[DesignPoint(figures={"ends.seen.usd": usd}) for usd in (low, high)], seed=made.other_seed
        )
    )
    assert again[0].value("cost_per_1000_usd") <= 60_000 <= again[1].value("cost_per_1000_usd")


@pytest.mark.long
def test_the_interval_of_the_place_holds_the_one_that_the_case_is_made_of(evidence):
    """The cost is a line in the price of a visit, so that many requests at two prices tell where it truly turns."""
    exact = requested(replications=40, seed=999)
    cost = {}
    for usd in (20.0, 500.0):
        (outcome,) = swept(Sweep(exact, Here().submit, points=[DesignPoint(figures={"ends.seen.usd": usd})]))
        cost[usd] = outcome.value("cost_per_1000_usd")
    truth = 20 + 480 * (60_000 - cost[20.0]) / (cost[500.0] - cost[20.0])
    held = 0
    for seed in range(8):
        made = requested(seed=seed)
        (doubt,) = (one for one in doubts_of(compile_plan(made.scenario)) if one.place == "ends.seen.usd")
        flips = BreakevenSearch(made, Here().submit).find([doubt], claims_of(made.scenario), together=0).flips
        held += bool(flips) and flips[0].crossing.low <= truth <= flips[0].crossing.high
    assert held >= 6


def test_a_figure_that_does_not_matter_turns_nothing(evidence):
    made = requested()
    places = ("stages.reader.minutes.median", "ends.seen.detected")  # a reader costs little; a miss costs nothing here
    doubts = [one for one in doubts_of(compile_plan(made.scenario)) if one.place in places]
    found = BreakevenSearch(made, Here().submit).find(doubts, claims_of(made.scenario), together=0)
    assert [one.place for one in found.idle] == ["ends.seen.detected"]
    assert (found.flips, found.steady) == ([], 1)
    assert found.rest == (
        "No figure alone turns an answer. "
        "In 1 pair of an answer and a figure, the answer stays the same over the figure's whole range. "
        "1 more figure changes nothing about these answers."
    )


@pytest.mark.long
def test_with_all_figures_in_doubt_at_once_it_is_told_how_often_the_answer_stays(evidence):
    made = requested()
    found = BreakevenSearch(made, Here().submit).find(
        doubts_of(compile_plan(made.scenario)), claims_of(made.scenario), together=16
    )
    (stands,) = found.together
    assert 0 < stands.same < stands.of == 16
    assert stands.share.low < stands.same / 16 < stands.share.high
    assert "16 draws" in stands.sentence


def test_of_two_designs_the_better_one_may_turn_with_a_figure(evidence):
    """The design that finds more pays more visits: it costs more as long as a visit costs anything at all."""
    text = changed(
        "objectives:", "costs:\n  missed_positive_usd: {value: 100, assumed: a test, between: [50, 300]}\nobjectives:",
    )  # fmt: skip
    made = requested(text, metrics=["cost_per_1000_usd"])
    claim = BreakevenClaim(made.scenario.metrics["cost_per_1000_usd"], None, False, {"point": 1.0})
    (doubt,) = (one for one in doubts_of(compile_plan(made.scenario)) if one.place == "costs.missed_positive_usd")
    found = BreakevenSearch(made, Here().submit).find([doubt], [claim], together=0)
    (flip,) = found.flips
    assert flip.holds
    assert doubt.figure.value < flip.crossing.at < doubt.high
    assert flip.now.judged.change.low < 0 < flip.now.judged.change.high, "four replications do not tell the two designs apart"
    assert flip.sentence.startswith(
        "“less of “Cost of 1,000 requests” than with point=1.0”: not significantly different (−300 USD, 95% interval −1,800 to"
    )
    assert "; no value of “Costs: missed positive in USD” decides it. The plain values turn at " in flip.sentence
    assert flip.sentence.endswith(", which may be chance.")
    assert flip.to_json()["standing"] == "not significantly different"
    (stands,) = found.together
    assert stands.sentence == f"“{claim.words}”: {flip.now.words}."


def test_of_two_equal_designs_neither_is_better(evidence):
    made = requested(metrics=["cost_per_1000_usd"])
    claims = [BreakevenClaim(made.scenario.metrics["cost_per_1000_usd"], None, higher, {}) for higher in (False, True)]
    found = BreakevenSearch(made, Here().submit).find(doubts_of(compile_plan(made.scenario))[:2], claims, together=3)
    assert not found.flips
    assert [stands.standing for stands in found.together] == ["the same", "the same"]
    assert not any(stands.now.holds for stands in found.together)
    assert [dict(stands.drawn) for stands in found.together] == [{"the same": 3}] * 2


COST = loads(PAID).metrics["cost_per_1000_usd"]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ((0.0000356, -0.0000012, 0.000071),
         "not significantly different (+0.000036 USD, 95% interval −0.000001 to +0.000071 USD)"),
        ((-1512.407, -8740.4, 6643.8), "not significantly different (−1,500 USD, 95% interval −8,700 to +6,600 USD)"),
        ((-12.0, -8740.4, 6643.8), "not significantly different (0 USD, 95% interval −8,700 to +6,600 USD)"),
        ((-0.20492969, -0.20586631, -0.20399307), "holds by 0.205 USD"),
        ((5.0, 1.0, 9.0), "fails by 5.0 USD"),
        ((0.0, 0.0, 0.0), "the same in both designs"),
    ],
)  # fmt: skip
def test_a_difference_that_the_run_does_not_resolve_is_called_so_in_the_digits_of_its_interval(change, words):
    """Bounds by hand: two digits of the half-width, at most three of any number; the sign is that of own minus other."""
    nothing = Interval(0.0, 0.0, 0.0)
    assert Answer(Difference(COST, nothing, nothing, estimate(Interval(*change))), higher=False).words == words


def test_two_designs_of_which_one_has_no_figure_have_no_answer():
    assert (Answer(None).words, Answer(None).holds, Answer(None).sure) == ("no figure", False, False)


def test_an_answer_about_an_objective_has_the_words_of_the_card():
    (claim,) = claims_of(loads(PAID))
    costs = (61_000, 57_000, 65_000), (59_000, 58_500, 59_500), (62_000, 61_000, 63_000)
    words = ["not proven (95% interval 57,000 to 65,000 USD)", "met by 1,000 USD", "not met by 2,000 USD"]
    assert [_answered(claim, *cost).words for cost in costs] == words


def _answered(claim, value, low, high):
    figure = estimate(Interval(value, low, high))
    return claim.answer([DesignOutcome({}, {}, 1, 4, metrics={"cost_per_1000_usd": figure})])


@pytest.mark.parametrize("why", ["no steady state", "too few waits"])
def test_an_objective_without_a_figure_fails_under_overload_alone_and_the_card_has_no_figure(why):
    (claim,) = claims_of(loads(PAID))
    answer = claim.answer([DesignOutcome({}, {}, 1, 4, missing_reasons={"cost_per_1000_usd": why})])
    assert (answer.standing, answer.fails, answer.unknown) == ("no figure", why == "no steady state", why != "no steady state")


def test_a_design_outside_of_the_brief_has_no_verdict_that_could_turn(evidence):
    """The card calls every verdict void, so that none is met, within a capacity or up to the value of a figure."""
    outside = changed("    label: Reading\n", "    label: Reading\n    situation: true\n")
    made = requested(outside, picks={"reading": "expert"})
    assert {one.standing for one in replicate(made.plan(made.base), 1, 2).verdicts} == {"void"}
    here = Here()
    with pytest.raises(InputError, match="Outside the brief: Reading is Expert"):
        BreakevenSearch(made, here.submit).find(doubts_of(made.plan(made.base)), claims_of(made.scenario))
    with pytest.raises(InputError, match="Outside the brief: Reading is Expert"):
        Loading(made, claims_of(made.scenario), here.submit).find()
    assert here.count == 0


def test_a_projected_latency_is_doubted_within_its_band_and_the_other_design_keeps_its_own():
    scenario = load("skin-cancer-triage")
    plan = compile_plan(scenario, {"hardware": "t4"})
    (doubt,) = (one for one in doubts_of(plan) if one.is_latency)
    low, value, high = projected_ms(plan)["stages.classifier.projected_ms"]
    assert (doubt.low, doubt.figure.value, doubt.high) == (low, value, high)
    assert doubt.words.endswith("the band of the projection)")
    claim = BreakevenClaim(scenario.metrics["cost_per_1000_usd"], None, False, {"hardware": "one"})
    own, other = claim.points(DesignPoint({"hardware": "t4"}, {doubt.place: high, "population.prevalence": 0.03}))
    assert dict(own.figures) == {doubt.place: high, "population.prevalence": 0.03}
    assert dict(other.figures) == {"population.prevalence": 0.03}
    compile_plan(scenario, other.picks, figures=other.figures)


def test_a_figure_that_cannot_be_varied_alone_is_named(evidence):
    text = changed(
        "choices:",
        "attributes:\n  kind:\n    kind: category\n    label: Kind\n    shares:\n"
        "      one: {value: 0.5, assumed: a test}\n      two: {value: 0.5, assumed: a test}\nchoices:",
    )
    made = requested(text, metrics=["sensitivity"])
    (doubt,) = (one for one in doubts_of(compile_plan(made.scenario)) if one.place == "attributes.kind.shares.one")
    found = BreakevenSearch(made, Here().submit).find([doubt], claims_of(made.scenario), together=0)
    assert not found.doubts
    assert "add up to" in found.unvaried["attributes.kind.shares.one"]
    (words,) = found.not_varied
    assert words.startswith("Not varied alone: “Kind: shares, one”: ")
    assert doubt.words.startswith("“Kind: shares, one”, 0.5 (0.25 to 1, half to double")


def test_an_objective_that_there_is_not_is_refused():
    with pytest.raises(InputError, match="--objective sensitivty: the case has no such objective; did you mean 'sensitivity'"):
        claims_of(loads(SMALL), ["sensitivty"])
