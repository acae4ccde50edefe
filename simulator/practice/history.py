"""Every run of a case with its changes, its results and a comparison. A click restores the design and its result.

Attempts are kept in the database under a trail, an opaque id that the browser keeps as a cookie, so that they survive a
reload and a restart of the server. A run that is no longer cached is computed again from its identity.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import streamlit as st

from simulator.app.component_files import component_beside
from simulator.app.design_state import get, key, put
from simulator.app.jobs import Job, registry
from simulator.app.news import Latest, follow
from simulator.app.own_sessions import attempts, attempts_at, trail
from simulator.app.store.attempts import Attempt, Reached
from simulator.app.store.faults import StoreError
from simulator.app.visitors import clock
from simulator.app.widgets import draw, plain
from simulator.board.case_drawing import BOARD
from simulator.case.choices import Choice, Number, Pick
from simulator.case.document import ScenarioError
from simulator.case.schema import Scenario
from simulator.charts.answer_charts import answer_times_compared
from simulator.engine.plan import compile_plan
from simulator.explain.claims import line_claims, open_claims, said
from simulator.keeper import remembers
from simulator.metrics.comparisons import UNCHANGED, Comparison, compare, side_by_side
from simulator.metrics.summary import NO_FIGURE
from simulator.practice.design_runs import watcher
from simulator.units import duration

#: The number of changes that the row of a run names; a tooltip names all of them.
_NAMED = 2

#: The fewest and most runs in a comparison side by side.
FEWEST, MOST = 2, 4


def remember(job: Job | None) -> None:
    """Store a finished run, and the run shown before it."""
    if job is None or not job.succeeded:
        return
    scenario, state = job.plan.authored or job.plan.scenario, st.session_state
    if scenario.document.file == BOARD:  # a drawing of one's own: a stored attempt could not be opened again
        return
    shown, before = key(scenario.id, "run"), key(scenario.id, "run_before")
    if state.get(shown) != job.id:
        state[before], state[shown] = state.get(shown), job.id
        try:
            attempts().add(_attempt(job))
        except StoreError as error:
            state["history_fault"] = str(error)


def restore(scenario: Scenario, attempt: Attempt) -> None:
    """Set the design of an attempt, and start its run unless it is cached; called before the widgets are drawn."""
    try:
        put(scenario, attempt.picks, attempt.seed, attempt.replications, attempt.strikes)
    except ValueError as error:
        st.session_state["history_fault"] = f"The design of that run is no longer offered: {error}."
        return
    _job(scenario, attempt)


# The strip.


def strip(scenario: Scenario, job: Job | None) -> None:
    """Show a row for each run of the case, the latest first, and compare the ticked runs below."""
    listed = attempts_at(scenario)
    if fault := st.session_state.pop("history_fault", ""):
        st.warning(f"History: {plain(fault)}")
    if not listed:
        return
    chosen = draw_strip(
        key(scenario.id, "history"),
        [objective.label for objective in scenario.objectives],
        list(reversed(_rows(scenario, listed, job))),
        most=MOST,
        on_restore=lambda run: _restored(scenario, run),
        on_star=lambda run: _starred(scenario, run),
    )
    ticked = [attempt for attempt in listed if attempt.job in chosen]
    if len(ticked) >= FEWEST:
        _side_by_side(scenario, listed, ticked[:MOST])


def _rows(scenario: Scenario, listed: list[Attempt], job: Job | None) -> list[dict[str, Any]]:
    rows = []
    for number, attempt in enumerate(listed, start=1):
        before = listed[number - 2] if number > 1 else None
        changed = changes(scenario, before, attempt)
        rows.append(
            {
                "run": attempt.job,
                "number": number,
                "changed": _named(changed, before is None),
                "details": [*outside_brief(scenario, attempt), *changed, *_moved(scenario, before, attempt)],
                "reached": [_cell(scenario, attempt, objective.metric) for objective in scenario.objectives],
                "hash": attempt.run_hash,
                "time": clock(attempt.at),
                "starred": attempt.starred,
                "shown": job is not None and job.id == attempt.job,
            }
        )
    return rows


def _named(changed: list[str], first: bool) -> str:
    if not changed:
        return "The default design" if first else "The same design"
    more = len(changed) - _NAMED
    return ", ".join(changed[:_NAMED]) + (f" and {more} more" if more > 0 else "")


def outside_brief(scenario: Scenario, attempt: Attempt) -> list[str]:
    """Return the reason why no verdict of an attempt counts; none if they do, or the case has changed its choices."""
    try:
        return list(filter(None, [scenario.outside_brief(attempt.picks)]))
    except ValueError:
        return []


def _cell(scenario: Scenario, attempt: Attempt, metric: str) -> dict[str, str]:
    reached = next((objective for objective in attempt.reached if objective.metric == metric), None)
    if reached is None:
        return {"words": "–", "standing": NO_FIGURE}
    return {"words": reached.words, "standing": "void" if outside_brief(scenario, attempt) else reached.standing}


def _moved(scenario: Scenario, before: Attempt | None, after: Attempt) -> list[str]:
    if before is None:
        return []
    cells = [
        (objective.label, *(_cell(scenario, side, objective.metric)["words"] for side in (before, after)))
        for objective in scenario.objectives
    ]
    return [f"{label}: {old} → {new}" for label, old, new in cells if old != new]


def _restored(scenario: Scenario, run: str) -> None:
    attempt = next((attempt for attempt in attempts_at(scenario) if attempt.job == run), None)
    if attempt:
        restore(scenario, attempt)


def _starred(scenario: Scenario, run: str) -> None:
    pinned = next((attempt.job for attempt in attempts_at(scenario) if attempt.starred), None)
    try:
        attempts().star(trail(), scenario.id, None if run == pinned else run)
    except StoreError as error:
        st.session_state["history_fault"] = str(error)


# What a run changed.


def changes(scenario: Scenario, before: Attempt | None, after: Attempt) -> list[str]:
    """Return the changes between two runs, or from the default design: `Operating point: 0.95 → 0.99 sensitivity`."""
    first = before or replace(
        after, picks=scenario.defaults(), strikes={}, seed=after.seed, replications=scenario.run.replications
    )
    changed = [
        f"{choice.label}: {_step(choice, first.picks[name], after.picks[name])}"
        for name, choice in scenario.choices.items()
        if name in first.picks and name in after.picks and first.picks[name] != after.picks[name]
    ]
    changed += _struck(scenario, first.strikes, after.strikes)
    if first.seed != after.seed:
        changed.append(f"Seed: {first.seed} → {after.seed}")
    if first.replications != after.replications:
        changed.append(f"Replications: {first.replications} → {after.replications}")
    if first.scenario_hash != after.scenario_hash:
        changed.append("The case or its drawing was changed")
    return changed or (["The evidence was replaced"] if before and before.job != after.job else [])


def _step(choice: Choice, old: Pick, new: Pick) -> str:
    try:
        if isinstance(choice, Number):
            return f"{choice.read(old):g} → {choice.label_of(new)}"
        return f"{choice.label_of(old)} → {choice.label_of(new)}"
    except ValueError:
        return f"{old} → {new}"


def _struck(scenario: Scenario, old: dict[str, float], new: dict[str, float]) -> list[str]:
    labels = {name: ball.label for name, ball in scenario.curveballs.items()}
    changed = [f"{labels.get(name, name)} at {duration(at_s)}" for name, at_s in new.items() if name not in old]
    changed += [f"Without: {labels.get(name, name)}" for name in old if name not in new]
    both = [(name, old[name], new[name]) for name in new if name in old and old[name] != new[name]]
    return changed + [f"{labels.get(name, name)} at {duration(was)} → {duration(at_s)}" for name, was, at_s in both]


# Comparisons.


def comparison(job: Job | None) -> None:
    """Compare a run with the pinned run, else the run before: one line, and every difference in a drawer."""
    if job is None or not job.succeeded:
        return
    scenario = job.plan.authored or job.plan.scenario
    other, name = _other(scenario, job)
    before = None if other is None else _job(scenario, other)
    if other is None or before is None or before.error:
        return
    if not before.succeeded:
        st.caption(f"{name.capitalize()} is computed again for the comparison.")
        _wait("comparison", [before.id])
        return
    compared = _compared(before, job, every=False)
    what = ", ".join(changes(scenario, other, _attempt(job))) or "the same design"
    lines = [tuple(claim.words.rsplit(": ", 1)) for claim in line_claims(compared)]
    same = [label for label, words in lines if words == UNCHANGED]
    differences = [f"{plain(label)} **{plain(words)}**" for label, words in lines if words != UNCHANGED]
    differences += [f"unchanged: {plain(', '.join(same))}"] if same else []
    # Its figures may differ from those of the card.
    paired = f"  \n:small[{plain(compared.pairing)}]" if compared.pairing else ""
    st.markdown(f"Compared with {name} ({plain(what)}): {' · '.join(differences)}{paired}")
    _note_changed_runs([(name, other, before)])
    drawer = st.expander("Every difference, with its interval", key=key(scenario.id, "differences"), on_change="rerun")
    if drawer.open:
        with drawer:
            if words := said(open_claims(compared)):
                st.markdown(plain(words))
            rows = _compared(before, job, every=True).rows
            st.dataframe(rows, hide_index=True, alt="Each metric's change, the largest first, with its 95% interval.")


def _other(scenario: Scenario, job: Job) -> tuple[Attempt | None, str]:
    """Return the run to compare with, and its name: the pinned run, else that shown before, else the latest other one."""
    others = [attempt for attempt in attempts_at(scenario) if attempt.job != job.id]
    if pinned := next((attempt for attempt in others if attempt.starred), None):
        return pinned, "the pinned run"
    before = get(scenario, "run_before")
    job_before = registry().get(before)
    shown = next((attempt for attempt in others if attempt.job == before), None) or (
        _attempt(job_before) if job_before and job_before.succeeded and job_before.id != job.id else None
    )
    return shown or next(reversed(others), None), "the run before"


def _side_by_side(scenario: Scenario, found: list[Attempt], ticked: Sequence[Attempt]) -> None:
    """Show a table of the ticked runs, each against the pinned or oldest one, and their answer times in one chart."""
    baseline = next((attempt for attempt in ticked if attempt.starred), ticked[0])
    order = [baseline, *(one for one in ticked if one is not baseline)]
    jobs = [_job(scenario, one) for one in order]
    names = [f"run {found.index(one) + 1}" for one in order]
    lost = [name for name, job in zip(names, jobs, strict=True) if job is None or job.error]
    if lost:
        st.warning(f"The case has changed, so these runs cannot be computed again: {', '.join(lost)}.")
        return
    there = [job for job in jobs if job is not None]
    waiting = [job.id for job in there if not job.succeeded]
    if waiting:
        st.caption(f"{len(waiting)} of these runs are computed again.")
        _wait("side by side", waiting)
        return
    st.markdown(f"**{len(there)} runs side by side.** Each change is against {names[0]}, with its 95% interval.")
    runs = [job.summary for job in there]
    notes = {_compared(there[0], job, every=False).pairing for job in there[1:]}
    for note in sorted(filter(None, notes)):
        st.caption(plain(note))
    _note_changed_runs(list(zip(names, order, there, strict=True)))
    table = _table(there, names)
    st.dataframe(table, hide_index=True, alt="The objectives, then every metric, of the runs side by side.")
    draw(answer_times_compared(runs, names), key=key(scenario.id, "answer_times_compared"))


def _note_changed_runs(runs: list[tuple[str, Attempt, Job]]) -> None:
    for name, attempt, job in runs:
        if job.summary.run_hash != attempt.run_hash:
            then, now = attempt.run_hash, job.summary.run_hash
            st.caption(f"{name.capitalize()} was computed again from the case as it is now: hash {now}, once {then}.")


@remembers(64, key=lambda before, after, every: (before.id, after.id, every))
def _compared(before: Job, after: Job, every: bool) -> Comparison:
    return compare(before.summary, after.summary, every)


@remembers(16, key=lambda jobs, names: (*(job.id for job in jobs), *names))
def _table(jobs: list[Job], names: Sequence[str]) -> Any:
    return side_by_side([job.summary for job in jobs], names)


def _wait(name: str, runs: list[str]) -> None:
    """Have the fragment drawn again once these runs have ended."""

    def running() -> Latest:
        jobs = [registry().get(run) for run in runs]
        return Latest(str(any(job and job.running for job in jobs)))

    follow(name, running)


# Runs and attempts.


def _attempt(job: Job) -> Attempt:
    plan, result = job.plan, job.summary
    return Attempt(
        trail=trail(),
        case=plan.scenario.id,
        version=plan.scenario.version,
        scenario_hash=plan.scenario_hash,
        job=job.id,
        picks=plan.design,
        strikes=plan.strikes,
        seed=job.seed,
        replications=job.planned,
        run_hash=result.run_hash,
        reached=[
            Reached(
                metric=verdict.metric.name,
                value=verdict.estimate.value if verdict.estimate else None,
                standing=verdict.standing,
                words=verdict.reached if verdict.estimate else result.missing.get(verdict.metric.name, NO_FIGURE),
            )
            for verdict in result.verdicts
        ],
    )


def _job(scenario: Scenario, attempt: Attempt) -> Job | None:
    """Return the run of an attempt: from the cache, else computed again; None if the case no longer allows it."""
    cached = registry().get(attempt.job)
    if cached and not cached.cancelled:
        return cached
    try:
        plan = compile_plan(scenario, attempt.picks, attempt.strikes)
    except ScenarioError:
        return None
    return registry().start(watcher(), plan, attempt.seed, attempt.replications)


_component = component_beside(__file__, "history")


def draw_strip(
    key: str,
    labels: list[str],
    rows: list[dict[str, Any]],
    most: int,
    on_restore: Callable[[str], None],
    on_star: Callable[[str], None],
) -> list[str]:
    """Draw the rows; return the ticked runs, at most `most` of them.

    on_restore, on_star: called with the run of the pressed button, before the page is drawn again
    """

    def pressed(name: str, call: Callable[[str], None]) -> Callable[[], None]:
        def called() -> None:
            run = st.session_state[key].get(name)
            if isinstance(run, str):
                call(run)

        return called

    before = st.session_state.get(key, {}).get("chosen") or []
    there = {row["run"] for row in rows}
    chosen = [run for run in before if run in there]
    pressed_buttons = _component(
        key=key,
        data={"labels": labels, "rows": rows, "chosen": chosen, "most": most},
        on_restore_change=pressed("restore", on_restore),
        on_star_change=pressed("star", on_star),
        on_chosen_change=lambda: None,
    )
    if pressed_buttons.restore:
        st.rerun()  # the choices stand outside of this fragment
    return chosen
