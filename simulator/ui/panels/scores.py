"""Score tables on the screen: how good they are, where that ends, and uploads."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import pandas as pd
import streamlit as st

from simulator.analysis.run.operating import widest_sensitivity
from simulator.analysis.scores.calibration import calibrate
from simulator.analysis.scores.conformal import PROMISES, held_out_coverage
from simulator.analysis.scores.groups import Column, group_rows
from simulator.analysis.scores.optimism import optimism_rows
from simulator.analysis.scores.paired import pair_sentence, paired
from simulator.analysis.scores.prevalence import GRID, prevalence_rows
from simulator.analysis.scores.summary import TARGETS, ScoreSummary, roc_band, score_summary, summary_rows
from simulator.analysis.scores.transfer import transfers
from simulator.evidence.field import field_drops
from simulator.evidence.scores import (
    Measured,
    ScoreError,
    load_scores,
    other_precisions,
    score_names,
    score_rows,
    score_stamps,
)
from simulator.evidence.scores.checks import ImportFaultError
from simulator.evidence.scores.importing import ImportOptions, import_scores
from simulator.limits import SCORE_FILE
from simulator.serving.plan import Plan
from simulator.ui.charts import (
    by_group,
    by_prevalence,
    compared_curves,
    field_drop,
    kept_promises,
    optimism,
    reliability,
    specificity_by_table,
    threshold_transfers,
)
from simulator.ui.widgets import KEPT, download, draw, plain, upload

_TARGETS = {f"{target:.0%}": target for target in TARGETS}


@st.cache_data(max_entries=256, show_spinner="Resampling the patients …")
def _kept(
    what: str, names: tuple[str, ...], stamps: tuple[Any, ...], settings: tuple[Any, ...], _work: Callable[[], Any]
) -> Any:
    """What `_work` answers, kept until one of these tables changes."""
    return _work()


def _once(what: str, work: Callable[[], Any], *names: str, settings: tuple[Any, ...] = ()) -> Any:
    return _kept(what, names, tuple(score_stamps(name) for name in names), settings, work)


def scores() -> None:
    """The panel of the evidence page."""
    shown = st.container()
    st.subheader("Your own scores", anchor=False)
    own_scores()
    with shown:
        _tables()


def _tables() -> None:
    st.markdown(
        "Each photo was scored by a model that never saw its patient. A threshold that finds more of the positives also refers "
        "more of the negatives; a better model refers fewer."
    )
    asked = st.radio("Target sensitivity of the threshold", list(_TARGETS), 1, key="sensitivity", horizontal=True, **KEPT)
    target = _TARGETS[asked]
    summaries: list[ScoreSummary] = [_once("summary", partial(score_summary, name), name) for name in score_names()]
    draw(specificity_by_table(summaries, target), key="specificity_by_table")
    st.caption(
        "Lines are 95% intervals: patients are resampled 2,000 times, and each resample chooses its own threshold. A published "
        "point has no patients to resample."
    )
    download("Download this list (CSV)", summary_rows(summaries), "scores.csv")
    measured = [summary.name for summary in summaries if summary.size]
    if not measured:
        return
    st.subheader("Look closer", anchor=False)
    with st.grid(2, min_column_width=260):
        name = st.selectbox("Scores", measured, key="scores_of", **KEPT)
        question = st.selectbox("Question", list(QUESTIONS), key="question", **KEPT)
    QUESTIONS[question](name, target)
    download(f"Download {name} (CSV)", score_rows(name), f"{name}.csv")


def _compare(name: str, target: float) -> None:
    others = [other for other in score_names() if other != name and _dataset(other) == _dataset(name)]
    if not others:
        st.info("There are no other scores of these photos to compare with.")
        return
    against = st.selectbox("Against", others, key="scores_against", **KEPT)
    pairs = _once("pairs", lambda: paired(score_rows(against), score_rows(name)), against, name)
    bands = {one: _once("band", partial(_band, one), one) for one in (against, name)}
    draw(compared_curves(bands, pairs, target), key="compared_curves")
    others_too = [pair for pair in pairs if f"{target:.0%}" not in pair.what]
    st.markdown("\n".join(f"- {plain(pair_sentence(pair, against, name))}" for pair in others_too))
    st.caption("The same patients are resampled for both, so photos that both find hard do not count as a difference.")


def _band(name: str) -> pd.DataFrame:
    return roc_band(score_rows(name))


def _dataset(name: str) -> str | None:
    about = load_scores(name).about
    return about.dataset if isinstance(about, Measured) else None


def _reliability(name: str, target: float) -> None:
    draw(reliability(_once("calibration", lambda: calibrate(score_rows(name)), name)), key="reliability")
    st.caption(
        "Ten bins of equally many photos. Scaling divides every logit by one number, which keeps the order of the photos and "
        "therefore sensitivity and specificity."
    )


def _unsure(name: str, target: float) -> None:
    rows = score_rows(name)
    draw(kept_promises([held_out_coverage(rows, promised) for promised in PROMISES]), key="kept_promises")
    st.caption(
        "Each class has its own coverage target. A photo is cleared if its score would be unusual for a positive, referred if "
        "unusual for a negative, and unsure if neither or both. The limits come from the other folds."
    )


def _by(column: Column) -> Callable[[str, float], None]:
    def show(name: str, target: float) -> None:
        threshold = load_scores(name).threshold_at(target)
        draw(by_group(group_rows(score_rows(name), threshold, column), target), key=f"by_{column}")
        st.caption("One threshold for everybody, chosen on all photos. Intervals account for photos of the same patient.")

    return show


def _prevalence(name: str, target: float) -> None:
    rows, threshold = score_rows(name), load_scores(name).threshold_at(target)
    chosen = st.slider("People who are ill (%)", 0.1, 50.0, 2.0, 0.1, key="ill", **KEPT) / 100
    sample = float(rows["label"].mean())
    settings = (target, chosen)
    found = _once("prevalence", lambda: prevalence_rows(rows, threshold, {*GRID, sample, chosen}), name, settings=settings)
    draw(by_prevalence(found, sample, chosen), key="by_prevalence")
    st.caption("Only the mixture changes: the sample's positives and negatives stand for those of the population.")


def _optimism(name: str, target: float) -> None:
    draw(optimism(optimism_rows(score_rows(name)), target), key="optimism")
    st.caption("Lines reach from the worst fold to the best one.")


def _transfer(name: str, target: float) -> None:
    names = (name, *other_precisions(name))
    rows, *others = (score_rows(one) for one in names)
    found = _once("transfers", lambda: transfers(rows, target, others), *names, settings=(target,))
    draw(threshold_transfers(found), key="transfers")
    st.caption(
        "Lines are 95% intervals that include how uncertain the threshold is. A hollow marker shows the photos on which it "
        "was chosen."
    )
    _field(name)


def _field(table: str) -> None:
    """What the field gave of what is like this table; nothing where no study is known."""
    drops = [drop for drop in field_drops() if drop.stands_beside(table)]
    if not drops:
        return
    draw(field_drop(drops), key="field_drop")
    st.caption(" ".join(f"Bench: {drop.bench.source}. Field: {drop.field.source}." for drop in drops))


#: The questions about a table: the name of the table and a sensitivity.
QUESTIONS: dict[str, Callable[[str, float], None]] = {
    "How do two compare?": _compare,
    "Is a score a probability?": _reliability,
    "Which photos are unsure?": _unsure,
    "Is it fair to all skin types?": _by("fitzpatrick"),
    "Which diagnoses are missed?": _by("diagnosis"),
    "What if fewer are ill?": _prevalence,
    "Does the target hold on new patients?": _optimism,
    "Does a threshold transfer?": _transfer,
}


def own_scores() -> None:
    """Upload a table; every fault gets a sentence."""
    st.markdown(
        "Upload your own CSV: a row a photo, with the columns `label` (0 or 1) and `score` (0 to 1), and `id`, `group` "
        "(the patient), `model`, `precision`, `fold`, `diagnosis` and `fitzpatrick` where they are known. It stays on the "
        "machine that serves this page."
    )
    with st.form("own_scores"):
        uploaded = upload("CSV with labels and scores", ["csv"], SCORE_FILE)
        with st.grid(2, min_column_width=200):
            dataset = st.text_input("Name of the data", "mine")
            model = st.text_input("Name of the model", placeholder="from the file")
            precision = st.text_input("Precision", placeholder="from the file, or fp32")
            source = st.text_input("Where the scores come from", placeholder="for the record")
        overwrite = st.checkbox("Replace a table of that name")
        pressed = st.form_submit_button("Check and import", type="primary")
    if not pressed:
        return
    if uploaded is None:
        st.error("Choose a file first.")
        return
    options = ImportOptions(dataset, model or None, precision or None, source or None, overwrite=overwrite)
    _import(uploaded.name, uploaded.getvalue(), options)


def _import(file: str, content: bytes, options: ImportOptions) -> None:
    try:
        made = import_scores(file, content, options)
    except ImportFaultError as fault:
        st.error("\n".join(f"- {plain(sentence)}" for sentence in fault.sentences))
    except ScoreError as error:
        st.error(plain(str(error)))
    else:
        st.success(f"Imported {plain(', '.join(made.names))}. Use them in a case like this:")
        st.code("\n".join(dict.fromkeys(f"scores: {name.rpartition('.')[0]}" for name in made.names)), language="yaml")
        if made.unread:
            st.caption(f"Columns not used: {plain(', '.join(made.unread))}")


def threshold_transfer(plan: Plan) -> None:
    """The exhibit of a run with thresholds on scores: how its widest threshold does among other people."""
    table = plan.scores
    if table is None:
        return
    if isinstance(table.about, Measured):
        promise = min(widest_sensitivity(plan) or TARGETS[1], TARGETS[-1])
        names = (table.name, *other_precisions(table.name))
        work = lambda: transfers(score_rows(names[0]), promise, [score_rows(name) for name in names[1:]])  # noqa: E731
        draw(threshold_transfers(_once("transfers", work, *names, settings=(promise,))), key="transfers")
        st.caption(
            "The threshold of this design, chosen anew on some of the labelled items and applied to others. A hollow marker "
            "shows those on which it was chosen; lines are 95% intervals."
        )
    _field(table.name)
