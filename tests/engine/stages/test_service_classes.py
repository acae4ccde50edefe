"""Some requests take longer than others at one queue, by their class or by an attribute."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from simulator import summarise
from simulator.case.document import ScenarioError
from simulator.engine.run import simulate
from simulator.evidence.latency_tables import constant
from simulator.theory.loads import loads
from tests.builders import (
    assumed,
    exponential,
    of_samples,
    plan,
    pool,
    population,
    run_at,
    scenario,
    score_table,
    server,
    spread,
)
from tests.truths.queue_formulas import mg1_wait

#: Seven of ten requests take 50 ms on average, the others three times as long.
SHARES, FACTORS, MEAN_S, RATE = (0.7, 0.3), (1.0, 3.0), 0.05, 8.0
CLASSES = {
    name: {"label": name.capitalize(), "share": assumed(share), "priority": priority}
    for name, share, priority in (("short", 0.7, 2), ("long", 0.3, 1))
}
LONGER = {"long": assumed(3)}
CATEGORY = {"sort": {"kind": "category", "label": "Sort", "shares": {"long": assumed(0.3), "short": assumed(0.7)}}}


def queue(kind: str, **fields: Any):
    """One server with exponential times."""
    times = {"service_ms": {"exponential_mean": assumed(1000 * MEAN_S)}} if kind == "server" else {}
    return {"q": (server if kind == "server" else pool)(factors=LONGER, **times, **fields)}


def served(kind: str, by: str, seconds: float = 3_000, **fields: Any):
    beside = {"classes": CLASSES} if by == "class" else {"attributes": CATEGORY}
    named = {} if by == "class" else {"factors_by": "sort"}
    service = {} if kind == "server" else {"q": exponential(MEAN_S)}
    return plan(queue(kind, **named, **fields), service, rate=RATE, seconds=seconds, **beside)


def moments() -> tuple[float, float]:
    """The mean and the second moment of the mixture of two exponentials."""
    parts = [*zip(SHARES, FACTORS, strict=True)]
    return sum(share * MEAN_S * factor for share, factor in parts), sum(
        2 * share * (MEAN_S * factor) ** 2 for share, factor in parts
    )


@pytest.mark.parametrize("kind", ["pool", "server"])
@pytest.mark.parametrize("by", ["class", "attribute"])
def test_the_mean_wait_is_that_of_pollaczek_and_khinchine_for_the_mixture(kind, by):
    mean, second = moments()
    metrics = summarise(simulate(served(kind, by), 1, one) for one in range(6))
    assert metrics["latency_served_mean_s"].low < mg1_wait(RATE, mean, second) + mean < metrics["latency_served_mean_s"].high
    assert metrics["utilization.q"].low < RATE * mean < metrics["utilization.q"].high


def test_with_priorities_each_class_waits_as_long_as_cobham_says():
    """Non-preemptive priority: W0 / ((1 - R before) (1 - R up to it)), with W0 the mean work left in service (1954)."""
    _, second = moments()
    left = RATE * second / 2
    long, short = (RATE * share * MEAN_S * factor for share, factor in zip(SHARES[::-1], FACTORS[::-1], strict=True))
    expected = {"long": left / (1 - long), "short": left / ((1 - long) * (1 - long - short))}
    waits: dict[str, list[float]] = {name: [] for name in expected}
    for replication in range(8):
        trace = simulate(served("pool", "class", order="priority"), 1, replication)
        visits = trace.logs["q"].visits()
        for index, name in enumerate(CLASSES):
            mine = trace.columns.kind[visits.request] == index
            waits[name].append(float((visits.started_s - visits.entered_s)[mine].mean()))
    for name, found in waits.items():
        assert abs(np.mean(found) - expected[name]) < 3.5 * np.std(found, ddof=1) / np.sqrt(8)


@pytest.mark.parametrize("kind", ["pool", "server"])
@pytest.mark.parametrize("by", ["class", "attribute"])
def test_the_load_is_the_mean_over_all_requests(kind, by):
    (load,) = loads(served(kind, by))
    assert load.mean == pytest.approx(RATE * moments()[0])


@pytest.mark.parametrize("fields", [{}, {"order": "freshest"}, {"client_timeout_s": 60, "on_timeout": "done"}])
def test_by_hand_whatever_policy_the_queue_has(fields):
    """A second each, three for the long ones, one after the other."""
    made = plan({"q": pool(factors=LONGER, **fields)}, constant(1.0), classes=CLASSES)
    trace = run_at(made, [0, 20, 40, 60, 80])
    taken = (trace.requests["finished_s"] - trace.requests["arrived_s"]).tolist()
    assert taken == [3.0 if kind else 1.0 for kind in trace.columns.kind.tolist()]
    assert len(set(taken)) == 2


def test_a_factor_of_the_labelled_items_diagnosis_counts_them_as_often_as_they_come():
    table = score_table([0.9, 0.8], [0.1, 0.2, 0.3, 0.4])
    table.item_texts["diagnosis"] = np.array(["MEL", "BCC", "NEV", "NEV", "NEV", "MEL"], object)
    attributes = {"found": {"kind": "item", "label": "Found", "column": "diagnosis", "values": {"MEL": "melanoma"}}}
    stages = {"model": pool(to="q", scores="x"), "q": pool(factors={"MEL": assumed(5)}, factors_by="found")}
    made = plan(stages, constant(0.01), table, population=population(0.4), attributes=attributes)
    share = 0.4 / 2 + 0.6 / 4
    by_stage = {load.stage: load.mean for load in loads(made)}
    assert by_stage["q"] == pytest.approx(0.01 * (1 + 4 * share))
    trace = simulate(made, 1)
    visits = trace.logs["q"].visits()
    long = np.isclose(visits.left_s - visits.started_s, 0.05)
    assert long.tolist() == (trace.requests["found"][visits.request] == "MEL").tolist()


def test_times_that_grow_with_the_request_are_multiplied_too():
    attributes = CATEGORY | {"boxes": {"kind": "number", "label": "Boxes", "value": spread(4)}}
    sizes = {"precision": "a", "sizes": {"1": "a", "9": "b"}, "sized_by": "boxes"}
    made = plan({"q": pool(factors=LONGER, factors_by="sort", **sizes)}, constant(1.0), attributes=attributes)
    made.sized["q"] = of_samples("boxes", {1: [1.0], 9: [9.0]})
    trace = run_at(made, [0, 20, 40, 60, 80])
    taken = (trace.requests["finished_s"] - trace.requests["arrived_s"]).to_numpy()
    assert taken == pytest.approx(np.where(trace.requests["sort"] == "long", 12, 4))


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"factors": {"lng": assumed(2)}}, "'lng' is not a class; did you mean 'long'"),
        ({"factors": LONGER, "factors_by": "srt"}, "'srt' is not an attribute of the requests; did you mean 'sort'"),
        ({"factors": LONGER, "factors_by": "size"}, "'size' is a number; factors need an attribute that is a category"),
        ({"factors": {"lng": assumed(2)}, "factors_by": "sort"}, "'lng' is not a value of 'sort'"),
        ({"factors_by": "sort"}, "factors_by is set but factors does not say how long"),
        ({"factors": LONGER, "max_batch": 2}, "served one at a time; leave max_batch out"),
        ({"factors": LONGER, "sheds_late": True, "on_full": "done"}, "sheds_late expects all requests to take alike"),
    ],
)
def test_what_cannot_be_is_refused(fields, message):
    attributes = CATEGORY | {"size": {"kind": "number", "label": "Size", "value": spread(4)}}
    with pytest.raises(ScenarioError, match=message):
        scenario({"q": pool(**fields)}, classes=CLASSES, attributes=attributes)


def test_without_classes_the_message_says_what_to_add():
    with pytest.raises(ScenarioError, match="add a section `classes`, or name an attribute with `factors_by`"):
        scenario({"q": pool(factors=LONGER)})
