"""Around which design the page looks: the one of the address, else the one at hand on the page Practice."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import pandas as pd
import streamlit as st

from simulator.app.widgets import CONFIG, as_table, plain
from simulator.charts.look import Chart, inked
from simulator.errors import InputError
from simulator.tradeoffs.best_design import Regret, cost_goal, regret_of
from simulator.tradeoffs.capacity import by_the_nine
from simulator.tradeoffs.design_at_hand import Base, open_design
from simulator.tradeoffs.design_outcomes import DesignOutcome
from simulator.tradeoffs.design_space import DesignPoint
from simulator.tradeoffs.front import AXES, Front, Goal, goals_of, label_of
from simulator.tradeoffs.outcome_cache import OutcomeCache
from simulator.tradeoffs.study_panels import LOOK_S, exports, study, submitting
from simulator.tradeoffs.sweep import Submit, Sweep, SweepRequest, Tell, asked_for
from simulator.tradeoffs.tradeoff_charts import front_chart, parallel_chart

#: Designs and replications that a person may ask for; the first of each begin by themselves.
SIZES, TRIALS = (32, 96, 256, 1000), (4, 8, 2)

#: While a sweep grows, its front is worked out again when there are so many times as many designs.
GROWTH = 1.1

#: So many of a case's metrics are offered beside those of the objectives.
_ALSO = ("latency_served_p95_s", "latency_p99_s", "power_mean_w", "missed_per_1000", "done_share")


@dataclass(frozen=True)
class _Question:
    asked: SweepRequest
    goals: list[Goal]
    name: str


def front(base: Base) -> None:
    """What a person may vary and compare, and the designs so far."""
    question = _ask(base)
    if question is None:
        return
    sweep = _sweep(question)
    st.caption(plain(question.asked.sentence))
    if sweep.running:
        st.fragment(run_every=LOOK_S)(_growing)(base, question, sweep, True)
    else:
        _growing(base, question, sweep, False)


def _ask(base: Base) -> _Question | None:
    scenario = base.scenario
    choices = {name: choice.label for name, choice in scenario.choices.items()}
    usual = [name for name, choice in scenario.choices.items() if not choice.folded and not choice.situation]
    cost = cost_goal(scenario).metric.name
    objectives = [one.metric for one in scenario.objectives]
    metrics = list(dict.fromkeys([*objectives, cost, *(name for name in _ALSO if name in scenario.metrics)]))
    first = [*[name for name in objectives if name != cost][:1], cost]
    with st.container(horizontal=True, vertical_alignment="bottom"):
        over = st.multiselect("Vary", list(choices), usual, format_func=choices.__getitem__, key=f"{scenario.id}:over")
        labels = {name: label_of(scenario, name) for name in metrics}
        key = f"{scenario.id}:goals"
        asked = st.multiselect("Compare", metrics, first, format_func=labels.__getitem__, max_selections=AXES[1], key=key)
        size = st.selectbox("Designs", SIZES, key=f"{scenario.id}:size")
        trials = st.selectbox("Replications of each", TRIALS, key=f"{scenario.id}:trials")
    if not over or len(asked) < AXES[0]:
        st.info("Vary at least one choice, and compare two to four metrics.")
        return None
    try:
        goals = goals_of(scenario, asked)
        names = list(dict.fromkeys([*asked, *objectives]))
        made = asked_for(scenario, over, picks=base.picks, strikes=base.strikes, metrics=names, method="sobol", points=size,
                         seed=base.seed, replications=trials)  # fmt: skip
    except InputError as error:
        st.error(plain(str(error)))
        return None
    return _Question(made, goals, repr((base.name, over, names, size, trials)))


def _sweep(question: _Question) -> Sweep:
    """The sweep of this question, which begins by itself; the one before it ends."""
    kept: dict[str, Sweep] = st.session_state.setdefault("sweeps", {})
    if question.name not in kept:
        for sweep in kept.values():
            sweep.cancel()
        kept.clear()
        points = [question.asked.base, *question.asked.points]  # the own design comes first
        kept[question.name] = Sweep(question.asked, submitting(question.name), OutcomeCache(), points)
    return kept[question.name]


def _growing(base: Base, question: _Question, sweep: Sweep, looks: bool) -> None:
    if sweep.running:
        sweep.step(0.0)
    if looks and not sweep.running:
        st.rerun()
    total = len(sweep.points)
    if sweep.running:
        with st.container(horizontal=True, vertical_alignment="center"):
            st.progress(sweep.done / total, f"{sweep.done:,} of {total:,} designs run")
            if st.button("Cancel", key="cancel_sweep", type="tertiary"):
                sweep.cancel()
                st.rerun()
    if sweep.cancelled:
        st.caption("The sweep was cancelled; what was run is kept.")
    places = sorted(sweep.outcomes)
    points, outcomes = [sweep.points[place] for place in places], sweep.in_order()
    found, points = _front(question, points, outcomes, complete=not sweep.running)
    if len(found.told) < 2:
        none = "Too few of these designs have a figure for each metric."
        st.markdown("The first designs are on their way." if sweep.running else none)
        return
    _draw(base, question, found, points, complete=not sweep.running)


def _front(
    question: _Question, points: list[DesignPoint], outcomes: list[DesignOutcome], complete: bool
) -> tuple[Front, list[DesignPoint]]:
    """The front of the outcomes so far, with their points; while many are on their way it is worked out only now and then."""
    name, before = f"front {question.name}", st.session_state.get("front_so_far")
    if before and before[0] == name:
        found: Front = before[1]
        if len(outcomes) == len(found.outcomes) or (not complete and len(outcomes) < GROWTH * len(found.outcomes)):
            return found, before[2]
    found = Front(question.goals, outcomes)
    st.session_state["front_so_far"] = name, found, points
    return found, points


def _draw(base: Base, question: _Question, found: Front, points: list[DesignPoint], complete: bool) -> None:
    scenario, goals = base.scenario, question.goals
    table = question.asked.table_of(points, found.outcomes)
    names = [question.asked.words(point) for point in points]
    over = (goals[0], goals[1])
    own = next((outcome for point, outcome in zip(points, found.outcomes, strict=True) if _is_own(base, point)), None)
    chart = front_chart(found, names, own, scenario, over, table)
    st.markdown(f"**{plain(chart.takeaway)}**")
    drawn = inked(chart.figure, st.context.theme.type)
    if not complete:
        st.plotly_chart(drawn, alt=chart.takeaway, config=CONFIG, key="front_growing")
        return
    chosen: Any = st.plotly_chart(
        drawn, alt=chart.takeaway, config=CONFIG, key="front", on_select="rerun", selection_mode="points"
    )
    told = question.asked.provenance(found.outcomes)
    with st.container(horizontal=True):
        as_table(chart.table)
        exports(replace(chart, table=table), f"{scenario.id}-front", told)
    pressed = [one["customdata"][0] for one in chosen.selection.points if one.get("customdata")]
    _open_one(base, found, points, names, [int(place) for place in pressed])
    side_by_side = parallel_chart(found, _columns(question, found, points), table)
    _parallel(side_by_side, table)
    exports(side_by_side, f"{scenario.id}-designs", told)
    _nines(found, goals)
    st.markdown("##### What your own design leaves lying")
    study(f"regret {question.name}", "Compare my design with the best of these", _regret(question, points, found), _tell_regret)


def _parallel(chart: Chart, table: pd.DataFrame) -> None:
    """All picks and metrics side by side; what a box on an axis keeps stands below."""
    st.markdown(f"**{plain(chart.takeaway)}**")
    assert chart.figure is not None
    drawn = inked(chart.figure, st.context.theme.type)
    boxed: Any = st.plotly_chart(
        drawn, alt=chart.takeaway, config=CONFIG, key="parallel", on_select="rerun", selection_mode="box"
    )
    kept = sorted({int(one["customdata"][0]) for one in boxed.selection.points if one.get("customdata")})
    if kept:
        st.markdown(f"{len(kept)} designs pass there:")
        st.dataframe(table.iloc[kept], hide_index=True, alt="The designs that pass where the box is")
    else:
        as_table(chart.table)


def _is_own(base: Base, point: DesignPoint) -> bool:
    return all(pick == base.picks[name] for name, pick in point.picks.items())


def _columns(question: _Question, found: Front, points: list[DesignPoint]) -> dict[str, list[Any]]:
    axes, told = question.asked.axes, found.told
    picks = {axis.label: [axis.name_of(points[place].on(axes)[axis.name]) for place in told] for axis in axes}
    figures = {goal.label: [found.outcomes[place].value(goal.metric.name) for place in told] for goal in question.goals}
    return picks | figures


def _open_one(base: Base, found: Front, points: list[DesignPoint], names: list[str], clicked: list[int]) -> None:
    """Any design opens on the page Practice: pressed in the picture, or picked from a list."""
    best = [*clicked, *(place for place in found.by_value if place not in clicked)]
    order = list(dict.fromkeys([*best, *found.places, *found.told]))
    with st.container(horizontal=True, vertical_alignment="bottom"):
        label, key = "A design: press a point, or pick one; the front comes first", f"open {clicked}"
        place = st.selectbox(label, order, format_func=names.__getitem__, key=key)
        if st.button("Open this design", key="open_design"):
            open_design(base, points[place])


def _nines(found: Front, goals: list[Goal]) -> None:
    """What each further nine costs, where the front is over a share and a cost."""
    shares = [goal for goal in goals if goal.metric.unit == "share" and goal.higher]
    costs = [goal for goal in goals if goal.metric.unit == "USD"]
    if shares and costs:
        told = "; ".join(nine.words for nine in by_the_nine(found.outcomes, shares[0].metric.name, costs[0].metric.name, 3))
        st.markdown(f"{plain(shares[0].label)}, by the nine, at the least cost among these designs: {plain(told)}.")


def _regret(question: _Question, points: list[DesignPoint], found: Front) -> Any:
    def work(submit: Submit, tell: Tell) -> Regret:
        tell("running both designs on other requests", 0, 0)
        return regret_of(question.asked, points, found, submit, OutcomeCache())

    return work


def _tell_regret(regret: Regret) -> None:
    for sentence in regret.sentences:
        st.markdown(f"- {plain(sentence)}")
