"""Score tables on the screen: how good they are, where that ends, and uploads."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd
import streamlit as st

from simulator.app.design_state import KEPT as UNLINKED
from simulator.app.exhibit_drawings import panel
from simulator.app.uploads import everyone_sees, own_folder, upload_folder, who_sees
from simulator.app.widgets import KEPT, download, draw, plain, upload
from simulator.charts.look import Chart
from simulator.evidence.catalogue import field_drops
from simulator.evidence.evidence_files import EvidenceError
from simulator.evidence.score_import import Imported, ImportFaultError, ImportOptions, delete_scores, import_scores
from simulator.evidence.score_tables import (
    Measured,
    ScoreTable,
    load_scores,
    other_precisions,
    score_names,
    score_rows,
    score_stamps,
)
from simulator.explain.result import Result
from simulator.limits import SCORE_FILE
from simulator.metrics.operating_points import widest_sensitivity
from simulator.metrics.roc import TARGETS, ScoreSummary, roc_band, score_summary, summary_rows
from simulator.paths import SCORES
from simulator.phrases import phrase
from simulator.sources.calibration import PROMISES, calibrate, held_out_coverage
from simulator.sources.score_charts import (
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
from simulator.sources.threshold_transfer import (
    GRID,
    Column,
    group_rows,
    optimism_rows,
    pair_sentence,
    paired,
    prevalence_rows,
    transfers,
)

_TARGETS = {f"{target:.0%}": target for target in TARGETS}


class ShownTable(NamedTuple):
    """A table on the screen. folder: of the user's own table; None for a shared one."""

    name: str
    folder: Path | None = None

    @property
    def loaded(self) -> ScoreTable:
        return load_scores(self.name, self.folder)

    @property
    def rows(self) -> pd.DataFrame:
        return score_rows(self.name, self.folder)

    @property
    def others(self) -> list[ShownTable]:
        return [ShownTable(name, self.folder) for name in other_precisions(self.name, self.folder)]


def own_tables() -> list[ShownTable]:
    folder = own_folder("scores")
    return [ShownTable(name, folder) for name in score_names(folder)] if folder and folder.is_dir() else []


def tables() -> dict[str, ShownTable]:
    """Return the tables by name: shared ones, shipped ones first, then the user's own, which hide shared ones of one name.

    Tables that cannot be used are left out.
    """
    return {name: table for name, table in _named().items() if not _fault(table)}


def _named() -> dict[str, ShownTable]:
    shipped = score_names(SCORES)
    shared = sorted(score_names(), key=lambda name: name not in shipped)
    return {name: ShownTable(name) for name in shared} | {table.name: table for table in own_tables()}


def _fault(table: ShownTable) -> str:
    try:
        load_scores(table.name, table.folder)
    except EvidenceError as error:
        return str(error)
    return ""


@st.cache_data(max_entries=256, show_spinner="Resampling the patients …")
def _cached(
    what: str, tables: tuple[Any, ...], stamps: tuple[Any, ...], settings: tuple[Any, ...], _work: Callable[[], Any]
) -> Any:
    return _work()


def _once(what: str, work: Callable[[], Any], *tables: ShownTable, settings: tuple[Any, ...] = ()) -> Any:
    stamps = tuple(score_stamps(table.name, table.folder) for table in tables)
    return _cached(what, tuple((table.name, str(table.folder)) for table in tables), stamps, settings, work)


def scores() -> None:
    shown = st.container()
    st.header("Your own scores", anchor=False)
    own_scores()
    with shown:
        _tables()


def _tables() -> None:
    st.markdown(phrase("scores_of_photos.tables"))
    asked = st.radio("Target sensitivity of the threshold", list(_TARGETS), 1, key="sensitivity", horizontal=True, **KEPT)
    target = _TARGETS[asked]
    for sentence in filter(None, map(_fault, _named().values())):
        st.warning(plain(sentence))
    there = tables()
    summaries: dict[str, ScoreSummary] = {
        name: _once("summary", partial(score_summary, *table), table) for name, table in there.items()
    }
    listed = [replace(summary, name=f"{summary.name}{_whose(there[name], summary)}") for name, summary in summaries.items()]
    draw(specificity_by_table(listed, target), key="specificity_by_table", caption=phrase("scores_of_photos.lines"))
    download("Download this list (CSV)", summary_rows(listed), "scores.csv")
    measured = [name for name, summary in summaries.items() if summary.size]
    if not measured:
        return
    st.header("Look closer", anchor=False)
    with st.grid(2, min_column_width=260):
        name = st.selectbox("Scores", measured, key="scores_of", **_kept_by(there))
        question = st.selectbox("Question", list(QUESTIONS), key="question", **KEPT)
    QUESTIONS[question](there[name], target)
    if there[name].folder is None and summaries[name].kind == "imported":
        st.caption("Its rows cannot be downloaded here: who imported the table has them.")
    else:
        download(f"Download {name} (CSV)", there[name].rows, f"{name}.csv")


def _whose(table: ShownTable, summary: ScoreSummary) -> str:
    return " (yours)" if table.folder else " (shared)" if summary.kind == "imported" else ""


def _kept_by(there: dict[str, ShownTable]) -> dict[str, Any]:
    return UNLINKED if any(table.folder for table in there.values()) else KEPT


def _compare(table: ShownTable, target: float) -> None:
    there, dataset = tables(), _dataset(table)
    others = [name for name, other in there.items() if other != table and _dataset(other) == dataset]
    if not others:
        st.info("There are no other scores of these photos to compare with.")
        return
    against = there[st.selectbox("Against", others, key="scores_against", **_kept_by(there))]
    pairs = _once("pairs", lambda: paired(against.rows, table.rows), against, table)
    bands = {side.name: _once("band", partial(roc_band, side.rows), side) for side in (against, table)}
    draw(compared_curves(bands, pairs, target), key="compared_curves")
    others_too = [pair for pair in pairs if f"{target:.0%}" not in pair.what]
    st.markdown("\n".join(f"- {plain(pair_sentence(pair, against.name, table.name))}" for pair in others_too))
    st.caption("The same patients are resampled for both, so photos that both find hard do not count as a difference.")


def _dataset(table: ShownTable) -> str | None:
    about = table.loaded.about
    return about.dataset if isinstance(about, Measured) else None


def _prevalence(table: ShownTable, target: float) -> None:
    rows, threshold = table.rows, table.loaded.threshold_at(target)
    chosen = st.slider("People who are ill (%)", 0.1, 50.0, 2.0, 0.1, key="ill", **KEPT) / 100
    sample = float(rows["label"].mean())
    settings = (target, chosen)
    shown = _once("prevalence", lambda: prevalence_rows(rows, threshold, {*GRID, sample, chosen}), table, settings=settings)
    draw(by_prevalence(shown, sample, chosen), key="by_prevalence", caption=phrase("scores_of_photos.mixture"))


def _by(table: ShownTable, target: float, column: Column) -> Chart:
    return by_group(group_rows(table.rows, table.loaded.threshold_at(target), column), target)


def _shown(chart: Callable[[ShownTable, float], Chart], key: str, caption: str) -> Callable[[ShownTable, float], None]:
    """Return the panel of a question that needs no control: a chart and its caption."""

    def show(table: ShownTable, target: float) -> None:
        draw(chart(table, target), key=key, caption=caption)

    return show


_ONE_THRESHOLD = "One threshold for all groups, chosen on all photos. Intervals account for photos of the same patient."


def _transfer(table: ShownTable, target: float) -> None:
    _draw_transfers(table, target)
    st.caption(phrase("scores_of_photos.threshold"))
    _field(table.name)


def _draw_transfers(table: ShownTable, target: float) -> None:
    others = table.others
    work = lambda: transfers(table.rows, target, [other.rows for other in others])  # noqa: E731
    draw(threshold_transfers(_once("transfers", work, table, *others, settings=(target,))), key="transfers")


def _field(table: str) -> None:
    drops = [drop for drop in field_drops() if drop.stands_beside(table)]
    if not drops:
        return
    draw(field_drop(drops), key="field_drop")
    st.caption(" ".join(f"Bench: {drop.bench.source}. Field: {drop.field.source}." for drop in drops))


#: The questions about a table: the name of the table and a sensitivity.
QUESTIONS: dict[str, Callable[[ShownTable, float], None]] = {
    "How do two compare?": _compare,
    "Is a score a probability?": _shown(
        lambda table, _: reliability(_once("calibration", lambda: calibrate(table.rows), table)),
        "reliability",
        phrase("scores_of_photos.bins"),
    ),
    "Which photos are unsure?": _shown(
        lambda table, _: kept_promises([held_out_coverage(table.rows, promised) for promised in PROMISES]),
        "kept_promises",
        phrase("scores_of_photos.unsure"),
    ),
    "Is it fair to all skin types?": _shown(partial(_by, column="fitzpatrick"), "by_fitzpatrick", _ONE_THRESHOLD),
    "Which diagnoses are missed?": _shown(partial(_by, column="diagnosis"), "by_diagnosis", _ONE_THRESHOLD),
    "What if fewer are ill?": _prevalence,
    "Does the target hold on new patients?": _shown(
        lambda table, target: optimism(optimism_rows(table.rows), target),
        "optimism",
        "Lines reach from the worst fold to the best one.",
    ),
    "Does a threshold transfer?": _transfer,
}


def own_scores() -> None:
    """Offer to upload a table, with a sentence for each fault, and to delete the user's own."""
    st.markdown(phrase("scores_of_photos.upload") + who_sees("it"))
    with st.form("own_scores"):
        uploaded = upload("CSV with labels and scores", ["csv"], SCORE_FILE)
        with st.grid(2, min_column_width=200):
            dataset = st.text_input("Name of the data", "mine")
            model = st.text_input("Name of the model", placeholder="from the file")
            precision = st.text_input("Precision", placeholder="from the file, or fp32")
            source = st.text_input("Sources of the scores", placeholder="for the record")
        overwrite = False if everyone_sees() else st.checkbox("Replace a table of that name")
        pressed = st.form_submit_button("Check and import", type="primary")
    if pressed and uploaded is not None:
        options = ImportOptions(dataset, model or None, precision or None, source or None, overwrite=overwrite)
        _import(uploaded.name, uploaded.getvalue(), options)
    elif pressed:
        st.error("Choose a file first.")
    for table in own_tables():
        _deletable(table)


def _deletable(table: ShownTable) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f"Yours: **{plain(table.name)}**", width="content")
        with st.popover("Delete", type="tertiary"):
            st.markdown("It cannot be brought back.")
            st.button(f"Delete {table.name}", key=f"delete:{table.name}", on_click=_delete, args=(table,))


def _delete(table: ShownTable) -> None:
    with suppress(EvidenceError):  # it is gone already, from another tab
        delete_scores(table.name, table.folder)


def _import(file: str, content: bytes, options: ImportOptions) -> None:
    try:
        made = import_scores(file, content, options, upload_folder("scores"))
    except ImportFaultError as fault:
        st.error("\n".join(f"- {plain(sentence)}" for sentence in fault.sentences))
    except EvidenceError as error:
        st.error(plain(str(error)))
    else:
        _imported(made)


def _imported(made: Imported) -> None:
    """Show the names of the written tables, their use in a case, and the unread columns; pick the first table."""
    st.success(f"Imported {plain(', '.join(made.names))}.")
    st.session_state["scores_of"] = made.names[0]
    if everyone_sees():
        st.markdown("Use them in a case like this:")
        st.code("\n".join(dict.fromkeys(f"scores: {name.rpartition('.')[0]}" for name in made.names)), language=None)
    else:
        st.caption(phrase("scores_of_photos.import"))
    if made.unread:
        st.caption(f"Unused columns: {plain(', '.join(made.unread))}")


@panel("transfer")
def threshold_transfer(result: Result) -> None:
    """Draw the sensitivity of the design's widest threshold among other people."""
    plan = result.plan
    table = plan.scores
    if table is None:
        return
    if isinstance(table.about, Measured):
        _draw_transfers(ShownTable(table.name), min(widest_sensitivity(plan) or TARGETS[1], TARGETS[-1]))
        st.caption(phrase("scores_of_photos.transfer"))
    _field(table.name)
