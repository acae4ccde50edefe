"""The trace file against the public description of Chrome's Trace Event Format, and against the run that it shows."""

import gzip
import json
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from jsonschema import Draft202012Validator

from simulator.case.load import load
from simulator.engine.plan import compile_plan
from simulator.engine.run import simulate
from simulator.evidence.latency_tables import constant
from simulator.practice.chrome_trace import TraceFileError, check_target, events, write_trace
from tests.builders import people, plan, pool, run_at
from tests.effort import examples
from tests.engine.networks import networks


def event(phase, *required, **properties):
    """The schema of one phase; `pid` is required of every event here."""
    return {
        "type": "object",
        "required": ["ph", "name", "pid", *required],
        "properties": {"ph": {"const": phase}, "name": {"type": "string"}, "pid": INTEGER, "tid": INTEGER, "args": OBJECT}
        | properties,
    }


INTEGER, OBJECT = {"type": "integer", "minimum": 0}, {"type": "object"}
MICROSECONDS = {"type": "number", "minimum": 0}
NUMBERS = {"type": "object", "minProperties": 1, "additionalProperties": {"type": "number"}}
METADATA = ["process_name", "process_labels", "process_sort_index", "thread_name", "thread_sort_index"]

#: Of the JSON Object Format: the phases X (complete), C (counter) and M (metadata), with the fields that each must have.
FORMAT = {
    "type": "object",
    "required": ["traceEvents"],
    "properties": {
        "displayTimeUnit": {"enum": ["ms", "ns"]},
        "otherData": OBJECT,
        "traceEvents": {
            "type": "array",
            "items": {
                "oneOf": [
                    event("X", "tid", "ts", "dur", ts=MICROSECONDS, dur=MICROSECONDS, cat={"type": "string"}),
                    event("C", "ts", "args", ts=MICROSECONDS, args=NUMBERS),
                    event("M", "tid", "args", name={"enum": METADATA}),
                ]
            },
        },
    },
}


def of_phase(found, phase):
    return [entry for entry in found if entry["ph"] == phase]


def ns(microseconds):
    return round(1000 * microseconds)


def test_the_file_of_the_skin_case_keeps_the_format(tmp_path):
    trace = simulate(compile_plan(load("skin-cancer-triage")), 1)
    write_trace(trace, tmp_path / "run.json")
    told = json.loads((tmp_path / "run.json").read_text(encoding="utf-8"))
    Draft202012Validator.check_schema(FORMAT)
    assert list(Draft202012Validator(FORMAT).iter_errors(without_repeats(told))) == []
    visits = trace.visits
    batches = visits[visits["started_s"].notna() & visits["stage"].isin(["decode", "classifier", "dermatologist"])]
    assert len(of_phase(told["traceEvents"], "X")) == len(batches.drop_duplicates(["stage", "batch"]))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["run.json"]


def without_repeats(told):
    """The same object with at most 500 events of a phase: a validator in Python takes a while for a hundred thousand."""
    kept = [entry for phase in "MXC" for entry in of_phase(told["traceEvents"], phase)[:500]]
    assert {entry["ph"] for entry in told["traceEvents"]} == {"M", "X", "C"}
    return told | {"traceEvents": kept}


def test_a_replica_is_a_track_with_its_batches():
    made = plan({"p": pool(label="Model", max_batch=2, replicas=2)}, constant(2.0, 3.0))
    found = list(events(run_at(made, [0, 0, 0.5, 10])))
    names = {(entry["name"], entry["pid"], entry["tid"]): entry["args"].get("name") for entry in of_phase(found, "M")}
    assert names["process_name", 1, 0] == "Model"
    assert (names["thread_name", 1, 1], names["thread_name", 1, 2]) == ("replica 1", "replica 2")
    assert [(entry["tid"], entry["ts"], entry["dur"], entry["args"]["size"]) for entry in of_phase(found, "X")] == [
        (1, 0, 3e6, 2), (2, 0.5e6, 2e6, 1), (2, 10e6, 2e6, 1)]  # fmt: skip


def test_a_counter_follows_the_queue():
    found = list(events(run_at(plan({"p": pool()}), [0, 0.25, 0.5])))
    assert [(entry["ts"], entry["args"]["waiting"]) for entry in of_phase(found, "C")] == [
        (0.25e6, 1), (0.5e6, 2), (1e6, 1), (2e6, 0)]  # fmt: skip


def test_a_reviewer_is_a_track_too():
    found = list(events(run_at(plan({"r": people(("00:00", "24:00", 2))}), [0, 1])))
    assert [entry["args"]["name"] for entry in of_phase(found, "M") if entry["name"] == "thread_name"] == [
        "reviewer 1", "reviewer 2"]  # fmt: skip


@settings(max_examples=examples(40))
@given(networks())
def test_batches_on_a_track_never_overlap_and_none_is_lost(made):
    trace = simulate(made, 1)
    found = of_phase(events(trace), "X")
    tracks = {}
    for entry in found:
        tracks.setdefault((entry["pid"], entry["tid"]), []).append((ns(entry["ts"]), ns(entry["ts"]) + ns(entry["dur"])))
    for spans in tracks.values():
        assert all(stop <= start for (_, stop), (start, _) in pairwise(sorted(spans)))
    served = [name for name, stage in made.scenario.stages.items() if stage.kind in ("pool", "people")]
    visits = trace.visits[trace.visits["stage"].isin(served) & trace.visits["started_s"].notna()]
    assert len(found) == len(visits.drop_duplicates(["stage", "batch"]))
    assert sum(entry["args"]["size"] for entry in found) == len(visits)
    total = (visits["left_s"] - visits["started_s"]).div(visits["batch_size"]).sum()
    assert sum(entry["dur"] for entry in found) / 1e6 == pytest.approx(total)


@pytest.fixture
def trace():
    return run_at(plan({"p": pool()}), np.arange(5.0))


def test_a_compressed_file_holds_the_same(tmp_path, trace):
    write_trace(trace, tmp_path / "run.json")
    write_trace(trace, tmp_path / "run.json.gz")
    with gzip.open(tmp_path / "run.json.gz", "rt", encoding="utf-8") as file:
        assert json.load(file) == json.loads((tmp_path / "run.json").read_text(encoding="utf-8"))


def test_a_run_in_which_nobody_comes_is_a_file_too(tmp_path):
    write_trace(run_at(plan({"p": pool()}), []), tmp_path / "run.json")
    told = json.loads((tmp_path / "run.json").read_text(encoding="utf-8"))
    assert of_phase(told["traceEvents"], "X") == []


def test_a_file_that_cannot_be_written_is_refused_in_words(tmp_path):
    with pytest.raises(TraceFileError, match=r"written as \.json or \.json\.gz; name it run\.json"):
        check_target(tmp_path / "run.txt")
    with pytest.raises(TraceFileError, match="there is no folder"):
        check_target(tmp_path / "nowhere" / "run.json")
    (tmp_path / "run.json").mkdir()
    with pytest.raises(TraceFileError, match="is a folder"):
        check_target(tmp_path / "run.json")


def test_a_write_that_fails_leaves_the_old_file_and_no_other(tmp_path, trace, monkeypatch):
    target = tmp_path / "run.json"
    target.write_text("old", encoding="utf-8")

    def full(*words):
        raise OSError(28, "No space left on device")
        yield

    monkeypatch.setattr("simulator.practice.chrome_trace.events", full)
    with pytest.raises(TraceFileError, match="No space left on device"):
        write_trace(trace, target)
    assert [path.name for path in tmp_path.iterdir()] == ["run.json"]
    assert target.read_text(encoding="utf-8") == "old"
