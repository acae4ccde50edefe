"""Practice: read a case, pick a design, run it, and see what it misses, how long requests wait and what it costs."""

from collections.abc import Callable
from typing import Any

import streamlit as st

from simulator.analysis.run.compare import comparable, difference_rows, differences, undecided
from simulator.analysis.run.replicate import REPLICATIONS
from simulator.analysis.run.result import Result
from simulator.analysis.run.scorecard import judge
from simulator.analysis.run.summary import Summary, metric_rows
from simulator.scenario import Scenario, ScenarioError, scenario_ids
from simulator.scenario.exhibits import EXHIBITS
from simulator.serving.plan import Plan, compile_plan
from simulator.ui.diagram import diagram
from simulator.ui.exhibits import DRAWN
from simulator.ui.jobs import Job, job_id, registry
from simulator.ui.links import DEFAULT_SEED, SEEDS, command, link, read
from simulator.ui.widgets import (
    asked_card,
    choice_widget,
    draw_diagram,
    evidence,
    plain,
    scenario_of,
    trust,
    verdict_card,
)
from simulator.units import duration


def chosen_case() -> Scenario:
    """The case named in the address; the first one if there is no such case. A broken one shows its faults."""
    wanted, known = st.query_params.get("case"), scenario_ids()
    try:
        scenario = scenario_of(wanted if wanted in known else known[0])
    except ScenarioError as error:
        for fault in error.faults:
            st.error(plain(str(fault)))
        st.stop()
    if wanted is not None and wanted not in known:
        st.warning(f"There is no case “{plain(wanted)}”. This is “{scenario.title}”.")
    if st.session_state.get("case") != scenario.id:  # what was picked in another case is not meant for this one
        for name in scenario.choices:
            st.session_state.pop(name, None)
    st.session_state["case"] = scenario.id
    return scenario


def brief(scenario: Scenario, first_visit: bool) -> None:
    with st.expander("The brief, and questions you may ask", expanded=first_visit):
        story, questions = st.columns([3, 2], gap="large")
        story.markdown(scenario.brief)
        with questions:
            for question in scenario.questions:
                with st.expander(question.ask, type="compact"):
                    st.markdown(question.answer)


def form(scenario: Scenario) -> dict[str, Any]:
    """Every choice as a widget, by group."""
    picks = {}
    for group in dict.fromkeys(choice.group for choice in scenario.choices.values()):
        st.markdown(f"**{group}**")
        with st.grid(2, min_column_width=220):
            for name, choice in scenario.choices.items():
                if choice.group == group:
                    picks[name] = choice_widget(name, choice)
    return picks


def strikes(scenario: Scenario) -> dict[str, float | None]:
    """The curveballs that were picked, all at the same time, in seconds."""
    if not scenario.curveballs:
        return {}
    balls, last = scenario.curveballs, 1440 * scenario.run.days
    st.markdown("**Curveballs**")
    with st.grid(2, min_column_width=220):
        notes = "\n".join(f"- {ball.label}: {ball.note}" for ball in balls.values() if ball.note)
        label = lambda name: balls[name].label  # noqa: E731
        struck = st.multiselect("What happens", list(balls), format_func=label, key="strike", bind="query-params", help=notes)
        when, halfway = "When, in minutes from the start of the run", float(round(last / 2))
        minute = st.number_input(when, 0.0, 0.999 * last, halfway, key="strike_min", bind="query-params")
    return dict.fromkeys(struck, 60 * minute)


def planned(scenario: Scenario, picks: dict[str, Any], struck: dict[str, float | None]) -> Plan | None:
    """The plan for these picks; if there is none, a sentence for each reason."""
    try:
        return compile_plan(scenario, picks, struck)
    except ScenarioError as error:
        for fault in error.faults:
            st.error(f"{fault.field}: {fault.message}")
    return None


def controls(scenario: Scenario, plan: Plan | None) -> tuple[int, int]:
    """The Run button and what it needs beside the design: seed, number of replications."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        pressed = st.button("Run this design", type="primary", disabled=plan is None, key="run_button")
        replications = st.number_input(
            "Replications", *REPLICATIONS, scenario.run.replications, key="replications", bind="query-params", width=150
        )
        seed = st.number_input("Seed", *SEEDS, DEFAULT_SEED, key="seed", bind="query-params", width=150)
        if plan is not None:
            with st.popover("Link and command", type="tertiary"):
                st.markdown("This link opens the same design and seed:")
                address = f"{st.context.url or ''}{link(plan, seed, replications)}"
                st.code(address, language=None, wrap_lines=True)
                st.markdown("This command runs it:")
                st.code(command(plan, seed, replications), language="bash", wrap_lines=True)
    if pressed and plan is not None:
        st.query_params["run"] = st.session_state["started"] = registry().start(plan, seed, replications).id
    return seed, replications


@st.fragment(run_every=0.5)
def progress(key: str) -> None:
    """The progress of a run, polled twice a second; the page is drawn again when it ends."""
    job = registry().get(key)
    if job is None or not job.running:
        st.rerun()
    left = "" if job.remaining_s is None else f", about {duration(job.remaining_s)} to go"
    st.progress(job.share, f"{job.done} of {job.total} replications{left}")
    if st.button("Cancel", key="cancel"):
        job.cancel()


def named_run(scenario: Scenario) -> Job | None:
    """The run named in the address, so that a reload finds it again; else the last one started here."""
    job = registry().get(st.query_params.get("run") or st.session_state.get("started"))
    return job if job and job.plan.scenario.id == scenario.id else None


def outcome(job: Job | None) -> None:
    """Why a run has no result to show."""
    if job is None or job.succeeded:
        return
    if job.running:
        progress(job.id)
    elif job.error:
        st.error(f"The run failed: {job.error}")
    elif job.cancelled:
        st.info("The run was cancelled. Run the design again to see what it does.")


def remembered(scenario: Scenario, job: Job | None) -> tuple[Job | None, Job | None]:
    """The last run of this case with a result in this session, and the one before it."""
    state, last, before = st.session_state, f"last_run_{scenario.id}", f"run_before_{scenario.id}"
    if job and job.succeeded and state.get(last) != job.id:
        state[before], state[last] = state.get(last), job.id
    return registry().get(state.get(last)), registry().get(state.get(before))


def strip(scenario: Scenario, summary: Summary | None) -> None:
    """The objectives: what is asked and, after a run, what was reached."""
    with st.grid(4, border=True, min_column_width=160):
        for index, objective in enumerate(scenario.objectives):
            with st.container():
                if summary is None:
                    asked_card(judge(objective, scenario.metrics, {}))
                else:
                    verdict_card(summary.verdicts[index], key=f"objective_{index}")


def fine_print(summary: Result) -> None:
    size = f"{summary.replications} replications, {summary.requests:,} requests, seed {summary.seed}"
    if summary.bottleneck:
        st.markdown(plain(summary.bottleneck.sentence))
    st.caption(" ".join([f"{size}, run hash {summary.run_hash}.", *summary.warnings]))
    trust(summary.trust)


def comparison(before: Job | None, last: Job) -> None:
    """One line: what changed since the run before."""
    if before is None or not before.succeeded or not comparable(before.summary, last.summary):
        return
    summaries = before.summary, last.summary
    moved = differences(before.measures, last.measures, summaries)
    told = " · ".join(f"{difference.label}: **{difference.words}**" for difference in moved)
    st.markdown(f"Compared with the run before ({changes(before.plan, last.plan)}): {told}")
    with st.expander("Every difference, with its interval"):
        if words := undecided(moved):
            st.markdown(plain(words))
        rows = difference_rows(differences(before.measures, last.measures, summaries, every=True))
        st.dataframe(rows, hide_index=True, alt="Each metric's change since the run before, with its 95% interval.")


def changes(old: Plan, new: Plan) -> str:
    """The picks that differ between two designs of a case."""
    choices = new.scenario.choices
    told = [
        f"{choices[name].label} {choices[name].label_of(old.design[name])} → {choices[name].label_of(pick)}"
        for name, pick in new.design.items()
        if old.design[name] != pick
    ]
    if old.strikes != new.strikes:
        told.append("curveballs")
    if old.design == new.design and old.evidence != new.evidence:
        told.append("the evidence")
    return ", ".join(told) or "seed or replications"


def sources(summary: Summary) -> None:
    st.caption(summary.sense)
    st.dataframe(
        metric_rows(summary), hide_index=True, alt="Each metric with its 95% interval and the sources of its uncertainty."
    )
    st.subheader("Where the numbers come from", anchor=False)
    evidence(summary.provenance)


def debrief(summary: Summary) -> None:
    for lesson in summary.plan.scenario.debrief:
        st.markdown(f"**{lesson.title}.** {lesson.text}")
        if lesson.source:
            st.caption(f"Source: {lesson.source}")


def exhibits(scenario: Scenario) -> dict[str, Callable[[Summary], None]]:
    """What each tab of a result shows, by title; sources and lessons always come last."""
    shown = {EXHIBITS[name].label: DRAWN[name] for name in scenario.shown()}
    return shown | {"Numbers and sources": sources} | ({"Debrief": debrief} if scenario.debrief else {})


scenario = chosen_case()
st.title(scenario.title, anchor=False)
if wrong := read(scenario, st.query_params.to_dict()).complaints:
    st.warning("\n".join(f"- {plain(sentence)}" for sentence in wrong))
top, run_row = st.container(), st.container()
shown = exhibits(scenario)
panels = st.tabs(["Design", *shown], key="panel", on_change="rerun")

with panels[0]:
    left, right = st.columns(2, gap="large")
    with left:
        picks, struck = form(scenario), strikes(scenario)
    with right:
        plan = planned(scenario, picks, struck)
        if plan is not None:
            draw_diagram(diagram(plan))

with run_row:
    seed, replications = controls(scenario, plan)
    job = named_run(scenario)
    outcome(job)

last, before = remembered(scenario, job)
with top:
    brief(scenario, first_visit=last is None)
    strip(scenario, last.summary if last else None)
    if last:
        if plan is not None and last.id != job_id(plan, seed, replications):
            st.info(f"Changed since this run: {changes(last.plan, plan)}. Run the design to see the effect.")
        comparison(before, last)
        fine_print(last.summary)

for panel, show in zip(panels[1:], shown.values(), strict=True):
    if panel.open:
        with panel:
            if last is None:
                st.markdown("Run the design first.")
            else:
                show(last.summary)
