"""A cache answers as Che's approximation says, and request by request as a plain dictionary in order of use."""

from __future__ import annotations

from collections import Counter, OrderedDict
from typing import Any

import numpy as np
import pytest
from scipy.optimize import brentq
from scipy.stats import t as student

from simulator import compile_plan, summarise
from simulator.case.document import ScenarioError
from simulator.case.load import loads
from simulator.engine.compiled_plan import Plan
from simulator.engine.run import simulate
from simulator.engine.run_trace import Trace
from simulator.engine.stages.cache import SHELVES, expected_hits
from simulator.theory.loads import visit_ratios
from tests import builders
from tests.builders import assumed, end, plan, pool, popularity, run_at, scenario

THINGS, EXPONENT = 500, 0.8
ENDS = {"done": end(), "origin": end()}


def thing(items: int = THINGS, exponent: float = EXPONENT) -> dict[str, Any]:
    return {"thing": popularity(items, exponent)}


def cache(capacity: int, **fields: Any) -> dict[str, Any]:
    return builders.cache("thing", capacity, miss_to="origin") | fields


def cached(capacity: int, rate: float = 100, seconds: float = 200, attributes: Any = None, **fields: Any) -> Plan:
    stages = {"cache": cache(capacity, **fields)}
    return plan(stages, rate=rate, seconds=seconds, attributes=attributes or thing(), ends=ENDS)


def hits(trace: Trace) -> list[bool]:
    return (trace.requests["end"] == "done").tolist()


def asked(trace: Trace) -> list[tuple[float, float]]:
    """The thing and the time of each request, in order of time."""
    return [*zip(trace.requests["thing"].tolist(), trace.requests["arrived_s"].tolist(), strict=True)]


def in_plain_words(trace: Trace, capacity: int, evicts: str, fresh_s: float = np.inf) -> list[bool]:
    """Hits of a cache written as one would write it first: everything is looked for anew at each request."""
    held: OrderedDict[float, float] = OrderedDict()
    last: dict[float, int] = {}
    uses: Counter[float] = Counter()
    found = []
    for number, (one, time) in enumerate(asked(trace)):
        if one in held and time - held[one] > fresh_s:
            del held[one], uses[one]
        found.append(one in held)
        if one not in held:
            if len(held) == capacity:
                first = {
                    "lru": lambda: min(held, key=lambda each: last[each]),
                    "fifo": lambda: next(iter(held)),
                    "lfu": lambda: min(held, key=lambda each: (uses[each], last[each])),
                }[evicts]()
                del held[first], uses[first]
            held[one] = time
        uses[one] += 1
        last[one] = number
    return found


def che(capacity: int) -> float:
    """Hit ratio of LRU by Che, Tung and Wang (2002): a thing is held if it was asked for within a characteristic time."""
    chances = np.arange(1, THINGS + 1) ** -EXPONENT
    chances /= chances.sum()
    within = brentq(lambda span: (1 - np.exp(-chances * span)).sum() - capacity, 1, 1e6)
    return float((chances * (1 - np.exp(-chances * within))).sum())


@pytest.mark.parametrize("capacity", [10, 50, 200])
def test_least_recently_used_hits_as_often_as_the_approximation_of_che_says(capacity):
    made = cached(capacity)
    after = [np.mean(hits(simulate(made, 1, one))[4_000:]) for one in range(8)]
    half = student.ppf(0.995, 7) * np.std(after, ddof=1) / np.sqrt(8)
    assert half < 0.01
    assert abs(np.mean(after) - che(capacity)) < half


@pytest.mark.parametrize("fresh_s", [None, 3.0])
@pytest.mark.parametrize("evicts", SHELVES)
def test_every_request_hits_or_misses_as_in_a_plain_program(evicts, fresh_s):
    trace = simulate(cached(40, seconds=60, evicts=evicts, fresh_s=fresh_s), 2)
    assert hits(trace) == in_plain_words(trace, 40, evicts, fresh_s or np.inf)
    assert 0.05 < np.mean(hits(trace)) < 0.95


def test_a_long_run_of_the_rarely_used_forgets_its_notes_and_still_hits_alike():
    trace = simulate(cached(8, seconds=80, attributes=thing(items=20), evicts="lfu"), 2)
    assert len(hits(trace)) > 5_000
    assert hits(trace) == in_plain_words(trace, 8, "lfu")


def test_with_room_for_all_each_thing_misses_once():
    trace = simulate(cached(THINGS), 3)
    things = trace.requests["thing"]
    assert hits(trace) == things.duplicated().tolist()
    assert summarise([trace])["hit_ratio.cache"].value == 1 - things.nunique() / len(things)


def test_without_room_all_miss():
    assert not any(hits(simulate(cached(0, seconds=10), 3)))


def test_by_hand():
    """Things a b a c b: with room for two, c makes b leave if the last use counts, and a if the first fetch does."""
    for evicts, expected in {"lru": [0, 0, 1, 0, 0], "fifo": [0, 0, 1, 0, 1], "lfu": [0, 0, 1, 0, 0]}.items():
        shelf = SHELVES[evicts](2, np.inf)
        assert [shelf.look_up(one, float(time)) for time, one in enumerate([1, 2, 1, 3, 2])] == expected


def test_a_thing_is_fresh_up_to_the_last_instant():
    made = cached(5, attributes=thing(items=1), fresh_s=10)
    assert hits(run_at(made, [0, 10, 10.5, 20.5, 20.6])) == [False, True, False, True, False]


def test_a_cache_that_starts_with_the_most_popular_things_holds_them():
    popular = cached(20, starts="popular", seconds=1)
    trace = simulate(popular, 4)
    assert hits(trace)[0] == (trace.requests["thing"][0] <= 20)
    assert np.mean(hits(trace)) > np.mean(hits(simulate(cached(20, seconds=1), 4)))


def test_designs_with_other_capacities_meet_the_same_things():
    small, large = (simulate(cached(capacity, seconds=20), 5) for capacity in (5, 50))
    assert small.requests["thing"].equals(large.requests["thing"])
    assert np.sum(hits(small)) < np.sum(hits(large))


def test_things_follow_the_law_of_zipf():
    things = simulate(cached(1, seconds=1_000), 6).requests["thing"]
    chances = np.arange(1, THINGS + 1) ** -EXPONENT
    expected = chances / chances.sum() * len(things)
    seen = np.bincount(things.astype(int), minlength=THINGS + 1)[1:]
    assert ((seen - expected) ** 2 / expected).sum() < THINGS + 4 * np.sqrt(2 * THINGS)


@pytest.mark.parametrize("fields", [{}, {"evicts": "fifo"}, {"evicts": "lfu"}, {"fresh_s": 2.0}, {"starts": "popular"}])
def test_the_load_behind_it_is_known_before_the_run(fields):
    stages = {"cache": cache(40, miss_to="model", **fields), "model": pool()}
    made = plan(stages, rate=100, seconds=100, attributes=thing())
    seen = [len(trace.logs["model"]) / trace.columns.n for trace in (simulate(made, 1, one) for one in range(8))]
    assert visit_ratios(made)["model"] == pytest.approx(1 - expected_hits(made, "cache"))
    assert visit_ratios(made)["model"] == pytest.approx(np.mean(seen), abs=0.02)


def test_two_caches_in_a_row_ask_for_one_thing():
    stages = {"cache": cache(10, miss_to="second"), "second": cache(100)}
    trace = simulate(plan(stages, rate=100, seconds=100, attributes=thing(), ends=ENDS), 7)
    first, second = trace.logs["cache"].visits(), trace.logs["second"].visits()
    assert second.request.tolist() == first.request[first.server < 0].tolist()
    assert 0.1 < np.mean(second.server == 0) < 0.9


WEIGHED = """
id: weighed
version: 1
title: A cache of counted photos
summary: A cache.
brief: Which photos are asked for?
run: {days: 0.002, drain_days: 0.001, replications: 2}
arrivals: {kind: constant, rate_per_s: {value: 50, assumed: a test}}
attributes:
  photo: {kind: popularity, label: Photo, file: views.csv, column: views, source: counted by hand}
start: cache
stages:
  cache: {kind: cache, label: Cache, by: photo, capacity: 1, starts: popular, hit_to: done, miss_to: done}
ends:
  done: {label: Done, escalated: false, detected: {value: 1, assumed: all}, usd: {value: 0, assumed: free}}
choices:
  capacity: {kind: number, label: Things, default: 1, values: [1, 2, 4], set: [stages.cache.capacity]}
"""


def test_weights_of_a_file_are_the_popularity(tmp_path):
    (tmp_path / "views.csv").write_text("views\n10\n60\n30\n", encoding="utf-8")
    made = compile_plan(loads(WEIGHED, str(tmp_path / "weighed.yaml")))
    shares = simulate(made, 1).requests["photo"].value_counts(normalize=True).sort_index()
    assert shares.index.tolist() == [1, 2, 3]
    assert shares.tolist() == pytest.approx([0.6, 0.3, 0.1], abs=0.02)
    assert any(source.what == "Photo" and source.kind == "measured" for source in made.provenance)


@pytest.mark.parametrize(
    ("rows", "message"),
    [("views\n1\n-2\n", "weights of at least 0"), ("views\n0\n", "not only 0"), ("seen\n1\n", "no column 'views'")],
)
def test_a_faulty_file_of_weights_is_named(tmp_path, rows, message):
    (tmp_path / "views.csv").write_text(rows, encoding="utf-8")
    with pytest.raises(ScenarioError, match=message):
        compile_plan(loads(WEIGHED, str(tmp_path / "weighed.yaml")))


def test_a_pick_of_another_capacity_keeps_what_is_held(tmp_path):
    (tmp_path / "views.csv").write_text("views\n1\n1\n1\n1\n", encoding="utf-8")
    made = compile_plan(loads(WEIGHED, str(tmp_path / "weighed.yaml")))
    trace = simulate(made, 1, actions=[(60, {"capacity": 4}), (120, {"capacity": 2})])
    visits = trace.logs["cache"].visits()
    shares = [np.mean(visits.server[(visits.entered_s >= at) & (visits.entered_s < at + 50)] == 0) for at in (0, 65, 122)]
    assert shares == pytest.approx([0.25, 1, 0.5], abs=0.05)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"by": "thng"}, "'thng' is not an attribute of the requests; did you mean 'thing'"),
        ({"by": "size"}, "'size' is an attribute of the kind number, whose values name no things"),
    ],
)
def test_a_cache_by_what_names_nothing_is_refused(fields, message):
    size = {"size": {"kind": "number", "label": "Size", "value": {"constant": assumed(1)}}}
    with pytest.raises(ScenarioError, match=message):
        scenario({"cache": cache(1, **fields)}, attributes=thing() | size, ends=ENDS)


@pytest.mark.parametrize("fields", [{"items": 5}, {"items": 5, "exponent": assumed(1), "file": "views.csv"}, {}])
def test_popularity_follows_one_law(fields):
    attributes = {"thing": {"kind": "popularity", "label": "Photo"} | fields}
    with pytest.raises(ScenarioError, match="give `items` and `exponent` for Zipf's law, or `file`"):
        scenario({"cache": cache(1)}, attributes=attributes, ends=ENDS)
