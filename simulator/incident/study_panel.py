"""Studies of many incidents of a case: their tables in assets/incidents, and the panel that shows them.

    signs.csv      counts of each sign, by cause (`simulator.incident.beliefs` reads it)
    players.csv    a row an incident and investigator: the diagnosis, the times, the money, the share of the harm still done
    fixes.csv      a row a cause and fix: the share of the harm that the fix takes away, with its 95% interval
    harms.csv      a row a harmful cause and shape: the harm of a day
    monitors.csv   a row a monitor and threshold: false alarms a week, hours to the alarm, and the share of incidents caught
    quiet.csv      a row a monitor that promises a rate of alarms: the promise, and the share of quiet windows that ring

`python -m campaigns.incidents` writes them.
"""

from __future__ import annotations

from math import isfinite
from pathlib import Path

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from simulator.app.widgets import draw, plain, scenario_of
from simulator.charts.look import BLUE, GREY, SERIES, Chart, dots, figure, line, rounded, spans
from simulator.evidence.evidence_tables import COUNT, SHARE, Range, Table, TableGroup, columns
from simulator.incident.looks import share_words
from simulator.incident.players import PLAYERS
from simulator.incident.secret import spec_of
from simulator.incident.section import Incident
from simulator.incident.stakes import FIXES, HARMS
from simulator.intervals import Interval, share_interval
from simulator.paths import INCIDENTS
from simulator.phrases import phrase


class IncidentStudy(TableGroup):
    """The tables of one case; see the module."""

    about: str  #: the case
    players = Table(
        "players.csv",
        columns("player cause shape seed diagnosis right")
        | columns("brier", Range(0, 2))
        | columns("detected_h diagnosed_h mitigated_h wrong_fixes")
        | columns("usd", COUNT)
        | columns("kept total_usd"),
    )
    fixes = FIXES
    harms = HARMS
    monitors = Table(
        "monitors.csv",
        columns("monitor cause threshold")
        | columns("alarms_a_week", COUNT)
        | columns("alarms_a_week_low alarms_a_week_high delay_h delay_h_low delay_h_high")
        | columns("caught caught_low caught_high", SHARE),
    )
    quiet = Table("quiet.csv", columns("monitor") | columns("promised rings rings_low rings_high", SHARE))


def load_study(case: str, folder: Path = INCIDENTS) -> IncidentStudy:
    """Read the tables of a case; raises EvidenceError with the file, the column and the fault."""
    return IncidentStudy.read(case, folder / case, "make incidents")


def studied(folder: Path = INCIDENTS) -> list[str]:
    return sorted(file.parent.name for file in folder.glob("*/players.csv"))


#: One false alarm in four weeks; with more a person on call stops listening.
BEARABLE = 0.25
#: The least rate on the axis, for monitors without an alarm.
_LEAST = 0.001
_ANY = "any"


def cause_labels(monitors: pd.DataFrame, spec: Incident) -> dict[str, str]:
    names = list(monitors["cause"].unique())
    return {name: "Any harmful cause" if name == _ANY else spec.causes[name].label for name in names}


def delay_curves(monitors: pd.DataFrame, cause: str, chosen: list[str]) -> Chart:
    """Draw hours from the onset to the alarm against false alarms a week, over the thresholds; monitors: `monitors.csv`."""
    rows = monitors[(monitors["cause"] == cause) & monitors["monitor"].isin(chosen)]
    x, y = {"title": "false alarms a week, in quiet weeks", "type": "log"}, {"title": "hours to the alarm, median"}
    drawn, hover = figure(height=420, x=x, y=y | {"rangemode": "tozero"}), "%{x:.2g} false alarms a week: %{y:.0f} h"
    for place, (name, of_monitor) in enumerate(rows.groupby("monitor", sort=False)):
        finite = of_monitor[np.isfinite(of_monitor["delay_h"])].sort_values("alarms_a_week")
        rates, colour = finite["alarms_a_week"].clip(lower=_LEAST), SERIES[place % len(SERIES)]
        dash = ("solid", "dash", "dot", "dashdot")[place // len(SERIES) % 4]
        drawn.add_trace(line(rates, finite["delay_h"], colour, str(name), hover, width=2, dash=dash, dotted=True))
    drawn.add_vline(BEARABLE, line={"color": GREY, "dash": "dash"}, annotation_text="one in four weeks")
    return Chart(drawn, _delay_takeaway(rows), rounded(rows.drop(columns="cause"), 3))


def quickest(monitors: pd.DataFrame) -> pd.DataFrame:
    calm = monitors[monitors["alarms_a_week"] <= BEARABLE]
    return calm.sort_values(["delay_h", "caught"], ascending=[True, False], kind="stable").drop_duplicates("monitor")


def _delay_takeaway(rows: pd.DataFrame) -> str:
    best = quickest(rows)
    if best.empty or not isfinite(best["delay_h"].iloc[0]):
        return "With at most one false alarm in four weeks, none of these monitors rings in half of the incidents."
    first = best.iloc[0]
    latest = f"{first['delay_h_high']:.0f}" if isfinite(first["delay_h_high"]) else "never"
    return phrase("incident.quickest_monitor", monitor=dict(first), latest=latest)


def promises(quiet: pd.DataFrame) -> Chart:
    """Draw the share of quiet windows that ring, of each monitor that promises a rate; quiet: `quiet.csv`."""
    rows = spans(quiet, "rings", quiet["monitor"])
    x = {"title": "quiet windows that ring (%)", "rangemode": "tozero"}
    drawn = figure(dots("quiet windows that ring", rows, BLUE), height=120 + 44 * len(rows), showlegend=False, x=x)
    promised = float(quiet["promised"].iloc[0])
    drawn.add_vline(100 * promised, line={"color": GREY, "dash": "dash"}, annotation_text="promised")
    worst = quiet.sort_values("rings").iloc[-1]
    share = share_words(Interval(worst["rings"], worst["rings_low"], worst["rings_high"]))
    takeaway = phrase("incident.promises", promised=promised, monitor=worst["monitor"], share=share)
    return Chart(drawn, takeaway, rounded(quiet, 3))


def fixes_by_cause(fixes: pd.DataFrame, spec: Incident) -> Chart:
    """Draw the share of the harm of each cause that each fix takes away; fixes: `fixes.csv`."""
    causes, names = ({name: part.label for name, part in parts.items()} for parts in (spec.causes, spec.fixes))
    table = fixes.assign(cause=fixes["cause"].map(causes), fix=fixes["fix"].map(names))
    by_cause, by_fix = table["cause"].unique(), table["fix"].unique()
    grid = 100 * table.pivot(index="cause", columns="fix", values="took_away").loc[by_cause, by_fix]
    heat = go.Heatmap(
        z=grid.to_numpy(),
        x=[*grid.columns],
        y=[*grid.index],
        zmin=-100,
        zmax=100,
        colorscale="RdBu",
        text=grid.round().map("{:.0f}".format).to_numpy(),
        texttemplate="%{text}",
        colorbar={"title": "% of the harm"},
        hovertemplate="%{y}, %{x}: %{z:.0f}%<extra></extra>",
    )
    drawn = figure(heat, height=140 + 34 * len(grid), x={"tickangle": -40}, y={"autorange": "reversed"})
    better = spec.better_model()
    shares = fixes.loc[fixes["fix"] == better, "took_away"].dropna()
    restored, median = int((shares >= 0.8).sum()), float(shares.median())
    takeaway = phrase("incident.better_model", fix=names[better], restored=restored, causes=len(shares), median=median)
    return Chart(drawn, takeaway, rounded(table, 3))


def players_compared(players: pd.DataFrame) -> Chart:
    """Draw how often each scripted investigator names the cause, with 95% intervals; players: `players.csv`."""
    table = pd.DataFrame(
        {
            "investigator": name,
            "incidents": len(part),
            **_right(part),
            "Brier score": part["brier"].mean(),
            "hours until it is put right, median": part["mitigated_h"].median(),
            "put right (%)": 100 * part["mitigated_h"].notna().mean(),
            "wrong fixes": part["wrong_fixes"].mean(),
            "USD": part["usd"].mean(),
            "harm and money (USD)": part["total_usd"].mean(),
            "harm still done (%), median": 100 * part["kept"].dropna().median(),
        }
        for name, part in players.groupby("player", sort=False)
    )
    rows = table.rename(columns={"investigator": "label", "right (%)": "value"})
    x = {"title": "incidents whose cause is named (%)", "range": [0, 102]}
    drawn = figure(dots("names the cause", rows, BLUE), height=120 + 50 * len(rows), showlegend=False, x=x)
    said = "; ".join(f"{row.label} {row.value:.0f}% ({row.low:.0f} to {row.high:.0f})" for row in rows.itertuples())
    return Chart(drawn, f"The cause is named: {said}.", rounded(table, 3))


def _right(plays: pd.DataFrame) -> dict[str, float]:
    """Return the share of plays that name the cause, with its interval, in per cent."""
    share = share_interval(int(plays["right"].sum()), len(plays))
    return {"right (%)": 100 * share.value, "low": 100 * share.low, "high": 100 * share.high}


def hits_by_cause(players: pd.DataFrame, spec: Incident, player: str) -> pd.DataFrame:
    """Return a row a cause and shape: the results of one investigator, and the commonest wrong diagnosis."""
    rows = []
    for (cause, shape), part in players[players["player"] == player].groupby(["cause", "shape"], sort=False):
        wrong = part.loc[~part["right"].astype(bool), "diagnosis"].dropna().mode()
        rows.append(
            {
                "cause": spec.causes[str(cause)].label,
                "comes": shape,
                **_right(part),
                "mostly taken for": spec.causes[str(wrong.iloc[0])].label if len(wrong) else "",
                "hours until it is put right, median": part["mitigated_h"].median(),
                "USD": part["usd"].mean(),
            }
        )
    return rounded(pd.DataFrame(rows), 3)


#: More curves cannot be distinguished.
_CURVES = 6


def incidents() -> None:
    """Draw the panel of the evidence page; raises EvidenceError."""
    names = studied()
    if not names:
        st.caption("There are no studies of incidents here; in the repository, python -m campaigns.incidents makes them.")
        return
    labels = {name: scenario_of(name).title for name in names}
    case = names[0] if len(names) == 1 else st.selectbox("Case", names, format_func=labels.__getitem__, key="incident_case")
    study, spec = load_study(case), spec_of(scenario_of(case))
    st.markdown(phrase("incident.study", case=plain(labels[case])))
    st.header("Delay of the alarm against false alarms", anchor=False)
    _monitors(study, spec)
    st.header("Promised and real rates of false alarms", anchor=False)
    draw(promises(study.quiet), key="incident_quiet")
    st.header("Harm that each fix takes away", anchor=False)
    draw(fixes_by_cause(study.fixes, spec), key="incident_fixes")
    st.header("Results of scripted investigators", anchor=False)
    draw(players_compared(study.players), key="incident_players")
    player = st.radio("Investigator", list(PLAYERS), horizontal=True, key="incident_player")
    st.dataframe(
        hits_by_cause(study.players, spec, player), hide_index=True, alt=f"Results of the {player} investigator by cause."
    )


def _monitors(study: IncidentStudy, spec: Incident) -> None:
    causes = cause_labels(study.monitors, spec)
    names = list(study.monitors["monitor"].unique())
    with st.grid(2, min_column_width=300):
        cause = st.selectbox("Incidents", list(causes), format_func=causes.__getitem__, key="incident_cause")
        chosen = st.multiselect("Monitors", names, names[:_CURVES], key="incident_monitors")
    draw(delay_curves(study.monitors, cause, chosen), key="incident_delays")
