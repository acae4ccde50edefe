"""A chart as a file: HTML that needs nothing else, or a picture where kaleido and a browser for it to draw in are there."""

from __future__ import annotations

from functools import cache
from html import escape
from pathlib import Path
from textwrap import wrap

import plotly.graph_objects as go

from simulator.charts.look import Chart, inked
from simulator.errors import InputError

PICTURES = (".svg", ".png")
SUFFIXES = (".html", *PICTURES)

#: The width in pixels, and the letters of the title that fit in a line.
_WIDTH, _LETTERS = 960, 110

_LINE = 22


@cache
def draws_pictures() -> bool:
    """Return whether SVG and PNG can be made here: this needs kaleido (extra `pictures`) and Chrome or Chromium."""
    try:
        from choreographer.browsers.chromium import Chromium
    except ModuleNotFoundError:
        return False
    return Chromium.find_browser(skip_local=False) is not None


def check_chart_file(file: Path | None) -> None:
    """Raise InputError for a file that no chart can be written to; called before anything runs."""
    if file is None:
        return
    if file.suffix not in SUFFIXES:
        raise InputError(f"--chart {file}: should end in {', '.join(SUFFIXES[:-1])} or {SUFFIXES[-1]}")
    if not file.absolute().parent.is_dir():
        raise InputError(f"--chart {file}: there is no folder {file.parent}; make it first, or name another")
    if file.suffix in PICTURES and not draws_pictures():
        need = "kaleido (pip install 'casesim[pictures]') and Chrome or Chromium on this machine"
        raise InputError(f"--chart {file}: a picture needs {need}; .html needs neither")


def chart_file(chart: Chart, suffix: str) -> bytes:
    """Return a chart below its takeaway as a file with one of SUFFIXES.

    Raises InputError if there is nothing to draw, or if the browser that draws pictures does not start. Fetches nothing: the
    script comes with Plotly, and kaleido does not ask for MathJax.
    """
    if chart.figure is None:
        raise InputError(f"there is nothing to draw: {chart.takeaway}")
    drawn = inked(go.Figure(chart.figure), "light")  # a copy: the chart itself goes on being shown
    lines = wrap(chart.takeaway, _LETTERS)
    room = _LINE * len(lines) + 20
    place = {"x": 0.01, "y": 1, "yanchor": "top", "pad": {"t": 14}}
    drawn.update_layout(
        title={"text": "<br>".join(map(escape, lines)), "font": {"size": 14}, **place},
        height=(drawn.layout.height or 340) + room,
        margin_t=(drawn.layout.margin.t or 28) + room,
        paper_bgcolor="white",
        plot_bgcolor="white",
    )
    if suffix == ".html":
        return str(drawn.to_html(include_plotlyjs=True, config={"displaylogo": False})).encode()
    import kaleido
    from kaleido.errors import BrowserClosedError, BrowserFailedError, ChromeNotFoundError

    how = {"format": suffix[1:], "width": _WIDTH, "height": drawn.layout.height, "scale": 2 if suffix == ".png" else 1}
    try:
        return bytes(kaleido.calc_fig_sync(drawn.to_dict(), opts=how, kopts={"mathjax": False}))
    except (BrowserClosedError, BrowserFailedError, ChromeNotFoundError, TimeoutError) as error:
        raise InputError(f"the browser that draws pictures did not start: {error}; .html needs none") from error
