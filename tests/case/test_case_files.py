"""Where cases come from: a person's own come before those that are shipped, and stand in for those of the same id."""

import os

import pytest

from simulator.case.document import ScenarioError
from simulator.case.load import case_files, find, load, load_all
from tests.case.texts import SMALL, changed


def test_an_own_case_stands_in_for_the_shipped_one_of_its_name(cases, tmp_path, monkeypatch):
    (cases / "other.yaml").write_text(changed("id: small", "id: other"), encoding="utf-8")
    own = tmp_path / "mine"
    own.mkdir()
    (own / "small.yml").write_text(changed("title: Small", "title: Mine"), encoding="utf-8")
    (own / ".small.yaml").write_text("half saved", encoding="utf-8")
    monkeypatch.setenv("CASESIM_CASES", str(own))
    assert list(case_files()) == ["small", "other"]
    scenarios, faults = load_all()
    assert [scenario.title for scenario in scenarios] == ["Mine", "Small"]
    assert faults == []


def test_an_own_case_bears_the_name_of_its_file(tmp_path, monkeypatch):
    draft = tmp_path / "draft.yaml"
    draft.write_text(SMALL, encoding="utf-8")
    monkeypatch.setenv("CASESIM_CASES", str(draft))
    assert find("draft") == draft
    (fault,) = load_all()[1]
    assert fault.message == "the file is called draft.yaml; name it small.yaml, or write `id: draft`"


@pytest.fixture
def own(cases, tmp_path, monkeypatch):
    """A folder of one's own with the sound case `mine`."""
    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / "mine.yaml").write_text(changed("id: small", "id: mine"), encoding="utf-8")
    monkeypatch.setenv("CASESIM_CASES", str(folder))
    return folder


@pytest.mark.parametrize(
    ("make", "what"),
    [
        (os.mkdir, "it is a folder"),
        (os.mkfifo, "it is a pipe"),
        (lambda file: file.symlink_to("/dev/zero"), "it is a device"),
        (lambda file: file.symlink_to("/nowhere"), "No such file"),
        (lambda file: file.symlink_to(file), "symbolic links"),
        (lambda file: file.write_bytes(b"\xff\xfe\x00"), "not UTF-8"),
    ],
)
def test_what_is_no_file_disables_itself_alone(own, make, what):
    make(own / "broken.yaml")
    scenarios, (fault,) = load_all()
    assert [scenario.id for scenario in scenarios] == ["mine", "small"]
    assert (fault.file, fault.line) == (str(own / "broken.yaml"), 1)
    assert what in fault.message


def test_a_case_that_shows_a_bug_disables_itself_alone(own):
    def read(name):
        return load(name) if name == "mine" else {}[name]

    scenarios, (fault,) = load_all(read)
    assert [scenario.id for scenario in scenarios] == ["mine"]
    assert fault.message == "cannot be used, by a bug in CaseSim: KeyError: 'small'"


def test_two_files_of_one_id_are_told(own):
    (own / "mine.yml").write_text(changed("id: small", "id: mine", "title: Small", "title: Other"), encoding="utf-8")
    scenarios, (fault,) = load_all()
    assert len(scenarios) == 2
    assert (fault.file, fault.message.split(";")[0]) == (
        str(own / "mine.yaml"),
        "mine.yml beside it has this id too, and is used instead",
    )


@pytest.mark.parametrize("name", ["x" * 5000, "x" * 5000 + ".yaml", "x" * 300, "a/" * 3000, "\0"])
def test_a_name_that_no_file_can_have_is_told_in_short(cases, name):
    with pytest.raises(ScenarioError) as caught:
        load(name)
    assert len(str(caught.value)) < 500
