"""Machines of an author's own: latencies as those of another device, times a factor, at a price of the case."""

import json

import pytest

from simulator.case.document import ScenarioError
from simulator.case.load import loads
from simulator.engine.plan import compile_plan
from simulator.evidence import profiles as stored
from simulator.evidence.latency_tables import profiled
from simulator.evidence.profiles import load_profile
from tests.builders import assumed, document, figures, pool, run_at
from tests.profiles import profile, steady

REAL = {"model": "efficientnet_lite0", "precision": "fp32"}
PRICE = {"value": 3.6, "published": "an invoice"}


def case(stage, **machine):
    box = {"label": "Our box", "like": "epyc-zen4-2c", "times": assumed(1), "usd_per_hour": PRICE} | machine
    return json.dumps(document({"p": pool(**REAL | {"device": "box"} | stage)}, hardware={"box": box}, seconds=100))


def compiled(stage, **machine):
    return compile_plan(loads(case(stage, **machine)))


def test_latencies_are_those_of_the_other_device_times_the_factor():
    made = compiled({"threads": 2, "max_batch": 4}, times=assumed(1.5))
    alike = profiled(load_profile("epyc-zen4-2c", **REAL), 2, 4, 1.5)
    assert made.latencies["p"].is_alike(alike)
    latency = [(source.kind, source.value) for source in made.provenance if source.what == "Pool: latency"]
    assert [kind for kind, _ in latency] == ["measured", "assumed"]
    assert latency[1][1] == "1.5 times as long on Our box"


def test_a_replica_costs_the_part_of_its_threads_of_the_stated_price():
    made = compiled({"replicas": 3, "threads": 2}, vcpus=12)
    paid = 3 * 2 / 12 * 3.6 * 100 / 3600
    assert figures(run_at(made, [0, 50]))["cost_per_1000_usd"] == pytest.approx(1000 * paid / 2)
    prices = [source for source in made.provenance if "usd_per_hour" in source.what or "price" in source.what]
    assert [(source.kind, source.source) for source in prices] == [("published", "an invoice")]


def test_an_accelerator_is_projected_as_the_other_one_with_its_band():
    usual = compile_plan(loads(case({"device": "nvidia-t4"})))
    made = compiled({}, like="nvidia-t4", times=assumed(2))
    assert made.latencies["p"].mean_s(1) == pytest.approx(2 * usual.latencies["p"].mean_s(1))
    for mine, other in zip(made.bands["p"], usual.bands["p"], strict=True):
        assert mine.mean_s(1) == pytest.approx(2 * other.mean_s(1))
    assert made.machines["p"].usd_per_replica_hour(1) == 3.6


def test_a_device_that_only_its_owner_measured_may_be_rented(monkeypatch, tmp_path):
    file = tmp_path / "basement" / "mine.fp32.json"
    file.parent.mkdir()
    file.write_text(profile("mine", device="basement", b1=steady(5)).model_dump_json(), encoding="utf-8")
    monkeypatch.setattr(stored, "FOLDERS", (*stored.FOLDERS, tmp_path))
    stored.profile_names.cache_clear()
    made = compiled({"model": "mine"}, like="basement", vcpus=4)
    assert made.machines["p"].usd_per_replica_hour(1) == 0.9
    with pytest.raises(ScenarioError, match="say how many vcpus share out its price"):
        compiled({"model": "mine"}, like="basement")
    stored.profile_names.cache_clear()


@pytest.mark.parametrize("device", ["epyc-zen4-2c", "nvidia-t4"])
def test_hundreds_of_passes_take_as_many_times_as_long(device):
    """The tiles of a large image, one after the other."""
    once, tiled = (compile_plan(loads(case({"device": device, "passes": passes}))) for passes in (1, 240))
    assert tiled.latencies["p"].mean_s(1) == pytest.approx(240 * once.latencies["p"].mean_s(1))


@pytest.mark.parametrize(
    ("machine", "place", "message"),
    [
        ({"like": "epyc-zen4"}, "hardware.box.like", "nothing is known of a device 'epyc-zen4'; did you mean 'epyc-zen4-2c'"),
        ({"like": "nvidia-t4", "vcpus": 4}, "hardware.box.vcpus", "is paid as a whole; delete this line"),
        ({"times": assumed(0)}, "hardware.box.times", "should be between 0.01 and 10000, got 0"),
        ({"usd_per_hour": {"value": 3}}, "hardware.box.usd_per_hour", "a figure names exactly one of measured"),
    ],
)
def test_a_mistake_is_refused_at_its_place(machine, place, message):
    with pytest.raises(ScenarioError) as caught:
        loads(case({}, **machine))
    assert place in str(caught.value)
    assert message in str(caught.value)


def test_an_own_model_on_projected_hardware_is_told_the_network_that_may_stand_in(monkeypatch, tmp_path):
    """The file takes 1.25 times as long as a measured network of the catalogue: the message says both."""
    like = load_profile("epyc-zen4-2c", **REAL)
    runs = [
        run.model_copy(
            update={"calls": [one.model_copy(update={"latency_ms": [1.25 * ms for ms in one.latency_ms]}) for one in run.calls]}
        )
        for run in like.runs
    ]
    file = tmp_path / "epyc-zen4-2c" / "mine.fp32.json"
    file.parent.mkdir()
    file.write_text(like.model_copy(update={"model": "mine", "runs": runs}).model_dump_json(), encoding="utf-8")
    monkeypatch.setattr(stored, "FOLDERS", (*stored.FOLDERS, tmp_path))
    with pytest.raises(ScenarioError) as caught:
        compiled({"model": "mine"}, like="nvidia-t4")
    told = str(caught.value)
    assert "mine is not among the networks that can be projected" in told
    network, ratio = told.partition("`model: ")[2].partition("`")[0], float(told.partition("it takes ")[2].split()[0])
    single = [calls for calls in load_profile("epyc-zen4-2c", network, "fp32").run(1).calls if calls.batch == 1]
    mine = [calls for calls in runs[0].calls if calls.batch == 1]
    assert ratio == pytest.approx(sorted(mine[0].latency_ms)[len(mine[0].latency_ms) // 2]
                                  / sorted(single[0].latency_ms)[len(single[0].latency_ms) // 2], rel=0.02)  # fmt: skip
    assert 0.8 < ratio < 1.25
