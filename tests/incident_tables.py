"""The tables of docs/incidents.md, from the evidence: python -m tests.incident_tables prints them."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from math import isfinite

import numpy as np
import pandas as pd

from campaigns.detections.condition_effects import load_effects, load_refits
from simulator.case.load import load
from simulator.incident.incident_signals import INCIDENT_RULES, INCIDENT_SIGNALS
from simulator.incident.secret import DIFFICULTIES, spec_of
from simulator.incident.study_panel import load_study, quickest
from simulator.intervals import mean_interval, quantile_interval, share_interval
from simulator.paths import DETECTIONS, INCIDENTS, SCENES

CASE = "production-drift"
#: Investigators that the sensible one is compared with.
RIVALS = ("nothing", "script", "checklist", "everything", "opportunist")
#: The rows of the table of effects: the condition, the severity, and the folder of the table.
EFFECTS = {
    "fog, strong": ("fog", 5, DETECTIONS),
    "night, strong": ("night", 5, DETECTIONS),
    "out of focus": ("defocus", 5, DETECTIONS),
    "JPEG": ("jpeg", 5, DETECTIONS),
    "low contrast": ("contrast", 3, DETECTIONS),
    "occlusion": ("occlusion", 5, SCENES),
    "unknown animals": ("unknown", 1, SCENES),
    "red and blue swapped": ("bgr", 2, DETECTIONS),
    "wrong input scale": ("input_scale", 2, DETECTIONS),
    "FastestDet answers": ("stale_model", 2, DETECTIONS),
    "letterbox for stretching": ("stretch", 2, DETECTIONS),
    "another interpolation": ("nearest", 2, DETECTIONS),
    "brighter by four tenths": ("brightness", 2, DETECTIONS),
}


def table(rows: list[list[str]], heading: list[str]) -> str:
    """Return rows as Markdown."""
    lines = [heading, ["---"] * len(heading), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def effects() -> str:
    """Return the effects of conditions on NanoDet-m, and the smallest change that the images can show."""
    rows = []
    for label, (condition, severity, folder) in EFFECTS.items():
        table_of = load_effects(folder)
        ap, found = (table_of.of("nanodet_m", condition, severity, measure) for measure in ("ap", "found_share"))
        cells = [f"{one['change']:+.3f} ({one['low']:+.3f} to {one['high']:+.3f})" for one in (ap, found)]
        rows.append([label, *cells, f"{found['smallest_paired']:.3f}", f"{found['smallest_apart']:.3f}"])
    return table(rows, ["condition", "AP", "share of boxes found", "smallest, paired", "smallest, apart"])


def refits() -> str:
    """Return the change of NanoDet-m's last layer after a refit on the most labelled frames, by condition."""
    changes = load_refits().set_index(["condition", "severity"])
    most = changes[changes["frames"] == changes["frames"].max()]
    labels = {"clean, as tested": ("clean", 0)} | {label: (name, severity) for label, (name, severity, _) in EFFECTS.items()}
    rows = []
    for label, setting in labels.items():
        if setting in most.index:
            row = most.loc[setting]
            rows.append([label, f"{row['ap_before']:.3f}", _change(row, "ap"), _change(row, "recall")])
    return table(rows, ["condition", "AP as served", "change of AP", "change of boxes found"])


def _change(row: pd.Series, name: str) -> str:
    return f"{row[f'{name}_change']:+.3f} ({row[f'{name}_low']:+.3f} to {row[f'{name}_high']:+.3f})"


def players() -> str:
    """Return the results of each scripted investigator over all causes."""
    rows = []
    for name, mine in load_study(CASE).players.groupby("player", sort=False):
        right = share_interval(int(mine["right"].sum()), len(mine))
        helped = share_interval(int(mine["mitigated_h"].notna().sum()), len(mine))
        kept, total = mean_interval(100 * mine["kept"].dropna()), mean_interval(mine["total_usd"])
        rows.append(
            [
                str(name),
                f"{len(mine)}",
                f"{100 * right.value:.1f}% ({100 * right.low:.1f} to {100 * right.high:.1f})",
                f"{mine['brier'].mean():.2f}",
                f"{100 * helped.value:.0f}% ({100 * helped.low:.0f} to {100 * helped.high:.0f})",
                f"{kept.value:.0f}% ({kept.low:.0f} to {kept.high:.0f})",
                f"{total.value:,.0f} ({total.low:,.0f} to {total.high:,.0f})",
            ]
        )
    heading = ["investigator", "incidents", "names the cause", "Brier score", "ships what helps", "harm still done"]
    return table(rows, [*heading, "harm and money, USD"])


def all_plays() -> pd.DataFrame:
    """Return the plays of all investigators at each difficulty."""
    usual = load_study(CASE).players.assign(level="usual")
    return pd.concat([usual, pd.read_csv(INCIDENTS / CASE / "levels.csv")])


def by_level() -> pd.DataFrame:
    """Return the plays of the sensible investigator at each difficulty."""
    return all_plays().query("player == 'sensible'")


def rivals(level: str) -> dict[str, pd.Series]:
    """Return how much more each other investigator paid than the sensible one (USD), by incident, at a difficulty."""
    totals = all_plays().query(f"level == '{level}'").pivot(index="seed", columns="player", values="total_usd")
    return {name: (totals[name] - totals["sensible"]).dropna() for name in RIVALS if name in totals}


def against() -> str:
    """Return how much more each other investigator pays than the sensible one, and in how many incidents it pays more."""
    rows = []
    for level in DIFFICULTIES:
        for name, more in rivals(level).items():
            mean, share = mean_interval(more), share_interval(int((more > 0).sum()), len(more))
            rows.append(
                [
                    level,
                    name,
                    f"{len(more)}",
                    f"{mean.value:+,.0f} ({mean.low:+,.0f} to {mean.high:+,.0f})",
                    f"{100 * share.value:.0f}% ({100 * share.low:.0f} to {100 * share.high:.0f})",
                ]
            )
    return table(rows, ["difficulty", "investigator", "incidents", "pays more than the sensible one, USD", "in incidents"])


def levels() -> str:
    """Return the results of the sensible investigator at each difficulty."""
    rows, plays = [], by_level()
    for level in DIFFICULTIES:
        mine = plays[plays["level"] == level]
        hit, total = share_interval(int(mine["right"].sum()), len(mine)), mean_interval(mine["total_usd"])
        brier, kept = mean_interval(mine["brier"]), mean_interval(100 * mine["kept"].dropna())
        hours = quantile_interval(mine["diagnosed_h"].fillna(np.inf), 0.5)
        rows.append(
            [
                level,
                f"{len(mine)}",
                f"{100 * hit.value:.1f}% ({100 * hit.low:.1f} to {100 * hit.high:.1f})",
                f"{brier.value:.2f} ({max(brier.low, 0):.2f} to {brier.high:.2f})",
                f"{hours.value:.0f} h ({hours.low:.0f} to {hours.high:.0f})",
                f"{kept.value:.0f}% ({kept.low:.0f} to {kept.high:.0f})",
                f"{total.value:,.0f} ({total.low:,.0f} to {total.high:,.0f})",
            ]
        )
    heading = ["difficulty", "incidents", "names the cause", "Brier score", "after, median", "harm still done"]
    return table(rows, [*heading, "harm and money, USD"])


def order() -> str:
    """Return the differences between neighbouring difficulties on equal seeds, with 95% intervals."""
    plays = by_level().set_index(["level", "seed"])[["right", "total_usd"]].astype(float).unstack("level").dropna()
    names = list(DIFFICULTIES)
    parts = []
    for less, more in pairwise(names):
        right, usd = (mean_interval(plays[figure, more] - plays[figure, less]) for figure in ("right", "total_usd"))
        points = f"{100 * right.value:+.1f} points ({100 * right.low:+.1f} to {100 * right.high:+.1f})"
        parts.append(f"from {less} to {more} {points} and {usd.value:+,.0f} USD ({usd.low:+,.0f} to {usd.high:+,.0f})")
    return f"On {len(plays)} seeds at all three, right answers and the total change {'; '.join(parts)}."


#: Prices that are changed, as factors: of harm, and of an incident that comes back.
RANGES = {
    "harm at half its price": (0.5, 1.0),
    "harm at twice its price": (2.0, 1.0),
    "coming back at half its price": (1.0, 0.5),
    "coming back at twice its price": (1.0, 2.0),
}


def repriced(harm: float, returned: float) -> pd.DataFrame:
    """Return the total of each play of the study at other prices, a row a seed; the plays stay as they were.

    harm, returned: factors of the price of harm, and of that of an incident that comes back
    """
    rows = load_study(CASE).players
    back = spec_of(load(CASE)).return_usd * ~rows["right"].astype(bool)
    totals = rows["usd"] + harm * (rows["total_usd"] - rows["usd"] - back) + returned * back
    return rows.assign(total_usd=totals).pivot(index="seed", columns="player", values="total_usd")


def ranges() -> str:
    """Return how much more each other investigator pays than the sensible one where a price changes."""
    rows = []
    for label, factors in RANGES.items():
        totals = repriced(*factors)
        means = [mean_interval((totals[name] - totals["sensible"]).dropna()) for name in RIVALS]
        rows.append([label, *(f"{mean.value:+,.0f} ({mean.low:+,.0f} to {mean.high:+,.0f})" for mean in means)])
    return table(rows, ["price", *RIVALS])


def by_cause() -> str:
    """Return the results of the sensible investigator by cause, with its wrong diagnoses."""
    rows = []
    mine = load_study(CASE).players.query("player == 'sensible'")
    for cause, part in mine.groupby("cause", sort=False):
        cells = []
        for shape in ("abrupt", "gentle", "intermittent"):
            some = part[part["shape"] == shape]
            cells.append(f"{int(some['right'].sum())} of {len(some)}" if len(some) else "")
        wrong = part.loc[~part["right"].astype(bool), "diagnosis"].dropna().value_counts()
        rows.append([str(cause), *cells, ", ".join(f"{name} ({count})" for name, count in wrong.items())])
    return table(rows, ["cause", "abrupt", "gentle", "intermittent", "taken for"])


#: The players of the rules, in the order of the page.
TRIED = ("sensible", "methodical", "naive", "guess")


def rules() -> str:
    """Return each rule of the debrief, with the number of each player's plays in which it fires."""
    plays = pd.read_csv(INCIDENTS / CASE / "rules.csv", keep_default_na=False)
    labels = {signal.name: signal.label for signal in INCIDENT_SIGNALS}
    rows = []
    for rule in INCIDENT_RULES:
        fired = plays["fired"].map(lambda names, name=rule.name: name in names.split())
        cells = [f"{fired[plays['player'] == player].sum()}" for player in TRIED]
        rows.append([labels[rule.signal], rule.level.replace("_", " "), rule.states, *cells])
    return table(rows, ["signal", "level", "fires on", *TRIED])


def fixes() -> str:
    """Return the share of the harm of each cause that each fix takes away (%), where its 95% interval lies on one side of 0."""
    shares = load_study(CASE).fixes
    names = [name for name in shares["fix"].unique() if name not in ("nothing", "old_guideline")]
    rows = []
    for cause, mine in shares.groupby("cause", sort=False):
        of = mine.set_index("fix")
        rows.append([str(cause), *(_share(of.loc[name]) for name in names)])
    return table(rows, ["cause", *names])


def _share(row: pd.Series) -> str:
    proven = row["took_low"] > 0 or row["took_high"] < 0
    return f"{100 * row['took_away']:.0f}" if proven else ""


def monitors() -> str:
    """Return each monitor at its quickest threshold with one false alarm in four weeks at most: any cause, and one site."""
    curves = load_study(CASE).monitors
    any_cause, one_site = (quickest(curves[curves["cause"] == cause]) for cause in ("any", "blurred_camera"))
    at_one_site = one_site.set_index(["monitor", "threshold"])
    rows = []
    for row in any_cause.to_dict("records"):
        site = at_one_site.loc[row["monitor"], row["threshold"]]
        rows.append([row["monitor"], f"{row['threshold']:g}", f"{row['alarms_a_week']:.2f}", *_alarm(row), *_alarm(site)])
    heading = ["monitor", "threshold", "false alarms a week", "any cause, hours", "caught"]
    return table(rows, [*heading, "cameras of one site, hours", "caught"])


def _alarm(row: Mapping[str, float] | pd.Series) -> list[str]:
    caught, low, high = (100 * row[f"caught{end}"] for end in ("", "_low", "_high"))
    return [_hours(row["delay_h"]), f"{caught:.0f}% ({low:.0f} to {high:.0f})"]


def _hours(value: float) -> str:
    return f"{value:.0f}" if isfinite(value) else "never"


def quiet() -> str:
    """Return the promised and the real rate of quiet windows that ring."""
    rows = []
    for row in load_study(CASE).quiet.to_dict("records"):
        value, low, high = (100 * row[f"rings{end}"] for end in ("", "_low", "_high"))
        rows.append([row["monitor"], f"{100 * row['promised']:g}%", f"{value:.1f}% ({low:.1f} to {high:.1f})"])
    return table(rows, ["monitor", "promised", "quiet windows that ring"])


#: Every table of the page.
TABLES = {
    "EFFECTS": effects,
    "REFITS": refits,
    "PLAYERS": players,
    "AGAINST": against,
    "RANGES": ranges,
    "LEVELS": levels,
    "ORDER": order,
    "BY_CAUSE": by_cause,
    "RULES": rules,
    "FIXES": fixes,
    "MONITORS": monitors,
    "QUIET": quiet,
}

if __name__ == "__main__":
    for name, made in TABLES.items():
        print(f"<!-- {name} -->\n{made()}\n")
