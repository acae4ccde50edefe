"""Checks of the vehicle's case: projected latencies, busy calls, cells between two rows, and designs within the brief."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from simulator.authoring import sweep_checks
from simulator.authoring.claim_checks import judged_claim
from simulator.authoring.claim_evidence import found_for
from simulator.authoring.sweep_checks import DesignSample
from simulator.authoring.tested_designs import DesignRunner, random_designs
from simulator.case.case_tests import TextClaim
from simulator.case.load import load
from simulator.evidence.projection import latency
from simulator.paths import ASSETS, PROFILES
from simulator.sweeps.outcome_cache import DesignOutcome

ORIN = {"model": "yolox_x", "precision": "fp32", "device": "jetson-agx-orin-64gb"}
BOXES = {"model": "step_nms", "precision": "300_boxes", "device": "epyc-zen4-2c"}
CARS = {"seen_by": "kitti.yolox_x", "object": "car", "by": "height_px"}
CURVE = {"file": "drives/curves.csv", "where": CARS, "column": "recall"}


def never(*_: Any) -> Any:
    raise AssertionError("committed evidence needs no run")


def outcome(**claim: Any) -> tuple[str, str]:
    """Return the outcome of a claim on committed evidence, and its sentence."""
    case, made = load("av-perception"), TextClaim(says="a sentence", **claim)
    return judged_claim(made, lambda: found_for(made, case, DesignRunner(case, never)))


def test_a_device_that_was_not_measured_has_its_projection_and_band():
    truth = latency("yolox_x", "fp32", 1, "jetson-agx-orin-64gb")
    ends = {"low": round(1000 * truth.low), "high": round(1000 * truth.high)}
    assert outcome(profile=ORIN, shows=round(1000 * truth.value), **ends)[0] == "pass"
    assert outcome(profile=ORIN, shows=round(1000 * truth.value) + 1)[0] == "fail"
    assert outcome(profile=ORIN, at_most=float(1000 * truth.value + 1))[0] == "cannot be told"


def test_a_larger_batch_is_projected_too():
    truth = latency("yolox_x", "fp32", 6, "jetson-agx-orin-64gb")
    assert outcome(profile=ORIN | {"batch": 6}, shows=round(1000 * truth.value))[0] == "pass"


def test_calls_without_an_idle_gap_can_be_named():
    written = json.loads((PROFILES / "epyc-zen4-2c" / "step_nms.300_boxes.json").read_text())["runs"][0]["calls"][0]
    taken, idle = np.array(written["latency_ms"]), np.array(written["idle_ms"])
    busy, every = float(np.median(taken[idle < 2])), float(np.median(taken))
    assert busy < 0.9 * every
    assert outcome(profile=BOXES | {"calls": "busy"}, shows=round(busy, 3))[0] == "pass"
    assert outcome(profile=BOXES, shows=round(busy, 3))[0] == "fail"
    assert outcome(profile=BOXES, shows=round(every, 3))[0] == "pass"


@pytest.mark.parametrize(("profile", "says"), [
    (ORIN | {"device": "jetson-agx-orin"}, "did you mean 'jetson-agx-orin-64gb'?"),
    (ORIN | {"model": "yolox_xx"}, "not among the networks"),
    (BOXES | {"precision": "400_boxes"}, "no measured latency"),
])  # fmt: skip
def test_a_latency_that_is_not_there_fails_and_says_why(profile, says):
    result, sentence = outcome(profile=profile, shows=1.0)
    assert result == "fail"
    assert says in sentence


def test_a_cell_between_two_rows_lies_on_the_line():
    table = pd.read_csv(ASSETS / "drives/curves.csv")
    curve = table[(table[list(CARS)] == list(CARS.values())).all(axis=1)]
    below, above = curve[curve["x"] <= 25].iloc[-1], curve[curve["x"] > 25].iloc[0]
    part = (25 - below["x"]) / (above["x"] - below["x"])
    truth = below["recall"] + part * (above["recall"] - below["recall"])
    assert outcome(row=CURVE | {"at": {"x": 25.0}}, shows=round(truth, 3))[0] == "pass"
    assert outcome(row=CURVE | {"at": {"x": 25.0}}, shows=round(truth, 3) + 0.01)[0] == "fail"


@pytest.mark.parametrize(("cell", "says"), [
    (CURVE | {"at": {"x": 5.0}}, "lead to no one value at x 5"),
    (CURVE | {"at": {"pixels": 25.0}}, "no column 'pixels'"),
    (CURVE | {"where": {"object": "car"}, "at": {"x": 25.0}}, "lead to no one value"),
    (CURVE | {"at": {"seen_by": 25.0}}, "holds no number"),
    (CURVE | {"column": "by", "at": {"x": 25.0}}, "holds no number"),
    (CURVE, "15 rows"),
])  # fmt: skip
def test_a_cell_that_is_not_there_fails_and_says_why(cell, says):
    result, sentence = outcome(row=cell, shows=1.0)
    assert result == "fail"
    assert says in sentence


@pytest.mark.parametrize("threshold", [0, 0.0, "0.0"])
def test_numbers_of_a_row_are_compared_by_their_value(threshold):
    where = {"seen_by": "kitti.pointrcnn", "object": "car", "where": "corridor", "threshold": threshold, "kept_frames": 3}
    assert outcome(row={"file": "drives/false.csv", "where": where, "column": "count"}, shows=4)[0] == "pass"


def test_random_designs_leave_the_situation_as_the_brief_sets_it():
    case = load("av-perception")
    situation = {name for name, choice in case.choices.items() if choice.situation}
    designs = random_designs(case, 16)
    assert situation == {"misses", "passengers", "speed", "weather"}
    assert [design for design in designs if situation & set(design)] == []
    assert {name for design in designs for name in design} == set(case.choices) - situation


def test_designs_outside_of_the_brief_take_no_part_in_what_can_be_won():
    case = load("av-perception")
    inside, outside = (
        ({"margin": pick}, DesignOutcome({}, {}, 1, 1, outside_brief=why)) for pick, why in ((0.2, ""), (0.35, "another speed"))
    )
    sample = DesignSample(case, DesignRunner(case, never), 0)
    sample.__dict__.update(stepped=[inside, outside], spread=[outside])
    assert sample.tried == [inside]


@pytest.mark.parametrize(("apart", "told", "counts"), [
    (0.0, "", {4}),
    (0.01, "“Stopped in time”", {4, 30}),
])  # fmt: skip
def test_a_change_that_a_few_replications_cannot_tell_is_tried_with_all_of_them(apart, told, counts, monkeypatch):
    """A choice that changes nothing runs no more; one that changes a value a little moves it with all replications."""
    case, used = load("av-perception"), set()

    class Few(DesignRunner):
        def outcomes(self, what, designs, metrics, replications=4, strikes=None):
            used.add(replications)
            return [
                DesignOutcome(design, {}, 1, replications, metrics={"stopped_share": SimpleNamespace(value=apart * place)})
                for place, design in enumerate(designs)
            ]

    monkeypatch.setattr(
        sweep_checks, "moves", lambda sample, metrics, one, other: "stopped_share" if other.replications == 30 else ""
    )
    assert sweep_checks._moves_somewhere(DesignSample(case, Few(case, never), 0), "weather") == told
    assert used == counts
