"""A field for long text that saves itself while it is typed, on its own socket: no run of the script, nothing to press."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import streamlit as st

from simulator.app.news import FOLLOW_JS, Latest, component_key, offer
from simulator.errors import InputError

_CSS = """
label { display: block; font: 400 .875rem/1.6 var(--st-font); color: var(--st-text-color); }
textarea { box-sizing: border-box; width: 100%; padding: .5rem .75rem; font: 400 1rem/1.5 var(--st-font); resize: vertical;
           color: var(--st-text-color); background: var(--st-secondary-background-color);
           border: 1px solid var(--st-border-color); border-radius: var(--st-base-radius); }
textarea:focus-visible { outline: 2px solid var(--st-primary-color); outline-offset: 1px; }
#state { min-height: 1.4em; font: 400 .8rem/1.4 var(--st-font); color: var(--st-text-color); }
"""

_HTML = '<label for="text"></label><textarea id="text"></textarea><div id="state" role="status"></div>'

_JS = f"""{FOLLOW_JS}
export default function ({{ data, parentElement }}) {{
  const at = name => parentElement.querySelector(name), field = at("#text");
  const texts = globalThis.textsOnTheWay ??= new Map(); // what is typed outlives a field that the page makes anew
  const box = parentElement.saving ??= {{ kept: data.value, away: 0, timer: 0 }}; // away: texts without a reply so far
  at("label").textContent = data.label;
  field.rows = data.rows;
  field.maxLength = data.most;
  const typed = texts.get(data.token);
  if (!box.begun) {{
    field.value = typed?.drawn === data.value || typed?.waits ? typed.text : data.value;
    box.away = typed?.waits ? 1 : 0;
    box.begun = true;
  }}
  const say = words => {{ if (at("#state").textContent !== words) at("#state").textContent = words; }};
  const waits = () => field.value !== box.kept || box.away > 0;
  const note = () => texts.set(data.token, {{ text: field.value, drawn: data.value, waits: waits() }});
  const save = () => {{
    note();
    if (!waits()) return say(field.value ? "Saved" : "");
    if (parentElement.newsLine?.say({{ text: field.value }})) box.away++;
    else say("Not saved yet: no connection.");
  }};
  const later = () => {{ note(); say("Not saved yet"); clearTimeout(box.timer); box.timer = setTimeout(save, 800); }};
  field.oninput = later;
  field.onblur = save;
  field.onkeydown = event => event.stopPropagation();
  const replied = reply => {{
    if (box.away) box.away--;
    if (reply?.saved !== undefined) box.kept = reply.saved;
    if (reply?.fault) return say(reply.fault);
    if (field.value !== box.kept) return later();
    note();
    say("Saved");
  }};
  const end = follow(parentElement, data.token, data.seen, () => {{}}, {{ replied, opened: () => {{
    if (!waits()) return;
    save(); // of what was away before, the reply will not come
    box.away = 1;
  }} }});
  return () => {{ clearTimeout(box.timer); end(); }};
}}
"""

_component = st.components.v2.component("autosave_text", html=_HTML, css=_CSS, js=_JS)


def autosave_text(key: str, label: str, value: str, save: Callable[[str], None], most: int, rows: int = 6) -> None:
    """Show a field for text that is saved a moment after each change.

    value: the text as it is kept, for a page that is drawn for the first time
    save: keeps a text; called in a thread of the server, outside of any script; raises InputError with a sentence
    most: the most characters
    """

    def hear(said: Any) -> Any:
        text = said.get("text") if isinstance(said, dict) else None
        if not isinstance(text, str) or len(text) > most:
            return {"fault": f"At most {most:,} characters are kept."}
        try:
            save(text)
        except InputError as error:
            return {"fault": str(error)}
        return {"saved": text}

    token = offer(f"text {key}", lambda: Latest("text"), hear=hear)
    _component(
        key=component_key("text", key),
        data={"token": token, "seen": "text", "label": label, "value": value, "most": most, "rows": rows},
    )
