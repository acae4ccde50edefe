"""The levers panel: the effect of each single step on the objectives, with its paired interval."""

from __future__ import annotations

from functools import partial
from itertools import groupby
from typing import Any

import pandas as pd
import streamlit as st

from simulator.app.component_files import component_beside
from simulator.app.design_state import key, step
from simulator.app.jobs import BESIDE, Job, registry
from simulator.app.news import PROGRESS_S, Latest, follow
from simulator.app.own_sessions import attempts_at
from simulator.app.studies import forget, keep, study_of, was_begun
from simulator.app.turns import Submitter
from simulator.app.visitors import person
from simulator.app.widgets import draw, plain
from simulator.charts.look import BLUE, GREY, Chart, bars, chart, down, figure, translucent, whiskers
from simulator.explain.design_changes import count_changes
from simulator.explain.judged_changes import TRIALS, JudgedChange, Lever
from simulator.phrases import phrase
from simulator.sweeps.levers import Levers, LeverSearch, effort
from simulator.units import counted, duration

#: The number of steps in the chart, those with the largest changes; the table has all.
MOST = 15

_SCALE = {"share": (100.0, "points")}


def lever_chart(levers: Levers, place: int) -> Chart:
    """Draw the change of one objective by each step, the largest first; place: of the objective in the case."""
    verdict = levers.base.verdicts[place]
    table = _changes_table([(lever, lever.effects[place]) for lever in levers.rows])
    moved = table[table["change"].notna()].sort_values("change", key=abs, ascending=False).head(MOST)
    factor, unit = _factor(verdict.metric.unit, moved)
    drawn = figure(height=110 + 30 * len(moved), bargap=0.4, barmode="overlay", y=down(moved["step"]) | {"showgrid": False})
    for name, is_real, colour in (("beyond chance", True, BLUE), ("may be chance", False, translucent(GREY, 0.5))):
        rows = moved[moved["real"] == is_real]
        low, value, high = (list(factor * rows[column]) for column in ("95% low", "change", "95% high"))
        hover, bounds = f"%{{x:.3g}} {unit}<extra>%{{y}}</extra>", whiskers(low, value, high)
        drawn.add_trace(bars(rows["step"], value, colour, name, hover, error_x=bounds))
    drawn.add_vline(x=0, line={"color": GREY, "width": 1})
    drawn.update_xaxes(title=f"change of “{verdict.objective.label}” ({unit}), with 95% interval")
    shown = table.assign(real=table["real"].map({True: "beyond chance", False: ""}))
    return chart(drawn, _changes_takeaway(levers, place), shown, digits=4)


def _factor(unit: str, moved: pd.DataFrame) -> tuple[float, str]:
    if unit == "s" and len(moved):
        largest = float(moved["change"].abs().max())
        return (1 / 3600, "h") if largest >= 7200 else (1 / 60, "min") if largest >= 120 else (1.0, "s")
    return _SCALE.get(unit, (1.0, unit))


def _changes_table(pairs: list[tuple[Lever, JudgedChange]]) -> pd.DataFrame:
    rows = []
    for lever, effect in pairs:
        found = effect.change.change if effect.is_open and effect.change else None
        bounds = [None] * 3 if found is None else [found.value, found.low, found.high]
        after = "" if effect.outcome == "too few" else effect.standing
        rows.append([lever.step.words, effect.words, *bounds, effect.real, effect.before.standing, after])
    names = ["step", "in words", "change", "95% low", "95% high", "real", "verdict before", "verdict after"]
    return pd.DataFrame(rows, columns=names).astype(dict.fromkeys(names[2:5], float))


def _changes_takeaway(levers: Levers, place: int) -> str:
    label = levers.base.verdicts[place].objective.label
    effects = [(lever, lever.effects[place]) for lever in levers.rows]
    real = [(lever, effect) for lever, effect in effects if effect.real and effect.change]
    same = sum(effect.outcome == "the same" for _, effect in effects)
    if not real:
        return phrase("levers.none", label=label, same=same, all=len(effects))
    lever, effect = max(real, key=lambda pair: abs(pair[1].change.change.value) if pair[1].change else 0.0)
    assert effect.change is not None
    size = f"{effect.words}, {effect.change.interval}"
    inside = "; ".join([*lever.costs, f"“{label}” {size}"]) if lever.costs else size
    return phrase("levers.most", label=label, real=len(real), all=len(effects), step=lever.step.words, inside=inside, same=same)


_component = component_beside(__file__, "levers")


def levers(job: Job) -> None:
    """Show the button, and below it the steps tried so far, the most effective first; one click takes a step."""
    if not job.succeeded:
        st.caption("The levers can be tried when the run is complete.")
        return
    trying = _search_of(job)
    if trying is None or trying.cancelled:
        count = count_changes(job.plan)
        steps, many = f"at most {counted(count, 'step')}", plain(job.plan.scenario.unit.many)
        st.markdown(f"Every choice one step either way from this design: {steps}, each against the same {many}.")
        st.button("Try each lever", key="try_levers", on_click=begin_levers, args=(job,))
        seconds = count * TRIALS * job.replication_s / registry().workers.processes
        if seconds:
            st.caption(f"This takes about {duration(seconds, 1)} on this server.")
    if trying is not None:
        show = st.fragment(_refused_words) if trying.running else _refused_words
        show(job, trying, trying.running)


def levers_name(job: Job) -> str:
    return f"levers of {job.id}"


def _search_of(job: Job) -> LeverSearch | None:
    """Return the search for this design; the tab's search for another design ends."""
    name, before = levers_name(job), st.session_state.get("levers_of")
    st.session_state["levers_of"] = name
    if before not in (None, name) and (other := study_of(before)) and other.running:
        forget(before)
    if study_of(name) is None and was_begun(name):
        begin_levers(job)  # the server has started anew meanwhile
    trying = study_of(name)
    assert trying is None or isinstance(trying, LeverSearch)
    return trying


def begin_levers(job: Job) -> None:
    """Begin to try every choice of a design one step either way."""
    behalf = Submitter(person(), levers_name(job), BESIDE)
    keep(levers_name(job), LeverSearch(job.summary, partial(registry().workers.submit, behalf)))


def _refused_words(job: Job, trying: LeverSearch, looks: bool) -> None:
    if looks:
        follow("levers", lambda: Latest(f"{trying.arrived} {trying.cancelled}"), PROGRESS_S)
    found = trying.so_far()
    if looks and not trying.running:
        st.rerun()
    if trying.running:
        with st.container(horizontal=True, vertical_alignment="center"):
            st.progress(trying.share, f"{len(found.tried)} of {len(trying.steps)} steps tried")
            if st.button("Cancel", key="cancel_levers", type="tertiary"):
                trying.cancel()
                forget(levers_name(job))
                st.rerun()
    if not found.tried:
        return
    st.markdown(f"**{plain(found.sentence)}**")
    _levers_table(job, found)
    for label, changes in groupby(found.refused, lambda change: change.label):
        refused = list(changes)
        after = "; ".join(change.after for change in refused)
        st.caption(plain(f"Cannot run with this design: {label}: {after}."), help=plain(refused[0].refused))
    st.caption(plain(found.sense))
    if not trying.running:
        if sentence := effort([attempt.picks for attempt in attempts_at(job.plan.scenario)], found):
            st.markdown(plain(sentence))
        labels = [verdict.objective.label for verdict in found.base.verdicts]
        name = key(job.plan.scenario.id, "lever_objective")
        place = st.selectbox("Draw the changes of", range(len(labels)), format_func=labels.__getitem__, key=name)
        draw(lever_chart(found, place), key="lever_chart")


def _levers_table(job: Job, found: Levers) -> None:
    rows = {f"{row.step.choice}={row.step.pick}": row for row in found.rows}
    name = key(job.plan.scenario.id, "levers")

    def take() -> None:
        row = rows.get(st.session_state[name].take)
        if row:
            step(job.plan.scenario, job.plan.design, row.step.choice, row.step.pick)

    data = {
        "caption": found.sentence,
        "columns": [verdict.objective.label for verdict in found.base.verdicts],
        "rows": [_change_row(choice, row) for choice, row in rows.items()],
    }
    taken = _component(key=name, data=data, on_take_change=take)
    if taken.take:
        st.rerun()  # the widgets of the choices stand outside of this fragment


def _change_row(name: str, row: Lever) -> dict[str, Any]:
    content = {"id": name, "label": row.step.label, "change": f"{row.step.before} → {row.step.after}", "note": row.words}
    return content | {"cells": [_change_cell(effect) for effect in row.effects]}


def _change_cell(effect: JudgedChange) -> dict[str, str]:
    tone = {True: "better", False: "worse", None: "none" if effect.outcome == "the same" else "chance"}[effect.helps]
    interval = "interval to come" if effect.pending else effect.change.interval if effect.is_open and effect.change else ""
    return {"words": effect.words, "interval": interval, "verdict": effect.turn, "tone": tone}
