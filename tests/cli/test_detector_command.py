"""`casesim detect-eval`: a detector whose answers are known, and the sentence that each wrong input gets."""

import csv
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.pictures import BOX

Run = Callable[..., tuple[int, str, str]]
Make = Callable[..., Path]

#: The labelled box in the detector's square: 96 x 64 pixels are stretched to 32 x 32.
RIGHT = [BOX[0] / 3, BOX[1] / 2, BOX[2] / 3, BOX[3] / 2]


def test_a_detector_that_is_right_has_an_ap_of_one(casesim: Run, detector: Make, yolo: Path) -> None:
    status, out, _ = casesim("detect-eval", "--onnx", detector([RIGHT], [1], [0.9]), "--data", yolo, "--json")
    told = json.loads(out)
    assert status == 0
    [clean] = told["conditions"]
    assert (told["images"], told["boxes"], clean["condition"]) == (4, 4, "clean")
    assert clean["ap"] == clean["ap50"] == {"value": pytest.approx(1), "low": pytest.approx(1), "high": pytest.approx(1)}
    assert clean["recall_by_height"]["recall"] == pytest.approx([1] * 5)


@pytest.mark.long
def test_false_alarms_and_other_classes_count_as_worked_out_by_hand(casesim: Run, detector: Make, yolo: Path) -> None:
    # On every image a false alarm outranks the right box: precision is a half at every recall.
    net = detector([[0, 0, 4, 4], RIGHT, RIGHT], [1, 1, 0], [0.9, 0.8, 0.95])
    told = json.loads(casesim("detect-eval", "--onnx", net, "--data", yolo, "--json")[1])
    assert told["conditions"][0]["ap"]["value"] == pytest.approx(0.5)


@pytest.mark.long
def test_a_condition_is_compared_with_clean_images_and_boxes_are_written(
    casesim: Run, detector: Make, yolo: Path, tmp_path: Path
) -> None:
    net, out = detector([RIGHT], [1], [0.9]), tmp_path / "found.csv"
    given = ["--onnx", net, "--data", yolo, "--conditions", "clean,fog:3,stretch:2", "--resamples", 100, "--out", out]
    status, shown, _ = casesim("detect-eval", *given)
    assert status == 0
    assert "fog:3" in shown and "recall by box height" in shown
    rows = list(csv.DictReader(out.open()))
    assert len(rows) == 12
    assert {row["score"] for row in rows if row["condition"] == "fog"} == {"0.9"}
    told = json.loads(casesim("detect-eval", *given, "--json")[1])
    assert told["conditions"][1]["ap_less_clean"]["value"] == 0
    # Answered for another fit, the box overlaps by 24 of 33 pixels: right at five of the ten overlaps.
    assert told["conditions"][2]["ap_less_clean"]["value"] == pytest.approx(-0.5)


FAULTS_SHOWN = {
    "no data": (["--onnx", "NET"], "--onnx needs --data"),
    "no onnx": (["--data", "DATA"], "need --onnx FILE"),
    "no such data": (["--onnx", "NET", "--data", "nowhere"], "nowhere: there is no such folder"),
    "no such file": (["--onnx", "nowhere.onnx", "--data", "DATA"], "nowhere.onnx: cannot be read"),
    "no onnx file": (["--onnx", "DATA/config.yaml", "--data", "DATA"], "is no ONNX file"),
    "layout": (["--onnx", "NET", "--data", "DATA", "--layout", "detr"], "there is no such layout; there are: yolox"),
    "wrong layout": (["--onnx", "NET", "--data", "DATA", "--layout", "yolox"], "cannot be read as YOLOX"),
    "fit": (["--onnx", "NET", "--data", "DATA", "--fit", "crop"], "--fit crop: expected one of letterbox, corner, stretch"),
    "values": (["--onnx", "NET", "--data", "DATA", "--values", "2"], "--values 2: expected one of 0-255, 0-1, imagenet"),
    "channels": (["--onnx", "NET", "--data", "DATA", "--channels", "x"], "--channels x: expected one of rgb, bgr"),
    "size": (["--onnx", "NET", "--data", "DATA", "--size", "64"], "takes 32 x 32 pixels and nothing else"),
    "condition": (["--onnx", "NET", "--data", "DATA", "--conditions", "mist"], "there is no condition 'mist'"),
    "open size": (["--onnx", "OPEN", "--data", "DATA"], "leaves the size of its input open; say which with --size"),
    "grey": (["--onnx", "GREY", "--data", "DATA"], "detectors are judged that take one square image"),
    "classes": (["--onnx", "MANY", "--data", "DATA"], "answers class 17, and"),
    "ids": (["--onnx", "NET", "--data", "DATA", "--class-ids", "name"], "--class-ids name: expected one of place, id"),
}


@pytest.mark.usefixtures("one_process")
@pytest.mark.parametrize("fault", FAULTS_SHOWN)
def test_each_wrong_input_gets_its_sentence_and_no_traceback(fault: str, casesim: Run, detector: Make, yolo: Path) -> None:
    words, sentence = FAULTS_SHOWN[fault]
    files = {
        "NET": detector([RIGHT], [1], [0.9]),
        "OPEN": detector([RIGHT], [1], [0.9], axes=(1, 3, "h", "w"), name="open.onnx"),
        "GREY": detector([RIGHT], [1], [0.9], axes=(1, 1, 32, 32), name="grey.onnx"),
        "MANY": detector([RIGHT], [17], [0.9], name="many.onnx"),
        "DATA": yolo,
        "DATA/config.yaml": yolo / "config.yaml",
    }
    status, out, err = casesim("detect-eval", *(files.get(word, word) for word in words))
    assert (status, out) == (2, "")
    assert sentence in " ".join(err.split())
    assert "Traceback" not in err


def test_without_a_detector_the_report_of_the_tables_is_told(casesim: Run) -> None:
    status, out, _ = casesim("detect-eval")
    assert status == 0
    assert "YOLOX-nano" in out and "Spearman" in out
    told = json.loads(casesim("detect-eval", "--json")[1])
    assert {check["check"].split(",")[0] for check in told["checks"]} == {"YOLOX-nano", "NanoDet-m", "FastestDet"}
    assert all(-1 <= order["low"] <= order["spearman"] <= order["high"] <= 1 for order in told["order_of_damage"])
