"""`python -m campaigns.datalab`: features of labelled photos by backbone, and how readers differ."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer
from platformdirs import user_cache_path

from campaigns.terminal import run
from simulator.cli.exits import err
from simulator.cli.signals import keeping
from simulator.paths import DATALAB, SCORES

Out = Annotated[Path, typer.Option(help="folder to write to")]


def features(
    data: Annotated[Path, typer.Option(help="folder with labels.csv and images/, as for PAD-UFES-20")],
    nsfwjs: Annotated[Path, typer.Option(help="the unpacked npm package nsfwjs, which holds MobileNetV2")],
    out: Out = DATALAB,
) -> None:
    """Write frozen features of the labelled photos by backbone."""
    from campaigns.datalab.features import write_features
    from simulator.measure.score_training import read_pad_ufes20

    cache = user_cache_path("casesim") / "datalab"
    with keeping("finished features are kept; the same command resumes from there"):
        write_features(read_pad_ufes20(data), nsfwjs, cache, out, lambda words: err.print(words, markup=False))


def spoiled(
    data: Annotated[Path, typer.Option(help="folder with labels.csv and images/, as for PAD-UFES-20")],
    objects: Annotated[Path, typer.Option(help="folder of photos of objects, as COCO's")],
    groceries: Annotated[Path, typer.Option(help="folder of photos of groceries, searched with its subfolders")],
    out: Out = DATALAB,
) -> None:
    """Score the labelled photos spoiled in 15 ways, and photos that show no skin, by the skin case's default network."""
    from campaigns.datalab.spoiled import drawn, write_spoiled
    from simulator.measure.score_training import read_pad_ufes20

    foreign = {name: drawn(list(folder.rglob("*.jpg"))) for name, folder in (("objects", objects), ("groceries", groceries))}
    cache = user_cache_path("casesim") / "spoiled"
    with keeping("finished conditions are kept; the same command resumes from there"):
        write_spoiled(read_pad_ufes20(data), foreign, cache, out, lambda words: err.print(words, markup=False))


def readers(
    data: Annotated[Path, typer.Option(help="folder with dermatology_selectors.json and dermatology_conditions.txt")],
    out: Out = DATALAB,
) -> None:
    """Write sums of how dermatologists read the same cases: pairs of answers, and a confusion by class."""
    from campaigns.datalab.readers import write_readers

    with keeping("nothing was written"):
        write_readers(data, out)


def studies(out: Out = DATALAB, study: Annotated[str | None, typer.Option(help="one study; default all")] = None) -> None:
    """Refit the head in every study of the lab and write the results; allow some minutes."""
    from campaigns.datalab.studies import write_studies

    with keeping("finished studies are written"):
        write_studies(out, study, lambda words: err.print(words, markup=False))


def tables(out: Annotated[Path, typer.Option(help="folder of score tables")] = SCORES) -> None:
    """Write the score tables of the skin case's choice of data; allow a minute."""
    from campaigns.datalab.studies import write_case_tables

    with keeping("finished tables are written"):
        write_case_tables(out, lambda words: err.print(words, markup=False))


COMMANDS: dict[str, Callable[..., None]] = {
    "features": features,
    "spoiled": spoiled,
    "readers": readers,
    "studies": studies,
    "tables": tables,
}

if __name__ == "__main__":
    run("datalab", COMMANDS)
