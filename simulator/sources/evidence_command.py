"""`casesim evidence`: a comparison of every file of evidence with its manifest."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from simulator.cli.exits import Status, UsageError, say
from simulator.evidence.evidence_files import MANIFEST, Differences, changing, differences, root_above
from simulator.paths import ASSETS, DRIVES, INSTALLED, OWN_PROFILES, OWN_SCORES
from simulator.units import counted


def evidence(
    paths: Annotated[list[Path] | None, typer.Argument(help="files or folders; default: all evidence there is")] = None,
    accept: Annotated[bool, typer.Option("--accept", help="list them in the manifest as they are now, as your own")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="print a list of objects")] = False,
) -> None:
    """Compare every file of evidence with its manifest; exit status 1 if a file was changed, is missing or is not listed."""
    asked = [
        path.absolute() for path in paths or (ASSETS, DRIVES, OWN_SCORES, OWN_PROFILES, INSTALLED) if paths or path.is_dir()
    ]
    roots = dict.fromkeys(map(_root_of, asked))  # before anything is written: a file below no manifest gets none by itself
    for path in asked if accept else ():
        _accept(path)
    comparisons = [_compared(root) for root in roots]
    if as_json:
        typer.echo(json.dumps([compared.to_json() for compared in comparisons], indent=2))
    else:
        for compared in comparisons:
            _tell(compared)
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


def _tell(differences: Differences) -> None:
    for sentence in differences.sentences:
        say(sentence)
    faults = len(differences.sentences)
    verdict = counted(faults, "fault") if differences else "all as listed"
    say(f"{differences.root}: {counted(differences.files, 'file')}, {verdict}")
