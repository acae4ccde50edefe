"""The chosen tab of a tab bar that is wider than the screen: the bar scrolls to it, as on a phone after a link to that tab."""

from __future__ import annotations

import streamlit as st

#: Scrolls a bar once another tab is chosen in it, and never the page. The time-out waits until the tabs have their widths.
_JS = """
export default function () {
  const chosen = new WeakMap();
  const show = () => document.querySelectorAll('[role="tab"][aria-selected="true"]').forEach((tab) => {
    const bar = tab.closest('[role="tablist"]');
    if (!bar || chosen.get(bar) === tab) return;
    let scrolled = bar;
    while (scrolled && scrolled.scrollWidth <= scrolled.clientWidth) {
      scrolled = scrolled.dataset.testid === "stTabs" ? null : scrolled.parentElement;
    }
    chosen.set(bar, tab);
    if (!scrolled) return;
    const [own, seen] = [tab, scrolled].map((one) => one.getBoundingClientRect());
    if (own.left < seen.left) scrolled.scrollLeft += own.left - seen.left;
    if (own.right > seen.right) scrolled.scrollLeft += own.right - seen.right;
  });
  let waiting;
  const soon = () => { clearTimeout(waiting); waiting = setTimeout(show, 100); };
  const observer = new MutationObserver(soon);
  observer.observe(document.body, { subtree: true, childList: true, attributes: true, attributeFilter: ["aria-selected"] });
  soon();
  return () => { clearTimeout(waiting); observer.disconnect(); };
}
"""

_component = st.components.v2.component("tab_bar", html="<span hidden></span>", js=_JS)


def chosen_tabs_in_view() -> None:
    """Keep the chosen tab of every tab bar of the page in view."""
    _component(key="tab_bar")
