"""`casesim monitor`: the answer, the table, JSON and the exit status."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from simulator.monitors import monitor_tables
from simulator.monitors.camera_weeks import camera_weeks
from simulator.monitors.column_tests import MMD, TESTS
from tests.hostile_tables import noted, one_word

DOCS = (Path(__file__).parents[2] / "docs" / "monitors.md").read_text(encoding="utf-8")
Run = Callable[..., tuple[int, str, str]]


def write(file: Path, seed: int, brightness: float = 100.0) -> Path:
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {
            "seen": pd.date_range("2026-01-01", periods=200, freq="h").strftime("%Y-%m-%dT%H:%M"),
            "brightness": rng.normal(brightness, 20, 200),
            "site": rng.choice(["north", "[south]"], 200),
        }
    )
    frame.to_csv(file, index=False)
    return file


@pytest.fixture
def apart(monkeypatch: pytest.MonkeyPatch) -> Callable[..., object]:
    """Reading in a process of its own, which the other tests do without: it takes a second to begin."""
    return monitor_tables.in_bounds


@pytest.fixture(autouse=True)
def _one_process(apart: object, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(monitor_tables, "in_bounds", lambda _memory, _seconds, work, *given: work(*given))


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path, Path]:
    """A reference, a quiet production, and a darker one."""
    return write(tmp_path / "reference.csv", 0), write(tmp_path / "quiet.csv", 1), write(tmp_path / "dark.csv", 5, 70.0)


def test_a_quiet_production_is_told_with_status_0(casesim: Run, files: tuple[Path, Path, Path]) -> None:
    status, shown, told = casesim("monitor", files[0], files[1], "--time", "seen")
    assert status == 0 and shown.startswith("No difference was seen in 2 columns.")
    assert "no difference seen; the test would detect a shift of 0." in shown and "Traceback" not in told


def test_a_difference_is_told_first_with_status_1(casesim: Run, files: tuple[Path, Path, Path]) -> None:
    status, shown, _ = casesim("monitor", files[0], files[2], "--time", "seen", "--by", "site", "--window", 100)
    assert status == 1
    assert shown.startswith("1 of 2 columns differs; the largest change is in 'brightness'")
    for part in ("site = [south]", "site = north", "hours 0 to 100", "hours 100 to 200"):
        assert part in shown
    assert "after Holm's correction" in shown and "SD [−" in shown


def test_json_holds_the_same(casesim: Run, files: tuple[Path, Path, Path]) -> None:
    status, shown, _ = casesim(
        "monitor", files[0], files[2], "--time", "seen", "--test", "ks,psi,cusum", "--correct", "bh", "--json"
    )
    told = json.loads(shown)
    assert (status, told["differs"], told["correction"]) == (1, True, "bh")
    found = {(one["column"], one["test"]): one for one in told["findings"]}
    assert [*found][3:] == [("site", "psi")]  # those that differ come first
    ks, psi, cusum, site = (found[one] for one in (*(("brightness", test) for test in ("ks", "psi", "cusum")), ("site", "psi")))
    [course] = told["courses"]
    assert course["onset"]["begin"].startswith("2026-01-0") and len(course["windows"]) > 10
    assert told["places"] == [{"column": "brightness", "by": "site", "outside": told["places"][0]["outside"]}]
    assert ks["effect"]["low"] < -1.6 < ks["effect"]["high"] and ks["effect"]["unit"] == "sd"
    assert psi["told"] == "differs; large by the usual rule" and site["verdict"] == "no difference seen"
    assert cusum["alarm"].startswith("line ") and "(2026-01-01T" in cusum["alarm"]


@pytest.mark.parametrize("notes", [b"{", b'{"index_columns": ["gone"], "columns": []}'])
def test_notes_of_pandas_that_are_wrong_change_nothing(casesim: Run, tmp_path: Path, notes: bytes) -> None:
    file = noted(tmp_path / "noted.parquet", notes)
    status, shown, told = casesim("monitor", file, file)
    assert status == 0 and all(line.startswith("note: ") for line in told.splitlines())
    assert shown.startswith("No difference was seen in 2 columns")


def test_a_file_that_stands_for_terabytes_and_windows_without_end_are_refused_with_status_2(
    casesim: Run, tmp_path: Path, files: tuple[Path, Path, Path], apart: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(monitor_tables, "in_bounds", apart)
    bomb = one_word(tmp_path / "bomb.parquet", 20_000_000)
    status, shown, told = casesim("monitor", files[0], bomb)
    assert (status, shown) == (2, "")
    assert told.startswith("bomb.parquet: holds at least 26,214,400,000 bytes once it is decoded; at most 268,435,456 are read")
    status, shown, told = casesim("monitor", files[0], files[1], "--time", "seen", "--window", 1e-9)
    assert (status, shown) == (2, "")
    assert told.strip().startswith(
        "quiet.csv: 'seen' spans 199 h, 199,000,000,000 windows of 1e-09 h; at most 1,000 are compared: "
    )


def test_adwin_and_page_hinkley_need_an_extra(
    casesim: Run, files: tuple[Path, Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "river.drift", None)
    monkeypatch.setitem(sys.modules, "river", None)
    status, shown, told = casesim("monitor", files[0], files[1], "--columns", "brightness", "--test", "adwin")
    assert (status, shown) == (2, "")
    assert "ADWIN and Page-Hinkley needs river, which is not installed: pip install 'casesim[monitors]'" in told


def test_adwin_and_page_hinkley_tell_the_row(casesim: Run, files: tuple[Path, Path, Path]) -> None:
    pytest.importorskip("river")
    status, shown, _ = casesim("monitor", files[0], files[2], "--columns", "brightness", "--test", "adwin,page_hinkley")
    assert status == 1 and shown.count("differs from line ") == 2


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("--by", "sit"), "reference.csv: there is no column 'sit'; did you mean 'site'?"),
        (("--test", "kss"), "there is no test 'kss'; did you mean 'ks'?"),
        (("--window", "5", "--time", "none"), "a window takes a number of hours above 0, and --time"),
        (("--correct", "bonferroni"), "there is no correction 'bonferroni'"),
        (("--truth", "label"), "an estimate needs both: --truth, the labels of the reference, and --score"),
        (("--truth", "site", "--score", "brightness"), "reference.csv, line 2, column 'brightness': expected a probability"),
        (("--follow", "--test", "psi"), "--test: not with --follow"),
        (("--follow", "--columns", "brightness", "--window", "0"), "window: expected hours above 0 and up to 720, got 0"),
        (("--chart", "chart.gif"), "chart.gif"),
        (("--level", "5"), "level: expected a number between 0 and 1, got 5"),
        (("--time", "site"), "reference.csv, line 2, column 'site': expected seconds, or a time as 2026-01-31T12:00"),
    ],
)
def test_wrong_input_is_told_with_status_2(
    casesim: Run, files: tuple[Path, Path, Path], words: tuple[str, ...], sentence: str
) -> None:
    status, shown, told = casesim("monitor", files[0], files[1], *words)
    assert (status, shown) == (2, "") and sentence in told and "Traceback" not in told


def test_columns_are_recognised_unless_declined(casesim: Run, files: tuple[Path, Path, Path]) -> None:
    _, _, told = casesim("monitor", files[0], files[1])
    assert "note: 'seen' is taken as the time: every cell holds a time" in told
    _, _, told = casesim("monitor", files[0], files[1], "--time", "none")
    assert "'seen' is taken" not in told and "'seen' has 200 different words" in told


@pytest.fixture
def weeks(tmp_path: Path) -> tuple[Path, Path]:
    """The reference and the production of the page's example, as files."""
    names = tmp_path / "reference.csv", tmp_path / "production.csv"
    for file, table in zip(names, camera_weeks(), strict=True):
        table.rows.to_csv(file, index=False)
    return names


def test_the_example_of_the_page_is_that_of_the_command(casesim: Run, weeks: tuple[Path, Path], tmp_path: Path) -> None:
    chart = tmp_path / "chart.html"
    words = ("--by", "site", "--columns", "sharpness", "--truth", "label", "--score", "confidence", "--chart", chart)
    status, shown, _ = casesim("monitor", *weeks, *words)
    assert (status, chart.exists()) == (1, True)
    [printed] = re.findall(r"```\n(1 of 1 column differs.*?)\n```", DOCS, re.DOTALL)
    assert shown.splitlines()[: len(printed.splitlines())] == printed.splitlines()


def test_alarms_of_a_followed_file_are_those_of_the_docs(casesim: Run, weeks: tuple[Path, Path]) -> None:
    status, shown, told = casesim("monitor", *weeks, "--follow", "--idle", 0.1, "--columns", "sharpness", "--json")
    alarms = [json.loads(line) for line in shown.splitlines()]
    assert status == 1 and {alarm["place"] for alarm in alarms} == {None, "Office"}
    assert "6,048 rows read" in told
    page: dict[str, object] = {}
    printed = StringIO()
    [code, said] = re.findall(r"```(?:python)?\n(from simulator.*?)```.*?```\n(.*?)```", DOCS, re.DOTALL)[0]
    with redirect_stdout(printed):
        exec(compile(code, "docs/monitors.md", "exec"), page)
    assert printed.getvalue() == said
    assert alarms[0]["begin"] == said[:16]


def test_the_page_names_every_option_and_test(casesim: Run) -> None:
    _, shown, _ = casesim("monitor", "--help")
    options = set(re.findall(r"--[a-z-]+", shown)) - {"--help", "--seed"}
    assert options and all(option in DOCS for option in options)
    assert all(f"`{test}`" in DOCS for test in (*TESTS, MMD))
