"""The table of the history: a row a run, with buttons to restore it, to pin it, and to choose it for comparison."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import streamlit as st

_HTML = """
<div id="scroll" tabindex="0" role="region" aria-label="Every run of this case">
  <table><thead><tr></tr></thead><tbody></tbody></table>
</div>
<div id="tip" role="tooltip" hidden></div>
"""

_CSS = """
#scroll { max-height: 15rem; overflow: auto; border: 1px solid var(--st-border-color); border-radius: var(--st-base-radius); }
table { border-collapse: collapse; width: 100%; color: var(--st-text-color); font: 400 .8rem/1.3 var(--st-font); }
th { position: sticky; top: 0; background: var(--st-secondary-background-color); text-align: left; z-index: 1; }
th, td { padding: .3rem .5rem; border-bottom: 1px solid var(--st-border-color); vertical-align: middle; white-space: nowrap; }
th { white-space: normal; font-weight: 600; vertical-align: bottom; }
th:nth-child(n + 5) { min-width: 4.5rem; }
tr[aria-current] td { background: var(--st-secondary-background-color); }
tr[aria-current] .number { font-weight: 700; }
button { font: inherit; color: inherit; background: none; border: 0; padding: .2rem .1rem; cursor: pointer; text-align: left; }
button.back { white-space: normal; min-width: 11rem; max-width: 20rem; text-decoration: underline; text-underline-offset: .2em;
              text-decoration-color: var(--st-border-color); }
button.star { font-size: 1.1rem; min-width: 1.5rem; text-align: center; }
button:focus-visible, input:focus-visible, #scroll:focus-visible {
  outline: 2px solid var(--st-primary-color); outline-offset: 1px;
}
input { width: 1rem; height: 1rem; accent-color: var(--st-primary-color); }
.met { color: var(--st-green-text-color); }
.not-met { color: var(--st-red-text-color); font-weight: 600; }
.not-proven { color: var(--st-orange-text-color); }
.no-figure, .void { color: var(--st-gray-text-color); }
small { display: block; font-size: .7rem; }
code { font: .75rem var(--st-code-font); }
#tip { position: fixed; z-index: 1000; max-width: 24rem; padding: .5rem .7rem; background: var(--st-background-color);
       color: var(--st-text-color); border: 1px solid var(--st-border-color); border-radius: var(--st-base-radius);
       font: 400 .8rem/1.4 var(--st-font); box-shadow: 0 2px 8px rgba(0, 0, 0, .25); white-space: pre-line; }
"""

_JS = """
export default function ({ data, parentElement, setStateValue, setTriggerValue }) {
  const find = (name) => parentElement.querySelector(name);
  const tip = find("#tip");
  const make = (tag, fields, ...inside) => {
    const made = Object.assign(document.createElement(tag), fields);
    made.append(...inside);
    return made;
  };
  const hide = () => { tip.hidden = true; };
  const show = (at, lines) => {
    if (!lines.length) return;
    tip.textContent = lines.join("\\n");
    tip.hidden = false;
    const box = at.getBoundingClientRect(), own = tip.getBoundingClientRect();
    const below = box.bottom + 4 + own.height < innerHeight;
    tip.style.left = `${Math.max(4, Math.min(box.left, innerWidth - own.width - 4))}px`;
    tip.style.top = `${below ? box.bottom + 4 : Math.max(4, box.top - own.height - 4)}px`;
  };
  const chosen = new Set(data.chosen);
  const row = (run) => {
    const back = make("button", { type: "button", className: "back", textContent: run.changed });
    back.setAttribute("aria-label", `Run ${run.number}: ${run.changed}. Bring it back.`);
    back.setAttribute("aria-description", run.details.join("; "));
    back.onclick = () => { hide(); setTriggerValue("restore", run.run); };
    back.onmouseenter = back.onfocus = () => show(back, run.details);
    back.onmouseleave = back.onblur = hide;
    back.onkeydown = (event) => { if (event.key === "Escape") hide(); };
    const star = make("button", { type: "button", className: "star", textContent: run.starred ? "★" : "☆",
                                  title: run.starred ? "Baseline: comparisons are with this run" : "Make it the baseline" });
    star.setAttribute("aria-label", `Baseline: run ${run.number}`);
    star.setAttribute("aria-pressed", String(run.starred));
    star.onclick = () => setTriggerValue("star", run.run);
    const tick = make("input", { type: "checkbox", checked: chosen.has(run.run),
                                 disabled: !chosen.has(run.run) && chosen.size >= data.most });
    tick.setAttribute("aria-label", `Compare run ${run.number}`);
    tick.onchange = () => {
      tick.checked ? chosen.add(run.run) : chosen.delete(run.run);
      setStateValue("chosen", [...chosen]);
    };
    const cells = run.reached.map((one) => make("td", { className: one.standing.replace(" ", "-") },
                                                one.words, make("small", { textContent: one.standing })));
    const made = make("tr", {}, make("td", { className: "number", textContent: run.number }), make("td", {}, back),
                      make("td", {}, star), make("td", {}, tick), ...cells,
                      make("td", {}, make("code", { textContent: run.hash }), make("small", { textContent: run.time })));
    if (run.shown) made.setAttribute("aria-current", "true");
    return made;
  };
  const focused = parentElement.activeElement?.getAttribute?.("aria-label");
  const heads = ["Run", "What changed", "Base", "Compare", ...data.labels, "Hash and time"];
  find("thead tr").replaceChildren(...heads.map((text) => make("th", { scope: "col", textContent: text })));
  find("tbody").replaceChildren(...data.rows.map(row));
  hide();
  if (focused) [...parentElement.querySelectorAll("button, input")].find((one) => one.ariaLabel === focused)?.focus();
}
"""

_component = st.components.v2.component("history", html=_HTML, css=_CSS, js=_JS)


def draw_strip(
    key: str,
    labels: list[str],
    rows: list[dict[str, Any]],
    most: int,
    on_restore: Callable[[str], None],
    on_star: Callable[[str], None],
) -> list[str]:
    """Draw the rows; return the ticked runs, at most `most` of them.

    on_restore, on_star: called with the run of the pressed button, before the page is drawn again
    """

    def pressed(name: str, call: Callable[[str], None]) -> Callable[[], None]:
        def called() -> None:
            run = st.session_state[key].get(name)
            if isinstance(run, str):
                call(run)

        return called

    before = st.session_state.get(key, {}).get("chosen") or []
    there = {row["run"] for row in rows}
    chosen = [run for run in before if run in there]
    found = _component(
        key=key,
        data={"labels": labels, "rows": rows, "chosen": chosen, "most": most},
        on_restore_change=pressed("restore", on_restore),
        on_star_change=pressed("star", on_star),
        on_chosen_change=lambda: None,
    )
    if found.restore:
        st.rerun()  # the choices stand outside of this fragment
    return chosen
