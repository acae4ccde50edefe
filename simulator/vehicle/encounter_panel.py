"""Panels of a vehicle's encounters: one encounter under two designs, and sight beside stopping distances."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import lru_cache

import streamlit as st

from simulator.app.component_files import component_beside
from simulator.app.exhibit_drawings import hero_panel, panel
from simulator.app.own_sessions import attempts_at
from simulator.app.widgets import as_table, draw, plain, replication_0
from simulator.case.document import ScenarioError
from simulator.engine.compiled_plan import Plan, fingerprint
from simulator.engine.plan import compile_plan
from simulator.engine.run import simulate
from simulator.engine.run_trace import Trace
from simulator.explain.result import Result
from simulator.keeper import remembers
from simulator.phrases import phrase
from simulator.units import upper_first
from simulator.vehicle import sight as front
from simulator.vehicle.encounter_scene import EncounterScene
from simulator.vehicle.followed import Followed, follow, interesting
from simulator.vehicle.meeting import Meeting, reaction_s
from simulator.vehicle.sight import sighted, stopping_m
from simulator.vehicle.sight_charts import accuracy_by_latency, recall_by_distance

_component = component_beside(__file__, "encounter")


def draw_encounter(scene: EncounterScene, key: str, controls: bool = True) -> None:
    """Show an encounter under its sentences, at its end; controls: whether it can be played."""
    st.markdown(f"**{plain(scene.takeaway)}**")
    _component(key=key, data={"scene": scene.to_json(), "controls": controls})
    as_table(scene.table(), key)


#: The speeds whose stopping distances are drawn, in km/h.
SPEEDS_KMH = (30, 50, 80)

#: The distances at which detectors are compared, in m, and the one at first.
DISTANCES_M, _USUAL_M = (10, 15, 20, 25, 30, 40, 50, 60), 30

_THIS, _BY_NUMBER = "This design", "by its number"


@panel("encounter")
@st.fragment
def one_encounter(result: Result) -> None:
    """Show an encounter of replication 0 under the design at hand and above another one, to be played."""
    meeting = _meeting(result.plan, result.seed, lambda: replication_0(result))
    number = _number(meeting, result.plan.scenario.id)
    if number is None:
        st.markdown("In this replication the vehicle closes in on nothing.")
        return
    if not meeting.closes[number]:
        st.markdown("In this encounter the vehicle does not close in on anything, so there is nothing to see.")
        return
    designs = {_THIS: follow(meeting, number)} | _beside(result, number)
    draw_encounter(EncounterScene(designs), key="encounter")
    many = " Both designs meet the same encounter." if len(designs) > 1 else ""
    st.caption(f"Encounter {number} of one replication.{many}")


@hero_panel("encounter")
def closest_encounter(result: Result) -> None:
    """Draw the most interesting encounter of replication 0 under the design at hand, at its end."""
    meeting = _meeting(result.plan, result.seed, lambda: replication_0(result))
    number = next((number for number in interesting(meeting).values() if meeting.closes[number]), None)
    if number is None:
        st.markdown("In this replication the vehicle closes in on nothing.")
    else:
        draw_encounter(EncounterScene({_THIS: follow(meeting, number)}), key="encounter_at_end", controls=False)


def _number(meeting: Meeting, case: str) -> int | None:
    """Return the encounter that a person picks; None where there is none."""
    numbers = interesting(meeting)
    if not numbers:
        return None
    left, right = st.columns(2)
    picked = left.selectbox("Which encounter", [*numbers, _BY_NUMBER], format_func=upper_first, key=f"{case}:encounter")
    if picked in numbers:
        return numbers[picked]
    return int(right.number_input("Its number", 0, len(meeting.drawn.at_s) - 1, key=f"{case}:encounter_number"))


def _beside(result: Result, number: int) -> dict[str, Followed]:
    """Return the same encounter under the pinned run or the default design, by name: the first that is another design.

    None where that other one does not close in on anything.
    """
    for name, plan in _others(result.plan):
        if plan.identity != result.plan.identity:
            meeting = _meeting(plan, result.seed, lambda plan=plan: simulate(plan, result.seed))  # type: ignore[misc]
            return {name: follow(meeting, number)} if meeting.closes[number] else {}
    return {}


def _others(plan: Plan) -> Iterator[tuple[str, Plan]]:
    scenario = plan.authored or plan.scenario
    pinned = next((attempt for attempt in attempts_at(scenario) if attempt.starred), None)
    try:
        if pinned:
            yield "The pinned run", compile_plan(scenario, pinned.picks, pinned.strikes)
    except ScenarioError:  # the case no longer offers that design
        pass
    yield "The default design", compile_plan(scenario)


@remembers(8, key=lambda plan, seed, trace: fingerprint([*plan.identity, seed]))
def _meeting(plan: Plan, seed: int, trace: Callable[[], Trace]) -> Meeting:
    return Meeting(trace())


@panel("sight")
def sight(result: Result) -> None:
    """Show the recall of the design by distance, beside the distances that it needs to stop."""
    scenario, plan = result.plan.scenario, result.plan
    objects = list(dict.fromkeys(kind.object for kind in scenario.encounters.kinds.values()))
    what = objects[0]
    if len(objects) > 1:
        what = st.radio("Of what", objects, format_func=upper_first, horizontal=True, key=f"{scenario.id}:sight_of")
    trace = replication_0(result)
    reaction = reaction_s(_meeting(plan, result.seed, lambda: trace))
    if reaction is None:
        st.markdown("No frame was answered, so this design cannot stop for anything.")
        return
    looked = [sight for sight in sighted(plan, what) if len(trace.logs[sight.stage])]
    draw(recall_by_distance(looked, {kmh: stopping_m(plan, kmh, reaction) for kmh in SPEEDS_KMH}), key="sight")
    spec = scenario.encounters
    weather = f" Weather: {plain(spec.conditions[spec.condition].label)}." if spec.condition else ""
    st.caption(phrase("encounters.stop", weather=weather))


@panel("front")
@st.fragment
def options(result: Result) -> None:
    """Show the recall at a distance and the latency of every option for the model that looks."""
    plan, key = result.plan, f"{result.plan.scenario.id}:front_m"
    distance = st.select_slider("Distance (m)", DISTANCES_M, _USUAL_M, key=key)
    rows = _front(plan, float(distance))
    if rows.empty:
        st.markdown("No choice of this case changes what looks.")
        return
    draw(accuracy_by_latency(rows, f"objects {distance} m away"), key="front", caption=phrase("encounters.front"))


_front = lru_cache(maxsize=32)(front.front)
