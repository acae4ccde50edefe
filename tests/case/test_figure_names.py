"""Names of figures in words."""

import pytest

from simulator.case.designs import figure_name
from simulator.case.load import load, loads
from simulator.engine.plan import compile_plan
from tests.case.texts import SMALL
from tests.claim_words import _SNAKE
from tests.design_claims import CASES


@pytest.mark.parametrize(
    ("place", "name"),
    [
        ("stages.reader.minutes.median", "Reader: minutes, median"),
        ("ends.seen.usd", "Seen: USD"),
        ("stages.reader.usd_per_hour", "Reader: USD per hour"),
        ("arrivals.rate_per_s", "Arrivals: rate per s"),
        ("attributes.speed.spells.0", "Attributes: speed, spells, number 1"),
        ("traffic", "Traffic"),
        ("Classifier: latency", "Classifier: latency"),
    ],
)
def test_a_figure_has_a_name_in_words(place, name):
    assert figure_name(loads(SMALL), place) == name


@pytest.mark.parametrize(
    ("case", "place", "name"),
    [
        ("production-drift", "incident.usual.1.spell_h", "Incident: usual rain, spell in h"),
        ("production-drift", "incident.page_usd", "Incident: page in USD"),
        ("skin-cancer-triage", "population.quality.unusable", "Population: quality, unusable"),
        ("skin-cancer-triage", "population.ood.foreign", "Population: out of distribution, foreign"),
        ("skin-cancer-triage", "stages.upload.latency_ms", "Upload: latency in ms"),
        ("av-perception", "attributes.speed.spells.0", "Speed: spells, number 1"),
        ("av-perception", "vehicle.drive_wh_per_km", "Vehicle: drive Wh per km"),
        ("av-perception", "encounters.sees.detector.half_angle_deg", "Encounters: sees, detector, half angle in degrees"),
    ],
)
def test_an_entry_of_a_shipped_case_is_named_by_its_own_name(case, place, name):
    assert figure_name(load(case), place) == name


@pytest.mark.parametrize("case", CASES)
def test_no_source_of_a_shipped_case_is_named_by_its_place_in_the_file(case):
    plan = compile_plan(load(case))
    names = [figure_name(plan.scenario, source.what) for source in plan.provenance]
    assert [name for name in names if _SNAKE.search(name)] == []
