"""Accuracy of the projection: every published point predicted from fits that have never seen its network.

A third of the published points, by network, is hidden at a time and the rest fitted, again and again. Networks that share an
architecture are hidden together, whatever they are called and at whatever resolution; what was measured here on a processor
stays, for that is what a projection starts from. From the errors follows how wide a band has to be (split conformal
prediction, Vovk et al. 2005, on errors divided by what the fit itself expects); whether it covers is judged on architectures
that did not set its width.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from campaigns.projection.form import Design, Fit, all_points, design_of, fit
from simulator.evidence.evidence_files import in_one_step
from simulator.evidence.projection import OWN, fingerprint, power
from simulator.evidence.projection_accuracy import (
    BARS,
    LEVEL,
    OFFLINE,
    Basis,
    Errors,
    HeldOut,
    Prediction,
    ProjectionComparison,
    basis_of,
)
from simulator.paths import CATALOGUE

HIDDEN = 1 / 3
REPEATS = 4
SEED = 1

#: The comparisons that an analytic model was put to (`COMPETITOR`): int8 ResNet-50.
ASKED = [
    (device, batch)
    for device in ("nvidia-t4", "nvidia-a100-sxm-80gb", "nvidia-h100-pcie", "jetson-agx-orin-64gb")
    for batch in (1, 8, OFFLINE)
] + [("nvidia-h100-sxm", OFFLINE)]


def hold_out(repeats: int = REPEATS) -> HeldOut:
    """Hide, fit and predict; takes about a second for each of `repeats` times 3, and as much again for precisions."""
    points = all_points()
    design, seconds = design_of(points), points["seconds"].to_numpy()
    found = pd.concat(_predictions(points, design, seconds, repeats), ignore_index=True)
    found["error"] = (found["projected"] / found["seconds"] - 1).abs()
    found["score"] = np.abs(np.log(found["projected"] / found["seconds"])) / found["spread"]
    found["covered"] = _covered(found)
    apart = _apart(points, design, seconds)
    energy = list(_energies(points, apart))
    widths = {basis: _width(found.loc[found["basis"] == basis, "score"]) for basis in BARS}
    return HeldOut(
        fingerprint=fingerprint(),
        widths=widths,
        energy_width=_width(pd.Series([abs(np.log(one.projected / one.published)) for one in energy])),
        overall=[_errors(found[found["basis"] == basis], basis) for basis in BARS],
        rows=[row for basis in BARS for row in _cells(found[found["basis"] == basis], basis)],
        comparisons=list(_comparisons(points, apart)),
        energy=energy,
        predictions=list(_told_once(found, widths)),
    )


def hidden_sets(points: pd.DataFrame, repeats: int) -> Iterator[set[str]]:
    """Architectures to hide together, three sets a repeat, each with at least a third of the published points."""
    counts = points.loc[points["protocol"] != OWN, "architecture"].value_counts()
    for repeat in range(repeats):
        ring = list(np.random.default_rng([SEED, repeat]).permutation(sorted(counts.index)))
        for _ in range(3):
            covered = np.cumsum([counts[name] for name in ring])
            enough = int(np.searchsorted(covered, HIDDEN * counts.sum())) + 1
            yield set(ring[:enough])
            ring = ring[enough:] + ring[:enough]


def _predictions(points: pd.DataFrame, design: Design, seconds: NDArray[np.float64], repeats: int) -> Iterator[pd.DataFrame]:
    outside = (points["protocol"] != OWN).to_numpy()
    for index, names in enumerate(hidden_sets(points, repeats)):
        hidden = points["architecture"].isin(names).to_numpy() & outside
        yield _predict(points, design, seconds, hidden, hidden)
        if index < 9:  # each of up to three precisions of a device, with three sets of networks
            asked = _of_precision(points[outside], index // 3).reindex(points.index, fill_value=False).to_numpy()
            yield _predict(points, design, seconds, hidden | asked, asked)


def _of_precision(points: pd.DataFrame, index: int) -> pd.Series:
    kinds = points.groupby("device")["precision"].unique().map(sorted)
    chosen = kinds[kinds.map(len) > max(index, 1)].map(lambda names: names[index])
    return points["precision"] == points["device"].map(chosen)


def _predict(
    points: pd.DataFrame,
    design: Design,
    seconds: NDArray[np.float64],
    hidden: NDArray[np.bool_],
    asked: NDArray[np.bool_],
) -> pd.DataFrame:
    fitted = fit(design.take(~hidden), seconds[~hidden])
    value, spread = fitted.predict(design.take(asked))
    seen = points[~hidden & (points["protocol"] != OWN)]
    found = points.loc[asked, ["device", "precision", "model", "family", "architecture", "batch", "seconds"]].copy()
    rows = zip(found["device"], found["precision"], found["family"], strict=True)
    return found.assign(projected=np.exp(value), spread=spread, basis=[basis_of(seen, *row) for row in rows])


def _width(scores: pd.Series) -> float:
    ordered = np.sort(scores.to_numpy())
    return float(ordered[min(int(np.ceil((len(ordered) + 1) * LEVEL)), len(ordered)) - 1])


def _covered(found: pd.DataFrame) -> pd.Series:
    """Return whether each prediction lies in the band that all other architectures would have set."""
    covered = pd.Series(False, index=found.index)
    for _, rows in found.groupby("basis"):
        for name in rows["architecture"].unique():
            own = rows["architecture"] == name
            others = rows.loc[~own, "score"]
            covered[rows.index[own]] = rows.loc[own, "score"] <= (_width(others) if len(others) else np.inf)
    return covered


def _told_once(found: pd.DataFrame, widths: dict[Basis, float]) -> Iterator[Prediction]:
    """Yield the first prediction of each point on each footing, with its band; to six digits, which is more than they hold."""
    point = ["device", "model", "precision", "batch", "basis"]
    for row in found.drop_duplicates([*point, "seconds"]).sort_values([*point, "seconds"]).to_dict("records"):
        band = float(np.exp(widths[row["basis"]] * row["spread"]))
        record = {"published": row["seconds"], "projected": row["projected"]}
        record |= {"low": row["projected"] / band, "high": row["projected"] * band}
        rounded = {key: float(f"{value:.6g}") for key, value in record.items()}
        yield Prediction.model_validate({key: row[key] for key in point} | rounded)


def _cells(found: pd.DataFrame, basis: Basis) -> Iterator[Errors]:
    for device in sorted(set(found["device"])):
        there = found[found["device"] == device]
        for family in sorted(set(there["family"])):
            yield _errors(there[there["family"] == family], basis, device, family)


def _errors(rows: pd.DataFrame, basis: Basis, device: str = "", family: str = "") -> Errors:
    error = rows["error"]
    return Errors(
        basis=basis,
        device=device,
        family=family,
        points=len(rows),
        median=float(error.median()),
        p90=float(error.quantile(0.9)),
        covered=float(rows["covered"].mean()),
    )


def _apart(points: pd.DataFrame, design: Design, seconds: NDArray[np.float64]) -> pd.DataFrame:
    """Predictions of the networks with published power, each from a fit without any point of it."""
    outside = (points["protocol"] != OWN).to_numpy()
    found = []
    for name in power()["model"].unique():
        kind = points.loc[points["model"] == name, "architecture"].iloc[0]
        hidden = (points["architecture"] == kind).to_numpy() & outside
        fitted: Fit = fit(design.take(~hidden), seconds[~hidden])
        asked = hidden & (points["model"] == name).to_numpy() & (points["precision"] == "int8").to_numpy()
        found.append(points[asked].assign(projected=np.exp(fitted.predict(design.take(asked))[0])))
    joined: pd.DataFrame = pd.concat(found)
    return joined


def _comparisons(points: pd.DataFrame, apart: pd.DataFrame) -> Iterator[ProjectionComparison]:
    of_network = apart[(apart["model"] == "resnet50@224") & (apart["protocol"] == "mlperf")].set_index(["device", "batch"])
    for device, batch in ASKED:
        published, projected = of_network.loc[(device, batch), ["seconds", "projected"]].to_numpy(dtype=float)
        yield ProjectionComparison(
            device=device, model="resnet50@224", batch=batch, published=float(published), projected=float(projected)
        )


def _energies(points: pd.DataFrame, apart: pd.DataFrame) -> Iterator[ProjectionComparison]:
    """Joules for each item: published, and projected without the network."""
    keys = ["device", "batch", "model"]
    projected = apart.loc[apart["protocol"] == "mlperf", [*keys, "projected"]]
    for run in power().merge(projected, on=keys).to_dict("records"):
        watts = effective_watts(points, run["device"], run["batch"], run["model"])
        if watts is not None:
            items = max(run["batch"], 1)
            yield ProjectionComparison(
                **{key: run[key] for key in keys},
                published=run["watts"] * run["seconds"] / items,
                projected=watts * run["projected"] / items,
                unit="J",
            )


def write_held_out(found: HeldOut, path: Path = CATALOGUE / "projection.json") -> None:
    """Write the findings in one step."""
    with in_one_step(path) as part:
        part.write_text(found.model_dump_json(indent=1) + "\n", encoding="utf-8")


def effective_watts(points: pd.DataFrame, device: str, batch: int, without: str = "") -> float | None:
    """Return watts at the wall for each second of published latency, the median over networks; None without any.

    Power was published of runs that save energy and are slower: joules of those runs by the seconds of the fastest ones.
    """
    runs = power()
    runs = runs[(runs["device"] == device) & (runs["batch"] == batch) & (runs["model"] != without)]
    best = points[(points["device"] == device) & (points["batch"] == batch) & (points["precision"] == "int8")]
    both = runs.merge(best[["model", "seconds"]], on="model", suffixes=("", "_best"))
    return float((both["watts"] * both["seconds"] / both["seconds_best"]).median()) if len(both) else None
