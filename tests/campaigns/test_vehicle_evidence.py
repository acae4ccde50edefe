"""Pieces of the vehicle's evidence that are put back, on a document by hand and on the shipped case."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from campaigns.vehicle_evidence import CASE, NX, PIECES, as_it_was
from simulator.case.load import load
from simulator.engine.plan import compile_plan
from simulator.paths import SCENARIOS

TRACKER, OBJECTS, PEDESTRIANS, FLOATS = PIECES
PLAYED, PUBLISHED = "kitti.yolox_x.restored", "kitti.yolox_x"


def case() -> dict[str, Any]:
    sight = {"finds": PLAYED, "differs_as": [{"finds": "kitti.ciwt_stereo"}]}
    option = {"encounters.sees.detector.finds": PLAYED, "encounters.sees.detector.misses_as": None}
    return {
        "stages": {"detector": {"precision": "fp16"}, "step": {"precision": "300_boxes"}},
        "encounters": {"sees": {"detector": sight}},
        "choices": {"detector": {"options": {"x": {"set": option}}}},
        "claims": [{"says": "a figure"}],
    }


def test_nothing_but_promises_is_lost_where_all_is_mended() -> None:
    assert as_it_was(case(), []) == {name: part for name, part in case().items() if name != "claims"}


def test_each_piece_goes_back_alone_and_with_the_others() -> None:
    sight = as_it_was(case(), [TRACKER])["encounters"]["sees"]["detector"]
    assert (sight["finds"], len(sight["differs_as"])) == (PUBLISHED, 1)
    frames = as_it_was(case(), [OBJECTS])
    assert frames["encounters"]["sees"]["detector"]["finds"] == f"{PLAYED}.frames"
    assert frames["encounters"]["sees"]["detector"]["misses_as"] == PLAYED
    option = frames["choices"]["detector"]["options"]["x"]["set"]
    assert option == {"encounters.sees.detector.finds": f"{PLAYED}.frames", "encounters.sees.detector.misses_as": PLAYED}
    assert as_it_was(case(), [PEDESTRIANS])["encounters"]["sees"]["detector"]["differs_as"] == []
    assert as_it_was(case(), [FLOATS])["stages"] == {"detector": {"precision": "fp32"}, "step": {"precision": "300_boxes"}}
    none = as_it_was(case(), [*PIECES])["encounters"]["sees"]["detector"]
    assert none == {"finds": f"{PUBLISHED}.frames", "differs_as": [], "misses_as": PUBLISHED, "alarms_as": PUBLISHED}


@pytest.mark.parametrize("pieces", [[], [TRACKER], [OBJECTS], [*PIECES]])
def test_the_shipped_case_runs_with_pieces_put_back(pieces: list[str], tmp_path: Path) -> None:
    document = YAML(typ="safe").load(SCENARIOS / f"{CASE}.yaml")
    path = tmp_path / f"{CASE}.yaml"
    YAML().dump(as_it_was(document, pieces), path)
    plan = compile_plan(load(path), NX)
    found = {one.what: one.value for one in plan.provenance}
    series = (PUBLISHED if TRACKER in pieces else PLAYED) + (".frames" if OBJECTS in pieces else "")
    assert found["Detector: share of objects found"] == series
    assert (found["Detector: pedestrians"] == "as cars") == (PEDESTRIANS in pieces)
    assert found["Detector: latency"].startswith("103 ms" if FLOATS in pieces else "43.9 ms")
