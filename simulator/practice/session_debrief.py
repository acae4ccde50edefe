"""The debrief of a session: first the record, then the person's own rating, then the comparison and what to do next."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from functools import partial
from typing import Any

import streamlit as st

from simulator.app.jobs import BESIDE, Job, Watcher, job_id, registry
from simulator.app.links import written
from simulator.app.live_session import LiveSession
from simulator.app.news import PROGRESS_S, Latest, follow
from simulator.app.own_sessions import session_log, trail
from simulator.app.store.faults import StoreError
from simulator.app.store.session_files import StoredSession, written_sessions
from simulator.app.widgets import lessons, plain, scenario_of
from simulator.case.choices import Pick, changed_choices
from simulator.case.document import ScenarioError
from simulator.case.load import scenario_ids
from simulator.engine.compiled_plan import Plan
from simulator.engine.plan import compile_plan
from simulator.explain.result import Result
from simulator.metrics.comparisons import compare
from simulator.paths import PAGES
from simulator.phrases import phrase
from simulator.practice.record_panel import rating_panel, record_panel
from simulator.practice.report import session_report
from simulator.practice.session_at_hand import GOAL
from simulator.session.best_known import BestKnown, best_known
from simulator.session.next_steps import (
    EXERCISES,
    goal_reached,
    known_levels,
    next_review,
    nothing_done,
    session_review,
    weakest,
)
from simulator.session.session_course import Course
from simulator.session.session_signals import LABELS
from simulator.units import counted


def session_debrief(live: LiveSession) -> None:
    """Show the record of a session that has ended, and what can be learned from it."""
    st.title(f"Debrief: {plain(live.scenario.title)}", anchor=False)
    if live.case_has_changed:
        st.warning("The case was edited after this session began; its runs then had other hashes.")
    goal_panel(live)
    compared, empty = bool(live.state.ratings) or bool(st.session_state.get(_COMPARE)), nothing_done(live.state)
    if empty:
        st.markdown(_NOTHING)
        next_panel(live)
    else:
        record_panel(live)
        rating_panel(live, compared)
    if not live.state.ratings:
        st.toggle("Show the comparison without rating yourself", key=_COMPARE)
    if compared:
        _comparison(live)
    if compared and not empty:
        next_panel(live)
    take_away(live)


_COMPARE = "session:compare"

#: The debrief of a session that ended as it began.
_NOTHING = "You asked nothing, changed nothing, predicted nothing and ran no design. There is nothing to rate."


def _comparison(live: LiveSession) -> None:
    missed = [question for index, question in enumerate(live.scenario.questions) if not live.state.asked(index)]
    if missed:
        st.header("Questions that you left out", anchor=False)
        for question in missed:
            with st.expander(plain(f"{question.ask}{' It decides.' if question.decides else ''}")):
                st.markdown(plain(question.answer))
    kept = [pin.event.details(live.scenario, live.state) for pin in live.state.standing_assumptions]
    if kept:
        st.header("Your assumptions", anchor=False)
        st.markdown("\n".join(f"- {plain(words)}" for words in kept))
    best_known_panel(live)
    reference_panel(live)
    st.header("Lessons of the case", anchor=False)
    lessons(live.scenario, deciding_choices(live))


def take_away(live: LiveSession) -> None:
    """Offer the report, once the last run is there, and the log."""
    st.header("Take it with you", anchor=False)
    name = f"casesim-{live.scenario.id}-{live.state.session.id[:6]}"
    with st.container(horizontal=True):
        page, log = partial(_report, live), partial(_log, live)
        st.download_button("Report (HTML)", page, f"{name}.html", "text/html", key="session:report", on_click="ignore")
        st.download_button("Log (JSON)", log, f"{name}.json", "application/json", key="session:log", on_click="ignore")
    st.caption("The report needs no network. The page You takes the log in again, and its runs have the same hashes.")


def _report(live: LiveSession) -> str:
    plan = last_plan(live)
    return session_report(live, None if plan is None else started(live, plan).summary)


def _log(live: LiveSession) -> str:
    return written_sessions([StoredSession(live.state.session, live.log.events_after(live.state.session.id))])


def last_plan(live: LiveSession) -> Plan | None:
    """Return the last design that ran, without curveballs; None without a run, or where the case was edited since."""
    last = live.state.last_run
    try:
        return None if last is None else compile_plan(live.scenario, last.asked.picks)
    except ScenarioError:
        return None


def started(live: LiveSession, plan: Plan, seed: int | None = None) -> Job:
    """Return the run of a design under a seed, that of the session by default; begun where it was not known."""
    seed, replications = live.state.session.seed if seed is None else seed, live.scenario.run.replications
    watcher = Watcher(live.state.session.owner or live.state.session.id, f"{live.state.session.id} debrief")
    job = registry().get(job_id(plan, seed, replications))
    return job if job is not None and not job.cancelled else registry().start(watcher, plan, seed, replications, BESIDE)


def best_known_panel(live: LiveSession) -> None:
    """Say how far the last design is from the best known one, and which choice mattered most."""
    best = best_known(live.scenario)
    if best is None:
        return
    st.header("The best known design", anchor=False)
    if sentence := lever_sentence(live, best):
        st.markdown(plain(sentence))
    searched = f"It is the best of {counted(best.designs, 'design')}. The search: {best.command}."
    if last_plan(live) is not None:
        searched += f" Both run here on other {live.scenario.unit.many}."
    _beside(live, best.picks, "best", "the best known design", "the best known design", other_seed(live, best))
    st.caption(plain(searched))


def other_seed(live: LiveSession, best: BestKnown) -> int:
    """Return a seed that neither search nor session has used: on its own requests the best of many is partly luck."""
    return max(best.seed, live.state.session.seed) + 1


def lever_sentence(live: LiveSession, best: BestKnown) -> str:
    """Return which choice mattered most, and the part of the person's changes and minutes that went to it."""
    worth = next((choice for choice in best.choices if choice.lost), None)
    if worth is None:
        return ""
    course, scenario = Course(live.scenario, live.state), live.scenario
    labels = {objective.metric: objective.label for objective in scenario.objectives}
    seconds, choice = course.seconds_by_choice, scenario.choices[worth.choice]
    minutes = {"minutes": sum(seconds.values()) / 60, "spent": seconds.get(worth.choice, 0.0) / 60}
    lost = [labels[name] for name in worth.lost]
    return phrase("debrief.lever", choice=choice.label, pick=choice.label_of(worth.pick), lost=lost, **minutes)


def deciding_choices(live: LiveSession) -> list[str]:
    """Return the choices that matter in the last design: those that part it from the best known one, then those changed."""
    last, best = live.state.last_run, best_known(live.scenario)
    picks = last.asked.picks if last else live.scenario.defaults()
    parting = [worth.choice for worth in best.choices if picks.get(worth.choice) != worth.pick] if best else []
    return [*parting, *changed_choices(live.scenario.choices, picks)]


def reference_panel(live: LiveSession) -> None:
    """Show the author's design as one good answer, with its price, beside the person's."""
    if not live.scenario.reference:
        return
    st.header("One good answer", anchor=False)
    for name, reference in live.scenario.reference.items():
        st.markdown(f"**{plain(reference.label)}.** {plain(reference.text)}")
        st.markdown(f"**The price of this answer.** {plain(reference.gives_up)}")
        _beside(live, reference.set, name, f"“{reference.label}”", "this good answer", live.state.session.seed)


def _beside(live: LiveSession, picks: Mapping[str, Pick], key: str, name: str, short: str, seed: int) -> None:
    """Show a design beside the last one; short: its name in a link, which does not break into lines on a phone."""
    try:
        other = compile_plan(live.scenario, picks)
    except ScenarioError:
        return
    own = last_plan(live)
    if own is not None:
        st.fragment(_compared)(live, own, other, key, name, seed)
    params: dict[str, Any] = written(other, seed, live.scenario.run.replications)
    st.page_link(PAGES / "practice.py", label=f"Open {short} in Explore", query_params=params)


def _compared(live: LiveSession, own: Plan, other: Plan, key: str, name: str, seed: int) -> None:
    mine, theirs = started(live, own, seed), started(live, other, seed)
    running = [job for job in (mine, theirs) if job.running]
    if running:
        follow(f"compare {key}", lambda: Latest(f"{mine.ready} {theirs.ready} {mine.running} {theirs.running}"), PROGRESS_S)
        st.progress(min(mine.share, theirs.share), f"Your last design and {plain(name)} run on the same requests …")
        return
    if mine.error or theirs.error:
        st.error(plain(f"The run failed: {mine.error or theirs.error}"))
        return
    st.markdown(plain(counts_sentence(mine.summary, theirs.summary, name)))
    rows = compare(mine.summary, theirs.summary).rows.drop(columns="half-widths")
    rows = rows.rename(columns={"before": "yours", "after": name})
    st.dataframe(rows, hide_index=True, alt=f"Your last design beside {name}, objective by objective.")


def counts_sentence(mine: Result, theirs: Result, name: str) -> str:
    """Return how many objectives each of two designs meets."""
    own, other = (Counter[str](verdict.standing for verdict in result.verdicts) for result in (mine, theirs))
    return phrase("debrief.counts", objectives=len(mine.verdicts), name=name, own=own, other=other)


def goal_line(live: LiveSession) -> None:
    """Show the goal of a session that has one."""
    if live.state.goal in EXERCISES:
        st.caption(plain(f"Goal: {EXERCISES[live.state.goal].goal}"))


def goal_panel(live: LiveSession) -> None:
    """Say whether the goal of the session was reached, if it had one."""
    if live.state.goal not in EXERCISES:
        return
    goal = EXERCISES[live.state.goal].goal
    reached = goal_reached(live.scenario, live.state, live.state.goal)
    words = {True: "Reached", False: "Not reached yet", None: "You decide whether it was reached"}[reached]
    (st.success if reached else st.info)(plain(f"The goal of this session: {goal} {words}."))


def next_panel(live: LiveSession) -> None:
    """Name the weakest signal, or the one practised least, and offer a short session whose goal trains it."""
    st.header("What next", anchor=False)
    name, is_weak = weakest(live.scenario, live.state)
    label = f"**{plain(LABELS[name])}**"
    no_level = "Nothing is rated below strong." if known_levels(live.scenario, live.state) else "No signal has a level yet."
    words = f"Your weakest signal is {label}." if is_weak else f"{no_level} You practised {label} least."
    words = f"Begin with {label}." if nothing_done(live.state) else words
    st.markdown(f"{words} {plain(EXERCISES[name].goal)}")
    fields = {"case": live.scenario.id, GOAL: name}
    st.page_link(PAGES / "session.py", label="Train it on this case", query_params=fields)
    if other := _untried(live):
        label = f"Or on another case: {plain(scenario_of(other).title)}"
        st.page_link(PAGES / "session.py", label=label, query_params={"case": other, GOAL: name})
    _when(live)


def _when(live: LiveSession) -> None:
    """Say when to come back to the case; the page You counts all sessions."""
    if (review := session_review(live.state)) is not None and (coming := next_review([review])) is not None:
        days = counted(coming.interval_days, "day")
        st.markdown(f"Come back to this case in {days}, or in more after several good sessions: the page You keeps the date.")
    st.page_link(PAGES / "you.py", label="You: all sessions, predictions, and the case that is due")


def _untried(live: LiveSession) -> str | None:
    """Return a case that the visitor has not practised; else None."""
    try:
        tried = {session.case for session in session_log().sessions_of(trail())} | {live.scenario.id}
    except StoreError:
        return None
    return next((name for name in scenario_ids() if name not in tried), None)
