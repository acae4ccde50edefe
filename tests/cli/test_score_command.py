"""`casesim scores`: what it lists, what it imports, and what it says of a file that cannot be."""

import json

import pytest
from ruamel.yaml import YAML

from simulator.case.load import loads
from simulator.engine.plan import compile_plan
from simulator.engine.run import simulate
from simulator.evidence.score_tables import load_scores
from simulator.limits import LISTED_ROWS
from tests.evidence.test_score_import import table

NAME = "pad_ufes20.efficientnet_lite0.fp32"


@pytest.fixture
def scores(casesim, own_scores):
    """Runs `casesim scores`."""
    return lambda *words: casesim("scores", *words)


@pytest.fixture
def two(monkeypatch):
    """Two of the shipped tables, so that a list is quick."""
    names = [NAME, "published.skinvision_resnet50x3.fp32"]
    monkeypatch.setattr("simulator.measure.score_command.readable_scores", lambda: (names, []))
    return names


def test_a_list_in_json_keeps_the_contract_and_prints_nothing_else(scores, two):
    status, out, _ = scores("list", "--json")
    measured, published = json.loads(out)
    assert status == 0
    assert list(measured) == [
        "name",
        "dataset",
        "model",
        "precision",
        "kind",
        "rows",
        "positives",
        "patients",
        "auc",
        "specificity_at",
    ]
    assert [measured["name"], measured["dataset"], measured["kind"]] == [NAME, "pad_ufes20", "measured"]
    assert (measured["rows"], measured["positives"], measured["patients"]) == (1071, 452, 810)
    for figure in (measured["auc"], *measured["specificity_at"].values()):
        assert figure["low"] < figure["value"] < figure["high"]
    assert measured["specificity_at"].keys() == published["specificity_at"].keys() == {"0.90", "0.95", "0.99"}
    assert (published["kind"], published["auc"].keys()) == ("published", {"value"})


def test_a_list_shows_intervals_and_says_why_a_published_curve_has_none(scores, two):
    status, out, _ = scores("list")
    assert status == 0
    line = next(line for line in out.splitlines() if NAME in line)
    found = json.loads(scores("list", "--json")[1])[0]
    assert f"{found['auc']['value']:.3f} [{found['auc']['low']:.3f}, {found['auc']['high']:.3f}]" in line
    at_95 = found["specificity_at"]["0.95"]
    assert f"{100 * at_95['value']:.0f}% [{100 * at_95['low']:.0f}, {100 * at_95['high']:.0f}]" in line
    assert "nothing to resample" in out


def test_an_import_is_choosable_in_a_case(scores, own_scores, tmp_path):
    file = tmp_path / "my net.csv"
    file.write_bytes(table())
    status, out, _ = scores("import", file, "--precision", "int8_static", "--source", "a study", "--attribution", "a clinic")
    assert (status, out) == (0, "mine.my_net.int8_static: a case takes it with `scores: mine.my_net` at int8_static\n")
    assert load_scores("mine.my_net.int8_static").about.attribution == "a clinic"
    scores("import", file)
    scenario = loads(CASE, "case.yaml")
    plan = compile_plan(scenario)
    assert plan.scores.name == "mine.my_net.fp32"
    source = next(source for source in plan.provenance if source.what == "Model: scores")
    assert (source.kind, source.source) == ("measured", f"imported from {file.name}. not given")
    assert (simulate(plan, seed=1).requests["outcome"] == "done").any()


CASE = """\
id: own-scores
version: 1
title: Own scores
summary: A small case.
brief: A small case.
run: {days: 0.01, replications: 2}
arrivals: {kind: poisson, rate_per_s: {value: 1, assumed: a test}}
population: {positive: ill, negative: well, prevalence: {value: 0.5, assumed: a test}}
start: model
stages:
  model:
    {kind: pool, label: Model, model: efficientnet_lite0, precision: fp32, device: epyc-zen4-2c, scores: mine.my_net, to: done}
ends:
  done: {label: Done, escalated: false, detected: {value: 0, assumed: a test}, usd: {value: 0, assumed: a test}}
objectives: []
choices: {}
"""


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (table("b,g,1,1.7", "a7,g,1,0.5"), ":62: score: '1.7' lies outside 0 to 1"),
        (table("b,g,1,1.7", "a7,g,1,0.5"), ":63: item: 'a7' stands on line 9 already"),
        (table(good=20), ": label: has 10 positives; at least 30"),
    ],
)
def test_a_faulty_file_gets_sentences_and_exit_status_2(scores, own_scores, tmp_path, content, said):
    file = tmp_path / "mine.csv"
    file.write_bytes(content)
    status, out, err = scores("import", file)
    assert (status, out) == (2, "")
    assert f"{file}{said}" in err
    assert "Traceback" not in err
    assert not own_scores.exists()


def test_a_file_that_is_not_there_and_a_table_that_is_are_told(scores, tmp_path):
    status, _, err = scores("import", tmp_path / "none.csv")
    assert (status, err) == (2, f"{tmp_path / 'none.csv'}: cannot be read: No such file or directory\n")
    (tmp_path / "t.csv").write_bytes(table())
    assert scores("import", tmp_path / "t.csv")[0] == 0
    status, _, err = scores("import", tmp_path / "t.csv")
    assert status == 2
    assert "'mine.t.fp32' is there already; --overwrite replaces it" in err
    assert scores("import", tmp_path / "t.csv", "--overwrite")[0] == 0


def test_columns_that_nothing_reads_are_told(scores, own_scores, tmp_path):
    (tmp_path / "t.csv").write_bytes(table(header="id,patients,label,score"))
    status, _, err = scores("import", tmp_path / "t.csv")
    assert (status, err) == (0, "columns not used: patients\n")
    sidecar = YAML(typ="safe").load(own_scores / "mine.t.fp32.yaml")
    assert (sidecar["imported"], sidecar["patients"]) == (True, 60)


def several(items, models):
    rows = [f"{item % 2},0.{item + 100},i{item},{model}" for model in models for item in range(items)]
    return "\n".join(["label,score,item,model", *rows])


@pytest.mark.long
def test_a_broken_table_of_ones_own_is_told_and_the_others_are_listed(scores, own_scores):
    own_scores.mkdir()
    (own_scores / "mine.net.fp32.yaml").write_text("kind: " + "[" * 5_000)
    status, out, err = scores("list", "--json")
    assert status == 0
    assert NAME in {one["name"] for one in json.loads(out)}
    assert f"{own_scores / 'mine.net.fp32.yaml'}: is nested too deeply" in err


def test_a_list_resamples_so_many_rows_and_says_so(scores, own_scores, two, tmp_path, monkeypatch):
    monkeypatch.setattr("simulator.measure.score_command.LISTED_ROWS", LISTED_ROWS.__class__("rows", 1_000, "rows", ""))
    status, out, _ = scores("list")
    assert status == 0
    assert "Without an interval: 1,000 rows are resampled for a list" in out


def test_ones_own_tables_can_be_deleted_and_no_others(scores, own_scores, tmp_path):
    (tmp_path / "t.csv").write_text(several(60, ["a", "b"]))
    assert scores("import", tmp_path / "t.csv")[0] == 0
    assert scores("delete", "mine.a.fp32")[:2] == (0, "mine.a.fp32: deleted\n")
    assert sorted(path.name for path in own_scores.glob("mine*")) == ["mine.b.fp32.csv", "mine.b.fp32.yaml"]
    status, _, err = scores("delete", NAME)
    assert (status, "comes with CaseSim" in err) == (2, True)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (
            several(2, [f"m{number}" for number in range(51)]),
            "holds 51 models and precisions; at most 50 tables are made of one",
        ),
        ("label,score," + ",".join(map(str, range(300))) + "\n", "has 302 columns; at most 200 are read"),
    ],
)
def test_a_file_of_too_much_is_refused_before_anything_is_made(scores, own_scores, tmp_path, content, sentence):
    (tmp_path / "t.csv").write_text(content)
    status, _, err = scores("import", tmp_path / "t.csv")
    assert status == 2
    assert sentence in err
    assert not own_scores.exists()


def test_ones_own_tables_are_bounded_in_number(scores, own_scores, tmp_path, monkeypatch):
    monkeypatch.setattr("simulator.evidence.score_import.OWN_TABLES", LISTED_ROWS.__class__("tables", 2, "tables", ""))
    (tmp_path / "t.csv").write_text(several(60, ["a", "b", "c"]))
    status, _, err = scores("import", tmp_path / "t.csv")
    assert (status, "2 tables is the most; `casesim scores delete NAME` makes room" in err) == (2, True)
