"""Components of the browser whose markup, style and script lie beside a module, in files of the component's name."""

from __future__ import annotations

from pathlib import Path

import streamlit as st
from streamlit.components.v2.types import ComponentRenderer


def component_beside(module: str, name: str, script_before: str = "") -> ComponentRenderer:
    """Declare the component `name` of `NAME.html`, `NAME.js` and, if there is one, `NAME.css` in the folder of a module.

    module: the module's file; script_before: JavaScript that its script builds on
    Raises FileNotFoundError where its markup or its script is missing.
    """
    file = Path(module).with_name(name)
    style = file.with_suffix(".css")
    css = style.read_text(encoding="utf-8") if style.is_file() else None
    html = file.with_suffix(".html").read_text(encoding="utf-8")
    return st.components.v2.component(name, html=html, css=css, js=script_of(module, name, script_before))


def script_of(module: str, name: str, script_before: str = "") -> str:
    return script_before + Path(module).with_name(f"{name}.js").read_text(encoding="utf-8")


_tab_bar, _page_links = component_beside(__file__, "tab_bar"), component_beside(__file__, "page_links")


def chosen_tabs_in_view() -> None:
    """Keep the chosen tab of every tab bar of the page in view: a bar that is wider than a phone scrolls to it."""
    _tab_bar(key="tab_bar")


def links_in_one_step() -> None:
    """Let each link of the page to another one be one step, so that one step back comes back to the page as it was."""
    _page_links(key="page_links")
