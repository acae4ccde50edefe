"""`casesim projection`: the errors of projected latencies on held-out networks."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Annotated, Any

import typer
from rich.table import Table

from simulator.cli.exits import err, wide_console
from simulator.evidence.projection import fingerprint
from simulator.evidence.projection_accuracy import (
    BARS,
    COMPETITOR,
    COVERS,
    OFFLINE,
    Basis,
    Errors,
    HeldOut,
    ProjectionComparison,
    held_out,
    label_of,
)

_BASES: dict[Basis, str] = {
    "family": "family published on the device",
    "elsewhere": "family not published there",
    "precision": "precision not published there",
}


def projection(
    json_: Annotated[bool, typer.Option("--json", help="print one JSON object and nothing else")] = False,
) -> None:
    """Print the errors of projected latencies on published points of held-out networks."""
    found = held_out()
    if found.fingerprint != fingerprint():
        err.print("the data behind the projections have changed since; make campaign-projection fits them again")
    if json_:
        typer.echo(json.dumps(as_json(found), indent=2))
        return
    out = wide_console(110)
    for table in (table_of(found), comparisons_of(found), energies_of(found)):
        out.print(table)
    out.print(*sentences(found), sep="\n", highlight=False)


def as_json(found: HeldOut) -> dict[str, Any]:
    """Return the results as plain data, each with the limit that it must meet."""
    return {
        "bars": {"median": BARS, "covered": COVERS},
        "overall": [_errors(errors) for errors in found.overall],
        "rows": [_errors(errors) for errors in found.rows],
        "comparisons": {
            "median": found.comparison_median,
            "worst": found.comparison_worst,
            "competitor": COMPETITOR,
            "points": [_comparison(comparison) for comparison in found.comparisons],
        },
        "energy": {"median": found.energy_median, "points": [_comparison(comparison) for comparison in found.energy]},
    }


def _errors(errors: Errors) -> dict[str, Any]:
    fields = errors.model_dump() | {"bar": BARS[errors.basis], "met": errors.met}
    return {key: value for key, value in fields.items() if value != ""}


def _comparison(comparison: ProjectionComparison) -> dict[str, Any]:
    return comparison.model_dump() | {"batch": _batch(comparison.batch), "error": comparison.error}


def _batch(batch: int) -> str | int:
    return "offline" if batch == OFFLINE else batch


def table_of(found: HeldOut) -> Table:
    table = Table(title="Held out by network: absolute error of latency", title_justify="left", box=None)
    for column in ("device", "family", "what is published there", "points", "median", "90%", "band covers", "bar", "verdict"):
        table.add_column(column, justify="left" if column in ("device", "family", "what is published there") else "right")
    for errors in found.overall:
        table.add_row("[bold]all[/bold]", "all", *_cells(errors))
    for errors in sorted(found.rows, key=lambda row: (row.device, row.family, row.basis)):
        table.add_row(label_of(errors.device), errors.family.replace("_", " "), *_cells(errors))
    return table


def _cells(errors: Errors) -> Iterator[str]:
    yield _BASES[errors.basis]
    yield str(errors.points)
    yield f"{errors.median:.1%}"
    yield f"{errors.p90:.0%}"
    yield f"{errors.covered:.0%}"
    yield f"{BARS[errors.basis]:.0%}, {COVERS:.0%}"
    yield "[green]met[/green]" if errors.met else "[red]not met[/red]"


def comparisons_of(found: HeldOut) -> Table:
    table = Table(title="Int8 ResNet-50, held out on every device", title_justify="left", box=None)
    for column in ("device", "batch", "published ms", "projected ms", "error"):
        table.add_column(column, justify="left" if column == "device" else "right")
    for comparison in found.comparisons:
        cells = (f"{1000 * comparison.published:.4g}", f"{1000 * comparison.projected:.4g}", f"{comparison.error:+.0%}")
        table.add_row(label_of(comparison.device), str(_batch(comparison.batch)), *cells)
    return table


def energies_of(found: HeldOut) -> Table:
    table = Table(title="Energy at the wall, whole system, network held out", title_justify="left", box=None)
    for column in ("device", "network", "batch", "published J", "projected J", "error"):
        table.add_column(column, justify="left" if column in ("device", "network") else "right")
    for comparison in found.energy:
        cells = (f"{comparison.published:.3g}", f"{comparison.projected:.3g}", f"{comparison.error:+.0%}")
        table.add_row(label_of(comparison.device), comparison.model.split("@")[0], str(_batch(comparison.batch)), *cells)
    return table


def sentences(found: HeldOut) -> Iterator[str]:
    for errors in found.overall:
        rows = [row for row in found.rows if row.basis == errors.basis]
        verdict = "met" if errors.met else "not met"
        yield (
            f"{_BASES[errors.basis].capitalize()}: median error {errors.median:.1%} (bar {BARS[errors.basis]:.0%}), the band "
            f"covers {errors.covered:.0%} (bar {COVERS:.0%}): {verdict}. By device and family, "
            f"{sum(row.met for row in rows)} of {len(rows)} rows meet both."
        )
    name, median, worst = COMPETITOR.values()
    yield (
        f"The {len(found.comparisons)} comparisons: median error {found.comparison_median:.0%}, worst "
        f"{found.comparison_worst:+.0%}; an analytic model, {name}, came to {median:.0%} and {worst:+.0%}."
    )
    yield f"Energy: median error {found.energy_median:.0%} over {len(found.energy)} published runs."
