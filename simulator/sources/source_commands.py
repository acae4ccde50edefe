"""`casesim evidence`, `projection` and `proof`: files beside their manifest, errors of projections, the size of a proof."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from simulator.cli.exits import Line, Status, UsageError, answer, err, right, table_of
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
from simulator.sources.proof_sizes import MOST_EVENTS, proof_of, proof_sentences
from simulator.units import counted

_BASES: dict[Basis, str] = {
    "family": "family published on the device",
    "elsewhere": "family not published there",
    "precision": "precision not published there",
}


def projection(as_json: AsJson = False) -> None:
    """Print the errors of projected latencies on published points of held-out networks."""
    results = held_out()
    if results.fingerprint != fingerprint():
        err.print("the data behind the projections have changed since; make campaign-projection fits them again")
    answer(as_json, projection_record(results), chain(_projection_tables(results), sentences(results)), least=110)


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


def _projection_tables(found: HeldOut) -> Iterator[Table]:
    rows = [("[bold]all[/bold]", "all", *_cells(errors)) for errors in found.overall]
    by_device = sorted(found.rows, key=lambda row: (row.device, row.family, row.basis))
    rows += [(label_of(errors.device), errors.family.replace("_", " "), *_cells(errors)) for errors in by_device]
    figures = right("points", "median", "90%", "band covers", "bar", "verdict")
    title = "Held out by network: absolute error of latency"
    yield table_of(rows, "device", "family", "what is published there", *figures, title=title, title_justify="left")
    latencies = ((label_of(point.device), *_against_published(point, 1000, ".4g")) for point in found.comparisons)
    figures, title = right("batch", "published ms", "projected ms", "error"), "Int8 ResNet-50, held out on every device"
    yield table_of(latencies, "device", *figures, title=title, title_justify="left")
    energies = ((label_of(each.device), each.model.split("@")[0], *_against_published(each, 1, ".3g")) for each in found.energy)
    figures, title = right("batch", "published J", "projected J", "error"), "Energy at the wall, whole system, network held out"
    yield table_of(energies, "device", "network", *figures, title=title, title_justify="left")


def _cells(errors: Errors) -> Iterator[str]:
    yield _BASES[errors.basis]
    yield str(errors.points)
    yield f"{errors.median:.1%}"
    yield f"{errors.p90:.0%}"
    yield f"{errors.covered:.0%}"
    yield f"{BARS[errors.basis]:.0%}, {COVERS:.0%}"
    yield "[green]met[/green]" if errors.met else "[red]not met[/red]"


def _against_published(point: ProjectionComparison, factor: float, digits: str) -> Iterator[str]:
    yield str(_batch(point.batch))
    yield from (f"{factor * figure:{digits}}" for figure in (point.published, point.projected))
    yield f"{point.error:+.0%}"


def sentences(found: HeldOut) -> Iterator[str]:
    for errors in found.overall:
        rows = [row for row in found.rows if row.basis == errors.basis]
        bars = {"bar": BARS[errors.basis], "covers": COVERS, "met": sum(row.met for row in rows), "rows": len(rows)}
        yield phrase("projections.overall", basis=_BASES[errors.basis].capitalize(), errors=errors, **bars)
    name, median, worst = COMPETITOR
    own = {"comparisons": len(found.comparisons), "median": found.comparison_median, "worst": found.comparison_worst}
    yield phrase("projections.comparisons", **own, model=name, its_median=median, its_worst=worst)
    yield phrase("projections.energy", median=found.energy_median, runs=len(found.energy))


Paths = Annotated[
    list[Path] | None, typer.Argument(help="files or folders; default: all evidence there is", show_default=False)
]
Accept = Annotated[bool, "list them in the manifest as they are now, as your own"]


def evidence(paths: Paths = None, accept: Accept = False, as_json: AsJsonList = False) -> None:
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
class ProofCommand:
    """Print the hours that show a rate, or the trials that show a share, with 95% confidence."""

    per_hour: Annotated[float | None, "a rate an hour that shall be shown not to be exceeded"] = None
    share: Annotated[float | None, "a share that shall be shown to be reached"] = None
    events: Annotated[int | None, "events, or failed trials, so far"] = None
    truth: Annotated[float | None, "what the rate or the share really is, to plan with"] = None
    as_json: AsJson = False

    def run(self) -> None:
        per_hour, share, events, truth = self.per_hour, self.share, self.events, self.truth
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
        answer(self.as_json, sizes, map(Line, proof_sentences(sizes)))
