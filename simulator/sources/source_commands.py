"""`casesim evidence`, `projection` and `proof`: files beside their manifest, errors of projections, the size of a proof."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from simulator.cli.exits import Line, Status, UsageError, answer, err, wide_console
from simulator.cli.options import AsJson, AsJsonList
from simulator.evidence.evidence_files import MANIFEST, Differences, changing, differences, root_above
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
)
from simulator.paths import ASSETS, DRIVES, INSTALLED, OWN_PROFILES, OWN_SCORES
from simulator.phrases import phrase
from simulator.sources.latency_rows import label_of
from simulator.sources.proof_sizes import MOST_EVENTS, POWER, hours_to_plan, hours_with, trials_to_plan, trials_with
from simulator.units import counted, percent, significant

_BASES: dict[Basis, str] = {
    "family": "family published on the device",
    "elsewhere": "family not published there",
    "precision": "precision not published there",
}


def projection(as_json: AsJson = False) -> None:
    """Print the errors of projected latencies on published points of held-out networks."""
    found = held_out()
    if found.fingerprint != fingerprint():
        err.print("the data behind the projections have changed since; make campaign-projection fits them again")
    if as_json:
        typer.echo(json.dumps(projection_record(found), indent=2))
        return
    out = wide_console(110)
    for table in (table_of(found), comparisons_of(found), energies_of(found)):
        out.print(table)
    out.print(*sentences(found), sep="\n", highlight=False)


def projection_record(found: HeldOut) -> dict[str, Any]:
    """Return the results as plain data, each with the limit that it must meet."""
    return {
        "bars": {"median": BARS, "covered": COVERS},
        "overall": [_errors(errors) for errors in found.overall],
        "rows": [_errors(errors) for errors in found.rows],
        "comparisons": {
            "median": found.comparison_median,
            "worst": found.comparison_worst,
            "competitor": COMPETITOR._asdict(),
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
        bars = {"bar": BARS[errors.basis], "covers": COVERS, "met": sum(row.met for row in rows), "rows": len(rows)}
        yield phrase("projections.overall", basis=_BASES[errors.basis].capitalize(), errors=errors, **bars)
    name, median, worst = COMPETITOR
    own = {"comparisons": len(found.comparisons), "median": found.comparison_median, "worst": found.comparison_worst}
    yield phrase("projections.comparisons", **own, model=name, its_median=median, its_worst=worst)
    yield phrase("projections.energy", median=found.energy_median, runs=len(found.energy))


def evidence(
    paths: Annotated[list[Path] | None, "files or folders; default: all evidence there is"] = None,
    accept: Annotated[bool, typer.Option("--accept", help="list them in the manifest as they are now, as your own")] = False,
    as_json: AsJsonList = False,
) -> None:
    """Compare every file of evidence with its manifest; exit status 1 if a file was changed, is missing or is not listed."""
    asked = [
        path.absolute() for path in paths or (ASSETS, DRIVES, OWN_SCORES, OWN_PROFILES, INSTALLED) if paths or path.is_dir()
    ]
    roots = dict.fromkeys(map(_root_of, asked))  # before anything is written: a file below no manifest gets none by itself
    for path in asked if accept else ():
        _accept(path)
    comparisons = [_compared(root) for root in roots]
    lines = (Line(line) for compared in comparisons for line in _lines(compared))
    answer(as_json, [compared.to_json() for compared in comparisons], lines)
    if any(comparisons):
        raise typer.Exit(Status.NO)


def _accept(path: Path) -> None:
    with changing(path if path.is_dir() else path.parent) as change:
        change.accept(path)


def _root_of(path: Path) -> Path:
    root = root_above(path / MANIFEST if path.is_dir() else path)
    if root is None and not path.is_dir():
        raise UsageError(f"{path}: no folder above it has a manifest, so there is nothing to compare it with")
    return root or path


def _compared(root: Path) -> Differences:
    if (root / MANIFEST).is_file():
        return differences(root)
    again = f"`casesim evidence --accept {root}` writes it"
    return Differences(
        root, 0, changed=[], missing=[f"{root / MANIFEST}: is missing, so nothing is compared; {again}"], unlisted=[]
    )


def _lines(differences: Differences) -> Iterator[str]:
    yield from differences.sentences
    faults = len(differences.sentences)
    verdict = counted(faults, "fault") if differences else "all as listed"
    yield f"{differences.root}: {counted(differences.files, 'file')}, {verdict}"


#: Failures, or events, that the table begins with.
FIRST = (0, 1, 2, 5)


@dataclass(frozen=True)
class ProofOptions:
    """What shall be shown, and the events so far."""

    per_hour: Annotated[float | None, "a rate an hour that shall be shown not to be exceeded"] = None
    share: Annotated[float | None, "a share that shall be shown to be reached"] = None
    events: Annotated[int | None, "events, or failed trials, so far"] = None
    truth: Annotated[float | None, "what the rate or the share really is, to plan with"] = None
    as_json: AsJson = False


def proof(options: ProofOptions) -> None:
    """Print the hours that show a rate, or the trials that show a share, with 95% confidence."""
    per_hour, share, events, truth = options.per_hour, options.share, options.events, options.truth
    if (per_hour is None) == (share is None):
        raise UsageError("give exactly one of --per-hour and --share, such as --per-hour 1 or --share 0.95")
    if per_hour is not None and not 0 < per_hour < 1e9:
        raise UsageError(f"--per-hour: got {per_hour:g}; expected a rate above 0")
    if share is not None and not 1e-6 <= share <= 1 - 1e-6:
        raise UsageError(f"--share: got {share:g}; expected a share between 0 and 1, such as 0.95")
    if events is not None and not 0 <= events <= MOST_EVENTS:
        raise UsageError(f"--events: got {events}; expected 0 to {MOST_EVENTS:,}")
    if truth is not None and not (0 <= truth <= 1 if share is not None else truth >= 0):
        raise UsageError(f"--truth: got {truth:g}; expected {'a share' if share is not None else 'a rate'} of 0 or more")
    sizes = proof_of(per_hour, share, FIRST if events is None else (events,), truth)
    answer(options.as_json, sizes, map(Line, proof_sentences(sizes)))


def proof_of(per_hour: float | None, share: float | None, events: tuple[int, ...], truth: float | None) -> dict[str, Any]:
    """Return the sizes of the proof by the events that it bears, and the size to plan where the truth is given."""
    found: dict[str, Any] = {"unit": "hours" if per_hour is not None else "trials"}
    found |= {"at_most_per_hour": per_hour} if per_hour is not None else {"at_least_share": share}
    size = (lambda n: hours_with(per_hour, n)) if per_hour is not None else (lambda n: trials_with(share, n))  # type: ignore[arg-type]
    found["needs"] = [{"events": number, found["unit"]: size(number)} for number in events]
    if truth is not None:
        plan = hours_to_plan(per_hour, truth) if per_hour is not None else trials_to_plan(share, truth)  # type: ignore[arg-type]
        found["truth"], found["power"] = truth, POWER
        found["plan"] = None if plan is None else {found["unit"]: plan[0], "events": plan[1]}
    return found


def proof_sentences(found: dict[str, Any]) -> list[str]:
    """Return the sizes in words."""
    rate, unit = "at_most_per_hour" in found, found["unit"]
    event = "event" if rate else "failure"
    bound = f"at most {found['at_most_per_hour']:g} an hour" if rate else f"at least {percent(found['at_least_share'])}"
    lines = [f"To show {bound} with 95% confidence:"]
    for need in found["needs"]:
        happened = counted(need["events"], event) if need["events"] else f"no {event}"
        lines.append(f"  {_size(need[unit], unit)} with {happened}")
    if "plan" in found:
        truth = f"{found['truth']:g} an hour" if rate else percent(found["truth"])
        if found["plan"] is None:
            lines.append(phrase("proof.none", truth=truth))
        else:
            size, most = _size(found["plan"][unit], unit), counted(found["plan"]["events"], event)
            lines.append(phrase("proof.plan", truth=truth, size=size, most=most))
    return lines


def _size(size: float, unit: str) -> str:
    return f"{significant(size)} hours" if unit == "hours" else f"{size:,.0f} trials"
