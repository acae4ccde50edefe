"""Illustrations: every picture that comes along opens and is small, and each fault gets its sentence."""

import io

import numpy as np
import pytest
from PIL import Image

from simulator.evidence.detection_tables import load_detections
from simulator.evidence.evidence_files import EvidenceError
from simulator.incident.pictures import ENDING, file_name, load_illustrations
from simulator.paths import ILLUSTRATIONS


@pytest.fixture(scope="module")
def shipped():
    return load_illustrations()


def test_every_picture_opens_has_the_stated_size_and_no_file_is_left_over(shipped):
    about, found = shipped.about, set()
    for kind, conditions in about.severities.items():
        for condition, severities in conditions.items():
            for severity in severities:
                for scene in about.scenes:
                    picture = Image.open(io.BytesIO(shipped.picture(kind, condition, severity, scene)))
                    assert picture.format == "WEBP" and list(picture.size) == about.sizes[kind]
                    picture.load()
                    drawn = max(severities) if about.conditions[condition].struck else severity
                    found.add(file_name(kind, condition, drawn, scene))
    assert found == {file.name for file in ILLUSTRATIONS.iterdir() if file.suffix == ENDING}
    assert {file.name for file in ILLUSTRATIONS.iterdir()} - found == {"about.yaml", "LICENSE"}


def test_pictures_are_small():
    sizes = [file.stat().st_size for file in ILLUSTRATIONS.iterdir()]
    assert max(sizes) <= 12_000 and sum(sizes) <= 900_000


def test_the_corruptions_and_bugs_are_those_that_were_measured_with_the_same_strengths(shipped):
    measured = load_detections().about.conditions
    camera, network = shipped.about.severities["camera"], shipped.about.severities["network"]
    for name, told in measured.items():
        if told.kind == "corruption":
            assert shipped.about.conditions[name].strengths == told.strengths
            assert camera[name] == list(told.strengths)
        elif name != "stale_model":
            assert network[name] == list(told.strengths)


def test_a_bug_has_one_picture_for_all_severities(shipped):
    assert shipped.picture("network", "bgr", 1, "A") == shipped.picture("network", "bgr", 2, "A")


def test_the_difference_of_two_pictures_is_counted_channel_by_channel(shipped):
    told = shipped.difference("camera", ("clean", 0), ("fog", 4), "A")
    one, other = (shipped.pixels("camera", *shown, "A").astype(int) for shown in (("clean", 0), ("fog", 4)))
    np.testing.assert_array_equal(np.asarray(Image.open(io.BytesIO(told))), np.abs(one - other))
    same = np.asarray(Image.open(io.BytesIO(shipped.difference("network", ("bgr", 1), ("bgr", 2), "B"))))
    assert not same.any()


def test_a_histogram_is_of_shares_by_channel(shipped):
    clean, swapped, dark = (
        shipped.histogram("network", shown, "C") for shown in (("clean", 0), ("bgr", 2), ("input_scale", 2))
    )
    assert clean.shape == (3, 32)
    np.testing.assert_allclose(clean.sum(axis=1), 1)
    assert dark[:, 0] == pytest.approx(1)
    # Written with loss, so that a swap is one only nearly.
    assert np.abs(swapped[::-1] - clean).sum() < 0.6 * np.abs(swapped - clean).sum()


def test_a_severity_without_a_picture_is_refused(shipped):
    with pytest.raises(EvidenceError, match="there is no illustration of fog at severity 6"):
        shipped.picture("camera", "fog", 6, "A")


def test_each_faulty_folder_gets_its_sentence(tmp_path):
    with pytest.raises(EvidenceError, match=r"about.yaml: cannot be read: No such file"):
        load_illustrations(tmp_path)
    about = tmp_path / "about.yaml"
    told = (ILLUSTRATIONS / "about.yaml").read_text(encoding="utf-8")
    about.write_text(told.replace("seed: 1\n", "seed: one\n"), encoding="utf-8")
    with pytest.raises(EvidenceError, match=r"seed: .*got one"):
        load_illustrations(tmp_path)
    about.write_text(told, encoding="utf-8")
    there = load_illustrations(tmp_path)
    with pytest.raises(EvidenceError, match=r"camera.fog.1.A.webp: cannot be read: No such file"):
        there.picture("camera", "fog", 1, "A")
