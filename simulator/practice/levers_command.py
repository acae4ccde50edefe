"""`casesim levers`: every choice one step either way, with its effect on the objectives."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, wait
from dataclasses import dataclass
from typing import Annotated, Any

import typer
from rich.markup import escape
from rich.measure import Measurement
from rich.table import Column, Table

from simulator.case.load import load
from simulator.cli.exits import answer, counting_bar, table_console
from simulator.cli.options import AsJson, Case, RunOptions
from simulator.engine.compiled_plan import Plan
from simulator.engine.plan import compile_plan
from simulator.explain.judged_changes import TRIALS, JudgedChange
from simulator.metrics.replications import run_replications
from simulator.metrics.summary import Verdict, summary_of
from simulator.practice.run_page import design_words
from simulator.processes import ProcessPool
from simulator.sweeps.levers import Levers, LeverSearch
from simulator.units import counted, upper_first

#: A table breaks words on a terminal with less than this part of the columns that it would fill.
_NARROW = 0.5

#: More columns than a table fills.
_ENDLESS = 10_000


_TRIALS = "replications of each step, at most those of the design"


@dataclass(frozen=True, kw_only=True)
class LeversCommand:
    """Try every choice one step either way from a design, and print what moves its objectives."""

    case: Case
    options: RunOptions
    trials: Annotated[int, typer.Option(min=2, max=1000, help=_TRIALS)] = TRIALS
    as_json: AsJson = False

    def run(self) -> None:
        scenario = load(self.case)
        plan = compile_plan(scenario, *self.options.design(scenario))
        tried = _tried_levers(plan, self.options.seed, self.options.replications, self.trials)
        answer(self.as_json, tried.to_json(), levers_parts(tried))


def _tried_levers(plan: Plan, seed: int, replications: int | None, trials: int) -> Levers:
    with ProcessPool() as pool:
        with counting_bar("replications", replications or plan.scenario.run.replications) as report:
            base = summary_of(plan, seed, run_replications(plan, seed, replications, pool, report))
        search = LeverSearch(base, pool.submit, trials)
        with counting_bar("steps", len(search.steps)) as report:
            while search.running:
                wait([future for future in search.futures if not future.done()], return_when=FIRST_COMPLETED)
                search.so_far()
                report(search.settled, len(search.steps))
    return search.so_far()


def levers_parts(levers: Levers) -> Iterator[Any]:
    """Yield the design's verdicts, then a row a step with a column an objective; on a narrow terminal, a paragraph a step."""
    out, base = table_console(), levers.base
    count = counted(base.replications, "replication")
    yield f"[bold]{escape(base.plan.scenario.title)}[/bold], {count}, {levers.trials} of each step, seed {base.seed}"
    yield f"[dim]{escape(design_words(base.plan))}[/dim]"
    yield escape(levers.sentence)
    table = _levers_table(levers)
    if out.width < _NARROW * Measurement.get(out, out.options.update(max_width=_ENDLESS), table).maximum:
        yield from _paragraphs(levers)
    else:
        yield table
    for step in levers.refused:
        yield f"[yellow]cannot run[/yellow] {escape(f'{step.words}: {step.refused}')}"
    yield f"[dim]{escape(levers.sense)}[/dim]"


def _paragraphs(levers: Levers) -> Iterator[str]:
    """Yield each step with the objectives that it changes beyond chance; steps that change none stand together."""
    verdicts = [f"{escape(f'“{verdict.objective.label}”')} {_now(verdict)}" for verdict in levers.base.verdicts]
    yield f"[bold]This design[/bold]: {'; '.join(verdicts)}."
    idle = defaultdict[str, dict[str, list[str]]](lambda: defaultdict(list))
    for lever in levers.rows:
        if lever.words:
            start, _, end = lever.step.words.rpartition(" → ")
            idle[lever.words][start].append(end)
            continue
        shown = [effect for effect in lever.effects if effect.turns or (effect.real and not effect.slight)]
        shown.sort(key=lambda effect: not effect.breaks)  # the price is said before the gain
        real = [f"{escape(f'“{effect.label}”')} {_effect_words(effect)}" for effect in shown]
        yield f"[bold]{escape(lever.step.words)}[/bold]: {'; '.join(real)}."
    for words, ends in idle.items():
        steps = "; ".join(f"{start} → {' / '.join(to)}" for start, to in ends.items())
        yield f"[bold]{upper_first(words)}[/bold]: {escape(steps)}."


def _levers_table(levers: Levers) -> Table:
    base = levers.base
    table = Table("step", *(Column(verdict.objective.label, overflow="fold") for verdict in base.verdicts), "", box=None)
    table.add_row("[bold]this design[/bold]", *(_now(verdict) for verdict in base.verdicts))
    for lever in levers.rows:
        table.add_row(escape(lever.step.words), *(_effect_words(effect) for effect in lever.effects), lever.words)
    return table


def _now(verdict: Verdict) -> str:
    return escape("no figure" if verdict.estimate is None else f"{verdict.reached}, {verdict.standing}")


def _effect_words(effect: JudgedChange) -> str:
    changes = effect.change if effect.outcome == "changes" else None
    words = escape(changes.with_interval if changes else effect.words)
    words += f", {effect.turn}" if effect.turns else ""
    return words if effect.real else f"[dim]{words}[/dim]"
