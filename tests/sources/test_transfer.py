"""A threshold applied to others, worked out by hand and against what was put in."""

import numpy as np
import pytest

from simulator.evidence.evidence_files import EvidenceError
from simulator.sources.threshold_transfer import transfer_rows, transfers
from tests.builders import binormal, score_frame


def skin():
    """Types I and II: positives at 0.51 to 0.90; types III and IV: a tenth lower; negatives alike, at 0.01 to 0.60."""
    light, dark = (np.arange(51, 91) / 100, np.arange(41, 81) / 100)
    well = np.arange(1, 61) / 100
    scores = np.r_[light, well, dark, well]
    return score_frame([1] * 40 + [0] * 60 + [1] * 40 + [0] * 60, scores, fitzpatrick=[1] * 50 + [2] * 50 + [3] * 100)


def test_a_threshold_that_fits_one_skin_type_misses_on_another():
    (moved,) = [one for one in transfers(skin(), 0.95) if one.away == "skin types III and IV"]
    # 38 of 40 positives at home lie at 0.53 or above; away 28 of 40 do, and 52 of 60 negatives lie below.
    assert moved.home_sensitivity == 0.95
    assert moved.sensitivity.value == pytest.approx(28 / 40)
    assert moved.specificity.value == moved.home_specificity == pytest.approx(52 / 60)
    assert moved.sensitivity.low < 0.7 < moved.sensitivity.high < 0.95


def test_what_is_not_there_is_left_out_and_what_is_too_little_says_nothing():
    rows = skin()
    rows.loc[199, "fitzpatrick"] = 6
    few = next(one for one in transfers(rows, 0.95) if one.away == "skin types V and VI")
    assert (few.sensitivity, few.specificity, few.positives, few.negatives) == (None, None, 0, 1)
    assert transfers(score_frame([1, 0] * 40, [0.5] * 80), 0.95) == []


def test_positives_of_one_diagnosis_say_little_of_another():
    labels = [1] * 80 + [0] * 40
    scores = [0.8] * 50 + [0.3] * 30 + [0.1] * 40
    rows = score_frame(labels, scores, diagnosis=["BCC"] * 50 + ["MEL"] * 30 + ["NEV"] * 40)
    (moved,) = transfers(rows, 0.95)
    assert (moved.home, moved.away) == ("positives that are BCC", "positives that are MEL")
    assert moved.sensitivity.value == 0
    assert moved.specificity is None


def test_another_precision_has_the_same_photos():
    labels, scores = binormal(0, 100, 100)
    rows = score_frame(labels, scores)
    lower = rows.assign(score=rows["score"] * 0.5, precision="int8")
    (moved,) = transfers(rows, 0.9, [lower])
    assert (moved.home, moved.away) == ("fp32 scores", "int8 scores")
    assert moved.sensitivity.value < 0.9
    with pytest.raises(EvidenceError, match="other items"):
        transfers(rows, 0.9, [lower.iloc[::-1].reset_index(drop=True)])


def test_the_interval_covers_what_is_true_of_endless_people():
    """Same distribution at home and away: the promise is the truth, up to the ranks of 60 positives."""
    covered = 0
    for seed in range(60):
        labels, scores = binormal(seed, 120, 60)
        (moved, *_) = transfers(score_frame(labels, scores, fitzpatrick=np.arange(180) % 2 * 2 + 1), 0.9)
        covered += moved.sensitivity.low <= 0.9 <= moved.sensitivity.high
    assert covered >= 50


def test_a_row_a_transfer():
    rows = transfer_rows(transfers(skin(), 0.95))
    assert rows["promised (%)"].tolist() == [95]
    assert rows["sensitivity (%)"].tolist() == pytest.approx([70])
