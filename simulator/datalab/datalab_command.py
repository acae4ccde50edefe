"""`casesim lab`: refit a head on other data, with its price, and run the case with its scores."""

from __future__ import annotations

import json
import re
from dataclasses import asdict
from typing import Annotated, Any, cast, get_args

import pandas as pd
import typer
from rich.table import Table

from simulator.cli.exits import UsageError, err, known, needing, say, table_console
from simulator.cli.options import AsJson, Seed
from simulator.paths import OWN_SCORES

with needing("lab", "the data lab"):
    from simulator.datalab.datalab_charts import check_table, foreign_photos, spoiling
    from simulator.datalab.lab_evidence import SPOILED_STUDIES, lab_about, study_rows
    from simulator.datalab.lab_tables import run_with, words, write_lab_table
    from simulator.datalab.label_noise import LABELLERS, Labeller, Panel
    from simulator.datalab.label_prices import price_of
    from simulator.datalab.learning_curves import CurvePoint, PairedDifference, difference, point
    from simulator.datalab.refit import SELECTIONS, ClassWeights, LabRequest, LabScores, Selection, Split, lab_photos
    from simulator.evidence.photo_checks import NOT_WORTH_SCORING

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,59}")


def lab(
    photos: Annotated[int | None, typer.Option(help="photos that are labelled; default all")] = None,
    labeller: Annotated[str, typer.Option(metavar="|".join(LABELLERS), help="the people behind a label")] = "proven",
    guidelines: Annotated[bool, typer.Option("--guidelines", help="readers follow written rules")] = False,
    choose: Annotated[str, typer.Option(metavar="|".join(SELECTIONS), help="photos that are labelled first")] = "random",
    weights: Annotated[str, typer.Option(metavar="|".join(get_args(ClassWeights)), help="weights of the photos")] = "none",
    split: Annotated[str, typer.Option(metavar="|".join(get_args(Split)), help="folds by patient, or by photo")] = "patient",
    backbone: Annotated[str, typer.Option(help="a network whose features are frozen")] = "efficientnet_lite0",
    views: Annotated[bool, typer.Option("--views", help="score the mean of four views of each photo")] = False,
    repeats: Annotated[int, typer.Option(min=1, max=100, help="draws of photos and of reading errors")] = 5,
    spoiled: Annotated[
        bool, typer.Option("--spoiled", help="print what spoils a photo, and the checks; refit nothing")
    ] = False,
    run: Annotated[bool, typer.Option("--run", help="run the skin case with these scores too")] = False,
    keep: Annotated[str | None, typer.Option(metavar="NAME", help="keep the scores as the table `lab.NAME`")] = None,
    as_json: AsJson = False,
    seed: Seed = 0,
) -> None:
    """Refit the skin case's head on other photos and labels; print its quality, its price, and the gap to proven labels."""
    if spoiled:
        _show_spoiled(as_json)
        return
    if keep is not None and not _NAME.fullmatch(keep):
        raise UsageError(f"--keep: '{keep}' is no name; use letters, digits, _ and -, at most 60")
    request = LabRequest(
        known("backbone", backbone, [backbone.name for backbone in lab_about().backbones]),
        views,
        len(lab_photos()) if photos is None else photos,
        Panel(cast(Labeller, known("labeller", labeller, LABELLERS)), guidelines),
        cast(Selection, known("way to choose", choose, SELECTIONS)),
        cast(ClassWeights, known("weighting", weights, get_args(ClassWeights))),
        cast(Split, known("split", split, get_args(Split))),
        seed,
    )
    request.check(len(lab_photos()))
    outcome, base = point(request, repeats), point(LabRequest(), 1)
    gaps = {of: difference(outcome, base, of) for of in ("auc", "melanomas")}
    first = LabScores(request, outcome.scores[0], outcome.wrong)
    result = run_with(first, {}) if run else None
    if as_json:
        metrics = {name: asdict(estimate) for name, estimate in result.metrics.items()} if result else None
        typer.echo(json.dumps(_json(outcome, gaps) | ({"metrics": metrics} if metrics else {}), indent=2, allow_nan=False))
    else:
        _print_outcome(outcome, gaps)
        if result:
            for name in ("sensitivity", "sensitivity.diagnosis.MEL", "escalated_share", "cost_per_1000_usd"):
                say(f"{name}: {result.shown(name)[0]} ({result.shown(name)[1]})")
    if keep is not None:
        name = write_lab_table(first, OWN_SCORES, keep)
        err.print(f"a case takes it with `scores: {name}`", markup=False)


def _json(outcome: CurvePoint, gaps: dict[str, PairedDifference]) -> dict[str, Any]:
    cost = price_of(outcome.request)
    return {
        "recipe": words(outcome.request),
        "photos": outcome.request.photos,
        "usd": cost.usd,
        "weeks": cost.weeks,
        "wrong_labels": outcome.wrong,
        **{name: _bounds_json(estimate) for name, estimate in (("auc", outcome.auc), ("melanomas_found", outcome.melanomas))},
        **{f"{name}_gap": _bounds_json(gap.interval) | {"p": gap.p} for name, gap in gaps.items()},
    }


def _bounds_json(estimate: Any) -> dict[str, float]:
    return {name: float(getattr(estimate, name)) for name in ("value", "low", "high")}


def _print_outcome(outcome: CurvePoint, gaps: dict[str, PairedDifference]) -> None:
    cost = price_of(outcome.request)
    say(words(outcome.request))
    say(f"price: {cost.usd:,.0f} USD and {cost.weeks:.1f} weeks; {outcome.wrong:.1%} of the training labels are wrong")
    table = Table("", "value", "95% interval", "gap to all labels proven", "95% interval", "p", box=None)
    for name, label, figure in (("auc", "AUC", outcome.auc), ("melanomas", "melanomas found", outcome.melanomas)):
        gap = gaps[name]
        table.add_row(
            label,
            f"{figure.value:.3f}",
            f"{figure.low:.3f} to {figure.high:.3f}",
            f"{gap.interval.value:+.3f}",
            f"{gap.interval.low:+.3f} to {gap.interval.high:+.3f}",
            f"{gap.p:.3f}",
        )
    table_console().print(table)
    say("Melanomas found: where 60% of the people without cancer are referred. Intervals: patients and draws.")


def _show_spoiled(as_json: bool) -> None:
    """Print the studies of spoiled and of foreign photos, as tables or as rows of JSON."""
    rows = {name: study_rows(name) for name in SPOILED_STUDIES}
    if as_json:
        typer.echo(json.dumps({name: study.to_dict("records") for name, study in rows.items()}, indent=2, allow_nan=False))
        return
    for drawn in (spoiling(rows["spoiled"]), foreign_photos(rows["foreign"])):
        say(drawn.takeaway)
        _print_rows(drawn.table)
    say("The check of sharpness and light, where it stops 5% of the photos as taken:")
    _print_rows(check_table(rows["photo_check"], NOT_WORTH_SCORING))


def _print_rows(rows: pd.DataFrame) -> None:
    table = Table(*map(str, rows), box=None)
    for row in rows.itertuples(index=False):
        table.add_row(*map(str, row))
    table_console().print(table)
