"""One design on the page, in the terminal, in `--json` and in the report: the words of each, line by line.

`python -m tests.side_by_side CASE [CHOICE=OPTION ...]` prints the four beside each other.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from contextlib import redirect_stdout
from html import unescape
from io import StringIO
from typing import NamedTuple

from simulator.case.load import load
from simulator.cli.exits import VisibleConsole
from simulator.cli.options import read_picks
from simulator.engine.plan import compile_plan
from simulator.explain.result import Result, replicate
from simulator.metrics.summary import Verdict
from simulator.panels.verdict_bar import bar_content
from simulator.practice.exhibit_panels import card_content
from simulator.practice.report import verdict_table
from simulator.practice.run_command import print_summary
from simulator.units import spoken_bound, spoken_within
from tests.figure_claims import CELL, ROW

_WIDE = 2000


class Line(NamedTuple):
    """The words of one objective on one surface; why: its reason and its advice, empty where it is met."""

    label: str
    asked: str
    reached: str
    interval: str
    standing: str
    why: str


def surfaces(result: Result) -> dict[str, list[Line]]:
    """Return the objectives of a run as each surface words them; those that are not met try steps."""
    return {"page": list(_page(result)), "terminal": list(_terminal(result)), "--json": list(_json(result)),
            "report": list(_report(result))}  # fmt: skip


def _page(result: Result) -> Iterator[Line]:
    for place, chip in enumerate(bar_content(result.verdicts)["chips"]):
        _, _, bounds = chip["details"].partition("95% interval ")
        interval = re.sub(r" \([^)]*\)$", "", bounds)
        yield Line(chip["label"], chip["asked"], chip["value"], interval, chip["words"], _on_card(result, place))


def _on_card(result: Result, place: int) -> str:
    if place not in result.reasons:
        return ""
    card = card_content(result, place, asked=True)
    split = result.reasons[place].split if card["split"] else ""
    return " ".join(filter(None, (card["sentence"], split, card["rest"], card["advice"])))


def _terminal(result: Result) -> Iterator[Line]:
    """Read `casesim run --all` as it is printed on a wide terminal."""
    printed = StringIO()
    with redirect_stdout(printed):
        print_summary(VisibleConsole(width=_WIDE), result)
    lines = printed.getvalue().split("\n")
    reasons = _printed_reasons("\n".join(lines))
    start = next(place for place, line in enumerate(lines) if line.startswith("objective "))
    for line in lines[start + 1 : start + 1 + len(result.verdicts)]:
        label, reached, asked, standing = re.split(r"\s{2,}", line.strip())
        value, _, bounds = reached.partition(" (")
        asked = asked.replace("≥", "at least").replace("≤", "at most")
        yield Line(label, asked, value, bounds.removesuffix(")"), standing, reasons.get(label, ""))


def _printed_reasons(text: str) -> dict[str, str]:
    found = re.findall(r"^why “(.*?)”, [a-z ]+: (.*(?:\n(?! {4}).*)*)\n((?: {4}.*\n)+)", text, re.MULTILINE)
    return {label: " ".join(f"{cause} {advice}".split()) for label, cause, advice in found}


def _json(result: Result) -> Iterator[Line]:
    content = json.loads(json.dumps(result.to_json(), allow_nan=False))
    reasons = {one["metric"]: f"{one['sentence']} {one['advice']}" for one in content.get("reasons", [])}
    for one, verdict in zip(content["objectives"], result.verdicts, strict=True):
        reached, interval = _spoken(one, verdict)
        side, bound = ("at least", one["at_least"]) if "at_least" in one else ("at most", one["at_most"])
        asked = f"{side} {spoken_bound(bound, verdict.metric.unit)}"
        yield Line(verdict.objective.label, asked, reached, interval, one["verdict"], reasons.get(one["metric"], ""))


def _spoken(one: dict[str, float], verdict: Verdict) -> tuple[str, str]:
    if "value" not in one:
        return verdict.reached, ""
    decides = None if verdict.void else verdict.bound  # its digits must show on which side of it a figure lies
    return spoken_within(one["value"], one["low"], one["high"], verdict.metric.unit, decides)


def _report(result: Result) -> Iterator[Line]:
    for row in ROW.findall(verdict_table(result)):
        label, asked, reached, interval, last = CELL.findall(row)
        standing, _, why = last.partition("<br>")
        texts = (label, asked, reached, interval, re.sub("<[^>]*>", "", standing), why)
        yield Line(*(unescape(text) for text in texts))


def main() -> None:
    """Print each objective of a design, a line a surface."""
    case, *picks = sys.argv[1:]
    scenario = load(case)
    sides = surfaces(replicate(compile_plan(scenario, read_picks(picks, scenario)), 1))
    for place in range(len(scenario.objectives)):
        for surface, lines in sides.items():
            print(f"{surface:9} {' | '.join(lines[place])}")
        print()


if __name__ == "__main__":
    main()
