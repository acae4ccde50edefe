"""The picture of a case on a card: drawn by the feature whose kind of case it is, once what it shows has been run."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from functools import cache, lru_cache
from importlib import import_module
from math import log10
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import streamlit as st

from simulator.app.jobs import HOUSE, Watcher, job_id, registry
from simulator.app.news import PROGRESS_S, Latest, follow
from simulator.app.turns import Submitter
from simulator.app.widgets import CONFIG, badges, plain
from simulator.case.fields import EVIDENCE_KINDS
from simulator.charts.look import HEIGHT, OBJECTIVE, TONES, Chart, Picture, inked, points, small
from simulator.engine.compiled_plan import Plan
from simulator.metrics.summary import Verdict
from simulator.processes import KilledError

#: The modules that register pictures when they are imported; the first that suits a case draws it.
MODULES = ("simulator.incident.incident_charts", "simulator.panels.case_pictures", "simulator.vehicle.sight_charts")

#: The seed that a case is opened with, so that a picture's run is there already when it is opened.
SEED = 1

#: The priority of a picture: after the first figures of a run, before its later ones.
SOON = 1

#: The range of the axis: at most this many times better or worse than the bound.
FARTHEST = 8.0

#: The watcher of results that all visitors share.
_ALL = Watcher(HOUSE, "")


class PictureKind(NamedTuple):
    """A kind of picture. suits: tells a case by its default design; work: computed by a worker, None where nothing is run."""

    suits: Callable[[Plan], bool]
    draw: Callable[..., Picture]
    work: Callable[[Plan, int], Any] | None


_KINDS: list[PictureKind] = []


def picture(suits: Callable[[Plan], bool], work: Callable[[Plan, int], Any] | None = None) -> Callable[..., Any]:
    """Register the drawing of a kind of case; work: of a plan and a seed, whose result is drawn."""

    def register(draw: Callable[..., Picture]) -> Callable[..., Picture]:
        _KINDS.append(PictureKind(suits, draw, work))
        return draw

    return register


def case_picture(plan: Plan) -> Picture | None:
    """Show the picture of a case once it is made, and return it; until then say that the default design is running."""
    try:
        made = picture_of(plan)
    except KilledError as error:
        st.caption(plain(f"There is no picture: {error}."))
        return None
    if made is None:
        _waiting(plan)
        return None
    with st.container(horizontal=True, vertical_alignment="center"):
        st.metric(plain(made.meaning), made.value, label_visibility="collapsed", width="content")
        st.markdown(f"{plain(made.meaning)} {badges(made.kinds)}", width="stretch")
    if made.chart.figure is not None:
        drawn = inked(made.chart.figure, st.context.theme.type)
        st.plotly_chart(drawn, alt=made.chart.takeaway, config=CONFIG, key=f"picture_{plan.scenario.id}")
    return made


@st.fragment
def _waiting(plan: Plan) -> None:
    follow(f"picture of {plan.scenario.id}", lambda: Latest(str(_is_made(plan))), PROGRESS_S)
    if _is_made(plan):
        st.rerun()
    with st.container(height=HEIGHT + 60, border=False):
        st.caption("The default design is running …")


def _is_made(plan: Plan) -> bool:
    """Return whether the picture is made, or cannot be."""
    try:
        return picture_of(plan) is not None
    except KilledError:
        return True


def picture_of(plan: Plan) -> Picture | None:
    """Return the picture of a case, that of its objectives where no kind suits; None while it is made."""
    kind = next((kind for kind in _kinds() if kind.suits(plan)), None)
    if kind is None:
        job = registry().start(_ALL, plan, SEED, plan.scenario.run.replications)
        return objectives(plan, job.quick.verdicts) if job.quick else None
    if kind.work is None:
        return _drawn(plan, kind)
    shown = _worked(plan, kind.work)
    return kind.draw(plan, shown.result()) if shown.done() else None


@cache
def _kinds() -> list[PictureKind]:
    for module in MODULES:
        import_module(module)
    return _KINDS


@lru_cache(maxsize=64)
def _drawn(plan: Plan, kind: PictureKind) -> Picture:
    return kind.draw(plan)


@lru_cache(maxsize=64)
def _worked(plan: Plan, work: Callable[[Plan, int], Any]) -> Future[Any]:
    return registry().workers.submit(Submitter(HOUSE, job_id(plan, SEED, 1), SOON), work, plan, SEED)


def objectives(plan: Plan, verdicts: list[Verdict]) -> Picture:
    """Draw the distance of each objective from its bound, in a run of the default design."""
    shown = verdicts[::-1]
    labels, times = [verdict.objective.label for verdict in shown], [_times_better(verdict) for verdict in shown]
    words = [f"{verdict.reached}, {verdict.standing}" for verdict in shown]
    colours, hover = [TONES[verdict.standing] for verdict in shown], "%{y}: %{text}<extra></extra>"
    drawn = small(points(times, labels, colours, hover=hover, size=13, text=words))
    drawn.add_vline(x=1, line=OBJECTIVE)
    edge = log10(1.5 * FARTHEST)
    drawn.update_xaxes(type="log", range=[-edge, edge], tickvals=[1 / FARTHEST, 1, FARTHEST])
    drawn.update_xaxes(ticktext=["worse", "as asked", "better"])
    met = sum(verdict.standing == "met" for verdict in verdicts)
    table = pd.DataFrame(
        [[verdict.objective.label, verdict.requirement, verdict.reached, verdict.standing] for verdict in verdicts],
        columns=["objective", "asked", "reached", "verdict"],
    )
    value = f"{met} of {len(verdicts)}"
    meaning = "objectives are met by the default design"
    return Picture(value, meaning, Chart(drawn, f"{value} {meaning}.", table), kinds_behind(plan, bool))


def _times_better(verdict: Verdict) -> float:
    if verdict.estimate is None:
        return 1 / FARTHEST
    value, bound = verdict.estimate.value, verdict.bound
    higher = verdict.objective.at_least is not None
    over, under = (value, bound) if higher else (bound, value)
    return float(np.clip(over / under if under > 0 else FARTHEST, 1 / FARTHEST, FARTHEST))


def kinds_behind(plan: Plan, behind: Callable[[str], bool]) -> list[str]:
    """Return the kinds of evidence of a plan's sources with these names, the strongest first."""
    kinds = {source.kind for source in plan.provenance if behind(source.what)}
    return [kind for kind in EVIDENCE_KINDS if kind in kinds]
