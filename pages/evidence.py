"""Evidence: what was measured, how the simulation compares with a real server, and where every number comes from."""

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd
import streamlit as st

from simulator.app.design_state import IN_ADDRESS
from simulator.app.news import PROGRESS_S, Latest, follow
from simulator.app.uploads import own_folder, who_sees
from simulator.app.visitors import at_the_machine, person
from simulator.app.widgets import EVIDENCE, KEPT, download, draw, faults_shown, mark_cards, plain, scenario_of, uploads
from simulator.case.load import load_all
from simulator.charts.look import rounded
from simulator.evidence.fidelity_reports import IN_PROCESS, OVER_HTTP, FidelityReport, marks, readable_reports
from simulator.evidence.profiles import Profile, read_profile, readable_failures, readable_profiles
from simulator.evidence.projection_accuracy import held_out
from simulator.files import Stamp, stamp_of
from simulator.incident.study_panel import incidents
from simulator.limits import UPLOADED_FILE
from simulator.measure.fidelity_sentences import held_sentence, spread_sentence
from simulator.measure.model_measurements import Measurement, MeasurementError, measurements
from simulator.measure.progress import ProfileOptions
from simulator.paths import ASSETS, FIDELITY, INSTALLED, OWN_PROFILES, OWN_SCORES, PAGES, PROFILES
from simulator.phrases import phrase
from simulator.sources import latency_charts, latency_rows
from simulator.sources.detector_panel import detectors
from simulator.sources.drive_panel import real_drives
from simulator.sources.fidelity_charts import FIGURES, error_by_load, forecasts_against_runs, point_rows, simulated_against_real
from simulator.sources.score_panel import scores
from simulator.sources.source_rows import matching, sources

Files = tuple[tuple[str, Stamp], ...]

#: Folders of profiles that all visitors see.
_SHARED = (PROFILES, OWN_PROFILES, INSTALLED / "profiles")


class Measured(NamedTuple):
    """All profiles, also as rows of cells and of calls; broken: a sentence for each file that cannot be used."""

    profiles: list[Profile]
    broken: list[str]
    cells: pd.DataFrame
    calls: pd.DataFrame


class Filters(NamedTuple):
    """The picked filters; an empty list means all."""

    device: str
    tasks: list[str]
    families: list[str]
    models: list[str]
    precisions: list[str]
    threads: int
    batch: int


def files(*folders: Path) -> Files:
    found = [path for folder in folders for path in sorted(folder.rglob("*"))]
    return tuple((str(path), stamp_of(path)) for path in found)


@st.cache_resource(max_entries=8, show_spinner="Reading the profiles …")
def read_all(stamp: Files, *folders: Path) -> Measured:
    there = [readable_profiles(folder) for folder in folders]
    found = [profile for profiles, _ in there for profile in profiles]
    return Measured(
        found, [sentence for _, broken in there for sentence in broken], latency_rows.cells(found), latency_rows.calls(found)
    )


def everything_measured() -> Measured:
    """Return the profiles shipped with CaseSim and those measured here; warn of files that cannot be used."""
    folders = [*_SHARED, *(folder for folder in [own_folder("profiles")] if folder and folder.is_dir())]
    found = read_all(files(*folders), *folders)
    warn(found.broken)
    return found


def warn(broken: Iterable[str]) -> None:
    for sentence in broken:
        st.warning(plain(sentence))


@st.cache_resource(max_entries=2, show_spinner=False)
def read_reports(stamp: Files, folder: Path) -> tuple[list[FidelityReport], list[str]]:
    return readable_reports(folder)


@st.cache_data(max_entries=2, show_spinner="Reading the sources …")
def every_source(stamp: Files, _profiles: list[Profile], _reports: list[FidelityReport]) -> tuple[pd.DataFrame, list[str]]:
    return sources(_profiles, _reports, load_all(scenario_of)[0])


def latencies() -> None:
    everything = everything_measured()
    found, _ = latency_rows.parted(everything.cells)
    picked = filters(found)
    chosen = found[(found["device"] == picked.device) & (found["threads"] == picked.threads)]
    chosen = latency_rows.within(chosen, task=picked.tasks, family=picked.families, model=picked.models)
    ratios = latency_rows.within(latency_rows.speedups(chosen, picked.batch), precision=picked.precisions)
    chosen = latency_rows.within(chosen, precision=picked.precisions)
    if chosen.empty:
        st.info("No measurement fits these filters. Remove one.")
        return
    precision_panel(ratios)
    timed = everything.calls.merge(chosen[["model", "precision", "device", "threads", "batch"]])
    curve_panel(chosen, timed, picked, ratios)
    with st.container(horizontal=True):
        download("Download these latencies (CSV)", chosen.rename(columns=latency_charts.CELL_NAMES), "latencies.csv")
        download("Download every call of them (CSV)", timed, "calls.csv")


def filters(found: pd.DataFrame) -> Filters:
    """Show the filters; each offers what the ones before it leave."""
    with st.grid(5, min_column_width=200):
        device = st.selectbox("Measured on", list(found["device"].value_counts().index), key="measured_on", **KEPT)
        there = found[found["device"] == device]
        tasks = pick_some("Tasks", there["task"], "tasks")
        families = pick_some("Families", latency_rows.within(there, task=tasks)["family"], "families")
        of_kind = latency_rows.within(there, task=tasks, family=families)
        models = pick_some("Models", of_kind["model"], "models", max_selections=latency_charts.MOST_CURVES)
        precisions = pick_some("Precisions", of_kind["precision"], "precisions")
    with st.container(horizontal=True):
        threads = pick_number("Threads", there["threads"], "with_threads")
        batch = pick_number("Compare precisions at batch size", there["batch"], "at_batch")
    return Filters(str(device), tasks, families, models, precisions, threads, batch)


def pick_some(label: str, names: "pd.Series[str]", key: str, **more: Any) -> list[str]:
    return st.multiselect(
        label, sorted(names.unique()), format_func=latency_rows.spoken, key=key, placeholder="all", **more, **KEPT
    )


def pick_number(label: str, numbers: "pd.Series[int]", key: str) -> int:
    return st.radio(label, sorted(int(number) for number in numbers.unique()), key=key, horizontal=True, **KEPT)


def precision_panel(ratios: pd.DataFrame) -> None:
    if ratios.empty:
        return
    st.header("Gain of a lower precision", anchor=False)
    draw(latency_charts.speed_of_precisions(ratios), key="speed_of_precisions", caption=phrase("sources.precisions"))


def curve_panel(chosen: pd.DataFrame, timed: pd.DataFrame, picked: Filters, ratios: pd.DataFrame) -> None:
    st.header("Time of a batch", anchor=False)
    precisions = picked.precisions if picked.precisions or ratios.empty else [latency_rows.BASE, latency_rows.usual(ratios)]
    largest = latency_rows.within(latency_rows.speedups(chosen, chosen["batch"].max()), precision=precisions)
    models = picked.models or latency_rows.extremes(largest) or list(chosen["model"].unique()[:1])
    chosen, timed = (latency_rows.within(rows, model=models, precision=precisions) for rows in (chosen, timed))
    offered = ["a batch", "one item of it"]
    of = st.radio("Time of", offered, key="time_of", horizontal=True, **KEPT)
    draw(latency_charts.latency_curves(chosen, timed, by_item=of == offered[1]), key="latency_curves")
    st.caption(phrase("sources.curves"))
    if not (picked.models and picked.precisions):
        st.caption("Shown by default: the models whose largest batches gain most and least. Pick others above.")


def steps() -> None:
    networks, found = latency_rows.parted(everything_measured().cells)
    device = st.selectbox("Measured on", list(found["device"].value_counts().index), key="steps_on", **KEPT)
    here, there = (rows[(rows["device"] == device) & (rows["threads"] == 1)] for rows in (found, networks))
    draw(latency_charts.step_times(here, there), key="step_times", caption=phrase("sources.steps"))
    download("Download these times (CSV)", here.rename(columns=latency_charts.CELL_NAMES), "steps.csv")


def refused() -> None:
    found, broken = readable_failures(PROFILES)
    warn(broken)
    if not found:
        st.markdown("Everything that was tried could be measured.")
        return
    rows = latency_rows.failure_rows(found)
    st.markdown(f"**{latency_rows.refusals(found)}**")
    shown = ["model", "precision", "step", "reason", "date"]
    st.dataframe(
        rows,
        hide_index=True,
        column_order=shown,
        alt="Not measured: model, precision, step and the tool's reason.",
    )
    download("Download these failures (CSV)", rows, "failures.csv")


def own_model() -> None:
    begun = measurements().of(person())
    if begun and begun.running:
        measuring(person())
        return
    st.markdown(phrase("sources.own_model", who=who_sees("its profile")))
    with st.form("measure"):
        uploaded = uploads("ONNX file, with its external data if it has any", UPLOADED_FILE)
        path = own_path()
        with st.grid(3, min_column_width=200):
            threads = st.multiselect("Threads", [1, 2, 4, 8], [1, 2])
            batches = st.multiselect("Batch sizes", [1, 2, 4, 8, 16, 32, 64], placeholder="1, 2, 4, 8, 16, or the file's own")
            budget = st.number_input("Time for each thread count (s)", 1, 600, 30)
            provider = st.selectbox("Execution provider", ["cpu", "cuda", "tensorrt", "openvino", "coreml"])
            shape = st.text_input("Shape of one image", placeholder="from the file, such as 3,224,224")
            name = st.text_input("Name of the model", placeholder="from the file")
            device = st.text_input("Name of the machine", placeholder="its processor")
        overwrite = st.checkbox("Measure again what already has a profile")
        pressed = st.form_submit_button("Measure this model", type="primary")
    if pressed:
        effort = ProfileOptions(threads=threads, batch=batches, budget=budget, provider=provider, input_shape=shape)
        wanted = replace(effort, name=name, device=device, overwrite=overwrite, out=own_folder("profiles"))
        begin({file.name: file.getbuffer() for file in uploaded}, path, wanted)
    if begun:
        ended(begun)


def own_path() -> str:
    if not at_the_machine():
        return ""
    return st.text_input("Or the path of a file on this machine", key="own_path", placeholder="/home/me/model.onnx")


def begin(uploaded: dict[str, memoryview], path: str, wanted: ProfileOptions) -> None:
    """Start a measurement; it survives a reload of the page."""
    try:
        if path:
            measurements().start(person(), Path(path), wanted)
        else:
            measurements().start_upload(person(), uploaded, wanted)
    except MeasurementError as error:
        st.error(plain(str(error)))
        return
    st.rerun()


@st.fragment
def measuring(owner: str) -> None:
    """Show the progress of a measurement, and the curve so far."""
    follow("measurement", lambda: Latest(_progress_of(measurements().of(owner))), PROGRESS_S)
    begun = measurements().of(owner)
    if begun is None or not begun.running:
        st.rerun()
    st.progress(begun.share, f"Measuring {plain(begun.title)}")
    if st.button("Cancel", key="cancel_measurement"):
        begun.cancel()
    draw(latency_charts.growing_curve(begun.medians), key="growing_curve")


def _progress_of(begun: Measurement | None) -> str:
    return f"{begun.running} {begun.share}" if begun else ""


def ended(begun: Measurement) -> None:
    if begun.ending == "error":
        st.error(plain(begun.complaint))
    elif begun.ending == "stopped":
        st.info("The measurement was cancelled; nothing was written.")
    else:
        if begun.notes:
            st.info("\n".join(f"- {plain(note)}" for note in begun.notes))
        profile = read_profile(begun.profile)
        st.header(f"{profile.model} {latency_rows.spoken(profile.precision)} on {profile.device}", anchor=False)
        draw(
            latency_charts.latency_curves(latency_rows.cells([profile]), latency_rows.calls([profile]), by_item=False),
            key="own_curves",
        )
        st.download_button("Download the profile (JSON)", begun.profile.read_bytes(), begun.profile.name, on_click="ignore")


def fidelity() -> None:
    found, broken = read_reports(files(FIDELITY), FIDELITY)
    warn(broken)
    if not found:
        st.markdown(phrase("fidelity.no_report"))
        st.code(f"casesim fidelity --out {FIDELITY / 'my-machine.json'}", language=None, wrap_lines=True)
        return
    where = {f"{report.processor}, {report.cores} cores, {report.date}": report for report in found}
    report = where[st.selectbox("Report", list(where), key="report", **KEPT)]
    servers = [server for server in (IN_PROCESS, OVER_HTTP) if report.of(server)]
    server = st.radio("Server", servers, key="server", horizontal=True, **KEPT)
    mark_cards(marks(report, server))
    st.markdown(plain(spread_sentence(report, server)))
    what = st.radio("Compare", list(FIGURES), 1, key="compared", horizontal=True, **KEPT)
    if report.of(server)[0].low is not None:
        draw(forecasts_against_runs(report, server, what), key="forecasts")
        st.caption(phrase("fidelity.forecast", held=plain(held_sentence(report, server))))
    draw(simulated_against_real(report, server, what), key="against_real")
    draw(error_by_load(report, server, what), key="error_by_load", caption=phrase("fidelity.predictions"))
    download("Download all points (CSV)", point_rows(report, server), "fidelity.csv")


def projected() -> None:
    found = held_out()
    st.markdown(phrase("projections.about"))
    mark_cards(latency_rows.projection_marks(found))
    rows = latency_rows.prediction_rows(found)
    if not rows.empty:
        devices = pick_some("Devices", rows["device"], "devices")
        draw(latency_charts.projected_against_published(latency_rows.within(rows, device=devices)), key="projected")
        st.caption(phrase("projections.bands"))
    st.header("By device and family", anchor=False)
    errors = latency_rows.error_rows(found)
    st.markdown(f"**{latency_rows.reached(errors)}**")
    st.dataframe(
        rounded(errors), hide_index=True, alt="Held-out errors by device and family, each with the limits it must meet."
    )
    st.header("Compared with an analytic model", anchor=False)
    draw(latency_charts.comparisons(found), key="comparisons", caption=phrase("projections.shaded"))
    with st.container(horizontal=True):
        download("Download the predictions (CSV)", rows, "predictions.csv")
        download("Download the errors (CSV)", errors, "errors.csv")


def all_sources() -> None:
    compared, broken = read_reports(files(FIDELITY), FIDELITY)
    shared = read_all(files(*_SHARED), *_SHARED)
    warn([*broken, *shared.broken])
    found, broken = every_source(files(ASSETS, OWN_PROFILES, OWN_SCORES, INSTALLED), shared.profiles, compared)
    warn(broken)
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
    "What failed": refused,
    "Projected hardware": projected,
    "Against a real server": fidelity,
    "Scores": scores,
    "Detectors": detectors,
    "Real drives": real_drives,
    "Incidents": incidents,
    "Your own model": own_model,
    "Sources": all_sources,
}

st.title("Sources of the numbers", anchor=False)
st.markdown(phrase("sources.about"))
st.page_link(PAGES / "datalab.py", label="Data lab: choose photos and labels by their price, and see what they buy")
st.page_link(PAGES / "monitors.py", label="Monitors: compare your own production data with a reference")
panels = st.tabs(list(PANELS), key="evidence", **IN_ADDRESS)
for panel, show in zip(panels, PANELS.values(), strict=True):
    if panel.open:
        with panel, faults_shown():
            show()
