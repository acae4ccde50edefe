"""Components of the browser whose markup, style and script lie beside a module, in files of its name."""

from __future__ import annotations

from pathlib import Path

import streamlit as st
from streamlit.components.v2.types import ComponentRenderer


def component_beside(module: str, name: str, script_before: str = "") -> ComponentRenderer:
    """Declare the component `name` of `MODULE.html`, `MODULE.css` (if there is one) and `MODULE.js`.

    module: the module's file; script_before: JavaScript that its script builds on
    """
    html, css = (_text(module, kind) for kind in ("html", "css"))
    return st.components.v2.component(name, html=html, css=css, js=script_of(module, script_before))


def script_of(module: str, script_before: str = "") -> str:
    return f"{script_before}{_text(module, 'js')}"


def _text(module: str, kind: str) -> str | None:
    file = Path(module).with_suffix(f".{kind}")
    return file.read_text(encoding="utf-8") if file.is_file() else None


_tab_bar, _page_links = (component_beside(str(Path(__file__).with_name(name)), name) for name in ("tab_bar", "page_links"))


def chosen_tabs_in_view() -> None:
    """Keep the chosen tab of every tab bar of the page in view: a bar that is wider than a phone scrolls to it."""
    _tab_bar(key="tab_bar")


def links_in_one_step() -> None:
    """Let each link of the page to another one be one step, so that one step back comes back to the page as it was."""
    _page_links(key="page_links")
