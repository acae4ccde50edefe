"""`casesim audit`: what an audit of the cleared would show after some days, and its price."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Annotated

import pandas as pd
import typer
from rich.table import Table

from simulator.case.audit_gate import audit_gate
from simulator.case.load import load
from simulator.cli.exits import UsageError, say, table_console
from simulator.cli.options import AsJson, Case, Picks, Replications, Seed, read_picks
from simulator.cli.progress_bars import result_in_processes
from simulator.engine.plan import compile_plan
from simulator.experiments.audit_words import audit_sentences, audit_table
from simulator.metrics.cleared_audits import SHARES, cleared_flow


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
    forecasts = [flow.audited(one, days) for one in sorted({*SHARES, share})]
    if as_json:
        typer.echo(json.dumps({"flow": asdict(flow), "audits": [asdict(one) for one in forecasts]}, indent=2, allow_nan=False))
        return
    for sentence in audit_sentences(flow.audited(share, days), gate.positives):
        say(sentence)
    _print(audit_table(forecasts, gate.positives))


def _print(rows: pd.DataFrame) -> None:
    table = Table(*rows.columns, box=None, pad_edge=False)
    for row in rows.itertuples(index=False):
        table.add_row(*row)
    table_console().print(table)
