"""The run of the design on the page, and the previous run until the new one has a figure."""

from __future__ import annotations

from uuid import uuid4

import streamlit as st

from simulator.app.design_state import get, key
from simulator.app.jobs import WATCHED, Job, Watcher, job_id, registry
from simulator.app.visitors import person
from simulator.app.widgets import plain
from simulator.case.schema import Scenario
from simulator.engine.plan import Plan
from simulator.explain.result import Result
from simulator.metrics.summary import judged
from simulator.practice.verdict_bar import bar, verdicts_sentence
from simulator.units import duration

#: The suffix of the watcher of the run without curveballs.
CALM = ":calm"

#: The interval between two looks at a run (s), and the most looks a second for all users together: each look takes about a
#: hundredth of a second of the one processor that draws every page.
LOOK_S, LOOKS_PER_S = 0.15, 20

#: The key in the session of the run that the user has cancelled.
_CANCELLED = "cancelled"


def watcher(what: str = "") -> Watcher:
    tab = str(st.session_state.setdefault("tab", uuid4().hex))
    return Watcher(person(), f"{tab}{what}")


def look_s() -> float:
    """Return the interval between two looks at a run (s): longer as more people wait."""
    return max(LOOK_S, registry().watching / LOOKS_PER_S)


def start(plan: Plan, seed: int, replications: int) -> None:
    st.session_state.pop(_CANCELLED, None)
    registry().start(watcher(), plan, seed, replications, WATCHED, anew=True)


def current(scenario: Scenario, plan: Plan | None, seed: int, replications: int) -> Job | None:
    """Return the run of this design: started at once if runs are live, else the one that the button started."""
    if plan is None:
        return None
    name = job_id(plan, seed, replications)
    if get(scenario, "live") and st.session_state.get(_CANCELLED) != name:
        st.session_state.pop(_CANCELLED, None)
        return registry().live(watcher(), plan, seed, replications)
    return registry().get(name)


def cancelled(job: Job) -> bool:
    return not job.succeeded and (job.cancelled or st.session_state.get(_CANCELLED) == job.id)


def _cancel(job: Job) -> None:
    st.session_state[_CANCELLED] = job.id
    registry().drop(watcher(), job.id)
    registry().drop(watcher(CALM))


def last_full(scenario: Scenario, job: Job | None) -> Job | None:
    """Return the last finished run of this case."""
    name = key(scenario.id, "last")
    if job and job.succeeded:
        st.session_state[name] = job
    last: Job | None = st.session_state.get(name)
    return last


def verdicts(scenario: Scenario, job: Job | None, last: Job | None, calm: Job | None) -> None:
    looks = _goes_on(job, calm)
    draw = st.fragment(run_every=look_s())(_verdicts) if looks else _verdicts
    draw(scenario, job, last, calm, looks)


def _goes_on(job: Job | None, calm: Job | None) -> bool:
    return job is not None and not cancelled(job) and (job.running or (calm is not None and calm.running))


def _verdicts(scenario: Scenario, job: Job | None, last: Job | None, calm: Job | None, looks: bool) -> None:
    if looks and not _goes_on(job, calm):
        st.rerun()
    found = job.shown if job else None
    shown = found or (last.summary if last else None)
    figures = shown.verdicts if shown else judged(scenario, {})
    before = calm.summary.verdicts if calm and calm.succeeded and found is not None else None
    # The drawing follows this result: the run may finish meanwhile.
    early = found is not None and job is not None and found.replications < job.total
    bar(figures, before, stale=found is None, early=early, state=verdicts_sentence(figures) if found and not early else "")
    _state(job, found, early)


def _state(job: Job | None, found: Result | None, early: bool) -> None:
    """Write the state of the run; early: the result rests on some of the replications."""
    if job is None:
        st.caption("These are the figures of the last run. Run the design to see its own.")
        return
    if job.again:
        st.caption("A worker process stopped; its replications were restarted.")
    if job.error:
        st.error(f"The run failed: {plain(str(job.error))}")
    elif cancelled(job):
        st.caption("The run was cancelled. Run the design to see what it does.")
    elif early or found is None:
        with st.container(horizontal=True, vertical_alignment="center"):
            st.progress(job.share, _so_far(job, found))
            if st.button("Cancel", key="cancel", type="tertiary"):
                _cancel(job)
    else:
        count = found.plan.scenario.unit.counted(found.requests)
        size = f"{found.replications} replications, {count}, seed {found.seed}"
        st.caption(f"{plain(size)}, run hash {found.run_hash}.")


def _so_far(job: Job, found: Result | None) -> str:
    if before := registry().ahead(job):
        runs = "1 run" if before.runs == 1 else f"{before.runs} runs"
        return f"{runs} before yours, about {duration(before.seconds)}"
    left = "" if job.remaining_s is None else f", about {duration(job.remaining_s)} to go"
    return f"preliminary, {found.replications} of {job.total} replications{left}" if found else f"running{left}"
