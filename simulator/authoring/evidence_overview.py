"""Lists of the devices and models that a case may name, with what was measured, published and priced of each."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from typing import Any

from simulator.errors import InputError
from simulator.evidence.catalogue import hardware
from simulator.evidence.profiles import Profile, readable_profiles
from simulator.evidence.projection import latency, networks, published
from simulator.evidence.score_tables import Measured, load_scores, readable_scores

Row = dict[str, Any]

#: The precisions that can be projected.
_PROJECTED = ("fp32", "fp16", "int8_static")

#: A network that stands for all others: which devices can be projected depends on the device and the precision alone.
_ANY_NETWORK = "resnet50"


@cache
def projected_precisions() -> dict[str, list[str]]:
    """Return the precisions at which a latency can be projected, by device, for devices with a published latency."""
    devices = sorted(set(published()["device"]))
    return {name: [one for one in _PROJECTED if _can_project(name, one, 1)] for name in devices}


def _can_project(device: str, precision: str, batch: int) -> bool:
    try:
        latency(_ANY_NETWORK, precision, batch, device)
    except InputError:
        return False
    return True


def device_rows() -> list[Row]:
    """Return every device of the catalogue: what it is, its price with source, and its measured and published latencies."""
    measured = _models_by_device(readable_profiles()[0])
    points = published().groupby("device").size()
    return [
        {
            "device": name,
            "what": machine.label,
            "processor": machine.processor,
            "kind": machine.kind,
            "usd_per_hour": machine.usd_per_hour,
            "price_evidence": machine.price_evidence if machine.usd_per_hour is not None else None,
            "price_source": machine.price_source,
            "measured_models": sorted(measured.get(name, ())),
            "published_points": int(points.get(name, 0)),
            "projected_precisions": projected_precisions().get(name, []),
            "projected_batches": _batches(name),
        }
        for name, machine in hardware().items()
    ]


def _batches(device: str) -> str | None:
    precisions = projected_precisions().get(device)
    if not precisions:
        return None
    return "1 to 1024" if _can_project(device, precisions[0], 2) else "1"


def _models_by_device(profiles: Iterable[Profile]) -> dict[str, set[str]]:
    models: dict[str, set[str]] = {}
    for profile in profiles:
        models.setdefault(profile.device, set()).add(profile.model)
    return models


def model_rows() -> list[Row]:
    """Return every model with a measured latency: precisions by device, projected devices and sources.

    task: classification, detection or segmentation; "step" for a step beside a network
    """
    by_model: dict[str, list[Profile]] = {}
    for profile in readable_profiles()[0]:
        by_model.setdefault(profile.model, []).append(profile)
    known = set(networks()["profile"].dropna())
    return [_model_row(name, found, name in known) for name, found in sorted(by_model.items())]


def _model_row(name: str, found: list[Profile], is_projected: bool) -> Row:
    measured: dict[str, list[str]] = {}
    for profile in found:
        measured.setdefault(profile.device, []).append(profile.precision)
    task = next((profile.task for profile in found if profile.task), "step" if name.startswith(("step_", "photo_")) else None)
    first = found[0].provenance
    return {
        "model": name,
        "task": task,
        "measured": measured,
        "projected": {at: precisions for at, precisions in projected_precisions().items() if precisions and is_projected},
        "threads": sorted({run.threads for profile in found for run in profile.runs}),
        "weights": first.weights,
        "source": f"measured by CaseSim with {', '.join(f'{name} {version}' for name, version in first.libraries.items())}",
        "date": max(profile.provenance.date for profile in found),
    }


def score_table_rows() -> list[Row]:
    """Return the score tables by the name that `scores` of a pool takes: precisions, labelled items and source."""
    rows: dict[str, Row] = {}
    for name in readable_scores()[0]:
        table, precision = name.rsplit(".", 1)
        about = load_scores(name).about
        counts = {"items": about.items, "positives": about.positives} if isinstance(about, Measured) else {}
        row: Row = {
            "scores": table,
            "precisions": [],
            "items": None,
            "positives": None,
            "kind": about.origin,
            "source": about.source,
        }
        rows.setdefault(table, row | counts)["precisions"].append(precision)
    return list(rows.values())
