"""The data lab on the screen: choices of data and labels with a price, a refit at once, the run with it, and the studies."""

from __future__ import annotations

from functools import lru_cache
from typing import cast, get_args

import pandas as pd
import streamlit as st

from simulator.app.widgets import download, draw, number_format, plain
from simulator.datalab.datalab_charts import (
    COMPARED,
    LABELLER_WORDS,
    LEAST_LOSS,
    MEASURE_WORDS,
    OPERATING_POINT,
    SELECTION_WORDS,
    check_table,
    difference_words,
    foreign_photos,
    gains,
    learning,
    purchases,
    spoiling,
)
from simulator.datalab.lab_evidence import MALIGNANT, ReaderTable, lab_about, reader_cases, reader_table, study_rows
from simulator.datalab.lab_tables import run_with, table_rows, words
from simulator.datalab.label_noise import (
    EXPERT_BETWEEN,
    EXPERT_ERRORS,
    GUIDELINE_BETWEEN,
    GUIDELINE_ERRORS,
    Labeller,
    Panel,
    agreed_share,
    pair_kappa,
)
from simulator.datalab.label_prices import ASSUMED, case_rates, price_of
from simulator.datalab.learning_curves import EASY, LEAKED, REFERRED, CurvePoint, PairedDifference, difference, point
from simulator.datalab.refit import LEAST_PHOTOS, ClassWeights, LabRequest, LabScores, Selection, Split, lab_photos
from simulator.errors import InputError
from simulator.evidence.photo_checks import NOT_WORTH_SCORING
from simulator.explain.result import Result
from simulator.intervals import Interval
from simulator.phrases import phrase
from simulator.units import signed

_WEIGHTS = {"none": "all photos alike", "class": "both classes alike", "diagnosis": "every diagnosis alike"}
_SPLITS = {"patient": "by patient", "photo": "by photo (a mistake)"}
_BACKBONE_COLUMNS = {
    "label": "Backbone",
    "size": "Photo (pixels a side)",
    "weights": "Weights",
    "licence": "Licence",
    "channels": "Features",
    "kept": "Kept",
    "explained": "Share of variance kept",
}
#: Draws of photos and of reading errors behind a refit on the screen: about a second in all.
_REPEATS = 4
#: Metrics of the case that labels move.
_METRICS = ("sensitivity", "sensitivity.diagnosis.MEL", "escalated_share", "cost_per_1000_usd")


def data_lab() -> None:
    """Choose data and labels, refit, and show the studies."""
    try:
        request = _lab_request()
        with st.spinner("Refitting the head"):
            outcome, gaps = _refitted(request)
        _show_answer(outcome, gaps)
        _offer_run(outcome)
        _studies()
    except InputError as error:
        st.error(plain(str(error)))


def _lab_request() -> LabRequest:
    names = {backbone.name: backbone.label for backbone in lab_about().backbones}
    most = len(lab_photos())
    with st.form("lab"):
        with st.grid(3, min_column_width=230):
            photos = st.slider("Labelled photos", LEAST_PHOTOS, most, most, format=number_format(1), key="lab_photos")
            labeller = st.selectbox("Labelled by", list(LABELLER_WORDS), format_func=LABELLER_WORDS.__getitem__)
            selection = st.selectbox("Photos labelled first", list(SELECTION_WORDS), format_func=SELECTION_WORDS.__getitem__)
            backbone = st.selectbox("Backbone", list(names), format_func=names.__getitem__)
            weights = st.selectbox("Class weights", get_args(ClassWeights), format_func=_WEIGHTS.__getitem__)
            split = st.selectbox("Split into folds", get_args(Split), format_func=_SPLITS.__getitem__)
            guidelines = st.checkbox(
                "Readers follow guidelines", help=f"leaves {GUIDELINE_ERRORS:.0%} of their errors, assumed"
            )
            views = st.checkbox("Four views of each photo", help="made for EfficientNet-Lite0 alone")
        st.form_submit_button("Refit", type="primary")
    panel = Panel(cast(Labeller, labeller), guidelines and labeller != "proven")
    return LabRequest(
        backbone, views, photos, panel, cast(Selection, selection), cast(ClassWeights, weights), cast(Split, split)
    )


@lru_cache(maxsize=32)
def _refitted(request: LabRequest) -> tuple[CurvePoint, dict[str, PairedDifference]]:
    outcome, base = point(request, _REPEATS), point(LabRequest(), 1)
    return outcome, {of: difference(outcome, base, of) for of in ("auc", "melanomas")}


def _show_answer(outcome: CurvePoint, gaps: dict[str, PairedDifference]) -> None:
    cost = price_of(outcome.request)
    with st.grid(4, min_column_width=240):
        _card("AUC (points)", outcome.auc, gaps["auc"])
        _card("Melanomas found, of 100", outcome.melanomas, gaps["melanomas"])
        st.metric("Price", f"{cost.usd:,.0f} USD", f"{cost.weeks:.1f} weeks", delta_color="off", delta_arrow="off")
        st.metric("Wrong training labels", f"{outcome.wrong:.1%}", "tests are proven", delta_color="off", delta_arrow="off")
    st.caption(phrase("lab.gaps", photos=len(lab_photos()), referred=REFERRED))
    if outcome.request.split == "photo":
        st.warning("Photos of one patient stand on both sides. Any gain is pretended: a new patient will not bring it.")
    paid = [f"{part} {usd:,.0f}" for part, usd in cost.parts.items() if usd]
    st.caption(plain(f"Paid in USD: {', '.join(paid)}. Recipe: {words(outcome.request)}."))


def _card(label: str, figure: Interval, gap: PairedDifference) -> None:
    value = f"{100 * figure.value:.1f} ({100 * figure.low:.1f} to {100 * figure.high:.1f})"
    inner = gap.interval
    real = "" if gap.significant else ", not significant"
    gain, low, high = (signed(100 * bound, 1) for bound in (inner.value, inner.low, inner.high))
    words_of_gap = f"{gain} ({low} to {high}){real}"
    if inner.low == inner.high:
        words_of_gap = "the base of comparison"
    st.metric(label, value, words_of_gap, delta_color="off", delta_arrow="off")


def _offer_run(outcome: CurvePoint) -> None:
    """Offer a run of the case with the scores, and the table itself."""
    first = LabScores(outcome.request, outcome.scores[0], outcome.wrong)
    with st.container(horizontal=True, vertical_alignment="center"):
        ran = st.button("Run the case with these scores")
        download("Download the score table", table_rows(first), "lab.refitted.fp32.csv")
    if not ran:
        return
    if outcome.request.split == "photo":
        st.error("Scores of a split by photo are not run: the run would believe what leaked.")
        return
    with st.spinner("Running the case twice"):
        result, base = _ran(outcome.request, first)
    rows = [
        {"Metric": one_name, "Refitted": _figure_words(result, one_name), "All proven": _figure_words(base, one_name)}
        for one_name in _METRICS
    ]
    st.dataframe(rows, hide_index=True, alt="the case with the refitted head and with all labels proven")
    st.caption("The default design, 3 replications, the same people in both; each threshold is chosen on its own scores.")


@st.cache_resource(max_entries=8, show_spinner=False)
def _ran(request: LabRequest, _scores: LabScores) -> tuple[Result, Result]:
    proven = point(LabRequest(), 1)
    return run_with(_scores, {}), run_with(LabScores(proven.request, proven.scores[0], proven.wrong), {})


def _figure_words(result: Result, name: str) -> str:
    return " ".join(part for part in result.shown(name) if part)


def _studies() -> None:
    st.header("Measured results", anchor=False)
    panels = {
        "Learning curves": _learning,
        "The next 1,000 USD": _purchases,
        "Who labels": _labellers,
        "Backbones": _backbones,
        "Test sets and weights": _splits,
        "Readers": _readers,
        "What spoils a photo": _spoiled,
        "No skin at all": _foreign,
    }
    for name, tab in zip(panels, st.tabs(list(panels)), strict=True):
        with tab:
            panels[name]()


def _learning() -> None:
    rows = study_rows("selections")
    of = st.radio(
        "Measure", ["auc", "melanomas"], format_func={"auc": "AUC", "melanomas": "Melanomas found"}.get, horizontal=True
    )
    draw(learning(rows, of), "lab_learning", caption=phrase("lab.band"))
    chosen = rows.query("photos == 100 and selection != 'random'")[["usd", "auc"]].max()
    random = rows.query("photos == 200 and selection == 'random'").iloc[0]
    st.caption(phrase("lab.chosen", chosen=dict(chosen), random=dict(random)))
    least_sure = rows[rows["selection"] == "uncertainty"]
    few, more, most = (difference_words(least_sure[least_sure["photos"] == photos].iloc[0]) for photos in (100, 400, 700))
    st.caption(phrase("lab.cold_start", few=few, more=more, most=most))


def _purchases() -> None:
    draw(purchases(study_rows("price_list")), "lab_purchases", caption=phrase("lab.purchases", referred=REFERRED))
    with st.expander("Sources of the prices"):
        rates = case_rates()
        measured = [
            ("A reader's look (USD)", f"{rates.look_usd:.2f}", f"{rates.look_minutes:.2f} min at the case's price of an hour"),
            ("A visit with a biopsy (USD)", f"{rates.biopsy_usd:,.0f}", "the case's price"),
        ]
        ranges = {
            name: f", {price.between[0]:g} to {price.between[1]:g}" if price.between else "" for name, price in ASSUMED.items()
        }
        assumed = [(name, f"{price.value:g}", f"assumed{ranges[name]}: {price.assumed}") for name, price in ASSUMED.items()]
        st.dataframe(pd.DataFrame([*measured, *assumed], columns=["Price", "Value", "Source"]), hide_index=True)


def _labellers() -> None:
    rows = study_rows("panels")
    names = rows["labeller"].map(LABELLER_WORDS) + rows["guidelines"].map({True: ", guidelines", False: ""})
    single, three = (rows[(rows["labeller"] == panel) & ~rows["guidelines"]].iloc[0] for panel in ("one", "three"))
    moves = {"moved": difference_words(single), "three_moved": difference_words(three)}
    takeaway = phrase("lab.labellers", wrong=single["wrong"], three_wrong=three["wrong"], **moves)
    draw(gains(rows, names, "auc", takeaway), "lab_labellers")
    slots = {"expert": EXPERT_ERRORS, "expert_low": EXPERT_BETWEEN[0], "expert_high": EXPERT_BETWEEN[1]}
    slots |= {"readers": GUIDELINE_ERRORS, "readers_low": GUIDELINE_BETWEEN[0], "readers_high": GUIDELINE_BETWEEN[1]}
    st.caption(phrase("lab.errors", **slots))


def _backbones() -> None:
    rows = study_rows("backbones")
    labels = {backbone.name: backbone.label for backbone in lab_about().backbones}
    names = rows["backbone"].map(labels) + rows["views"].map({1: "", 4: ", four views"})
    others = zip(names.iloc[1:], rows.iloc[1:].iterrows(), strict=True)
    sentences = [f"{label} {difference_words(row)}" for label, (_, row) in others]
    draw(gains(rows.iloc[1:], names.iloc[1:], "auc", f"Against Lite0: {'; '.join(sentences)}."), "lab_backbones")
    st.caption(phrase("lab.backbones"))
    table = pd.DataFrame([backbone.model_dump() for backbone in lab_about().backbones]).drop(columns="name")
    st.dataframe(table.rename(columns=_BACKBONE_COLUMNS), hide_index=True)


def _splits() -> None:
    rows = study_rows("splits_and_weights")
    leaked, easy = (rows[rows["choice"] == choice].iloc[0] for choice in (LEAKED, EASY))
    takeaway = phrase("lab.splits", leaked=difference_words(leaked), easy=difference_words(easy))
    draw(gains(rows.iloc[1:], rows["choice"].iloc[1:], "auc", takeaway), "lab_splits", caption=phrase("lab.wrong_test_sets"))


def _readers() -> None:
    cases, table = reader_cases(), reader_table()
    agreement, agreed = pair_kappa(cases), agreed_share(cases)
    st.markdown(phrase("lab.agreement", share=agreed, kappa=agreement))
    st.dataframe(_confusion(table), alt="a reader's answers by the truth")
    st.caption(phrase("lab.cases", cases=int(cases["cases"].sum())))
    st.caption(phrase("lab.carried_over"))


def _spoiled() -> None:
    of = st.radio("Change of", list(MEASURE_WORDS), format_func=MEASURE_WORDS.get, horizontal=True, key="lab_spoiled_of")
    draw(spoiling(study_rows("spoiled"), of), "lab_spoiled", caption=phrase("lab.damage", found=OPERATING_POINT))
    checked = study_rows("photo_check")
    alarms = study_rows("false_alarms").query("check == 'sharpness_and_light'")
    [(_, row)] = alarms[alarms["aim"] == COMPARED].iterrows()
    st.markdown(phrase("lab.check", row=dict(row)))
    st.dataframe(check_table(checked, NOT_WORTH_SCORING), hide_index=True, alt="share of each condition that the check stops")
    st.caption(phrase("lab.not_worth_scoring", points=100 * LEAST_LOSS))


def _foreign() -> None:
    draw(foreign_photos(study_rows("foreign")), "lab_foreign", caption=phrase("lab.foreign"))


def _confusion(table: ReaderTable) -> pd.DataFrame:
    cells = [
        [
            f"{100 * table.confusion[i, j]:.0f} ({100 * table.low[i, j]:.0f} to {100 * table.high[i, j]:.0f})"
            for j in range(len(table.classes))
        ]
        for i in range(len(table.classes))
    ]
    names = [f"{name}, malignant" if name in MALIGNANT else name for name in table.classes]
    return pd.DataFrame(cells, pd.Index(names, name="truth"), list(table.classes))
