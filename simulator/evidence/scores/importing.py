"""Scores that a person brings along become tables of their own, which a case takes by name like any other."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path

import pandas as pd
from ruamel.yaml import YAML

from simulator.errors import suggest
from simulator.evidence.files import in_one_step
from simulator.evidence.scores.about import Measured, ScoreError
from simulator.evidence.scores.checks import Row, is_name, read_table
from simulator.evidence.scores.tables import COLUMNS, score_names
from simulator.evidence.transaction import changing
from simulator.limits import OWN_SCORES_BYTES, OWN_TABLES
from simulator.paths import OWN_SCORES, SCORES


@dataclass(frozen=True)
class ImportOptions:
    """What the tables are called and where they come from; None where the file says, or nobody.

    dataset, model, precision: the parts of a table's name, `<dataset>.<model>.<precision>`
    """

    dataset: str = "mine"
    model: str | None = None
    precision: str | None = None
    source: str | None = None
    attribution: str | None = None
    overwrite: bool = False


@dataclass(frozen=True)
class Imported:
    """The tables that were written, and the columns of the file that nothing here reads."""

    names: list[str]
    unread: list[str]


def import_scores(
    file: str, content: bytes, options: ImportOptions, folder: Path | None = None, shipped: Path = SCORES
) -> Imported:
    """Check a CSV and write a table for each model and precision in it; without either it is called after the file, at fp32.

    file: the name of the file; folder: OWN_SCORES where none is given
    Raises ScoreError, or ImportFaultError where the file is to blame; nothing is written then.
    """
    folder = folder or OWN_SCORES
    given = {name: value for name, value in (("model", options.model), ("precision", options.precision)) if value}
    _check_names({"dataset": options.dataset, **given})
    groups, unread = read_table(file, content, given, {"model": _called_after(file), "precision": "fp32"})
    tables = {f"{options.dataset}.{model}.{precision}": rows for (model, precision), rows in groups.items()}
    _check_free(tables, options.overwrite, folder, shipped)  # before anything is made; below, nobody else writes
    with changing(folder, ScoreError) as change:
        _check_free(tables, options.overwrite, folder, shipped)
        for name, rows in tables.items():
            for ending, text in _written(
                pd.DataFrame(rows).reindex(columns=list(COLUMNS)), _about(file, options, rows)
            ).items():
                change.write(folder / f"{name}{ending}", text)
    return Imported(list(tables), unread)


def delete_scores(name: str, folder: Path | None = None) -> None:
    """Remove a table of one's own, with its sidecar; raises ScoreError that lists what there is.

    folder: OWN_SCORES where none is given
    """
    folder = folder or OWN_SCORES
    if name not in (own := score_names(folder)):
        shipped = f"'{name}' comes with CaseSim" if name in score_names(SCORES) else f"there is no table '{name}' of your own"
        raise ScoreError(f"{shipped}; " + (suggest(name, own) if own else "you have imported none"))
    with changing(folder, ScoreError) as change:
        change.remove(folder / f"{name}.yaml")
        change.remove(folder / f"{name}.csv")


def write_table(frame: pd.DataFrame, about: Measured, path: Path) -> None:
    """Write a table and then its sidecar, each in one step; without its sidecar a table is not seen.

    path: of both, without an ending
    """
    for ending, content in _written(frame, about).items():
        with in_one_step(path.with_name(f"{path.name}{ending}")) as part:
            part.write_bytes(content)


def _written(frame: pd.DataFrame, about: Measured) -> dict[str, bytes]:
    """A table and its sidecar as they are written, by the ending of the file."""
    yaml, sidecar = YAML(), BytesIO()
    yaml.width = 4096  # a sentence stays on its line
    yaml.dump(about.model_dump(exclude_none=True), sidecar)
    rows = frame.astype({"fitzpatrick": "Int64", "fold": "Int64"}).to_csv(index=False)
    return {".csv": rows.encode(), ".yaml": sidecar.getvalue()}


def _check_names(parts: dict[str, str]) -> None:
    for what, name in parts.items():
        if not is_name(name):
            raise ScoreError(f"--{what}: '{name}' is no name; use letters, digits, _ and -, at most 60")


def _called_after(file: str) -> str:
    """A name from that of a file, such as `my_net` from `my net.v2.csv`."""
    return re.sub(r"[^A-Za-z0-9]+", "_", Path(file).name.split(".")[0]).strip("_")[:60] or "model"


def _check_free(names: Collection[str], overwrite: bool, folder: Path, shipped: Path) -> None:
    taken, own = set(score_names(shipped)), set(score_names(folder))
    for name in names:
        if name in taken:
            raise ScoreError(f"'{name}' comes with CaseSim; give another --dataset or --model")
        if name in own and not overwrite:
            raise ScoreError(f"'{name}' is there already; --overwrite replaces it, another --dataset or --model keeps it")
    if len(own.union(names)) > OWN_TABLES.most:
        raise ScoreError(f"you have {len(own)} tables, and {OWN_TABLES} is the most; `casesim scores delete NAME` makes room")
    if sum(path.stat().st_size for path in folder.glob("*.csv")) > OWN_SCORES_BYTES.most:
        raise ScoreError(f"your tables take more than {OWN_SCORES_BYTES}; `casesim scores delete NAME` makes room")


def _about(file: str, options: ImportOptions, rows: list[Row]) -> Measured:
    return Measured(
        kind="measured",
        imported=True,
        dataset=options.dataset,
        model=str(rows[0]["model"]),
        precision=str(rows[0]["precision"]),
        head="not told",
        items=len(rows),
        positives=sum(row["label"] for row in rows),
        patients=len({row["patient"] for row in rows}),
        source=options.source or f"imported from {Path(file).name}",
        attribution=options.attribution or "not told",
        date=datetime.now(UTC).date().isoformat(),
    )
