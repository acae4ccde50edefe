"""Results of the lab's studies, written beside its features."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pandas as pd

from campaigns.datalab import lab_studies, spoiled_studies
from campaigns.datalab.case_data import PHONE, PHONE_PRECISION, REQUESTS, middle_draw
from simulator.cli.exits import known
from simulator.datalab.lab_evidence import SPOILED_STUDIES, STUDIES
from simulator.datalab.lab_tables import sidecar, table_rows
from simulator.datalab.refit import LabRequest, refit
from simulator.evidence.evidence_files import in_one_step
from simulator.evidence.score_import import write_table


def write_studies(out: Path, only: str | None, report: Callable[[str], None]) -> None:
    """Write study.<name>.csv of every study, or of one."""
    modules = dict.fromkeys(STUDIES, lab_studies) | dict.fromkeys(SPOILED_STUDIES, spoiled_studies)
    for name in modules if only is None else [known("study", only, modules)]:
        report(name)
        made: pd.DataFrame = getattr(modules[name], name)()
        with in_one_step(out / f"study.{name}.csv") as part:
            made.to_csv(part, index=False, float_format="%.5g", lineterminator="\n")


def write_case_tables(out: Path, report: Callable[[str], None]) -> None:
    """Write the score table of every option of the case's data, and of its network on the phone."""
    for name, request in REQUESTS.items():
        report(name)
        scores, model = middle_draw(request), f"efficientnet_lite0_{name}"
        write_table(table_rows(scores, model), sidecar(scores, model, "pad_ufes20"), out / f"pad_ufes20.{model}.fp32")
    report(PHONE)
    scores = refit(LabRequest(backbone=PHONE))
    about = sidecar(scores, PHONE, "pad_ufes20").model_copy(update={"precision": PHONE_PRECISION})
    rows = table_rows(scores, PHONE).assign(precision=PHONE_PRECISION)
    write_table(rows, about, out / f"pad_ufes20.{PHONE}.{PHONE_PRECISION}")
