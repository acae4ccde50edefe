"""What is said of a run of the vehicle's case: in its words, of what took part in the run, with the counts that it rests on."""

import pytest

from simulator.case.load import load
from simulator.engine.plan import compile_plan
from simulator.explain.result import replicate
from simulator.metrics.comparisons import compare
from simulator.metrics.summary import idle_labels
from simulator.practice.curveball_effects import metres_taken
from simulator.vehicle.sight import sights_of
from tests.shipped import run_of
from tests.spoken_numbers import numbers_in

CASE = "av-perception"


def run(strike="", **picks):
    return run_of(CASE, strike, **picks)


def reason(objective, strike="", **picks):
    found = run(strike, **picks)
    (place,) = [place for place, verdict in enumerate(found.verdicts) if verdict.objective.metric == objective]
    return found.reasons[place]


def said(found):
    return [*found.warnings, *(note.sentence for note in found.trust)]


@pytest.mark.long
def test_of_stages_to_which_nothing_came_nothing_is_said():
    found = run()
    assert idle_labels(found.plan, found.stages) == ["Strong detector", "Network for the LiDAR"]
    assert not [words for words in said(found) if words.startswith(("Strong detector: ", "Network for the LiDAR: "))]
    assert [words for words in said(run(sensors="either")) if words.startswith("Network for the LiDAR: its latenc")]


@pytest.mark.long
def test_false_answers_are_told_of_each_that_looks():
    """Each stage that looks at the road is named with the false answers in its recorded drives: 2 and 6 in 13 minutes."""

    def slots(**picks):
        claims = reason("needless_brakes_per_h", **picks).claims
        return next(part.slots for claim in claims for part in claim.words.each() if part.key == "hits.needless")

    sights = sights_of(run(sensors="either").plan).by_stage
    assert [sights[stage].alarms.count for stage in ("detector", "lidar_net")] == [2, 6]
    alone, either, both = slots(), slots(sensors="either"), slots(sensors="both")
    assert [one.slots for one in alone["each"]] == [{"count": 2, "label": "Detector"}]
    assert [one.slots["count"] for one in either["each"]] == [2, 6]
    assert [one.slots["label"] for one in both["each"]] == ["Detector", "Network for the LiDAR"]
    assert [one["agree"] for one in (alone, either, both)] == [False, False, True]


@pytest.mark.long
def test_the_share_that_is_not_stopped_has_the_digits_of_the_card():
    """The card says 74%, with an interval of some twenty points: the reason says 26%, not 25.5%."""
    found = run(sensors="both")
    verdict = next(one for one in found.verdicts if one.metric.name == "stopped_share")
    assert "." not in verdict.reached
    missing = 1 - verdict.estimate.value
    assert reason("stopped_share", sensors="both").sentence.startswith(f"In {100 * missing:.0f}% of the encounters ")


@pytest.mark.long
def test_the_parts_of_those_not_stopped_can_be_drawn_in_place_of_their_sentence():
    found = reason("stopped_share", sensors="both")
    sizes, words = zip(*found.largest_parts, strict=True)
    assert sum(sizes) == pytest.approx(100)
    assert list(sizes) == sorted(sizes, reverse=True)
    assert found.split == f"Of these, {'; '.join(words)}."
    assert found.split in found.sentence


@pytest.mark.long
def test_more_looks_are_tried_first_against_brakes_without_need():
    first = next(reason("needless_brakes_per_h", sensors="either").steps())
    assert first.words.endswith("Three of four frames → Five of six frames")


@pytest.mark.long
def test_a_step_that_the_card_of_another_objective_praises_is_not_missing_on_its_own():
    reasons = run(sensors="either").reasons
    moves = [reason.advice.move for reason in reasons.values() if reason.advice.move]
    unhelped = [place for place, reason in reasons.items() if reason.advice.move is None]
    assert moves
    assert unhelped
    assert [(place, move.words) for place in unhelped for move in moves if move.lever.effects[place].gain > 0] == []


@pytest.mark.long
def test_a_camera_that_fails_is_the_reason_for_an_old_view():
    told = reason("age_p99_s.planner.front", "blind").sentence
    assert told.startswith("“Front camera” sends nothing for 8.00 s (“The front camera fails”)")
    assert "sends nothing" not in reason("age_p99_s.planner.front").sentence
    assert "sends nothing" not in reason("age_p99_s.planner.front", "lidar_stalls").sentence


def test_what_a_curveball_took_is_told_in_metres():
    calm, struck = run(), run("blind")
    left = [one.metrics["margin_mean_m"].value for one in (calm, struck)]
    slots = metres_taken(calm, struck).words.slots
    before, after, change = (numbers_in(slots[name], "m")[0] for name in ("calm", "struck", "change"))
    assert before.value == pytest.approx(left[0], abs=before.slack)
    assert after.value == pytest.approx(left[1], abs=after.slack)
    assert change.value == pytest.approx(left[1] - left[0], abs=change.slack)


@pytest.mark.long
def test_false_answers_that_two_designs_share_do_not_blur_what_one_costs_more():
    """They leave each cost open by tens of thousands of USD; a second computer costs 2,000 USD and the power that it draws."""
    found = compare(run(), run(chips="two"), every=True)
    (cost,) = [one.change for one in found.moved if one.metric.name == "usd_per_vehicle"]
    assert run().metrics["usd_per_vehicle"].high - run().metrics["usd_per_vehicle"].low > 60_000
    assert 2000 <= cost.low <= cost.value <= cost.high < 2100


def test_false_answers_that_differ_count_for_both():
    found = compare(run(), run(sensors="either"), every=True)
    (cost,) = [one.change for one in found.moved if one.metric.name == "usd_per_vehicle"]
    assert cost.low < 0 < 100_000 < cost.value < 170_000 < cost.high


@pytest.mark.long
def test_a_case_without_encounters_has_no_metres():
    runs = [replicate(compile_plan(load("retry-storm"), {}, strikes), 1, 2) for strikes in ({}, {"second_rush": 300.0})]
    assert metres_taken(*runs) is None


@pytest.mark.parametrize("picks", [{}, {"computer": "agx_frugal", "queue": "freshest"}])
def test_frames_are_called_frames(picks):
    found = run("blind", **picks)
    words = [*said(found), *(one.sentence for one in found.reasons.values()), found.sense]
    assert not [told for told in words if "request" in told or "photo" in told or "people" in told]
