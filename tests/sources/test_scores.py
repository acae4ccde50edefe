"""Charts of score tables hold what the analysis says, and the sentence beside each states it."""

import re

import numpy as np
import pytest

from simulator.evidence.catalogue import field_drops
from simulator.intervals import Interval
from simulator.metrics.roc import ScoreSummary, Size, roc_band
from simulator.sources.calibration import PROMISES, calibrate, held_out_coverage
from simulator.sources.score_charts import (
    by_group,
    by_prevalence,
    compared_curves,
    field_drop,
    kept_promises,
    optimism,
    reliability,
    specificity_by_table,
    threshold_transfers,
)
from simulator.sources.threshold_transfer import GRID, group_rows, optimism_rows, paired, prevalence_rows, transfers
from simulator.units import percent
from tests.builders import binormal, score_frame

LABELS, SCORES = binormal(0, 200, 260)
ROWS = score_frame(
    LABELS,
    SCORES,
    fold=np.arange(460) % 5,
    fitzpatrick=np.r_[np.repeat([1, 3], 228), 5, 5, 6, 6],
    diagnosis=np.where(LABELS == 1, np.where(np.arange(460) % 3, "BCC", "MEL"), "NEV"),
)
LOWER = ROWS.assign(score=ROWS["score"] ** 2, precision="int8")


def summary(model, precision, value, kind="measured"):
    found = Interval(value, value - 0.05, value + 0.05) if kind == "measured" else Interval(value, np.nan, np.nan)
    size = Size(460, 200, 460) if kind == "measured" else None
    return ScoreSummary(
        f"d.{model}.{precision}", "d", model, precision, kind, size, found, dict.fromkeys((0.9, 0.95, 0.99), found)
    )


TABLES = [summary("a", "fp32", 0.40), summary("a", "int8_static", 0.43), summary("b", "fp32", 0.7, "published")]


@pytest.fixture(scope="module")
def drawn():
    prevalence = prevalence_rows(ROWS, 0.3, [*GRID, 200 / 460, 0.02])
    bands = {"one": roc_band(ROWS), "other": roc_band(LOWER)}
    return {
        "tables": specificity_by_table(TABLES, 0.95),
        "compared": compared_curves(bands, paired(ROWS, LOWER), 0.95),
        "reliability": reliability(calibrate(ROWS)),
        "promises": kept_promises([held_out_coverage(ROWS, promised) for promised in PROMISES]),
        "groups": by_group(group_rows(ROWS, 0.3, "fitzpatrick"), 0.95),
        "prevalence": by_prevalence(prevalence, 200 / 460, 0.02),
        "optimism": optimism(optimism_rows(ROWS), 0.9),
        "transfers": threshold_transfers(transfers(ROWS, 0.95, [LOWER])),
        "field": field_drop(field_drops()),
    }


def test_every_chart_has_a_sentence_and_a_table(drawn):
    for name, chart in drawn.items():
        assert re.match(r"[A-Z0-9].*\.$", chart.takeaway), name
        assert "nan" not in chart.takeaway, name
        assert not chart.table.empty, name
        assert chart.figure.layout.paper_bgcolor == "rgba(0,0,0,0)", name


def test_the_best_table_is_named_with_its_interval_and_how_many_overlap(drawn):
    told = drawn["tables"].takeaway
    assert "a at int8 static, the best of 2 tables, clears 43.0% of the negatives" in told
    assert "(95% interval 38.0% to 48.0%, 200 positives); the interval of 1 other overlaps it." in told
    assert "no table" in specificity_by_table(TABLES[2:], 0.95).takeaway


def test_a_published_point_is_drawn_without_whiskers(drawn):
    (point,) = [(t, list(t.y).index("b,<br>published")) for t in drawn["tables"].figure.data if "b,<br>published" in t.y]
    trace, place = point
    assert trace.x[place] == pytest.approx(70)
    assert trace.error_x.array[place] == trace.error_x.arrayminus[place] == 0


def test_powers_keep_the_order_so_that_nothing_differs(drawn):
    assert "not significantly different" in drawn["compared"].takeaway
    assert not drawn["compared"].table["significantly different"].any()


def test_a_reliability_diagram_has_the_line_that_scores_should_lie_on(drawn):
    ideal, before, after = drawn["reliability"].figure.data
    assert (list(ideal.x), list(ideal.y), ideal.line.dash) == ([0, 100], [0, 100], "dash")
    assert len(before.x) == len(after.x) == 10


def test_of_few_a_count_is_shown_in_place_of_a_share(drawn):
    words = [text for trace in drawn["groups"].figure.data if trace.mode == "text" for text in trace.text]
    assert len(words) == 2
    assert all(text.startswith("too few to say: ") for text in words)
    assert "2 of 4 groups have too few photos of a class to judge it: fewer than 30." in drawn["groups"].takeaway


def test_the_prevalence_asked_for_and_that_of_the_sample_stand_out(drawn):
    asked = [trace for trace in drawn["prevalence"].figure.data if trace.mode == "markers"]
    assert [trace.name for trace in asked] == ["in the sample: 43.5%", "chosen: 2.0%"]
    assert drawn["prevalence"].table["ill (%)"].tolist() == pytest.approx([2, 43.48])
    assert percent(asked[1].y[0] / 100) in drawn["prevalence"].takeaway


def test_a_transfer_shows_home_hollow_and_away_with_its_interval(drawn):
    home, away, *_ = drawn["transfers"].figure.data
    assert home.marker.symbol == "circle-open"
    assert away.marker.symbol == "circle"
    assert max(away.error_x.array) > 0
    assert "fp32 scores<br>→ int8 scores" in away.y
    assert "which is not chance" in drawn["transfers"].takeaway


def test_without_columns_to_part_by_the_sentence_says_so():
    assert "no column that splits its items" in threshold_transfers([]).takeaway


def test_the_field_stands_beside_the_bench(drawn):
    bench, field = drawn["field"].figure.data
    assert bench.base[0] + bench.x[0] == pytest.approx(96)
    assert field.base[0] == pytest.approx(41.3)
    assert "91 to 96% on the bench" in drawn["field"].takeaway
    assert "In the field it reached 41.3 to 83.3%: prospective study of version 6.8.1" in drawn["field"].takeaway
    assert "earlier" not in drawn["field"].takeaway  # no source says whether the vendor's bench came later


def test_without_groups_the_sentence_says_so():
    rows = group_rows(score_frame(LABELS, SCORES), 0.3, "diagnosis")
    assert by_group(rows, 0.95).takeaway.startswith("The table has no groups of people, so only the whole can be judged.")


def test_the_promise_that_is_asked_for_is_told(drawn):
    assert drawn["optimism"].takeaway.startswith("A threshold for 90% sensitivity reaches 90.0% on the photos that chose it.")
