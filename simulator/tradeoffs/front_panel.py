"""The panel “Front”: a sweep around the design at hand, its front, and the distance from it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import prod
from typing import Any

import pandas as pd
import streamlit as st

from simulator.app.news import PROGRESS_S, Latest, follow
from simulator.app.studies import expected_s, forget, keep, study_of
from simulator.app.widgets import CONFIG, as_table, faults_shown, plain, scrolled
from simulator.case.schema import Scenario
from simulator.charts.look import Chart, inked
from simulator.panels.background_study import submitting
from simulator.phrases import phrase
from simulator.sweeps.design_space import DesignPoint
from simulator.sweeps.outcome_cache import DesignOutcome, OutcomeCache
from simulator.sweeps.sweep import ReportProgress, Submit, Sweep, SweepRequest, sweep_request
from simulator.tradeoffs.best_design import usual_goals
from simulator.tradeoffs.capacity import by_the_nine
from simulator.tradeoffs.front import AXES, Front, Goal, Regret, goals_of, regret_of, strongest_conflict
from simulator.tradeoffs.study_panels import Base, StudyPlan, design_link, exports, study
from simulator.tradeoffs.tradeoff_charts import AXIS_PX, front_chart, parallel_chart
from simulator.units import counted, duration

#: Numbers of designs and of replications on offer; the first of each is the default.
SIZES, TRIALS = (32, 96, 256, 1000), (4, 8, 2)

#: While a sweep grows, its front is computed again whenever the number of designs has grown by this factor.
GROWTH = 1.1

#: Metrics that are offered beside those of the objectives.
_ALSO = ("latency_served_p95_s", "latency_p99_s", "power_mean_w", "missed_per_1000", "done_share")


#: Stands in the empty list of metrics to compare.
_CHOSEN = "The two that conflict most"


@dataclass(frozen=True)
class _Question:
    """What the front is asked. goals: those to compare; chooses: whether the runs choose the two of them that conflict most"""

    request: SweepRequest
    goals: list[Goal]
    chooses: bool
    name: str

    @property
    def front_name(self) -> str:
        """The name of the front: one sweep has a front for each set of goals."""
        return f"{self.name} {[goal.metric.name for goal in self.goals]} {self.chooses}"


def front(base: Base) -> None:
    """Draw the controls, and the designs so far."""
    question = _question(base)
    if question is None:
        return
    sweep = _sweep(question)
    with st.popover("The designs that are run", type="tertiary"):
        st.markdown(plain(question.request.sentence))
    if sweep.running:
        st.fragment(_growing)(base, question, sweep, True)
    else:
        _growing(base, question, sweep, False)


def _question(base: Base) -> _Question | None:
    scenario = base.scenario
    choices = {name: choice.label for name, choice in scenario.choices.items()}
    open_choices = [name for name, choice in scenario.choices.items() if not choice.folded and not choice.situation]
    usual = usual_goals(scenario)
    objectives = [goal.metric.name for goal in usual]
    metrics = list(dict.fromkeys([*objectives, *(name for name in _ALSO if name in scenario.metrics)]))
    over = st.multiselect("Vary", list(choices), open_choices, format_func=choices.__getitem__, key=f"{scenario.id}:over")
    labels = {name: scenario.metrics[name].label for name in metrics}
    key = f"{scenario.id}:goals"
    compared = st.multiselect(
        "Compare", metrics, format_func=labels.__getitem__, max_selections=AXES[1], key=key, placeholder=_CHOSEN
    )
    with st.container(horizontal=True, vertical_alignment="bottom"):
        size = st.selectbox("Designs", SIZES, key=f"{scenario.id}:size")
        trials = st.selectbox("Replications of each", TRIALS, key=f"{scenario.id}:trials")
    st.caption(plain(_why_these(scenario, over)))
    if not over or len(compared) not in (0, *range(AXES[0], AXES[1] + 1)) or len(usual) < AXES[0]:
        st.info("Vary at least one choice, and compare two to four metrics.")
        return None
    with faults_shown():
        goals = goals_of(scenario, compared) if compared else usual
        names = list(dict.fromkeys([*objectives, *compared]))
        every = prod(len(scenario.choices[name].picks()) for name in over) <= size
        request = sweep_request(
            scenario, over, picks=base.picks, strikes=base.strikes, metrics=names, method="grid" if every else "sobol",
            points=size, seed=base.seed, replications=trials,
        )  # fmt: skip
        others = [point for point in request.points if not _is_own(base, point)]
        request = replace(request, points=[request.base, *others][:size])  # the own design comes first
        return _Question(request, goals, not compared, repr((base.name, over, names, size, trials)))
    return None


def _why_these(scenario: Scenario, over: Sequence[str]) -> str:
    """Say how many of the choices vary, and why the others do not."""
    own = [name for name, choice in scenario.choices.items() if not choice.situation]
    varied = sum(name in over for name in own)
    return phrase("front.varied", all=varied == len(own), varied=varied, choices=len(own))


def _sweep(question: _Question) -> Sweep:
    """Return the sweep of this question, which begins by itself; the tab's one before it ends."""
    before = st.session_state.get("front_question", question.name)
    if before != question.name:
        forget(before)
    st.session_state["front_question"] = question.name
    if (sweep := study_of(question.name)) is None:
        submit = submitting(question.name, question.request.scenario.id)
        sweep = Sweep(question.request, submit, OutcomeCache(), mends=True)
        keep(question.name, sweep)
    assert isinstance(sweep, Sweep)
    return sweep


def _growing(base: Base, question: _Question, sweep: Sweep, looks: bool) -> None:
    if looks:
        follow("front", lambda: Latest(f"{sweep.arrived} {sweep.running}"), PROGRESS_S)
    if sweep.running:
        sweep.step(0.0)
    if looks and not sweep.running:
        st.rerun()
    total = len(sweep.points)
    if sweep.running:
        with st.container(horizontal=True, vertical_alignment="center"):
            left = expected_s(question.request.scenario.id, (total - sweep.done) * question.request.replications)
            to_go = "" if left is None else f", about {duration(left, 1)} to go"
            st.progress(sweep.done / total, f"{sweep.done:,} of {total:,} designs run{to_go}")
            if st.button("Cancel", key="cancel_sweep", type="tertiary"):
                sweep.cancel()
                st.rerun()
    if sweep.cancelled:
        with st.container(horizontal=True, vertical_alignment="center"):
            st.caption("The sweep was cancelled; finished designs are kept.")
            st.button("Go on", key="go_on_sweep", on_click=forget, args=(question.name,), type="tertiary")
    places = sorted(sweep.outcomes)
    points, outcomes = [sweep.points[place] for place in places], sweep.in_order()
    result, points = _front(question, points, outcomes, complete=not sweep.running)
    if len(result.comparable) < 2:
        outside = next((outcome.outside_brief for outcome in outcomes if outcome.outside_brief), "")
        none = plain(outside) or "Too few of these designs have a figure for each metric."
        st.markdown("The first designs are running." if sweep.running else none)
        return
    _draw(base, question, result, points, complete=not sweep.running)


def _front(
    question: _Question, points: list[DesignPoint], outcomes: list[DesignOutcome], complete: bool
) -> tuple[Front, list[DesignPoint]]:
    """Return the front of the outcomes so far, with their points; while many are to come, compute it only now and then."""
    name, before = f"front {question.front_name}", st.session_state.get("front_so_far")
    if before and before[0] == name:
        result: Front = before[1]
        if len(outcomes) == len(result.outcomes) or (not complete and len(outcomes) < GROWTH * len(result.outcomes)):
            return result, before[2]
    result = Front(strongest_conflict(question.goals, outcomes).goals if question.chooses else question.goals, outcomes)
    st.session_state["front_so_far"] = name, result, points
    return result, points


def _draw(base: Base, question: _Question, result: Front, points: list[DesignPoint], complete: bool) -> None:
    scenario, goals = base.scenario, result.goals
    table = question.request.table_of(points, result.outcomes)
    names = [question.request.words(point) for point in points]
    over = (goals[0], goals[1])
    own = next((outcome for point, outcome in zip(points, result.outcomes, strict=True) if _is_own(base, point)), None)
    chart = front_chart(result, names, own, scenario, over, table)
    if question.chooses and complete:
        st.markdown(plain(strongest_conflict(question.goals, result.outcomes).sentence))
    st.markdown(f"**{plain(chart.takeaway)}**")
    drawn = inked(chart.figure, st.context.theme.type)
    if not complete:
        st.plotly_chart(drawn, alt=chart.takeaway, config=CONFIG, key="front_growing")
        return
    chosen: Any = st.plotly_chart(
        drawn, alt=chart.takeaway, config=CONFIG, key="front", on_select="rerun", selection_mode="points"
    )
    provenance = question.request.provenance(result.outcomes)
    with st.container(horizontal=True):
        as_table(chart.table, "front")
        exports(replace(chart, table=table), f"{scenario.id}-front", provenance)
    pressed = [point["customdata"][0] for point in chosen.selection.points if point.get("customdata")]
    _open_one(base, result, points, names, [int(place) for place in pressed])
    side_by_side = parallel_chart(result, _columns(question, result, points), table)
    _parallel(side_by_side, table)
    exports(side_by_side, f"{scenario.id}-designs", provenance)
    _nines(result, goals, scenario)
    st.header("Distance of your own design from the front", anchor=False)
    work, button = _regret(question, points, result), "Compare my design with the best of these"
    study(StudyPlan(f"regret {question.front_name}", button, work, _show_regret, question.request, 1 + len(result.places)))


def _parallel(chart: Chart, table: pd.DataFrame) -> None:
    """Draw all picks and metrics side by side; the designs in a box on an axis stand below."""
    st.markdown(f"**{plain(chart.takeaway)}**")
    assert chart.figure is not None
    st.html(f"<style>{scrolled('parallel', AXIS_PX * (len(chart.figure.layout.xaxis.tickvals) + 1))}</style>")
    drawn = inked(chart.figure, st.context.theme.type)
    boxed: Any = st.plotly_chart(
        drawn, alt=chart.takeaway, config=CONFIG, key="parallel", on_select="rerun", selection_mode="box"
    )
    passing = sorted({int(point["customdata"][0]) for point in boxed.selection.points if point.get("customdata")})
    if passing:
        st.markdown(f"{counted(len(passing), 'design')} {'passes' if len(passing) == 1 else 'pass'} there:")
        st.dataframe(table.iloc[passing], hide_index=True, alt="The designs that pass where the box is")
    else:
        as_table(chart.table, "parallel")


def _is_own(base: Base, point: DesignPoint) -> bool:
    return all(pick == base.picks[name] for name, pick in point.picks.items())


def _columns(question: _Question, result: Front, points: list[DesignPoint]) -> dict[str, list[Any]]:
    axes, comparable = question.request.axes, result.comparable
    each = {axis: [points[place].on(axes)[axis.name] for place in comparable] for axis in axes}
    picks = {
        axis.label: [pick if isinstance(pick, int | float) else axis.name_of(pick) for pick in of_axis]
        for axis, of_axis in each.items()
    }
    metrics = [goal.metric for goal in result.goals]
    figures = {
        f"{metric.label} ({'%' if metric.unit == 'share' else metric.unit})": [
            None
            if (value := result.outcomes[place].value(metric.name)) is None
            else value * (100 if metric.unit == "share" else 1)
            for place in comparable
        ]
        for metric in metrics
    }
    return picks | figures


def _open_one(base: Base, result: Front, points: list[DesignPoint], names: list[str], clicked: list[int]) -> None:
    """Offer any design for the page Explore: pressed in the picture, or picked from a list."""
    best = [*clicked, *(place for place in result.by_value if place not in clicked)]
    order = list(dict.fromkeys([*best, *result.places, *result.comparable]))
    with st.container(horizontal=True, vertical_alignment="bottom"):
        label, key = "A design: press a point, or pick one; the front comes first", f"open {clicked}"
        place = st.selectbox(label, order, format_func=names.__getitem__, key=key)
        design_link(base, points[place])


def _nines(result: Front, goals: list[Goal], scenario: Scenario) -> None:
    shares = [goal for goal in goals if goal.metric.unit == "share" and goal.higher]
    costs = [goal for goal in goals if goal.metric.unit == "USD"]
    if shares and costs:
        metric = shares[0].metric
        asked = [objective.bound for objective in scenario.objectives if objective.metric == metric.name]
        steps = "; ".join(nine.words for nine in by_the_nine(result.outcomes, metric.name, costs[0].metric.name, asked, 3))
        st.markdown(f"The least cost of these designs for “{plain(metric.label)}”: {plain(steps)}.")


def _regret(question: _Question, points: list[DesignPoint], result: Front) -> Any:
    def work(submit: Submit, report: ReportProgress) -> Regret:
        report(f"running both designs on other {question.request.scenario.unit.many}", 0, 0)
        return regret_of(question.request, points, result, submit, OutcomeCache())

    return work


def _show_regret(regret: Regret) -> None:
    for sentence in regret.sentences:
        st.markdown(f"- {plain(sentence)}")
