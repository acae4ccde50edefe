"""Links to another page with a query, as one step of the browser's history."""

from __future__ import annotations

import streamlit as st

#: Streamlit puts the query on the page that is left before it goes to the other one, which takes two steps back. Here the
#: address changes once, and Streamlit follows it as it follows a step forward.
_JS = """
export default function () {
  const go = (event) => {
    const link = event.target instanceof Element && event.target.closest('[data-testid="stPageLink-NavLink"]');
    if (!link || !link.search || event.button || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
    event.preventDefault();
    event.stopPropagation();
    history.pushState({}, "", link.href);
    dispatchEvent(new PopStateEvent("popstate"));
  };
  document.addEventListener("click", go, true);
  return () => document.removeEventListener("click", go, true);
}
"""

_component = st.components.v2.component("page_links", html="<span hidden></span>", js=_JS)


def links_in_one_step() -> None:
    """Let each link of the page to another one be one step, so that one step back comes back to the page as it was."""
    _component(key="page_links")
