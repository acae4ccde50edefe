"""What was changed since it was measured is named and not used; what one made oneself is listed as one's own."""

import hashlib
import json

import pytest

from simulator.errors import InputError
from simulator.evidence.evidence_files import (
    MANIFEST,
    EvidenceError,
    changing,
    differences,
    in_one_step,
    read_evidence,
    root_above,
)
from simulator.evidence.profiles import read_profile
from simulator.evidence.projection import networks
from simulator.evidence.score_tables import load_scores
from simulator.paths import ASSETS, CATALOGUE, PROFILES, SCORES


def listed(folder, **files):
    """A folder with a manifest of these files."""
    folder.mkdir(exist_ok=True)
    with changing(folder) as change:
        for name, text in files.items():
            change.write(folder / name, text.encode())
    return folder


def copied(folder, *paths):
    """A folder with a manifest of copies of these files of the assets."""
    with changing(folder) as change:
        for path in paths:
            change.write(folder / path.relative_to(ASSETS), path.read_bytes())
    return folder


def test_the_manifest_that_ships_lists_every_file_as_it_is():
    found = differences(ASSETS)
    assert not found, "\n".join([*found.sentences[:5], "mend it with: casesim evidence --accept assets"])
    path = PROFILES / "epyc-zen4-2c" / "efficientnet_lite0.fp32.json"
    entry = json.loads((ASSETS / MANIFEST).read_bytes())[str(path.relative_to(ASSETS))]
    assert entry == {"sha256": hashlib.sha256(path.read_bytes()).hexdigest(), "bytes": path.stat().st_size}


def test_what_is_listed_is_read_and_what_was_changed_is_named_and_not_used(tmp_path):
    folder = listed(tmp_path / "own", a="one", b="two")
    assert read_evidence(folder / "a") == b"one"
    (folder / "a").write_text("uno")
    (folder / "b").unlink()
    (folder / "c").write_text("three")
    with pytest.raises(InputError, match=r"a: is not what was measured: .*another SHA-256.*casesim evidence --accept"):
        read_evidence(folder / "a")
    with pytest.raises(InputError, match=r"c: is not listed in .*casesim evidence --accept"):
        read_evidence(folder / "c")
    found = differences(folder)
    assert [len(told) for told in (found.changed, found.missing, found.unlisted)] == [1, 1, 1]


def test_half_a_table_is_refused_though_its_sidecar_was_made_to_fit(tmp_path):
    name = "pad_ufes20.efficientnet_lite0.fp32"
    files = [SCORES / f"{name}.csv", SCORES / f"{name}.yaml"]
    folder = copied(tmp_path / "assets", *files) / "scores"
    lines = files[0].read_text().splitlines(keepends=True)
    (folder / files[0].name).write_text("".join(lines[:532]))
    with pytest.raises(EvidenceError, match=r"531 rows where it says 1,071"):
        load_scores(name, folder)


def test_a_latency_that_was_changed_is_refused_though_it_is_plausible(tmp_path):
    path = PROFILES / "epyc-zen4-2c" / "efficientnet_lite0.fp32.json"
    copy = copied(tmp_path / "assets", path) / path.relative_to(ASSETS)
    assert read_profile(copy) == read_profile(path)
    copy.write_text(
        copy.read_text()
        .replace('"batch":1,"latency_ms":[', '"batch":1,"latency_ms":[1,')
        .replace('"idle_ms":[', '"idle_ms":[0,')
    )
    with pytest.raises(EvidenceError, match="is not what was measured"):
        read_profile(copy)


def test_every_reader_of_the_catalogue_goes_through_the_gate(tmp_path):
    folder = copied(tmp_path / "assets", CATALOGUE / "models.csv") / "catalogue"
    assert len(networks(folder)) == len(networks())
    (folder / "models.csv").write_text((folder / "models.csv").read_text().replace("shufflenet", "shuffle"))
    with pytest.raises(EvidenceError, match="is not what was measured"):
        networks(folder)


def test_what_casesim_writes_below_a_manifest_is_listed_in_the_same_step(tmp_path):
    folder = listed(tmp_path / "own", a="one")
    with in_one_step(folder / "new" / "b") as part:
        part.write_text("two")
    assert read_evidence(folder / "new" / "b") == b"two"
    assert not differences(folder)


def test_what_was_there_before_the_first_manifest_is_listed_as_it_is(tmp_path):
    (tmp_path / "old").write_text("there")
    assert root_above(tmp_path / "old") is None
    listed(tmp_path, a="one")
    assert read_evidence(tmp_path / "old") == b"there"


def test_what_somebody_changed_is_taken_when_they_say_that_it_is_their_own(tmp_path):
    folder = listed(tmp_path / "own", a="one", b="two", c="three")
    (folder / "a").write_text("uno")
    (folder / "b").unlink()
    (folder / "c").write_text("tre")
    with changing(folder) as change:
        change.accept(folder / "a")
        change.accept(folder / "b")
    assert [path.split(":")[0] for path in differences(folder).sentences] == [str(folder / "c")]
    with changing(folder) as change:
        change.accept(folder)
    assert not differences(folder)


def test_a_manifest_that_is_none_is_told_and_nothing_is_used_meanwhile(tmp_path):
    folder = listed(tmp_path / "own", a="one")
    (folder / MANIFEST).write_text("{")
    with pytest.raises(InputError, match=rf"{MANIFEST}: is not a manifest: .*casesim evidence --accept"):
        read_evidence(folder / "a")
    with pytest.raises(InputError, match="is not a manifest"):
        listed(folder, b="two")
    with changing(folder) as change:
        change.accept(folder)
    assert read_evidence(folder / "a") == b"one"


@pytest.mark.parametrize("name", ["a file with spaces", 'quoted "so"', "back\\slash", "ümläut"])
def test_any_name_of_a_file_can_be_listed(tmp_path, name):
    listed(tmp_path, **{name: "x"})
    assert read_evidence(tmp_path / name) == b"x"


def test_a_folder_below_with_a_manifest_of_its_own_is_compared_and_accepted_alone(tmp_path):
    inner = listed(tmp_path / "inner", table="one")
    outer = listed(tmp_path, own="two")
    assert (differences(outer).files, differences(inner).files) == (1, 1)
    (inner / "table").write_text("uno")
    assert not differences(outer)
    assert len(differences(inner).changed) == 1
    with changing(outer) as change:
        change.accept(outer)
    assert list(json.loads((outer / MANIFEST).read_bytes())) == ["own"]
