"""Kinds of arrivals, quantities and curveballs from outside: read, checked, drawn, and run as any other."""

from typing import Annotated, ClassVar, Literal

import numpy as np
import pytest

from simulator.case.case_contract import ARRIVAL_KINDS
from simulator.case.curveball import AffectedQuantity, AnyCurveball
from simulator.case.curveballs import CURVEBALLS
from simulator.case.document import ScenarioError
from simulator.case.fields import AS_WRITTEN, QUANTITIES, AnyQuantity, Exponential, add_quantity
from simulator.case.kinds import add_kind, remove_kind
from simulator.engine.arrivals.arrival import OpenProcess, steady
from simulator.engine.arrivals.steady import Poisson
from simulator.engine.plan import compile_plan
from simulator.engine.run import simulate
from simulator.evidence.latency_tables import constant
from simulator.metrics.resampled_labels import paths_shift
from simulator.theory.loads import loads
from tests.builders import link, plan, pool, scenario


class Pairs(OpenProcess):
    """Two requests at once, every so many seconds."""

    kind: Literal["pairs"]
    every_s: float

    def times(self, rng, usual, total):
        return np.repeat(np.arange(0, total, self.every_s), 2)

    def rates(self):
        return steady(2 / self.every_s, self._end)


class Fair(AnyQuantity):
    """One of two values, each as likely."""

    key: ClassVar[str] = "either"

    either: Annotated[tuple[float, float], AS_WRITTEN]

    @property
    def mean(self):
        return sum(self.either) / 2

    def draw(self, rng, shape, dtype=np.float32):
        return np.array(self.either, dtype)[(rng.random(shape) < 0.5).astype(int)]


class Jam(AnyCurveball):
    """Half of the requests, and links that take three times as long."""

    changes: ClassVar = {AffectedQuantity.RATE: "share", AffectedQuantity.DELAY: "times"}

    kind: Literal["jam"]
    stage: str
    share: float = 0.5
    times: float = 3

    @property
    def strikes(self):
        return ("link",)


@pytest.fixture
def known():
    """The kinds from outside, while a test runs."""
    add_kind(ARRIVAL_KINDS, Pairs)
    add_quantity(Fair)
    add_kind(CURVEBALLS, Jam)
    yield
    remove_kind(ARRIVAL_KINDS, Pairs)
    del QUANTITIES["either"]
    remove_kind(CURVEBALLS, Jam)


pytestmark = pytest.mark.usefixtures("known")
PAIRS = {"kind": "pairs", "every_s": 4}
JAM = {"jam": {"kind": "jam", "label": "Jam", "stage": "up", "at_s": 50, "lasts_s": 20}}


def test_arrivals_from_outside_come_have_a_load_and_are_refused_at_their_fields():
    made = plan({"p": pool(replicas=2)}, constant(1.0), arrivals=PAIRS | {"spikes": [{"at_s": 40, "seconds": 20, "times": 2}]})
    arrived = simulate(made).columns.arrived
    assert arrived[:4].tolist() == [0, 0, 4, 4]
    assert len(arrived) == 2 * (40 / 4 + 20 / 2 + 40 / 4)
    (load,) = loads(made)
    assert load.mean == pytest.approx(0.5 / 2)
    assert load.peak == pytest.approx(1.0 / 2)
    with pytest.raises(ScenarioError) as caught:
        scenario({"p": pool()}, arrivals=PAIRS | {"spikes": [{"at_s": 400, "seconds": 20, "times": 2}]})
    assert [fault.field for fault in caught.value.faults] == ["arrivals.spikes.0.at_s"]
    with pytest.raises(ScenarioError, match="did you mean 'pairs'"):
        scenario({"p": pool()}, arrivals=PAIRS | {"kind": "pair"})


def test_a_quantity_from_outside_is_read_and_drawn():
    made = plan({"up": link("done", 0) | {"payload_mb": {"either": [1, 3]}, "bandwidth_mbps": {"constant": ONE}}})
    took = simulate(made, 1).visits
    seconds = np.round((took["left_s"] - took["entered_s"]).to_numpy())
    assert set(seconds) == {8, 24}  # a megabyte at a megabit a second takes eight seconds
    assert made.scenario.stages["up"].payload_mb.mean == 2
    with pytest.raises(ScenarioError) as caught:
        scenario({"up": link("done", 0) | {"payload_mb": {"either": [1, "two"]}}})
    assert [fault.field for fault in caught.value.faults] == ["stages.up.payload_mb.either.1"]


ONE = {"value": 1, "assumed": "for a test"}


def test_a_curveball_from_outside_changes_what_it_says_and_is_refused_where_it_cannot_strike():
    made = plan({"up": link("done", 1)}, arrivals=PAIRS, curveballs=JAM)
    trace = simulate(made)
    arrived = trace.columns.arrived
    assert [int(np.sum((arrived >= start) & (arrived < start + 20))) for start in (30, 50, 70)] == [
        10,
        4,
        10,
    ]  # at 54, 62 and not before 70: the clock goes at half its pace
    struck = (trace.visits["entered_s"] >= 50) & (trace.visits["entered_s"] < 70)
    took = trace.visits["left_s"] - trace.visits["entered_s"]
    assert took[struck].to_numpy() == pytest.approx(3, abs=1e-6)
    assert took[~struck].to_numpy() == pytest.approx(1, abs=1e-6)
    assert not paths_shift(made)
    for wrong, field, message in [
        ({"stage": "p"}, "stage", "this strikes link"),
        ({"at_s": 5000}, "at_s", "when the run ends"),
    ]:
        with pytest.raises(ScenarioError) as caught:
            scenario({"up": link("p", 1), "p": pool()}, arrivals=PAIRS, curveballs={"jam": JAM["jam"] | wrong})
        (fault,) = caught.value.faults
        assert fault.field == f"curveballs.jam.{field}"
        assert message in fault.message
    with pytest.raises(ScenarioError, match="have no rate for traffic to multiply"):
        scenario({"up": link("done", 1)}, arrivals={"kind": "offline", "samples": 3}, curveballs=JAM)


def test_a_name_that_is_taken_is_refused():
    class OtherPoisson(Poisson):
        pass

    class OtherJam(Jam):
        pass

    for taken in (
        lambda: add_kind(ARRIVAL_KINDS, OtherPoisson),
        lambda: add_quantity(Exponential),
        lambda: add_kind(CURVEBALLS, OtherJam),
    ):
        with pytest.raises(ValueError, match="already"):
            taken()


def test_a_case_with_kinds_from_outside_compiles():
    made = compile_plan(scenario({"up": link("p", 1), "p": pool(model="efficientnet_lite0")}, arrivals=PAIRS, curveballs=JAM))
    assert made.strikes == {"jam": 50}
