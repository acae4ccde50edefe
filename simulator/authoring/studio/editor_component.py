"""The editor in the browser. `frontend/editor/` holds its source, `make editor` builds it, and `editor.js` is the result."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import streamlit as st

from simulator.app.bundles import FRONTEND, address
from simulator.app.news import FOLLOW_JS, offer
from simulator.authoring.studio.draft import Draft
from simulator.limits import STUDIO_BYTES

#: The bundle: CodeMirror and the editor.
BUNDLE = FRONTEND / "editor.js"

_HTML = '<p id="missing" role="alert" hidden>The editor could not be loaded. Reload the page.</p>'

# A run sends these lines only; the browser imports the bundle once and keeps it.
_JS = f"""{FOLLOW_JS}
export default ({{ data, parentElement, setTriggerValue }}) => {{
  let gone = false, end = () => {{}};
  import(new URL(data.bundle, document.baseURI)).then(
    ({{ mount }}) => {{ if (!gone) end = mount({{ data, parentElement, follow, command: setTriggerValue }}); }},
    () => {{ parentElement.querySelector("#missing").hidden = false; }},
  );
  return () => {{ gone = true; end(); }};
}};
"""

_component = st.components.v2.component("studio", html=_HTML, js=_JS)


def editor(draft: Draft, on_save: Callable[[], None], height: int = 520) -> None:
    """Show the editor of a draft; on_save: called once the author wants to save, when the draft has the text of the browser.

    Text, faults, completions and hints travel on the socket of news: no key runs the script.
    """
    key = f"studio:editor:{draft.name}"

    def wants_to_save() -> None:
        said: Any = st.session_state[key].get("save")
        if isinstance(said, dict) and isinstance(said.get("text"), str) and isinstance(said.get("number"), int):
            draft.take(said["number"], said["text"])
        on_save()

    token = offer(key, draft.look, hear=draft.hear, longest=STUDIO_BYTES)
    data = {"bundle": address(BUNDLE), "token": token, "file": draft.name, "height": height}
    _component(key=key, data=data, on_save_change=wants_to_save)
