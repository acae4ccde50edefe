"""Evidence: what was measured, how the simulation compares with a real server, and where every number comes from."""

from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd
import streamlit as st

from simulator.analysis.fidelity import marks, point_rows, told
from simulator.analysis.latencies import calls, cells, extremes, parted, speedups, spoken
from simulator.analysis.sources import matching, sources
from simulator.charts import (
    FIGURES,
    MOST_CURVES,
    cell_table,
    error_by_load,
    latency_curves,
    simulated_against_real,
    speed_of_precisions,
    step_times,
)
from simulator.evidence.fidelity import IN_PROCESS, OVER_HTTP, FidelityError, Report, reports
from simulator.evidence.profiles import Profile, ProfileError, profiles
from simulator.paths import ASSETS, FIDELITY, PROFILES
from simulator.scenario import scenario_ids
from simulator.widgets import EVIDENCE, download, draw, mark_card, plain, scenario_of

#: The address carries what a widget holds, and another page does not make it forget.
KEPT: dict[str, Any] = {"bind": "query-params", "persist_state": "session"}

Files = tuple[tuple[str, int], ...]


class Measured(NamedTuple):
    """All profiles, as rows of cells and of calls too."""

    profiles: list[Profile]
    cells: pd.DataFrame
    calls: pd.DataFrame


class Filters(NamedTuple):
    """What is picked; no model and no precision stand for all."""

    device: str
    models: list[str]
    precisions: list[str]
    threads: int
    batch: int


def files(folder: Path) -> Files:
    """What tells whether a file of a folder has changed."""
    return tuple((str(path), path.stat().st_mtime_ns) for path in sorted(folder.rglob("*")))


@st.cache_resource(max_entries=2, show_spinner="Reading the profiles …")
def measured(folder: Path, stamp: Files) -> Measured:
    found = list(profiles(folder))
    return Measured(found, cells(found), calls(found))


@st.cache_resource(max_entries=2, show_spinner=False)
def fidelity_reports(folder: Path, stamp: Files) -> list[Report]:
    return reports(folder)


@st.cache_data(max_entries=2, show_spinner="Reading the sources …")
def every_source(stamp: Files, _profiles: list[Profile], _reports: list[Report]) -> pd.DataFrame:
    return sources(_profiles, _reports, [scenario_of(name) for name in scenario_ids()])


def latencies() -> None:
    everything = measured(PROFILES, files(PROFILES))
    found, _ = parted(everything.cells)
    picked = filters(found)
    mine = found[(found["device"] == picked.device) & (found["threads"] == picked.threads)]
    mine = mine[mine["model"].isin(picked.models)] if picked.models else mine
    ratios = speedups(mine, picked.batch)
    if picked.precisions:
        ratios, mine = (rows[rows["precision"].isin(picked.precisions)] for rows in (ratios, mine))
    if mine.empty:
        st.info("Nothing was measured that fits these filters. Take one away.")
        return
    precision_panel(ratios)
    timed = everything.calls.merge(mine[["model", "precision", "device", "threads", "batch"]])
    curve_panel(mine, timed, picked.models or extremes(ratios) or list(mine["model"].unique()[:1]))
    if not picked.models:
        st.caption("Drawn are the models that gain and lose most by lower precision. Pick others under Models.")
    with st.container(horizontal=True):
        download("Download these latencies (CSV)", cell_table(mine), "latencies.csv")
        download("Download every call of them (CSV)", timed, "calls.csv")


def filters(found: pd.DataFrame) -> Filters:
    """The filters; each offers what the ones before it leave."""
    with st.grid(3, min_column_width=230):
        device = st.selectbox("Measured on", list(found["device"].unique()), key="measured_on", **KEPT)
        there = found[found["device"] == device]
        names, offered = sorted(there["model"].unique()), sorted(there["precision"].unique())
        models = st.multiselect("Models", names, key="models", max_selections=MOST_CURVES, placeholder="all", **KEPT)
        precisions = st.multiselect("Precisions", offered, format_func=spoken, key="precisions", placeholder="all", **KEPT)
    with st.container(horizontal=True):
        threads = pick_number("Threads", there["threads"], "with_threads")
        batch = pick_number("Precisions compared at a batch of", there["batch"], "at_batch")
    return Filters(str(device), models, precisions, threads, batch)


def pick_number(label: str, numbers: "pd.Series[int]", key: str) -> int:
    """One of the numbers of a column; the smallest at first."""
    offered = sorted(int(number) for number in numbers.unique())
    return st.radio(label, offered, key=key, horizontal=True, **KEPT)


def precision_panel(ratios: pd.DataFrame) -> None:
    if ratios.empty:
        return
    st.subheader("What a lower precision buys", anchor=False)
    draw(speed_of_precisions(ratios), key="speed_of_precisions")
    st.caption(
        "A point is the ratio of two medians; its line covers the 95% intervals of both. Shaded: slower than fp32. Hollow: "
        "other programs took a tenth of the machine or more while it was measured."
    )


def curve_panel(mine: pd.DataFrame, timed: pd.DataFrame, models: list[str]) -> None:
    st.subheader("What a batch takes", anchor=False)
    offered = ["a batch", "an item of the batch"]
    of = st.radio("Time of", offered, key="time_of", horizontal=True, **KEPT)
    drawn, points = (rows[rows["model"].isin(models)] for rows in (mine, timed))
    draw(latency_curves(drawn, points, by_item=of == offered[1]), key="latency_curves")
    st.caption(
        "A line joins medians, a band holds nine calls in ten, a dot is one call (at most 40 of a batch size are drawn)."
    )


def steps() -> None:
    networks, found = parted(measured(PROFILES, files(PROFILES)).cells)
    device = st.selectbox("Measured on", list(found["device"].unique()), key="steps_on", **KEPT)
    here, there = (rows[(rows["device"] == device) & (rows["threads"] == 1)] for rows in (found, networks))
    draw(step_times(here, there), key="step_times")
    st.caption("One item at a time on one thread; a line holds nine calls in ten.")
    download("Download these times (CSV)", cell_table(here), "steps.csv")


def fidelity() -> None:
    found = fidelity_reports(FIDELITY, files(FIDELITY))
    if not found:
        st.markdown(
            "No report is here yet. This command measures one: it starts a real server on this machine, predicts what each "
            "run of it will give, then lets it run. The machine should have nothing else to do meanwhile."
        )
        st.code(f"casesim fidelity --out {FIDELITY / 'my-machine.json'}", language="bash", wrap_lines=True)
        return
    where = {f"{report.processor}, {report.cores} cores, {report.date}": report for report in found}
    report = where[st.selectbox("Report", list(where), key="report", **KEPT)]
    servers = [server for server in (IN_PROCESS, OVER_HTTP) if report.of(server)]
    server = st.radio("Server", servers, key="server", horizontal=True, **KEPT)
    with st.grid(6, border=True, min_column_width=150):
        for mark in marks(report, server):
            mark_card(mark)
    st.markdown(plain(told(report, server)))
    what = st.radio("Compare", list(FIGURES), 1, key="compared", horizontal=True, **KEPT)
    draw(simulated_against_real(report, server, what), key="against_real")
    draw(error_by_load(report, server, what), key="error_by_load")
    st.caption(
        "Every point was predicted before it was run, from a profile of the server measured beside it. Hollow points are not "
        "judged: their two identical real runs disagree."
    )
    download("Download all points (CSV)", point_rows(report, server), "fidelity.csv")


def all_sources() -> None:
    read, compared = measured(PROFILES, files(PROFILES)), fidelity_reports(FIDELITY, files(FIDELITY))
    found = every_source(files(ASSETS), read.profiles, compared)
    with st.grid(2, min_column_width=230):
        words = st.text_input("Search", key="words", placeholder="any words, such as resnet50 price", **KEPT)
        kinds = st.multiselect("Kinds", list(EVIDENCE), key="kinds", placeholder="all", **KEPT)
    rows = matching(found, words or "", kinds)
    st.markdown(f"**{len(rows):,} of {len(found):,} sources.**")
    st.dataframe(rows, hide_index=True, height=560, alt="Every source with its kind, value, date, machine and licence.")
    download("Download these sources (CSV)", rows, "sources.csv")


#: The panels of the page.
PANELS = {
    "Latencies": latencies,
    "Around the network": steps,
    "Against a real server": fidelity,
    "Sources": all_sources,
}

st.title("Where every number comes from", anchor=False)
st.markdown(
    "Latencies are measured call by call, the simulation is held against a real server, and each figure names its source. "
    "What did not work is shown too."
)
panels = st.tabs(list(PANELS), key="evidence", on_change="rerun", bind="query-params")
for panel, show in zip(panels, PANELS.values(), strict=True):
    if panel.open:
        with panel:
            try:
                show()
            except (ProfileError, FidelityError) as error:
                st.error(plain(str(error)))
