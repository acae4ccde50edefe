"""The command `casesim scores train`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from platformdirs import user_cache_path
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from simulator.commands.outcome import StoppedError, err, known, needing
from simulator.paths import SCORES

if TYPE_CHECKING:
    from simulator.measure.score_training import Trainer


def train(
    data: Annotated[Path, typer.Argument(help="folder with labels.csv and images/, as for PAD-UFES-20")],
    model: Annotated[
        list[str] | None, typer.Option("--model", "-m", help="a score table to make; may be repeated; default all")
    ] = None,
    precision: Annotated[
        list[str] | None,
        typer.Option("--precision", "-p", help="fp32, int8_dynamic or int8_static; may be repeated; default all"),
    ] = None,
    out: Annotated[Path, typer.Option(help="folder for DATA.MODEL.PRECISION.csv and .yaml")] = SCORES,
) -> None:
    """Fit the networks on labelled photos, fold by fold, and write their scores of photos they never saw.

    Takes up to an hour and a half on two cores; after a stop, the same command resumes.
    """
    with needing("zoo", "training"):
        from simulator.measure.photo_networks import read_pad_ufes20
        from simulator.measure.score_training import MODELS, PRECISIONS, Trainer

        models = [known("model", name, MODELS) for name in model or MODELS]
        precisions = tuple(known("precision", name, PRECISIONS) for name in precision or PRECISIONS)
        trainer = Trainer(read_pad_ufes20(data), user_cache_path("casesim") / "training")
        try:
            _write(trainer, models, precisions, out)
        except KeyboardInterrupt:
            kept = "finished networks and epochs are kept; the same command resumes from there"
            raise StoppedError(kept) from None


def _write(trainer: Trainer, models: list[str], precisions: tuple[str, ...], out: Path) -> None:
    from simulator.evidence.scores.importing import write_table
    from simulator.measure.score_training import describe

    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TimeRemainingColumn()
    with Progress(*columns, console=err) as bar:
        task = bar.add_task("reading", total=trainer.work(models))
        trainer.told = lambda words, done: bar.update(task, description=words, advance=done)
        for name, at, table in trainer.tables(models, precisions):
            path = out / f"{trainer.dataset.name}.{name}.{at}"
            write_table(table, describe(trainer.dataset, name, at), path)
            bar.console.print(f"{path}.csv", markup=False, soft_wrap=True)
