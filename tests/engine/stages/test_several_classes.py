"""A model may name one of several classes: gates go by the class that it names, and metrics count what it confuses."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from simulator import compile_plan, summarise
from simulator.case.document import ScenarioError
from simulator.case.load import loads
from simulator.engine.run import simulate
from simulator.evidence.score_import import ImportOptions, import_scores
from simulator.evidence.score_tables import ScoreTable, load_scores, score_rows
from simulator.theory.loads import visit_ratios
from tests.builders import assumed, end, gate, plan, pool, population, scenario, score_table

#: The class of each item and the one that the model names: positives first. A row of the confusion matrix each.
TRUE = [*"mmmmbbb", *"nnnnnaa"]
NAMED = [*"mmbnbbn", *"nnnmaaa"]
ATTRIBUTES = {
    "kind": {"kind": "item", "label": "Kind", "column": "diagnosis", "values": {one: one.upper() for one in "mbna"}},
    "said": {"kind": "item", "label": "Said", "column": "predicted", "values": {one: one.upper() for one in "mbna"}},
}
ENDS = {"urgent": end(escalated=True, detected=assumed(1)), "soon": end(escalated=True, detected=assumed(1)), "done": end()}
ROUTES = [{"values": ["m"], "to": "urgent"}, {"values": ["b"], "to": "soon"}, {"to": "done"}]


def table(named: list[str] = NAMED) -> ScoreTable:
    texts = {"diagnosis": np.array(TRUE, object), "predicted": np.array(named, object)}
    return replace(score_table([0.9] * 7, [0.1] * 7), item_texts=texts)


def classified(**fields):
    stages = {"model": pool(to="sort", scores="x", replicas=9), "sort": gate("said", *ROUTES)}
    return plan(stages, None, table(), rate=20, population=population(0.3), attributes=ATTRIBUTES, ends=ENDS, **fields)


def test_each_request_goes_by_the_class_that_the_model_names_for_its_item():
    trace = simulate(classified(), 1)
    ends = {"m": "urgent", "b": "soon"}
    named = [NAMED[item] for item in trace.columns.item]
    assert trace.requests["end"].tolist() == [ends.get(one, "done") for one in named]
    assert trace.requests["said"].tolist() == named


def test_recall_and_precision_of_a_class_are_those_of_the_confusion_matrix():
    own = {
        "recall": {"label": "Recall", "share": {"groups": {"said": ["m"]}}, "of": {"groups": {"kind": ["m"]}}},
        "precision": {"label": "Precision", "share": {"groups": {"kind": ["m"]}}, "of": {"groups": {"said": ["m"]}}},
    }
    metrics = summarise(simulate(classified(own_metrics=own), 1, one) for one in range(6))
    chance = [0.3 / 7] * 7 + [0.7 / 7] * 7
    both, true, said = (
        sum(share for share, one, other in zip(chance, TRUE, NAMED, strict=True) if counts(one, other))
        for counts in (lambda one, other: one == other == "m", lambda one, _: one == "m", lambda _, other: other == "m")
    )
    for name, value in {"recall": both / true, "precision": both / said}.items():
        by_luck = metrics[name].run
        assert by_luck.low < value < by_luck.high, name
    flagged = sum(share for share, one in zip(chance, NAMED, strict=True) if one in "mb")
    assert metrics["escalated_share"].run.low < flagged < metrics["escalated_share"].run.high


def test_the_load_behind_it_follows_the_items():
    stages = {"model": pool(to="sort", scores="x"), "sort": gate("said", {"values": ["m"], "to": "reader"}, {"to": "done"})}
    made = plan(stages | {"reader": pool()}, None, table(), population=population(0.3), attributes=ATTRIBUTES)
    assert visit_ratios(made)["reader"] == pytest.approx(0.3 * 2 / 7 + 0.7 * 1 / 7)


def test_each_of_two_models_names_its_own():
    two = {"first": table(), "second": table([*"bbbbbbb", *"aaaaaaa"])}
    attributes = {name: ATTRIBUTES["said"] | {"of": name} for name in two}
    stages = {"first": pool(to="second", scores="x"), "second": pool(to="sort", scores="y"), "sort": gate("second", *ROUTES)}
    made = plan(stages, None, two, rate=0.5, population=population(0.5), attributes=attributes, ends=ENDS)
    requests = simulate(made, 1).requests
    assert (requests["end"] == np.where(requests["positive"], "soon", "done")).all()
    assert set(requests["first"]) > {"m", "n"}


@pytest.mark.parametrize(
    ("of", "message"),
    [({}, "several pools give answers; name one with `of`: p, q"), ({"of": "r"}, "'r' is not a pool with scores")],
)
def test_which_model_is_meant_must_be_clear(of, message):
    stages = {"p": pool(to="q", scores="x"), "q": pool(scores="y")}
    with pytest.raises(ScenarioError, match=message):
        scenario(stages, population=population(), attributes={"said": ATTRIBUTES["said"] | of})


CSV = "id,label,score,diagnosis,predicted\n" + "".join(
    f"i{place:03},{int(place < 40)},{0.9 if place < 40 else 0.1},{'m' if place < 40 else 'n'},{'mn'[place % 2]}\n"
    for place in range(100)
)
CASE = """
id: several
version: 1
title: Several classes
summary: A model that names a class.
brief: Who is urgent?
run: {days: 0.001, drain_days: 0.001, replications: 2}
arrivals: {kind: poisson, rate_per_s: {value: 5, assumed: a test}}
population: {positive: is ill, negative: is well, prevalence: {value: 0.4, assumed: a test}}
attributes:
  said: {kind: item, label: Said, column: predicted, values: {m: melanoma, n: mole, b: basal-cell carcinoma}}
start: model
stages:
  model:
    {kind: pool, label: Model, model: efficientnet_lite0, precision: fp32, device: epyc-zen4-2c, scores: mine.net, to: sort}
  sort: {kind: gate, label: Sort, by: said, routes: [{values: [m], to: urgent}, {to: done}]}
ends:
  urgent: {label: Urgent, escalated: true, detected: {value: 1, assumed: all}, usd: {value: 0, assumed: free}}
  done: {label: Done, escalated: false, detected: {value: 0, assumed: none}, usd: {value: 0, assumed: free}}
"""


def test_a_table_with_the_named_class_is_imported_and_routes(tmp_path: Path, monkeypatch):
    import_scores("net.csv", CSV.encode(), ImportOptions(), tmp_path)
    assert score_rows("mine.net.fp32", tmp_path)["predicted"].tolist()[:4] == ["m", "n", "m", "n"]
    monkeypatch.setattr("simulator.evidence.score_tables.FOLDERS", (tmp_path,))
    requests = simulate(compile_plan(loads(CASE)), 1).requests
    assert (requests["end"] == np.where(requests["said"] == "m", "urgent", "done")).all()
    assert requests["end"].nunique() == 2


def test_a_table_without_it_keeps_its_columns_and_cannot_route_by_it(tmp_path: Path, monkeypatch):
    plain = "".join(f"{line.rpartition(',')[0]}\n" for line in CSV.splitlines())
    import_scores("net.csv", plain.encode(), ImportOptions(), tmp_path)
    assert "predicted" not in (tmp_path / "mine.net.fp32.csv").read_text(encoding="utf-8").splitlines()[0]
    assert set(load_scores("mine.net.fp32", tmp_path).item_texts["predicted"]) == {""}
    monkeypatch.setattr("simulator.evidence.score_tables.FOLDERS", (tmp_path,))
    with pytest.raises(ScenarioError, match="gives no predicted for its items"):
        compile_plan(loads(CASE))
