"""Links to another page with a query, as one step of the browser's history."""

from __future__ import annotations

from simulator.app.component_files import component_beside

_component = component_beside(__file__, "page_links")


def links_in_one_step() -> None:
    """Let each link of the page to another one be one step, so that one step back comes back to the page as it was."""
    _component(key="page_links")
