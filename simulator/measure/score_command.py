"""`casesim scores`: lists score tables, trains, imports and deletes them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import isnan
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from platformdirs import user_cache_path
from rich.progress import MofNCompleteColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Column

from simulator.cli.exits import answer, err, known, needing, progress_bar, right, say, table_of
from simulator.cli.options import AsJsonList
from simulator.cli.signals import at_once, keeping
from simulator.evidence.catalogue import table_precision
from simulator.evidence.score_import import ImportOptions, delete_scores, import_scores
from simulator.evidence.score_tables import load_scores, readable_scores
from simulator.files import read_within
from simulator.intervals import Interval
from simulator.limits import LISTED_ROWS, SCORE_FILE
from simulator.metrics.roc import TARGETS, ScoreSummary, score_summary
from simulator.paths import SCORES

if TYPE_CHECKING:
    from simulator.measure.score_training import Trainer


#: Wide enough for a table's name and four figures with their intervals.
_WIDTH = 160

scores = typer.Typer(
    help="List score tables, train them, or import and delete your own.", no_args_is_help=True, add_completion=False
)


_PRECISIONS = "fp32, int8_dynamic or int8_static; may be repeated; default all"


@scores.command("list")
def list_tables(as_json: AsJsonList = False) -> None:
    """List the score tables: AUC, and the specificity at 90, 95 and 99% sensitivity, with 95% intervals."""
    names, broken = readable_scores()
    for sentence in broken:
        err.print(sentence, markup=False)
    summaries = _summaries(names)
    answer(as_json, [summary.to_json() for summary in summaries], _list_parts(summaries), least=_WIDTH)


def _summaries(names: list[str]) -> list[ScoreSummary]:
    """Summarize the smallest tables first, with intervals up to a total of rows; of the others the figures alone."""
    summaries, rows = {}, 0
    with err.status("") as status:
        for number, name in enumerate(sorted(names, key=lambda name: len(load_scores(name).items)), start=1):
            status.update(f"resampling the patients of each table: {number} of {len(names)}")
            rows += len(load_scores(name).items)
            summaries[name] = score_summary(name, resampled=rows <= LISTED_ROWS.most)
    return [summaries[name] for name in names]


def _list_parts(summaries: list[ScoreSummary]) -> Iterator[Any]:
    figures = right("rows", "positives", "patients", "AUC", *(f"at {target:.0%}" for target in TARGETS), no_wrap=True)
    yield table_of(map(_cells, summaries), Column("name", no_wrap=True), *figures, "kind")
    resampled = "95% intervals, 2,000 resamples of the patients, each with\na threshold of its own."
    yield f"At 90, 95 and 99% sensitivity: the specificity. In brackets: {resampled}"
    if any(summary.size and isnan(summary.auc.low) for summary in summaries):
        yield f"Without an interval: {LISTED_ROWS} are resampled for a list; the Scores panel of the app resamples each table."
    if any(summary.size is None for summary in summaries):
        yield "Published: a curve through a published point; nothing to resample, so no interval."


def _cells(summary: ScoreSummary) -> Iterator[str]:
    yield summary.name
    yield from (f"{count:,}" for count in vars(summary.size).values()) if summary.size else ("", "", "")
    yield _with_bounds(summary.auc, 1, 3)
    yield from (_with_bounds(reached, 100, 0, "%") for reached in summary.specificity_at.values())
    yield summary.kind


def _with_bounds(figure: Interval, factor: float, places: int, unit: str = "") -> str:
    value, low, high = (f"{factor * number:.{places}f}" for number in (figure.value, figure.low, figure.high))
    return f"{value}{unit}" + ("" if isnan(figure.low) else rf" \[{low}, {high}]")


Table = Annotated[Path, "a CSV with the columns label and score; id, group, model, precision if known"]


@scores.command("import")
def import_table(table: Table, options: ImportOptions) -> None:
    """Check your own scores and make them available to cases: `scores: mine.my_model`."""
    content = read_within(table, SCORE_FILE)
    made = import_scores(str(table), content, options)
    for name in made.names:
        say(f"{name}: a case takes it with `scores: {name.rsplit('.', 1)[0]}` at {name.rsplit('.', 1)[1]}")
    if made.unread:
        err.print(f"columns not used: {', '.join(made.unread)}", markup=False)


@scores.command("train")
@dataclass(frozen=True)
class TrainCommand:
    """Fit the networks on labelled photos, fold by fold, and write their scores of photos they never saw.

    Takes up to an hour and a half on two cores; after a stop, the same command resumes.
    """

    data: Annotated[Path, "folder with labels.csv and images/, as for PAD-UFES-20"]
    model: Annotated[list[str] | None, "-m --model", "a score table to make; may be repeated; default all"] = None
    precision: Annotated[list[str] | None, "-p --precision", _PRECISIONS] = None
    out: Annotated[Path, "folder for DATA.MODEL.PRECISION.csv and .yaml"] = SCORES

    def run(self) -> None:
        with needing("zoo", "training"):
            with at_once():
                from simulator.measure.score_training import MODELS, ON_REQUEST, PRECISIONS, Trainer, read_pad_ufes20

            models = [known("model", name, MODELS) for name in self.model or MODELS]
            precisions = tuple(known("precision", name, (*PRECISIONS, *ON_REQUEST)) for name in self.precision or PRECISIONS)
            trainer = Trainer(read_pad_ufes20(self.data), user_cache_path("casesim") / "training")
            with keeping("finished networks and epochs are saved; the same command resumes from there"):
                _write_tables(trainer, models, precisions, self.out)


def _write_tables(trainer: Trainer, models: list[str], precisions: tuple[str, ...], out: Path) -> None:
    from simulator.evidence.score_import import write_table
    from simulator.measure.score_training import describe

    columns = MofNCompleteColumn(), TimeElapsedColumn(), TimeRemainingColumn()
    with progress_bar("reading", trainer.work(models), *columns) as update:
        trainer.report = lambda words, done: update(description=words, advance=done)
        for name, at, table in trainer.tables(models, precisions):
            about = describe(trainer.dataset, name, at)
            path = out / f"{trainer.dataset.name}.{name}.{table_precision(at, about.instruction_set)}"
            write_table(table, about, path)
            err.print(f"{path}.csv", markup=False, soft_wrap=True)


@scores.command("delete")
def delete_table(names: Annotated[list[str], "tables that you imported, as `casesim scores list` names them"]) -> None:
    """Delete tables of your own; those that come with CaseSim stay."""
    for name in names:
        delete_scores(name)
        typer.echo(f"{name}: deleted")
