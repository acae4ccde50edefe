"""Score tables: what a model answered on labelled items, one row an item.

A table is a CSV (`assets/scores/<data>.<model>.<precision>.csv`) with a sidecar `.yaml` that says where it comes from. A
model that nobody measured enters with a published operating point: the sidecar alone, from which a binormal curve is drawn.
What a person imports lies in their own data folder and is found by the same names.
"""

from simulator.evidence.scores.about import Measured, Published, ScoreError
from simulator.evidence.scores.tables import (
    FOLDERS,
    ScoreTable,
    check_paired,
    load_scores,
    other_precisions,
    score_files,
    score_names,
    score_rows,
    score_stamps,
    scores_at,
)

__all__ = [
    "FOLDERS",
    "Measured",
    "Published",
    "ScoreError",
    "ScoreTable",
    "check_paired",
    "load_scores",
    "other_precisions",
    "score_files",
    "score_names",
    "score_rows",
    "score_stamps",
    "scores_at",
]
