"""The table of the history: a row a run, with buttons to restore it, to pin it, and to choose it for comparison."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import streamlit as st

from simulator.app.component_files import component_beside

_component = component_beside(__file__, "history")


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
