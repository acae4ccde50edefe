"""What one field alone cannot tell: ways that lead nowhere or round for ever, names that nothing bears."""

import pytest

from simulator.case.checks import cautions
from simulator.case.document import ScenarioError
from simulator.case.load import load, loads, scenario_ids
from simulator.engine.plan import compile_plan
from tests.builders import assumed, end, gate, link, people, pool, population, retake, scenario, spread
from tests.case.texts import changed, place

ALWAYS = ("00:00", "24:00", 1)


def messages(stages, **fields):
    with pytest.raises(ScenarioError) as caught:
        scenario(stages, **fields)
    return {fault.field: fault.message for fault in caught.value.faults}


def test_an_unknown_target_is_answered_with_the_nearest_stage_or_end():
    assert messages({"a": pool(to="don")}) == {"stages.a.to": "'don' is neither a stage nor an end; did you mean 'done'?"}


def test_a_target_of_a_route_is_checked_too():
    quality = gate("quality", {"at_least": 0, "to": "b"}, {"to": "done"})
    assert "stages.a.routes.0.to" in messages({"a": quality}, population=population(unusable=0.1))


@pytest.mark.parametrize("given", [{}, {"slowdown": assumed(2), "cores": 2}])
def test_a_shared_device_is_one_that_slows_or_one_with_cores(given):
    told = messages({"a": pool(shares="cpu")}, accelerators={"cpu": {"label": "CPU"} | given})
    assert "give slowdown" in told["accelerators.cpu"]


def test_the_start_is_a_stage():
    assert messages({"a": pool()}, start="done")["start"].startswith("'done' is not a stage")


def test_a_stage_and_an_end_bear_different_names():
    assert "rename one" in messages({"done": pool()})["ends.done"]


def test_a_stage_that_no_request_can_reach_is_told():
    assert set(messages({"a": pool(), "b": pool(to="c"), "c": pool()})) == {"stages.b", "stages.c"}


@pytest.mark.parametrize("field", ["on_full", "on_timeout"])
def test_a_stage_that_only_a_fallback_reaches_is_reachable(field):
    limit = {"on_full": {"max_queue": 1}, "on_timeout": {"timeout_s": 1}}[field]
    assert scenario({"a": pool(**limit, **{field: "b"}), "b": pool()})


def ask(quality_to: str = "done", **fields: str):
    looks = gate("quality", {"at_least": 0, "to": quality_to}, {"to": "b"})
    return {"a": looks, "b": retake("a", **fields)}


RINGS = {
    "gates": {
        "a": gate("quality", {"at_least": 0, "to": "b"}, {"to": "done"}),
        "b": gate("quality", {"at_least": 1, "to": "done"}, {"to": "a"}),
    },
    "links": {"a": link("b", 1), "b": link("a", 1)},
    "a link and a gate": {"a": link("b", 1), "b": gate("quality", {"at_least": 0, "to": "done"}, {"to": "a"})},
    "a full queue": {"a": pool(max_queue=1, on_full="a")},
    "two full queues": {"a": pool(max_queue=1, on_full="b"), "b": people(ALWAYS, max_queue=1, on_full="a")},
    "no tries left": ask(on_exhausted="a"),
    "no patience left": ask(on_give_up="a"),
}


@pytest.mark.parametrize("stages", RINGS.values(), ids=RINGS)
def test_a_ring_in_which_nobody_serves_is_refused(stages):
    found = messages(stages, population=population(unusable=0.1))
    assert found.keys() == {f"stages.{name}" for name in stages}
    assert all("for ever" in message for message in found.values())


SPIRALS = {
    "timed out": {"a": pool(timeout_s=1, on_timeout="a")},
    "a try each": ask(),
}


ALIKE = {
    "a pool": ({"a": pool(to="a")}, "a.to"),
    "two pools": ({"a": pool(to="b"), "b": pool(to="a")}, "b.to"),
    "a gate by quality": (
        {"a": pool(to="b"), "b": gate("quality", {"at_least": 0, "to": "done"}, {"to": "a"})},
        "b.routes.1.to",
    ),
    "a gate by score": (
        {"a": pool(to="b", scores="x"), "b": gate("score", {"at_least": 0.5, "to": "done"}, {"to": "a"})},
        "b.routes.1.to",
    ),
    "a gate by chance": ({"a": pool(to="b"), "b": gate("random", {"share": 0.1, "to": "a"}, {"to": "done"})}, "b.routes.0.to"),
    "people": ({"a": pool(to="b"), "b": people(ALWAYS, positive_to="a")}, "b.positive_to"),
}


@pytest.mark.parametrize(("stages", "route"), ALIKE.values(), ids=ALIKE)
def test_a_route_on_which_a_request_comes_round_the_same_way_each_time_is_refused(stages, route):
    found = messages(stages, population=population(unusable=0.1))
    assert found.keys() == {f"stages.{route}"}
    assert "for ever" in found[f"stages.{route}"]


def test_a_route_that_no_request_takes_closes_no_ring():
    stages = {"a": pool(to="b", scores="x"), "b": gate("score", {"at_specificity": 1, "to": "a"}, {"to": "done"})}
    assert scenario(stages, population=population())


@pytest.mark.parametrize("stages", SPIRALS.values(), ids=SPIRALS)
def test_a_ring_that_takes_time_or_tries_is_allowed(stages):
    assert scenario(stages, population=population(unusable=0.1))


@pytest.mark.parametrize(
    ("metric", "hint"),
    [
        ("sensitivty", "did you mean 'sensitivity'?"),
        ("utilization.sorter", "did you mean 'utilization.reader'?"),
        ("wait_p95_s.classify.urgent", "did you mean 'wait_p95_s.classify'?"),
        ("runs", "expected one of"),
    ],
)
def test_an_objective_on_an_unknown_metric_is_answered_with_the_nearest_one(metric, hint):
    text = changed("metric: sensitivity", f"metric: {metric}")
    with pytest.raises(ScenarioError) as caught:
        loads(text)
    (fault,) = caught.value.faults
    assert hint in fault.message
    assert (fault.line, fault.column) == place(text, f"metric: {metric}")


@pytest.mark.parametrize("metric", ["wait_p95_s.reader.urgent", "wait_p50_s.classify", "utilization.reader", "missed_per_1000"])
def test_an_objective_may_stand_on_any_metric_of_a_run(metric):
    assert loads(changed("metric: sensitivity", f"metric: {metric}")).objectives[0].metric == metric


def refers(answers: bool, rest_to: str = "done"):
    """A gate that sends a part of the requests to people."""
    return scenario(
        {
            "g": gate("random", {"share": 0.5, "to": "p"}, {"to": rest_to}, answers=answers),
            "p": people(ALWAYS),
        }
    )


def test_people_whose_time_counts_as_answer_time_are_pointed_out():
    (caution,) = cautions(refers(answers=False))
    assert caution.startswith("People: how long people take counts as answer time")
    assert compile_plan(refers(answers=False)).warnings == [caution]
    assert cautions(refers(answers=True)) == []


def test_people_who_answer_everybody_are_meant_to():
    assert cautions(refers(answers=False, rest_to="p")) == []


def test_one_word_for_a_threshold_and_for_an_end_is_pointed_out():
    told = {"p": pool()}
    (caution,) = cautions(scenario(told, population=population() | {"escalated": "flagged"}))
    assert caution.startswith("population: “flagged” is the word for a score that reaches a threshold")
    assert cautions(scenario(told, population=population() | {"escalated": "referred", "flagged": "sent on"})) == []


@pytest.mark.parametrize("name", scenario_ids())
def test_cases_that_are_shipped_call_for_no_caution(name):
    assert cautions(load(name)) == []


def test_a_metric_of_positives_without_a_population_says_what_is_missing():
    speed = {"kind": "number", "label": "Speed", "value": spread(1), "edges": [1], "metrics": ["sensitivity"]}
    asked = [{"metric": f"sensitivity{group}", "label": "Found", "at_least": 0.9} for group in ("", ".speed.under_1")]
    found = messages({"a": pool()}, objectives=asked, attributes={"speed": speed})
    assert found.keys() == {"objectives.0.metric", "objectives.1.metric", "attributes.speed.metrics.0"}
    assert all("here; it needs a section `population`" in message for message in found.values())


def test_quality_and_scores_need_a_population_and_a_gate_by_score_needs_scores():
    stages = {"a": pool(to="b", scores="x"), "b": gate("quality", {"at_least": 0, "to": "c"}, {"to": "d"}),
              "c": retake("a"), "d": pool()}  # fmt: skip
    assert set(messages(stages)) == {"stages.a.scores", "stages.b.by", "stages.c.kind"}
    by_score = gate("score", {"at_least": 0, "to": "done"}, {"to": "done"})
    assert set(messages({"a": pool(to="b"), "b": by_score}, population=population())) == {"stages.b.by"}


def test_somebody_is_on_duty_some_time():
    assert set(messages({"a": people(("08:00", "16:00", 0), ("16:00", "08:00", 0))})) == {"stages.a.shifts"}
    assert scenario({"a": people(("08:00", "16:00", 0), ("16:00", "08:00", 1))})


def test_thresholds_rise_from_route_to_route():
    low_first = gate("quality", {"at_sensitivity": 0.9, "to": "done"}, {"at_sensitivity": 0.5, "to": "other"}, {"to": "done"})
    found = messages({"a": low_first}, population=population(unusable=0.1), ends={"done": end(), "other": end()})
    assert set(found) == {"stages.a.routes.1.at_sensitivity"}


def test_shares_of_negatives_fall_from_route_to_route():
    routes = [{"at_specificity": 0.5, "to": "done"}, {"at_specificity": 0.9, "to": "done"}, {"to": "done"}]
    found = messages({"a": gate("quality", *routes)}, population=population(unusable=0.1))
    assert found == {
        "stages.a.routes.1.at_specificity": "0.9 is above 0.5 of an earlier route; swap them: the strictest comes first"
    }


def test_a_route_has_one_threshold_and_a_promise_is_of_scores():
    both = gate("quality", {"at_specificity": 0.5, "at_least": 0.9, "to": "done"}, {"to": "done"})
    assert "not both" in messages({"a": both}, population=population(unusable=0.1))["stages.a.routes.0"]
    promised = gate("quality", {"at_sensitivity": 0.9, "to": "done"}, {"to": "done"}, holds="next")
    assert "gates by score" in messages({"a": promised}, population=population(unusable=0.1))["stages.a"]


def test_only_the_last_route_takes_the_rest():
    early = gate("quality", {"to": "done"}, {"at_least": 0, "to": "done"})
    assert (
        "route 0, to 'done', says nothing of what it takes, so it takes the rest; move it to the end"
        in messages({"a": early}, population=population(unusable=0.1))["stages.a"]
    )


@pytest.mark.parametrize("fields", [{"max_queue": 1}, {"timeout_s": 1}, {"max_batch": 2, "preferred_batches": [3]}])
def test_a_limit_needs_a_way_out_and_a_preferred_batch_fits(fields):
    assert set(messages({"a": pool(**fields)})) == {"stages.a"}


def test_a_choice_may_not_bear_a_name_that_an_address_uses_for_itself():
    seeds = {"kind": "number", "label": "Seeds", "default": 1, "values": [1, 2], "set": ["stages.a.replicas"]}
    assert "rename the choice" in messages({"a": pool()}, choices={"seed": seeds})["choices.seed"]


def test_two_options_of_a_choice_bear_different_labels():
    options = {name: {"label": "Same", "set": {"stages.a.replicas": 1}} for name in ("x", "y")}
    choice = {"kind": "options", "label": "Pick", "default": "x", "options": options}
    assert "is used twice" in messages({"a": pool()}, choices={"pick": choice})["choices.pick.options.y.label"]


def test_a_threshold_that_an_earlier_route_takes_whole_is_told():
    routes = [{"at_least": 0.3, "to": "done"}, {"at_least": 0.5, "to": "done"}, {"to": "done"}]
    found = messages({"a": gate("quality", *routes)}, population=population(unusable=0.1))
    words = "0.5 is not below 0.3 of an earlier route, so no request takes this one; swap them"
    assert found == {"stages.a.routes.1.at_least": words}


def test_classes_share_all_requests_among_them():
    half = {"half": {"label": "Half", "share": {"value": 0.5, "assumed": "a test"}}}
    assert messages({"a": pool()}, classes=half)["classes"].endswith("add up to 0.5; they should add up to 1")


def test_an_order_or_a_shedding_that_needs_classes_says_so():
    by = {"order": "priority"}, {"order": "deadline"}, {"sheds_late": True, "on_full": "done"}
    for fields in by:
        (found,) = messages({"a": pool(**fields)}).items()
        assert found[0] == f"stages.a.{next(iter(fields))}"
        assert "`classes`" in found[1]


def test_a_shared_device_has_to_be_there():
    assert "add a section" in messages({"a": pool(shares="gpu")})["stages.a.shares"]


def gated(**fields):
    """A gate by score, without scores."""
    return {"a": pool(to="b"), "b": gate("score", {"at_least": 0, "to": "done"}, {"to": "done"})} | fields


CHOICE = {"kind": "number", "label": "Replicas", "default": 1, "values": [1, 2], "set": ["stages.z.replicas"]}
DROP = {"kind": "accuracy_drop", "label": "Drop", "stage": "z", "positives_shift": -0.1}
TYPOS = {  # what stands elsewhere, and where its fault is told
    "a way": ({"stages": gated(a=pool(to="b", max_queue=1, on_full="don"))}, "stages.a.on_full"),
    "the start": ({"stages": gated(), "start": "z"}, "start"),
    "an accelerator": ({"stages": gated(a=pool(to="b", shares="gpu"))}, "stages.a.shares"),
    "an attribute": ({"stages": gated(c=gate("z", {"to": "done"}), a=pool(to="b", max_queue=1, on_full="c"))}, "stages.c.by"),
    "a metric": ({"stages": gated(), "objectives": [{"metric": "z", "label": "Z", "at_most": 1}]}, "objectives.0.metric"),
    "a struck stage": ({"stages": gated(), "curveballs": {"x": DROP}}, "curveballs.x.stage"),
    "an exhibit": ({"stages": gated(), "exhibits": ["z"]}, "exhibits.0"),
    "what a choice writes": ({"stages": gated(), "choices": {"n": CHOICE}}, "choices.n.set.0"),
}


@pytest.mark.parametrize(("fields", "field"), TYPOS.values(), ids=TYPOS)
def test_a_name_that_refers_to_nothing_hides_no_fault_elsewhere_and_makes_none_up(fields, field):
    assert set(messages(**{"population": population()} | fields)) == {field, "stages.b.by"}


def test_a_way_that_is_misspelt_may_have_led_to_any_stage():
    stages = {"a": pool(to="c", scores="x"), "b": gate("score", {"at_least": 0, "to": "done"}, {"to": "done"})}
    assert set(messages(stages, population=population())) == {"stages.a.to"}
