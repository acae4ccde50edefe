"""What many incidents taught: delay against false alarms, what each fix takes away, and how investigators fare."""

from __future__ import annotations

from math import isfinite

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from simulator.app.widgets import draw, plain, scenario_of
from simulator.charts.look import BLUE, GREY, SERIES, Chart, dots, figure, rounded
from simulator.incident.players import PLAYERS
from simulator.incident.secret import spec_of
from simulator.incident.section import Incident
from simulator.incident.step_kinds import NetworkFix
from simulator.incident.study_results import IncidentStudy, load_study, studied
from simulator.intervals import share_interval

#: One false alarm in four weeks, beyond which a person on call stops listening.
BEARABLE = 0.25
#: Weeks are three in a run: fewer alarms than one in all of them cannot be told from none.
_LEAST = 0.001
_ANY = "any"


def causes_told(monitors: pd.DataFrame, spec: Incident) -> dict[str, str]:
    """The sets of incidents that were watched, by name, as they are called."""
    found = list(monitors["cause"].unique())
    return {name: "Whatever harmful cause was drawn" if name == _ANY else spec.causes[name].label for name in found}


def delay_curves(monitors: pd.DataFrame, cause: str, chosen: list[str]) -> Chart:
    """Hours from the onset to the alarm against false alarms a week, over the thresholds; monitors: `monitors.csv`."""
    mine = monitors[(monitors["cause"] == cause) & monitors["monitor"].isin(chosen)]
    drawn = figure(height=420)
    for place, (name, rows) in enumerate(mine.groupby("monitor", sort=False)):
        told = rows[np.isfinite(rows["delay_h"])].sort_values("alarms_a_week")
        drawn.add_trace(_curve(str(name), told, SERIES[place % len(SERIES)], place // len(SERIES)))
    drawn.add_vline(BEARABLE, line={"color": GREY, "dash": "dash"}, annotation_text="one in four weeks")
    drawn.update_xaxes(title="false alarms a week, in quiet weeks", type="log")
    drawn.update_yaxes(title="hours to the alarm, median", rangemode="tozero")
    return Chart(drawn, _delay_takeaway(mine), rounded(mine.drop(columns="cause"), 3))


def _curve(name: str, rows: pd.DataFrame, colour: str, dashed: int) -> go.Scatter:
    x = rows["alarms_a_week"].clip(lower=_LEAST)
    look = {"color": colour, "width": 2, "dash": ("solid", "dash", "dot", "dashdot")[dashed % 4]}
    hover = "%{x:.2g} false alarms a week: %{y:.0f} h"
    return go.Scatter(x=x, y=rows["delay_h"], name=name, mode="lines+markers", line=look, hovertemplate=hover)


def quickest(monitors: pd.DataFrame) -> pd.DataFrame:
    """For each monitor the threshold of least delay with at most `BEARABLE` false alarms a week, the quickest first."""
    calm = monitors[monitors["alarms_a_week"] <= BEARABLE]
    order = calm.sort_values(["delay_h", "caught"], ascending=[True, False], kind="stable")
    return order.drop_duplicates("monitor").sort_values(["delay_h", "caught"], ascending=[True, False], kind="stable")


def _delay_takeaway(mine: pd.DataFrame) -> str:
    best = quickest(mine)
    if best.empty or not isfinite(best["delay_h"].iloc[0]):
        return "With at most one false alarm in four weeks, none of these monitors rings in half of the incidents."
    first = best.iloc[0]
    bounds = f"{first['delay_h_low']:.0f} to {_hours(first['delay_h_high'])}"
    return (
        f"With at most one false alarm in four weeks, '{first['monitor']}' rings first: after {first['delay_h']:.0f} h in the "
        f"median ({bounds}), in {100 * first['caught']:.0f}% of the incidents "
        f"({100 * first['caught_low']:.0f} to {100 * first['caught_high']:.0f}) at all."
    )


def _hours(value: float) -> str:
    return f"{value:.0f}" if isfinite(value) else "never"


def kept_promises_of(quiet: pd.DataFrame) -> Chart:
    """The share of quiet windows in which each monitor rings that promises one in twenty; quiet: `quiet.csv`."""
    rows = pd.DataFrame(
        {
            "label": quiet["monitor"],
            "value": 100 * quiet["rings"],
            "low": 100 * quiet["rings_low"],
            "high": 100 * quiet["rings_high"],
        }
    )
    drawn = figure(dots("quiet windows that ring", rows, BLUE), height=120 + 44 * len(rows), showlegend=False)
    promised = 100 * float(quiet["promised"].iloc[0])
    drawn.add_vline(promised, line={"color": GREY, "dash": "dash"}, annotation_text="promised")
    drawn.update_xaxes(title="quiet windows that ring (%)", rangemode="tozero")
    worst = quiet.sort_values("rings").to_dict("records")[-1]
    said = (
        f"Promised are {promised:.0f}% of quiet windows; '{worst['monitor']}' rings in {100 * worst['rings']:.0f}% "
        f"({100 * worst['rings_low']:.0f} to {100 * worst['rings_high']:.0f}): frames of one scene resemble each other."
    )
    return Chart(drawn, said, rounded(quiet, 3))


def fixes_by_cause(fixes: pd.DataFrame, spec: Incident) -> Chart:
    """The share of the harm of each cause that each fix takes away; fixes: `fixes.csv`."""
    causes, names = list(fixes["cause"].unique()), list(fixes["fix"].unique())
    grid = 100 * fixes.pivot(index="cause", columns="fix", values="took_away").loc[causes, names]
    drawn = figure(
        go.Heatmap(
            z=grid.to_numpy(),
            x=[spec.fixes[name].label for name in names],
            y=[spec.causes[name].label for name in causes],
            zmin=-100,
            zmax=100,
            colorscale="RdBu",
            text=grid.round().map("{:.0f}".format).to_numpy(),
            texttemplate="%{text}",
            colorbar={"title": "% of the harm"},
            hovertemplate="%{y}, %{x}: %{z:.0f}%<extra></extra>",
        ),
        height=140 + 34 * len(causes),
    )
    drawn.update_yaxes(autorange="reversed")
    drawn.update_xaxes(tickangle=-40)
    table = fixes.assign(cause=fixes["cause"].map(lambda name: spec.causes[name].label),
                         fix=fixes["fix"].map(lambda name: spec.fixes[name].label))  # fmt: skip
    return Chart(drawn, _fixes_takeaway(fixes, spec), rounded(table, 3))


def _fixes_takeaway(fixes: pd.DataFrame, spec: Incident) -> str:
    better = next(n for n, fix in spec.fixes.items() if isinstance(fix, NetworkFix) and fix.instead_of is None)
    mine = fixes[fixes["fix"] == better].dropna(subset=["took_away"])
    restored = int((mine["took_away"] >= 0.8).sum())
    return (
        f"'{spec.fixes[better].label}' takes away four fifths of the harm of {restored} of {len(mine)} causes; its median is "
        f"{100 * mine['took_away'].median():.0f}%. What puts a cause right where it entered takes all."
    )


def players_compared(players: pd.DataFrame) -> Chart:
    """How often each scripted investigator names the cause, with 95% intervals; players: `players.csv`."""
    rows, told = [], []
    for name, mine in players.groupby("player", sort=False):
        hit = share_interval(int(mine["right"].sum()), len(mine))
        rows.append({"label": str(name), "value": 100 * hit.value, "low": 100 * hit.low, "high": 100 * hit.high})
        kept = mine["kept"].dropna()
        told.append(
            {
                "investigator": name,
                "incidents": len(mine),
                "right (%)": 100 * hit.value,
                "low": 100 * hit.low,
                "high": 100 * hit.high,
                "Brier score": mine["brier"].mean(),
                "hours until it is put right, median": mine["mitigated_h"].median(),
                "put right (%)": 100 * mine["mitigated_h"].notna().mean(),
                "wrong fixes": mine["wrong_fixes"].mean(),
                "USD": mine["usd"].mean(),
                "harm still done (%), median": 100 * kept.median(),
            }
        )
    drawn = figure(dots("names the cause", pd.DataFrame(rows), BLUE), height=120 + 50 * len(rows), showlegend=False)
    drawn.update_xaxes(title="incidents whose cause is named (%)", range=[0, 102])
    said = "; ".join(f"{row['label']} {row['value']:.0f}% ({row['low']:.0f} to {row['high']:.0f})" for row in rows)
    return Chart(drawn, f"The cause is named: {said}.", rounded(pd.DataFrame(told), 3))


def hits_by_cause(players: pd.DataFrame, spec: Incident, player: str) -> pd.DataFrame:
    """A row a cause and shape: how one investigator fares there, and what it takes for it most often."""
    rows = []
    for (cause, shape), mine in players[players["player"] == player].groupby(["cause", "shape"], sort=False):
        hit = share_interval(int(mine["right"].sum()), len(mine))
        wrong = mine.loc[~mine["right"].astype(bool), "diagnosis"].mode()
        rows.append(
            {
                "cause": spec.causes[str(cause)].label,
                "comes": shape,
                "right (%)": 100 * hit.value,
                "low": 100 * hit.low,
                "high": 100 * hit.high,
                "mostly taken for": spec.causes[str(wrong.iloc[0])].label if len(wrong) else "",
                "hours until it is put right, median": mine["mitigated_h"].median(),
                "USD": mine["usd"].mean(),
            }
        )
    return rounded(pd.DataFrame(rows), 3)


#: As many curves as can be told apart.
_CURVES = 6


def incidents() -> None:
    """The panel of the evidence page; raises StudyError."""
    names = studied()
    if not names:
        st.caption("No incidents were studied; casesim incident-study does it.")
        return
    labels = {name: scenario_of(name).title for name in names}
    case = names[0] if len(names) == 1 else st.selectbox("Case", names, format_func=labels.__getitem__, key="incident_case")
    study, spec = load_study(case), spec_of(scenario_of(case))
    st.markdown(
        f"Many incidents of the case *{plain(labels[case])}*, simulated: each frame is an image as it was measured, and only "
        "the stream is drawn."
    )
    st.subheader("How late a monitor rings, beside how often for nothing", anchor=False)
    _monitors(study, spec)
    st.subheader("What a promised rate of false alarms is worth", anchor=False)
    draw(kept_promises_of(study.quiet), key="incident_quiet")
    st.subheader("What each fix takes away", anchor=False)
    draw(fixes_by_cause(study.fixes, spec), key="incident_fixes")
    st.subheader("How scripted investigators fare", anchor=False)
    draw(players_compared(study.players), key="incident_players")
    player = st.segmented_control("Investigator", list(PLAYERS), default="sensible", key="incident_player") or "sensible"
    st.dataframe(
        hits_by_cause(study.players, spec, player), hide_index=True, alt=f"How the {player} investigator fares by cause."
    )


def _monitors(study: IncidentStudy, spec: Incident) -> None:
    causes = causes_told(study.monitors, spec)
    names = list(study.monitors["monitor"].unique())
    with st.grid(2, min_column_width=300):
        cause = st.selectbox("Incidents", list(causes), format_func=causes.__getitem__, key="incident_cause")
        chosen = st.multiselect("Monitors", names, names[:_CURVES], key="incident_monitors")
    draw(delay_curves(study.monitors, cause, chosen), key="incident_delays")
