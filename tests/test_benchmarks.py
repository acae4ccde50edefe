"""What the benchmarks measure can be built and run; how fast it is, they show and no test asserts."""

import pytest

from benchmarks.case import GROWING, skin
from simulator.serving.engine import simulate


@pytest.mark.parametrize("name", GROWING)
def test_a_workload_grows_with_the_number_of_requests(name):
    assert simulate(GROWING[name](12_000), seed=1).columns.n == pytest.approx(12_000, rel=0.1)


def test_the_case_brings_all_its_requests_within_the_days_given():
    assert simulate(skin(400, days=0.5), seed=1).plan.scenario.run.days == pytest.approx(0.5)
