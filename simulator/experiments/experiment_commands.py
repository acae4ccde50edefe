"""`casesim audit` and `casesim canary`: what the field would show of a design, and of two designs that share the people."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import asdict, dataclass
from itertools import chain
from typing import Annotated, Any

import pandas as pd
import typer
from rich.table import Table

from simulator.case.exhibits import audit_gate
from simulator.case.load import load
from simulator.cli.exits import Line, UsageError, answer, table_of
from simulator.cli.options import Against, AsJson, Case, Picks, Replications, Seed, read_picks, result_in_processes
from simulator.engine.plan import compile_plan
from simulator.experiments.canary import (
    EXPERIMENTS,
    Canary,
    canary_report,
    canary_sentences,
    canary_table,
    field_shares,
    people_a_day,
)
from simulator.experiments.cleared_audits import SHARES, audit_sentences, audit_table, cleared_flow


@dataclass(frozen=True)
class AuditOptions:
    """A design, and the share of its cleared that is read."""

    picks: Picks = None
    share: Annotated[float, typer.Option(min=0.0001, max=1, help="the share of the cleared that is read")] = 0.02
    days: Annotated[float, typer.Option(min=1, max=3650, help="days of the audit")] = 30
    replications: Replications = None
    as_json: AsJson = False
    seed: Seed = 0


def audit(case: Case, options: AuditOptions) -> None:
    """Run a design, and print what an audit of the cleared would find, report and cost."""
    scenario = load(case)
    gate = audit_gate(scenario)
    if gate is None:
        raise UsageError(f"{case}: an audit needs a gate by chance that sends a tagged share to people, and the rest to an end")
    plan, share = compile_plan(scenario, read_picks(options.picks, scenario)), options.share
    flow = cleared_flow(result_in_processes(plan, options.seed, options.replications))
    if flow is None:
        raise UsageError(f"{case}: no case of both classes was read in this run, so an audit has nothing to rest on")
    forecasts = [flow.audited(read_share, options.days) for read_share in sorted({*SHARES, share})]
    record = {"flow": asdict(flow), "audits": [asdict(forecast) for forecast in forecasts]}
    words = audit_sentences(flow.audited(share, options.days), gate.positives)
    answer(options.as_json, record, [*map(Line, words), _frame(audit_table(forecasts, gate.positives))])


@dataclass(frozen=True)
class CanaryOptions:
    """Two designs, and the share of the people who get the new one."""

    picks: Picks = None
    against: Against = None
    share: Annotated[float, typer.Option(min=0.001, max=0.999, help="the share of the people who get the new design")] = 0.1
    days: Annotated[int, typer.Option(min=2, max=365, help="days of daily looks")] = 30
    experiments: Annotated[int, typer.Option(min=100, max=10_000, help="experiments of each kind")] = EXPERIMENTS
    replications: Replications = None
    as_json: AsJson = False
    seed: Seed = 0


def canary(case: Case, options: CanaryOptions) -> None:
    """Give a share of the people the design of --set, the others that of --against, and look every day."""
    scenario = load(case)
    if scenario.population is None:
        raise UsageError(f"{case}: a canary compares positives found, and this case has no `population`")
    designs = read_picks(options.against, scenario, "--against"), read_picks(options.picks, scenario)
    if compile_plan(scenario, designs[0]).design == compile_plan(scenario, designs[1]).design:
        first = next(iter(scenario.choices), "CHOICE")
        raise UsageError(f"{case}: both arms have the same design; say what is new, as in --set {first}=...")
    plans = [compile_plan(scenario, design) for design in designs]
    usual, new = (result_in_processes(plan, options.seed, options.replications) for plan in plans)
    shown = Canary(people_a_day(usual), options.share, options.days)
    reports = [canary_report(of, shown, options.experiments, options.seed) for of in field_shares(usual, new)]
    shares = [asdict(report.of) | {"tests": _records(report.table())} for report in reports]
    parts = [[*map(Line, canary_sentences(report)), _frame(canary_table(report))] for report in reports]
    answer(options.as_json, {"canary": asdict(shown), "shares": shares}, chain.from_iterable(parts))


def _records(rows: pd.DataFrame) -> list[dict[Hashable, Any]]:
    return rows.astype(object).where(rows.notna(), None).to_dict("records")


def _frame(rows: pd.DataFrame) -> Table:
    return table_of(rows.itertuples(index=False), *rows.columns, pad_edge=False)
