"""`python -m campaigns.compression`: smaller networks for the skin case, their scores and the time that they take."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer
from platformdirs import user_cache_path

from campaigns.terminal import run
from simulator.cli.exits import err, known
from simulator.cli.signals import keeping
from simulator.evidence.evidence_files import in_one_step
from simulator.paths import DATALAB, PROFILES, SCORES

Data = Annotated[Path, typer.Option(help="folder with labels.csv and images/, as for PAD-UFES-20")]


def scores(
    data: Data,
    training: Annotated[list[str] | None, typer.Option(help="distilled, pruned, even or small; default all")] = None,
    out: Annotated[Path, typer.Option(help="folder of score tables")] = SCORES,
) -> None:
    """Train the networks fold by fold and write their score tables; allow half an hour on a quiet core."""
    from campaigns.compression.compared_scores import write_tables
    from campaigns.compression.smaller_networks import TRAININGS, Study
    from simulator.measure.score_training import read_pad_ufes20

    trainings = [known("training", name, TRAININGS) for name in training or TRAININGS]
    cache = user_cache_path("casesim") / "compression"
    with keeping("finished folds are kept; the same command resumes from there"):
        write_tables(Study(read_pad_ufes20(data), cache, lambda words: err.print(words, markup=False)), trainings, out)


def spoiled(
    data: Data,
    training: Annotated[
        list[str] | None, typer.Option(help="as for scores, or whole, the fine-tuned Lite0; default all")
    ] = None,
    out: Annotated[Path, typer.Option(help="folder to write to")] = DATALAB,
) -> None:
    """Score spoiled photos by the trained networks: compression_spoiled.csv, the cost of each damage, and spoiled_networks."""
    from campaigns.compression.smaller_networks import COMPARED, TRAININGS, Study
    from campaigns.compression.spoiled_scores import spoiled_answers, spoiled_effects, write_answers
    from simulator.measure.score_training import read_pad_ufes20

    every = TRAININGS | COMPARED
    trainings = [known("training", name, every) for name in training or every]
    cache = user_cache_path("casesim") / "compression"
    with keeping("finished folds and conditions are kept; the same command resumes from there"):
        study = Study(read_pad_ufes20(data), cache, lambda words: err.print(words, markup=False))
        answers = spoiled_answers(study, trainings)
        table = spoiled_effects(answers)
    write_answers(study.dataset, answers, out)
    with in_one_step(out / "compression_spoiled.csv") as part:
        table.to_csv(part, index=False, float_format="%.5g", lineterminator="\n")


def calls(
    photos: Annotated[Path, typer.Option(help="folder of photos for calibration")],
    photos_from: Annotated[str, typer.Option(help="where the photos come from, for the record")],
    device: Annotated[str, typer.Option(help="name of this machine")],
    rounds: Annotated[int, typer.Option(min=20, help="calls of each network")] = 300,
    out: Annotated[Path, typer.Option(help="folder to write to")] = DATALAB,
) -> None:
    """Write compression_calls.csv, the processor time of a photo with the networks in turns, and the small ones' profiles."""
    from campaigns.compression.paired_calls import measured_calls, write_profiles

    cache = user_cache_path("casesim")
    table = measured_calls(photos, photos_from, cache / "models", rounds)
    with in_one_step(out / "compression_calls.csv") as part:
        table.to_csv(part, index=False, float_format="%.5g", lineterminator="\n")
    write_profiles(photos, photos_from, cache, PROFILES, device, lambda words: err.print(words, markup=False))


def compare(
    tables: Annotated[Path, typer.Option(help="folder of score tables")] = SCORES,
    out: Annotated[Path, typer.Option(help="folder to write to")] = DATALAB,
) -> None:
    """Write compression_auc.csv: the AUC of each smaller network against larger ones, paired by patient."""
    from campaigns.compression.compared_scores import differences

    table = differences("pad_ufes20", tables)
    with in_one_step(out / "compression_auc.csv") as part:
        table.to_csv(part, index=False, float_format="%.5g", lineterminator="\n")


COMMANDS: dict[str, Callable[..., None]] = {"scores": scores, "spoiled": spoiled, "calls": calls, "compare": compare}

if __name__ == "__main__":
    run("compression", COMMANDS)
