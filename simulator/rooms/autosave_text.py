"""A field for long text that saves itself while it is typed, on its own socket: no run of the script, nothing to press."""

from __future__ import annotations

from collections.abc import Callable
from hashlib import sha256
from threading import Lock
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

#: Time from the last key until a text is saved (ms): each text that is saved is an event of a log.
WAIT_MS = 1500

_JS = f"""{FOLLOW_JS}
export default function ({{ data, parentElement }}) {{
  const at = name => parentElement.querySelector(name), field = at("#text");
  const texts = globalThis.textsOnTheWay ??= new Map(); // what is typed outlives a field that the page makes anew
  // kept, base: the server's text and its revision; sent: texts since then, the last one without a reply while `away`;
  // other: a line that came meanwhile
  const box = parentElement.saving ??= {{ kept: data.value, base: data.seen, sent: [], away: false, timer: 0 }};
  at("label").textContent = data.label;
  field.rows = data.rows;
  field.maxLength = data.most;
  const typed = texts.get(data.token);
  if (!box.begun) {{
    const stays = typed?.drawn === data.value || typed?.waits;
    if (stays) Object.assign(box, typed.box);
    field.value = stays ? typed.text : data.value;
    box.begun = true;
  }}
  const say = words => {{ if (at("#state").textContent !== words) at("#state").textContent = words; }};
  const waits = () => field.value !== box.kept || box.away;
  const note = () => {{
    const {{ kept, base, sent, away }} = box;
    texts.set(data.token, {{ text: field.value, drawn: data.value, waits: waits(), box: {{ kept, base, sent, away }} }});
  }};
  const save = () => {{
    note();
    if (!waits()) return say(field.value ? "Saved" : "");
    if (!box.away) send(); // else its reply comes first
  }};
  const send = () => {{
    box.away = parentElement.newsLine?.say({{ text: field.value, base: box.base }}) ?? false;
    if (box.away) box.sent.push(field.value);
    else say("Not saved yet: no connection.");
    note();
  }};
  const later = (words = "Not saved yet") => {{
    note();
    say(words);
    clearTimeout(box.timer);
    box.timer = setTimeout(save, {WAIT_MS});
  }};
  field.oninput = () => later();
  field.onblur = save;
  field.onkeydown = event => event.stopPropagation();
  const keep = (text, base) => Object.assign(box, {{ kept: text, base, sent: [] }});
  const join = (text, base) => {{ // where two tabs change one text, both changes stay
    const own = field.value.startsWith(box.kept) ? field.value.slice(box.kept.length) : field.value;
    field.value = `${{text}}\\n${{own}}`;
    keep(text, base);
    later("Another tab has changed this text: both are here now.");
  }};
  const heard = (base, text) => {{
    if (waits()) return box.other = [base, text];
    keep(text, base);
    if (field.value !== text) field.value = text;
    note();
  }};
  const replied = reply => {{
    box.away = false;
    if (reply?.newer !== undefined && !box.sent.includes(reply.newer)) return join(reply.newer, reply.base);
    const other = [box.base, reply?.base].includes(box.other?.[0]) ? null : box.other;
    box.other = null;
    if (reply?.base !== undefined) keep(reply.saved ?? reply.newer, reply.base);
    if (reply?.fault) return say(reply.fault);
    if (field.value !== box.kept) return later();
    if (other) heard(...other);
    note();
    say("Saved");
  }};
  const end = follow(parentElement, data.token, box.base, heard, {{ replied, opened: () => {{
    if (waits()) send(); // of what was away before, the reply will not come
  }} }});
  return () => {{ clearTimeout(box.timer); end(); }};
}}
"""

_component = st.components.v2.component("autosave_text", html=_HTML, css=_CSS, js=_JS)


#: One text at a time is compared and saved.
_SAVING = Lock()


def autosave_text(key: str, label: str, read: Callable[[], str], save: Callable[[str], None], most: int, rows: int = 6) -> None:
    """Show a field for text that is saved a moment after each change, and changes with the text of another tab.

    A tab that changes a text which it has not seen is refused, and joins both texts.

    read: returns the text as it is kept; save: keeps a text, and raises InputError with a sentence. Both are called in threads
    of the server, outside of any script
    most: the most characters
    """

    def hear(said: Any) -> Any:
        text, base = (said.get("text"), said.get("base")) if isinstance(said, dict) else (None, None)
        if not isinstance(text, str) or len(text) > most:
            return {"fault": f"At most {most:,} characters are kept."}
        with _SAVING:
            kept = read()
            if kept != text and _revision(kept) != base:
                return {"newer": kept, "base": _revision(kept)}
            try:
                if kept != text:
                    save(text)
            except InputError as error:
                return {"fault": str(error)}
        return {"saved": text, "base": _revision(text)}

    def look() -> Latest:
        text = read()
        return Latest(_revision(text), lambda: text)

    value = read()
    data = {"token": offer(f"text {key}", look, hear=hear), "seen": _revision(value), "value": value}
    _component(key=component_key("text", key), data=data | {"label": label, "most": most, "rows": rows})


def _revision(text: str) -> str:
    return sha256(text.encode(errors="replace")).hexdigest()[:16]
