"""Streamlit writes the value of every statement of a page that is an expression but no call: `None` would be on the screen."""

import ast

import pytest

from simulator.paths import PAGES


@pytest.mark.parametrize("page", sorted(PAGES.glob("*.py")), ids=lambda page: page.stem)
def test_a_page_has_no_statement_whose_value_streamlit_would_write(page):
    script = ast.parse(page.read_text(encoding="utf-8"))
    values = [node.value for node in ast.walk(script) if isinstance(node, ast.Expr)]
    strange = [node for node in values if not isinstance(node, ast.Call | ast.Constant | ast.Yield | ast.Await)]
    assert [f"line {node.lineno}: {ast.unparse(node)}" for node in strange] == []
