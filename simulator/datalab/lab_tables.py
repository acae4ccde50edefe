"""Scores of the lab as a score table like any other, and a run of the case with them: the same people, folds and intervals."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pandas as pd

from simulator.case.choices import Pick
from simulator.case.designs import validated
from simulator.case.load import load
from simulator.case.schema import Scenario
from simulator.datalab.lab_evidence import lab_about
from simulator.datalab.label_prices import CASE
from simulator.datalab.refit import TABLE, LabRequest, LabScores, lab_photos
from simulator.engine.compiled_plan import Plan
from simulator.engine.plan import compile_plan
from simulator.evidence.catalogue import instruction_set_of
from simulator.evidence.evidence_files import staging
from simulator.evidence.linear_head import INVERSE_PENALTY
from simulator.evidence.score_import import write_table
from simulator.evidence.score_tables import Measured, load_scores, score_rows
from simulator.explain.result import Result, replicate
from simulator.phrases import Slot, phrase

#: The name of a table of the lab, without its precision.
DATASET, MODEL = "lab", "refitted"
#: The choice of the case that names the table, and the option that the lab adds to it.
CHOICE, OPTION = "architecture", "lab"
_LABELLERS = {
    "proven": "labels proven by a biopsy",
    "one": "each label by one reader",
    "three": "each label by the majority of three readers",
    "adjudicated": "each label by two readers, and an expert where they differ",
}
_DIGITS = 5


def words(request: LabRequest) -> str:
    """Return the recipe of a refit in one line."""
    panel, photos = request.panel, {"photos": request.photos, "all": len(lab_photos())}
    slots: dict[str, Slot] = {"backbone": lab_about().backbone(request.backbone).label, "penalty": INVERSE_PENALTY, **photos}
    slots |= {"labels": _LABELLERS[panel.labeller], "guidelines": panel.guidelines, "by_photo": request.split == "photo"}
    return phrase("lab.recipe", **slots, selection=request.selection, weights=request.weights, views=request.views)


def table_rows(scores: LabScores, model: str = MODEL) -> pd.DataFrame:
    """Return the rows of a score table: those of the committed one, with the lab's scores and folds."""
    photos, rows = lab_photos(), score_rows(TABLE)
    folds = photos.folds if scores.request.split == "patient" else photos.photo_folds
    kept = rows.drop(columns="predicted")
    return kept.assign(fold=folds, model=model, precision="fp32", score=np.round(scores.scores, _DIGITS))


def sidecar(scores: LabScores, model: str = MODEL, dataset: str = DATASET) -> Measured:
    """Return the origin of a table of the lab."""
    base = load_scores(TABLE).about
    assert isinstance(base, Measured)
    return Measured(
        kind="measured",
        dataset=dataset,
        model=model,
        precision="fp32",
        head=words(scores.request),
        items=base.items,
        positives=base.positives,
        patients=base.patients,
        source=f"CaseSim's data lab, the patients and folds of {TABLE}, seed {scores.request.seed}, out-of-fold scores",
        attribution=base.attribution,
        date=datetime.now(UTC).date().isoformat(),
        instruction_set=instruction_set_of(lab_about().processor),
        note=f"{scores.wrong:.1%} of the training labels were wrong; tested photos always have the proven label",
    )


def write_lab_table(scores: LabScores, folder: Path, model: str = MODEL) -> str:
    """Write the table and its sidecar to a folder; return its name without the precision, as a case takes it."""
    folder.mkdir(parents=True, exist_ok=True)
    name = f"{DATASET}.{model}"
    write_table(table_rows(scores, model), sidecar(scores, model), folder / f"{name}.fp32")
    return name


def with_lab_table(scenario: Scenario, name: str, views: bool = False) -> Scenario:
    """Return the case with one option more of its architecture: Lite0 with a table of the lab."""
    option: dict[str, Any] = {
        "label": "Refitted in the data lab",
        "set": {"stages.classifier.model": "efficientnet_lite0", "stages.classifier.scores": name},
    }
    if views:
        option["set"]["stages.classifier.passes"] = 4
    return validated(scenario.document.with_value(("choices", CHOICE, "options", OPTION), option))


def plan_with(scores: LabScores, picks: Mapping[str, Pick], folder: Path) -> Plan:
    """Return the case's plan with these scores; the table is written to `folder`, which is staged meanwhile."""
    name = write_lab_table(scores, folder / "scores")
    with staging(folder):
        return compile_plan(with_lab_table(load(CASE), name, scores.request.views), {**picks, CHOICE: OPTION})


def run_with(scores: LabScores, picks: Mapping[str, Pick], seed: int = 1, replications: int = 3) -> Result:
    """Run a design of the case with the lab's scores; raises ScenarioError."""
    with TemporaryDirectory() as folder:
        return replicate(plan_with(scores, picks, Path(folder)), seed, replications)
