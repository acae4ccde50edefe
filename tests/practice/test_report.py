"""A report is one file: all that it shows stands in it, and what an author wrote stays text."""

import re

import pytest

from simulator.case.load import loads
from simulator.engine.plan import compile_plan
from simulator.engine.run import simulate
from simulator.explain.result import replicate
from simulator.practice.report import report
from tests.case.texts import SMALL, changed


@pytest.fixture
def page(evidence):
    def written(text=SMALL, picks=None):
        plan = compile_plan(loads(text), picks)
        return report(replicate(plan, 3, 2), simulate(plan, 3))

    return written


def test_a_report_holds_brief_design_verdicts_charts_sources_seed_and_command(page):
    html = page(picks={"reading": "expert"})
    for told in (
        "<h1>Small</h1>", "A test", "Expert", "changed", "at least 90.0%", "Plotly.newPlot", "assumed", "tiny.fp32.csv",
        "2 replications", "seed 3", "casesim run small --set reading=expert --seed 3 --replications 2",
    ):  # fmt: skip
        assert told in html


def test_a_report_fetches_nothing(page):
    html = page()
    outside = re.sub(r"<script.*?</script>", "", html, flags=re.DOTALL)
    assert not re.search(r"""(src|href)\s*=\s*["']?(https?:)?//""", outside)
    assert "default-src 'none'" in html
    assert html.count("<script src=") == 0


def test_what_an_author_wrote_stays_text(page):
    html = page(changed("title: Small", 'title: "<script>alert(1)</script>"', "brief: A test", 'brief: "<img src=x> **bold**"'))
    assert "<script>alert(1)" not in html
    assert "<img src=x>" not in html
    assert "<strong>bold</strong>" in html


DEBRIEF = """\
debrief:
  - {title: Count <all>, text: "A *missed* case. <script>alert(1)</script>", source: A. Author 2020}
  - {title: No source, text: It has none.}
"""


def test_a_report_holds_the_debrief_of_its_case_with_the_sources_and_none_where_there_is_none(page):
    html = page(SMALL + DEBRIEF)
    section = html.partition("<h2>Debrief</h2>")[2].partition("<h2>")[0]
    assert section == (
        "<h3>Count &lt;all&gt;</h3><p>A <em>missed</em> case. &lt;script&gt;alert(1)&lt;/script&gt;</p>\n"
        "<p>Source: A. Author 2020</p>"
        "<h3>No source</h3><p>It has none.</p>\n"
    )
    assert "Debrief" not in page()
