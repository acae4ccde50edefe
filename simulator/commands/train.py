"""The command `casesim scores train`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from platformdirs import user_cache_path
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from simulator.paths import SCORES
from simulator.scenario.faults import suggest

if TYPE_CHECKING:
    from simulator.making.training.tables import Trainer

_WRONG_USE, _STOPPED = 2, 130
_console = Console(stderr=True)


def train(
    data: Annotated[Path, typer.Argument(help="folder with labels.csv and images/, as PAD-UFES-20 is given here")],
    model: Annotated[list[str] | None, typer.Option("--model", "-m", help="a score table to make; repeat; default all")] = None,
    precision: Annotated[
        list[str] | None, typer.Option("--precision", "-p", help="fp32, int8_dynamic or int8_static; repeat; default all")
    ] = None,
    out: Annotated[Path, typer.Option(help="folder that gets DATA.MODEL.PRECISION.csv and .yaml")] = SCORES,
) -> None:
    """Fit the networks on labelled photos, fold by fold, and write what each says of photos that it never saw.

    Within an hour and a half on two cores; stopped, the same command goes on from where it was.
    """
    try:
        from simulator.making.training.dataset import LabelError, read_pad_ufes20
        from simulator.making.training.tables import MODELS, PRECISIONS, Trainer
        from simulator.making.zoo.photo import PhotoError
        from simulator.making.zoo.refusals import RefusedError
    except ModuleNotFoundError as error:
        raise _refusal(f"training needs {error.name}, which is not installed: pip install 'casesim[zoo]'") from error
    models = [_known("model", name, list(MODELS)) for name in model or MODELS]
    precisions = tuple(_known("precision", name, list(PRECISIONS)) for name in precision or PRECISIONS)
    try:
        _write(Trainer(read_pad_ufes20(data), user_cache_path("casesim") / "training"), models, precisions, out)
    except (LabelError, PhotoError, RefusedError) as error:
        raise _refusal(str(error)) from error
    except KeyboardInterrupt:
        _console.print("stopped: finished networks and epochs are kept; the same command goes on from there")
        raise typer.Exit(_STOPPED) from None


def _write(trainer: Trainer, models: list[str], precisions: tuple[str, ...], out: Path) -> None:
    from simulator.evidence.scores.importing import write_table
    from simulator.making.training.tables import describe

    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TimeRemainingColumn()
    with Progress(*columns, console=_console) as bar:
        task = bar.add_task("reading", total=trainer.work(models))
        trainer.told = lambda words, done: bar.update(task, description=words, advance=done)
        for name, at, table in trainer.tables(models, precisions):
            path = out / f"{trainer.dataset.name}.{name}.{at}"
            write_table(table, describe(trainer.dataset, name, at), path)
            bar.console.print(f"{path}.csv", markup=False, soft_wrap=True)


def _known(what: str, name: str, there: list[str]) -> str:
    if name not in there:
        raise _refusal(f"there is no {what} '{name}'; {suggest(name, there)}")
    return name


def _refusal(sentence: str) -> typer.Exit:
    _console.print(sentence, markup=False, soft_wrap=True)
    return typer.Exit(_WRONG_USE)
