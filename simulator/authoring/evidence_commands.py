"""`casesim devices` and `casesim models`: print what a case may name as `device`, `model` and `scores`."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Annotated, Any

import typer
from rich.markup import escape

from simulator.authoring.evidence_overview import device_rows, model_rows, score_table_rows
from simulator.authoring.row_tables import table_of_rows
from simulator.cli.exits import VisibleConsole, known, table_console
from simulator.cli.options import AsJson

Row = dict[str, Any]

Names = Annotated[
    list[str] | None, typer.Argument(metavar="[NAME]...", help="only these, each with all details", show_default=False)
]


def devices(names: Names = None, as_json: AsJson = False) -> None:
    """List the devices that a case may name: what each is, its price with source, and its measured and projected latencies."""
    rows = _named("device", names, device_rows())
    if as_json:
        print(json.dumps(rows, indent=2))
        return
    out = table_console()
    if names:
        _print_details(out, rows)
        return
    out.print(table_of_rows("Devices", [_device(row) for row in rows]))
    out.print("\nA pool on a device without a measured or projected latency cannot run; without a price, it has no cost.")
    out.print("Details and sources: casesim devices NAME", highlight=False)


def _device(row: Row) -> Row:
    measured = len(row["measured_models"])
    return {
        "device": row["device"],
        "what": row["what"],
        "USD an hour": f"{row['usd_per_hour']:g}{' assumed' * (row['price_evidence'] == 'assumed')}"
        if row["usd_per_hour"]
        else "",
        "measured": f"{measured} models" if measured else "",
        "projected": [*row["projected_precisions"], *(["batch 1 only"] if row["projected_batches"] == "1" else [])],
    }


def models(names: Names = None, as_json: AsJson = False) -> None:
    """List the models that a case may name: precisions and devices, measured or projected, and the score tables."""
    rows = _named("model", names, model_rows())
    tables = [row for row in score_table_rows() if not names or any(name in row["scores"] for name in names)]
    if as_json:
        print(json.dumps({"models": rows, "scores": tables}, indent=2))
        return
    out = table_console()
    if names:
        _print_details(out, rows)
    else:
        out.print(table_of_rows("Models", [_model(row) for row in rows]))
    if tables:
        out.print("", table_of_rows("Score tables, for `scores` of a pool", [_table(row) for row in tables]))
    if not names:
        out.print("\nProjected on: the number of devices; `casesim models NAME` lists them, and the sources.", highlight=False)


def _model(row: Row) -> Row:
    precisions = dict.fromkeys(one for found in row["measured"].values() for one in found)
    return {
        "model": row["model"],
        "precisions": list(precisions),
        "measured on": list(row["measured"]),
        "projected on": len(row["projected"]) or None,
    }


def _table(row: Row) -> Row:
    return {name: row[name] for name in ("scores", "precisions", "items", "positives", "kind")}


def _named(what: str, names: Iterable[str] | None, rows: list[Row]) -> list[Row]:
    """Return the rows with these names, or all; raises UsageError that suggests the nearest name."""
    by_name = {row[what]: row for row in rows}
    return [by_name[known(what, name, by_name)] for name in names] if names else rows


def _print_details(out: VisibleConsole, rows: list[Row]) -> None:
    for number, row in enumerate(rows):
        pairs = [{"field": name.replace("_", " "), "value": _words(value)} for name, value in row.items()]
        out.print(*([""] if number else []), table_of_rows(escape(next(iter(row.values()))), pairs[1:]))


def _words(value: Any) -> Any:
    if isinstance(value, dict):
        return "; ".join(f"{name}: {', '.join(found)}" for name, found in value.items())
    return value
