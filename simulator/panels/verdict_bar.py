"""The verdicts, always in view: a chip an objective, with its bound, its figure and its interval, and the state of the run.

The bar follows the run through its own socket and paints each stage itself, so that no stage runs the script.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import Any

import streamlit as st

from simulator.app.component_files import component_beside
from simulator.app.news import FOLLOW_JS, PAUSE_S, Look, offer
from simulator.charts.look import TONES
from simulator.metrics.summary import Verdict, doubts
from simulator.phrases import phrase

_component = component_beside(__file__, "verdicts", FOLLOW_JS)


#: The tone of a chip without a verdict.
NEUTRAL = "#8A8F98"

#: The button that ends a run; the other one takes all replications of a run that has ended early.
CANCEL = "Cancel"


def bar(
    content: dict[str, Any],
    look: Look | None = None,
    on_press: Callable[[str, str], None] = lambda *_: None,
    on_end: Callable[[], None] = lambda: None,
) -> None:
    """Show the objectives side by side, and the state of the run below them.

    content: as `bar_content` makes it, with the revision `seen` of the state, and with `ended`, which names the runs that ended
    look: the state that the bar follows, whose content it paints
    on_press: called with the button's name and the id of the run when it is pressed, before the page is drawn again
    on_end: called once the bar has painted another `ended` than before
    """
    following = {"token": offer("verdicts", look, PAUSE_S)} if look else {}

    def pressed() -> None:
        if button := st.session_state["verdicts"].get("pressed"):
            on_press(*button)

    _component(key="verdicts", data=content | following, on_pressed_change=pressed, on_ended_change=on_end)


def bar_content(
    verdicts: list[Verdict] | None,
    calm: list[Verdict] | None = None,
    stale: bool = False,
    early: bool = False,
    words: str = "",
    share: float | None = None,
    failed: bool = False,
    run: str = "",
    action: str = "",
    hidden: Collection[str] = (),
) -> dict[str, Any]:
    """Return what the bar paints.

    verdicts: None leaves the chips as they are
    calm: the objectives in the run without curveballs, each drawn as a ring
    stale: True if the figures are those of an earlier design
    early: True if they rest on the first few replications; their frames are dashed
    words: the state of the run; share: of it that is done, None where it has ended; failed: True where it failed
    run: id of the run whose reasons and panels are not pale; empty where none are
    action: the name of the button beside the words; empty for none
    hidden: metrics whose bound is not to be known: their chips have the figure alone
    """
    open_ones = [verdict for verdict in verdicts or [] if verdict.objective.metric not in hidden]
    # a screen reader speaks a change of it
    state = "" if stale or early or not open_ones else verdicts_sentence(open_ones)
    chips = None if verdicts is None else _chips(verdicts, calm, stale)
    for place, verdict in enumerate(verdicts or []):
        if chips is not None and verdict.objective.metric in hidden:
            chips[place] = _without_bound(chips[place], verdict)
    content = {"chips": chips, "stale": stale, "early": early, "state": state, "words": words, "share": share}
    return content | {"failed": failed, "run": run, "action": action}


def _chips(verdicts: list[Verdict], calm: list[Verdict] | None, stale: bool) -> list[dict[str, Any]]:
    before: Sequence[Verdict | None] = calm or [None] * len(verdicts)
    chips = [_chip(*pair) for pair in zip(verdicts, before, strict=True)]
    if stale and all(verdict.estimate is None for verdict in verdicts):  # nothing has been run yet
        return [chip | {"value": "…", "words": "", "details": f"{chip['label']}: {chip['asked']}"} for chip in chips]
    return chips


def verdicts_sentence(verdicts: list[Verdict]) -> str:
    slots = ({"label": one.objective.label, "reached": one.reached, "standing": one.standing} for one in verdicts)
    return phrase("verdicts.all", each=[phrase("verdicts.each", **each) for each in slots])


def _chip(verdict: Verdict, calm: Verdict | None) -> dict[str, Any]:
    estimate = verdict.estimate
    parts = f" ({doubts(estimate, verdict.metric.unit)})" if estimate and estimate.labels else ""
    interval = f"95% interval {verdict.interval}{parts}" if estimate else "the run has no such figure"
    before = f"; calm: {calm.reached}, {calm.standing}" if calm else ""
    return {
        "label": verdict.objective.label,
        "value": verdict.reached,
        "words": verdict.standing,
        "tone": TONES[verdict.standing],
        "asked": f"{verdict.requirement}{f'; calm {calm.reached}' if calm else ''}",
        "details": f"{verdict.statement}; {interval}{before}",
        "mark": _mark(verdict, calm),
    }


def _without_bound(chip: dict[str, Any], verdict: Verdict) -> dict[str, Any]:
    """Return a chip with the figure and its interval alone."""
    estimate = verdict.estimate
    asked, details = (verdict.interval, f"95% interval {verdict.interval}") if estimate else ("", "the run has no such figure")
    mark = {"low": 0.1, "value": 0.5, "high": 0.9, "bound": None, "calm": None} if estimate else dict.fromkeys(chip["mark"])
    return chip | {"words": "", "tone": NEUTRAL, "asked": asked, "details": details, "mark": mark}


def _mark(verdict: Verdict, calm: Verdict | None) -> dict[str, float | None]:
    """Return the places of bound, value and interval on the chip's line, from 0 at its left end to 1."""
    estimate, before = verdict.estimate, calm.estimate if calm else None
    points = [verdict.bound, *([estimate.low, estimate.high] if estimate else []), *([before.value] if before else [])]
    room = 0.1 * (max(points) - min(points)) or 0.1 * abs(verdict.bound) or 1.0
    start, width = min(points) - room, max(points) - min(points) + 2 * room

    def at(value: float | None) -> float | None:
        return None if value is None else (value - start) / width

    low, value, high = (estimate.low, estimate.value, estimate.high) if estimate else (None, None, None)
    marks = {"low": low, "value": value, "high": high, "bound": verdict.bound, "calm": before.value if before else None}
    return {name: at(place) for name, place in marks.items()}
