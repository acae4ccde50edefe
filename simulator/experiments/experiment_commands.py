"""`casesim audit` and `casesim canary`: what the field would show of a design, and of two designs that share the people."""

from __future__ import annotations

import json
from collections.abc import Hashable
from dataclasses import asdict
from typing import Annotated, Any

import pandas as pd
import typer
from rich.table import Table

from simulator.case.exhibits import audit_gate
from simulator.case.load import load
from simulator.cli.exits import UsageError, say, table_console
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


def audit(
    case: Case,
    picks: Picks = None,
    share: Annotated[float, typer.Option(min=0.0001, max=1, help="the share of the cleared that is read")] = 0.02,
    days: Annotated[float, typer.Option(min=1, max=3650, help="days of the audit")] = 30,
    replications: Replications = None,
    as_json: AsJson = False,
    seed: Seed = 0,
) -> None:
    """Run a design, and print what an audit of the cleared would find, report and cost."""
    scenario = load(case)
    gate = audit_gate(scenario)
    if gate is None:
        raise UsageError(f"{case}: an audit needs a gate by chance that sends a tagged share to people, and the rest to an end")
    flow = cleared_flow(result_in_processes(compile_plan(scenario, read_picks(picks, scenario)), seed, replications))
    if flow is None:
        raise UsageError(f"{case}: no case of both classes was read in this run, so an audit has nothing to rest on")
    forecasts = [flow.audited(read_share, days) for read_share in sorted({*SHARES, share})]
    if as_json:
        typer.echo(
            json.dumps(
                {"flow": asdict(flow), "audits": [asdict(forecast) for forecast in forecasts]}, indent=2, allow_nan=False
            )
        )
        return
    for sentence in audit_sentences(flow.audited(share, days), gate.positives):
        say(sentence)
    _print_frame(audit_table(forecasts, gate.positives))


def canary(
    case: Case,
    picks: Picks = None,
    against: Against = None,
    share: Annotated[float, typer.Option(min=0.001, max=0.999, help="the share of the people who get the new design")] = 0.1,
    days: Annotated[int, typer.Option(min=2, max=365, help="days of daily looks")] = 30,
    experiments: Annotated[int, typer.Option(min=100, max=10_000, help="experiments of each kind")] = EXPERIMENTS,
    replications: Replications = None,
    as_json: AsJson = False,
    seed: Seed = 0,
) -> None:
    """Give a share of the people the design of --set, the others that of --against, and look every day."""
    scenario = load(case)
    if scenario.population is None:
        raise UsageError(f"{case}: a canary compares positives found, and this case has no `population`")
    designs = read_picks(against, scenario, "--against"), read_picks(picks, scenario)
    if compile_plan(scenario, designs[0]).design == compile_plan(scenario, designs[1]).design:
        first = next(iter(scenario.choices), "CHOICE")
        raise UsageError(f"{case}: both arms have the same design; say what is new, as in --set {first}=...")
    usual, new = (result_in_processes(compile_plan(scenario, design), seed, replications) for design in designs)
    shown = Canary(people_a_day(usual), share, days)
    reports = [canary_report(of, shown, experiments, seed) for of in field_shares(usual, new)]
    if as_json:
        found = [asdict(report.of) | {"tests": _records(report.table())} for report in reports]
        typer.echo(json.dumps({"canary": asdict(shown), "shares": found}, indent=2, allow_nan=False))
        return
    for report in reports:
        for sentence in canary_sentences(report):
            say(sentence)
        _print_frame(canary_table(report))


def _records(rows: pd.DataFrame) -> list[dict[Hashable, Any]]:
    return rows.astype(object).where(rows.notna(), None).to_dict("records")


def _print_frame(rows: pd.DataFrame) -> None:
    table = Table(*rows.columns, box=None, pad_edge=False)
    for row in rows.itertuples(index=False):
        table.add_row(*row)
    table_console().print(table)
