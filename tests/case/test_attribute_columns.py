"""The attributes of requests: drawn from streams of their own, told by the labelled item, or replayed."""

import json
from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import binomtest, kstest, lognorm

from simulator.case.document import ScenarioError
from simulator.case.load import load
from simulator.engine.plan import compile_plan
from simulator.engine.run import simulate
from simulator.evidence.latency_tables import constant
from simulator.evidence.score_tables import score_rows
from simulator.metrics.replications import resampled_plan
from tests.builders import assumed, document, end, gate, link, plan, pool, population, run_at, score_table, spread

CLIENT = {"kind": "category", "label": "Client", "shares": {"old": assumed(0.3), "new": assumed(0.7)}}
SPEED = {"kind": "number", "label": "Speed", "value": spread(50, 0.5), "edges": [40, 60]}
KIND = {"kind": "item", "label": "Kind", "column": "diagnosis", "values": {"a": "A", "b": "B"}}
ENDS = {"done": end(), "other": end()}
FAST = constant(0.001)


def simulated(attributes, **fields):
    return simulate(plan({"p": pool()}, FAST, attributes=attributes, seconds=2000, rate=1, **fields), 1)


def test_a_number_and_a_category_are_drawn_as_they_are_written():
    requests = simulated({"speed": SPEED, "client": CLIENT}).requests
    assert kstest(requests["speed"], lognorm(0.5, scale=50).cdf).pvalue > 0.01
    assert requests["client"].cat.categories.tolist() == ["old", "new"]
    assert binomtest(int((requests["client"] == "old").sum()), len(requests), 0.3).pvalue > 0.01


def test_an_attribute_changes_no_other_draw_and_is_changed_by_none():
    plain, one, both = simulated({}), simulated({"speed": SPEED}), simulated({"client": CLIENT, "speed": SPEED})
    assert plain.digest == one.digest == both.digest
    assert np.array_equal(one.columns.attributes["speed"], both.columns.attributes["speed"])
    assert plain.columns.attributes == {}


TRIP = {
    "kind": "timetable",
    "label": "Speed",
    "spells": [{"for_s": 60} | assumed(5), {"for_s": 30} | assumed(50), {"for_s": 10} | assumed(0)],
    "edges": [30],
    "unit": "km/h",
}


def test_a_number_by_timetable_is_that_of_the_spell_in_which_a_request_arrives_over_and_over():
    made = plan({"p": pool()}, FAST, attributes={"speed": TRIP}, seconds=400)
    trace = run_at(made, [0, 59.9, 60, 89.9, 90, 99.9, 100, 160, 399])
    assert trace.requests["speed"].tolist() == [5, 5, 50, 50, 0, 0, 5, 50, 0]
    assert made.scenario.attributes["speed"].group_of(trace.columns.attributes["speed"]).tolist() == [0, 0, 1, 1, 0, 0, 0, 1, 0]


def test_a_number_by_timetable_changes_no_draw():
    assert simulated({"speed": TRIP}).digest == simulated({}).digest


def test_groups_of_a_number_lie_between_its_edges_and_an_edge_belongs_above():
    made = plan({"p": pool()}, attributes={"speed": SPEED})
    assert made.scenario.attributes["speed"].group_of(np.array([39.9, 40, 59.9, 60], np.float32)).tolist() == [0, 1, 1, 2]


def told_table():
    """Two positives and three negatives; one says nothing that a group is made of."""
    kinds = {"diagnosis": np.array(["a", "b", "b", "", "c"], object)}
    return replace(score_table([0.9, 0.8], [0.3, 0.2, 0.1]), item_texts=kinds)


def test_a_request_has_what_the_table_says_of_its_item():
    stages = {"p": pool(to="g", scores="x"), "g": gate("score", {"to": "done"})}
    made = plan(stages, FAST, told_table(), population=population(), attributes={"kind": KIND}, seconds=200)
    requests = simulate(made, 1).requests
    said = requests["kind"].astype(object).where(requests["kind"].notna(), "none")
    by_score = dict(zip(requests["score"].astype(float).round(1), said, strict=True))
    assert by_score == {0.9: "a", 0.8: "b", 0.3: "b", 0.2: "none", 0.1: "none"}


def test_the_diagnosis_of_a_request_is_that_of_its_photo():
    trace = simulate(compile_plan(load("skin-cancer-triage")), 1)
    rows = score_rows("pad_ufes20.efficientnet_lite0.fp32").sort_values("label", ascending=False, kind="stable")
    mine = trace.columns.item[:500]
    assert trace.requests["diagnosis"][:500].tolist() == rows["diagnosis"].iloc[mine].tolist()
    types = trace.requests["skin_type"][:500].astype(object).fillna("none").tolist()
    assert types == rows["fitzpatrick"].iloc[mine].astype("string").fillna("none").tolist()


def test_a_plan_of_other_labelled_people_has_what_is_said_of_them():
    rng = np.random.default_rng(0)
    scores = rng.random(40)
    table = replace(
        score_table(scores[:20], scores[20:]), item_texts={"diagnosis": np.array([f"{one:.6f}" for one in scores], object)}
    )
    stages = {"p": pool(to="g", scores="x"), "g": gate("score", {"at_sensitivity": 0.5, "to": "done"}, {"to": "done"})}
    again = resampled_plan(plan(stages, FAST, table, population=population()), 3).scores
    assert again.item_texts["diagnosis"].tolist() == [f"{one:.6f}" for one in [*again.positives, *again.negatives]]


LOG = "at,speed,lane\n1,50,left\n2,70,right\n4,60,left\n"
LANE = {"kind": "recorded", "label": "Lane", "column": "lane", "values": {"left": "left", "right": "right"}}


@pytest.fixture
def case(tmp_path):
    """Writes a case beside two recordings: of its arrivals, and another one."""

    def made(attributes, log=LOG, **replay):
        (tmp_path / "log.csv").write_text(log, encoding="utf-8")
        (tmp_path / "own.csv").write_text("speed,site\n10,1\n20,2\n", encoding="utf-8")
        arrivals = {"kind": "replay", "file": "log.csv", "column": "at", "source": "a test"} | replay
        text = json.dumps(document({"wire": link("done", 0.1)}, arrivals=arrivals, attributes=attributes), indent=1)
        (tmp_path / "case.yaml").write_text(text, encoding="utf-8")
        return load(tmp_path / "case.yaml")

    return made


def test_a_column_beside_the_times_stays_with_them(case):
    speed = {"kind": "recorded", "label": "Speed", "column": "speed"}
    once = simulate(compile_plan(case({"speed": speed, "lane": LANE}))).requests
    assert once[["arrived_s", "speed", "lane"]].to_numpy().tolist() == [[1, 50, "left"], [2, 70, "right"], [4, 60, "left"]]
    over = simulate(compile_plan(case({"lane": LANE}, repeat=True))).requests
    assert over["lane"][:7].tolist() == ["left", "right", "left"] * 2 + ["left"]


def test_a_file_of_its_own_is_gone_through_again_and_again(case):
    own = {"kind": "recorded", "label": "Site", "column": "site", "values": {"1": "A", "2": "B"}}
    made = compile_plan(case({"site": own | {"file": "own.csv", "source": "a test"}}))
    assert simulate(made).requests["site"].tolist() == ["1", "2", "1"]
    assert list(made.evidence) == ["scenario/log.csv", "scenario/own.csv"]
    [told] = [source for source in made.provenance if source.what == "Site"]
    assert (told.kind, told.value) == ("measured", "2 rows")


WRONG = {
    "there is no column 'lanes'; it has: at, speed, lane": LANE | {"column": "lanes"},
    "line 3: expected one of left, middle, got 'right'": LANE | {"values": {"left": "left", "middle": "middle"}},
    "line 2: expected a number, got 'left'": {"kind": "recorded", "label": "Lane", "column": "lane"},
}


@pytest.mark.parametrize("words", WRONG)
def test_a_column_that_cannot_be_used_is_told_with_its_row(case, words):
    with pytest.raises(ScenarioError) as caught:
        compile_plan(case({"lane": WRONG[words]}))
    [fault] = caught.value.faults
    assert fault.field == "attributes.lane.column"
    assert words in fault.message


def test_a_value_that_no_item_has_is_told():
    case = load("skin-cancer-triage")
    values = {**case.document.data["attributes"]["diagnosis"]["values"], "MELL": "melanoma"}
    document = case.document.patched({("attributes", "diagnosis", "values"): (values, ("attributes",), "x")})
    with pytest.raises(ScenarioError, match="'MELL' does not occur in the column diagnosis"):
        compile_plan(type(case).of(document))


def test_a_published_curve_says_nothing_of_its_items_and_that_is_told():
    made = compile_plan(load("skin-cancer-triage"), {"architecture": "resnet50_x3"})
    assert any("the scores give no diagnosis of items, so no figure is split by it" in words for words in made.warnings)
    assert simulate(made).requests["diagnosis"].isna().all()


def test_clients_that_wait_keep_the_attributes_of_the_requests_that_they_send():
    loop = {"kind": "closed", "clients": 2, "think_s": spread(1), "requests": 50}
    requests = simulate(plan({"p": pool()}, FAST, arrivals=loop, attributes={"client": CLIENT}, seconds=20), 1).requests
    assert len(requests) == requests["client"].notna().sum() > 5


def sent(by, *routes, seconds=2000, attributes=None, **fields):
    """Where a gate sends requests that come once a second."""
    made = plan({"g": gate(by, *routes, **fields), "p": pool()}, FAST, ends=ENDS, attributes=attributes or {}, seconds=seconds)
    return run_at(made, np.arange(float(seconds)), 1).requests


def test_a_gate_by_a_number_sends_what_reaches_the_threshold():
    requests = sent("speed", {"at_least": 60, "to": "other", "tag": "fast"}, {"to": "p"}, attributes={"speed": SPEED})
    fast = requests["speed"] >= 60
    assert ((requests["end"] == "other") == fast).all()
    assert ((requests["tag"] == 1) == fast).all()


def test_a_gate_by_a_category_sends_the_values_that_it_names():
    three = CLIENT | {"shares": {"a": assumed(0.2), "b": assumed(0.3), "c": assumed(0.5)}}
    routes = {"values": ["c"], "to": "p", "tag": "first"}, {"values": ["a"], "to": "p", "tag": "second"}, {"to": "other"}
    requests = sent("client", *routes, attributes={"client": three})
    assert set(zip(requests["client"], requests["end"], requests["tag"], strict=True)) == {
        ("a", "done", 2),
        ("b", "other", 0),
        ("c", "done", 1),
    }


def test_a_gate_by_chance_keeps_its_shares_and_its_draws():
    routes = {"share": 0.2, "to": "p", "tag": "one"}, {"share": 0.3, "to": "p", "tag": "two"}, {"to": "other"}
    first, again = sent("random", *routes), sent("random", *routes, attributes={"speed": SPEED})
    assert first["tag"].tolist() == again["tag"].tolist()
    for tag, share in {1: 0.2, 2: 0.3, 0: 0.5}.items():
        assert binomtest(int((first["tag"] == tag).sum()), len(first), share).pvalue > 0.01


@pytest.mark.parametrize(("share", "end"), [(0.0, "other"), (1.0, "done")])
def test_a_share_of_none_and_of_all_are_exact(share, end):
    assert set(sent("random", {"share": share, "to": "p"}, {"to": "other"})["end"]) == {end}


BETWEEN = {
    "chance": (gate("random", {"share": 0.8, "to": "p"}, {"to": "other"}), ("routes", 0, "share"), 0.1),
    "number": (gate("speed", {"at_least": 40, "to": "p"}, {"to": "other"}), ("routes", 0, "at_least"), 70),
    "category": (gate("client", {"values": ["old"], "to": "p"}, {"to": "other"}), ("routes", 0, "values"), ["new"]),
}


@pytest.mark.parametrize("kind", BETWEEN)
def test_a_route_that_changes_while_the_run_goes_on_holds_from_then_on(kind):
    """Each request goes the way that it would have gone had its route been set so all the time."""
    stage, path, value = BETWEEN[kind]
    made = plan({"g": stage, "p": pool()}, FAST, ends=ENDS, attributes={"speed": SPEED, "client": CLIENT}, seconds=2000)
    written = made.scenario.document.patched({("stages", "g", *path): (value, ("stages",), "x")})
    other = replace(made, scenario=type(made.scenario).of(written))
    usual, always, changed = (simulate(one, 1).requests for one in (made, other, replace(made, later=((1000.0, other),))))
    early = usual["arrived_s"] < 1000
    assert changed["end"].astype(str).tolist() == usual["end"].where(early, always["end"]).astype(str).tolist()
    assert (usual["end"] != always["end"]).sum() > 100
