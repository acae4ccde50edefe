"""Try each lever: every choice one step either way from the design at hand, and what it would do to each objective."""

from __future__ import annotations

from functools import partial
from typing import Any

import streamlit as st

from simulator.analysis.run.effort import effort
from simulator.analysis.run.lever_trials import Trying
from simulator.analysis.run.levers import Effect, Lever, Levers
from simulator.ui.charts import lever_chart
from simulator.ui.jobs import BESIDE, Job, registry
from simulator.ui.turns import Behalf
from simulator.ui.visitor import person
from simulator.ui.widgets import draw, plain
from simulator.ui.workbench.history import kept
from simulator.ui.workbench.state import key, step

#: How often the trials are looked at while they go on (s).
LOOK_S = 0.5

#: So many designs whose levers were tried last are remembered in a session.
KEPT = 4

_CSS = """
#frame { overflow-x: auto; container-type: inline-size; }
table { border-collapse: collapse; width: 100%; font: 400 .85rem/1.3 var(--st-font); color: var(--st-text-color); }
caption { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
th, td { text-align: left; vertical-align: top; padding: .35rem .6rem; font-weight: 400;
         border-bottom: 1px solid var(--st-border-color); }
thead th { font-weight: 600; }
button { font: inherit; color: var(--st-text-color); background: var(--st-background-color); cursor: pointer; text-align: left;
         border: 1px solid var(--st-border-color); border-radius: var(--st-base-radius); padding: .2rem .5rem; }
button:hover { border-color: var(--st-primary-color); }
button:focus-visible { outline: 3px solid var(--st-primary-color); outline-offset: 1px; }
small { display: block; font-size: .75rem; }
.better { color: var(--st-green-text-color); font-weight: 600; }
.worse { color: var(--st-red-text-color); font-weight: 600; }
.none, .chance, small { color: var(--st-gray-text-color); font-weight: 400; }
.verdict { display: block; color: var(--st-text-color); font-weight: 600; }
.name { display: none; }
@container (max-width: 640px) {
  thead { display: none; }
  tr, th, td { display: block; border: 0; padding: .1rem 0; }
  tr { border-bottom: 1px solid var(--st-border-color); padding: .5rem 0; }
  td { display: flex; gap: 0 .75rem; flex-wrap: wrap; align-items: baseline; }
  td.none { display: none; }
  .name { display: block; flex: 1 0 100%; color: var(--st-text-color); font-weight: 400; }
}
"""

_HTML = '<div id="frame"><table><caption></caption><thead><tr></tr></thead><tbody></tbody></table></div>'

_JS = """
export default function ({ data, parentElement, setTriggerValue }) {
  const said = JSON.stringify(data);
  if (parentElement.said === said) return;
  parentElement.said = said;
  const element = (tag, name, text) => {
    const made = document.createElement(tag);
    made.className = name;
    made.textContent = text ?? "";
    return made;
  };
  const row = ({ id, label, told, cells, note }) => {
    const made = document.createElement("tr");
    const head = element("th", "");
    head.scope = "row";
    const button = element("button", "", told);
    button.type = "button";
    button.dataset.id = id;
    button.setAttribute("aria-label", `Take this step: ${label}: ${told}`);
    button.onclick = () => setTriggerValue("take", id);
    head.append(element("small", "", label), button, element("small", "", note));
    made.append(head, ...cells.map(({ words, interval, verdict, tone }, place) => {
      const cell = element("td", tone);
      cell.append(element("span", "name", data.columns[place]), element("span", "", words), element("small", "", interval));
      if (verdict) cell.append(element("span", "verdict", verdict));
      return cell;
    }));
    return made;
  };
  const held = parentElement.querySelector("button:focus")?.dataset.id;
  parentElement.querySelector("caption").textContent = data.caption;
  parentElement.querySelector("thead tr").replaceChildren(...["Step: press to take it", ...data.columns].map((name) => {
    const head = element("th", "", name);
    head.scope = "col";
    return head;
  }));
  parentElement.querySelector("tbody").replaceChildren(...data.rows.map(row));
  if (held) parentElement.querySelector(`button[data-id="${CSS.escape(held)}"]`)?.focus();
}
"""

_component = st.components.v2.component("levers", html=_HTML, css=_CSS, js=_JS)


def levers(job: Job) -> None:
    """The button, and below it the steps tried so far, the one that matters most first; one click takes a step."""
    if not job.succeeded:
        st.caption("The levers can be tried when the run is complete.")
        return
    trying = _kept(job)
    if trying is None or trying.cancelled:
        count = sum(len(choice.next_to(job.plan.design[name])) for name, choice in job.plan.scenario.choices.items())
        many = job.plan.scenario.unit.many
        st.markdown(f"Every choice one step either way from this design: {count} steps, each against the same {plain(many)}.")
        st.button("Try each lever", key="try_levers", on_click=_start, args=(job,))
    if trying is not None:
        show = st.fragment(run_every=LOOK_S)(_shown) if trying.running else _shown
        show(job, trying, trying.running)


def _kept(job: Job) -> Trying | None:
    """What this session tries from a design; what it tried from another one is dropped while under way."""
    kept: dict[str, Trying] = st.session_state.setdefault("levers", {})
    for name, trying in list(kept.items()):
        if name != job.id and trying.running:
            trying.cancel()
            del kept[name]
    return kept.get(job.id)


def _start(job: Job) -> None:
    kept: dict[str, Trying] = st.session_state["levers"]
    behalf = Behalf(person(), f"levers of {job.id}", BESIDE)
    kept[job.id] = Trying(job.summary, partial(registry().workers.submit, behalf))
    for name in list(kept)[:-KEPT]:
        del kept[name]


def _shown(job: Job, trying: Trying, looks: bool) -> None:
    found = trying.so_far()
    if looks and not trying.running:
        st.rerun()
    if trying.running:
        with st.container(horizontal=True, vertical_alignment="center"):
            st.progress(trying.share, f"{len(found.tried)} of {len(trying.steps)} steps tried")
            if st.button("Cancel", key="cancel_levers", type="tertiary"):
                trying.cancel()
                st.rerun()
    if not found.tried:
        return
    st.markdown(f"**{plain(found.sentence)}**")
    _table(job, found)
    for one in found.refused:
        st.caption(plain(f"Cannot run: {one.told}: {one.refused}"))
    st.caption(plain(found.sense))
    if not trying.running:
        if told := effort([one.picks for one in kept(job.plan.scenario)], found):
            st.markdown(plain(told))
        _chart(job, found)


def _table(job: Job, found: Levers) -> None:
    rows = {f"{row.step.choice}={row.step.pick}": row for row in found.rows}
    name = key(job.plan.scenario.id, "levers")

    def take() -> None:
        row = rows.get(st.session_state[name].take)
        if row:
            step(job.plan.scenario, job.plan.design, row.step.choice, row.step.pick)

    data = {
        "caption": found.sentence,
        "columns": [verdict.objective.label for verdict in found.base.verdicts],
        "rows": [_row(one, row) for one, row in rows.items()],
    }
    taken = _component(key=name, data=data, on_take_change=take)
    if taken.take:
        st.rerun()  # the widgets of the choices stand outside of this fragment


def _row(name: str, row: Lever) -> dict[str, Any]:
    told = f"{row.step.before} → {row.step.after}"
    return {"id": name, "label": row.step.label, "told": told, "cells": [_cell(one) for one in row.effects], "note": row.words}


def _cell(effect: Effect) -> dict[str, str]:
    tone = {True: "better", False: "worse", None: "none" if effect.outcome == "the same" else "chance"}[effect.helps]
    interval = "interval to come" if effect.pending else effect.change.interval if effect.is_open and effect.change else ""
    verdict = f"{effect.before.standing} → {effect.standing}" if effect.turns else ""
    return {"words": effect.words, "interval": interval, "verdict": verdict, "tone": tone}


def _chart(job: Job, found: Levers) -> None:
    """The changes of one objective, drawn."""
    labels = [verdict.objective.label for verdict in found.base.verdicts]
    name = key(job.plan.scenario.id, "lever_objective")
    place = st.selectbox("Draw the changes of", range(len(labels)), format_func=labels.__getitem__, key=name)
    draw(lever_chart(found, place), key="lever_chart")
