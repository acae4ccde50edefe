"""A pack carries a case to another user: equal bytes, equal run hashes, one step to install, and one to remove."""

from __future__ import annotations

import json
import os

import pytest

from simulator.authoring.case_pack import EvidenceScope, pack_case, packed
from simulator.authoring.case_test import run_checks
from simulator.authoring.check_results import CheckResult
from simulator.authoring.tested_designs import DesignRunner
from simulator.case.load import case_files, case_origins, load
from simulator.engine.plan import compile_plan
from simulator.evidence.evidence_files import Change
from simulator.evidence.profiles import write_profile
from simulator.explain.result import replicate
from tests.authoring.packs import CASE, files_below, move_in, net, table, write_case, write_table

#: A choice of the precision, whose options are tried with the default of every other choice.
PRECISION = """\
  precision:
    kind: options
    label: Precision
    default: fp32
    options:
      fp32: {label: fp32, set: {stages.classify.precision: fp32}}
      int8_static: {label: int8, set: {stages.classify.precision: int8_static}}
"""


@pytest.fixture
def author(tmp_path, monkeypatch):
    """The file of the author's case, which has a log beside it, a score table and a profile of its author's own."""
    monkeypatch.chdir(tmp_path)
    move_in(tmp_path / "author", monkeypatch)
    return write_case(tmp_path / "work", tmp_path / "author")


@pytest.fixture
def move(tmp_path, monkeypatch):
    """Let the next commands be those of another user; returns the folder of installed cases."""
    return lambda name="receiver": move_in(tmp_path / name, monkeypatch)


def run_hash(case):
    return replicate(compile_plan(load(case)), seed=1, replications=2).run_hash


def sent(casesim, file, name="case.zip"):
    """Pack a case into a file and return its name."""
    ended = casesim("pack", file, "--out", name)
    assert ended.status == 0, ended.err
    return name


def test_a_case_gives_the_same_run_hash_after_the_way_to_another_user(author, move, casesim):
    ended = casesim("pack", author, "--licence", "CC-BY-4.0")
    assert (ended.status, ended.out.split()[0]) == (0, "parcels-1.casesim.zip:")
    before = run_hash(author)
    installed = move()
    author.unlink()
    ended = casesim("install", "parcels-1.casesim.zip", "--yes")
    assert (ended.status, ended.err) == (0, "")
    assert sorted(files_below(installed)) == [
        "cases/parcels/log/times.csv",
        "cases/parcels/pack.json",
        "cases/parcels/parcels.yaml",
        "evidence-manifest.json",
        "profiles/epyc-zen4-2c/net.fp32.json",
        "scores/mine.net.fp32.csv",
        "scores/mine.net.fp32.yaml",
    ]
    assert case_origins()["parcels"][0] == "installed"
    assert run_hash("parcels") == before


def test_the_contents_are_shown_before_they_are_installed(author, move, casesim):
    scenario = load(author)
    first, *others = (check.key for check in run_checks(scenario, DesignRunner(scenario, None)))
    dead = CheckResult("dead choice", "urgent", "fail", "it changes nothing")
    results = {first: [CheckResult("feasible", "all", "pass", "met"), dead], "dead choice of another text": [dead]}
    results |= {other: [] for other in others}
    (author.parent / "parcels.tests.json").write_text(json.dumps({key: [vars(one) for one in results[key]] for key in results}))
    casesim("pack", author, "--licence", "CC-BY-4.0", "--out", "case.zip")
    installed = move()
    ended = casesim("install", "case.zip")
    assert (ended.status, ended.err) == (2, "case.zip: nothing was installed; --yes installs it\n")
    for line in (
        "parcels, version 1: Small",
        "  cases/parcels/log/times.csv, 313 bytes",
        "  the case: CC-BY-4.0",
        "  cases/parcels/log/times.csv: the author's log",
        "  scores/mine.net.fp32.yaml: The author, CC-BY-4.0; the author's photos",
        "  profiles/epyc-zen4-2c/net.fp32.json: measured on none, 2026-01-01; weights: own",
        "  1 fail, 1 pass",
        "  fail: dead choice: urgent: it changes nothing",
        "  nothing",
    ):
        assert line in ended.out.split("\n"), line
    assert files_below(installed) == {}


@pytest.mark.parametrize(("answer", "status"), [("n", 1), ("", 1), ("y", 0)])
def test_the_user_is_asked(author, move, casesim, monkeypatch, answer, status):
    sent(casesim, author)
    installed = move()
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr("builtins.input", lambda _: answer)
    assert casesim("install", "case.zip").status == status
    assert bool(files_below(installed)) == (status == 0)


def test_equal_contents_give_equal_bytes(author):
    first = packed(pack_case(load(author)))
    for file in (author, author.parent / "log" / "times.csv"):
        os.utime(file, (0, 0))
    assert packed(pack_case(load(author))) == first


def test_all_own_evidence_that_picks_can_combine_travels_along(author, tmp_path):
    for precision in ("int8_static", "int8_dynamic"):
        write_profile(net(precision), tmp_path / "author" / "profiles")
    write_table(tmp_path / "author" / "scores", name="mine.net.int8_static")
    write_table(tmp_path / "author" / "scores", name="mine.other.fp32")
    author.write_text(CASE.replace("choices:\n", f"choices:\n{PRECISION}"))
    names = pack_case(load(author)).manifest.names
    assert {name for name in names if name.startswith(("scores/", "profiles/"))} == {
        "profiles/epyc-zen4-2c/net.fp32.json",
        "profiles/epyc-zen4-2c/net.int8_static.json",
        "scores/mine.net.fp32.csv",
        "scores/mine.net.fp32.yaml",
        "scores/mine.net.int8_static.csv",
        "scores/mine.net.int8_static.yaml",
    }


def test_a_scope_holds_each_combination_of_models_devices_and_precisions():
    scope = EvidenceScope(["profiles/one/a.fp32.json", "profiles/two/b.int8.json", "scores/mine.a.fp32.csv"])
    assert scope.holds("profiles/two/a.int8.json")
    assert not scope.holds("profiles/two/c.int8.json")
    assert not scope.holds("profiles/three/a.int8.json")
    assert scope.holds("scores/mine.a.int8@avx2.yaml")
    assert not scope.holds("scores/mine.b.fp32.csv")


def test_pictures_and_texts_travel_along(author, move, casesim):
    (author.parent / "LICENSE.txt").write_text("CC-BY-4.0")
    assert casesim("pack", author, "--with", author.parent / "LICENSE.txt", "--out", "case.zip").status == 0
    assert casesim("pack", author, "--with", author, "--out", "other.zip").status == 2
    installed = move()
    assert casesim("install", "case.zip", "--yes").status == 0
    assert files_below(installed)["cases/parcels/LICENSE.txt"] == b"CC-BY-4.0"


def test_evidence_that_differs_is_named(author, move, casesim, tmp_path):
    (tmp_path / "shipped").mkdir()
    (tmp_path / "author" / "profiles").rename(tmp_path / "shipped" / "profiles")
    sent(casesim, author)
    assert "scores/mine.net.fp32.csv" in pack_case(load(author)).manifest.names
    write_profile(net().model_copy(update={"family": "other"}), tmp_path / "shipped" / "profiles")
    move()
    out = casesim("install", "case.zip", "--yes").out
    assert "profiles/epyc-zen4-2c/net.fp32.json is another file here than the author's, so figures may differ" in out


def test_other_files_of_the_same_name_stay_unless_they_are_to_be_replaced(author, move, casesim, tmp_path):
    sent(casesim, author)
    before = run_hash(author)
    installed, own = move(), tmp_path / "receiver" / "scores"
    write_table(own, seed=1)
    ended = casesim("install", "case.zip", "--yes")
    assert (ended.status, files_below(installed)) == (2, {})
    assert f"would replace {own / 'mine.net.fp32.csv'}; --replace does so" in ended.err
    assert casesim("install", "case.zip", "--yes", "--replace").status == 0
    assert not (own / "mine.net.fp32.csv").exists()
    assert run_hash("parcels") == before


def test_a_table_of_an_installed_case_is_not_imported_over(author, move, casesim, tmp_path):
    sent(casesim, author)
    move()
    casesim("install", "case.zip", "--yes")
    (tmp_path / "net.csv").write_text(table(1))
    ended = casesim("scores", "import", "net.csv", "--dataset", "mine", "--model", "net")
    assert (ended.status, "belongs to an installed case" in ended.err) == (2, True)


def test_a_new_version_replaces_the_old_one_with_consent(author, move, casesim):
    old = sent(casesim, author, "old.zip")
    (author.parent / "log" / "times.csv").rename(author.parent / "times.csv")
    author.write_text(CASE.replace("version: 1", "version: 2").replace("log/times.csv", "times.csv"))
    new = sent(casesim, author, "new.zip")
    installed = move()
    casesim("install", old, "--yes")
    assert casesim("install", old, "--yes").out.endswith("parcels: this pack is installed already\n")
    ended = casesim("install", new, "--yes")
    assert (ended.status, "would replace the installed case 'parcels', version 1;" in ended.err) == (2, True)
    assert casesim("install", new, "--yes", "--replace").status == 0
    assert "cases/parcels/log/times.csv" not in files_below(installed)
    assert load("parcels").version == 2


@pytest.mark.parametrize("origin", ["shipped", "own"])
def test_the_id_of_another_case_is_refused(author, move, casesim, monkeypatch, origin):
    sent(casesim, author)
    installed = move()
    if origin == "shipped":
        monkeypatch.setattr("simulator.case.load.SCENARIOS", author.parent)
    else:
        monkeypatch.setenv("CASESIM_CASES", str(author))
    ended = casesim("install", "case.zip", "--yes", "--replace")
    assert (ended.status, files_below(installed)) == (2, {})
    assert "another id; nothing was installed" in ended.err


def test_a_shipped_case_is_not_packed(casesim):
    ended = casesim("pack", "retry-storm")
    assert (ended.status, "comes with CaseSim" in ended.err) == (2, True)


def test_a_removed_case_takes_the_evidence_along_that_no_other_case_uses(author, move, casesim):
    sent(casesim, author, "one.zip")
    other = author.with_name("letters.yaml")
    other.write_text(CASE.replace("id: parcels", "id: letters"))
    sent(casesim, other, "two.zip")
    installed = move()
    for pack in ("one.zip", "two.zip"):
        assert casesim("install", pack, "--yes").status == 0
    evidence = {"evidence-manifest.json", "scores/mine.net.fp32.csv", "scores/mine.net.fp32.yaml"}
    evidence |= {"profiles/epyc-zen4-2c/net.fp32.json"}
    assert casesim("cases", "--remove", "parcels").out == "parcels: removed, with 3 files in all\n"
    assert files_below(installed).keys() - {f"cases/letters/{name}" for name in ("letters.yaml", "pack.json")} == evidence | {
        "cases/letters/log/times.csv"
    }
    assert not (installed / "cases" / "parcels").exists()
    casesim("cases", "--remove", "letters")
    assert files_below(installed).keys() == {"evidence-manifest.json"}


def test_only_installed_cases_are_removed(author, casesim, cases, monkeypatch):
    monkeypatch.setenv("CASESIM_CASES", str(author))
    assert "comes with CaseSim and stays" in casesim("cases", "--remove", "small").err
    assert "is your own file" in casesim("cases", "--remove", "parcels").err
    assert casesim("cases", "--remove", "letters").err == "there is no installed case 'letters'; there is none to choose\n"


def test_the_list_says_where_a_case_comes_from(author, move, casesim, cases, monkeypatch):
    sent(casesim, author)
    move()
    casesim("install", "case.zip", "--yes")
    own = author.with_name("mine.yaml")
    own.write_text(CASE.replace("id: parcels", "id: mine"))
    monkeypatch.setenv("CASESIM_CASES", str(own))
    rows = json.loads(casesim("cases", "--json").out)
    assert [(row["id"], row["origin"]) for row in rows] == [("mine", "own"), ("parcels", "installed"), ("small", "shipped")]
    listed = casesim("cases").out.split("\n")
    assert [line.split()[-1] for line in listed if "Small" in line] == ["folder", "installed", "CaseSim"]


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), KeyboardInterrupt()])
def test_an_installation_that_fails_leaves_nothing(author, move, casesim, monkeypatch, error):
    def fail(*_):
        raise error

    sent(casesim, author)
    installed = move()
    with monkeypatch.context() as patch:
        patch.setattr(Change, "commit", fail)
        assert casesim("install", "case.zip", "--yes").status != 0
    assert files_below(installed) == {}
    assert "parcels" not in case_files()


def test_a_case_appears_whole_although_the_process_died_once_it_was_decided(author, move, casesim, monkeypatch):
    sent(casesim, author)
    installed = move()
    with monkeypatch.context() as patch:
        patch.setattr("simulator.evidence.evidence_files.settle", lambda _: None)
        casesim("install", "case.zip", "--yes")
    assert not (installed / "cases" / "parcels").exists()
    assert "parcels" in case_files()
    assert casesim("check", "parcels").status == 0
