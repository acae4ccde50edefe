"""No hostile pack writes anything: each is refused with one sentence that names the pack and the fault."""

from __future__ import annotations

import pytest

from simulator.authoring.case_pack import pack_case, packed
from simulator.case.load import load
from tests.authoring.packs import HOSTILE, files_below, move_in, write_case


@pytest.fixture(scope="module")
def sound(tmp_path_factory):
    """The pack that every hostile one is made from."""
    folder = tmp_path_factory.mktemp("author")
    with pytest.MonkeyPatch.context() as patch:
        move_in(folder / "home", patch)
        return pack_case(load(write_case(folder / "work", folder / "home")))


@pytest.fixture
def receiver(tmp_path, monkeypatch, sound, casesim):
    """A receiver's folder in which the sound pack is installed, under another id."""
    move_in(tmp_path / "home", monkeypatch)
    (tmp_path / "home").mkdir()
    return tmp_path


def test_there_are_enough():
    assert len(HOSTILE) >= 60


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_pack_is_refused_with_a_sentence(name, sound, receiver, casesim):
    file = receiver / "pack.zip"
    file.write_bytes(HOSTILE[name](sound))
    before = files_below(receiver)
    status, out, err = casesim("install", file, "--yes", "--replace")
    assert (status, out) == (2, "")
    assert err.startswith(str(file))
    assert err.endswith("nothing was installed\n")
    assert err.count("\n") == 1
    assert len(err.split()) < 60
    assert files_below(receiver) == before


def test_the_sound_pack_is_installed(sound, receiver, casesim):
    file = receiver / "pack.zip"
    file.write_bytes(packed(sound))
    assert casesim("install", file, "--yes").status == 0
    assert "home/installed/cases/parcels/parcels.yaml" in files_below(receiver)
