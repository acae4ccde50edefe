"""A page in one HTML file that needs no other and fetches nothing: its frame, style and parts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from html import escape
from pathlib import Path
from string import Template

import pandas as pd
from markdown_it import MarkdownIt

from simulator.charts.look import Chart, inked
from simulator.units import significant

#: The browser may fetch nothing, and runs only the scripts of the charts.
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data: blob:"

_STYLE = Path(__file__).with_suffix(".css").read_text(encoding="utf-8")
_PAGE = Template(Path(__file__).with_suffix(".html").read_text(encoding="utf-8"))

#: Four decimal places leave less than two digits of a number below this.
SMALL = 1e-3

#: Markdown without HTML and pictures.
MARKDOWN = MarkdownIt("commonmark", {"html": False}).disable("image")


def html_page(title: str, body: str) -> str:
    """Return the file of a page; title: as text; body: as HTML."""
    return _PAGE.substitute(policy=_POLICY, title=escape(title), style=_STYLE, body=body)


def section(title: str, content: str) -> str:
    """Return a part under a heading; nothing without content."""
    return f"<h2>{escape(title)}</h2>{content}" if content else ""


def table(rows: pd.DataFrame) -> str:
    return str(rows.to_html(index=False, border=0, escape=True, na_rep="", float_format=_decimals))


def _decimals(value: float) -> str:
    """Write a number as the tables of the pages do, with at most four decimal places; a small one with two digits."""
    if 0 < abs(value) < SMALL:
        return significant(value, 2)
    return f"{value:,.4f}".rstrip("0").rstrip(".").replace("-", "−")


def bullets(sentences: Iterable[str]) -> str:
    items = "".join(f"<li>{escape(sentence)}</li>" for sentence in sentences)
    return f"<ul>{items}</ul>" if items else ""


def folded(title: str, content: str) -> str:
    """Return a part that a reader unfolds."""
    return f"<details><summary>{escape(title)}</summary>{content}</details>"


def paragraph(text: str) -> str:
    return f"<p>{escape(text)}</p>" if text else ""


def drawn_charts(charts: Iterable[Chart]) -> Iterator[str]:
    """Yield each chart below its takeaway, with its table; the script of Plotly comes with the first one."""
    script = True
    for chart in charts:
        yield f"<h3>{escape(chart.takeaway)}</h3>"
        if chart.figure is not None:
            drawn = inked(chart.figure, "light")
            yield drawn.to_html(full_html=False, include_plotlyjs=script, config={"displaylogo": False, "scrollZoom": False})
            script = False
        yield folded("As a table", table(chart.table))
