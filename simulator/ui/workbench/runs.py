"""What runs and what is shown: the run of the design at hand, and until it has a figure, the one before."""

from __future__ import annotations

from uuid import uuid4

import streamlit as st

from simulator.analysis.run.result import Result
from simulator.analysis.run.scorecard import judge
from simulator.scenario import Scenario
from simulator.serving.plan import Plan
from simulator.ui.jobs import Job, job_id, registry
from simulator.ui.widgets import plain
from simulator.ui.workbench.bar import bar, told
from simulator.ui.workbench.state import get, key
from simulator.units import duration

#: How often a run is looked at while it goes on (s).
LOOK_S = 0.15


def owner() -> str:
    """Identifies this browser session to the registry of jobs."""
    return str(st.session_state.setdefault("owner", uuid4().hex))


def current(scenario: Scenario, plan: Plan | None, seed: int, replications: int) -> Job | None:
    """The run of this design: started at once if runs are live, else the one that the button started."""
    if plan is None:
        return None
    if get(scenario, "live"):
        return registry().live(owner(), plan, seed, replications)
    return registry().get(job_id(plan, seed, replications))


def last_full(scenario: Scenario, job: Job | None) -> Job | None:
    """The last run of this case that came to its end."""
    name = key(scenario.id, "last")
    if job and job.succeeded:
        st.session_state[name] = job
    last: Job | None = st.session_state.get(name)
    return last


def verdicts(scenario: Scenario, job: Job | None, last: Job | None, calm: Job | None) -> None:
    """The bar of objectives, drawn again while the run goes on, and its state in words."""
    looks = any(one is not None and one.running for one in (job, calm))
    draw = st.fragment(run_every=LOOK_S)(_verdicts) if looks else _verdicts
    draw(scenario, job, last, calm, looks)


def _verdicts(scenario: Scenario, job: Job | None, last: Job | None, calm: Job | None, looks: bool) -> None:
    if looks and job is not None and not job.running and not (calm and calm.running):
        st.rerun()
    found = job.shown if job else None
    shown = found or (last.summary if last else None)
    figures = shown.verdicts if shown else [judge(one, scenario.metrics, {}) for one in scenario.objectives]
    before = calm.summary.verdicts if calm and calm.succeeded and found is not None else None
    # What is drawn goes by the result at hand: a run may come to its end meanwhile.
    early = found is not None and job is not None and found.replications < job.total
    bar(figures, before, stale=found is None, early=early, state=told(figures) if found and not early else "")
    _state(job, found, early)


def _state(job: Job | None, found: Result | None, early: bool) -> None:
    """The state of the run in a line; early: whether the result rests on some of the replications only."""
    if job is None:
        st.caption("These are the figures of the last run. Run the design to see its own.")
    elif job.error:
        st.error(f"The run failed: {plain(str(job.error))}")
    elif job.cancelled:
        st.caption("The run was cancelled. Run the design to see what it does.")
    elif early or found is None:
        left = "" if job.remaining_s is None else f", about {duration(job.remaining_s)} to go"
        so_far = f"preliminary, {found.replications} of {job.total} replications" if found else "running"
        with st.container(horizontal=True, vertical_alignment="center"):
            st.progress(job.share, f"{so_far}{left}")
            if st.button("Cancel", key="cancel", type="tertiary"):
                job.cancel()
    else:
        count = found.plan.scenario.unit.counted(found.requests)
        size = f"{found.replications} replications, {count}, seed {found.seed}"
        st.caption(f"{size}, run hash {found.run_hash}.")
