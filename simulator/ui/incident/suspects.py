"""How likely the person holds each cause: a slider and a bar each, the bars adding up to 100%."""

from __future__ import annotations

import streamlit as st

from simulator.analysis.incidents.actions import BelieveAction
from simulator.ui.incident.games import Game

#: Where every slider stands before anything is believed (%).
_UNDECIDED = 50

_CSS = """
table { border-collapse: collapse; width: 100%; color: var(--st-text-color); font: 400 .8rem/1.25 var(--st-font); }
caption, th { text-align: left; font-weight: 600; }
caption { padding-bottom: .25rem; }
td, th { padding: .12rem .35rem .12rem 0; vertical-align: middle; }
td:nth-child(2) { width: 26%; }
td:nth-child(3) { width: 22%; position: relative; text-align: right; font-variant-numeric: tabular-nums; }
input { width: 100%; min-width: 4rem; height: 1rem; margin: 0; appearance: none; background: none; cursor: pointer; }
input::-webkit-slider-runnable-track { height: .25rem; border-radius: .2rem; background: var(--st-border-color); }
input::-webkit-slider-thumb { appearance: none; width: .9rem; height: .9rem; margin-top: -.32rem; border-radius: 50%;
                              background: var(--st-primary-color); }
input::-moz-range-track { height: .25rem; border-radius: .2rem; background: var(--st-border-color); }
input::-moz-range-thumb { width: .9rem; height: .9rem; border: 0; border-radius: 50%; background: var(--st-primary-color); }
input:focus-visible, button:focus-visible { outline: 2px solid var(--st-primary-color); outline-offset: 1px; }
span { display: inline-block; width: 2.2rem; margin-right: .3rem; }
button { margin-top: .4rem; padding: .35rem .75rem; font: inherit; color: inherit; cursor: pointer; background: none;
         border: 1px solid var(--st-border-color); border-radius: var(--st-base-radius); }
button:hover { border-color: var(--st-primary-color); color: var(--st-primary-color); }
.bar { display: inline-block; width: calc(100% - 2.6rem); height: .6rem; background: var(--st-secondary-background-color); }
.bar i { display: block; height: 100%; background: var(--st-primary-color); }
"""

_HTML = """
<table>
  <thead><tr><th scope="col">What may be behind it</th><th scope="col">Suspicion</th><th scope="col">Share</th></tr></thead>
  <tbody></tbody>
</table>
<button type="button">Write these down</button>
"""

_JS = """
export default function ({ data, parentElement, setStateValue, setTriggerValue }) {
  const body = parentElement.querySelector("tbody"), write = parentElement.querySelector("button");
  const make = (tag, fields, ...inside) => {
    const made = Object.assign(document.createElement(tag), fields);
    made.append(...inside);
    return made;
  };
  const weights = () => Object.fromEntries([...body.querySelectorAll("input")].map((one) => [one.name, Number(one.value)]));
  const normalise = () => {
    const total = Object.values(weights()).reduce((sum, one) => sum + one, 0);
    body.querySelectorAll("input").forEach((one) => {
      const share = total ? 100 * one.value / total : 0, row = one.closest("tr");
      row.querySelector("i").style.width = `${share}%`;
      row.querySelector("span").textContent = `${Math.round(share)}%`;
      one.setAttribute("aria-valuetext", `${one.value}% suspicion, a share of ${Math.round(share)}%`);
    });
    write.disabled = !total;
  };
  if (body.dataset.shown !== data.token) {
    body.dataset.shown = data.token;
    body.replaceChildren(...data.causes.map(({ name, label, weight }) => {
      const slider = make("input", { type: "range", name, min: 0, max: 100, step: 5, value: weight, oninput: normalise });
      slider.setAttribute("aria-label", `Suspicion: ${label}`);
      slider.onchange = () => setStateValue("weights", weights());
      return make("tr", {}, make("td", { textContent: label }), make("td", {}, slider),
                  make("td", {}, make("span", {}), make("div", { className: "bar" }, make("i", {}))));
    }));
  }
  normalise();
  write.onclick = () => setTriggerValue("written", weights());
}
"""

_component = st.components.v2.component("incident_suspects", html=_HTML, css=_CSS, js=_JS)


def suspects(game: Game) -> BelieveAction | None:
    """Draw the causes in the author's order; what the person wrote down, if they did just now."""
    causes, key = game.play.spec.causes, f"suspects:{game.id}"
    token, before = str(len(_written(game))), _weights(game)
    kept = _read(st.session_state.get(key, {}).get("weights"), causes)
    shown = kept or before
    rows = [{"name": name, "label": cause.label, "weight": shown[name]} for name, cause in causes.items()]
    found = _component(
        key=key,
        data={"token": token, "causes": rows},
        on_weights_change=lambda: None,
        on_written_change=lambda: None,
    )
    written = _read(found.get("written"), causes)
    total = sum(written.values()) if written else 0
    return BelieveAction(kind="believe", shares={n: w / total for n, w in written.items() if w}) if written and total else None


def _written(game: Game) -> list[BelieveAction]:
    return [note.action for note in game.notes if isinstance(note.action, BelieveAction)]


def _weights(game: Game) -> dict[str, int]:
    """Where the sliders stand: where they were when they were last written down."""
    said = _written(game)
    if not said:
        return dict.fromkeys(game.play.spec.causes, _UNDECIDED)
    most = max(said[-1].shares.values())
    return {name: round(100 * said[-1].shares.get(name, 0.0) / most) for name in game.play.spec.causes}


def _read(given: object, causes: object) -> dict[str, int] | None:
    """Weights as the browser sent them: of known causes, from 0 to 100; None if they are not that."""
    if not isinstance(given, dict) or not isinstance(causes, dict) or set(given) != set(causes):
        return None
    fit = all(isinstance(weight, int | float) and 0 <= weight <= 100 for weight in given.values())
    return {str(name): int(weight) for name, weight in given.items()} if fit else None
