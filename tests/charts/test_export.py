"""Charts as files: what is in them, and what is refused."""

import os
import re
import struct
from xml.etree import ElementTree

import pandas as pd
import plotly.graph_objects as go
import pytest

from simulator.charts.export import chart_file, check_chart_file, draws_pictures
from simulator.charts.look import Chart, figure
from simulator.errors import InputError

CHART = Chart(figure(go.Bar(x=["one", "two"], y=[1, 2])), "“two” is <twice> as much as “one”, & no more.", pd.DataFrame())

pictures = pytest.mark.skipif(
    not draws_pictures() and not os.environ.get("CASESIM_REQUIRE_BROWSER"), reason="needs kaleido and Chrome or Chromium"
)


def test_html_holds_the_takeaway_as_text_and_fetches_nothing():
    told = chart_file(CHART, ".html").decode()
    assert "&lt;twice&gt; as much" in told or "\\u0026lt;twice\\u0026gt; as much" in told
    assert not re.search(r"<(script|link|img)[^>]+(src|href)=.https?:", told)


def test_the_chart_that_is_shown_stays_as_it_was():
    before = CHART.figure.to_json()
    chart_file(CHART, ".html")
    assert CHART.figure.to_json() == before


@pytest.mark.long
@pictures
def test_svg_is_a_picture_with_the_takeaway_above_the_bars():
    root = ElementTree.fromstring(chart_file(CHART, ".svg"))
    assert root.tag.endswith("svg")
    assert "is <twice> as much" in "".join(root.itertext()).replace("\xa0", " ")


@pytest.mark.long
@pictures
def test_png_is_twice_as_fine_as_the_screen():
    content = chart_file(CHART, ".png")
    assert content.startswith(b"\x89PNG")
    width, height = struct.unpack(">II", content[16:24])
    assert width == 1920
    assert height > 2 * 340


def test_what_has_no_picture_is_refused_with_its_sentence():
    with pytest.raises(InputError, match="there is nothing to draw: Nobody waits"):
        chart_file(Chart(None, "Nobody waits.", pd.DataFrame()), ".html")


def test_files_that_cannot_be_written_are_refused_before_anything_runs(tmp_path, monkeypatch):
    check_chart_file(None)
    check_chart_file(tmp_path / "chart.html")
    with pytest.raises(InputError, match=r"chart.pdf: should end in .html, .svg or .png"):
        check_chart_file(tmp_path / "chart.pdf")
    with pytest.raises(InputError, match="there is no folder"):
        check_chart_file(tmp_path / "nowhere" / "chart.html")
    monkeypatch.setattr("simulator.charts.export.draws_pictures", lambda: False)
    with pytest.raises(InputError, match=r"a picture needs kaleido \(pip install 'casesim\[pictures\]'\) and Chrome"):
        check_chart_file(tmp_path / "chart.svg")
