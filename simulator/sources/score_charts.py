"""Quality of score tables, side by side, and of thresholds on patients and populations that they were not chosen on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from simulator.charts import look
from simulator.evidence.catalogue import FieldDrop
from simulator.intervals import Interval
from simulator.metrics.roc import ScoreSummary, summary_rows
from simulator.phrases import phrase
from simulator.sources.calibration import Calibration, Coverage, coverage_rows
from simulator.sources.latency_rows import spoken
from simulator.sources.threshold_transfer import (
    ENOUGH,
    FIGURES,
    NEXT,
    REST,
    SAME,
    UNKNOWN,
    Pair,
    Transfer,
    pair_sentence,
    transfer_rows,
)
from simulator.units import counted, percent


def specificity_by_table(summaries: list[ScoreSummary], target: float) -> look.Chart:
    """Draw specificity at one sensitivity, a row a model, a colour a precision.

    target: one of `metrics.roc.TARGETS`
    """
    table, what = summary_rows(summaries), f"specificity at {target:.0%} (%)"
    names = [summary.model if summary.size else f"{summary.model}, published" for summary in summaries]
    labels = [name.replace("_", " ").replace(", ", ",<br>") for name in names]
    rows = table[["precision"]].assign(label=labels, value=table[what])
    rows = rows.assign(**{end: table[f"{what} {end}"].fillna(table[what]) for end in ("low", "high")})
    colours = look.precision_colours(list(rows["precision"].unique()))
    groups = [
        look.dots(spoken(str(name)), part, colours[str(name)], "%{x:.1f}%<extra>%{y}</extra>")
        for name, part in rows.groupby("precision", sort=False)
    ]
    drawn = look.figure(
        *groups, height=130 + (16 + 10 * len(groups)) * rows["label"].nunique(), scattermode="group", scattergap=0.3
    )
    drawn.update_xaxes(title=f"specificity at {target:.0%} sensitivity (%)", range=[0, 100])
    order = rows.groupby("label")["value"].max().sort_values().index
    drawn.update_yaxes(categoryorder="array", categoryarray=list(order))
    return look.chart(drawn, _best(summaries, target), table, digits=4)


def _best(summaries: list[ScoreSummary], target: float) -> str:
    measured = [summary for summary in summaries if summary.size]
    if not measured:
        return "There is no table of measured scores."
    best = max(measured, key=lambda summary: summary.specificity_at[target].value)
    reached, size = best.specificity_at[target], best.size
    assert size is not None
    return phrase(
        "score_tables.best", target=100 * target, model=best.model, precision=spoken(best.precision), tables=len(measured),
        share=reached.value, low=reached.low, high=reached.high, positives=size.positives,
        near=sum(other.specificity_at[target].high >= reached.low for other in measured) - 1,
    )  # fmt: skip


def compared_curves(bands: Mapping[str, pd.DataFrame], pairs: list[Pair], target: float) -> look.Chart:
    """Draw the ROC curves of two tables with their bands, and their differences at one sensitivity.

    bands: by name of the table, from `metrics.roc.roc_band`, in the order of the pairs
    """
    traces = [
        trace
        for (name, band), colour in zip(bands.items(), (look.ORANGE, look.BLUE), strict=True)
        for trace in _curve(name, band, colour)
    ]
    drawn = look.figure(*traces, height=430)
    drawn.update_xaxes(title="negatives flagged (%)", range=[0, 100])
    drawn.update_yaxes(title="positives flagged (%)", range=[0, 100.5])
    pair = next(pair for pair in pairs if pair.what == f"specificity at {target:.0%} sensitivity")
    changes = [(pair, pair.change) for pair in pairs]
    rows = [(p.what, p.first, p.second, change.value, change.low, change.high, p.differs) for p, change in changes]
    columns = ["figure", *bands, "difference", "95% low", "95% high", "significantly different"]
    return look.chart(drawn, pair_sentence(pair, *bands), pd.DataFrame(rows, columns=columns), digits=4)


def _curve(name: str, band: pd.DataFrame, colour: str) -> list[go.Scatter]:
    y, hover = 100 * band["sensitivity"], "%{y:.1f}% of the positives, %{x:.1f}% of the negatives<extra></extra>"
    low, high = (look.line(100 * band[end], y, None, width=0, showlegend=False) for end in ("low", "high"))
    high.update(fill="tonextx", fillcolor=look.translucent(colour, 0.18))
    return [low, high, look.line(100 * band["false"], y, colour, name, hover)]


#: Points of one coverage target are set side by side.
_ASIDE = 0.1


def reliability(calibration: Calibration) -> look.Chart:
    """Draw the share of positives by score, in bins of equal counts, before and after temperature scaling."""
    groups = [
        _bins(calibration.rows[calibration.rows["when"] == when], when, colour)
        for when, colour in (("before", look.GREY), ("after", look.BLUE))
    ]
    drawn = look.figure(look.equality([0, 100], "perfectly calibrated"), *groups, height=430)
    drawn.update_xaxes(title="mean score of the bin (%)", range=[-2, 102])
    drawn.update_yaxes(title="positives among its photos (%)", range=[-2, 102])
    low, high = min(calibration.temperatures), max(calibration.temperatures)
    change, words = calibration.change, "not significantly different"
    if change.high < 0 or change.low > 0:
        words = "which is less" if change.high < 0 else "which is more"
    slots = {"before": look.with_interval(calibration.before), "after": look.with_interval(calibration.after), "change": words}
    takeaway = phrase("scores_of_photos.calibration", low=low, high=high, floor=calibration.floor, **slots)
    return look.chart(drawn, takeaway, calibration.rows, digits=4)


def _bins(rows: pd.DataFrame, when: str, colour: str) -> go.Scatter:
    low, value, high = (list(100 * rows[name]) for name in ("low", "share positive", "high"))
    marker = {"color": colour, "size": 9, "symbol": "circle-open" if when == "before" else "circle"}
    hover = "score %{x:.0f}%: %{y:.0f}% positive, %{customdata} photos<extra></extra>"
    more: dict[str, Any] = {"marker": marker, "error_y": look.whiskers(low, value, high), "customdata": rows["n"]}
    return look.line(100 * rows["mean score"], value, colour, f"{when} scaling", hover, width=1.5, dotted=True, **more)


def kept_promises(coverages: list[Coverage]) -> look.Chart:
    """Draw the share of each class whose prediction set holds the true class, by coverage target, on held-out patients."""
    rows = coverage_rows(coverages)
    places = np.arange(len(rows), dtype=np.float64)
    groups = []
    for name, colour, aside in (("positives", look.ORANGE, -_ASIDE), ("negatives", look.BLUE, _ASIDE)):
        low, covered, high = rows[f"{name} low"], rows[f"{name} covered (%)"], rows[f"{name} high"]
        hover, bounds = "%{y:.1f}% covered<extra></extra>", look.whiskers(low, covered, high)
        groups.append(look.points(places + aside, covered, colour, f"{name} covered", hover, error_y=bounds))
    style, hover = {"color": look.GREY, "opacity": 0.35}, "%{y:.0f}% unsure<extra></extra>"
    unsure = go.Bar(name="unsure, of all", x=places, y=rows["unsure (%)"], width=0.5, marker=style, hovertemplate=hover)
    drawn = look.figure(unsure, look.targets(places, rows["promised (%)"], 46), *groups, height=380)
    names = [f"{coverage.promised:.0%}" for coverage in coverages]
    drawn.update_xaxes(title="coverage target for each class", tickvals=places, ticktext=names)
    drawn.update_yaxes(title="reached on held-out patients (%)", range=[0, 101])
    parts = [(coverage.promised, part) for coverage in coverages for part in (coverage.positives, coverage.negatives)]
    broken = sum(part.high < promised for promised, part in parts)
    named = min(coverages, key=lambda coverage: abs(coverage.promised - 0.95))
    reached = {"positives": look.with_interval(named.positives), "negatives": look.with_interval(named.negatives)}
    takeaway = phrase("scores_of_photos.coverage", coverage=named, **reached, broken=broken, intervals=len(parts))
    return look.Chart(drawn, takeaway, look.rounded(rows))


_COLOURS = {"sensitivity": look.ORANGE, "specificity": look.BLUE}


def by_group(rows: pd.DataFrame, promise: float) -> look.Chart:
    """Draw sensitivity and specificity by group at one threshold; groups with too few items show their count.

    rows: from `metrics.threshold_transfer.group_rows`; promise: the target sensitivity of the threshold, over all groups
    """
    shown = rows.assign(label=rows["group"], value=100 * rows["share"], low=100 * rows["low"], high=100 * rows["high"])
    groups = [
        look.dots(str(what), part[part["verdict"] == ""], _COLOURS[str(what)], "%{x:.1f}%<extra>%{y}</extra>")
        for what, part in shown.groupby("what", sort=True)
    ]
    drawn = look.figure(
        *groups, _unjudged(shown), height=130 + 46 * rows["group"].nunique(), scattermode="group", scattergap=0.5
    )
    drawn.add_vline(x=100 * promise, line=look.OBJECTIVE, annotation_text="target", annotation_position="top")
    drawn.update_xaxes(title="share (%)", range=[0, 102])
    drawn.update_yaxes(categoryorder="array", categoryarray=sorted(rows["group"].unique(), reverse=True))
    return look.chart(drawn, _groups_takeaway(rows), rows, digits=4)


def _unjudged(rows: pd.DataFrame) -> go.Scatter:
    few = rows[rows["verdict"] != ""]
    nouns = few["what"].map({"sensitivity": "positive", "specificity": "negative"})
    counts = few.assign(words=[counted(n, noun) for n, noun in zip(few["n"], nouns, strict=True)])
    return look.too_few({str(label): ", ".join(words) for label, words in counts.groupby("label")["words"]})


def _groups_takeaway(rows: pd.DataFrame) -> str:
    judged = rows[(rows["what"] == "sensitivity") & (rows["verdict"] == "")].sort_values("share")
    count = rows[(rows["verdict"] != "")]["group"].nunique()
    few = phrase("groups.few", count=count, all=rows["group"].nunique(), enough=ENOUGH) if count else None
    if set(rows["group"]) == {UNKNOWN}:
        return "The table has no groups of people, so only the whole can be judged."
    if judged.empty:
        return phrase("groups.none", enough=ENOUGH, few=few)
    worst, best = judged.iloc[0], judged.iloc[-1]
    return phrase(
        "groups.judged", least=_row_share(worst), worst=worst["group"], several=len(judged) > 1, most=_row_share(best),
        best=best["group"], few=few,
    )  # fmt: skip


def _row_share(row: pd.Series) -> str:
    return look.with_interval(Interval(row["share"], row["low"], row["high"]))


def by_prevalence(rows: pd.DataFrame, sample: float, chosen: float) -> look.Chart:
    """Draw the share of the flagged who are ill by prevalence, with the prevalence of the sample and the chosen one.

    rows: from `metrics.roc.prevalence_rows`, with both prevalences among them
    """
    ordered = rows.sort_values("prevalence")
    x = 100 * ordered["prevalence"]
    named = {"in the sample": (sample, look.ORANGE), "chosen": (chosen, look.BLUE)}
    hover = "%{y:.1f}% of those flagged are ill<extra></extra>"
    marks = [
        look.points([100 * at], [_at(ordered, at)["right"]], colour, f"{name}: {percent(at)}", hover, size=12)
        for name, (at, colour) in named.items()
    ]
    bounds = (ordered["right low"], ordered["right"], ordered["right high"])
    drawn = look.figure(*look.banded(x, bounds, look.BLUE, showlegend=False), *marks, height=360)
    drawn.update_xaxes(title="people who are ill (%), logarithmic", type="log", tickvals=[0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50])
    drawn.update_yaxes(title="flagged people who are ill (%)", range=[0, 100])
    here, there = _at(ordered, sample), _at(ordered, chosen)
    shares = {part: there[name] / 100 for part, name in (("right", "right"), ("low", "right low"), ("high", "right high"))}
    found = {"flagged": there["flagged"], "unflagged": there["unflagged"], "right": here["right"] / 100}
    takeaway = phrase("scores_of_photos.prevalence", sample=sample, chosen=chosen, there=shares, **found)
    shown, names = ordered[ordered["prevalence"].isin([sample, chosen])], {"prevalence": "ill (%)"} | FIGURES
    return look.chart(drawn, takeaway, shown, names, shares=["prevalence"], digits=4)


def _at(rows: pd.DataFrame, prevalence: float) -> pd.Series:
    return rows[rows["prevalence"] == prevalence].iloc[0]


# ---- thresholds elsewhere than where they were chosen


#: Points of one target sensitivity are set side by side.
_ASIDE_BY_WAY = (-0.12, 0.0, 0.12)
_COLOUR_OF_WAY = {SAME: look.GREY, NEXT: look.ORANGE, REST: look.BLUE}


def optimism(rows: pd.DataFrame, promise: float) -> look.Chart:
    """Draw, for each target, the sensitivity where the threshold was chosen, and on other items.

    rows: from `metrics.threshold_transfer.optimism_rows`; promise: the target of the takeaway
    """
    promised = rows["promise"].unique()
    places = np.arange(len(promised), dtype=np.float64)
    groups = []
    for way, aside in zip((SAME, REST, NEXT), _ASIDE_BY_WAY, strict=True):
        least, reached, most = (100 * rows.loc[rows["way"] == way, name] for name in ("least", "reached", "most"))
        hover, bounds = "%{y:.1f}% of the positives<extra></extra>", look.whiskers(least, reached, most)
        groups.append(look.points(places + aside, reached, _COLOUR_OF_WAY[way], way, hover, size=11, error_y=bounds))
    drawn = look.figure(look.targets(places, 100 * promised, 60), *groups, height=400)
    names = [f"{share:.0%}" for share in promised]
    drawn.update_xaxes(title="target sensitivity of the threshold", tickvals=places, ticktext=names)
    drawn.update_yaxes(title="sensitivity reached, over the folds (%)", range=[100 * rows["least"].min() - 2, 100.5])
    shares = ["promise", "reached", "low", "high", "least", "most"]
    columns = {name: f"{name} (%)" for name in shares}
    at = {str(row["way"]): dict(row) for _, row in rows[rows["promise"] == promise].iterrows()}
    takeaway = phrase("scores_of_photos.promise", promise=promise, same=at[SAME], next=at[NEXT])
    return look.chart(drawn, takeaway, rows, columns, shares=shares, digits=4)


def threshold_transfers(transfers: list[Transfer]) -> look.Chart:
    """Draw, in a row a transfer, the shares where the threshold was chosen (hollow) and where it is applied."""
    if not transfers:
        return look.Chart(None, "The table has no column that splits its items into parts.", transfer_rows(transfers))
    rows = transfer_rows(transfers)
    labels = [f"{transfer.home}<br>→ {transfer.away}" for transfer in transfers]
    traces = []
    for what, colour in (("sensitivity", look.ORANGE), ("specificity", look.BLUE)):
        columns = {"where chosen (%)": "home", "(%)": "value", "low": "low", "high": "high"}
        figures = pd.DataFrame({new: rows[f"{what} {name}"] for name, new in columns.items()}).astype(float)
        away = figures.assign(label=labels)[figures["value"].notna()]
        here, hover = away.assign(value=away["home"], low=away["home"], high=away["home"]), "%{x:.1f}%<extra></extra>"
        traces += [
            look.dots(f"{what}, where chosen", here, colour, hover, hollow=True),
            look.dots(f"{what}, where applied", away, colour, hover),
        ]
    few = {
        label: f"{counted(transfer.positives, 'positive')}, {counted(transfer.negatives, 'negative')}"
        for label, transfer in zip(labels, transfers, strict=True)
        if transfer.sensitivity is transfer.specificity is None
    }
    drawn = look.figure(*traces, look.too_few(few), height=150 + 54 * len(transfers))
    drawn.add_vline(x=100 * transfers[0].promise, line=look.OBJECTIVE, annotation_text="target", annotation_position="top")
    drawn.update_xaxes(title="share (%)", range=[0, 102])
    drawn.update_yaxes(categoryorder="array", categoryarray=labels[::-1])
    return look.chart(drawn, _transfer_takeaway(transfers), rows, digits=4)


def _transfer_takeaway(transfers: list[Transfer]) -> str:
    judged = [(transfer, transfer.sensitivity) for transfer in transfers if transfer.sensitivity is not None]
    if not judged:
        return "Too few positives to judge the threshold anywhere else than where it was chosen."
    worst, reached = min(judged, key=lambda pair: pair[1].value)
    found = look.with_interval(reached, "95% interval")
    return phrase("transfers.worst", worst=worst, reached=found, chance=reached.low <= worst.promise <= reached.high)


def field_drop(drops: list[FieldDrop]) -> look.Chart:
    """Draw published ranges of sensitivity: on the bench and in the field."""
    labels = [drop.what.replace(", ", ",<br>") for drop in drops]
    bench, field = ([getattr(drop, where).sensitivity for drop in drops] for where in ("bench", "field"))
    drawn = look.figure(
        _ranges("on the bench", labels, bench, look.GREY),
        _ranges("in the field", labels, field, look.RED),
        height=130 + 70 * len(drops),
        barmode="group",
    )
    drawn.update_xaxes(title="published sensitivity (%)", range=[0, 128], tickvals=[0, 50, 100])
    drawn.update_yaxes(autorange="reversed")
    first = drops[0]
    ranges = {"bench": _range(first.bench.sensitivity), "field": _range(first.field.sensitivity)}
    takeaway = phrase("scores_of_photos.bench", name=first.what.split(",")[0], **ranges, source=first.field.source)
    parts = [(drop.what, where, result) for drop in drops for where, result in
             (("on the bench", drop.bench), ("in the field", drop.field))]  # fmt: skip
    rows = [(what, where, _range(of.sensitivity), _range(of.specificity), of.source) for what, where, of in parts]
    table = pd.DataFrame(rows, columns=["what", "where", "sensitivity", "specificity", "source"])
    return look.Chart(drawn, takeaway, table)


def _ranges(name: str, labels: list[str], ranges: list[tuple[float, float]], colour: str) -> go.Bar:
    widths, words = [max(100 * (high - low), 0.8) for low, high in ranges], [_range(pair) for pair in ranges]
    beside: dict[str, Any] = {
        "text": words,
        "textposition": "outside",
        "cliponaxis": False,
        "base": [100 * low for low, _ in ranges],
    }
    return look.bars(labels, widths, None, name, marker={"color": look.translucent(colour, 0.7)}, **beside)


def _range(pair: tuple[float, float]) -> str:
    low, high = pair
    return f"{100 * low:.3g}%" if low == high else f"{100 * low:.3g} to {100 * high:.3g}%"
