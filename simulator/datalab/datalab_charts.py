"""Charts of the data lab: learning curves, the worth of the next dollar, and differences with their intervals."""

from __future__ import annotations

import pandas as pd
from scipy.stats import false_discovery_control

from simulator.charts.look import BLUE, GREEN, GREY, ORANGE, PURPLE, Chart, band, chart, dots, figure, line, points, whiskers

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

#: The share of luck among the differences that are called real.
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
        name, hover = SELECTION_WORDS[str(selection)], "%{x:,} photos: %{y:.1f}<extra>%{fullData.name}</extra>"
        drawn.add_trace(line(mine["photos"], 100 * mine[of], colour, name, hover, width=2, dotted=True))
    drawn.update_xaxes(title="labelled photos")
    drawn.update_yaxes(title="AUC (points)" if of == "auc" else "melanomas found (of 100)")
    return chart(drawn, selection_sentence(rows, of), rows, digits=4)


def selection_sentence(rows: pd.DataFrame, of: str = "auc") -> str:
    """Say where choosing photos differs from chance; at most 5% of what it calls real is luck (Benjamini and Hochberg)."""
    tried = rows[rows["selection"] != "random"]
    real = tried[false_discovery_control(tried[f"{of}_p"]) < _LEVEL]
    clearest = tried.loc[[tried[f"{of}_p"].idxmin()]]
    all_of_them = f"Of {len(tried)} choices of photos"
    if real.empty:
        return f"{all_of_them} none is shown to differ from chance. The clearest: {_gains(clearest, of)}."
    return f"{all_of_them} {len(real)} differ from chance: {_gains(real, of)}."


def _gains(rows: pd.DataFrame, of: str) -> str:
    """Write each row's gain over chance with its interval."""
    unit = "points of AUC" if of == "auc" else "melanomas of 100"
    return "; ".join(
        f"{row['photos']:,} photos {SELECTION_WORDS[row['selection']]}, {100 * row[f'{of}_gain']:+.1f} {unit} "
        f"({100 * row[f'{of}_gain_low']:+.1f} to {100 * row[f'{of}_gain_high']:+.1f})"
        for _, row in rows.iterrows()
    )


def purchases(rows: pd.DataFrame) -> Chart:
    """Draw the melanomas that the next 1,000 USD bought at each budget; rows: the price list."""
    drawn = figure(height=380)
    for place, (labeller, mine) in enumerate(rows.groupby("labeller", sort=False)):
        low, value, high = (100 * mine[f"more_melanomas{end}"] for end in ("_low", "", "_high"))
        name, colour = LABELLER_WORDS[str(labeller)], _LABELLER_COLOURS[str(labeller)]
        hover, bounds = "at %{x:,.0f} USD: %{y:+.1f} of 100<extra>%{fullData.name}</extra>", whiskers(low, value, high)
        drawn.add_trace(points(mine["budget_usd"] * (1 + 0.03 * place), value, colour, name, hover, error_y=bounds))
    drawn.update_xaxes(title="spent already (USD)", type="log", tickvals=[1000, 2000, 5000, 10_000, 20_000, 50_000])
    drawn.update_yaxes(title="melanomas more, of 100, for 1,000 USD more")
    return chart(drawn, purchase_sentence(rows), rows, digits=4)


def purchase_sentence(rows: pd.DataFrame) -> str:
    """Say what the best step bought in AUC, and which steps bought melanomas that these photos can show."""
    best = rows.iloc[int(rows["more_auc"].argmax())]
    low, value, high = (100 * best[f"more_auc{end}"] for end in ("_low", "", "_high"))
    real = int((rows["more_melanomas_low"] > 0).sum())
    return (
        f"The best 1,000 USD bought {value:+.1f} points of AUC ({low:+.1f} to {high:+.1f}): after the first "
        f"{best['budget_usd']:,.0f} USD, with {LABELLER_WORDS[best['labeller']]}. {real} of {len(rows)} steps bought melanomas "
        "beyond their interval: 48 melanomas are few."
    )


def gains(rows: pd.DataFrame, labels: pd.Series, of: str, takeaway: str) -> Chart:
    """Draw the difference of each row to the base with its interval; of: auc, or melanomas."""
    ends = {"value": f"{of}_gain", "low": f"{of}_gain_low", "high": f"{of}_gain_high"}
    shown = pd.DataFrame({"label": labels} | {end: 100 * rows[name] for end, name in ends.items()})
    drawn = figure(dots("difference", shown.iloc[::-1], BLUE), height=90 + 44 * len(shown), showlegend=False)
    drawn.add_vline(x=0, line={"color": GREY, "width": 1})
    unit = "points of AUC" if of == "auc" else "melanomas of 100"
    drawn.update_xaxes(title=f"difference in {unit}")
    return chart(drawn, takeaway, rows, digits=4)


def difference_words(row: pd.Series, of: str = "auc") -> str:
    """Write a difference with its interval, and whether it is significant."""
    gain, low, high = (100 * row[f"{of}_gain{end}"] for end in ("", "_low", "_high"))
    real = "significant" if low > 0 or high < 0 else "not significant"
    return f"{gain:+.1f} points (95% interval {low:+.1f} to {high:+.1f}, {real})"
