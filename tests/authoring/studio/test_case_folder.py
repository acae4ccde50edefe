"""The author's folder: files inside of it alone, written in one step, and never over bytes that the author has not seen."""

import os
from hashlib import sha256

import pytest

from simulator.authoring.studio.case_folder import CaseFolder, ChangedFileError, own_folder
from simulator.errors import InputError


@pytest.fixture(autouse=True)
def data_folder(tmp_path, monkeypatch):
    monkeypatch.setattr("simulator.paths.CASE_VERSIONS", tmp_path / "data" / "versions")


@pytest.fixture
def folder(tmp_path):
    root = tmp_path / "cases"
    root.mkdir()
    (root / "one.yaml").write_bytes(b"id: one\n")
    return CaseFolder(root)


def test_a_file_is_read_with_the_hash_of_its_bytes(folder):
    (folder.root / "two.yml").write_bytes("id: two\r\nbrief: ä\r\n".encode())
    assert folder.read("one.yaml") == ("id: one\n", sha256(b"id: one\n").hexdigest(), False)
    assert folder.read("two.yml")[::2] == ("id: two\nbrief: ä\n", True)


def test_line_ends_of_windows_and_the_rights_of_a_file_stay(folder):
    file = folder.root / "one.yaml"
    file.write_bytes(b"id: one\r\n")
    file.chmod(0o640)
    before = folder.read("one.yaml")
    digest = folder.save("one.yaml", before.text + "version: 2\n", before.digest, before.crlf)
    assert file.read_bytes() == b"id: one\r\nversion: 2\r\n"
    assert digest == sha256(file.read_bytes()).hexdigest()
    assert file.stat().st_mode & 0o777 == 0o640


def test_a_file_that_another_program_changed_stays_and_is_shown(folder):
    known = folder.read("one.yaml").digest
    (folder.root / "one.yaml").write_text("id: one\nversion: 9\n")
    with pytest.raises(ChangedFileError, match=r"one\.yaml has changed since") as caught:
        folder.save("one.yaml", "id: one\nversion: 2\n", known)
    assert caught.value.now.text == "id: one\nversion: 9\n"
    assert (folder.root / "one.yaml").read_text() == "id: one\nversion: 9\n"
    folder.save("one.yaml", "mine", caught.value.now.digest)
    assert (folder.root / "one.yaml").read_text() == "mine"


def test_of_two_tabs_the_second_learns_of_the_first(folder):
    first = second = folder.read("one.yaml")
    folder.save("one.yaml", "first\n", first.digest)
    with pytest.raises(ChangedFileError):
        folder.save("one.yaml", "second\n", second.digest)
    assert folder.read("one.yaml").text == "first\n"


def test_a_file_that_is_gone_is_not_made_again_in_silence(folder):
    known = folder.read("one.yaml").digest
    (folder.root / "one.yaml").unlink()
    with pytest.raises(ChangedFileError, match="is gone"):
        folder.save("one.yaml", "id: one\n", known)
    folder.save("one.yaml", "id: one\n", "")
    with pytest.raises(ChangedFileError):
        folder.save("one.yaml", "again\n", "")


@pytest.mark.parametrize(
    "name",
    [
        "../one.yaml",
        "sub/one.yaml",
        "/etc/passwd.yaml",
        "one.txt",
        ".one.yaml",
        "",
        "..",
        "a\nb.yaml",
        "x" * 300 + ".yaml",
        "a\0.yaml",
    ],
    ids=repr,
)
def test_no_other_name_is_read_or_written(folder, name):
    for act in (lambda: folder.read(name), lambda: folder.save(name, "x", "")):
        with pytest.raises(InputError, match="names no case here"):
            act()


def test_a_link_is_neither_listed_nor_read_nor_replaced(folder, tmp_path):
    secret = tmp_path / "secret.yaml"
    secret.write_text("secret")
    (folder.root / "link.yaml").symlink_to(secret)
    (folder.root / "nowhere.yaml").symlink_to(tmp_path / "missing.yaml")
    assert list(folder.files()) == ["one.yaml"]
    for name in ("link.yaml", "nowhere.yaml"):
        for act in (lambda name=name: folder.read(name), lambda name=name: folder.save(name, "x", "")):
            with pytest.raises(InputError, match="is a link"):
                act()
    assert secret.read_text() == "secret"
    assert not (tmp_path / "missing.yaml").exists()


def test_a_server_for_one_file_edits_that_file_alone(folder):
    alone = CaseFolder(folder.root / "one.yaml")
    (folder.root / "two.yaml").write_text("id: two\n")
    assert list(alone.files()) == ["one.yaml"]
    with pytest.raises(InputError, match=r"started with one\.yaml alone"):
        alone.save("two.yaml", "x", folder.read("two.yaml").digest)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_may_not_be_written_gets_a_sentence(folder):
    folder.root.chmod(0o500)
    with pytest.raises(InputError, match="cannot be written"):
        folder.save("one.yaml", "x", folder.read("one.yaml").digest)
    folder.root.chmod(0o700)


def test_a_text_that_is_too_long_or_no_utf_8_gets_a_sentence(folder):
    with pytest.raises(InputError, match="at most 524,288 bytes"):
        folder.save("one.yaml", "ä" * 300_000, folder.read("one.yaml").digest)
    assert folder.read("one.yaml").text == "id: one\n"
    (folder.root / "one.yaml").write_bytes(b"\xff\xfe")
    with pytest.raises(InputError, match="is not UTF-8"):
        folder.read("one.yaml")


def test_the_folder_is_that_of_the_server(folder, monkeypatch):
    monkeypatch.delenv("CASESIM_CASES", raising=False)
    assert own_folder() is None
    monkeypatch.setenv("CASESIM_CASES", str(folder.root))
    assert own_folder().root == folder.root
