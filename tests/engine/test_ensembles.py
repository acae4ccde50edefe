"""Several models for one answer: their times add up, and their scores are those of their mean."""

import pytest

from simulator.case.load import load
from simulator.engine.plan import compile_plan


def test_an_ensemble_takes_the_time_of_all_its_models_and_names_the_source_of_each():
    skin = load("skin-cancer-triage")
    alone = [compile_plan(skin, {"architecture": f"efficientnet_lite{number}"}) for number in range(3)]
    together = compile_plan(skin, {"architecture": "ensemble"})
    means = [made.latencies["classifier"].mean_s(4) for made in alone]
    assert together.latencies["classifier"].mean_s(4) == pytest.approx(sum(means))
    told = [source.value for source in together.provenance if source.what == "Classifier: latency"]
    assert [value.split(" of ")[1] for value in told] == [f"efficientnet_lite{number}" for number in range(3)]
    assert len(together.timed["classifier"]) == 3
    views = compile_plan(skin, {"architecture": "four_views"})
    assert views.latencies["classifier"].mean_s(1) == pytest.approx(4 * alone[0].latencies["classifier"].mean_s(1))


def test_an_ensemble_on_an_accelerator_is_projected_as_the_sum_of_its_models():
    skin = load("skin-cancer-triage")
    alone, together = (
        compile_plan(skin, {"hardware": "t4", "architecture": name}) for name in ("efficientnet_lite0", "ensemble")
    )
    assert together.bands
    assert together.latencies["classifier"].mean_s(1) > alone.latencies["classifier"].mean_s(1)
