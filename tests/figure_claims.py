"""Claims of the figures that surfaces show in cells: of cards and tables, of `--json`, of the report and of the printed page.

A cell is read as numbers, with the rounding of its digits, so that an error of rounding or of a unit stays in the claim.
Sentences are read by their slots, in `slot_claims`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from html import unescape
from math import inf
from typing import Any, NamedTuple

from rich.table import Table
from rich.text import Text

from simulator.case.outputs import Metric
from simulator.engine.run_trace import Trace
from simulator.explain.claims import ALL
from simulator.explain.result import Result, challenge_of
from simulator.metrics.comparisons import UNCHANGED, Comparison, Difference
from simulator.metrics.summary import Summary, Verdict, metric_rows
from simulator.panels.verdict_bar import bar_content
from simulator.practice.curveball_effects import toll_rows, tolls
from simulator.practice.report import report, verdict_table
from simulator.practice.run_page import difference_page, run_page
from simulator.sweeps.levers import Levers
from tests.shown import Shown
from tests.spoken_numbers import Spoken, numbers_in, trio_in

#: The beginning of a figure as it is shown. Anything else says why there is none.
_NUMERIC = re.compile(r"(?:just |under |over )*[−+-]?(?:\d|unbounded)", re.IGNORECASE)


def group_of(metric: Metric) -> str:
    """Name the population of a metric: a group, or every request."""
    return str(metric.group.key) if metric.group else ALL


def shown_numbers(shown: str, unit: str) -> list[Spoken]:
    """Read a figure that is shown with or without its interval; empty where words say that there is none."""
    return trio_in(shown, unit) if _NUMERIC.match(shown) else []


def of(metric: Metric, relation: str, value: float | str | bool | None, words: str, surface: str, run: str = "") -> Shown:
    return Shown(metric.name, relation, value, None, metric.unit, group_of(metric), words=words, surface=surface, run=run)


def figure_claim(metric: Metric, shown: Sequence[Spoken], words: str, surface: str, run: str = "") -> Shown:
    """Claim a figure as it was shown, with or without its interval; nothing shown says that there is none."""
    claim = of(metric, "is", shown[0].value if shown else None, words, surface, run)
    bounds = (shown[1].value, shown[2].value) if len(shown) == 3 else None
    return replace(claim, interval=bounds, slack=max((one.slack for one in shown), default=0.0))


def verdict_claims(verdict: Verdict, standing: str, reached: str, interval: str, asked: str, surface: str) -> Iterator[Shown]:
    """Read what a surface shows of one objective: its standing, its figure with the interval, and its bound."""
    metric, label = verdict.metric, verdict.objective.label
    bound = numbers_in(asked, metric.unit)[0]
    allowed = (bound.value, inf) if asked.startswith(("at least ", "≥ ")) else (-inf, bound.value)
    asks = of(metric, "asks", bound.value, f"{label}: {asked}.", surface)
    yield replace(asks, interval=allowed, slack=bound.slack)
    yield of(metric, "verdict", standing, f"{label}: {standing}.", surface)
    shown = f"{reached} ({interval})" if interval else reached
    yield figure_claim(metric, trio_in(shown, metric.unit), f"{label}; {shown}.", surface)


# ---- a run


def card_claims(result: Result) -> Iterator[Shown]:
    """Read the card of each verdict: in its long form, with the unit said once, and on the bar of verdicts."""
    for verdict, chip in zip(result.verdicts, bar_content(result.verdicts)["chips"], strict=True):
        reached, _, bounds = verdict.with_interval.partition(" (")
        yield from verdict_claims(verdict, verdict.standing, verdict.reached, verdict.interval, verdict.requirement, "card")
        yield from verdict_claims(
            verdict, verdict.standing, reached, bounds.removesuffix(")"), verdict.requirement, "card, unit once"
        )
        yield from verdict_claims(verdict, chip["words"], chip["value"], "", chip["asked"], "bar of verdicts")


def metric_claims(result: Result) -> Iterator[Shown]:
    """Read the table of every figure, as the page and the report show it; a metric without a figure is a claim too."""
    for _, row in metric_rows(result).iterrows():
        metric, figure = result.metric(row["name in a file"]), f"{row['value']} ({row['95% interval']})"
        yield figure_claim(metric, trio_in(figure, metric.unit), f"{row['what it is']}; {figure}.", "every figure")
    for name, why in result.missing.items():
        yield of(result.metric(name), "is", None, f"{result.metric(name).label}; {why}.", "every figure")


def json_claims(result: Result, content: Mapping[str, Any]) -> Iterator[Shown]:
    """Read the object that `casesim run --json` prints."""
    for name, one in content["metrics"].items():
        claim = of(result.metric(name), "is", one["value"], "", "--json")
        yield replace(claim, interval=(one["low"], one["high"]), unit=one["unit"])
    for verdict, one in zip(result.verdicts, content["objectives"], strict=True):
        at_least = one.get("at_least")
        bound = one["at_most"] if at_least is None else at_least
        allowed = (-inf, bound) if at_least is None else (bound, inf)
        yield replace(of(verdict.metric, "asks", bound, "", "--json"), subject=one["metric"], interval=allowed)
        yield replace(of(verdict.metric, "verdict", one["verdict"], "", "--json"), subject=one["metric"])
        bounds = (one["low"], one["high"]) if "low" in one else None
        yield replace(of(verdict.metric, "is", one.get("value"), "", "--json objectives"), interval=bounds)
    for reason in content.get("reasons", []):
        move = reason.get("move", {})
        if "change" in move:
            metric, bounds = result.metric(move["metric"]), (move["low"], move["high"])
            claim = of(metric, "would change", move["change"], "", "--json advice")
            yield replace(claim, population=move["told"], interval=bounds)


def count_claims(result: Result) -> Iterator[Shown]:
    """Count the objectives that are met, and read the sentences beside that count."""
    yield Shown("sense", "is", None, population="sense", words=result.sense, surface="meaning of an interval")
    challenge = challenge_of(result)
    for ground in challenge.grounds if challenge else ():
        yield Shown("ground", "is", None, population="ground", words=ground.sentence, surface="evidence of the verdicts")
    if not result.outside_brief:
        met = sum(verdict.standing == "met" for verdict in result.verdicts)
        yield Shown("objectives", "is", float(met), population="met", surface="card")


def page_claims(result: Result) -> Iterator[Shown]:
    """Read the page of `casesim run`: its table of verdicts, and every sentence under its head."""
    for passage in run_page(result, None):
        for part in passage.parts:
            if isinstance(part.content, Table):
                yield from _table_claims(result.verdicts, part.content)
            else:
                words, head = Text.from_markup(part.content).plain, Text.from_markup(passage.head).plain
                yield Shown("page", "is", None, population=head or "page", words=words, surface="casesim run")


def _columns(table: Table) -> list[list[str]]:
    return [[Text.from_markup(str(cell)).plain for cell in column.cells] for column in table.columns]


def _table_claims(verdicts: list[Verdict], table: Table) -> Iterator[Shown]:
    for verdict, (_, shown, asked, standing) in zip(verdicts, zip(*_columns(table), strict=True), strict=True):
        reached, _, bounds = shown.partition(" (")
        yield from verdict_claims(verdict, standing, reached, bounds.removesuffix(")"), asked, "casesim run")


#: A row and a cell of the report's tables.
ROW, CELL = re.compile(r"<tr>(<td>.*?)</tr>", re.DOTALL), re.compile(r"<td>(.*?)</td>", re.DOTALL)
_SPAN = re.compile(r"<span[^>]*>(.*?)</span>(?:<br>(.*))?", re.DOTALL)


def report_claims(result: Result) -> Iterator[Shown]:
    """Read the table of verdicts in the report, with the reason and the advice beneath each."""
    for verdict, row in zip(result.verdicts, ROW.findall(verdict_table(result)), strict=True):
        _, asked, reached, interval, last = map(unescape, CELL.findall(row))
        found = _SPAN.match(last)
        assert found is not None
        yield from verdict_claims(verdict, found[1], reached, interval, asked, "report")
        if found[2]:
            yield Shown("report", "is", None, population=verdict.objective.label, words=found[2], surface="report")


_TAKEAWAY = re.compile(r"<h3>(.*?)</h3>", re.DOTALL)


def takeaway_claims(result: Result, first: Trace) -> Iterator[Shown]:
    """Read the takeaway of every chart of the report, and its notes. first: the first replication, which the charts show."""
    for words in map(unescape, _TAKEAWAY.findall(report(result, first))):
        yield Shown("chart", "is", None, population=words, words=words, surface="report, chart")


def lever_claims(levers: Levers) -> Iterator[Shown]:
    """Read the table of levers: the change of each objective by each step, and the steps that help."""
    for lever in levers.rows:
        for effect in lever.effects:
            metric, step = effect.before.metric, lever.step.words
            if effect.outcome == "changes" and effect.change:
                size = f"{effect.change.size} ({effect.change.interval})"
                yield from change_by(metric, step, size, f"{step}: {size}.", "levers")
                yield chance_of_step(metric, step, effect.real, f"{step}.", "levers, chance")
            if effect.gain > 0:
                yield of(metric, "helps", step, f"{step}: {effect.words}.", "levers")
    yield Shown("levers", "is", None, words=levers.sentence, surface="levers")
    yield Shown("levers", "is", None, words=levers.sense, surface="levers")


def change_by(metric: Metric, step: str, size: str, words: str, surface: str) -> Iterator[Shown]:
    """Read the change of a metric by a step, with its interval."""
    if len(shown := trio_in(size.replace("95% interval ", ""), metric.unit)) == 3:
        claim = of(metric, "would change", shown[0].value, words, surface)
        bounds, slack = (shown[1].value, shown[2].value), max(one.slack for one in shown)
        yield replace(claim, population=step, interval=bounds, slack=slack)


def chance_of_step(metric: Metric, step: str, beyond: bool, words: str, surface: str) -> Shown:
    return Shown(metric.name, "beyond chance", beyond, population=step, words=words, surface=surface)


# ---- two runs


class TwoRuns(NamedTuple):
    """The claims of one surface about two runs, by their hashes; words: the row or the sentence that they are read from."""

    before: str
    after: str
    surface: str
    words: str

    def figures(self, metric: Metric, *sides: str) -> Iterator[Shown]:
        """Read the figure of each run, or the words that say that there is none."""
        for run, shown in zip((self.before, self.after), sides, strict=True):
            yield figure_claim(metric, shown_numbers(shown, metric.unit)[:1], self.words, self.surface, run)

    def verdicts(self, metric: Metric, *standings: str) -> Iterator[Shown]:
        for run, standing in zip((self.before, self.after), standings, strict=True):
            yield of(metric, "verdict", standing, self.words, self.surface, run)

    def chance(self, metric: Metric, beyond: bool) -> Shown:
        """Claim that a difference is beyond chance, or that it may be chance."""
        return replace(of(metric, "beyond chance", beyond, self.words, self.surface, self.after), against=self.before)

    def change(self, metric: Metric, size: str, interval: str = "") -> Shown:
        """Read a change with its interval; the interval of no change at all may be left out."""
        numbers = shown_numbers("0" if size == UNCHANGED else f"{size} ({interval})" if interval else size, metric.unit)
        claim = figure_claim(metric, numbers, self.words, self.surface, self.after)
        return replace(claim, relation="differs", against=self.before)


def standings_of(turn: str) -> list[str]:
    """Read `met → not met`, or `still met`."""
    return turn.split(" → ") if "→" in turn else [turn.removeprefix("still ")] * 2


def toll_table(calm: Summary, struck: Summary) -> Iterator[Shown]:
    """Read the table of the effects of curveballs."""
    paid = tolls(calm, struck)
    for toll, (_, row) in zip(paid, toll_rows(paid).iterrows(), strict=True):
        metric, pair = toll.after.metric, TwoRuns(calm.run_hash, struck.run_hash, "curveballs", "; ".join(row))
        yield from pair.figures(metric, row["calm"], row["struck"])
        yield from pair.verdicts(metric, *standings_of(row["verdict"]))
        if row["change"]:
            size = row["change"].removesuffix(" (not significantly different)")
            yield pair.change(metric, size, row["95% interval"])
            yield pair.chance(metric, beyond=size == row["change"] != UNCHANGED)


def comparison_table(compared: Comparison) -> Iterator[Shown]:
    """Read the table of differences of two designs, and its lines in words."""
    runs = compared.before.run_hash, compared.after.run_hash
    for one, (_, row) in zip(compared.all, compared.rows.iterrows(), strict=True):
        pair = TwoRuns(*runs, "differences", "; ".join(row))
        yield from pair.figures(one.metric, row["before"], row["after"])
        if row["change"]:
            yield pair.change(one.metric, row["change"], row["95% interval"])
            yield pair.chance(one.metric, beyond=row["verdict"] == "differs")
        line = f"“{one.label}”: {one.line}."
        yield Shown("differences", "is", None, population=one.label, words=line, surface="differences", run=runs[1])


def difference_claims(result: Result, compared: Comparison) -> Iterator[Shown]:
    """Read the page of differences of `casesim run --against`: the table of both runs, and every sentence."""
    passages = difference_page(result, compared)
    chances = [str(part.content) for passage in passages if "May be chance" in passage.head for part in passage.parts]
    for passage in passages:
        head = Text.from_markup(passage.head).plain
        for part in passage.parts:
            if isinstance(part.content, Table):
                yield from _differences(compared, part.content, chances)
                continue
            words, run = Text.from_markup(part.content).plain, compared.after.run_hash
            yield Shown("page", "is", None, population=head or "page", words=words, surface="run --against", run=run)
            for verdict in result.verdicts if head == "Changed verdicts:" else ():
                quoted, pair = f"“{verdict.objective.label}” ", TwoRuns(compared.before.run_hash, run, "run --against", words)
                turns = [turn for turn in words.removesuffix(".").split("; ") if turn.startswith(quoted)]
                standings = standings_of(turns[0].removeprefix(quoted)) if turns else []
                yield from pair.verdicts(verdict.metric, *standings) if turns else ()


def _differences(compared: Comparison, table: Table, chances: Sequence[str]) -> Iterator[Shown]:
    """Read the table of both runs. chances: the passages that name the objectives whose difference may be chance"""
    judged = {"cost_per_1000_usd", *(verdict.metric.name for verdict in compared.after.verdicts)}
    by_label = {one.label: one for one in compared.all if one.metric.name in judged}
    for label, sides, change in zip(*_columns(table), strict=True):
        metric, words = by_label[label].metric, f"{label}; {sides}; {change}."
        pair = TwoRuns(compared.before.run_hash, compared.after.run_hash, "run --against", words)
        yield from pair.figures(metric, *sides.split(" → "))
        if isinstance(by_label[label], Difference):
            yield pair.change(metric, change)
            yield pair.chance(metric, beyond=change != UNCHANGED and not any(f"“{label}”" in words for words in chances))
