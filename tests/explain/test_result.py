"""What a good result rests on, the weakest evidence first."""

from simulator.evidence.catalogue import field_drop_of
from simulator.evidence.latency_tables import constant
from simulator.evidence.score_tables import load_scores
from simulator.explain.result import challenge_of, replicate
from tests.builders import assumed, end, gate, people, plan, pool, population, score_table
from tests.encounters import vehicle_plan

ENDS = {"done": end(detected=assumed(1), usd=assumed(20), escalated=True), "cleared": end()}


FOUR = score_table([0.9, 0.8, 0.7, 0.3], [0.85, 0.2, 0.1])
VENDOR = load_scores("published.skinvision_resnet50x3.fp32")


def met_by(table=FOUR, **bounds):
    """Half of the ill are cleared by the model, and each of them costs 1,000 USD; the others cost 20 USD."""
    routes = [{"at_sensitivity": 0.5, "to": "r"}, {"to": "cleared"}]
    stages = {
        "p": pool(to="g", scores="x"),
        "g": gate("score", *routes, answers=True),
        "r": people(("00:00", "24:00", 9), minutes=1 / 60),
    }
    objectives = [{"metric": name, "label": name.replace("_", " ").capitalize(), **bound} for name, bound in bounds.items()]
    made = plan(stages, constant(0.1), table, ends=ENDS, seconds=300,
                population=population(), costs={"missed_positive_usd": assumed(1000)}, objectives=objectives)  # fmt: skip
    return challenge_of(replicate(made, 1, 4))


def test_all_met_is_said_with_the_weakest_evidence_and_a_challenge():
    found = met_by(sensitivity={"at_least": 0.01}, latency_p95_s={"at_most": 1})
    assert found.all_met
    assert found.sentence == "Both met. People: it is assumed that 100% of the positives are recognised there. Defend it."
    assert "“Sensitivity” rests on 4 labelled requests." in [ground.sentence for ground in found.grounds]


def test_the_cost_rests_on_an_assumed_price_of_its_largest_part():
    """Half of 1,000 requests are ill; half of those are cleared: 250 x 1,000 USD beside the people and 20 USD a visit."""
    found = met_by(cost_per_1000_usd={"at_most": 1e7})
    [told] = [ground.sentence for ground in found.grounds if ground.sentence.startswith("Of the cost")]
    assert told.endswith("is missed positives, at a price that is assumed.")
    assert 80 < float(told.split()[3].rstrip("%")) < 100


def test_what_is_not_met_is_counted_and_nothing_is_to_be_defended():
    found = met_by(sensitivity={"at_least": 0.999}, latency_p95_s={"at_most": 1}, latency_p50_s={"at_most": 0.01})
    assert not found.all_met
    assert found.sentence == "One of three met, two not met."


def test_what_the_evidence_cannot_decide_is_scored_apart():
    """12 minutes without a false brake leave up to 15 an hour: no design shows one an hour, and three hours would."""
    asked = [
        {"metric": "needless_brakes_per_h", "at_most": 1, "label": "Brakes without need"},
        {"metric": "stopped_share", "at_least": 0.9, "label": "Stops"},
    ]
    result = replicate(vehicle_plan(objectives=asked), 1, 4)
    assert challenge_of(result).sentence == "Met. The evidence here cannot decide “Brakes without need”."
    loose = [{**asked[0], "at_most": 20}, asked[1]]
    assert challenge_of(replicate(vehicle_plan(objectives=loose), 1, 4)).sentence.startswith("Both met.")


def test_without_objectives_there_is_nothing_to_defend():
    assert met_by() is None


def test_a_vendor_s_claim_is_told_with_what_the_field_found():
    drop = field_drop_of(VENDOR.name)
    found = met_by(VENDOR, sensitivity={"at_least": 0.01})
    assert drop.field.sensitivity == (0.413, 0.833)
    assert found.sentence == (
        "Met. Pool: its scores are its vendor's claim, 91 to 96% of the positives on the vendor's own bench; in the field, "
        "SkinVision found 41 to 83%. Defend it."
    )
    assert found.grounds[0].source == drop.field.source


def test_no_study_is_claimed_for_a_table_that_has_none():
    assert field_drop_of("pad_ufes20.efficientnet_lite0.fp32") is None
