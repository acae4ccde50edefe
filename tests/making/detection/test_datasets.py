"""Labelled folders: what is read, and the sentence that each fault gets."""

import json
from pathlib import Path

import numpy as np
import pytest

from simulator.making.detection.datasets import read_dataset
from simulator.making.zoo.refusals import CannotMeasureError
from tests.pictures import BOX


def coco(folder: Path, **changed: object) -> Path:
    """Turns the folder into COCO's format."""
    told = {
        "images": [{"id": 10 + number, "file_name": f"{number}.png"} for number in range(4)],
        "annotations": [
            {"image_id": 10 + number, "category_id": 7, "bbox": [8, 8, 32, 24], "iscrowd": 0} for number in range(4)
        ],
        "categories": [{"id": 3, "name": "other"}, {"id": 7, "name": "box"}],
    }
    (folder / "labels.json").write_text(json.dumps(told | changed))
    return folder


def test_yolos_format_is_read_in_pixels(yolo: Path) -> None:
    data = read_dataset(yolo)
    assert (len(data), data.names, data.sizes[0]) == (4, ("other", "box"), (96, 64))
    assert data.labels.image.tolist() == [0, 1, 2, 3]
    assert data.labels.category.tolist() == [1] * 4
    np.testing.assert_allclose(data.labels.box, [BOX] * 4, atol=1e-3)
    assert data.pixels(0).shape == (64, 96, 3)


def test_cocos_format_says_the_same(yolo: Path) -> None:
    one, other = read_dataset(yolo), read_dataset(coco(yolo))
    np.testing.assert_allclose(one.labels.box, other.labels.box, atol=1e-3)
    assert one.labels.category.tolist() == other.labels.category.tolist()
    assert (other.names, other.ids) == (("other", "box"), (3, 7))


def test_crowds_are_left_out_and_an_image_may_have_no_box(yolo: Path) -> None:
    crowd = {"image_id": 10, "category_id": 7, "bbox": [0, 0, 96, 64], "iscrowd": 1}
    alone = {"image_id": 11, "category_id": 3, "bbox": [0, 0, 9, 9]}
    assert read_dataset(coco(yolo, annotations=[crowd, alone])).labels.image.tolist() == [1]
    (yolo / "labels.json").unlink()
    (yolo / "labels" / "3.txt").unlink()
    assert len(read_dataset(yolo).labels) == 3


def spoil(text: str) -> object:
    return lambda folder: (folder / "labels" / "2.txt").write_text(f"1 0.5 0.5 0.1 0.1\n{text}\n")


def remove(name: str) -> object:
    return lambda folder: (folder / name).rename(folder / "elsewhere")


YOLO_FAULTS = {
    "names": (remove("config.yaml"), "holds no config.yaml that names the classes"),
    "images": (remove("images"), r"holds no labels; expected images/ with labels/"),
    "labels": (remove("labels"), r"holds no labels; expected images/ with labels/"),
    "class": (spoil("2 0.5 0.5 0.1 0.1"), r"2\.txt:2: class 2 is out of range; config\.yaml names classes 0 to 1"),
    "half class": (spoil("0.5 0.5 0.5 0.1 0.1"), r"2\.txt:2: class 0\.5 is out of range"),
    "outside": (spoil("1 0.98 0.5 0.1 0.1"), r"2\.txt:2: box 0\.98 0\.5 0\.1 0\.1 does not lie within 0 and 1"),
    "empty box": (spoil("1 0.5 0.5 0 0.1"), r"2\.txt:2: box .* does not lie within 0 and 1"),
    "nan": (spoil("1 nan 0.5 0.1 0.1"), r"2\.txt:2: box nan"),
    "few numbers": (spoil("1 0.5 0.5"), r"2\.txt:2: '1 0\.5 0\.5': expected five numbers"),
    "words": (spoil("person 1 1 1 1"), r"2\.txt:2: .*expected five numbers"),
    "lost image": (remove("images/2.png"), r"labels/2\.txt: labels an image that is missing"),
    "damaged image": (
        lambda folder: (folder / "images" / "1.png").write_text("no image"),
        r"1\.png: is not an image that can be decoded",
    ),
    "bad names": (lambda folder: (folder / "config.yaml").write_text("names: 3"), r"config\.yaml: names: expected the classes"),
    "no yaml": (lambda folder: (folder / "config.yaml").write_text("[1"), r"config\.yaml: is not a YAML mapping"),
    "no box": (lambda folder: [file.write_text("") for file in (folder / "labels").iterdir()], "its labels hold no box"),
}


@pytest.mark.parametrize("fault", YOLO_FAULTS)
def test_a_fault_in_yolos_format_gets_its_sentence(fault: str, yolo: Path) -> None:
    spoiled, sentence = YOLO_FAULTS[fault]
    spoiled(yolo)  # type: ignore[operator]
    with pytest.raises(CannotMeasureError, match=sentence):
        read_dataset(yolo)


COCO_FAULTS = {
    "image id": ({"image_id": 99}, r"annotations\.0\.image_id: 99 is the id of no image"),
    "category id": ({"category_id": 1}, r"annotations\.0\.category_id: 1 is out of range; the file's categories are 3, 7"),
    "outside": ({"bbox": [80, 8, 32, 24]}, r"annotations\.0\.bbox: .* does not lie within the image's 96 x 64 pixels"),
    "short": ({"bbox": [8, 8]}, r"labels\.json: annotations\.0\.bbox"),
}


@pytest.mark.parametrize("fault", COCO_FAULTS)
def test_a_fault_in_cocos_format_gets_its_sentence(fault: str, yolo: Path) -> None:
    changed, sentence = COCO_FAULTS[fault]
    annotation = {"image_id": 10, "category_id": 7, "bbox": [8, 8, 32, 24]} | changed
    with pytest.raises(CannotMeasureError, match=sentence):
        read_dataset(coco(yolo, annotations=[annotation]))


def test_files_that_are_not_there_or_are_no_json_get_a_sentence(yolo: Path, tmp_path: Path) -> None:
    with pytest.raises(CannotMeasureError, match="there is no such folder"):
        read_dataset(tmp_path / "nowhere")
    with pytest.raises(CannotMeasureError, match=r"image 5 is missing: found no 'x\.png'"):
        read_dataset(coco(yolo, images=[{"id": 5, "file_name": "x.png"}]))
    (yolo / "labels.json").write_text("{")
    with pytest.raises(CannotMeasureError, match=r"labels\.json: is not JSON"):
        read_dataset(yolo)
    (yolo / "more.json").write_text("{}")
    with pytest.raises(CannotMeasureError, match="holds 2 JSON files"):
        read_dataset(yolo)
