"""`casesim proof`, as a user types it."""

import json

import pytest

from simulator.cli.exits import UsageError
from simulator.sources.proof_sizes import proof_of, proof_sentences
from simulator.sources.source_commands import ProofCommand


def test_one_an_hour_takes_three_hours_without_any(capsys):
    ProofCommand(per_hour=1).run()
    said = capsys.readouterr().out
    assert "at most 1 an hour with 95% confidence" in said
    assert "3.00 hours with no event" in said


def test_a_share_is_planned_with_the_truth(capsys):
    ProofCommand(share=0.95, events=0, truth=0.99, as_json=True).run()
    found = json.loads(capsys.readouterr().out)
    assert found["needs"] == [{"events": 0, "trials": 59}]
    assert found["plan"] == {"trials": 124, "events": 2}


def test_a_truth_at_the_bound_is_never_proven():
    assert proof_sentences(proof_of(1, None, (0,), 1.0))[-1].startswith("If the truth is 1 an hour, no proof comes out")


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"per_hour": 1, "share": 0.9},
        {"per_hour": 0},
        {"share": 1.0},
        {"share": 95},
        {"per_hour": 1, "events": -1},
        {"share": 0.9, "truth": 2},
    ],
)
def test_a_wrong_use_is_refused(given):
    with pytest.raises(UsageError, match="--"):
        ProofCommand(**given).run()
