"""What could not be measured, in rows and a sentence."""

from simulator.evidence.profiles import Failure
from simulator.sources.latency_rows import failure_rows, refusals


def failure(model, precision, step):
    told = {"device": "here", "reason": "a reason", "libraries": {"lib": "1"}, "date": "2026-01-01"}
    return Failure(model=model, precision=precision, step=step, **told)


FOUND = [failure("a", "fp16", "run"), failure("a", "int8_static", "quantize"), failure("b", "fp16", "run")]


def test_the_sentence_counts_by_step_and_precision():
    assert refusals(FOUND) == (
        "Models that could not be measured at some precision: 2. Attempts that failed: 3 (2 at the step run, 1 at the step "
        "quantize), most of them at fp16 (2)."
    )


def test_a_single_failure_is_named():
    told = refusals([failure("a", "int8_static", "run")])
    assert told == "One model could not be measured at one precision: a at int8 static."


def test_a_row_names_the_reason():
    rows = failure_rows(FOUND)
    assert rows["reason"].tolist() == ["a reason"] * 3
    assert rows["libraries"][0] == "lib 1"
