"""A case whose every text is hostile is a case like any other: it loads, and its diagram holds text alone."""

import re
from pathlib import Path

from simulator.case.load import load
from simulator.charts.design_diagram import diagram
from simulator.engine.plan import compile_plan

HOSTILE = Path(__file__).parent.parent / "hostile" / "hostile.yaml"


def test_it_loads_and_its_diagram_holds_text_alone():
    source = diagram(compile_plan(load(HOSTILE))).source
    assert "https#58;//evil.example" in source
    assert not re.search(r"<|://|@\{|^\s*click|^\s*(end|classify)\b", source, re.MULTILINE)
