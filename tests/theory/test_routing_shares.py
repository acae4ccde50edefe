"""Theory knows how gates by chance and by attributes part the requests: worked out by hand, and against simulated visits."""

import json
from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import binomtest, lognorm

from simulator.case.fields import Constant, Exponential, Lognormal, Samples
from simulator.case.load import load
from simulator.engine.plan import compile_plan
from simulator.engine.run import simulate
from simulator.engine.stages.gate_routes import drawn_routes
from simulator.evidence.latency_tables import constant
from simulator.theory.loads import visit_ratios
from tests.builders import assumed, document, gate, link, plan, pool, population, retake, score_table, sensors, spread

CLIENT = {"kind": "category", "label": "Client", "shares": {"a": assumed(0.2), "b": assumed(0.3), "c": assumed(0.5)}}
SPEED = {"kind": "number", "label": "Speed", "value": spread(50, 0.5)}
FAST = constant(0.001)

QUANTITIES = [
    Lognormal(**spread(2, 0.7)),
    Lognormal(**spread(2)),
    Exponential(exponential_mean=assumed(3)),
    Constant(constant=assumed(2)),
    Samples(samples=[1, 2, 2, 5], assumed="a test"),
]


@pytest.mark.parametrize("quantity", QUANTITIES, ids=lambda quantity: type(quantity).__name__)
def test_the_share_below_a_value_is_that_of_the_draws(quantity):
    cuts = np.array([0.5, 1, 2, 2.5, 5, 9])
    drawn = quantity.draw(np.random.default_rng(0), 4000)
    for cut, share in zip(cuts, quantity.share_below(cuts), strict=True):
        assert binomtest(int((drawn < np.float32(cut)).sum()), 4000, share).pvalue > 1e-3


def routed(**attributes):
    """A gate by chance, two by the same client, and one by speed, in a row; each sends some to a pool of its own."""
    stages = {
        "chance": gate("random", {"share": 0.1, "to": "p0"}, {"to": "first"}),
        "first": gate("client", {"values": ["a"], "to": "p1"}, {"to": "second"}),
        "second": gate("client", {"values": ["b", "a"], "to": "p2"}, {"to": "fast"}),
        "fast": gate("speed", {"at_least": 80, "to": "p3"}, {"at_least": 50, "to": "p4"}, {"to": "done"}),
    }
    pools = {f"p{number}": pool() for number in range(5)}
    return plan(stages | pools, FAST, attributes={"client": CLIENT, "speed": SPEED}, seconds=4000, rate=1)


def test_visits_are_the_products_of_the_shares():
    above_80 = float(lognorm(0.5, scale=50).sf(80))
    found = visit_ratios(routed())
    assert found["p0"] == pytest.approx(0.1)
    assert found["p1"] == pytest.approx(0.9 * 0.2)
    assert found["p2"] == pytest.approx(0.9 * 0.3)  # nobody of a comes here
    assert found["p3"] == pytest.approx(0.9 * 0.5 * above_80)
    assert found["p4"] == pytest.approx(0.9 * 0.5 * (0.5 - above_80))


def test_visits_are_those_of_a_run():
    made = routed()
    trace, expected = simulate(made, 3), visit_ratios(made)
    for name in ("p0", "p1", "p2", "p3", "p4"):
        assert binomtest(len(trace.logs[name]), trace.columns.n, expected[name]).pvalue > 1e-3


def test_a_gate_by_timetable_sends_the_share_of_the_time():
    """Of 250 s, each 100 s of which begin with 60 s at 5: 60, 60 and 50 at 5, twice 30 at 50, twice 10 at 0."""
    spells = [{"for_s": 60} | assumed(5), {"for_s": 30} | assumed(50), {"for_s": 10} | assumed(0)]
    speed = {"kind": "timetable", "label": "Speed", "spells": spells}
    stages = {"g": gate("speed", {"at_least": 30, "to": "p"}, {"at_least": 5, "to": "q"}, {"to": "done"})}
    made = plan(
        stages | {"p": pool(), "q": pool()},
        FAST,
        attributes={"speed": speed},
        seconds=250,
        arrivals={"kind": "constant", "rate_per_s": assumed(4)},
    )
    assert visit_ratios(made) == pytest.approx({"g": 1, "p": 60 / 250, "q": 170 / 250})
    trace = simulate(made)
    assert [len(trace.logs[name]) for name in ("p", "q")] == [240, 680]


def test_where_no_gate_draws_there_is_one_outcome():
    assert drawn_routes(plan({"p": pool()}, attributes={"client": CLIENT})) == [(1.0, {})]


def test_a_request_that_comes_again_goes_the_same_way():
    """All whom chance sends back are sent back again, so that every one of them uses all of its tries."""
    ask = retake("g", max_tries=3, on_exhausted="q")
    stages = {"g": gate("random", {"share": 0.25, "to": "ask"}, {"to": "p"}), "ask": ask, "p": pool(), "q": pool()}
    made = plan(stages, FAST, population=population(), seconds=4000)
    assert visit_ratios(made)["g"] == pytest.approx(0.75 + 0.25 * 3, rel=1e-6)
    trace = simulate(made, 1)
    assert set(trace.requests["tries"]) == {1, 3}
    assert binomtest(int((trace.requests["tries"] == 3).sum()), trace.columns.n, 0.25).pvalue > 0.01


def test_a_gate_by_what_the_table_says_sends_the_shares_of_each_class():
    """Positives: two of four are a. Negatives: one of five. A photo that shows nothing is theirs all the same."""
    table = replace(score_table([0.9] * 4, [0.1] * 5), item_texts={"diagnosis": np.array([*"aabb", *"abbcc"], object)})
    kind = {"kind": "item", "label": "Kind", "column": "diagnosis", "values": {"a": "A", "b": "B"}}
    stages = {"p": pool(to="s", scores="x"), "s": gate("score", {"at_least": 0.5, "to": "g"}, {"to": "g"}),
              "g": gate("kind", {"values": ["a"], "to": "q"}, {"to": "done"}), "q": pool()}  # fmt: skip
    made = plan(stages, FAST, table, population=population(0.3, unusable=0.4), attributes={"kind": kind}, seconds=4000)
    expected = 0.3 * 2 / 4 + 0.7 * 1 / 5
    assert visit_ratios(made)["q"] == pytest.approx(expected)
    assert binomtest(len(simulate(made, 1).logs["q"]), simulate(made, 1).columns.n, expected).pvalue > 0.01


def test_a_replayed_column_sends_the_share_of_its_rows(tmp_path):
    (tmp_path / "log.csv").write_text("at,lane\n1,1\n2,2\n3,2\n4,3\n", encoding="utf-8")
    arrivals = {"kind": "replay", "file": "log.csv", "column": "at", "source": "a test"}
    lane = {"kind": "recorded", "label": "Lane", "column": "lane"}
    stages = {"g": gate("lane", {"at_least": 2, "to": "wire"}, {"to": "done"}), "wire": link("done", 1)}
    text = json.dumps(document(stages, arrivals=arrivals, attributes={"lane": lane}))
    (tmp_path / "case.yaml").write_text(text, encoding="utf-8")
    assert visit_ratios(compile_plan(load(tmp_path / "case.yaml")))["wire"] == pytest.approx(3 / 4)


def test_gates_by_sensor_and_by_number_send_the_shares_of_the_frames():
    """Of 5 frames a second 4 are of the front; of those one in six is the third and the second at once."""
    stages = {
        "which": gate("sensor", {"values": ["front"], "to": "half"}, {"to": "p0"}),
        "half": gate("frame", {"every": 2, "to": "third"}, {"to": "p1"}),
        "third": gate("frame", {"every": 3, "first": 2, "to": "p2"}, {"to": "done"}),
    }
    pools = {f"p{number}": pool() for number in range(3)}
    made = plan(
        stages | pools, FAST, arrivals=sensors(front={"rate_per_s": 4}, rear={"rate_per_s": 1, "skew_ms": 50}), seconds=300
    )
    found = visit_ratios(made)
    assert [found[name] for name in pools] == pytest.approx([1 / 5, 4 / 5 / 2, 4 / 5 / 6])
    trace = simulate(made)
    assert [len(trace.logs[name]) for name in pools] == [300, 600, 200]
