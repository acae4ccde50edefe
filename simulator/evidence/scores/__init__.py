"""Score tables: what a model answered on labelled items, one row an item.

A table is a CSV (`assets/scores/<data>.<model>.<precision>.csv`) with a sidecar `.yaml` that says where it comes from. A
model that nobody measured enters with a published operating point: the sidecar alone, from which a binormal curve is drawn.
Where nothing is published either, a case may assume the area under such a curve (`assumed_scores`).
What a person imports lies in their own data folder and is found by the same names.
"""

from simulator.evidence.scores.about import Assumed, Measured, Published, ScoreError
from simulator.evidence.scores.assumed import assumed_scores
from simulator.evidence.scores.tables import (
    FOLDERS,
    ScoreTable,
    check_paired,
    load_scores,
    other_precisions,
    readable_scores,
    score_files,
    score_names,
    score_rows,
    score_stamps,
    scores_at,
)

__all__ = [
    "FOLDERS",
    "Assumed",
    "Measured",
    "Published",
    "ScoreError",
    "ScoreTable",
    "assumed_scores",
    "check_paired",
    "load_scores",
    "other_precisions",
    "readable_scores",
    "score_files",
    "score_names",
    "score_rows",
    "score_stamps",
    "scores_at",
]
