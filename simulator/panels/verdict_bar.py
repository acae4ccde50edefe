"""The verdicts, always in view: a chip an objective, with its bound, its figure and its interval, and the state of the run.

The bar follows the run through its own socket and paints each stage itself, so that no stage runs the script.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import Any

import streamlit as st

from simulator.app.news import FOLLOW_JS, PAUSE_S, Look, offer
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
.value { font-size: 1.2rem; font-weight: 600; white-space: nowrap; }
.found { display: flex; flex-wrap: wrap; align-items: baseline; column-gap: .4rem; } /* five chips fit beside the choices */
.words { font-weight: 600; color: var(--text); white-space: nowrap; } /* "not" and "proven" stay together */
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
#run { display: flex; align-items: center; gap: .75rem; min-height: 1.6rem; padding-top: .25rem;
       font: 400 .8rem/1.25 var(--st-font); color: var(--st-text-color); }
#run progress { flex: 0 1 12rem; height: .5rem; accent-color: var(--st-primary-color); }
#run button { flex: none; white-space: nowrap;
              font: inherit; color: var(--st-text-color); background: none; cursor: pointer; padding: 0 .25rem;
              border: 1px solid transparent; border-radius: var(--st-base-radius); text-decoration: underline; }
#run button:hover { border-color: var(--st-primary-color); }
#run button:focus-visible { outline: 3px solid var(--st-primary-color); outline-offset: 1px; }
#run .failed { color: var(--st-red-text-color); }
[hidden] { display: none !important; }
"""

_JS = (
    f"{FOLLOW_JS}"
    + """
const paint = ({ data, parentElement, setTriggerValue }) => {
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
    if (bound != null) {
      line(svg, "line", { x1: at(bound), x2: at(bound), y1: 0, y2: 12, stroke: "var(--st-text-color)", "stroke-width": 2,
                          "stroke-dasharray": "3 2" });
    }
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
  if (data.chips) root.replaceChildren(...data.chips.map((chip) => {
    const item = element("li", chip.words.replace(" ", "-"));
    item.title = chip.details;
    item.style.setProperty("--tone", chip.tone);
    const found = element("div", "found");
    found.append(element("span", "value", chip.value), element("span", "words", chip.words));
    item.append(element("div", "label", chip.label), found, element("div", "asked", chip.asked), mark(chip.mark));
    return item;
  }));
  const state = parentElement.querySelector("#state");
  if (state.textContent !== data.state) state.textContent = data.state;
  const run = parentElement.querySelector("#run"), [bar, words, button] = run.children;
  run.hidden = !data.words;
  words.textContent = data.words;
  words.className = data.failed ? "failed" : "";
  bar.hidden = data.share == null;
  bar.value = data.share ?? 0;
  button.hidden = !data.action;
  button.textContent = data.action;
  button.onclick = () => setTriggerValue("pressed", [data.action, data.run]);
  fade(data.run);
};
// Reasons and panels of another run than the one whose figures are shown here are pale until their own run has come to its end.
const fade = (run) => {
  const id = "casesim-fade", sheet = document.getElementById(id) ?? document.head.appendChild(document.createElement("style"));
  sheet.id = id;
  const rule = run ? `[class*="st-key-of_run_"]:not([class*="st-key-of_run_${run}"]) { opacity: .45; }` : "";
  if (sheet.textContent !== rule) sheet.textContent = rule;
};
export default function (component) {
  const { data, parentElement, setTriggerValue } = component, drawn = JSON.stringify(data);
  if (parentElement.drawnData !== drawn) {
    paint(component);
    parentElement.ended = data.ended;
  }
  parentElement.drawnData = drawn;
  const heard = (_, content) => {
    paint({ ...component, data: content });
    if (content.ended === parentElement.ended) return;
    parentElement.ended = content.ended;
    clearTimeout(parentElement.ending);  // a run of the script that begins right after another loses what that one has drawn
    if (content.ended) parentElement.ending = setTimeout(() => setTriggerValue("ended", content.ended), %PAUSE_MS%);
  };
  const end = data.token && follow(parentElement, data.token, data.seen, heard);
  return () => { clearTimeout(parentElement.ending); end?.(); fade(""); };
}
""".replace("%PAUSE_MS%", str(round(1000 * PAUSE_S)))
)

_HTML = """
<ul id="verdicts" aria-label="Objectives" tabindex="0"></ul>
<div id="run">
  <progress max="1" aria-label="Progress of the run"></progress><span></span><button type="button"></button>
</div>
<div id="state" class="state" role="status" aria-live="polite"></div>
"""

_component = st.components.v2.component("verdicts", html=_HTML, css=_CSS, js=_JS)


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
    open_ones = [one for one in verdicts or [] if one.objective.metric not in hidden]
    # a screen reader speaks a change of it
    state = "" if stale or early or not open_ones else verdicts_sentence(open_ones)
    chips = None if verdicts is None else _chips(verdicts, calm, stale)
    for place, verdict in enumerate(verdicts or []):
        if chips is not None and verdict.objective.metric in hidden:
            chips[place] = _without_bound(chips[place], verdict)
    found = {"chips": chips, "stale": stale, "early": early, "state": state, "words": words, "share": share}
    return found | {"failed": failed, "run": run, "action": action}


def _chips(verdicts: list[Verdict], calm: list[Verdict] | None, stale: bool) -> list[dict[str, Any]]:
    before: Sequence[Verdict | None] = calm or [None] * len(verdicts)
    chips = [_chip(*pair) for pair in zip(verdicts, before, strict=True)]
    if stale and all(verdict.estimate is None for verdict in verdicts):  # nothing has been run yet
        return [chip | {"value": "…", "words": "", "details": f"{chip['label']}: {chip['asked']}"} for chip in chips]
    return chips


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
        "details": f"{verdict.statement}; {interval}{before}",
        "mark": _mark(verdict, calm),
    }


def _without_bound(chip: dict[str, Any], verdict: Verdict) -> dict[str, Any]:
    """Return a chip with the figure and its interval alone."""
    found = verdict.estimate
    details = f"95% interval {verdict.interval}" if found else "the run has no such figure"
    mark = {"low": 0.1, "value": 0.5, "high": 0.9, "bound": None, "calm": None} if found else dict.fromkeys(chip["mark"])
    return chip | {"words": "", "tone": NEUTRAL, "asked": verdict.interval if found else "", "details": details, "mark": mark}


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
