"""Charts of the data lab: learning curves, the worth of the next dollar, and differences with their intervals."""

from __future__ import annotations

import pandas as pd
import plotly.graph_objects as go

from simulator.charts.look import (
    BLUE,
    GREEN,
    GREY,
    ORANGE,
    PURPLE,
    Chart,
    band,
    chart,
    dots,
    figure,
    whiskers,
)

#: The names of choices on the screen.
LABELLER_WORDS = {
    "proven": "biopsy",
    "one": "one reader",
    "three": "three readers, majority",
    "adjudicated": "two readers, an expert if they differ",
}
SELECTION_WORDS = {
    "random": "at random",
    "uncertainty": "where the head is unsure",
    "diversity": "far from labelled ones",
    "rare": "likely melanomas first",
}
_SELECTION_COLOURS = dict(zip(SELECTION_WORDS, (GREY, BLUE, GREEN, ORANGE), strict=True))
_LABELLER_COLOURS = dict(zip(LABELLER_WORDS, (GREY, BLUE, GREEN, PURPLE), strict=True))

#: A difference is called significant at 5%.
_LEVEL = 0.05


def learning(rows: pd.DataFrame, of: str = "auc") -> Chart:
    """Draw a learning curve for each way to choose photos; rows: the study of selections; of: auc, or melanomas."""
    drawn = figure(height=380)
    for selection, mine in rows.groupby("selection", sort=False):
        if selection != "random":
            mine = pd.concat([mine, rows[(rows["selection"] == "random") & (rows["photos"] == rows["photos"].max())]])
        colour = _SELECTION_COLOURS[str(selection)]
        if selection == "random":
            drawn.add_traces(band(mine["photos"], 100 * mine[f"{of}_low"], 100 * mine[f"{of}_high"], colour))
        drawn.add_trace(
            go.Scatter(
                name=SELECTION_WORDS[str(selection)],
                x=mine["photos"],
                y=100 * mine[of],
                mode="lines+markers",
                line={"color": colour, "width": 2},
                hovertemplate="%{x:,} photos: %{y:.1f}<extra>%{fullData.name}</extra>",
            )
        )
    drawn.update_xaxes(title="labelled photos")
    drawn.update_yaxes(title="AUC (points)" if of == "auc" else "melanomas found (of 100)")
    return chart(drawn, selection_sentence(rows, of), rows, digits=4)


def selection_sentence(rows: pd.DataFrame, of: str = "auc") -> str:
    """Say where choosing photos beats chance, and by how much."""
    tried = rows[rows["selection"] != "random"]
    real = tried[(tried[f"{of}_gain_low"] > 0) | (tried[f"{of}_gain_high"] < 0)]
    unit = "points of AUC" if of == "auc" else "melanomas in 100"
    if real.empty:
        return f"Of {len(tried)} comparisons with chance, none is significant: these photos show no gain in {unit}."
    best = real.iloc[int(real[f"{of}_gain"].abs().argmax())]
    gain, low, high = (100 * best[f"{of}_gain{end}"] for end in ("", "_low", "_high"))
    return (
        f"Of {len(tried)} comparisons with chance, {len(real)} are significant one by one. The largest: with "
        f"{best['photos']:,} photos chosen {SELECTION_WORDS[best['selection']]}, {gain:+.1f} {unit} "
        f"(95% interval {low:+.1f} to {high:+.1f}). One in twenty would be by luck alone."
    )


def purchases(rows: pd.DataFrame) -> Chart:
    """Draw the melanomas that the next 1,000 USD bought at each budget; rows: the price list."""
    drawn = figure(height=380)
    for place, (labeller, mine) in enumerate(rows.groupby("labeller", sort=False)):
        low, value, high = (100 * mine[f"more_melanomas{end}"] for end in ("_low", "", "_high"))
        drawn.add_trace(
            go.Scatter(
                name=LABELLER_WORDS[str(labeller)],
                x=mine["budget_usd"] * (1 + 0.03 * place),
                y=value,
                mode="markers",
                marker={"color": _LABELLER_COLOURS[str(labeller)], "size": 10},
                error_y=whiskers(low, value, high),
                hovertemplate="at %{x:,.0f} USD: %{y:+.1f} of 100<extra>%{fullData.name}</extra>",
            )
        )
    drawn.update_xaxes(title="spent already (USD)", type="log", tickvals=[1000, 2000, 5000, 10_000, 20_000, 50_000])
    drawn.update_yaxes(title="melanomas more, of 100, for 1,000 USD more")
    return chart(drawn, purchase_sentence(rows), rows, digits=4)


def purchase_sentence(rows: pd.DataFrame) -> str:
    """Say which of the steps bought melanomas that these photos can show."""
    real = rows[rows["more_melanomas_low"] > 0]
    biggest = rows.iloc[int(rows["more_melanomas"].argmax())]
    low, value, high = (100 * biggest[f"more_melanomas{end}"] for end in ("_low", "", "_high"))
    first = (
        f"The best 1,000 USD bought {value:.1f} melanomas of 100 ({low:+.1f} to {high:+.1f}): from "
        f"{biggest['budget_usd']:,} USD on, with {LABELLER_WORDS[biggest['labeller']]}."
    )
    return f"{first} {len(real)} of {len(rows)} steps are above zero beyond their interval; 48 melanomas are too few for more."


def gains(rows: pd.DataFrame, labels: pd.Series, of: str, takeaway: str) -> Chart:
    """Draw the difference of each row to the base with its interval; of: auc, or melanomas."""
    shown = pd.DataFrame(
        {
            "label": labels,
            "value": 100 * rows[f"{of}_gain"],
            "low": 100 * rows[f"{of}_gain_low"],
            "high": 100 * rows[f"{of}_gain_high"],
        }
    )
    drawn = figure(dots("difference", shown.iloc[::-1], BLUE), height=90 + 44 * len(shown), showlegend=False)
    drawn.add_vline(x=0, line={"color": GREY, "width": 1})
    unit = "points of AUC" if of == "auc" else "melanomas of 100"
    drawn.update_xaxes(title=f"difference in {unit}")
    return chart(drawn, takeaway, rows, digits=4)


def difference_words(row: pd.Series, of: str = "auc") -> str:
    """Write a difference with its interval, and whether it is significant."""
    gain, low, high = (100 * row[f"{of}_gain{end}"] for end in ("", "_low", "_high"))
    real = "significant" if row[f"{of}_p"] < _LEVEL else "not significant"
    return f"{gain:+.1f} points (95% interval {low:+.1f} to {high:+.1f}, {real})"
