"""Claims of the surfaces that set two runs side by side: the effects of curveballs, and the differences of two designs."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple

from simulator.case.outputs import Metric
from simulator.explain.claims import said
from simulator.metrics.comparisons import UNCHANGED, Comparison
from simulator.metrics.summary import Summary
from simulator.practice.curveball_effects import Toll, largest_toll, metres_taken, summed_up, toll_rows, tolls
from tests.readers.run_reader import figure_claim, group_of, shown_numbers
from tests.readers.shown import Shown


class TwoRunClaims(NamedTuple):
    """The claims of one surface about two runs, by their hashes; words: the sentence that they are read from."""

    before: str
    after: str
    surface: str
    words: str

    def figures(self, metric: Metric, *sides: str) -> Iterator[Shown]:
        """Read the figure of each run, or the words that say that there is none."""
        for run, shown in zip((self.before, self.after), sides, strict=True):
            numbers = shown_numbers(shown, metric.unit)[:1]
            one = figure_claim(metric.name, metric.unit, group_of(metric), numbers, self.words, self.surface)
            yield replace(one, run=run)

    def verdicts(self, metric: Metric, shown: str) -> Iterator[Shown]:
        """Read `met → not met`, or `still met`."""
        before, _, after = shown.removeprefix("still ").partition(" → ")
        for run, standing in ((self.before, before), (self.after, after or before)):
            group = group_of(metric)
            yield Shown(metric.name, "verdict", standing, None, metric.unit, group, "", self.words, self.surface, run=run)

    def chance(self, metric: Metric, beyond: bool) -> Shown:
        """Claim that a difference is beyond chance, or that it may be chance."""
        one = Shown(metric.name, "beyond chance", beyond, None, metric.unit, group_of(metric), "", self.words, self.surface)
        return replace(one, run=self.after, against=self.before)

    def change(self, metric: Metric, size: str, interval: str = "") -> Shown:
        """Read a change with its interval; the interval of no change at all may be left out."""
        shown = "0" if size == UNCHANGED else f"{size} ({interval})" if interval else size
        numbers = shown_numbers(shown, metric.unit)
        bounds = (numbers[1].value, numbers[2].value) if len(numbers) == 3 else None
        slack = max((one.slack for one in numbers), default=0.0)
        value = numbers[0].value if numbers else None
        return Shown(
            metric.name, "differs", value, bounds, metric.unit, group_of(metric), "", self.words, self.surface, slack,
            self.after, self.before,
        )  # fmt: skip


def toll_claims(calm: Summary, struck: Summary) -> Iterator[Shown]:
    """Read what is shown of the effects of curveballs: a table with both runs, and the sentences."""
    paid = tolls(calm, struck)
    for toll, (_, row) in zip(paid, toll_rows(paid).iterrows(), strict=True):
        metric = toll.after.metric
        words = "; ".join(row)
        pair = TwoRunClaims(calm.run_hash, struck.run_hash, "curveballs", words)
        yield from pair.figures(metric, row["calm"], row["struck"])
        yield from pair.verdicts(metric, row["verdict"])
        if row["change"]:
            size = row["change"].removesuffix(" (not significantly different)")
            yield pair.change(metric, size, row["95% interval"])
            yield pair.chance(metric, beyond=size == row["change"] != UNCHANGED)
    metres = metres_taken(calm, struck)
    for words in (summed_up(struck, paid), said(largest_toll(paid)), metres.words if metres else ""):
        if words:
            yield Shown("curveballs", "is", None, words=words, surface="curveballs", run=struck.run_hash)
    yield from _named(TwoRunClaims(calm.run_hash, struck.run_hash, "curveballs, sentence", summed_up(struck, paid)), paid)


def _named(pair: TwoRunClaims, paid: Sequence[Toll]) -> Iterator[Shown]:
    """Read which objectives a paragraph says to have changed by more than chance; it leaves out those that have not."""
    for toll in paid:
        label = re.escape(f"“{toll.after.objective.label}”: ")
        found = re.search(rf"{label}(.*?), (still [a-z ]+|[a-z ]+ → [a-z ]+)\.", pair.words)
        beyond = found is not None and not found[1].endswith("not significantly different")
        if toll.change is not None:
            yield pair.chance(toll.after.metric, beyond)
        if found:
            yield from pair.verdicts(toll.after.metric, found[2])


def comparison_claims(compared: Comparison) -> Iterator[Shown]:
    """Read the table of differences of two designs, and its lines in words."""
    runs = compared.before.run_hash, compared.after.run_hash
    for one, (_, row) in zip(compared.all, compared.rows.iterrows(), strict=True):
        words = "; ".join(row)
        pair = TwoRunClaims(*runs, "differences", words)
        yield from pair.figures(one.metric, row["before"], row["after"])
        if row["change"]:
            yield pair.change(one.metric, row["change"], row["95% interval"])
            yield pair.chance(one.metric, beyond=row["verdict"] == "differs")
    for one in compared.all:
        words = f"“{one.label}”: {one.line}."
        yield Shown(
            "differences", "is", None, None, "", one.label, "", f"“{one.label}”: {one.line}.", "differences", run=runs[1]
        )
