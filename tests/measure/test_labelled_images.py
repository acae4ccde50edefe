"""Labelled folders: what is read, and the sentence that each fault gets."""

import json
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest

from simulator.measure.guarded import CannotMeasureError
from simulator.measure.labelled_images import read_dataset
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


LISTED_FAULTS: dict[str, tuple[dict[str, object], str]] = {
    "an absolute path": (
        {"file_name": "/etc/passwd"},
        r"image 10: file_name: '/etc/passwd' leads out of .*; expected a path below",
    ),
    "a path upwards": ({"file_name": "../images/0.png"}, r"image 10: file_name: '\.\./images/0\.png' leads out of"),
    "no path": ({"file_name": "a\0b"}, r"image 10: file_name: .* leads out of"),
    "a name too long": ({"file_name": "x" * 300}, r"image 10 is missing: found no 'xxx"),
    "another size": ({"width": 97, "height": 64}, r"image 10: says 97 x 64 pixels, but '0\.png' has 96 x 64"),
}


@pytest.mark.parametrize("fault", LISTED_FAULTS)
def test_what_cocos_format_says_of_an_image_is_held_against_the_file(fault: str, yolo: Path) -> None:
    changed, sentence = LISTED_FAULTS[fault]
    with pytest.raises(CannotMeasureError, match=sentence):
        read_dataset(coco(yolo, images=[{"id": 10, "file_name": "0.png"} | changed]))


def test_a_link_out_of_the_folder_is_not_followed(yolo: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside.png"
    (yolo / "images" / "0.png").rename(outside)
    (yolo / "images" / "0.png").symlink_to(outside)
    with pytest.raises(CannotMeasureError, match=r"image 10: .*0\.png is a link that leads out of"):
        read_dataset(coco(yolo))


def test_an_id_that_is_there_twice_is_told_with_both_places(yolo: Path) -> None:
    box = {"image_id": 10, "category_id": 7, "bbox": [8, 8, 32, 24]}
    with pytest.raises(CannotMeasureError, match=r"images\.1\.id: 10 is the id of images\.0 already"):
        read_dataset(coco(yolo, images=[{"id": 10, "file_name": f"{number}.png"} for number in range(2)]))
    with pytest.raises(CannotMeasureError, match=r"annotations\.2\.id: 5 is the id of annotations\.0 already"):
        read_dataset(coco(yolo, annotations=[box | {"id": 5}, box | {"id": 6}, box | {"id": 5}]))
    with pytest.raises(CannotMeasureError, match=r"categories\.1\.id: 7 is the id of categories\.0 already"):
        read_dataset(coco(yolo, categories=[{"id": 7, "name": "one"}, {"id": 7, "name": "other"}]))


@pytest.mark.parametrize("pixels", [80_000_000, 400_000_000])
def test_a_picture_of_too_many_pixels_is_told_before_it_is_decoded(pixels: int, yolo: Path) -> None:
    """As its header claims; above 179 million Pillow itself refuses to open it."""
    header = struct.pack(">IIBBBBB", pixels // 10_000, 10_000, 8, 2, 0, 0, 0)
    chunk = struct.pack(">I", 13) + b"IHDR" + header + struct.pack(">I", zlib.crc32(b"IHDR" + header))
    (yolo / "images" / "1.png").write_bytes(b"\x89PNG\r\n\x1a\n" + chunk + struct.pack(">I", 0) + b"IDAT" + b"\0" * 4)
    with pytest.raises(CannotMeasureError, match=r"1\.png: has .* pixels.* the most|at most 50,000,000 pixels are decoded"):
        read_dataset(yolo)


def test_labels_nested_too_deeply_are_a_sentence(yolo: Path) -> None:
    (yolo / "config.yaml").write_text("names: " + "[" * 10_000)
    with pytest.raises(CannotMeasureError, match=r"config\.yaml: is nested too deeply"):
        read_dataset(yolo)
    (yolo / "labels.json").write_text("[" * 100_000)
    with pytest.raises(CannotMeasureError, match=r"labels\.json: Invalid JSON: recursion limit exceeded"):
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
    with pytest.raises(CannotMeasureError, match=r"labels\.json: Invalid JSON"):
        read_dataset(yolo)
    (yolo / "more.json").write_text("{}")
    with pytest.raises(CannotMeasureError, match="holds 2 JSON files"):
        read_dataset(yolo)
