"""What an author may write under `arrivals`, and what is told where it cannot be."""

import pytest

from simulator.case.document import ScenarioError
from tests.builders import assumed, pool, scenario, spread

RATE = {"rate_per_s": assumed(2)}
REPLAY = {"kind": "replay", "file": "log.csv", "column": "at", "source": "a test"}


def of(**fields):
    return scenario({"p": pool()}, arrivals=fields, seconds=100).arrivals


def faults(**fields):
    with pytest.raises(ScenarioError) as caught:
        of(**fields)
    return {fault.field: fault.message for fault in caught.value.faults}


def spiky(**changes):
    return {"kind": "poisson", **RATE, "spikes": [{"at_s": 10, "seconds": 5, "times": 3} | changes]}


STATES = [{"rate_per_s": assumed(0), "stay_s": assumed(3)}, {"rate_per_s": assumed(9), "stay_s": assumed(1)}]
KINDS = [
    spiky(),
    {"kind": "constant", **RATE},
    {"kind": "gamma", **RATE, "cv": assumed(2)},
    {"kind": "weibull", **RATE, "cv": assumed(0.5)},
    {"kind": "mmpp", "states": STATES},
    {"kind": "daily", "per_day": assumed(9), "weights": [1]},
    {"kind": "weekly", "per_week": assumed(9), "days": [1] * 7, "weights": [1], "starts_on": "sunday"},
    REPLAY | {"file": "logs/2026-01/log.parquet", "rate_scale": 2, "burstiness": 0.5, "repeat": True},
    {"kind": "closed", "clients": 9, "think_mean_s": assumed(3)},
    {"kind": "closed", "clients": 9, "think_s": spread(3, 1), "requests": 10},
    {"kind": "closed", "clients": 9, "requests": 10},
    {"kind": "server", **RATE, "queries": 270_336, "bound_s": assumed(0.1), "percentile": 0.97},
    {"kind": "offline", "samples": 24_576},
    {"kind": "single_stream", "queries": 1024},
    {"kind": "multi_stream", "queries": 1024, "bound_s": assumed(0.1)},
]


@pytest.mark.parametrize("fields", KINDS, ids=lambda fields: fields["kind"])
def test_every_kind_can_be_written(fields):
    assert of(**fields).kind == fields["kind"]


MISTAKES = [
    ({"kind": "gamma", **RATE}, "cv", "this field is missing"),
    ({"kind": "gamma", **RATE, "cv": assumed(0)}, "cv", "should be between 0.05 and 10, got 0"),
    ({"kind": "poisson", "rate_per_s": 3}, "rate_per_s", "write it as {value: 3, assumed: why}; got 3"),
    ({"kind": "mmpp", "states": STATES[:1]}, "states", "at least 2 items"),
    (spiky(times=-1), "spikes.0.times", "greater than or equal to 0; got -1"),
    (spiky(at_s=100), "spikes.0.at_s", "begins at 100 s, after the last request; it should begin before 100 s (run.days)"),
    ({"kind": "closed", "clients": 9, "spikes": [], "requests": 9}, "spikes", "unknown key"),
    ({"kind": "closed", "clients": 9}, "", "nothing bounds the number of requests; give `requests`, or a think time"),
    ({"kind": "closed", "clients": 9, "think_s": spread(1), "think_mean_s": assumed(1)}, "", "at most one of think_s"),
    ({"kind": "weekly", "per_week": assumed(9), "days": [1] * 6, "weights": [1]}, "days", "at least 7 items"),
    ({"kind": "weekly", "per_week": assumed(9), "days": [0] * 7, "weights": [1]}, "", "at least one day"),
    (REPLAY | {"file": "../log.csv"}, "file", "should be a .csv or .parquet file beside the case"),
    (REPLAY | {"file": "/etc/log.csv"}, "file", "should be a .csv or .parquet file beside the case"),
    (REPLAY | {"file": "a/../../log.csv"}, "file", "should be a .csv or .parquet file beside the case"),
    (REPLAY | {"file": "log.txt"}, "file", "should be a .csv or .parquet file beside the case"),
    (REPLAY | {"burstiness": -1}, "burstiness", "greater than or equal to 0"),
    ({"kind": "server", **RATE, "queries": 9}, "bound_s", "this field is missing"),
    ({"kind": "single_stream", "queries": 9, "percentile": 90}, "percentile", "less than or equal to 0.9999"),
]


@pytest.mark.parametrize(("fields", "where", "message"), MISTAKES)
def test_a_mistake_is_told_at_its_field(fields, where, message):
    told = faults(**fields)
    assert message in told[f"arrivals.{where}".removesuffix(".")]
