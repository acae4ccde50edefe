"""Versions of a file: each differing text once, the newest first, the last fifty, for the server's user alone."""

import pytest

from simulator.authoring.studio.case_folder import CaseVersions, text_of
from simulator.errors import InputError


@pytest.fixture
def versions(tmp_path, monkeypatch):
    monkeypatch.setattr("simulator.paths.CASE_VERSIONS", tmp_path / "versions")
    return CaseVersions(tmp_path / "one.yaml")


def texts(versions):
    return [text_of(one) for one in versions.listed()]


def test_texts_come_back_the_newest_first(versions):
    for at, text in enumerate(["a\n", "b ä\n", "b ä\n", "a\n"]):
        versions.add(text, 1000.0 + at)
    assert texts(versions) == ["a\n", "b ä\n", "a\n"]
    assert [one.at for one in versions.listed()] == [1003.0, 1001.0, 1000.0]


def test_two_texts_of_one_moment_keep_their_order(versions):
    for text in "abc":
        versions.add(text, 5.0)
    assert texts(versions) == ["c", "b", "a"]


def test_the_last_fifty_stay(versions):
    for number in range(53):
        versions.add(str(number), number)
    assert texts(versions) == [str(number) for number in range(52, 2, -1)]


def test_each_file_has_its_own_and_only_the_user_may_read_them(versions, tmp_path):
    versions.add("a", 1.0)
    assert CaseVersions(tmp_path / "two.yaml").listed() == []
    assert versions.folder.stat().st_mode & 0o077 == 0


def test_a_damaged_version_is_named_and_foreign_files_are_left_alone(versions):
    versions.add("a", 1.0)
    [one] = versions.listed()
    one.place.write_text("b")
    (versions.folder / "notes.txt").write_text("mine")
    assert len(versions.listed()) == 1
    with pytest.raises(InputError, match="is damaged"):
        text_of(one)
