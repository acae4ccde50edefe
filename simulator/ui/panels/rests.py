"""What a run rests on: how far to trust it, its numbers, and where they come from."""

from __future__ import annotations

import streamlit as st

from simulator.analysis.run.result import Result
from simulator.analysis.run.summary import metric_rows
from simulator.analysis.run.trust import Level, Note
from simulator.serving.calendar import DAY_S
from simulator.ui.widgets import evidence, plain
from simulator.units import span

_LEVELS: dict[Level, str] = {"weak": "Reasons for doubt", "fair": "To bear in mind", "good": "Well founded"}


def trust(result: Result) -> None:
    """How far a result can be trusted, doubts first, and what else there is to say of it."""
    good = sum(note.level == "good" for note in result.trust)
    st.subheader(f"How far to trust this: {good} of {len(result.trust)} points are good", anchor=False)
    for level, title in _LEVELS.items():
        told = [note for note in result.trust if note.level == level]
        if told:
            _notes(title, told)
    if result.warnings:
        st.markdown(_listed("Also", list(dict.fromkeys(result.warnings))))
    st.caption(_size(result))


def _notes(title: str, told: list[Note]) -> None:
    st.markdown(_listed(title, [note.sentence for note in told]))


def _listed(title: str, sentences: list[str]) -> str:
    return "\n".join([f"**{title}**", "", *(f"- {plain(sentence)}" for sentence in sentences)])


def _size(result: Result) -> str:
    scenario = result.plan.scenario
    each = f"{result.replications} replications of {span(DAY_S * scenario.run.days)} each"
    return f"{each}, {result.requests:,} {scenario.unit.many} in all, seed {result.seed}, run hash {result.run_hash}."


def numbers(result: Result) -> None:
    """Every number with its interval, and the source of every input."""
    st.subheader("Numbers", anchor=False)
    st.caption(result.sense)
    st.dataframe(
        metric_rows(result), hide_index=True, alt="Each metric with its 95% interval and the sources of its uncertainty."
    )
    st.subheader("Where the numbers come from", anchor=False)
    evidence(result.provenance)
