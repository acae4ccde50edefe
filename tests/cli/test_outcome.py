"""How commands end: the table of extras beside what is declared, and a status for each kind of error."""

import re
import subprocess
import sys
import tomllib
from functools import cache
from importlib.metadata import packages_distributions
from io import StringIO
from pathlib import Path

import pytest
from rich.table import Table
from rich.text import Text

from simulator.case.document import Fault, ScenarioError
from simulator.cli.exits import (
    EXTRAS,
    Status,
    UsageError,
    VisibleConsole,
    known,
    needing,
    table_console,
    tell,
    visible,
)
from simulator.limits import FAULTS_SHOWN

DECLARED = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())["project"]


def distribution(requirement):
    return re.split(r"[^\w.-]", requirement)[0].lower().replace("_", "-")


installed = cache(packages_distributions)


@pytest.mark.parametrize("extra", EXTRAS)
def test_each_extra_brings_what_it_is_said_to_bring(extra):
    declared = {distribution(one) for one in DECLARED["optional-dependencies"][extra]}
    there = {name: {distribution(one) for one in found} for name, found in installed().items()}
    assert EXTRAS[extra]
    for package in EXTRAS[extra] & there.keys():
        assert there[package] & declared, package


@pytest.mark.parametrize(
    ("extra", "package"), [("measure", "onnx"), ("zoo", "torch"), ("zoo", "onnx"), ("fidelity", "torch.nn")]
)
def test_a_package_that_is_missing_is_named_with_the_extra_that_was_needed(extra, package):
    told = f"this needs {package.split('.')[0]}, which is not installed: pip install 'casesim\\[{extra}\\]'"
    with pytest.raises(UsageError, match=told), needing(extra, "this"):
        raise ModuleNotFoundError(name=package)


@pytest.mark.parametrize(("extra", "package"), [("measure", "torch"), ("fidelity", "simulator.nothing"), ("zoo", None)])
def test_a_package_that_no_extra_brings_is_a_fault_of_our_own(extra, package):
    with pytest.raises(ModuleNotFoundError), needing(extra, "this"):
        raise ModuleNotFoundError(name=package)


@pytest.mark.parametrize(
    ("error", "status", "said"),
    [
        (ScenarioError([Fault("a.yaml", 2, 1, "id", "missing")]), 2, "a.yaml:2:1: id: missing\n1 fault\n"),
        (ScenarioError([Fault("a.yaml", 2, 1, "id", "no", choices=("a", "b"))]), 2, "--set a, --set b: no\n"),
        (UsageError("write it otherwise"), 2, "write it otherwise\n"),
        (FileNotFoundError(2, "No such file", "a.yaml"), 2, "a.yaml: No such file\n"),
        (KeyboardInterrupt(), 130, "stopped: nothing is kept; the same command begins again\n"),
    ],
)
def test_every_error_has_its_status_and_its_sentence(error, status, said, capsys, monkeypatch):
    monkeypatch.setattr("simulator.cli.signals._Stop.said", False)
    assert tell(error) is Status(status)
    assert capsys.readouterr() == ("", said)


def test_a_name_that_is_not_there_is_answered_with_the_nearest_or_with_all():
    assert known("model", "b", {"a": 1, "b": 2}) == "b"
    with pytest.raises(UsageError, match="there is no model 'resnet-50'; did you mean 'resnet50'"):
        known("model", "resnet-50", ["resnet50", "vit"])
    with pytest.raises(UsageError, match="expected one of: a, b"):
        known("model", "zzz", ["a", "b"])


def test_the_command_runs_as_a_module():
    done = subprocess.run([sys.executable, "-m", "simulator.cli", "--version"], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("casesim ")


@pytest.mark.parametrize(
    ("error", "status", "said"),
    [
        (BrokenPipeError(32, "Broken pipe"), 141, ""),
        (OSError(28, "No space left on device"), 74, "reading or writing failed: No space left on device"),
        (MemoryError(), 2, "this machine has not enough memory for this"),
        (RecursionError("maximum recursion depth exceeded"), 70, "this is a bug in CaseSim, not in your input: RecursionError"),
    ],
)
def test_what_no_command_foresees_ends_in_a_sentence_too(error, status, said, capsys):
    assert tell(error) is Status(status)
    assert said in capsys.readouterr().err


def test_of_very_many_faults_the_first_are_told(capsys):
    tell(ScenarioError([Fault("a.yaml", line, 1, "id", "missing") for line in range(1, 251)]))
    told = capsys.readouterr().err.splitlines()
    assert len(told) == FAULTS_SHOWN.most + 1
    assert told[-1] == "more than 100 faults; fix these first"


HOSTILE = "a\x1b]0;title\x07\x9b31m\u202eb\r\udcff"


def test_what_a_terminal_would_obey_is_written_out_in_sentences_and_in_tables(capsys):
    seen = r"a\x1b]0;title\x07\x9b31m\u202eb\r\udcff"
    assert visible(HOSTILE) == visible(seen) == seen
    assert visible("é “ü” 日本\t\n") == "é “ü” 日本\t\n"
    tell(UsageError(HOSTILE))
    table = Table(HOSTILE)
    table.add_row(HOSTILE)
    table_console().print(table, HOSTILE, markup=False)
    shown = capsys.readouterr()
    assert shown.err == f"{seen}\n"
    assert shown.out.count(seen) == 3
    assert "\x1b" not in shown.out


def test_colours_are_still_rich_own():
    told = StringIO()
    VisibleConsole(file=told, force_terminal=True, color_system="standard").print(Text("a\x1b[8mb\u202e", style="red"))
    assert told.getvalue() == "\x1b[31ma\\x1b[8mb\\u202e\x1b[0m\n"
