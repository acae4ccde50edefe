"""A case that is being written: the page shows the file as it is now, and all its faults above the last good version."""

import os

import pytest

from tests.case.texts import SMALL, changed
from tests.pages.conftest import opened

pytestmark = pytest.mark.usefixtures("evidence")


@pytest.fixture
def file(tmp_path, monkeypatch):
    """A case of one's own, that is served."""
    file = tmp_path / "small.yaml"
    file.write_text(SMALL, encoding="utf-8")
    monkeypatch.setenv("CASESIM_CASES", str(file))
    return file


@pytest.fixture
def page(file):
    """The practice page, at that case."""
    return opened("practice", case="small")


def write(file, text):
    """Save another version, later by the clock however coarse that is."""
    before = file.stat().st_mtime_ns
    file.write_text(text, encoding="utf-8")
    os.utime(file, ns=(before + 10**9, before + 10**9))


def test_a_new_version_replaces_the_old_one_and_its_new_choice_is_at_its_default(page, file):
    assert page.title[0].value == "Small"
    speed = "  pace: {kind: number, label: Pace, default: 2, values: [1, 2], set: [stages.reader.minutes.median.value]}\n"
    write(file, changed("title: Small", "title: Smaller", "choices:\n", f"choices:\n{speed}"))
    page.run()
    assert not page.exception
    assert page.title[0].value == "Smaller"
    assert page.select_slider(key="small:pace").value == 2


def test_a_pick_that_is_no_longer_offered_goes_to_the_default(page, file):
    page.select_slider(key="small:point").set_value(1).run()
    write(file, changed("values: [0.6, 0.9, 1.0]", "values: [0.6, 0.9]"))
    page.run()
    assert not page.exception
    assert page.select_slider(key="small:point").value == 0.9


def test_faults_are_told_with_their_places_while_the_last_good_version_stays(page, file):
    write(file, changed("title: Small", "title: Smaller", "max_batch: 4", "max_bach: 4", "model: tiny", "model: tinny"))
    page.run()
    (error,) = page.error
    told = error.value.replace("\\", "")
    assert told.startswith("**2 faults to mend**")
    assert "small.yaml:19:5: stages.classify.model: " in told
    assert "small.yaml:22:5: stages.classify.max_bach: unknown key; did you mean 'max_batch'?" in told
    assert page.title[0].value == "Small"
    assert page.select_slider(key="small:point")
    write(file, SMALL)
    page.run()
    assert not page.error


def test_evidence_that_only_an_option_asks_for_is_told_before_anybody_picks_it(page, file):
    write(file, changed("set: {stages.reader.sensitivity.value: 0.9}", "set: {stages.classify.model: tinny}"))
    page.run()
    assert "choice `reading` at usual writes this" in page.error[0].value.replace("\\", "")


def test_a_file_that_is_gone_is_told(page, file):
    file.unlink()
    page.run()
    assert "cannot be read: No such file or directory" in page.error[0].value.replace("\\", "")
    assert page.title[0].value == "Small"
