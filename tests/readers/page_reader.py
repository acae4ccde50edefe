"""Claims of the surfaces of a run that are printed or drawn: the page of `casesim run`, the report, the charts' takeaways."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from html import unescape

from rich.table import Table
from rich.text import Text

from simulator.charts.flow_charts import cost_split, journeys
from simulator.engine.run_trace import Trace
from simulator.explain.claims import ALL
from simulator.explain.result import Result, challenge_of
from simulator.metrics.comparisons import UNCHANGED, Comparison, Difference
from simulator.metrics.summary import Verdict
from simulator.panels.verdict_bar import verdicts_sentence
from simulator.practice.report import report, verdict_table
from simulator.practice.run_page import difference_page, run_page
from tests.readers.run_reader import population_of, verdict_claims
from tests.readers.shown import Shown
from tests.readers.spoken_numbers import numbers_in
from tests.readers.two_run_reader import TwoRunClaims


def printed_claims(result: Result, with_advice: bool = True) -> list[Shown]:
    """Collect the claims of the printed and drawn surfaces; with_advice: also of those that try steps."""
    claims = [*chart_claims(result), *count_claims(result), *bar_claims(result)]
    return claims + ([*page_claims(result), *report_claims(result)] if with_advice else [])


def page_claims(result: Result) -> Iterator[Shown]:
    """Read the page of `casesim run`: its table of verdicts, and every sentence under its head."""
    for passage in run_page(result, None):
        for part in passage.parts:
            if isinstance(part.content, Table):
                yield from _table_claims(result.verdicts, part.content)
            else:
                words, head = Text.from_markup(part.content).plain, Text.from_markup(passage.head).plain
                yield Shown("page", "is", None, None, "", head or "page", "", words, "casesim run")


def _table_claims(verdicts: list[Verdict], table: Table) -> Iterator[Shown]:
    columns = [[Text.from_markup(str(cell)).plain for cell in column.cells] for column in table.columns]
    for verdict, (_, shown, asked, standing) in zip(verdicts, zip(*columns, strict=True), strict=True):
        reached, _, bounds = shown.partition(" (")
        yield from verdict_claims(verdict, standing, reached, bounds.removesuffix(")"), asked, "casesim run")


def difference_claims(result: Result, compared: Comparison) -> Iterator[Shown]:
    """Read the page of differences of `casesim run --against`: the table of both runs, changed verdicts, every sentence."""
    runs = compared.before.run_hash, compared.after.run_hash
    by_label = {verdict.objective.label: verdict.metric for verdict in result.verdicts}
    passages = difference_page(result, compared)
    chances = [str(part.content) for passage in passages if "May be chance" in passage.head for part in passage.parts]
    for passage in passages:
        head = Text.from_markup(passage.head).plain
        for part in passage.parts:
            if isinstance(part.content, Table):
                yield from _differences(compared, part.content, chances)
                continue
            words = Text.from_markup(part.content).plain
            yield Shown("page", "is", None, None, "", head or "page", "", words, "run --against", run=runs[1])
            if head == "Changed verdicts:" and words != "none.":
                for label, turn in re.findall(r"“([^”]*)” ([a-z ]+ → [a-z ]+)", words):
                    yield from TwoRunClaims(*runs, "run --against", words).verdicts(by_label[label], turn)


def _differences(compared: Comparison, table: Table, chances: Sequence[str]) -> Iterator[Shown]:
    """Read the table of both runs. chances: the passages that name the objectives whose difference may be chance"""
    judged = {"cost_per_1000_usd", *(verdict.metric.name for verdict in compared.after.verdicts)}
    by_label = {one.label: one for one in compared.all if one.metric.name in judged}
    columns = [[Text.from_markup(str(cell)).plain for cell in column.cells] for column in table.columns]
    for label, sides, change in zip(*columns, strict=True):
        metric = by_label[label].metric
        pair = TwoRunClaims(compared.before.run_hash, compared.after.run_hash, "run --against", f"{label}; {sides}; {change}.")
        yield from pair.figures(metric, *sides.split(" → "))
        if isinstance(by_label[label], Difference):
            yield pair.change(metric, change)
            yield pair.chance(metric, beyond=change != UNCHANGED and not any(f"“{label}”" in words for words in chances))


_TAKEAWAY = re.compile(r"<h3>(.*?)</h3>", re.DOTALL)
REPORT_ROW = re.compile(r"<tr>(<td>.*?)</tr>", re.DOTALL)
REPORT_CELL = re.compile(r"<td>(.*?)</td>", re.DOTALL)
_SPAN = re.compile(r"<span[^>]*>(.*?)</span>(?:<br>(.*))?", re.DOTALL)


def report_claims(result: Result) -> Iterator[Shown]:
    """Read the table of verdicts in the report, with the reason and the advice beneath each."""
    rows = REPORT_ROW.findall(verdict_table(result))
    for verdict, row in zip(result.verdicts, rows, strict=True):
        _, asked, reached, interval, last = (cell for cell in REPORT_CELL.findall(row))
        found = _SPAN.match(last)
        assert found is not None
        standing, value, bounds, target = (unescape(text) for text in (found.group(1), reached, interval, asked))
        yield from verdict_claims(verdict, standing, value, bounds, target, "report")
        if found.group(2):
            words = unescape(found.group(2))
            yield Shown("report", "is", None, None, "", verdict.objective.label, "", words, "report")


def takeaway_claims(result: Result, first: Trace) -> Iterator[Shown]:
    """Read the takeaway of every chart of the report, and its notes. first: the first replication, which the charts show."""
    takeaways = _TAKEAWAY.findall(report(result, first))
    for words in takeaways:
        yield Shown("chart", "is", None, None, "", words, "", unescape(words), "report, chart")


def chart_claims(result: Result) -> Iterator[Shown]:
    """Read the takeaways of the charts that split a whole: the cost, and who is missed."""
    scenario = result.plan.scenario
    if "cost_per_1000_usd" in result.metrics and result.costs:
        words = cost_split(result).takeaway
        if found := re.search(r" cost ([\d.,]+ USD)", words):
            (total,) = numbers_in(found.group(1), "USD")
            yield Shown("cost_per_1000_usd", "is", total.value, None, "USD", ALL, "", words, "chart of the cost", total.slack)
    if scenario.population:
        words = journeys(result, positive=True).takeaway
        found = re.search(r"there are ([\d.,]+) .*; ([\d.,]+) of them \(([\d.,]+)%\)", words)
        if found:
            percent = numbers_in(found.group(3), "")[0]
            share, slack = 1 - percent.value / 100, percent.slack / 100
            yield Shown("sensitivity", "is", share, None, "share", ALL, "", words, "who is missed", slack)


def count_claims(result: Result) -> Iterator[Shown]:
    """Read the sentence that counts the objectives met."""
    challenge = challenge_of(result)
    yield Shown("sense", "is", None, None, "", "sense", "", result.sense, "meaning of an interval")
    if challenge is not None:
        for ground in challenge.grounds:
            yield Shown("ground", "is", None, None, "", "ground", "", ground.sentence, "evidence of the verdicts")
        if result.outside_brief:
            surface = "outside the brief"
            for one in result.verdicts:
                population = population_of(one)
                yield Shown(one.metric.name, "verdict", "void", None, "", population, "", challenge.sentence, surface)
            return
        yield Shown("objectives", "is", _counted(challenge.met), None, "", "met", "", challenge.sentence, "count of objectives")
    met = sum(verdict.standing == "met" for verdict in result.verdicts)
    yield Shown("objectives", "is", float(met), None, "", "met", "", "", "card")


_WORDS = ("none", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")


def _counted(words: str) -> float:
    first, *rest = words.lower().removesuffix(".").split()
    if first in ("met", "not"):
        return 1.0 if first == "met" else 0.0
    first = {"all": rest[0], "both": "two"}.get(first, first)
    return float(_WORDS.index(first) if first in _WORDS else int(first))


def bar_claims(result: Result) -> Iterator[Shown]:
    """Read the sentence that a screen reader speaks about the verdicts."""
    for verdict, words in zip(result.verdicts, verdicts_sentence(result.verdicts).removesuffix(".").split("; "), strict=True):
        standing = words.rpartition(", ")[2]
        yield Shown(verdict.metric.name, "verdict", standing, None, "", population_of(verdict), "", words, "spoken verdicts")
