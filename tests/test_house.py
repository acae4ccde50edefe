"""The counters of `make house` are right about packages small enough to count by hand."""

from __future__ import annotations

import ast
from importlib import import_module
from pathlib import Path
from textwrap import dedent

import pytest

from tests.house.counts import binds, sentence_builders, shared_names, signature_lines, untested
from tests.house.executed import executed
from tests.house.modules import Import, between, circles, imports, modules_of
from tests.house.tests_of import named_or_importing, recorded


def _write(folder: Path, **texts: str) -> Path:
    for name, text in texts.items():
        file = folder / f"{name.replace('__', '/')}.py"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(dedent(text), encoding="utf-8")
    return folder


def test_an_import_counts_where_only_a_type_or_a_function_needs_it(tmp_path):
    _write(
        tmp_path,
        house__a__attic="from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from house.b import cellar\n",
        house__b__cellar="def go():\n    from ..a.attic import stairs\n",
        house__b__door="import house.b.cellar\nimport os\n",
    )
    pairs = imports(modules_of(tmp_path, "house"))
    assert sorted(pairs) == [
        ("house.a.attic", "house.b.cellar"),
        ("house.b.cellar", "house.a.attic"),
        ("house.b.door", "house.b.cellar"),
    ]
    assert circles(pairs) == [["house.a.attic", "house.b.cellar"]]
    assert between(pairs, {"a", "b"}) == [pair for pair in pairs if "house.a.attic" in pair]
    assert between(pairs, {"b"}) == []


def test_the_largest_circle_comes_first():
    pairs = [Import(*pair) for pair in ("ab", "ba", "cd", "de", "ec", "ef")]
    assert circles(pairs) == [["c", "d", "e"], ["a", "b"]]


def test_every_way_to_bind_a_name_counts():
    tree = ast.parse(
        dedent("""
            def f(one, *, two=0):
                one, two = two, one
                for one in (): pass
                with open("") as one: pass
                print([one for one in two], lambda one: one)
                try: pass
                except OSError as one: pass
                if (one := two): pass
            import os as one
            """)
    )
    assert binds(tree)["one"] == 9
    assert binds(tree)["two"] == 2


def test_a_signature_ends_where_its_body_begins():
    tree = ast.parse("def a(): pass\n\ndef b(x,\n      y):\n    return x\n")
    assert signature_lines(tree) == 1 + 2


def test_a_sentence_is_text_of_five_words_around_a_value():
    tree = ast.parse(
        dedent("""
            def sentence(n) -> str: return f"Of the patients {n} wait for long"
            def label(n) -> str: return f"{n} patients wait"
            def constant() -> str: return "Of the patients some wait for long"
            def error(n) -> str: raise ValueError(f"Of the patients {n} wait for long")
            def number(n) -> int: print(f"Of the patients {n} wait for long")
            """)
    )
    assert sentence_builders(tree) == ["sentence"]


def test_a_name_is_shared_by_files_and_not_within_one(tmp_path):
    _write(
        tmp_path,
        house__a="def go(): pass\ndef stay(): pass\n",
        house__b="def go(): pass\n",
        house__c="class C:\n    def go(self): pass\n",
    )
    assert shared_names(modules_of(tmp_path, "house"), 2) == {"go": ["house.a", "house.b"]}


def test_a_module_has_a_test_by_its_name_or_by_an_import(tmp_path):
    _write(
        tmp_path,
        house__named="",
        house__imported="",
        house__bare="a = 1\n",
        house__longer="a = 1\nb = 2\n",
        tests__test_named="",
        tests__test_other="from house import imported\n",
        tests__helper="import house.bare\n",
    )
    bare = untested(modules_of(tmp_path, "house"), modules_of(tmp_path, "tests"))
    assert [module.name for module in bare] == ["house.longer", "house.bare"]


@pytest.fixture
def run_house(tmp_path, monkeypatch):
    _write(
        tmp_path,
        run_house__way="def go():\n    from run_house import late\n    return late.end(), late.end()\ndef never(): pass\n",
        run_house__late="def at_import(): pass\nat_import()\nclass C:\n    a = 1\ndef end(): return (lambda: 1)()\n",
        run_house__still="def never(): pass\n",
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    return tmp_path / "run_house"


def test_a_file_is_executed_where_a_function_ran_and_not_where_it_was_imported(run_house):
    way, _ = import_module("run_house.way"), import_module("run_house.still")
    execution = executed(way.go, run_house)
    assert execution.files == ["late.py", "way.py"]
    assert execution.functions == 3  # go, end and its lambda


def test_without_a_record_the_tests_of_a_file_are_those_of_its_name_and_those_that_import_it(tmp_path):
    _write(
        tmp_path,
        house__cellar="",
        tests__deep__test_cellar="",
        tests__test_door="from house.cellar import stairs\n",
        tests__test_roof="import house\n",
    )
    tests = named_or_importing(tmp_path / "house/cellar.py", tmp_path)
    assert {test.name for test in tests} == {"test_cellar.py", "test_door.py"}


def test_a_record_counts_the_lines_of_functions_that_a_test_runs(tmp_path):
    coverage = pytest.importorskip("coverage")
    file = _write(tmp_path, cellar="A = 1\ndef go():\n    a = 1\n    return a\n") / "cellar.py"
    data = coverage.CoverageData(str(tmp_path / "record"))
    for context, lines in (("", [1, 2]), ("tests/a.py::test_a|run", [1, 2, 3, 4]), ("tests/b.py::test_b|run", [3])):
        data.set_context(context)
        data.add_lines({str(file): lines})
    data.write()
    assert recorded(file, tmp_path / "record") == {"tests/a.py::test_a": 2, "tests/b.py::test_b": 1}
