"""Parts that the forms of Studio share: numbers as text, and the way of a change into the editor."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from hashlib import sha256
from typing import Any

import streamlit as st
from streamlit.errors import StreamlitAPIException

from simulator.app.widgets import plain
from simulator.authoring.studio.draft import Draft
from simulator.case.document import ScenarioError, parse_document
from simulator.errors import InputError

_REPORT = "studio:form"


def data_of(draft: Draft) -> dict[str, Any]:
    """Return the plain data of the text as it is now; raises ScenarioError for a text that is not YAML."""
    data: dict[str, Any] = parse_document(draft.text, draft.name).data
    return data


def keyed(name: str, data: Any) -> str:
    """Return a widget's key that is another one once the data that it starts from are others."""
    return f"studio:{name}:{sha256(repr(data).encode()).hexdigest()[:12]}"


def number_of(words: str, field: str) -> float | int | None:
    """Return the number that the author wrote; None for nothing. Raises InputError."""
    words = words.strip()
    if not words:
        return None
    try:
        number = float(words)
    except ValueError:
        raise InputError(f"{field}: expected a number, got '{words}'") from None
    return int(number) if number.is_integer() and abs(number) < 1e15 else number


def written_number(value: Any) -> str:
    """Return a number of the text as its field shows it."""
    return "" if value is None else f"{value:g}" if isinstance(value, float) and float(f"{value:g}") == value else str(value)


def put(draft: Draft, make: Callable[[str], str]) -> None:
    """Change the text, and draw the forms again; show a sentence where the change cannot be made."""
    try:
        draft.change(make)
    except (InputError, ScenarioError) as error:
        st.error(plain(str(error)))
    else:
        st.session_state[_REPORT] = "The text has the change. Save keeps it; Undo in the editor takes it back."
        draw_again()


def draw_again() -> None:
    """Draw the fragment again, or the page where all of it is being drawn."""
    with suppress(StreamlitAPIException):
        st.rerun(scope="fragment")
    st.rerun()


def report() -> None:
    """Say that the last change is in the text, for some seconds: the page is drawn again as soon as the text is checked."""
    if said := st.session_state.pop(_REPORT, None):
        st.toast(said)
