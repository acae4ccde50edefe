"""`casesim devices` and `casesim models`: print what a case may name as `device`, `model` and `scores`, with its evidence."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cache
from typing import Annotated, Any

import typer
from rich.markup import escape
from rich.text import Text

from simulator.authoring.show_command import table_of_rows
from simulator.cli.exits import answer, known
from simulator.cli.options import AsJson
from simulator.errors import InputError
from simulator.evidence.catalogue import hardware
from simulator.evidence.profiles import Profile, readable_profiles
from simulator.evidence.projection import latency, networks, published
from simulator.evidence.score_tables import Measured, load_scores, readable_scores

#: The precisions that can be projected.
_PROJECTED = ("fp32", "fp16", "int8_static")

#: A network that stands for all others: which devices can be projected depends on the device and the precision alone.
_ANY_NETWORK = "resnet50"


@cache
def projected_precisions() -> dict[str, list[str]]:
    """Return the precisions at which a latency can be projected, by device, for devices with a published latency."""
    devices = sorted(set(published()["device"]))
    return {name: [precision for precision in _PROJECTED if _can_project(name, precision, 1)] for name in devices}


def _can_project(device: str, precision: str, batch: int) -> bool:
    try:
        latency(_ANY_NETWORK, precision, batch, device)
    except InputError:
        return False
    return True


def device_rows() -> list[Row]:
    """Return every device of the catalogue: what it is, its price with source, and its measured and published latencies."""
    profiles = readable_profiles()[0]
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
            "measured_models": sorted({profile.model for profile in profiles if profile.device == name}),
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
        items, positives = (about.items, about.positives) if isinstance(about, Measured) else (None, None)
        row: Row = {"scores": table, "precisions": [], "items": items, "positives": positives}
        rows.setdefault(table, row | {"kind": about.origin, "source": about.source})["precisions"].append(precision)
    return list(rows.values())


Row = dict[str, Any]

Names = Annotated[
    list[str] | None, typer.Argument(metavar="[NAME]...", help="only these, each with all details", show_default=False)
]


def devices(names: Names = None, as_json: AsJson = False) -> None:
    """List the devices that a case may name: what each is, its price with source, and its measured and projected latencies."""
    rows = _named("device", names, device_rows())
    answer(as_json, rows, _details(rows) if names else _device_parts(rows))


def _device_parts(rows: list[Row]) -> Iterator[Any]:
    yield table_of_rows("Devices", [_device(row) for row in rows])
    yield "\nA pool on a device without a measured or projected latency cannot run; without a price, it has no cost."
    yield Text("Details and sources: casesim devices NAME")


def _device(row: Row) -> Row:
    measured = len(row["measured_models"])
    return {
        "device": row["device"],
        "what": row["what"],
        "USD an hour": f"{row['usd_per_hour']:g}{' assumed' * (row['price_evidence'] == 'assumed')}"
        if row["usd_per_hour"]
        else "",
        "measured": f"{measured} models" if measured else "",
        "projected": [*row["projected_precisions"], *(["batch 1 only"] if row["projected_batches"] == "1" else [])],
    }


def models(names: Names = None, as_json: AsJson = False) -> None:
    """List the models that a case may name: precisions and devices, measured or projected, and the score tables."""
    rows = _named("model", names, model_rows())
    tables = [row for row in score_table_rows() if not names or any(name in row["scores"] for name in names)]
    parts = [*_details(rows)] if names else [table_of_rows("Models", [_model(row) for row in rows])]
    if tables:
        parts += ["", table_of_rows("Score tables, for `scores` of a pool", [_table(row) for row in tables])]
    if not names:
        parts.append(Text("\nProjected on: the number of devices; `casesim models NAME` lists them, and the sources."))
    answer(as_json, {"models": rows, "scores": tables}, parts)


def _model(row: Row) -> Row:
    precisions = dict.fromkeys(precision for found in row["measured"].values() for precision in found)
    return {
        "model": row["model"],
        "precisions": list(precisions),
        "measured on": list(row["measured"]),
        "projected on": len(row["projected"]) or None,
    }


def _table(row: Row) -> Row:
    return {name: row[name] for name in ("scores", "precisions", "items", "positives", "kind")}


def _named(what: str, names: Iterable[str] | None, rows: list[Row]) -> list[Row]:
    """Return the rows with these names, or all; raises UsageError that suggests the nearest name."""
    by_name = {row[what]: row for row in rows}
    return [by_name[known(what, name, by_name)] for name in names] if names else rows


def _details(rows: list[Row]) -> Iterator[Any]:
    for number, row in enumerate(rows):
        pairs = [{"field": name.replace("_", " "), "value": _words(value)} for name, value in row.items()]
        yield from [""] if number else []
        yield table_of_rows(escape(next(iter(row.values()))), pairs[1:])


def _words(value: Any) -> Any:
    if isinstance(value, dict):
        return "; ".join(f"{name}: {', '.join(found)}" for name, found in value.items())
    return value
