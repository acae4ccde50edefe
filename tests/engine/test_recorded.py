"""A scenario that replays a recording: the file beside it, what a plan says of it, and the way round."""

import json

import numpy as np
import pandas as pd
import pytest

from simulator.case.document import ScenarioError
from simulator.case.load import load
from simulator.engine.plan import compile_plan
from simulator.engine.run import simulate
from simulator.explain.result import replicate
from tests.builders import assumed, document, link, plan

WIRE = {"wire": link("done", 0.1)}


@pytest.fixture
def case(tmp_path):
    """Writes a case that replays these lines, in a folder of its own."""

    def made(text="at\n1\n2\n4\n", **fields):
        folder = tmp_path / "cases"
        folder.mkdir(exist_ok=True)
        (folder / "log.csv").write_text(text, encoding="utf-8")
        replay = {"kind": "replay", "file": "log.csv", "column": "at", "source": "gateway, May 2026"} | fields
        file = folder / "case.yaml"
        file.write_text(json.dumps(document(WIRE, arrivals=replay), indent=1), encoding="utf-8")
        return load(file)

    return made


def faults(scenario):
    with pytest.raises(ScenarioError) as caught:
        compile_plan(scenario)
    return caught.value.faults


def test_another_recording_under_the_same_name_is_another_run(case):
    first, again, other = (compile_plan(case(text)) for text in ("at\n1\n2\n4\n", "at\n1\n2\n4\n", "at\n1\n3\n4\n"))
    assert first.identity == again.identity != other.identity
    assert list(first.evidence) == ["scenario/log.csv"]


def test_requests_come_when_they_were_recorded(case):
    assert simulate(compile_plan(case())).requests["arrived_s"].tolist() == [1, 2, 4]


def test_the_arrivals_of_one_run_replayed_are_those_of_the_next(case):
    first = simulate(plan(WIRE, rate=3), 5)
    text = pd.DataFrame({"at": first.columns.arrived}).to_csv(index=False)
    again = simulate(compile_plan(case(text)), 5)
    assert np.array_equal(again.columns.arrived, first.columns.arrived)
    assert again.digest == first.digest


def test_the_recording_is_named_among_the_sources_and_that_it_ends_early_is_said(case):
    made = compile_plan(case())
    (source,) = (source for source in made.provenance if source.what == "arrivals")
    assert (source.kind, source.value, source.source) == ("measured", "3 times", "gateway, May 2026")
    assert made.warnings == ["The recording log.csv ends after 4.00 s of 100 s; no request comes later."]
    assert compile_plan(case(repeat=True)).warnings == []


@pytest.mark.parametrize(("scale", "behind"), [(1, 2), (2, 1)])
def test_times_behind_the_end_of_the_run_are_counted_and_said(case, scale, behind):
    """The run takes 100 s; at twice the pace the time 150 comes at 75 s, and 200 at 100 s, which is behind it."""
    (warning,) = compile_plan(case("at\n1\n150\n200\n", rate_scale=scale)).warnings
    assert warning.startswith(f"{behind} of the 3 recorded times in log.csv {'lie' if behind > 1 else 'lies'} behind the end")


@pytest.mark.parametrize("repeat", [False, True])
def test_a_result_says_that_its_intervals_hold_no_luck_of_a_recording(case, repeat):
    """All replications meet the same requests, so that the throughput has no spread."""
    result = replicate(compile_plan(case(repeat=repeat)), seed=1, replications=3)
    (note,) = (note for note in result.trust if note.topic == "recording")
    assert "log.csv" in note.sentence and "another recording would differ" in note.sentence
    throughput = result.metrics["throughput_per_s"]
    assert throughput.low == throughput.value == throughput.high


def test_the_load_of_a_recording_is_that_of_its_minutes(case):
    process = compile_plan(case()).arrivals
    assert process.expected == 3
    assert process.mean_rate == pytest.approx(3 / 100)
    assert process.rates_in_run()[1] == pytest.approx(3 / 60)


def test_a_faulty_recording_is_told_at_the_line_that_names_it(case):
    scenario = case("at\n1\n3\n2\n")
    (fault,) = faults(scenario)
    assert fault.message == "log.csv, line 4: the time 2 comes after 3; sort the file by time"
    assert fault.field == "arrivals.file"
    assert '"file"' in open(fault.file).read().splitlines()[fault.line - 1]  # noqa: SIM115, PTH123


def test_a_recording_that_begins_after_the_run_is_told(case):
    (fault,) = faults(case("at\n1700000000\n"))
    assert "at 1,700,000,000 s; set origin_s" in fault.message
    assert simulate(compile_plan(case("at\n1700000000\n", origin_s=1_699_999_999))).requests["arrived_s"].tolist() == [1]


def test_a_link_out_of_the_folder_is_not_followed(case, tmp_path):
    scenario = case()
    outside = tmp_path / "secret.csv"
    outside.write_text("at\n1\n", encoding="utf-8")
    (tmp_path / "cases" / "log.csv").unlink()
    (tmp_path / "cases" / "log.csv").symlink_to(outside)
    (fault,) = faults(scenario)
    assert fault.message == "log.csv: leads out of the scenario's folder"


def test_too_many_recorded_requests_are_refused_before_the_run(case):
    (fault,) = faults(case("at\n0\n0.000001\n", repeat=True))
    assert "about 100,000,00" in fault.message


def test_spikes_leave_every_other_draw_as_it_is():
    spike = {"kind": "poisson", "rate_per_s": assumed(3), "spikes": [{"at_s": 50, "seconds": 10, "times": 5}]}
    calm, hot = (simulate(plan(WIRE, **fields), 1) for fields in ({"rate": 3}, {"arrivals": spike}))
    delays = [trace.logs["wire"].frame("wire").eval("left_s - entered_s").to_numpy() for trace in (calm, hot)]
    same = np.searchsorted(calm.columns.arrived, 50)
    assert np.array_equal(calm.columns.arrived[:same], hot.columns.arrived[:same])
    assert hot.columns.n > calm.columns.n
    assert delays[1][: calm.columns.n] == pytest.approx(delays[0], abs=1e-9)
