"""Prices of photos and labels, in USD and weeks: the case's own for readers and visits, the rest assumed, with a range."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from simulator.case.fields import Figure
from simulator.case.load import load
from simulator.datalab.lab_evidence import reader_table
from simulator.datalab.label_noise import Panel, disagreement
from simulator.datalab.refit import LabRequest, Selection, lab_photos

#: The case whose readers and visits label the photos.
CASE = "skin-cancer-triage"


def _assumed(value: float, low: float, high: float, why: str) -> Figure:
    return Figure(value=value, between=(low, high), assumed=why)


PHOTO_USD = _assumed(20, 5, 60, "to ask a patient of a clinic, take the photo and file it: about ten minutes of a nurse")
PHOTOS_A_WEEK = _assumed(200, 50, 1000, "photos that a few clinics collect in a week")
READING_H_A_WEEK = _assumed(4, 2, 10, "hours a week that a dermatologist has for labels, beside patients")
EXPERT_MINUTES = _assumed(5, 2, 10, "an expert looks longer, since two readers differed")
EXPERT_USD_PER_HOUR = _assumed(250, 150, 400, "an expert's paid hour, above a dermatologist's")
GUIDELINES_USD = _assumed(6000, 2000, 15000, "to write rules for labels, and to train the readers with them")
GUIDELINES_WEEKS = _assumed(2, 1, 6, "to write rules for labels, and to train the readers with them")
BIOPSY_WEEKS = _assumed(2, 1, 6, "until a pathologist's report is there")
EXPERT_WEEKS = _assumed(1, 0.5, 3, "until the expert has looked at what the readers disagreed on")

#: Every assumed price, by the words for it.
ASSUMED = {
    "One more photo (USD)": PHOTO_USD,
    "Photos collected (per week)": PHOTOS_A_WEEK,
    "A reader's time for labels (h per week)": READING_H_A_WEEK,
    "An expert's look (min)": EXPERT_MINUTES,
    "An expert's hour (USD)": EXPERT_USD_PER_HOUR,
    "Guidelines (USD)": GUIDELINES_USD,
    "Guidelines (weeks)": GUIDELINES_WEEKS,
    "A pathologist's report (weeks)": BIOPSY_WEEKS,
    "An expert's answer (weeks)": EXPERT_WEEKS,
}


@dataclass(frozen=True)
class LabelPrice:
    """The price of data. parts: USD by the good that they pay for."""

    usd: float
    weeks: float
    parts: dict[str, float]


@dataclass(frozen=True)
class Rates:
    """USD of one look at a photo by a reader and of a visit with a biopsy, and minutes of a look, as the case has them."""

    look_usd: float
    look_minutes: float
    biopsy_usd: float


@lru_cache(maxsize=1)
def case_rates() -> Rates:
    """Return the case's own prices of readers and visits; raises ScenarioError."""
    scenario = load(CASE)
    people = scenario.stages["dermatologist"]
    minutes = people.minutes.mean  # type: ignore[attr-defined]
    return Rates(people.usd_per_hour.value * minutes / 60, minutes, scenario.ends["clinic"].usd.value)  # type: ignore[attr-defined]


def price(photos: int, pool: int, panel: Panel, selection: Selection, disagreement: float) -> LabelPrice:
    """Return the price of labels of `photos`.

    pool: photos that are collected so that some can be chosen; at random, only those that are labelled are collected
    disagreement: share of photos on which two readers differ, where an expert decides
    """
    rates = case_rates()
    collected = photos if selection == "random" else pool
    looks = {"proven": 0, "one": 1, "three": 3, "adjudicated": 2}[panel.labeller]
    expert_usd = EXPERT_MINUTES.value / 60 * EXPERT_USD_PER_HOUR.value
    decided = disagreement * photos if panel.labeller == "adjudicated" else 0.0
    parts = {
        "photos": collected * PHOTO_USD.value,
        "readers": photos * looks * rates.look_usd,
        "experts": decided * expert_usd,
        "biopsies": photos * rates.biopsy_usd if panel.labeller == "proven" else 0.0,
        "guidelines": GUIDELINES_USD.value if panel.guidelines else 0.0,
    }
    weeks = collected / PHOTOS_A_WEEK.value + photos * rates.look_minutes / 60 / READING_H_A_WEEK.value * (looks > 0)
    weeks += {"proven": BIOPSY_WEEKS.value, "adjudicated": EXPERT_WEEKS.value}.get(panel.labeller, 0.0)
    weeks += GUIDELINES_WEEKS.value if panel.guidelines else 0.0
    return LabelPrice(sum(parts.values()), weeks, parts)


def price_of(request: LabRequest) -> LabelPrice:
    """Return the price of the request's photos and labels."""
    photos = lab_photos()
    differing = disagreement(request.panel, reader_table(), photos.diagnoses)
    return price(request.photos, len(photos), request.panel, request.selection, differing)
