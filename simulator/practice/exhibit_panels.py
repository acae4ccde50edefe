"""The panels of a run by the question that they answer, the reasons behind its verdicts, and the challenge to defend it."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache, partial
from typing import Any, Literal

import streamlit as st

from simulator.app.component_files import component_beside
from simulator.app.design_state import step
from simulator.app.exhibit_drawings import Panel, drawings, hero_panel, panel, run_chart
from simulator.app.widgets import draw, evidence, lessons, plain, replication_0
from simulator.case.choices import changed_choices
from simulator.case.designs import figure_name
from simulator.case.exhibits import EXHIBITS, Question, has_encounters
from simulator.case.phases import hero_of
from simulator.case.schema import Scenario
from simulator.charts.answer_charts import answer_times
from simulator.charts.flow_charts import cost_split, journeys, one_request
from simulator.charts.look import GREY, ORANGE, PURPLE, SKY
from simulator.charts.threshold_charts import crowd, flagged_by_sensitivity, roc, with_tried
from simulator.engine.compiled_plan import Plan
from simulator.explain.notes import Level, good_of
from simulator.explain.request_path import answers_early, request_path
from simulator.explain.result import Result, challenge_of
from simulator.metrics.operating_points import TARGETS, Dial, dial_of, flagged_at, review_limits
from simulator.metrics.summary import metric_rows
from simulator.panels.day_panel import at_its_busiest, over_time
from simulator.records.timetables import DAY_S
from simulator.units import counted, percent, span

#: The requests that can be followed, by percentile, and the goals to follow them to.
PERCENTILES = {0.5: "p50", 0.9: "p90", 0.95: "p95", 0.99: "p99", 1.0: "slowest"}
GOALS: dict[Literal["answer", "end"], str] = {"answer": "the answer", "end": "the end"}

DEBRIEF = "Debrief"


def title_of(question: Question, scenario: Scenario) -> str:
    missed = "Who stops in time" if has_encounters(scenario) else "Who is missed" if scenario.population else "Who is served"
    return {"missed": missed, "waits": "Who waits", "costs": "What it costs", "rests": "What it rests on"}[question]


def panel_of(exhibit: str, scenario: Scenario) -> str:
    return title_of(EXHIBITS[exhibit].question, scenario)


def panels(scenario: Scenario) -> dict[str, list[Panel]]:
    """Return the panels of a case by title, each with its parts in order; the sources and the debrief come last."""
    shown = [name for name in scenario.shown() if EXHIBITS[name].question != "rests"]
    parts = {panel_of(name, scenario): _parts(scenario, EXHIBITS[name].question) for name in shown}
    parts[title_of("rests", scenario)] = [trust, *_parts(scenario, "rests"), numbers]
    return parts | ({DEBRIEF: [debrief]} if scenario.debrief else {})


def _parts(scenario: Scenario, question: Question) -> list[Panel]:
    names = [name for name in scenario.shown() if EXHIBITS[name].question == question]
    timed = [name for name in names if name in drawings().timed]
    return [partial(over_time, timed) if name in timed else partial(_titled, name) for name in names if name not in timed[1:]]


def hero(result: Result) -> None:
    """Draw the exhibit that stands first in a case; nothing where it has none."""
    name = hero_of(result.plan.scenario)
    if name in drawings().heroes:
        drawings().heroes[name](result)
    elif name in drawings().timed:
        at_its_busiest(name, result)
    elif name in drawings().panels:
        drawings().panels[name](result)


def _titled(name: str, result: Result) -> None:
    st.header(EXHIBITS[name].label, anchor=False)
    drawings().panels[name](result)


@panel("outcomes")
def _outcomes(result: Result) -> None:
    who, key = result.plan.scenario.population, f"{result.plan.scenario.id}:whom"
    positive = False
    if who:
        labels = {True: plain(who.positives.capitalize()), False: plain(who.negatives.capitalize())}
        positive = bool(st.radio("Of whom", list(labels), format_func=labels.get, horizontal=True, key=key))
    draw(journeys(result, positive), key="journeys")


@hero_panel("outcomes")
def _all_outcomes(result: Result) -> None:
    draw(journeys(result, positive=result.plan.scenario.population is not None), key="journeys")


@panel("one_request")
def _one_request(result: Result) -> None:
    trace, case = replication_0(result), result.plan.scenario.id
    left, right = st.columns(2)
    share = left.radio("Which request", list(PERCENTILES), 3, PERCENTILES.get, horizontal=True, key=f"{case}:percentile")
    until: Literal["answer", "end"] = "answer"
    if answers_early(trace):
        until = right.radio("Follow it to", list(GOALS), format_func=GOALS.get, horizontal=True, key=f"{case}:until")
    way = request_path(trace, share, until)
    if way is None:
        st.markdown("No request reached that point.")
        return
    draw(one_request(way, result.plan), key="request")
    st.caption(f"Request {way.request:,} of one replication, at that percentile of the time to the {until}.")


run_chart("answer_times", key="answer_times")(lambda result, _: answer_times(result))
run_chart("cost", key="costs")(lambda result, _: cost_split(result))


def debrief(result: Result) -> None:
    """Show the lessons about the choices that decide an objective not met, then about those that the person changed."""
    scenario, design = result.plan.scenario, result.plan.design
    deciding = [choice for reason in result.reasons.values() for choice in reason.written_by]
    lessons(scenario, [*deciding, *changed_choices(scenario.choices, design)])


_LEVELS: dict[Level, str] = {"weak": "Reasons for doubt", "fair": "To bear in mind", "good": "Well founded"}


def trust(result: Result) -> None:
    """Show the reasons to trust a result, doubts first, and its warnings."""
    st.header(f"Trust in this result: {good_of(result.trust)}", anchor=False)
    for level, title in _LEVELS.items():
        notes = [note for note in result.trust if note.level == level]
        if notes:
            st.markdown(_listed(title, [note.sentence for note in notes]))
    if result.warnings:
        st.markdown(_listed("Also", list(dict.fromkeys(result.warnings))))
    scenario = result.plan.scenario
    size = f"{counted(result.replications, 'replication')} of {span(DAY_S * scenario.run.days)} each"
    requests = f"{result.requests:,} {scenario.unit.many} in all"
    st.caption(plain(f"{size}, {requests}, seed {result.seed}, run hash {result.run_hash}."))


def _listed(title: str, sentences: list[str]) -> str:
    return "\n".join([f"**{title}**", "", *(f"- {plain(sentence)}" for sentence in sentences)])


def numbers(result: Result) -> None:
    """Show every number with its interval, and the source of every input."""
    st.header("Numbers", anchor=False)
    st.caption(plain(result.sense))
    st.dataframe(
        metric_rows(result), hide_index=True, alt="Each metric with its 95% interval and the sources of its uncertainty."
    )
    st.header("Sources of the numbers", anchor=False)
    evidence([replace(source, what=figure_name(result.plan.scenario, source.what)) for source in result.provenance])


@st.fragment
def threshold(plan: Plan) -> None:
    """Show the curve of flagged shares, a crowd and the ROC curve of a design, at any operating point of its widest threshold.

    Where a choice of the case sets that threshold, the points are its picks, and a button picks one.
    """
    dial = dial_of(plan)
    if dial is None:
        draw(roc(plan), key="roc")
        return
    tried = _tried(plan, dial)
    flagged = flagged_at(plan, tried, dial.promised)
    of_positives = flagged.flagged_positives / flagged.positives
    left, right = st.columns(2, gap="large")
    with left:
        draw(with_tried(_flagged(plan), of_positives, flagged.share), key="flagged")
    with right:
        draw(crowd(flagged, plan.scenario, review_limits(plan)), key="crowd")
        _use(plan, dial, tried)
    draw(with_tried(roc(plan), flagged.flagged_negatives / flagged.negatives, of_positives), key="roc")


panel("threshold")(lambda result: threshold(result.plan))
_flagged = lru_cache(maxsize=16)(flagged_by_sensitivity)


def _tried(plan: Plan, dial: Dial) -> float:
    """Return the sensitivity of the slider; at first that of the design."""
    points = sorted({*(dial.picks or map(float, TARGETS)), dial.sensitivity})
    who = plan.scenario.population
    assert who is not None
    label = f"Move the threshold: {who.positives} {who.flagged}, of the labelled ones"
    key = f"{plan.scenario.id}:threshold:{dial.sensitivity:g}"  # another design starts at its own threshold
    chosen: float = st.select_slider(plain(label), points, dial.sensitivity, percent, key=key)
    return chosen


def _use(plan: Plan, dial: Dial, tried: float) -> None:
    if dial.choice is None or tried not in dial.picks:
        return
    same, label = tried == dial.sensitivity, plan.scenario.choices[dial.choice].label_of(dial.picks[tried])
    words = "This is the operating point of the design" if same else f"Use this operating point: {label}"
    step_to = (plan.scenario, plan.design, dial.choice, dial.picks[tried])
    if st.button(plain(words), disabled=same, key="use_threshold", on_click=step, args=step_to):
        st.rerun()


def challenge(result: Result) -> None:
    """Show the number of met objectives; when all are met, the evidence behind them, the weakest first."""
    standing = challenge_of(result)
    if standing is None:
        return
    if result.outside_brief:
        st.warning(plain(standing.met))
        return
    if not standing.all_met:
        st.markdown(plain(standing.met))
        return
    with st.container(border=True):
        st.markdown(f"**{plain(standing.met)}** {plain(standing.sentence.removeprefix(standing.met).strip())}")
        if standing.grounds:
            with st.popover("All evidence behind it", type="tertiary"):
                sources = [f" Source: {ground.source}." if ground.source else "" for ground in standing.grounds]
                grounds = [ground.sentence + source for ground, source in zip(standing.grounds, sources, strict=True)]
                st.markdown("\n".join(f"- {plain(ground)}" for ground in grounds))


#: The key in the session of the exhibit whose panel opens next.
PANEL_WANTED = "panel_wanted"


def open_panel(exhibit: str) -> None:
    st.session_state[PANEL_WANTED] = exhibit


#: The colours of the parts of a cause.
_HUES = [ORANGE, SKY, PURPLE, GREY]

#: The place of the card that says where the effect of a curveball can be seen.
_STRUCK = -1

_component = component_beside(__file__, "reasons")


def why(result: Result, run: str) -> None:
    """Show a card with the reason behind each verdict that is not met, and a step that helps once the user has asked for it.

    run: the id of its job
    """
    asked: set[str] = st.session_state.setdefault("advice_asked", set())
    exhibits = {place: reason.exhibit for place, reason in result.reasons.items()}
    exhibits |= {_STRUCK: _over_time(result.plan.scenario)} if result.plan.strikes else {}
    if not exhibits:
        return

    def pressed(name: str) -> int | None:
        """Return the place of the card whose button was pressed, if it is a card of this run."""
        wanted = st.session_state["reasons"].get(name)
        return next((place for place in exhibits if wanted == f"{run} {place}"), None)

    def show() -> None:
        if (place := pressed("show")) is not None:
            open_panel(exhibits[place])

    def ask() -> None:
        if (place := pressed("help")) is not None:
            asked.add(f"{run} {place}")

    def take() -> None:
        reason = result.reasons.get(_STRUCK if (place := pressed("take")) is None else place)
        if reason and (move := reason.advice.move):
            step(result.plan.scenario, result.plan.design, move.step.choice, move.step.pick)

    struck = [_struck_card(result, exhibits[_STRUCK])] if _STRUCK in exhibits else []
    cards = [*struck, *(card_content(result, place, f"{run} {place}" in asked) for place in result.reasons)]
    pressed_buttons = _component(
        key="reasons",
        data={"run": run, "cards": cards, "hues": _HUES},
        on_show_change=show,
        on_help_change=ask,
        on_take_change=take,
    )
    if pressed_buttons.show or pressed_buttons.take:
        st.rerun()  # the panels and the choices stand outside of this fragment


def _over_time(scenario: Scenario) -> str:
    """Return the exhibit of a case that follows a run over time; the first one where none does."""
    return next((name for name in scenario.shown() if name in drawings().timed), scenario.shown()[0])


def _struck_card(result: Result, exhibit: str) -> dict[str, Any]:
    sentence = "The panels show the run with the curveball. This one shows the time of the strike, too."
    return {
        "place": _STRUCK,
        "label": "The effect of the curveball",
        "sentence": sentence,
        "split": [],
        "rest": "",
        "panel": panel_of(exhibit, result.plan.scenario),
    }


def card_content(result: Result, place: int, asked: bool) -> dict[str, Any]:
    """Return a card; asked: whether the user wants a step that helps, whose trials take a second or two."""
    reason, label = result.reasons[place], result.plan.scenario.objectives[place].label
    # The card of an earlier objective may have shown the parts of the same cause.
    before, split, after = result.shown_reasons[place].partition(reason.split or "\n")
    card = {"place": place, "label": label, "sentence": before.strip(), "rest": after.strip()}
    card |= {"split": reason.largest_parts if split else []}
    card |= {"panel": panel_of(reason.exhibit, result.plan.scenario)}
    if asked:
        return card | {"advice": reason.advice.sentence, "step": reason.advice.move is not None}
    choices = [result.plan.scenario.choices[name].label for name in reason.written_by[:4]]
    return card | {"tries": f"Tries changes to: {', '.join(choices)}."}
