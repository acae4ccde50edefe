"""`casesim lab`: refit a head on other data, with its price, and run the case with its scores."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from itertools import chain
from typing import Annotated, Any, cast, get_args

import pandas as pd
import typer
from rich.table import Table

from simulator.cli.exits import Line, UsageError, answer, err, known, needing, table_of_frame
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


@dataclass(frozen=True)
class LabCommand:
    """Refit the skin case's head on other photos and labels; print its quality, its price, and the gap to proven labels."""

    photos: Annotated[int | None, "photos that are labelled; default all"] = None
    labeller: Annotated[str, "|".join(LABELLERS), "the people behind a label"] = "proven"
    guidelines: Annotated[bool, "readers follow written rules"] = False
    choose: Annotated[str, "|".join(SELECTIONS), "photos that are labelled first"] = "random"
    weights: Annotated[str, typer.Option(metavar="|".join(get_args(ClassWeights)), help="weights of the photos")] = "none"
    split: Annotated[str, typer.Option(metavar="|".join(get_args(Split)), help="folds by patient, or by photo")] = "patient"
    backbone: Annotated[str, "a network whose features are frozen"] = "efficientnet_lite0"
    views: Annotated[bool, "score the mean of four views of each photo"] = False
    repeats: Annotated[int, typer.Option(min=1, max=100, help="draws of photos and of reading errors")] = 5
    spoiled: Annotated[bool, "print what spoils a photo, and the checks; refit nothing"] = False
    run_it: Annotated[bool, "--run", "run the skin case with these scores too"] = False
    keep: Annotated[str | None, "NAME", "keep the scores as the table `lab.NAME`"] = None
    as_json: AsJson = False
    seed: Seed = 0

    def run(self) -> None:
        if self.spoiled:
            rows = {name: study_rows(name) for name in SPOILED_STUDIES}
            answer(self.as_json, {name: study.to_dict("records") for name, study in rows.items()}, _spoiled_parts(rows))
            return
        keep = self.keep
        if keep is not None and not _NAME.fullmatch(keep):
            raise UsageError(f"--keep: '{keep}' is no name; use letters, digits, _ and -, at most 60")
        request = self.request()
        outcome, base = point(request, self.repeats), point(LabRequest(), 1)
        gaps = {of: difference(outcome, base, of) for of in ("auc", "melanomas")}
        first = LabScores(request, outcome.scores[0], outcome.wrong)
        result = run_with(first, {}) if self.run_it else None
        metrics = {name: asdict(estimate) for name, estimate in result.metrics.items()} if result else None
        shown = ("sensitivity", "sensitivity.diagnosis.MEL", "escalated_share", "cost_per_1000_usd") if result else ()
        figures = (Line("{}: {} ({})".format(name, *result.shown(name)[:2])) for name in shown if result)
        record = _json(outcome, gaps) | ({"metrics": metrics} if metrics else {})
        answer(self.as_json, record, chain(_outcome_parts(outcome, gaps), figures))
        if keep is not None:
            name = write_lab_table(first, OWN_SCORES, keep)
            err.print(f"a case takes it with `scores: {name}`", markup=False)

    def request(self) -> LabRequest:
        """Return the recipe; raises UsageError, and LabError for a number of photos that there are not."""
        request = LabRequest(
            known("backbone", self.backbone, [backbone.name for backbone in lab_about().backbones]),
            self.views,
            len(lab_photos()) if self.photos is None else self.photos,
            Panel(cast(Labeller, known("labeller", self.labeller, LABELLERS)), self.guidelines),
            cast(Selection, known("way to choose", self.choose, SELECTIONS)),
            cast(ClassWeights, known("weighting", self.weights, get_args(ClassWeights))),
            cast(Split, known("split", self.split, get_args(Split))),
            self.seed,
        )
        request.check(len(lab_photos()))
        return request


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


def _outcome_parts(outcome: CurvePoint, gaps: dict[str, PairedDifference]) -> Iterator[Any]:
    cost = price_of(outcome.request)
    yield Line(words(outcome.request))
    yield Line(f"price: {cost.usd:,.0f} USD and {cost.weeks:.1f} weeks; {outcome.wrong:.1%} of the training labels are wrong")
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
    yield table
    yield Line("Melanomas found: where 60% of the people without cancer are referred. Intervals: patients and draws.")


def _spoiled_parts(rows: dict[str, pd.DataFrame]) -> Iterator[Any]:
    """Yield the studies of spoiled and of foreign photos, and of the check."""
    for drawn in (spoiling(rows["spoiled"]), foreign_photos(rows["foreign"])):
        yield Line(drawn.takeaway)
        yield table_of_frame(drawn.table)
    yield Line("The check of sharpness and light, where it stops 5% of the photos as taken:")
    yield table_of_frame(check_table(rows["photo_check"], NOT_WORTH_SCORING))
