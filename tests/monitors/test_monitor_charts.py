"""Charts of a comparison show the figures of its course: the band, the windows outside it, the onset, the places."""

import numpy as np
import pytest

from simulator.monitors.camera_weeks import OUT_OF_FOCUS
from simulator.monitors.drift_sentences import course_sentence
from simulator.monitors.monitor_charts import course_chart, place_chart
from tests.monitors.test_drift_course import reader_of


@pytest.fixture(scope="module")
def reader():
    return reader_of(OUT_OF_FOCUS)


@pytest.fixture(scope="module")
def finding(reader):
    return next(claim for claim in reader.claimed() if claim.column == "sharpness")


def trace(chart, name):
    return next(part for part in chart.figure.data if part.name == name)


def test_a_course_is_drawn_with_its_reference_and_the_windows_outside_its_band(reader, finding):
    course = reader.course(finding)
    chart = course_chart(course, reader)
    assert np.asarray(trace(chart, "production").y) == pytest.approx(course.value)
    assert np.asarray(trace(chart, "reference, same hours").y) == pytest.approx(course.centre)
    outside = np.asarray(trace(chart, "outside the band").y)
    assert len(outside) > 0
    assert not [value for value in outside if min(abs(course.value - value)) > 1e-9]
    assert len(outside) == course.outside.sum() == (chart.table["outside"] == "yes").sum()
    assert chart.takeaway == course_sentence(course, reader)


def test_the_onset_is_a_line_at_its_window(reader, finding):
    chart = course_chart(reader.course(finding), reader)
    [line] = [shape for shape in chart.figure.layout.shapes if shape.type == "line"]
    assert line.x0 == line.x1
    assert "onset" in [note.text for note in chart.figure.layout.annotations]


def test_a_map_has_a_dot_for_each_cell_outside_its_band(reader, finding):
    places = reader.place_map(finding, "site")
    chart = place_chart(places, reader)
    dots = trace(chart, "outside the band")
    assert len(dots.x) == places.outside.sum() > 0
    assert {*dots.y} == {"Office"}
    assert chart.table.columns.tolist() == ["window from", *places.places]
    assert np.asarray(chart.figure.data[0].z, float) == pytest.approx(places.errors, nan_ok=True)
