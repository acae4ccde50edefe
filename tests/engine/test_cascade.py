"""A small model answers when it is sure, a large one otherwise; both look at the same photo."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.case.document import ScenarioError
from simulator.charts.threshold_charts import roc
from simulator.engine.plan import compile_plan
from simulator.engine.run import Run, simulate
from simulator.evidence.latency_tables import constant
from simulator.metrics.operating_points import operating_points
from simulator.records.streams import Streams
from simulator.theory.loads import visit_ratios
from tests.builders import end, gate, plan, pool, population, scenario, score_table
from tests.case.test_checks import messages
from tests.effort import examples
from tests.engine.intervals import assert_agrees

WAYS = {"done": end(), "escalated": end(escalated=True), "cleared": end()}
SURE = [{"at_least": 0.75, "to": "desk"}, {"at_least": 0.375, "to": "large"}, {"to": "cleared"}]
FINAL = [{"at_least": 0.5, "to": "desk"}, {"to": "cleared"}]

SMALL = score_table([0.875, 0.625, 0.5, 0.125], [0.75, 0.5, 0.25, 0.25, 0.125])
LARGE = score_table([0.125, 0.75, 0.25, 0.875], [0.125, 0.625, 0.875, 0.125, 0.125])
#: By hand: the small model is sure of the first and fifth item, and unsure of the second, third and sixth.
SEEN_BY_LARGE = [False, True, True, False, False, True, False, False, False]
REFERRED = [True, True, False, False, True, True, False, False, False]


def stages(sure=SURE, final=FINAL, small="x", large="x", **fields):
    return {
        "small": pool(to="sure", scores=small, **fields),
        "sure": gate("score", *sure, of="small"),
        "large": pool(to="final", scores=large, **fields),
        "final": gate("score", *final, of="large"),
        "desk": pool(to="escalated"),
    }


def cascade(prevalence=0.5, tables=(SMALL, LARGE), rate=20, seconds=50, unusable=None, **fields):
    scores = dict(zip(("small", "large"), tables, strict=True))
    people = population(prevalence, unusable)
    return plan(stages(**fields), constant(0.001), scores, population=people, ends=WAYS, rate=rate, seconds=seconds)


def test_every_person_goes_the_way_that_both_models_say_of_their_photo():
    trace = simulate(cascade())
    item = trace.columns.patient
    assert set(item) == set(range(9))
    assert ((trace.requests["end"] == "escalated") == np.array(REFERRED)[item]).all()
    assert set(trace.logs["large"].request) == set(np.flatnonzero(np.array(SEEN_BY_LARGE)[item]))


def test_the_score_of_a_request_is_the_one_that_it_was_given_last():
    trace = simulate(cascade())
    small, large = (np.concatenate([table.positives, table.negatives]) for table in (SMALL, LARGE))
    assert trace.requests["score"].to_numpy() == pytest.approx(np.where(SEEN_BY_LARGE, large, small)[trace.columns.patient])


def test_a_gate_goes_by_the_pool_that_it_names_whoever_scored_last():
    ways = stages() | {"small": pool(to="large", scores="x"), "large": pool(to="sure", scores="x")}
    ways["sure"] = gate("score", {"at_least": 0.75, "to": "escalated"}, {"to": "final"}, of="small")
    del ways["desk"]
    ways["final"] = gate("score", {"at_least": 0.5, "to": "escalated"}, {"to": "cleared"}, of="large")
    made = plan(ways, constant(0.001), {"small": SMALL, "large": LARGE}, population=population(), ends=WAYS, rate=20)
    trace = simulate(made)
    either = (np.array([*SMALL.positives, *SMALL.negatives]) >= 0.75) | (np.array([*LARGE.positives, *LARGE.negatives]) >= 0.5)
    assert ((trace.requests["end"] == "escalated") == either[trace.columns.patient]).all()


@pytest.mark.parametrize("prevalence", [0.02, 0.5])
def test_visits_are_counted_item_by_item_not_model_by_model(prevalence):
    ratios = visit_ratios(cascade(prevalence))
    ill, healthy = prevalence, 1 - prevalence
    assert ratios["small"] == pytest.approx(1)
    assert ratios["large"] == pytest.approx(ill * 2 / 4 + healthy * 1 / 5)
    assert ratios["desk"] == pytest.approx(ill * 2 / 4 + healthy * 2 / 5)


scores = st.lists(st.integers(0, 64), min_size=2, max_size=12, unique=True)


@settings(max_examples=examples(25))
@given(scores, scores, st.integers(0, 99), st.sampled_from([None, 0.3]))
def test_both_models_look_at_the_same_item_even_where_the_photo_shows_nothing(positives, negatives, seed, unusable):
    rng = np.random.default_rng(seed)
    first = score_table(np.array(positives) / 64, np.array(negatives) / 64)
    second = score_table(rng.permutation(len(positives)) / 64, rng.permutation(len(negatives)) / 64)
    requests = Run(cascade(tables=(first, second), unusable=unusable), Streams(seed)).requests
    known = {*zip(first.positives, second.positives, strict=True), *zip(first.negatives, second.negatives, strict=True)}
    assert set(zip(*(requests.scores_by[name][0].tolist() for name in ("small", "large")), strict=True)) <= known


def test_a_second_model_changes_nothing_about_what_the_first_one_says():
    alone = plan({"small": pool(to="sure", scores="x"), "sure": gate("score", {"to": "done"})}, scores=SMALL,
                 population=population(), rate=20, seconds=50)  # fmt: skip
    one, two = (Run(made, Streams(3)).requests for made in (alone, cascade()))
    assert np.array_equal(one.scores_by["small"], two.scores_by["small"])
    assert np.array_equal(one.patient, two.patient)


# With models that were measured


REAL = {"small": "pad_ufes20.efficientnet_lite0", "large": "pad_ufes20.efficientnet_lite1"}


def measured(**fields):
    sure = [{"at_sensitivity": 0.5, "to": "desk"}, {"at_sensitivity": 0.95, "to": "large"}, {"to": "cleared"}]
    final = [{"at_sensitivity": 0.9, "to": "desk"}, {"to": "cleared"}]
    made = stages(sure, final, **REAL) | fields
    for name, model in (("small", "efficientnet_lite0"), ("large", "efficientnet_lite1"), ("desk", "efficientnet_lite0")):
        made[name] = made[name] | {"model": model}
    return scenario(made, population=population(0.02), ends=WAYS, rate=20, seconds=100)


def test_measured_models_agree_with_theory_on_who_sees_the_large_one():
    made = compile_plan(measured())
    expected = visit_ratios(made)
    traces = [simulate(made, seed=0, replication=replication) for replication in range(20)]
    for stage in ("large", "desk"):
        assert_agrees([len(trace.logs[stage]) / trace.columns.n for trace in traces], expected[stage], checks=2, sharp=0.02)


def test_every_threshold_is_drawn_on_the_curve_of_its_model_and_the_sentence_speaks_of_the_last():
    made = compile_plan(measured())
    assert [point.pool for point in operating_points(made)] == ["small", "small", "large"]
    drawn = roc(made)
    assert [trace.name for trace in drawn.figure.data[:2]] == ["Pool", "Pool"]
    assert f"{made.tables['large'].auc:.3f}" in drawn.takeaway
    assert len(drawn.table) == 3


def test_a_published_curve_cannot_stand_beside_a_measured_table():
    published = pool(to="final", scores="published.skinvision_resnet50x3")
    with pytest.raises(ScenarioError, match=r"stages\.large\.scores: .*is published"):
        compile_plan(measured(large=published | {"model": "resnet50"}))


# What an author may get wrong


WRONG = {
    "whose": ({"sure": gate("score", *SURE)}, "stages.sure.by", "name one with `of`: small, large"),
    "nobody's": ({"sure": gate("score", *SURE, of="smal")}, "stages.sure.of", "did you mean 'small'?"),
    "too early": ({"sure": gate("score", *SURE, of="large")}, "stages.sure.by", "no request arrives here from 'large'"),
    "by quality": ({"sure": gate("quality", *SURE, of="small")}, "stages.sure.of", "delete this line"),
}


@pytest.mark.parametrize(("changed", "place", "says"), WRONG.values(), ids=WRONG)
def test_a_gate_says_whose_scores_it_goes_by(changed, place, says):
    assert says in messages(stages() | changed, population=population(unusable=0.1), ends=WAYS)[place]
