"""What every choice kind keeps to; a new kind needs an example here, and passes the same tests."""

from __future__ import annotations

from typing import Any, get_args

import pytest

from simulator.case.choices import Choice, Number
from simulator.case.designs import apply
from simulator.case.document import ScenarioError
from simulator.case.schema import Scenario
from tests.builders import pool, scenario

#: For each kind a choice over the replicas of a pool, and a pick that it does not offer.
EXAMPLES: dict[str, tuple[dict[str, Any], Any]] = {
    "options": (
        {
            "default": "few",
            "options": {
                "few": {"label": "Few", "set": {"stages.p.replicas": 2}},
                "many": {"label": "Many", "set": {"stages.p.replicas": 9}},
            },
        },
        "none",
    ),
    "number": ({"default": 2, "min": 1, "max": 9, "step": 1, "unit": "replicas", "set": ["stages.p.replicas"]}, 10),
}
KINDS = {model.model_fields["kind"].annotation.__args__[0] for model in get_args(get_args(Choice)[0])}


def offering(kind: str) -> Scenario:
    return scenario({"p": pool()}, choices={"replicas": {"kind": kind, "label": "Replicas"} | EXAMPLES[kind][0]})


def test_every_choice_kind_has_an_example():
    assert set(EXAMPLES) == KINDS


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_the_default_is_a_pick_that_needs_no_picking(kind):
    made = offering(kind)
    default = made.defaults()["replicas"]
    applied, design = apply(made, {})
    assert design == {"replicas": default}
    assert applied.stages["p"].replicas == 2
    assert applied.stages == apply(made, {"replicas": default})[0].stages


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_every_extreme_can_be_picked_reads_as_itself_has_a_label_and_shows_in_the_scenario(kind):
    made = offering(kind)
    choice = made.choices["replicas"]
    found = []
    for pick in choice.extremes():
        assert choice.read(choice.read(pick)) == choice.read(pick) == choice.read(str(pick))
        assert choice.label_of(pick)
        applied, design = apply(made, {"replicas": pick})
        assert design == {"replicas": choice.read(pick)}
        found.append(applied.stages["p"].replicas)
    assert len(set(found)) == len(found)
    assert max(found) == 9


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_what_is_not_offered_is_refused_at_the_choice_with_what_is(kind):
    made, wrong = offering(kind), EXAMPLES[kind][1]
    with pytest.raises(ScenarioError, match=r"replicas: .*(expected|did you mean)") as caught:
        apply(made, {"replicas": wrong})
    assert str(wrong) in str(caught.value)
    assert apply(made, {})[1] == made.defaults()


@pytest.mark.parametrize("wrong", ["inf", "-inf", "nan", "1e999", "9" * 400])
def test_what_is_no_finite_number_is_out_of_range(wrong):
    choice = Number(kind="number", label="Limit", default=1, min=1, max=9, step=1, set=["stages.p.queue_limit"])
    with pytest.raises(ValueError, match="is out of range; expected 1 to 9 in steps of 1"):
        choice.read(wrong)
