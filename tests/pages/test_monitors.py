"""The page of the monitors: an example that teaches, questions that make no sense, and a person's own files."""

from io import BytesIO
from types import SimpleNamespace

import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

from simulator.errors import InputError
from simulator.monitors.monitor_page import _read
from simulator.paths import APP
from tests.pages.conftest import jumps
from tests.patience import PATIENCE_S


@pytest.fixture(scope="module")
def page():
    app = AppTest.from_file(str(APP), default_timeout=PATIENCE_S)
    app.run()
    return app.switch_page("../../pages/monitors.py").run()


def test_the_example_names_the_site_that_changed(page):
    assert not page.exception
    [answer] = [each.value for each in page.header]
    assert "differ" in answer
    assert "site = Office" in answer
    assert jumps(page) == []


def all_tests(page):
    """The table of all tests."""
    return next(each.value for each in page.dataframe if "verdict" in each.value)


def test_charts_tell_since_when_and_where_and_what_to_expect_of_the_model(page):
    bold = [each.value.replace("\\", "") for each in page.markdown if each.value.startswith("**")]
    assert any("from 2026-01-14 09:00" in each for each in bold)
    assert any("left its band at 1 of 4 places by 'site': Office" in each for each in bold)
    assert any(each.startswith("**Estimated accuracy ") for each in bold)
    assert any("assumes that a score means in production" in each.value for each in page.caption)
    page.selectbox(key="monitors_metric").select("sensitivity").run()
    assert any(each.value.startswith("**Estimated sensitivity ") for each in page.markdown)


def test_rows_that_are_taken_for_independent_are_compared_without_their_order(page):
    box = next(each for each in page.checkbox if each.label == "Treat rows as independent")
    box.check()
    page.button[0].click().run()
    assert not page.exception
    assert set(all_tests(page)["column"]) == {"camera", "brightness", "sharpness", "weather", "boxes", "confidence"}


def test_the_same_question_asked_again_has_the_same_answer(page):
    before = all_tests(page)
    page.button[0].click().run()
    assert not page.exception
    pd.testing.assert_frame_equal(all_tests(page), before)


@pytest.fixture
def one_process(monkeypatch):
    """Files are read in this process: one of their own takes a second to begin."""
    monkeypatch.setattr("simulator.monitors.monitor_tables.in_bounds", lambda _memory, _seconds, work, *given: work(*given))


def read(name: str, content: bytes):
    """What the page reads of an upload as the reference, beside a sound production."""
    sound = SimpleNamespace(name="sound.csv", getvalue=BytesIO(b"score\n" + b"1\n" * 20).getvalue)
    given = SimpleNamespace(name=name, getvalue=BytesIO(content).getvalue)
    return _read((name, "sound"), given, sound)[0]


def test_a_file_of_ones_own_is_read_as_the_command_reads_it():
    rows = pd.DataFrame({"score": [0.1 * k for k in range(30)]})
    table = read("mine.csv", rows.to_csv(index=False).encode())
    assert table.name == "mine.csv"
    assert table.rows["score"].tolist() == pytest.approx(rows["score"].tolist())


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("empty.csv", b"", "empty.csv"),
        ("binary.parquet", b"\x00\x01", "binary.parquet"),
        ("../../etc/passwd.csv", b"a\n1\n", "passwd.csv: at least 20 rows"),
    ],
)
@pytest.mark.usefixtures("one_process")
def test_a_file_that_cannot_be_used_is_told(name, content, told):
    with pytest.raises(InputError, match=told):
        read(name, content)
