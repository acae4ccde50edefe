"""The table of effects: what comes along is what the other tables say, and each fault gets its sentence."""

import pandas as pd
import pytest

from campaigns.detections.condition_effects import EFFECTS, Effects, effect_rows, load_effects
from simulator.evidence.detection_tables import load_detections
from simulator.evidence.evidence_files import EvidenceError
from simulator.evidence.scene_tables import load_features


@pytest.fixture(scope="module")
def shipped():
    return load_effects()


@pytest.mark.long
def test_what_comes_along_is_what_the_other_tables_say(shipped):
    pd.testing.assert_frame_equal(
        shipped.rows, effect_rows(load_detections(), load_features()), check_dtype=False, rtol=1e-3, atol=1e-9
    )


def test_weather_hurts_more_the_stronger_it_is(shipped):
    for condition in ("fog", "night", "defocus", "jpeg", "noise", "motion_blur"):
        lost = [shipped.of("yolox_nano", condition, severity, "found_share")["change"] for severity in (1, 3, 5)]
        assert lost[0] > lost[1] > lost[2]
        assert shipped.of("yolox_nano", condition, 5, "found_share")["high"] < 0


def test_what_an_author_may_use_as_a_decoy(shipped):
    decoys = set(shipped.decoys()[["detector", "condition"]].itertuples(index=False, name=None))
    # Stretched images cost NanoDet nothing, another interpolation costs YOLOX nothing; the reverse is a real loss.
    assert {("nanodet_m", "stretch"), ("yolox_nano", "nearest")} <= decoys
    assert ("nanodet_m", "nearest") not in decoys and ("yolox_nano", "fog") not in decoys


def table(**changed):
    row = {"detector": "a", "condition": "fog", "severity": 1, "measure": "found_share", "images": 9, "clean": 0.5}
    row |= {"change": -0.1, "low": -0.2, "high": -0.05, "q": 0.01, "smallest_paired": 0.05, "smallest_apart": 0.2}
    return row | changed


def test_a_decoy_moves_something_else_than_what_is_found_and_false():
    rows = [
        table(),
        table(condition="nearest", q=0.4),
        table(condition="nearest", measure="false_count", q=0.9),
        table(condition="nearest", measure="score_mean"),
        table(condition="stretch", q=0.06),
    ]
    found = Effects(pd.DataFrame(rows))
    assert found.decoys()[["condition", "moves"]].to_numpy().tolist() == [["nearest", "score_mean"], ["stretch", ""]]
    assert not found.shown_apart().any()
    assert Effects(pd.DataFrame([table(change=-0.2)])).shown_apart().all()
    with pytest.raises(EvidenceError, match="condition: holds no 'rain'; there are: fog, nearest, stretch"):
        found.of("a", "rain", 1, "found_share")


FAULTS_SHOWN = {
    "number": ({"clean": "x"}, "line 3: clean: expected a finite number, got x"),
    "measure": ({"measure": "luck"}, "line 3: measure: expected one of ap, found_share"),
    "bounds": ({"low": 0}, "line 3: change: expected a figure between low and high, got -0.1"),
    "q": ({"q": 2}, "line 3: q: expected a number from 0 to 1, got 2"),
    "size": ({"smallest_apart": -1}, "line 3: smallest_apart: expected a number from 0 to 1e.09, got -1"),
    "twice": ({"severity": 1}, "line 3: measure: expected one row per detector, condition, severity, measure, got found_share"),
}


@pytest.mark.parametrize("fault", FAULTS_SHOWN)
def test_a_fault_names_file_line_and_column(fault, tmp_path):
    changed, sentence = FAULTS_SHOWN[fault]
    pd.DataFrame([table(), table(**{"severity": 2} | changed)])[EFFECTS.names].to_csv(tmp_path / "effects.csv", index=False)
    with pytest.raises(EvidenceError, match=sentence):
        load_effects(tmp_path)


def test_a_table_that_is_not_there_or_lacks_a_column_is_told(tmp_path):
    with pytest.raises(EvidenceError, match=r"is missing; `python -m campaigns\.detections features` writes it"):
        load_effects(tmp_path)
    (tmp_path / "effects.csv").write_text("detector\n")
    with pytest.raises(EvidenceError, match="lacks the column condition"):
        load_effects(tmp_path)
