"""Studies of visitors: they belong to a person, are bounded, and are noted until they are cancelled."""

import pytest

from simulator.app import studies
from simulator.app.studies import KEPT, KEPT_OF_ALL, StudyShelf


class Endless:
    """A study that runs until it is cancelled."""

    def __init__(self) -> None:
        self.running = True

    def cancel(self) -> None:
        self.running = False


@pytest.fixture
def ann(monkeypatch, tmp_path):
    monkeypatch.setattr("simulator.paths.STUDIES", tmp_path / "studies")
    monkeypatch.setattr("simulator.app.studies.person", lambda: "ann")
    monkeypatch.setattr("simulator.app.studies.shelf", lambda shelf=StudyShelf(): shelf)  # noqa: B008 one a test
    return tmp_path / "studies"


def test_a_study_is_found_by_its_person_alone():
    shelf, one = StudyShelf(), Endless()
    shelf.put("ann", "capacity", one)
    assert shelf.get("ann", "capacity") is one
    assert shelf.get("ben", "capacity") is None


def test_the_oldest_studies_of_a_person_end_and_those_of_others_go_on():
    shelf, other = StudyShelf(), Endless()
    shelf.put("ben", "capacity", other)
    begun = [Endless() for _ in range(KEPT + 2)]
    for number, one in enumerate(begun):
        shelf.put("ann", str(number), one)
    assert [one.running for one in begun] == [False, False] + [True] * KEPT
    assert other.running


def test_many_people_keep_no_more_than_a_server_holds():
    shelf, begun = StudyShelf(), [Endless() for _ in range(KEPT_OF_ALL + 3)]
    for number, one in enumerate(begun):
        shelf.put(f"person {number}", "capacity", one)
    assert sum(one.running for one in begun) == KEPT_OF_ALL
    assert not any(one.running for one in begun[:3])


def test_a_study_in_place_of_another_ends_it():
    shelf, before, after = StudyShelf(), Endless(), Endless()
    shelf.put("ann", "capacity", before)
    shelf.put("ann", "capacity", after)
    assert (before.running, after.running) == (False, True)


def test_a_begun_study_is_noted_until_it_is_cancelled(ann):
    one = Endless()
    studies.keep("capacity", one)
    assert studies.was_begun("capacity")
    assert not studies.was_begun("front")
    studies.forget("capacity")
    assert not studies.was_begun("capacity")
    assert not one.running
    assert studies.study_of("capacity") is None


def test_notes_name_neither_the_person_nor_the_study(ann):
    studies.keep("capacity", Endless())
    [note] = ann.iterdir()
    assert note.read_bytes() == b""
    assert not {"ann", "capacity"} & set(note.name.split())
    assert len(note.name) == 32


def test_a_folder_that_cannot_be_written_to_loses_the_note_alone(ann, monkeypatch):
    ann.write_text("no folder")
    one = Endless()
    studies.keep("capacity", one)
    assert studies.study_of("capacity") is one


def test_the_time_of_a_study_is_that_of_earlier_designs_of_its_case(monkeypatch):
    class Two:
        processes = 2

    class Registry:
        workers = Two()

    monkeypatch.setattr("simulator.app.studies.registry", Registry)
    assert studies.expected_s("a case of this test", 100) is None
    studies.note_pace("a case of this test", 3.0, 4)
    assert studies.expected_s("a case of this test", 100) == pytest.approx(100 * 0.75 / 2)
    for _ in range(50):
        studies.note_pace("a case of this test", 6.0, 4)
    assert studies.expected_s("a case of this test", 100) == pytest.approx(75.0, rel=1e-3)
