"""docs/case-reference.md is what the schema says, and all its links lead to a heading."""

import re

from simulator.authoring.case_schema import case_schema
from tests.case_reference import PAGE, page

TEXT = PAGE.read_text(encoding="utf-8")


def test_the_page_is_current():
    assert page() == TEXT, "run `make docs`"


def test_every_model_stands_on_the_page_once_and_every_link_leads_to_one():
    headings = re.findall(r"^#{2,3} (.+)$", TEXT, re.MULTILINE)
    assert len(set(headings)) == len(headings)
    anchors = {re.sub(r"[^a-z0-9 _-]", "", heading.lower()).replace(" ", "-") for heading in headings}
    assert set(re.findall(r"\]\(#([^)]+)\)", TEXT)) <= anchors
    assert len([heading for heading in headings if "`" not in heading]) >= len(case_schema()["definitions"])
