"""The difference of two texts, line by line."""

from __future__ import annotations

from difflib import unified_diff

import streamlit as st


def difference(before: str, after: str, names: tuple[str, str]) -> str:
    """Return the lines that differ, with three lines around each; empty for equal texts."""
    lines = unified_diff(before.splitlines(), after.splitlines(), *names, lineterm="")
    return "\n".join(lines)


def show_difference(before: str, after: str, names: tuple[str, str]) -> None:
    """Show the lines that differ, or say that none does."""
    found = difference(before, after, names)
    if found:
        st.code(found, language=None, wrap_lines=True)
    else:
        st.markdown("The two texts are equal.")
