"""All sources of numbers on the screen: one row per source, with its kind."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import pandas as pd

from simulator.case.designs import figure_name
from simulator.case.document import ScenarioError
from simulator.case.schema import Scenario
from simulator.engine.plan import compile_plan
from simulator.errors import InputError
from simulator.evidence import scene_tables as scenes
from simulator.evidence.catalogue import Hardware, field_drops, hardware
from simulator.evidence.detection_tables import coco_c, load_scales, read_about
from simulator.evidence.drive_tables import load_drives
from simulator.evidence.fidelity_reports import FidelityReport
from simulator.evidence.profiles import Profile
from simulator.evidence.projection import networks, power, published
from simulator.evidence.projection_accuracy import OFFLINE
from simulator.evidence.score_tables import Measured, Published, load_scores, readable_scores
from simulator.paths import DRIVES
from simulator.phrases import phrase
from simulator.units import duration, percent, significant

COLUMNS = ["what", "kind", "value", "source", "date", "machine", "licence"]

#: What this project measured is under its own licence.
_OWN = "Apache-2.0, measured by CaseSim"
_FACT = "a fact, quoted with its source"

Row = tuple[str, str, str, str, str, str, str]


def sources(
    profiles: Iterable[Profile], reports: Iterable[FidelityReport], scenarios: Iterable[Scenario]
) -> tuple[pd.DataFrame, list[str]]:
    """Return one row per source, and a sentence for each file that cannot be used.

    The columns are `COLUMNS`; kind: measured, projected, published or assumed. Sources are profiles, score tables, the
    catalogue, published latencies, results in the field, fidelity reports, detection tables, scenes, drives, and the figures
    of the default design of each case. A file that cannot be used lacks its own rows, no others.
    """
    tables, broken = readable_scores()
    rows: list[Row] = []
    parts = [
        *(_profiles(profiles), _scores(tables), _reports(reports)),
        *(_detections(), _coco_c(), _scenes(), _by_height(), _drives()),
        *(_machines(), _published_points(), _power(), _networks(), _field()),
        *map(_figures, scenarios),
    ]
    for part in parts:
        try:
            rows += part
        except InputError as error:
            broken.append(str(error))
    return pd.DataFrame(rows, columns=COLUMNS), list(dict.fromkeys(broken))


def _profiles(profiles: Iterable[Profile]) -> Iterator[Row]:
    for profile in profiles:
        made = profile.provenance
        calls = sum(len(timed.latency_ms) for run in profile.runs for timed in run.calls)
        libraries = ", ".join(f"{name} {version}" for name, version in made.libraries.items())
        what = f"latency of {profile.model} {profile.precision} on {profile.device}"
        weights = f"{_OWN}; weights: {made.weights}"
        yield what, "measured", f"{calls} calls", f"{libraries}; {made.protocol or ''}", made.date, made.processor, weights


def _scores(names: Iterable[str]) -> Iterator[Row]:
    for name in names:
        about = load_scores(name).about
        what = f"scores of {about.model} {about.precision}"
        if isinstance(about, Measured):
            value = f"{about.items} items of {about.dataset}, {about.positives} positive, {about.patients} patients"
            yield what, about.kind, value, about.source, about.date, "", about.attribution
        elif isinstance(about, Published):
            yield what, about.kind, phrase("score_tables.published", about=about), about.source, "", "", _FACT


def _machines() -> Iterator[Row]:
    for name, entry in hardware().items():
        if entry.price_source is not None:
            yield f"price of {entry.label}", entry.price_evidence, _price(entry), entry.price_source, "", name, _FACT
        if entry.source is not None:
            yield f"peaks and memory of {entry.label}", "published", _peaks(entry), entry.source, "", name, _FACT


def _price(entry: Hardware) -> str:
    return f"{entry.usd_per_hour:g} USD an hour" + (f", {entry.vcpus} virtual processors" if entry.vcpus else "")


def _peaks(entry: Hardware) -> str:
    peaks = [f"{name} {value:g} TOPS" for name, value in entry.peak_tops.items()]
    others = [(entry.bandwidth_gb_per_s, "GB/s"), (entry.memory_gb, "GB"), (entry.power_w, "W")]
    return ", ".join([*peaks, *(f"{value:g} {unit}" for value, unit in others if value)])


def _published_points() -> Iterator[Row]:
    for point in published().to_dict("records"):
        batch = "offline, an item" if point["batch"] == OFFLINE else f"batch {point['batch']}"
        what = f"latency of {point['model']} {point['precision']} on {point['device']}, {batch}"
        source, took = f"{point['source']}; {point['runtime']}", duration(point["seconds"])
        yield what, "published", took, source, "", point["device"], _FACT


def _power() -> Iterator[Row]:
    for run in power().to_dict("records"):
        what = f"power of {run['device']} with {run['model']}"
        yield what, "published", f"{significant(run['watts'])} W at the wall", run["source"], "", run["device"], _FACT


def _networks() -> Iterator[Row]:
    for model, row in networks().iterrows():
        value = f"{row['gmac']:g} billion multiply-adds"
        yield f"size of {model}", "published", value, str(row["source"]), "", "", _FACT


def _field() -> Iterator[Row]:
    for drop in field_drops():
        for where, found in (("on the bench", drop.bench), ("in the field", drop.field)):
            value = f"sensitivity {percent(found.sensitivity[0])} to {percent(found.sensitivity[1])}"
            yield f"{drop.what}: {where}", "published", value, found.source, "", "", _FACT


def _reports(reports: Iterable[FidelityReport]) -> Iterator[Row]:
    for report in reports:
        libraries = ", ".join(f"{name} {version}" for name, version in report.libraries.items())
        value = f"{len(report.points)} points"
        yield "simulation against a real server", "measured", value, libraries, report.date, report.processor, _OWN


def _detections() -> Iterator[Row]:
    about = read_about()
    libraries = ", ".join(f"{name} {version}" for name, version in about.libraries.items())
    for detector in about.detectors.values():
        what, value = f"detections of {detector.label}", f"{about.boxes} labelled boxes on {about.images} images"
        licence = f"{_OWN}; weights: {detector.licence}; {about.attribution}"
        yield what, "measured", value, f"{about.dataset}; {libraries}", about.date, about.processor, licence


def _coco_c() -> Iterator[Row]:
    published = coco_c()
    for model, figures in published.models.items():
        value = f"AP {figures.clean:g} clean, and under {len(figures.corrupted)} corruptions at 5 severities"
        yield f"detections of {model} on COCO-C", "published", value, published.source, "", "", _FACT


def _scenes() -> Iterator[Row]:
    about = scenes.read_about()
    libraries = ", ".join(f"{name} {version}" for name, version in about.libraries.items())
    weights = "; ".join(dict.fromkeys(detector.licence for detector in about.detectors.values()))
    value = f"{about.boxes} labelled boxes on crops and mixtures under {len(about.conditions)} conditions"
    licence = f"{_OWN}; weights: {weights}; {about.attribution}"
    yield "detections on scenes", "measured", value, f"{about.dataset}; {libraries}", about.date, about.processor, licence


def _by_height() -> Iterator[Row]:
    about = load_scales().about
    libraries = ", ".join(f"{name} {version}" for name, version in about.libraries.items())
    licence = f"{_OWN}; {about.attribution}"
    for network, judged in about.networks.items():
        value = f"AP {judged.ap:.3f}; {about.images} images at {len(about.parts)} sizes"
        source = f"{about.dataset}; {libraries}"
        yield f"recall by height of {network}", "measured", value, source, about.date, about.processor, licence


def _drives() -> Iterator[Row]:
    drives = load_drives(DRIVES)
    frames = drives.false.groupby("seen_by", sort=False)["frames"].max()
    tracking = drives.tracking.set_index("seen_by")
    for name in drives.recall["seen_by"].unique():
        what, value = f"detections of {name} on real drives", f"{frames[name]:,} frames"
        if name in tracking.index:
            tracked = tracking.loc[name]
            value += f", HOTA of cars {tracked['hota']:.1f}, MOTA {tracked['mota']:.1f}"
        yield what, "measured", value, drives.about.attribution, drives.about.date, "", drives.about.licence


def _figures(scenario: Scenario) -> Iterator[Row]:
    try:
        plan = compile_plan(scenario)
    except ScenarioError:  # the page that opens the case reports its faults
        return
    for source in plan.provenance:
        where = f"{scenario.title}: {figure_name(scenario, source.what)}"
        yield where, source.kind, source.value, source.source, "", "", _FACT if source.kind == "published" else ""


#: The most words of a search.
_MOST_WORDS = 20


def matching(found: pd.DataFrame, words: str, kinds: Iterable[str]) -> pd.DataFrame:
    """Return the rows that contain all these words, in any column and case; kinds: none for all kinds.

    Each word costs a pass over all rows, so the first twenty count.
    """
    wanted, text = set(kinds), found.astype(str).agg(" ".join, axis=1).str.lower()
    keep = found["kind"].isin(wanted) if wanted else pd.Series(True, found.index)
    for word in words.lower().split()[:_MOST_WORDS]:
        keep &= text.str.contains(word, regex=False)
    return found[keep]
