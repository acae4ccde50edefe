"""Reasons why an objective is not met, and the challenge to defend a result."""

from __future__ import annotations

from typing import Any

import streamlit as st

from simulator.app import design_state as state
from simulator.app.component_files import component_beside
from simulator.app.exhibit_drawings import drawings
from simulator.app.widgets import plain
from simulator.case.schema import Scenario
from simulator.charts.look import GREY, ORANGE, PURPLE, SKY
from simulator.explain.result import Ground, Reason, Result, challenge_of
from simulator.practice.exhibit_panels import panel_of


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
                st.markdown("\n".join(f"- {plain(_ground_sentence(ground))}" for ground in standing.grounds))


def _ground_sentence(ground: Ground) -> str:
    return f"{ground.sentence} Source: {ground.source}." if ground.source else ground.sentence


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
            state.step(result.plan.scenario, result.plan.design, move.step.choice, move.step.pick)

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
    if not asked:
        return card | {"tries": _tries(result, reason)}
    return card | {"advice": reason.advice.sentence, "step": reason.advice.move is not None}


def _tries(result: Result, reason: Reason) -> str:
    labels = [result.plan.scenario.choices[name].label for name in reason.written_by[:4]]
    return f"Tries changes to: {', '.join(labels)}."
