"""A choice of a case as a widget: a list of options, or a slider."""

from __future__ import annotations

from typing import Any

import streamlit as st

from simulator.app.widgets import number_format, plain
from simulator.case.choices import Choice, Number, Options
from simulator.units import plain_number


def choice_widget(choice: Choice, **shared: Any) -> None:
    """Show a choice as a widget; shared: the arguments that every widget takes, its key among them."""
    shared["help"] = _help(choice)
    if isinstance(choice, Options):
        st.selectbox(plain(choice.label), list(choice.options), format_func=choice.label_of, **shared)
    else:
        _number(choice, shared)


def _number(choice: Number, shared: dict[str, Any]) -> None:
    label = plain(f"{choice.label} ({choice.unit})" if choice.unit else choice.label)
    if choice.values is not None:
        values = [choice.read(value) for value in choice.values]
        st.select_slider(label, values, format_func=plain_number, **shared)
        return
    assert choice.min is not None
    assert choice.max is not None
    assert choice.step is not None
    low, high, step = (choice.like(bound) for bound in (choice.min, choice.max, choice.step))
    st.slider(label, low, high, step=step, format=number_format(step), **shared)


def _help(choice: Choice) -> str | None:
    options = choice.options.values() if isinstance(choice, Options) else []
    notes = [f"- {plain(f'{option.label}: {option.note}')}" for option in options if option.note]
    return "\n".join([*filter(None, [plain(choice.help or "")]), *notes]) or None
