"""Studies of the lab, each a table: backbones, panels of readers, class weights, leakage, learning curves, and a price list."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from math import ceil
from typing import Any

import pandas as pd

from simulator.datalab.lab_evidence import lab_about, reader_table
from simulator.datalab.label_noise import LABELLERS, Panel, disagreement
from simulator.datalab.label_prices import price, price_of
from simulator.datalab.learning_curves import EASY, LEAKED, CurvePoint, PairedDifference, difference, point
from simulator.datalab.refit import LEAST_PHOTOS, SELECTIONS, LabRequest, Selection, lab_photos
from simulator.intervals import Interval

#: Labelled photos of a learning curve.
SIZES = (100, 200, 400, 700, 1071)
#: Budgets of the price list (USD), and the step whose worth is asked for.
BUDGETS, STEP_USD = (1000, 2000, 5000, 10_000, 20_000, 49_000), 1000
#: Draws of photos and of reading errors.
REPEATS = 10
Tick = Callable[[], None]


def quiet() -> None:
    """Count no progress."""


def backbones(tick: Tick = quiet) -> pd.DataFrame:
    """Compare backbones, with all labels and without noise, each with the difference to Lite0 paired by patient."""
    base = point(LabRequest(), 1)
    rows = [_row(base, None, backbone="efficientnet_lite0", views=1)]
    others = [LabRequest(backbone.name) for backbone in lab_about().backbones[1:]]
    for request in (LabRequest(views=True), *others):
        one = point(request, 1)
        rows.append(_row(one, base, backbone=request.backbone, views=4 if request.views else 1))
        tick()
    return pd.DataFrame(rows)


def panels(repeats: int = REPEATS, tick: Tick = quiet) -> pd.DataFrame:
    """Compare who labels all photos, each with the difference to proven labels."""
    base = point(LabRequest(), 1)
    rows = []
    for labeller in LABELLERS:
        for guidelines in (False,) if labeller == "proven" else (False, True):
            request = LabRequest(panel=Panel(labeller, guidelines))
            one = base if labeller == "proven" else point(request, repeats)
            rows.append(_row(one, base, labeller=labeller, guidelines=guidelines))
            tick()
    return pd.DataFrame(rows)


def splits_and_weights(tick: Tick = quiet) -> pd.DataFrame:
    """Compare class weights, and two wrong test sets, with the plain refit: one leaks, and one lacks what is hard."""
    base = point(LabRequest(), 1)
    others = {
        "classes weighted": point(LabRequest(weights="class"), 1),
        "diagnoses weighted": point(LabRequest(weights="diagnosis"), 1),
        LEAKED: point(LabRequest(split="photo"), 1),
        EASY: point(LabRequest(), 1, without="ACK"),
    }
    rows = [_row(base, None, choice="by patient, no weights")]
    for name, other in others.items():
        rows.append(_row(other, base, choice=name))
        tick()
    return pd.DataFrame(rows)


def selections(repeats: int = REPEATS, tick: Tick = quiet) -> pd.DataFrame:
    """Return the learning curve of each way to choose photos, with the difference to chance at the same number."""
    rows = []
    for size in SIZES:
        base = point(LabRequest(photos=size), repeats)
        for selection in SELECTIONS if size < SIZES[-1] else SELECTIONS[:1]:
            one = base if selection == "random" else point(LabRequest(photos=size, selection=selection), repeats)
            rows.append(_row(one, base, selection=selection))
            tick()
    return pd.DataFrame(rows)


@dataclass(frozen=True)
class Purchase:
    """What the next step of money buys. more: photos that it labels further; found: melanomas further found, as a share."""

    budget: float
    photos: int
    more: int
    before: CurvePoint
    found: PairedDifference
    auc: PairedDifference


def purchases(base: LabRequest, repeats: int = REPEATS, tick: Tick = quiet) -> Iterator[Purchase]:
    """Yield what STEP_USD more buy at each budget, up to the one that labels every photo."""
    photos = lab_photos()
    differing = disagreement(base.panel, reader_table(), photos.diagnoses)

    def labelled(usd: float) -> int:
        return affordable(usd, len(photos), base.panel, base.selection, differing)

    for budget in BUDGETS:
        fewer, more = labelled(budget), labelled(budget + STEP_USD)
        if fewer >= LEAST_PHOTOS and more > fewer:
            first, second = (point(replace(base, photos=count), repeats) for count in (fewer, more))
            yield Purchase(
                budget, fewer, more - fewer, first, difference(second, first, "melanomas"), difference(second, first)
            )
        tick()


def affordable(usd: float, pool: int, panel: Panel, selection: Selection, disagreement: float) -> int:
    """Return the most photos that `usd` label, at most the pool; 0 where the first costs more."""
    low, high = 0, pool
    while low < high:
        middle = ceil((low + high) / 2)
        if price(middle, pool, panel, selection, disagreement).usd <= usd:
            low = middle
        else:
            high = middle - 1
    return low


def price_list(repeats: int = REPEATS, tick: Tick = quiet) -> pd.DataFrame:
    """Return what the next 1,000 USD bought, by who labels: in melanomas of a hundred, with intervals."""
    rows = []
    for labeller in LABELLERS:
        bought = purchases(LabRequest(panel=Panel(labeller)), repeats, tick)
        rows += [{"labeller": labeller} | _purchase_row(one) for one in bought]
    return pd.DataFrame(rows)


def _purchase_row(purchase: Purchase) -> dict[str, Any]:
    row: dict[str, Any] = {"budget_usd": purchase.budget, "photos": purchase.photos, "more_photos": purchase.more}
    row |= (
        figures("melanomas", purchase.before.melanomas)
        | figures("more_melanomas", purchase.found.interval)
        | {"p": purchase.found.p}
    )
    return row | figures("more_auc", purchase.auc.interval)


def _row(one: CurvePoint, base: CurvePoint | None, **named: Any) -> dict[str, Any]:
    cost = price_of(one.request)
    row: dict[str, Any] = {**named, "photos": one.request.photos, "usd": cost.usd, "weeks": cost.weeks, "wrong": one.wrong}
    row |= figures("auc", one.auc) | figures("melanomas", one.melanomas)
    for of in ("auc", "melanomas"):
        gap = difference(one, base, of) if base is not None and one is not base else None
        row |= figures(f"{of}_gain", gap.interval if gap else Interval(0.0, 0.0, 0.0)) | {f"{of}_p": gap.p if gap else 1.0}
    return row


def figures(name: str, found: Interval) -> dict[str, float]:
    """Return a value and its bounds as columns."""
    return {name: found.value, f"{name}_low": found.low, f"{name}_high": found.high}
