"""`casesim audit` and `casesim canary`: what the field would show of a design, and of two designs that share the people."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import asdict, dataclass
from itertools import chain
from typing import Annotated, Any

import pandas as pd
import typer

from simulator.case.exhibits import audit_gate
from simulator.case.load import load
from simulator.cli.exits import Line, UsageError, answer, table_of_frame
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
class AuditCommand:
    """Run a design, and print what an audit of the cleared would find, report and cost."""

    case: Case
    picks: Picks = None
    share: Annotated[float, typer.Option(min=0.0001, max=1, help="the share of the cleared that is read")] = 0.02
    days: Annotated[float, typer.Option(min=1, max=3650, help="days of the audit")] = 30
    replications: Replications = None
    as_json: AsJson = False
    seed: Seed = 0

    def run(self) -> None:
        scenario = load(self.case)
        gate = audit_gate(scenario)
        if gate is None:
            need = "a gate by chance that sends a tagged share to people, and the rest to an end"
            raise UsageError(f"{self.case}: an audit needs {need}")
        plan = compile_plan(scenario, read_picks(self.picks, scenario))
        flow = cleared_flow(result_in_processes(plan, self.seed, self.replications))
        if flow is None:
            raise UsageError(f"{self.case}: no case of both classes was read in this run, so an audit has nothing to rest on")
        forecasts = [flow.audited(share, self.days) for share in sorted({*SHARES, self.share})]
        record = {"flow": asdict(flow), "audits": [asdict(forecast) for forecast in forecasts]}
        words = audit_sentences(flow.audited(self.share, self.days), gate.positives)
        table = table_of_frame(audit_table(forecasts, gate.positives), pad_edge=False)
        answer(self.as_json, record, [*map(Line, words), table])


@dataclass(frozen=True)
class CanaryCommand:
    """Give a share of the people the design of --set, the others that of --against, and look every day."""

    case: Case
    picks: Picks = None
    against: Against = None
    share: Annotated[float, typer.Option(min=0.001, max=0.999, help="the share of the people who get the new design")] = 0.1
    days: Annotated[int, typer.Option(min=2, max=365, help="days of daily looks")] = 30
    experiments: Annotated[int, typer.Option(min=100, max=10_000, help="experiments of each kind")] = EXPERIMENTS
    replications: Replications = None
    as_json: AsJson = False
    seed: Seed = 0

    def run(self) -> None:
        scenario = load(self.case)
        if scenario.population is None:
            raise UsageError(f"{self.case}: a canary compares positives found, and this case has no `population`")
        designs = read_picks(self.against, scenario, "--against"), read_picks(self.picks, scenario)
        plans = [compile_plan(scenario, design) for design in designs]
        if plans[0].design == plans[1].design:
            first = next(iter(scenario.choices), "CHOICE")
            raise UsageError(f"{self.case}: both arms have the same design; say what is new, as in --set {first}=...")
        usual, new = (result_in_processes(plan, self.seed, self.replications) for plan in plans)
        shown = Canary(people_a_day(usual), self.share, self.days)
        reports = [canary_report(of, shown, self.experiments, self.seed) for of in field_shares(usual, new)]
        shares = [asdict(report.of) | {"tests": _records(report.table())} for report in reports]
        tables = (table_of_frame(canary_table(report), pad_edge=False) for report in reports)
        parts = ([*map(Line, canary_sentences(report)), table] for report, table in zip(reports, tables, strict=True))
        answer(self.as_json, {"canary": asdict(shown), "shares": shares}, chain.from_iterable(parts))


def _records(rows: pd.DataFrame) -> list[dict[Hashable, Any]]:
    return rows.astype(object).where(rows.notna(), None).to_dict("records")
