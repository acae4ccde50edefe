"""`casesim test` finds each planted fault, and nothing in a sound case."""

from __future__ import annotations

import pytest

from simulator.authoring import case_test
from simulator.authoring.case_test import case_results, without_model
from simulator.authoring.check_results import KeptResults
from simulator.authoring.quoted_numbers import half_digit
from simulator.case.load import loads
from simulator.engine.plan import compile_plan
from simulator.metrics.replications import run_replications
from simulator.metrics.summary import summary_of
from tests.authoring.planted import case, runner
from tests.case.texts import SMALL


@pytest.fixture(autouse=True)
def few_designs(monkeypatch):
    """Fewer random designs than the command tries: half of the twelve that the small case has."""
    monkeypatch.setattr(case_test, "RANDOM_DESIGNS", 6)


def results(scenario, folder):
    return list(case_results(scenario, runner(scenario), KeptResults(scenario, folder / "kept.json")))


def failures(scenario, folder):
    return {(one.check, one.subject) for one in results(scenario, folder) if one.failed}


def test_a_sound_case_passes(tmp_path):
    assert failures(case(), tmp_path) == set()


def dominated(times):
    def plant(data):
        worse = {
            "stages.model.service_ms.exponential_mean.value": 100 * min(times, 1.6),
            "stages.model.usd_per_hour.value": times,
        }
        data["choices"]["speed"]["options"]["poor"] = {"label": "Poor", "set": worse}

    return plant, ("dominated option", "speed=poor")


def dead(number):
    places = "ends.done.label", "ends.lost.label", "stages.model.label"
    place = places[number % len(places)]

    def plant(data):
        options = {name: {"label": name.title(), "set": {place: f"{name} {number}"}} for name in ("one", "other")}
        data["choices"]["idle"] = {"kind": "options", "label": "Idle", "default": "one", "options": options}

    return plant, ("dead choice", "idle")


def trivial(number):
    easy = [
        ("done_share", "at_least", 0.01),
        ("latency_served_p95_s", "at_most", 100.0),
        ("cost_per_1000_usd", "at_most", 50.0),
    ]
    metric, side, bound = easy[number % len(easy)]

    def plant(data):
        data["objectives"].append({"metric": metric, side: bound * (1 + number / 10), "label": "Always"})

    return plant, ("objective", "Always")


def infeasible(number):
    hard = [
        ("done_share", "at_least", 0.99999),
        ("latency_served_p50_s", "at_most", 0.01),
        ("cost_per_1000_usd", "at_most", 0.001),
    ]
    metric, side, bound = hard[1 + number % 2]

    def plant(data):
        data["objectives"].append({"metric": metric, side: bound * (1 + number / 10), "label": "Never"})

    return plant, ("objective", "Never")


def false_claim(number):
    wrong = [
        {"metric": "latency_served_p95_s", "design": "three", "at_least": 0.5},
        {"metric": "latency_served_p95_s", "design": "three", "against": "default", "direction": "higher"},
        {"metric": "cost_per_1000_usd", "design": "three", "against": "default", "compare": "ratio", "at_most": 1.5},
        {"metric": "latency_served_p95_s", "design": {"speed": "quick"}, "against": "default", "direction": "alike"},
        {"metric": "done_share", "design": "default", "at_most": 0.5},
    ][number % 5]

    def plant(data):
        data["questions"][0]["answer"] = "Eight a second, as everybody says."
        data["claims"].append({"says": "Eight a second, as everybody says", **wrong})

    return plant, ("claim", "Eight a second, as everybody says")


def rotten(number):
    def plant(data):
        if number % 2:
            data["claims"][0]["shows"] = 0.4 + 0.01 * number
        else:
            data["claims"][0] |= {"objective": None, "figure": "arrivals.rate_per_s", "shows": 9.0 + number}
            del data["claims"][0]["objective"]

    return plant, ("claim", "Answer 95% of them within 0.4 seconds")


def unused(number):
    def plant(data):
        data["questions"].append({"ask": f"What else, {chr(97 + number)}?", "answer": "Nothing."})

    return plant, ("answer", f"What else, {chr(97 + number)}?")


def bad_design(number):
    def plant(data):
        data["tests"]["fails"][0] |= {"design": {"replicas": 3 + number % 4}}

    return plant, ("fails", f"replicas={3 + number % 4}")


PLANTED = [dominated, dead, trivial, infeasible, false_claim, rotten, unused, bad_design]


def variants(kind):
    """Ten variants of a fault: the first is always tried, the others in the long tests."""
    numbers = [1 + one / 10 for one in range(1, 11)] if kind is dominated else range(10)
    return [
        pytest.param(kind, number, marks=[pytest.mark.long] if place else [], id=f"{kind.__name__}-{number:g}")
        for place, number in enumerate(numbers)
    ]


@pytest.mark.parametrize(("kind", "number"), [one for kind in PLANTED for one in variants(kind)])
def test_a_planted_fault_is_found_and_named(kind, number, tmp_path):
    plant, expected = kind(number)
    found = failures(case(plant), tmp_path)
    assert expected in found
    beside = {"feasible", "giveaway"} if kind is infeasible else set()  # what cannot be met is met by no design
    assert {check for check, _ in found} <= {expected[0], *beside}


def test_a_default_that_meets_everything_is_trivial(tmp_path):
    def plant(data):
        data["choices"]["replicas"]["default"] = 3
        data["tests"] = {}

    assert ("not trivial", "default") in failures(case(plant), tmp_path)


def test_an_objective_that_no_design_meets_may_be_so_on_purpose(tmp_path):
    plant, _ = infeasible(0)

    def on_purpose(data):
        plant(data)
        data["tests"]["unmet"] = {"latency_served_p50_s": "it shows a limit"}

    assert failures(case(on_purpose), tmp_path) == set()


def test_an_option_may_be_beaten_on_purpose(tmp_path):
    plant, _ = dominated(1.5)

    def on_purpose(data):
        plant(data)
        data["tests"]["traps"] = {"speed": {"poor": "people often buy it"}}

    assert failures(case(on_purpose), tmp_path) == set()


def test_a_claim_whose_interval_holds_the_bound_cannot_be_told(tmp_path):
    def close(data):
        data["claims"].append({"says": "Eight a second", "metric": "latency_served_p95_s", "design": "three", "at_most": 0.301})

    assert ("claim", "Eight a second") in failures(case(close), tmp_path)
    told = [one for one in results(case(close), tmp_path) if one.subject == "Eight a second"]
    assert told[0].outcome == "cannot be told"


def test_a_ratio_of_prices_is_exact(tmp_path):
    """A price twice as high doubles a cost that is all of it, whatever the run."""

    def twice(data):
        data["choices"]["price"] = {"kind": "number", "label": "Price", "default": 1, "values": [1, 2],
                                    "set": ["stages.model.usd_per_hour.value"]}  # fmt: skip
        del data["choices"]["speed"]
        data["claims"].append(
            {"says": "Eight a second", "metric": "cost_per_1000_usd", "design": {"price": 2}, "against": "default",
             "compare": "ratio", "at_least": 1.999, "at_most": 2.001}
        )  # fmt: skip

    found = {one.subject: one.outcome for one in results(case(twice), tmp_path) if one.check == "claim"}
    assert found["Eight a second"] == "pass"


def test_results_are_kept_until_what_they_rest_on_changes(tmp_path):
    scenario, file = case(), tmp_path / "kept.json"
    kept = KeptResults(scenario, file)
    first = list(case_results(scenario, runner(scenario), kept))
    kept.write()

    def no_run(work, task):
        raise AssertionError("a kept result ran again")

    again = KeptResults(scenario, file)
    again.known = KeptResults(scenario, file).known | kept.used
    alone = runner(scenario)
    alone.submit = no_run
    assert [one.says for one in list(case_results(scenario, alone, again))[4:]] == [one.says for one in first[4:]]

    other = case(lambda data: data["claims"][1].update(at_most=0.35))
    changed = runner(other)
    changed.submit = no_run
    with pytest.raises(AssertionError, match="ran again"):
        list(case_results(other, changed, again))


@pytest.mark.parametrize(
    ("written", "half"),
    [("0.4", 0.05), ("0.48", 0.005), ("24100", 50), ("10000", 500), ("3", 0.5), ("17", 0.5), ("300", 0.5), ("1.1e-07", 0.5e-8)],
)
def test_a_number_is_compared_to_the_digits_that_are_written(written, half):
    assert half_digit(written) == pytest.approx(half)


def test_without_a_model_everybody_goes_one_way_or_the_share_that_went_there_by_score(evidence):
    scenario = loads(SMALL)
    for way, expected in (("everybody", 1.0), ("by chance", None)):
        plan = compile_plan(without_model(scenario, {}, way))
        by_score = compile_plan(scenario)
        found = summary_of(plan, 1, run_replications(plan, 1, 4)).metrics["utilization.reader"].value
        usual = summary_of(by_score, 1, run_replications(by_score, 1, 4)).metrics["utilization.reader"].value
        assert found > usual if expected else found == pytest.approx(usual, rel=0.25)


def test_a_figure_of_the_case_bears_out_a_number(tmp_path):
    def plant(data):
        data["claims"].append({"says": "Eight a second", "figure": "arrivals.rate_per_s", "shows": 8.0})

    assert failures(case(plant), tmp_path) == set()
