"""Visits of requests that gates send by chance or by an attribute, beside a walk through every joint outcome."""

from __future__ import annotations

import json
from itertools import pairwise, product
from math import prod
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from simulator.case.document import ScenarioError
from simulator.case.load import loads
from simulator.engine.plan import compile_plan
from simulator.engine.stages.gate_routes import drawn_routes, too_many_outcomes
from simulator.limits import ROUTE_OUTCOMES
from simulator.theory.loads import service_ratios, visit_ratios
from tests.builders import assumed, document, gate, people, plan, pool, population, retake

CLIENT = {"kind": "category", "label": "Client", "shares": {"a": assumed(0.3), "b": assumed(0.7)}}


def chain(length: int, share: float, last: str = "done", onward: str = "done") -> dict[str, Any]:
    """Gates by chance in a row: each sends `share` to the next, and the last to `last`; the others go `onward`."""
    names = [*(f"g{number:02d}" for number in range(length)), last]
    return {name: gate("random", {"share": share, "to": after}, {"to": onward}) for name, after in pairwise(names)}


def test_of_thirty_gates_by_chance_each_has_the_power_of_the_share():
    made = plan(chain(30, 0.9, "p") | {"p": pool()})
    assert len(drawn_routes(made)) == 1
    assert visit_ratios(made) == pytest.approx({name: 0.9**place for place, name in enumerate([*chain(30, 0.9), "p"])})


def test_gates_that_part_and_meet_again_are_worked_out_at_once():
    """Both routes of each gate lead to a pool, and both pools to the next gate: 2 to the 20 ways, and each pool has half."""
    stages: dict[str, Any] = {}
    for step in range(20):
        after = f"g{step + 1}" if step < 19 else "done"
        stages[f"g{step}"] = gate("random", {"share": 0.5, "to": f"a{step}"}, {"to": f"b{step}"})
        stages |= {f"a{step}": pool(after), f"b{step}": pool(after)}
    expected = {name: 1.0 if name.startswith("g") else 0.5 for name in stages}
    assert visit_ratios(plan(stages)) == pytest.approx(expected)


@some.composite
def networks(draw: some.DrawFn) -> dict[str, Any]:
    """Gates by chance and by one attribute, whose routes lead to later stages, pools or a retake that leads to the start."""
    count = draw(some.integers(1, 5))
    gates = [f"g{number}" for number in range(count)]
    stages: dict[str, Any] = {}
    for place, name in enumerate(gates):
        targets = some.sampled_from([*gates[place + 1 :], "p", "q", "ask", "done"])
        if draw(some.booleans()):
            share = draw(some.sampled_from([0.0, 0.25, 0.5, 1.0]))
            stages[name] = gate("random", {"share": share, "to": draw(targets)}, {"to": draw(targets)})
        else:
            stages[name] = gate("client", {"values": ["a"], "to": draw(targets)}, {"to": draw(targets)})
    stages |= {"p": pool(), "q": pool("p"), "ask": retake("g0", max_tries=3, on_exhausted="q")}
    kept = reached(stages)
    return {name: stage for name, stage in stages.items() if name in kept}


def reached(stages: dict[str, Any]) -> set[str]:
    found, ahead = set[str](), ["g0"]
    while ahead:
        if (name := ahead.pop()) in stages and name not in found:
            found.add(name)
            stage = stages[name]
            ahead += [stage[field] for field in ("to", "on_exhausted") if field in stage]
            ahead += [route["to"] for route in stage.get("routes", [])]
    return found


def walked(stages: dict[str, Any], client: str, taken: dict[str, int]) -> dict[str, int]:
    """Return the visits of one request that belongs to `client` and takes these routes at the gates by chance."""
    visits, tries, name = dict.fromkeys(stages, 0), 1, "g0"
    while name in stages:
        visits[name] += 1
        stage = stages[name]
        if stage["kind"] == "gate":
            route = taken[name] if stage["by"] == "random" else int(client != "a")
            name = stage["routes"][route]["to"]
        elif stage["kind"] == "retake":
            name, tries = (stage["to"], tries + 1) if tries < 3 else (stage["on_exhausted"], tries)
        else:
            name = stage["to"]
    return visits


def expected_visits(stages: dict[str, Any]) -> dict[str, float]:
    """Return the mean over every joint outcome of the gates by chance and every client."""
    shares = {name: stage["routes"][0]["share"] for name, stage in stages.items() if stage.get("by") == "random"}
    total = dict.fromkeys(stages, 0.0)
    for client, of_client in (("a", 0.3), ("b", 0.7)):
        for routes in product((0, 1), repeat=len(shares)):
            taken = dict(zip(shares, routes, strict=True))
            chance = of_client * prod(1 - share if taken[name] else share for name, share in shares.items())
            for name, count in walked(stages, client, taken).items() if chance else ():
                total[name] += chance * count
    return total


@settings(max_examples=150)
@given(networks())
def test_visits_are_the_mean_over_all_joint_outcomes(stages):
    made = plan(stages, population=population(), attributes={"client": CLIENT})
    assert visit_ratios(made) == pytest.approx(expected_visits(stages), rel=1e-6, abs=1e-6)


def test_cases_read_twice_by_tag_are_those_with_the_tag():
    """The urgent half is cleared by chance in half of the cases; 1/4 of the 3/4 that people read are urgent and read twice."""
    stages = {
        "sort": gate("random", {"share": 0.5, "to": "clear", "tag": "urgent"}, {"to": "read"}),
        "clear": gate("random", {"share": 0.5, "to": "done"}, {"to": "read"}),
        "read": people(("00:00", "24:00", 1), second_reader={"share": 1, "tag": "urgent", "rule": "both"}),
    }
    made = plan(stages, population=population())
    assert service_ratios(made)["read"] == pytest.approx(0.5 * 0.5 * 2 + 0.5)


def ring(gates: int) -> dict[str, Any]:
    """Pools that both routes of a gate lead to, gate after gate, and a last gate that asks some for another photo."""
    stages: dict[str, Any] = {}
    for step in range(gates):
        stages[f"g{step}"] = gate("random", {"share": 0.5, "to": f"a{step}"}, {"to": f"b{step}"})
        stages |= {f"{side}{step}": pool(f"g{step + 1}") for side in "ab"}
    return stages | {f"g{gates}": gate("random", {"share": 0.5, "to": "ask"}, {"to": "done"}), "ask": retake("g0")}


def test_more_joint_outcomes_than_are_followed_are_refused_at_the_first_stage():
    assert too_many_outcomes(plan(ring(8), population=population())) is None
    path, message = too_many_outcomes(plan(ring(19), population=population())) or ((), "")
    assert path == ("stages", "g0")
    assert message == (
        "'g0' and 19 more stages draw routes that a request may use again: 1,048,576 joint outcomes; "
        f"at most {ROUTE_OUTCOMES.most:,} are followed: let fewer of them lead back to themselves"
    )


@pytest.mark.usefixtures("evidence")
def test_a_case_with_too_many_is_refused_when_it_is_compiled():
    text = json.dumps(document(ring(19), population=population()), indent=1)
    with pytest.raises(ScenarioError) as caught:
        compile_plan(loads(text))
    (fault,) = caught.value.faults
    assert text.splitlines()[fault.line - 1].strip().startswith('"g0"')
    assert "1,048,576 joint outcomes" in fault.message
