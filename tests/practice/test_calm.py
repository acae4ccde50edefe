"""A struck run against the calm run of the same design: what is paired, what is named, and what is refused."""

import numpy as np
import pytest

from simulator.engine.compiled_plan import without_curveballs
from simulator.engine.run import simulate
from simulator.evidence.latency_tables import constant
from simulator.explain.claims import each_claim, said
from simulator.explain.result import replicate
from simulator.practice.curveball_effects import largest_toll, summed_up, toll_claims, toll_rows, tolls
from tests.builders import plan, pool

SLOW = {"slow": {"kind": "slow_replicas", "label": "Slow", "stage": "p", "replicas": 9, "times": 3, "lasts_s": 1e6}}
OBJECTIVES = [
    {"metric": "latency_mean_s", "at_most": 0.2, "label": "Answer"},
    {"metric": "throughput_per_s", "at_least": 1e-6, "label": "Answers"},
]


def made(at_s):
    """Every request is served alone, in 0.1 s, and in 0.3 s from the strike on."""
    return plan({"p": pool(replicas=9)}, constant(0.1), rate=0.5, seconds=2000, curveballs=SLOW, strikes={"slow": at_s},
                objectives=OBJECTIVES)  # fmt: skip


@pytest.fixture(scope="module")
def runs():
    struck = replicate(made(0.0), 1, 6)
    return replicate(without_curveballs(struck.plan), 1, 6), struck


def test_up_to_the_first_strike_a_run_is_the_calm_one_to_the_byte():
    struck = simulate(made(1000.0), 3)
    quiet = simulate(without_curveballs(made(1000.0)), 3)
    before = struck.columns.arrived < 990
    assert np.array_equal(struck.columns.answered[before], quiet.columns.answered[before])
    assert not np.array_equal(struck.columns.answered, quiet.columns.answered)


def test_every_objective_is_compared_and_the_change_is_paired(runs):
    answer, answers = tolls(*runs)
    assert answer.change.change.value == pytest.approx(0.2, rel=1e-3)
    assert answer.change.change.high - answer.change.change.low < 1e-3  # the same requests: only the service differs
    assert (answer.sides, answer.verdicts) == (("100 ms", "300 ms"), "met → not met")
    assert answer.matters
    assert answers.verdicts == "still met"


def test_the_curveball_is_named_with_the_verdict_that_it_changed(runs):
    told = summed_up(runs[1], tolls(*runs))
    assert told.startswith(
        "Against the calm run of the same design and seed, “Slow” changed 1 of 2 objectives by more than chance. "
        "“Answer”: 100 ms → 300 ms (+200 ms, "
    )
    assert "met → not met" in told
    assert "The other objective changed by no more than chance." in told
    assert toll_rows(tolls(*runs))["objective"].tolist() == ["Answer", "Answers"]


def test_each_claim_of_a_curveball_names_both_runs_and_says_which_objectives_chance_moved(runs):
    calm, struck = runs
    for claims in (toll_claims(struck, tolls(*runs)), largest_toll(tolls(*runs))):
        each = list(each_claim(claims))
        assert {claim.run for claim in each if claim.relation != "verdict"} == {struck.run_hash}
        assert {claim.against for claim in each if claim.relation != "verdict"} == {calm.run_hash}
        assert {claim.run for claim in each if claim.relation == "verdict"} == {calm.run_hash, struck.run_hash}
    first = toll_claims(struck, tolls(*runs))[0]
    assert [(part.relation, part.value) for part in first.parts] == [("beyond chance", False)]
    told = said(largest_toll(tolls(*runs)))
    assert told.startswith("Against the calm run, “Answer” changed most: 100 ms → 300 ms, +200 ms")


def test_the_number_of_other_objectives_that_changed_is_a_plain_noun_phrase(runs):
    one = tolls(*runs)[0]
    told = {count: said(largest_toll([one] * count)).rpartition("met. ")[2] for count in (2, 4)}
    assert told == {2: "The other objective changed too.", 4: "All 3 other objectives changed too."}
    still = tolls(*runs)[1]
    assert said(largest_toll([one, one, still, still])).endswith("1 of the 3 other objectives changed too.")


def test_a_strike_that_changes_nothing_says_so():
    struck = plan({"p": pool(replicas=9)}, constant(0.1), rate=0.5, seconds=500, curveballs=SLOW | {
        "late": {"kind": "replica_loss", "label": "Late", "stage": "p", "replicas": 1}}, strikes={"late": 5000.0},
        objectives=OBJECTIVES)  # fmt: skip
    pair = replicate(without_curveballs(struck), 1, 3), replicate(struck, 1, 3)
    assert summed_up(pair[1], tolls(*pair)).endswith("“Late” changed no objective by more than chance.")


def test_a_struck_run_that_ended_early_is_compared_in_the_replications_that_both_have(runs):
    early = replicate(runs[1].plan, 1, 4)
    pairs = zip(tolls(runs[0], early), tolls(replicate(runs[0].plan, 1, 4), early), strict=True)
    assert all(one.change.change == other.change.change for one, other in pairs)
    answer = tolls(runs[0], early)[0]
    assert (answer.before, answer.runs[0]) == (runs[0].verdicts[0], runs[0].run_hash)  # its verdict is that of its card


def test_runs_of_two_designs_are_not_taken_for_calm_and_struck(runs):
    other = replicate(without_curveballs(runs[1].plan), 2, 6)
    with pytest.raises(ValueError, match="the same design and seed"):
        tolls(other, runs[1])
