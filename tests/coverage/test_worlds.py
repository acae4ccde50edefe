"""Every module of worlds still makes claims: the study itself takes most of an hour and runs alone."""

import pytest

import tests.coverage.__main__  # noqa: F401  registers every world
from tests.coverage.registry import STUDIES_OF

#: Modules whose samples take seconds.
SLOW = {"capacity", "encounters", "reader_rates", "refits"}
LAST = {study.sample.__module__.rpartition(".")[2]: study for study in STUDIES_OF}


@pytest.mark.parametrize("name", [pytest.param(name, marks=pytest.mark.long if name in SLOW else ()) for name in sorted(LAST)])
def test_a_world_makes_claims_about_its_truth(name):
    claims = list(LAST[name].sample(0))
    assert claims and all(claim.interval is None or claim.interval.low <= claim.interval.high for claim in claims)
