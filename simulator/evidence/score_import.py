"""Import of a user's scores, cell by cell: every fault is a sentence with its file, line, column and value."""

from __future__ import annotations

import csv
import difflib
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from io import BytesIO, StringIO
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import pandas as pd
from ruamel.yaml import YAML

from simulator.errors import suggest
from simulator.evidence.evidence_files import EvidenceError, changing, in_one_step
from simulator.evidence.score_tables import COLUMNS, Measured, score_names
from simulator.limits import OWN_SCORES_BYTES, OWN_TABLES, SCORE_COLUMNS, SCORE_FILE, SCORE_ROWS, SCORE_TABLES
from simulator.paths import INSTALLED, OWN_SCORES, SCORES
from simulator.phrases import phrase

#: Fewer positives support no interval worth showing.
LEAST_POSITIVES = 30
#: Faults of one kind in one column that are listed one by one; the rest is counted.
_LISTED = 3

#: The columns that are read, each with the names under which it may stand.
NAMES = {
    "label": ("label",),
    "score": ("score",),
    "item": ("item", "id"),
    "patient": ("patient", "group"),
    "diagnosis": ("diagnosis",),
    "fitzpatrick": ("fitzpatrick",),
    "predicted": ("predicted", "prediction"),
    "fold": ("fold",),
    "model": ("model",),
    "precision": ("precision",),
}
_NEEDED = ("label", "score")
_LABELS = {"0": 0, "0.0": 0, "false": 0, "1": 1, "1.0": 1, "true": 1}
_SEPARATORS = {";": "semicolons", "\t": "tabs"}

Row = dict[str, Any]
#: The rows of a file by model and precision.
Groups = dict[tuple[str, str], list[Row]]


class ImportFaultError(EvidenceError):
    """A file of scores cannot be imported; `sentences` lists all faults."""

    def __init__(self, sentences: list[str]) -> None:
        super().__init__("\n".join(sentences))
        self.sentences = sentences


class Checked(NamedTuple):
    """Rows of a file. unread: names of its columns that are not read."""

    groups: Groups
    unread: list[str]


class _Faults:
    """Collects faults; of many alike the first few are listed and the rest is counted."""

    def __init__(self, file: str) -> None:
        self._file = file
        self._alike: dict[tuple[str, str], list[str]] = defaultdict(list)
        self._count: Counter[tuple[str, str]] = Counter()

    def add(self, message: str, column: str = "", line: int = 0, value: str | None = None, kind: str = "") -> None:
        where = ": ".join(filter(None, [f"{self._file}:{line}" if line else self._file, column]))
        quoted = "" if not value else f"'{value[:40]}' "
        self._count[column, kind or message] += 1
        if self._count[column, kind or message] <= _LISTED:
            self._alike[column, kind or message].append(f"{where}: {quoted}{message}")

    def of(self, column: str) -> bool:
        return any(where == column for where, _ in self._alike)

    def sentences(self) -> Iterator[str]:
        for (column, kind), alike in self._alike.items():
            yield from alike
            more = self._count[column, kind] - len(alike)
            if more:
                yield ": ".join(filter(None, [self._file, column, phrase("scores.more", more=more)]))

    def raise_if_any(self) -> None:
        if self._alike:
            raise ImportFaultError(list(self.sentences()))


class _WrongCellError(ValueError):
    """A cell has a wrong value; the message does not repeat it."""


def read_table(file: str, content: bytes, given: Mapping[str, str], otherwise: Mapping[str, str]) -> Checked:
    """Read the rows of a CSV in UTF-8 by model and precision; raises ImportFaultError with all faults.

    file: its name, for the sentences
    given: model and precision of all rows; the file may have no such column then
    otherwise: model and precision where neither the file nor `given` says

    A row has `line` and the keys of NAMES that the file has. Items without a name are numbered within their group; without a
    patient each item is a patient of its own.
    """
    faults = _Faults(file)
    if len(content) > SCORE_FILE.most:
        faults.add(phrase("scores.long", most=str(SCORE_FILE)))
        faults.raise_if_any()
    lines = _lines(_text(content, faults), faults)
    header = [name.strip().lower() for name in lines[0][1]]
    columns = _columns(header, faults, given)
    rows = [row for line, cells in lines[1:] if (row := _row(line, cells, len(header), columns, faults)) is not None]
    groups = _grouped(rows, {**otherwise, **given})
    if len(groups) > SCORE_TABLES.most:
        faults.add(phrase("scores.models", models=len(groups), most=str(SCORE_TABLES)))
        faults.raise_if_any()
    for group, members in groups.items() if not (faults.of("model") or faults.of("precision")) else ():
        _check_group(f"{group[0]} at {group[1]} " if len(groups) > 1 else "", members, faults)
    faults.raise_if_any()
    if "item" in columns:  # so that tables of the same items are in the same order, whatever order they were written in
        groups = {group: sorted(members, key=lambda row: str(row["item"])) for group, members in groups.items()}
    return Checked(groups, [name for place, name in enumerate(header) if place not in columns.values()])


def _text(content: bytes, faults: _Faults) -> str:
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        faults.add(phrase("scores.no_text", byte=f"0x{content[error.start]:02x}", place=error.start))
        text = ""
    else:
        if "\0" in text:
            faults.add(phrase("scores.binary"))
        elif not text.strip():
            faults.add(phrase("scores.empty"))
    faults.raise_if_any()
    return text


def _lines(text: str, faults: _Faults) -> list[tuple[int, list[str]]]:
    """Yield the cells of each line that is not blank, with its number; the header first."""
    reader = csv.reader(StringIO(text, newline=""))
    lines = []
    try:
        for cells in reader:
            stripped = [cell.strip() for cell in cells]
            if any(stripped):
                lines.append((reader.line_num, stripped))
            if len(lines) > SCORE_ROWS.most + 1:
                faults.add(phrase("scores.rows", most=str(SCORE_ROWS)))
                break
    except csv.Error as error:
        faults.add(phrase("scores.no_csv", error=str(error)), line=reader.line_num)
    faults.raise_if_any()
    if len(lines) == 1:
        faults.add(phrase("scores.no_rows"))
    if len(lines[0][1]) > SCORE_COLUMNS.most:
        faults.add(phrase("scores.columns", columns=len(lines[0][1]), most=SCORE_COLUMNS.most), line=1)
    faults.raise_if_any()
    return lines


def _columns(header: list[str], faults: _Faults, given: Mapping[str, str]) -> dict[str, int]:
    """Find the column of each name in NAMES; raises ImportFaultError where a needed one is missing."""
    for mark, name in _SEPARATORS.items():
        if len(header) == 1 and mark in header[0]:
            faults.add(phrase("scores.separated", separator=name), line=1)
            faults.raise_if_any()
    for name in sorted({name for name in header if header.count(name) > 1}):
        faults.add(phrase("scores.column_twice", column=name), line=1)
    places = {name: header.index(alias) for name, aliases in NAMES.items() for alias in reversed(aliases) if alias in header}
    for name in _NEEDED:
        if name not in places:
            near = difflib.get_close_matches(name, header, n=1)
            faults.add(phrase("scores.no_column", column=name, near=near, there=header), line=1)
    for name in sorted(given.keys() & places.keys()):
        faults.add(phrase("scores.own_column", column=name), line=1)
    faults.raise_if_any()
    return places


def _row(line: int, cells: list[str], width: int, columns: dict[str, int], faults: _Faults) -> Row | None:
    """Read the cells of a line; None for a faulty cell, and for a line that is not as wide as the header."""
    if len(cells) != width:
        faults.add(phrase("scores.width", cells=len(cells), width=width), line=line, kind="width")
        return None
    row: Row = {"line": line}
    for name, place in columns.items():
        try:
            row[name] = _READERS[name](cells[place])
        except _WrongCellError as error:
            row[name] = None
            faults.add(str(error), name, line, cells[place])
    return row


def _grouped(rows: list[Row], defaults: Mapping[str, str]) -> Groups:
    groups: Groups = defaultdict(list)
    for row in rows:
        row = {**defaults, **row}
        members = groups[str(row["model"]), str(row["precision"])]
        number = str(len(members) + 1)
        members.append({"item": number, "patient": row.get("item") or number} | row)
    return dict(groups)


def _check_group(who: str, rows: list[Row], faults: _Faults) -> None:
    first: dict[str, int] = {}
    for row in rows:
        if row["item"] in first:
            words = phrase("scores.item_twice", line=first[row["item"]])
            faults.add(words, "item", row["line"], row["item"], kind="twice")
        elif row["item"] is not None:
            first[row["item"]] = row["line"]
    if faults.of("label"):
        return
    positives = sum(row["label"] for row in rows)
    if positives in (0, len(rows)):
        faults.add(phrase("scores.one_label", who=who, label=int(positives > 0)), "label")
    elif positives < LEAST_POSITIVES:
        faults.add(phrase("scores.positives", who=who, positives=positives, least=LEAST_POSITIVES), "label")


def _label(cell: str) -> int:
    if cell.lower() not in _LABELS:
        raise _WrongCellError(_unless(cell, "is no label") + "; write 1 or true for a positive, 0 or false for a negative")
    return _LABELS[cell.lower()]


def _score(cell: str) -> float:
    try:
        value = float(cell)
    except ValueError:
        raise _WrongCellError(_unless(cell, "is not a number") + "; every row needs a score from 0 to 1") from None
    if value != value:
        raise _WrongCellError("is not a number; every row needs a score from 0 to 1")
    if not 0 <= value <= 1:
        raise _WrongCellError("lies outside 0 to 1; if these are logits, apply a sigmoid first")
    return value


def _some_text(cell: str) -> str:
    if not cell:
        raise _WrongCellError("is empty; leave the whole column out if it is not known")
    return cell


def _name(cell: str) -> str:
    if not is_name(cell):
        raise _WrongCellError(_unless(cell, "is no name") + "; use letters, digits, _ and -, at most 60")
    return cell


def _whole(low: int, high: int) -> Callable[[str], int | None]:
    def read(cell: str) -> int | None:
        if not cell:
            return None
        whole = re.fullmatch(r"(\d{1,9})(\.0*)?", cell)
        if whole is None or not low <= int(whole[1]) <= high:
            raise _WrongCellError(f"is not a whole number from {low} to {high:,}; leave the cell empty where it is not known")
        return int(whole[1])

    return read


def _unless(cell: str, words: str) -> str:
    return words if cell else "is empty"


def is_name(text: str) -> bool:
    return re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_-]{0,59}", text) is not None


_READERS: dict[str, Callable[[str], Any]] = {
    "label": _label,
    "score": _score,
    "item": _some_text,
    "patient": _some_text,
    "diagnosis": str,
    "fitzpatrick": _whole(1, 6),
    "predicted": str,
    "fold": _whole(0, 999),
    "model": _name,
    "precision": _name,
}


@dataclass(frozen=True)
class ImportOptions:
    """Names and origin of the tables; None where the file gives them, or they are not known.

    dataset, model, precision: the parts of a table's name, `<dataset>.<model>.<precision>`
    """

    dataset: Annotated[str, "the scored data; the first part of the table's name"] = "mine"
    model: Annotated[str | None, "the model, if the file has no such column; default: the file's name"] = None
    precision: Annotated[str | None, "the precision, if the file has no such column; default fp32"] = None
    source: Annotated[str | None, "where the scores come from, for the record"] = None
    attribution: Annotated[str | None, "owner of the data, and the licence"] = None
    overwrite: Annotated[bool, "replace a table of that name"] = False


@dataclass(frozen=True)
class Imported:
    """The tables that were written, and the columns of the file that were not read."""

    names: list[str]
    unread: list[str]


def import_scores(
    file: str, content: bytes, options: ImportOptions, folder: Path | None = None, shipped: Path = SCORES
) -> Imported:
    """Check a CSV and write a table for each model and precision in it; without either it is called after the file, at fp32.

        file: the name of the file; folder: OWN_SCORES where none is given
    Raises EvidenceError, or ImportFaultError where the file has faults; nothing is written then.
    """
    folder = folder or OWN_SCORES
    given = {name: value for name, value in (("model", options.model), ("precision", options.precision)) if value}
    _check_names({"dataset": options.dataset, **given})
    groups, unread = read_table(file, content, given, {"model": _called_after(file), "precision": "fp32"})
    tables = {f"{options.dataset}.{model}.{precision}": rows for (model, precision), rows in groups.items()}
    _check_free(tables, options.overwrite, folder, shipped)  # before anything is made; below, the folder is locked
    with changing(folder) as change:
        _check_free(tables, options.overwrite, folder, shipped)
        for name, rows in tables.items():
            for ending, text in _written(
                pd.DataFrame(rows).reindex(columns=_columns_of(rows)), _about(file, options, rows)
            ).items():
                change.write(folder / f"{name}{ending}", text)
    return Imported(list(tables), unread)


def _columns_of(rows: list[Row]) -> list[str]:
    """Return the columns to write; the class of several that a model names stands only in tables of those that name one."""
    return [name for name in COLUMNS if name != "predicted" or name in rows[0]]


def delete_scores(name: str, folder: Path | None = None) -> None:
    """Remove a table of the user's own, with its sidecar; raises EvidenceError that lists the tables.

    folder: OWN_SCORES where none is given
    """
    folder = folder or OWN_SCORES
    if name not in (own := score_names(folder)):
        shipped = f"'{name}' comes with CaseSim" if name in score_names(SCORES) else f"there is no table '{name}' of your own"
        raise EvidenceError(f"{shipped}; " + (suggest(name, own) if own else "you have imported none"))
    with changing(folder) as change:
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
    yaml, sidecar = YAML(), BytesIO()
    yaml.width = 4096  # a sentence stays on its line
    yaml.dump(about.model_dump(exclude_none=True), sidecar)
    rows = frame.astype({"fitzpatrick": "Int64", "fold": "Int64"}).to_csv(index=False)
    return {".csv": rows.encode(), ".yaml": sidecar.getvalue()}


def _check_names(parts: dict[str, str]) -> None:
    for what, name in parts.items():
        if not is_name(name):
            raise EvidenceError(f"--{what}: '{name}' is no name; use letters, digits, _ and -, at most 60")


def _called_after(file: str) -> str:
    return re.sub(r"[^A-Za-z0-9]+", "_", Path(file).name.split(".")[0]).strip("_")[:60] or "model"


def _check_free(names: Collection[str], overwrite: bool, folder: Path, shipped: Path) -> None:
    taken, own = set(score_names(shipped)), set(score_names(folder))
    of_installed = set(score_names(INSTALLED / "scores"))
    for name in names:
        if name in taken:
            raise EvidenceError(f"'{name}' comes with CaseSim; give another --dataset or --model")
        if name in of_installed:
            raise EvidenceError(f"'{name}' belongs to an installed case; give another --dataset or --model")
        if name in own and not overwrite:
            raise EvidenceError(f"'{name}' is there already; --overwrite replaces it, another --dataset or --model keeps it")
    if len(own.union(names)) > OWN_TABLES.most:
        raise EvidenceError(phrase("score_tables.too_many", own=len(own), most=str(OWN_TABLES)))
    if sum(path.stat().st_size for path in folder.glob("*.csv")) > OWN_SCORES_BYTES.most:
        raise EvidenceError(f"your tables take more than {OWN_SCORES_BYTES}; `casesim scores delete NAME` makes room")


def _about(file: str, options: ImportOptions, rows: list[Row]) -> Measured:
    return Measured(
        kind="measured",
        imported=True,
        dataset=options.dataset,
        model=str(rows[0]["model"]),
        precision=str(rows[0]["precision"]),
        head="not given",
        items=len(rows),
        positives=sum(row["label"] for row in rows),
        patients=len({row["patient"] for row in rows}),
        source=options.source or f"imported from {Path(file).name}",
        attribution=options.attribution or "not given",
        date=datetime.now(UTC).date().isoformat(),
    )
