"""`casesim evidence` tells which files do not say what they said, and takes what somebody says is their own."""

import json

import pytest

from simulator.evidence.evidence_files import changing


@pytest.fixture
def folder(tmp_path):
    own = tmp_path / "own"
    with changing(own) as change:
        for name in ("a.csv", "b.csv"):
            change.write(own / name, b"x,y\n1,2\n3,4\n")
    return own


def test_what_differs_is_told_and_the_answer_is_no(casesim, folder):
    assert casesim("evidence", folder)[:2] == (0, f"{folder}: 2 files, all as listed\n")
    (folder / "a.csv").write_text("x,y\n1,2\n")
    (folder / "b.csv").unlink()
    status, out, _ = casesim("evidence", folder)
    assert status == 1
    assert "a.csv: is not what was measured: its content differs from the manifest (1 rows where it says 2)" in out
    assert "b.csv: is missing" in out
    [told] = json.loads(casesim("evidence", "--json", folder).out)
    assert (told["files"], len(told["changed"]), len(told["missing"]), told["unlisted"]) == (1, 1, 1, [])


def test_what_is_accepted_is_as_listed_from_then_on(casesim, folder):
    (folder / "a.csv").write_text("x,y\n1,2\n")
    (folder / "b.csv").unlink()
    assert casesim("evidence", "--accept", folder / "a.csv").status == 1
    assert casesim("evidence", "--accept", folder)[:2] == (0, f"{folder}: 1 file, all as listed\n")


def test_a_folder_without_a_manifest_is_told_and_gets_one(casesim, tmp_path):
    (tmp_path / "a").write_text("x")
    status, out, _ = casesim("evidence", tmp_path)
    assert (status, "evidence-manifest.json: is missing, so nothing is compared" in out) == (1, True)
    assert casesim("evidence", "--accept", tmp_path).status == 0
    assert casesim("evidence", tmp_path / "a").status == 0


def test_a_file_below_no_manifest_is_a_wrong_use(casesim, tmp_path):
    (tmp_path / "a").write_text("x")
    for words in (["evidence"], ["evidence", "--accept"]):
        status, _, err = casesim(*words, tmp_path / "a")
        assert (status, "no folder above it has a manifest" in err) == (2, True)
    assert [path.name for path in tmp_path.iterdir()] == ["a"]
