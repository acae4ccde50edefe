"""The verdicts, always in view: a chip an objective, with its bound, its figure and its interval."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import streamlit as st

from simulator.charts.look import TONES
from simulator.intervals import Estimate
from simulator.metrics.summary import Verdict, doubts

_CSS = """
ul { display: flex; gap: .5rem; margin: 0; padding: 0 0 .25rem; overflow-x: auto; list-style: none; }
li {
  flex: 1 0 8.5rem; display: flex; flex-direction: column; justify-content: space-between; box-sizing: border-box;
  max-width: 22rem; padding: .35rem .6rem; border: 1px solid var(--st-border-color); border-left: 4px solid var(--tone);
  border-radius: var(--st-base-radius); background: var(--st-background-color); color: var(--st-text-color);
  font: 400 .8rem/1.25 var(--st-font); --tone: #8A8F98;
}
.value { font-size: 1.2rem; font-weight: 600; }
.words { font-weight: 600; color: var(--text); margin-left: .4rem; white-space: nowrap; } /* "not" and "proven" stay together */
.stale .value, .stale .words, .stale svg { opacity: .55; }
.early li { border-style: dashed; border-left-style: solid; }
.met { --text: var(--st-green-text-color); }
.not-met { --text: var(--st-red-text-color); }
.not-proven { --text: var(--st-orange-text-color); }
.no-figure, .void { --text: var(--st-gray-text-color); }
svg { display: block; width: 100%; height: 12px; overflow: visible; }
@media (max-height: 500px) { /* a phone on its side, or a page at 200% */
  svg, .asked { display: none; }
  .label { white-space: nowrap; overflow: hidden; text-overflow: ellipsis; }
  .value { font-size: 1rem; }
  li { padding: .1rem .6rem; }
}
.state { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
"""

_JS = """
export default function ({ data, parentElement }) {
  const root = parentElement.querySelector("#verdicts");
  const element = (tag, name, text) => {
    const made = document.createElement(tag);
    made.className = name;
    made.textContent = text ?? "";
    return made;
  };
  const line = (svg, tag, attributes) => {
    const made = document.createElementNS("http://www.w3.org/2000/svg", tag);
    Object.entries(attributes).forEach(([name, value]) => made.setAttribute(name, value));
    svg.append(made);
  };
  const mark = ({ low, high, value, bound, calm }) => {
    const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
    svg.setAttribute("aria-hidden", "true");
    const at = (place) => `${100 * place}%`;
    line(svg, "line", { x1: "0", x2: "100%", y1: 6, y2: 6, stroke: "var(--st-border-color)" });
    line(svg, "line", { x1: at(bound), x2: at(bound), y1: 0, y2: 12, stroke: "var(--st-text-color)", "stroke-width": 2,
                        "stroke-dasharray": "3 2" });
    if (value != null) {
      line(svg, "line", { x1: at(low), x2: at(high), y1: 6, y2: 6, stroke: "var(--tone)", "stroke-width": 4, opacity: .6 });
      line(svg, "circle", { cx: at(value), cy: 6, r: 4, fill: "var(--tone)" });
    }
    if (calm != null) {
      line(svg, "circle", { cx: at(calm), cy: 6, r: 4, fill: "none", stroke: "var(--st-text-color)", "stroke-width": 1.5 });
    }
    return svg;
  };
  root.className = data.stale ? "stale" : data.early ? "early" : "";
  root.replaceChildren(...data.chips.map((chip) => {
    const item = element("li", chip.words.replace(" ", "-"));
    item.title = chip.details;
    item.style.setProperty("--tone", chip.tone);
    const found = element("div", "");
    found.append(element("span", "value", chip.value), element("span", "words", chip.words));
    item.append(element("div", "label", chip.label), found, element("div", "asked", chip.asked), mark(chip.mark));
    return item;
  }));
  const state = parentElement.querySelector("#state");
  if (state.textContent !== data.state) state.textContent = data.state;
}
"""

_HTML = """
<ul id="verdicts" aria-label="Objectives" tabindex="0"></ul>
<div id="state" class="state" role="status" aria-live="polite"></div>
"""

_component = st.components.v2.component("verdicts", html=_HTML, css=_CSS, js=_JS)


def bar(
    verdicts: list[Verdict], calm: list[Verdict] | None = None, stale: bool = False, early: bool = False, state: str = ""
) -> None:
    """Show the objectives side by side.

    calm: the objectives in the run without curveballs, each drawn as a ring
    stale: True if the figures are those of an earlier design
    early: True if they rest on the first few replications; their frames are dashed
    state: the text that a screen reader speaks when it changes
    """
    before: Sequence[Verdict | None] = calm or [None] * len(verdicts)
    chips = [_chip(*pair) for pair in zip(verdicts, before, strict=True)]
    if stale and all(verdict.estimate is None for verdict in verdicts):  # nothing has been run yet
        chips = [chip | {"value": "…", "words": "", "details": f"{chip['label']}: {chip['asked']}"} for chip in chips]
    _component(key="verdicts", data={"chips": chips, "stale": stale, "early": early, "state": state})


def verdicts_sentence(verdicts: list[Verdict]) -> str:
    return "; ".join(f"{one.objective.label} {one.reached}, {one.standing}" for one in verdicts) + "."


def _chip(verdict: Verdict, calm: Verdict | None) -> dict[str, Any]:
    interval = f"95% interval {verdict.interval}{_doubts(verdict)}" if verdict.estimate else "the run has no such figure"
    before = f"; calm: {calm.reached}, {calm.standing}" if calm else ""
    return {
        "label": verdict.objective.label,
        "value": verdict.reached,
        "words": verdict.standing,
        "tone": TONES[verdict.standing],
        "asked": f"{verdict.requirement}{f'; calm {calm.reached}' if calm else ''}",
        "details": f"{verdict.objective.label}: {verdict.requirement}; {interval}{before}",
        "mark": _mark(verdict, calm),
    }


def _doubts(verdict: Verdict) -> str:
    found = verdict.estimate
    return f" ({doubts(found, verdict.metric.unit)})" if found and found.labels else ""


def _mark(verdict: Verdict, calm: Verdict | None) -> dict[str, float | None]:
    """Return the places of bound, value and interval on the chip's line, from 0 at its left end to 1."""
    found, before = verdict.estimate, calm.estimate if calm else None
    points = [verdict.bound, *_ends(found), *([before.value] if before else [])]
    room = 0.1 * (max(points) - min(points)) or 0.1 * abs(verdict.bound) or 1.0
    left, width = min(points) - room, max(points) - min(points) + 2 * room

    def at(value: float | None) -> float | None:
        return None if value is None else (value - left) / width

    low, value, high = (found.low, found.value, found.high) if found else (None, None, None)
    marks = {"low": low, "value": value, "high": high, "bound": verdict.bound, "calm": before.value if before else None}
    return {name: at(place) for name, place in marks.items()}


def _ends(found: Estimate | None) -> list[float]:
    return [found.low, found.high] if found else []
