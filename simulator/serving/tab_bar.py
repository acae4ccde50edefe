"""The chosen tab of a tab bar that is wider than the screen: the bar scrolls to it, as on a phone after a link to that tab."""

from __future__ import annotations

from simulator.app.component_files import component_beside

_component = component_beside(__file__, "tab_bar")


def chosen_tabs_in_view() -> None:
    """Keep the chosen tab of every tab bar of the page in view."""
    _component(key="tab_bar")
