"""The data that the skin case offers to train on: each option as a request of the lab, with the draw that stands for it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from simulator.datalab.label_noise import Panel
from simulator.datalab.label_prices import LabelPrice, price_of
from simulator.datalab.refit import LabRequest, LabScores, lab_photos, refit
from simulator.metrics.roc import auc

#: Photos of an option that labels a part.
FEW = 300
#: Draws of photos and of reading errors, the middle one of which by AUC stands for all.
DRAWS = 9
#: Photos over which the price is spread: a year of the case's 12,000 a day.
PHOTOS_A_YEAR = 12_000 * 365

#: The options by name, as the case's field `trained_on` has them.
REQUESTS = {
    "one_reader": LabRequest(panel=Panel("one")),
    "three_readers": LabRequest(panel=Panel("three")),
    "adjudicated": LabRequest(panel=Panel("adjudicated")),
    "few": LabRequest(photos=FEW),
    "few_unsure": LabRequest(photos=FEW, selection="uncertainty"),
    "few_diverse": LabRequest(photos=FEW, selection="diversity"),
    "few_melanomas": LabRequest(photos=FEW, selection="rare"),
    "weighted": LabRequest(weights="diagnosis"),
}
#: The small network that the case offers for the phone: its features were computed in 8 bits.
PHONE = "mobilenet_v2"
PHONE_PRECISION = "int8_static"


def middle_draw(request: LabRequest) -> LabScores:
    """Return the refit whose AUC is the middle one of DRAWS; the folds are pooled, as the case has one threshold for all."""
    malignant = lab_photos().malignant
    fits = [refit(replace(request, seed=seed)) for seed in range(DRAWS)]
    areas = [float(auc(malignant, fit.scores)) for fit in fits]
    return fits[int(np.argsort(areas)[DRAWS // 2])]


def price_of_option(name: str) -> LabelPrice:
    return price_of(REQUESTS[name])


def usd_a_photo(name: str) -> float:
    """Return the option's price, spread over the photos of a year."""
    return price_of_option(name).usd / PHOTOS_A_YEAR
